"""A Keras decoder made up for weights: the layers of a path with one choice of what the weights leave open."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from explorer.formats.keras_choices import Choice
from explorer.formats.keras_condition import conditioned
from explorer.formats.keras_layout import Found
from explorer.formats.keras_path import RECTIFIES, DecoderPath, groups_of
from explorer.formats.keras_units import Unit
from explorer.models.keras_config import Layer, Model


class Builder:
    """Collects layers and their weights."""

    def __init__(self) -> None:
        self.layers: list[Layer] = []
        self.weights: dict[int, Sequence[Found]] = {}

    def add(self, kind: str, config: dict[str, Any], unit: Unit | None = None) -> None:
        """Add a layer, with the weights of a unit."""
        name = unit.name if unit is not None else f"{kind.lower()}_{len(self.layers)}"
        layer = Layer(name, kind, config, path=(name,))
        self.layers.append(layer)
        self.weights[id(layer)] = unit.entries if unit is not None else ()

    def activation(self, name: str) -> None:
        """Add an activation by its name here."""
        if name.startswith("lrelu"):
            self.add("LeakyReLU", {"alpha": float(name.partition(":")[2] or 0.2)})
        elif name != "linear":
            self.add("Activation", {"activation": name})

    def kernel(self, unit: Unit, stride: int = 1) -> None:
        """Add a layer with a kernel."""
        if unit.kind == "dense":
            self.add("Dense", {"units": unit.width_out, "use_bias": unit.has_bias}, unit)
            return
        kind = {"conv": "Conv2D", "convT": "Conv2DTranspose"}[unit.kind]
        config = {"filters": unit.width_out, "kernel_size": list(unit.kernel[:2]), "strides": [stride] * 2}
        self.add(kind, {**config, "padding": "same", "use_bias": unit.has_bias}, unit)

    def norm(self, unit: Unit) -> None:
        """Add a norm."""
        if unit.kind == "ln":
            self.add("LayerNormalization", {}, unit)
        elif unit.kind == "bn":
            self.add(
                "BatchNormalization", {"scale": _has(unit, "gamma", 4), "center": _has(unit, "beta", 4)}, unit
            )
        else:
            shape = unit.kernel
            shared = [axis + 1 for axis, size in enumerate(shape) if size == 1]
            self.add("PReLU", {"shared_axes": shared}, unit)


def _has(unit: Unit, word: str, whole: int) -> bool:
    return len(unit.entries) == whole or any(word in entry.key for entry in unit.entries)


def built(path: DecoderPath, choice: Choice) -> tuple[Model, dict[int, Sequence[Found]]]:
    """Return the decoder that a choice makes."""
    builder = Builder()
    strides, ups = iter(choice.strides), iter(choice.ups)
    groups = groups_of(path.units)
    is_map = False
    for place, (core, after) in enumerate(groups):
        if core.kind != "dense" and not is_map:
            assert path.grid is not None
            channels = core.width_in - (path.condition.extra if path.condition else 0)
            builder.add("Reshape", {"target_shape": [*path.grid, channels]})
            is_map = True
        if core.kind == "conv" and next(ups):
            builder.add("UpSampling2D", {"size": [2, 2]})
        builder.kernel(core, next(strides) if core.kind == "convT" else 1)
        is_last = place == len(groups) - 1
        name = choice.output if is_last else choice.first if place == 0 else choice.hidden
        following = groups[place + 1][0] if not is_last else None
        if following is not None and following.kind != "dense" and not is_map and path.grid is not None:
            flat = any(unit.kind == "bn" and unit.width_out != core.width_out for unit in after)
            if flat:
                channels = following.width_in - (path.condition.extra if path.condition else 0)
                builder.add("Reshape", {"target_shape": [*path.grid, channels]})
                is_map = True
        add_between(builder, after, name, choice.norm_first, path.is_complete)
    width = path.units[0].width_in
    model = Model("decoder", "Sequential", tuple(builder.layers), None, (), (width,))
    if path.condition is not None:
        return conditioned(model, builder.weights, path.condition, width)
    return model, builder.weights


def add_between(
    builder: Builder, after: Sequence[Unit], name: str, norm_first: bool, is_complete: bool
) -> None:
    """Add norms and the activation that follow a kernel, in the file's order where it lists both."""
    places = [unit.kind for unit in after if unit.kind in RECTIFIES]
    norms = [unit for unit in after if unit.kind in ("bn", "ln")]
    if is_complete and places:
        has_acted = False
        for unit in after:
            if unit.kind in ("bn", "ln", "prelu"):
                builder.norm(unit)
            elif unit.kind in RECTIFIES and not has_acted:
                builder.activation(name)
                has_acted = True
        return
    slopes = [unit for unit in after if unit.kind == "prelu"]
    if norm_first and not is_complete:
        for unit in [*norms, *slopes]:
            builder.norm(unit)
        if not slopes:
            builder.activation(name)
        return
    builder.activation(name if not slopes else "linear")  # within the layer itself, so before the norm
    for unit in [*norms, *slopes]:
        builder.norm(unit)
