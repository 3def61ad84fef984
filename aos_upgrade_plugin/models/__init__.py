"""Frozen data: what is stored, planned, measured and reported."""
