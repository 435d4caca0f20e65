"""Options that several commands share."""

import inspect
from dataclasses import dataclass
from typing import Annotated

import pytest
import typer
from typer.testing import CliRunner

from explorer.cli import exports, options
from explorer.errors import UsageError
from explorer.export.recipe import Style

EXPORTS = (
    exports.picture,
    exports.strip,
    exports.sheet,
    exports.manifold,
    exports.samples,
    exports.reconstructions,
    exports.map_picture,
)


@dataclass(frozen=True)
class Size:
    """A group of two options."""

    width: Annotated[int, typer.Option(help="Across.")] = 3
    height: Annotated[int | None, typer.Option()] = None


def test_a_group_of_options_becomes_single_options_and_comes_back_as_a_group():
    seen = []

    def paint(name: Annotated[str, typer.Argument()], size: Size, twice: bool = False) -> None:
        """Paint it.

        Twice where asked
        for.
        """
        seen.append((name, size, twice))

    app = typer.Typer()
    options.add_command(app, paint, "paint it --width 3")
    app.callback()(lambda: None)
    assert CliRunner().invoke(app, ["paint", "x", "--width", "5", "--twice"]).exit_code == 0
    assert CliRunner().invoke(app, ["paint", "y"]).exit_code == 0
    assert seen == [("x", Size(5, None), True), ("y", Size(), False)]
    shown = CliRunner().invoke(app, ["paint", "--help"]).output
    assert "Twice where asked for." in shown
    assert "latent-explorer paint it --width 3" in shown


def test_words_with_an_equals_sign_are_pairs():
    assert options.pairs(["a=1", "b=x=y", "c="], "--set") == {"a": "1", "b": "x=y", "c": ""}
    assert options.pairs(None, "--set") == {}
    for word in ("a", "=1"):
        with pytest.raises(UsageError, match="--hint"):
            options.pairs([word], "--hint")


def test_every_decoding_command_takes_every_decoding_option():
    from explorer.cli import codes, inspection

    for command in (codes.decode, inspection.activity, *EXPORTS):
        names = set(inspect.signature(options.expanded(command)).parameters)
        assert {"space", "stage", "device", "precision", "labels", "hint", "head"} <= names, command
        assert {"psi", "psi_cutoff", "noise", "transform"} <= names, command


def test_every_export_takes_every_option_of_the_page():
    for command in EXPORTS:
        names = set(inspect.signature(options.expanded(command)).parameters)
        assert {"scale", "margin", "gap", "captions", "background"} <= names, command


def test_a_layout_is_a_recipes_style():
    assert options.Layout().style == Style()
    assert options.Layout(3, 1, 2, False, "#1C2230").style == Style(3, 1, 2, False, "#1c2230")
    for colour in ("red", "1c2230", "#1c223", "#1c22301"):
        with pytest.raises(UsageError, match="--background"):
            _ = options.Layout(background=colour).style
