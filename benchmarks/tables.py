"""Figures as tables: for a terminal, what changed since older ones, and for a page of documents."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from . import compare
from .measure import Figure

if TYPE_CHECKING:
    from rich.table import Table

    from .compare import Change

FILE_WIDTH = 132  # columns, where no terminal says how many it has
_VERDICTS = {"worse": "[red]worse[/]", "better": "[green]better[/]", "same": "", "new": "new", "": "-"}


def by_group(figures: Sequence[Figure]) -> list[Figure]:
    """Return figures of one kind beside each other: they are measured by network, not by kind."""
    groups = list(dict.fromkeys(_group(figure) for figure in figures))
    return sorted(figures, key=lambda figure: groups.index(_group(figure)))


def print_figures(figures: Sequence[Figure], machine: str) -> None:
    """Print all figures, and their notes."""
    table = _table(machine, "figure", "median>", "p95>", "p99>", "", "plain>", "ratio>")
    for figure in figures:
        numbers = (_text(value) for value in (figure.median, figure.p95, figure.p99))
        table.add_row(figure.name, *numbers, figure.unit, _text(figure.baseline), _text(figure.ratio))
    _print(table, figures)


def print_changes(figures: Sequence[Figure], before: dict[str, Figure], machine: str) -> None:
    """Print what each figure was and is; what got worse comes first, then what got better."""
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


def markdown(figures: Sequence[Figure]) -> str:
    """Return figures as a Markdown table; those that were not measured are left out."""
    lines = ["| figure | median | p95 | | plain | ratio |", "|---|--:|--:|---|--:|--:|"]
    for figure in by_group(figures):
        if figure.median is not None:
            numbers = [_text(value) for value in (figure.median, figure.p95)]
            rest = [figure.unit, _text(figure.baseline), _text(figure.ratio)]
            lines.append(f"| {' | '.join([f'`{figure.name}`', *numbers, *rest])} |")
    return "\n".join(lines)


def _group(figure: Figure) -> str:
    return figure.name.partition("/")[0]


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


def _print(table: Table, figures: Sequence[Figure], summary: str = "") -> None:
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
    if value is None:
        return "-"
    return f"{value:.0f}" if abs(value) >= 1000 else f"{value:.3g}"
