"""What the program does without a display: six pictures that show what the window would."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from explorer import paths
from explorer.cli.options import Decoding, Device, Layout, Precision
from explorer.cli.recipes import TILES, known_codes, map_recipe, row_labels
from explorer.cli.work import Work, open_stage, say
from explorer.errors import OutputError
from explorer.export import making
from explorer.export.recipe import Recipe
from explorer.latent import sampling
from explorer.models.base import StageModel

FOLDER = Path("out") / "tour"
COLORIZER = "anime-colorizer"
_SAMPLES = 36
_ROWS = 16  # dimensions on the sheet
_LAYOUT = Layout()


def give_tour(file: str, stages: Sequence[str], device: Device, precision: Precision) -> None:
    """Render samples, sheet, strip, manifold, map and coloured samples of `file` into `out/tour/`.

    Raises:
        ExplorerError: the checkpoint cannot be used, or the folder not be written.
    """
    with Work(file, Decoding(device=device, precision=precision, stage=list(stages))) as work:
        say("No display was found, so no window opens; six pictures are rendered instead.")
        try:
            FOLDER.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise OutputError(
                f"{FOLDER} cannot be made here ({reason}); go to a folder of your own."
            ) from error
        for name, recipe_of in _STOPS.items():
            _make(work, name, recipe_of(work))
        if stages_used := work.stages or _colorizer(work):
            _make(work, "coloured", _samples(work, stages_used), stages_used)
        else:
            work.tell(
                f"No colour stage takes pictures of {work.model.image}, so there is no coloured picture."
            )


def _make(work: Work, name: str, recipe: Recipe, stages: Sequence[StageModel] | None = None) -> None:
    path = FOLDER / f"{name}.png"
    work.make(recipe, path, stages)
    say(str(path))


def _samples(work: Work, stages: Sequence[StageModel] | None = None) -> Recipe:
    return making.samples(work.network, work.space, _SAMPLES, 0, **work.shared(_LAYOUT, stages=stages))


def _sheet(work: Work) -> Recipe:
    dims = range(min(_ROWS, work.space.dim))
    labels = row_labels(work, dims)
    return making.sheet(work.network, work.space, dims=dims, **work.shared(_LAYOUT, labels))


def _strip(work: Work) -> Recipe:
    codes = known_codes(work)
    ends = codes[list(sampling.distant_pair(codes, work.space))]
    return making.strip(work.network, work.space, ends, **work.shared(_LAYOUT))


def _manifold(work: Work) -> Recipe:
    dims = (0, min(1, work.space.dim - 1))
    return making.manifold(work.network, work.space, TILES, dims, **work.shared(_LAYOUT))


def _map(work: Work) -> Recipe:
    return map_recipe(work, _LAYOUT)


def _colorizer(work: Work) -> tuple[StageModel, ...]:
    """Return the bundled colour stage where it is there and its input fits."""
    if COLORIZER not in paths.bundled():
        return ()
    stage = open_stage(COLORIZER)
    return (stage,) if stage.input.accepts(work.model.image) else ()


_STOPS = {
    "samples": _samples,
    "sheet": _sheet,
    "strip": _strip,
    "manifold": _manifold,
    "map": _map,
}
