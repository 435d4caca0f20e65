"""`decode`, `encode` and `apply`: arrays in, arrays out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from explorer.cli.options import CheckpointArgument, Decoding, Engine
from explorer.data.wording import counted
from explorer.errors import ImageError, UsageError

if TYPE_CHECKING:
    import numpy as np

    from explorer.models.base import StageModel

RawOption = Annotated[
    bool, typer.Option("--raw", help="The network's own values in its own range, unclipped.")
]
ArrayOut = Annotated[Path, typer.Option("--out", metavar="FILE.npy", help="Where to write.")]
ImagesArgument = Annotated[
    Path,
    typer.Argument(
        metavar="IMAGES", help="A folder, zip, npz (`images`, uint8), idx or idx.gz, or one picture."
    ),
]


def decode(
    file: CheckpointArgument,
    latents: Annotated[
        Path, typer.Option(metavar="FILE.npy", help="Codes (N, D) or (N, *shape), .npy or .npz.")
    ],
    out: ArrayOut,
    decoding: Decoding,
    raw: RawOption = False,
) -> None:
    """Decode codes to pictures: float32 (N, C, H, W) in [0, 1]."""
    from explorer.cli.targets import check_apart
    from explorer.cli.work import Work, share_done
    from explorer.export.writing import ARRAYS, check_target, save_array

    check_target(out, ARRAYS)
    check_apart(out, file, latents, decoding.labels, decoding.transform)
    with Work(file, decoding) as work:
        if work.options.labels is not None and work.space.source is not None:
            raise UsageError(f"A code of {work.space.name} has its class already; leave out --labels.")
        codes = work.codes(latents)
        with share_done("Decoding") as told:
            images = work.renderer.decode(
                work.model, codes, work.space.name, work.options, work.stages, raw=raw, on_progress=told
            )
        save_array(images, out)
        work.tell(*_bad_values(images))


def encode(
    file: CheckpointArgument,
    images: ImagesArgument,
    engine: Engine,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.npz",
            show_default="NAME.codes.npz beside FILE",
            help="Where to write the code book; where no --out is given, none may be there yet.",
        ),
    ] = None,
    labels: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.csv", help="Label columns for the map; the first column is the picture's file."
        ),
    ] = None,
) -> None:
    """Encode pictures to a code book: mean, logvar, names and labels.

    Kept as NAME.codes.npz beside NAME.pth it gives the window its map, ranges and activity.
    """
    from explorer.cli.targets import check_apart
    from explorer.cli.work import open_model, renderer_for, say, share_done
    from explorer.data.code_book import CodeBook
    from explorer.data.images import read_pictures
    from explorer.data.labels import read_labels, without_label
    from explorer.export.writing import check_target

    out = out or _place_of_book(file)
    check_target(out, (".npz",))
    check_apart(out, file, images, labels)
    model = open_model(file, engine).model
    if not model.has_encoder:  # type: ignore[union-attr]
        raise UsageError(f"{file} has no encoder, so pictures cannot become codes; use a VAE for that.")
    pictures = read_pictures(images, model.image)  # type: ignore[union-attr]
    columns = read_labels(labels, pictures.names) if labels else {}
    with share_done("Encoding") as told:
        mean, logvar = renderer_for(engine).encode(model, pictures.images, told)  # type: ignore[arg-type]
    CodeBook.of(model, mean, logvar, pictures.names, columns).save(out)  # type: ignore[arg-type]
    if missing := without_label(columns):
        say(f"{labels} has no label for {missing} of the {counted(len(mean), 'picture')}.")
    say(*pictures.notes, f"{out}: the codes of {counted(len(mean), 'picture')}.")


def _place_of_book(file: str) -> Path:
    """Return where the code book of a checkpoint belongs.

    Raises:
        UsageError: one is there already, perhaps with labels that cannot be had again.
    """
    from explorer.formats import sidecars
    from explorer.paths import bundled

    checkpoint = bundled().get(file, Path(file)) if not Path(file).exists() else Path(file)
    there = sidecars.find(checkpoint, "codes.npz")
    if there is not None:
        raise UsageError(f"{file} has a code book already, {there}; say where to write with --out FILE.npz.")
    return sidecars.writable_place(checkpoint, "codes.npz")


def apply(
    stage: Annotated[
        str, typer.Argument(metavar="STAGE", help="An image-to-image network, such as anime-colorizer.")
    ],
    images: Annotated[
        Path,
        typer.Argument(
            metavar="IMAGES",
            help="Pictures as for encode, or an (N, C, H, W) .npy in [0, 1] or in the network's own range.",
        ),
    ],
    out: Annotated[
        Path,
        typer.Option(metavar="FILE", help="Where to write: .npy, or for a single picture .png or .webp."),
    ],
    engine: Engine,
    raw: RawOption = False,
) -> None:
    """Apply an image-to-image network to pictures: float32 (N, C, H, W) in [0, 1], or one picture file.

    An .npy with a value below 0 or above 1 is taken to be in the network's own range, such as -1..1. A large picture is
    computed a few rows at a time.
    """
    from explorer.cli.targets import check_apart
    from explorer.cli.work import open_stage, renderer_for, say, share_done
    from explorer.export.writing import ARRAYS, check_target, save_array

    check_target(out, (*ARRAYS, *_PICTURE_FILES))
    check_apart(out, stage, images)
    is_picture = out.suffix.lower() in _PICTURE_FILES
    if raw and is_picture:
        raise UsageError(f"{out} cannot hold a network's own values; leave out --raw, or write an .npy.")
    network = open_stage(stage, engine)
    pictures, notes = _pictures_for(network, images)
    if is_picture and len(pictures) != 1:
        raise UsageError(
            f"{out} can hold one picture, and {images} has {len(pictures)}; write an .npy, or give one picture."
        )
    with share_done("Applying the stage") as told:
        applied = renderer_for(engine).apply(network, pictures, raw, told)
    if is_picture:
        _save_picture(applied, out)
    else:
        save_array(applied, out)
    say(*notes, *_bad_values(applied))


_PICTURE_FILES = (".png", ".webp")


def _save_picture(applied: np.ndarray, out: Path) -> None:
    """Write the one picture in `applied (1, C, H, W)`, in 0..1, as it would be shown."""
    from PIL import Image

    from explorer.export.writing import save_pages
    from explorer.render.pixels import to_uint8

    pixels = to_uint8(applied)[0][0]  # (H, W, 1|3)
    save_pages([Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels)], out)


def _pictures_for(stage: StageModel, path: Path) -> tuple[np.ndarray, Sequence[str]]:
    """Return float32 `(N, C, H, W)` in 0..1 that the stage takes, and notes; an `.npy` keeps its values.

    Raises:
        ImageError: the pictures cannot be read or do not fit.
    """
    import numpy as np

    from explorer.data.arrays import open_npy
    from explorer.data.images import read_pictures
    from explorer.models.base import ImageSpec

    if path.suffix.lower() != ".npy":
        pictures = read_pictures(path, stage.input)
        return pictures.images.transpose(0, 3, 1, 2).astype(np.float32) / np.float32(255), pictures.notes
    wanted = f"float pictures (N, {stage.input.channels}, H, W) in 0..1"
    array = open_npy(path, ImageError, wanted)
    if array.ndim != 4 or array.dtype.kind not in "fiu" or not array.size:
        raise ImageError(f"{path} is {array.dtype} of shape {array.shape}; give {wanted}.")
    if not stage.input.accepts(ImageSpec(*array.shape[1:])):
        raise ImageError(
            f"{path} holds pictures of {ImageSpec(*array.shape[1:])}, but {stage.name} takes {stage.input} "
            "(channels x height x width); give pictures of that shape."
        )
    if array.dtype == np.uint8:
        return array.astype(np.float32) / np.float32(255), ()
    return _in_unit(stage, array.astype(np.float32), path)


_OVERSHOOT = 1e-3  # of the range: what rounding and resampling may add


def _in_unit(stage: StageModel, array: np.ndarray, path: Path) -> tuple[np.ndarray, Sequence[str]]:
    """Return pictures in 0..1, and a note where they came in the stage's own range, as a value outside of 0..1 tells.

    Raises:
        ImageError: they are in neither.
    """
    import numpy as np

    finite = array[np.isfinite(array)]
    low, high = float(finite.min(initial=0)), float(finite.max(initial=0))
    if low >= 0 and high <= 1:
        return array, ()
    own = stage.native_range
    room = _OVERSHOOT * (own.high - own.low)
    is_own = not own.logits and (own.low, own.high) != (0, 1)
    if is_own and low >= own.low - room and high <= own.high + room:
        note = f"{path} holds values from {low:g} to {high:g}; they were taken as the range {own} of {stage.name}."
        return own.to_unit(array).astype(np.float32), (note,)  # type: ignore[arg-type, attr-defined]
    either = f" or to {own}" if is_own else ""
    raise ImageError(f"{path} holds values from {low:g} to {high:g}; bring them to 0..1{either} first.")


def _bad_values(images: np.ndarray) -> list[str]:
    """Return a sentence where some values are not numbers."""
    import numpy as np

    bad = images.size - int(np.isfinite(images).sum())
    return (
        [f"{bad} of {images.size} values are not numbers (NaN or infinite); the weights may be damaged."]
        if bad
        else []
    )
