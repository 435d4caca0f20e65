"""The session as a document: written, read, kept against crashes, opened and saved by the menus."""
