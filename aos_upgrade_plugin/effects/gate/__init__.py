"""Gates: run in processes of their own, heard, written down."""
