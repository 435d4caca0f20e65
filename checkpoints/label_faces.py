"""Write label columns for a collection of colour faces, for a code book's map: `encode ... --labels`.

    python checkpoints/label_faces.py $EXPLORER_REFERENCE_DATA/seed-animeface/faces-30x30.zip --out labels.csv

Every value is measured on the picture, scaled to 30x30, in regions that hair and background fill in most
faces cropped like these; no picture goes into the file. `--check tags.csv` compares the hair colour with
tags that people gave.
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path

import numpy as np

from explorer.data.images import grey, read_pictures
from explorer.models.base import ImageSpec
from explorer.paths import replacing

SIDE = 30
HAIR = (slice(0, 6), slice(8, 22))  # above the forehead
CORNERS = (slice(0, 6), np.r_[0:4, 26:30])  # both upper corners


def labels(images: np.ndarray) -> dict[str, list[str]]:
    """Return label columns of pictures uint8 `(N, 30, 30, 3)`, as texts; brightness is in 0..255."""
    shades = grey(images).astype(np.float64)
    hair = np.median(images[:, *HAIR].reshape(len(images), -1, 3), axis=1)
    background = shades[:, CORNERS[0]][:, :, CORNERS[1]]
    numbers = {
        "hair brightness": hair @ (0.3, 0.59, 0.11),
        "background brightness": background.mean((1, 2)),
        "brightness": shades.mean((1, 2)),
        "contrast": shades.std((1, 2)),
        "right minus left": shades[:, :, SIDE // 2 :].mean((1, 2)) - shades[:, :, : SIDE // 2].mean((1, 2)),
    }
    columns = {"hair colour": [hair_colour(*pixel) for pixel in hair]}
    return columns | {name: [f"{value:.1f}" for value in values] for name, values in numbers.items()}


def hair_colour(red: float, green: float, blue: float) -> str:
    """Return the name of a hair colour, of RGB in 0..255.

    By luminance, chroma (largest minus smallest) and hue; the bounds were set by hand on the tagged faces.
    """
    largest, smallest = max(red, green, blue), min(red, green, blue)
    luminance, chroma = 0.3 * red + 0.59 * green + 0.11 * blue, largest - smallest
    hue = _hue(red, green, blue, largest, chroma)
    if chroma < 24 or chroma < 0.13 * largest:
        return "black" if luminance < 115 else "grey" if luminance < 200 else "white"
    if luminance < 80 and chroma < 32:
        return "black"
    if hue >= 335 or hue < 17:
        vivid = chroma > 75 and chroma > 0.45 * largest
        return "red" if vivid else "pink" if luminance > 155 or (hue >= 340 and luminance > 125) else "brown"
    if hue < 62:
        return "blonde" if luminance > 150 else "brown"
    if hue < 155:
        return "green"
    if hue < 195:
        return "aqua"
    if hue < 255:
        return "blue"
    return "pink" if hue > 315 and luminance > 150 else "purple"


def _hue(red: float, green: float, blue: float, largest: float, chroma: float) -> float:
    """Return the hue in degrees, 0 is red; 0 for greys."""
    if chroma == 0:
        return 0.0
    if largest == red:
        return 60 * ((green - blue) / chroma % 6)
    return 60 * ((blue - red) / chroma + 2) if largest == green else 60 * ((red - green) / chroma + 4)


def agreement(columns: dict[str, list[str]], names: tuple[str, ...], tags: Path) -> str:
    """Return how often the hair colour is that of `tags` (columns `file` and `hair`), as a sentence."""
    with tags.open(newline="", encoding="utf-8") as file:
        said = {
            row["file"]: row["hair"].replace("gray", "grey").replace("orange", "red")
            for row in csv.DictReader(file)
        }
    pairs = [
        (said[name], found) for name, found in zip(names, columns["hair colour"], strict=True) if name in said
    ]
    same = sum(tag == found for tag, found in pairs)
    return f"The hair colour equals the tag in {same} of {len(pairs)} pictures ({same / len(pairs):.0%})."


def main() -> None:
    """Read the command line and write the file."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("images", type=Path, help="a folder or zip of colour faces")
    parser.add_argument("--out", type=Path, help="the CSV file to write")
    parser.add_argument("--check", type=Path, metavar="TAGS", help="a CSV with the columns file and hair")
    given = parser.parse_args()
    pictures = read_pictures(given.images, ImageSpec(3, SIDE, SIDE))
    columns = labels(pictures.images)
    if given.out:
        with replacing(given.out) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(["file", *columns])
            writer.writerows(zip(pictures.names, *columns.values(), strict=True))
    if given.check:
        print(agreement(columns, pictures.names, given.check))


if __name__ == "__main__":
    main()
