"""Which weights of a Keras file belong to which layer: the layouts of Keras 1 and 2 (`.h5`) and of Keras 3.

Names only find the weights; that they fit is found by `keras_network`, by the shapes that the layers ask for.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from explorer.models.keras_config import Layer, Model, snake_case

_CONTAINERS = ("layers", "_layer_checkpoint_dependencies", "_self_tracked_trackables")
_NUMBERED = re.compile(r"(.*?)(?:_(\d+))?$")


@dataclass(frozen=True)
class Found:
    """One weight: where it stands in the file, and its values."""

    key: str
    tensor: Tensor


Weights = dict[int, list[Found]]
"""The weights of layers in Keras's order, by the layer's identity."""


def weights_of(models: Sequence[tuple[tuple[str, ...], Model]], content: Mapping[str, Any]) -> Weights:
    """Return the weights of all layers that have any in the file."""
    found: Weights = {}
    if content.get("layers") is not None:
        listed = {entry["name"]: _entries(entry) for entry in content["layers"]}
        for place, model in models:
            inner = listed.get(place[-1]) if place else None
            if inner is not None and model.name not in listed:
                share_out(list(model.each()), inner, found)
            else:
                _by_layer(model, listed, found)
        return found
    tree = _tree(content.get("tree") or {})
    used: set[int] = set()
    for place, model in models:
        node = _node(tree, place) or _like(model, tree, used)
        used.add(id(node))
        _by_path(model, node, found)
    return found


def _like(model: Model, tree: Mapping[str, Any], used: set[int]) -> Any:
    """Return the node, among those of models that hang below the whole, that has as many layers of each class."""
    inside: dict[str, Any] = next((tree[name] for name in _CONTAINERS if name in tree), {})
    wanted = _census(snake_case(layer.class_name) for layer in model.layers if _has_weights(layer))
    for node in inside.values():
        below = next((node[name] for name in _CONTAINERS if isinstance(node, dict) and name in node), None)
        if isinstance(below, dict) and id(node) not in used:
            names = (_NUMBERED.match(key)[1] for key in below if _has_values(below[key]))  # type: ignore[index]
            if _census(names) == wanted:
                return node
    return {}


def _census(names: Iterable[str]) -> Counter[str]:
    return Counter("model" if name in ("functional", "sequential") else name for name in names)


def _entries(entry: Mapping[str, Any]) -> list[Found]:
    pairs = zip(entry["names"], entry["weights"], strict=True)
    return [Found(f"{entry['name']}/{name}", tensor) for name, tensor in pairs]


def _by_layer(model: Model, listed: Mapping[str, list[Found]], found: Weights) -> None:
    """Give the layers of a model their groups, found by name, or by order where the names are others."""
    groups = {name: entries for name, entries in listed.items() if entries}
    missing = [
        layer for layer in model.layers if layer.name not in listed and layer.class_name != "InputLayer"
    ]
    by_order: Iterator[list[Found]] = iter(())
    if missing and not any(layer.name in groups for layer in model.layers):
        by_order = iter(groups.values())
    for layer in model.layers:
        entries = listed.get(layer.name)
        if entries is None:
            if layer.inner is not None and any(inner.name in listed for inner in layer.inner.each()):
                _by_layer(layer.inner, listed, found)  # Keras 1 lists the layers of chains within chains
                continue
            entries = next(by_order, []) if _has_weights(layer) else []
        if layer.inner is None:
            found[id(layer)] = list(entries)
        else:
            share_out(list(layer.inner.each()), entries, found)


_WEIGHTED = re.compile(r"Dense|Conv|Norm|Embedding|PReLU|LSTM|GRU|RNN|Attention|TimeDistributed")


def _has_weights(layer: Layer) -> bool:
    return layer.inner is not None or bool(_WEIGHTED.search(layer.class_name))


def share_out(layers: Sequence[Layer], entries: Sequence[Found], found: Weights) -> None:
    """Give the layers of a model within their weights, which lie in one list: by names, else by counting.

    Keras lists first what is trained of all layers, then what is not.
    """
    if _by_names(layers, entries, found):
        return
    counts = {id(layer): _counts(layer) for layer in layers}
    trained = iter(entries)
    for layer in layers:
        found[id(layer)] = [entry for _, entry in zip(range(counts[id(layer)][0]), trained, strict=False)]
    for layer in layers:
        found[id(layer)] += [entry for _, entry in zip(range(counts[id(layer)][1]), trained, strict=False)]


def _by_names(layers: Sequence[Layer], entries: Sequence[Found], found: Weights) -> bool:
    """Give layers the weights in whose names they stand, where each weight and each layer finds its own."""
    owners: dict[int, list[Found]] = {id(layer): [] for layer in layers}
    by_name: dict[str, Layer] = {}
    for layer in layers:
        if layer.name in by_name:
            return False
        by_name[layer.name] = layer
    for entry in entries:
        parts = entry.key.split("/")[1:-1]
        owner = next((by_name[part] for part in reversed(parts) if part in by_name), None)
        if owner is None:
            return False
        owners[id(owner)].append(entry)
    if any(_has_weights(layer) and sum(_counts(layer)) != len(owners[id(layer)]) for layer in layers):
        return False
    found |= {key: _ordered(mine) for key, mine in owners.items()}
    return True


_LATE = ("moving_mean", "moving_variance", "running_mean", "running_std")


def _ordered(entries: list[Found]) -> list[Found]:
    return sorted(entries, key=lambda entry: any(late in entry.key for late in _LATE))


def _counts(layer: Layer) -> tuple[int, int]:
    """Return how many weights a layer has that are trained, and that are not."""
    config, name = layer.config, layer.class_name
    inner = config.get("layer")
    if isinstance(inner, dict) and isinstance(inner.get("config"), dict):
        trained, fixed = _counts(Layer("", str(inner.get("class_name")), inner["config"]))
        return trained, fixed + (1 if "Spectral" in name else 0)
    if name == "BatchNormalization":
        return int(bool(config.get("scale", True))) + int(bool(config.get("center", True))), 2
    if name.endswith("Normalization"):
        return int(bool(config.get("scale", True))) + int(bool(config.get("center", True))), 0
    if name in ("Embedding", "PReLU"):
        return 1, 0
    bias = int(bool(config.get("use_bias", True)))
    if name.startswith("Separable"):
        return 2 + bias, 0
    return (1 + bias, 0) if name == "Dense" or "Conv" in name else (0, 0)


def _tree(flat: Mapping[str, Tensor]) -> dict[str, Any]:
    """Return weights by path as nodes within nodes."""
    tree: dict[str, Any] = {}
    for path, tensor in flat.items():
        here = tree
        *parts, last = path.split("/")
        for part in parts:
            inner = here.setdefault(part, {})
            if not isinstance(inner, dict):
                break
            here = inner
        else:
            here[last] = Found(path, tensor)
    return tree


def _node(tree: Any, place: Sequence[str]) -> Any:
    for part in place:
        tree = tree.get(part, {}) if isinstance(tree, dict) else {}
    return tree


def _by_path(model: Model, node: Any, found: Weights) -> None:
    """Give layers the nodes called after their class and counted; gaps in the counting do not matter."""
    inside = next((node[name] for name in _CONTAINERS if isinstance(node, dict) and name in node), node)
    if not isinstance(inside, dict):
        return
    waiting: dict[str, list[tuple[int, str]]] = defaultdict(list)
    for key in inside:
        match = _NUMBERED.match(key)
        if match and _has_values(inside[key]):
            waiting[match[1]].append((int(match[2] or 0), key))
            if match[2]:
                waiting[key].append((0, key))  # a class may end in a number of its own
    for places in waiting.values():
        places.sort()
    used: set[str] = set()
    for layer in model.layers:
        key = _next(layer, waiting, used, inside)
        if key is None:
            continue
        used.add(key)
        if layer.inner is not None:
            _by_path(layer.inner, inside[key], found)
        else:
            found[id(layer)] = list(_own(inside[key]))


def _next(
    layer: Layer, waiting: Mapping[str, list[tuple[int, str]]], used: set[str], inside: Mapping[str, Any]
) -> str | None:
    if layer.inner is None and not _has_weights(layer) and snake_case(layer.class_name) not in waiting:
        return None
    names = [snake_case(layer.class_name)]
    if layer.inner is not None:
        names += ["functional", "model", "sequential"]
    for name in names:
        for _, key in waiting.get(name, ()):
            if key not in used:
                return key
    return layer.name if layer.name in inside and layer.name not in used else None


def _has_values(node: Any) -> bool:
    return isinstance(node, Found) or (
        isinstance(node, dict) and any(_has_values(inner) for inner in node.values())
    )


def _own(node: Any) -> Iterator[Found]:
    """Yield the weights of a layer in order, those of a layer within it first."""
    if not isinstance(node, dict):
        return
    for name in ("layer", "cell"):
        if name in node:
            yield from _own(node[name])
    own = node.get("vars", {})
    if isinstance(own, dict):
        yield from (own[key] for key in sorted(own, key=_number) if isinstance(own[key], Found))


def _number(text: str) -> tuple[int, str]:
    return (int(text), "") if text.isdigit() else (1 << 30, text)
