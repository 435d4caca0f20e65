"""The door to the window, and what happens where there is no display."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from explorer import paths
from explorer.cli.options import Device, Precision
from explorer.cli.replay import SESSION
from explorer.errors import CheckpointError, DeviceError

DEFAULT_MODEL = "anime-faces"
_X_PORT = 6000
_WITHOUT_SCREEN = ("offscreen", "minimal", "vnc", "linuxfb", "eglfs")


def open_window(
    context: typer.Context,
    file: Annotated[
        str | None,
        typer.Argument(
            metavar="FILE", help="A checkpoint, a saved session, an exported picture, or a bundled name."
        ),
    ] = None,
    stage: Annotated[
        list[str] | None,
        typer.Option(metavar="FILE", help="An image-to-image network to start with; repeatable."),
    ] = None,
    device: Annotated[Device, typer.Option(help="Where the network runs.")] = Device.auto,
    precision: Annotated[Precision, typer.Option(help="exact, or fast.")] = Precision.exact,
) -> None:
    """Open the window on FILE, or on the bundled face model."""
    _check_there(context, file)
    stages = tuple(stage or ())
    if not has_display():
        if file is not None and file.lower().endswith(SESSION):
            raise DeviceError(
                f"{file} is a saved session, which needs a window, and no display was found; "
                f"its picture is made by: latent-explorer replay {file}"
            )
        from explorer.cli.tour import give_tour

        give_tour(file or DEFAULT_MODEL, stages, device, precision)
        return
    try:
        from explorer.gui.app import run
    except ImportError as error:
        if "PySide6" in str(error.name) or ".so" in str(error):
            raise DeviceError(
                f"The window's system libraries are missing ({error}); "
                "run `make setup`, or use the commands, which need none (latent-explorer --help)."
            ) from error
        raise
    raise typer.Exit(run(file, stages, device.value, precision.value))


def _check_there(context: typer.Context, file: str | None) -> None:
    """Raise `CheckpointError` before any window where FILE is neither a file nor a bundled model."""
    if file is None or Path(file).exists() or file in paths.bundled():
        return
    import difflib

    commands = [name for name in context.parent.command.commands if name != "open"] if context.parent else []  # type: ignore[attr-defined]
    near = difflib.get_close_matches(file, [*commands, *paths.bundled()], n=1)
    advice = f"did you mean {near[0]}" if near else "give the path of a checkpoint, or see --help"
    raise CheckpointError(f"{file} is no file, bundled model or command; {advice}{'?' if near else '.'}")


def has_display(environment: Mapping[str, str] = os.environ) -> bool:
    """Return whether a window can be shown: on Linux, whether an X or Wayland server answers."""
    if environment.get("QT_QPA_PLATFORM", "").split(":")[0] in _WITHOUT_SCREEN:
        return True
    if sys.platform in ("win32", "darwin"):
        return True
    return _wayland_answers(environment) or _x_answers(environment.get("DISPLAY", ""))


def _wayland_answers(environment: Mapping[str, str]) -> bool:
    name, folder = environment.get("WAYLAND_DISPLAY", ""), environment.get("XDG_RUNTIME_DIR", "")
    return bool(name) and _answers(socket.AF_UNIX, os.path.join(folder, name))


def _x_answers(display: str) -> bool:
    """Try `host:number.screen`; without a host, or with `unix`, the server listens on a local socket."""
    host, _, rest = display.rpartition(":")
    number = rest.partition(".")[0]
    if not number.isdigit():
        return False
    if host.startswith("/"):  # macOS's launchd
        return True
    if host in ("", "unix"):
        local = f"/tmp/.X11-unix/X{number}"
        return _answers(socket.AF_UNIX, local) or _answers(socket.AF_UNIX, f"\0{local}")
    return _answers(socket.AF_INET, (host.strip("[]"), _X_PORT + int(number)))


def _answers(family: int, address: str | tuple[str, int]) -> bool:
    try:
        if family == socket.AF_INET:
            socket.create_connection(address, timeout=2).close()  # type: ignore[arg-type]
        else:
            with socket.socket(family, socket.SOCK_STREAM) as connection:
                connection.settimeout(2)
                connection.connect(address)
    except (OSError, ValueError):
        return False
    return True
