"""The words that say layers: read and written without loss; nonsense is refused."""

import random
import time

import pytest

from explorer.models.layers import ACTIVATIONS, KINDS, Layer, parse, parse_all, told


@pytest.mark.parametrize(
    ("text", "kind", "options"),
    [
        ("linear", "linear", {}),
        ("convT:k4s2p1op1", "convT", {"kernel": 4, "stride": 2, "padding": 1, "output_padding": 1}),
        ("conv:k3s1p1,replicate", "conv", {"kernel": 3, "stride": 1, "padding": 1, "mode": "replicate"}),
        ("conv:k3x5s2x1", "conv", {"kernel": (3, 5), "stride": (2, 1)}),
        ("conv:p1x2x1x2", "conv", {"padding": (1, 2, 1, 2)}),
        ("leaky_relu:0.2", "leaky_relu", {"slope": 0.2}),
        ("reshape:32,7,7", "reshape", {"shape": (32, 7, 7)}),
        ("reshape:3,28,28,hwc", "reshape", {"shape": (3, 28, 28), "order": "hwc"}),
        ("upsample:2,nearest", "upsample", {"by": 2, "mode": "nearest"}),
        ("upsample:2,bilinear,align", "upsample", {"by": 2, "mode": "bilinear", "align": True}),
        ("resize:28x28", "resize", {"size": (28, 28)}),
        ("bn:eps1e-05", "bn", {"eps": 1e-5}),
        ("bn:eps0.8", "bn", {"eps": 0.8}),
        ("maxpool:k3s2p1", "maxpool", {"kernel": 3, "stride": 2, "padding": 1}),
        ("scale:2,-1", "scale", {"by": (2, -1)}),
        ("conv:k3p1replicate", "conv", {"kernel": 3, "padding": 1, "mode": "replicate"}),
        ("conv:k3s2same", "conv", {"kernel": 3, "stride": 2, "padding": "same"}),
        ("conv:k3,same,reflect", "conv", {"kernel": 3, "padding": "same", "mode": "reflect"}),
        ("upsample:2bilinear", "upsample", {"by": 2, "mode": "bilinear"}),
        ("pad:1,1,2,2,reflect", "pad", {"sides": (1, 1, 2, 2), "mode": "reflect"}),
        ("pad:-1,0,-2,0", "pad", {"sides": (-1, 0, -2, 0)}),
    ],
)
def test_words_say_layers_and_back(text, kind, options):
    layer = parse(text)
    assert (layer.kind, dict(layer.options)) == (kind, options)
    assert parse(layer.text) == layer


def test_other_names_for_the_same():
    assert parse("dense").kind == "linear"
    assert parse("lrelu:0.2") == parse("leaky_relu:0.2")
    assert parse("none").kind == "identity"


def test_many_in_one_text():
    words = [layer.text for layer in parse_all("linear relu; convT:s2p1  tanh")]
    assert words == ["linear", "relu", "convT:s2p1", "tanh"]
    assert parse_all(["linear", "relu"]) == parse_all("linear relu")


@pytest.mark.parametrize(
    "text", ["", "lstm", "conv:z3", "relu:1", "conv:s", "residual", "conv:k3s2!", "bn:epsx"]
)
def test_nonsense_is_refused(text):
    with pytest.raises(ValueError, match=r"layer|number|float"):
        parse(text)


@pytest.mark.parametrize(
    "text",
    [
        "crop:0,0", "resize:30000,30000", "resize:8192,8193", "resize:28", "resize", "adaptive:0,0", "upsample:1000",
        "upsample:0", "upsample:nearest,1e400", "shuffle:1.5", "conv:k4096", "conv:k0", "conv:k3s0", "conv:k3s-1",
        "conv:k1.5", "conv:p99999", "conv:p1x1x1", "conv:k3x3x3", "gn:g0", "gn:g99999999", "bn:eps-1", "bn:k3",
        "relu:k3", "convT:k3,reflect", "reshape:0,7,7", "reshape:1000000,1000000,1", "reshape:-1,7,7", "reshape:49,hwc",
        "reshape:3,7", "pad:1,2", "pad:99999,0,0,0", "scale:1,2,3", "leaky_relu:1e9", "linear:7",
    ],
)  # fmt: skip
def test_sizes_that_no_network_has_are_refused(text):
    with pytest.raises(ValueError, match=r"."):
        parse(text)


def test_a_residual_layer_has_layers_and_perhaps_a_shortcut():
    block = parse("residual:(conv:k3p1 bn relu conv:k3p1 bn)")
    assert [layer.kind for layer in block.options["layers"]] == ["conv", "bn", "relu", "conv", "bn"]
    assert "shortcut" not in block.options
    with_shortcut = parse_all("linear  residual : ( conv:k3p1 ;\n relu ) + ( conv:k1 bn )  tanh")
    assert told(with_shortcut) == "linear residual:(conv:k3p1 relu)+(conv:k1 bn) tanh"
    assert [layer.kind for layer in with_shortcut[1].options["shortcut"]] == ["conv", "bn"]
    nested = parse("residual:(relu residual:(conv:k1)+(conv:k1) relu)")
    assert parse(nested.text) == nested


@pytest.mark.parametrize(
    "text",
    [
        "residual:()", "residual:(relu", "residual:relu)", "residual", "residual:", "residual:(relu)(relu)",
        "residual:(relu)+()", "residual:(relu)+(relu)+(relu)", "residual:(relu)k3", "relu)", "(relu)", "conv:(relu)",
        "residual:(lstm)", "residual:(" * 9 + "relu" + ")" * 9, "residual:(" * 5000, "relu " * 1001,
        "residual:(" + "relu " * 1001 + ")", "relu " * 20000,
    ],
)  # fmt: skip
def test_parentheses_that_say_no_layer_are_refused(text):
    with pytest.raises(ValueError, match=r"layer|parenthesis"):
        parse_all(text)


@pytest.mark.parametrize(
    "text", ["residual" + " " * 60000, ")" + " " * 60000, "conv:k" + "1" * 60000, "x" * 60000]
)
def test_long_nonsense_is_refused_at_once(text):
    begun = time.process_time()
    with pytest.raises(ValueError, match=r"."):
        parse_all(text)
    assert time.process_time() - begun < 2


def test_words_may_say_whose_tensors_a_layer_has():
    layers = parse_all("linear@fc.0 relu residual:(conv:k3p1@a.b bn@a.c)+(conv:k1@s) tanh")
    assert [layer.key for layer in layers] == ["fc.0", "", "", ""]
    assert [layer.key for layer in layers[2].options["layers"]] == ["a.b", "a.c"]
    assert told(layers, keys=True) == "linear@fc.0 relu residual:(conv:k3p1@a.b bn@a.c)+(conv:k1@s) tanh"
    assert told(layers) == "linear relu residual:(conv:k3p1 bn)+(conv:k1) tanh"
    with pytest.raises(ValueError, match="has no tensors"):
        parse("relu@fc.0")


def anyhow(draw, kind, deeper=2):
    """A layer of a kind with options drawn at random."""
    pair = lambda low, high: draw.choice((draw.randint(low, high), (draw.randint(low, high), 1)))  # noqa: E731
    made = {
        "conv": {
            "kernel": pair(1, 9), "stride": pair(1, 3), "padding": draw.choice((0, 1, (1, 2), (0, 1, 2, 3), "same")),
            "dilation": pair(1, 3), "groups": draw.randint(1, 9), "mode": draw.choice(("replicate", "reflect")),
        },
        "convT": {"kernel": pair(1, 9), "stride": pair(1, 3), "padding": pair(0, 3), "output_padding": pair(0, 2)},
        "bn": {"eps": draw.choice((1e-5, 0.8, 0.0010000000474974513))},
        "gn": {"groups": draw.randint(1, 32), "eps": 1e-6},
        "leaky_relu": {"slope": draw.choice((0.2, 0.01, 0.20000000298023224))},
        "elu": {"alpha": 0.5}, "softplus": {"beta": 2}, "shuffle": {"by": draw.randint(2, 4)},
        "upsample": {"by": draw.choice((2, 1.5, (2, 4))), "mode": "bilinear", "align": True},
        "resize": {"size": (draw.randint(1, 99), 28), "mode": "bicubic"}, "crop": {"size": (28, 27)},
        "pad": {"sides": (1, -1, 2, 0), "mode": "circular"}, "adaptive": {"size": (1, 1)},
        "reshape": {"shape": (3, draw.randint(1, 99), 7), "order": "hwc"}, "flatten": {"order": "hwc"},
        "maxpool": {"kernel": 3, "stride": 2, "padding": 1}, "scale": {"by": (draw.uniform(-2, 2), 0.5)},
    }.get(kind, {})  # fmt: skip
    if kind == "residual":
        inner = [tuple(anyhow(draw, draw.choice(KINDS if deeper else ACTIVATIONS), deeper - 1) for _ in range(3))
                 for _ in range(draw.randint(1, 2))]  # fmt: skip
        return Layer(kind, "", dict(zip(("layers", "shortcut"), inner, strict=False)))
    needed = (
        ("shape", "size", "sides", "by")
        if kind in ("scale", "resize", "crop", "adaptive", "pad", "reshape")
        else ()
    )
    return Layer(
        kind, "", {name: value for name, value in made.items() if name in needed or draw.random() < 0.6}
    )


@pytest.mark.parametrize("kind", KINDS)
def test_every_layer_is_read_from_its_own_words_as_it_was(kind):
    draw = random.Random(kind)
    for _ in range(40):
        layer = anyhow(draw, kind, deeper=4)
        again = parse(layer.text)
        assert again == layer, layer.text
        assert again.text == layer.text
