# winlab stand-in for the connection test that comes with the ECMA Connector Host.
throw "winlab stand-in"
