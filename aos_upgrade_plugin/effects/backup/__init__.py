"""Backups: made, checked, read, removed."""
