"""What an upgrade does to files: compared, merged, decided, shown."""
