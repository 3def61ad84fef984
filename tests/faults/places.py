"""The names of the folders in the sandbox that are ours, or are exchanged as a whole."""

INSTALLS = (".agent-os", ".praxis-os")
"""The name of the install folder before, and after."""
STAGED_ENVIRONMENT = ".venv-stage"
CONTROL = frozenset({b".upgrades", b".upgrade-lock", b".backups", b"state"})
WHOLE = frozenset({b"venv", STAGED_ENVIRONMENT.encode(), b".cache"})
"""What is in them is not looked at; others who change it change what is exchanged."""
