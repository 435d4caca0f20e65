"""From what a checkpoint holds to one network's tensors, by the names they had while it was trained.

Entries are opened, wrappers' prefixes taken off, weights that were kept in two parts put together, and plain
numbers beside the weights kept as facts. What network it is, is found out elsewhere (`recognition`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from torch import Tensor

from explorer.data.wording import shown
from explorer.errors import CheckpointError
from explorer.formats import entries, folding, module_tree
from explorer.formats.content import Entries, Record
from explorer.formats.entries import Network
from explorer.formats.inference import Module
from explorer.formats.precision import FLOATS, check_float
from explorer.formats.reader import Reading
from explorer.models.layers import Layer

COUNTER = "num_batches_tracked"
"""Of batch norm: absent in old files, and of no use to a trained network."""

SAFE_AGAIN = "save it again as torch.save(model.state_dict(), path)"
_MOST_FACTS = 500
_NAMED = 6


@dataclass(frozen=True, eq=False)
class Weights:
    """One network's tensors and what else is known of it.

    Attributes:
        tensors: by key, in the file's order; floating point of any width.
        modules: its submodules in the order of registration, where the file lists them.
        notes: sentences for people.
        facts: plain values beside the weights, by name: `latent_dim`.
        prefix: what was taken off all keys.
        chain: the layers one after the other, where the file states them so.
    """

    tensors: dict[str, Tensor]
    modules: tuple[Module, ...] = ()
    notes: tuple[str, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)
    prefix: str = ""
    chain: tuple[Layer, ...] = ()


def weights_of(content: Any, reading: Reading) -> Weights:
    """Return the network in a file that makes pictures, or the one that the hint `entry` names.

    Raises:
        CheckpointError: there is none, or its weights are no plain numbers.
    """
    networks = entries.networks_in(content, lambda record: module_tree.unfold(record)[0])
    _refuse_packed(content, networks, reading)
    if not networks:
        raise CheckpointError(f"{reading.path} holds {_describe(content)}, but no state dict; {SAFE_AGAIN}.")
    chosen = _chosen(networks, reading)
    found = _unfolded(chosen)
    beside = entries.companion(chosen, networks)
    if beside is not None and reading.hints.entry is None:
        found = _joined(beside, chosen)
    notes = _entry_note(chosen, beside, networks)
    facts = _facts(content, networks)
    return cleaned(replace(found, notes=(*notes, *found.notes), facts=facts), reading)


def _unwrapped(found: Weights) -> Weights:
    """Return weights without the name that torch.compile puts between a network and its layers."""
    if not any(_COMPILED in key for key in found.tensors):
        return found
    modules = [
        Module(
            _plain(module.path),
            module.layer and replace(module.layer, key=_plain(module.layer.key)),
            module.cls,
        )
        for module in found.modules
        if not f".{module.path}".endswith(f".{_COMPILED[:-1]}")
    ]
    return replace(
        found,
        tensors={_plain(key): tensor for key, tensor in found.tensors.items()},
        modules=tuple(modules),
        chain=tuple(replace(layer, key=_plain(layer.key)) for layer in found.chain),
    )


def _plain(name: str) -> str:
    return name.replace(_COMPILED, "")


_COMPILED = "_orig_mod."


def _refuse_packed(content: Any, networks: Sequence[Network], reading: Reading) -> None:
    """Raise `CheckpointError` for weights that are no plain array of numbers."""
    for held in (content, *(network.held for network in networks)):
        for key, value in entries.inner_of(held).items():
            parts = value if isinstance(value, list) else [value]
            if any(isinstance(part, Record) and part.name in _PACKED for part in parts):
                raise CheckpointError(
                    f"The tensor {shown(key)} in {reading.path} is no plain array of numbers (quantised or sparse); "
                    "save the network unquantised, in float32."
                )


_PACKED = (
    "_rebuild_qtensor",
    "_rebuild_sparse_tensor",
    "_rebuild_sparse_csr_tensor",
    "_rebuild_nested_tensor",
)


def cleaned(found: Weights, reading: Reading) -> Weights:
    """Return weights without what is no weight, whole, and without a prefix that all share.

    Raises:
        CheckpointError: they are no plain numbers.
    """
    found = _without_judges(_unwrapped(found), reading)
    tensors, left_out = _floating(found.tensors, reading)
    tensors, folded = folding.fold(tensors)
    modules = [module for module in found.modules if folding.without_inner([module.path])]
    prefix, tensors, modules = _without_prefix(tensors, modules)
    kept = {key: tensor for key, tensor in tensors.items() if not key.startswith(_OF_LOSS)}
    if kept and len(kept) < len(tensors):
        left_out = [*left_out, f"Left out, as it only compares pictures: {_OF_LOSS[:-1]}."]
        tensors, modules = kept, [module for module in modules if not f"{module.path}.".startswith(_OF_LOSS)]
    return replace(
        found,
        tensors=tensors,
        modules=tuple(modules),
        notes=(*found.notes, *left_out, *folded),
        prefix=prefix,
        chain=tuple(module_tree.rekeyed(layer, drop=prefix) for layer in found.chain),
    )


_OF_LOSS = "feature_network."
"""Of a VAE with a perceptual loss: a classifier that was trained elsewhere (Hou et al. 2016, arXiv:1610.00291)."""


def _chosen(networks: Sequence[Network], reading: Reading) -> Network:
    wanted = reading.hints.entry
    if wanted is None:
        return min(networks, key=lambda network: network.rank)
    for network in networks:
        if network.name == wanted or (network.path and network.path[-1] == wanted):
            return network
    inside = [network for network in networks if wanted in network.path]
    if inside:
        return min(inside, key=lambda network: network.rank)
    for network in networks:  # an entry of one state dict: `generator.` before the keys
        if isinstance(network.held, Mapping) and any(
            str(key).startswith(f"{wanted}.") for key in network.held
        ):
            kept = {key: value for key, value in network.held.items() if str(key).startswith(f"{wanted}.")}
            return replace(network, path=(*network.path, wanted), held=_with_metadata(kept, network.held))
    names = ", ".join(shown(name, 60) for name in _entries_of(networks)[:_NAMED])
    can = (
        f"the hint entry can be one of {names}"
        if names
        else "it holds one network, so leave out the hint entry"
    )
    raise CheckpointError(f"{reading.path} has no entry {shown(wanted, 60)} with weights; {can}.")


def _entries_of(networks: Sequence[Network]) -> list[str]:
    """Return what the hint entry can be: the names of entries, or at the top what the keys begin with."""
    found: dict[str, None] = {}
    for network in networks:
        if network.name:
            found[network.name] = None
        elif isinstance(network.held, Mapping):
            first = (str(key).partition(".") for key in network.held)
            found |= dict.fromkeys(name for name, dot, rest in first if dot and "." in rest)
    return list(found)


def _with_metadata(kept: dict[str, Any], held: Any) -> Entries:
    made = Entries(kept)
    made.attributes = dict(getattr(held, "attributes", None) or {})
    return made


def _unfolded(network: Network) -> Weights:
    """Return the tensors and submodules of an entry."""
    if isinstance(network.held, Record):
        tensors, modules = module_tree.unfold(network.held)
        return Weights(dict(tensors), tuple(modules), chain=module_tree.chain(network.held))
    tensors = {
        key: value
        for key, value in network.held.items()
        if isinstance(value, Tensor) and isinstance(key, str)
    }
    attributes = getattr(network.held, "attributes", None)
    metadata = attributes.get("_metadata") if isinstance(attributes, Mapping) else None
    paths = (
        [path for path in metadata if isinstance(path, str) and path] if isinstance(metadata, Mapping) else []
    )
    found = Weights(tensors, tuple(Module(path) for path in paths))
    if network.path and entries.is_decoder(network.path[-1]):
        return _under(found, "decoder")
    return found


def _under(found: Weights, name: str) -> Weights:
    """Return weights with a name before all their keys, which says what they are."""
    if all(key.startswith(f"{name}.") for key in found.tensors):
        return found
    return replace(
        found,
        tensors={f"{name}.{key}": tensor for key, tensor in found.tensors.items()},
        modules=tuple(module_tree.under(module, name) for module in found.modules),
    )


def _joined(encoder: Network, decoder: Network) -> Weights:
    """Return the two halves of an autoencoder that a file keeps apart as one."""
    first, second = _under(_unfolded(encoder), "encoder"), _under(_unfolded(decoder), "decoder")
    return Weights({**first.tensors, **second.tensors}, (*first.modules, *second.modules))


def _entry_note(chosen: Network, beside: Network | None, networks: Sequence[Network]) -> list[str]:
    """Say where the weights were found, and what else could be opened."""
    if not chosen.path:
        return []
    text = f"The weights were taken from the entry {shown(chosen.name)}"
    if beside is not None:
        text += f", the encoder from {shown(beside.name)}"
    others = [n.name for n in networks if n not in (chosen, beside) and n.path and len(n.shapes) > 1]
    if others:
        more = f" and {len(others) - _NAMED} more" if len(others) > _NAMED else ""
        text += f"; there are also {', '.join(map(shown, others[:_NAMED]))}{more} (hint entry)"
    return [f"{text}."]


def _without_judges(found: Weights, reading: Reading) -> Weights:
    if reading.hints.entry is not None:
        return found
    kept, aside = entries.without_judges(list(found.tensors))
    if not aside:
        return found
    modules = tuple(module for module in found.modules if module.path.partition(".")[0] not in aside)
    note = f"Left out, as it makes no pictures: {', '.join(map(shown, aside[:_NAMED]))} (hint entry)."
    return replace(
        found, tensors={key: found.tensors[key] for key in kept}, modules=modules, notes=(*found.notes, note)
    )


def _floating(tensors: Mapping[str, Tensor], reading: Reading) -> tuple[dict[str, Tensor], list[str]]:
    """Return the tensors that are weights; counters and whole numbers that serve as indices are left out.

    Raises:
        CheckpointError: weights are quantised or otherwise no plain numbers.
    """
    kept, aside = {}, []
    for key, tensor in tensors.items():
        if tensor.dtype in FLOATS:
            kept[key] = tensor
        elif key.endswith((".weight", ".bias")) or key in ("weight", "bias"):
            check_float(key, tensor, reading.path)
        elif not key.endswith(COUNTER):
            aside.append(key)
    return kept, [
        f"Left out, as they are no weights: {', '.join(map(shown, aside[:_NAMED]))}."
    ] if aside else []


def _without_prefix(
    tensors: dict[str, Tensor], modules: Sequence[Module]
) -> tuple[str, dict[str, Tensor], list[Module]]:
    """Take off every first name that all keys share, but for a number, or one that says it is a decoder."""
    prefix, modules = "", list(modules)
    while tensors:
        first = next(iter(tensors)).partition(".")[0]
        keys = [key[len(first) + 1 :] for key in tensors if key.startswith(f"{first}.")]
        inner = {key.partition(".")[0] for key in keys}
        is_layer = len(keys) < len(tensors) or all("." not in key for key in keys)
        if is_layer or entries.is_decoder(first) or (first.isdigit() and not _NAMES & inner):
            break
        if any("." not in key for key in keys):  # weights of its own: a layer, not a wrapper
            break
        tensors = dict(zip(keys, tensors.values(), strict=True))
        beside = [module for module in modules if module.path and module.path.partition(".")[0] != first]
        modules = [
            module_tree.without(module, first) for module in modules if module.path.startswith(f"{first}.")
        ]
        modules += [module for module in beside if not module.path.partition(".")[0].isdigit()]
        prefix += f"{first}."
    return prefix, tensors, modules


_NAMES = {"encoder", "decoder"}


def _facts(content: Any, networks: Sequence[Network]) -> dict[str, Any]:
    """Return plain values outside of the networks, by their last name in lower case; the first of a name."""
    held = {id(network.held) for network in networks}
    facts: dict[str, Any] = {}

    def walk(value: Any, levels: int) -> None:
        inner = entries.inner_of(value) if not isinstance(value, list) else {}
        for key, entry in inner.items():
            if len(facts) >= _MOST_FACTS or id(entry) in held:
                continue
            if isinstance(entry, int | float | str) or _is_shape(entry):
                facts.setdefault(re.sub(r"[^a-z0-9]+", "_", key.lower()), entry)
            elif isinstance(entry, Mapping | Record) and levels and not entries.is_module(entry):
                walk(entry, levels - 1)

    walk(content, 3)
    return facts


def _is_shape(value: Any) -> bool:
    return isinstance(value, list) and 0 < len(value) <= 4 and all(type(n) is int for n in value)


def _describe(content: Any) -> str:
    if isinstance(content, Mapping):
        some = ", ".join(shown(key, 30) for key in list(content)[:4])
        return f"a dict with the entries {some}" if some else "an empty dict"
    if isinstance(content, Tensor):
        return f"a single tensor of {'x'.join(map(str, content.shape)) or 'one value'}"
    if isinstance(content, Record):
        return f"an object of the class {shown(content.cls, 80)}"
    return f"a {type(content).__name__}"
