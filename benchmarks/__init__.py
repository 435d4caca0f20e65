"""What `make bench` and `latent-explorer bench` run: figures by name, each measured beside a plain baseline.

This folder is no part of the package `explorer`; the command line loads it by its path. `_figures()` names what
can be measured; what belongs in here is measuring only.
"""

from __future__ import annotations

import json as json_text
import os
import sys
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from explorer.errors import UsageError

if TYPE_CHECKING:
    from .measure import Figure

Measure = Callable[[], "Figure"]


def run(only: list[str], json: bool) -> None:
    """Measure the figures that `only` names, or lie below such a name (`decode`); all without any.

    A table goes to standard output, or with `json` a list of figures; progress goes to standard error.

    Raises:
        UsageError: no figure is called so.
    """
    figures = _figures()
    chosen = [name for name in figures if not only or any(_is_below(name, wanted) for wanted in only)]
    for wanted in only:
        if not any(_is_below(name, wanted) for name in figures):
            raise UsageError(f"There is no figure called {wanted}; choose from: {', '.join(figures)}.")
    machine = _machine()
    print(machine, file=sys.stderr)
    from . import windows

    with windows.Lab([name for name in chosen if name.startswith("window/")]) as lab:
        measured = []
        for name in chosen:
            print(f"{name} ...", file=sys.stderr)
            measured.append(lab.figure(name) if name.startswith("window/") else figures[name]())
    if json:
        print(json_text.dumps([figure.as_json() for figure in measured], indent=1))
    else:
        _print_table(measured, machine)


def _figures() -> dict[str, Measure]:
    """Return all figures by name, in the order they are measured in."""
    from . import decoding, windows

    found: dict[str, Measure] = {}
    for model in decoding.latent_models():
        found[f"decode/{model}"] = partial(decoding.decode, f"decode/{model}")
        found[f"strip/{model}"] = partial(decoding.strip, f"strip/{model}")
        for stage in decoding.stages():
            found[f"strip/{model}+{stage}"] = partial(decoding.strip, f"strip/{model}+{stage}")
        found[f"encode/{model}"] = partial(decoding.encode, f"encode/{model}")
    return found | dict.fromkeys(windows.NAMES)  # type: ignore[arg-type]


def _machine() -> str:
    """Return the machine in one line, with how busy others keep it: more than a core's worth spoils the times."""
    from explorer.render.devices import describe_machine

    load = f", load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    return describe_machine() + load


def _is_below(name: str, wanted: str) -> bool:
    return name == wanted or name.startswith(wanted.rstrip("/") + "/")


def _print_table(figures: list[Figure], machine: str) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(title=machine, title_justify="left", title_style="dim", box=None, padding=(0, 2, 0, 0))
    for title, justify in (
        ("figure", "left"),
        ("median", "right"),
        ("p95", "right"),
        ("p99", "right"),
        ("", "left"),
        ("plain", "right"),
        ("ratio", "right"),
    ):
        table.add_column(title, justify=justify, overflow="fold", no_wrap=True)  # type: ignore[arg-type]
    for figure in figures:
        numbers = (_text(value) for value in (figure.median, figure.p95, figure.p99))
        table.add_row(figure.name, *numbers, figure.unit, _text(figure.baseline), _text(figure.ratio))
    console = Console()
    console.print(table)
    for figure in figures:
        if figure.note:
            console.print(f"{figure.name}: {figure.note}", style="dim", soft_wrap=True, highlight=False)


def _text(value: float | None) -> str:
    return "-" if value is None else f"{value:.3g}"
