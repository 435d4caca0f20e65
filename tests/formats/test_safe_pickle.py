"""The one reader gives back what torch and pickle wrote: every container, protocol, kind of number and class."""

import argparse
import collections
import contextlib
import copyreg
import io
import pickle
import struct
import tarfile
import zipfile
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

from explorer.errors import CheckpointError
from explorer.formats import child, taking
from explorer.formats.content import Entries, Record


@pytest.fixture
def read(tmp_path):
    """Return what reads bytes, or what a function writes to a path, as the two processes do."""

    def read(source):
        path, folder = tmp_path / "a.bin", tmp_path / "folder"
        folder.mkdir(exist_ok=True)
        if isinstance(source, bytes):
            path.write_bytes(source)
        else:
            source(path)
        child.read(path, folder)
        return taking.take_over(path, folder, lambda fraction, text: None, lambda: False)

    return read


def saved(value, **options):
    return lambda path: torch.save(value, path, **options)


def weights():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Tanh()).state_dict()


def same(found, expected):
    assert list(found) == list(expected)
    for key, tensor in expected.items():
        assert found[key].dtype == tensor.dtype
        assert torch.equal(found[key], tensor), key


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
@pytest.mark.parametrize("is_zip", [True, False])
def test_state_dicts_of_torch(read, protocol, is_zip):
    handed = read(saved(weights(), pickle_protocol=protocol, _use_new_zipfile_serialization=is_zip))
    same(handed.content, weights())
    assert isinstance(handed.content, Entries)
    assert list(handed.content.attributes["_metadata"]) == ["", "0", "1", "2"]
    assert handed.kind == ("zip" if is_zip else "stream")


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_tensors_that_pickle_wrote_itself(read, protocol):
    handed = read(pickle.dumps(dict(weights()), protocol))
    same(handed.content, weights())
    assert handed.kind == "pickle"


NUMBERS = ["float64", "float32", "float16", "bfloat16", "int64", "int32", "int16", "int8", "uint8", "bool", "uint16",
           "uint32", "uint64", "complex64", "complex128", "float8_e4m3fn", "float8_e5m2"]  # fmt: skip


@pytest.mark.parametrize("name", NUMBERS)
@pytest.mark.parametrize("is_zip", [True, False])
def test_every_kind_of_number(read, name, is_zip):
    tensor = torch.arange(6, dtype=torch.float32).reshape(2, 3).to(getattr(torch, name))
    found = read(saved({"a": tensor}, _use_new_zipfile_serialization=is_zip)).content["a"]
    assert found.dtype == tensor.dtype
    assert found.shape == (2, 3)
    assert torch.equal(found.to(torch.complex128), tensor.to(torch.complex128))


def test_layouts_of_one_storage(read):
    whole = torch.arange(24.0).reshape(2, 3, 4)
    values = {
        "whole": whole, "turned": whole.permute(2, 0, 1), "part": whole[1, :, 1:3], "every_other": whole[..., ::2],
        "wide": torch.ones(1).expand(5, 5), "last": whole.to(memory_format=torch.contiguous_format)[1, 2, 3],
        "empty": torch.empty(0, 3), "channels": whole[None].to(memory_format=torch.channels_last),
    }  # fmt: skip
    found = read(saved(values)).content
    same(found, values)
    assert all(tensor.is_contiguous() for tensor in found.values())


def test_what_is_tied_stays_tied(read):
    weight = torch.rand(3)
    found = read(saved({"a": weight, "b": [weight, weight.view(3, 1)]})).content
    assert found["a"] is found["b"][0]
    assert torch.equal(found["b"][1], weight.view(3, 1))


@pytest.mark.parametrize(
    "tensor", [torch.tensor([1.5, -2.0]), torch.tensor([1, 258]), torch.tensor([1 + 2j])]
)
def test_numbers_of_a_machine_of_the_other_order(read, tensor):
    buffer = io.BytesIO()
    torch.save({"a": tensor}, buffer)
    part = tensor.element_size() // (2 if tensor.is_complex() else 1)
    swapped = np.frombuffer(tensor.numpy().tobytes(), np.uint8).reshape(-1, part)[:, ::-1].tobytes()
    turned = io.BytesIO()
    with zipfile.ZipFile(buffer) as old, zipfile.ZipFile(turned, "w") as new:
        for name in old.namelist():
            kind = name.partition("/")[2]
            new.writestr(name, {"byteorder": b"big", "data/0": swapped}.get(kind, old.read(name)))
    assert torch.equal(read(turned.getvalue()).content["a"], tensor)


def test_parameters_and_sizes(read):
    value = {
        "p": nn.Parameter(torch.ones(2)),
        "s": torch.Size([2, 3]),
        "d": torch.device("cuda:1"),
        "t": torch.float16,
    }
    found = read(saved(value)).content
    assert torch.equal(found["p"], torch.ones(2))
    assert found["s"] == [2, 3]
    assert found["d"] == "cuda:1"
    assert found["t"] == "torch.float16"


def test_a_whole_module_is_a_tree_of_records(read):
    network = nn.Sequential(nn.ConvTranspose2d(2, 3, 4, stride=2, padding=1), nn.LeakyReLU(0.2))
    found = read(saved(network)).content
    assert found.cls == "torch.nn.modules.container.Sequential"
    first, second = found.state["_modules"].values()
    assert first.name == "ConvTranspose2d"
    assert first.state["stride"] == [2, 2]
    assert torch.equal(first.state["_parameters"]["weight"], network[0].weight)
    assert second.state["negative_slope"] == 0.2


class Kept:
    def __init__(self):
        self.size = 3
        self.itself = self


class Slotted:
    __slots__ = ("a",)


class Listed(list):
    pass


class Named(dict):
    pass


def _made():
    slotted, listed, named = Slotted(), Listed([1, 2]), Named(a=1)
    slotted.a, listed.b, named.c = 5, 6, 7
    return [Kept(), slotted, listed, named]


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_objects_become_records(read, protocol):
    kept, slotted, listed, named = read(pickle.dumps([*_made(), "x" * 99], protocol)).content[:4]
    assert kept.cls.endswith(".Kept")
    assert kept.state["size"] == 3
    assert kept.state["itself"].cls == "..."
    assert slotted.state == {"a": 5}
    assert (listed.items, listed.state) == ([1, 2], {"b": 6})
    assert (named.entries, named.state) == ({"a": 1}, {"c": 7})


@pytest.mark.parametrize("protocol", [0, 1])
def test_objects_of_old_protocols(read, protocol):
    kept, _, listed, named = (*read(pickle.dumps([Kept(), 0, Listed([1, 2]), Named(a=1)], protocol)).content,)
    assert kept.state["size"] == 3
    assert listed.items == [1, 2]
    assert named.entries == {"a": 1}


@pytest.mark.parametrize("protocol", range(6))
def test_plain_values(read, protocol):
    values = [
        None,
        True,
        False,
        0,
        -1,
        255,
        65536,
        -(2**40),
        2**100,
        1.5,
        float("inf"),
        "text",
        "\xe9\u4e00",
        "a'\\n\n",
        [],
    ]
    found = read(pickle.dumps([*values, {"a": {1: 2}, None: 3}, (1, (2,)), "x" * 99], protocol)).content
    assert found[:-3] == values
    assert found[-3:-1] == [{"a": {1: 2}, None: 3}, [1, [2]]]


@pytest.mark.parametrize("protocol", range(6))
def test_containers(read, protocol):
    values = [
        collections.OrderedDict(a=1), collections.defaultdict(list, b=[2]), {1, 2}, frozenset({3}),
        argparse.Namespace(lr=0.1), SimpleNamespace(a=1), complex(1, 2), b"abc", Kept, len, "x" * 99,
    ]  # fmt: skip
    found = read(pickle.dumps(values, protocol)).content
    assert found[:4] == [{"a": 1}, {"b": [2]}, [1, 2], [3]]
    assert found[4].cls == "argparse.Namespace"
    assert found[4].state == {"lr": 0.1}
    assert found[5].state == {"a": 1}
    assert (found[8].cls, found[8].args[0].rpartition(".")[2]) == ("builtins.type", "Kept")
    assert found[9].args[0].endswith(".len")


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("code", ["<f8", ">f4", "<f2", "<i8", ">i2", "|u1", "|b1", "<c8"])
def test_numpy_arrays(read, protocol, code):
    array = np.arange(6).reshape(2, 3).astype(code)
    values = {
        "c": array,
        "f": np.asfortranarray(array),
        "part": array[:, 1:],
        "none": array[:0],
        "one": array[1, 1],
    }
    found = read(pickle.dumps([values, "x" * 99], protocol)).content[0]
    for key in ("c", "f", "part", "none"):
        assert np.array_equal(found[key].numpy(), values[key].astype(np.dtype(code).newbyteorder("=")))
    one = found["one"]
    assert one == array[1, 1] or code == "<c8"


@pytest.mark.parametrize("protocol", [2, 4, 5])
def test_large_numpy_arrays(read, protocol):
    array = np.random.default_rng(0).random((300, 301)).astype("f4")
    found = read(pickle.dumps({"a": array, "again": array}, protocol)).content
    assert np.array_equal(found["a"].numpy(), array)
    assert found["a"] is found["again"]


def test_arrays_of_an_older_numpy(read):
    data = pickle.dumps([np.arange(3.0), np.float32(2.5), "x" * 99], 2)
    old = data.replace(b"numpy._core.multiarray", b"numpy.core.multiarray")
    assert old != data or b"numpy.core.multiarray" in data
    found = read(old).content
    assert found[0].tolist() == [0.0, 1.0, 2.0]
    assert found[1] == 2.5


def test_strings_of_python_2(read):
    text = b"U\x03\xe9bc"
    long = b"T" + struct.pack("<I", 300) + bytes(300)
    lines = b"S'a\\x00\\'b'\n"
    found = read(b"\x80\x02(" + text + long + lines + b"X\x40\x00\x00\x00" + b"x" * 64 + b"t.").content
    assert found[0] == "\xe9bc"
    assert found[2] == "a\0'b"


def test_long_text_and_bytes(read):
    found = read(pickle.dumps(["a" * 70_000, b"b" * 70_000, b"c", "a" * 9_000_000])).content
    assert found[0] == "a" * 70_000
    assert [(mark.cls, mark.args) for mark in found[1:3]] == [
        ("builtins.bytes", (70_000,)),
        ("builtins.bytes", (1,)),
    ]
    assert len(found[3]) == 8_000_000


def test_keys_that_are_no_text(read):
    found = read(pickle.dumps([{(1, 2): "a", 2.5: "b", 2**70: "c", b"k": "d"}, "x" * 99])).content[0]
    assert found == {"(1, 2)": "a", "2.5": "b", str(2**70): "c", "k": "d"}


def test_a_class_that_cloudpickle_makes_anew_has_its_name(read):
    """By value: the class is described within, as cloudpickle does it."""
    skeleton = Call(
        "cloudpickle.cloudpickle",
        "_make_skeleton_class",
        type,
        "Decoder",
        (),
        {"__module__": "__main__"},
        "id",
        None,
    )
    found = read(written([Instance(skeleton, {"size": 3}), "x" * 99])).content[0]
    assert (found.cls, found.state) == ("__main__.Decoder", {"size": 3})


class Call:
    """Pickles as a call of a function that need not exist."""

    def __init__(self, module, name, *args):
        self.module, self.name, self.args = module, name, args


class Instance:
    """Pickles as an object of a class that is itself described by a `Call`."""

    def __init__(self, cls, state):
        self.cls, self.state = cls, state


class _Writer(pickle._Pickler):  # the one in Python, as it lets itself be told what to write
    def save(self, value, save_persistent_id=True):
        if isinstance(value, Call):
            self.write(b"c" + f"{value.module}\n{value.name}\n".encode())
            super().save(value.args)
            self.write(b"R")
        elif isinstance(value, Instance):
            self.save(value.cls)
            self.write(b")\x81")
            super().save(value.state)
            self.write(b"b")
        else:
            super().save(value, save_persistent_id)


def written(value):
    buffer = io.BytesIO()
    _Writer(buffer, 4).dump(value)
    return buffer.getvalue()


def test_names_that_an_own_function_stands_for_are_found_whatever_the_opcode(read):
    ordered = copyreg.__newobj__(collections.OrderedDict)
    ordered["a"] = torch.ones(2)
    assert torch.equal(read(pickle.dumps({"o": ordered, "x": "x" * 99}, 2)).content["o"]["a"], torch.ones(2))


def _old_tar():
    """A file as torch wrote it in 2016: two storages, one of them a view, and two tensors."""
    numbers = np.arange(6, dtype="<f4")
    storage = written(7) + b""
    kinds = b"\x80\x02(J\x07\x00\x00\x00X\x03\x00\x00\x00cpuctorch\nFloatStorage\nt."
    storages = pickle.dumps(1, 2) + kinds + struct.pack("<q", 6) + numbers.tobytes()
    storages += pickle.dumps([(8, 7, 2, 4)], 2)
    tensors = pickle.dumps(2, 2)
    for key, over, shape, strides, offset in ((1, 7, (2, 3), (3, 1), 0), (2, 8, (2,), (1,), 1)):
        tensors += f"(I{key}\nI{over}\nctorch\nFloatTensor\nt.".encode()
        n = len(shape)
        tensors += struct.pack(f"<ii{n}q{n}qq", n, 0, *shape, *strides, offset)
    content = b"\x80\x02}(X\x01\x00\x00\x00aX\x01\x00\x00\x001QX\x01\x00\x00\x00bX\x01\x00\x00\x002Qu."
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name, data in (
            ("sys_info", storage),
            ("pickle", content),
            ("tensors", tensors),
            ("storages", storages),
        ):
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    return buffer.getvalue()


def test_the_tar_of_2016(read):
    handed = read(_old_tar())
    assert handed.kind == "tar"
    assert handed.content["a"].tolist() == [[0, 1, 2], [3, 4, 5]]
    assert handed.content["b"].tolist() == [3, 4]


def test_tensors_of_2017(read):
    """An empty tensor that is given storage, offset, sizes and strides as its state."""
    body = b"ctorch\nFloatTensor\n)R(" + pickle_storage() + b"K\x01(K\x02K\x02t(K\x02K\x01ttb"
    parameter = b"ctorch.nn.parameter\nParameter\n" + body + b"\x85\x81(\x88\x89Ntb"
    stream = old_stream(b"\x80\x02}X\x01\x00\x00\x00a" + parameter + b"s.")
    assert read(stream).content["a"].tolist() == [[1, 2], [3, 4]]


def pickle_storage(key="k", kind="FloatStorage", view=b"N"):
    parts = (
        f"(X\x07\x00\x00\x00storagectorch\n{kind}\nX\x01\x00\x00\x00{key}X\x03\x00\x00\x00cpuK\x08".encode()
    )
    return parts + view + b"tQ"


def old_stream(content):
    magic = bytes.fromhex("80028a0a6cfc9c46f9206aa850192e")
    numbers = np.arange(8, dtype="<f4").tobytes()
    keys = pickle.dumps(["k"], 2)
    return (
        magic
        + pickle.dumps(1001, 2)
        + pickle.dumps({"little_endian": True}, 2)
        + content
        + keys
        + struct.pack("<q", 8)
        + numbers
    )


def test_views_of_storages_in_old_streams(read):
    storage = pickle_storage(view=b"(X\x01\x00\x00\x00vK\x03K\x04t")
    rebuilt = b"ctorch._utils\n_rebuild_tensor\n(" + storage + b"K\x01(K\x02t(K\x01ttR"
    assert read(old_stream(b"\x80\x02}X\x01\x00\x00\x00a" + rebuilt + b"s.")).content["a"].tolist() == [4, 5]


class Decoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner = nn.Sequential(nn.Linear(2, 4), nn.Tanh())
        self.register_buffer("scale", torch.tensor(2.0))

    def forward(self, z):
        return self.inner(z) * self.scale


@pytest.mark.filterwarnings("ignore:.*torch.jit")
def test_torchscript_is_a_tree_and_text(read):
    network = Decoder().eval()
    handed = read(lambda path: torch.jit.script(network).save(str(path)))
    assert handed.kind == "script"
    module = handed.content.entries["module"]
    assert module.cls.endswith("Decoder")
    assert torch.equal(module.state["inner"].state["0"].state["weight"], network.inner[0].weight)
    cls = module.state["inner"].state["0"].cls  # torch adds a part like `___torch_mangle_10`
    assert cls.startswith("__torch__.torch.nn.modules.linear.")
    assert cls.endswith(".Linear")
    assert any("def forward" in text for text in handed.content.entries["code"].values())


def test_exports_are_weights_and_a_graph(read):
    network = Decoder().eval()
    exported = torch.export.export(network, (torch.randn(3, 2),))
    handed = read(lambda path: torch.export.save(exported, io_path(path)) or io_path(path).rename(path))
    assert handed.kind == "export"
    found = handed.content.entries["weights"]
    same({key: found[key] for key in network.state_dict()}, network.state_dict())
    nodes = handed.content.entries["graph"]["graph_module"]["graph"]["nodes"]
    assert "torch.ops.aten.tanh.default" in [node["target"] for node in nodes]


def io_path(path):
    return path.with_suffix(".pt2")


def test_arrays_of_objects_are_refused(read):
    with pytest.raises(CheckpointError, match=r"array of objects.*\.$"):
        read(pickle.dumps([np.array([{}, None], dtype=object), "x" * 99]))


def test_what_is_no_plain_tensor_is_left_out_and_said(read):
    handed = read(saved({"a": torch.ones(2), "s": torch.eye(2).to_sparse()}))
    assert handed.content["a"].tolist() == [1, 1]
    assert isinstance(handed.content["s"], Record)
    assert "sparse" in handed.notes[0].lower()


def test_a_mutated_file_gives_a_sentence_or_content(read):
    """Bit flips, cuts and splices of a small file of each container."""
    rng = np.random.default_rng(0)
    for options in ({}, {"_use_new_zipfile_serialization": False}):
        buffer = io.BytesIO()
        torch.save(weights(), buffer, **options)
        for _ in range(150):
            data = bytearray(buffer.getvalue())
            for at in rng.integers(0, len(data), 3):
                data[at] = rng.integers(0, 256)
            with contextlib.suppress(CheckpointError):
                read(bytes(data))
