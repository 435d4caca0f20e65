"""The program text that a checkpoint carries can be read in the window."""

import fakes
from style_fakes import tiny_style

from explorer.formats import Opened
from explorer.gui.program_text import ProgramText


def test_the_menu_shows_the_text_of_a_file_that_has_one(running):
    action = running.window.actions_by_name["program_text"]
    running.session.open(Opened(fakes.tiny_vae()))
    assert not action.isEnabled()
    model = tiny_style()
    model.source_text = "import os\nos.remove('<b>everything</b>')\n"
    running.session.open(Opened(model))
    assert action.isEnabled()
    action.trigger()
    [dialog] = running.window.findChildren(ProgramText)
    assert dialog.text.toPlainText() == model.source_text
    assert dialog.text.isReadOnly()
    dialog.close()
