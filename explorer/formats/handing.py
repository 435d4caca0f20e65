"""What the child process hands over: numbers by reference, and one plain tree in which the references stand.

A dumper in the child is a function `dump(path, handing) -> content`. `content` is a tree of None, bool, int,
float, str, list, tuple, dict, `content.Record`, `content.Entries`, and what `Handing.tensor` and
`Handing.part` return where there are numbers; in the parent each of those is a real torch tensor. Numbers
that lie in the opened file as they are wanted (`part`) are not copied by the child: the parent reads them from
the file. Others (`tensor`, `bytes_part`) are appended to `FOLDER/numbers.raw`.

`FOLDER/content.json` then holds `{kind, notes, tensors, nodes}`; see `content_codec` for the nodes. No torch,
and numpy only where an array is given.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

from explorer.errors import CheckpointError

if TYPE_CHECKING:
    import numpy as np

SIZES = {
    "float64": 8, "float32": 4, "float16": 2, "bfloat16": 2, "int64": 8, "int32": 4, "int16": 2, "int8": 1,
    "uint8": 1, "bool": 1, "uint16": 2, "uint32": 4, "uint64": 8, "complex64": 8, "complex128": 16,
    "float8_e4m3fn": 1, "float8_e5m2": 1, "float8_e4m3fnuz": 1, "float8_e5m2fnuz": 1,
}  # fmt: skip
"""Kinds of numbers by their torch name, and the bytes of one."""

MOST_TENSORS = 200_000
MOST_DIMENSIONS = 32
SPARE_BYTES = 64 << 20
"""All tensors together may ask for twice the file and this."""


class Stand:
    """Something of a dumper's own that stands in the content as what `as_content` returns."""

    __slots__ = ()

    def as_content(self) -> Any:
        """Return a plain value, a `Reference`, or class and plain arguments of a record."""
        raise NotImplementedError


class Reference:
    """Stands in the content where a tensor will."""

    __slots__ = ("number",)

    def __init__(self, number: int) -> None:
        self.number = number


@dataclass(frozen=True)
class Numbers:
    """Where the numbers of one tensor lie.

    Attributes:
        copied: in `numbers.raw`, else in the opened file itself.
        offset: of the first number, in bytes.
        dtype: a key of `SIZES`.
        shape: of the tensor.
        strides: in numbers, one a dimension.
        swapped: the bytes of each number are big-endian.
    """

    copied: bool
    offset: int
    dtype: str
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    swapped: bool = False

    @property
    def span(self) -> int:
        """From the first byte that is needed to behind the last."""
        if 0 in self.shape:
            return 0
        reach = sum((n - 1) * stride for n, stride in zip(self.shape, self.strides, strict=True))
        return (reach + 1) * SIZES[self.dtype]

    @property
    def cost(self) -> int:
        """Bytes that are read or made for it."""
        return max(self.span, prod(self.shape) * SIZES[self.dtype])


class Handing:
    """The child's end: takes numbers as they are found, and at the end the content."""

    def __init__(self, path: Path, folder: Path) -> None:
        self._path = path
        self._size = path.stat().st_size
        self._folder = folder
        self._raw = (folder / "numbers.raw").open("wb")
        self._raw_size = 0
        self._tensors: dict[Numbers, int] = {}
        self._asked = 0
        self.notes: list[str] = []
        """Sentences for people about what was left out."""

    def note(self, text: str) -> None:
        """Say something to people, once."""
        if text not in self.notes:
            self.notes.append(text)

    def tensor(self, array: np.ndarray[Any, Any]) -> Reference:
        """Hand over a numpy array (bool, int, uint, float or complex); its bytes are copied now."""
        import numpy as np

        little = array.astype(array.dtype.newbyteorder("<"), copy=False)
        if little.dtype.name not in SIZES:
            raise CheckpointError(
                f"{self._path} holds an array of {little.dtype.name[:40]}, which is no plain kind of number; "
                "save it again with numbers only."
            )
        offset = self.bytes_part(np.ascontiguousarray(little).data.cast("B") if little.size else b"")
        return self.part(offset, little.dtype.name, array.shape, copied=True)

    def bytes_part(self, data: bytes | bytearray | memoryview) -> int:
        """Append bytes to `numbers.raw` and return their offset there, for `part(..., copied=True)`."""
        offset = self._raw_size
        if offset + len(data) > 4 * self._size + SPARE_BYTES:
            raise self._too_large()
        self._raw.write(data)
        self._raw_size += len(data)
        return offset

    def part(
        self,
        offset: int,
        dtype: str,
        shape: Sequence[int],
        strides: Sequence[int] | None = None,
        *,
        swapped: bool = False,
        copied: bool = False,
        stop: int | None = None,
    ) -> Reference:
        """Hand over numbers that lie in the opened file; nothing is copied.

        Args:
            offset: byte of the first number.
            dtype: a key of `SIZES`.
            shape: of the tensor.
            strides: in numbers (not bytes); None for one after the other.
            swapped: big-endian.
            copied: the offset is one of `bytes_part` instead.
            stop: behind the last byte that may be used; the end of the file if None.

        Raises:
            CheckpointError: it would reach outside, or all together ask for too much.
        """
        shape = tuple(shape)
        numbers = Numbers(copied, offset, dtype, shape, _strides(shape, strides), swapped)
        limit = self._raw_size if copied else self._size
        stop = limit if stop is None else min(stop, limit)
        if not _is_sound(numbers) or offset + numbers.span > stop:
            raise CheckpointError(
                f"{self._path} describes a tensor of {'x'.join(str(n)[:20] for n in shape[:8])} that does not "
                "lie within the file; copy or download it again."
            )
        if numbers not in self._tensors:
            self._asked += numbers.cost
            if self._asked > 2 * self._size + SPARE_BYTES or len(self._tensors) >= MOST_TENSORS:
                raise self._too_large()
            self._tensors[numbers] = len(self._tensors)
        return Reference(self._tensors[numbers])

    def finish(self, kind: str, content: Any) -> None:
        """Write `content.json`; `kind` is how the file lies on disk."""
        from explorer.formats import content_codec

        self.close()
        tensors = [[n.copied, n.offset, n.dtype, n.shape, n.strides, n.swapped] for n in self._tensors]
        whole = {
            "kind": kind,
            "notes": self.notes,
            "tensors": tensors,
            "nodes": content_codec.encode(content, self._path),
        }
        with (self._folder / "content.json").open("w", encoding="ascii") as file:
            file.write(json.dumps(whole))

    def close(self) -> None:
        """Write no more."""
        self._raw.close()

    def _too_large(self) -> CheckpointError:
        return CheckpointError(
            f"{self._path} asks for far more memory than a file of its size needs, so it was not opened."
        )


def _strides(shape: tuple[int, ...], strides: Sequence[int] | None) -> tuple[int, ...]:
    if strides is not None:
        return tuple(strides)
    found: list[int] = []
    step = 1
    for n in reversed(shape):
        found.append(step)
        step *= max(n, 1) if isinstance(n, int) else 1
    return tuple(reversed(found))


def _is_sound(numbers: Numbers) -> bool:
    """Tell whether shape, strides and offset are whole numbers that make sense."""
    whole = (numbers.offset, *numbers.shape, *numbers.strides)
    return (
        numbers.dtype in SIZES
        and len(numbers.shape) == len(numbers.strides)
        and len(numbers.shape) <= MOST_DIMENSIONS
        and all(type(n) is int and 0 <= n < 1 << 62 for n in whole)
    )
