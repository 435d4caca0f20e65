"""The label that gives way."""

from explorer.gui.widgets.elided_label import ElidedLabel


def test_it_shows_what_there_is_room_for(qtbot):
    label = ElidedLabel()
    qtbot.addWidget(label)
    label.setText("fc-vae · 10-D · 30×30")
    label.resize(label.sizeHint())
    assert label.shown_text() == label.text()
    label.resize(label.width() * 3 // 4, label.height())
    assert label.shown_text().startswith("fc-vae")
    assert label.shown_text().endswith("…")
    label.resize(20, label.height())
    assert label.shown_text() == ""
    assert label.minimumSizeHint().width() == 0
