"""The command line: `main` runs it, and turns errors into exit statuses; the commands are in `commands`.

Exit status: 0 done; 2 a wrong call; 3 a checkpoint, picture, code or output file that cannot be used, with
one sentence on standard error; 130 stopped by Ctrl-C; 1 with a traceback is a bug. Results go to standard
output, messages to standard error. Nothing heavy is imported before a command needs it: the window must be
visible within a second.
"""

from __future__ import annotations

import contextlib
import errno
import os
import sys
from collections.abc import Sequence
from typing import Any, NoReturn, TextIO

_OUTPUT = (errno.EPIPE, errno.ENOSPC, errno.EFBIG, errno.EDQUOT, errno.EIO)
"""What writing to standard output can fail with."""


def main(args: Sequence[str] | None = None) -> NoReturn:
    """Run the program with `args` (default: those of the process) and leave by `SystemExit`."""
    sys.stdout, sys.stderr = _usable(sys.stdout), _usable(sys.stderr)
    status = _status_of(list(sys.argv[1:] if args is None else args))
    sys.exit(_flushed(status))


def _usable(stream: TextIO | None) -> TextIO:
    """Return a stream that can be printed to: nowhere where the caller closed it."""
    if stream is None:
        return open(os.devnull, "w", encoding="utf-8")
    if hasattr(stream, "reconfigure"):
        # A terminal that cannot show a letter gets its number; in JSON that means the same.
        stream.reconfigure(errors="backslashreplace")
    return stream


def _status_of(args: list[str]) -> Any:
    """Run and return the exit status; a bug passes through with its traceback."""
    try:
        from explorer.cli.commands import app
        from explorer.errors import Cancelled, ExplorerError, UsageError
    except KeyboardInterrupt:
        return 130
    try:
        app(args, prog_name="latent-explorer")
    except SystemExit as leaving:
        return leaving.code
    except ExplorerError as error:
        print(error, file=sys.stderr)
        return 2 if isinstance(error, UsageError) else 3
    except (KeyboardInterrupt, Cancelled):
        return 130
    except OSError as error:
        return _output_failed(error)
    return 0


def _flushed(status: Any) -> Any:
    """Write what is left in the buffer of standard output; return `status`, or what a failure makes of it."""
    try:
        sys.stdout.flush()
    except OSError as error:
        return status or _output_failed(error)
    return status


def _output_failed(error: OSError) -> int:
    """Return the exit status where standard output could not be written; anything else is a bug.

    Files never come here, they raise `OutputError`. A reader that went away is no reason to complain.
    """
    if error.filename is not None or error.errno not in _OUTPUT:
        raise error
    _drop_output()
    if isinstance(error, BrokenPipeError):
        return 1
    reason = (error.strerror or str(error)).lower()
    print(f"Standard output cannot be written ({reason}); send it to a place with room.", file=sys.stderr)
    return 3


def _drop_output() -> None:
    """Let the interpreter end without another complaint about standard output."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
