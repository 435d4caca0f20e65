"""The rules of the layout check find what they are there for: each is shown a culprit and a good one."""

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QRect, Qt
from PySide6.QtGui import QColor, QPainter, QPalette
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "layout_rules.py"


@pytest.fixture(scope="module")
def rules():
    spec = importlib.util.spec_from_file_location("layout_rules", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    sys.modules["layout_rules"] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules["layout_rules"]


@pytest.fixture
def window(qtbot):
    window = QWidget()
    window.resize(400, 300)
    qtbot.addWidget(window)
    return window


def placed(kind, window, rect, text=""):
    widget = kind(text, window) if text else kind(window)
    widget.setGeometry(QRect(*rect))
    return widget


@pytest.mark.parametrize("kind", [QLabel, QPushButton])
def test_a_cut_text_is_found(rules, window, kind):
    placed(kind, window, (0, 0, 40, 30), "A text that is longer than that")
    placed(kind, window, (0, 50, 390, 30), "A text that fits")
    window.show()
    found = rules.cut_texts(rules.shown(window))
    assert len(found) == 1
    assert "longer than that" in found[0]


def test_a_cut_choice_is_found(rules, window):
    box = placed(QComboBox, window, (0, 0, 60, 30))
    box.addItem("hair brightness and more")
    window.show()
    assert len(rules.cut_texts(rules.shown(window))) == 1
    box.resize(300, 30)
    assert rules.cut_texts(rules.shown(window)) == []


def test_a_shortened_text_is_found(rules, window):
    placed(QLabel, window, (0, 0, 200, 30), "hair bri…")
    window.show()
    assert "shortened" in rules.cut_texts(rules.shown(window))[0]


def test_hidden_widgets_do_not_count(rules, window):
    placed(QLabel, window, (0, 0, 10, 10), "A text that is longer than that").hide()
    window.show()
    assert rules.shown(window) == []


def test_overlapping_siblings_are_found(rules, window):
    one = placed(QPushButton, window, (0, 0, 100, 30), "one")
    placed(QPushButton, window, (99, 0, 100, 30), "two")
    placed(QPushButton, window, (0, 30, 100, 30), "below")
    window.show()
    found = rules.overlaps(rules.shown(window))
    assert len(found) == 1
    assert "'one'" in found[0]
    assert "'two'" in found[0]
    one.setProperty("overlay", True)
    assert rules.overlaps(rules.shown(window)) == []


def test_a_window_of_its_own_does_not_count(rules, window):
    other = QWidget(window, Qt.WindowType.Window)
    placed(QLabel, other, (0, 0, 10, 10), "A text that is longer than that")
    window.show()
    other.show()
    assert rules.shown(window) == []
    other.close()


def test_what_an_overlay_covers_needs_no_contrast(rules, window):
    label = placed(QLabel, window, (0, 0, 100, 20), "Under it")
    over = placed(QWidget, window, (0, 0, 200, 100))
    over.setStyleSheet("background: #333333;")
    over.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
    window.show()
    assert "contrast" in rules.faint_texts([label], window.grab().toImage())[0]
    over.setProperty("overlay", True)
    assert rules.faint_texts([label, over], window.grab().toImage()) == []


def test_a_widget_that_sticks_out_is_found(rules, window):
    placed(QPushButton, window, (350, 0, 100, 30), "out")
    window.show()
    assert "sticks out" in rules.overlaps(rules.shown(window))[0]


def test_uneven_rows_are_found(rules, window):
    rows = [placed(QWidget, window, (0, top, 100, 40)) for top in (0, 46, 92)]
    window.show()
    assert rules.uneven_rows(rows) == []
    rows[2].move(0, 93)
    assert rules.uneven_rows(rows) == ["rows 40 px high follow each other after [46, 47] px"]
    rows[2].move(1, 92)
    assert "left edge" in rules.uneven_rows(rows)[0]


def test_contrast_is_that_of_the_standard(rules):
    assert rules.contrast(QColor("#000000"), QColor("#ffffff")) == pytest.approx(21)
    assert rules.contrast(QColor("#777777"), QColor("#ffffff")) == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize(("ink", "complaints"), [("#767676", 0), ("#9a9a9a", 1)])
def test_faint_texts_are_found_in_the_picture(rules, window, ink, complaints):
    window.setPalette(QPalette(QColor("#ffffff")))
    label = placed(QLabel, window, (10, 10, 380, 60), "MMMM")
    label.setStyleSheet(f"color: {ink}; font-size: 40px; font-weight: 900;")
    window.show()
    assert len(rules.faint_texts([label], window.grab().toImage())) == complaints


def test_a_disabled_text_may_be_faint(rules, window):
    label = placed(QLabel, window, (10, 10, 380, 60), "MMMM")
    label.setStyleSheet("color: #eeeeee; background: white; font-size: 40px;")
    label.setEnabled(False)
    window.show()
    assert rules.faint_texts([label], window.grab().toImage()) == []


class Painting(QWidget):
    """Draws one text that it shortens, in grey on white."""

    def paintEvent(self, event):
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor("#ffffff"))
        painter.setPen(QColor("#9a9a9a"))
        text = painter.fontMetrics().elidedText("hair brightness", Qt.TextElideMode.ElideRight, 60)
        painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, text)
        painter.setPen(QColor("#595959"))
        painter.drawText(10, 20, "darker")
        painter.end()


def test_painted_texts_are_recorded(rules, window):
    QVBoxLayout(window).addWidget(Painting())
    with rules.PaintRecorder() as recorder:
        grabbed = window.grab().toImage()
    assert "shortened" in recorder.shortened[0]
    (complaint,) = recorder.faint(grabbed)
    assert "2.8" in complaint
    assert "Painting" in complaint


def test_a_good_window_gets_no_complaint(rules, window):
    layout = QHBoxLayout(window)
    for text in ("Open", "Random", "Reset"):
        layout.addWidget(QPushButton(text))
    window.show()
    widgets = rules.shown(window)
    assert len(widgets) == 3
    assert rules.cut_texts(widgets) + rules.overlaps(widgets) == []


def test_a_picture_of_one_colour_has_no_contrast(rules):
    assert rules.ink_contrast(np.full((4, 4, 3), 128, np.uint8)) == pytest.approx(1)


class OnAPicture(QWidget):
    """Draws a text over a picture of many colours, all of them dark."""

    def __init__(self, ink):
        super().__init__()
        self.ink = ink

    def paintEvent(self, event):
        painter = QPainter(self)
        for x in range(self.width()):
            painter.fillRect(x, 0, 1, self.height(), QColor(20 + x % 40, 30, 60 - x % 30))
        painter.setPen(QColor(self.ink))
        painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, "the smile")
        painter.end()


@pytest.mark.parametrize(("ink", "complaints"), [("#ffffff", 0), ("#555555", 1)])
def test_a_text_over_a_picture_is_judged_by_all_of_the_picture(rules, window, ink, complaints):
    QVBoxLayout(window).addWidget(OnAPicture(ink))
    with rules.PaintRecorder() as recorder:
        grabbed = window.grab().toImage()
    assert len(recorder.faint(grabbed)) == complaints
