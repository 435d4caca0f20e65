"""`export`: pictures of codes as files."""

from __future__ import annotations

import math
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from explorer.cli.options import CheckpointArgument, Decoding, ScaleOption, add_command
from explorer.data.wording import counted
from explorer.errors import LatentError, UsageError

if TYPE_CHECKING:
    import numpy as np

    from explorer.cli.work import Work

app = typer.Typer(
    help="Export strips, sheets and grids as pictures; a strip also as a film (.gif, .webp).",
    no_args_is_help=True,
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
Steps = Annotated[int, typer.Option(min=2, max=1000, help="Pictures in a row, both ends included.")]


def strip(
    file: CheckpointArgument,
    out: Annotated[Path, typer.Option(metavar="FILE", help="Where to write: .png; a film as .gif or .webp.")],
    decoding: Decoding,
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
    scale: ScaleOption = None,
) -> None:
    """Export the pictures between two codes, side by side or as a film.

    The pictures lie in one row without gaps; each of their pixels is enlarged by a whole number (--scale 1:
    not at all).
    """
    from explorer.cli.work import Work
    from explorer.export import strips, writing
    from explorer.latent import interpolation

    if (codes is None) == (images is None):
        raise UsageError("Give either --codes PAIR.npy or --images A B, the two ends of the strip.")
    if codes is not None and ends is Ends.source:
        raise UsageError("--ends source needs pictures; give --images A B, or leave it out.")
    writing.check_target(out, writing.STILLS)
    if save_codes:
        writing.check_target(save_codes, writing.ARRAYS)
    with Work(file, decoding) as work:
        pair, sources = _ends_of(work, codes, images)
        between = interpolation.path(pair[0], pair[1], steps, path.value)
        pictures = work.pictures(between)
        shown = ends or (Ends.source if sources else Ends.decoded)
        if shown is Ends.source:
            pictures = strips.with_sources(pictures, *sources)
        recipe = work.recipe("strip", between, path=path.value, ends=shown.value, scale=scale)
        if out.suffix.lower() in writing.FILMS:
            writing.save_film(strips.frames(pictures, scale), out, recipe)
        else:
            writing.save_image(strips.strip(pictures, scale), out, recipe)
        if save_codes:
            writing.save_array(between, save_codes)


def _ends_of(
    work: Work, codes: Path | None, images: tuple[Path, Path] | None
) -> tuple[np.ndarray, list[np.ndarray]]:
    """Return the two codes `(2, dim)` and, of pictures, the pictures themselves, uint8 `(H, W, 1|3)`."""
    import numpy as np

    from explorer.data.codes import load_codes
    from explorer.data.images import fit, read_image

    if codes is not None:
        pair = load_codes(codes, work.space)
        if len(pair) != 2:
            raise LatentError(
                f"{codes} holds {counted(len(pair), 'code')} where two belong; give (2, {work.space.dim})."
            )
        return pair, []
    assert images is not None
    read = [read_image(path) for path in images]
    spec = work.model.image
    for path, image in zip(images, read, strict=True):
        if image.width * (spec.height or 1) != image.height * (spec.width or 1):
            work.tell(f"{path} is {image.width}x{image.height} and was cropped at its centre.")
    mean, _ = work.encode(np.stack([fit(image, spec) for image in read]))
    return mean, [np.atleast_3d(np.asarray(image)) for image in read]


def reconstructions(
    file: CheckpointArgument,
    images: Annotated[Path, typer.Argument(metavar="IMAGES", help="A folder, zip, npz, idx or one picture.")],
    out: PictureOut,
    decoding: Decoding,
    count: Annotated[int, typer.Option(min=1, help="How many, from the first on.")] = 18,
    scale: ScaleOption = None,
) -> None:
    """Export pictures above their reconstructions, with the mean squared error of each (0..255)."""
    import numpy as np

    from explorer.cli.work import Work
    from explorer.data.images import read_pictures
    from explorer.export import sheets, writing

    writing.check_target(out, writing.STILLS)
    with Work(file, decoding) as work:
        read = read_pictures(images, work.model.image)
        work.tell(*read.notes)
        chosen = read.images[:count]
        codes, _ = work.encode(chosen)
        result = work.render(codes)
        assert result.pictures is not None
        floats = work.renderer.decode(work.model, codes, work.space.name, work.options)
        wrong = 255.0 * floats - chosen.transpose(0, 3, 1, 2)
        errors = (wrong.astype(np.float64) ** 2).mean(axis=(1, 2, 3))
        if result.pictures.shape[1:3] != chosen.shape[1:3]:
            raise UsageError(
                "A stage changes the size of the pictures, so they cannot be compared; leave it out."
            )
        sheet = sheets.reconstructions(chosen, result.pictures, errors.tolist(), scale)
        writing.save_image(
            sheet, out, work.recipe("reconstructions", codes, errors=errors.tolist(), scale=scale)
        )
        work.tell(f"Mean squared error {errors.mean():.1f} (0..255) over {counted(len(chosen), 'picture')}.")


def sheet(
    file: CheckpointArgument,
    out: PictureOut,
    decoding: Decoding,
    code: Annotated[
        Path | None,
        typer.Option(metavar="FILE.npy", show_default="the centre", help="The code to go through."),
    ] = None,
    steps: Steps = 9,
    range: Annotated[
        RangeName, typer.Option(help="3 spreads around the centre, or the prior's own range.")
    ] = RangeName.data,
    scale: ScaleOption = None,
) -> None:
    """Export one traversal per dimension, stacked, with the dimensions' names."""
    from explorer.cli.work import Work, one_code
    from explorer.export import sheets, writing
    from explorer.latent import traversal

    writing.check_target(out, writing.STILLS)
    with Work(file, decoding) as work:
        through = one_code(code, work.space) if code else None
        codes = traversal.sheet(work.space, through, steps, range.value)  # (D, steps, D)
        pictures = work.pictures(codes.reshape(-1, work.space.dim))
        labels = [work.dimension_label(index) for index in _numbers(work.space.dim)]
        page = sheets.traversals(pictures.reshape(work.space.dim, steps, *pictures.shape[1:]), labels, scale)
        middle = work.space.center if through is None else through
        writing.save_image(
            page, out, work.recipe("sheet", middle, steps=steps, range=range.value, scale=scale)
        )


def manifold(
    file: CheckpointArgument,
    out: PictureOut,
    decoding: Decoding,
    steps: Annotated[int, typer.Option(min=2, max=200, help="Pictures a side.")] = 15,
    dims: Annotated[
        str, typer.Option(metavar="I,J", help="Two 0-based dimensions: to the right, downwards.")
    ] = "0,1",
    scale: ScaleOption = None,
) -> None:
    """Export a grid over two dimensions at the normal quantiles 0.05 to 0.95, the others at the centre."""
    from explorer.cli.work import Work
    from explorer.export import layout, writing
    from explorer.latent import traversal

    writing.check_target(out, writing.STILLS)
    with Work(file, decoding) as work:
        chosen = _two_dimensions(dims, work)
        codes = traversal.manifold(work.space, steps, chosen)
        recipe = work.recipe("manifold", codes, steps=steps, dims=list(chosen), scale=scale)
        writing.save_image(layout.grid(work.pictures(codes), steps, scale), out, recipe)


def _two_dimensions(text: str, work: Work) -> tuple[int, int]:
    """Return `I,J` as numbers.

    Raises:
        UsageError: not two different dimensions of the space.
    """
    dim = work.space.dim
    try:
        first, second = (int(word) for word in text.split(","))
    except ValueError:
        first = second = -1
    if dim == 1 and text == "0,1":
        return 0, 0
    if first == second or not (0 <= first < dim and 0 <= second < dim):
        raise UsageError(
            f"--dims {text} are not two dimensions of {work.space.name}; "
            f"give two different numbers from 0 to {dim - 1}."
        )
    return first, second


def samples(
    file: CheckpointArgument,
    out: PictureOut,
    decoding: Decoding,
    count: Annotated[int, typer.Option(min=1, max=100_000, help="How many.")] = 64,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same pictures.")] = 0,
    scale: ScaleOption = None,
) -> None:
    """Export pictures of codes drawn from the prior, in a square grid."""
    from explorer.cli.work import Work
    from explorer.export import layout, writing
    from explorer.latent.sampling import sample

    writing.check_target(out, writing.STILLS)
    with Work(file, decoding) as work:
        codes = sample(work.space, count, seed)
        grid = layout.grid(work.pictures(codes), math.ceil(math.sqrt(count)), scale)
        writing.save_image(grid, out, work.recipe("samples", codes, count=count, seed=seed, scale=scale))


_numbers = range  # `sheet` has an option of that name
add_command(app, strip, "export strip vaeg.pth --images a.png b.png --steps 9 --out strip.png")
add_command(app, sheet, "export sheet anime-faces --out sheet.png")
add_command(app, manifold, "export manifold anime-faces --dims 2,8 --out manifold.png")
add_command(app, samples, "export samples anime-faces --count 64 --stage anime-colorizer --out samples.png")
add_command(app, reconstructions, "export reconstructions vaeg.pth faces.zip --out pairs.png")
