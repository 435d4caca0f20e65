"""Label columns of pictures from a CSV file: tags, hair colours, digits."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath

import numpy as np

from explorer.data.wording import shown, shown_list
from explorer.errors import LatentError


def read_labels(csv_path: Path | str, names: Sequence[str]) -> dict[str, np.ndarray]:
    """Return the columns of a CSV file in the order of `names`.

    The first row names the columns; the first column is the picture's file name, matched whole or without
    folders. A column is float32 where every entry is a number (NaN where missing), else text ("" where
    missing). Columns may be separated by semicolons or tabs, as spreadsheets write them.

    Raises:
        LatentError: the file cannot be read, has no column besides the file, names none of the pictures, or
            a column or a row occurs twice.
    """
    hint = "give a CSV file whose first row names the columns and whose first column is the picture's file"
    try:
        with Path(csv_path).open(newline="", encoding="utf-8-sig") as file:
            text = file.read()
        rows = [row for row in csv.reader(io.StringIO(text), delimiter=_delimiter(text)) if row]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        reason = getattr(error, "strerror", None) or "it is no UTF-8 text of comma-separated values"
        raise LatentError(f"{csv_path} cannot be read ({reason.lower()}); {hint}.") from error
    if not rows or len(rows[0]) < 2:
        raise LatentError(f"{csv_path} has no label column; {hint}.")
    columns = [title.strip() or f"column {index + 1}" for index, title in enumerate(rows[0])]
    if twice := _twice(columns[1:]):
        raise LatentError(f"{csv_path} has more than one column called {shown(twice)}; rename one of them.")
    if twice := _twice([name for row in rows[1:] if (name := row[0].strip())]):
        raise LatentError(f"{csv_path} has more than one row of {shown(twice)}; keep one of them.")
    by_name = {row[0].strip(): row for row in reversed(rows[1:])}
    by_name = {PurePosixPath(name).name: row for name, row in by_name.items()} | by_name
    found = [by_name.get(name, by_name.get(PurePosixPath(name).name)) for name in names]
    if not any(row is not None for row in found):
        raise LatentError(_misfit(csv_path, [row[0].strip() for row in rows[1:]], names))
    return {
        column: _column([row[index].strip() if row is not None and index < len(row) else "" for row in found])
        for index, column in enumerate(columns)
        if index
    }


def without_label(columns: Mapping[str, np.ndarray]) -> int:
    """Return how many pictures have nothing in any of the columns that `read_labels` gave."""
    empty = [values == "" if values.dtype.kind == "U" else np.isnan(values) for values in columns.values()]
    return int(np.logical_and.reduce(empty).sum()) if empty else 0


def _misfit(csv_path: Path | str, given: Sequence[str], names: Sequence[str]) -> str:
    """Return the sentence for a table of other pictures."""
    if not given or not names:
        return f"{csv_path} has no row below the one that names the columns; add a row for each picture."
    stems = {PurePosixPath(name).stem for name in names}
    hint = "give the table of these pictures, with the file's name in its first column"
    if any(PurePosixPath(name).stem in stems for name in given):
        hint = "the names differ in what follows the last dot, so correct that in its first column"
    return (
        f"{csv_path} names none of the {len(names)} pictures: it has {shown_list(given[:3])}, the pictures are "
        f"{shown_list(names[:3])}; {hint}."
    )


def _delimiter(text: str) -> str:
    """Return what separates the columns: a comma, or the semicolon or tab that the first row has more of."""
    title = text.lstrip("\r\n").partition("\n")[0]
    return max(",;\t", key=title.count)


def _twice(names: Sequence[str]) -> str | None:
    """Return the first name that occurs more than once."""
    return next((name for name, count in Counter(names).items() if count > 1), None)


def _column(entries: list[str]) -> np.ndarray:
    """Return float32 where every entry is a number or missing, else text."""
    try:
        return np.array([float(entry) if entry else np.nan for entry in entries], dtype=np.float32)
    except ValueError:
        return np.array(entries, dtype=np.str_)
