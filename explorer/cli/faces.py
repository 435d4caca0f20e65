"""`prepare faces` and `swap`: faces out of pictures and videos, and drawn anew in them."""

from __future__ import annotations

import math
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from explorer.cli.options import Engine, add_command
from explorer.errors import UsageError
from explorer.faces import MARGIN

if TYPE_CHECKING:
    from explorer.faces.finding import Finder

app = typer.Typer(help="Make pictures to train on from your own pictures and videos.")


class Faceless(StrEnum):
    """What becomes of a picture in which no face is found."""

    centre = "centre"
    skip = "skip"


class Colours(StrEnum):
    """Whose colours a new face has."""

    lab = "lab"
    none = "none"


MarginOption = Annotated[
    float,
    typer.Option(
        min=0.0, max=2.0, help="Room around a face on each side, as a share of the face's own side."
    ),
]


def faces(
    source: Annotated[
        Path,
        typer.Argument(metavar="SOURCE", help="A folder, zip or array of pictures, a picture, or a video."),
    ],
    out: Annotated[Path, typer.Option(metavar="FOLDER", help="Where to write; new, or empty.")],
    size: Annotated[int, typer.Option(min=8, max=2048, help="Side of the pictures, in pixels.")] = 64,
    margin: MarginOption = MARGIN,
    every: Annotated[
        float,
        typer.Option(min=0.0, max=86400.0, help="Of a video: seconds from one frame to the next; 0: all."),
    ] = 1.0,
    most: Annotated[
        int | None, typer.Option(min=1, show_default="all", help="Stop after so many pictures.")
    ] = None,
    faceless: Annotated[
        Faceless,
        typer.Option(help="Where no face is found, as in drawings: crop to the centre, or leave it out."),
    ] = Faceless.centre,
    centre: Annotated[
        bool, typer.Option("--centre", help="Look for no face; crop every picture to its centre.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print JSON to standard output.")] = False,
) -> None:
    """Cut the faces out of pictures or a video, upright, the eyes always at the same places.

    Writes SOURCE-1.png and so on, and faces.csv, which tells how each was cut. Photographed faces are found by the
    cascades of OpenCV (the extra `faces`).
    """
    from explorer.cli.work import print_json, progress, say
    from explorer.data.images import never
    from explorer.faces.finding import cascades
    from explorer.faces.preparing import Wish, check_empty, prepare

    _check_finite("--margin", margin)
    _check_finite("--every", every)
    if centre and faceless is Faceless.skip:
        raise UsageError("With --centre no face is looked for; leave out --faceless skip.")
    check_empty(out)
    finder = None if centre else cascades()
    wish = Wish(size, margin, most, every, faceless is Faceless.centre)
    with progress() as report:
        made = prepare(source, out, wish, finder, report, never)
    say(*made.notes())
    if json:
        print_json(made.figures)


def swap(
    source: Annotated[
        Path, typer.Argument(metavar="FOLDER|VIDEO", help="A folder of pictures, a picture, or a video.")
    ],
    model: Annotated[
        str,
        typer.Option(
            metavar="FILE", help="A twin autoencoder: one encoder, a decoder for each of two people."
        ),
    ],
    out: Annotated[
        Path,
        typer.Option(
            metavar="OUT", help="A new folder; for a video .mp4, .mkv or .mov; for a picture .png, .jpg."
        ),
    ],
    engine: Engine,
    head: Annotated[
        str | None,
        typer.Option(metavar="NAME", show_default="the second", help="Which decoder draws the faces."),
    ] = None,
    whole: Annotated[
        bool, typer.Option("--whole", help="The centre square of each picture is the face, as in drawings.")
    ] = False,
    margin: MarginOption = MARGIN,
    colours: Annotated[
        Colours | None,
        typer.Option(
            show_default="lab; with --whole none",
            help="Give a new face the colours of the old one (mean and spread in CIELAB), or not.",
        ),
    ] = None,
) -> None:
    """Draw every face in pictures or in a video anew, by the other decoder of a twin autoencoder.

    Faces are found as by `prepare faces`; give the --margin that the training pictures were cut with. Where there is
    none, a picture stays as it is. A video keeps its size, times and sound.
    """
    from explorer.cli.work import open_model, progress, renderer_for, say
    from explorer.data.images import never
    from explorer.export.writing import check_target
    from explorer.faces.files import check_out, swap_files
    from explorer.faces.swapping import Artist, Blend, Swap

    _check_finite("--margin", margin)
    if not source.is_dir():
        check_target(out)
    check_out(source, out, model)
    finder = _finder(whole)
    opened = open_model(model, engine).model
    artist = Artist(opened, head, renderer_for(engine))  # type: ignore[arg-type]
    blend = Blend(margin, not whole if colours is None else colours is Colours.lab)
    with progress() as report:
        made = swap_files(source, out, Swap(artist, artist.size, finder, blend), report, never)
    say(*made.notes(), artist.note)


def _check_finite(option: str, value: float) -> None:
    if not math.isfinite(value):
        raise UsageError(f"{option} {value} is no number; give one like 0.5.")


def _finder(whole: bool) -> Finder | None:
    from explorer.faces.finding import cascades

    return None if whole else cascades()


add_command(app, faces, "prepare faces holiday.mp4 --out faces/anna --size 64 --faceless skip")
