"""Damage to the bytes of a checkpoint, as `fuzz.py` does it: drawn at random, the same for the same seed.

Only bytes; nothing here knows a format, but for the members of a zip, which are packed again so that the damage
reaches whoever reads them.
"""

from __future__ import annotations

import io
import random
import re
import zipfile
from collections.abc import Callable, Sequence

HOT = 8192
"""Bytes at both ends of a file: headers and tables lie there, and are hit as often as all the rest."""

NUMBERS = (
    0,
    1,
    2,
    127,
    128,
    255,
    256,
    65535,
    1 << 20,
    *(2**bits - 1 for bits in (31, 32, 63, 64)),
    1 << 31,
    1 << 62,
)
"""What length fields are set to."""

_WRITTEN = re.compile(rb"(?<=[\[ :,(])-?\d{1,9}(?=[\], }:)])")
_TEXTS = (
    b"0",
    b"-1",
    b"999999999999",
    b"1e999",
    b"NaN",
    b"null",
    b'"a"',
    b"[]",
    b"{}",
    b"[[[[[[1]]]]]]",
    b"true",
)

Change = Callable[[bytearray, random.Random], None]


def mutated(data: bytes, others: Sequence[bytes], rng: random.Random) -> bytes:
    """Return damaged bytes; `others` are further samples, of which a splice takes the rest."""
    if data.startswith(b"PK\x03\x04") and rng.random() < 0.6:
        return _with_damaged_member(data, rng)
    if rng.random() < 0.12:
        return _spliced(data, rng.choice(others), rng)
    return _damaged(data, rng)


def _damaged(data: bytes, rng: random.Random) -> bytes:
    """Return bytes after one to three changes of one kind."""
    changed = bytearray(data)
    change = rng.choice(_CHANGES)
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        if changed:
            change(changed, rng)
    return bytes(changed)


def _place(size: int, rng: random.Random) -> int:
    """Return an offset: near the beginning, near the end, or anywhere."""
    where = rng.random()
    if where < 0.35:
        return rng.randrange(min(size, HOT))
    return max(0, size - 1 - rng.randrange(min(size, HOT))) if where < 0.6 else rng.randrange(size)


def _flip(data: bytearray, rng: random.Random) -> None:
    for _ in range(rng.choice((1, 1, 2, 8, 64))):
        data[_place(len(data), rng)] ^= 1 << rng.randrange(8)


def _cut(data: bytearray, rng: random.Random) -> None:
    """Leave out the end, or a part."""
    start = _place(len(data), rng)
    del data[start : None if rng.random() < 0.5 else start + rng.choice((1, 4, 64, 4096))]


def _run(data: bytearray, rng: random.Random) -> None:
    """Overwrite some bytes by equal or random ones."""
    start, length = _place(len(data), rng), rng.choice((1, 4, 16, 256))
    length = min(length, len(data) - start)
    fill = rng.choice((b"\0", b"\xff", b".", b"\x80", b"("))
    data[start : start + length] = rng.randbytes(length) if rng.random() < 0.5 else fill * length


def _length(data: bytearray, rng: random.Random) -> None:
    """Set what may be a length, of one to eight bytes, to a number that somebody may not expect."""
    width = rng.choice((1, 2, 4, 8))
    start = _place(len(data), rng)
    start -= start % rng.choice((1, width))
    number = rng.choice(NUMBERS) if rng.random() < 0.8 else max(0, len(data) + rng.randint(-2, 2))
    data[start : start + width] = (number % (1 << 8 * width)).to_bytes(width, rng.choice(("little", "big")))


def _repeat(data: bytearray, rng: random.Random) -> None:
    """Put a part in once more, somewhere, or many times."""
    start, length = _place(len(data), rng), rng.choice((1, 8, 64, 1024))
    part = bytes(data[start : start + length]) * rng.choice((1, 1, 2, 100))
    data[_place(len(data), rng) : 0] = part


def _number(data: bytearray, rng: random.Random) -> None:
    """Replace a number in a text by another one, or by something else."""
    found = _WRITTEN.search(data, _place(len(data), rng)) or _WRITTEN.search(data)
    if found:
        new = rng.choice(_TEXTS) if rng.random() < 0.5 else str(rng.choice(NUMBERS)).encode()
        data[found.start() : found.end()] = new
    else:
        _flip(data, rng)


_CHANGES: tuple[Change, ...] = (_flip, _flip, _cut, _run, _length, _length, _repeat, _number, _number)


def _spliced(data: bytes, other: bytes, rng: random.Random) -> bytes:
    """Return the beginning of one file with the end of another."""
    return data[: _place(len(data), rng)] + other[_place(len(other), rng) :]


def _with_damaged_member(data: bytes, rng: random.Random) -> bytes:
    """Return a zip with one member damaged, its checksum right; small members, which say most, more often."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = [(entry, archive.read(entry)) for entry in archive.infolist()]
    except (zipfile.BadZipFile, ValueError, NotImplementedError):
        return _damaged(data, rng)
    if not members:
        return _damaged(data, rng)
    chosen = rng.choices(range(len(members)), [1 / (1000 + len(content)) for _, content in members])[0]
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for place, (entry, content) in enumerate(members):
            archive.writestr(entry, _damaged(content, rng) if place == chosen else content)
    return out.getvalue()
