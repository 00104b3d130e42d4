"""Products as seen from outside: Windows Installer, SQL Server, MIM Sync, the agent package, the ECMA host.

Importing a module of this package registers its programs and services; `winlab.programs` imports them all.
"""
