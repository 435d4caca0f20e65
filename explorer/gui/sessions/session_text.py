"""JSON that people can read: one line for each thing, however many numbers it has; float32 in its shortest decimals.

What is said is `session_file`'s.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np

SHORT = 100
"""Letters of an object that stays on one line."""


class Ready(str):
    """Text that is JSON already."""


def one_line(value: Any) -> str:
    """Return JSON on one line; arrays and numbers of float32 in the shortest decimals that are exact.

    Numbers that are none become 0, which JSON can say.
    """
    if isinstance(value, Ready):
        return value
    if isinstance(value, np.ndarray):
        numbers = np.where(np.isfinite(value), value, np.float32(0))
        return f"[{', '.join(numbers.astype(np.float32).astype('U').tolist())}]"
    if isinstance(value, np.floating):
        return str(np.float32(value if np.isfinite(value) else 0))
    if isinstance(value, np.generic):
        return json.dumps(value.item())
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{one_line(str(key))}: {one_line(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(one_line, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


def laid_out(said: Mapping[str, Any]) -> str:
    """Return JSON with one line for each value of the object, more only where it is long and no list of numbers."""
    return (
        "{\n" + ",\n".join(f"  {one_line(key)}: {_indented(value)}" for key, value in said.items()) + "\n}\n"
    )


def _indented(value: Any) -> str:
    line = one_line(value)
    if isinstance(value, Mapping) and len(line) > SHORT:
        return (
            "{\n"
            + ",\n".join(f"    {one_line(key)}: {one_line(each)}" for key, each in value.items())
            + "\n  }"
        )
    if isinstance(value, list) and value and isinstance(value[0], Ready | Mapping):
        return "[\n" + ",\n".join(f"    {one_line(each)}" for each in value) + "\n  ]"
    return line
