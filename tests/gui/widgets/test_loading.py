"""The line that says what is being loaded."""

import pytest
from PySide6.QtGui import QFontMetrics
from PySide6.QtWidgets import QLabel

from explorer.gui import theme
from explorer.gui.widgets.drop_zone import DropZone
from explorer.gui.widgets.loading import Loading, fitted_text

TEXT = "Starting a separate process to read evil2.pth"


def test_a_usual_sentence_is_not_cut_in_the_canvas(qtbot):
    loading = Loading()
    place = DropZone(loading)
    qtbot.addWidget(place)
    place.resize(520, 400)
    place.show()
    loading.show()
    loading.set_progress(TEXT, 0.1)
    qtbot.waitUntil(lambda: loading.width() > 400)
    assert loading.findChild(QLabel).text() == TEXT


@pytest.mark.parametrize("text", ["Reading {} in a separate process", "Opening {}"])
def test_a_long_file_name_is_cut_in_its_middle_and_nothing_else_is(qapp, text):
    metrics = QFontMetrics(theme.base_font())
    whole = text.format("my-first-autoencoder-" * 4 + "final.pth")
    cut = fitted_text(whole, metrics, 300)
    assert metrics.horizontalAdvance(cut) <= 300
    start, end = text.split("{}")
    assert cut.startswith(start + "my")
    assert cut.endswith("pth" + end)
