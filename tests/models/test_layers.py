"""The words that say layers: read and written without loss; nonsense is refused."""

import pytest

from explorer.models.layers import Layer, parse, parse_all


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


def test_a_residual_is_shown_with_its_layers():
    inner = (Layer("conv", "a"), Layer("relu"))
    assert Layer("residual", "", {"layers": inner}).text == "residual:(conv relu)"
