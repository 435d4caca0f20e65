"""Devices and precision, by Lightning Fabric; the only module that makes one."""

from __future__ import annotations

import logging
import warnings
from typing import TYPE_CHECKING

from explorer.errors import DeviceError, UsageError

if TYPE_CHECKING:
    from lightning_fabric import Fabric

PRECISIONS = {"32": "32-true", "16": "16-mixed", "bf16": "bf16-mixed"}
"""What may be asked for, short and as Fabric calls it."""


def make_fabric(device: str, devices: int, num_nodes: int, precision: str) -> Fabric:
    """Return what runs on `device` (`auto`, `cpu`, `cuda` or `mps`); with several devices, the processes are begun.

    Raises:
        UsageError: Lightning Fabric is not installed, or the precision or a number is none.
        DeviceError: a device is not there.
    """
    try:
        from lightning_fabric import Fabric
    except ImportError as error:
        raise UsageError(
            'Training needs Lightning Fabric, which is not installed; run: pip install "latent-explorer[train]".'
        ) from error
    wanted = PRECISIONS.get(precision, precision)
    if wanted not in PRECISIONS.values():
        known = ", ".join(PRECISIONS.values())
        raise UsageError(f"There is no precision {precision} for training; choose one of {known}.")
    if devices < 1 or num_nodes < 1:
        raise UsageError("--devices and --num-nodes take whole numbers from 1 on; correct them.")
    several = devices * num_nodes > 1
    for name in ("lightning_fabric", "lightning_fabric.utilities.seed"):
        logging.getLogger(name).setLevel(logging.WARNING)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # advice on other hardware
        try:
            fabric = Fabric(
                accelerator=device,
                devices=devices,
                num_nodes=num_nodes,
                precision=wanted,  # type: ignore[arg-type]
                strategy="ddp" if several else "auto",
            )
            if several:
                fabric.launch()
        except (RuntimeError, ValueError, AssertionError) as error:
            what = f"is no device {device}" if devices == 1 else f"are no {devices} devices {device}"
            raise DeviceError(f"There {what} for training here; use --device cpu.") from error
    return fabric
