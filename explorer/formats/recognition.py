"""A plain state dict to a model: the family is found by keys and shapes, the weights are loaded strictly.

Nothing goes by a file's name. A tensor that is missing, left over or of another shape is named.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from explorer.data.wording import counted, shown
from explorer.errors import CheckpointError
from explorer.formats.precision import in_float32
from explorer.formats.reader import Reading
from explorer.formats.sidecars import Hints
from explorer.formats.state_dict import COUNTER, Weights
from explorer.models import ARCHITECTURES, Architecture, architecture
from explorer.models.base import LatentModel, Origin, StageModel

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
    origin: Origin | None = None,
) -> LatentModel | StageModel:
    """Return the model of a family with these weights, in float32, ready to run.

    Args:
        family, config: which network, and its sizes.
        tensors: the weights, by the network's own names.
        reading, format_name, notes, trained: what the model says of itself.
        origin: where it came from, where that is not the one file that is read.

    Raises:
        CheckpointError: the weights do not fit; the tensors are named.
    """
    tensors, told = in_float32(
        {key: tensor for key, tensor in tensors.items() if not key.endswith(COUNTER)}, reading.path
    )
    network = _skeleton(family, config, reading)
    expected = network.state_dict()
    tensors |= {key: torch.zeros((), dtype=torch.long) for key in expected if key.endswith(COUNTER)}
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
        origin=origin or reading.origin(format_name),
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
    found: Weights, reading: Reading, *, format_name: str, notes: Sequence[str] = ()
) -> LatentModel | StageModel:
    """Return the model that the weights of a file belong to: of a family known here, or as they themselves tell.

    Raises:
        Unfamiliar: nothing can be made of them; what was found is told.
        CheckpointError: they are almost those of a family (then the tensors are named), or a hint asks for what
            cannot be.
    """
    notes = (*notes, *found.notes)
    stated = _stated(found, reading, format_name, notes) or _of_maps(found, reading, format_name, notes)
    if stated is not None:
        return stated
    best = _best(found, reading)
    if best is not None and not len(best.misfit):
        _check_picture(best.config, reading)
        return build(best.family, best.config, best.tensors, reading, format_name=format_name, notes=notes)
    if best is not None and (len(best.misfit) == 1 or reading.hints.architecture):
        raise CheckpointError(
            f"{reading.path} looks like {best.family.name}, but {best.misfit}; the file is damaged or was "
            "changed: save it again from where it was trained."
        )
    if reading.hints.architecture:
        raise CheckpointError(_unfamiliar(found.tensors, reading, [reading.hints.architecture]))
    from explorer.formats import described

    return described.inferred(
        dataclasses.replace(found, notes=()), reading, format_name=format_name, notes=notes
    )


def _stated(found: Weights, reading: Reading, format_name: str, notes: Sequence[str]) -> LatentModel | None:
    """Return the model of layers that the file states one after the other, if it does."""
    from explorer.formats import chained, described
    from explorer.formats.chains import NotAChain

    if not found.chain or reading.hints.architecture or described.asks_for_layers(reading.hints):
        return None
    try:
        return chained.model_of(found.chain, found.tensors, reading, format_name=format_name, notes=notes)
    except NotAChain:
        return None


def _of_maps(found: Weights, reading: Reading, format_name: str, notes: Sequence[str]) -> LatentModel | None:
    """Return the model of an autoencoder whose codes are maps, if there is one in the file."""
    from explorer.formats import described, map_autoencoders

    if reading.hints.architecture or described.asks_for_layers(reading.hints):
        return None
    return map_autoencoders.recognise(found, reading, format_name=format_name, notes=notes)


def _best(found: Weights, reading: Reading) -> _Candidate | None:
    """Return the family that fits best, if at all; where hints describe layers, only those of stages are asked."""
    hints = reading.hints
    names = [hints.architecture] if hints.architecture else list(ARCHITECTURES)
    families = [family for family in map(architecture, names) if family.recognise or family.translate]
    if not hints.architecture and any(getattr(hints, name) is not None for name in _OF_LAYERS):
        families = [
            family for family in families if family.translate
        ]  # of stages, whose layers no hint can say
    if not families:
        raise CheckpointError(
            f"{reading.path} is a plain state dict, but {names[0]} is only read in the native format; leave "
            "out the hint architecture."
        )
    tensors = {key: tensor for key, tensor in found.tensors.items() if not key.endswith(COUNTER)}
    classes = {module.path: module.cls for module in found.modules}
    guesses = [_candidate(family, tensors, classes, reading) for family in families]
    best = min(filter(None, guesses), key=lambda candidate: len(candidate.misfit), default=None)
    return best if best is not None and len(best.misfit) <= len(best.tensors) / 2 else None


_OF_LAYERS = ("activation", "output", "layers", "latent", "classes", "eps", "upsample", "heads", "second", "order",
              "prior", "start", "color")  # fmt: skip


def _candidate(
    family: Architecture, tensors: dict[str, Tensor], classes: Mapping[str, str], reading: Reading
) -> _Candidate | None:
    """Return what a family makes of the tensors, with the sizes their shapes tell; None where it is another's.

    Args:
        classes: of the submodules that the file lists, by path; a network with others is another's.
    """
    shapes = {key: tuple(tensor.shape) for key, tensor in tensors.items()}
    if family.translate is not None:
        said = family.translate(shapes, classes)
        if said is None:
            return None
        config, names = said
        tensors = {own: tensors[key] for key, own in names.items()}
        classes = {}  # its submodules are arranged in another way
    else:
        assert family.recognise is not None
        config = family.recognise(shapes)
    if config is None:
        return None
    try:
        config = _with_image(config, reading.hints)
        network = _skeleton(family, config, reading)
    except (CheckpointError, ValueError):  # sizes that make no network of this family
        return None
    if classes and classes.keys() != {path for path, _ in network.named_modules() if path}:
        return None
    expected = {key: tensor for key, tensor in network.state_dict().items() if not key.endswith(COUNTER)}
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


def _unfamiliar(tensors: Mapping[str, Tensor], reading: Reading, families: Sequence[str]) -> str:
    some = ", ".join(f"{shown(key)} {_shape(tensor)}" for key, tensor in list(tensors.items())[:3])
    hinted = f" that draws {reading.hints.image}, as the hint image says" if reading.hints.image else ""
    return (
        f"{reading.path} holds {counted(len(tensors), 'tensor')} ({some}{', ...' if len(tensors) > 3 else ''}) of no "
        f"network known here{hinted}; state dicts of {', '.join(families)} can be opened."
    )


def _shape(tensor: Tensor) -> str:
    return "x".join(map(str, tensor.shape)) or "a single value"
