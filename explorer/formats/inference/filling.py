"""The usual ways to fill what is open in a network: activations, outputs, eps, scaling, padding; by cost.

Which of them holds is for `judging`; where they stand is for `drafting`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from explorer.formats.inference.slots import Option
from explorer.models.layers import Layer, parse

NOTHING = Layer("identity")

_HIDDEN = {
    "relu": 0.0, "leaky_relu:0.2": 0.3, "leaky_relu": 0.35, "elu": 0.8, "tanh": 1.0, "gelu": 1.0, "silu": 1.0,
    "selu": 1.1, "leaky_relu:0.1": 1.2, "softplus": 1.5, "sigmoid": 1.5, "mish": 1.6, "leaky_relu:0.3": 1.8,
}  # fmt: skip
_OUTPUTS = {"sigmoid": 0.0, "tanh": 0.3, "identity": 0.8, "relu": 2.2}
_EPS = {
    "1e-05": 0.0,
    "0.8": 0.9,
    "0.001": 1.0,
    "0.0001": 1.5,
    "1e-08": 1.8,
    "0.01": 1.8,
    "0.1": 1.8,
    "0.2": 1.8,
}
_SCALING = {"nearest": 0.0, "bilinear": 0.6, "bilinear,align": 0.9}
_NAMED = 1.5  # what another costs than one that a name gives away


def hidden(words: Sequence[str] = (), without: float | None = None) -> tuple[Option, ...]:
    """Return what may stand between hidden layers.

    Args:
        words: kinds of activation that names give away.
        without: what it costs that nothing stands there; None where something must.
    """
    costs = dict(_HIDDEN)
    if words:
        fitting = {word for word in costs if parse(word).kind in words}
        costs |= {word: 0.0 for word in words if not any(parse(known).kind == word for known in costs)}
        low = min((costs[word] for word in fitting), default=0.0)
        costs = {
            word: cost - low if word in fitting or word in words else cost + _NAMED
            for word, cost in costs.items()
        }
    if without is not None:
        costs["identity"] = without
    return _options(costs)


def outputs(costs: dict[str, float], words: Sequence[str] = ()) -> tuple[Option, ...]:
    """Return what may follow the last layer, with changed costs, and words that names give away."""
    merged = _OUTPUTS | costs
    if words:
        merged = {word: 0.0 if word in words else cost + _NAMED for word, cost in merged.items()}
        merged |= dict.fromkeys(words, 0.0)
    return _options(merged)


def eps(key: str) -> tuple[Option, ...]:
    """Return batch norm with each usual eps."""
    return tuple(
        Option(word, Layer("bn", key, {} if word == "1e-05" else {"eps": float(word)}), cost)
        for word, cost in _EPS.items()
    )


def scaling(layer: Layer) -> tuple[Option, ...]:
    """Return a layer that scales a map, in each usual way."""
    found = []
    for word, cost in _SCALING.items():
        mode, _, align = word.partition(",")
        more = ({} if mode == "nearest" else {"mode": mode}) | ({"align": True} if align else {})
        found.append(Option(word, Layer(layer.kind, layer.key, {**layer.options, **more}), cost))
    return tuple(found)


def padding(layer: Layer) -> tuple[Option, ...]:
    """Return a convolution with each usual kind of padding."""
    modes = {"zeros": 0.0, "replicate": 1.2, "reflect": 1.2}
    return tuple(
        Option(
            mode, Layer(layer.kind, layer.key, {**layer.options, **({"mode": mode} if cost else {})}), cost
        )
        for mode, cost in modes.items()
    )


def norms(key: str, width: int, flat: bool, named: str) -> tuple[Option, ...]:
    """Return a norm that has weights but no statistics, in each way it may be meant."""
    if flat:
        return (Option("ln", Layer("ln", key)),)
    groups = [count for count in (32, 16, 8, 4, 1) if width % count == 0 and width > count]
    found = {"in": Layer("in", key)} | {
        f"gn:g{count}": Layer("gn", key, {"groups": count}) for count in groups
    }
    first = "gn" if named == "gn" else "in"
    costs = {word: (0.0 if word.startswith(first) else 0.6) + 0.1 * at for at, word in enumerate(found)}
    return tuple(
        sorted((Option(word, layer, costs[word]) for word, layer in found.items()), key=lambda o: o.cost)
    )


def only(options: Iterable[Option], layer: Layer) -> tuple[Option, ...]:
    """Return the option that is this layer, or the layer as the only one."""
    found = tuple(option for option in options if option.layer == layer)
    return found or (Option(layer.text, layer),)


def _options(costs: dict[str, float]) -> tuple[Option, ...]:
    found = [Option(word, parse(word), cost) for word, cost in costs.items()]
    return tuple(sorted(found, key=lambda option: option.cost))
