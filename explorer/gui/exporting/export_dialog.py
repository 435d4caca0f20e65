"""The one dialog of every export: what, how, and a live preview; it stays open beside the window."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import (
    QDialog,
    QHBoxLayout,
    QLabel,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from explorer.errors import ExplorerError
from explorer.export import making
from explorer.export.recipe import Kind, Recipe
from explorer.gui import file_dialogs, settings
from explorer.gui.exporting.export_choice import TITLES, ExportChoice, choice_from
from explorer.gui.exporting.export_form import ExportForm
from explorer.gui.exporting.export_recipes import codes_to_decode, recipe_of
from explorer.gui.jobs import JobRunner
from explorer.gui.pictures import PictureSource, to_qimage
from explorer.gui.session import Session
from explorer.gui.widgets.page_preview import PagePreview
from explorer.gui.widgets.work_area import WorkArea

if TYPE_CHECKING:
    from explorer.gui.exporting.exporter import Exporter
    from explorer.render.requests import RenderResult

REST = 120  # milliseconds without a change before the preview is made anew
MOST = 1024  # pictures in a preview
LARGEST = 1400  # pixels of a preview's longer side
SLOT, JOB = "preview:export", "export preview"
FILTERS = {"png": "PNG (*.png)", "webp": "WebP (*.webp)", "gif": "GIF (*.gif)"}


class _Laid(NamedTuple):
    """A page made small: frames uint8 `(H, W, 3)`, and the size that the file will have."""

    frames: list[np.ndarray]
    size: tuple[int, int]


class _Decoded(NamedTuple):
    """What was decoded last: by which model, space and stages, codes `(N, D)`, their pictures."""

    by: object
    codes: np.ndarray
    pictures: np.ndarray


class ExportDialog(QDialog):
    """Non-modal; everything it needs it reads from the session when it makes its preview."""

    def __init__(
        self, session: Session, pictures: PictureSource, jobs: JobRunner, exporter: Exporter, parent: QWidget
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._pictures = pictures
        self._jobs = jobs
        self._exporter = exporter
        self._recipe: Recipe | None = None  # of the preview
        self._asked: tuple[object, np.ndarray] = None, np.zeros((0, 0))  # see `_Decoded`
        self._decoded: _Decoded | None = None
        self._next: tuple[Recipe, np.ndarray] | None = None  # to be laid out once the page before it is
        self.setWindowTitle("Export")
        self.setModal(False)
        self._build()
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(REST)
        self._timer.timeout.connect(self._refresh)
        self._connect()
        choice = choice_from(settings.load().export_choice)
        self.form.show_choice(choice)
        self._show_kind(choice.kind)

    # ---- building ----

    def _build(self) -> None:
        self.kinds = QListWidget(self)
        self.kinds.setObjectName("kinds")
        self.kinds.setAccessibleName("What to export")
        self.kinds.setToolTip("What to export")
        self.kinds.setFixedWidth(168)
        for kind, title in TITLES.items():
            item = QListWidgetItem(title, self.kinds)
            item.setData(Qt.ItemDataRole.UserRole, kind)
        self.preview = PagePreview(self)
        self.form = ExportForm(self)
        self._facts = QLabel(self)
        self._facts.setObjectName("quiet")
        self.button = QPushButton("Export…", self)
        self.button.setDefault(True)
        self.button.setToolTip("Choose where the file goes (Enter)")
        close = QPushButton("Close", self)
        close.setToolTip("Close this dialog (Esc)")
        close.clicked.connect(self.close)
        side = QVBoxLayout()
        side.addWidget(self.form)
        side.addStretch(1)
        middle = QHBoxLayout()
        middle.setSpacing(12)
        middle.addWidget(self.kinds)
        middle.addWidget(self.preview, stretch=1)
        middle.addLayout(side)
        self.form.setFixedWidth(256)
        self.said = QLabel(self)
        self.said.setWordWrap(True)
        self.said.setTextFormat(Qt.TextFormat.PlainText)
        self.said.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.said.hide()
        self.work = WorkArea(self)
        below = QHBoxLayout()
        below.addWidget(self._facts)
        below.addWidget(self.work, stretch=1)
        below.addStretch(0)
        below.addWidget(close)
        below.addWidget(self.button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(12, 12, 12, 12)
        layout.setSpacing(12)
        layout.addLayout(middle, stretch=1)
        layout.addWidget(self.said)
        layout.addLayout(below)
        self.resize(960, 520)

    def _connect(self) -> None:
        session = self._session
        self.kinds.currentItemChanged.connect(self._on_kind_chosen)
        self.form.changed.connect(self._on_changed)
        self.form.pictures_chosen.connect(self._on_pictures_chosen)
        self.button.clicked.connect(self._on_export_clicked)
        exporter = self._exporter
        exporter.encoded_changed.connect(self._later)
        exporter.exported.connect(self._on_exported)
        exporter.failed.connect(self._on_failed)
        exporter.working.connect(self.work.show_work)
        exporter.ended.connect(self.work.end_work)
        self.work.cancelled.connect(exporter.cancel)
        for signal in (
            session.model_changed,
            session.space_changed,
            session.code_changed,
            session.anchors_changed,
            session.strip_changed,
            session.stages_changed,
            session.options_changed,
            session.map_changed,
            session.words_changed,
            session.seed_changed,
            session.activity_changed,
            session.rows_changed,
        ):
            signal.connect(self._later)
        self._pictures.rendered.connect(self._on_canvas_rendered)

    # ---- from outside ----

    def open_at(self, kind: Kind) -> None:
        """Show the dialog with something chosen."""
        self._show_kind(kind)
        self.show()
        self.raise_()
        self.activateWindow()
        self.kinds.setFocus(Qt.FocusReason.TabFocusReason)

    @property
    def choice(self) -> ExportChoice:
        """What is set."""
        return self.form.choice

    @property
    def facts(self) -> str:
        """What is said of the page: its size, its frames."""
        return self._facts.text()

    def _show_kind(self, kind: Kind) -> None:
        self.kinds.setCurrentRow(list(TITLES).index(kind))

    # ---- a person did something ----

    def _on_kind_chosen(self, item: QListWidgetItem | None, _before: object = None) -> None:
        if item is not None:
            self.form.show_choice(replace(self.form.choice, kind=item.data(Qt.ItemDataRole.UserRole)))
            self._on_changed()

    def _on_changed(self) -> None:
        settings.save(export_choice=self.form.choice.to_text())
        self.said.hide()
        self._later()

    def _on_pictures_chosen(self, path: str) -> None:
        self._exporter.encode(path, self.form.choice.pairs)

    def _on_export_clicked(self) -> None:
        model, choice = self._session.model, self.form.choice
        if model is None:
            return
        name, kinds = choice.file_name(model.name), FILTERS[choice.format]
        path = file_dialogs.ask_save(self, f"Export: {TITLES[choice.kind]}", name, kinds)
        if path:
            self.said.hide()
            self._exporter.save(choice, path)

    def _on_exported(self, path: str) -> None:
        self._say("", f"Saved {path}.")

    def _on_failed(self, sentence: str) -> None:
        self._say("error", sentence)

    def _say(self, level: str, text: str) -> None:
        """Tell what became of an export here, for the window's own messages lie behind this dialog."""
        self.said.setText(text)
        self.said.setProperty("level", level)
        self.said.style().unpolish(self.said)
        self.said.style().polish(self.said)
        self.said.show()

    # ---- the preview ----

    def _later(self) -> None:
        """Make the preview anew soon; changes in a row are one."""
        if self.isVisible() and not self._timer.isActive():
            self._timer.start()

    def _on_canvas_rendered(self) -> None:
        if self.form.choice.kind == "picture":
            self._later()

    def _refresh(self) -> None:
        choice = self.form.choice
        try:
            recipe = recipe_of(
                replace(choice, count=min(choice.count, MOST)), self._session, self._exporter.subject()
            )
            codes = codes_to_decode(recipe, self._session)
        except ExplorerError as error:
            self._show_text(str(error))
            return
        self._recipe = recipe
        self.button.setEnabled(True)
        by = (self._session.generation, recipe.space, recipe.stages, self._session.seen_by)
        decoded = self._decoded
        if decoded is not None and decoded.by == by and np.array_equal(decoded.codes, codes):
            self._lay_out(decoded.pictures)
        elif len(codes):
            self._asked = by, codes
            self._pictures.want(SLOT, codes, self._on_pictures, space=recipe.space)
        else:
            self._lay_out(np.zeros((0, 1, 1, 1), np.uint8))

    def _show_text(self, text: str) -> None:
        self._pictures.cancel(SLOT)
        self._jobs.cancel(JOB)  # its page would take the place of the text
        self._recipe = self._next = None
        self.preview.show_text(text)
        self._facts.setText("")
        self.button.setEnabled(False)

    def _on_pictures(self, result: RenderResult) -> None:
        if result.pictures is None:
            self._show_text(result.error or "Nothing was decoded.")
            return
        self._decoded = _Decoded(*self._asked, result.pictures)
        self._lay_out(result.pictures)

    def _lay_out(self, pictures: np.ndarray) -> None:
        """Lay out a page, one at a time: the newest waits for the one before, which cannot be stopped."""
        if self._recipe is not None:
            self._next = self._recipe, pictures
            if not self._jobs.is_running(JOB):
                self._lay_out_next()

    def _lay_out_next(self) -> None:
        if self._next is None:
            return
        (recipe, pictures), self._next = self._next, None
        job = self._jobs.start(JOB, partial(_laid, recipe, pictures))
        job.succeeded.connect(self._on_laid)
        job.failed.connect(self._show_text)
        job.finished.connect(self._lay_out_next)

    def _on_laid(self, laid: _Laid) -> None:
        if not self.isVisible():
            return
        self.preview.show_frames(tuple(map(to_qimage, laid.frames)), self.form.choice.milliseconds)
        parts = [f"{laid.size[0]} × {laid.size[1]} pixels"]
        if len(laid.frames) > 1:
            parts.append(f"{len(laid.frames)} frames")
        if self.form.choice.kind == "samples" and self.form.choice.count > MOST:
            parts = [f"the first {MOST} of {self.form.choice.count} pictures"]
        self._facts.setText(" · ".join(parts))

    # ---- Qt ----

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._later()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self.said.hide()
        self._rest()

    def reject(self) -> None:
        """Escape stops what is being exported; with nothing to stop it closes."""
        if self.work.text:
            self.work.cancel()
        else:
            super().reject()

    def _rest(self) -> None:
        """Stop whatever the preview still wants."""
        self._timer.stop()
        self._next = None
        self._pictures.cancel(SLOT)
        self._jobs.cancel(JOB)
        self._decoded = None


def _laid(recipe: Recipe, pictures: np.ndarray, progress: Any, should_stop: Any) -> _Laid:
    """Return the page, made small enough to be shown; runs in a job."""
    frames = making.page(recipe, pictures)
    small = []
    for frame in frames:
        shown = frame.convert("RGB")
        shown.thumbnail((LARGEST, LARGEST))
        small.append(np.asarray(shown))
    return _Laid(small, frames[0].size)
