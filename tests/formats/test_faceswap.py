"""One encoder shared by two decoders, as face swapping programs keep them: both draw, colours in the right order."""

import numpy as np
import pytest
import torch
from keras_files import called, layer, model, write_h5, write_keras
from torch.nn import functional

from explorer.errors import UsageError
from explorer.formats import open_latent
from explorer.models.base import DecodeOptions
from explorer.render.renderer import Renderer

pytestmark = pytest.mark.usefixtures("in_process")
PICTURES = torch.from_numpy(np.random.default_rng(2).random((2, 3, 16, 16)).astype(np.float32))


class Swap:
    """A face swap of 16x16 in small: two convolutions and dense layers, pixel shuffling, a decoder each for two faces.

    Args:
        names: of the decoders.
        masks: each decoder gives a mask, too; 1: behind the face, -1: before it.
        shuffle: class of the layer that enlarges.
        depth: of the map between encoder and decoders; with 100 it is larger than the pictures.
    """

    def __init__(self, names=("decoder_a", "decoder_b"), masks=0, shuffle="PixelShuffler", depth=6):
        self.names, self.masks, self.shuffle, self.depth = names, masks, shuffle, depth
        self._rng = np.random.default_rng(5)
        self.weights = {"encoder": {}, **{name: {} for name in names}}
        self.encoder = self._encoder()
        self.decoders = [self._decoder(name) for name in names]

    def _some(self, *shape):
        return (self._rng.standard_normal(shape) * (0.8 / np.sqrt(np.prod(shape[:-1])))).astype(np.float32)

    def _add(self, part, kind, name, source, *shape, **config):
        if shape:
            self.weights[part][name] = [self._some(*shape), self._some(shape[-1])]
        return layer(kind, name, source, **config)

    def _conv(self, part, name, source, given, made, size, **config):
        return self._add(part, "Conv2D", name, source, size, size, given, made, filters=made, kernel_size=[size, size],
                         padding="same", **config)  # fmt: skip

    def _up(self, part, name, source, given, made):
        return [
            self._conv(part, name, source, given, 4 * made, 3),
            layer(self.shuffle, f"{name}_s", name, size=[2, 2]),
            layer("LeakyReLU", f"{name}_l", f"{name}_s", negative_slope=0.1, alpha=0.1),
        ]

    def _encoder(self):
        layers = [
            layer("InputLayer", "given", batch_input_shape=[None, 16, 16, 3]),
            self._conv("encoder", "c1", "given", 3, 4, 5, strides=[2, 2]),
            layer("LeakyReLU", "c1_l", "c1", negative_slope=0.1, alpha=0.1),
            layer("Flatten", "flat", "c1_l"),
            self._add("encoder", "Dense", "d1", "flat", 256, 12, units=12),
            self._add("encoder", "Dense", "d2", "d1", 12, 32, units=32),
            layer("Reshape", "r", "d2", target_shape=[2, 2, 8]),
            *self._up("encoder", "u1", "r", 8, self.depth),
        ]
        return model("encoder", layers, ["given"], ["u1_l"])

    def _decoder(self, name):
        code, face, mask = f"{name}_code", f"{name}_face", f"{name}_mask"
        layers = [
            layer("InputLayer", code, batch_input_shape=[None, 4, 4, self.depth]),
            *self._up(name, f"{name}_u", code, self.depth, 5),
        ]
        layers += self._up(name, f"{name}_v", f"{name}_u_l", 5, 4)
        layers.append(self._conv(name, face, f"{name}_v_l", 4, 3, 5, activation="sigmoid"))
        if self.masks:
            layers.append(self._conv(name, mask, f"{name}_v_l", 4, 1, 5, activation="sigmoid"))
        outputs = [face, mask][:: self.masks or 1] if self.masks else [face]
        return model(name, layers, [code], outputs)

    def whole(self):
        """The model with two inputs."""
        inputs = [layer("InputLayer", f"face_in_{i}", batch_input_shape=[None, 16, 16, 3]) for i in range(2)]
        encoder = called(self.encoder, "face_in_0")
        encoder["inbound_nodes"] = [[["face_in_0", 0, 0, {}]], [["face_in_1", 0, 0, {}]]]
        inner = [encoder]
        for place, decoder in enumerate(self.decoders):
            inner.append(called(decoder, "encoder", call=1 + place))
        ends = [[name, 1, output] for name in self.names for output in range(2 if self.masks else 1)]
        made = model("whole", [*inputs, *inner], ["face_in_0", "face_in_1"], [])
        made["config"]["output_layers"] = ends
        return made

    def h5(self, path):
        listed = {
            part: [(f"{name}/{kind}:0", array) for name, arrays in entries.items()
                   for kind, array in zip(("kernel", "bias"), arrays, strict=True)]
            for part, entries in self.weights.items()
        }  # fmt: skip
        return write_h5(path, self.whole(), listed)

    def keras(self, path):
        arrays = {}
        for place, entries in enumerate(self.weights.values()):
            counts = {}
            for name, pair in entries.items():
                kind = "dense" if name in ("d1", "d2") else "conv2d"
                number = counts.get(kind, 0)
                counts[kind] = number + 1
                where = f"functional{f'_{place}' if place else ''}/layers/{kind}{f'_{number}' if number else ''}/vars"
                arrays |= {f"{where}/{i}": array for i, array in enumerate(pair)}
        return write_keras(path, self.whole(), arrays)

    # ---- the same in plain torch ----

    def _convolved(self, part, name, x, stride=1):
        kernel, bias = map(torch.from_numpy, self.weights[part][name])
        size = kernel.shape[0]
        if stride == 2:
            x = functional.pad(x, (1, 2, 1, 2))
        padding = 0 if stride == 2 else size // 2
        return functional.conv2d(x, kernel.permute(3, 2, 0, 1), bias, stride=stride, padding=padding)

    def _enlarged(self, part, name, x):
        x = self._convolved(part, name, x)
        count, depth, height, width = x.shape
        x = x.reshape(count, 2, 2, depth // 4, height, width).permute(0, 3, 4, 1, 5, 2)
        return functional.leaky_relu(x.reshape(count, depth // 4, height * 2, width * 2), 0.1)

    def codes(self, blue_first):
        x = functional.leaky_relu(self._convolved("encoder", "c1", blue_first, 2), 0.1)
        x = x.permute(0, 2, 3, 1).flatten(1)
        for name in ("d1", "d2"):
            weight, bias = map(torch.from_numpy, self.weights["encoder"][name])
            x = x @ weight + bias
        x = self._enlarged("encoder", "u1", x.reshape(-1, 2, 2, 8).permute(0, 3, 1, 2))
        return x.permute(0, 2, 3, 1).flatten(1)

    def drawn(self, name, codes):
        x = codes.reshape(-1, 4, 4, self.depth).permute(0, 3, 1, 2)
        x = self._enlarged(name, f"{name}_v", self._enlarged(name, f"{name}_u", x))
        return self._convolved(name, f"{name}_face", x).sigmoid()


def check(path, swap, heads=("a", "b")):
    """Both heads, the encoder and the order of colours."""
    model = open_latent(path).model
    assert model.heads == heads
    assert model.accepts == {"head"}
    assert (model.spaces["z"].shape, model.spaces["z"].prior) == ((4, 4, swap.depth), "none")
    codes = swap.codes(PICTURES.flip(1))
    with torch.inference_mode():
        torch.testing.assert_close(model.encode(PICTURES).mean, codes)
    for head, name in zip(heads, swap.names, strict=True):
        expected = swap.drawn(name, codes)
        raw, right = (
            torch.from_numpy(
                Renderer(device="cpu").decode(model, codes.numpy(), raw=raw, options=DecodeOptions(head=head))
            )
            for raw in (True, False)
        )
        torch.testing.assert_close(raw, expected)
        torch.testing.assert_close(right, expected.flip(1))
    torch.testing.assert_close(model.decode_raw(codes), swap.drawn(swap.names[0], codes))
    return model


@pytest.mark.parametrize("masks", [0, 1, -1])
@pytest.mark.parametrize("kind", ["h5", "keras"])
def test_both_decoders_draw_the_others_codes(tmp_path, kind, masks):
    swap = Swap(masks=masks)
    model = check(getattr(swap, kind)(tmp_path / f"swap.{kind}"), swap)
    assert str(model.image) == "3x16x16"
    assert any("blue, green, red" in note for note in model.notes)
    assert {fact.part for fact in model.diagnosis.tensors if "mask" not in fact.key} <= {
        "decoder",
        "encoder",
        "",
    }


def test_what_lies_between_may_be_larger_than_the_pictures(tmp_path):
    swap = Swap(depth=100)
    check(swap.h5(tmp_path / "swap.h5"), swap)


@pytest.mark.parametrize(
    ("names", "heads"),
    [
        (("decoder_A", "decoder_B"), ("a", "b")),
        (("anna_net", "ben_net"), ("anna", "ben")),
        (("d", "d1"), ("a", "b")),
    ],
)
def test_the_names_of_the_decoders_name_the_heads(tmp_path, names, heads):
    swap = Swap(names)
    check(swap.h5(tmp_path / "any.h5"), swap, heads)


def test_colours_are_turned_only_where_pixels_are_shuffled_and_no_hint_says_otherwise(tmp_path):
    swap = Swap()
    path = swap.h5(tmp_path / "swap.h5")
    codes = swap.codes(PICTURES)
    model = open_latent(path, hints={"color": "RGB"}).model
    assert model.heads == ("a", "b")
    assert not model.native_range.reverse
    torch.testing.assert_close(model.encode(PICTURES).mean, codes)
    assert not any("blue" in note or "changes nothing" in note for note in model.notes)


def test_one_decoder_by_itself(tmp_path):
    swap = Swap()
    path = swap.h5(tmp_path / "swap.h5")
    model = open_latent(path, hints={"entry": "decoder_b"}).model
    assert model.heads == ()
    codes = swap.codes(PICTURES)
    torch.testing.assert_close(model.decode_raw(codes), swap.drawn("decoder_b", codes))


def test_a_decoder_that_is_not_there_is_told(tmp_path):
    model = open_latent(Swap().h5(tmp_path / "swap.h5")).model
    with pytest.raises(UsageError, match="choose one of a, b"):
        model.decode_raw(torch.zeros(1, 96), "z", DecodeOptions(head="c"))


def test_the_folder_it_is_kept_in(tmp_path):
    swap = Swap()
    swap.keras(tmp_path / "original.keras")
    swap.keras(tmp_path / "original.keras.bk")
    (tmp_path / "original_state.json").write_text('{"name": "original"}')
    check(tmp_path, swap)
