"""Python environments: read, built beside, exchanged."""
