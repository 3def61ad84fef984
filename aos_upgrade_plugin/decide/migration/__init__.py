"""What is done where upstream renamed, moved or gave up something."""
