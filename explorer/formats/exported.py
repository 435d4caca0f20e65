"""A file of torch.export as layers: its graph is JSON with one operation of torch after the other.

Followed with a `chains.Flow` in place of the input; operations that are not in its list make it no chain. Only
weights that the file holds as plain numbers are there, see `torch_archive`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from explorer.formats.chains import Chains, Flow, NotAChain, Weight
from explorer.formats.content import Record
from explorer.formats.inference import Module
from explorer.models.layers import Layer

_OPERATIONS = "torch.ops.aten."
_MOST_NODES = 5000
_PLAIN = ("as_int", "as_ints", "as_float", "as_floats", "as_bool", "as_bools", "as_string")


def unfold(record: Record) -> tuple[dict[str, Tensor], list[Module]]:
    """Return the state dict of a `torch_archive.EXPORT` record; submodules are not listed."""
    held = record.entries.get("weights")
    return {name: value for name, value in (held or {}).items() if isinstance(value, Tensor)}, []


def chain(record: Record) -> tuple[tuple[Layer, ...], dict[str, Tensor]]:
    """Return the layers from the network's input to its output, and their tensors.

    Raises:
        NotAChain: it is more than that, or the graph is none that is known.
    """
    try:
        return _chain(record)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        raise NotAChain("the graph is none that is known here") from error


def _chain(record: Record) -> tuple[tuple[Layer, ...], dict[str, Tensor]]:
    module = record.entries["graph"]["graph_module"]
    graph, chains = module["graph"], Chains()
    values = _inputs(record, module["signature"]["input_specs"])
    if len(graph["nodes"]) > _MOST_NODES:
        raise NotAChain("more operations than a network needs")
    for node in graph["nodes"]:
        made = _applied(node, values, chains)
        for output in node["outputs"]:
            name = _named(output)
            if name is not None:
                values[name] = made
    outputs = [values.get(str(_named(output))) for output in graph["outputs"]]
    if len(outputs) != 1 or not isinstance(outputs[0], Flow):
        raise NotAChain("more than one output")
    return outputs[0].layers, chains.tensors


def _inputs(record: Record, specs: list[Any]) -> dict[str, Any]:
    """Return what the graph starts from, by its names there: weights and the one input."""
    held = {**unfold(record)[0], **(record.entries.get("constants") or {})}
    values: dict[str, Any] = {}
    given = 0
    for spec in specs:
        kind, said = next(iter(spec.items()))
        name = str(said["arg"].get("name") or _named(said["arg"]))
        if kind == "user_input":
            given += 1
            values[name] = Flow()
            continue
        original = next((said[key] for key in said if key.endswith("_name")), "")
        if isinstance(held.get(original), Tensor):
            values[name] = Weight(held[original], original)
    if given != 1:
        raise NotAChain("more than one input")
    return values


def _applied(node: Mapping[str, Any], values: Mapping[str, Any], chains: Chains) -> Any:
    target = str(node["target"])
    if not target.startswith(_OPERATIONS):
        raise NotAChain(f"{target[:60]} is no operation of torch's own")
    given, named = [], {}
    for argument in node["inputs"]:
        value = _value(argument["arg"], values)
        if argument.get("kind", 1) == 1:
            given.append(value)
        else:
            named[str(argument["name"])] = value
    name = target.removeprefix(_OPERATIONS).partition(".")[0]
    return chains.apply(name, given, {} if name in ("to", "_to_copy", "clone") else named)


def _value(said: Mapping[str, Any], values: Mapping[str, Any]) -> Any:
    kind, value = next(iter(said.items()))
    if kind == "as_none":
        return None
    if kind in _PLAIN:
        return value
    name = _named(said)
    if name is None or name not in values:
        raise NotAChain(f"an argument of the kind {kind[:40]}")
    return values[name]


def _named(said: Mapping[str, Any]) -> str | None:
    """Return the name of a tensor, or of a number that depends on the input."""
    tensor = said.get("as_tensor") or said.get("as_sym_int") or {}
    name = tensor.get("name") or tensor.get("as_name")
    return name if isinstance(name, str) else None
