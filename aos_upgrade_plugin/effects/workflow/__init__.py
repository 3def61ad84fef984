"""Workflow folders as they are on the disk."""
