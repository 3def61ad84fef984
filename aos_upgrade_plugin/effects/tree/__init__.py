"""The one way in which a tree is changed, and what stands in it."""
