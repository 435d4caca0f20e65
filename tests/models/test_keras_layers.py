"""Keras's layers on torch against plain loops over its definitions, in Keras's own layout."""

import math

import numpy as np
import pytest
import torch

from explorer.models.keras_config import KerasError, Layer
from explorer.models.keras_layers import make
from explorer.models.keras_names import modern
from explorer.models.keras_weighted import Weighted

RANDOM = np.random.default_rng(0)


def run(class_name, x, weights=(), version=2, **config):
    """Make a layer in the words of its file, give it weights and run it."""
    class_name, config = modern(class_name, config)
    tensors = [torch.from_numpy(np.asarray(array, "f4")) for array in (x if isinstance(x, list) else [x])]
    module = make(Layer("l", class_name, config), [tuple(t.shape[1:]) for t in tensors], version)
    if isinstance(module, Weighted):
        assert [shape for _, shape in module.wanted] == [np.shape(array) for array in weights]
        module.take([torch.from_numpy(np.asarray(array, "f4")) for array in weights])
    return module(tensors if isinstance(x, list) else tensors[0]).numpy()


def correlated(x, kernel, stride, same):
    """Correlate `(N, H, W, C)` with `(k, k, C, O)`, window by window."""
    size, k = x.shape[1], len(kernel)
    out = math.ceil(size / stride) if same else (size - k) // stride + 1
    if same:
        total = max((out - 1) * stride + k - size, 0)
        x = np.pad(x, ((0, 0), *[(total // 2, total - total // 2)] * 2, (0, 0)))
    y = np.zeros((len(x), out, out, kernel.shape[3]))
    for i in range(out):
        for j in range(out):
            window = x[:, i * stride : i * stride + k, j * stride : j * stride + k]
            y[:, i, j] = np.tensordot(window, kernel, 3)
    return y


def spread(x, kernel, stride, size, same):
    """Undo `correlated`: its gradient, from `(N, h, w, C)` with `(k, k, O, C)` to `(N, size, size, O)`."""
    k = len(kernel)
    full = max((x.shape[1] - 1) * stride + k, size)
    front = max((x.shape[1] - 1) * stride + k - size, 0) // 2 if same else 0
    y = np.zeros((len(x), full, full, kernel.shape[2]))
    for i in range(x.shape[1]):
        for j in range(x.shape[1]):
            part = np.tensordot(x[:, i, j], kernel, (1, 3))
            y[:, i * stride : i * stride + k, j * stride : j * stride + k] += part
    return y[:, front : front + size, front : front + size]


@pytest.mark.parametrize("same", [True, False])
@pytest.mark.parametrize(
    ("size", "kernel", "stride"), [(7, 3, 2), (8, 3, 2), (8, 4, 1), (6, 4, 2), (7, 5, 3), (6, 2, 3)]
)
def test_convolutions_pad_more_at_the_end(size, kernel, stride, same):
    x, weights = RANDOM.standard_normal((2, size, size, 3)), RANDOM.standard_normal((kernel, kernel, 3, 4))
    settings = {"filters": 4, "kernel_size": [kernel] * 2, "strides": [stride] * 2, "use_bias": False}
    ours = run("Conv2D", x, [weights], padding="same" if same else "valid", **settings)
    np.testing.assert_allclose(ours, correlated(x, weights, stride, same), atol=1e-4)


@pytest.mark.parametrize("same", [True, False])
@pytest.mark.parametrize(("kernel", "stride"), [(3, 2), (4, 2), (5, 2), (5, 1), (2, 2), (2, 3), (6, 4)])
def test_transposed_convolutions_have_the_size_that_keras_promises(kernel, stride, same):
    x, weights = RANDOM.standard_normal((2, 5, 5, 3)), RANDOM.standard_normal((kernel, kernel, 4, 3))
    size = 5 * stride if same else 5 * stride + max(kernel - stride, 0)
    settings = {"filters": 4, "kernel_size": [kernel] * 2, "strides": [stride] * 2}
    ours = run("Conv2DTranspose", x, [weights, np.ones(4)], padding="same" if same else "valid", **settings)
    np.testing.assert_allclose(ours, spread(x, weights, stride, size, same) + 1, atol=1e-4)


def test_channels_first_is_the_same_turned_around():
    x, weights = RANDOM.standard_normal((2, 6, 6, 3)), RANDOM.standard_normal((3, 3, 3, 4))
    settings = {"filters": 4, "kernel_size": 3, "strides": 2, "padding": "same", "use_bias": False}
    last = run("Conv2D", x, [weights], **settings)
    first = run("Conv2D", x.transpose(0, 3, 1, 2), [weights], data_format="channels_first", **settings)
    np.testing.assert_allclose(first.transpose(0, 2, 3, 1), last, atol=1e-5)
    flat = run("Flatten", x.transpose(0, 3, 1, 2), data_format="channels_first")
    np.testing.assert_allclose(flat, x.reshape(2, -1).astype("f4"))


def test_the_words_of_keras_1():
    x, weights = RANDOM.standard_normal((2, 6, 6, 3)), RANDOM.standard_normal((3, 3, 3, 4))
    old = {
        "nb_filter": 4,
        "nb_row": 3,
        "nb_col": 3,
        "border_mode": "same",
        "subsample": [2, 2],
        "bias": False,
    }
    np.testing.assert_allclose(
        run("Convolution2D", x, [weights], version=1, dim_ordering="tf", **old),
        correlated(x, weights, 2, True),
        atol=1e-4,
    )
    theano = run(
        "Convolution2D",
        x.transpose(0, 3, 1, 2),
        [weights.transpose(3, 2, 0, 1)],
        version=1,
        dim_ordering="th",
        **old,
    )
    np.testing.assert_allclose(theano.transpose(0, 2, 3, 1), correlated(x, weights, 2, True), atol=1e-4)
    np.testing.assert_allclose(run("Merge", [x, x], mode="sum"), 2 * x, rtol=1e-5)
    assert run("Merge", [x, x], mode="concat", concat_axis=-1).shape == (2, 6, 6, 6)
    assert run("Dense", x, [np.ones((3, 5)), np.ones(5)], output_dim=5).shape == (2, 6, 6, 5)


@pytest.mark.parametrize(("scale", "center"), [(True, True), (False, True), (True, False), (False, False)])
def test_batch_norm_with_what_it_has(scale, center):
    x = RANDOM.standard_normal((4, 3, 3, 5))
    gamma, beta, mean, variance = np.abs(RANDOM.standard_normal((4, 5)))
    weights = [*([gamma] if scale else []), *([beta] if center else []), mean, variance]
    wanted = (x - mean) / np.sqrt(variance + 0.01) * (gamma if scale else 1) + (beta if center else 0)
    settings = {"axis": [3], "epsilon": 0.01, "scale": scale, "center": center}
    np.testing.assert_allclose(run("BatchNormalization", x, weights, **settings), wanted, atol=1e-4)


def test_other_norms():
    x = RANDOM.standard_normal((2, 4, 4, 6))
    ones, zeros = np.ones(6), np.zeros(6)
    layers = (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-3)
    np.testing.assert_allclose(run("LayerNormalization", x, [ones, zeros]), layers, atol=1e-4)
    parts = x.reshape(2, 16, 3, 2)
    parts = (parts - parts.mean((1, 3), keepdims=True)) / np.sqrt(parts.var((1, 3), keepdims=True) + 1e-3)
    np.testing.assert_allclose(
        run("GroupNormalization", x, [ones, zeros], groups=3), parts.reshape(x.shape), atol=1e-4
    )
    places = (x - x.mean((1, 2), keepdims=True)) / np.sqrt(x.var((1, 2), keepdims=True) + 1e-3)
    ours = run("Addons>InstanceNormalization", x, [ones, zeros], axis=-1)
    np.testing.assert_allclose(ours, places, atol=1e-4)


@pytest.mark.parametrize(
    ("activation", "version", "wanted"),
    [
        ("leaky_relu", 2, lambda x: np.where(x > 0, x, 0.2 * x)),
        ("hard_sigmoid", 2, lambda x: np.clip(0.2 * x + 0.5, 0, 1)),
        ("hard_sigmoid", 3, lambda x: np.clip(x / 6 + 0.5, 0, 1)),
        ("swish", 2, lambda x: x / (1 + np.exp(-x))),
        ("relu6", 2, lambda x: np.clip(x, 0, 6)),
        ({"class_name": "LeakyReLU", "config": {"alpha": 0.1}}, 2, lambda x: np.where(x > 0, x, 0.1 * x)),
        (
            {"class_name": "LeakyReLU", "config": {"negative_slope": 0.1}},
            3,
            lambda x: np.where(x > 0, x, 0.1 * x),
        ),
        ({"class_name": "function", "config": "tanh"}, 3, np.tanh),
        (None, 2, lambda x: x),
    ],
)
def test_activations(activation, version, wanted):
    x = np.linspace(-8, 8, 33).reshape(1, -1)
    np.testing.assert_allclose(
        run("Activation", x, version=version, activation=activation), wanted(x), atol=1e-5
    )


@pytest.mark.parametrize("alpha", [0.25, [0.25], {"class_name": "__numpy__", "config": {"value": 0.25}}])
def test_slopes_however_they_are_written(alpha):
    np.testing.assert_allclose(run("LeakyReLU", np.array([[-4.0, 2.0]]), alpha=alpha), [[-1, 2]])
    np.testing.assert_allclose(run("LeakyReLU", np.array([[-4.0, 2.0]])), [[-1.2, 2]], rtol=1e-6)


def test_relu_with_its_settings():
    x = np.array([[-4.0, 0.5, 2.0, 9.0]])
    ours = run("ReLU", x, max_value=6, negative_slope=0.5, threshold=1)
    np.testing.assert_allclose(ours, [[-2.5, -0.25, 2, 6]])


def test_enlarging():
    x = RANDOM.standard_normal((1, 2, 3, 2))
    np.testing.assert_allclose(run("UpSampling2D", x, size=[2, 3]), x.repeat(2, 1).repeat(3, 2), rtol=1e-5)
    ours = run("UpSampling2D", x, size=[2, 2], interpolation="bilinear")
    np.testing.assert_allclose(ours[:, 1, 0], 0.75 * x[:, 0, 0] + 0.25 * x[:, 1, 0], atol=1e-5)
    shuffled = run("PixelShuffler", np.arange(8.0).reshape(1, 1, 1, 8), size=[2, 2])
    np.testing.assert_allclose(shuffled[0, :, :, 0], [[0, 2], [4, 6]])


def test_pooling_that_reaches_over_the_edge():
    x = RANDOM.standard_normal((1, 5, 5, 1))
    means = run("AveragePooling2D", x, pool_size=[2, 2], padding="same")
    np.testing.assert_allclose(means[0, 2, 2, 0], x[0, 4, 4, 0], atol=1e-6)  # of one pixel alone
    most = run("MaxPooling2D", -np.abs(x), pool_size=[2, 2], padding="same")
    np.testing.assert_allclose(most[0, 2, 2, 0], -abs(x[0, 4, 4, 0]), atol=1e-6)


def test_edges():
    x = RANDOM.standard_normal((1, 4, 5, 2))
    padded = run("ZeroPadding2D", x, padding=[[1, 0], [2, 1]])
    assert padded.shape == (1, 5, 8, 2)
    np.testing.assert_allclose(run("Cropping2D", padded, cropping=[[1, 0], [2, 1]]), x.astype("f4"))


def test_depthwise_and_separable():
    x, depth = RANDOM.standard_normal((1, 4, 4, 3)), RANDOM.standard_normal((3, 3, 3, 2))
    point = RANDOM.standard_normal((1, 1, 6, 5))
    each = [correlated(x[..., c : c + 1], depth[:, :, c : c + 1], 1, True) for c in range(3)]
    wanted = np.concatenate(each, -1)
    settings = {"kernel_size": [3, 3], "padding": "same", "depth_multiplier": 2, "use_bias": False}
    np.testing.assert_allclose(run("DepthwiseConv2D", x, [depth], **settings), wanted, atol=1e-4)
    ours = run("SeparableConv2D", x, [depth, point], filters=5, **settings)
    np.testing.assert_allclose(ours, wanted @ point[0, 0], atol=1e-4)


@pytest.mark.parametrize(
    ("class_name", "config"),
    [
        ("Dense", {"units": -1}),
        ("Dense", {"units": "many"}),
        ("Dense", {"units": 1 << 40}),
        ("Dense", {"units": 3, "activation": "<lambda>"}),
        ("Conv2D", {"filters": 3, "kernel_size": [3, 3, 3]}),
        ("BatchNormalization", {"axis": 7}),
        ("GroupNormalization", {"groups": 5}),
    ],
)
def test_settings_that_make_no_sense(class_name, config):
    with pytest.raises(KerasError):
        make(Layer("l", class_name, config), [(4, 4, 6)], 2)


def test_an_unknown_class_has_no_module():
    assert make(Layer("l", "Mystery", {}), [(3,)], 2) is None
    assert make(Layer("l", "Lambda", {"function": ["code", None, None]}), [(3,)], 2) is None
