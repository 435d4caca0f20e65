"""Settings of a recipe: a frozen dataclass of defaults, and `key=value` texts parsed against it."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar, get_type_hints

from explorer.errors import UsageError

S = TypeVar("S")


def setting(default: Any, help: str, *, least: float | None = None, most: float | None = None) -> Any:
    """Declare a field of a settings dataclass: default, one line for people, range (ends included).

    A subclass that only wants another default assigns that alone: `epochs: int = 60`.
    """
    return dataclasses.field(default=default, metadata={"help": help, "least": least, "most": most})


@dataclass(frozen=True)
class LoopSettings:
    """What every recipe may be told of its pictures and of the loop; a recipe adds its own and its defaults."""

    extra: str = setting("", "a second collection of pictures to learn from")
    hold_out: int = setting(
        -1, "how many of the last pictures are kept out and reported; -1: a tenth, 100 at most", least=-1
    )
    near_copy: float = setting(
        500.0, "pictures this near to a kept-out one (grey mean squared error) are left out", least=0
    )
    epochs: int = setting(50, "passes over the pictures", least=1)
    batch_size: int = setting(64, "pictures per step", least=1)
    lr: float = setting(1e-3, "highest learning rate", least=1e-8, most=1)
    save_every: int = setting(1, "epochs between two checkpoints", least=1)
    half: bool = setting(False, "save checkpoints as float16, half the size")
    seed: int = setting(0, "of weights, order and noise", least=0, most=2**31)


@dataclass(frozen=True)
class SettingInfo:
    """What `train --list` shows of one setting."""

    name: str
    default: str
    help: str


def describe(kind: type) -> list[SettingInfo]:
    """Return the settings of the dataclass `kind` in their order."""
    return [
        SettingInfo(field.name, _text(field.default), _declared(kind, field.name)["help"])
        for field in dataclasses.fields(kind)
    ]


def parse(kind: type[S], given: Mapping[str, str], recipe: str) -> S:
    """Return `kind` with its defaults replaced by the texts of `given`.

    Numbers are plain numbers, lists are numbers with commas (`512,256,64`), switches are yes or no.

    Raises:
        UsageError: an unknown name, a text that is no such value, or one out of range; the text names the
            known ones.
    """
    fields = {field.name: field for field in dataclasses.fields(kind)}  # type: ignore[arg-type]
    hints = get_type_hints(kind)
    values = {}
    for name, text in given.items():
        if name not in fields:
            raise UsageError(f"The recipe {recipe} has no setting {name}; it knows {', '.join(fields)}.")
        metadata = _declared(kind, name)
        values[name] = _value(text, hints[name], recipe, name)
        _check_range(values[name], metadata["least"], metadata["most"], recipe, name)
    return kind(**values)


def _declared(kind: type, name: str) -> Mapping[str, Any]:
    """Return what `setting` was told of a field, in the class or the nearest base that told it more than a default."""
    fields = (vars(base).get("__dataclass_fields__", {}).get(name) for base in kind.__mro__)
    return next(field.metadata for field in fields if field is not None and field.metadata)


_WORDS = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}


def _value(text: str, hint: Any, recipe: str, name: str) -> Any:
    text = text.strip()
    wanted = {int: "a whole number", float: "a number", bool: "yes or no"}.get(
        hint, "whole numbers with commas"
    )
    try:
        if hint is bool:
            return _WORDS[text.lower()]
        if hint in (int, float, str):
            return hint(text)
        return tuple(int(part) for part in text.strip("()[]").split(",") if part.strip())
    except (KeyError, ValueError):
        raise UsageError(
            f"The setting {name} of {recipe} takes {wanted}, not {text!r}; correct it."
        ) from None


def _check_range(value: Any, least: float | None, most: float | None, recipe: str, name: str) -> None:
    numbers = value if isinstance(value, tuple) else (value,)
    if isinstance(value, str) or (value and least is None and most is None):
        return
    low = float("-inf") if least is None else least
    high = float("inf") if most is None else most
    if not numbers or not all(low <= number <= high and math.isfinite(number) for number in numbers):
        asked = f"at least {low:g}" if most is None else f"{low:g} to {high:g}"
        raise UsageError(f"The setting {name} of {recipe} must be {asked}, not {_text(value)}; correct it.")


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)
