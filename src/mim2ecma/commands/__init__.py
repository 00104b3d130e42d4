"""Subcommands of `mim2ecma`, one module each; names that begin with an underscore are helpers."""
