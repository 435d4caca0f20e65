"""Asking where a file goes, having its pictures decoded, writing it in a job; the layout is `explorer.export`'s."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PySide6.QtCore import QObject, QSettings, Signal
from PySide6.QtWidgets import QFileDialog, QWidget

from explorer.gui.jobs import JobRunner
from explorer.gui.pictures import PictureSource
from explorer.gui.session import Session
from explorer.latent import interpolation, sampling, traversal

if TYPE_CHECKING:
    from explorer.gui.main_window import MainWindow
    from explorer.render.requests import RenderResult

PICTURE_FILTER = "Pictures (*.png *.webp *.gif)"
FILM_FILTER = "Pictures (*.png);;Animations (*.gif *.webp)"
SHEET_STEPS = 9
MANIFOLD_STEPS = 15
SAMPLES = 64

Write = Callable[[np.ndarray, Path], None]  # pictures uint8 (N, H, W, C), path


class Exporter(QObject):
    """Saves what the session shows; each `save_*` takes a path, each menu entry asks for one first."""

    exported = Signal(str)  # path of a file that is there now

    def __init__(
        self, session: Session, pictures: PictureSource, jobs: JobRunner, window: MainWindow
    ) -> None:
        super().__init__(window)
        self._session = session
        self._pictures = pictures
        self._jobs = jobs
        self._window = window
        self._waiting: dict[str, tuple[Path, Write]] = {}
        self._count = 0
        for name, save, ending, kinds in (
            ("save_picture", self.save_picture, "png", PICTURE_FILTER),
            ("export_strip", self.save_strip, "png", FILM_FILTER),
            ("export_sheet", self.save_sheet, "png", PICTURE_FILTER),
            ("export_manifold", self.save_manifold, "png", PICTURE_FILTER),
            ("export_samples", self.save_samples, "png", PICTURE_FILTER),
        ):
            action = window.actions_by_name[name]
            action.triggered.connect(partial(self._ask_and_save, save, action.iconText(), ending, kinds))
        window.strip.export_wanted.connect(window.actions_by_name["export_strip"].trigger)
        window.canvas.save_wanted.connect(window.actions_by_name["save_picture"].trigger)
        session.model_changed.connect(self._on_model_changed)

    # ---- asking ----

    def ask_open(self, title: str) -> str:
        """Return a file that a person chose, or an empty string."""
        path, _ = QFileDialog.getOpenFileName(self._window, title, _last_folder())
        _remember_folder(path)
        return path

    def _ask_and_save(
        self, save: Callable[[str], None], what: str, ending: str, kinds: str, _checked: bool = False
    ) -> None:
        model = self._session.model
        if model is None:
            return
        stem = f"{model.name} {what.split()[0].lower()}.{ending}"
        parent: QWidget = self._window
        path, _ = QFileDialog.getSaveFileName(
            parent, f"Save: {what}", str(Path(_last_folder()) / stem), kinds
        )
        if path:
            _remember_folder(path)
            save(path if Path(path).suffix else f"{path}.{ending}")

    # ---- saving ----

    def save_picture(self, path: str) -> None:
        """Save what the canvas shows, pixel for pixel."""
        shown = self._window.canvas.shown
        if shown is None or shown.pictures is None:
            self._on_failed("There is no picture to save yet; open a model first.")
            return
        self._write(Path(path), shown.pictures, _write_picture)

    def save_strip(self, path: str) -> None:
        """Save the strip in one row, or as an animation where the name ends in .gif or .webp."""
        session = self._session
        a, b = session.anchors["A"], session.anchors["B"]
        if a is None or b is None:
            self._on_failed("The strip has no two ends yet; set A and B first.")
            return
        settings = session.strip
        sources = (a.picture, b.picture) if settings.ends == "source" else (None, None)
        codes = interpolation.path(a.code, b.code, settings.steps + 2, settings.path)
        self._start(path, codes, partial(_write_strip, *sources))

    def save_sheet(self, path: str) -> None:
        """Save one traversal per dimension around the current code."""
        session = self._session
        assert session.space is not None
        codes = traversal.sheet(session.space, session.code, SHEET_STEPS, "data")
        names = [
            f"{session.name_of(i)} {session.dimension_names.get(i, '')}".rstrip() for i in range(session.dim)
        ]
        self._start(path, codes.reshape(-1, session.dim), partial(_write_sheet, names))

    def save_manifold(self, path: str) -> None:
        """Save the grid over the map's two dimensions, or over the two that matter most."""
        session = self._session
        assert session.space is not None
        plane = session.map.plane
        dims = plane if isinstance(plane, tuple) else session.main_dimensions
        codes = traversal.manifold(session.space, MANIFOLD_STEPS, dims)
        self._start(path, codes, partial(_write_grid, MANIFOLD_STEPS))

    def save_samples(self, path: str) -> None:
        """Save a grid of random pictures; the seed is the one shown, else 0."""
        session = self._session
        assert session.space is not None
        codes = sampling.sample(session.space, SAMPLES, session.seed or 0)
        self._start(path, codes, partial(_write_grid, round(SAMPLES**0.5)))

    def _start(self, path: str, codes: np.ndarray, write: Write) -> None:
        self._count += 1
        slot = f"export:{self._count}"
        self._waiting[slot] = (Path(path), write)
        self._pictures.want(slot, codes, self._on_pictures)

    def _on_pictures(self, result: RenderResult) -> None:
        path, write = self._waiting.pop(result.slot)
        if result.error is not None or result.pictures is None:
            self._on_failed(result.error or "Nothing was decoded.")
            return
        if result.warning:
            self._session.tell("warning", result.warning)
        self._write(path, result.pictures, write)

    def _on_model_changed(self) -> None:
        """Say which pictures will not come: the decode thread drops what belongs to another model."""
        for path, _ in self._waiting.values():
            self._session.tell(
                "warning", f"{path} was not written, because another model was opened; export it again."
            )
        self._waiting.clear()

    def _write(self, path: Path, pictures: np.ndarray, write: Write) -> None:
        def work(progress: Any, should_stop: Any) -> Path:
            write(pictures, path)
            return path

        job = self._jobs.start(f"export to {path}", work)
        job.succeeded.connect(self._on_written)
        job.failed.connect(self._on_failed)

    def _on_written(self, path: Path) -> None:
        self._session.tell("info", f"Saved {path}.")
        self.exported.emit(str(path))

    def _on_failed(self, sentence: str) -> None:
        self._session.tell("error", sentence)


def _write_picture(pictures: np.ndarray, path: Path) -> None:
    from explorer.export import layout, writing

    writing.save_image(layout.to_image(pictures[0]), path)


def _write_strip(first: np.ndarray | None, last: np.ndarray | None, pictures: np.ndarray, path: Path) -> None:
    from explorer.export import strips, writing

    whole = strips.with_sources(pictures, first, last)
    if path.suffix.lower() in (".gif", ".webp"):
        writing.save_film(strips.frames(whole), path)
    else:
        writing.save_image(strips.strip(whole), path)


def _write_sheet(names: list[str], pictures: np.ndarray, path: Path) -> None:
    from explorer.export import sheets, writing

    rows = pictures.reshape(len(names), -1, *pictures.shape[1:])
    writing.save_image(sheets.traversals(rows, names), path)


def _write_grid(columns: int, pictures: np.ndarray, path: Path) -> None:
    from explorer.export import layout, writing

    writing.save_image(layout.grid(pictures, columns), path)


def _last_folder() -> str:
    return str(QSettings().value("last_folder", str(Path.home())))


def _remember_folder(path: str) -> None:
    if path:
        QSettings().setValue("last_folder", str(Path(path).parent))
