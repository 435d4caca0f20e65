"""numpy files from strangers: no pickles, no surprises in size, one sentence when they are bad."""

from __future__ import annotations

import math
import zipfile
import zlib
from pathlib import Path
from typing import IO

import numpy as np

from explorer.errors import ExplorerError

MOST_BYTES = 8 << 30
"""A single array larger than this (8 GiB) is refused."""

_TROUBLE = (
    OSError,
    ValueError,
    EOFError,
    MemoryError,
    zipfile.BadZipFile,
    zlib.error,
    NotImplementedError,
    KeyError,
)


class _Refused(Exception):
    """Why an array is not taken, the middle of a sentence."""


def open_npz(path: Path | str, error: type[ExplorerError], wanted: str) -> dict[str, np.ndarray]:
    """Return all arrays of an `.npz`, by name.

    Args:
        path: the file.
        error: what to raise.
        wanted: what the file should be, for the sentence: "a code book that encode wrote (.npz)".

    Raises:
        ExplorerError: of the given class; missing, damaged, with pickled objects, or too large.
    """
    try:
        with _opened(path) as file, zipfile.ZipFile(file) as archive:
            return {
                entry.filename.removesuffix(".npy"): _member(archive, entry)
                for entry in archive.infolist()
                if entry.filename.endswith(".npy")
            }
    except _Refused as reason:
        raise error(f"{path} cannot be read: {reason}; give {wanted}.") from reason
    except _TROUBLE as trouble:
        raise error(f"{path} cannot be read ({_why(trouble)}); give {wanted}.") from trouble


def open_npy(path: Path | str, error: type[ExplorerError], wanted: str) -> np.ndarray:
    """Return the array of an `.npy`; see `open_npz`."""
    try:
        with _opened(path) as file:
            return _array(file, Path(path).stat().st_size)
    except _Refused as reason:
        raise error(f"{path} cannot be read: {reason}; give {wanted}.") from reason
    except _TROUBLE as trouble:
        raise error(f"{path} cannot be read ({_why(trouble)}); give {wanted}.") from trouble


def is_npz(path: Path | str) -> bool:
    """Return whether the file is a zip that holds at least one `.npy`."""
    try:
        with zipfile.ZipFile(path) as archive:
            return any(name.endswith(".npy") for name in archive.namelist())
    except _TROUBLE:
        return False


def _opened(path: Path | str) -> IO[bytes]:
    if not Path(path).is_file():
        raise _Refused("it is a folder" if Path(path).is_dir() else "there is no such file")
    return Path(path).open("rb")


def _member(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> np.ndarray:
    with archive.open(entry) as stream:
        return _array(stream, entry.file_size)


def _array(stream: IO[bytes], size: int) -> np.ndarray:
    """Read one array of a file of `size` bytes, after its header was found to agree with the size."""
    major = np.lib.format.read_magic(stream)
    reader = np.lib.format.read_array_header_1_0 if major[0] == 1 else np.lib.format.read_array_header_2_0
    shape, fortran, dtype = reader(stream)
    if dtype.hasobject:
        raise _Refused("it holds pickled objects, which can carry code and are never opened")
    needed = math.prod(shape) * dtype.itemsize
    if needed > min(size, MOST_BYTES):
        raise _Refused(f"its header promises {needed} bytes, the file has {size}")
    data = bytearray()
    while len(data) < needed:
        block = stream.read(min(needed - len(data), 1 << 24))
        if not block:
            raise _Refused("it ends too early")
        data += block
    return np.frombuffer(data, dtype=dtype).reshape(shape, order="F" if fortran else "C")


def _why(trouble: BaseException) -> str:
    if isinstance(trouble, OSError) and trouble.strerror:
        return trouble.strerror.lower()
    if isinstance(trouble, MemoryError):
        return "there is not enough memory for it"
    return "it is damaged or of another kind"
