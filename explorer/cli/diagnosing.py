"""What `info` prints of a checkpoint that does not say everything itself; and `info --keep`.

What was found comes from the reader (`explorer.formats.diagnosis`); nothing is guessed here.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from explorer.data.wording import counted, shown
from explorer.errors import UsageError

if TYPE_CHECKING:
    from rich.table import Table

    from explorer.formats.diagnosis import Diagnosis, Guess, LayerFact, TensorFact

MOST_UNUSED = 20
"""Tensors that are named on a terminal; JSON has all of them."""

MOST_OPTIONS = 5
"""Other possibilities of a guess that are named there."""


def check_keep(keep: bool, hints: Mapping[str, str]) -> None:
    """Raise `UsageError` where hints are to be kept and none is given."""
    if keep and not hints:
        raise UsageError("--keep writes the hints that are given; give at least one as --hint KEY=VALUE.")


def keep(path: Path, hints: Mapping[str, str]) -> None:
    """Write hints beside a checkpoint and say where."""
    from explorer.cli.work import say
    from explorer.formats.hints_writing import write_hints

    say(f"The hints were written to {write_hints(path, hints)} and are used from now on.")


def plain(diagnosis: Diagnosis | None, *, failed: bool = False) -> dict[str, Any] | None:
    """Return all of a diagnosis as plain values; None where the reader guessed nothing."""
    from explorer.formats.diagnosis_words import certainty_word

    if diagnosis is None:
        return None
    return {
        "headline": _headline(diagnosis, failed=failed),
        "guesses": [
            asdict(guess) | {"word": certainty_word(guess.certainty), "overrides": overrides(guess)}
            for guess in diagnosis.guesses
        ],
        "layers": [asdict(layer) | {"word": certainty_word(layer.certainty)} for layer in diagnosis.layers],
        "tensors": [asdict(tensor) for tensor in diagnosis.tensors],
        "unused": [tensor.key for tensor in _unused(diagnosis)],
        "misfits": list(diagnosis.misfits),
        "layers_text": diagnosis.layers_text,
    }


def overrides(guess: Guess) -> list[str]:
    """Return the options that say otherwise, the likeliest first."""
    return [_option(guess.hint, value) for value in guess.others]


def _option(hint: str, value: str) -> str:
    return f"--hint {shlex.quote(f'{hint}={value}')}"


def print_unfamiliar(path: Path, diagnosis: Diagnosis, *, as_json: bool) -> None:
    """Print what was found in a file that became no model; why is told elsewhere."""
    from explorer.cli.work import print_json

    if as_json:
        found = plain(diagnosis, failed=True)
        print_json({"name": path.stem, "kind": None, "path": str(path), "diagnosis": found})
    else:
        print_found(diagnosis, failed=True)


def print_found(diagnosis: Diagnosis, *, failed: bool = False) -> None:
    """Print the layers, the guesses with the hints that override them, and what does not fit.

    Args:
        diagnosis: what was found.
        failed: no model came of it, so what was taken is only one more possibility.
    """
    from explorer.cli.work import print_table
    from explorer.formats.diagnosis_words import unused

    if diagnosis.layers:
        print_table(_layers(diagnosis.layers))
    _print_guesses(diagnosis.guesses, failed)
    if not diagnosis.layers and diagnosis.tensors:
        print_table(_tensors(diagnosis.tensors))
    elif _unused(diagnosis):
        _print_unused(_unused(diagnosis))
    misfits = [text for text in diagnosis.misfits if text != unused(diagnosis)]
    if misfits:
        print("", *misfits, sep="\n")
    if not (failed and diagnosis.seems):  # which the error says that follows
        print(f"\n{_headline(diagnosis, failed=failed)}")
    if diagnosis.layers_text and not failed:
        print(
            "\nThe whole decoder as one hint, which gives the same network again; edit it to change anything:",
            f'--hint "layers={diagnosis.layers_text}"',
            sep="\n",
        )


def _print_guesses(guesses: Sequence[Guess], failed: bool) -> None:
    """Print guesses with options that can be copied, and so are never broken."""
    from explorer.formats.diagnosis_words import certainty_word
    from explorer.formats.sidecars import HINTS, example

    if guesses:
        print("\nGuessed, the least certain first")
    wide = max((len(guess.hint) for guess in guesses), default=0)
    for guess in guesses:
        word, reason = certainty_word(guess.certainty), shown(guess.reason, 200)
        print(f"{guess.hint:{wide}}  {shown(guess.value, 400)}  ({word}{': ' if reason else ''}{reason})")
        options = [_option(guess.hint, guess.value)] if failed and guess.value else []
        options += overrides(guess)
        if not options and guess.hint in HINTS:
            options = [f"--hint {guess.hint}=... ({example(guess.hint)})"]
        for option in options[:MOST_OPTIONS]:
            print(f"{'':{wide}}  or {shown(option, 500)}")


def _headline(diagnosis: Diagnosis, *, failed: bool = False) -> str:
    from explorer.formats.diagnosis_words import LAST_RESORTS, headline
    from explorer.formats.sidecars import HINTS, example

    doubtful = diagnosis.doubtful
    if failed and not doubtful:
        return headline(
            diagnosis, f"say {', '.join(f'--hint {hint}=...' for hint in LAST_RESORTS)}", failed=True
        )
    if not doubtful or doubtful[0].hint not in HINTS:
        return headline(diagnosis, failed=failed)
    if doubtful[0].hint == "layers":
        return headline(diagnosis, "edit the hint layers below", failed=failed)
    hint = doubtful[0].hint
    say = "say" if failed else "where it is wrong, say"
    return headline(diagnosis, f"{say} --hint {hint}=... ({example(hint)})", failed=failed)


def _unused(diagnosis: Diagnosis) -> list[TensorFact]:
    return [tensor for tensor in diagnosis.tensors if not tensor.part]


def _print_unused(tensors: Sequence[TensorFact]) -> None:
    more = len(tensors) - MOST_UNUSED
    names = ", ".join(shown(tensor.key, 80) for tensor in tensors[:MOST_UNUSED])
    rest = f" and {more} more" if more > 0 else ""
    print(f"\nNot used: {counted(len(tensors), 'tensor')}: {names}{rest}.")


def _table(title: str, *columns: str) -> Table:
    from rich.table import Table

    table = Table(
        title=f"\n{title}", title_justify="left", title_style="bold", box=None, padding=(0, 2, 0, 0)
    )
    for name in columns:
        table.add_column(name, overflow="fold", header_style="dim")
    return table


def _add(table: Table, *cells: str) -> None:
    from rich.text import Text

    table.add_row(*(Text(cell) for cell in cells))  # words of strangers, which may look like markup


def _layers(layers: Sequence[LayerFact]) -> Table:
    from explorer.formats.diagnosis_words import certainty_word

    table = _table("Layers", "part", "layer", "tensors", "gives", "certainty")
    for layer in layers:
        sides = "x".join(map(str, layer.shape))
        _add(table, layer.part, layer.text, shown(layer.key, 80), sides, certainty_word(layer.certainty))
    return table


def _tensors(tensors: Sequence[TensorFact]) -> Table:
    table = _table("Tensors", "name", "shape", "numbers", "part")
    for tensor in tensors:
        _add(table, shown(tensor.key, 80), "x".join(map(str, tensor.shape)), tensor.dtype, tensor.part)
    return table
