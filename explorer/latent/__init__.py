"""Maths on codes: pure numpy functions of codes, a `Space` or a `decode` callable; never a model or file."""
