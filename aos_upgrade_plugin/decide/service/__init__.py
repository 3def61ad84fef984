"""The server, its packages, and whether it answers as it should."""
