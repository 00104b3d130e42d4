"""Ansible's connection plugin `psrp` with a recorder around it; docs/transcripts.md."""

from __future__ import annotations

from ansible.plugins.connection import psrp
from winlab.transcripts.plugin import Recording, documentation

DOCUMENTATION = documentation(psrp.DOCUMENTATION, "psrp", "recorded_psrp")


class Connection(Recording, psrp.Connection):
    """The real connection, recorded."""
