"""The sessions of an installation, and the lock."""
