"""The text that a TorchScript file carries, taken apart: classes, their methods, statements, expressions.

Only the few forms that the torch printer writes are known, by an own small parser with bounded depth; the text is
never compiled or run. What the expressions mean is in `script`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

_TOKEN = re.compile(
    r"\s*(?:(?P<number>-?\d+(?:\.\d*)?(?:[eE][-+]?\d+)?)|(?P<name>[A-Za-z_]\w*)|(?P<string>\"(?:[^\"\\]|\\.)*\")"
    r"|(?P<sign>[()\[\],.=:]))"
)
_CLASS = re.compile(r"class (\w+)\(")
_DEF = re.compile(r"  def (\w+)\(")
_PARAMETER = re.compile(r"(?:^|,)\s*(\w+):")
_FINAL = re.compile(r"  (\w+) : Final\[[^=]*\] = (.*)")
_MOST_DEPTH = 40
_MOST_LINES = 20_000
_MOST_LETTERS = 5000  # of one line

Expression = tuple[Any, ...]
"""("name", text), ("value", v), ("list", items), ("of", expression, attribute), ("call", callee, arguments, named),
("item", expression, index)."""


class Unreadable(Exception):
    """The text is none that torch prints."""


@dataclass(frozen=True, eq=False)
class Method:
    """Names of the parameters, `self` first, and the lines of the body with their indentation."""

    parameters: tuple[str, ...]
    body: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Class:
    """What the text says of a class: methods by name, and constants."""

    methods: dict[str, Method] = field(default_factory=dict)
    finals: dict[str, Any] = field(default_factory=dict)


def classes_in(texts: Mapping[str, Any]) -> dict[str, Class]:
    """Return the classes by their full names.

    Args:
        texts: by the name of the member: `code/__torch__/torch/nn/modules/conv.py`.
    """
    found: dict[str, Class] = {}
    for name, text in texts.items():
        if isinstance(text, str):
            module = name.removeprefix("code/").removesuffix(".py").replace("/", ".")
            for cls, made in _classes(text.splitlines()[:_MOST_LINES]):
                found[f"{module}.{cls}"] = made
    return found


def _classes(lines: list[str]) -> list[tuple[str, Class]]:
    found: list[tuple[str, Class]] = []
    at = 0
    while at < len(lines):
        line = lines[at]
        at += 1
        start, method, final = _CLASS.match(line), _DEF.match(line), _FINAL.match(line)
        if start:
            found.append((start[1], Class()))
        elif line and not line[0].isspace():
            found.append(("", Class()))  # a function, whose lines belong to no class
        elif method and found:
            header = line[method.end() :]
            while not header.endswith(":") and at < len(lines):
                header += lines[at]
                at += 1
            body = []
            while at < len(lines) and (lines[at].startswith("    ") or not lines[at]):
                body.append(lines[at])
                at += 1
            found[-1][1].methods[method[1]] = Method(tuple(_PARAMETER.findall(header)), tuple(body))
        elif final and found:
            found[-1][1].finals[final[1]] = _literal(final[2])
    return [(name, cls) for name, cls in found if name]


def _literal(text: str) -> Any:
    try:
        return plain(parse(text))
    except Unreadable:
        return None


def plain(expression: Expression) -> Any:
    """Return the value of an expression of literals.

    Raises:
        Unreadable: it is none.
    """
    if expression[0] == "value":
        return expression[1]
    if expression[0] == "list":
        return [plain(item) for item in expression[1]]
    raise Unreadable


def parse(text: str) -> Expression:
    """Return an expression.

    Raises:
        Unreadable: it is none that is known.
    """
    parser = _Parser(text)
    found = parser.expression(0)
    if parser.peek() is not None:
        raise Unreadable(text[:60])
    return found


class _Parser:
    """One line, token by token."""

    def __init__(self, text: str) -> None:
        if len(text) > _MOST_LETTERS:
            raise Unreadable("a very long line")
        self._tokens: list[tuple[str, str]] = []
        at, text = 0, text.rstrip()
        while at < len(text):
            match = _TOKEN.match(text, at)
            if match is None:
                raise Unreadable(text[at : at + 40])
            self._tokens.append((str(match.lastgroup), match[str(match.lastgroup)]))
            at = match.end()
        self._at = 0

    def peek(self, ahead: int = 0) -> str | None:
        """Return the sign or word that comes, None at the end."""
        place = self._at + ahead
        return self._tokens[place][1] if place < len(self._tokens) else None

    def _take(self, wanted: str | None = None) -> tuple[str, str]:
        if self._at >= len(self._tokens):
            raise Unreadable("an end too early")
        token = self._tokens[self._at]
        if wanted is not None and token[1] != wanted:
            raise Unreadable(f"{token[1][:20]} instead of {wanted}")
        self._at += 1
        return token

    def expression(self, depth: int) -> Expression:
        if depth > _MOST_DEPTH:
            raise Unreadable("too many brackets")
        found = self._atom(depth)
        while True:
            sign = self.peek()
            if sign == ".":
                self._take()
                found = ("of", found, self._take()[1])
            elif sign == "(":
                self._take()
                found = ("call", found, *self._arguments(depth))
            elif sign == "[":
                found = ("item", found, self._bracketed("[", "]", depth))
            else:
                return found

    def _atom(self, depth: int) -> Expression:
        kind, text = self._tokens[self._at] if self._at < len(self._tokens) else ("", "")
        if text in ("(", "["):
            items = self._bracketed(text, ")" if text == "(" else "]", depth)
            alone = text == "(" and len(items) == 1 and self._tokens[self._at - 2][1] != ","
            return items[0] if alone else ("list", items)
        self._take()
        if kind == "number":
            return ("value", float(text) if re.search(r"[.eE]", text) else int(text))
        if kind == "string":
            return ("value", text[1:-1])
        if kind != "name":
            raise Unreadable(text[:20])
        words = {"True": True, "False": False, "None": None}
        return ("value", words[text]) if text in words else ("name", text)

    def _bracketed(self, opening: str, closing: str, depth: int) -> list[Expression]:
        self._take(opening)
        items = []
        while self.peek() != closing:
            items.append(self.expression(depth + 1))
            if self.peek() != closing:
                self._take(",")
        self._take(closing)
        return items

    def _arguments(self, depth: int) -> tuple[list[Expression], dict[str, Expression]]:
        given: list[Expression] = []
        named: dict[str, Expression] = {}
        while self.peek() != ")":
            if self.peek(1) == "=":
                name = self._take()[1]
                self._take("=")
                named[name] = self.expression(depth + 1)
            else:
                given.append(self.expression(depth + 1))
            if self.peek() != ")":
                self._take(",")
        self._take(")")
        return given, named
