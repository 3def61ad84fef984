"""What happens to an installation, one step a file: facts, then a decision, then one effect."""
