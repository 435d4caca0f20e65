"""What runs after the decoder: one chip a stage, in the order they run, and a way to add another."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from PySide6.QtCore import QPoint, QSize, QTimer, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFileDialog, QMenu, QSizePolicy, QWidget

from explorer.errors import ExplorerError
from explorer.formats import native, run_epochs
from explorer.gui.pictures import PictureSource
from explorer.gui.session import Session
from explorer.gui.state import StageEntry
from explorer.gui.widgets.chip import HEIGHT, Chip
from explorer.models.base import check_stages
from explorer.render.requests import RenderResult

SPACING = 6
FIGURES_EVERY = 200  # ms; faster nobody can read
FILES = "Checkpoints (*.safetensors *.pt *.pth *.ckpt *.bin);;All files (*)"


class StagesBar(QWidget):
    """Chips of the stages, then `+ stage`; those that have no room fold into a menu."""

    stage_wanted = Signal(str)  # path of a stage to be loaded and added

    def __init__(self, session: Session, pictures: PictureSource, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._choices: tuple[tuple[str, str], ...] = ()
        self._chips: dict[int, Chip] = {}
        self._milliseconds: dict[str, float] = {}
        self._dragged: tuple[int, int, int] | None = None  # id, x at the press, place it would take
        self._busy = ""
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self._more = Chip("", parent=self)
        self._more.clicked.connect(self._on_more_clicked)
        self._add = Chip("+ stage", parent=self)
        self._add.setAccessibleName("Add a stage")
        self._add.clicked.connect(self._on_add_clicked)
        self._figures_timer = QTimer(self)
        self._figures_timer.setSingleShot(True)
        self._figures_timer.setInterval(FIGURES_EVERY)
        self._figures_timer.timeout.connect(self._refresh_figures)
        session.stages_changed.connect(self._refresh)
        session.model_changed.connect(self._refresh)
        pictures.rendered.connect(self._on_rendered)
        self._refresh()

    # ---- wishes ----

    def set_choices(self, choices: Sequence[tuple[str, str]]) -> None:
        """Offer stages by `(name, path)` in the menu of `+ stage`."""
        self._choices = tuple(choices)

    def set_busy(self, text: str = "") -> None:
        """Say that a stage is being loaded, such as `opening colorize…`; an empty text ends it."""
        self._busy = text
        self._refresh()

    @property
    def chips(self) -> list[Chip]:
        """The chips in the order in which their stages run."""
        return [self._chips[entry.id] for entry in self._session.stages]

    @property
    def folded(self) -> list[StageEntry]:
        """The stages that have no room and are in the menu instead."""
        return [entry for entry in self._session.stages if self._chips[entry.id].isHidden()]

    def ask_for_file(self) -> None:
        """Ask for a checkpoint and wish for the stage in it."""
        path, _ = QFileDialog.getOpenFileName(self, "Add a stage", "", FILES)
        if path:
            self.stage_wanted.emit(path)

    # ---- reactions ----

    def _try(self, change: Callable[[], object]) -> None:
        """Change the session; a refusal is said, and every chip shows the truth again."""
        try:
            change()
        except ExplorerError as error:
            self._session.tell("error", str(error))
        self._refresh()

    def _toggle(self, stage_id: int) -> None:
        enabled = next(entry.enabled for entry in self._session.stages if entry.id == stage_id)
        self._try(partial(self._session.set_stage_enabled, stage_id, not enabled))

    def _remove(self, stage_id: int) -> None:
        self._try(partial(self._session.remove_stage, stage_id))

    def _move_by(self, stage_id: int, by: int) -> None:
        place = self._place(stage_id) + by
        if 0 <= place < len(self._session.stages):
            self._try(partial(self._session.move_stage, stage_id, place))

    def _place(self, stage_id: int) -> int:
        return [entry.id for entry in self._session.stages].index(stage_id)

    def _on_rendered(self, result: RenderResult) -> None:
        if result.error is not None or (result.request is not None and result.request.quality != "full"):
            return
        self._milliseconds = dict(result.milliseconds)
        if self._session.stages and not self._figures_timer.isActive():
            self._figures_timer.start()

    # ---- menus ----

    def _on_add_clicked(self) -> None:
        if not self._choices:
            self.ask_for_file()
            return
        self.make_add_menu().popup(self._add.mapToGlobal(QPoint(0, HEIGHT + 4)))

    def make_add_menu(self) -> QMenu:
        """Return the menu of `+ stage`: what is bundled, as far as it takes the pictures that there are, and a file."""
        menu = _menu(self)
        model = self._session.model
        made = check_stages(model.image, self._session.enabled_stages) if model is not None else None
        for name, path in self._choices:
            action = menu.addAction(name)
            taken = native.input_of(Path(path))
            action.setEnabled(made is None or taken is None or taken.accepts(made))
            action.triggered.connect(partial(self.stage_wanted.emit, path))
        menu.addSeparator()
        menu.addAction("Open a file…").triggered.connect(self.ask_for_file)
        return menu

    def _on_more_clicked(self) -> None:
        menu = _menu(self)
        for entry in self.folded:
            self._fill_menu(menu.addMenu(f"{entry.stage.name} {self._figure(entry)}"), entry)
        menu.popup(self._more.mapToGlobal(QPoint(0, HEIGHT + 4)))

    def make_menu(self, stage_id: int) -> QMenu:
        """Return what can be done with one stage."""
        menu = _menu(self)
        self._fill_menu(menu, self._session.stages[self._place(stage_id)])
        return menu

    def _fill_menu(self, menu: QMenu, entry: StageEntry) -> None:
        place, last = self._place(entry.id), len(self._session.stages) - 1
        for text, keys, possible, slot in (
            ("Switch off" if entry.enabled else "Switch on", "Space", True, partial(self._toggle, entry.id)),
            ("Run earlier", "Ctrl+Shift+Left", place > 0, partial(self._move_by, entry.id, -1)),
            ("Run later", "Ctrl+Shift+Right", place < last, partial(self._move_by, entry.id, 1)),
            ("Remove", "Del", True, partial(self._remove, entry.id)),
        ):
            action = menu.addAction(f"{text}\t{keys}")
            action.setEnabled(possible)
            action.triggered.connect(slot)

    # ---- chips ----

    def _make_chip(self, entry: StageEntry) -> Chip:
        name = run_epochs.name_of(entry.stage)  # the same for all epochs of a run
        chip = Chip(name, checkable=True, parent=self)
        chip.setAccessibleName(f"Stage {name}")
        chip.clicked.connect(partial(self._toggle, entry.id))
        chip.remove_wanted.connect(partial(self._remove, entry.id))
        chip.move_wanted.connect(partial(self._move_by, entry.id))
        chip.menu_wanted.connect(partial(self._on_menu_wanted, entry.id))
        chip.drag_moved.connect(partial(self._on_drag_moved, entry.id))
        chip.drag_ended.connect(self._on_drag_ended)
        return chip

    def _on_menu_wanted(self, stage_id: int, position: QPoint) -> None:
        self.make_menu(stage_id).popup(position)

    def _figure(self, entry: StageEntry) -> str:
        if not entry.enabled:
            return "off"
        milliseconds = self._milliseconds.get(entry.stage.name)
        return "" if milliseconds is None else _milliseconds_text(milliseconds)

    def _refresh(self) -> None:
        entries = self._session.stages
        for stage_id in set(self._chips) - {entry.id for entry in entries}:
            chip = self._chips.pop(stage_id)
            chip.hide()
            chip.deleteLater()
        for entry in entries:
            if entry.id not in self._chips:
                self._chips[entry.id] = self._make_chip(entry)
            chip = self._chips[entry.id]
            chip.setChecked(entry.enabled)
            do = "switch off" if entry.enabled else "switch on"
            chip.setToolTip(
                f"{entry.stage.name}: takes {entry.stage.input}, gives {entry.stage.output}\n"
                f"Click to {do} (Space); drag to reorder (Ctrl+Shift+arrows); the cross removes it (Delete)"
            )
        self._add.setText(self._busy or "+ stage")
        self._add.setEnabled(self._session.model is not None and not self._busy)
        self._add.setToolTip(
            "Add a network that works on the decoded pictures (Ctrl+Shift+O)"
            if self._session.model is not None
            else "Open a model first; a stage works on the pictures that it makes"
        )
        self._refresh_figures()
        self.updateGeometry()
        self._arrange()

    def _refresh_figures(self) -> None:
        for entry in self._session.stages:
            figure = self._figure(entry)
            self._chips[entry.id].set_figure(figure)
            self._chips[entry.id].setAccessibleDescription(
                figure if figure in ("", "off") else f"on, takes {figure}"
            )

    # ---- places ----

    def _arrange(self) -> None:
        """Put the chips side by side; fold those that have no room."""
        chips = self.chips
        widths = [chip.sizeHint().width() for chip in chips]
        room = self.width() - self._add.sizeHint().width()
        shown = len(chips)
        if sum(widths) + SPACING * len(widths) > room:
            self._more.setText("0 more")
            room -= self._more.sizeHint().width() + SPACING
            while shown and sum(widths[:shown]) + SPACING * shown > room:
                shown -= 1
        order = list(range(shown))
        held = None
        if self._dragged is not None:
            held = self._place(self._dragged[0])
            if held in order:
                order.remove(held)
                order.insert(min(self._dragged[2], len(order)), held)
        x, top = 0, max((self.height() - HEIGHT) // 2, 0)
        for place in order:
            if place != held:
                chips[place].setGeometry(x, top, widths[place], HEIGHT)
            x += widths[place] + SPACING
        for place, chip in enumerate(chips):
            chip.setVisible(place < shown)
        hidden = len(chips) - shown
        self._more.setText(f"{hidden} more")
        self._more.setAccessibleName(f"{hidden} more stages")
        self._more.setToolTip("\n".join(entry.stage.name for entry in self._session.stages[shown:]))
        self._more.setVisible(hidden > 0)
        if hidden:
            self._more.setGeometry(x, top, self._more.sizeHint().width(), HEIGHT)
            x += self._more.width() + SPACING
        self._add.setGeometry(x, top, self._add.sizeHint().width(), HEIGHT)
        for earlier, later in zip(chips, [*chips[1:], self._more], strict=False):
            self.setTabOrder(earlier, later)
        self.setTabOrder(self._more, self._add)

    def _on_drag_moved(self, stage_id: int, moved: int) -> None:
        chip = self._chips[stage_id]
        start = chip.x() if self._dragged is None else self._dragged[1]
        right = self.width() - chip.width()
        chip.move(min(max(start + moved, 0), max(right, 0)), chip.y())
        chip.raise_()
        middle = chip.geometry().center().x()
        others = [other for other in self.chips if other is not chip and not other.isHidden()]
        place, x = 0, 0
        for other in others:
            if middle > x + (chip.width() + other.width() + SPACING) / 2:
                place += 1
            x += other.width() + SPACING
        self._dragged = (stage_id, start, place)
        self._arrange()

    def _on_drag_ended(self) -> None:
        if self._dragged is not None:
            stage_id, _, place = self._dragged
            self._dragged = None
            self._try(partial(self._session.move_stage, stage_id, place))

    # ---- Qt ----

    def sizeHint(self) -> QSize:
        wide = sum(chip.sizeHint().width() + SPACING for chip in self._chips.values())
        return QSize(wide + self._add.sizeHint().width(), HEIGHT)

    def minimumSizeHint(self) -> QSize:
        return QSize(self._more.sizeHint().width() + SPACING + self._add.sizeHint().width(), HEIGHT)

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._arrange()


def _menu(parent: QWidget) -> QMenu:
    """Return a menu that deletes itself once it was closed."""
    menu = QMenu(parent)
    menu.aboutToHide.connect(menu.deleteLater)
    return menu


def _milliseconds_text(milliseconds: float) -> str:
    """Return a duration in at most six characters."""
    if milliseconds >= 10_000:
        return f"{milliseconds / 1000:.0f} s"
    if milliseconds >= 1000:
        return f"{milliseconds / 1000:.1f} s"
    return f"{milliseconds:.1f} ms" if milliseconds < 10 else f"{milliseconds:.0f} ms"
