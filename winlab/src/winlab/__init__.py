"""Simulated Windows hosts over real WinRM."""

__version__ = "0.1.0"
