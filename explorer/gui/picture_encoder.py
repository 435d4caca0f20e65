"""Encoding many pictures to the code book of the open model, so that ranges, map and Random go by them.

Pictures are read in a job, encoded by the decode thread when it has nothing more urgent, and kept beside the
checkpoint in another job. One picture that goes to the canvas or an end of the strip is `opener`'s.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject

from explorer.data.wording import counted
from explorer.gui import file_dialogs
from explorer.gui.first_state import measured_places, measured_state
from explorer.gui.jobs import JobRunner
from explorer.gui.pictures import PictureSource
from explorer.gui.session import Session

if TYPE_CHECKING:
    import numpy as np

    from explorer.data.images import Pictures
    from explorer.formats import Opened
    from explorer.gui.main_window import MainWindow
    from explorer.gui.widgets.notice import Note
    from explorer.models.base import ImageSpec
    from explorer.render.requests import EncodeResult

WORK = "encode pictures"
SLOT = "book"  # the first of what rests while a drag lasts
UNFITTING = "The codes that are kept do not fit the checkpoint as it is read now, and were left out."
KINDS = "Pictures (*.zip *.npz *.npy *.gz *.png *.jpg *.jpeg *.webp *.bmp *.gif *.tif *.tiff);;All files (*)"


class PictureEncoder(QObject):
    """Makes a code book of pictures that a person chooses, and shows the model as it measures it."""

    def __init__(
        self, session: Session, pictures: PictureSource, jobs: JobRunner, window: MainWindow
    ) -> None:
        super().__init__(window)
        self._session = session
        self._pictures = pictures
        self._jobs = jobs
        self._window = window
        self._read: Pictures | None = None
        self._offer: Note | None = None
        session.model_changed.connect(self._on_model_changed)
        pictures.progressed.connect(self._on_progressed)
        window.work_cancelled.connect(self._on_work_cancelled)

    # ---- wishes ----

    def choose_folder(self) -> None:
        """Ask for a folder of pictures and encode them."""
        self._ask(file_dialogs.ask_folder(self._window, "Encode the pictures of a folder"))

    def choose_file(self) -> None:
        """Ask for a zip or an array of pictures and encode them."""
        self._ask(file_dialogs.ask_open(self._window, "Encode the pictures of a file", KINDS))

    def _ask(self, path: str) -> None:
        """Encode pictures; where a code book would be replaced, ask first."""
        book = self._session.code_book
        if not path:
            return
        if book is None:
            self.encode(path)
            return
        self._withdraw()
        name = self._session.model.name if self._session.model else ""
        text = f"{name} has the codes of {counted(len(book), 'picture')} already; replace them, with their labels?"
        self._offer = self._window.canvas.offer(text, [("&Replace them", partial(self.encode, path))])

    def encode(self, path: str) -> None:
        """Encode a folder, zip, npz, npy or idx file of pictures, or one picture, to the model's code book."""
        model = self._session.model
        if model is None or not model.has_encoder:
            return
        self._pictures.cancel(SLOT)
        job = self._jobs.start(WORK, partial(_read, path, model.image))
        self._window.show_work(WORK, f"Reading {Path(path).name}")
        job.succeeded.connect(self._on_read)
        job.failed.connect(self._on_failed)

    # ---- reading, encoding, keeping ----

    def _on_read(self, read: Pictures) -> None:
        self._read = read
        self._window.show_work(WORK, f"Encoding {counted(len(read), 'picture')}", 0.0)
        self._pictures.want_codes(SLOT, read.images, self._on_encoded)

    def _on_progressed(self, slot: str, share: float) -> None:
        if slot == SLOT and self._read is not None:
            self._window.show_work(WORK, f"Encoding {counted(len(self._read), 'picture')}", share)

    def _on_encoded(self, result: EncodeResult) -> None:
        read, opened = self._read, self._session.state.opened
        if read is None or opened is None:
            return
        if result.mean is None:
            self._on_failed(result.error or "The pictures could not be encoded.")
            return
        self._window.show_work(WORK, "Keeping the codes")
        job = self._jobs.start(WORK, partial(_keep, opened, read, result.mean, result.logvar))
        job.succeeded.connect(self._on_kept)
        job.failed.connect(self._on_failed)

    def _on_kept(self, kept: tuple[Opened, Path | None]) -> None:
        opened, place = kept
        session, read = self._session, self._read
        assert session.state.opened is not None
        places = measured_places(opened, session.state.opened, session.places.all)
        self._end()
        session.become("Encode pictures", measured_state(opened, session.state))
        session.places.restore(places)
        for note in read.notes if read is not None else ():
            session.tell("info", note)
        assert opened.code_book is not None
        where = f", kept in {place}" if place is not None else ""
        session.tell(
            "info", f"Ranges, map and Random go by {counted(len(opened.code_book), 'picture')} now{where}."
        )

    def _on_failed(self, sentence: str) -> None:
        self._end()
        self._session.tell("error", sentence)

    # ---- ending ----

    def _on_work_cancelled(self, key: str) -> None:
        if key == WORK:
            self._stop()

    def _on_model_changed(self) -> None:
        """Those codes would be of the model before; offer to make new ones where the kept ones fit no more."""
        self._withdraw()
        self._stop()
        opened = self._session.state.opened
        if opened is not None and opened.book_note and self._session.model.has_encoder:  # type: ignore[union-attr]
            actions = [("Encode &again…", self.choose_folder)]
            self._offer = self._window.canvas.offer(UNFITTING, actions, "warning")

    def _stop(self) -> None:
        self._jobs.cancel(WORK)
        self._pictures.cancel(SLOT)
        self._end()

    def _end(self) -> None:
        self._read = None
        self._window.end_work(WORK)

    def _withdraw(self) -> None:
        if self._offer is not None:
            self._window.canvas.withdraw(self._offer)
            self._offer = None


def _read(path: str, spec: ImageSpec, progress: Any, should_stop: Any) -> Pictures:
    from explorer.data.images import read_pictures

    return read_pictures(path, spec, should_stop)


def _keep(
    opened: Opened,
    read: Pictures,
    mean: np.ndarray,
    logvar: np.ndarray | None,
    progress: Any,
    should_stop: Any,
) -> tuple[Opened, Path | None]:
    """Write the code book where there is a checkpoint that it belongs to; return what it measures, and its place."""
    from explorer.data.code_book import CodeBook
    from explorer.formats import ranges, sidecars

    book = CodeBook.of(opened.model, mean, logvar, read.names)  # type: ignore[arg-type]
    place = None
    if opened.model.origin is not None and not should_stop():
        place = sidecars.writable_place(opened.model.origin.path, "codes.npz")
        book.save(place)
    return ranges.measured(opened, book), place
