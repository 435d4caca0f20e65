"""Bytes of a checkpoint, in the mapped file or in memory, without copying them; used in the child process."""

from __future__ import annotations

import mmap
from dataclasses import dataclass
from typing import Any

from explorer.formats.handing import Stand


class Damaged(Exception):
    """The bytes are not what they should be; the text says how, in a few words, for the curious."""


class TooMuch(Damaged):
    """The bytes may be what they should be, but there is more of something than a checkpoint needs."""


@dataclass(frozen=True, eq=False)
class Span(Stand):
    """Some bytes of a file or of a string of bytes.

    Attributes:
        data: the whole file or string; slicing it copies.
        start: offset of the first byte.
        stop: offset behind the last one.
        in_file: `data` is the opened file, so offsets are those in the file.
    """

    data: mmap.mmap | bytes
    start: int
    stop: int
    in_file: bool

    def as_content(self) -> Any:
        """A record, like that of other bytes."""
        return "builtins.bytes", (len(self),)

    def __len__(self) -> int:
        return self.stop - self.start

    def copy(self) -> bytes:
        """Return a copy."""
        return self.data[self.start : self.stop]

    def part(self, offset: int, length: int) -> Span:
        """Return `length` bytes from `offset`.

        Raises:
            Damaged: they do not lie within.
        """
        if offset < 0 or length < 0 or self.start + offset + length > self.stop:
            raise Damaged(f"{length} bytes at {offset} are not there")
        start = self.start + offset
        return Span(self.data, start, start + length, self.in_file)

    def head(self, length: int) -> bytes:
        """Return the first bytes, at most `length`."""
        return self.data[self.start : min(self.stop, self.start + length)]


def in_memory(data: bytes) -> Span:
    """Return all of a string of bytes."""
    return Span(data, 0, len(data), False)
