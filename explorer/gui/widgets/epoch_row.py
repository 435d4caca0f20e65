"""The quiet row of a run under the picture: play, the slider over its epochs, which one is shown, and following."""

from __future__ import annotations

import math
from dataclasses import dataclass

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QFontMetricsF, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QToolButton, QWidget

from explorer.gui import theme
from explorer.gui.widgets.epoch_slider import EpochSlider
from explorer.gui.widgets.icons import icon

NARROW = 420, 300
"""px; below the first the tooltip alone tells the run's state, below the other words are short."""

_TIP = "Walk through the epochs (, and .); right click: compare two of them"


@dataclass(frozen=True)
class EpochsShown:
    """What the row shows.

    Attributes:
        numbers: of the epochs that are there.
        at: place in them of the one that is shown, or will be at once.
        total: how many epochs there shall be, 0 where nobody knows.
        state: of the run, for people: `training`, `finished`.
        is_part: the epoch that is shown was stopped in its middle.
        rival: place of the epoch that is compared.
        is_playing, is_following: what the buttons show; `can_follow`: more epochs may come.
    """

    numbers: tuple[int, ...]
    at: int
    total: int = 0
    state: str = ""
    is_part: bool = False
    rival: int | None = None
    is_playing: bool = False
    is_following: bool = False
    can_follow: bool = False

    @property
    def text(self) -> str:
        """The epoch in words, `epoch 12 of 30`."""
        return self._words(self.numbers[self.at]) + (" (part)" if self.is_part else "")

    @property
    def short(self) -> str:
        """The same in few letters, `12/30`."""
        return self.text.removeprefix("epoch ").replace(" of ", "/").replace(" (part)", "…")

    @property
    def widest(self) -> str:
        """The longest that `text` may become while the slider moves."""
        return self._words(max(self.numbers))

    def _words(self, number: int) -> str:
        return f"epoch {number} of {self.total}" if self.total >= number else f"epoch {number}"


class EpochRow(QWidget):
    """Shows what it is told and tells what was done; it knows nothing of runs."""

    play_wanted = Signal()
    follow_wanted = Signal(bool)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.shown: EpochsShown | None = None
        self.slider = EpochSlider(self)
        self.play = _button("play", self)
        self.play.setAccessibleName("Play the epochs")
        self.play.setToolTip("Play the epochs (Shift+P)")
        self.play.clicked.connect(self.play_wanted)
        self.follow = _button("", self)
        self.follow.setText("Follow")
        self.follow.setCheckable(True)
        self.follow.setAccessibleName("Follow the newest epoch")
        self.follow.setToolTip("Show each new epoch as soon as it is there")
        self.follow.clicked.connect(self.follow_wanted)
        self.label = QLabel(self)
        self.label.setFont(theme.numbers_font(theme.SMALL_PIXELS))
        self.label.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.state = QLabel(self)
        self.state.setObjectName("quiet")
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(6)
        layout.addWidget(self.play)
        layout.addWidget(self.slider, stretch=1)
        for widget in (self.label, self.state, self.follow):
            layout.addWidget(widget)
        self.setAccessibleName("Epochs of the run")
        self.hide()

    def show_epochs(self, shown: EpochsShown) -> None:
        """Show a run."""
        if shown == self.shown:
            return
        self.shown = shown
        self.slider.show_places(len(shown.numbers), shown.at, shown.rival)
        self.slider.setAccessibleDescription(f"{shown.text}, {shown.state}")
        self.slider.setToolTip(f"{_TIP}\nThe run is {shown.state}" if shown.state else _TIP)
        self.state.setText(shown.state)
        self.follow.setVisible(shown.can_follow)
        self.follow.setChecked(shown.is_following)
        self.play.setIcon(icon("pause" if shown.is_playing else "play", "quiet"))
        self.play.setEnabled(len(shown.numbers) > 1)
        name = "Pause" if shown.is_playing else "Play the epochs"
        self.play.setAccessibleName(name)
        self.play.setToolTip(f"{name} (Shift+P)" if len(shown.numbers) > 1 else "There is only one epoch yet")
        self._refresh_room()

    def _refresh_room(self) -> None:
        """Say as much as there is room for, in a width that stays while the slider moves."""
        shown = self.shown
        if shown is None:
            return
        is_short = self.width() < NARROW[1]
        self.label.setText(shown.short if is_short else shown.text)
        widest = shown.widest.removeprefix("epoch ").replace(" of ", "/") if is_short else shown.widest
        self.label.setMinimumWidth(math.ceil(QFontMetricsF(self.label.font()).horizontalAdvance(widest)) + 2)
        self.label.setToolTip(f"{shown.text}\n{self.state.text()}" if is_short else "")
        self.state.setVisible(bool(self.state.text()) and self.width() >= NARROW[0])

    # ---- Qt ----

    def minimumSizeHint(self) -> QSize:
        return QSize(180, super().minimumSizeHint().height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._refresh_room()
        super().resizeEvent(event)


def _button(name: str, parent: QWidget) -> QToolButton:
    button = QToolButton(parent)
    if name:
        button.setIcon(icon(name, "quiet"))
    button.setObjectName("quiet")
    button.setProperty("kind", "bare")
    button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    return button
