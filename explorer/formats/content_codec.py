"""Content as JSON and back: what the child writes, and what the parent makes of it.

`encode` flattens a tree into a list of nodes, children before their parents, so that neither side recurses and
what is shared stays shared. A cell is a plain value itself, `[i]` for node i, or `[k, 0]` for tensor k. A node is

    ["l", cell...]                                         a list (tuples and sets, too)
    ["d", key, cell, ...]                                  a dict
    ["e", attributes, key, cell, ...]                      `Entries`
    ["r", cls, args, state, items, entries]                a `Record`
    ["s", text]                                            long text, so that it is written once

Keys are kept where they are text, None, bool or a small int; others become text. Text longer than eight
million letters is cut. Where something holds itself a record of `CYCLE` stands, so the tree is finite: walking it
takes at most `MOST_VALUES` steps, shared parts counted each time, and `MOST_DEPTH` levels.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from explorer.errors import CheckpointError
from explorer.formats.content import Entries, Record
from explorer.formats.handing import Reference, Stand

MOST_VALUES = 2_000_000
MOST_CONTAINERS = 300_000
MOST_DEPTH = 200
MOST_LETTERS = 8_000_000
_LONG = 40
BYTES = "builtins.bytes"
"""Class of the record that stands for bytes; its one argument is how many."""
CLASS = "builtins.type"
"""Class of the record that stands for a class itself; its one argument is the name."""
CYCLE = "..."
"""Class of the record that stands where something holds itself."""


def encode(content: Any, path: Path) -> list[Any]:
    """Return the nodes of `content`; the last is a list of one cell, the content itself.

    Raises:
        CheckpointError: it is nested too deeply or too large; the text names `path`.
    """
    return _Encoder(path).encode([content])


def decode(nodes: list[Any], tensors: list[Any]) -> Any:
    """Return the content that `encode` flattened, with `tensors` in their places."""
    made: list[Any] = []

    def value(cell: Any) -> Any:
        if type(cell) is not list:
            return cell
        return made[cell[0]] if len(cell) == 1 else tensors[cell[0]]

    def pairs(cells: list[Any], first: int) -> Iterable[tuple[Any, Any]]:
        return ((cells[i], value(cells[i + 1])) for i in range(first, len(cells), 2))

    for node in nodes:
        if node[0] == "l":
            made.append([value(cell) for cell in node[1:]])
        elif node[0] == "d":
            made.append(dict(pairs(node, 1)))
        elif node[0] == "e":
            entries = Entries(pairs(node, 2))
            entries.attributes = value(node[1])
            made.append(entries)
        elif node[0] == "s":
            made.append(node[1])
        else:
            cls, args, state, items, entries = map(value, node[1:])
            made.append(Record(cls, tuple(args), state, items, entries))
    return made[-1][0]


class _Encoder:
    """One encoding; everything by an explicit stack, as the depth is the file's choice."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._nodes: list[Any] = []
        self._sizes: list[int] = []  # of the whole tree below, shared parts counted each time
        self._depths: list[int] = []
        self._made: dict[int, int] = {}  # id of a container -> its node
        self._open: set[int] = set()  # ids of containers that are being walked
        self._marks: dict[tuple[str, tuple[Any, ...]], int] = {}
        self._alive: list[Any] = []  # parts made on the way, so that no id is given twice

    def encode(self, root: list[Any]) -> list[Any]:
        stack: list[tuple[Any, list[Any] | None]] = [(root, None)]
        while stack:
            value, parts = stack.pop()
            if parts is None:
                if id(value) in self._made:
                    continue
                parts = self._parts(value)
                if len(parts) > MOST_VALUES:
                    raise self._too_many()
                self._open.add(id(value))
                if len(self._open) > MOST_DEPTH:
                    raise self._too_deep()
                stack.append((value, parts))
                below = [
                    (part, None)
                    for part in reversed(parts)
                    if _is_container(part) and id(part) not in self._made and id(part) not in self._open
                ]
                if len(below) > MOST_CONTAINERS:
                    raise self._too_many()
                stack += below
            elif id(value) not in self._made:
                self._close(value, parts)
        return self._nodes

    def _parts(self, value: Any) -> list[Any]:
        """Return the containers below a container; those of a record are made here and kept."""
        if isinstance(value, Record):
            entries = value.entries if isinstance(value.entries, dict) else {}
            below: list[Any] = [list(value.args), value.state, value.items, entries]
            self._alive.append(below)
            return below
        if isinstance(value, Entries):
            return [value.attributes, *value.values()]
        return list(value.values() if isinstance(value, Mapping) else value)

    def _close(self, value: Any, parts: list[Any]) -> None:
        """Write the node of a container, all below it being written."""
        self._open.discard(id(value))
        size, depth = 1, 0
        cells = []
        for part in parts:
            cell = self._cell(part)
            cells.append(cell)
            size += 1
            if type(cell) is list and len(cell) == 1:
                size += self._sizes[cell[0]]
                depth = max(depth, self._depths[cell[0]])
        if depth >= MOST_DEPTH:
            raise self._too_deep()
        if size > MOST_VALUES or len(self._nodes) > MOST_CONTAINERS:
            raise self._too_many()
        if isinstance(value, Record):
            cells.insert(0, self._text_cell(value.cls))
        self._made[id(value)] = self._add(_node(value, cells), size, depth + 1)

    def _text_cell(self, text: str) -> Any:
        if len(text) <= _LONG:
            return _text(text)
        if id(text) not in self._made:
            self._alive.append(text)
            self._made[id(text)] = self._add(["s", _text(text)], 1, 0)
        return [self._made[id(text)]]

    def _too_many(self) -> CheckpointError:
        return CheckpointError(
            f"{self._path} unfolds to millions of values besides its weights, which no checkpoint needs; save "
            "only the weights and try again."
        )

    def _too_deep(self) -> CheckpointError:
        return CheckpointError(
            f"{self._path} is nested more than {MOST_DEPTH} levels deep, which no checkpoint needs; save only "
            "the weights and try again."
        )

    def _add(self, node: list[Any], size: int, depth: int) -> int:
        self._nodes.append(node)
        self._sizes.append(size)
        self._depths.append(depth)
        return len(self._nodes) - 1

    def _cell(self, value: Any) -> Any:
        """Return the cell of a value; a container's node is there unless it is one of those around it."""
        if _is_container(value):
            made = self._made.get(id(value))
            return [self._mark(CYCLE, ()) if made is None else made]
        if isinstance(value, Stand):
            value = value.as_content()
            if isinstance(value, tuple):
                return [self._mark(*value)]
        if isinstance(value, Reference):
            return [value.number, 0]
        if value is None or isinstance(value, bool | int | float):
            return value
        if isinstance(value, str):
            return self._text_cell(value)
        if isinstance(value, bytes | bytearray | memoryview):
            return [self._mark(BYTES, (len(value),))]
        return str(value)[:100] if isinstance(value, complex) else f"<{type(value).__name__}>"

    def _mark(self, cls: str, args: tuple[Any, ...]) -> int:
        """Return a record with plain arguments alone; of equal ones there is one."""
        if (cls, args) not in self._marks:
            self._marks[cls, args] = self._add_mark(cls, args)
        return self._marks[cls, args]

    def _add_mark(self, cls: str, args: tuple[Any, ...]) -> int:
        given = self._add(["l", *map(self._cell, args)], 1, 1)
        items, entries = self._add(["l"], 1, 1), self._add(["d"], 1, 1)
        return self._add(["r", self._text_cell(cls), [given], None, [items], [entries]], 4, 2)


def _node(value: Any, cells: list[Any]) -> list[Any]:
    if isinstance(value, Record):
        return ["r", *cells]
    if isinstance(value, Mapping):
        first = ["e", cells.pop(0)] if isinstance(value, Entries) else ["d"]
        node: list[Any] = first
        for key, cell in zip(value, cells, strict=True):
            node += (_key(key), cell)
        return node
    return ["l", *cells]


def _is_container(value: Any) -> bool:
    return isinstance(value, list | tuple | set | frozenset | dict | Record)


def _key(key: Any) -> Any:
    """Return a key as JSON and a dict can hold it; ints are small, for large ones can be made to collide."""
    if key is None or isinstance(key, bool):
        return key
    if isinstance(key, int) and abs(key) < 1 << 31:
        return key
    return _text(key) if isinstance(key, str) else str(key)[:100]


def _text(text: str) -> str:
    """Return text without halves of letters, at most `MOST_LETTERS` long."""
    text = text[:MOST_LETTERS]
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")
