"""Git: what a source holds, what was laid down from it, what it merges."""
