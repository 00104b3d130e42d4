"""Ansible's connection plugin `winrm` with a recorder around it; docs/transcripts.md."""

from __future__ import annotations

from ansible.plugins.connection import winrm
from winlab.transcripts.plugin import Recording, documentation

DOCUMENTATION = documentation(winrm.DOCUMENTATION, "winrm", "recorded_winrm")


class Connection(Recording, winrm.Connection):
    """The real connection, recorded."""
