"""Pictures to files: strips, sheets, grids, maps and films; the window and the command line share these.

Everything here takes pictures that the renderer made, uint8 `(N, H, W, C)`, and changes none of their
values: they are only laid side by side, and enlarged by whole numbers with every pixel repeated.
"""
