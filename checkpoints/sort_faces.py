"""Make a zip of the faces whose hair people tagged with given colours, for recipes that learn from two collections.

    python checkpoints/sort_faces.py faces.zip tags.csv --hair black brown --out dark.zip --without-last 2048

`--without-last N` leaves out the last N faces of the whole collection, in natural order of their names, tagged or
not, and whatever nearly equals one of them; `--only-last N` takes those alone. So nothing that learns from the one
has seen the other. The pictures go into the zip as they are, byte for byte; nothing is drawn by chance.
"""

from __future__ import annotations

import argparse
import csv
import zipfile
from collections.abc import Collection, Mapping
from pathlib import Path

import numpy as np

from explorer.data.images import Pictures, read_pictures
from explorer.errors import ExplorerError, UsageError
from explorer.models.base import ImageSpec
from explorer.paths import replacing
from explorer.training.pictures import distances

SIDE = 32  # the size at which near copies are looked for
NEAR_COPY = 500.0  # grey mean squared error, 0..255
_DATE = (2020, 1, 1, 0, 0, 0)  # the same in every zip, so that the same faces make the same file


def read_tags(path: Path, column: str = "hair") -> dict[str, str]:
    """Return the tag of each file of a CSV with the columns `file` and `column`.

    Raises:
        UsageError: the file cannot be read or has no such columns.
    """
    try:
        with path.open(newline="", encoding="utf-8") as file:
            return {row["file"]: row[column] or "" for row in csv.DictReader(file)}
    except (OSError, ValueError, KeyError, csv.Error) as error:
        raise UsageError(
            f"{path} cannot be read as a table with the columns file and {column}; name the tags' CSV file."
        ) from error


def tags_of(names: Collection[str], tags: Mapping[str, str]) -> list[str]:
    """Return the tag of each picture, found by the last part of its name; empty where it has none."""
    return [tags.get(name.rsplit("/", 1)[-1], "") for name in names]


def chosen(
    pictures: Pictures, tags: Mapping[str, str], hair: Collection[str], *, without_last: int, only_last: int
) -> list[str]:
    """Return the names of the faces with hair of these colours, in their order.

    Args:
        pictures: the whole collection, in natural order, uint8 `(N, 32, 32, 3)`.
        tags: the hair colour of files by name.
        hair: wished colours.
        without_last: how many of the last faces to leave out, with their near copies.
        only_last: how many of the last faces to take alone; 0 for all.

    Raises:
        UsageError: a colour that is no tag, more faces left out than there are, or none that fits.
    """
    unknown = sorted(set(hair) - set(tags.values()))
    if unknown:
        known = ", ".join(sorted(set(tags.values())))
        raise UsageError(f"No face has the tag {unknown[0]}; choose from {known}.")
    if max(without_last, only_last) > len(pictures):
        raise UsageError(f"There are only {len(pictures)} faces; ask for fewer of the last ones.")
    here = np.array([tag in hair for tag in tags_of(pictures.names, tags)])
    split = len(pictures) - (without_last or only_last)
    if only_last:
        here[:split] = False
    elif without_last:
        here[split:] = False
        found = np.flatnonzero(here)
        here[found] = distances(pictures.images[found], pictures.images[split:]) >= NEAR_COPY
    if not here.any():
        raise UsageError("No face with such hair is left; choose other colours or leave out fewer.")
    return [name for name, is_wished in zip(pictures.names, here, strict=True) if is_wished]


def copy_members(source: Path, names: Collection[str], out: Path) -> None:
    """Write a zip of these members of another, byte for byte, whole or not at all.

    Raises:
        OutputError: it could not be written.
    """
    with (
        zipfile.ZipFile(source) as archive,
        replacing(out) as temporary,
        zipfile.ZipFile(temporary, "w") as copy,
    ):
        for name in names:
            copy.writestr(zipfile.ZipInfo(name, _DATE), archive.read(name))


def main(words: list[str] | None = None) -> None:
    """Read the command line and write the zip."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("faces", type=Path, help="a zip of colour faces")
    parser.add_argument("tags", type=Path, help="a CSV with the columns file and hair")
    parser.add_argument("--hair", nargs="+", required=True, metavar="COLOUR", help="tags of the faces wished")
    parser.add_argument("--out", type=Path, required=True, help="the zip to write")
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--without-last", type=int, default=0, metavar="N", help="leave out the last N faces")
    which.add_argument("--only-last", type=int, default=0, metavar="N", help="take only the last N faces")
    given = parser.parse_args(words)
    if min(given.without_last, given.only_last) < 0:
        parser.error("N must be a whole number, at least 0")
    try:
        if not zipfile.is_zipfile(given.faces):
            raise UsageError(f"{given.faces} is no zip; name a zip of faces.")
        pictures = read_pictures(given.faces, ImageSpec(3, SIDE, SIDE))
        names = chosen(
            pictures,
            read_tags(given.tags),
            given.hair,
            without_last=given.without_last,
            only_last=given.only_last,
        )
        copy_members(given.faces, names, given.out)
    except ExplorerError as error:
        parser.exit(3, f"{error}\n")
    print(f"{given.out}: {len(names)} of {len(pictures)} faces.")


if __name__ == "__main__":
    main()
