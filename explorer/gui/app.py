"""Composition root of the window.

Start: Qt application, theme, session, decode thread, panels, show; once the window is seen the decode thread
imports torch, and the first model is read in a job. End: jobs are asked to stop and waited for, then the decode
thread is joined. Nothing is terminated. This file wires wishes of the panels (open, encode, device) to jobs and
requests.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Sequence
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication, QMessageBox

from explorer import __version__, paths
from explorer.formats.loaded import LoadedModels
from explorer.gui import file_dialogs, settings, theme
from explorer.gui.decode_worker import DecodeWorker
from explorer.gui.doctor.doctor import Doctor
from explorer.gui.engine_line import EngineLine
from explorer.gui.epochs.epochs import Epochs
from explorer.gui.guard import Guard
from explorer.gui.history.history_keeper import HistoryKeeper
from explorer.gui.jobs import JobRunner
from explorer.gui.judging import DimensionJudge
from explorer.gui.main_window import MainWindow, window_icon
from explorer.gui.messages.bug_dialog import BugReporter, Installed
from explorer.gui.messages.bugs import Bugs
from explorer.gui.messages.messages import Messages
from explorer.gui.notes_keeper import NotesKeeper
from explorer.gui.opener import Opener
from explorer.gui.picture_encoder import PictureEncoder
from explorer.gui.pictures import PictureSource
from explorer.gui.session import Session
from explorer.gui.sessions.documents import Documents
from explorer.gui.start_cards import DEFAULT_MODEL, StartCards

if TYPE_CHECKING:
    from explorer.export.recipe import Kind
    from explorer.gui.exporting.export_dialog import ExportDialog
    from explorer.gui.exporting.exporter import Exporter
    from explorer.gui.messages.message_list import MessageList

EXPORTS: dict[str, Kind | None] = {
    "export": None,  # whatever was chosen last
    "save_picture": "picture",
    "export_strip": "strip",
    "export_sheet": "sheet",
    "export_manifold": "manifold",
    "export_samples": "samples",
    "export_reconstructions": "reconstructions",
    "export_map": "map",
}


class App(QObject):
    """The running window: session, decode thread, jobs and the widgets around them."""

    def __init__(self, device: str = "auto", precision: str = "exact") -> None:
        super().__init__()
        self.session = Session(self)
        self.models = LoadedModels(settings.load().model_bytes)
        self.session.room = self.models.budget
        self.messages = Messages(self)
        self.session.message.connect(self.messages.add)
        self.worker = DecodeWorker(device, precision, self)
        self.pictures = PictureSource(self.session, self.worker, self)
        self.jobs = JobRunner(self)
        self.window = MainWindow(self.session, self.pictures)
        self.window.recall_layout()
        self._noted: object = None  # the network whose note was told last
        self.opener = Opener(self.session, self.pictures, self.jobs, self.window, self.models)
        self.encoder = PictureEncoder(self.session, self.pictures, self.jobs, self.window)
        self.epochs = Epochs(self.session, self.jobs, self.window.canvas, self)
        self.doctor = Doctor(self.session, self.pictures, self.jobs, self.opener, self.window)
        self.judge = DimensionJudge(self.session, self.pictures, self)
        self.documents = Documents(self.session, self.jobs, self.opener, self.window, self.models)
        self.notes = NotesKeeper(self.session, self.jobs, self)
        self.history = HistoryKeeper(self.session, self)
        self.guard = Guard(self.session, self.worker, self.pictures, self.window.canvas)
        self.message_list: MessageList | None = None
        self.bugs = Bugs(self)
        self.reporter = BugReporter(self.session, self.window, self.bugs, self.describe_device)
        self.cards = StartCards(self.window.start, self.jobs, self.models)
        self._held: tuple[int, ...] = ()
        self._is_closed = False
        self._line = EngineLine(self.session, self.pictures, self.window, self.describe_device, self)
        self._fill_menus()
        self._connect()

    @cached_property
    def exporter(self) -> Exporter:
        """What saves pictures; made, and its imports with it, when it is first wanted."""
        from explorer.gui.exporting.exporter import Exporter

        precision = self.worker.precision
        return Exporter(self.session, self.pictures, self.jobs, self.window, precision)  # type: ignore[arg-type]

    @cached_property
    def export_dialog(self) -> ExportDialog:
        """The dialog of every export; made when it is first wanted."""
        from explorer.gui.exporting.export_dialog import ExportDialog

        return ExportDialog(self.session, self.pictures, self.jobs, self.exporter, self.window)

    # ---- start and end ----

    def start(self, path: str | None = None, stages: Sequence[str] = ()) -> None:
        """Show the window, then read `path` (default: the bundled face model) and the stages."""
        first = path or (DEFAULT_MODEL if DEFAULT_MODEL in paths.bundled() else None)
        if first is not None:
            self.opener.open_later(first, tuple(stages))  # read once torch is there
        self.window.exposed.connect(self._on_exposed)
        self.window.show()

    def _on_exposed(self) -> None:
        """Import torch now that the window is seen; sooner it would hold the window back."""
        self.worker.begin()

    def close(self) -> None:
        """Keep what is to be kept, stop jobs and decode thread, and wait for both; a second call does nothing."""
        if self._is_closed:
            return
        self._is_closed = True
        self.window.strip.stop()
        self._line.close()
        self.epochs.close()
        self.history.close()
        self.guard.close()
        self.doctor.close()
        self.notes.close()
        self.documents.keeper.close()
        if "export_dialog" in vars(self):
            self.export_dialog.close()
        self.jobs.close()
        self.worker.close()

    def _fill_menus(self) -> None:
        window = self.window
        bundled = paths.bundled()
        stages = [(name, str(path)) for name, path in bundled.items() if _is_stage(path)]
        models = [(name, name) for name, path in bundled.items() if not _is_stage(path)]
        for action in window.set_choices(window.bundled_menu, models, None):
            action.triggered.connect(partial(self._on_bundled_chosen, action.data()))
        window.stages.set_choices(stages)
        self._fill_appearance()
        window.device_menu.aboutToShow.connect(self._fill_devices)

    def _connect(self) -> None:
        session, window = self.session, self.window
        actions = window.actions_by_name
        actions["open"].triggered.connect(self._on_open)
        actions["open_folder"].triggered.connect(self._on_open_folder)
        actions["add_stage"].triggered.connect(self._on_add_stage)
        actions["shortcuts"].triggered.connect(self._on_shortcuts)
        actions["program_text"].triggered.connect(self._on_program_text)
        actions["about"].triggered.connect(self._on_about)
        actions["start_page"].triggered.connect(self._on_start_page)
        actions["report"].triggered.connect(self._on_report)
        notice, encoder = window.sliders.range_notice, self.encoder
        for wish in (notice.folder_wanted, actions["encode_folder"].triggered):
            wish.connect(encoder.choose_folder)
        for wish in (notice.file_wanted, actions["encode_file"].triggered):
            wish.connect(encoder.choose_file)
        window.closing.connect(self.close)
        window.recent_chosen.connect(self.opener.open)
        window.sliders.style_section.entry_wanted.connect(self.opener.open_entry)
        window.work_cancelled.connect(self.jobs.cancel)
        window.start.open_wanted.connect(self.opener.open)
        window.start.browse_wanted.connect(self._on_open)
        window.messages_wanted.connect(self._on_messages_wanted)
        self.opener.began.connect(window.show_canvas)
        self.opener.began.connect(self.notes.flush)
        self.opener.began.connect(self.epochs.stop_waiting)
        self.opener.run_awaited.connect(self.epochs.await_first)
        self.epochs.first_came.connect(self.opener.open)
        self.epochs.changed.connect(self._refresh_epoch_actions)
        self._refresh_epoch_actions()
        for name, do in (
            ("epoch_before", self.epochs.before),
            ("epoch_after", self.epochs.after),
            ("play_epochs", self.epochs.toggle_film),
        ):
            actions[name].triggered.connect(do)
        self.documents.keeper.restored.connect(self.notes.settle)
        self.messages.unread_changed.connect(window.set_unread)
        self.jobs.bugged.connect(self.bugs.add)
        self.worker.result.connect(self.bugs.on_result)
        for name, kind in EXPORTS.items():
            actions[name].triggered.connect(partial(self._on_export, kind))
        window.strip.export_wanted.connect(actions["export_strip"].trigger)
        window.canvas.save_wanted.connect(actions["save_picture"].trigger)
        session.model_changed.connect(self._on_model_changed)
        session.undo_changed.connect(self._on_undo_changed)
        window.canvas.said.connect(self.messages.add)
        self.worker.failed.connect(self._on_failed)
        self.worker.ready.connect(self._on_ready)

    # ---- files, menus ----

    def _on_failed(self, sentence: str) -> None:
        self.session.tell("error", sentence)

    def _on_open(self) -> None:
        path = file_dialogs.ask_open(
            self.window, "Open a checkpoint, a saved session or a picture", file_dialogs.openable()
        )
        if path:
            self.opener.open(path)

    def _on_open_folder(self) -> None:
        path = file_dialogs.ask_folder(self.window, "Open a run, or a checkpoint that is a folder")
        if path:
            self.opener.open(path)

    def _on_add_stage(self) -> None:
        path = file_dialogs.ask_open(self.window, "Add a stage", file_dialogs.openable(("Checkpoints",)))
        if path:
            self.opener.open_stages(path)

    def _on_export(self, kind: Kind | None, _checked: bool = False) -> None:
        self.export_dialog.open_at(kind or self.export_dialog.choice.kind)

    def _on_bundled_chosen(self, name: str, _checked: bool = False) -> None:
        self.opener.open(name)

    def _refresh_epoch_actions(self) -> None:
        for name in ("epoch_before", "epoch_after", "play_epochs"):
            self.window.actions_by_name[name].setEnabled(self.epochs.is_open)

    def _fill_devices(self) -> None:
        if not self.worker.description:  # asking would import torch here, and the window would stand still
            for action in self.window.set_choices(self.window.device_menu, [("", "Still starting…")], None):
                action.setEnabled(False)
            return
        from explorer.render import devices

        menu = self.window.device_menu
        choices = [(name, devices.describe(name)) for name in devices.available()]
        for action in self.window.set_choices(menu, choices, self.worker.device):
            action.triggered.connect(partial(self._on_device_chosen, action.data()))

    def _on_device_chosen(self, name: str, _checked: bool = False) -> None:
        settings.save(device=name)
        self.worker.set_device(name)
        self.window.canvas.refresh()

    def _fill_appearance(self) -> None:
        choices = [("system", "Like the system"), ("light", "Light"), ("dark", "Dark")]
        menu = self.window.appearance_menu
        for action in self.window.set_choices(menu, choices, theme.preference()):
            action.triggered.connect(partial(self._on_appearance_chosen, action.data()))

    def _on_appearance_chosen(self, name: str, _checked: bool = False) -> None:
        theme.prefer(name)

    def _on_start_page(self) -> None:
        self.cards.fill()
        self.window.show_start()

    def _on_messages_wanted(self) -> None:
        if self.message_list is None:
            from explorer.gui.messages.message_list import MessageList

            self.message_list = MessageList(self.messages, self.window)
        self.message_list.show()
        self.message_list.raise_()
        self.message_list.activateWindow()

    def _on_report(self) -> None:
        self.reporter.show_report()

    def _on_shortcuts(self) -> None:
        from explorer.gui.keys_dialog import KeysDialog

        KeysDialog(self.window).show()

    def _on_program_text(self) -> None:
        from explorer.gui.program_text import ProgramText

        if self.session.model is not None:
            ProgramText(self.session.model.name, self.session.model.source_text, self.window).show()

    def _on_about(self) -> None:
        QMessageBox.about(
            self.window,
            "About Latent Explorer",
            f"Latent Explorer {__version__}\n\nLook inside trained image generators.\nApache License 2.0",
        )

    # ---- what the model does ----

    def _on_model_changed(self) -> None:
        session = self.session
        if session.model is None or session.space is None:
            return
        if session.model.network is self._noted:  # measured, not another one
            return
        self._noted = session.model.network
        for note in session.model.notes[:1]:
            session.tell("info", note)

    def _on_undo_changed(self) -> None:
        """Tell what is in memory anyway, where that is something else than before."""
        held = self.session.held
        if self._held != (now := tuple(map(id, held))):
            self._held = now
            self.models.count_in(held)

    def describe_device(self) -> str:
        """Return what computes, `CPU float32`."""
        return self.worker.description

    def _on_ready(self) -> None:
        """Read the first model; beside the import of torch it would stall the window, and be no sooner."""
        self.worker.ready.disconnect(self._on_ready)  # a decoder that is started again says it too
        self.window.set_status(self.worker.description)
        self.opener.open_first()
        self.documents.offer_recovery()


def _is_stage(path: Path) -> bool:
    from explorer.formats.native import kind_of

    return kind_of(path) == "stage"


def make_application() -> QApplication:
    """Return the Qt application, with name, icon and theme."""
    existing = QApplication.instance()
    if isinstance(existing, QApplication):
        return existing
    QGuiApplication.setDesktopFileName("latent-explorer")
    application = QApplication(sys.argv[:1])
    application.setApplicationName("Latent Explorer")
    application.setApplicationVersion(__version__)
    application.setOrganizationName("latent-explorer")
    theme.follow_system(application)
    application.setWindowIcon(window_icon())
    return application


def run(
    path: str | None = None,
    stages: Sequence[str] = (),
    device: str = "auto",
    precision: str = "exact",
) -> int:
    """Show the window until it is closed; return the exit status."""
    signal.signal(
        signal.SIGINT, signal.SIG_DFL
    )  # files are written whole or not at all, so Ctrl-C may end it
    application = make_application()
    chosen = settings.load().device if device == "auto" else device
    app = App(chosen, precision)
    caught = Installed(app.reporter)
    app.start(path, stages)
    try:
        return application.exec()
    finally:
        caught.remove()
