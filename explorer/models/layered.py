"""A network described layer by layer: what a reader stated or guessed of a decoder, and of an encoder beside it.

`LayeredConfig` holds plain values; the weights stay under the names they have in the file. How a description
is found is no matter of this module.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from explorer.models.base import ImageSpec, NativeRange, PriorName, Space
from explorer.models.labelled import LabelledModel
from explorer.models.layer_modules import BatchNorm, Reshape, Tensors, sequence
from explorer.models.layers import Layer


@dataclass(frozen=True)
class Heads:
    """How an encoder's features become mean and second moment.

    Attributes:
        layout: "separate" (two branches), "halves" or "interleaved" (one branch of width 2D), "single" (a plain
            autoencoder's code).
        mean, second: the layers of the branches; `second` only for "separate".
        meaning: what the second half is: "logvar", "logsigma" or "sigma".
    """

    layout: Literal["separate", "halves", "interleaved", "single"] = "single"
    mean: tuple[Layer, ...] = ()
    second: tuple[Layer, ...] = ()
    meaning: Literal["logvar", "logsigma", "sigma"] = "logvar"


@dataclass(frozen=True)
class Labels:
    """How a decoder is told a class.

    Attributes:
        classes: how many there are.
        kind: "onehot", or "embedding" of the table `key.weight` `(classes, width)`.
        join: "after" or "before" the values there, along dimension 1; "times" multiplies.
        at: index of the decoder layer before which they are joined; 0 joins them to the code.
        layers: what is run on the label's values before.
        encoder: the encoder takes them too, joined in the same way to the flat picture ("after") or,
            for a convolution, as planes.
    """

    classes: int
    kind: Literal["onehot", "embedding"] = "onehot"
    key: str = ""
    join: Literal["after", "before", "times"] = "after"
    at: int = 0
    layers: tuple[Layer, ...] = ()
    encoder: bool = False


@dataclass(frozen=True)
class LayeredConfig:
    """All that a layered network is, but its weights.

    Attributes:
        latent_dim: of a code, without a label's part.
        image: what leaves the decoder.
        decoder: from a code (and label) `(N, width)` to native pictures; what is flat at the end is
            reshaped to `image`.
        encoder, heads: from native pictures `(N, C, H, W)` to codes; absent where `heads` is None.
        labels: absent where the network takes none.
        prior: of the code; "none" for a plain autoencoder.
        native_range: of the decoder's pictures.
        input_range: of the encoder's, where another.
    """

    latent_dim: int
    image: ImageSpec
    decoder: tuple[Layer, ...]
    encoder: tuple[Layer, ...] = ()
    heads: Heads | None = None
    labels: Labels | None = None
    prior: PriorName = "normal"
    native_range: NativeRange = field(default_factory=NativeRange)
    input_range: NativeRange | None = None


_FLAT = (nn.Linear, BatchNorm, nn.ReLU, nn.LeakyReLU, nn.Tanh, nn.Sigmoid, nn.Identity)


class Layered(nn.Module):
    """The network of a `LayeredConfig`.

    Args:
        config: what it is.
        tensors: of the file; float32, under the keys that the layers name.

    Raises:
        ValueError: a tensor is missing or does not fit; it is named.
    """

    def __init__(self, config: LayeredConfig, tensors: Tensors) -> None:
        super().__init__()
        self.config = config
        labels, heads = config.labels, config.heads
        at = labels.at if labels else 0
        self.before = sequence(config.decoder[:at], tensors)
        self.decoder = sequence(config.decoder[at:], tensors)
        self.table = _table(labels, tensors)
        self.label_layers = sequence(labels.layers, tensors) if labels else None
        self.encoder = sequence(config.encoder, tensors) if heads else None
        self.mean_head = sequence(heads.mean, tensors) if heads else None
        self.second_head = sequence(heads.second, tensors) if heads and heads.second else None
        self.eval().requires_grad_(False)

    @property
    def chain(self) -> nn.Sequential | None:
        """The layers from a flat code to a flat picture, where decoding is no more; see `LatentModel.chain`."""
        layers = list(self.decoder)
        while layers and isinstance(layers[-1], Reshape) and layers[-1].shape == self._sides:
            layers.pop()
        if self.config.labels or not layers or not all(isinstance(layer, _FLAT) for layer in layers):
            return None
        return nn.Sequential(*layers)

    @property
    def _sides(self) -> tuple[int, int, int]:
        image = self.config.image
        return image.channels, image.height or 1, image.width or 1

    def decode(self, codes: Tensor, labels: Tensor | None = None) -> Tensor:
        """Return native pictures `(N, C, H, W)` of codes `(N, latent_dim)`; labels `(N,)` or one-hot rows."""
        values = codes.flatten(1)
        if self.config.labels is None:
            return self.decoder(values).reshape(-1, *self._sides)
        values = self.with_labels(self.before(values), labels)
        return self.decoder(values).reshape(-1, *self._sides)

    def with_labels(self, values: Tensor, labels: Tensor | None) -> Tensor:
        """Return values on their way through the decoder with what they are told of their labels."""
        return self._joined(values, self._label_values(labels, len(values), values))

    def _label_values(self, labels: Tensor | None, count: int, like: Tensor) -> Tensor:
        """Return what the labels become before they are joined: class 0 for all where none were given."""
        spec = self.config.labels
        assert spec is not None
        if labels is None:
            labels = torch.zeros(count, dtype=torch.long, device=like.device)
        if self.table is not None:
            values = labels.to(like) @ self.table if labels.ndim == 2 else self.table[labels.long()]
        else:
            values = labels if labels.ndim == 2 else functional.one_hot(labels.long(), spec.classes)
        assert self.label_layers is not None
        return self.label_layers(values.to(like))

    def _joined(self, values: Tensor, labels: Tensor) -> Tensor:
        assert self.config.labels is not None
        join = self.config.labels.join
        if labels.ndim == 2 and values.ndim == 4:
            labels = labels[:, :, None, None].expand(-1, -1, *values.shape[2:])
        if join == "times":
            return values * labels
        return torch.cat((values, labels) if join == "after" else (labels, values), 1)

    def encode(self, images: Tensor, labels: Tensor | None = None) -> tuple[Tensor, Tensor | None]:
        """Return mean and log variance `(N, latent_dim)` of native pictures `(N, C, H, W)`.

        Raises:
            TypeError: there is no encoder.
        """
        mean, second = self.heads(images, labels)
        return mean, None if second is None else self._logvar(second)

    def heads(self, images: Tensor, labels: Tensor | None = None) -> tuple[Tensor, Tensor | None]:
        """Return what the heads say of native pictures, the second as it is, whatever it means."""
        heads = self.config.heads
        if self.encoder is None or heads is None or self.mean_head is None:
            raise TypeError("this network has no encoder")
        features = self.encoder(self._labelled(images, labels))
        if heads.layout == "separate":
            second = self.second_head(features).flatten(1) if self.second_head is not None else None
            return self.mean_head(features).flatten(1), second
        both = self.mean_head(features).flatten(1)
        if heads.layout == "halves":
            mean, second = both.chunk(2, 1)
            return mean, second
        return (both[:, ::2], both[:, 1::2]) if heads.layout == "interleaved" else (both, None)

    def _labelled(self, images: Tensor, labels: Tensor | None) -> Tensor:
        spec = self.config.labels
        if spec is None or not spec.encoder:
            return images
        values = self._label_values(labels, len(images), images)
        first = next(
            (layer.kind for layer in self.config.encoder if layer.kind in ("linear", "conv")), "linear"
        )
        return self._joined(images if first == "conv" else images.flatten(1), values)

    def _logvar(self, second: Tensor) -> Tensor:
        meaning = self.config.heads.meaning if self.config.heads else "logvar"
        if meaning == "sigma":
            return 2 * second.abs().clamp_min(1e-12).log()
        return 2 * second if meaning == "logsigma" else second


def _table(labels: Labels | None, tensors: Tensors) -> nn.Parameter | None:
    if labels is None or labels.kind != "embedding":
        return None
    found = tensors.get(f"{labels.key}.weight")
    if found is None or found.ndim != 2 or len(found) != labels.classes:
        raise ValueError(f"{labels.key}.weight is no table of {labels.classes} classes")
    return nn.Parameter(found, requires_grad=False)


class LayeredModel(LabelledModel):
    """A generator described layer by layer, with labels where it takes them."""

    network: Layered

    def __init__(self, network: Layered, *, architecture: str = "layered", **described: Any) -> None:
        config = network.config
        super().__init__(
            network,
            architecture=architecture,
            image=config.image,
            native_range=config.native_range,
            input_range=config.input_range,
            spaces=[Space("z", (config.latent_dim,), config.prior)],
            classes=config.labels.classes if config.labels else 0,
            encodes_labels=config.labels is not None and config.labels.encoder,
            **described,
        )

    @property
    def has_encoder(self) -> bool:
        """Whether `encode` can be called."""
        return self.network.config.heads is not None

    @property
    def chain(self) -> nn.Sequential | None:
        """See `LatentModel.chain`."""
        return self.network.chain
