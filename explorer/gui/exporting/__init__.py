"""Exports of the window: the dialog, what it is set to, and the recipes of what is shown."""
