"""Faces in pictures and videos: found, cut out for training (`prepare`), and drawn anew by a network (`swap`).

No screen here: what takes long tells `progress(fraction, text)` and asks `should_stop()`.
"""
