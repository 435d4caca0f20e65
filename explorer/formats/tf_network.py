"""NVIDIA's TensorFlow networks as they lie in a pickle: their variables, settings and parts by name.

Such a file carries the program text that built a network. Nothing of it is run: what a setting is where nobody set
it is read from the text of the function's head, and only where it is a plain literal.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from explorer.data.wording import shown
from explorer.errors import CheckpointError
from explorer.formats.content import Record

MOST_TEXT = 1 << 20
"""Letters of program text that are kept to be shown."""

_MOST_HEAD = 20_000  # letters of a function's head
_MOST_LEVELS = 3
_OF_GROWING = r"lod$|ToRGB_lod\d+/"
_FEW = 100  # networks that are looked at


class TfNetwork:
    """One network of a file.

    Attributes:
        name: as the file has it: `G`, `D`, `Gs`.
        function: the name of the function that built it: `G_style`.
        source: the text of the program around that function.
        settings: what the function was called with.
        parts: networks inside it, `mapping` and `synthesis`.
        variables: tensors by name; single numbers are tensors without dimensions.
    """

    def __init__(self, record: Record, path: Path, levels: int = _MOST_LEVELS) -> None:
        state = record.state
        self._path = path
        self.name = _text(state.get("name"))
        self.function = _text(state.get("build_func_name"))
        self.source = _text(state.get("build_module_src"))
        self.settings = dict(_entries(state.get("static_kwargs")))
        inner = _entries(state.get("components")) if levels else {}
        self.parts = {
            str(name): TfNetwork(part, path, levels - 1) for name, part in inner.items() if is_network(part)
        }
        self.variables = dict(_variables(state.get("variables")))
        self._defaults: dict[str, Any] | None = None
        self._taken: set[str] = set()

    @property
    def texts(self) -> str:
        """The program text that it and its parts carry, each text once, at most `MOST_TEXT` letters."""
        texts = [self.source, *(part.texts for part in self.parts.values())]
        return "\n\n".join(dict.fromkeys(text for text in texts if text.strip()))[:MOST_TEXT]

    def setting(self, name: str, default: Any, above: TfNetwork | None = None) -> Any:
        """Return what a setting is: as it was given here or to the network above, else by the text, else `default`."""
        for given in (self.settings, above.settings if above else {}):
            if name in given:
                return given[name]
        if self._defaults is None:
            self._defaults = defaults(self.source, self.function)
        return self._defaults.get(name, default)

    def take(self, name: str, dimensions: int) -> Tensor:
        """Return a variable.

        Raises:
            CheckpointError: it is missing, or has another number of dimensions.
        """
        found = self.variables.get(name)
        if found is None or found.ndim != dimensions:
            what = "is missing" if found is None else f"has {found.ndim} dimensions instead of {dimensions}"
            raise CheckpointError(
                f"The variable {shown(name)} in {self._path} {what}; the file is damaged or was changed: save it "
                "again from where it was trained."
            )
        self._taken.add(name)
        return found

    def only(self, name: str, dimensions: int, kept: int) -> Tensor:
        """Return a variable without its first dimensions, all of which must be 1, but for the last `kept`.

        Raises:
            CheckpointError: it is missing or has another shape.
        """
        found = self.take(name, dimensions)
        if any(side != 1 for side in found.shape[: dimensions - kept]):
            raise CheckpointError(
                f"The variable {shown(name)} in {self._path} is {'x'.join(map(str, found.shape))}, which holds more "
                "than one; the file is damaged or was changed: save it again from where it was trained."
            )
        return found[(0,) * (dimensions - kept)]

    def left(self) -> list[str]:
        """Return the names of the variables that nobody took, of it and its parts, but for those of growing up."""
        own = [name for name in self.variables if name not in self._taken and not re.match(_OF_GROWING, name)]
        return [*own, *(f"{part}/{name}" for part, inside in self.parts.items() for name in inside.left())]

    def sides(self) -> list[int]:
        """Return the sides of its feature maps, 4 and its doubles, as the variables' names tell."""
        found = {int(match[1]) for name in self.variables if (match := re.match(r"(\d{1,5})x\1/", name))}
        sides = [4]
        while 2 * sides[-1] in found:
            sides.append(2 * sides[-1])
        return sides


def is_network(value: Any) -> bool:
    """Tell whether something is a pickled network, by what it states; wherever its class was."""
    return (
        isinstance(value, Record)
        and isinstance(value.state, dict)
        and {"variables", "build_func_name", "static_kwargs"} <= value.state.keys()
    )


def networks_in(content: Any) -> list[Record]:
    """Return the records of the networks in a file: it is one, or a list or dict of them; none for other files."""
    if is_network(content):
        return [content]
    held = content if isinstance(content, list) else list(_entries(content).values())
    return [part for part in held[:_FEW] if is_network(part)]


def defaults(source: str, function: str) -> dict[str, Any]:
    """Return what the arguments of a function are by default, as far as they are literals; the text is not run."""
    head = _head(source, function)
    if not head:
        return {}
    try:
        made = ast.parse(f"def head{head}: pass").body[0]
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return {}
    assert isinstance(made, ast.FunctionDef)
    arguments = made.args
    named = [*arguments.posonlyargs, *arguments.args]
    pairs = [
        *zip(reversed(named), reversed(arguments.defaults), strict=False),
        *zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True),
    ]
    return {argument.arg: value for argument, node in pairs for value in _literal(node)}


def _head(source: str, function: str) -> str:
    """Return the arguments of a function as they stand in a text, with their brackets; empty where there are none."""
    match = re.search(rf"^def[ \t]+{re.escape(function)}[ \t]*(?=\()", source, re.MULTILINE)
    if match is None or not function:
        return ""
    depth, head = 0, source[match.end() : match.end() + _MOST_HEAD]
    for part in re.finditer(r"#[^\n]*|'[^'\n]*'|\"[^\"\n]*\"|[\[({]|[\])}]", head):
        depth += (part[0] in "[({") - (part[0] in "])}")
        if depth == 0 and part[0] == ")":
            return head[: part.end()]
    return ""


def _literal(node: ast.expr | None) -> Iterator[Any]:
    """Yield the value of an expression if it is a literal, else nothing."""
    if node is None:
        return
    try:
        yield ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
        return


def _variables(pairs: Any) -> Iterator[tuple[str, Tensor]]:
    for pair in pairs if isinstance(pairs, list) else []:
        if not isinstance(pair, list) or len(pair) != 2 or not isinstance(pair[0], str):
            continue
        name, value = pair
        if isinstance(value, Tensor):
            yield name, value
        elif isinstance(value, float) or (isinstance(value, int) and abs(value) < 1 << 63):
            yield name, torch.tensor(float(value))


def _entries(value: Any) -> Mapping[Any, Any]:
    """Return what a dict holds, or an object that is one (`EasyDict`)."""
    if isinstance(value, Record):
        value = value.entries or value.state
    return value if isinstance(value, Mapping) else {}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
