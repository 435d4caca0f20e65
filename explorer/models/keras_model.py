"""A Keras generator as everyone else sees it: codes to pictures `(N, C, H, W)`, pictures to codes, classes.

Which values of the graph are code, label and picture is found by `formats.keras_parts`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from explorer.models.base import ImageSpec, PriorName, Space, StageModel
from explorer.models.keras_graph import Network, Plan
from explorer.models.keras_weighted import Shape
from explorer.models.labelled import LabelledModel


@dataclass(frozen=True)
class Layout:
    """How a picture lies in a value of the graph.

    Attributes:
        order: "HWC", "CHW" or "HW"; of a flat row, its order.
        shape: of the value, without the number of pictures.
        image: of the picture.
    """

    order: Literal["HWC", "CHW", "HW"]
    shape: Shape
    image: ImageSpec

    def picture(self, value: Tensor) -> Tensor:
        """Return pictures `(N, C, H, W)` of a value."""
        channels, height, width = self.image.channels, self.image.height, self.image.width
        assert height is not None
        assert width is not None
        if self.order == "CHW":
            return value.reshape(len(value), channels, height, width)
        return value.reshape(len(value), height, width, channels).permute(0, 3, 1, 2)

    def value(self, pictures: Tensor) -> Tensor:
        """Return the value of pictures `(N, C, H, W)`."""
        laid = pictures if self.order == "CHW" else pictures.permute(0, 2, 3, 1)
        return laid.reshape(len(pictures), *self.shape)


@dataclass(frozen=True)
class LabelInput:
    """An input that takes the class.

    Attributes:
        shape: of the input.
        kind: "index", its number; "onehot", a row or map with a one where the class is; "zero", no label at all but
            noise, of which the middle is taken.
    """

    shape: Shape
    kind: Literal["index", "onehot", "zero"]

    def value(self, labels: Tensor, like: Tensor) -> Tensor:
        """Return the value for labels `(N,)`, `(N, 1)` or rows `(N, classes)`."""
        rows = labels.ndim == 2 and labels.shape[1] > 1
        if self.kind == "zero":
            return torch.zeros(len(labels), *self.shape, dtype=like.dtype, device=like.device)
        if self.kind == "index":
            numbers = labels.argmax(1) if rows else labels.reshape(len(labels))
            return (
                numbers.to(like.dtype)
                .reshape(len(labels), *[1] * len(self.shape))
                .expand(len(labels), *self.shape)
            )
        classes = self.shape[-1]
        if not rows:
            numbers = labels.reshape(len(labels)).long().clamp(0, classes - 1)
            labels = functional.one_hot(numbers, classes)
        labels = labels.to(like.dtype).reshape(len(labels), *[1] * (len(self.shape) - 1), classes)
        return labels.expand(len(labels), *self.shape)


@dataclass(frozen=True, eq=False)
class Decoding:
    """From a code, and labels, to a picture: what is given to the plan in this order.

    Attributes:
        label_width: how many of the code input's values are a one-hot label behind the code.
    """

    network: Network
    plan: Plan
    labels: tuple[LabelInput, ...]
    code_shape: Shape
    layout: Layout
    label_width: int = 0


@dataclass(frozen=True, eq=False)
class Encoding:
    """From a picture, and labels, to mean and second head.

    Attributes:
        halves: mean and second head lie in one value.
        is_sigma: the second head is the deviation itself, not the logarithm of its square.
        input_range: of the pictures.
    """

    network: Network
    plan: Plan
    labels: tuple[LabelInput, ...]
    layout: Layout
    halves: bool = False
    is_sigma: bool = False


class KerasNetwork(nn.Module):
    """The two ways through the graph, or graphs of two files."""

    def __init__(self, decoding: Decoding, encoding: Encoding | None) -> None:
        super().__init__()
        self.decoding = decoding
        self.encoding = encoding
        self.decoder = decoding.network
        self.encoder = encoding.network if encoding and encoding.network is not decoding.network else None

    def decode(self, codes: Tensor, labels: Tensor | None = None) -> Tensor:
        """Return native pictures `(N, C, H, W)` of codes `(N, *shape)`; without labels, of class 0."""
        way = self.decoding
        if labels is None and (way.labels or way.label_width):
            labels = torch.zeros(len(codes), dtype=torch.long, device=codes.device)
        if way.label_width and labels is not None:
            codes = torch.cat((codes, LabelInput((way.label_width,), "onehot").value(labels, codes)), 1)
        given = [codes, *(entry.value(labels, codes) for entry in way.labels if labels is not None)]
        return way.layout.picture(way.network.run(way.plan, given)[0])

    def encode(self, images: Tensor, labels: Tensor | None = None) -> tuple[Tensor, Tensor | None]:
        """Return mean and log variance `(N, dim)` of native pictures; no second where there is no such head."""
        way = self.encoding
        assert way is not None
        if labels is None and way.labels:
            labels = torch.zeros(len(images), dtype=torch.long, device=images.device)
        given = [
            way.layout.value(images),
            *(entry.value(labels, images) for entry in way.labels if labels is not None),
        ]
        mean, *rest = (value.flatten(1) for value in way.network.run(way.plan, given))
        second = rest[0] if rest else None
        if way.halves:
            mean, second = mean.chunk(2, 1)
        if second is not None and way.is_sigma:
            second = 2 * second.clamp(min=1e-12).log()
        return mean, second


class KerasModel(LabelledModel):
    """A generator read from a Keras file."""

    network: KerasNetwork

    def __init__(
        self,
        network: KerasNetwork,
        *,
        prior: PriorName = "normal",
        architecture: str = "keras",
        **described: Any,
    ) -> None:
        way, encoding = network.decoding, network.encoding
        shape = way.code_shape
        if way.label_width:
            shape = (shape[0] - way.label_width,)
        super().__init__(
            network,
            architecture=architecture,
            image=way.layout.image,
            spaces=[Space("z", shape, prior)],
            encodes_labels=encoding is not None and bool(encoding.labels),
            **described,
        )

    @property
    def has_encoder(self) -> bool:
        """Whether `encode` can be called."""
        return self.network.encoding is not None


class PictureNetwork(nn.Module):
    """From pictures to pictures."""

    def __init__(self, network: Network, plan: Plan, before: Layout, after: Layout) -> None:
        super().__init__()
        self.inner = network
        self._plan, self._before, self._after = plan, before, after

    def forward(self, images: Tensor) -> Tensor:
        """Return native pictures `(N, C, H, W)` of native ones."""
        return self._after.picture(self.inner.run(self._plan, [self._before.value(images)])[0])


def stage(network: Network, plan: Plan, before: Layout, after: Layout, **described: Any) -> StageModel:
    """Return a stage of a network from pictures to pictures."""
    return StageModel(
        PictureNetwork(network, plan, before, after),
        architecture="keras",
        input=before.image,
        output=after.image,
        **described,
    )


def layout_of(shape: Shape, *, image: ImageSpec | None = None, order: str | None = None) -> Layout | None:
    """Return how a picture lies in a value of some shape; None where that is no picture.

    Args:
        shape: without the number of pictures.
        image: its shape where a hint says so; then only the number of values must agree.
        order: of a flat row, "CHW" or "HWC" (Keras's).
    """
    size = math.prod(shape)
    if image is not None and image.height and image.width:
        if size != image.channels * image.height * image.width:
            return None
        first = len(shape) == 3 and shape == (image.channels, image.height, image.width) and shape[-1] > 4
        is_first = first or (len(shape) == 1 and order == "CHW")
        return Layout("CHW" if is_first else "HWC", shape, image)
    if len(shape) == 3:
        if (shape[2] in (1, 3) and min(shape[:2]) >= _SMALLEST) or (shape[2] == 4 and min(shape[:2]) >= 16):
            return Layout("HWC", shape, ImageSpec(shape[2], shape[0], shape[1]))
        if (shape[0] in (1, 3) and min(shape[1:]) >= _SMALLEST) or (shape[0] == 4 and min(shape[1:]) >= 16):
            return Layout("CHW", shape, ImageSpec(shape[0], shape[1], shape[2]))
        return None
    if len(shape) == 2 and min(shape) >= _SMALLEST and max(shape) <= 4 * min(shape):
        return Layout("HW", shape, ImageSpec(1, shape[0], shape[1]))
    if len(shape) == 1 and size >= 64:
        for channels in (1, 3):
            side = math.isqrt(size // channels)
            if channels * side * side == size:
                return Layout("CHW" if order == "CHW" else "HWC", shape, ImageSpec(channels, side, side))
    return None


_SMALLEST = 8
