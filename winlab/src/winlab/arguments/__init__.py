"""Arguments as the real module would see them: its own specification, checked the way Ansible checks it."""
