"""What `safe_pickle` does with the names in a pickle: a table of own functions, and records for all others.

Here tensors, numpy arrays and the usual containers are rebuilt, as references to numbers; nothing is imported or
called because a file says so. Every number that a file states is checked where the tensor is handed over (see
`handing.Handing.part`).
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from typing import Any

from explorer.errors import CheckpointError
from explorer.formats.content import Entries, Record
from explorer.formats.handing import SIZES
from explorer.formats.pickle_stands import (
    NUMPY,
    PACKED,
    SHORT,
    STORAGES,
    Array,
    Dtype,
    Global,
    LongBytes,
    LongText,
    NativeText,
    Storage,
    Tensor,
    World,
)
from explorer.formats.span import Damaged, Span, in_memory


def key(value: Any) -> Any:
    """Return a dict's key: text, None, bool and small ints as they are, all else as text.

    Large ints and floats can be made to collide; parts of a tuple may be anything.
    """
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, int) and abs(value) < 1 << 31:
        return value
    if isinstance(value, int | float):
        return repr(value)[:100]
    if isinstance(value, bytes):
        return value[:100].decode("latin-1")
    if isinstance(value, tuple) and len(value) < 9 and all(isinstance(n, int | float | str) for n in value):
        return str(value)[:200]
    return value.name if isinstance(value, Global) else f"<{type(value).__name__} at {id(value)}>"


def call(world: World, callee: Any, args: tuple[Any, ...]) -> Any:
    """Return what stands for a call: what an own function of that name makes of it, else a record."""
    if not isinstance(callee, Global):
        return Record(callee.cls if isinstance(callee, Record) else "something", args)
    own = KNOWN.get(callee.name)
    if own is not None:
        made = own(world, args)
        if made is not NotImplemented:
            return made
    return Record(callee.name, args)


def build(world: World, target: Any, state: Any) -> None:
    """Give what is on the stack its state."""
    if isinstance(state, tuple) and len(state) == 2 and all(isinstance(part, dict | None) for part in state):
        state = {**(state[0] or {}), **(state[1] or {})}  # attributes, and those in slots
    if isinstance(target, Record):
        target.state = state
    elif isinstance(target, Entries):
        target.attributes = dict(state) if isinstance(state, dict) else {}
    elif isinstance(target, Array):
        _fill_array(world, target, state)
    elif isinstance(target, Dtype):
        _complete_dtype(target, state)


# torch


def tensor(world: World, storage: Any, offset: Any, shape: Any, strides: Any, dtype: str = "") -> Any:
    """Return a tensor that will be handed over, once all storages have their places."""
    if not isinstance(storage, Storage):
        raise Damaged("a tensor over something else than a storage")
    dtype = dtype or storage.dtype
    if dtype not in SIZES:
        world.handing.note(f"Tensors of the kind {dtype[:40]} were left out.")
        return Record(f"torch.{dtype}", (list(shape),))
    made = Tensor(storage, dtype, offset, tuple(shape), tuple(strides))
    world.waiting.append(made)
    return made


def _rebuild_tensor(world: World, args: tuple[Any, ...]) -> Any:
    storage, offset, shape, strides = args[:4]
    return tensor(world, storage, offset, shape, strides)


def _rebuild_tensor_v3(world: World, args: tuple[Any, ...]) -> Any:
    storage, offset, shape, strides = args[:4]
    return tensor(world, storage, offset, shape, strides, _dtype_name(args[6]))


def _rebuild_from_type(world: World, args: tuple[Any, ...]) -> Any:
    callee, _, inner = args[:3]
    if not isinstance(callee, Global) or not isinstance(inner, tuple):
        return NotImplemented
    if callee.name in _OF_TYPES:  # one within another may be made to go on for ever
        return NotImplemented
    return call(world, callee, inner)


def _left_out(world: World, args: tuple[Any, ...]) -> Any:
    world.handing.note("Sparse, quantised and nested tensors were left out; this program reads plain ones.")
    return NotImplemented


def _first(world: World, args: tuple[Any, ...]) -> Any:
    return args[0]


def _first_tensor(world: World, args: tuple[Any, ...]) -> Any:
    return args[0] if args and isinstance(args[0], Tensor | Array) else NotImplemented


def _dtype_name(value: Any) -> str:
    name = value.name.rpartition(".")[2] if isinstance(value, Global) else str(value)
    return SHORT.get(name, name)


def storage_dtype(cls: Any) -> str:
    """Return the kind of numbers of a storage's class."""
    last = cls.name.rpartition(".")[2] if isinstance(cls, Global) else ""
    return STORAGES.get(last, last)


def _load_from_bytes(world: World, args: tuple[Any, ...]) -> Any:
    data = args[0]
    if isinstance(data, NativeText):
        data = data.span
    if isinstance(data, LongBytes):
        data = data.text.latin()
    if isinstance(data, str):
        data = data.encode("latin-1")
    if isinstance(data, bytes):
        data = in_memory(data)
    if not isinstance(data, Span):
        return NotImplemented
    return world.nested(data, world)


def _size(world: World, args: tuple[Any, ...]) -> Any:
    return list(args[0]) if args and isinstance(args[0], list | tuple) else []


def _device(world: World, args: tuple[Any, ...]) -> Any:
    return ":".join(str(part)[:40] for part in args[:2])


def _old_tensor(world: World, args: tuple[Any, ...]) -> Any:
    """Make a tensor as files of 2016 and 2017 do, empty at first; its state is a storage and three more."""
    return Array()


# numpy


def _reconstruct(world: World, args: tuple[Any, ...]) -> Any:
    return Array()


def _new_array(world: World, args: tuple[Any, ...]) -> Any:
    return Array()


def _dtype(world: World, args: tuple[Any, ...]) -> Any:
    code = args[0] if args else ""
    if isinstance(code, Global):  # numpy.dtype(numpy.float32)
        code = code.name.rpartition(".")[2]
    code = {"float64": "f8", "float32": "f4", "int64": "i8", "int32": "i4", "uint8": "u1", "bool": "b1",
            "bool_": "b1"}.get(code, code)  # fmt: skip
    return Dtype(code.lstrip("<>=|"), code.startswith(">")) if isinstance(code, str) else NotImplemented


def _complete_dtype(target: Dtype, state: Any) -> None:
    if isinstance(state, tuple) and len(state) > 1:
        target.swapped = state[1] == ">"


def _scalar(world: World, args: tuple[Any, ...]) -> Any:
    if len(args) < 2 or not isinstance(args[0], Dtype):
        return NotImplemented
    dtype, data = args[:2]
    _refuse_objects(world, dtype)
    if isinstance(data, str):
        data = data.encode("latin-1")
    packed = PACKED.get(NUMPY.get(dtype.code, ""))
    if not packed or not isinstance(data, bytes):
        return NotImplemented
    return struct.unpack((">" if dtype.swapped else "<") + packed, data)[0]


def _from_buffer(world: World, args: tuple[Any, ...]) -> Any:
    data, dtype, shape = args[:3]
    array = Array()
    _fill_array(world, array, (1, shape, dtype, len(args) > 3 and args[3] == "F", data))
    return array


def _fill_array(world: World, array: Array, state: Any) -> None:
    """Give an array its numbers: version, shape, dtype, whether in Fortran's order, bytes."""
    if not isinstance(state, tuple) or len(state) < 4:  # of a parameter of 2017: whether it is trained, hooks
        return
    if isinstance(state[0], Storage):
        array.reference = tensor(world, *state[:4])
        return
    shape, dtype, fortran, data = state[-4:]
    if not isinstance(dtype, Dtype) or not isinstance(shape, tuple):
        raise Damaged("an array without its kind")
    _refuse_objects(world, dtype)
    if dtype.code not in NUMPY:
        world.handing.note(f"Arrays of the kind {dtype.code[:20]} (no numbers) were left out.")
        return
    if isinstance(data, NativeText):
        data = data.span
    storage = Storage(NUMPY[dtype.code], swapped=dtype.swapped)
    if isinstance(data, LongBytes):
        storage.copied_at, storage.size = data.text.copied(world.handing)
    elif isinstance(data, str | bytes | Span):
        data = data.encode("latin-1") if isinstance(data, str) else data
        storage.place = in_memory(data) if isinstance(data, bytes) else data
    else:
        raise Damaged("an array whose numbers are something else")
    if not all(type(n) is int and 0 <= n < 1 << 62 for n in shape):
        raise Damaged("an array whose shape is no shape")
    made = Tensor(storage, storage.dtype, 0, shape, _array_strides(shape, bool(fortran)))
    made.settle(world)
    array.reference = made.reference


def _array_strides(shape: tuple[int, ...], fortran: bool) -> tuple[int, ...]:
    strides, step = [], 1
    for n in shape if fortran else shape[::-1]:
        strides.append(step)
        step *= max(n, 1)
    return tuple(strides if fortran else strides[::-1])


def _refuse_objects(world: World, dtype: Dtype) -> None:
    if dtype.code.startswith("O"):
        raise CheckpointError(
            f"{world.path} holds an array of objects instead of numbers, which could hide anything; save its "
            "arrays as numbers."
        )


# Python


def _encode(world: World, args: tuple[Any, ...]) -> Any:
    if not args or (len(args) > 1 and args[1] not in ("latin1", "latin-1")):
        return NotImplemented
    if isinstance(args[0], LongText):
        return LongBytes(args[0])
    if not isinstance(args[0], str):
        return NotImplemented
    text = args[0]
    if id(text) not in world.encoded:
        world.encoded[id(text)] = text, text.encode("latin-1")  # kept, so that no id is given twice
    return world.encoded[id(text)][1]


def _entries(world: World, args: tuple[Any, ...]) -> Any:
    pairs = args[0] if args else ()
    if isinstance(pairs, Mapping):
        return Entries(pairs)
    if not isinstance(pairs, list | tuple):
        return Entries()
    pairs = [pair for pair in pairs if isinstance(pair, list | tuple) and len(pair) == 2]
    return Entries((key(name), value) for name, value in pairs)


def _default_dict(world: World, args: tuple[Any, ...]) -> Any:
    return _entries(world, args[1:])


def _list(world: World, args: tuple[Any, ...]) -> Any:
    return list(args[0]) if args and isinstance(args[0], list | tuple) else []


def _bytes(world: World, args: tuple[Any, ...]) -> Any:
    return args[0] if args and isinstance(args[0], bytes | Span) else b""


def _reconstructor(world: World, args: tuple[Any, ...]) -> Any:
    """Objects of protocol 0 and 1: a class, a base among Python's own, and a value of the base."""
    cls, _, value = (*args, None, None)[:3]
    made = call(world, cls, ())
    if isinstance(made, Record):
        made.items = list(value) if isinstance(value, list | tuple) else []
        made.entries = dict(value) if isinstance(value, dict) else {}
    elif isinstance(made, Entries) and isinstance(value, dict):
        made.update(value)
    return made


def _new_object(world: World, args: tuple[Any, ...]) -> Any:
    return call(world, args[0], tuple(args[1:])) if _is_leaf(args) else NotImplemented


def _new_object_with_keywords(world: World, args: tuple[Any, ...]) -> Any:
    given = args[1] if len(args) > 1 and isinstance(args[1], tuple) else ()
    return call(world, args[0], given) if _is_leaf(args) else NotImplemented


def _is_leaf(args: tuple[Any, ...]) -> bool:
    """Tell whether a call within a call ends there, so that no chain of them is followed."""
    return bool(args) and isinstance(args[0], Global) and args[0].name not in _WITHIN


def _skeleton(world: World, args: tuple[Any, ...]) -> Any:
    """cloudpickle makes a class anew: its name is all that is needed of it."""
    name = args[1] if len(args) > 1 and isinstance(args[1], str) else "class"
    named = args[3] if len(args) > 3 and isinstance(args[3], dict) else {}
    module = named.get("__module__", "__main__")
    return Global(f"{module}.{name}"[:1000])


_WITHIN = {"copyreg.__newobj__", "copyreg.__newobj_ex__", "copy_reg.__newobj__", "copy_reg._reconstructor",
           "copyreg._reconstructor"}  # fmt: skip
_OF_TYPES = {"torch._tensor._rebuild_from_type", "torch._tensor._rebuild_from_type_v2",
             "torch.tensor._rebuild_from_type", "torch.tensor._rebuild_from_type_v2"}  # fmt: skip

_Own = Callable[[World, tuple[Any, ...]], Any]

KNOWN: dict[str, _Own] = {
    "torch._utils._rebuild_tensor": _rebuild_tensor,
    "torch._utils._rebuild_tensor_v2": _rebuild_tensor,
    "torch._utils._rebuild_tensor_v3": _rebuild_tensor_v3,
    "torch._utils._rebuild_parameter": _first,
    "torch._utils._rebuild_parameter_with_state": _first,
    "torch._utils._rebuild_device_tensor_from_numpy": _first,
    "torch._utils._rebuild_device_tensor_from_cpu_tensor": _first,
    "torch._utils._rebuild_sparse_tensor": _left_out,
    "torch._utils._rebuild_sparse_csr_tensor": _left_out,
    "torch._utils._rebuild_nested_tensor": _left_out,
    "torch._utils._rebuild_meta_tensor_no_storage": _left_out,
    "torch._utils._rebuild_qtensor": _left_out,
    **dict.fromkeys(_OF_TYPES, _rebuild_from_type),
    "torch.nn.parameter.Parameter": _first_tensor,
    "torch.nn.parameter.Buffer": _first_tensor,
    "torch.autograd.variable.Variable": _first_tensor,
    **{f"torch.{place}{name[:-7]}Tensor": _old_tensor for place in ("", "cuda.") for name in STORAGES},
    "torch.storage._load_from_bytes": _load_from_bytes,
    "torch.Size": _size,
    "torch.device": _device,
    "torch.jit._pickle.build_intlist": _first,
    "torch.jit._pickle.build_doublelist": _first,
    "torch.jit._pickle.build_boollist": _first,
    "torch.jit._pickle.build_tensorlist": _first,
    "torch.jit._pickle.restore_type_tag": _first,
    **{f"numpy.{core}.multiarray._reconstruct": _reconstruct for core in ("core", "_core")},
    **{f"numpy.{core}.multiarray.scalar": _scalar for core in ("core", "_core")},
    **{f"numpy.{core}.numeric._frombuffer": _from_buffer for core in ("core", "_core")},
    "numpy.ndarray": _new_array,
    "numpy.dtype": _dtype,
    "_codecs.encode": _encode,
    "collections.OrderedDict": _entries,
    "collections.defaultdict": _default_dict,
    **{
        f"{module}.{name}": _list
        for module in ("builtins", "__builtin__")
        for name in ("set", "frozenset", "list")
    },
    **{f"{module}.dict": _entries for module in ("builtins", "__builtin__")},
    **{
        f"{module}.{name}": _bytes
        for module in ("builtins", "__builtin__")
        for name in ("bytes", "bytearray")
    },
    **{f"{module}._reconstructor": _reconstructor for module in ("copyreg", "copy_reg")},
    **{f"{module}.__newobj__": _new_object for module in ("copyreg", "copy_reg")},
    "copyreg.__newobj_ex__": _new_object_with_keywords,
    **{
        f"cloudpickle.{module}._make_skeleton_class": _skeleton
        for module in ("cloudpickle", "cloudpickle_fast")
    },
}
"""Own functions by the names that pickles call; `NotImplemented` from one of them means: write a record."""
