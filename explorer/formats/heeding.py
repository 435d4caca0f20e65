"""Which hints changed nothing, and why: no hint is passed over in silence.

What hints there are stands in `sidecars`; readers heed them. Here a model that was built by them is looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from explorer.errors import CheckpointError
from explorer.formats.sidecars import Hints
from explorer.models.base import LatentModel, StageModel
from explorer.models.layered import LayeredConfig
from explorer.models.layers import ACTIVATIONS, Layer

Model = LatentModel | StageModel

_FOR_ALL = ("range", "color", "image", "entry")
"""Hints that a stage may heed."""


def unheeded(model: Model, hints: Hints, path: Path) -> tuple[str, ...]:
    """Return a sentence for each hint that changes nothing in a model that was read by it.

    Args:
        model: as the reader made it.
        hints: those it was told.
        path: of the file.

    Raises:
        CheckpointError: a hint says what cannot be: codes or pictures of other sizes.
    """
    _check_sizes(model, hints, path)
    found = ((key, _why(model, hints, key)) for key in hints.told)
    return tuple(f"The hint {key} changes nothing here, because {why}." for key, why in found if why)


def _check_sizes(model: Model, hints: Hints, path: Path) -> None:
    if not isinstance(model, LatentModel):
        return
    if hints.image is not None and model.image != hints.image:
        raise CheckpointError(
            f"{path} draws pictures of {model.image} (channels x height x width), not of {hints.image} as the hint "
            "image says; change or leave out that hint."
        )
    width = model.spaces[model.default_space].dim
    if hints.latent not in (None, width):
        raise CheckpointError(
            f"{path} draws from codes of {width} numbers, not of {hints.latent} as the hint latent says; change or "
            "leave out that hint."
        )
    known = getattr(model, "classes", 0)
    if known and hints.classes and hints.classes != known:
        raise CheckpointError(
            f"{path} knows {known} classes, not {hints.classes} as the hint classes says; change or leave out that "
            "hint."
        )


def _why(model: Model, hints: Hints, key: str) -> str:
    """Return why a hint changes nothing; nothing where it is heeded."""
    origin = model.origin
    if key == "entry" and origin is not None and origin.format == "native":
        return "the file holds one network"
    if isinstance(model, StageModel):
        if key == "image" and origin is not None and origin.format == "native":
            return "the file itself says which pictures it takes"
        if key == "image" and model.input.height is None:
            return "it takes pictures of any size"
        if key == "color" and model.native_range.reverse != (hints.color == "BGR"):
            return "the order of its colours is known"
        return "" if key in _FOR_ALL else "it goes from picture to picture, without a code"
    if key in _OF_ALL:
        return _OF_ALL[key](model, hints)
    config = getattr(model.network, "config", None)
    if isinstance(config, LayeredConfig):
        return _OF_LAYERED[key](config, hints) if key in _OF_LAYERED else ""
    if model.architecture == "keras":
        return _of_keras(model, hints, key)
    return f"the layers of {model.architecture} are known" if key in _OF_LAYERED else ""


def _architecture(model: LatentModel, hints: Hints) -> str:
    return "" if model.architecture == hints.architecture else "the file itself says which network it is"


def _range(model: LatentModel, hints: Hints) -> str:
    held, said = model.native_range, hints.range
    assert said is not None
    same = held.logits == said.logits and (said.logits or (held.low, held.high) == (said.low, said.high))
    return "" if same else "the file itself says which values are black and white"


def _color(model: LatentModel, hints: Hints) -> str:
    if model.image.channels < 3:
        return "its pictures are grey"
    same = model.native_range.reverse == (hints.color == "BGR")
    return "" if same else "the order of its colours is known"


def _prior(model: LatentModel, hints: Hints) -> str:
    said = model.spaces[model.default_space].prior
    return "" if said == hints.prior else "the file itself says what its codes are drawn from"


def _classes(model: LatentModel, hints: Hints) -> str:
    known = getattr(model, "classes", 0)
    if not known:
        return "nothing in the file takes a class" if hints.classes else ""
    return "" if known == hints.classes else f"its weights take one of {known} classes"


_OF_ALL: dict[str, Callable[[LatentModel, Hints], str]] = {
    "architecture": _architecture,
    "range": _range,
    "color": _color,
    "prior": _prior,
    "classes": _classes,
}


def _all(config: LayeredConfig) -> tuple[Layer, ...]:
    heads = config.heads
    return (
        *config.decoder,
        *config.encoder,
        *(heads.mean if heads else ()),
        *(heads.second if heads else ()),
    )


def _flat(layers: Sequence[Layer]) -> Iterator[Layer]:
    """Yield layers, and those within them."""
    for layer in layers:
        yield layer
        yield from _flat((*layer.get("layers", ()), *layer.get("shortcut", ())))


def _last(config: LayeredConfig) -> Layer | None:
    """Return what acts on each number behind the last layer with tensors."""
    for layer in reversed(config.decoder):
        if layer.key or layer.kind == "residual":
            return None
        if layer.kind in ACTIVATIONS:
            return layer
    return None


_BY_LAYERS = "the hint layers says all layers of the decoder"
_STATED = "the file states its layers, or leaves no place for it"


def _activation(config: LayeredConfig, hints: Hints) -> str:
    said = hints.activation
    assert said is not None
    last = _last(config)
    hidden = [layer for layer in _flat((*config.decoder, *config.encoder)) if layer is not last]
    if said.kind == "identity" or any(layer == said for layer in hidden):
        return ""
    return _BY_LAYERS if hints.layers is not None else _STATED


def _output(config: LayeredConfig, hints: Hints) -> str:
    said, last = hints.output, _last(config)
    assert said is not None
    if last == said or (last is None and said.kind == "identity"):
        return ""
    return _BY_LAYERS if hints.layers is not None else _STATED


def _eps(config: LayeredConfig, hints: Hints) -> str:
    held = [layer.get("eps", 1e-5) for layer in _flat(_all(config)) if layer.kind == "bn"]
    if not held:
        return "it has no batch norm"
    if hints.eps in held:
        return ""
    return _BY_LAYERS if hints.layers is not None else "the file states the eps of its batch norms"


def _upsample(config: LayeredConfig, hints: Hints) -> str:
    held = [layer for layer in _flat(config.decoder) if layer.kind in ("upsample", "resize")]
    if not held:
        return "nothing in it is scaled up without weights"
    mode, _, align = str(hints.upsample).partition(",")
    said = (mode, bool(align))
    if any((layer.get("mode", "nearest"), bool(layer.get("align", False))) == said for layer in held):
        return ""
    return _BY_LAYERS if hints.layers is not None else "the file states how its maps are scaled"


def _heads(config: LayeredConfig, hints: Hints) -> str:
    if config.heads is None:
        return "it has no encoder"
    if config.heads.layout == "single":
        return "its encoder gives a code alone, without a spread"
    return (
        "" if config.heads.layout == hints.heads else f"its encoder's heads can only be {config.heads.layout}"
    )


def _second(config: LayeredConfig, hints: Hints) -> str:
    if config.heads is None:
        return "it has no encoder"
    if config.heads.layout == "single":
        return "its encoder gives a code alone, without a spread"
    return "" if config.heads.meaning == hints.second else "its encoder's second half is known"


def _order(config: LayeredConfig, hints: Hints) -> str:
    shaped = [layer for layer in _flat(_all(config)) if layer.kind in ("reshape", "flatten")]
    if config.image.channels == 1 and hints.order == "HWC":
        return "its pictures are grey, and so are the same in both orders"
    held = any(layer.get("order", "") == "hwc" for layer in shaped)
    if held == (hints.order == "HWC") or (hints.order == "CHW" and not held):
        return ""
    return "its pictures are no flat row of numbers" if not held else "its layers say the order"


def _start(config: LayeredConfig, hints: Hints) -> str:
    shapes = [tuple(layer.options["shape"]) for layer in config.decoder if layer.kind == "reshape"]
    if hints.start in shapes:
        return ""
    if hints.layers is not None:
        return _BY_LAYERS
    return (
        "the file states its first map" if shapes else "it has no map, but rows of numbers from first to last"
    )


_OF_LAYERED: dict[str, Callable[[LayeredConfig, Hints], str]] = {
    "activation": _activation,
    "output": _output,
    "eps": _eps,
    "upsample": _upsample,
    "heads": _heads,
    "second": _second,
    "order": _order,
    "start": _start,
    "layers": lambda config, hints: "",
}

_OF_KERAS_WEIGHTS = ("activation", "output", "start", "layers")


def _of_keras(model: LatentModel, hints: Hints, key: str) -> str:
    """Return why a hint changes nothing in a Keras model, which describes itself or is guessed from weights alone."""
    if key == "order":
        held = model.network.decoding.layout.order  # type: ignore[union-attr, attr-defined]
        return "" if held == hints.order else "the shapes of its pictures tell their order"
    if key not in _OF_LAYERED:
        return ""
    layers = model.diagnosis.layers if model.diagnosis is not None else ()
    if all(layer.certainty >= 1 for layer in layers):
        return "the file describes its layers"
    if hints.layers is not None and key in ("activation", "output", "start"):
        return _BY_LAYERS
    if key == "start" and not any(layer.text.startswith(_map(hints)) for layer in layers):
        return "its first map is told by its weights"
    return "" if key in _OF_KERAS_WEIGHTS else "weights of Keras are read without it"


def _map(hints: Hints) -> str:
    return "reshape:" + ",".join(map(str, hints.start or ()))
