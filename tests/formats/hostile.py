"""Files that would run code, take all memory or never end, written byte by byte; `VARIANTS` names them all.

Every payload would write the file MARK or import the module CANARY, which does the same; no variant holds
anything worse. A variant is a function that returns the bytes of a file; `CUTS` are whole files to cut.
"""

import functools
import io
import json
import pickle
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable

MARK = "hostile_mark_7f3a"
"""What a payload would leave behind; its name is nowhere else."""
CANARY = "hostile_canary_7f3a"
COMMAND = f"touch {MARK}".encode()
PYTHON = f"open('{MARK}', 'w').close()".encode()
STREAM_MAGIC = bytes.fromhex("80028a0a6cfc9c46f9206aa85019")

VARIANTS: dict[str, Callable[[], bytes]] = {}


@functools.cache
def made(name: str) -> bytes:
    """Return a variant's file; what is packed tightly takes long to be made."""
    return VARIANTS[name]()


def variant(make: Callable[[], bytes]) -> Callable[[], bytes]:
    VARIANTS[make.__name__] = make
    return make


def several(title: str, makes: dict[str, Callable[[], bytes]]) -> None:
    VARIANTS.update({f"{title}-{name}": make for name, make in makes.items()})


# Parts of pickles


def text(value: str | bytes) -> bytes:
    data = value if isinstance(value, bytes) else value.encode()
    return b"X" + struct.pack("<I", len(data)) + data


def short(value: str) -> bytes:
    return b"\x8c" + bytes([len(value)]) + value.encode()


def number(value: int) -> bytes:
    if -(2**31) <= value < 2**31:
        return b"J" + struct.pack("<i", value)
    data = value.to_bytes(value.bit_length() // 8 + 1, "little", signed=True)
    return b"\x8a" + bytes([len(data)]) + data


def find(module: str, name: str) -> bytes:
    return f"c{module}\n{name}\n".encode()


def items(*parts: bytes) -> bytes:
    return b"(" + b"".join(parts) + b"t"


def call(module: str, name: str, *args: bytes) -> bytes:
    return find(module, name) + items(*args) + b"R"


def plain(body: bytes, protocol: int = 4) -> bytes:
    """Return a whole pickle; long enough to be taken for one."""
    return b"\x80" + bytes([protocol]) + b"(" + body + text("x" * 64) + b"t."


def state(body: bytes) -> bytes:
    """Return a pickle of {"w": body}, the shape of a state dict."""
    return b"\x80\x02}(" + text("w") + body + b"u."


# Containers


def zipped(members: dict[str, bytes], packed: bool = False) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED if packed else zipfile.ZIP_STORED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def archive(data: bytes, more: dict[str, bytes] | None = None, packed: bool = False) -> bytes:
    members = {"a/data.pkl": data, "a/byteorder": b"little", "a/data/0": bytes(64), "a/version": b"3\n"}
    return zipped({**members, **(more or {})}, packed)


def stream(data: bytes, keys: bytes = b"\x80\x02].", numbers: bytes = b"") -> bytes:
    system = pickle.dumps({"protocol_version": 1001, "little_endian": True, "type_sizes": {}}, 2)
    return STREAM_MAGIC + b"." + pickle.dumps(1001, 2) + system + data + keys + numbers


def tarred(data: bytes) -> bytes:
    buffer = io.BytesIO()
    parts = {"sys_info": pickle.dumps({}, 2), "pickle": data}
    parts |= {"tensors": pickle.dumps(0, 2), "storages": pickle.dumps(0, 2) + pickle.dumps([], 2)}
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, content in parts.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


def storage(key: bytes = text("0"), kind: str = "FloatStorage", count: int = 16) -> bytes:
    return items(text("storage"), find("torch", kind), key, text("cpu"), number(count)) + b"Q"


def tensor(offset: bytes, shape: bytes, strides: bytes, over: bytes | None = None) -> bytes:
    hooks = call("collections", "OrderedDict")
    parts = (over or storage(), offset, shape, strides, b"\x89", hooks)
    return call("torch._utils", "_rebuild_tensor_v2", *parts)


def sizes(*numbers: int) -> bytes:
    return items(*map(number, numbers))


SYSTEM = call("os", "system", text(COMMAND))
EVAL = call("builtins", "eval", text(PYTHON))
EXEC = call("builtins", "exec", text(PYTHON))
EVIL = find(CANARY, "Evil")


# Everything that can call, in a plain pickle

several(
    "call",
    {
        "reduce": lambda: plain(SYSTEM),
        "reduce_posix": lambda: plain(call("posix", "system", text(COMMAND))),
        "reduce_eval": lambda: plain(EVAL),
        "reduce_exec": lambda: plain(EXEC),
        "reduce_python2": lambda: plain(call("__builtin__", "eval", text(PYTHON)), 2),
        "reduce_popen": lambda: plain(call("subprocess", "Popen", b"](" + text("touch") + text(MARK) + b"e")),
        "reduce_import": lambda: plain(call("importlib", "import_module", text(CANARY))),
        "reduce_dunder_import": lambda: plain(call("builtins", "__import__", text(CANARY))),
        "reduce_runpy": lambda: plain(call("runpy", "run_module", text(CANARY))),
        "reduce_getattr": lambda: plain(
            call("builtins", "getattr", call("builtins", "__import__", text("os")), text("system"))
            + items(text(COMMAND)) + b"R"
        ),
        "reduce_numpy": lambda: plain(call("numpy.testing._private.utils", "runstring", text(PYTHON), b"}")),
        "reduce_torch": lambda: plain(call("torch.serialization", "load", text(f"{MARK}.pt"))),
        "reduce_timeit": lambda: plain(call("timeit", "timeit", text(PYTHON), text(PYTHON))),
        "reduce_of_a_reduce": lambda: plain(
            call("operator", "attrgetter", text("system")) + items(call("builtins", "__import__", text("os"))) + b"R"
            + items(text(COMMAND)) + b"R"
        ),
        "global": lambda: plain(EVIL),
        "stack_global": lambda: plain(short("os") + short("system") + b"\x93" + items(text(COMMAND)) + b"R"),
        "newobj": lambda: plain(EVIL + items(text(COMMAND)) + b"\x81"),
        "newobj_ex": lambda: plain(EVIL + items(text(COMMAND)) + b"}" + text("a") + text("b") + b"s\x92"),
        "inst": lambda: plain(b"(" + text(COMMAND) + b"ios\nsystem\n"),
        "obj": lambda: plain(b"(" + find("os", "system") + text(COMMAND) + b"o"),
        "build_setstate": lambda: plain(EVIL + b")\x81}" + text("a") + text(COMMAND) + b"sb"),
        "build_dict": lambda: plain(EVIL + b")\x81}" + text("__class__") + find("os", "system") + b"sb"),
        "build_slots": lambda: plain(EVIL + b")\x81N}" + text("__setstate__") + find("os", "system") + b"s\x86b"),
        "ext1": lambda: plain(b"\x82\x01" + items(text(COMMAND)) + b"R"),
        "ext2": lambda: plain(b"\x83\x01\x02" + items(text(COMMAND)) + b"R"),
        "ext4": lambda: plain(b"\x84\x01\x02\x03\x04" + items(text(COMMAND)) + b"R"),
        "persid": lambda: plain(b"P" + COMMAND + b"\n"),
        "binpersid": lambda: plain(SYSTEM + b"Q"),
        "reconstructor": lambda: plain(call("copyreg", "_reconstructor", EVIL, find("builtins", "object"), b"N")),
        "new_object": lambda: plain(call("copyreg", "__newobj__", EVIL, text(COMMAND))),
        "new_object_ex": lambda: plain(call("copyreg", "__newobj_ex__", EVIL, items(text(COMMAND)), b"}")),
        "reconstructors_within": lambda: plain(
            call("copyreg", "_reconstructor", find("copyreg", "_reconstructor"), b"N", b"N")
        ),
        "extension_registry": lambda: plain(
            call("copyreg", "add_extension", text("os"), text("system"), number(7)) + b"\x82\x07"
            + items(text(COMMAND)) + b"R"
        ),
        "marshalled_code": lambda: plain(
            call("types", "FunctionType", call("marshal", "loads", b"C\x01N"), b"}") + b")R"
        ),
        "cloudpickled_class": lambda: plain(
            call("cloudpickle.cloudpickle", "_make_skeleton_class", find("builtins", "type"), text("Evil"),
                 items(EVIL), b"}" + text("__module__") + text(CANARY) + b"s", text("0"), b"N")
            + items(text(COMMAND)) + b"R"
        ),
        "cloudpickled_function": lambda: plain(
            call("cloudpickle.cloudpickle", "_make_function", call("types", "CodeType", number(0)), b"}", b"N", b"N")
            + b")R"
        ),
        "default_factory": lambda: plain(call("collections", "defaultdict", find("os", "system"))),
        "partial": lambda: plain(call("functools", "partial", find("os", "system"), text(COMMAND)) + b")R"),
        "key_with_a_hash": lambda: plain(b"}" + EVIL + b")\x81" + text("a") + b"s"),
        "item_of_a_set": lambda: plain(b"\x8f(" + EVIL + b")\x81\x90"),
        "append": lambda: plain(EVIL + b")\x81(" + text(COMMAND) + b"e"),
        "set_item": lambda: plain(EVIL + b")\x81" + text("a") + text(COMMAND) + b"s"),
        "protocol_0": lambda: b"(dp0\nS'a'\ncos\nsystem\n(S'" + COMMAND + b"'\ntRs." + bytes(64),
    },
)  # fmt: skip

# The same in the containers of torch

several(
    "zip",
    {
        "reduce": lambda: archive(state(SYSTEM)),
        "build": lambda: archive(state(EVIL + b")\x81}b")),
        "hooks": lambda: archive(
            state(call("torch._utils", "_rebuild_tensor_v2", storage(), number(0), sizes(2), sizes(1), b"\x89",
                       call("collections", "OrderedDict", b"](" + items(text("h"), SYSTEM) + b"e")))
        ),
        "of_a_type": lambda: archive(
            state(call("torch._tensor", "_rebuild_from_type_v2", find("os", "system"), EVIL,
                       items(text(COMMAND)), b"}"))
        ),
        "of_types_within": lambda: archive(
            state(call("torch._tensor", "_rebuild_from_type_v2", find("torch._tensor", "_rebuild_from_type_v2"), EVIL,
                       items(find("os", "system"), EVIL, items(text(COMMAND)), b"}"), b"}"))
        ),
        "storage_class": lambda: archive(state(items(text("storage"), EVIL, text("0"), text("cpu"), number(4)) + b"Q")),
        "persistent_module": lambda: archive(state(items(text("module"), EVIL, text("a.py"), text(PYTHON)) + b"Q")),
        "nested_stream": lambda: archive(state(nested(stream(state(SYSTEM))))),
    },
)  # fmt: skip


def nested(data: bytes) -> bytes:
    return call("torch.storage", "_load_from_bytes", b"B" + struct.pack("<I", len(data)) + data)


def nested_often(times: int) -> bytes:
    body = SYSTEM
    for _ in range(times):
        body = nested(stream(state(body)))
    return plain(body)


several(
    "nested",
    {
        "stream": lambda: plain(nested(stream(state(SYSTEM)))),
        "zip": lambda: plain(nested(archive(state(EVAL)))),
        "plain": lambda: plain(nested(plain(EXEC))),
        "tar": lambda: plain(nested(tarred(state(SYSTEM)))),
        "as_text": lambda: plain(
            call("torch.storage", "_load_from_bytes",
                 call("_codecs", "encode", text("\x80\x02cos\nsystem\n"), text("latin1")))
        ),
        "six_deep": lambda: nested_often(6),
        "reversed_codec": lambda: plain(call("_codecs", "decode", b"C\x02ab", text(CANARY))),
    },
)  # fmt: skip

several(
    "stream",
    {
        "reduce": lambda: stream(state(SYSTEM)),
        "magic": lambda: STREAM_MAGIC[:-1] + SYSTEM + b".",
        "system": lambda: STREAM_MAGIC + b"." + pickle.dumps(1001, 2) + state(SYSTEM) + state(b"N"),
        "source": lambda: stream(state(items(text("module"), EVIL, text("/a.py"), text(PYTHON)) + b"Q")),
        "keys": lambda: stream(state(b"N"), keys=b"\x80\x02](" + SYSTEM + b"e."),
        "count": lambda: stream(
            state(tensor(number(0), sizes(2), sizes(1))), keys=b"\x80\x02](" + text("0") + b"e.",
            numbers=struct.pack("<q", 2**62),
        ),
        "negative_count": lambda: stream(
            state(tensor(number(0), sizes(2), sizes(1))), keys=b"\x80\x02](" + text("0") + b"e.",
            numbers=struct.pack("<q", -8) + bytes(64),
        ),
        "view_of_a_view": lambda: stream(
            state(items(text("storage"), find("torch", "FloatStorage"), text("0"), text("cpu"), number(4),
                        items(text("v"), number(2**61), number(4))) + b"Q")
        ),
    },
)  # fmt: skip

several(
    "tar",
    {
        "reduce": lambda: tarred(state(SYSTEM)),
        "sizes": lambda: tarred(state(SYSTEM)).replace(b"0000000000", b"7777777777", 1),
    },
)

CODE = (
    b"class Evil(Module):\n  def __setstate__(self, a: Tensor) -> NoneType:\n    torch.from_file("
    + COMMAND
    + b")\n"
)


def exported(config: dict, data: dict[str, bytes]) -> bytes:
    parts = {"archive_format": b"pt2", "byteorder": b"little", "models/model.json": b"{}"}
    parts["data/weights/model_weights_config.json"] = json.dumps({"config": config}).encode()
    return zipped({f"a/{name}": content for name, content in {**parts, **data}.items()})


def exported_weight(
    shape: list[int], strides: list[int], offset: int = 0, dtype: int = 7, name: str = "weight_0"
) -> dict:
    meta = {
        "dtype": dtype,
        "sizes": [{"as_int": n} for n in shape],
        "strides": [{"as_int": n} for n in strides],
    }
    meta["storage_offset"] = {"as_int": offset}
    return {"w": {"path_name": name, "use_pickle": False, "tensor_meta": meta}}


several(
    "script",
    {
        "setstate": lambda: archive(
            b"\x80\x02c__torch__\nEvil\n)\x81}b.",
            {"a/constants.pkl": b"\x80\x02).", "a/code/__torch__.py": CODE},
        ),
        "reduce": lambda: archive(state(SYSTEM), {"a/constants.pkl": b"\x80\x02)."}),
        "constants": lambda: archive(
            state(b"N"), {"a/constants.pkl": b"\x80\x02" + items(SYSTEM, EVAL) + b"."}
        ),
        "code_bomb": lambda: zipped(
            {"a/data.pkl": b"", "a/constants.pkl": b"", "a/code/__torch__.py": bytes(300 << 20)}, packed=True
        ),
    },
)
several(
    "pt2",
    {
        "pickled_weights": lambda: exported(
            {"w": {"path_name": "weight_0", "use_pickle": True, "tensor_meta": None}},
            {"data/weights/weight_0": archive(state(SYSTEM))},
        ),
        "sample_inputs": lambda: exported({}, {"data/sample_inputs/model.pt": archive(state(SYSTEM))}),
        "graph": lambda: exported(
            {}, {"models/other.json": json.dumps({"target": f"os.system('{MARK}')"}).encode()}
        ),
        "huge": lambda: exported(exported_weight([2**62, 2], [1, 1]), {"data/weights/weight_0": bytes(16)}),
        "strides": lambda: exported(exported_weight([2, 2], [-8, 1]), {"data/weights/weight_0": bytes(16)}),
        "path": lambda: exported(exported_weight([1], [1], name="../../../../etc/passwd"), {}),
        "kind": lambda: exported(exported_weight([1], [1], dtype=99), {"data/weights/weight_0": bytes(16)}),
        "config": lambda: exported({"w": [1, 2]}, {}),  # type: ignore[dict-item]
        "deep_json": lambda: zipped({"a/archive_format": b"pt2", "a/models/model.json": b"[" * 100_000}),
    },
)

# Zips


def _renamed(name: str) -> bytes:
    return zipped(
        {f"../../../../tmp/{MARK}": b"a", name: state(SYSTEM), f"..\\..\\{MARK}": b"b", f"/tmp/{MARK}": b"c"}
    )


def _overlapping() -> bytes:
    """Two entries of the table that are the same bytes of the file."""
    whole = archive(state(tensor(number(0), sizes(2), sizes(1))))
    start = whole.index(b"PK\x01\x02")
    end = whole.index(b"PK\x05\x06")
    table, entries = whole[start:end], whole.count(b"PK\x01\x02")
    entry = bytearray(table[: 46 + 10])
    entry[46:] = b"a/data/999"
    entry[28:34] = struct.pack("<HHH", 10, 0, 0)
    size = len(table) + len(entry)
    tail = b"PK\x05\x06" + struct.pack("<HHHHIIH", 0, 0, entries + 1, entries + 1, size, start, 0)
    return whole[:start] + table + bytes(entry) + tail


def _twice() -> bytes:
    whole = archive(state(b"N"), {"a/xata.pkl": state(SYSTEM)})
    return whole.replace(b"a/xata.pkl", b"a/data.pkl")


def _counted(count: int) -> bytes:
    whole = bytearray(archive(state(b"N")))
    end = whole.rindex(b"PK\x05\x06")
    whole[end + 8 : end + 12] = struct.pack("<HH", count, count)
    return bytes(whole)


def _patched(at: int, value: bytes) -> bytes:
    """Change a field of the first entry of the table."""
    whole = bytearray(archive(state(b"N")))
    start = whole.index(b"PK\x01\x02")
    whole[start + at : start + at + len(value)] = value
    return bytes(whole)


def _wide() -> bytes:
    """A zip64 table of 2**60 entries, somewhere far behind the end."""
    whole = archive(state(b"N"))
    end = whole.rindex(b"PK\x05\x06")
    wide = b"PK\x06\x06" + struct.pack("<QHHIIQQQQ", 44, 45, 45, 0, 0, 1 << 60, 1 << 60, 1 << 61, 1 << 62)
    locator = b"PK\x06\x07" + struct.pack("<IQI", 0, end, 1)
    return whole[:end] + wide + locator + whole[end:]


several(
    "zip",
    {
        "slip": lambda: _renamed("a/data.pkl"),
        "slip_of_the_folder": lambda: _renamed("../data.pkl"),
        "bomb": lambda: archive(bytes(400 << 20), packed=True),
        "bomb_of_numbers": lambda: archive(
            state(tensor(number(0), sizes(100 << 20), sizes(1), storage(count=100 << 20))),
            {"a/data/0": bytes(400 << 20)}, packed=True,
        ),
        "overlapping": _overlapping,
        "names_twice": _twice,
        "too_few": lambda: _counted(1),
        "too_many": lambda: _counted(65535),
        "offset": lambda: _patched(42, b"\xff\xff\xff\x7f"),
        "sizes": lambda: _patched(20, b"\xff\xff\xff\x7f\xff\xff\xff\x7f"),
        "locked": lambda: _patched(8, b"\x01\x00"),
        "method": lambda: _patched(10, b"\x0e\x00"),
        "wide": _wide,
        "empty": lambda: b"PK\x03\x04" + bytes(20) + b"PK\x05\x06" + bytes(18),
        "no_pickle": lambda: zipped({"a/data.pkl": b""}),
    },
)  # fmt: skip


# Tensors that are none


def absurd(offset: bytes, shape: bytes, strides: bytes, over: bytes | None = None) -> Callable[[], bytes]:
    return lambda: archive(state(tensor(offset, shape, strides, over)))


several(
    "tensor",
    {
        "huge": absurd(number(0), sizes(2**62, 2**62), sizes(1, 1)),
        "larger_than_the_file": absurd(number(0), sizes(2**31), sizes(1), storage(count=2**31)),
        "expanded": absurd(number(0), sizes(2**20, 2**20), sizes(0, 0)),
        "expanded_to_much": absurd(number(0), sizes(2**50), sizes(0)),
        "negative_stride": absurd(number(8), sizes(2, 2), sizes(-4, 1)),
        "negative_offset": absurd(number(-4), sizes(2), sizes(1)),
        "negative_shape": absurd(number(0), sizes(-2, 2), sizes(2, 1)),
        "offset_behind": absurd(number(2**60), sizes(2), sizes(1)),
        "strides_behind": absurd(number(0), sizes(2, 2), sizes(2**40, 1)),
        "overflow": absurd(number(2**62), sizes(2**62, 4), sizes(2**62, 2**62)),
        "fraction": absurd(number(0), items(b"G" + struct.pack(">d", 2.5)), sizes(1)),
        "text": absurd(number(0), items(text("9")), sizes(1)),
        "truth": absurd(b"\x88", items(b"\x88"), sizes(1)),
        "more_strides": absurd(number(0), sizes(2), sizes(1, 1, 1)),
        "dimensions": absurd(number(0), sizes(*[1] * 1000), sizes(*[1] * 1000)),
        "no_storage": absurd(number(0), sizes(2), sizes(1), text("0")),
        "storage_not_there": absurd(number(0), sizes(2), sizes(1), storage(text("no/such"))),
        "storage_key": absurd(number(0), sizes(2), sizes(1), storage(text(f"../{MARK}"))),
        "storage_kind": absurd(number(0), sizes(2), sizes(1), storage(kind="QInt8Storage")),
        "thousands_of_views": lambda: archive(
            b"\x80\x02]("
            + b"".join(tensor(number(i), sizes(1 << 20), sizes(1)) for i in range(2000))
            + b"e.",
            {"a/data/0": bytes(5 << 20)},
        ),
        "sparse": lambda: archive(
            state(call("torch._utils", "_rebuild_sparse_tensor", number(0), items(EVIL)))
        ),
        "quantised": lambda: archive(
            state(call("torch._utils", "_rebuild_qtensor", storage(), number(0), sizes(2)))
        ),
    },
)


# Arrays


def array(dtype: bytes, data: bytes, shape: bytes | None = None) -> bytes:
    empty = call("numpy.core.multiarray", "_reconstruct", find("numpy", "ndarray"), sizes(0), b"C\x01b")
    return empty + items(number(1), shape or sizes(2), dtype, b"\x89", data) + b"b"


def dtype(code: str, order: str = "<") -> bytes:
    made = call("numpy", "dtype", text(code), b"\x89", b"\x88")
    return made + items(number(3), text(order), b"N", b"N", b"N", number(-1), number(-1), number(0)) + b"b"


several(
    "array",
    {
        "objects": lambda: plain(array(dtype("O8", "|"), b"](" + SYSTEM + EVAL + b"e")),
        "objects_as_bytes": lambda: plain(array(dtype("O8", "|"), b"C\x10" + bytes(16))),
        "objects_scalar": lambda: plain(call("numpy.core.multiarray", "scalar", dtype("O8", "|"), SYSTEM)),
        "objects_buffer": lambda: plain(
            call(
                "numpy._core.numeric",
                "_frombuffer",
                b"C\x10" + bytes(16),
                dtype("O8", "|"),
                sizes(2),
                text("C"),
            )
        ),
        "record": lambda: plain(array(dtype("V16", "|"), b"C\x10" + bytes(16))),
        "huge": lambda: plain(array(dtype("f8"), b"C\x10" + bytes(16), sizes(2**40, 2**20))),
        "negative": lambda: plain(array(dtype("f8"), b"C\x10" + bytes(16), sizes(-1, -2))),
        "text_for_numbers": lambda: plain(array(dtype("f8"), text("\u4e00" * 16))),
        "scalar_too_short": lambda: plain(call("numpy.core.multiarray", "scalar", dtype("f8"), b"C\x02ab")),
        "dtype_of_code": lambda: plain(call("numpy", "dtype", EVIL, b"\x89", b"\x88")),
        "memmap": lambda: plain(
            call("numpy", "memmap", text(MARK), text("u1"), text("w+"), number(0), sizes(9))
        ),
    },
)

# Memory and time


def deep(levels: int, wrap: bytes, start: bytes = b"]") -> bytes:
    return start + wrap * levels


def laughs(levels: int, each: int) -> bytes:
    """Lists of the same list, which are `each ** levels` once they are written out."""
    body = b"](" + text("ha") * each + b"e\x94"
    for level in range(levels):
        body += b"](" + (b"j" + struct.pack("<I", level)) * each + b"e\x94"
    return body


several(
    "much",
    {
        "long4": lambda: plain(b"\x8b" + struct.pack("<I", 0x7FFFFFFF)),
        "long4_there": lambda: plain(b"\x8b" + struct.pack("<I", 20 << 20) + b"\x7f" * (20 << 20)),
        "digits": lambda: plain(b"I" + b"9" * (4 << 20) + b"\n"),
        "digits_of_long": lambda: plain(b"L" + b"9" * 4100 + b"L\n"),
        "text8": lambda: plain(b"\x8d" + struct.pack("<Q", 2**63)),
        "text4": lambda: plain(b"X" + struct.pack("<I", 0xFFFFFFFF)),
        "bytes8": lambda: plain(b"\x8e" + struct.pack("<Q", 2**62)),
        "bytearray8": lambda: plain(b"\x96" + struct.pack("<Q", 2**62), 5),
        "buffer": lambda: plain(b"\x97\x98", 5),
        "frame": lambda: plain(b"\x95" + struct.pack("<Q", 2**63) + b"N"),
        "memo": lambda: plain(b"Nr\xff\xff\xff\xff"),
        "memo_line": lambda: plain(b"Np" + b"9" * 3000 + b"\n"),
        "memo_not_there": lambda: plain(b"j\xff\xff\xff\xff"),
        "deep_lists": lambda: plain(b"]" * 10_000 + b"a" * 9_999),
        "deep_tuples": lambda: plain(deep(10_000, b"\x85", b")")),
        "deeper_tuples": lambda: plain(deep(1_000_000, b"\x85", b")")),
        "deep_dicts": lambda: plain((b"}" + text("a")) * 10_000 + b"N" + b"s" * 10_000),
        "deep_objects": lambda: plain(EVIL + deep(10_000, b"\x85R" + EVIL + b"2\x86", b"N")),
        "deep_reduces": lambda: plain(EVIL * 10_000 + b"N" + b"\x85R" * 10_000),
        "deep_states": lambda: plain((EVIL + b")\x81") * 10_000 + b"b" * 9_999),
        "deep_in_a_zip": lambda: archive(b"\x80\x02" + b"]" * 10_000 + b"a" * 9_999 + b"."),
        "deep_marks": lambda: plain(b"(" * 2_000_000),
        "deep_keys": lambda: plain(b"}" + deep(10_000, b"\x85", b")") + b"Ns"),
        "laughs": lambda: plain(laughs(60, 10)),
        "laughs_of_text": lambda: plain(text("ha" * 50_000) + b"\x94](" + b"h\x00" * 200_000 + b"e"),
        "doubled_tuples": lambda: plain(b")" + b"2\x86" * 90),
        "holding_itself": lambda: plain(b"]\x94h\x00a"),
        "holding_each_other": lambda: plain(b"]\x94}" + text("a") + b"h\x00sa"),
        "state_of_itself": lambda: plain(EVIL + b")\x81\x94h\x00b"),
        "steps": lambda: plain(b"N0" * 4_000_000),
        "values": lambda: plain(b"](" + b"N" * 2_500_000 + b"e"),
        "marks_and_tuples": lambda: plain(b"](" + b"(t" * 1_200_000 + b"e"),
        "colliding_keys": lambda: plain(
            b"}(" + b"".join(number(k * (2**61 - 1)) + b"N" for k in range(1, 60_000)) + b"u"
        ),
        "colliding_floats": lambda: plain(
            b"}(" + b"".join(b"G" + struct.pack(">d", 2.0 ** (61 * k % 900)) + b"N" for k in range(60_000)) + b"u"
        ),
        "nested_again": lambda: plain(
            b"B" + struct.pack("<I", 100_004) + b"\x80\x02" + b"N0" * 50_000 + b"N." + b"\x940"
            + (find("torch.storage", "_load_from_bytes") + b"h\x00\x85R0") * 3000 + b"N"
        ),
        "encoded_again": lambda: plain(
            text("a" * 60_000) + b"\x940"
            + (find("_codecs", "encode") + b"h\x00" + text("latin1") + b"\x86R") * 50_000
        ),
        "zlib": lambda: zlib.compress(bytes(1 << 20)),
    },
)  # fmt: skip

# What people would be shown

several(
    "shown",
    {
        "escapes_in_a_class": lambda: plain(call("\x1b[2J\x07", "\u202eevil", text("a"))),
        "escapes_in_a_key": lambda: archive(b"\x80\x02}(" + text("a\n\x1b[2J\u202e" * 9) + text("b") + b"u."),
        "halves_of_letters": lambda: plain(text(b"\xed\xa0\x80") + b"V\\ud800\n"),
        "no_letters": lambda: plain(text(b"\xff\xfe\xfd")),
        "long_class": lambda: plain(find("a" * 5000, "b" * 5000)),
        "empty_class": lambda: plain(find("", "") + b")R"),
    },
)


def _stream_of_numbers() -> bytes:
    numbers = struct.pack("<q", 16) + bytes(64)
    return stream(
        state(tensor(number(0), sizes(4, 4), sizes(4, 1))), b"\x80\x02](" + text("0") + b"e.", numbers
    )


CUTS: dict[str, Callable[[], bytes]] = {
    "zip": lambda: archive(state(tensor(number(0), sizes(4, 4), sizes(4, 1)))),
    "stream": _stream_of_numbers,
    "pickle": lambda: plain(array(dtype("f8"), b"C\x10" + bytes(16))),
    "tar": lambda: tarred(state(text("a"))),
    "pt2": lambda: exported(exported_weight([4], [1]), {"data/weights/weight_0": bytes(16)}),
}
for _kind, _whole in CUTS.items():
    several(
        "cut",
        {f"{_kind}_{part}": lambda w=_whole, part=part: w()[: len(w()) * part // 8] for part in (1, 3, 5, 7)},
    )
