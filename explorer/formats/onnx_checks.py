"""What of an ONNX file must not reach onnxruntime: weights outside of its folder, operators of strangers, loops.

Used in the child process.
"""

from __future__ import annotations

import math
from pathlib import Path, PurePosixPath, PureWindowsPath

from explorer.data.wording import shown
from explorer.errors import CheckpointError
from explorer.formats.onnx_graph import Graph, Stored

_OWN = ("", "ai.onnx", "ai.onnx.ml", "com.microsoft", "com.microsoft.nchwc")
_NEVER = {"Loop": "a loop", "Scan": "a loop", "EPContext": "compiled code of another device"}


def check(graph: Graph, path: Path) -> int:
    """Refuse what must not reach onnxruntime; return how many bytes lie in other files of the model's folder.

    Raises:
        CheckpointError: it uses operators of strangers or loops, or weights from outside of its folder.
    """
    strange = sorted(graph.domains - set(_OWN) - graph.functions)
    if strange:
        raise CheckpointError(
            f"{path} uses operators of {shown(strange[0])}, which are no part of ONNX and would need code of their "
            "own; export it with standard operators."
        )
    never = next((what for op, what in _NEVER.items() if op in graph.operators), None)
    if never:
        raise CheckpointError(f"{path} holds {never}, which is not run here; export it without.")
    return sum(_outside(path, graph).values())


def _outside(path: Path, graph: Graph) -> dict[Path, int]:
    """Return the files besides the model in which weights lie, with their sizes."""
    sizes: dict[Path, int] = {}
    for stored in graph.stored:
        if stored.external is not None:
            beside = _beside(path, stored.external.get("location", ""))
            sizes[beside] = beside.stat().st_size
            _check_part(path, stored, sizes[beside])
    return sizes


def _beside(path: Path, location: str) -> Path:
    """Return a file of the model's own folder.

    Raises:
        CheckpointError: it lies elsewhere, or is not there.
    """
    parts = {*PurePosixPath(location).parts, *PureWindowsPath(location).parts}
    is_rooted = PurePosixPath(location).is_absolute() or bool(PureWindowsPath(location).anchor)
    beside = path.parent / location
    is_inside = bool(location) and not is_rooted and ".." not in parts and "\0" not in location
    if is_inside and not beside.resolve().is_relative_to(path.parent.resolve()):
        raise CheckpointError(
            f"{path} keeps weights in {shown(location)}, which is a link that leads out of its folder, so they are not "
            "read; copy the files themselves into one folder."
        )
    if not is_inside:
        raise CheckpointError(
            f"{path} keeps weights in {shown(location)}, which is not in its own folder, so they are not read; put "
            "that file beside it and export it again."
        )
    if not beside.is_file():
        raise CheckpointError(
            f"{path} keeps weights in {shown(location)}, which is not beside it; copy that file there, too."
        )
    return beside


def _check_part(path: Path, stored: Stored, size: int) -> None:
    said = stored.external or {}
    try:
        offset, length = int(said.get("offset") or 0), int(said.get("length") or 0)
    except ValueError:
        offset = length = -1
    if (
        not 0 <= offset <= size
        or not 0 <= length <= size - offset
        or math.prod(stored.dims) > 2 * (size - offset)
    ):
        raise CheckpointError(
            f"{path} says that weights lie where its file {shown(said.get('location', ''))} has ended; copy or "
            "download both again."
        )
