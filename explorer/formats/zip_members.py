"""Where the members of a zip lie: its table read with every number checked, nothing unpacked.

For all zips that are checkpoints (torch, TorchScript, pt2, Keras). The names are keys and never become paths.
"""

from __future__ import annotations

import itertools
import mmap
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path

from explorer.formats.span import Damaged, Span, TooMuch

_END = b"PK\x05\x06"
_END_64 = b"PK\x06\x06"
_LOCATOR_64 = b"PK\x06\x07"
_ENTRY = b"PK\x01\x02"
_LOCAL = b"PK\x03\x04"
MOST_MEMBERS = 200_000
MOST_UNPACKED = 16 << 20
"""How much text a packed member may unpack to."""


@dataclass(frozen=True, eq=False)
class Member:
    """One member.

    Attributes:
        data: its bytes in the file, packed or not.
        stored: they are not packed.
        size: unpacked, as the table says.
    """

    data: Span
    stored: bool
    size: int

    def plain(self) -> Span:
        """Return the bytes of a member that is not packed.

        Raises:
            Damaged: it is packed, as torch never does.
        """
        if not self.stored or len(self.data) != self.size:
            raise TooMuch("weights packed so that they could unpack to far more than the file")
        return self.data

    def unpacked(self, most: int = MOST_UNPACKED) -> bytes:
        """Return the bytes of a small member, packed or not, cut at `most`."""
        if self.stored:
            return self.data.head(most)
        try:
            return zlib.decompressobj(-15).decompress(self.data.head(most), most)
        except zlib.error as error:
            raise Damaged("a packed member that cannot be unpacked") from error


def members(span: Span) -> dict[str, Member]:
    """Return the members of a zip by name, in its order.

    Raises:
        Damaged: it is cut off; members overlap, lie outside or share a name; there are too many.
    """
    count, start, size = _table(span)
    if count > MOST_MEMBERS:
        raise TooMuch("a zip of millions of parts")
    table = span.part(start, size).copy()
    found: dict[str, Member] = {}
    extents: list[tuple[int, int]] = []
    at = 0
    for _ in range(count):
        if table[at : at + 4] != _ENTRY or at + 46 > len(table):
            raise Damaged("a zip whose table is not whole")
        flags, method = struct.unpack_from("<HH", table, at + 8)
        packed, size = struct.unpack_from("<II", table, at + 20)
        lengths = struct.unpack_from("<HHH", table, at + 28)
        offset = struct.unpack_from("<I", table, at + 42)[0]
        name = table[at + 46 : at + 46 + lengths[0]].decode("utf-8", "replace")
        extra = table[at + 46 + lengths[0] : at + 46 + lengths[0] + lengths[1]]
        at += 46 + sum(lengths)
        size, packed, offset = _wide(extra, size, packed, offset)
        if flags & 1 or method not in (0, 8):
            raise Damaged("a zip member that is locked or packed in a rare way")
        if name in found:
            raise Damaged("two zip members of the same name")
        data = _data(span, offset, packed)
        extents.append((span.start + offset, data.stop))
        found[name] = Member(data, method == 0, size)
    extents.sort()
    if any(end > after for (_, end), (after, _) in itertools.pairwise(extents)):
        raise Damaged("zip members that overlap")
    return found


def names(path: Path) -> tuple[str, ...]:
    """Return the names of a zip's members; none where it is damaged, or no zip."""
    try:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
            return tuple(members(Span(mapped, 0, len(mapped), True)))
    except (Damaged, OSError, ValueError, struct.error):
        return ()


def _table(span: Span) -> tuple[int, int, int]:
    """Return how many members the zip has, and offset and size of their table."""
    tail = max(0, len(span) - (1 << 16) - 22)
    last = span.part(tail, len(span) - tail).copy()
    at = last.rfind(_END)
    if at < 0 or at + 22 > len(last):
        raise Damaged("a zip without its table")
    count, size, start = struct.unpack_from("<HII", last, at + 10)
    if last[at - 20 : at - 16] == _LOCATOR_64 and at >= 20:
        where = struct.unpack_from("<Q", last, at - 12)[0]
        wide = span.part(where, 56).copy()
        if wide[:4] != _END_64:
            raise Damaged("a zip whose table is not where it should be")
        count, size, start = struct.unpack_from("<QQQ", wide, 32)
    return count, start, size


def _wide(extra: bytes, *numbers: int) -> list[int]:
    """Return size, packed size and offset, each from the zip64 field where 32 bits were too few."""
    wanted = list(numbers)
    at = 0
    while at + 4 <= len(extra):
        kind, length = struct.unpack_from("<HH", extra, at)
        if kind == 1:
            field = extra[at + 4 : at + 4 + length]
            for i, number in enumerate(wanted):
                if number == 0xFFFFFFFF and len(field) >= 8:
                    wanted[i] = int.from_bytes(field[:8], "little")
                    field = field[8:]
            break
        at += 4 + length
    return wanted


def _data(span: Span, offset: int, size: int) -> Span:
    """Return the bytes of a member, behind its own header."""
    header = span.part(offset, 30).copy()
    if header[:4] != _LOCAL:
        raise Damaged("a zip member that is not where the table says")
    return span.part(offset + 30 + sum(struct.unpack_from("<HH", header, 26)), size)
