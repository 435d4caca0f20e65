"""How the halves of an autoencoder of maps are built, read from the shapes of its tensors alone.

Plain values; the networks are in `map_blocks`. What a description beside the weights says of sizes is not asked:
the tensors cannot be wrong about it. Names are those of diffusers; older ones are put right in `formats.map_names`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from explorer.models import Shapes

MOST_LEVELS = 9
"""Each but the last doubles a side; with more, one number of a map would be hundreds of pixels wide."""


@dataclass(frozen=True)
class LevelPlan:
    """One resolution: `widths` are the channels that come in, then those behind each residual block."""

    widths: tuple[int, ...]
    attends: bool = False
    resamples: bool = False


@dataclass(frozen=True)
class HalfPlan:
    """An encoder or a decoder.

    Attributes:
        channels_in, channels_out: of the maps or pictures that enter and leave it.
        middle: channels of the smallest maps.
        levels: in the order they are run.
        attends: whether the middle attends.
        condition: channels of the map that steers the norms; 0 where they are plain.
    """

    channels_in: int
    channels_out: int
    middle: int
    levels: tuple[LevelPlan, ...]
    attends: bool = True
    condition: int = 0

    @property
    def factor(self) -> int:
        """By how much it enlarges or shrinks a side."""
        return 2 ** sum(level.resamples for level in self.levels)

    @property
    def holds_together(self) -> bool:
        """Whether every level takes what the one before gives."""
        pairs = pairwise(self.levels)
        return all(one.widths[-1] == other.widths[0] for one, other in pairs)


def half_of(shapes: Shapes, part: Literal["encoder", "decoder"]) -> HalfPlan | None:
    """Return the plan of the encoder or decoder among tensors of these shapes; None where there is none."""
    first, last = shapes.get(f"{part}.conv_in.weight", ()), shapes.get(f"{part}.conv_out.weight", ())
    levels = tuple(_levels(shapes, part))
    if len(first) != 4 or len(last) != 4 or not 0 < len(levels) <= MOST_LEVELS:
        return None
    steered = shapes.get(f"{part}.conv_norm_out.conv_y.weight", ())
    return HalfPlan(
        channels_in=first[1],
        channels_out=last[0],
        middle=(levels[0].widths[0] if part == "decoder" else levels[-1].widths[-1]),
        levels=levels,
        attends=any(key.startswith(f"{part}.mid_block.attentions.0.") for key in shapes),
        condition=steered[1] if len(steered) == 4 else 0,
    )


def _levels(shapes: Shapes, part: str) -> Iterator[LevelPlan]:
    name = f"{part}.{'up' if part == 'decoder' else 'down'}_blocks"
    sampler = "upsamplers" if part == "decoder" else "downsamplers"
    for level in range(MOST_LEVELS + 1):
        blocks = list(_blocks(shapes, f"{name}.{level}.resnets"))
        if not blocks:
            return
        yield LevelPlan(
            widths=(blocks[0][1], *(block[0] for block in blocks)),
            attends=f"{name}.{level}.attentions.0.to_q.weight" in shapes,
            resamples=f"{name}.{level}.{sampler}.0.conv.weight" in shapes,
        )


def _blocks(shapes: Shapes, name: str) -> Iterator[tuple[int, ...]]:
    """Yield the shape of the first convolution of each residual block."""
    index = 0
    while len(shape := shapes.get(f"{name}.{index}.conv1.weight", ())) == 4:
        yield shape
        index += 1
