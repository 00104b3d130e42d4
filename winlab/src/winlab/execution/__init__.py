"""What a remote command does: a manifest from Ansible, or a command line that is known by its text."""

from winlab.execution.commands import run
from winlab.execution.streams import CommandRequest, Streams

__all__ = ["CommandRequest", "Streams", "run"]
