"""Reading an exported management agent: any XML that people bring becomes a typed model or one finding R1."""

from mim2ecma.management_agent.model import Export, ManagementAgent, Wrapper
from mim2ecma.management_agent.read import read

__all__ = ["Export", "ManagementAgent", "Wrapper", "read"]
