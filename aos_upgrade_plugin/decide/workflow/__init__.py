"""How a workflow is defined and walked, and how the tool answers."""
