"""What a network may do wrong while it runs, and the sentence that says which network did it.

A network from a checkpoint is somebody else's: it may raise, give pictures of another shape, whole numbers, or
nothing at all. Values that are no numbers are pictures, too, and belong to `pixels.py`.
"""

from __future__ import annotations

import threading
from types import TracebackType

from torch import Tensor

from explorer.errors import ExplorerError, NetworkError, ran_out_of_memory
from explorer.models.base import ImageSpec
from explorer.render.requests import Overtaken

_LONGEST = 200  # characters of an exception's own text
_RAISED = "try another code, or open the checkpoint again or another one"
_MISFIT = "it may be of another architecture than it was read as: give a hint, or open another checkpoint"


class Blamed:
    """A context in which whatever goes wrong is the doing of `who`: `the decoder of NAME`.

    An `ExplorerError`, memory that ran out, being overtaken, and Ctrl-C pass as they are. All else, also what is no
    `Exception`, becomes a `NetworkError` with that as its cause.
    """

    __slots__ = ("_who",)

    def __init__(self, who: str) -> None:
        self._who = who

    def __enter__(self) -> None:
        """Begin."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Turn the error into a sentence."""
        if (
            error is None
            or isinstance(error, ExplorerError | Overtaken)
            or ran_out_of_memory(error)
            or _is_ctrl_c(error)
        ):
            return
        raise NetworkError(f"{_begin(self._who)} failed: {_told(error)}; {_RAISED}.") from error


def checked_pictures(who: str, given: object, count: int, wanted: ImageSpec) -> Tensor:
    """Return pictures as a network gave them, if they are `count` float ones of the shape `wanted`.

    Raises:
        NetworkError: they are not; the text says what came instead.
    """
    tensor = _floats(who, given, "pictures")
    shape = tuple(tensor.shape)
    if len(shape) == 4 and shape[0] == count and wanted.accepts(ImageSpec(*shape[1:])):
        return tensor
    if len(shape) == 4 and shape[0] == count:
        misfit = f"pictures of {ImageSpec(*shape[1:])} where {wanted} belong"
    else:
        sides = ("any" if side is None else side for side in (wanted.channels, wanted.height, wanted.width))
        misfit = f"an array of {_product(shape)} where {_product((count, *sides))} belongs"
    raise NetworkError(f"{_begin(who)} gave {misfit}; {_MISFIT}.")


def checked_codes(who: str, given: object, count: int, dim: int) -> Tensor:
    """Return codes as an encoder gave them, flat, `(count, dim)` float32.

    Raises:
        NetworkError: they are of another shape, or none at all.
    """
    tensor = _floats(who, given, "codes")
    if tensor.ndim < 2 or len(tensor) != count or tensor[:1].numel() != dim:
        raise NetworkError(
            f"{_begin(who)} gave an array of {_product(tuple(tensor.shape))} where {count} x {dim} belongs; {_MISFIT}."
        )
    return tensor.float().flatten(1)


def _floats(who: str, given: object, what: str) -> Tensor:
    if not isinstance(given, Tensor):
        came = "nothing" if given is None else f"a {type(given).__name__}"
        raise NetworkError(f"{_begin(who)} gave {came} where {what} belong; {_MISFIT}.")
    if not given.is_floating_point():
        kind = str(given.dtype).removeprefix("torch.")
        raise NetworkError(f"{_begin(who)} gave {kind} numbers where float32 belong; {_MISFIT}.")
    return given


def _told(error: BaseException) -> str:
    """Return an exception's kind and the first line of its text."""
    lines = str(error).strip().splitlines()
    text = lines[0].strip().rstrip(".;:") if lines else ""
    if len(text) > _LONGEST:
        text = text[:_LONGEST].rstrip() + "…"
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _is_ctrl_c(error: BaseException) -> bool:
    """Return whether a person stopped the program; that reaches the main thread alone."""
    return isinstance(error, KeyboardInterrupt) and threading.current_thread() is threading.main_thread()


def _begin(who: str) -> str:
    return who[0].upper() + who[1:]


def _product(sides: tuple[object, ...]) -> str:
    return " x ".join(map(str, sides)) or "one number"
