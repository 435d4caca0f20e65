"""ONNX files: decoders and stages of any exporter, weights in other files, and what must not reach onnxruntime."""

import contextlib
import os
import subprocess
import sys

import numpy as np
import pytest
import torch
from checkpoints_read import refused
from onnx_files import (
    BOOL,
    HALF,
    INT64,
    UINT8,
    Decoder,
    chain,
    entry,
    graph,
    node,
    onnx,
    port,
    sigmoid,
    tensor,
)

from explorer.errors import CheckpointError
from explorer.formats import open_checkpoint, open_latent, open_stage
from explorer.formats.protobuf import MOST_DEPTH, Message
from explorer.formats.span import Damaged, Span, TooMuch
from explorer.models.base import DecodeOptions
from explorer.paths import source_root
from explorer.render.renderer import Renderer

pytestmark = pytest.mark.usefixtures("in_process")
CODES = np.random.default_rng(3).normal(size=(7, 5)).astype(np.float32)
PICTURES = np.random.default_rng(4).random((3, 3, 16, 16)).astype(np.float32)


@pytest.fixture
def written(tmp_path):
    """Write a file and return its path."""

    def write(data, name="model.onnx"):
        (tmp_path / name).write_bytes(data)
        return tmp_path / name

    return write


def drawn(path, codes=CODES, options=None, **hints):
    """What a file draws, in its own values."""
    model = open_latent(path, hints=hints).model
    options = DecodeOptions(**options) if options else DecodeOptions()
    return model, Renderer(device="cpu").decode(model, codes, raw=True, options=options)


def near(images, expected):
    np.testing.assert_allclose(images, expected, atol=1e-5)


def test_the_reference_is_drawn_by_a_file_that_a_child_read(reference_data, monkeypatch):
    from explorer.formats import isolated

    monkeypatch.setattr(isolated, "start", isolated.Child)
    folder = reference_data / "trained-checkpoints" / "onnx_decoder"
    reference = np.load(folder / "reference.npz")
    model, images = drawn(folder / "decoder.onnx", reference["z"])
    assert np.abs(images - reference["images"]).max() < 1e-5
    assert model.native_range.low == 0
    assert model.parameter_count > 20_000
    assert model.origin.format == "onnx"


@pytest.mark.parametrize("batch", ["N", 1, 3])
def test_a_decoder_draws_however_many_it_takes_at_once(written, batch):
    model, images = drawn(written(Decoder().file(batch=batch)))
    assert str(model.image) == "3x8x8"
    assert model.spaces["z"].shape == (5,)
    near(images, sigmoid(Decoder().expected(CODES)))


def test_a_graph_made_for_one_code_whatever_it_says_is_fed_one_by_one(written):
    decoder = Decoder()
    decoder.weights["shape"] = np.array([1, 4, 4, 4])
    model, images = drawn(written(decoder.file()))
    assert model.network.way.at_once == 1
    near(images, sigmoid(Decoder().expected(CODES)))


def test_half_numbers_and_codes_as_maps_of_one_place(written):
    decoder = Decoder(kind="float16")
    data = chain(
        [("Reshape", ["flat"], {}), *decoder.nodes, ("Sigmoid", [], {})],
        ("input", ("N", 5, 1, 1), HALF),
        ("output", ("N", 3, 8, 8), HALF),
        decoder.weights | {"flat": np.array([-1, 5])},
    )
    model, images = drawn(written(data))
    assert model.spaces["z"].shape == (5, 1, 1)
    assert images.dtype == np.float32
    np.testing.assert_allclose(images, sigmoid(decoder.expected(CODES)), atol=5e-3)


@pytest.mark.parametrize(
    ("after", "weights", "expected"),
    [
        ([("Tanh", [], {})], {}, (-1, 1)),
        ([("Tanh", [], {}), ("Mul", ["a"], {}), ("Add", ["b2"], {})], {"a": 127.5, "b2": 127.5}, (0, 255)),
        ([("Mul", ["a"], {}), ("Clip", ["lo", "hi"], {})], {"a": 3.0, "lo": 0.0, "hi": 255.0}, (0, 255)),
        ([("Sigmoid", [], {}), ("Sub", ["a"], {}), ("Div", ["b2"], {})], {"a": 0.5, "b2": 0.5}, (-1, 1)),
        ([("Sigmoid", [], {}), ("Transpose", [], {"perm": [0, 1, 3, 2]})], {}, (0, 1)),
    ],
)
def test_the_last_operators_tell_black_and_white(written, after, weights, expected):
    constants = {key: np.float32(value) for key, value in weights.items()}
    model = open_latent(written(Decoder().file(*after, weights=constants))).model
    assert (model.native_range.low, model.native_range.high) == expected
    assert not [guess for guess in model.diagnosis.guesses if guess.hint == "range"]


@pytest.mark.parametrize(("scale", "shift", "expected"), [(0.1, 0.5, "0..1"), (12.0, 128.0, "0..255")])
def test_else_decoded_pictures_do(written, scale, shift, expected):
    weights = {"a": np.full((1, 3, 1, 1), scale, np.float32), "b2": np.full((1, 3, 1, 1), shift, np.float32)}
    path = written(Decoder().file(("Mul", ["a"], {}), ("Add", ["b2"], {}), weights=weights))
    assert str(open_latent(path).model.native_range) == expected
    assert str(open_latent(path, hints={"range": "-1..1"}).model.native_range) == "-1..1"


def test_channels_last_and_flat_rows(written):
    turned = ("Transpose", [], {"perm": [0, 2, 3, 1]})
    expected = sigmoid(Decoder().expected(CODES))
    _, images = drawn(written(Decoder().file(("Sigmoid", [], {}), turned, out=("N", 8, 8, 3))))
    near(images, expected)
    flat = ("Flatten", [], {})
    path = written(Decoder().file(("Sigmoid", [], {}), flat, out=("N", 192)))
    near(drawn(path)[1], expected)
    near(drawn(path, image="3x4x16")[1], expected.reshape(-1, 3, 4, 16))
    path = written(Decoder().file(("Sigmoid", [], {}), turned, flat, out=("N", 192), producer="tf2onnx"))
    near(drawn(path)[1], expected)


def conditional(label, classes=4):
    """A decoder whose first five numbers are a code of three behind a class of two numbers each."""
    decoder = Decoder()
    table = np.random.default_rng(8).normal(size=(classes, 2)).astype(np.float32)
    find = {
        "index": [node("Gather", ["table", "label"], ["row"])],
        "onehot": [node("MatMul", ["label", "table"], ["row"])],
    }[label]
    given = port("label", ("N",), INT64) if label == "index" else port("label", ("N", classes))
    nodes = [*find, node("Concat", ["z", "row"], ["both"], axis=1), node("Gemm", ["both", "w", "b"], ["v1"])]
    for place, (op, inputs, settings) in enumerate([*decoder.nodes[1:], ("Sigmoid", [], {})], 1):
        nodes.append(node(op, [f"v{place}", *inputs], [f"v{place + 1}"], **settings))
    data = onnx(
        nodes, [port("z", ("N", 3)), given], [port("v5", ("N", 3, 8, 8))], decoder.weights | {"table": table}
    )
    return data, lambda codes, labels: sigmoid(decoder.expected(np.concatenate([codes, table[labels]], 1)))


@pytest.mark.parametrize("label", ["index", "onehot"])
def test_a_class_is_an_option(written, label):
    data, expected = conditional(label)
    labels = np.array([0, 3, 1, 2, 2, 0, 1])
    model, images = drawn(written(data), CODES[:, :3], {"labels": labels})
    assert model.classes == 4
    assert model.accepts == {"labels"}
    near(images, expected(CODES[:, :3], labels))
    near(drawn(written(data), CODES[:, :3], {"labels": np.eye(4)[labels]})[1], expected(CODES[:, :3], labels))
    near(drawn(written(data), CODES[:, :3])[1], expected(CODES[:, :3], np.zeros(7, int)))


def test_further_inputs_have_fixed_values_and_are_told(written):
    decoder = Decoder()
    nodes = [node("Mul", ["z", "truncation_psi"], ["scaled"]), node("Gemm", ["scaled", "w", "b"], ["v1"])]
    for place, (op, inputs, settings) in enumerate(decoder.nodes[1:], 1):
        nodes.append(node(op, [f"v{place}", *inputs], [f"v{place + 1}"], **settings))
    inputs = [port("z", ("N", 5)), port("truncation_psi", ()), port("flag", (1,), BOOL)]
    model, images = drawn(written(onnx(nodes, inputs, [port("v4", ("N", 3, 8, 8))], decoder.weights)))
    near(images, decoder.expected(CODES))
    assert any("truncation_psi always gets 1." in note for note in model.notes)


def test_weights_beside_the_file_are_read_from_its_folder_alone(written, tmp_path):
    decoder = Decoder()
    raw = decoder.weights["w"].tobytes() + decoder.weights["k"].tobytes()
    (tmp_path / "inner").mkdir()

    def file(location):
        kept = {
            "w": tensor("w", decoder.weights["w"], (location, 0, decoder.weights["w"].nbytes)),
            "k": tensor(
                "k",
                decoder.weights["k"],
                (location, decoder.weights["w"].nbytes, decoder.weights["k"].nbytes),
            ),
        }
        return written(decoder.file(weights=kept), "inner/model.onnx")

    (tmp_path / "inner" / "weights.bin").write_bytes(raw)
    (tmp_path / "outside.bin").write_bytes(raw)
    near(drawn(file("weights.bin"))[1], sigmoid(decoder.expected(CODES)))
    os.symlink(tmp_path / "outside.bin", tmp_path / "inner" / "link.bin")
    os.symlink(tmp_path, tmp_path / "inner" / "linked")
    outside = str(tmp_path / "outside.bin")
    inside_first = "inner/../../outside.bin"
    for location in (
        "../outside.bin",
        outside,
        inside_first,
        "..\\outside.bin",
        "C:\\a",
        "",
    ):
        assert "not in its own folder" in refused(file(location)), location
    for location in ("link.bin", "linked/outside.bin"):
        assert "a link that leads out of its folder" in refused(file(location)), location
    assert "copy that file there" in refused(file("gone.bin"))
    assert "copy that file there" in refused(file("."))
    (tmp_path / "inner" / "weights.bin").write_bytes(raw[:100])
    assert "has ended" in refused(file("weights.bin"))


def test_weights_outside_are_refused_wherever_they_hide(written, tmp_path):
    (tmp_path / "secret").write_bytes(bytes(64))
    there = tensor("s", np.zeros(4, np.float32), ("../secret", 0, 16))
    inner = graph([node("Identity", ["s"], ["o"])], [], [port("o", (4,))], {"s": there})
    constant = entry(1, "value") + entry(5, there) + entry(20, 4)
    hidden = (
        node("If", ["c"], ["x"], then_branch=inner, else_branch=inner),
        entry(2, "x") + entry(4, "Constant") + entry(5, constant),
    )
    for other in hidden:
        nodes = [node("Gemm", ["z", "w", "b"], ["image"]), other]
        data = onnx(
            nodes,
            [port("z", ("N", 5))],
            [port("image", ("N", 64))],
            Decoder().weights | {"c": np.array(True)},
        )
        assert "not in its own folder" in refused(written(data))
    sparse = entry(1, there) + entry(2, there)
    data = Decoder().file() + entry(7, entry(15, sparse))
    assert "not in its own folder" in refused(written(data))


def test_operators_of_strangers_and_loops_are_refused(written):
    body = graph(
        [node("Identity", ["c"], ["d"])],
        [port("i", (), INT64), port("c", (), BOOL)],
        [port("d", (), BOOL)],
        {},
    )
    for kind, said in ((node("Evil", ["z"], ["image"], domain="evil.ops"), "operators of evil.ops"),
                       (node("Loop", ["", "t"], ["image"], body=body), "holds a loop")):  # fmt: skip
        data = onnx(
            [kind],
            [port("z", ("N", 5))],
            [port("image", ("N", 3, 8, 8))],
            {"t": np.array(True)},
            domains=["evil.ops"],
        )
        assert said in refused(written(data))


def stage(nodes, weights, *, given=("N", 3, "H", "W"), made=("N", 3, "H", "W"), kind=1, **more):
    return chain(nodes, ("input", given, kind), ("output", made, kind), weights, **more)


KERNEL = np.random.default_rng(5).normal(size=(3, 3, 3, 3)).astype(np.float32) * 0.2
CONV = ("Conv", ["k"], {"pads": [1, 1, 1, 1], "kernel_shape": [3, 3]})


def convolved(pictures):
    return torch.conv2d(torch.from_numpy(pictures), torch.from_numpy(KERNEL), padding=1)


def test_a_network_from_picture_to_picture_is_a_stage(written):
    path = written(stage([CONV, ("Tanh", [], {})], {"k": KERNEL}))
    made = open_stage(path)
    assert (str(made.input), str(made.output), str(made.native_range)) == (
        "3x(any size)",
        "3x(any size)",
        "-1..1",
    )
    given = Renderer(device="cpu").apply(made, PICTURES, raw=True)
    near(given, convolved(PICTURES * 2 - 1).tanh())


def test_a_stage_that_enlarges_one_that_wants_channels_last_and_one_of_bytes(written):
    twice = ("Resize", ["", "by"], {"mode": "nearest"})
    weights = {"k": KERNEL, "by": np.array([1, 1, 2, 2], np.float32)}
    fixed = open_stage(
        written(stage([CONV, ("Sigmoid", [], {}), twice], weights, given=(1, 3, 16, 16), made=(1, 3, 32, 32)))
    )
    assert (str(fixed.input), str(fixed.output)) == ("3x16x16", "3x32x32")
    large = convolved(PICTURES).sigmoid().repeat_interleave(2, 2).repeat_interleave(2, 3)
    near(Renderer(device="cpu").apply(fixed, PICTURES, raw=True), large)
    first, last = ("Transpose", [], {"perm": [0, 3, 1, 2]}), ("Transpose", [], {"perm": [0, 2, 3, 1]})
    sides = {"given": ("N", 16, 16, 3), "made": ("N", 16, 16, 3)}
    path = written(stage([first, CONV, ("Sigmoid", [], {}), last], {"k": KERNEL}, **sides))
    near(Renderer(device="cpu").apply(open_stage(path), PICTURES, raw=True), convolved(PICTURES).sigmoid())
    path = written(stage([("Sub", ["white"], {})], {"white": np.array(7, np.uint8)}, kind=UINT8, opset=14))
    assert str(open_stage(path).native_range) == "0..255"


def test_a_stage_that_speaks_of_bytes_in_real_numbers(written):
    sides = {"a": np.full((1, 3, 1, 1), 255, np.float32), "b": np.full((1, 3, 1, 1), -1, np.float32)}
    path = written(stage([("Sub", ["a"], {}), ("Mul", ["b"], {})], sides))
    made = open_stage(path)
    assert str(made.native_range) == "0..255"
    near(Renderer(device="cpu").apply(made, PICTURES), 1 - PICTURES)


def test_a_map_of_codes_is_no_picture(written):
    weights = {"k": np.ones((4, 3, 8, 8), np.float32) * 0.1}
    up = ("ConvTranspose", ["k"], {"strides": [8, 8], "kernel_shape": [8, 8]})
    path = written(
        chain([up], ("latent_sample", ("b", "c", "h", "w")), ("sample", ("b", "o", "x", "y")), weights)
    )
    model, images = drawn(path, np.ones((2, 4 * 16 * 16), np.float32))
    assert model.spaces["z"].shape == (4, 16, 16)
    near(images, np.full((2, 3, 128, 128), 0.4))


def test_what_does_not_draw_is_refused_in_a_sentence(written):
    weights = {"w": np.zeros((5, 7), np.float32), "b": np.zeros(7, np.float32)}
    path = written(chain([("Gemm", ["w", "b"], {})], ("z", ("N", 5)), ("y", ("N", 7)), weights))
    assert "gives 7, which is no picture" in refused(path)
    path = written(chain([("Identity", [], {})], ("ids", ("N", 9), INT64), ("y", ("N", 9), INT64), {}))
    assert "neither a code nor a picture" in refused(path)


@pytest.mark.parametrize("bomb", ["constant", "weights", "nodes", "deep", "loop in names"])
def test_a_bomb_is_refused_by_a_child_with_limits(written, bomb, monkeypatch):
    from explorer.formats import isolated

    monkeypatch.setattr(isolated, "start", isolated.Child)
    decoder = Decoder()
    if bomb == "constant":
        fill = node("ConstantOfShape", ["sides"], ["much"])
        nodes = [
            fill,
            node("ReduceSum", ["much"], ["one"], keepdims=0),
            node("Gemm", ["z", "w", "one"], ["v"]),
        ]
        data = onnx(nodes, [port("z", ("N", 5))], [port("v", ("N", 64))],
                    decoder.weights | {"sides": np.array([1 << 16, 1 << 14])})  # fmt: skip
        said = "memory"
    elif bomb == "weights":
        huge = b"".join(entry(1, 1 << 30) for _ in range(2)) + entry(2, 1) + entry(8, "w") + entry(9, b"abcd")
        data, said = decoder.file(weights={"w": huge}), "not there"
    elif bomb == "nodes":
        data, said = entry(1, 8) + entry(7, entry(1, b"") * 1_200_000), "more than"
    elif bomb == "deep":
        inner = b""
        for _ in range(200):
            inner = graph([node("If", ["c"], ["x"], then_branch=inner)], [], [], {})
        data, said = entry(1, 8) + entry(7, inner), "nested too deep"
    else:
        names = [node("Relu", ["a"], ["b"]), node("Relu", ["b"], ["a"])]
        data, said = onnx(names, [port("z", ("N", 5))], [port("a", ("N", 3, 8, 8))], {}), "onnxruntime"
    assert said in refused(written(data))


def test_without_onnxruntime_it_is_said_how_to_get_it(written, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    assert "pip install latent-explorer[onnx]" in refused(written(Decoder().file()))


def test_cut_and_damaged_files_are_one_sentence(written):
    data = Decoder().file()
    rng = np.random.default_rng(0)
    for size in (9, 40, 200, len(data) // 2, len(data) - 3):
        refused(written(data[:size]))
    for _ in range(60):
        changed = bytearray(data)
        changed[rng.integers(len(data))] ^= 1 << int(rng.integers(8))
        with contextlib.suppress(CheckpointError):
            open_checkpoint(written(bytes(changed)))


def test_the_walk_stays_inside():
    def walk(data):
        return list(Message(Span(data, 0, len(data), False)).fields())

    assert walk(entry(1, 300) + entry(2, "ab"))[0] == (1, 300)
    for wrong in (b"\xff" * 11, b"\x0a\xff\xff\xff\xff\x0f", b"\x0b", b"\x02\x00", b"\x08"):
        with pytest.raises(Damaged):
            walk(wrong)
    deepest = Message(Span(b"", 0, 0, False), depth=MOST_DEPTH)
    with pytest.raises(TooMuch):
        deepest.inner(Span(b"", 0, 0, False))


def test_onnxruntime_leaves_no_trace_and_tells_nobody(written, tmp_path):
    """It keeps the number of its telemetry session in a file, as long as it has any."""
    path = written(Decoder().file())
    (tmp_path / "temporary").mkdir()
    code = f"from explorer.formats import open_checkpoint; open_checkpoint({str(path)!r})"
    places = os.pathsep.join([str(source_root()), *filter(None, [os.environ.get("PYTHONPATH")])])
    environment = {
        **os.environ,
        "TMPDIR": str(tmp_path / "temporary"),
        "HOME": str(tmp_path),
        "PYTHONPATH": places,
    }
    environment.pop("ORT_DISABLE_TELEMETRY", None)
    subprocess.run([sys.executable, "-c", code], env=environment, cwd=tmp_path, check=True)
    assert list((tmp_path / "temporary").iterdir()) == []
