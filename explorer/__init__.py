"""Latent Explorer: look inside trained image generators."""

__version__ = "0.1.0"

import os

# Torch asks once, before its first tensor: large maps in huge pages of memory cost Linux a fraction of the faults.
os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")
