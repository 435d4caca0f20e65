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
        up: how the size is doubled: `transposed`, `nearest`, `bilinear` or `blur`.
        blur, blur_up: width of the filters that halve and double; 0 where there are none.
        output: `tanh` (-1..1) or `none` (0..255).
        guesses: sentences about what the file did not tell.
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
    up: str = "transposed"
    blur: int = 0
    blur_up: int = 0
    output: str = "tanh"
    guesses: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "widths", tuple(self.widths))
        object.__setattr__(self, "guesses", tuple(map(str, self.guesses)))
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
    if config.up not in ("transposed", "nearest", "bilinear", "blur"):
        raise ValueError("resnet-stage doubles by transposed, nearest, bilinear or blur")
    if (
        config.blur not in (0, 1, 3, 5, 7)
        or config.blur_up not in range(8)
        or (config.up == "blur") != bool(config.blur_up)
    ):
        raise ValueError("resnet-stage blurs by filters of 1 to 7")
