"""Picture to picture by a U-Net: the generator of pix2pix, a stage.

Convolutions of kernel 4 halve the size down to a few pixels, transposed ones double it again, and each of these
also gets what was seen at its size on the way down (Isola et al. 2017, arXiv:1611.07004). In a file the levels lie
within each other; here they are two rows, `downs` and `ups`, from full resolution downwards.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from explorer.models import Architecture, Shapes
from explorer.models.base import ImageSpec, NativeRange, StageModel
from explorer.models.edges import mirrored
from explorer.models.named_layers import STATISTICS, NamedLayer, OtherNetwork, kind_of_norms, layers_of

_KERNEL = 4


@dataclass(frozen=True)
class UnetStageConfig:
    """Sizes.

    Attributes:
        inputs, outputs: channels of the pictures.
        widths: channels from half resolution downwards, each level half the size of the last.
        norm: `batch`, `instance` or `none`; `affine`: an instance norm with weights.
        bias: whether all convolutions have biases; the last one has one anyway.
    """

    inputs: int = 3
    outputs: int = 3
    widths: tuple[int, ...] = (64, 128, 256, 512, 512, 512, 512, 512)
    norm: str = "batch"
    affine: bool = True
    bias: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "widths", tuple(self.widths))
        if not 2 <= len(self.widths) <= 12 or not all(0 < width <= 1 << 14 for width in self.widths):
            raise ValueError("unet-stage has 2 to 12 widths")
        if not (0 < self.inputs <= 1024 and 0 < self.outputs <= 1024):
            raise ValueError("unet-stage has 1 to 1024 channels")
        if self.norm not in ("batch", "instance", "none"):
            raise ValueError("unet-stage has norms of kind batch, instance or none")


class Level(nn.Module):
    """A convolution with what norms it."""

    def __init__(self, conv: nn.Module, norm: nn.Module | None) -> None:
        super().__init__()
        self.conv = conv
        self.norm = norm

    def forward(self, features: Tensor) -> Tensor:
        """`(N, C, h, w)` to half or double the size."""
        features = self.conv(features)
        return features if self.norm is None else self.norm(features)


class UnetStage(nn.Module):
    """Pictures `(N, inputs, H, W)` to pictures `(N, outputs, H, W)` in -1..1; any H and W."""

    def __init__(self, config: UnetStageConfig) -> None:
        super().__init__()
        self.config = config
        widths, depth = config.widths, len(config.widths)
        wides = (config.inputs, *widths[:-1])
        self.downs = nn.ModuleList(
            Level(
                nn.Conv2d(wide, out, _KERNEL, 2, 1, bias=config.bias),
                _norm(config, out) if 0 < level < depth - 1 else None,
            )
            for level, (wide, out) in enumerate(zip(wides, widths, strict=True))
        )
        outs = (config.outputs, *widths[:-1])
        self.ups = nn.ModuleList(
            Level(
                nn.ConvTranspose2d(
                    width * (1 if level == depth - 1 else 2),
                    out,
                    _KERNEL,
                    2,
                    1,
                    bias=config.bias or not level,
                ),
                _norm(config, out) if level else None,
            )
            for level, (width, out) in enumerate(zip(widths, outs, strict=True))
        )

    @property
    def bytes_per_pixel(self) -> int:
        """About how much memory a whole picture takes at once, for each of its pixels (measured)."""
        return 4 * 2 * self.config.widths[0]

    def forward(self, images: Tensor) -> Tensor:
        """Return pictures of the size that came in; one that cannot be halved so often is mirrored beyond its edge."""
        height, width = images.shape[2:]
        multiple = 2 ** len(self.downs)
        features = mirrored(images, -(-height // multiple) * multiple, -(-width // multiple) * multiple)
        seen: list[Tensor] = []
        for number, down in enumerate(self.downs):
            features = down(functional.leaky_relu(features, 0.2) if number else features)
            seen.append(features)
        features = self.ups[-1](seen.pop().relu())
        for up in reversed(self.ups[:-1]):  # type: ignore[arg-type]
            features = up(torch.cat((seen.pop(), features), dim=1).relu_())
        return features.tanh()[..., :height, :width]


def _norm(config: UnetStageConfig, width: int) -> nn.Module | None:
    if config.norm == "instance":
        return nn.InstanceNorm2d(width, affine=config.affine)
    return nn.BatchNorm2d(width) if config.norm == "batch" else None


# ---- the names of a file ----


def translated(shapes: Shapes, classes: Mapping[str, str]) -> tuple[UnetStageConfig, dict[str, str]] | None:
    """Return sizes and, by the file's name, the own name of every tensor that counts; None for another network.

    Args:
        shapes: of the file's tensors.
        classes: of its submodules by path, where the file tells.
    """
    try:
        return _told(_levels(layers_of(shapes)), classes)
    except (OtherNetwork, ValueError):
        return None


def _levels(layers: list[NamedLayer]) -> list[list[NamedLayer]]:
    """Return the layers of each level, the outermost first: those of a level lie within the one before.

    Raises:
        OtherNetwork: they lie in another way.
    """
    levels: dict[str, list[NamedLayer]] = {}
    for layer in layers:
        levels.setdefault(layer.path.rpartition(".")[0], []).append(layer)
    ordered = sorted(levels, key=len)
    nested = all(inner.startswith(f"{outer}." if outer else "") for outer, inner in pairwise(ordered))
    if not nested or len(ordered) < 2:
        raise OtherNetwork
    return [levels[path] for path in ordered]


def _told(
    levels: list[list[NamedLayer]], classes: Mapping[str, str]
) -> tuple[UnetStageConfig, dict[str, str]]:
    """Return sizes and names of the levels; see `translated`."""
    names: dict[str, str] = {}
    norms: list[NamedLayer] = []
    convs: list[tuple[NamedLayer, NamedLayer]] = []
    for number, level in enumerate(levels):
        pair = [layer for layer in level if layer.kind == "conv"]
        if len(pair) != 2 or level[0] is not pair[0] or any(c.shape[2:] != (_KERNEL, _KERNEL) for c in pair):
            raise OtherNetwork
        convs.append((pair[0], pair[1]))
        own = f"downs.{number}"
        for layer in level:
            if layer is pair[1]:
                own = f"ups.{number}"
            if layer.kind not in ("conv", "norm"):
                raise OtherNetwork
            part = "conv" if layer.kind == "conv" else "norm"
            names |= {f"{layer.path}.{name}": f"{own}.{part}.{name}" for name in layer.tensors}
            norms += [layer] if part == "norm" else []
    _check_chain(convs)
    bias = any("bias" in down.tensors for down, _ in convs)
    kind, affine = kind_of_norms(norms, classes) if norms else ("instance" if bias else "none", False)
    if kind == "instance":
        names = {key: own for key, own in names.items() if not key.endswith(STATISTICS)}
    widths = tuple(down.shape[0] for down, _ in convs)
    first_down, last_up = convs[0]
    return UnetStageConfig(first_down.shape[1], last_up.shape[1], widths, kind, affine, bias), names


def _check_chain(convs: list[tuple[NamedLayer, NamedLayer]]) -> None:
    """Raise `OtherNetwork` where the channels of neighbouring levels do not fit, or nothing is handed across."""
    for (down, up), (inner, inner_up) in pairwise(convs):
        width = down.shape[0]
        if inner.shape[1] != width or inner_up.shape[1] != width or up.shape[0] != 2 * width:
            raise OtherNetwork
    innermost, its_up = convs[-1]
    if its_up.shape[0] != innermost.shape[0]:
        raise OtherNetwork


# ---- registry ----

_OF_BATCH = (
    "Its batch norms use what they remember of training, and there is no dropout; the project that makes such files "
    "uses, by default, the picture's own values and dropout, so its pictures differ a little."
)


def _wrap(network: UnetStage, config: UnetStageConfig, **described: Any) -> StageModel:
    notes = list(described.pop("notes", None) or ())
    return StageModel(
        network,
        architecture="unet-stage",
        input=ImageSpec(config.inputs),
        output=ImageSpec(config.outputs),
        native_range=NativeRange(-1, 1),
        notes=[*notes, _OF_BATCH] if config.norm == "batch" else notes,
        **described,
    )


ARCHITECTURE = Architecture("unet-stage", UnetStageConfig, UnetStage, _wrap, translate=translated)
