"""Plain torch state dicts (`.pt`, `.pth`, `.ckpt`), as the zip of today or the stream before torch 1.6.

They are read in a child process; see `isolated`. Recognised by first bytes only: extensions lie.
"""

from __future__ import annotations

import zipfile
from pathlib import Path

from explorer.formats import isolated
from explorer.formats.reader import Reader, Reading
from explorer.models.base import LatentModel, StageModel

STREAM_MAGIC = bytes.fromhex("80028a0a6cfc9c46f9206aa85019")
"""How the container before torch 1.6 begins: a pickle of one number."""


def _matches(head: bytes, path: Path) -> bool:
    return head.startswith(STREAM_MAGIC) or (head.startswith(b"PK\x03\x04") and _is_torch_zip(head, path))


def _is_torch_zip(head: bytes, path: Path) -> bool:
    """`X/data.pkl` without `X/constants.pkl`; of a zip that is cut off, the first member's name must do."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, EOFError):
        length = int.from_bytes(head[26:28], "little")
        names = [head[30 : 30 + length].decode("utf-8", "replace")]
    members = {name.partition("/")[2] for name in names}
    return "data.pkl" in members and "constants.pkl" not in members


def _load(reading: Reading) -> isolated.Handed:
    reading.on_progress(0.02, f"Starting a separate process to read {reading.path.name}")
    with isolated.start(reading.path) as child:
        import torch  # noqa: F401 (while the child does, too)

        return child.result(reading.on_progress, reading.should_stop)


def _build(handed: isolated.Handed, reading: Reading) -> LatentModel | StageModel:
    from explorer.formats import recognition

    reading.on_progress(0.8, f"Building the network of {reading.name}")
    return recognition.recognise(handed.tensors, reading, format_name="torch", notes=handed.notes)


READER = Reader("torch state dict (.pt, .pth)", _matches, _load, _build)
