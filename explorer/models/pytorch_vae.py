"""Convolutional VAEs of stacked halvings: `encoder`, `fc_mu`, `decoder_input`, `decoder`, `final_layer`.

The network that a well-known collection of VAEs shares among most of its members (Kingma & Welling 2013,
arXiv:1312.6114, beta-VAE arXiv:1606.05579 and relatives; beta-TC-VAE arXiv:1802.04942 has a smaller one of the same
build). Convolutions of kernel 3 and stride 2 with batch norm and LeakyReLU 0.01, doubled the same way, tanh at the end.
The conditional one joins a class as one more channel before the encoder, and behind the code.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import isqrt

import torch
from torch import Tensor, nn
from torch.nn import functional

from explorer.models import Architecture, Shapes
from explorer.models.base import ImageSpec, LatentModel, NativeRange, Space
from explorer.models.labelled import LabelledModel

_MOST_BLOCKS = 8


@dataclass(frozen=True)
class PytorchVaeConfig:
    """Sizes.

    Attributes:
        widths: of the encoder's blocks.
        ways_back: of the decoder's maps, from `decoder_input` to the last block; the final one keeps the last.
        start: side of the decoder's first map.
        kernel: of the encoder's convolutions.
        trunk: width of a layer `fc` before the heads; 0 for none.
        heads: "fc_mu" with a variance beside it, or a single "fc_z".
        normed: batch norm follows each convolution.
        classes: of a conditional network.
    """

    latent_dim: int = 128
    widths: tuple[int, ...] = (32, 64, 128, 256, 512)
    ways_back: tuple[int, ...] = (512, 256, 128, 64, 32)
    start: int = 2
    channels: int = 3
    kernel: int = 3
    trunk: int = 0
    heads: str = "fc_mu"
    normed: bool = True
    classes: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "widths", tuple(self.widths))
        object.__setattr__(self, "ways_back", tuple(self.ways_back))
        if not (0 < len(self.widths) <= _MOST_BLOCKS and 0 < len(self.ways_back) <= _MOST_BLOCKS):
            raise ValueError("this kind of VAE has 1 to 8 blocks each way")
        if (
            self.kernel not in (3, 4)
            or self.heads not in ("fc_mu", "fc_z")
            or self.side >> len(self.widths) < 1
        ):
            raise ValueError("no VAE of this kind has these sizes")

    @property
    def side(self) -> int:
        """Height and width of the pictures."""
        return self.start << len(self.ways_back)


def _block(convolution: nn.Module, width: int, normed: bool) -> list[nn.Module]:
    return [convolution, *([nn.BatchNorm2d(width)] if normed else []), nn.LeakyReLU()]


def _doubling(given: int, made: int) -> nn.ConvTranspose2d:
    return nn.ConvTranspose2d(given, made, 3, stride=2, padding=1, output_padding=1)


class PytorchVae(nn.Module):
    """Codes `(N, latent_dim)` to pictures `(N, channels, side, side)` in -1..1, and back."""

    def __init__(self, config: PytorchVaeConfig) -> None:
        super().__init__()
        self._config = config
        side, width = config.side, config.channels
        if config.classes:
            self.embed_class = nn.Linear(config.classes, side * side)
            self.embed_data = nn.Conv2d(config.channels, config.channels, 1)
            width += 1
        halvings = []
        for made in config.widths:
            convolution = nn.Conv2d(width, made, config.kernel, stride=2, padding=1)
            halvings.append(nn.Sequential(*_block(convolution, made, config.normed)))
            width = made
        self.encoder = nn.Sequential(*halvings)
        self._make_heads(config, width * (side >> len(config.widths)) ** 2)
        first, last = config.ways_back[0], config.ways_back[-1]
        self.decoder_input = nn.Linear(config.latent_dim + config.classes, first * config.start**2)
        pairs = zip(config.ways_back, config.ways_back[1:], strict=False)
        doublings = [_block(_doubling(given, made), made, config.normed) for given, made in pairs]
        self.decoder = nn.Sequential(*(nn.Sequential(*block) for block in doublings))
        final = [
            *_block(_doubling(last, last), last, config.normed),
            nn.Conv2d(last, config.channels, 3, padding=1),
        ]
        self.final_layer = nn.Sequential(*final, nn.Tanh())

    def _make_heads(self, config: PytorchVaeConfig, width: int) -> None:
        if config.trunk:
            self.fc = nn.Linear(width, config.trunk)
            width = config.trunk
        self.add_module(config.heads, nn.Linear(width, config.latent_dim))
        if config.heads == "fc_mu":
            self.fc_var = nn.Linear(width, config.latent_dim)

    def decode(self, codes: Tensor, labels: Tensor | None = None) -> Tensor:
        """Return pictures `(N, channels, side, side)`; without labels, of class 0."""
        config = self._config
        if config.classes:
            codes = torch.cat((codes, self._rows(labels, codes)), 1)
        maps = self.decoder_input(codes).reshape(len(codes), config.ways_back[0], config.start, config.start)
        return self.final_layer(self.decoder(maps))

    def encode(self, images: Tensor, labels: Tensor | None = None) -> tuple[Tensor, Tensor | None]:
        """Return mean and log variance `(N, latent_dim)` of pictures; no second where the file has none."""
        config = self._config
        if config.classes:
            place = self.embed_class(self._rows(labels, images)).reshape(
                len(images), 1, config.side, config.side
            )
            images = torch.cat((self.embed_data(images), place), 1)
        features = self.encoder(images).flatten(1)  # (N, widths[-1] * start * start)
        if config.trunk:
            features = self.fc(features)
        if config.heads == "fc_z":
            return self.fc_z(features), None  # type: ignore[operator]
        return self.fc_mu(features), self.fc_var(features)  # type: ignore[operator]

    def _rows(self, labels: Tensor | None, like: Tensor) -> Tensor:
        """Return classes as rows `(N, classes)` with a one."""
        classes = self._config.classes
        if labels is None:
            labels = torch.zeros(len(like), dtype=torch.long, device=like.device)
        if labels.ndim < 2 or labels.shape[1] == 1:
            labels = functional.one_hot(labels.reshape(-1).long().clamp(0, classes - 1), classes)
        return labels.to(like)


def _wrap(network: PytorchVae, config: PytorchVaeConfig, **described: object) -> LatentModel:
    return LabelledModel(
        network,
        architecture="pytorch-vae",
        image=ImageSpec(config.channels, config.side, config.side),
        native_range=NativeRange(-1.0, 1.0),
        spaces=[Space("z", (config.latent_dim,))],
        classes=config.classes,
        encodes_labels=bool(config.classes),
        **described,  # type: ignore[arg-type]
    )


def _recognise(shapes: Shapes) -> PytorchVaeConfig | None:
    """Return the sizes, where the names are those of this build and what was convolved with kernel 3 is doubled so."""
    widths = [
        shapes[key] for i in range(_MOST_BLOCKS) if len(shapes.get(key := f"encoder.{i}.0.weight", ())) == 4
    ]
    back = [
        shapes[key] for i in range(_MOST_BLOCKS) if len(shapes.get(key := f"decoder.{i}.0.weight", ())) == 4
    ]
    into, normed = shapes.get("decoder_input.weight", ()), "final_layer.1.running_mean" in shapes
    last = shapes.get("final_layer.3.weight" if normed else "final_layer.2.weight", ())
    heads = next((name for name in ("fc_mu", "fc_z") if len(shapes.get(f"{name}.weight", ())) == 2), None)
    if not widths or not back or heads is None or len(into) != 2 or len(last) != 4 or last[2:] != (3, 3):
        return None
    ways_back = (back[0][0], *(shape[1] for shape in back))
    start = isqrt(into[0] // max(ways_back[0], 1))
    latent = shapes[f"{heads}.weight"][0]
    embedded = shapes.get("embed_class.weight", ())
    try:
        return PytorchVaeConfig(
            latent, tuple(shape[0] for shape in widths), ways_back, start, last[0], widths[0][2],
            shapes["fc.weight"][0] if len(shapes.get("fc.weight", ())) == 2 else 0,
            heads, normed, embedded[1] if len(embedded) == 2 else 0,
        )  # fmt: skip
    except ValueError:
        return None


ARCHITECTURE = Architecture("pytorch-vae", PytorchVaeConfig, PytorchVae, _wrap, _recognise)
