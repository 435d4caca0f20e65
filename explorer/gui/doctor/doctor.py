"""When the doctor comes: for a file that nobody understands, by the menu, or to check a model's guesses."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from explorer.gui import file_dialogs
from explorer.gui.jobs import JobRunner
from explorer.gui.opening import Built, Puzzle, examination_of
from explorer.gui.pictures import PictureSource
from explorer.gui.session import Session

if TYPE_CHECKING:
    from explorer.gui.doctor.doctor_dialog import DoctorDialog
    from explorer.gui.main_window import MainWindow
    from explorer.gui.opener import Opener
    from explorer.gui.widgets.notice import Note


class Doctor(QObject):
    """Opens the dialog, and the checkpoint again once hints were kept."""

    def __init__(
        self,
        session: Session,
        pictures: PictureSource,
        jobs: JobRunner,
        opener: Opener,
        window: MainWindow,
    ) -> None:
        super().__init__(window)
        self._session = session
        self._pictures = pictures
        self._jobs = jobs
        self._opener = opener
        self._window = window
        self._offer: Note | None = None
        self._seen: object = None  # the model whose guesses were offered for a check
        opener.puzzled.connect(self._on_puzzled)
        session.model_changed.connect(self._on_model_changed)
        window.actions_by_name["doctor"].triggered.connect(self._on_wanted)

    @cached_property
    def dialog(self) -> DoctorDialog:
        """The dialog; made when it is first wanted."""
        from explorer.gui.doctor.doctor_dialog import DoctorDialog

        dialog = DoctorDialog(self._session, self._pictures, self._jobs, self._window)
        dialog.kept.connect(self._on_kept)
        dialog.forgotten.connect(self._on_forgotten)
        return dialog

    def open(self) -> None:
        """Examine the checkpoint that is open, or one that a person shows where none is."""
        model = self._session.model
        examination = examination_of(model) if model is not None else None
        if examination is not None:
            self.dialog.take(examination, self._session.state.opened)
            return
        origin = model.origin if model is not None else None
        path = str(origin.path) if origin is not None else ""
        if not path:
            path = file_dialogs.ask_open(self._window, "Examine a checkpoint")
        if path:
            self.dialog.examine(path, Path(path).name)

    def close(self) -> None:
        """Close the dialog, which ends its work."""
        if "dialog" in vars(self):
            self.dialog.close()

    def _on_wanted(self, _checked: bool = False) -> None:
        self.open()

    def _on_puzzled(self, puzzle: Puzzle) -> None:
        self.dialog.take(puzzle.examination)

    def _on_kept(self, checkpoint: str, place: str, built: Built | None) -> None:
        self._session.tell("info", f"The hints were kept in {place}.")
        if built is not None:
            self._opener.take(built)
        else:
            self._opener.open(checkpoint)

    def _on_forgotten(self, checkpoint: str) -> None:
        name = Path(checkpoint).name
        self._session.tell(
            "info", f"The hints of {name} were forgotten; it is read without them from now on."
        )

    def _on_model_changed(self) -> None:
        """Offer to check a model's doubtful guesses, once."""
        from explorer.formats.diagnosis_words import summary

        model = self._session.model
        if model is self._seen:
            return
        self._seen = model
        if self._offer is not None:
            self._window.canvas.withdraw(self._offer)
            self._offer = None
        text = summary(model.diagnosis) if model is not None and model.diagnosis is not None else ""
        if text:
            self._offer = self._window.canvas.offer(text, [("&Check…", self.open)])
