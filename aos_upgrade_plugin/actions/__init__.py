"""What people and agents can ask for: each composed of phases, checks and reporters."""
