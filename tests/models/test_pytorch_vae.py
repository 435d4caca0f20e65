"""The convolutional VAE of stacked halvings: told by names and shapes, whatever the file lost."""

import pytest
import torch
from torch.nn import functional

from explorer.formats import isolated, open_latent
from explorer.models.base import DecodeOptions


@pytest.fixture(autouse=True)
def in_process(monkeypatch):
    from checkpoints_read import InProcess

    monkeypatch.setattr(isolated, "start", InProcess)


class Plain:
    """Weights of the network and what it gives, written with functions alone."""

    def __init__(
        self, widths=(4, 6, 8), latent=5, heads=("fc_mu", "fc_var"), classes=0, kernel=3, trunk=0, start=2
    ):
        self.widths, self.kernel, self.trunk, self.start, self.heads = widths, kernel, trunk, start, heads
        self.classes, self.generator = classes, torch.Generator().manual_seed(1)
        self.w = {}
        side = start << len(widths)
        if classes:
            self._add("embed_class", side * side, classes)
            self._add("embed_data", 3, 3, 1, 1)
        given = 4 if classes else 3
        for place, width in enumerate(widths):
            self._add(f"encoder.{place}.0", width, given, kernel, kernel)
            self._norm(f"encoder.{place}.1", width)
            given = width
        flat = given * start * start
        if trunk:
            self._add("fc", trunk, flat)
        for head in heads:
            self._add(head, latent, trunk or flat)
        self._add("decoder_input", flat, latent + classes)
        back = widths[::-1]
        for place in range(len(back) - 1):
            self._add(f"decoder.{place}.0", back[place], back[place + 1], 3, 3, bias=back[place + 1])
            self._norm(f"decoder.{place}.1", back[place + 1])
        last = back[-1]
        self._add("final_layer.0", last, last, 3, 3)
        self._norm("final_layer.1", last)
        self._add("final_layer.3" if self.normed else "final_layer.2", 3, last, 3, 3)

    @property
    def normed(self):
        return not self.trunk

    def _add(self, name, *shape, bias=None):
        self.w[f"{name}.weight"] = torch.randn(shape, generator=self.generator) * 0.4
        self.w[f"{name}.bias"] = torch.randn(bias or shape[0], generator=self.generator) * 0.1

    def _norm(self, name, width):
        if self.normed:
            for key in ("weight", "bias", "running_mean", "running_var"):
                self.w[f"{name}.{key}"] = torch.rand(width, generator=self.generator) + 0.5
            self.w[f"{name}.num_batches_tracked"] = torch.tensor(7)

    def _after(self, name, x):
        if self.normed:
            parts = (self.w[f"{name}.{key}"] for key in ("running_mean", "running_var", "weight", "bias"))
            x = functional.batch_norm(x, *parts)
        return functional.leaky_relu(x, 0.01)

    def _pair(self, name):
        return self.w[f"{name}.weight"], self.w[f"{name}.bias"]

    def decode(self, z, labels=None):
        if labels is not None:
            z = torch.cat([z, functional.one_hot(labels, self.classes).float()], 1)
        x = functional.linear(z, *self._pair("decoder_input")).reshape(len(z), -1, self.start, self.start)
        for name in (*(f"decoder.{place}" for place in range(len(self.widths) - 1)), "final_layer"):
            x = functional.conv_transpose2d(
                x, *self._pair(f"{name}.0"), stride=2, padding=1, output_padding=1
            )
            x = self._after(f"{name}.1", x)
        return functional.conv2d(
            x, *self._pair("final_layer.3" if self.normed else "final_layer.2"), padding=1
        ).tanh()

    def encode(self, x, labels=None):
        if labels is not None:
            place = functional.linear(
                functional.one_hot(labels, self.classes).float(), *self._pair("embed_class")
            )
            x = torch.cat(
                [functional.conv2d(x, *self._pair("embed_data")), place.reshape(len(x), 1, *x.shape[2:])], 1
            )
        for place in range(len(self.widths)):
            x = functional.conv2d(x, *self._pair(f"encoder.{place}.0"), stride=2, padding=1)
            x = self._after(f"encoder.{place}.1", x)
        x = x.flatten(1)
        if self.trunk:
            x = functional.linear(x, *self._pair("fc"))
        return [functional.linear(x, *self._pair(head)) for head in self.heads]


def lightning(weights):
    """A Lightning checkpoint, its list of modules lost."""
    state = {f"model.{key}": tensor for key, tensor in weights.items()}
    return {
        "epoch": 1,
        "global_step": 2,
        "pytorch-lightning_version": "1.5.6",
        "state_dict": state,
        "callbacks": {},
    }


CODES = torch.randn(4, 5, generator=torch.Generator().manual_seed(3))


@pytest.mark.parametrize("wrapped", [False, True])
@pytest.mark.parametrize(
    "sizes",
    [
        {},
        {"heads": ("fc_z",)},
        {"widths": (4, 4, 6, 6, 8)},
        {"kernel": 4, "trunk": 7, "start": 4},
        {"start": 3},
    ],
)
def test_codes_become_the_right_pictures_and_pictures_codes(tmp_path, sizes, wrapped):
    plain = Plain(**sizes)
    torch.save(lightning(plain.w) if wrapped else plain.w, tmp_path / "last.ckpt")
    model = open_latent(tmp_path / "last.ckpt").model
    assert model.architecture == "pytorch-vae"
    assert str(model.native_range) == "-1..1"
    torch.testing.assert_close(model.decode_raw(CODES), plain.decode(CODES))
    pictures = torch.rand(2, 3, model.image.height, model.image.width)
    said = model.encode(pictures)
    expected = plain.encode(pictures * 2 - 1)
    torch.testing.assert_close(said.mean, expected[0])
    assert (said.logvar is None) == (len(expected) == 1)
    if said.logvar is not None:
        torch.testing.assert_close(said.logvar, expected[1])


def test_a_class_goes_before_the_encoder_and_behind_the_code(tmp_path):
    plain = Plain(classes=3)
    torch.save(lightning(plain.w), tmp_path / "last.ckpt")
    model = open_latent(tmp_path / "last.ckpt").model
    labels = torch.tensor([2, 0, 1, 2])
    assert model.classes == 3
    drawn = model.decode_raw(CODES, "z", DecodeOptions(labels=labels.numpy()))
    torch.testing.assert_close(drawn, plain.decode(CODES, labels))
    pictures = torch.rand(4, 3, 16, 16) * 2 - 1
    said = model.network.encode(pictures, labels)
    torch.testing.assert_close(said[0], plain.encode(pictures, labels)[0])


def test_a_network_that_only_compares_pictures_is_left_out(tmp_path):
    plain = Plain()
    loss = {
        f"feature_network.features.{place}.weight": torch.randn(4, 4, 3, 3, generator=plain.generator)
        for place in range(3)
    }
    torch.save(lightning({**plain.w, **loss}), tmp_path / "last.ckpt")
    model = open_latent(tmp_path / "last.ckpt").model
    torch.testing.assert_close(model.decode_raw(CODES), plain.decode(CODES))
    assert any("feature_network" in note for note in model.notes)
