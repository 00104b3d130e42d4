"""Move a connector from Microsoft Identity Manager to the Microsoft Entra ECMA Connector Host."""

__version__ = "0.1.0"
