"""Write the digits that an idx file of labels names as a column for a code book's map: `encode ... --labels`.

    python checkpoints/label_digits.py $EXPLORER_REFERENCE_DATA/mnist-10k/t10k-labels-idx1-ubyte.gz --out digits.csv

Pictures of an idx file are called by their number, from 0, and so are the rows.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import zlib
from pathlib import Path

from explorer.errors import ExplorerError, UsageError
from explorer.paths import replacing

MAGIC = b"\0\0\x08\x01"  # bytes, in one dimension


def read_digits(path: Path) -> list[int]:
    """Return the labels of an idx file, gzipped or not.

    Raises:
        UsageError: it cannot be read, or is none of labels.
    """
    try:
        content = path.read_bytes()
        if content[:2] == b"\x1f\x8b":
            content = gzip.decompress(content)
    except (OSError, EOFError, zlib.error) as error:
        raise UsageError(f"{path} cannot be read; name an idx file of labels.") from error
    if content[:4] != MAGIC or len(content) - 8 != int.from_bytes(content[4:8], "big"):
        raise UsageError(
            f"{path} is no whole idx file of labels; name one such as t10k-labels-idx1-ubyte.gz."
        )
    return list(content[8:])


def main(words: list[str] | None = None) -> None:
    """Read the command line and write the columns."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("labels", type=Path, help="an idx file of labels")
    parser.add_argument("--out", type=Path, required=True, help="the CSV file to write")
    given = parser.parse_args(words)
    try:
        digits = read_digits(given.labels)
        with replacing(given.out) as temporary, temporary.open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["file", "digit"])
            writer.writerows(enumerate(digits))
    except ExplorerError as error:
        parser.exit(3, f"{error}\n")
    print(f"{given.out}: the digits of {len(digits)} pictures.")


if __name__ == "__main__":
    main()
