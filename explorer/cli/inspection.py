"""`info` and `activity`: what a checkpoint holds and what its dimensions do."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from explorer.cli.options import CheckpointArgument, Decoding
from explorer.data.wording import counted, showable
from explorer.errors import ExplorerError, LatentError, UsageError

if TYPE_CHECKING:
    from explorer.formats import Opened
    from explorer.models.base import ImageSpec, LatentModel, StageModel

JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON to standard output instead of a table.")]
HintOption = Annotated[
    list[str] | None,
    typer.Option("--hint", metavar="KEY=VALUE", help="Tell the reader what the file does not say."),
]
KeepOption = Annotated[
    bool,
    typer.Option(
        "--keep", help="Write the hints given into NAME.hints.json, so that they are used from now on."
    ),
]
SourceOption = Annotated[
    bool, typer.Option("--source", help="Print the program text that the file carries, and nothing else.")
]


MOST_SECONDS = 300.0
"""What `activity` may measure; it looks at fewer places where all would take longer."""


def info(
    file: CheckpointArgument,
    json: JsonOption = False,
    hint: HintOption = None,
    keep: KeepOption = False,
    source: SourceOption = False,
) -> None:
    """Say what a checkpoint is: format, architecture, spaces, image, encoder, stages, parameters, notes.

    Of what the file does not state it says what was guessed, how sure each guess is, and the --hint that
    overrides it. Code that the file may carry is never run.
    """
    from explorer.cli import diagnosing
    from explorer.cli.options import pairs
    from explorer.cli.work import print_json, progress
    from explorer.formats import Examination
    from explorer.formats.diagnosis import Unfamiliar

    hints = pairs(hint, "--hint")
    diagnosing.check_keep(keep, hints)
    with progress() as report:
        examination = Examination(file, on_progress=report)
        try:
            opened = examination.open(hints, on_progress=report)
        except Unfamiliar as error:
            diagnosing.print_unfamiliar(examination.path, error.diagnosis, as_json=json)
            raise
    if source:
        _print_source(opened.model)
        return
    facts = describe(opened)
    diagnosis = opened.model.diagnosis
    if json:
        print_json(facts | {"diagnosis": diagnosing.plain(diagnosis)})
    else:
        _print_facts(facts)
        if diagnosis is not None:
            diagnosing.print_found(diagnosis)
    if keep:
        diagnosing.keep(examination.path, hints)


def _print_source(model: LatentModel | StageModel) -> None:
    """Print a stranger's program text, without letters that a terminal would obey.

    Raises:
        UsageError: the file carries none.
    """
    text = model.source_text
    if not text:
        raise UsageError(f"{model.name} carries no program text; leave out --source.")
    print("\n".join(showable(line, len(line)) for line in text.splitlines()))


def describe(opened: Opened) -> dict[str, Any]:
    """Return everything that is known of an open checkpoint as plain values."""
    from explorer.models.base import LatentModel

    model = opened.model
    facts: dict[str, Any] = {
        "name": model.name,
        "kind": "latent" if isinstance(model, LatentModel) else "stage",
        "architecture": model.architecture,
        "format": model.origin.format if model.origin else None,
        "path": str(model.origin.path) if model.origin else None,
        "sha256": model.origin.sha256 if model.origin else None,
        "parameters": model.parameter_count,
        "native_range": [model.native_range.low, model.native_range.high],
    }
    if isinstance(model, LatentModel):
        facts |= _latent_facts(model, opened)
    else:
        facts |= {"input": _sides(model.input), "output": _sides(model.output)}
    text = model.source_text
    facts |= {"source": {"letters": len(text)} if text else None}
    return facts | {"notes": _notes(model), "trained": dict(model.trained)}


def _notes(model: LatentModel | StageModel) -> list[str]:
    """Return what the reader noted, and where ranges come from that nothing tells."""
    from explorer.formats import ranges
    from explorer.models.base import LatentModel

    is_open = isinstance(model, LatentModel) and ranges.is_provisional(model.spaces[model.default_space])
    return [*([ranges.unknown_prior(model)] if is_open else []), *model.notes]  # type: ignore[arg-type]


def _latent_facts(model: LatentModel, opened: Opened) -> dict[str, Any]:
    book = opened.code_book
    return {
        "image": _sides(model.image),
        "spaces": [
            {
                "name": space.name,
                "shape": list(space.shape),
                "dim": space.dim,
                "prior": space.prior,
                "measured": space.measured,
                "source": space.source.name if space.source else None,
            }
            for space in model.spaces.values()
        ],
        "classes": model.classes or None,
        "heads": list(model.heads),
        "encoder": model.has_encoder,
        "options": sorted(model.accepts),
        "stages": _bundled_stages(model.image),
        "code_book": {"pictures": len(book), "labels": list(book.labels)} if book else None,
        "dimension_names": dict(opened.notes.titles),
        "dimension_notes": dict(opened.notes.remarks),
        "starred_places": len(opened.notes.places),
    }


def _bundled_stages(image: ImageSpec) -> list[str]:
    """Return the names of bundled stages that take pictures of this shape."""
    from explorer import paths
    from explorer.formats import open_stage
    from explorer.formats.native import kind_of

    fitting = []
    for name, path in paths.bundled().items():
        if kind_of(path) == "stage":
            with contextlib.suppress(ExplorerError):
                if open_stage(path).input.accepts(image):
                    fitting.append(name)
    return fitting


def _sides(image: ImageSpec) -> dict[str, int | None]:
    return {"channels": image.channels, "height": image.height, "width": image.width}


def _print_facts(facts: dict[str, Any]) -> None:
    from rich.table import Table
    from rich.text import Text

    from explorer.cli.work import print_table

    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    for key, value in facts.items():
        for line, text in enumerate(_lines(key, value)):
            table.add_row("" if line else key.replace("_", " "), Text(text))
    print_table(table)


def _lines(key: str, value: Any) -> list[str]:
    """Return a fact as lines for people."""
    if key == "starred_places" and not value:
        return []
    if key in ("dimension_names", "dimension_notes"):
        ordered = sorted(value.items(), key=lambda entry: _numbered(entry[0]))
        return [f"{name}: {text}".replace("\n", "\n    ") for name, text in ordered]
    if value is None or value == [] or value == {}:
        return ["none"] if key in ("stages", "code_book", "options") else []
    if key in ("image", "input", "output"):
        return [
            " x ".join("any" if side is None else str(side) for side in value.values())
            + "  (channels x height x width)"
        ]
    if key == "spaces":
        return [
            f"{space['name']}: {' x '.join(map(str, space['shape']))}, "
            + (f"drawn through {space['source']}" if space["source"] else f"prior {space['prior']}")
            + (", measured by the code book" if space["measured"] else "")
            for space in value
        ]
    if key == "code_book":
        columns = ", ".join(value["labels"]) or "none"
        return [f"{counted(value['pictures'], 'picture')}, label columns: {columns}"]
    if key == "source":
        return [f"program text of {counted(value['letters'], 'letter')} (--source shows it)"]
    if key == "encoder":
        return ["yes" if value else "no"]
    if key == "parameters":
        return [f"{value:,}".replace(",", " ")]
    if key == "native_range":
        return [f"{value[0]:g} to {value[1]:g}"]
    if isinstance(value, dict):
        return [f"{name}: {_short(entry)}" for name, entry in value.items()]
    if isinstance(value, list):
        return [str(entry) for entry in value] if key == "notes" else [", ".join(map(str, value))]
    return [str(value)]


def _numbered(name: str) -> tuple[str, int]:
    """Return what dimensions are ordered by: `z2` before `z10`."""
    letter = name.rstrip("0123456789")
    return letter, int(name.removeprefix(letter) or 0)


def _short(value: Any) -> str:
    """Return a fact within a fact on one line."""
    if isinstance(value, dict):
        return ", ".join(f"{name} {_short(entry)}" for name, entry in value.items() if entry not in ("", []))
    if isinstance(value, list):
        return " ".join(map(str, value))
    return f"{value:.5g}" if isinstance(value, float) else str(value)


def activity(
    file: CheckpointArgument,
    decoding: Decoding,
    codes: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.npz",
            help="A code book, or any npz with mu (or mean) and logvar.",
            show_default="the file's own",
        ),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Say what each latent dimension does: KL, sensitivity, and whether the model uses it.

    A dimension is active where its KL is above 0.1 nat; without codes that carry a variance, where its
    sensitivity (mean change of the picture, 0..255, for one spread) is above 1 % of the largest.
    """
    import numpy as np

    from explorer.cli.work import Work, print_json, share_done
    from explorer.latent import activity as maths

    with Work(file, decoding) as work:
        mean, logvar = _posterior(work, codes)
        kl = None
        if mean is not None:
            work.space = work.model.spaces[work.space.name] = work.space.with_data(mean, logvar)
            kl = (
                maths.kl_per_dim(mean, logvar)
                if logvar is not None and work.space.prior == "normal"
                else None
            )
        places = maths.probes(work.space, mean)
        with share_done("Measuring") as told:
            sensitivity = work.renderer.sensitivity(
                work.model, places, work.space.name, work.options, told, seconds=MOST_SECONDS
            )
        if sensitivity is None:
            raise UsageError(
                f"Measuring {work.space.dim} dimensions of {work.model.name} would take more than {MOST_SECONDS:.0f} "
                "seconds; encode pictures and ask for --space pca, or for a model of fewer dimensions."
            )
        judged = maths.judge(kl, sensitivity)
        unmeasured = int((~np.isfinite(sensitivity)).sum())
        if unmeasured:
            work.tell(
                f"The sensitivity of {unmeasured} of {counted(len(sensitivity), 'dimension')} could not be "
                "measured, because the pictures hold values that are not numbers (NaN or infinite); the weights "
                "may be damaged."
            )
        if kl is None:
            work.tell(
                "No codes with a variance were given (--codes), so sensitivity alone decides what is active."
            )
        titles = work.opened.notes.titles
        rows = [
            {
                "index": index,
                "name": f"{work.space.letters}{index + 1}",
                **({"title": titles[key]} if (key := f"{work.space.name}{index + 1}") in titles else {}),
                "kl": None if kl is None else float(kl[index]),
                "sensitivity": float(sensitivity[index]),
                "active": bool(judged.active[index]),
            }
            for index in range(work.space.leading or work.space.dim)
        ]
        if json:
            print_json(rows)
        else:
            labels = [work.dimension_label(index) for index in range(len(rows))]
            _print_activity(rows, labels, judged.influence[: len(rows)])


def _posterior(work: Any, path: Path | None) -> tuple[Any, Any]:
    """Return mean and log variance of the codes given, or of the code book beside the checkpoint.

    Raises:
        LatentError: the codes are of another size.
    """
    from explorer.data.code_book import CodeBook

    book = CodeBook.load(path) if path else work.opened.code_book
    if book is None or (path is None and book.space != work.space.name):
        return None, None
    if book.mean.shape[1] != work.space.dim:
        raise LatentError(
            f"The codes in {path} have {book.mean.shape[1]} dimensions, but the space {work.space.name} has "
            f"{work.space.dim}; give the codes that this model's encoder made."
        )
    return book.mean, book.logvar


def _print_activity(rows: list[dict[str, Any]], labels: list[str], influence: Any) -> None:
    from rich.table import Table
    from rich.text import Text

    from explorer.cli.work import print_table

    table = Table(
        title=f"{sum(row['active'] for row in rows)} of {counted(len(rows), 'dimension', 'are')} active",
        title_justify="left",
    )
    table.add_column("dimension")
    for title in ("KL (nat)", "sensitivity"):
        table.add_column(title, justify="right")
    table.add_column("influence", no_wrap=True)
    table.add_column("active")
    for row, label, strength in zip(rows, labels, influence, strict=True):
        kl = "-" if row["kl"] is None else f"{row['kl']:.4f}"
        bar = "█" * round(20 * float(strength))
        style = "" if row["active"] else "dim"
        table.add_row(
            Text(label), kl, f"{row['sensitivity']:.3f}", bar, "yes" if row["active"] else "no", style=style
        )
    print_table(table)
