"""Judging whether the ECMA Connector Host can take an exported management agent."""

from mim2ecma.readiness.inspection import Inspection
from mim2ecma.readiness.judge import inspect, judge
from mim2ecma.readiness.options import Options
from mim2ecma.readiness.versions import compare_assembly_version

__all__ = ["Inspection", "Options", "compare_assembly_version", "inspect", "judge"]
