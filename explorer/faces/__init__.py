"""Faces in pictures and videos: found, cut out for training (`prepare`), and drawn anew by a network (`swap`).

No screen here: what takes long tells `progress(fraction, text)` and asks `should_stop()`.
"""

MARGIN = 0.15
"""Room around a face on each side, as a share of the face's own side."""
