"""What every decoding command does: open the model and its stages, run the renderer, say what happened."""

from __future__ import annotations

import contextlib
import functools
import itertools
import json
import math
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from explorer.cli.options import Decoding, Engine, Layout
from explorer.errors import LatentError, UsageError
from explorer.models.base import DecodeOptions, LatentModel, Space, StageModel, check_stages

if TYPE_CHECKING:
    from rich.table import Table

    from explorer.export.making import Shared
    from explorer.export.recipe import Network, Recipe
    from explorer.formats import Opened
    from explorer.render.renderer import Renderer
    from explorer.render.requests import RenderResult


MOST_PSI = 10
PATIENCE = 1.0
"""Seconds of work before progress is shown."""


def say(*sentences: str) -> None:
    """Print sentences to standard error, one a line."""
    for sentence in sentences:
        print(sentence, file=sys.stderr)


def print_json(value: object) -> None:
    """Print plain values as JSON to standard output; what is not a number becomes null."""
    print(json.dumps(_plain(value), indent=2, ensure_ascii=False))


def print_table(table: Table) -> None:
    """Print a rich table to standard output."""
    from rich.console import Console

    Console().print(table)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _plain(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple | set | frozenset | np.ndarray):
        return [_plain(entry) for entry in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if isinstance(value, str | int | bool | None) else str(value)


@contextlib.contextmanager
def progress() -> Iterator[Callable[[float, str], None]]:
    """Show a line of progress on standard error, where that is a terminal and the block takes its time."""
    if not sys.stderr.isatty():
        yield lambda fraction, text: None
        return
    begun = time.monotonic()
    shown = contextlib.ExitStack()
    update: Callable[..., None] | None = None

    def report(fraction: float, text: str) -> None:
        nonlocal update
        if update is None and time.monotonic() - begun > PATIENCE:
            from rich.console import Console
            from rich.progress import Progress

            bar = shown.enter_context(Progress(console=Console(stderr=True), transient=True))
            update = functools.partial(bar.update, bar.add_task("", total=1.0))
        if update is not None:
            update(completed=fraction, description=text)

    with shown:
        yield report


@contextlib.contextmanager
def share_done(text: str) -> Iterator[Callable[[float], None]]:
    """Show progress as `progress` does, of work that tells only its share, under one text."""
    with progress() as report:
        yield lambda share: report(share, text)


def open_model(file: str, engine: Engine) -> Opened:
    """Open a latent model, saying nothing but progress."""
    from explorer.formats import open_latent

    with progress() as report:
        return open_latent(file, hints=engine.hints, on_progress=report)


def open_stage(file: str, engine: Engine | None = None) -> StageModel:
    """Open an image-to-image network."""
    from explorer.formats import open_stage as read

    with progress() as report:
        return read(file, hints=engine.hints if engine else None, on_progress=report)


def precision_of(engine: Engine) -> Literal["exact", "fast"]:
    """Return the precision that was asked for; `exact` where none was."""
    return engine.precision.value if engine.precision else "exact"  # type: ignore[return-value]


def renderer_for(engine: Engine) -> Renderer:
    """Return a renderer on the wanted device."""
    from explorer.render.renderer import Renderer

    return Renderer(device=str(engine.device), precision=precision_of(engine))


class Work:
    """An open model with everything one call needs to make pictures of its codes.

    Used as `with Work(...) as work:`; what is to be told is kept until the block has ended well, so that a
    call that fails says one sentence, why.

    Args:
        file: the checkpoint, or what is open already.
        decoding: the options given.
        options: decode options to use in place of those in `decoding`.
        stages: open ones to use in place of those in `decoding`.

    Raises:
        ExplorerError: the file or a stage cannot be used, or an option is not one of this model's.
    """

    def __init__(
        self,
        file: str | Opened,
        decoding: Decoding,
        options: DecodeOptions | None = None,
        stages: Sequence[StageModel] | None = None,
    ) -> None:
        self.opened = open_model(file, decoding) if isinstance(file, str) else file
        self.model: LatentModel = self.opened.model  # type: ignore[assignment]
        self.stages = tuple(map(open_stage, decoding.stage or ()) if stages is None else stages)
        space = self.model.space_called(decoding.space) if decoding.space else self.model.default_space
        self.options = _options(decoding) if options is None else options
        self.model.check_options(space, self.options)
        check_stages(self.model.image, self.stages)
        self.space: Space = self.model.spaces[space]
        self.renderer = renderer_for(decoding)
        self.renderer.tell_fallback(self.tell)
        self._precision = precision_of(decoding)
        self._ids = itertools.count(1)
        self._told: dict[str, None] = dict.fromkeys(f"Note: {note}" for note in self.model.notes)

    def __enter__(self) -> Work:
        return self

    def __exit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        if kind is None:
            self._remember()
            say(*self._ranges(), *self._told, *self._precisions())

    def _remember(self) -> None:
        """Keep where the networks are whose hash stands in a recipe, so that `replay` finds them."""
        from explorer.formats import whereabouts

        origins = [network.origin for network in (self.model, *self.stages) if network.origin is not None]
        whereabouts.remember({o.known_sha256: o.path for o in origins if o.known_sha256 is not None})

    def _ranges(self) -> list[str]:
        """Return what is to be said where nothing tells how far codes reach; codes given meanwhile do."""
        from explorer.formats import ranges

        if not ranges.is_provisional(self.space):
            return []
        file = self.model.origin.path if self.model.origin else "FILE"
        return [ranges.unknown_prior(self.model, f"measure them with: latent-explorer encode {file} IMAGES")]

    def _precisions(self) -> list[str]:
        """Return which networks ran in float32 although `fast` was asked for, and why."""
        networks: tuple[LatentModel | StageModel, ...] = (self.model, *self.stages)
        found = [(network, self.renderer.precision_note(network)) for network in networks]
        return [f"Note: {network.name} ran in float32: {why}." for network, why in found if why]

    def tell(self, *sentences: str) -> None:
        """Say sentences when the block has ended well, each once."""
        self._told |= dict.fromkeys(sentences)

    def codes(self, path: Path) -> np.ndarray:
        """Return the codes in a file, `(N, dim)`; where they are maps of another size, that is drawn from here on.

        Raises:
            LatentError: they do not fit the space.
        """
        from explorer.data.codes import load_codes, shape_of
        from explorer.models.map_model import MapModel

        if isinstance(self.model, MapModel) and self.space.name == self.model.default_space:
            self.model = self.model.drawing(shape_of(path)) or self.model
            self.space = self.model.spaces[self.space.name]
            check_stages(self.model.image, self.stages)
        return load_codes(path, self.space)

    def render(self, codes: np.ndarray, *, stages: Sequence[StageModel] | None = None) -> RenderResult:
        """Return what the renderer makes of codes `(N, dim)`; a warning about its values is told."""
        from explorer.render.requests import RenderRequest, RenderResult, frozen_codes

        codes = frozen_codes(codes)
        request = RenderRequest(
            "export",
            0,
            next(self._ids),
            self.model,
            codes=codes,
            space=self.space.name,
            options=self.options,
            stages=self.stages if stages is None else tuple(stages),
        )
        with share_done("Decoding") as told:
            result = self.renderer.render(request, told)
        assert isinstance(result, RenderResult)
        if result.warning:
            self.tell(result.warning)
        return result

    def pictures(self, codes: np.ndarray, stages: Sequence[StageModel] | None = None) -> np.ndarray:
        """Return the pictures of codes `(N, dim)` with all stages applied, uint8 `(N, H, W, 1|3)`.

        Raises:
            UsageError: they have more pixels than a page can hold; nothing was decoded.
        """
        from explorer.export.layout import check_all

        image = check_stages(self.model.image, self.stages if stages is None else stages)
        check_all(len(codes), image.width or 1, image.height or 1)
        pictures = self.render(codes, stages=stages).pictures
        assert pictures is not None
        return pictures

    def encode(self, images: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
        """Return mean and log variance of pictures, uint8 `(N, H, W, C)`, in the first space.

        Raises:
            UsageError: another space was asked for, or the model has no encoder.
        """
        if self.space.name != self.model.default_space:
            raise UsageError(
                f"Pictures become codes of the space {self.model.default_space}; "
                f"leave out --space {self.space.name}."
            )
        with share_done("Encoding") as told:
            return self.renderer.encode(self.model, images, told)

    @property
    def network(self) -> Network:
        """How a recipe names the model."""
        from explorer.export.making import network

        return network(self.model)

    def shared(
        self, layout: Layout, labels: Sequence[str] = (), stages: Sequence[StageModel] | None = None
    ) -> Shared:
        """Return what a recipe of any kind says of this work."""
        from explorer.export.making import network

        used = self.stages if stages is None else stages
        return {
            "stages": [network(stage) for stage in used],
            "options": self.options,
            "style": layout.style,
            "labels": labels,
            "precision": self._precision,
        }

    def make(self, recipe: Recipe, out: Path, stages: Sequence[StageModel] | None = None) -> None:
        """Decode what a recipe wants and write the page; see `making.save` for what it raises."""
        from explorer.export import making

        self.space = self.model.spaces[recipe.space]  # samples are of the space that they are mapped from
        making.save(recipe, self.pictures(making.codes_of(recipe), stages), out)

    def dimension_label(self, index: int) -> str:
        """Return `z3`, or `z9 hair colour` where somebody named it."""
        title = self.opened.notes.titles.get(f"{self.space.name}{index + 1}", "")
        return f"{self.space.letters}{index + 1} {title}".strip()

    def remark(self, index: int) -> str:
        """Return the first line of the note on a dimension, empty where there is none."""
        return self.opened.notes.remarks.get(f"{self.space.name}{index + 1}", "").strip().partition("\n")[0]


def _is_number(labels: Path) -> bool:
    """Return whether labels are one number for all pictures; a file of that name goes before."""
    return str(labels).isascii() and str(labels).isdigit() and len(str(labels)) < 7 and not labels.exists()


def _options(decoding: Decoding) -> DecodeOptions:
    """Return the decode options that were given, files read."""
    from explorer.data.arrays import open_npy

    labels = transform = None
    if decoding.psi is not None and not -MOST_PSI <= decoding.psi <= MOST_PSI:
        raise UsageError(
            f"--psi {decoding.psi:g} is no truncation; give a number from -{MOST_PSI} to {MOST_PSI}."
        )
    if decoding.psi_cutoff is not None and decoding.psi is None:
        raise UsageError("--psi-cutoff says on which layers --psi truncates; give --psi, too.")
    if decoding.noise_seed is not None and (decoding.noise is None or decoding.noise.value != "random"):
        raise UsageError("--noise-seed is the seed of random noise; give --noise random, too.")
    if decoding.labels and _is_number(decoding.labels):
        labels = np.array([int(str(decoding.labels))], dtype=np.int64)
    elif decoding.labels:
        wanted = "one number for all, or integers (N,) or one-hot rows (N, classes) as .npy"
        labels = open_npy(decoding.labels, LatentError, wanted)
        if labels.dtype.kind not in "biuf" or labels.ndim not in (1, 2) or not len(labels):
            raise LatentError(f"{decoding.labels} holds no labels; give {wanted}.")
        if (labels.ndim == 1 or labels.shape[1] == 1) and not np.array_equal(labels, np.floor(labels)):
            raise LatentError(f"{decoding.labels} holds labels that are no whole numbers; give {wanted}.")
        labels = labels.astype(np.float32 if labels.ndim == 2 and labels.shape[1] > 1 else np.int64)
        labels = labels.reshape(-1) if labels.ndim == 2 and labels.shape[1] == 1 else labels
    if decoding.transform:
        transform = open_npy(decoding.transform, LatentError, "a (3, 3) matrix as .npy")
        if transform.shape != (3, 3) or transform.dtype.kind not in "fiu" or not np.isfinite(transform).all():
            raise LatentError(f"{decoding.transform} is no (3, 3) matrix of numbers; give one as .npy.")
        if not np.allclose(transform[2], (0, 0, 1)) or abs(np.linalg.det(transform[:2, :2])) < 1e-9:
            raise LatentError(
                f"{decoding.transform} moves no plane; its last row must be 0 0 1, and it needs an inverse."
            )
        transform = transform.astype(np.float32)
    return DecodeOptions(
        labels=labels,
        psi=decoding.psi,
        psi_cutoff=decoding.psi_cutoff,
        noise=decoding.noise.value if decoding.noise else None,  # type: ignore[arg-type]
        transform=transform,
        head=decoding.head,
        noise_seed=decoding.noise_seed,
    )


def one_code(path: Path, space: Space) -> np.ndarray:
    """Return the one code `(dim,)` in a file.

    Raises:
        LatentError: there are more, or none that fits.
    """
    from explorer.data.codes import load_codes

    codes = load_codes(path, space)
    if len(codes) != 1:
        raise LatentError(f"{path} holds {len(codes)} codes where one belongs; give (1, {space.dim}).")
    return codes[0]
