"""The processes of an installation, and how they are asked."""
