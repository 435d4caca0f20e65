"""Picture to picture by residual blocks: the generator of CycleGAN and its relatives, a stage of any size.

A wide convolution, a few that halve the size, residual blocks, as many layers that double it, a wide convolution
(Johnson et al. 2016, arXiv:1603.08155; Zhu et al. 2017, arXiv:1703.10593). The names here are this program's own;
how other projects call these tensors is in `resnet_names`. A picture of any size can be computed a few rows at a
time (`in_strips`), with the same result.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from explorer.models import Architecture, resnet_names
from explorer.models.base import ImageSpec, NativeRange, StageModel
from explorer.models.edges import mirrored
from explorer.models.resnet_config import ResnetStageConfig, taps_of
from explorer.models.rows import (
    BlurredUp,
    Conv,
    Enlarged,
    Moments,
    Pointwise,
    RowLayer,
    Rows,
    Transposed,
    gathered,
    stored,
)

CARRIED = 0.97
"""The extreme of what is carried past the network, since a tanh never reaches 1."""


class Unit(nn.Module):
    """A layer, what norms it, and a rectifier: `relu(norm(layer(x)))`."""

    def __init__(self, layer: nn.Module, norm: nn.Module | None, rectify: bool = True) -> None:
        super().__init__()
        self.layer = layer
        self.norm = norm
        self.rectify = rectify

    def forward(self, features: Tensor) -> Tensor:
        """`(N, C, H, W)` to what the layer makes of it."""
        features = self.layer(features)
        features = features if self.norm is None else self.norm(features)
        return functional.relu_(features) if self.rectify else features


class Block(nn.Module):
    """Two units whose result is added to what came in."""

    def __init__(self, config: ResnetStageConfig) -> None:
        super().__init__()
        width = config.widths[-1]

        def conv() -> Conv:
            return Conv(width, width, 3, edge=config.edge, bias=config.bias)

        self.first = Unit(conv(), _norm(config, width))
        self.second = Unit(conv(), _norm(config, width), rectify=False)

    def forward(self, features: Tensor) -> Tensor:
        """Return features of the same shape `(N, width, h, w)`."""
        return features + self.second(self.first(features))


class ResnetStage(nn.Module):
    """Pictures `(N, inputs, H, W)` to pictures `(N, outputs, H, W)`, in the network's own range; any H and W."""

    def __init__(self, config: ResnetStageConfig) -> None:
        super().__init__()
        self.config = config
        widths, last = config.widths, config.widths[0]
        self.stem = Unit(
            Conv(config.inputs, last, config.stem, edge=config.rim, bias=config.bias), _norm(config, last)
        )
        self.downs = nn.ModuleList(_down(config, a, b) for a, b in pairwise(widths))
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.blocks))
        self.ups = nn.ModuleList(_up(config, b, a) for a, b in reversed(list(pairwise(widths))))
        self.head = Conv(last, config.outputs, config.head, edge=config.rim)

    @property
    def bytes_per_pixel(self) -> int:
        """About how much memory a whole picture takes at once, for each of its pixels (measured)."""
        is_wide = self.config.up != "transposed" or self.config.down != "stride"  # all widths at full size
        return 4 * 4 * self.config.widths[0] * (2 if is_wide else 1)

    @property
    def strip_bytes_per_pixel(self) -> int:
        """About how much of that is left where it is computed in strips."""
        config = self.config
        return 4 * (3 * config.widths[-1] // 4 ** len(self.downs) + 3 * (config.inputs + config.outputs))

    def forward(self, images: Tensor) -> Tensor:
        """Return pictures of the size that came in; what the network gives beyond it is cut off."""
        features = self._enlarged(images)
        for step in self._steps():
            features = step(features)
        return self._finished(self.head(features), images)

    def in_strips(self, images: Tensor, rows: int) -> Generator[float, None, Tensor]:
        """Return what `forward` does, keeping only maps of the smaller sizes; the share done is yielded.

        Maps of the size of the picture are computed `rows` rows at a time, more than once.
        """
        made = []
        for number, picture in enumerate(images):
            made.append((yield from _within(self._one(picture[None], rows), number, len(images))))
        return torch.cat(made)

    def _one(self, image: Tensor, rows: int) -> Generator[float, None, Tensor]:
        height, width = image.shape[2:]
        source = stored(self._enlarged(image))
        small = (
            2 * self.config.widths[-1] * height * width / 4 ** len(self.downs)
        )  # values of a map that is kept
        steps = list(self._steps())
        for number, step in enumerate(steps):
            if isinstance(step, Block):
                walk = _block_in_strips(step, source, rows)
            else:
                walk = _unit_in_strips(step, source, rows, small)
            source = yield from _within(walk, number, len(steps) + 1)
        out = source.through(self.head)
        kept = yield from _within(gathered(out, rows, moments=None, keep=True), len(steps), len(steps) + 1)
        return self._finished(kept.of(0, height), image)

    def _steps(self) -> Iterator[Unit | Block]:
        """Yield everything before the head, in order."""
        yield self.stem
        for group in (self.downs, self.blocks, self.ups):
            for part in group:
                yield from part if isinstance(part, nn.ModuleList) else (part,)  # type: ignore[misc]

    def _enlarged(self, images: Tensor) -> Tensor:
        """Return pictures that are large enough for all edges; what is added mirrors them."""
        least = max(2 ** (len(self.downs) + 1), self.config.stem // 2 + 1)
        height, width = (max(side, least) for side in images.shape[2:])
        return mirrored(images, height, width)

    def _finished(self, values: Tensor, images: Tensor) -> Tensor:
        """Return the pictures that the last values are, of the size of those that came in."""
        values = values[..., : images.shape[2], : images.shape[3]]
        if self.config.carries:
            values = values + images.clamp(-CARRIED, CARRIED).atanh()
        return values.tanh() if self.config.output == "tanh" else values


def _norm(config: ResnetStageConfig, width: int) -> nn.Module | None:
    if config.norm == "instance":
        return nn.InstanceNorm2d(width, affine=config.affine)
    return nn.BatchNorm2d(width) if config.norm == "batch" else None


def _down(config: ResnetStageConfig, wide: int, out: int) -> nn.Module:
    if config.down == "stride":
        conv = Conv(wide, out, 3, stride=2, edge=config.inner, bias=config.bias)
        return Unit(conv, _norm(config, out))
    conv = Conv(wide, out, 3, edge=config.inner, bias=config.bias)
    blur = Conv(out, out, taps_of(config.down), stride=2, edge="reflect", bias=False, depthwise=True)
    return nn.ModuleList([Unit(conv, _norm(config, out)), Unit(blur, None, rectify=False)])


def _up(config: ResnetStageConfig, wide: int, out: int) -> nn.Module:
    if config.up == "transposed":
        return Unit(Transposed(wide, out, bias=config.up_bias), _norm(config, out))
    first = BlurredUp(wide, taps_of(config.up)) if taps_of(config.up) else Enlarged(config.up)
    conv = Conv(wide, out, 3, edge=config.inner_up, bias=config.up_bias)
    return nn.ModuleList([Unit(first, None, rectify=False), Unit(conv, _norm(config, out))])


# ---- in strips ----


def _within(walk: Generator[float, None, Any], number: int, count: int) -> Generator[float, None, Any]:
    """Run a part of the work, its shares as those of the whole."""
    while True:
        try:
            share = next(walk)
        except StopIteration as end:
            return end.value
        yield (number + share) / count


def _unit_in_strips(unit: Unit, source: Rows, rows: int, small: float) -> Generator[float, None, Rows]:
    """Return what a unit makes of a map; a small one is put into memory."""
    layer: RowLayer = unit.layer  # type: ignore[assignment]
    made = source.through(layer)
    keep = made.shape[0] * made.shape[1] * made.shape[2] <= small
    moments = Moments() if isinstance(unit.norm, nn.InstanceNorm2d) else None
    if keep or moments is not None:
        made = yield from gathered(made, _share(rows, made, source), moments=moments, keep=keep)
    return made.each(_after(unit, moments))


def _block_in_strips(block: Block, source: Rows, rows: int) -> Generator[float, None, Rows]:
    """Return what a residual block makes of a map, in memory."""
    before = source  # the sum of the block before: nobody else has it
    if source.fresh:
        before = yield from _within(gathered(source, rows, moments=None, keep=True), 0, 3)
    inner = yield from _within(_unit_in_strips(block.first, before, rows, float("inf")), 1, 3)
    last = yield from _within(_unit_in_strips(block.second, inner, rows, float("inf")), 2, 3)
    height = before.shape[1]
    for first in range(0, height, rows):
        end = min(first + rows, height)
        before.of(first, end).add_(last.of(first, end))  # a view of the map in memory
    return before


def _share(rows: int, made: Rows, source: Rows) -> int:
    return rows if made.shape[1] >= source.shape[1] else max(rows // 2, 1)


def _after(unit: Unit, moments: Moments | None) -> Pointwise:
    """Return what follows the layer of a unit."""
    norm = unit.norm
    change: Any = norm if moments is None else moments.norm(norm)  # type: ignore[arg-type]

    def after(rows: Tensor) -> Tensor:
        rows = rows if change is None else change(rows)
        return functional.relu_(rows) if unit.rectify else rows

    return after


# ---- registry ----

_OF_BATCH = (
    "Its batch norms use what they remember of training; the project that makes such files uses, by default, the "
    "picture's own values there instead, so its pictures differ a little."
)


def _guesses(config: ResnetStageConfig) -> list[str]:
    """Return sentences about what no file tells."""
    found = []
    if config.up in ("nearest", "bilinear"):
        found.append(f"The file does not tell how maps are enlarged inside; {config.up} is assumed.")
    if config.output == "none":
        found.append("The file does not tell the range of its values; 0..255 is assumed (hint range).")
    return found


def _wrap(network: ResnetStage, config: ResnetStageConfig, **described: Any) -> StageModel:
    notes = list(described.pop("notes", None) or ())
    if config.norm == "batch":
        notes.append(_OF_BATCH)
    notes += _guesses(config)
    return StageModel(
        network,
        architecture="resnet-stage",
        input=ImageSpec(config.inputs),
        output=ImageSpec(config.outputs),
        native_range=NativeRange(0, 255) if config.output == "none" else NativeRange(-1, 1),
        notes=notes,
        **described,
    )


ARCHITECTURE = Architecture(
    "resnet-stage", ResnetStageConfig, ResnetStage, _wrap, translate=resnet_names.translated
)
