"""`export`: pictures of codes as files, each with the recipe that `replay` makes it from again."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from explorer.cli.options import CheckpointArgument, Decoding, Layout, add_command
from explorer.data.wording import counted
from explorer.errors import UsageError
from explorer.export.recipe import MOST_SEED

app = typer.Typer(
    help="Export pictures, strips, sheets, grids and maps; a strip also as a film (.gif, .webp).",
)


class PathKind(StrEnum):
    """How a strip goes from one code to the other."""

    lerp = "lerp"
    slerp = "slerp"


class Ends(StrEnum):
    """What the ends of a strip show."""

    source = "source"
    decoded = "decoded"


class RangeName(StrEnum):
    """How far a traversal reaches."""

    data = "data"
    prior = "prior"


PictureOut = Annotated[
    Path, typer.Option("--out", metavar="FILE.png", help="Where to write: .png, or .webp, .gif.")
]
CodeOption = Annotated[
    Path | None,
    typer.Option("--code", metavar="FILE.npy", show_default="the centre", help="The code to go through."),
]
Steps = Annotated[int, typer.Option(min=2, max=1000, help="Pictures in a row, both ends included.")]


def picture(
    file: CheckpointArgument,
    out: PictureOut,
    decoding: Decoding,
    layout: Layout,
    code: CodeOption = None,
) -> None:
    """Export the one picture of a code."""
    from explorer.cli.work import Work, one_code
    from explorer.export import making

    _check(out, layout, file, decoding, code)
    with Work(file, decoding) as work:
        chosen = one_code(code, work.space) if code else work.space.center
        caption = [work.model.name] if layout.captions else []
        work.make(making.picture(work.network, work.space, chosen, **work.shared(layout, caption)), out)


def strip(
    file: CheckpointArgument,
    out: Annotated[Path, typer.Option(metavar="FILE", help="Where to write: .png; a film as .gif or .webp.")],
    decoding: Decoding,
    layout: Layout,
    codes: Annotated[
        Path | None, typer.Option(metavar="PAIR.npy", help="The two codes at the ends, (2, D).")
    ] = None,
    images: Annotated[
        tuple[Path, Path] | None,
        typer.Option(metavar="A B", help="The two pictures at the ends, encoded by the model."),
    ] = None,
    steps: Steps = 9,
    path: Annotated[PathKind, typer.Option(help="Straight, or on an arc around the origin.")] = PathKind.lerp,
    ends: Annotated[
        Ends | None,
        typer.Option(
            show_default="source with --images", help="Show the pictures given, or their reconstructions."
        ),
    ] = None,
    save_codes: Annotated[
        Path | None, typer.Option(metavar="FILE.npy", help="Also write the codes, float32 (steps, D).")
    ] = None,
) -> None:
    """Export the pictures between two codes, side by side or as a film.

    The pictures lie in one row, without gaps unless --gap wants some; each of their pixels is enlarged by a
    whole number (--scale 1: not at all).
    """
    from explorer.cli.recipes import strip_ends
    from explorer.cli.targets import check_apart
    from explorer.cli.work import Work
    from explorer.export import making, writing

    if (codes is None) == (images is None):
        raise UsageError("Give either --codes PAIR.npy or --images A B, the two ends of the strip.")
    if codes is not None and ends is Ends.source:
        raise UsageError("--ends source needs pictures; give --images A B, or leave it out.")
    _check(out, layout, file, decoding, codes, *(images or ()))
    if save_codes:
        writing.check_target(save_codes, writing.ARRAYS)
        check_apart(save_codes, file, codes, decoding.labels, decoding.transform, option="--save-codes")
    with Work(file, decoding) as work:
        pair, sources = strip_ends(work, codes, images)
        # The names of somebody's files belong into the picture only where they are shown.
        names = [image.stem for image in images] if images and layout.captions else []
        recipe = making.strip(
            work.network,
            work.space,
            pair,
            steps,
            path.value,
            sources=[] if ends is Ends.decoded else sources,
            film=out.suffix.lower() in making.FILMS,
            **work.shared(layout, names),
        )
        work.make(recipe, out)
        if save_codes:
            writing.save_array(making.codes_of(recipe), save_codes)


def reconstructions(
    file: CheckpointArgument,
    images: Annotated[Path, typer.Argument(metavar="IMAGES", help="A folder, zip, npz, idx or one picture.")],
    out: PictureOut,
    decoding: Decoding,
    layout: Layout,
    count: Annotated[int, typer.Option(min=1, help="How many, from the first on.")] = 18,
) -> None:
    """Export pictures above their reconstructions, with the mean squared error of each (0..255)."""
    import numpy as np

    from explorer.cli.work import Work
    from explorer.data.images import read_pictures
    from explorer.export import making

    _check(out, layout, file, decoding, images)
    with Work(file, decoding) as work:
        read = read_pictures(images, work.model.image)
        work.tell(*read.notes)
        chosen = read.images[:count]
        codes, _ = work.encode(chosen)
        pictures = work.pictures(codes)
        if pictures.shape[1:3] != chosen.shape[1:3]:
            raise UsageError(
                "A stage changes the size of the pictures, so they cannot be compared; leave it out."
            )
        floats = work.renderer.decode(work.model, codes, work.space.name, work.options)
        wrong = 255.0 * floats - chosen.transpose(0, 3, 1, 2)
        errors = (wrong.astype(np.float64) ** 2).mean(axis=(1, 2, 3))
        recipe = making.reconstructions(
            work.network, work.space, codes, chosen, errors, **work.shared(layout)
        )
        making.save(recipe, pictures, out)
        work.tell(f"Mean squared error {errors.mean():.1f} (0..255) over {counted(len(chosen), 'picture')}.")


def sheet(
    file: CheckpointArgument,
    out: PictureOut,
    decoding: Decoding,
    layout: Layout,
    code: CodeOption = None,
    steps: Steps = 9,
    range: Annotated[
        RangeName, typer.Option(help="3 spreads around the centre, or the prior's own range.")
    ] = RangeName.data,
) -> None:
    """Export one traversal per dimension, stacked, with the dimensions' names and notes."""
    from explorer.cli.recipes import row_labels
    from explorer.cli.work import Work, one_code
    from explorer.export import making

    _check(out, layout, file, decoding, code)
    with Work(file, decoding) as work:
        through = one_code(code, work.space) if code else None
        rows = _numbers(work.space.leading or work.space.dim)
        shared = work.shared(layout, row_labels(work, rows))
        recipe = making.sheet(work.network, work.space, through, steps, range.value, dims=rows, **shared)
        work.make(recipe, out)


def manifold(
    file: CheckpointArgument,
    out: PictureOut,
    decoding: Decoding,
    layout: Layout,
    steps: Annotated[int, typer.Option(min=2, max=200, help="Pictures a side.")] = 15,
    dims: Annotated[
        str, typer.Option(metavar="I,J", help="Two 0-based dimensions: to the right, downwards.")
    ] = "0,1",
) -> None:
    """Export a grid over two dimensions at the normal quantiles 0.05 to 0.95, the others at the centre."""
    from explorer.cli.recipes import two_dimensions
    from explorer.cli.work import Work
    from explorer.export import making

    _check(out, layout, file, decoding)
    with Work(file, decoding) as work:
        chosen = two_dimensions(dims, work)
        labels = [work.dimension_label(index) for index in chosen]
        work.make(
            making.manifold(work.network, work.space, steps, chosen, **work.shared(layout, labels)),
            out,
        )


def samples(
    file: CheckpointArgument,
    out: PictureOut,
    decoding: Decoding,
    layout: Layout,
    count: Annotated[int, typer.Option(min=1, max=100_000, help="How many.")] = 64,
    seed: Annotated[
        int, typer.Option(min=0, max=MOST_SEED, help="The same seed gives the same pictures.")
    ] = 0,
) -> None:
    """Export pictures of codes drawn from the prior, in a square grid."""
    from explorer.cli.work import Work
    from explorer.export import making

    _check(out, layout, file, decoding)
    with Work(file, decoding) as work:
        work.make(making.samples(work.network, work.space, count, seed, **work.shared(layout)), out)


def map_picture(
    file: CheckpointArgument,
    out: PictureOut,
    decoding: Decoding,
    layout: Layout,
    plane: Annotated[
        str, typer.Option(metavar="pca|I,J", help="Where the codes vary most, or two 0-based dimensions.")
    ] = "pca",
    colour: Annotated[
        str | None,
        typer.Option(
            metavar="COLUMN",
            show_default="a column of numbers",
            help="The label column of the code book that colours the points.",
        ),
    ] = None,
    tiles: Annotated[
        int, typer.Option(min=0, max=100, help="Decoded pictures a side behind the points; 0 for none.")
    ] = 12,
) -> None:
    """Export the map: the codes of the code book, or samples, over the decoded background."""
    from explorer.cli.recipes import map_recipe
    from explorer.cli.work import Work

    _check(out, layout, file, decoding)
    with Work(file, decoding) as work:
        work.make(map_recipe(work, layout, plane, colour, tiles), out)


def _check(out: Path, layout: Layout, file: str, decoding: Decoding, *read: Path | None) -> None:
    """Find out before long work what cannot be written or laid out, or would be written over what is read."""
    from explorer.cli.targets import check_apart
    from explorer.export.writing import STILLS, check_target

    check_target(out, STILLS)
    check_apart(out, file, *(decoding.stage or ()), decoding.labels, decoding.transform, *read)
    _ = layout.style


_numbers = range  # `sheet` has an option of that name
add_command(app, picture, "export picture anime-faces --code z.npy --out picture.png")
add_command(app, strip, "export strip vaeg.pth --images a.png b.png --steps 9 --out strip.png")
add_command(app, sheet, "export sheet anime-faces --out sheet.png")
add_command(app, manifold, "export manifold anime-faces --dims 2,8 --out manifold.png")
add_command(app, samples, "export samples anime-faces --count 64 --stage anime-colorizer --out samples.png")
add_command(app, reconstructions, "export reconstructions vaeg.pth faces.zip --out pairs.png")
add_command(app, map_picture, "export map anime-faces --plane 2,8 --out map.png", name="map")
