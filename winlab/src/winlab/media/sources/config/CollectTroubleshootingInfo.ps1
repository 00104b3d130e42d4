# winlab stand-in for the log collector that comes with the ECMA Connector Host.
throw "winlab stand-in"
