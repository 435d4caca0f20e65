"""State dicts of StyleGAN2 generators by NVIDIA's names, saved without the modules: `mapping.fc0.weight`, ...

The tensors' shapes tell the sizes. What they don't tell is taken as NVIDIA's program has it by default, and said.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from explorer.data.wording import shown
from explorer.errors import CheckpointError
from explorer.formats import nvidia
from explorer.formats.reader import Reading
from explorer.formats.state_dict import Weights
from explorer.models.base import LatentModel
from explorer.models.style_layers import MappingConfig
from explorer.models.stylegan2_config import (
    BlockConfig,
    ConvConfig,
    SkipConfig,
    StyleGan2Config,
    usual_conv,
    usual_dense,
    usual_torgb,
)

Shapes = Mapping[str, tuple[int, ...]]
CLAMP = 256.0
"""What outputs are kept within by default."""
MULTIPLIER = 0.01
"""Of the mapping network's learning rate, by default."""

_ASSUMED = (
    "The file says neither how the mapping network was trained nor its activations or limits; a learning rate times "
    "0.01, leaky ReLU and a limit of 256 were taken, as is usual."
)


def build(found: Weights, reading: Reading, notes: Sequence[str] = ()) -> LatentModel | None:
    """Return the model of such weights; None where they are another network's.

    Raises:
        CheckpointError: they are such a network's, but do not fit each other; the tensors are named.
    """
    shapes = {key: tuple(tensor.shape) for key, tensor in found.tensors.items()}
    const = [key for key in shapes if re.fullmatch(r"synthesis\.b\d+\.const", key)]
    if len(const) != 1 or "mapping.fc0.weight" not in shapes or reading.hints.architecture:
        return None
    try:
        config = _config(shapes)
    except (KeyError, ValueError, IndexError) as error:
        raise CheckpointError(
            f"{reading.path} holds the weights of a StyleGAN2, but some are missing or do not fit each other "
            f"({shown(error, 100)}); save it again from where it was trained."
        ) from error
    told = [*notes, *found.notes, _ASSUMED]
    return nvidia.made(
        nvidia.FAMILIES["stylegan2"], config, found.tensors, reading, format_name="torch", notes=told
    )


def _config(shapes: Shapes) -> StyleGan2Config:
    """Return the sizes that the shapes tell.

    Raises:
        KeyError, ValueError, IndexError: they tell of no such network.
    """
    mapping = _mapping(shapes)
    numbers = sorted(
        {int(key.split(".")[1][1:]) for key in shapes if re.match(r"synthesis\.b\d{1,6}\.", key)}
    )
    names = [f"synthesis.b{number}" for number in numbers]
    size, before, blocks = (0, 0), 0, []
    for name in names:
        const = shapes.get(f"{name}.const")
        size = const[1:] if const else (size[0] * 2, size[1] * 2)  # type: ignore[assignment]
        blocks.append(_block(name, shapes, before, size, mapping.w_dim))
        before = blocks[-1].conv1.outputs
    return StyleGan2Config(mapping, tuple(blocks))


def _mapping(shapes: Shapes) -> MappingConfig:
    keys = sorted(
        (key for key in shapes if re.fullmatch(r"mapping\.fc\d{1,4}\.weight", key)),
        key=lambda key: int(re.sub(r"\D", "", key)),
    )
    layers = tuple(usual_dense(*_turned(shapes[key]), "lrelu", MULTIPLIER) for key in keys)
    embed = shapes.get("mapping.embed.weight")
    return MappingConfig(
        layers[0].inputs - (embed[0] if embed else 0),
        layers[-1].outputs,
        layers,
        c_dim=embed[1] if embed else 0,
        embed=usual_dense(*_turned(embed)) if embed else None,
    )


def _turned(shape: tuple[int, ...]) -> tuple[int, int]:
    """Return inputs and outputs of a dense layer's weight."""
    outputs, inputs = shape
    return inputs, outputs


def _block(name: str, shapes: Shapes, before: int, size: tuple[int, int], w_dim: int) -> BlockConfig:
    skip, torgb = shapes.get(f"{name}.skip.weight"), shapes.get(f"{name}.torgb.weight")
    return BlockConfig(
        name.removeprefix("synthesis."),
        _conv(f"{name}.conv1", shapes, w_dim),
        const=shapes.get(f"{name}.const"),  # type: ignore[arg-type]
        conv0=_conv(f"{name}.conv0", shapes, w_dim, up=2) if before else None,
        torgb=usual_torgb(torgb[1], torgb[0], w_dim, CLAMP) if torgb else None,
        skip=SkipConfig(
            skip[1], skip[0], shapes.get(f"{name}.skip.resample_filter"), weight_gain=skip[1] ** -0.5
        )
        if skip
        else None,
        filter=shapes.get(f"{name}.resample_filter"),
    )


def _conv(name: str, shapes: Shapes, w_dim: int, up: int = 1) -> ConvConfig:
    outputs, inputs, kernel, _ = shapes[f"{name}.weight"]
    return usual_conv(
        inputs,
        outputs,
        w_dim,
        up=up,
        noise=shapes.get(f"{name}.noise_const"),  # type: ignore[arg-type]
        filter=shapes.get(f"{name}.resample_filter"),
        clamp=CLAMP,
        kernel=kernel,
    )
