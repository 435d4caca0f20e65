"""A plain state dict to a model: the family is found by keys and shapes, the weights are loaded strictly.

Nothing goes by a file's name. A tensor that is missing, left over or of another shape is named.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from explorer.data.wording import counted, shown
from explorer.errors import CheckpointError
from explorer.formats.calibration import settle
from explorer.formats.reader import Reading
from explorer.formats.sidecars import Hints
from explorer.models import ARCHITECTURES, Architecture, architecture
from explorer.models.base import LatentModel, StageModel

PREFIXES = ("module.", "_orig_mod.", "model.", "netG.", "generator.", "first_stage_model.")
"""What wrappers put before every key; taken off where all keys have it."""

_COUNTER = ".num_batches_tracked"  # of batch norm: absent in old files, and of no use to a trained network
_FLOATS = (torch.float32, torch.float64, torch.float16, torch.bfloat16)
_NAMED = 4  # misfits told in a sentence


@dataclass(frozen=True)
class Misfit:
    """How the tensors of a file differ from those a network has."""

    missing: tuple[str, ...]
    surplus: tuple[str, ...]
    misshaped: tuple[str, ...]  # "decoder.4.bias is 7 instead of 512"

    def __len__(self) -> int:
        return len(self.missing) + len(self.surplus) + len(self.misshaped)

    def __str__(self) -> str:
        parts = [*self.misshaped, *(f"{shown(key)} is missing" for key in self.missing)]
        parts += [f"{shown(key)} belongs to nothing" for key in self.surplus]
        more = len(parts) - _NAMED
        return ", ".join(parts[:_NAMED]) + (f" and {more} more" if more > 0 else "")


@dataclass(frozen=True, eq=False)
class _Candidate:
    family: Architecture
    config: Any
    tensors: dict[str, Tensor]
    misfit: Misfit


def build(
    family: Architecture,
    config: Any,
    tensors: Mapping[str, Tensor],
    reading: Reading,
    *,
    format_name: str,
    notes: Sequence[str] = (),
    trained: Mapping[str, object] | None = None,
) -> LatentModel | StageModel:
    """Return the model of a family with these weights, in float32, ready to run.

    Raises:
        CheckpointError: the weights do not fit; the tensors are named.
    """
    tensors, told = _in_float32(tensors, reading)
    network = _skeleton(family, config, reading)
    expected = network.state_dict()
    tensors |= {key: torch.zeros((), dtype=torch.long) for key in expected if key.endswith(_COUNTER)}
    misfit = _compare(tensors, expected)
    if len(misfit):
        raise CheckpointError(
            f"{reading.path} says it is {family.name}, but {misfit}; the file is damaged or was changed: "
            "save it again from where it was trained."
        )
    network.load_state_dict(tensors, strict=True, assign=True)
    network.eval().requires_grad_(False)
    model = family.wrap(
        network,
        config,
        name=reading.name,
        origin=reading.origin(format_name),
        notes=(*notes, *told),
        trained=trained,
    )
    image = reading.hints.image
    if image is not None and isinstance(model, LatentModel) and model.image != image:
        raise CheckpointError(
            f"{reading.path} draws pictures of {model.image} (channels x height x width), not of {image} as "
            "the hint image says; change or leave out that hint."
        )
    if reading.hints.range is not None:
        model.native_range = reading.hints.range
    return model


def recognise(
    tensors: Mapping[str, Tensor], reading: Reading, *, format_name: str, notes: Sequence[str] = ()
) -> LatentModel | StageModel:
    """Return the model that a plain state dict belongs to.

    Raises:
        CheckpointError: it belongs to no family known here, or almost to one: then the tensors are named.
    """
    tensors = {key: tensor for key, tensor in tensors.items() if not key.endswith(_COUNTER)}
    names = [reading.hints.architecture] if reading.hints.architecture else list(ARCHITECTURES)
    families = [family for family in map(architecture, names) if family.recognise]
    if not families:
        raise CheckpointError(
            f"{reading.path} is a plain state dict, but {names[0]} is only read in the native format; leave "
            "out the hint architecture."
        )
    found = [_candidate(family, keys, reading) for family in families for keys in _without_prefixes(tensors)]
    guesses = [candidate for candidate in found if candidate is not None]
    best = min(guesses, key=lambda candidate: len(candidate.misfit), default=None)
    if best is None or len(best.misfit) > len(best.tensors) / 2:
        raise CheckpointError(_unfamiliar(tensors, reading, [family.name for family in families]))
    if len(best.misfit):
        raise CheckpointError(
            f"{reading.path} looks like {best.family.name}, but {best.misfit}; the file is damaged or was "
            "changed: save it again from where it was trained."
        )
    _check_picture(best.config, reading)
    config, settled = settle(best.family, best.config, best.tensors)
    return build(
        best.family, config, best.tensors, reading, format_name=format_name, notes=(*notes, *settled)
    )


def _candidate(family: Architecture, tensors: dict[str, Tensor], reading: Reading) -> _Candidate | None:
    """Return what a family makes of the tensors, with the sizes their shapes tell; None where it is another's."""
    assert family.recognise is not None
    config = family.recognise({key: tuple(tensor.shape) for key, tensor in tensors.items()})
    if config is None:
        return None
    try:
        config = _with_image(config, reading.hints)
        expected = _skeleton(family, config, reading).state_dict()
    except (CheckpointError, ValueError):  # sizes that make no network of this family
        return None
    expected = {key: tensor for key, tensor in expected.items() if not key.endswith(_COUNTER)}
    return _Candidate(family, config, tensors, _compare(tensors, expected))


def _with_image(config: Any, hints: Hints) -> Any:
    """Return the sizes with the picture's shape that a hint says, where a family has it among its sizes."""
    image = hints.image
    if image is None or not {"channels", "height", "width"} <= {
        field.name for field in dataclasses.fields(config)
    }:
        return config
    return dataclasses.replace(config, channels=image.channels, height=image.height, width=image.width)


def _check_picture(config: Any, reading: Reading) -> None:
    """Refuse a flat row of pixels that is no square picture, as long as no hint says what it is."""
    height, width = getattr(config, "height", 0), getattr(config, "width", 0)
    if reading.hints.image is None and height == 1 and width > 1:
        raise CheckpointError(
            f"{reading.path} draws {width} values that are no square picture; say the shape with --hint "
            "image=CHANNELSxHEIGHTxWIDTH."
        )


def _skeleton(family: Architecture, config: Any, reading: Reading) -> nn.Module:
    """Return the network without memory for its weights, so that no size in a file can cost any.

    Raises:
        CheckpointError: the sizes make no network.
    """
    try:
        with torch.device("meta"):
            return family.network(config)
    except (RuntimeError, ValueError, TypeError, OverflowError, ZeroDivisionError, IndexError) as error:
        raise CheckpointError(
            f"{reading.path} asks for sizes that make no {family.name} ({shown(error, 100)}); save it again "
            "from where it was trained."
        ) from error


def _compare(tensors: Mapping[str, Tensor], expected: Mapping[str, Tensor]) -> Misfit:
    return Misfit(
        missing=tuple(key for key in expected if key not in tensors),
        surplus=tuple(key for key in tensors if key not in expected),
        misshaped=tuple(
            f"{shown(key)} is {_shape(tensors[key])} instead of {_shape(expected[key])}"
            for key in expected
            if key in tensors and tensors[key].shape != expected[key].shape
        ),
    )


def _without_prefixes(tensors: dict[str, Tensor]) -> Iterable[dict[str, Tensor]]:
    """Yield the tensors, and then with each prefix that all of them share taken off."""
    yield tensors
    while tensors:
        prefix = next((p for p in PREFIXES if all(key.startswith(p) for key in tensors)), None)
        if prefix is None:
            return
        tensors = {key[len(prefix) :]: tensor for key, tensor in tensors.items()}
        yield tensors


def _in_float32(tensors: Mapping[str, Tensor], reading: Reading) -> tuple[dict[str, Tensor], list[str]]:
    """Return the weights as float32, with notes of what they were and of values that are not numbers.

    Raises:
        CheckpointError: a tensor holds something else than real numbers.
    """
    converted: dict[str, Tensor] = {}
    kinds: set[str] = set()
    broken: list[str] = []
    for key, tensor in tensors.items():
        if key.endswith(_COUNTER):
            continue
        if tensor.dtype not in _FLOATS:
            kind = str(tensor.dtype).removeprefix("torch.")
            raise CheckpointError(
                f"The tensor {shown(key)} in {reading.path} holds {kind} instead of floating point weights; "
                "save the network unquantised, in float32."
            )
        if tensor.dtype != torch.float32:
            kinds.add(str(tensor.dtype).removeprefix("torch."))
        converted[key] = tensor.to(torch.float32)
        if not torch.isfinite(converted[key]).all():
            broken.append(shown(key))
    notes = [f"The weights are {' and '.join(sorted(kinds))} and were widened to float32."] if kinds else []
    if broken:
        some = ", ".join(broken[:_NAMED]) + (
            f" and {len(broken) - _NAMED} more" if len(broken) > _NAMED else ""
        )
        notes.append(
            f"Some weights are not numbers (NaN or infinite), in {some}; pictures may show a check pattern."
        )
    return converted, notes


def _unfamiliar(tensors: Mapping[str, Tensor], reading: Reading, families: Sequence[str]) -> str:
    some = ", ".join(f"{shown(key)} {_shape(tensor)}" for key, tensor in list(tensors.items())[:3])
    hinted = f" that draws {reading.hints.image}, as the hint image says" if reading.hints.image else ""
    return (
        f"{reading.path} holds {counted(len(tensors), 'tensor')} ({some}{', ...' if len(tensors) > 3 else ''}) of no "
        f"network known here{hinted}; state dicts of {', '.join(families)} can be opened."
    )


def _shape(tensor: Tensor) -> str:
    return "x".join(map(str, tensor.shape)) or "a single value"
