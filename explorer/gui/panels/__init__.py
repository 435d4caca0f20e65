"""The window's panels, one file each; a panel reads the session, asks for pictures and calls setters."""
