"""The native format: `.safetensors` whose `__metadata__["explorer"]` says, as JSON, how to build the model.

`{"format": 1, "kind": "latent" | "stage", "architecture", "config", "spaces", "image", "native_range",
"trained"}`. Pure data, so it is read in this process. A safetensors file without that text is taken for a
plain state dict.
"""

from __future__ import annotations

import dataclasses
import json
import math
import re
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from explorer.data.wording import shown
from explorer.errors import CheckpointError
from explorer.formats.reader import Reader, Reading
from explorer.models import ARCHITECTURES, architecture
from explorer.models.base import ImageSpec, LatentModel, NativeRange, Space, StageModel
from explorer.paths import replacing

if TYPE_CHECKING:
    from torch import Tensor

FORMAT = 1
_KEY = "explorer"
_MOST_HEADER = 32 << 20  # bytes; half a million tensors
_MOST_TEXT = 1 << 20
_MOST_DEPTH = 50  # of values within values


def save_native(
    path: Path | str,
    model: LatentModel | StageModel,
    *,
    config: Any,
    trained: Mapping[str, object] | None = None,
    half: bool = False,
) -> None:
    """Write a model with everything needed to build it again, whole or not at all.

    Args:
        path: ends in `.safetensors`.
        model: of a family in the registry.
        config: the constructor's arguments, the family's dataclass or a dict of them.
        trained: how it was trained, plain values; the model's own where None.
        half: write floating numbers as float16; they are read as float32.

    Raises:
        OutputError: it could not be written; an older file is untouched.
    """
    from safetensors.torch import save

    tensors = {key: _stored(tensor, half) for key, tensor in model.network.state_dict().items()}
    said: dict[str, Any] = {
        "format": FORMAT,
        "kind": "latent" if isinstance(model, LatentModel) else "stage",
        "architecture": model.architecture,
        "config": dataclasses.asdict(config) if dataclasses.is_dataclass(config) else dict(config),  # type: ignore[arg-type]
        "native_range": [model.native_range.low, model.native_range.high],
        "trained": dict(model.trained if trained is None else trained),
    }
    if isinstance(model, LatentModel):
        said["spaces"] = {s.name: {"shape": list(s.shape), "prior": s.prior} for s in model.spaces.values()}
        said["image"] = _sides(model.image)
    else:
        said["input"], said["output"] = _sides(model.input), _sides(model.output)
    content = save(tensors, metadata={_KEY: json.dumps(said)})
    with replacing(path) as temporary:
        temporary.write_bytes(content)


def _stored(tensor: Tensor, half: bool) -> Tensor:
    tensor = tensor.detach().cpu().contiguous()
    return tensor.half() if half and tensor.is_floating_point() else tensor


def _sides(image: ImageSpec) -> list[int | None]:
    return [image.channels, image.height, image.width]


def _matches(head: bytes, path: Path) -> bool:
    """A length of 8 bytes, little-endian, then a JSON object."""
    return len(head) > 8 and head[8:9] == b"{" and struct.unpack("<Q", head[:8])[0] < 1 << 40


def _load(reading: Reading) -> tuple[dict[str, str], dict[str, Tensor]]:
    return _metadata(reading), _tensors(reading)


def _build(loaded: tuple[dict[str, str], dict[str, Tensor]], reading: Reading) -> LatentModel | StageModel:
    metadata, tensors = loaded
    from explorer.formats import recognition, state_dict

    reading.on_progress(0.6, f"Building the network of {reading.name}")
    text = metadata.get(_KEY)
    if text is None:
        found = state_dict.weights_of(_sorted(tensors), reading)
        return recognition.recognise(found, reading, format_name="safetensors")
    said = _said(text, reading)
    family = architecture(said["architecture"])
    try:
        config = family.config(**_typed(family.config(), said["config"]))
    except (TypeError, ValueError, OverflowError) as error:
        raise _bad(reading, f"its sizes are not those of {family.name}") from error
    widened = {  # what `save_native` has halved, as it was told to, is nothing to be noted
        key: tensor.float() if str(tensor.dtype) == "torch.float16" else tensor
        for key, tensor in tensors.items()
    }
    model = recognition.build(
        family, config, widened, reading, format_name="native", trained=said.get("trained") or {}
    )
    return _checked(model, said, reading)


def _sorted(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return tensors in the natural order of their names, as a file has them by the letters: 10 before 2."""

    def parts(name: str) -> list[tuple[int, int | str]]:
        return [(0, int(part)) if part.isdigit() else (1, part) for part in re.split(r"([0-9]+)", name)]

    return {name: tensors[name] for name in sorted(tensors, key=parts)}


def _metadata(reading: Reading) -> dict[str, str]:
    """Return `__metadata__` of the header, after the header and all it promises were found in the file."""
    size = reading.path.stat().st_size
    length = struct.unpack("<Q", reading.head[:8])[0]
    if length > size - 8 or length > _MOST_HEADER:
        raise CheckpointError(
            f"{reading.path} is cut off: its header should have {length} bytes, the whole file has {size}; "
            "copy or download it again."
        )
    with reading.path.open("rb") as file:
        file.seek(8)
        header = file.read(length)
    try:
        found = json.loads(header)
        ends = [entry["data_offsets"][1] for key, entry in found.items() if key != "__metadata__"]
        promised = 8 + length + max(ends, default=0)
    except (ValueError, RecursionError, KeyError, TypeError, AttributeError, IndexError) as error:
        raise _bad(reading, "its header is no safetensors header") from error
    if promised != size:
        state = "cut off" if promised > size else "longer than it should be"
        raise CheckpointError(
            f"{reading.path} is {state}: its header promises {promised} bytes, the file has {size}; copy or "
            "download it again."
        )
    metadata = found.get("__metadata__") or {}
    if not isinstance(metadata, dict):
        raise _bad(reading, "its header is no safetensors header")
    return metadata


def _tensors(reading: Reading) -> dict[str, Tensor]:
    reading.on_progress(0.1, f"Reading {reading.path.name}")
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        # Copies: what is mapped ends the program once somebody writes the file anew in its place.
        return {name: tensor.clone() for name, tensor in load_file(reading.path).items()}
    except (SafetensorError, OSError, ValueError, KeyError, RuntimeError, TypeError) as error:
        raise _bad(reading, shown(error, 100) or "its tensors cannot be read") from error


def _said(text: Any, reading: Reading) -> dict[str, Any]:
    """Return the parsed text, after its outline was checked."""
    try:
        if not isinstance(text, str) or len(text) > _MOST_TEXT:
            raise ValueError
        said = json.loads(text)
        if not isinstance(said, dict) or not isinstance(said.get("config"), dict):
            raise ValueError
        if not isinstance(said.get("trained") or {}, dict) or _is_deeper(said, _MOST_DEPTH):
            raise ValueError
    except (ValueError, RecursionError) as error:
        raise _bad(reading, "its description is damaged") from error
    if said.get("format") != FORMAT or isinstance(said["format"], bool):
        raise CheckpointError(
            f"{reading.path} is of format {shown(said.get('format'), 20)}, this program reads format "
            f"{FORMAT}; use a newer version of the program."
        )
    if str(said.get("architecture")) not in ARCHITECTURES:
        known = ", ".join(ARCHITECTURES)
        raise CheckpointError(
            f"{reading.path} is of the architecture {shown(said.get('architecture'), 40)}, which is not "
            f"known here ({known}); use a newer version of the program."
        )
    return said


def _is_deeper(value: Any, levels: int) -> bool:
    """Return whether values lie in one another more than so many levels deep."""
    if not isinstance(value, (dict, list)):
        return False
    inner = value.values() if isinstance(value, dict) else value
    return levels == 0 or any(_is_deeper(entry, levels - 1) for entry in inner)


def _typed(usual: Any, stated: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return stated constructor arguments, after each was found to be of the kind that the usual ones are.

    Raises:
        ValueError: one is not; a network must never be built from values nobody looked at.
    """
    for name, value in stated.items():
        kind = type(getattr(usual, name, None))
        if kind is float:
            fits = isinstance(value, (int, float)) and math.isfinite(value)
        elif kind is tuple:
            fits = (
                isinstance(value, list)
                and len(value) <= 1000
                and all(_size(v) or isinstance(v, str) for v in value)
            )
        else:
            fits = _size(value) if kind is int else isinstance(value, kind)
        if not fits:
            raise ValueError(name)
    return stated


def _size(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value < 1 << 31


def _checked(
    model: LatentModel | StageModel, said: Mapping[str, Any], reading: Reading
) -> LatentModel | StageModel:
    """Return the model with its stated range and priors, after what is stated was found to agree with it."""
    try:
        if reading.hints.range is None and "native_range" in said:
            low, high = (float(end) for end in said["native_range"])
            if not (math.isfinite(low) and math.isfinite(high) and low < high):
                raise ValueError
            model.native_range = NativeRange(low, high)
        if said.get("kind") != ("latent" if isinstance(model, LatentModel) else "stage"):
            raise ValueError
        if isinstance(model, LatentModel):
            if said.get("image", _sides(model.image)) != _sides(model.image):
                raise ValueError
            for name, stated in said.get("spaces", {}).items():
                space = model.spaces[name]
                if tuple(stated["shape"]) != space.shape or stated["prior"] not in _PRIORS:
                    raise ValueError
                if stated["prior"] != space.prior:
                    model.spaces[name] = Space(name, space.shape, stated["prior"], mappings=space.mappings)
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError) as error:
        raise _bad(reading, "its description contradicts its weights") from error
    return model


_PRIORS = ("normal", "uniform", "sphere", "none")


def _bad(reading: Reading, reason: str) -> CheckpointError:
    return CheckpointError(
        f"{reading.path} is damaged ({reason}); copy or download it again, or save it again from where it "
        "was trained."
    )


READER = Reader("native or plain .safetensors", _matches, _load, _build)


def kind_of(path: Path) -> str | None:
    """Return `latent` or `stage` from the header of a native checkpoint, None for any other file."""
    said = _told_by(path)
    return str(said["kind"]) if "kind" in said else None


def image_of(path: Path) -> ImageSpec | None:
    """Return what pictures a native checkpoint says that it makes, None for a stage and for any other file."""
    return _told_spec(path, "image")


def input_of(path: Path) -> ImageSpec | None:
    """Return what pictures a native stage says that it takes, None for any other file."""
    return _told_spec(path, "input")


def _told_spec(path: Path, key: str) -> ImageSpec | None:
    sides = _told_by(path).get(key)
    if not isinstance(sides, list) or len(sides) != 3:
        return None
    is_open = key == "input"  # a stage may take any height and width
    good = _size(sides[0]) and all(_size(side) or (is_open and side is None) for side in sides[1:])
    return ImageSpec(*sides) if good else None


def _told_by(path: Path) -> dict[str, Any]:
    """Return what the header of a native checkpoint says, nothing for any other file."""
    try:
        with path.open("rb") as file:
            length = struct.unpack("<Q", file.read(8))[0]
            header = json.loads(file.read(min(length, _MOST_HEADER)))
        said = json.loads(header["__metadata__"][_KEY])
    except (OSError, ValueError, KeyError, TypeError, struct.error, RecursionError):
        return {}
    return said if isinstance(said, dict) else {}
