"""Arrays in files from strangers, numpy's and idx: no pickles, no surprises in size, one sentence when they are bad.

`open_npz` and `open_npy` read whole arrays; `stored_npz`, `stored_npy` and `stored_idx` read headers alone, so
that a large array can be read in blocks. What an array means is not known here.
"""

from __future__ import annotations

import gzip
import math
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO

import numpy as np

from explorer.errors import ExplorerError

MOST_BYTES = 8 << 30
"""An array larger than this (8 GiB) is refused, unless the file itself is larger and it is read in blocks."""

BLOCK = 1 << 24
"""Bytes that are read at once."""

Stream = IO[bytes] | gzip.GzipFile

_TROUBLE = (
    OSError,
    ValueError,
    EOFError,
    MemoryError,
    RuntimeError,  # of a zip with a password
    zipfile.BadZipFile,
    zlib.error,
    NotImplementedError,
    KeyError,
)


class _Refused(Exception):
    """Why an array is not taken, the middle of a sentence."""


@dataclass(frozen=True, eq=False)
class StoredArray:
    """An array in a file, of which the header was read, and found to agree with the file's size.

    Attributes:
        shape, dtype: what the header says.
        fortran: whether the first index is the fastest, so that it can be read only as a whole.
        opened: opens the file at the first value.
        told: turns what can go wrong while reading into a sentence.
    """

    shape: tuple[int, ...]
    dtype: np.dtype
    fortran: bool
    opened: Callable[[], AbstractContextManager[Stream]]
    told: Callable[[], AbstractContextManager[None]]

    def read(self) -> np.ndarray:
        """Return the whole array."""
        needed = math.prod(self.shape) * self.dtype.itemsize
        with self.told(), self.opened() as stream:
            if needed > MOST_BYTES:
                raise _Refused(f"it has an array of {needed} bytes, more than can be read at once")
            data = _exactly(needed, stream)
            return np.frombuffer(data, self.dtype).reshape(self.shape, order="F" if self.fortran else "C")

    def blocks(self) -> Iterator[np.ndarray]:
        """Yield the array in blocks of whole rows `(n, ...)` of about `BLOCK` bytes; it has a first axis."""
        if self.fortran and len(self.shape) > 1:
            yield self.read()
            return
        row = math.prod(self.shape[1:]) * self.dtype.itemsize
        with self.told(), self.opened() as stream:
            left = self.shape[0]
            while left:
                count = min(left, max(1, BLOCK // max(1, row)))
                yield np.frombuffer(_exactly(count * row, stream), self.dtype).reshape(count, *self.shape[1:])
                left -= count


def open_npz(path: Path | str, error: type[ExplorerError], wanted: str) -> dict[str, np.ndarray]:
    """Return all arrays of an `.npz`, by name.

    Args:
        path: the file.
        error: what to raise.
        wanted: what the file should be, for the sentence: "a code book that encode wrote (.npz)".

    Raises:
        ExplorerError: of the given class; missing, damaged, with pickled objects, or too large.
    """
    return {name: stored.read() for name, stored in stored_npz(path, error, wanted).items()}


def open_npy(path: Path | str, error: type[ExplorerError], wanted: str) -> np.ndarray:
    """Return the array of an `.npy`; see `open_npz`."""
    return stored_npy(path, error, wanted).read()


def stored_npz(path: Path | str, error: type[ExplorerError], wanted: str) -> dict[str, StoredArray]:
    """Return the arrays of an `.npz` by name, to be read later; see `open_npz`."""
    told = partial(_in_a_sentence, path, error, wanted)
    with told(), _opened(path) as file, zipfile.ZipFile(file) as archive:
        members = [entry for entry in archive.infolist() if entry.filename.endswith(".npy")]
        return {
            entry.filename.removesuffix(".npy"): _stored(
                partial(_member, path, entry), entry.file_size, path, told
            )
            for entry in members
        }


def stored_npy(path: Path | str, error: type[ExplorerError], wanted: str) -> StoredArray:
    """Return the array of an `.npy`, to be read later; see `open_npz`."""
    told = partial(_in_a_sentence, path, error, wanted)
    with told():
        with _opened(path):  # so that a missing file is said to be missing
            size = Path(path).stat().st_size
        return _stored(partial(_opened, path), size, path, told)


def stored_idx(path: Path, error: type[ExplorerError], wanted: str) -> StoredArray:
    """Return the uint8 array of an idx file, gzipped or not, to be read later.

    The format of MNIST, yann.lecun.com/exdb/mnist: two zeros, 8 for bytes, the number of sides, each side in
    four bytes, the values.

    Raises:
        ExplorerError: of the given class; not an idx file, or more is promised than can be there.
    """
    told = partial(_in_a_copy, path, error)
    with path.open("rb") as file:
        gzipped = file.read(2) == b"\x1f\x8b"
    with told(), gzip.open(path) if gzipped else path.open("rb") as file:
        magic = file.read(4)
        if len(magic) < 4 or magic[:3] != b"\0\0\x08" or not 1 <= magic[3] <= 4:
            raise error(
                f"{path} is {'a gzip without an' if gzipped else 'no'} idx file of bytes; give {wanted}."
            )
        shape = tuple(int.from_bytes(file.read(4), "big") for _ in range(magic[3]))
        size = path.stat().st_size
        most = min(max(MOST_BYTES, size), size * (1100 if gzipped else 1))  # gzip packs at most 1:1032
        if not 0 < math.prod(shape) <= most:
            sides = "x".join(map(str, shape))
            raise error(f"{path} is cut off: it should hold {sides} bytes; copy or download it again.")
    skipped = 4 + 4 * len(shape)
    return StoredArray(shape, np.dtype(np.uint8), False, partial(_idx_values, path, gzipped, skipped), told)


def is_npz(path: Path | str) -> bool:
    """Return whether the file is a zip that holds `.npy` and nothing else."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = [name for name in archive.namelist() if not name.endswith("/")]
            return bool(names) and all(name.endswith(".npy") for name in names)
    except _TROUBLE:
        return False


def _opened(path: Path | str) -> Stream:
    if not Path(path).is_file():
        raise _Refused("it is a folder" if Path(path).is_dir() else "there is no such file")
    return Path(path).open("rb")


@contextmanager
def _member(path: Path | str, entry: zipfile.ZipInfo) -> Iterator[Stream]:
    with zipfile.ZipFile(path) as archive, archive.open(entry) as stream:
        yield stream


@contextmanager
def _idx_values(path: Path, gzipped: bool, skipped: int) -> Iterator[Stream]:
    with gzip.open(path) if gzipped else path.open("rb") as stream:
        _exactly(skipped, stream)
        yield stream


def _stored(
    opened: Callable[[], AbstractContextManager[Stream]],
    size: int,
    path: Path | str,
    told: Callable[[], AbstractContextManager[None]],
) -> StoredArray:
    """Read the header of an array of `size` bytes with its header, in the file `path`."""
    with opened() as stream:
        shape, fortran, dtype = _header(stream)
    needed = math.prod(shape) * dtype.itemsize
    if needed > min(size, max(MOST_BYTES, Path(path).stat().st_size)) or min(shape, default=0) < 0:
        raise _Refused(f"its header promises {needed} bytes, the file has {size}")

    @contextmanager
    def at_values() -> Iterator[Stream]:
        with opened() as stream:
            _header(stream)
            yield stream

    return StoredArray(shape, dtype, fortran, at_values, told)


def _header(stream: Stream) -> tuple[tuple[int, ...], bool, np.dtype]:
    """Return shape, order and type of an `.npy`, and leave the stream at the first value."""
    major = np.lib.format.read_magic(stream)
    reader = np.lib.format.read_array_header_1_0 if major[0] == 1 else np.lib.format.read_array_header_2_0
    shape, fortran, dtype = reader(stream)
    if dtype.hasobject:
        raise _Refused("it holds pickled objects, which can carry code and are never opened")
    return shape, fortran, dtype


def _exactly(needed: int, stream: Stream) -> bytearray:
    """Return the next `needed` bytes; memory is taken as they come, not as they were promised."""
    data = bytearray()
    while len(data) < needed:
        block = stream.read(min(needed - len(data), BLOCK))
        if not block:
            raise _Refused("it ends too early")
        data += block
    return data


@contextmanager
def _in_a_sentence(path: Path | str, error: type[ExplorerError], wanted: str) -> Iterator[None]:
    try:
        yield
    except _Refused as reason:
        raise error(f"{path} cannot be read: {reason}; give {wanted}.") from reason
    except _TROUBLE as trouble:
        raise error(f"{path} cannot be read ({_why(trouble)}); give {wanted}.") from trouble


@contextmanager
def _in_a_copy(path: Path, error: type[ExplorerError]) -> Iterator[None]:
    try:
        yield
    except (*_TROUBLE, _Refused) as trouble:
        raise error(f"{path} is cut off or damaged; copy or download it again.") from trouble


def _why(trouble: BaseException) -> str:
    if isinstance(trouble, OSError) and trouble.strerror:
        return trouble.strerror.lower()
    if isinstance(trouble, MemoryError):
        return "there is not enough memory for it"
    return "it is damaged or of another kind"
