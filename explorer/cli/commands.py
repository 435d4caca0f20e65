"""All commands, and the group in which a first word that is no command is a file to open."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from explorer import __version__
from explorer.cli import codes, converting, development, exports, faces, inspection, replay, window
from explorer.cli.options import add_command, unwrapped
from explorer.errors import UsageError

_OWN_OPTIONS = ("--help", "--version")


class _CommandOrFile(TyperGroup):
    """A group in which a first word that is no command is a file to open in the window."""

    def parse_args(self, ctx: typer.Context, args: list[str]) -> list[str]:  # type: ignore[override]
        """Put the hidden command `open` in front where no command was named.

        Raises:
            UsageError: a word is empty; as a path it would be the current folder.
        """
        if "" in args:
            raise UsageError("One of the names or values given is empty; write it, or leave it out.")
        if not args or args[0] not in (*self.commands, *_OWN_OPTIONS):
            args = ["open", *args]
        return super().parse_args(ctx, args)

    def resolve_command(self, ctx: typer.Context, args: list[str]) -> tuple[Any, Any, list[str]]:  # type: ignore[override]
        """Leave the hidden command's name out of what is said about a wrong call."""
        name, command, rest = super().resolve_command(ctx, args)
        return "" if name == "open" else name, command, rest


app = typer.Typer(
    name="latent-explorer",
    cls=_CommandOrFile,
    add_completion=False,
    pretty_exceptions_enable=False,
    subcommand_metavar="[FILE] | COMMAND [ARGS]...",
    epilog="A file that is named like a command is opened as ./info. More: latent-explorer COMMAND --help",
)


def _show_version(wanted: bool) -> None:
    if wanted:
        print(f"latent-explorer {__version__}")
        raise typer.Exit


def _describe(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and leave."),
    ] = False,
) -> None:
    """Look inside trained image generators.

    With FILE (a checkpoint, or the name of a bundled model such as anime-faces) or with nothing at all,
    the window opens. Where there is no display, six pictures are rendered into out/tour/ instead. The
    commands work without one.
    """


app.callback(help=unwrapped(_describe.__doc__))(_describe)
add_command(app, window.open_window, "anime-faces --stage anime-colorizer", name="open", hidden=True)
add_command(app, inspection.info, "info vaeg.pth")
add_command(app, inspection.activity, "activity vaeg.pth --codes faces.npz")
add_command(app, codes.decode, "decode vaeg.pth --latents z.npy --out images.npy")
add_command(app, converting.convert, "convert network.pkl --latents z.npy --to w --out w.npy")
add_command(app, codes.encode, "encode vaeg.pth faces.zip --out vaeg.codes.npz")
add_command(app, codes.apply, "apply anime-colorizer grey-faces/ --out coloured.npy")
app.add_typer(exports.app, name="export")
add_command(app, replay.replay, "replay strip.png")
add_command(app, development.train, "train fc-vae --data faces.zip --out runs/faces --set epochs=200")
app.add_typer(faces.app, name="prepare")
add_command(app, faces.swap, "swap holiday.mp4 --model twins.safetensors --out swapped.mp4")
add_command(app, development.bench, "bench --only decode/anime-faces --json")
