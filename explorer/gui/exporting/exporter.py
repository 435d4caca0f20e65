"""Exports: the recipe's pictures are decoded, laid out and written in a job, with progress and a way to stop.

What is exported, and how, is decided in `export_recipes` and the dialog; how a page looks is `explorer.export`'s.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PySide6.QtCore import QObject, Signal

from explorer.errors import Cancelled, ExplorerError
from explorer.export import making
from explorer.export.recipe import Precision, Recipe
from explorer.gui.exporting.export_choice import ExportChoice
from explorer.gui.exporting.export_recipes import (
    EncodedPictures,
    MapFacts,
    Subject,
    codes_to_decode,
    recipe_of,
)
from explorer.gui.jobs import JobRunner
from explorer.gui.pictures import PictureSource
from explorer.gui.session import Session

if TYPE_CHECKING:
    from explorer.data.images import Pictures
    from explorer.gui.main_window import MainWindow
    from explorer.models.base import DecodeOptions, ImageSpec
    from explorer.render.requests import EncodeResult, RenderResult

READING = "export pictures"
ENCODING, DECODING = "encode:export", "export-pairs"


@dataclass(eq=False)
class _Waiting:
    recipe: Recipe
    path: Path
    is_written: bool = False  # told by the job's thread


class Exporter(QObject):
    """Saves recipes of what the session shows; also brings in pictures that are to be reconstructed."""

    exported = Signal(str)  # path of a file that is there now
    failed = Signal(str)  # why one is not there, a sentence
    working = Signal(str, str, object)  # key, what is being done, the share of it that is done (0..1 or None)
    ended = Signal(str)  # key
    encoded_changed = Signal()  # other pictures can be reconstructed

    def __init__(
        self,
        session: Session,
        pictures: PictureSource,
        jobs: JobRunner,
        window: MainWindow,
        precision: Precision = "exact",
    ) -> None:
        super().__init__(window)
        self._precision: Precision = precision
        self._session = session
        self._pictures = pictures
        self._jobs = jobs
        self._window = window
        self._waiting: dict[str, _Waiting] = {}
        self._count = 0
        self._sources = np.zeros((0, 0, 0, 0), np.uint8)
        self._codes = np.zeros((0, 0), np.float32)
        self._encoded: EncodedPictures | None = None
        session.model_changed.connect(self._on_model_changed)
        session.weights_changed.connect(self._on_weights_changed)
        pictures.progressed.connect(self._on_progressed)
        window.work_cancelled.connect(self.cancel)
        self.working.connect(window.show_work)
        self.ended.connect(window.end_work)

    def subject(self) -> Subject:
        """Return what canvas and map show now, and the pictures to be reconstructed."""
        return Subject(self._window.canvas.shown, self._map_facts(), self._encoded, self._precision)

    def _map_facts(self) -> MapFacts | None:
        shown = self._window.map
        if shown.plane is None:
            return None
        region = shown.region
        extent = (region.left(), region.right(), region.top(), region.bottom())
        column = self._session.map.colour or ""
        book = self._session.shown_book
        values = book.labels.get(column) if book is not None and len(book) == len(shown.points) else None
        return MapFacts(shown.plane, extent, shown.points, column if values is not None else "", values)

    # ---- saving ----

    def save(self, choice: ExportChoice, path: str) -> None:
        """Export what is shown now; what cannot be is said."""
        try:
            self.write(recipe_of(choice, self._session, self.subject()), path)
        except ExplorerError as error:
            self._on_failed(str(error))

    def write(self, recipe: Recipe, path: str) -> None:
        """Decode a recipe of the open model and write its page.

        Raises:
            ExplorerError: its codes cannot be made, or such a file not be written.
        """
        from explorer.export.writing import STILLS, check_target

        check_target(path, STILLS)
        codes = codes_to_decode(recipe, self._session)
        self._count += 1
        slot = f"export:{self._count}"
        self._waiting[slot] = _Waiting(recipe, Path(path))
        shown = self._window.canvas.shown
        if recipe.kind == "picture" and shown is not None and _is_of(shown, recipe):
            self._write(slot, shown.pictures)  # pixel for pixel what is seen
        elif not len(codes):
            self._write(slot, np.zeros((0, 1, 1, 1), np.uint8))
        else:
            self.working.emit(slot, f"Decoding {Path(path).name}", 0.0)
            self._pictures.want(slot, codes, self._on_pictures, space=recipe.space)

    def _on_pictures(self, result: RenderResult) -> None:
        if result.error is not None or result.pictures is None:
            self._drop(result.slot)
            self._on_failed(result.error or "Nothing was decoded.")
            return
        if result.warning:
            self._session.tell("warning", result.warning)
        self._write(result.slot, result.pictures)

    def _write(self, slot: str, pictures: np.ndarray | None) -> None:
        waiting = self._waiting[slot]
        assert pictures is not None
        job = self._jobs.start(slot, partial(_work, waiting, pictures))
        self.working.emit(slot, f"Writing {waiting.path.name}", None)
        job.succeeded.connect(self._on_written)
        job.failed.connect(self._on_failed)
        job.cancelled.connect(partial(self._on_stopped, slot))
        job.finished.connect(partial(self._drop, slot))

    def _on_progressed(self, slot: str, share: float) -> None:
        if slot in self._waiting:
            self.working.emit(slot, f"Decoding {self._waiting[slot].path.name}", share)

    def cancel(self, slot: str) -> None:
        """Stop an export, by the key that `working` told."""
        if slot == READING:
            self._jobs.cancel(READING)
        elif self._jobs.is_running(slot):
            self._jobs.cancel(slot)  # what became of it is known when it ends
        elif slot in self._waiting:
            self._pictures.cancel(slot)
            self._on_stopped(slot)

    def _on_stopped(self, slot: str) -> None:
        waiting = self._waiting[slot]
        what = (
            "was written before it could be stopped"
            if waiting.is_written
            else "was not written, as you wished"
        )
        self._session.tell("info", f"{waiting.path} {what}.")
        self._drop(slot)

    def _drop(self, slot: str) -> None:
        self._waiting.pop(slot, None)
        self.ended.emit(slot)

    def _on_model_changed(self) -> None:
        """Say which pictures will not come: the decode thread drops what belongs to another model."""
        for slot, waiting in list(self._waiting.items()):
            if not self._jobs.is_running(slot):
                sentence = (
                    f"{waiting.path} was not written, because another model was opened; export it again."
                )
                self._session.tell("warning", sentence)
                self.failed.emit(sentence)
                self._drop(slot)
        self._jobs.cancel(READING)  # those pictures would have the shape of the model before
        if self._encoded is not None:
            self._encoded = None
            self.encoded_changed.emit()

    def _on_weights_changed(self) -> None:
        """Encode the pictures to be reconstructed by the epoch that is shown now."""
        if self._encoded is not None:
            self._pictures.want_codes(ENCODING, self._sources, self._on_encoded)

    def _on_written(self, path: Path) -> None:
        self._session.tell("info", f"Saved {path}.")
        self.exported.emit(str(path))

    def _on_failed(self, sentence: str) -> None:
        self._session.tell("error", sentence)
        self.failed.emit(sentence)

    # ---- pictures to reconstruct ----

    def encode(self, path: str, most: int) -> None:
        """Read pictures (a folder, zip, npz, idx or one file) and encode the first `most` of them."""
        model = self._session.model
        if model is None or not model.has_encoder:
            return
        job = self._jobs.start(READING, partial(_read, path, model.image, most))
        self.working.emit(READING, f"Reading {Path(path).name}", None)
        job.succeeded.connect(self._on_read)
        job.failed.connect(self._on_failed)
        job.finished.connect(partial(self.ended.emit, READING))

    def _on_read(self, read: Pictures) -> None:
        for note in read.notes:
            self._session.tell("info", note)
        self._sources = read.images
        self._pictures.want_codes(ENCODING, read.images, self._on_encoded)

    def _on_encoded(self, result: EncodeResult) -> None:
        if result.mean is None:
            self._on_failed(result.error or "The pictures could not be encoded.")
            return
        self._codes = result.mean
        model = self._session.model
        space = model.default_space if model is not None else None
        self._pictures.want(DECODING, self._codes, self._on_decoded, stages=False, space=space)

    def _on_decoded(self, result: RenderResult) -> None:
        if result.pictures is None:
            self._on_failed(result.error or "The pictures could not be decoded.")
            return
        pairs = zip(result.pictures, self._sources[..., :3], strict=True)  # one by one: float64 may not fit
        errors = np.array([((one.astype(np.float64) - other) ** 2).mean() for one, other in pairs])
        self._encoded = EncodedPictures(self._sources, self._codes, errors)
        self.encoded_changed.emit()


def _is_of(shown: RenderResult, recipe: Recipe) -> bool:
    """Return whether the picture on the canvas is the one of a recipe."""
    request = shown.request
    return (
        request is not None
        and making.network(request.model) == recipe.model
        and tuple(making.network(stage) for stage in request.stages) == recipe.stages
        and request.space == recipe.space
        and np.array_equal(request.codes, recipe.codes)
        and request.quality == "full"
        and _are_same(request.options, making.options_of(recipe))
    )


def _are_same(one: DecodeOptions, other: DecodeOptions) -> bool:
    return all(np.array_equal(getattr(one, name), getattr(other, name)) for name in vars(one))  # type: ignore[arg-type]


def _work(waiting: _Waiting, pictures: np.ndarray, progress: Any, should_stop: Any) -> Path:
    if should_stop():
        raise Cancelled
    making.save(waiting.recipe, pictures, waiting.path)
    waiting.is_written = True
    return waiting.path


def _read(path: str, spec: ImageSpec, most: int, progress: Any, should_stop: Any) -> Pictures:
    from dataclasses import replace

    from explorer.data.images import read_pictures

    read = read_pictures(path, spec)
    return replace(read, images=read.images[:most], names=read.names[:most])
