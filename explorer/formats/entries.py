"""Which of the things in a checkpoint is the network that makes pictures: by the names of the entries and shapes.

`networks_in` walks the plain tree that a file holds; `best` chooses. What becomes of the chosen one is in
`state_dict`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from explorer.formats.content import Record

_MOST_LEVELS = 5
_FEW = 200  # entries of a list that are looked into

AVERAGED = ("g_ema", "G_ema", "ema", "generator_ema")
RAW = ("state_dict", "model_state_dict", "model", "netG", "generator", "g", "decoder", "vae", "net")
WRAPPERS = (*AVERAGED, *RAW, "params_ema", "params")
"""Under which keys training scripts keep the weights; the first found is taken, averaged ones before raw."""

_EMA = {"ema", "averaged", "avg", "swa", "shadow", "polyak"}
_MAKES = (
    {"g", "gen", "generator", "netg", "gnet", "modelg"},
    {"decoder", "dec"},
    {"vae", "cvae", "autoencoder", "ae", "betavae", "vqvae", "cae", "dae"},
    {"state", "model", "net", "network", "params", "weights", "module"},
)
_JUDGES = {"d", "dis", "disc", "discriminator", "discr", "netd", "dnet", "modeld", "critic", "critics"}
_HELPERS = {
    "loss",
    "losses",
    "lpips",
    "vgg",
    "perceptual",
    "classifier",
    "inception",
    "fid",
    "metric",
    "metrics",
}
_TRAINING = {"optim", "optimizer", "optimizers", "opt", "scheduler", "schedulers", "scaler", "sched", "loops",
             "callbacks", "history", "rng", "grad", "grads"}  # fmt: skip
_ENCODES = {"encoder", "enc", "e", "nete"}


@dataclass(frozen=True, eq=False)
class Network:
    """A part of a file with weights: a state dict, or the record of a whole module.

    Attributes:
        path: keys that lead to it, none for the file's top.
        held: the mapping or the record.
        shapes: of its tensors, in order.
    """

    path: tuple[str, ...]
    held: Any
    shapes: tuple[tuple[int, ...], ...]

    @property
    def name(self) -> str:
        """The path as the hint `entry` says it."""
        return ".".join(self.path)

    @property
    def rank(self) -> tuple[Any, ...]:
        """Sorts the likeliest maker of pictures first."""
        said = words(self.path[-1]) if self.path else set()
        whole = set().union(*map(words, self.path)) if self.path else set()
        exact = next((WRAPPERS.index(key) for key in self.path if key in WRAPPERS), len(WRAPPERS))
        makes = next((at for at, group in enumerate(_MAKES) if said & group), len(_MAKES))
        return (
            bool(whole & (_JUDGES | _HELPERS)),
            not draws(self.shapes),
            not whole & _EMA,
            bool(said & _ENCODES),
            exact,
            makes,
            len(self.path) and -len(self.shapes),
        )


def words(key: str) -> set[str]:
    """Return the words of a name in lower case: `netG_state_dict` has netg, net, g, state and dict."""
    found = set()
    for part in re.split(r"[^A-Za-z0-9]+", key):
        found.add(part.lower())
        found.update(piece.lower() for piece in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", part))
    return found - {""}


def draws(shapes: Sequence[tuple[int, ...]]) -> bool:
    """Tell whether tensors may be a network that makes pictures: not one that only narrows down to a verdict."""
    weights = [shape for shape in shapes if len(shape) in (2, 4)]
    if not weights:
        return False
    first, last = weights[0], weights[-1]
    takes_picture = first[1] <= 4 if len(first) == 4 else first[1] > 2 * first[0]
    widths = [max(shape[0], shape[1]) for shape in weights]
    narrows = all(later <= 2 * max(widths[:at]) for at, later in enumerate(widths) if at)
    verdict = (
        last[0] == 1 if len(last) == 2 else (last[0] == 1 and last[1] >= max(widths) and len(weights) > 1)
    )
    return not (takes_picture and verdict) and not (len(last) == 2 and last[0] < 4 and narrows)


def is_module(value: Any) -> bool:
    """Tell whether a record is a whole module of torch."""
    return (
        isinstance(value, Record)
        and isinstance(value.state, dict)
        and (
            isinstance(value.state.get("_modules"), dict) or isinstance(value.state.get("_parameters"), dict)
        )
    )


def networks_in(content: Any, tensors_of: Any) -> list[Network]:
    """Return all parts of a file that hold weights, in its order.

    Args:
        content: the tree.
        tensors_of: `tensors_of(record) -> tensors by key`, of a whole module.
    """
    return list(_networks(content, (), tensors_of))


def _networks(value: Any, path: tuple[str, ...], tensors_of: Any) -> Iterator[Network]:
    if len(path) > _MOST_LEVELS or (path and words(path[-1]) & _TRAINING):
        return
    if is_module(value):
        yield Network(path, value, _shapes(tensors_of(value)))
        return
    inner = inner_of(value)
    here = {key: found for key, found in inner.items() if isinstance(found, Tensor)}
    if here and isinstance(value, Mapping):
        yield Network(path, value, _shapes(here))
    for key, found in inner.items():
        if isinstance(found, Mapping | Record | list):
            yield from _networks(found, (*path, key), tensors_of)


def inner_of(value: Any) -> dict[str, Any]:
    """Return what lies directly in a mapping, record or short list, by name."""
    if isinstance(value, Mapping):
        return {key: found for key, found in value.items() if isinstance(key, str)}
    if isinstance(value, Record):
        state = value.state if isinstance(value.state, dict) else {}
        return inner_of({**state, **value.entries})
    if isinstance(value, list) and len(value) <= _FEW:
        return {str(at): found for at, found in enumerate(value)}
    return {}


def _shapes(tensors: Mapping[str, Tensor]) -> tuple[tuple[int, ...], ...]:
    return tuple(tuple(tensor.shape) for tensor in tensors.values())


def companion(chosen: Network, networks: Sequence[Network]) -> Network | None:
    """Return the encoder that lies beside a decoder, where the file keeps the two apart."""
    if not chosen.path or not words(chosen.path[-1]) & _MAKES[1]:
        return None
    beside = [other for other in networks if other.path[:-1] == chosen.path[:-1] and other is not chosen]
    return next((other for other in beside if words(other.path[-1]) & _ENCODES), None)


def is_decoder(name: str) -> bool:
    """Tell whether a name calls its owner a decoder."""
    return bool(words(name) & _MAKES[1])


def without_judges(keys: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return the keys of one state dict that belong to what makes pictures, and the names of networks left out.

    A training class that holds generator and discriminator, or a loss with weights, saves them as one; an
    average of the generator goes before the generator itself.
    """
    groups: dict[str, list[str]] = {}
    for key in keys:
        groups.setdefault(key.partition(".")[0], []).append(key)
    makers = [name for name in groups if words(name) & _MAKES[0]]
    aside = [
        name
        for name, owned in groups.items()
        if any(key.count(".") > 1 for key in owned)  # a network; "d1.weight" is a layer
        and words(name) & (_HELPERS | _JUDGES)
        and (makers or not words(name) <= {"d"})
        and name not in makers
    ]
    averaged = [name for name in groups if words(name) & _EMA and name not in aside]
    if averaged:
        raw = [
            name
            for name in groups
            if any(words(name) < words(mean) or _same(groups, name, mean) for mean in averaged)
        ]
        aside += [name for name in raw if name not in averaged and name not in aside]
    kept = [key for name in groups if name not in aside for key in groups[name]]
    return (kept, aside) if kept else (list(keys), [])


def _same(groups: Mapping[str, list[str]], one: str, other: str) -> bool:
    """Tell whether two groups have the same keys behind their names."""
    return one != other and [key[len(one) :] for key in groups[one]] == [
        key[len(other) :] for key in groups[other]
    ]
