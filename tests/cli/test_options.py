"""Options that several commands share."""

import inspect
from dataclasses import dataclass
from typing import Annotated

import pytest
import typer
from typer.testing import CliRunner

from explorer.cli import options
from explorer.errors import UsageError


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
    from explorer.cli import codes, exports, inspection

    commands = [codes.decode, inspection.activity, exports.strip, exports.sheet, exports.manifold]
    for command in [*commands, exports.samples, exports.reconstructions]:
        names = set(inspect.signature(options.expanded(command)).parameters)
        assert {"space", "stage", "device", "precision", "labels", "hint", "head"} <= names, command
        assert {"psi", "psi_cutoff", "noise", "transform"} <= names, command
