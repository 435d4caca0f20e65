"""Watching a run learn: its epochs, walked through at the same code."""
