"""Layered networks compute what the same network written with torch computes, and name what does not fit."""

import numpy as np
import pytest
import torch
from torch import nn

from explorer.models.base import DecodeOptions, ImageSpec, NativeRange
from explorer.models.layer_modules import module_of, sequence
from explorer.models.layered import Heads, Labels, Layered, LayeredConfig, LayeredModel
from explorer.models.layers import Layer, parse


def keyed(words, keys):
    """Layers from words; those with weights get the keys in turn."""
    given = iter(keys)
    return tuple(
        Layer(layer.kind, next(given), layer.options)
        if layer.kind in ("linear", "conv", "convT", "bn")
        else layer
        for layer in map(parse, words.split())
    )


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


def named(**modules):
    return {
        f"{name}.{key}": tensor
        for name, module in modules.items()
        for key, tensor in module.state_dict().items()
    }


def random_statistics(network):
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.normal_()
            module.running_var.uniform_(0.5, 2)
    return network.eval()


def test_a_convolutional_decoder():
    theirs = random_statistics(
        nn.Sequential(
            nn.Linear(5, 2 * 4 * 4), nn.ReLU(), nn.Unflatten(1, (2, 4, 4)),
            nn.ConvTranspose2d(2, 6, 4, 2, 1, bias=False), nn.BatchNorm2d(6, eps=0.8), nn.LeakyReLU(0.2),
            nn.Upsample(scale_factor=2, mode="bilinear", align_corners=True),
            nn.Conv2d(6, 3, 3, padding=1, padding_mode="replicate"), nn.Tanh(),
        )
    )  # fmt: skip
    words = (
        "linear relu reshape:2,4,4 convT:s2p1 bn:eps0.8 leaky_relu:0.2 upsample:2,bilinear,align "
        "conv:p1,replicate tanh"
    )
    layers = keyed(words, ["0", "3", "4", "7"])
    config = LayeredConfig(5, ImageSpec(3, 16, 16), layers, native_range=NativeRange(-1, 1))
    model = LayeredModel(Layered(config, theirs.state_dict()), name="x")
    z = torch.randn(3, 5)
    assert torch.equal(model.decode_raw(z), theirs(z))
    assert model.chain is None
    assert not model.has_encoder


def test_a_flat_decoder_offers_its_chain():
    theirs = nn.Sequential(nn.Linear(2, 8), nn.ReLU(), nn.Linear(8, 12), nn.Sigmoid())
    config = LayeredConfig(2, ImageSpec(3, 2, 2), keyed("linear relu linear sigmoid reshape:3,2,2", "02"))
    model = LayeredModel(Layered(config, theirs.state_dict()), name="x")
    z = torch.randn(4, 2)
    assert torch.equal(model.decode_raw(z), theirs(z).reshape(4, 3, 2, 2))
    assert torch.equal(model.chain(z), theirs(z))


def test_a_flat_row_of_height_width_channels():
    row = torch.arange(12.0)[None]
    picture = module_of(parse("reshape:3,2,2,hwc"), {})(row)
    assert torch.equal(picture, row.reshape(1, 2, 2, 3).permute(0, 3, 1, 2))
    assert torch.equal(module_of(parse("flatten"), {})(picture), picture.flatten(1))
    assert torch.equal(module_of(Layer("flatten", "", {"order": "hwc"}), {})(picture), row)


@pytest.mark.parametrize(
    ("words", "module"),
    [
        ("relu", nn.ReLU()), ("elu:0.5", nn.ELU(0.5)), ("selu", nn.SELU()), ("gelu", nn.GELU()), ("silu", nn.SiLU()),
        ("mish", nn.Mish()), ("softplus", nn.Softplus()), ("softsign", nn.Softsign()), ("hardtanh", nn.Hardtanh()),
        ("sigmoid", nn.Sigmoid()), ("tanh", nn.Tanh()), ("relu6", nn.ReLU6()), ("leaky_relu:0.3", nn.LeakyReLU(0.3)),
        ("maxpool:k2", nn.MaxPool2d(2)), ("avgpool:k3s1p1", nn.AvgPool2d(3, 1, 1)), ("shuffle:2", nn.PixelShuffle(2)),
        ("adaptive:1x1", nn.AdaptiveAvgPool2d(1)), ("upsample:2,nearest", nn.Upsample(scale_factor=2)),
        ("resize:7,7,nearest", nn.Upsample(size=(7, 7))), ("pad:1,2,3,4", nn.ZeroPad2d((3, 4, 1, 2))),
        ("in", nn.InstanceNorm2d(4)), ("in:eps0.1", nn.InstanceNorm2d(4, 0.1)), ("flatten", nn.Flatten()),
    ],
)  # fmt: skip
def test_layers_without_weights(words, module):
    values = torch.randn(2, 4, 6, 6)
    torch.testing.assert_close(module_of(parse(words), {})(values), module(values))


@pytest.mark.parametrize(
    ("words", "module", "shape"),
    [
        ("conv:s2p1", nn.Conv2d(4, 6, 3, 2, 1), (4, 7, 7)),
        ("conv:g2", nn.Conv2d(4, 6, 3, groups=2), (4, 7, 7)),
        ("conv:d2", nn.Conv2d(4, 6, 3, dilation=2), (4, 7, 7)),
        ("convT:s2p1op1", nn.ConvTranspose2d(4, 6, 3, 2, 1, 1), (4, 7, 7)),
        ("convT:s2p2op1", nn.ConvTranspose2d(4, 6, 5, 2, 2, 1, bias=False), (4, 7, 7)),
        ("gn:g2", nn.GroupNorm(2, 4), (4, 7, 7)),
        ("ln", nn.LayerNorm(5), (5,)),
        ("prelu", nn.PReLU(4), (4, 7, 7)),
        ("in", nn.InstanceNorm2d(4, affine=True), (4, 7, 7)),
    ],
)
def test_layers_with_weights(words, module, shape):
    for parameter in module.parameters():
        nn.init.normal_(parameter)
    layer = parse(words)
    tensors = {f"a.{key}": tensor for key, tensor in module.state_dict().items()}
    values = torch.randn(2, *shape)
    torch.testing.assert_close(
        module_of(Layer(layer.kind, "a", layer.options), tensors)(values), module(values)
    )


def test_uneven_padding():
    theirs = nn.Sequential(nn.ZeroPad2d((3, 4, 1, 2)), nn.Conv2d(2, 3, 3))
    layer = Layer("conv", "1", parse("conv:p1x2x3x4").options)
    values = torch.randn(1, 2, 5, 5)
    torch.testing.assert_close(sequence([layer], theirs.state_dict())(values), theirs(values))


def test_a_residual_block():
    block, shortcut = nn.Conv2d(2, 3, 3, padding=1), nn.Conv2d(2, 3, 1)
    tensors = named(a=block, b=shortcut)
    inner = {"layers": (Layer("conv", "a", {"padding": 1}),), "shortcut": (Layer("conv", "b"),)}
    values = torch.randn(1, 2, 5, 5)
    got = module_of(Layer("residual", "", inner), tensors)(values)
    torch.testing.assert_close(got, block(values) + shortcut(values))


def conditional(kind, join="after", encoder=False, **more):
    width, table = (2, 2) if join == "times" else (5, 3)
    tensors = {"out.weight": torch.randn(4, width), "out.bias": torch.randn(4)}
    tensors |= {
        "table.weight": torch.randn(3, table),
        "in.weight": torch.randn(2, 7),
        "in.bias": torch.randn(2),
    }
    labels = Labels(3, kind, "table" if kind == "embedding" else "", join, encoder=encoder, **more)
    heads = Heads("single", (Layer("linear", "in"),)) if encoder else None
    config = LayeredConfig(2, ImageSpec(1, 2, 2), (Layer("linear", "out"),), (), heads, labels)
    return LayeredModel(Layered(config, tensors), name="x"), tensors


@pytest.mark.parametrize("kind", ["onehot", "embedding"])
@pytest.mark.parametrize("join", ["after", "before"])
def test_labels_are_joined_to_the_code(kind, join):
    model, tensors = conditional(kind, join)
    z, labels = torch.randn(2, 2), torch.tensor([2, 0])
    table = torch.eye(3) if kind == "onehot" else tensors["table.weight"]
    parts = (z, table[labels]) if join == "after" else (table[labels], z)
    expected = torch.nn.functional.linear(torch.cat(parts, 1), tensors["out.weight"], tensors["out.bias"])
    for given in (labels, torch.eye(3)[labels]):
        options = DecodeOptions(labels=given.numpy())
        torch.testing.assert_close(model.decode_raw(z, options=options).flatten(1), expected)
    assert model.classes == 3
    assert model.accepts == {"labels"}


def test_labels_that_multiply_the_code():
    model, tensors = conditional("embedding", "times")
    z = torch.randn(2, 2)
    times = z * tensors["table.weight"][[1, 1]]
    expected = torch.nn.functional.linear(times, tensors["out.weight"], tensors["out.bias"])
    got = model.decode_raw(z, options=DecodeOptions(labels=np.array([1, 1])))
    torch.testing.assert_close(got.flatten(1), expected)


def test_labels_as_planes_of_a_map():
    conv = nn.Conv2d(5, 1, 1)
    layers = (Layer("linear", "l"), parse("reshape:2,3,3"), Layer("conv", "c"))
    linear = nn.Linear(4, 18)
    tensors = named(l=linear, c=conv)
    config = LayeredConfig(4, ImageSpec(1, 3, 3), layers, labels=Labels(3, at=2))
    model = LayeredModel(Layered(config, tensors), name="x")
    z = torch.randn(1, 4)
    planes = torch.eye(3)[1][None, :, None, None].expand(1, 3, 3, 3)
    expected = conv(torch.cat((sequence(layers[:2], tensors)(z), planes), 1))
    torch.testing.assert_close(model.decode_raw(z, options=DecodeOptions(labels=np.array([1]))), expected)


def test_an_encoder_that_wants_the_class_is_asked_with_every_class():
    model, tensors = conditional("onehot", encoder=True)
    images = torch.rand(1, 1, 2, 2)
    errors, means = [], []
    for label in range(3):
        row = torch.cat((images.flatten(1), torch.eye(3)[label][None]), 1)
        mean = torch.nn.functional.linear(row, tensors["in.weight"], tensors["in.bias"])
        means.append(mean)
        errors.append(
            ((model.decode_raw(mean, options=DecodeOptions(labels=np.array([label]))) - images) ** 2).mean()
        )
    torch.testing.assert_close(model.encode(images).mean, means[int(torch.stack(errors).argmin())])


@pytest.mark.parametrize(
    ("layout", "mean", "second"),
    [("halves", [0, 1], [2, 3]), ("interleaved", [0, 2], [1, 3]), ("single", [0, 1, 2, 3], None)],
)
def test_how_one_head_holds_both(layout, mean, second):
    tensors = {"e.weight": torch.randn(4, 4), "e.bias": torch.randn(4), "d.weight": torch.randn(4, 2)}
    heads = Heads(layout, (Layer("linear", "e"),))
    config = LayeredConfig(2, ImageSpec(1, 2, 2), (Layer("linear", "d"),), (parse("flatten"),), heads)
    network = Layered(config, tensors)
    images = torch.rand(3, 1, 2, 2)
    both = torch.nn.functional.linear(images.flatten(1), tensors["e.weight"], tensors["e.bias"])
    got_mean, got_second = network.encode(images)
    assert torch.equal(got_mean, both[:, mean])
    assert got_second is None if second is None else torch.equal(got_second, both[:, second])


@pytest.mark.parametrize(
    ("meaning", "sigma"), [("logvar", lambda s: (s / 2).exp()), ("logsigma", torch.exp), ("sigma", torch.abs)]
)
def test_what_the_second_half_means(meaning, sigma):
    tensors = {"e.weight": torch.randn(4, 4), "d.weight": torch.randn(4, 2)}
    config = LayeredConfig(
        2, ImageSpec(1, 2, 2), (Layer("linear", "d"),), (parse("flatten"),),
        Heads("halves", (Layer("linear", "e"),), meaning=meaning),
    )  # fmt: skip
    network = Layered(config, tensors)
    images = torch.rand(3, 1, 2, 2)
    torch.testing.assert_close((network.encode(images)[1] / 2).exp(), sigma(network.heads(images)[1]))


def test_logits_are_shown_through_a_sigmoid():
    values = torch.tensor([[[[-3.0, 0.0], [2.0, 40.0]]]])
    shown = NativeRange(logits=True).to_unit(values)
    torch.testing.assert_close(shown, values.sigmoid())
    np.testing.assert_allclose(NativeRange(logits=True).to_unit(values.numpy()), shown, atol=1e-6)


def test_blue_green_red_is_turned_round():
    native = torch.rand(1, 3, 2, 2)
    there = NativeRange(0, 1, reverse=True)
    assert torch.equal(there.to_unit(native), native.flip(1))
    assert torch.equal(there.to_native(there.to_unit(native)), native)


@pytest.mark.parametrize(
    ("layer", "tensors", "named"),
    [
        (Layer("linear", "a"), {}, "a.weight"),
        (Layer("conv", "a"), {"a.weight": torch.zeros(2, 2)}, "a.weight"),
        (Layer("linear", "a"), {"a.weight": torch.zeros(2, 2), "a.bias": torch.zeros(3)}, "a.bias"),
        (Layer("bn", "a"), {"a.running_mean": torch.zeros(2)}, "a.running_var"),
        (Layer("lstm", "a"), {}, "lstm"),
    ],
)
def test_what_does_not_fit_is_named(layer, tensors, named):
    with pytest.raises(ValueError, match=named):
        module_of(layer, tensors)
