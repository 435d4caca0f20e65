"""The one reader of pickles: an interpreter of their opcodes that imports nothing and calls nothing of theirs.

Pickles of protocol 0 to 5. Python's own unpickler is not used: what a pickle wants to be found, called, made or
given a state is looked up by name in `pickle_known.KNOWN` (own functions that rebuild tensors, arrays and the
usual containers), and where the name is not there, written down as a `content.Record`. Large strings of bytes
stay where they are, as a `Span`. Steps, names and digits are bounded; how deep things are nested is the codec's
concern, as nothing here recurses.
"""

from __future__ import annotations

import codecs
import struct
from collections.abc import Callable
from typing import Any

from explorer.formats import pickle_known as known
from explorer.formats.content import Record
from explorer.formats.pickle_stands import Global, LongText, NativeText, World
from explorer.formats.span import Damaged, Span, TooMuch

MOST_STEPS = 2_000_000
"""Opcodes in all the pickles of one file together."""
_MOST_DIGITS = 4000
_MOST_NAME = 1000
_LARGE = 256
"""From so many bytes on a string of bytes is not copied."""
_LONG_TEXT = 1 << 16
"""From so many bytes on text is not decoded until it is needed."""

Persistent = Callable[[Any], Any]
"""Returns what a persistent id stands for."""


def load(span: Span, world: World, persistent: Persistent | None = None) -> tuple[Any, int]:
    """Interpret the pickle that a span begins with; return its value and how many bytes it takes.

    Raises:
        Damaged: it is no whole pickle, or takes too many steps.
    """
    machine = _Machine(span, world, persistent or _persistent_record)
    try:
        return machine.run(), machine.position - span.start
    except (
        IndexError,
        KeyError,
        TypeError,
        ValueError,
        AttributeError,
        OverflowError,
        struct.error,
    ) as error:
        raise Damaged(f"a pickle that goes wrong at byte {machine.position}") from error


def _persistent_record(saved: Any) -> Record:
    return Record("persistent id", (saved,))


class _Machine:
    """One pickle being interpreted: a stack, the stacks below its marks, and a memo."""

    def __init__(self, span: Span, world: World, persistent: Persistent) -> None:
        self._span = span
        self._data = span.data
        self._stop = span.stop
        self._world = world
        self._persistent = persistent
        self._stack: list[Any] = []
        self._below: list[list[Any]] = []
        self._memo: dict[int, Any] = {}
        self.position = span.start

    def run(self) -> Any:
        data, stop, table = self._data, self._stop, _TABLE
        budget = MOST_STEPS - self._world.steps
        steps = 0
        while self.position < stop:
            code = data[self.position]
            self.position += 1
            steps += 1
            if steps > budget:
                raise TooMuch("a pickle of millions of steps")
            if code == 46:  # "."
                self._world.steps += steps
                return self._stack.pop()
            handler = table.get(code)
            if handler is None:
                raise Damaged(f"an unknown opcode at {self.position - 1}")
            handler(self)
        raise Damaged("a pickle without an end")

    # What is read

    def _take(self, count: int) -> bytes:
        start = self.position
        if count < 0 or start + count > self._stop:
            raise Damaged("a pickle that is cut off")
        self.position = start + count
        return self._data[start : start + count]

    def _number(self, count: int) -> int:
        return int.from_bytes(self._take(count), "little")

    def _line(self, most: int | None = None) -> bytes:
        start = self.position
        end = self._data.find(b"\n", start, self._stop if most is None else min(self._stop, start + most + 1))
        if end < 0:
            raise Damaged("a line without an end")
        self.position = end + 1
        return self._data[start:end]

    def _passed(self, count: int) -> Span:
        """Return bytes that are passed over without being read."""
        passed = self._span.part(self.position - self._span.start, count)
        self.position += count
        return passed

    def _bytes(self, count: int) -> None:
        """Push bytes; many of them as a span."""
        if count < _LARGE:
            self._stack.append(self._take(count))
            return
        self._stack.append(self._passed(count))

    def _native(self, count: int) -> None:
        """Push a string of Python 2, which may be text or bytes."""
        if count < _LARGE:
            self._stack.append(self._take(count).decode("latin-1"))
        else:
            self._stack.append(NativeText(self._passed(count)))

    def _text(self, count: int) -> None:
        if count > _LONG_TEXT:
            self._stack.append(LongText(self._passed(count)))
            return
        self._stack.append(self._take(count).decode("utf-8", "replace"))

    # The stack

    def _above_mark(self) -> list[Any]:
        items = self._stack
        self._stack = self._below.pop()
        return items

    def _mark(self) -> None:
        self._below.append(self._stack)
        self._stack = []

    def _pop(self) -> None:
        if self._stack:
            self._stack.pop()
        else:
            self._above_mark()

    def _tuple(self, count: int) -> None:
        if len(self._stack) < count:
            raise Damaged("a tuple of more than there is")
        self._stack[-count:] = [tuple(self._stack[-count:])]

    def _memoize(self, index: int) -> None:
        self._memo[index] = self._stack[-1]

    # Values

    def _integer_line(self) -> None:
        line = self._line(_MOST_DIGITS)
        self._stack.append(line == b"01" if line in (b"00", b"01") else int(line))

    def _long(self, count: int) -> None:
        if count > _MOST_DIGITS // 4:
            raise TooMuch("a number of thousands of digits")
        self._stack.append(int.from_bytes(self._take(count), "little", signed=True))

    def _string_line(self) -> None:
        line = self._line().strip()
        if len(line) < 2 or line[:1] != line[-1:] or line[:1] not in b"\"'":
            raise Damaged("a string without quotes")
        self._stack.append(codecs.escape_decode(line[1:-1])[0].decode("latin-1"))  # type: ignore[attr-defined]

    def _fill(self, values: list[Any]) -> None:
        """Append to the list (or whatever it is) on the stack."""
        target = self._stack[-1]
        if isinstance(target, Record):
            target = target.items
        if not isinstance(target, list):
            raise Damaged("items for what takes none")
        target.extend(values)

    def _set(self, pairs: list[Any]) -> None:
        """Set keys and values, one after the other, in the dict (or whatever it is) on the stack."""
        target = self._stack[-1]
        if isinstance(target, Record):
            target = target.entries
        if not isinstance(target, dict) or len(pairs) % 2:
            raise Damaged("entries for what takes none")
        for i in range(0, len(pairs), 2):
            target[known.key(pairs[i])] = pairs[i + 1]

    def _dict(self) -> None:
        pairs = self._above_mark()
        self._stack.append({})
        self._set(pairs)

    # What would call

    def _global_names(self, module: Any, name: Any) -> Global:
        if not isinstance(module, str) or not isinstance(name, str) or len(module) + len(name) > _MOST_NAME:
            raise Damaged("a class without a name")
        return Global(f"{module}.{name}")

    def _global_lines(self) -> Global:
        module, name = self._line(_MOST_NAME), self._line(_MOST_NAME)
        return self._global_names(module.decode("utf-8", "replace"), name.decode("utf-8", "replace"))

    def _stack_global(self) -> None:
        name, module = self._stack.pop(), self._stack.pop()
        self._stack.append(self._global_names(module, name))

    def _call(self, callee: Any, args: Any) -> None:
        args = args if isinstance(args, tuple) else (args,)
        self._stack.append(known.call(self._world, callee, args))

    def _reduce(self) -> None:
        args, callee = self._stack.pop(), self._stack.pop()
        self._call(callee, args)

    def _new_with_keywords(self) -> None:
        keywords, args, callee = self._stack.pop(), self._stack.pop(), self._stack.pop()
        if isinstance(keywords, dict) and keywords and isinstance(args, tuple):
            args = (*args, keywords)
        self._call(callee, args)

    def _instance(self) -> None:
        args = self._above_mark()
        self._call(self._global_lines(), tuple(args))

    def _object(self) -> None:
        callee, *args = self._above_mark()
        self._call(callee, tuple(args))

    def _build(self) -> None:
        state = self._stack.pop()
        known.build(self._world, self._stack[-1], state)

    def _persistent_id(self, saved: Any) -> None:
        self._stack.append(self._persistent(saved))


_Handler = Callable[[_Machine], Any]


def _push(value: Callable[[_Machine], Any]) -> _Handler:
    def handle(m: _Machine) -> None:
        made = value(m)  # first, for it may change what the stack is
        m._stack.append(made)

    return handle


_TABLE: dict[int, _Handler] = {
    code[0]: handler
    for code, handler in {
        # marks and the stack
        b"(": lambda m: m._mark(),
        b"0": lambda m: m._pop(),
        b"1": lambda m: m._above_mark(),
        b"2": _push(lambda m: m._stack[-1]),
        # plain values
        b"N": _push(lambda m: None),
        b"\x88": _push(lambda m: True),
        b"\x89": _push(lambda m: False),
        b"I": lambda m: m._integer_line(),
        b"J": _push(lambda m: int.from_bytes(m._take(4), "little", signed=True)),
        b"K": _push(lambda m: m._take(1)[0]),
        b"M": _push(lambda m: m._number(2)),
        b"L": _push(lambda m: int(m._line(_MOST_DIGITS).rstrip(b"L"))),
        b"\x8a": lambda m: m._long(m._number(1)),
        b"\x8b": lambda m: m._long(m._number(4)),
        b"F": _push(lambda m: float(m._line(_MOST_DIGITS))),
        b"G": _push(lambda m: struct.unpack(">d", m._take(8))[0]),
        # text and bytes
        b"S": lambda m: m._string_line(),
        b"T": lambda m: m._native(m._number(4)),
        b"U": lambda m: m._native(m._number(1)),
        b"V": _push(lambda m: m._line().decode("raw-unicode-escape", "replace")),
        b"X": lambda m: m._text(m._number(4)),
        b"\x8c": lambda m: m._text(m._number(1)),
        b"\x8d": lambda m: m._text(m._number(8)),
        b"B": lambda m: m._bytes(m._number(4)),
        b"C": lambda m: m._bytes(m._number(1)),
        b"\x8e": lambda m: m._bytes(m._number(8)),
        b"\x96": lambda m: m._bytes(m._number(8)),
        b"\x98": lambda m: m._stack[-1],
        # containers
        b"]": _push(lambda m: []),
        b"l": _push(lambda m: m._above_mark()),
        b"a": lambda m: m._fill([m._stack.pop()]),
        b"e": lambda m: m._fill(m._above_mark()),
        b"\x8f": _push(lambda m: []),
        b"\x90": lambda m: m._fill(m._above_mark()),
        b"\x91": _push(lambda m: m._above_mark()),
        b")": _push(lambda m: ()),
        b"\x85": lambda m: m._tuple(1),
        b"\x86": lambda m: m._tuple(2),
        b"\x87": lambda m: m._tuple(3),
        b"t": _push(lambda m: tuple(m._above_mark())),
        b"}": _push(lambda m: {}),
        b"d": lambda m: m._dict(),
        b"s": lambda m: m._set([m._stack.pop(), m._stack.pop()][::-1]),
        b"u": lambda m: m._set(m._above_mark()),
        # memo
        b"p": lambda m: m._memoize(int(m._line(_MOST_DIGITS))),
        b"q": lambda m: m._memoize(m._number(1)),
        b"r": lambda m: m._memoize(m._number(4)),
        b"\x94": lambda m: m._memoize(len(m._memo)),
        b"g": _push(lambda m: m._memo[int(m._line(_MOST_DIGITS))]),
        b"h": _push(lambda m: m._memo[m._number(1)]),
        b"j": _push(lambda m: m._memo[m._number(4)]),
        # what would find, make or call
        b"c": _push(lambda m: m._global_lines()),
        b"\x93": lambda m: m._stack_global(),
        b"R": lambda m: m._reduce(),
        b"\x81": lambda m: m._reduce(),
        b"\x92": lambda m: m._new_with_keywords(),
        b"i": lambda m: m._instance(),
        b"o": lambda m: m._object(),
        b"b": lambda m: m._build(),
        b"\x82": _push(lambda m: Global(f"copyreg.extension {m._number(1)}")),
        b"\x83": _push(lambda m: Global(f"copyreg.extension {m._number(2)}")),
        b"\x84": _push(lambda m: Global(f"copyreg.extension {m._number(4)}")),
        b"P": lambda m: m._persistent_id(m._line(_MOST_NAME).decode("utf-8", "replace")),
        b"Q": lambda m: m._persistent_id(m._stack.pop()),
        # said by the writer, of no use here
        b"\x80": lambda m: m._take(1),
        b"\x95": lambda m: m._take(8),
    }.items()
}
"""Every opcode of pickle but STOP and NEXT_BUFFER, whose bytes would lie outside of the file."""
