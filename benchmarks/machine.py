"""The machine that figures are of, in one line."""

from __future__ import annotations

import os

from .measure import plain_threads


def describe() -> str:
    """Return processor, cores, memory, torch, what `fast` computes in, threads, and how busy others keep it.

    More than a core's worth of other work spoils the times, and the ratios a little.
    """
    from explorer.render import devices

    parts = [devices.describe_machine()]
    if hasattr(os, "sysconf") and "SC_PHYS_PAGES" in os.sysconf_names:
        parts.append(f"{os.sysconf('SC_PHYS_PAGES') * os.sysconf('SC_PAGE_SIZE') / 2**30:.0f} GB of memory")
    parts.append(f"fast on its CPU is {devices.number_type('cpu', 'fast')}")
    parts.append(
        f"{plain_threads()} threads for plain ways, {devices.decode_threads()} for a decode beside a window"
    )
    if hasattr(os, "getloadavg"):
        parts.append(f"load {os.getloadavg()[0]:.1f}")
    return ", ".join(parts)
