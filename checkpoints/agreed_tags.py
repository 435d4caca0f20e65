"""Write the tags of faces without the hair colours that a measurement on the picture does not find, too.

    python checkpoints/agreed_tags.py faces.zip tags.csv --out agreed.csv

People's tags are noisy, and a colour goes over into the next one: of faces tagged red many are pink or brown. What is
left is for recipes that are to learn what a colour is at its plainest (`sort_faces.py` takes the file). The measurement
is that of `label_faces.py`; a face without a tag stays without one.
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path

import label_faces
import sort_faces

from explorer.data.images import read_pictures
from explorer.errors import ExplorerError
from explorer.models.base import ImageSpec
from explorer.paths import replacing


def agreed(tags: dict[str, str], measured: dict[str, str]) -> dict[str, str]:
    """Return the tag of each file where the colour measured on it is the same; else it is empty."""
    spelt = {"gray": "grey", "orange": "red"}
    return {
        name: tag if tag and spelt.get(tag, tag) == measured.get(name) else "" for name, tag in tags.items()
    }


def main(words: list[str] | None = None) -> None:
    """Read the command line and write the file."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("faces", type=Path, help="a collection of colour faces")
    parser.add_argument("tags", type=Path, help="a CSV with the columns file and hair")
    parser.add_argument("--out", type=Path, required=True, help="the CSV file to write")
    given = parser.parse_args(words)
    try:
        tags = sort_faces.read_tags(given.tags)
        pictures = read_pictures(given.faces, ImageSpec(3, label_faces.SIDE, label_faces.SIDE))
        names = (name.rsplit("/", 1)[-1] for name in pictures.names)
        measured = dict(zip(names, label_faces.labels(pictures.images)["hair colour"], strict=True))
        kept = agreed(tags, measured)
        with replacing(given.out) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(["file", "hair"])
            writer.writerows(kept.items())
    except ExplorerError as error:
        parser.exit(3, f"{error}\n")
    print(f"{given.out}: {sum(map(bool, kept.values()))} of {sum(map(bool, tags.values()))} tags.")


if __name__ == "__main__":
    main()
