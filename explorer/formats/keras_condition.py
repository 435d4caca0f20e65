"""Classes in Keras weights without a description: a table of rows, and how they meet the code.

Three ways are known: the row times the code, the row behind the code, and a map made of the row beside the first map.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from explorer.formats.keras_layout import Found
from explorer.formats.keras_units import Chain, Unit
from explorer.models.keras_config import Call, Layer, Model, Ref

_LARGEST_MAP = 64  # side


@dataclass(frozen=True, eq=False)
class Condition:
    """How a class comes in.

    Attributes:
        table: a row for each class.
        join: "times" or "after" the code, or as a "map".
        branch: the dense layer that makes a map of a row.
    """

    table: Unit
    join: Literal["times", "after", "map"]
    branch: Unit | None = None

    @property
    def classes(self) -> int:
        """How many there are."""
        return self.table.kernel[0]

    @property
    def extra(self) -> int:
        """Channels that the class adds to the first map."""
        return int(self.join == "map")

    def latent(self, width: int) -> int:
        """Return how much of the first layer's input is the code."""
        return width - self.table.width_out if self.join == "after" else width


def separated(found: Sequence[Chain]) -> tuple[list[Chain], Condition | None]:
    """Return chains without what only takes the class, and how that comes in; None where no table is."""
    units = [unit for chain in found for unit in chain.units]
    table = next((unit for unit in units if unit.kind == "embedding"), None)
    if table is None:
        return list(found), None
    dense = [unit for unit in units if unit.kind == "dense"]
    branch = next(
        (unit for unit in dense if unit.width_in == table.width_out and _is_map(unit.width_out)), None
    )
    others = [unit for unit in dense if unit is not branch]
    if branch is not None and not any(unit.width_out % branch.width_out == 0 for unit in others):
        branch = None
    apart = {id(table), id(branch)}
    kept = [
        replace(chain, units=tuple(u for u in chain.units if id(u) not in apart and u.kind != "join"))
        for chain in found
    ]
    kept = [chain for chain in kept if any(unit.entries for unit in chain.units)]
    return kept, Condition(table, "map" if branch is not None else "times", branch)


def _is_map(width: int) -> bool:
    side = math.isqrt(width)
    return 2 <= side <= _LARGEST_MAP and side * side == width


def settled(condition: Condition, width: int) -> Condition:
    """Return the condition for a first layer that takes so many values."""
    if condition.join == "times" and width > condition.table.width_out:
        return replace(condition, join="after")
    return condition


def conditioned(
    model: Model, weights: Mapping[int, Sequence[Found]], condition: Condition, width: int
) -> tuple[Model, dict[int, Sequence[Found]]]:
    """Return a chain with a second input for the class; `width` is what its first layer takes."""
    table = condition.table
    code = Layer("code", "InputLayer", {"batch_input_shape": [None, condition.latent(width)]})
    label = Layer("label", "InputLayer", {"batch_input_shape": [None, 1], "dtype": "int32"})
    rows = Layer(
        "rows", "Embedding", {"input_dim": condition.classes, "output_dim": table.width_out}, _called("label")
    )
    added: dict[int, Sequence[Found]] = {id(rows): table.entries}
    layers = [code, label, rows]
    if condition.branch is not None:
        branch = Layer("branch", "Dense", {"units": condition.branch.width_out}, _called("rows"))
        branch.config["use_bias"] = condition.branch.has_bias
        added[id(branch)] = condition.branch.entries
        side = math.isqrt(condition.branch.width_out)
        layers += [branch, Layer("map", "Reshape", {"target_shape": [side, side, 1]}, _called("branch"))]
        last = "code"
    else:
        kind = "Multiply" if condition.join == "times" else "Concatenate"
        layers += [
            Layer("row", "Flatten", {}, _called("rows")),
            Layer("both", kind, {}, _called("code", "row")),
        ]
        last = "both"
    for place, layer in enumerate(model.layers):
        made = Layer(f"{place}/{layer.name}", layer.class_name, layer.config, _called(last))
        added[id(made)] = weights.get(id(layer), ())
        layers.append(made)
        last = made.name
        if condition.branch is not None and layer.class_name == "Reshape":
            layers.append(Layer("joined", "Concatenate", {}, _called(last, "map")))
            last = "joined"
    ends = (Ref("code", 0, 0), Ref("label", 0, 0)), (Ref(last, 0, 0),)
    return Model(model.name, "Functional", tuple(layers), *ends), added


def _called(*names: str) -> tuple[Call, ...]:
    refs = [Ref(name, 0, 0) for name in names]
    return (Call((refs,) if len(refs) > 1 else tuple(refs), {}),)
