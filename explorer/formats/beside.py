"""Folders that other programs write: which files make one, given the folder or any file of it, and its JSON.

One project's layout is in a file of its own (`disvae`, `pythae`); here is what they share.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from explorer.errors import CheckpointError
from explorer.formats import sidecars
from explorer.formats.isolated import Handed
from explorer.formats.reader import Reading

WEIGHTS = (".pt", ".pth", ".ckpt", ".pkl", ".bin")


def folder_of(path: Path) -> Path:
    """Return the folder that was given, or in which the given file lies."""
    return path if path.is_dir() else path.parent


def has(path: Path, description: str, weights: str) -> bool:
    """Tell whether a folder, or the weights in one, come with a description of this name; must not raise."""
    try:
        folder = folder_of(path)
        is_meant = path.is_dir() or path.name == weights
        return is_meant and (folder / description).is_file() and (folder / weights).is_file()
    except OSError:
        return False


def described(path: Path, name: str) -> dict[str, Any]:
    """Return what a JSON file of the folder says.

    Raises:
        CheckpointError: it is no JSON object.
    """
    return sidecars.read_json(folder_of(path) / name)


def sizes(said: dict[str, Any], where: Path, *names: str) -> list[int]:
    """Return whole numbers of a description, one for each name, lists of them one after the other.

    Raises:
        CheckpointError: one is missing, or no size.
    """
    found: list[int] = []
    for name in names:
        value = said.get(name)
        found += value if isinstance(value, list) else [value]  # type: ignore[list-item]
    if not all(type(number) is int and 0 < number < 1 << 20 for number in found):
        raise CheckpointError(f"{where} does not say {' and '.join(names)} as whole numbers; mend it.")
    return found


def read(reading: Reading, path: Path) -> Handed:
    """Read a file of the folder in a child process."""
    from explorer.formats import torch_file

    return torch_file.load(reading, path)
