"""Icons: one family, in the colours of the theme."""

import re
from xml.etree import ElementTree

import pytest
from PySide6.QtGui import QAction, QColor, QIcon
from PySide6.QtWidgets import QPushButton, QToolButton

from explorer import paths
from explorer.gui import theme
from explorer.gui.widgets.icons import icon

FILES = sorted((paths.resources() / "icons").glob("*.svg"))
NAMES = [path.stem for path in FILES if path.stem != "app" and not path.stem.startswith("control-")]


@pytest.fixture
def application(qapp):
    theme.apply_theme(qapp, theme.LIGHT)
    yield qapp
    theme.apply_theme(qapp, theme.LIGHT)


def ink(made, mode=QIcon.Mode.Normal):
    """Return the most opaque colour of an icon at 32 px."""
    image = made.pixmap(32, 32, mode).toImage()
    pixels = [image.pixelColor(x, y) for x in range(image.width()) for y in range(image.height())]
    return max(pixels, key=QColor.alpha)


def close(one, other):
    return all(abs(a - b) <= 2 for a, b in zip(one.getRgb()[:3], other.getRgb()[:3], strict=True))


@pytest.mark.parametrize("name", NAMES)
def test_every_icon_is_drawn_in_one_weight_and_the_text_color(application, name):
    root = ElementTree.parse(paths.resources() / "icons" / f"{name}.svg").getroot()
    assert (root.get("viewBox"), root.get("stroke-width")) == ("0 0 16 16", "1.5")
    assert not re.search(r"#[0-9a-fA-F]{3,8}", ElementTree.tostring(root, "unicode"))
    assert ink(icon(name)).alpha() > 200
    assert close(ink(icon(name)), theme.LIGHT.text)


def test_disabled_icons_are_dimmed(application):
    assert close(ink(icon("save"), QIcon.Mode.Disabled), theme.LIGHT.disabled)


def test_icons_on_buttons_and_actions_follow_the_theme(application, qtbot):
    button, action, foreign = QToolButton(), QAction("undo"), QPushButton()
    for widget in (button, foreign):
        qtbot.addWidget(widget)
    button.setIcon(icon("lock", "quiet"))
    action.setIcon(icon("undo"))
    foreign.addAction(action)
    theme.apply_theme(application, theme.DARK)
    assert close(ink(button.icon()), theme.DARK.quiet)
    assert close(ink(action.icon()), theme.DARK.text)
    assert foreign.icon().isNull()
    theme.apply_theme(application, theme.LIGHT)
    assert close(ink(button.icon()), theme.LIGHT.quiet)


def test_an_icon_that_is_not_there_is_said(application):
    with pytest.raises(FileNotFoundError):
        icon("unicorn")


@pytest.mark.parametrize("chosen", [theme.LIGHT, theme.DARK], ids=lambda t: t.name)
def test_check_marks_have_the_color_on_the_accent(chosen):
    text = (paths.resources() / "icons" / f"control-check-{chosen.name}.svg").read_text("utf-8")
    assert chosen.on_accent.name().upper() in text.upper()
