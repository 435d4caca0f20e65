"""Every command of the menus, once: text, key, tooltip; what it does is wired by the main window and the app."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QWidget


@dataclass(frozen=True)
class Command:
    """Text of a menu entry; `short` is what a button shows."""

    name: str
    text: str
    keys: tuple[str, ...]
    tip: str
    short: str = ""
    checkable: bool = False


COMMANDS = (
    Command("open", "&Open…", ("Ctrl+O",), "Open a checkpoint, or encode a picture", "Open"),
    Command(
        "open_folder",
        "Open &folder…",
        (),
        "Open the folder of a training run, or a checkpoint that is a folder",
    ),
    Command("start_page", "S&tart page", (), "Show the bundled models and what was opened lately"),
    Command(
        "add_stage", "Add sta&ge…", ("Ctrl+Shift+O",), "Add a network that works on the decoded pictures"
    ),
    Command("doctor", "Checkpoint &doctor…", (), "Show what a checkpoint holds, and check what was guessed"),
    Command(
        "program_text", "Program te&xt in the file…", (), "Read the program text that the checkpoint carries"
    ),
    Command("save_session", "&Save session", ("Ctrl+S",), "Save everything that can be seen, to go on later"),
    Command("save_session_as", "Save session &as…", ("Ctrl+Shift+S",), "Save the session in another file"),
    Command("reopen_session", "Reopen &last session", (), "Go on where the program was closed last"),
    Command(
        "export", "&Export…", ("Ctrl+E",), "Save pictures: the picture, the strip, a sheet, a grid, the map"
    ),
    Command(
        "save_picture",
        "&Picture…",
        ("Ctrl+Shift+E",),
        "Save the picture on the canvas, pixel for pixel",
        "Picture",
    ),
    Command("export_strip", "&Strip…", (), "Save the strip as a picture or an animation"),
    Command("export_sheet", "S&heet of dimensions…", (), "Save one row of pictures for each dimension"),
    Command("export_manifold", "Ma&nifold grid…", (), "Save the grid over two dimensions"),
    Command("export_samples", "S&amples…", (), "Save a grid of random pictures"),
    Command(
        "export_reconstructions", "&Reconstructions…", (), "Save pictures above what the model makes of them"
    ),
    Command("export_map", "&Map…", (), "Save the map with its points and its background"),
    Command("quit", "&Quit", ("Ctrl+Q",), "Close the program"),
    Command("undo", "&Undo", ("Ctrl+Z",), "Take the last step back", "Undo"),
    Command("redo", "&Redo", ("Ctrl+Shift+Z", "Ctrl+Y"), "Do the undone step again", "Redo"),
    Command("copy", "&Copy picture", ("Ctrl+C",), "Copy the picture on the canvas"),
    Command("random", "&Random", ("R",), "Draw a random code; locked dimensions stay", "Random"),
    Command("reset", "Reset", ("Ctrl+R",), "Put every dimension to its centre", "Reset"),
    Command(
        "brush", "Br&ush", ("E",), "Paint a part of the picture towards another one; Escape ends it", "", True
    ),
    Command("brush_smaller", "S&maller brush", ("[",), "Let the brush reach less far"),
    Command("brush_larger", "&Larger brush", ("]",), "Let the brush reach further"),
    Command(
        "star_place", "&Star this place", ("Ctrl+D",), "Keep this place in the history for good, or no more"
    ),
    Command("name_place", "&Name this place…", ("Ctrl+Shift+D",), "Give this place of the history a name"),
    Command("place_before", "Plac&e before", ("Alt+Left",), "Go back to the place before in the history"),
    Command("place_after", "Place a&fter", ("Alt+Right",), "Go on to the next place in the history"),
    Command(
        "encode_folder",
        "Encode the pictures of a fol&der…",
        (),
        "Measure by pictures of a folder how far the dimensions reach, and show them on the map",
    ),
    Command(
        "encode_file",
        "Encode the pictures of a &zip or array…",
        (),
        "Measure by pictures of a file how far the dimensions reach, and show them on the map",
    ),
    Command("set_a", "Current picture to &A", ("Ctrl+1",), "Make the current code the start of the strip"),
    Command("set_b", "Current picture to &B", ("Ctrl+2",), "Make the current code the end of the strip"),
    Command("play", "Pla&y the strip", ("P",), "Run along the strip on the canvas"),
    Command("forget_original", "Take the encoded picture a&way", (), "Show the decoded picture alone again"),
    Command(
        "thumbnails", "&Thumbnails under all rows", ("T",), "Show seven pictures under every row", "", True
    ),
    Command(
        "background", "Map &background", ("M",), "Show decoded pictures behind the map's points", "", True
    ),
    Command(
        "compare", "&Compare", ("W",), "Drag a divider between before and after; hold B for before alone"
    ),
    Command("epoch_before", "Pre&vious epoch", (",",), "Show the epoch before, at the same code"),
    Command("epoch_after", "Ne&xt epoch", (".",), "Show the next epoch, at the same code"),
    Command("play_epochs", "Pla&y the epochs", ("Shift+P",), "Run through the epochs at the same code"),
    Command("smooth", "Crisp or &smooth", ("I",), "Show pixels as squares, or interpolate between them"),
    Command("zoom_in", "Zoom &in", ("Ctrl++", "Ctrl+="), "Show the picture larger"),
    Command("zoom_out", "Zoom &out", ("Ctrl+-",), "Show the picture smaller"),
    Command("fit", "&Fit the picture", ("Ctrl+0",), "Show the whole picture"),
    Command("restore_layout", "Restore &layout", (), "Put every panel back to its place"),
    Command("next_panel", "&Next panel", ("F6",), "Give the keys to the next panel"),
    Command("previous_panel", "&Previous panel", ("Shift+F6",), "Give the keys to the panel before"),
    Command("messages", "&Messages", ("Ctrl+Shift+M",), "Show everything that was said so far"),
    Command("report", "Report a &problem…", (), "Make a report of a problem, with versions and the log"),
    Command("shortcuts", "&Keys", ("F1",), "Show every key"),
    Command("about", "&About Latent Explorer", (), "Version and licence"),
)

OTHER_KEYS = (
    ("Hold B", "Show the picture before: the original, or the one without stages"),
    ("Arrows", "On a slider: 0.1 spread; on the map: move the code"),
    ("Shift + arrows", "On a slider: 1 spread; on the map: move the code ten times as far"),
    ("Double click", "On a slider: its centre; on the map: all of it; on the picture: fit it"),
    ("Delete", "On a slider: its centre; on a stage or a place of the history: take it away"),
    ("L", "On a slider: lock it against Random"),
    ("F2", "On a slider: its name and note; on a place of the history: its name"),
    ("S", "On a place of the history: star it, or take the star away"),
    ("Home, End", "In the history: the first and the last place"),
    ("Ctrl+F", "Find a dimension"),
    ("Esc", "Stop loading; put the brush away"),
)


def keys_as_html() -> str:
    """Return every key and what it does, as the rows of a table."""
    keys = [(" or ".join(command.keys), command.tip) for command in COMMANDS if command.keys]
    rows = (
        f"<tr><td style='white-space: pre; padding-right: 16px'>{key}</td>"
        f"<td style='white-space: pre'>{tip}</td></tr>"
        for key, tip in (*keys, *OTHER_KEYS)
    )
    return f"<table cellspacing='2'>{''.join(rows)}</table>"


def make_actions(parent: QWidget) -> dict[str, QAction]:
    """Return a QAction for every command, by name, with `parent` as owner and listening window."""
    actions = {}
    for command in COMMANDS:
        action = QAction(command.text, parent)
        action.setObjectName(command.name)
        action.setIconText(command.short or command.text.replace("&", "").rstrip("…"))
        action.setShortcuts([QKeySequence(keys) for keys in command.keys])
        keys = f" ({command.keys[0]})" if command.keys else ""
        action.setToolTip(f"{command.tip}{keys}")
        action.setStatusTip(command.tip)
        action.setCheckable(command.checkable)
        parent.addAction(action)
        actions[command.name] = action
    return actions
