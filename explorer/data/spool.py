"""Where the pictures of a collection are gathered: in memory while they are few, else in a file without a name.

Nothing about reading pictures is known here.
"""

from __future__ import annotations

import io
import tempfile
from pathlib import Path
from typing import IO

import numpy as np

from explorer.errors import ImageError, OutputError

IN_MEMORY = 512 << 20
"""Bytes of pictures that are held in memory; more go to the disk."""


class Spool:
    """Pictures of one shape and type, added one by one.

    Args:
        folder: where the file is made once the pictures are more than `in_memory` bytes; None is the system's
            folder for such files. The system removes the file with the last array that shows it.
        in_memory: None is `IN_MEMORY`.
    """

    def __init__(self, folder: Path | None = None, in_memory: int | None = None) -> None:
        self._folder, self._in_memory = folder, IN_MEMORY if in_memory is None else in_memory
        self._file: IO[bytes] = io.BytesIO()
        self._bytes = self._count = 0
        self._like = np.empty(0, np.uint8)

    def __len__(self) -> int:
        return self._count

    def add(self, picture: np.ndarray) -> None:
        """Take one picture more.

        Raises:
            OutputError: the disk is full.
            ImageError: the memory is full.
        """
        try:
            if isinstance(self._file, io.BytesIO) and self._bytes + picture.nbytes > self._in_memory:
                self._move_to_disk()
            self._file.write(np.ascontiguousarray(picture).data)
        except OSError as error:
            raise self._full(error) from error
        except MemoryError as error:
            raise ImageError(
                f"There is no memory left after {self._count} pictures; give fewer or smaller ones."
            ) from error
        self._bytes += picture.nbytes
        self._count += 1
        self._like = picture

    def array(self) -> np.ndarray:
        """Return all pictures, `(N, *shape)`, that can be written to; nothing can be added any more.

        Raises:
            OutputError: the disk is full.
        """
        shape = (self._count, *self._like.shape)
        if isinstance(self._file, io.BytesIO):
            return np.frombuffer(self._file.getbuffer(), self._like.dtype).reshape(shape)
        try:
            with self._file:
                self._file.flush()
                return np.memmap(self._file, self._like.dtype, "r+", shape=shape)  # type: ignore[call-overload, no-any-return]
        except OSError as error:
            raise self._full(error) from error

    def _move_to_disk(self) -> None:
        file = tempfile.TemporaryFile(dir=self._folder)  # noqa: SIM115 - it stays open until `array`
        file.write(self._file.getbuffer())  # type: ignore[attr-defined]
        self._file = file

    def _full(self, error: OSError) -> OutputError:
        where = self._folder or "the system's folder for temporary files"
        reason = (error.strerror or str(error)).lower()
        return OutputError(
            f"The pictures are too many for memory and could not be kept in {where} ({reason}); make room "
            "there, or give fewer or smaller ones."
        )
