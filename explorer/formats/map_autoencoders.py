"""From tensors to an autoencoder whose codes are maps: beside a description, or in a plain file.

The network is told by the tensors (`models.map_plan`); a description tells what they cannot: groups of norms, the
activation, how large the pictures were, how far codes reach. Where nothing is described, what is usual is taken.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from torch import Tensor, nn

from explorer.data.wording import shown
from explorer.errors import CheckpointError
from explorer.formats import map_names, recognition
from explorer.formats.reader import Reading
from explorer.formats.state_dict import Weights
from explorer.models import Architecture, autoencoder_kl, autoencoder_tiny
from explorer.models.autoencoder_kl import KlConfig
from explorer.models.autoencoder_tiny import TinyConfig
from explorer.models.base import ImageSpec, NativeRange, Origin, Space
from explorer.models.map_blocks import ACTIVATIONS
from explorer.models.map_model import MapModel

USABLE_SIDE = 256
"""Side of the pictures that are drawn where those of the training were larger; a CPU takes seconds for more."""

_LARGE_SIDE = 512
_USUAL_GROUPS = 32
_MOST_TRIED = 8  # networks within one file
_MOST_FACTOR = 256
_LARGEST_SCALE, _LEAST_SPREAD = 1e4, 1e-7
_MODES = ("nearest", "bilinear", "bicubic", "nearest-exact")
_FIRST_STAGE = re.compile(r"(.*?)decoder\.(?:conv_in|layers\.0)\.weight$")
_OF_ENCODER = ("encoder.", "quant_conv.")
_OF_BOOK = {"quantize.embedding.weight"}

Described = Mapping[str, Any]


@dataclass(frozen=True, eq=False)
class _Sizes:
    image: ImageSpec
    space: Space


def build(
    tensors: Mapping[str, Tensor],
    said: Described,
    reading: Reading,
    *,
    format_name: str,
    origin: Origin | None = None,
    notes: Sequence[str] = (),
) -> MapModel:
    """Return the model of these weights.

    Args:
        tensors: by any of the names that `map_names` knows.
        said: what lies beside them, as diffusers names it: `norm_num_groups`, `sample_size`...; may be empty.
        reading, format_name, origin, notes: as `recognition.build` takes them.

    Raises:
        CheckpointError: they make no such network, or the picture's size by hint does not fit.
    """
    found = map_names.modern(tensors)
    config = _config(found, said, reading)
    if config is None:
        raise CheckpointError(
            f"{reading.path} holds no decoder of the kind its description names; save it again from where it was "
            "trained."
        )
    if not config.codes_of_encoder and any(key.startswith(_OF_ENCODER) for key in found):
        found = {key: tensor for key, tensor in found.items() if not key.startswith(_OF_ENCODER)}
        notes = (*notes, "Its encoder was left out, as its codes do not fit the decoder.")
    sizes, told = _sizes(config, _with_book(said, config, found), reading)
    model = recognition.build(
        _family(config, sizes),
        config,
        found,
        reading,
        format_name=format_name,
        notes=(*notes, *told),
        origin=origin,
    )
    assert isinstance(model, MapModel)
    return model


def recognise(
    found: Weights, reading: Reading, *, format_name: str, notes: Sequence[str] = ()
) -> MapModel | None:
    """Return the model of a plain file with such an autoencoder in it, alone or among others; None where there is none.

    Raises:
        CheckpointError: there is one, but it is damaged.
    """
    for prefix in _prefixes(found.tensors):
        inner = {
            key[len(prefix) :]: tensor for key, tensor in found.tensors.items() if key.startswith(prefix)
        }
        inner = map_names.modern({key: tensor for key, tensor in inner.items() if _is_part(key)})
        config = _config(inner, {}, reading)
        if config is None or not _is_likely(config, inner):
            continue
        where = f"Of the file the entry {shown(prefix.rstrip('.'))} was taken." if prefix else ""
        told = (*notes, *filter(None, [where]))
        try:
            return build(inner, {}, reading, format_name=format_name, notes=told)
        except CheckpointError:
            if isinstance(
                config, KlConfig
            ):  # the names of the other are less telling: it may be no such network
                raise
    return None


def _prefixes(tensors: Mapping[str, Tensor]) -> list[str]:
    """Return what stands before the keys of what may be such networks, the shortest first."""
    found = {match[1] for key in tensors if (match := _FIRST_STAGE.match(key))}
    return sorted((prefix for prefix in found if not prefix or prefix.endswith(".")), key=len)[:_MOST_TRIED]


def _is_part(key: str) -> bool:
    return key.startswith(("encoder.", "decoder.", "quant_conv.", "post_quant_conv.")) or key in _OF_BOOK


def _is_likely(config: KlConfig | TinyConfig, tensors: Mapping[str, Tensor]) -> bool:
    """Tell whether tensors without a description are those of such a network, not of one with some of its names."""
    if isinstance(config, KlConfig):
        return "decoder.mid_block.resnets.0.conv1.weight" in tensors
    blocks = [key for key in tensors if re.match(r"decoder\.layers\.\d+\.conv\.4\.weight$", key)]
    bare = sum(place.kind == "bare" for place in config.decoder)
    return bool(blocks) and config.factor == 2**bare > 1


def _config(tensors: Mapping[str, Tensor], said: Described, reading: Reading) -> KlConfig | TinyConfig | None:
    """Return the sizes that the tensors tell, with what else is described."""
    shapes = {key: tuple(tensor.shape) for key, tensor in tensors.items()}
    if any(0 in shape for shape in shapes.values()):
        return None
    if "decoder.layers.0.weight" in shapes:
        activation = _activation(said, "relu", reading)
        scale, mode = _whole(said, "upsampling_scaling_factor", 2, 16, reading), said.get("upsample_fn")
        mode = mode if mode in _MODES else "nearest"
        return autoencoder_tiny.config_of(shapes, activation, scale, mode)
    widths = (shape[0] for key, shape in shapes.items() if key.endswith((".norm1.weight", ".norm2.weight")))
    groups = _whole(said, "norm_num_groups", math.gcd(_USUAL_GROUPS, *widths), 1 << 16, reading)
    config = autoencoder_kl.config_of(shapes, groups, _activation(said, "silu", reading))
    if config is not None and config.decoder.condition not in (0, config.latent_channels):
        raise CheckpointError(
            f"{reading.path} has norms steered by {config.decoder.condition} channels where its codes have "
            f"{config.latent_channels}; save it again from where it was trained."
        )
    return config


def _activation(said: Described, usual: str, reading: Reading) -> str:
    name = said.get("act_fn")
    if name is None:
        return usual
    if not isinstance(name, str) or name.lower() not in ACTIVATIONS:
        raise CheckpointError(
            f"{reading.path} asks for the activation {shown(name, 40)}, which is not known here "
            f"({', '.join(ACTIVATIONS)}); mend its config.json."
        )
    return name.lower()


def _whole(said: Described, name: str, usual: int, most: int, reading: Reading) -> int:
    number = said.get(name)
    if number is None:
        return usual
    if type(number) is not int or not 0 < number <= most:
        raise CheckpointError(
            f"{reading.path} has {shown(number, 40)} for {name}, where a whole number from 1 to {most} belongs; mend "
            "its config.json."
        )
    return number


def _sizes(config: KlConfig | TinyConfig, said: Described, reading: Reading) -> tuple[_Sizes, list[str]]:
    """Return the shapes of pictures and codes, and what is to be said of them.

    Raises:
        CheckpointError: pictures of the hint's shape cannot be drawn, or none that can be shown.
    """
    factor, channels = config.factor, config.channels
    if channels not in (1, 3, 4) or factor > _MOST_FACTOR:
        raise CheckpointError(
            f"{reading.path} draws {channels} channels and enlarges {factor} times; pictures have 1, 3 or 4 channels, "
            f"and {_MOST_FACTOR} times is the most that is read here."
        )
    (height, width), notes = _sides(said, factor)
    hinted = reading.hints.image
    if hinted is not None:
        height, width = hinted.height or height, hinted.width or width
        notes = []
        if hinted.channels != channels or height % factor or width % factor:
            raise CheckpointError(
                f"{reading.path} draws {channels}x(height)x(width) with sides that {factor} divides, not {hinted} as "
                "the hint image says; change or leave out that hint."
            )
    shape = (config.latent_channels, height // factor, width // factor)
    notes.append(
        "Codes drawn at random give no picture here: encode one and begin there; a code book of some gives directions."
        if config.codes_of_encoder
        else "Codes drawn at random give no picture here; it has no encoder, so load codes of pictures."
    )
    return _Sizes(ImageSpec(channels, height, width), _space(shape, config, said, reading)), notes


def _sides(said: Described, factor: int) -> tuple[tuple[int, int], list[str]]:
    """Return height and width of the pictures, and a note where they are not those of the training."""
    stated = said.get("sample_size", USABLE_SIDE)
    sides = stated if isinstance(stated, list) else [stated, stated]
    if len(sides) != 2 or not all(type(side) is int and side > 0 for side in sides):
        sides = [USABLE_SIDE] * 2
    usable = [USABLE_SIDE if side >= _LARGE_SIDE else side for side in sides]
    height, width = (max(side // factor, 1) * factor for side in usable)
    if sides == usable:
        return (height, width), []
    shown_sides = "x".join(shown(side, 12) for side in sides)
    return (height, width), [
        f"It was made for pictures of {shown_sides}; to stay quick it draws {height}x{width} here. Any sides that "
        f"{factor} divides can be had with the hint image, such as image=3x{_LARGE_SIDE}x{_LARGE_SIDE}."
    ]


def _with_book(said: Described, config: KlConfig | TinyConfig, tensors: Mapping[str, Tensor]) -> Described:
    """Return a description whose centre and spread are those of the vectors that codes are replaced by, if they are."""
    if isinstance(config, TinyConfig) or config.book is None:
        return said
    vectors = tensors["quantize.embedding.weight"].double()
    spread = vectors.std(dim=0, unbiased=False).clamp_min(1e-6)
    return {
        **said,
        "latents_mean": vectors.mean(dim=0).tolist(),
        "latents_std": spread.tolist(),
        "scaling_factor": 1.0,
    }


def _space(shape: tuple[int, ...], config: KlConfig | TinyConfig, said: Described, reading: Reading) -> Space:
    """Return the space of the maps, with the centre and spread that the description tells.

    A generator in the space of the codes is trained on `(code - shift) * scale`, which has a spread of about 1.
    """
    places = math.prod(shape[1:])
    scale = _number(said.get("scaling_factor"), 0.18215 if isinstance(config, KlConfig) else 1.0)
    mean = _per_channel(said.get("latents_mean"), shape[0], _number(said.get("shift_factor"), 0.0))
    spread = _per_channel(said.get("latents_std"), shape[0], 1.0)
    if scale <= 0 or not all(_LEAST_SPREAD < each / scale < _LARGEST_SCALE for each in spread):
        scale, spread = 1.0, [1.0] * shape[0]
    return Space(
        "z",
        shape,
        reading.hints.prior or "none",
        center=[each for each in mean for _ in range(places)],  # type: ignore[arg-type]
        spread=[each / scale for each in spread for _ in range(places)],  # type: ignore[arg-type]
        stated=True,
    )


def _number(value: Any, usual: float) -> float:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if is_number and abs(value) < _LARGEST_SCALE else usual


def _per_channel(values: Any, channels: int, usual: float) -> list[float]:
    """Return a number for each channel; the usual one where no such list is given."""
    if not isinstance(values, list) or len(values) != channels:
        return [usual] * channels
    return [_number(value, usual) for value in values]


def _family(config: KlConfig | TinyConfig, sizes: _Sizes) -> Architecture:
    if isinstance(config, TinyConfig):
        return Architecture(
            "autoencoder-tiny",
            TinyConfig,
            autoencoder_tiny.network,
            partial(_wrap, "autoencoder-tiny", sizes),
        )
    name = "vq-model" if config.book else "autoencoder-kl"
    return Architecture(name, KlConfig, autoencoder_kl.network, partial(_wrap, name, sizes))


def _wrap(
    kind: str, sizes: _Sizes, network: nn.Module, config: KlConfig | TinyConfig, **described: Any
) -> MapModel:
    return MapModel(
        network,
        architecture=kind,
        image=sizes.image,
        spaces=[sizes.space],
        native_range=NativeRange(-1.0, 1.0),
        factor=config.factor,
        **described,
    )
