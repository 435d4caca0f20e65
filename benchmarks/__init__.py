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
from pathlib import Path
from typing import TYPE_CHECKING

from explorer.errors import UsageError

if TYPE_CHECKING:
    from rich.table import Table

    from .compare import Change
    from .measure import Figure

Measure = Callable[[], "Figure"]


def run(only: list[str], json: bool, old: Path | None = None) -> None:
    """Measure the figures that `only` names, or lie below such a name (`decode`); all without any.

    A table goes to standard output, or with `json` a list of figures; progress goes to standard error. `old` is
    what an earlier run printed with `json`: the table then tells what changed, and the list holds both.

    Raises:
        UsageError: no figure is called so.
        FiguresError: `old` cannot be read; nothing was measured.
    """
    from . import compare

    before = compare.read(old) if old is not None else None
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
        entries = [
            figure.as_json() if before is None else compare.as_json(before.get(figure.name), figure)
            for figure in measured
        ]
        print(json_text.dumps(entries, indent=1))
    elif before is None:
        _print_table(measured, machine)
    else:
        _print_changes(measured, before, machine)


def run_quality(only: list[str], json: bool) -> None:
    """Measure how good the models are that `only` names, or all bundled ones; see `quality`.

    Raises:
        UsageError: there is no such model, or no reference data.
    """
    from . import quality

    quality.run(only, json)


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
    table = _table(machine, "figure", "median>", "p95>", "p99>", "", "plain>", "ratio>")
    for figure in figures:
        numbers = (_text(value) for value in (figure.median, figure.p95, figure.p99))
        table.add_row(figure.name, *numbers, figure.unit, _text(figure.baseline), _text(figure.ratio))
    _print(table, figures)


def _print_changes(figures: list[Figure], before: dict[str, Figure], machine: str) -> None:
    """Print what each figure was and is; what got worse comes first, then what got better."""
    from . import compare

    table = _table(machine, "figure", "median>", "p95>", "", "ratio>", "factor>", "change")
    changes = {figure.name: compare.change(before.get(figure.name), figure) for figure in figures}
    for figure in sorted(figures, key=lambda figure: _place(changes[figure.name])):
        old, change = before.get(figure.name), changes[figure.name]
        table.add_row(
            figure.name,
            *(_both(old, figure, name) for name in ("median", "p95")),
            figure.unit,
            _both(old, figure, "ratio"),
            _text(change.factor if change else None),
            _VERDICTS[change.verdict if change else "new" if old is None else ""],
        )
    _print(table, figures, compare.summary(list(changes.values())))


FILE_WIDTH = 132  # columns, where no terminal says how many it has
_VERDICTS = {"worse": "[red]worse[/]", "better": "[green]better[/]", "same": "", "new": "new", "": "-"}


def _place(change: Change | None) -> int:
    return ("worse", "better", "same").index(change.verdict) if change else 3


def _table(machine: str, *titles: str) -> Table:
    """Return an empty table; a title that ends in `>` is of a column of numbers."""
    from rich.table import Table

    table = Table(title=machine, title_justify="left", title_style="dim", box=None, padding=(0, 2, 0, 0))
    for title in titles:
        justify = "right" if title.endswith(">") else "left"
        is_name = table.columns == []  # it is broken where the terminal is too narrow, and no number
        table.add_column(title.removesuffix(">"), justify=justify, overflow="fold", no_wrap=not is_name)  # type: ignore[arg-type]
    return table


def _print(table: Table, figures: list[Figure], summary: str = "") -> None:
    from rich.console import Console

    console = Console(width=None if sys.stdout.isatty() else FILE_WIDTH)
    console.print(table)
    if summary:
        console.print(summary, soft_wrap=True, highlight=False)
    for figure in figures:
        if figure.note:
            console.print(f"{figure.name}: {figure.note}", style="dim", soft_wrap=True, highlight=False)


def _both(old: Figure | None, new: Figure, name: str) -> str:
    """Return an old and a new value as `3.72 → 2.48`; one dash where there is neither."""
    texts = [_text(getattr(figure, name, None)) for figure in (old, new)]
    return "-" if texts == ["-", "-"] else " → ".join(texts)


def _text(value: float | None) -> str:
    return "-" if value is None else f"{value:.3g}"
