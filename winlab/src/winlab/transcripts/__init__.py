"""Transcripts of real hosts: what was called and answered, everything redacted but what is known harmless.

`recorder` writes them beneath Ansible's own connection plugins, `replay` serves one over WinRM, `compare`
holds one against the twins. The format is described in docs/transcripts.md.
"""
