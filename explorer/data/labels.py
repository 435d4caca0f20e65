"""Label columns of pictures from a CSV file: tags, hair colours, digits."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

import numpy as np

from explorer.errors import LatentError


def read_labels(csv_path: Path | str, names: Sequence[str]) -> dict[str, np.ndarray]:
    """Return the columns of a CSV file in the order of `names`.

    The first row names the columns; the first column is the picture's file name, matched whole or without
    folders. A column is float32 where every entry is a number (NaN where missing), else text ("" where
    missing).

    Raises:
        LatentError: the file cannot be read, has no column besides the file, or names none of the pictures.
    """
    hint = "give a CSV file whose first row names the columns and whose first column is the picture's file"
    try:
        with Path(csv_path).open(newline="", encoding="utf-8-sig") as file:
            rows = [row for row in csv.reader(file) if row]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        reason = getattr(error, "strerror", None) or "it is no UTF-8 text of comma-separated values"
        raise LatentError(f"{csv_path} cannot be read ({reason.lower()}); {hint}.") from error
    if not rows or len(rows[0]) < 2:
        raise LatentError(f"{csv_path} has no label column; {hint}.")
    columns = [title.strip() or f"column {index + 1}" for index, title in enumerate(rows[0])]
    by_name = {row[0].strip(): row for row in reversed(rows[1:])}
    by_name = {PurePosixPath(name).name: row for name, row in by_name.items()} | by_name
    found = [by_name.get(name, by_name.get(PurePosixPath(name).name)) for name in names]
    if not any(row is not None for row in found):
        raise LatentError(f"{csv_path} names none of the {len(names)} pictures; {hint}.")
    return {
        column: _column([row[index].strip() if row is not None and index < len(row) else "" for row in found])
        for index, column in enumerate(columns)
        if index
    }


def _column(entries: list[str]) -> np.ndarray:
    """Return float32 where every entry is a number or missing, else text."""
    try:
        return np.array([float(entry) if entry else np.nan for entry in entries], dtype=np.float32)
    except ValueError:
        return np.array(entries, dtype=np.str_)
