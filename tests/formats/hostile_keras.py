"""Keras files that would run code, read other files or take all memory; they join `hostile.VARIANTS`."""

import base64
import io
import json
import marshal
import zlib
from collections.abc import Callable

import h5py
import numpy as np
from formats.hostile import CANARY, MARK, several, zipped

CODE = base64.b64encode(marshal.dumps((lambda: open(MARK, "w").close()).__code__)).decode()
DENSE = {"units": 4, "activation": "tanh", "use_bias": True, "name": "dense"}


def layer(kind: str, config: dict, **more: object) -> dict:
    return {"class_name": kind, "config": config, "module": "keras.layers", "registered_name": None, **more}


def config(*layers: dict) -> str:
    first = layer("InputLayer", {"batch_shape": [None, 2], "batch_input_shape": [None, 2], "name": "input"})
    return json.dumps(layer("Sequential", {"name": "model", "layers": [first, *layers]}))


PLAIN = config(layer("Dense", DENSE))
EVIL = {
    "lambda": config(
        layer("Dense", DENSE),
        layer(
            "Lambda",
            {"name": "evil", "function": [CODE, None, None], "function_type": "lambda", "arguments": {}},
        ),
    ),
    "lambda_object": config(
        layer("Dense", DENSE),
        layer("Lambda", {"name": "evil", "function": {"class_name": "__lambda__", "config": {"code": CODE}}}),
    ),
    "lambda_module": config(
        layer("Dense", DENSE),
        layer(
            "Lambda",
            {"name": "evil", "function": "system", "module": "os", "arguments": {"command": f"touch {MARK}"}},
        ),
    ),
    "function": config(
        layer("Dense", DENSE | {"activation": {"module": "os", "class_name": "function", "config": "system"}})
    ),
    "activation": config(layer("Dense", DENSE | {"activation": f"__import__('os').system('touch {MARK}')"})),
    "module": config(
        {"class_name": "Evil", "module": CANARY, "config": {}, "registered_name": f"{CANARY}>Evil"}
    ),
    "initializer": config(
        layer("Dense", DENSE | {"kernel_initializer": {"module": CANARY, "class_name": "Evil", "config": {}}})
    ),
    "deep": "[" * 200_000,
    "deep_models": json.dumps(None),
    "many": config(*[layer("Dense", DENSE | {"name": f"dense{i}"}) for i in range(20_000)]),
    "units": config(layer("Dense", DENSE | {"units": 2**62})),
    "no_dict": json.dumps([1, 2, 3]),
    "no_json": "(lambda: 1)()",
    "numbers": json.dumps({"class_name": 1, "config": {"layers": {"a": 1e999}}}),
}
_inner = layer("Dense", DENSE)
for _ in range(300):
    _inner = layer("Sequential", {"name": "inner", "layers": [_inner]})
EVIL["deep_models"] = json.dumps(_inner)


def written(fill: Callable[[h5py.File], None], text: str | None = PLAIN) -> bytes:
    """Return an HDF5 file of a model whose weights `fill` writes."""
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        if text is not None:
            file.attrs["keras_version"] = "2.15.0"
            space = h5py.string_dtype()
            if len(text) < 60_000:
                file.attrs["model_config"] = text
            else:
                file.attrs.create("model_config", text[:60_000], dtype=space)
        fill(file)
    return buffer.getvalue()


def dense(file: h5py.File) -> h5py.Group:
    group = file.create_group("model_weights")
    group.attrs["layer_names"] = [b"dense"]
    inner = group.create_group("dense")
    inner.attrs["weight_names"] = [b"dense/kernel:0", b"dense/bias:0"]
    inner["dense/bias:0"] = np.zeros(4, "f4")
    return inner


def whole(file: h5py.File) -> None:
    dense(file)["dense/kernel:0"] = np.zeros((2, 4), "f4")


def _external_link(file: h5py.File) -> None:
    dense(file)["dense/kernel:0"] = h5py.ExternalLink("/etc/hostname", "/a")


def _soft_link(file: h5py.File) -> None:
    dense(file)["dense/kernel:0"] = h5py.SoftLink("/model_weights")


def _external_storage(file: h5py.File) -> None:
    dense(file).create_dataset("dense/kernel:0", (2, 4), "f4", external=[("/etc/hostname", 0, 32)])


def _virtual(file: h5py.File) -> None:
    layout = h5py.VirtualLayout((2, 4), "f4")
    layout[:] = h5py.VirtualSource("/etc/hostname", "a", (2, 4))
    dense(file).create_virtual_dataset("dense/kernel:0", layout)


def _huge(file: h5py.File) -> None:
    dense(file).create_dataset("dense/kernel:0", (2**40, 2**20), "f4", chunks=(1, 1024))


def _bomb(file: h5py.File) -> None:
    rows = dense(file).create_dataset(
        "dense/kernel:0", (1 << 14, 1 << 14), "f4", chunks=(256, 1 << 14), compression="gzip"
    )
    packed = zlib.compress(bytes(256 * (1 << 14) * 4))
    for start in range(0, 1 << 14, 256):
        rows.id.write_direct_chunk((start, 0), packed)


def _objects(file: h5py.File) -> None:
    inner = dense(file)
    inner.create_dataset("dense/kernel:0", (2,), h5py.ref_dtype)[0] = inner.ref


def _texts(file: h5py.File) -> None:
    dense(file).create_dataset("dense/kernel:0", (2,), h5py.string_dtype())[:] = [MARK, CODE]


def _record(file: h5py.File) -> None:
    dense(file).create_dataset("dense/kernel:0", (2,), np.dtype([("a", "f4"), ("b", "S8")]))


def _circle(file: h5py.File) -> None:
    group = file.create_group("a")
    group["b"] = group


def _deep(file: h5py.File) -> None:
    group: h5py.Group = file
    for _ in range(3000):
        group = group.create_group("a")


def _names(file: h5py.File) -> None:
    inner = dense(file)
    inner.attrs["weight_names"] = [f"../../../{MARK}".encode(), b"/etc/passwd", b"dense/../../a"]


several(
    "h5",
    {
        **{name: lambda text=text: written(whole, text) for name, text in EVIL.items()},
        "external_link": lambda: written(_external_link),
        "soft_link": lambda: written(_soft_link),
        "external_storage": lambda: written(_external_storage),
        "virtual": lambda: written(_virtual),
        "huge": lambda: written(_huge),
        "bomb": lambda: written(_bomb),
        "objects": lambda: written(_objects),
        "texts": lambda: written(_texts),
        "record": lambda: written(_record),
        "circle": lambda: written(_circle, None),
        "deep_groups": lambda: written(_deep, None),
        "names": lambda: written(_names),
        **{
            f"cut_{part}": lambda part=part: (w := written(whole))[: len(w) * part // 8]
            for part in (1, 3, 5, 7)
        },
    },
)


def weights(fill: Callable[[h5py.File], None]) -> bytes:
    return written(fill, None)


def _version_3(file: h5py.File) -> None:
    group = file.create_group("layers/dense/vars")
    group["0"], group["1"] = np.zeros((2, 4), "f4"), np.zeros(4, "f4")


def _linked(file: h5py.File) -> None:
    _version_3(file)
    file["layers/evil"] = h5py.ExternalLink("/etc/hostname", "/a")


def keras(
    text: str, data: bytes | None = None, more: dict[str, bytes] | None = None, packed: bool = False
) -> bytes:
    parts = {"metadata.json": b'{"keras_version": "3.3.0"}', "config.json": text.encode()}
    parts["model.weights.h5"] = weights(_version_3) if data is None else data
    return zipped({**parts, **(more or {})}, packed)


several(
    "keras",
    {
        **{name: lambda text=text: keras(text) for name, text in EVIL.items()},
        "external_link": lambda: keras(PLAIN, weights(_linked)),
        "slip": lambda: keras(PLAIN, more={f"../../{MARK}": b"a", f"assets/../../../{MARK}": b"b"}),
        "optimizer": lambda: keras(PLAIN, more={"optimizer.pt": b"\x80\x02cos\nsystem\n."}),
        "bomb": lambda: keras(PLAIN, bytes(500 << 20), packed=True),
        "config_bomb": lambda: keras(" " * (300 << 20), packed=True),
        "no_hdf5": lambda: keras(PLAIN, b"\x89HDF\r\n\x1a\n" + bytes(100)),
    },
)
