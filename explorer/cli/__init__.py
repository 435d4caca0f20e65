"""The command line: all commands, the door to the window, and where errors become exit statuses.

Exit status: 0 done; 2 a wrong call; 3 a checkpoint, picture, code or output file that cannot be used, with
one sentence on standard error; 130 stopped by Ctrl-C; 1 with a traceback is a bug. Results go to standard
output, messages to standard error. Nothing heavy is imported before a command needs it: the window must be
visible within a second.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Sequence
from typing import Annotated, Any, NoReturn

import typer
from typer.core import TyperGroup

from explorer import __version__
from explorer.cli import codes, development, exports, inspection, window
from explorer.cli.options import add_command, unwrapped
from explorer.errors import Cancelled, ExplorerError, UsageError

_OWN_OPTIONS = ("--help", "--version")


class _CommandOrFile(TyperGroup):
    """A group in which a first word that is no command is a file to open in the window."""

    def parse_args(self, ctx: typer.Context, args: list[str]) -> list[str]:  # type: ignore[override]
        """Put the hidden command `open` in front where no command was named."""
        if not args or args[0] not in (*self.commands, *_OWN_OPTIONS):
            args = ["open", *args]
        return super().parse_args(ctx, args)


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
add_command(app, codes.encode, "encode vaeg.pth faces.zip --out vaeg.codes.npz")
add_command(app, codes.apply, "apply anime-colorizer grey-faces/ --out coloured.npy")
app.add_typer(exports.app, name="export")
add_command(app, development.train, "train fc-vae --data faces.zip --out runs/faces --set epochs=200")
add_command(app, development.bench, "bench --only decode/anime-faces --json")


def main(args: Sequence[str] | None = None) -> NoReturn:
    """Run the program with `args` (default: those of the process) and leave by `SystemExit`."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            # A terminal that cannot show a letter gets its number; in JSON that means the same.
            stream.reconfigure(errors="backslashreplace")
    status = _status_of(list(sys.argv[1:] if args is None else args))
    sys.exit(_flushed(status))


def _status_of(args: list[str]) -> Any:
    """Run and return the exit status; a bug passes through with its traceback."""
    try:
        app(args, prog_name="latent-explorer")
    except SystemExit as leaving:
        return leaving.code
    except ExplorerError as error:
        print(error, file=sys.stderr)
        return 2 if isinstance(error, UsageError) else 3
    except (KeyboardInterrupt, Cancelled):
        return 130
    except BrokenPipeError:
        return 1
    return 0


def _flushed(status: Any) -> Any:
    """Write what is left in the buffer of standard output; return `status`, or 3 where there is no room."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        _drop_output()
        return status or 1
    except OSError as error:
        _drop_output()
        if status == 0:
            reason = (error.strerror or str(error)).lower()
            print(
                f"Standard output cannot be written ({reason}); send it to a place with room.",
                file=sys.stderr,
            )
        return status or 3
    return status


def _drop_output() -> None:
    """Let the interpreter end without another complaint about standard output."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
