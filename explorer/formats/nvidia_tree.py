"""Networks as NVIDIA's PyTorch programs pickle them: a tree of modules, each with its attributes and its source text.

Written by `torch_utils.persistence`, an object is a call of `_reconstruct_persistent_obj` with the text of its module,
the name of its class and what it held. Here it is a tree of names and values: the text is kept to be shown, and never
becomes code. What network it is, is told in `nvidia`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from torch import Tensor

from explorer.data.wording import shown
from explorer.formats.content import Record

_MOST_LEVELS = 4  # dicts in dicts that are searched for networks
_MOST_DEEP = 12  # modules in modules
_MOST_CHILDREN, _MOST_NODES = 256, 2000
_CALL = "_reconstruct_persistent_obj"


class Misbuilt(Exception):
    """The tree does not say what its network needs; the text says what, to go after "as"."""


@dataclass(frozen=True, eq=False)
class Node:
    """One module.

    Attributes:
        cls: name of its class.
        path: `synthesis.b4.conv1`; empty for the network itself.
        source: text of the module that its class was defined in.
        state: its attributes by name, parameters, buffers and submodules among them.
        is_persistent: it was pickled by NVIDIA's program, not by pickle alone.
    """

    cls: str
    path: str
    source: str
    state: Mapping[str, Any]
    is_persistent: bool = False

    @cached_property
    def children(self) -> dict[str, Node]:
        """Its submodules, in order."""
        inner = mapping(self.state.get("_modules"))
        if self.path.count(".") >= _MOST_DEEP or len(inner) > _MOST_CHILDREN:
            raise Misbuilt(f"{shown(self.path)} has modules in modules without end")
        found = {}
        for name, value in inner.items():
            if value is None:
                continue
            path = f"{self.path}.{name}" if self.path else str(name)
            node = node_of(value, path)
            if node is None:
                raise Misbuilt(f"{shown(path)} is no module that is known")
            found[str(name)] = node
        return found

    @property
    def own(self) -> dict[str, Tensor]:
        """Its own parameters and buffers, by name."""
        kept = {**mapping(self.state.get("_parameters")), **mapping(self.state.get("_buffers"))}
        return {str(name): value for name, value in kept.items() if isinstance(value, Tensor)}

    def walk(self) -> list[Node]:
        """Return the module and all that are in it.

        Raises:
            Misbuilt: there are more than any network has.
        """
        found, waiting = [], [self]
        while waiting:
            node = waiting.pop()
            found.append(node)
            waiting += reversed(node.children.values())
            if len(found) + len(waiting) > _MOST_NODES:
                raise Misbuilt("it has modules in modules without end")
        return found

    def tensors(self) -> dict[str, Tensor]:
        """Return all parameters and buffers, by path."""
        return {
            f"{node.path}.{name}" if node.path else name: tensor
            for node in self.walk()
            for name, tensor in node.own.items()
        }

    # ---- attributes ----

    def whole(self, name: str, default: int | None = None) -> int:
        """Return an attribute that is a whole number.

        Raises:
            Misbuilt: it is none, or it is missing and there is no default.
        """
        value = self.number(name, default)
        if value != int(value):
            raise Misbuilt(f"{self._named(name)} is {value:g}")
        return int(value)

    def number(self, name: str, default: float | None = None) -> float:
        """Return an attribute that is a finite number; see `whole`."""
        value = plain(self.state.get(name, default))
        if (
            isinstance(value, bool)
            or not isinstance(value, int | float)
            or abs(value) >= 1e30
            or value != value
        ):
            raise Misbuilt(f"{self._named(name)} is {shown(value, 40)} and no number")
        return float(value)

    def limit(self, name: str) -> float | None:
        """Return an attribute that is a number or None, which it also is where it is missing."""
        return None if self.state.get(name) is None else self.number(name)

    def word(self, name: str, default: str) -> str:
        """Return an attribute that is a text."""
        value = self.state.get(name, default)
        if not isinstance(value, str):
            raise Misbuilt(f"{self._named(name)} is {shown(value, 40)} and no word")
        return value

    def wholes(self, name: str, count: int) -> tuple[int, ...]:
        """Return an attribute that is `count` whole numbers; one number stands for all."""
        value = self.state.get(name)
        value = value.tolist() if isinstance(value, Tensor) and value.numel() <= count else plain(value)
        values = [plain(entry) for entry in value] if isinstance(value, list | tuple) else [value] * count
        if len(values) != count or any(type(entry) is not int for entry in values):
            raise Misbuilt(f"{self._named(name)} is {shown(value, 40)}")
        return tuple(values)

    def shape(self, name: str) -> tuple[int, ...] | None:
        """Return the shape of a parameter or buffer of its own, None where there is none."""
        tensor = self.own.get(name)
        return None if tensor is None else tuple(tensor.shape)

    def needed(self, name: str, axes: int) -> tuple[int, ...]:
        """Return the shape of a parameter or buffer that must be there.

        Raises:
            Misbuilt: it is not, or has another number of axes.
        """
        shape = self.shape(name)
        if shape is None or len(shape) != axes:
            raise Misbuilt(f"{self._named(name)} is no tensor with {axes} axes")
        return shape

    def child(self, name: str) -> Node:
        """Return a submodule that must be there."""
        node = self.children.get(name)
        if node is None:
            raise Misbuilt(f"{self._named(name)} is missing")
        return node

    def _named(self, name: str) -> str:
        return shown(f"{self.path}.{name}" if self.path else name, 80)


def node_of(value: Any, path: str = "") -> Node | None:
    """Return the module that a record describes, None where it is none.

    A module that was pickled as it is, without its source text, is one, too.
    """
    if not isinstance(value, Record):
        return None
    if value.name == _CALL:
        meta = mapping(value.args[0]) if value.args else {}
        state, cls, source = mapping(meta.get("state")), meta.get("class_name"), meta.get("module_src")
        if not isinstance(cls, str) or not state:
            return None
        return Node(cls, path, source if isinstance(source, str) else "", state, True)
    state = mapping(value.state)
    return Node(value.name, path, "", state) if "_modules" in state and "_parameters" in state else None


def networks_in(content: Any) -> dict[str, Node]:
    """Return the pickled networks in a file by the names of their entries; one that is alone has the name ""."""
    found: dict[str, Node] = {}

    def walk(value: Any, name: str, levels: int) -> None:
        node = node_of(value)
        if node is not None:
            found.setdefault(name, node)
        elif levels:
            inner = enumerate(value) if isinstance(value, list | tuple) else mapping(value).items()
            for key, entry in inner:
                walk(entry, f"{name}.{key}" if name else str(key), levels - 1)

    walk(content, "", _MOST_LEVELS)
    return found


def mapping(value: Any) -> Mapping[Any, Any]:
    """Return a dict, or what became of one of a class of its own; empty for anything else."""
    if isinstance(value, Record):
        return value.entries or (value.state if isinstance(value.state, Mapping) else {})
    return value if isinstance(value, Mapping) else {}


def plain(value: Any) -> Any:
    """Return the number in a tensor of one."""
    return value.item() if isinstance(value, Tensor) and value.numel() == 1 else value
