"""The containers of torch, read in the child process: zip, stream, tar of 2016, TorchScript, pt2, plain pickle.

`read(span, world)` tells by the first bytes which it is. Content of a TorchScript file is a record `SCRIPT`
with entries `module` (the tree of records; classes like `__torch__.torch.nn.modules.conv.Conv2d`), `constants`
(a list) and `code` (texts by name); of a pt2 file a record `EXPORT` with entries `weights` and `constants` (by
name) and `graph` (parsed JSON). Nothing of either is run.
"""

from __future__ import annotations

import json
import struct
from typing import Any

from explorer.formats.content import Record
from explorer.formats.handing import SIZES
from explorer.formats.pickle_known import storage_dtype, tensor
from explorer.formats.pickle_stands import Storage, World
from explorer.formats.safe_pickle import load
from explorer.formats.span import Damaged, Span, TooMuch
from explorer.formats.zip_members import Member, members

SCRIPT = "torch.jit"
EXPORT = "torch.export"
STREAM_MAGIC = bytes.fromhex("80028a0a6cfc9c46f9206aa85019")
"""How the container before torch 1.6 begins: a pickle of one number."""
_MAGIC = 0x1950A86A20F9469CFC6C
MOST_NESTED = 3
_MOST_CODE = 200
_MOST_CODE_BYTES = 1 << 20

_EXPORT_KINDS = {1: "uint8", 2: "int8", 3: "int16", 4: "int32", 5: "int64", 6: "float16", 7: "float32",
                 8: "float64", 10: "complex64", 11: "complex128", 12: "bool", 13: "bfloat16"}  # fmt: skip
"""Kinds of numbers by their number in pt2 files."""


def read(span: Span, world: World) -> tuple[str, Any]:
    """Return how a file lies on disk ("zip", "stream", "tar", "script", "export", "pickle") and its content."""
    head = span.head(512)
    if head.startswith(b"PK\x03\x04"):
        return _read_zip(span, world)
    if head.startswith(STREAM_MAGIC):
        return "stream", _read_stream(span, world)
    if head[257:262] == b"ustar":
        return "tar", _read_tar(span, world)
    content = load(span, world)[0]
    if content == _MAGIC:  # a stream that was pickled by another protocol than usual
        return "stream", _read_stream(span, world)
    return "pickle", content


def read_nested(span: Span, world: World) -> Any:
    """Return what a stream within a pickle holds."""
    if world.depth >= MOST_NESTED:
        raise TooMuch("streams within streams within streams")
    world.depth += 1
    content = read(span, world)[1]
    world.depth -= 1
    return content


# Zips


def _read_zip(span: Span, world: World) -> tuple[str, Any]:
    found: dict[str, Member] = {}
    for name, member in members(span).items():
        found.setdefault(name.partition("/")[2], member)
    if "archive_format" in found or any(name.startswith("models/") for name in found):
        return "export", _read_export(found, world)
    if "data.pkl" not in found:
        raise Damaged("a zip that is none of torch's")
    swapped = "byteorder" in found and found["byteorder"].unpacked(16) == b"big"
    content = _read_member(found, "data.pkl", "data/", world, swapped)
    if "constants.pkl" not in found:
        return "zip", content
    constants = _read_member(found, "constants.pkl", "constants/", world, swapped)
    code = [name for name in found if name.startswith("code/") and name.endswith(".py")][:_MOST_CODE]
    texts = {name: found[name].unpacked(_MOST_CODE_BYTES).decode("utf-8", "replace") for name in code}
    entries = {"module": content, "constants": constants, "code": texts}
    return "script", Record(SCRIPT, entries=entries)


def _read_member(found: dict[str, Member], name: str, numbers: str, world: World, swapped: bool) -> Any:
    """Read a pickle whose storages are members named `numbers` and a key."""
    storages: dict[tuple[str, str], Storage] = {}

    def persistent(saved: Any) -> Any:
        if not isinstance(saved, tuple) or len(saved) < 3 or saved[0] != "storage":
            return Record("persistent id", (saved,))
        dtype, key = storage_dtype(saved[1]), str(saved[2])[:200]
        if (dtype, key) not in storages:
            place = found.get(numbers + key) or found.get("tensors/" + key)
            if place is None:
                raise Damaged(f"a zip without its member {key[:40]}")
            storages[dtype, key] = Storage(dtype, place.size, place.plain(), swapped)
        return storages[dtype, key]

    return load(found[name].plain(), world, persistent)[0]


# The stream before torch 1.6


def _read_stream(span: Span, world: World) -> Any:
    at = 0

    def following(persistent: Any = None) -> Any:
        nonlocal at
        value, taken = load(span.part(at, len(span) - at), world, persistent)
        at += taken
        return value

    following(), following()
    system = following()
    little = not isinstance(system, dict) or system.get("little_endian") is not False
    storages: dict[str, Storage] = {}

    def persistent(saved: Any) -> Any:
        if not isinstance(saved, tuple) or not saved:
            raise Damaged("a stream with a strange id")
        if saved[0] == "module":  # ('module', class, file, source text): the class alone
            return saved[1]
        if saved[0] != "storage" or len(saved) < 5:
            return Record("persistent id", (saved,))
        key = str(saved[2])[:200]
        whole = storages.setdefault(key, Storage(storage_dtype(saved[1]), swapped=not little))
        view = saved[5] if len(saved) > 5 else None
        return whole if view is None else _view(whole, *view[1:3])

    content = following(persistent)
    keys = following()
    for key in keys if isinstance(keys, list) else []:
        storage = storages.get(str(key)[:200])
        if storage is None or storage.dtype not in SIZES:
            raise Damaged("a stream with numbers of an unknown kind")
        count = int.from_bytes(span.part(at, 8).copy(), "little" if little else "big")
        storage.size = count * SIZES[storage.dtype]
        storage.place = span.part(at + 8, storage.size)
        at += 8 + storage.size
    return content


def _view(whole: Storage, offset: Any, size: Any) -> Storage:
    """Return a part of a storage, both numbers counting numbers."""
    width = SIZES.get(whole.dtype, 1)
    if type(offset) is not int or type(size) is not int or offset < 0 or size < 0:
        raise Damaged("a part of a storage that is none")
    return Storage(whole.dtype, size * width, swapped=whole.swapped, base=(whole, offset * width))


# The tar of 2016


def _read_tar(span: Span, world: World) -> Any:
    found = _tar_members(span)
    if not {"storages", "tensors", "pickle"} <= set(found):
        raise Damaged("a tar that is none of torch's")
    made: dict[Any, Any] = {}
    _tar_storages(found["storages"], made, world)
    _tar_tensors(found["tensors"], made, world)

    def persistent(saved: Any) -> Any:
        if isinstance(saved, tuple):
            return saved[0]
        return made[int(saved)]

    return load(found["pickle"], world, persistent)[0]


def _tar_members(span: Span) -> dict[str, Span]:
    found: dict[str, Span] = {}
    at = 0
    while at + 512 <= len(span) and len(found) < 100:
        header = span.part(at, 512).copy()
        digits = header[124:136].strip(b" \0")
        if not digits:
            break
        try:
            size = int(digits, 8)
        except ValueError as error:
            raise Damaged("a tar with a size that is no number") from error
        name = header[:100].partition(b"\0")[0].decode("utf-8", "replace")
        found[name.removeprefix("./")] = span.part(at + 512, size)
        at += 512 + (size + 511) // 512 * 512
    return found


def _tar_storages(span: Span, made: dict[Any, Any], world: World) -> None:
    count, at = load(span, world)
    for _ in range(count):
        (key, _, cls), taken = load(span.part(at, len(span) - at), world)
        at += taken
        dtype = storage_dtype(cls)
        size = int.from_bytes(span.part(at, 8).copy(), "little") * SIZES[dtype]
        made[int(key)] = Storage(dtype, size, span.part(at + 8, size))
        at += 8 + size
    views, _ = load(span.part(at, len(span) - at), world)
    for target, root, offset, size in views:
        made[int(target)] = _view(made[int(root)], offset, size)


def _tar_tensors(span: Span, made: dict[Any, Any], world: World) -> None:
    count, at = load(span, world)
    for _ in range(count):
        (key, storage, _), taken = load(span.part(at, len(span) - at), world)
        at += taken
        dimensions = int.from_bytes(span.part(at, 4).copy(), "little")
        if dimensions > 32:
            raise TooMuch("a tensor of millions of dimensions")
        width = 8 * dimensions
        shape = struct.unpack(f"<{dimensions}q", span.part(at + 8, width).copy())
        strides = struct.unpack(f"<{dimensions}q", span.part(at + 8 + width, width).copy())
        offset = int.from_bytes(span.part(at + 8 + 2 * width, 8).copy(), "little")
        at += 16 + 2 * width
        made[int(key)] = tensor(world, made[int(storage)], offset, shape, strides)


# What torch.export writes


def _read_export(found: dict[str, Member], world: World) -> Record:
    graphs = [name for name in found if name.startswith("models/") and name.endswith(".json")]
    graph = _json(found, graphs[0]) if graphs else None
    return Record(
        EXPORT,
        entries={
            "weights": _exported(found, "weights", world),
            "constants": _exported(found, "constants", world),
            "graph": graph,
        },
    )


def _json(found: dict[str, Member], name: str) -> Any:
    try:
        return json.loads(found[name].unpacked())
    except (ValueError, RecursionError) as error:
        raise Damaged(f"the part {name[:40]} is no JSON") from error


def _exported(found: dict[str, Member], folder: str, world: World) -> dict[str, Any]:
    """Return the tensors that a `*_config.json` of a folder lists by name."""
    place = f"data/{folder}/"
    configs = [name for name in found if name.startswith(place) and name.endswith("_config.json")]
    made: dict[str, Any] = {}
    for config in configs:
        listed = _json(found, config)
        for name, entry in listed.get("config", listed).items():
            if entry.get("use_pickle") or not entry.get("tensor_meta"):
                continue
            meta = entry["tensor_meta"]
            member = found[place + str(entry["path_name"])]
            dtype = _EXPORT_KINDS.get(meta["dtype"], str(meta["dtype"]))
            offset = _plain(meta["storage_offset"])
            shape, strides = map(_plain, meta["sizes"]), map(_plain, meta["strides"])
            storage = Storage(dtype, member.size, member.plain())
            made[str(name)] = tensor(world, storage, offset, tuple(shape), tuple(strides))
    return made


def _plain(number: Any) -> Any:
    """Return a number that pt2 writes as {"as_int": 4}."""
    return number.get("as_int") if isinstance(number, dict) else number
