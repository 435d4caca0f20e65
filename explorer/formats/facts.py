"""What plain values beside the weights say in the words of hints: `latent_dim: 20`, `img_size: 64`.

They are a stranger's words, so they count only where the shapes of the weights agree, and where the shapes leave
something open.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

_LATENT = ("latent_dim", "z_dim", "latent_size", "latent_dims", "latent_dimension", "nz", "zdim", "z_size", "dim_z",
           "noise_dim", "latent_channels", "code_dim", "embedding_dim", "bottleneck", "n_latent", "latent")  # fmt: skip
_SIDE = ("image_size", "img_size", "imsize", "im_size", "image_dim", "resolution", "size")
_SHAPE = (
    "image_shape",
    "img_shape",
    "input_shape",
    "input_dim",
    "input_size",
    "img_dim",
    "image_size",
    "img_size",
)
_CHANNELS = ("image_channels", "img_channels", "num_channels", "channels", "nc", "in_channels", "input_channels",
             "channels_img", "out_channels")  # fmt: skip
_CLASSES = ("n_classes", "num_classes", "classes", "class_num", "num_labels", "label_dim")

Shapes = Sequence[tuple[int, ...]]


def hints_in(facts: Mapping[str, Any], shapes: Shapes) -> dict[str, str]:
    """Return the hints that facts amount to, as texts, where the weights have such sizes at all.

    Args:
        facts: by name in lower case with underscores.
        shapes: of the network's tensors.
    """
    found = {}
    latent, classes = _whole(facts, _LATENT), _whole(facts, _CLASSES)
    taken = {size for shape in shapes if len(shape) in (2, 4) for size in shape[:2]}
    if latent and classes and latent + classes in taken:
        found["classes"] = str(classes)
    if latent and (latent in taken or "classes" in found):
        found["latent"] = str(latent)
    image = _image(facts, shapes)
    if image:
        found["image"] = image
    return found


def _whole(facts: Mapping[str, Any], names: Sequence[str]) -> int:
    """Return the first of these that is a whole number above 0; 0 without one."""
    values = (facts.get(name) for name in names)
    return next((value for value in values if type(value) is int and 0 < value < 1 << 16), 0)


def _image(facts: Mapping[str, Any], shapes: Shapes) -> str:
    """Return channels x height x width, where the sizes of the last layer do not speak against them."""
    for name in _SHAPE:
        value = facts.get(name)
        if isinstance(value, list) and len(value) == 3 and all(type(v) is int and v > 0 for v in value):
            shape = value if value[0] in (1, 3, 4) else [value[2], value[0], value[1]]
            channels, height, width = shape
            return _fitting(channels, height, width, shapes)
    height, width = (facts.get(name) for name in ("height", "width"))
    if type(height) is int and type(width) is int and min(height, width) > 0:
        return _fitting(_whole(facts, _CHANNELS) or 1, height, width, shapes)
    side, channels = _whole(facts, _SIDE), _whole(facts, _CHANNELS)
    for guess in [channels] if channels else [1, 3]:
        text = _fitting(guess, side, side, shapes)
        if side and text:
            return text
    return ""


def _fitting(channels: int, height: int, width: int, shapes: Shapes) -> str:
    pixels = channels * height * width
    flat = any(len(shape) == 2 and shape[0] == pixels for shape in shapes)
    drawn = any(len(shape) == 4 and channels in shape[:2] for shape in shapes)
    return f"{channels}x{height}x{width}" if channels in (1, 3, 4) and (flat or drawn) else ""
