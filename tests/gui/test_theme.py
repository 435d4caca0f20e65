"""Colours, type and the style sheet."""

import itertools

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QFontInfo, QFontMetrics, QPalette
from PySide6.QtWidgets import (
    QApplication,
    QComboBox,
    QDialogButtonBox,
    QLineEdit,
    QPushButton,
    QSpinBox,
    QStyle,
    QToolButton,
    QTreeWidget,
)

from explorer.gui import theme
from explorer.gui.widgets.icons import icon

THEMES = (theme.LIGHT, theme.DARK)


@pytest.fixture
def application(qapp):
    theme.apply_theme(qapp, theme.LIGHT)
    yield qapp
    theme.prefer("system")
    theme.apply_theme(qapp, theme.LIGHT)


@pytest.mark.parametrize("chosen", THEMES, ids=lambda t: t.name)
@pytest.mark.parametrize(
    ("text", "ground"),
    [
        *itertools.product(("text", "quiet", "error", "warning"), ("window", "panel")),
        *itertools.product(("text", "quiet"), ("tint", "hover", "pressed")),
        ("on_accent", "accent"),
    ],
)
def test_text_can_be_read_on_what_it_stands_on(chosen, text, ground):
    assert theme.contrast(getattr(chosen, text), getattr(chosen, ground)) >= 4.5


def test_contrast_is_that_of_wcag():
    assert theme.contrast(QColor("white"), QColor("black")) == pytest.approx(21)
    assert theme.contrast(QColor("#777777"), QColor("white")) == pytest.approx(4.48, abs=0.01)


def test_mix_paints_one_color_over_another():
    assert theme.mix(QColor(255, 0, 0), 0.25, QColor(0, 0, 255)).getRgb() == (64, 0, 191, 255)


@pytest.mark.parametrize("chosen", THEMES, ids=lambda t: t.name)
def test_style_sheet_has_no_open_name_and_no_missing_icon(chosen, tmp_path):
    sheet = theme.style_sheet(chosen)
    assert "$" not in sheet
    assert chosen.accent.name() in sheet
    for part in sheet.split('url("')[1:]:
        from pathlib import Path

        assert Path(part.partition('"')[0]).is_file()


def test_applying_a_theme_tells_once_and_changes_palette_and_colors(application, qtbot):
    with qtbot.waitSignal(theme.notifier.changed):
        theme.apply_theme(application, theme.DARK)
    assert theme.current() is theme.DARK
    assert application.palette().color(QPalette.ColorRole.Window) == theme.DARK.window
    with qtbot.assertNotEmitted(theme.notifier.changed):
        theme.apply_theme(application, theme.DARK)


def test_system_is_followed_until_something_else_is_preferred(application, monkeypatch):
    scheme = [Qt.ColorScheme.Light]
    monkeypatch.setattr(theme, "_system_scheme", lambda _application: scheme[0])
    theme.follow_system(application)
    assert theme.current() is theme.LIGHT
    scheme[0] = Qt.ColorScheme.Dark
    application.styleHints().colorSchemeChanged.emit(scheme[0])
    assert theme.current() is theme.DARK
    theme.prefer("light")
    application.styleHints().colorSchemeChanged.emit(scheme[0])
    assert theme.current() is theme.LIGHT
    theme.prefer("system")
    assert theme.current() is theme.DARK


def test_preference_is_kept_for_the_next_start(application, monkeypatch):
    monkeypatch.setattr(theme, "_system_scheme", lambda _application: Qt.ColorScheme.Light)
    application.setOrganizationName("latent-explorer-tests")
    try:
        theme.prefer("dark")
        theme._state.preference = "system"
        theme.follow_system(application)
        assert theme.preference() == "dark"
        assert theme.current() is theme.DARK
    finally:
        theme.prefer("system")
        application.setOrganizationName("")


def test_an_unknown_preference_is_refused(application):
    with pytest.raises(ValueError, match="sepia"):
        theme.prefer("sepia")


def test_figures_of_numbers_are_equally_wide(application):
    metrics = QFontMetrics(theme.numbers_font())
    if QFontInfo(theme.numbers_font()).family() not in ("Inter", "DejaVu Sans"):
        pytest.skip("the font here may have no tabular figures")
    assert len({metrics.horizontalAdvance(figure * 4) for figure in "0123456789"}) == 1
    assert metrics.horizontalAdvance("+1.11") == metrics.horizontalAdvance("−0.88")


def pixel(widget, x, y):
    """Return a pixel of a widget as it is painted."""
    return widget.grab().toImage().pixelColor(x, y)


@pytest.mark.parametrize("chosen", THEMES, ids=lambda t: t.name)
def test_primary_button_is_filled_with_the_accent(application, qtbot, chosen):
    theme.apply_theme(application, chosen)
    button = QToolButton()
    qtbot.addWidget(button)
    button.setObjectName("primary")
    button.setText("Export")
    button.show()
    assert pixel(button, 6, button.height() // 2) == chosen.accent


def test_keyboard_focus_can_be_seen(application, qtbot):
    for control in (QPushButton("Play"), QLineEdit(), QToolButton()):
        qtbot.addWidget(control)
        control.show()
        control.clearFocus()
        before = pixel(control, control.width() // 2, 0)
        control.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        control.activateWindow()
        control.setFocus(Qt.FocusReason.TabFocusReason)
        qtbot.waitUntil(control.hasFocus)
        assert pixel(control, control.width() // 2, 0) == theme.current().focus != before


def test_controls_of_every_kind_are_equally_high(application, qtbot):
    if QFontInfo(theme.base_font()).family() != "Inter":
        pytest.skip("measured with Inter; other fonts may need more room")
    controls = [QToolButton(), QToolButton(), QPushButton("Play"), QLineEdit(), QComboBox(), QSpinBox()]
    controls[0].setText("Open")
    controls[1].setIcon(icon("undo"))
    controls[4].addItem("z · by influence")
    for control in controls:
        qtbot.addWidget(control)
        control.ensurePolished()
    assert {control.sizeHint().height() for control in controls} == {26}


def test_theme_is_applied_to_one_application_only_once(application):
    style = QApplication.style()
    theme.apply_theme(application, theme.DARK)
    theme.apply_theme(application, theme.LIGHT)
    assert QApplication.style().name() == style.name()


@pytest.mark.parametrize("chosen", THEMES, ids=lambda t: t.name)
def test_the_header_of_a_file_list_is_of_the_theme(application, qtbot, chosen):
    theme.apply_theme(application, chosen)
    tree = QTreeWidget()
    tree.setHeaderLabels(["Name"])
    qtbot.addWidget(tree)
    tree.show()
    header = tree.header()
    assert pixel(header, 3, 3) == chosen.panel


@pytest.mark.also_x11
def test_buttons_of_dialogs_have_no_icons_of_qts(application, qtbot):
    theme.apply_theme(application, theme.LIGHT)
    box = QDialogButtonBox(QDialogButtonBox.StandardButton.Ok | QDialogButtonBox.StandardButton.Cancel)
    qtbot.addWidget(box)
    box.show()
    assert not box.style().styleHint(QStyle.StyleHint.SH_DialogButtonBox_ButtonsHaveIcons, None, box)
    assert all(button.icon().isNull() for button in box.buttons())
