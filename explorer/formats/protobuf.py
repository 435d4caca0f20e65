"""The wire format of protocol buffers, walked with every length checked: what it is a message of is not known here.

Nothing is copied but short texts, and nothing is walked before somebody asks, so a message within messages costs as
much as is looked at. Used in the child process.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

from explorer.formats.span import Damaged, Span, TooMuch

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
"""Kinds of fields."""

MOST_FIELDS = 250_000
MOST_DEPTH = 24
MOST_TEXT = 4096  # bytes of a name that are kept


@dataclass
class Budget:
    """How much of a file may still be looked at."""

    fields: int = MOST_FIELDS

    def spend(self) -> None:
        """Take one field.

        Raises:
            TooMuch: none is left.
        """
        self.fields -= 1
        if self.fields < 0:
            raise TooMuch(f"more than {MOST_FIELDS} entries")


@dataclass(frozen=True, eq=False)
class Message:
    """One message: where it lies, how deep, and what may be spent on it."""

    span: Span
    budget: Budget = field(default_factory=Budget)
    depth: int = 0

    def fields(self) -> Iterator[tuple[int, int | Span]]:
        """Yield number and value of each field: a whole number, or the bytes.

        Raises:
            Damaged: a length reaches outside, or a field is of no known kind.
        """
        data, at, stop = self.span.data, self.span.start, self.span.stop
        while at < stop:
            self.budget.spend()
            tag, at = _varint(self.span, at)
            number, kind = tag >> 3, tag & 7
            if kind == VARINT:
                value, at = _varint(self.span, at)
                yield number, value
                continue
            if kind == BYTES:
                length, at = _varint(self.span, at)
            elif kind in (FIXED32, FIXED64):
                length = 4 if kind == FIXED32 else 8
            else:
                raise Damaged(f"a field of the kind {kind}")
            if not number or length > stop - at:
                raise Damaged("a field reaches outside of its message")
            yield number, Span(data, at, at + length, self.span.in_file)
            at += length

    def inner(self, span: int | Span) -> Message:
        """Return the message within a field.

        Raises:
            Damaged: the field is a number.
            TooMuch: messages are nested too deep.
        """
        if isinstance(span, int):
            raise Damaged("a number where a message should be")
        if self.depth >= MOST_DEPTH:
            raise TooMuch("messages nested too deep")
        return Message(span, self.budget, self.depth + 1)


def _varint(span: Span, at: int) -> tuple[int, int]:
    """Return a number of one to ten bytes and the offset behind it."""
    value = 0
    for shift in range(0, 70, 7):
        if at >= span.stop:
            break
        byte = span.data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value & (1 << 64) - 1, at
    raise Damaged("a number without end")


def signed(value: int | Span) -> int:
    """Return a field as a whole number that may be negative."""
    if isinstance(value, Span):
        raise Damaged("bytes where a number should be")
    return value - (1 << 64) if value >> 63 else value


def text(value: int | Span) -> str:
    """Return a field as a text, cut where it is absurdly long."""
    if isinstance(value, int):
        raise Damaged("a number where a text should be")
    return value.head(MOST_TEXT).decode("utf-8", "replace")


def numbers(value: int | Span, most: int) -> list[int]:
    """Return a repeated whole number, packed or not.

    Raises:
        TooMuch: they are more than `most`.
    """
    if isinstance(value, int):
        return [signed(value)]
    found: list[int] = []
    at = value.start
    while at < value.stop:
        number, at = _varint(value, at)
        found.append(signed(number))
        if len(found) > most:
            raise TooMuch("an absurdly long list of numbers")
    return found


def real(value: int | Span) -> float:
    """Return a field of four or eight bytes as a floating point number."""
    if isinstance(value, Span) and len(value) in (4, 8):
        return float(struct.unpack("<f" if len(value) == 4 else "<d", value.copy())[0])
    raise Damaged("no floating point number")
