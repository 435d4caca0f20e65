"""What a person sees of a bug: one window with what happened, that the session goes on, and a report to copy.

`Installed` is what the start of the program makes; the text of the report is made in `bug_report.py`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from PySide6.QtCore import QObject, Qt, QTimer
from PySide6.QtGui import QFontDatabase, QGuiApplication
from PySide6.QtWidgets import (
    QDialog,
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QPlainTextEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from explorer import paths
from explorer.errors import OutputError
from explorer.gui.jobs import BUG
from explorer.gui.messages import bug_report
from explorer.gui.messages.bugs import Bugs, Hooks
from explorer.gui.session import Session
from explorer.gui.widgets.dock import Frame

log = logging.getLogger(__name__)

FILE_NAME = "latent-explorer-bug.txt"
REFRESH_MILLISECONDS = 250  # a bug in painting may come with every frame
WHAT = "The program did something it was not made for, so the last step may have had no effect."
GOES_ON = "The session goes on and is kept: the picture, the code, its history and Undo are as they were."
NOTHING = "No bug is known in this run, so the report holds what the program runs on, and its log."
HELP = "Whoever mends it needs this report; it names no file, folder or person, and holds no code or picture."


class BugDialog(QDialog):
    """The report, read-only, with Copy, Save and Go on; it never holds up what is behind it."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("A bug in Latent Explorer")
        self.setModal(False)
        self._what = self._line("")
        self._report = QPlainTextEdit(self)
        self._report.setReadOnly(True)
        self._report.setTabChangesFocus(True)
        self._report.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self._report.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        self._report.setAccessibleName("Report")
        self._said = self._line("", name="quiet")
        buttons = QHBoxLayout()
        buttons.setSpacing(8)
        buttons.addWidget(self._button("&Copy report", "Put the report on the clipboard", self._on_copy))
        buttons.addWidget(self._button("&Save report…", "Write the report to a file", self._on_save))
        buttons.addStretch(1)
        go_on = self._button("&Go on", "Close this window and go on (Esc)", self.accept)
        go_on.setDefault(True)
        buttons.addWidget(go_on)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(16, 16, 16, 16)
        layout.setSpacing(8)
        for widget in (self._what, self._line(HELP, name="quiet"), Frame(self._report, self), self._said):
            layout.addWidget(widget)
        layout.setStretch(2, 1)
        layout.addLayout(buttons)
        self.resize(640, 440)
        go_on.setFocus()

    def _line(self, text: str, name: str = "") -> QLabel:
        label = QLabel(text, self)
        label.setObjectName(name)
        label.setWordWrap(True)
        label.setTextFormat(Qt.TextFormat.PlainText)
        return label

    def _button(self, text: str, tip: str, slot: Callable[[], object]) -> QPushButton:
        button = QPushButton(text, self)
        button.setAutoDefault(False)
        button.setToolTip(tip)
        button.setAccessibleName(text.replace("&", "").rstrip("…"))
        button.clicked.connect(slot)
        return button

    @property
    def report(self) -> str:
        """The text of the report."""
        return self._report.toPlainText()

    @property
    def sentences(self) -> str:
        """What happened, and that the session goes on."""
        return self._what.text()

    def show_report(self, report: str, kinds: int, times: int) -> None:
        """Show the report on `kinds` different bugs, maybe none, that came `times` times, without moving in it."""
        more = "" if times == 1 else f" ({times} times)" if kinds == 1 else f" ({kinds} bugs, {times} times)"
        self._what.setText(f"{WHAT[:-1]}{more}. {GOES_ON}" if kinds else NOTHING)
        bar = self._report.verticalScrollBar()
        place = bar.value()
        if report != self.report:
            self._report.setPlainText(report)
            bar.setValue(place)

    def save(self, path: str) -> None:
        """Write the report to a file, whole or not at all, and say so."""
        try:
            paths.write_text(path, self.report)
        except OutputError as error:
            self._said.setText(str(error))
        else:
            self._said.setText("The report was saved.")

    def _on_copy(self) -> None:
        QGuiApplication.clipboard().setText(self.report)
        self._said.setText("The report was copied.")

    def _on_save(self) -> None:
        chooser = QFileDialog(self, "Save the report", FILE_NAME, "Text (*.txt)")
        chooser.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        chooser.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        chooser.setDefaultSuffix("txt")
        chooser.selectFile(FILE_NAME)
        chooser.fileSelected.connect(self.save)
        chooser.open()


class BugReporter(QObject):
    """Shows each new bug, all in one dialog; known ones count there, or are said under the picture.

    Args:
        session: gets what is said under the picture.
        window: the dialog belongs to it; no bug is shown while it is hidden.
        bugs: where jobs and decodes bring theirs.
        device: returns what pictures are computed on, for the report.
    """

    def __init__(
        self, session: Session, window: QWidget, bugs: Bugs, device: Callable[[], str] = str
    ) -> None:
        super().__init__(window)
        self.bugs = bugs
        self.recent = bug_report.RecentLog()  # listens once it is installed
        self._session, self._window, self._device = session, window, device
        self._dialog: BugDialog | None = None
        self._is_failing = False
        self._later = QTimer(self)
        self._later.setSingleShot(True)
        self._later.setInterval(REFRESH_MILLISECONDS)
        self._later.timeout.connect(self._refresh)
        queued = Qt.ConnectionType.QueuedConnection  # never within what failed, such as a paint event
        bugs.happened.connect(self._on_happened, queued)
        bugs.repeated.connect(self._on_repeated, queued)
        bugs.misused.connect(self._on_misused, queued)

    @property
    def dialog(self) -> BugDialog | None:
        """The dialog while it is shown."""
        return self._dialog if self._dialog is not None and self._dialog.isVisible() else None

    def show_report(self) -> None:
        """Show the report because somebody asked for it, with or without a bug."""
        if self._dialog is None:
            self._dialog = BugDialog(self._window)
        self._refresh()
        if self._is_failing:
            self._session.tell("error", BUG)
            return
        self._dialog.show()
        self._dialog.raise_()
        self._dialog.activateWindow()

    def close(self) -> None:
        """Show nothing any more."""
        self._later.stop()
        self.bugs.happened.disconnect(self._on_happened)
        self.bugs.repeated.disconnect(self._on_repeated)
        self.bugs.misused.disconnect(self._on_misused)
        if self._dialog is not None:
            self._dialog.close()

    def _on_happened(self, _trace: str) -> None:
        if self.dialog is not None:
            self._refresh()
        elif self._window.isVisible() and not self._is_failing:
            self.show_report()

    def _on_repeated(self, trace: str) -> None:
        if self.dialog is not None:
            if not self._later.isActive():
                self._later.start()
            return
        self.bugs.counted()
        if self._window.isVisible() and not self._is_failing:
            self._session.tell("error", BUG, bug_report.private(trace))

    def _on_misused(self, sentence: str) -> None:
        self._session.tell("error", sentence)

    def _refresh(self) -> None:
        self.bugs.counted()
        if self._dialog is None:
            return
        counts = [count for _, count in self.bugs.all]
        try:
            report = bug_report.report(self.bugs.all, self.recent.lines, self._device())
            self._dialog.show_report(report, len(counts), sum(counts))
        except Exception:  # a bug in here would be told here, for ever
            self._is_failing = True
            log.exception("a bug could not be shown")


class Installed:
    """Hooks and log in place: every bug is caught from now on and shown by a reporter, until `remove`."""

    def __init__(self, reporter: BugReporter) -> None:
        self.reporter, self.bugs = reporter, reporter.bugs
        reporter.recent.install()
        self._hooks = Hooks(reporter.bugs)

    def remove(self) -> None:
        """Put hooks and log back to what they were, and show nothing any more."""
        self._hooks.remove()
        self.reporter.recent.remove()
        self.reporter.close()
