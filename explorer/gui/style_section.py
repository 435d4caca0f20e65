"""What every picture of a style network is made with besides its code: truncation, noise, moves."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QSpinBox, QVBoxLayout, QWidget

from explorer.gui.pictures import PictureSource
from explorer.gui.session import Session
from explorer.gui.state import FARTHEST, NOISE_SEED_LIMIT, StyleSettings
from explorer.gui.widgets.fitting_combo import FittingCombo
from explorer.gui.widgets.fold_button import FoldButton
from explorer.gui.widgets.setting_row import SettingRow

NOISES = (("kept noise", "const"), ("no noise", "none"), ("random noise", "random"))
_SEED = 120  # px
PSI_REACH, TURN_REACH, MOVE_REACH = 1.5, 180.0, 0.5  # to either side of 0


class StyleSection(QWidget):
    """Seen for models that truncate; reads the session, calls its setters."""

    entry_wanted = Signal(str)  # another generator of the file

    def __init__(self, session: Session, pictures: PictureSource, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._pictures = pictures
        self.fold = FoldButton(self)
        self.fold.setAccessibleName("Style")
        self.body = QWidget(self)
        self._make_rows()
        self._make_choices()
        inner = QVBoxLayout(self.body)
        inner.setContentsMargins(6, 0, 6, 8)
        inner.setSpacing(4)
        inner.addWidget(self.rows["psi"])
        inner.addLayout(self._choices)
        for name in ("x", "y", "angle"):
            inner.addWidget(self.rows[name])
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 4)
        layout.setSpacing(0)
        layout.addWidget(self.fold)
        layout.addWidget(self.body)
        self.fold.clicked.connect(self._on_fold_clicked)
        session.model_changed.connect(self._on_model_changed)
        session.options_changed.connect(self._refresh)
        self._on_model_changed()

    def _make_rows(self) -> None:
        self.rows = {
            "psi": SettingRow(
                "Truncation", PSI_REACH, 1.0, "Towards the average picture (0); 1 is as the code says", self
            ),
            "x": SettingRow("Right", MOVE_REACH, 0.0, "Move the picture to the right, in its widths", self),
            "y": SettingRow("Down", MOVE_REACH, 0.0, "Move the picture down, in its heights", self),
            "angle": SettingRow("Turn", TURN_REACH, 0.0, "Turn the picture, in degrees", self),
        }
        for name, row in self.rows.items():
            self._listen(name, row)

    def _listen(self, name: str, row: SettingRow) -> None:
        def move(value: float) -> None:
            self._session.set_style(**{name: value})

        def enter(value: float) -> None:
            most = 360.0 if name == "angle" else FARTHEST
            self._session.commit()
            self._session.set_style(**{name: min(max(value, -most), most)})
            self._session.commit()

        row.moved.connect(move)
        row.entered.connect(enter)
        row.grabbed.connect(self._on_grabbed)
        row.settled.connect(self._on_settled)

    def _make_choices(self) -> None:
        self.cutoff = FittingCombo(
            "Layers that are truncated", "Truncate only the first so many layers", self
        )
        self.noise = FittingCombo(
            "Noise", "What draws hair strands and pores: noise that the file keeps, none, or random", self
        )
        for text, key in NOISES:
            self.noise.addItem(text, key)
        self.seed = QSpinBox(self)
        self.seed.setRange(0, NOISE_SEED_LIMIT - 1)
        self.seed.setPrefix("seed ")
        self.seed.setKeyboardTracking(False)
        self.seed.setAccessibleName("Seed of the noise")
        self.seed.setToolTip("The same seed gives the same noise")
        self.seed.lineEdit().setAcceptDrops(False)
        self.entry = FittingCombo(
            "Generator",
            "The generators in the file: averaged over the training, and as it was at its end",
            self,
        )
        self.seed.setMaximumWidth(_SEED)
        self._choices = QVBoxLayout()  # two short lines: the panel shall not take room from the picture
        self._choices.setSpacing(4)
        for pair in ((self.cutoff, self.entry), (self.noise, self.seed)):
            line = QHBoxLayout()
            line.setSpacing(8)
            for widget in pair:
                line.addWidget(widget)
            line.addStretch(1)
            self._choices.addLayout(line)
        self.cutoff.activated.connect(self._on_cutoff_activated)
        self.noise.activated.connect(self._on_noise_activated)
        self.seed.valueChanged.connect(self._on_seed_changed)
        self.entry.activated.connect(self._on_entry_activated)

    # ---- the session changed ----

    def _on_model_changed(self) -> None:
        model = self._session.model
        accepts = model.accepts if model is not None else frozenset()
        self.setVisible("psi" in accepts)
        if model is None or "psi" not in accepts:
            return
        self.cutoff.clear()
        self.cutoff.addItem("all layers", None)
        for count in range(1, model.layers):
            self.cutoff.addItem(f"first {count} layer{'s' if count > 1 else ''}", count)
        self.noise.setVisible("noise" in accepts)
        self._fill_entries()
        for name in ("x", "y", "angle"):
            self.rows[name].setVisible("transform" in accepts)
        self._refresh()

    def _fill_entries(self) -> None:
        model = self._session.model
        self.entry.clear()
        self.entry.addItems(list(model.entries) if model is not None else [])
        self.entry.setVisible(self.entry.count() > 0)

    def _refresh(self) -> None:
        if self.isHidden():
            return
        style = self._session.style
        for name, row in self.rows.items():
            row.show_value(getattr(style, name))
        self.cutoff.setCurrentIndex(max(self.cutoff.findData(style.cutoff), 0))
        self.noise.setCurrentIndex(self.noise.findData(style.noise))
        blocked = self.seed.blockSignals(True)
        self.seed.setValue(style.noise_seed)
        self.seed.blockSignals(blocked)
        self.seed.setVisible(style.noise == "random" and not self.noise.isHidden())
        self._refresh_fold()

    def _refresh_fold(self) -> None:
        is_open = not self.body.isHidden()
        self.fold.show_state("Style" if is_open else f"Style{told(self._session.style)}", is_open=is_open)

    # ---- wishes ----

    def _on_fold_clicked(self) -> None:
        self.body.setVisible(self.body.isHidden())
        self._refresh_fold()

    def _on_grabbed(self) -> None:
        self._session.commit()
        self._pictures.dragging(True, by="style")

    def _on_settled(self) -> None:
        self._pictures.dragging(False, by="style")
        self._session.commit()

    def _on_cutoff_activated(self, index: int) -> None:
        self._set(cutoff=self.cutoff.itemData(index))

    def _on_noise_activated(self, index: int) -> None:
        self._set(noise=self.noise.itemData(index))

    def _on_entry_activated(self, index: int) -> None:
        if index > 0:
            self.entry_wanted.emit(self.entry.itemText(index))
            self.entry.setCurrentIndex(0)  # until that one is open

    def _on_seed_changed(self, seed: int) -> None:
        self._set(noise_seed=seed)

    def _set(self, **changes: object) -> None:
        self._session.set_style(**changes)
        self._session.commit()


def told(style: StyleSettings) -> str:
    """Return what is not as usual, in few words: ` · truncation 0.70 · random noise`."""
    words = []
    if style.psi != 1.0:
        words.append(f"truncation {style.psi:.2f}")
    if style.noise != "const":
        words.append(next(text for text, key in NOISES if key == style.noise))
    if style.matrix() is not None:
        words.append("moved")
    return "".join(f" · {word}" for word in words)
