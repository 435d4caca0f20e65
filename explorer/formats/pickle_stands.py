"""What stands in for the objects of a pickle while it is read: names, storages, tensors, texts, dtypes, arrays.

Nothing is imported or called because a file says so; what the names in a pickle do is in `pickle_known`.
"""

from __future__ import annotations

import codecs
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from explorer.formats import content_codec
from explorer.formats.handing import SIZES, Handing, Reference, Stand
from explorer.formats.span import Damaged, Span

STORAGES = {
    "DoubleStorage": "float64", "FloatStorage": "float32", "HalfStorage": "float16", "BFloat16Storage": "bfloat16",
    "LongStorage": "int64", "IntStorage": "int32", "ShortStorage": "int16", "CharStorage": "int8",
    "ByteStorage": "uint8", "BoolStorage": "bool", "UntypedStorage": "uint8",
    "ComplexFloatStorage": "complex64", "ComplexDoubleStorage": "complex128",
}  # fmt: skip
"""Kinds of numbers by the last word of a storage's class (`torch.FloatStorage`, `torch.cuda.FloatStorage`)."""

SHORT = {"double": "float64", "float": "float32", "half": "float16", "long": "int64", "int": "int32",
          "short": "int16", "cfloat": "complex64", "cdouble": "complex128"}  # fmt: skip
"""Kinds of numbers by torch's other names for them."""

NUMPY = {
    "f8": "float64", "f4": "float32", "f2": "float16", "i8": "int64", "i4": "int32", "i2": "int16", "i1": "int8",
    "u8": "uint64", "u4": "uint32", "u2": "uint16", "u1": "uint8", "b1": "bool", "c8": "complex64",
    "c16": "complex128",
}  # fmt: skip
"""Kinds of numbers by numpy's codes."""

PACKED = {"float64": "d", "float32": "f", "float16": "e", "int64": "q", "int32": "i", "int16": "h", "int8": "b",
           "uint64": "Q", "uint32": "I", "uint16": "H", "uint8": "B", "bool": "?"}  # fmt: skip
"""Kinds of numbers as `struct` names them."""

_BLOCK = 4 << 20


@dataclass(eq=False)
class World:
    """What the pickles of one file share.

    Attributes:
        path: of the file, for sentences.
        handing: takes the numbers.
        nested: reads a stream of torch within a pickle and returns what it holds.
        waiting: tensors whose storages may not have their place yet.
        steps: opcodes taken so far.
        depth: of streams within streams.
        encoded: texts with the bytes that they stand for, by the text's id; each is turned once.
    """

    path: Path
    handing: Handing
    nested: Callable[[Span, World], Any]
    waiting: list[Tensor] = field(default_factory=list)
    steps: int = 0
    depth: int = 0
    encoded: dict[int, tuple[str, bytes]] = field(default_factory=dict)

    def settle(self) -> None:
        """Hand over the tensors that waited for their storages."""
        for tensor in self.waiting:
            tensor.settle(self)
        self.waiting.clear()


class Global(Stand):
    """A class or function that a pickle names; it is looked up nowhere but in `KNOWN`."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name

    def as_content(self) -> Any:
        """A kind of number is its name as text, any other a record of a class."""
        module, _, last = self.name.partition(".")
        if module == "torch" and (last in SIZES or last in SHORT):
            return self.name
        return content_codec.CLASS, (self.name,)


@dataclass(eq=False)
class Storage(Stand):
    """Numbers of one kind, one after the other; where they lie may be learned later.

    Attributes:
        dtype: a key of `SIZES`, or what the file says instead.
        size: in bytes; -1 if not known yet.
        place: their bytes, once known.
        swapped: big-endian.
        copied_at: where `Handing.bytes_part` put them, if they had to be copied.
        base: the storage that this one is a part of, and from which of its bytes on.
    """

    dtype: str
    size: int = -1
    place: Span | None = None
    swapped: bool = False
    base: tuple[Storage, int] | None = None
    copied_at: int | None = None

    def as_content(self) -> Any:
        """A storage alone is a record that says how large it is."""
        return "torch.Storage", (self.dtype, self.size)

    def locate(self, handing: Handing) -> tuple[int, int, bool]:
        """Return the first byte, the byte behind the last, and whether they were copied."""
        if self.base is not None:
            start, stop, copied = self.base[0].locate(handing)
            return start + self.base[1], min(stop, start + self.base[1] + self.size), copied
        if self.place is not None and self.place.in_file:
            return self.place.start, self.place.stop, False
        if self.copied_at is None:
            if self.place is None:
                raise Damaged("a tensor whose numbers are nowhere")
            self.copied_at = handing.bytes_part(self.place.copy())
            self.size = len(self.place)
        return self.copied_at, self.copied_at + self.size, True


@dataclass(eq=False)
class Tensor(Stand):
    """A tensor over a storage, as the file describes it; offset and strides in numbers."""

    storage: Storage
    dtype: str
    offset: Any
    shape: Any
    strides: Any
    reference: Reference | None = None

    def as_content(self) -> Any:
        """The reference, once it is settled."""
        return self.reference

    def settle(self, world: World) -> None:
        """Check and hand over."""
        whole = (self.offset, *self.shape, *self.strides)
        if not all(type(n) is int and abs(n) < 1 << 62 for n in whole) or self.offset < 0:
            raise Damaged("a tensor whose shape is no shape")
        start, stop, copied = self.storage.locate(world.handing)
        self.reference = world.handing.part(
            start + self.offset * SIZES[self.dtype], self.dtype, self.shape, self.strides,
            swapped=self.storage.swapped, copied=copied, stop=stop,
        )  # fmt: skip


class LongText(Stand):
    """Much text, left where it is; protocol 2 writes the bytes of arrays so."""

    def __init__(self, span: Span) -> None:
        self._span = span
        self.size = len(span)
        self._copied: tuple[int, int] | None = None

    @cached_property
    def _beginning(self) -> str:
        return self._span.head(content_codec.MOST_LETTERS).decode("utf-8", "replace")

    def as_content(self) -> Any:
        """The text's beginning, the same one each time."""
        return self._beginning

    def copied(self, handing: Handing) -> tuple[int, int]:
        """Hand over the bytes that the letters stand for, once; return where they are and how many."""
        if self._copied is None:
            decoder = codecs.getincrementaldecoder("utf-8")()
            start, size = handing.bytes_part(b""), 0
            for at in range(0, len(self._span), _BLOCK):
                block = self._span.part(at, min(_BLOCK, len(self._span) - at))
                piece = decoder.decode(block.copy()).encode("latin-1")
                handing.bytes_part(piece)
                size += len(piece)
            self._copied = start, size
        return self._copied

    def latin(self) -> bytes:
        """Return the bytes that the letters stand for."""
        return self._span.copy().decode("utf-8").encode("latin-1")


@dataclass(eq=False)
class NativeText(Stand):
    """A long string of Python 2, which may be text or bytes."""

    span: Span

    @cached_property
    def _beginning(self) -> str:
        return self.span.head(content_codec.MOST_LETTERS).decode("latin-1")

    def as_content(self) -> Any:
        """Its beginning as text, the same one each time."""
        return self._beginning


@dataclass(eq=False)
class LongBytes(Stand):
    """The bytes that the letters of a long text stand for."""

    text: LongText

    def as_content(self) -> Any:
        """A record, like that of other bytes."""
        return content_codec.BYTES, (self.text.size,)


@dataclass(eq=False)
class Dtype(Stand):
    """A numpy dtype; `code` without the order of bytes."""

    code: str
    swapped: bool = False

    def as_content(self) -> Any:
        """Its torch name as text, numpy's code where there is none."""
        return NUMPY.get(self.code, self.code)


@dataclass(eq=False)
class Array(Stand):
    """An array or tensor that is made empty and given its numbers by BUILD."""

    reference: Any = None

    def as_content(self) -> Any:
        """The reference; a record without arguments where no numbers came."""
        found = self.reference
        return (
            ("numpy.ndarray", ())
            if found is None
            else found.as_content()
            if isinstance(found, Tensor)
            else found
        )
