"""From tensors, their names and a list of submodules to a network, with nothing else to go by.

`topology` proposes candidates (which tensors, in which order, with which geometry), `judging` ranks them by what
batch norm remembers and by the encoder's round trip. Nothing goes by a file's name or by the names of one project.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from explorer.models.layers import Layer

if TYPE_CHECKING:
    from explorer.models.layered import LayeredConfig


@dataclass(frozen=True)
class Module:
    """A submodule of the file, in the order of registration.

    Attributes:
        path: `decoder.3`.
        layer: what the file states it to be, with its options (a whole module does); None where only the place
            is known (the `_metadata` of a state dict), also for those without tensors.
        cls: the class, where the file says it: `ReLU`.
    """

    path: str
    layer: Layer | None = None
    cls: str = ""


@dataclass(frozen=True, eq=False)
class Candidate:
    """A network that the tensors may belong to.

    Attributes:
        config: complete and buildable.
        cost: how unusual it is, 0 for the most usual reading; what decides where no evidence does.
        choices: what it assumes, by the hint that says so: `{"activation": "relu", "image": "1x28x28"}`.
        reasons: why, by the same keys; short phrases.
        certain: keys of `choices` that the file states or that leave no other way.
    """

    config: LayeredConfig
    cost: float = 0.0
    choices: dict[str, str] = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)
    certain: frozenset[str] = frozenset()


def tensors_used(layers: Sequence[Layer]) -> list[str]:
    """Return the keys of the layers that have tensors, inner ones too."""
    found = []
    for layer in layers:
        found += [layer.key] if layer.key else []
        found += tensors_used((*layer.get("layers", ()), *layer.get("shortcut", ())))
    return found
