"""What torch and pickle write (`.pt`, `.pth`, `.ckpt`, `.pkl`): state dicts, whole modules, TorchScript, exports.

All are read in a child process; see `isolated`. Recognised by first bytes only: extensions lie.
"""

from __future__ import annotations

from pathlib import Path

from explorer.errors import CheckpointError
from explorer.formats import isolated, zip_members
from explorer.formats.reader import Reader, Reading
from explorer.models.base import LatentModel, StageModel

STREAM_MAGIC = bytes.fromhex("80028a0a6cfc9c46f9206aa85019")
"""How the container before torch 1.6 begins: a pickle of one number."""

_TAR_MEMBERS = ("sys_info", "pickle", "tensors", "storages")  # of a tar as torch wrote it in 2016


def matches(head: bytes, path: Path) -> bool:
    """Tell whether a file is one of these."""
    if head.startswith(b"PK\x03\x04"):
        return _is_torch_zip(head, path)
    if head[257:262] == b"ustar":
        return head[:100].rstrip(b"\0").decode("latin-1").removeprefix("./") in _TAR_MEMBERS
    return head.startswith(STREAM_MAGIC) or _is_pickle(head)


def _is_pickle(head: bytes) -> bool:
    """Protocol 2 to 5, with anything behind: a shorter one is a file that was cut off."""
    return len(head) > 63 and head[0] == 0x80 and head[1] in range(2, 6)


def _is_torch_zip(head: bytes, path: Path) -> bool:
    """`X/data.pkl`, or an export's `X/archive_format`; of a zip that is cut off, the first member's name must do."""
    length = int.from_bytes(head[26:28], "little")
    names = zip_members.names(path) or (head[30 : 30 + length].decode("utf-8", "replace"),)
    members = {name.partition("/")[2] for name in names}
    return "data.pkl" in members or "archive_format" in members


def load(reading: Reading, path: Path | None = None) -> isolated.Handed:
    """Read a file in a child process.

    Args:
        reading: whom to tell.
        path: the file; the one of `reading` if None.
    """
    path = path or reading.path
    reading.on_progress(0.02, f"Starting a separate process to read {path.name}")
    with isolated.start(path) as child:
        import torch  # noqa: F401 (while the child does its work)

        return child.result(reading.on_progress, reading.should_stop)


def build(handed: isolated.Handed, reading: Reading) -> LatentModel | StageModel:
    """Return the model of what was read."""
    from explorer.formats import nvidia, nvidia_tf, nvidia_weights, recognition, rosinality, state_dict

    reading.on_progress(0.8, f"Building the network of {reading.name}")
    if handed.kind in ("script", "export"):
        return _build_graph(handed, reading)
    model = nvidia.build(handed.content, reading, handed.notes)
    if model is not None:
        return model
    if nvidia_tf.holds(handed.content):
        return nvidia_tf.build(handed.content, reading, handed.notes)
    found = state_dict.weights_of(handed.content, reading)
    model = nvidia_weights.build(found, reading, handed.notes)
    if model is not None:
        return model
    if (held := rosinality.find(found.tensors)) is not None:
        return rosinality.build(found, held, handed.content, reading, tuple(handed.notes))
    return recognition.recognise(found, reading, format_name="torch", notes=handed.notes)


def _build_graph(handed: isolated.Handed, reading: Reading) -> LatentModel | StageModel:
    """Return the model of a file that carries code: it is read, not run."""
    from explorer.formats import chained, described, exported, recognition, script, state_dict
    from explorer.formats.chains import NotAChain

    notes = [*handed.notes, "The file carries code, which was read and not run."]
    source = script if handed.kind == "script" else exported
    try:
        if described.asks_for_layers(reading.hints):
            raise NotAChain("hints say otherwise")
        layers, weights = source.chain(handed.content)
        return chained.model_of(layers, weights, reading, notes=notes)
    except NotAChain:
        tensors, modules = source.unfold(handed.content)
    if not tensors:
        raise CheckpointError(
            f"{reading.path} carries code that would have to be run to know its network, which is never done; save "
            "it again as torch.save(model.state_dict(), path)."
        )
    found = state_dict.cleaned(state_dict.Weights(tensors, tuple(modules)), reading)
    return recognition.recognise(found, reading, format_name="torch", notes=notes)


READER = Reader("torch or pickle (.pt, .pth, .ckpt, .pkl)", matches, load, build)
