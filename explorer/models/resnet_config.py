"""Sizes and kinds of the residual networks from picture to picture; the network is in `resnet_stage`."""

from __future__ import annotations

from dataclasses import dataclass

from explorer.models.edges import EDGES, Edge


@dataclass(frozen=True)
class ResnetStageConfig:
    """Sizes and kinds.

    Attributes:
        inputs, outputs: channels of the pictures.
        widths: channels from full resolution downwards, each level half the size of the last.
        blocks: residual blocks at the lowest level.
        stem, head: kernels of the first and the last convolution.
        norm: `instance`, `batch` or `none`; `affine`: an instance norm with weights.
        bias, up_bias: whether the convolutions before a norm have biases; those of the way up.
        edge, rim, inner, inner_up: what is beyond the edge in blocks, at the first and last convolution, on the
            way down, on the way up.
        down: how the size is halved: by `stride`, or by a blur of so many taps after the convolution (`blur:3`).
        up: how it is doubled: by `transposed` convolution, or before a convolution: `nearest`, `bilinear`, `blur:4`.
        output: `tanh` (-1..1) or `none` (0..255).
        carries: whether the picture is carried past the network and added to what it makes, before the tanh, so that
            the network only has to tell what changes, as He et al. 2016 (arXiv:1512.03385) do within blocks.
    """

    inputs: int = 3
    outputs: int = 3
    widths: tuple[int, ...] = (64, 128, 256)
    blocks: int = 9
    stem: int = 7
    head: int = 7
    norm: str = "instance"
    affine: bool = False
    bias: bool = True
    up_bias: bool = True
    edge: Edge = "reflect"
    rim: Edge = "reflect"
    inner: Edge = "zeros"
    inner_up: Edge = "zeros"
    down: str = "stride"
    up: str = "transposed"
    output: str = "tanh"
    carries: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "widths", tuple(self.widths))
        _check(self)


def _check(config: ResnetStageConfig) -> None:
    """Raise `ValueError` for sizes that make no network."""
    if not 2 <= len(config.widths) <= 6 or not all(0 < width <= 1 << 14 for width in config.widths):
        raise ValueError("resnet-stage has 2 to 6 widths")
    if not (0 < config.inputs <= 1024 and 0 < config.outputs <= 1024 and 0 < config.blocks <= 256):
        raise ValueError("resnet-stage has 1 to 256 blocks and 1 to 1024 channels")
    if not all(kernel % 2 and 1 <= kernel <= 31 for kernel in (config.stem, config.head)):
        raise ValueError("resnet-stage has odd kernels up to 31")
    kinds = {config.edge, config.rim, config.inner, config.inner_up} <= set(EDGES)
    if not kinds or config.norm not in ("instance", "batch", "none") or config.output not in ("tanh", "none"):
        raise ValueError("resnet-stage has edges, norms and outputs of other kinds")
    if config.carries and (config.output != "tanh" or config.inputs != config.outputs):
        raise ValueError("resnet-stage carries pictures to a tanh of as many channels")
    if config.down not in ("stride", *_blurs(1, 3, 5, 7)):
        raise ValueError("resnet-stage halves by stride or blur")
    if config.up not in ("transposed", "nearest", "bilinear", *_blurs(1, 2, 3, 4, 5, 6, 7)):
        raise ValueError("resnet-stage doubles by transposed, nearest, bilinear or blur")


def _blurs(*taps: int) -> list[str]:
    return [f"blur:{count}" for count in taps]


def taps_of(way: str) -> int:
    """Return how wide the filter of `blur:N` is; 0 for another way."""
    name, _, taps = way.partition(":")
    return int(taps) if name == "blur" else 0
