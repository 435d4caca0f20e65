"""What the doctor's window does: choices become hints, hints a model, the model nine pictures.

How it is built is `doctor_window`. It stays open beside the work. Reading and building is done by `Trials`,
decoding by `PictureSource`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QTimer, Signal
from PySide6.QtGui import QHideEvent
from PySide6.QtWidgets import QWidget

from explorer.errors import OutputError, UsageError
from explorer.formats.diagnosis import Guess
from explorer.formats.diagnosis_words import headline
from explorer.formats.sidecars import Hints, parsed_hints
from explorer.gui.doctor.choices import LAYERS, SETTLED, can_tell_layers, facts_of, states_layers
from explorer.gui.doctor.doctor_window import DoctorWindow
from explorer.gui.doctor.sentences import can_be_told, described, is_hint, misfits_of, unheeded
from explorer.gui.doctor.trials import Trial, Trials
from explorer.gui.jobs import JobRunner
from explorer.gui.opening import Built
from explorer.gui.pictures import PictureSource, to_qimage
from explorer.gui.session import Session
from explorer.latent.sampling import sample
from explorer.models.base import NO_OPTIONS, DecodeOptions

if TYPE_CHECKING:
    from explorer.formats import Examination, Opened
    from explorer.formats.diagnosis import Diagnosis
    from explorer.models.base import LatentModel
    from explorer.render.requests import RenderResult

SLOT = "preview:doctor"
COUNT = 9
SIDE = 256  # pixels; larger pictures may come smaller
NOTHING = "Nothing was guessed: the file says everything itself."
STAGE = "This is a stage: it changes pictures, and draws none of its own."
NOT_YET = "There is no picture yet.\nA choice at the left may bring one."
NOTHING_HELPS = "There is no picture.\nThis file holds no generator that is known here."
TRYING = "Trying these choices…"
PATIENCE = 400  # milliseconds before that is said
NOT_NUMBERS = "All values that came out are not numbers; try another range or activation."


class DoctorDialog(DoctorWindow):
    """Non-modal; one checkpoint at a time."""

    kept = Signal(
        str, str, object
    )  # the checkpoint, the file that its hints are in now, what came of them or None
    forgotten = Signal(str)  # the checkpoint whose hints are gone

    def __init__(self, session: Session, pictures: PictureSource, jobs: JobRunner, parent: QWidget) -> None:
        super().__init__(parent)
        self._pictures = pictures
        self._trials = Trials(jobs, self)
        self._seed = 0
        self._patience = QTimer(self)
        self._patience.setSingleShot(True)
        self._patience.setInterval(PATIENCE)
        self._patience.timeout.connect(self._on_patience_ended)
        self._begin("")
        self._trials.progressed.connect(self._on_progressed)
        self._trials.examined.connect(self._on_examined)
        self._trials.failed.connect(self._on_unread)
        self._trials.tried.connect(self._on_tried)
        self.form.changed.connect(self._on_chosen)
        session.model_changed.connect(self._refresh_pictures)  # which forgets what was asked before
        self.loading.cancel_requested.connect(self.close)
        for button, slot in (
            (self.again, self._on_again),
            (self.forget_button, self._on_forget),
            (self.close_button, self.close),
            (self.keep_button, self._on_keep),
        ):
            button.clicked.connect(slot)

    def _begin(self, name: str) -> None:
        """Know nothing of a checkpoint."""
        self._name = name
        self._chosen: dict[str, str] = {}
        self._kept: dict[str, str] = {}
        self._guesses: dict[str, Guess] = {}  # those that nothing chosen hides
        self._diagnosis: Diagnosis | None = None
        self._model: LatentModel | None = None  # the last good one
        self._opened: Opened | None = None  # that, or the last good stage
        self._fits = False  # a model came of what is chosen
        self._is_unfamiliar = False  # none came of anything yet, so what is guessed is a proposal
        self._is_first = True
        self._last: str | None = None  # the hint that was chosen last

    # ---- from outside ----

    def examine(self, path: str, name: str) -> None:
        """Read a checkpoint and show what was found."""
        self._open_for(name)
        self.show_loading(f"Reading {name}", 0.0)
        self._trials.read(path)

    def take(self, examination: Examination, opened: Opened | None = None) -> None:
        """Show what was found in a checkpoint that was read already, and is `opened` perhaps."""
        self._open_for(examination.path.name)
        if opened is None:
            self.show_loading(f"Trying what was found in {examination.path.name}", 0.0)
        self._trials.take(examination, opened)

    @property
    def chosen(self) -> dict[str, str]:
        """The hints that are set, kept ones among them."""
        return dict(self._chosen)

    @property
    def is_at_rest(self) -> bool:
        """Whether nothing is being read, built or decoded."""
        return not (self._trials.is_reading or self._trials.is_busy or self._pictures.is_waiting(SLOT))

    def _open_for(self, name: str) -> None:
        self._trials.close()
        self._pictures.cancel(SLOT)
        self._begin(name)
        self.form.forget()
        self.grid.show_text("")
        self.say("")
        self._refresh()
        self.show()
        self.raise_()
        self.activateWindow()

    # ---- what came of reading and building ----

    def _on_progressed(self, fraction: float, text: str) -> None:
        if self._is_first:
            self.show_loading(text, fraction)

    def _on_examined(self, kept: dict[str, str]) -> None:
        self._kept, self._chosen = dict(kept), dict(kept)
        self._trials.attempt(self._chosen)

    def _on_unread(self, sentence: str) -> None:
        self.show_grid()
        self.grid.show_text("")
        self.say(sentence)
        self._refresh()

    def _on_tried(self, trial: Trial) -> None:
        self._patience.stop()
        self.show_grid()
        model = trial.opened.model if trial.opened is not None else None
        self._fits = model is not None
        if model is not None or (trial.diagnosis is not None and self._model is None):
            self._diagnosis = trial.diagnosis
            self._is_unfamiliar = model is None
            self._learn(trial)
        idle = unheeded(model)
        error = "" if self._is_unfamiliar and self._seems else trial.error  # which the headline says
        self.say(error or idle, "error" if error else "warning")
        self.form.mark_wrong(self._last if trial.error and self._model is not None else None)
        if model is not None:
            self._opened = trial.opened
            self._model = model if hasattr(model, "spaces") else None  # type: ignore[assignment]
        if self._fits and self._model is not None:
            self._refresh_pictures()
        elif self._fits:
            self.grid.show_text(STAGE)
        elif self.grid.pictures:
            self.grid.set_old(True)
        else:
            self.grid.show_text(NOTHING_HELPS if self._seems else NOT_YET)
        self._refresh(model)
        if self._is_first:
            self._is_first = False
            self.form.focus_first()

    @property
    def _seems(self) -> str:
        """What else the file seems to hold, where no hint helps."""
        return self._diagnosis.seems if self._diagnosis is not None else ""

    def _learn(self, trial: Trial) -> None:
        """Remember what is guessed where nothing is chosen; what is chosen hides its guess, as it was before."""
        guesses = trial.diagnosis.guesses if trial.diagnosis is not None else ()
        settled = {*trial.hints, *(SETTLED if LAYERS in trial.hints else ())}
        hidden = {hint: guess for hint, guess in self._guesses.items() if hint in settled}
        self._guesses = hidden | {guess.hint: guess for guess in guesses if guess.hint not in settled}

    # ---- pictures ----

    def _refresh_pictures(self) -> None:
        """Ask for the pictures of the same random codes, of one class each, by the model as it is now."""
        model = self._model
        if model is None or not self.isVisible():
            return
        codes = sample(model.spaces[model.default_space], COUNT, self._seed)
        options = DecodeOptions(labels=np.arange(COUNT) % model.classes) if model.classes else NO_OPTIONS
        self._pictures.want(
            SLOT, codes, self._on_pictures, model=model, stages=False, max_side=SIDE, options=options
        )

    def _on_pictures(self, result: RenderResult) -> None:
        if result.pictures is None:
            self.say(result.error or "Nothing was decoded.")
            self.grid.set_old(True)
            return
        if result.blank:
            self.say(NOT_NUMBERS)
        elif result.warning:
            self.say(result.warning, "warning")
        self.grid.show_pictures([to_qimage(picture) for picture in result.pictures])
        self.grid.set_old(not self._fits and not self._trials.is_busy)

    def _on_again(self) -> None:
        self._seed += 1
        self._refresh_pictures()

    # ---- a person chose something ----

    def _on_chosen(self, hint: str, value: str) -> None:
        settled = (hint, *SETTLED) if hint == LAYERS and value else (hint,)
        wanted = {key: entry for key, entry in self._chosen.items() if key not in settled}
        if value:
            try:
                parsed_hints({hint: value})
            except UsageError as error:
                self._fits = False
                self.form.mark_wrong(hint)
                self.say(str(error))
                self.grid.set_old(bool(self.grid.pictures))
                self._refresh_buttons()
                return
            wanted[hint] = value
        self._try(wanted, hint if value else None)

    def _try(self, hints: dict[str, str], hint: str | None = None) -> None:
        """Build by these hints; `hint` is the one that was just chosen, and marked where nothing comes of them."""
        self._chosen = hints
        self.say("")
        self._fits = False
        self.form.mark_wrong(None)
        self._refresh_form()
        self._refresh_buttons()
        self._patience.start()
        self._last = hint
        self._trials.attempt(hints)

    def _on_patience_ended(self) -> None:
        """Say that the pictures are being worked on, where that takes its time."""
        self.say(TRYING, "")
        self.grid.set_old(True)

    def _to_keep(self) -> dict[str, str]:
        """Return what Keep writes: what was chosen, else the guesses that a person has now seen to be right."""
        if self._chosen:
            return dict(self._chosen)
        guesses = self._diagnosis.doubtful if self._diagnosis is not None else ()
        return {guess.hint: guess.value for guess in guesses if is_hint(guess)}

    def _on_keep(self) -> None:
        path = self._trials.path
        if path is None:
            return
        hints = self._to_keep()
        try:
            place = self._trials.keep(hints)
        except OutputError as error:
            self.say(str(error))
            return
        built = self._built_by(hints)
        self.close()
        self.kept.emit(str(path), place, built)

    def _built_by(self, hints: Mapping[str, str]) -> Built | None:
        """Return what opening the checkpoint by these hints would give, where it is here already."""
        examination, opened = self._trials.examination, self._opened
        origin = opened.model.origin if opened is not None and self._fits else None
        if examination is None or opened is None or origin is None:
            return None
        is_same = origin.hints == Hints(**parsed_hints(hints)).told
        return Built(examination, opened) if is_same and hasattr(opened.model, "spaces") else None

    def _on_forget(self) -> None:
        path = self._trials.path
        if path is None:
            return
        try:
            self._trials.keep({})
        except OutputError as error:
            self.say(str(error))
            return
        was_kept, self._kept = bool(self._kept), {}
        self._try({})
        if was_kept:
            self.forgotten.emit(str(path))

    # ---- refreshing ----

    def _refresh(self, model: object = None) -> None:
        diagnosis = self._diagnosis
        self.title.setText(self._name)
        self.facts.setText(described(model))  # empty while none fits
        if diagnosis is not None:
            self.headline.setText(headline(diagnosis, failed=self._is_unfamiliar))
        elif model is not None or not self.headline.text():
            self.headline.setText(NOTHING if model is not None else "")
        self.misfits.setText(misfits_of(diagnosis, self.said.text()))
        self.misfits.setVisible(bool(self.misfits.text()))
        self.findings.show_diagnosis(diagnosis)
        self.show_findings(diagnosis is not None)
        self.show_form(self._is_known and can_be_told(self._model))
        self._refresh_form()
        self._refresh_buttons()

    @property
    def _is_known(self) -> bool:
        """Whether anything was found that choices may be about."""
        return self._model is not None or self._diagnosis is not None

    def _refresh_form(self) -> None:
        if not self._is_known:
            return
        facts = facts_of(self._model, self._diagnosis)
        guesses = tuple(self._guesses.values())
        failed, stated = self._is_unfamiliar, states_layers(self._diagnosis)
        tells = can_tell_layers(self._model, self._diagnosis)
        self.form.show_choices(
            guesses, facts, self._chosen, self._kept, failed=failed, stated=stated, tells_layers=tells
        )

    def _refresh_buttons(self) -> None:
        hints = self._to_keep()
        self.keep_button.setEnabled(self._fits and bool(hints) and hints != self._kept)
        if not self._fits:
            why = "Nothing to keep yet: no model comes of these choices"
        elif not hints:
            why = "Nothing to keep: nothing is guessed and nothing was chosen"
        elif hints == self._kept:
            why = "These choices are kept already"
        else:
            said = ", ".join(f"{hint} {value}" for hint, value in hints.items() if hint != "layers")
            why = f"Write these choices beside the file, so that it opens by them from now on: {said}"
        self.keep_button.setToolTip(why)
        self.forget_button.setEnabled(bool(self._kept or self._chosen))
        self.again.setEnabled(self._model is not None)

    # ---- Qt ----

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        if not event.spontaneous():  # minimised is no good-bye
            self._patience.stop()
            self._trials.close()
            self._pictures.cancel(SLOT)
            self._model = self._opened = None
