"""`convert`: codes of one space of a model to another one of its spaces."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from explorer.cli.codes import ArrayOut
from explorer.cli.options import CheckpointArgument, Decoding
from explorer.errors import UsageError


def convert(
    file: CheckpointArgument,
    latents: Annotated[
        Path, typer.Option(metavar="FILE.npy", help="Codes of --space, (N, D) or (N, *shape), .npy or .npz.")
    ],
    to: Annotated[str, typer.Option(metavar="SPACE", help="The space to map them to, such as w or w+.")],
    out: ArrayOut,
    decoding: Decoding,
) -> None:
    """Map codes to another space of the model: float32 (N, *its shape).

    From z to w or w+ of a StyleGAN, for example. Truncation is a matter of decoding, so the mapped codes are
    not truncated.
    """
    from explorer.cli.targets import check_apart
    from explorer.cli.work import Work
    from explorer.data.codes import load_codes
    from explorer.export.writing import ARRAYS, check_target, save_array
    from explorer.models.space import DecodeOptions
    from explorer.render.checks import checked

    if decoding.stage or any(
        getattr(decoding, option) is not None
        for option in ("psi", "psi_cutoff", "noise", "transform", "head")
    ):
        raise UsageError(
            "Codes are mapped without being decoded; leave out the stages and all options but --labels."
        )
    check_target(out, ARRAYS)
    check_apart(out, file, latents, decoding.labels, decoding.transform)
    with Work(file, decoding) as work:
        labels = DecodeOptions(labels=work.options.labels)
        codes, labels = checked(work.model, load_codes(latents, work.space), work.space.name, labels)
        to = work.model.space_called(to)
        mapped = work.space.mapped(codes, to, labels)
        save_array(mapped.reshape(len(codes), *work.model.spaces[to].shape), out)
