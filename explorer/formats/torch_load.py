"""Tensors out of a torch file, with `weights_only=True`: what the child process runs; no model is made here.

Both containers of `torch.save`: the zip (since 1.6) and the older stream. Everything wrong with a file ends
in a `CheckpointError`; nothing in it is run.
"""

from __future__ import annotations

import pickle
import re
import warnings
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from explorer.data.wording import shown
from explorer.errors import CheckpointError

_AVERAGED = ("g_ema", "G_ema", "ema", "generator_ema")
_RAW = ("state_dict", "model_state_dict", "model", "netG", "generator", "g", "decoder", "vae", "net")
WRAPPERS = (*_AVERAGED, *_RAW, "params_ema", "params")
"""Under which keys training scripts keep the weights; the first found is taken, averaged ones before raw."""

_SAFE_AGAIN = "save it again as torch.save(model.state_dict(), path)"


@dataclass(frozen=True, eq=False)
class Loaded:
    """What a file holds: tensors by key, paths of all submodules where the file lists them, notes."""

    tensors: dict[str, Tensor]
    modules: tuple[str, ...]
    notes: tuple[str, ...]


def load(path: Path) -> Loaded:
    """Return the state dict in a torch file, contiguous and on the CPU.

    Raises:
        CheckpointError: the file is damaged, holds more than weights, or no state dict.
    """
    size = path.stat().st_size
    _check_container(path, size)
    content = _load(path)
    found, wrapper = _state_dict(content)
    if found is None:
        raise CheckpointError(f"{path} holds {_describe(content)}, but no state dict; {_SAFE_AGAIN}.")
    tensors = {
        key: value for key, value in found.items() if isinstance(key, str) and isinstance(value, Tensor)
    }
    _check_tensors(path, tensors, size)
    modules = getattr(found, "_metadata", None)
    notes = [f"The weights were taken from the entry {shown(wrapper)}."] if wrapper else []
    return Loaded(
        tensors={key: tensor.detach().contiguous() for key, tensor in tensors.items()},
        modules=tuple(key for key in modules if isinstance(key, str)) if isinstance(modules, Mapping) else (),
        notes=tuple(notes),
    )


def unwrapped(content: Any) -> tuple[dict[str, Tensor], tuple[str, ...]]:
    """Return the state dict in a file's content, and the paths of submodules that it lists.

    Raises:
        CheckpointError: there is none.
    """
    found, _ = _state_dict(content)
    if found is None:
        raise CheckpointError(f"The file holds {_describe(content)}, but no state dict; {_SAFE_AGAIN}.")
    tensors = {
        key: value for key, value in found.items() if isinstance(key, str) and isinstance(value, Tensor)
    }
    modules = getattr(found, "attributes", {}).get("_metadata") or {}
    return tensors, tuple(key for key in modules if isinstance(key, str))


def _check_container(path: Path, size: int) -> None:
    """Refuse a zip that is cut off, or packed: torch only ever stores, so nothing may grow by unpacking."""
    with path.open("rb") as file:
        if file.read(2) != b"PK":
            return
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, EOFError) as error:
        raise _damaged(path) from error
    if any(entry.compress_type != zipfile.ZIP_STORED for entry in entries) or (
        sum(entry.file_size for entry in entries) > size
    ):
        raise CheckpointError(
            f"{path} holds packed parts that would unpack to more than the file, which torch.save never "
            "writes; it was not opened."
        )


def _load(path: Path) -> Any:
    """Call torch's own restricted loader; its many kinds of errors become one."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about old storages and copies: nothing a person can act on
            return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise CheckpointError(_refused(path, str(error))) from error
    except MemoryError as error:
        raise CheckpointError(_too_large(path)) from error
    except Exception as error:  # a parser of hostile bytes fails in any way it likes
        if "allocate memory" in str(error) or "not enough memory" in str(error):
            raise CheckpointError(_too_large(path)) from error
        raise _damaged(path) from error


def _refused(path: Path, text: str) -> str:
    """Say why the restricted loader stopped."""
    culprit = re.search(r"GLOBAL ([\w.]+)", text) or re.search(
        r"(?:class|global|function) ([\w.]+\.[\w.]+)", text
    )
    if culprit:
        return (
            f"{path} holds more than weights: it asks for {culprit[1]}, which could run code, so it was not "
            f"opened; {_SAFE_AGAIN}."
        )
    if "Unsupported operand" in text:
        return f"{path} was pickled in a way that torch's safe loader does not take; {_SAFE_AGAIN}."
    return str(_damaged(path))


def _state_dict(content: Any, depth: int = 0) -> tuple[Mapping[Any, Any] | None, str]:
    """Return the mapping that holds tensors, and the entry it was found under ("" at the top)."""
    if not isinstance(content, Mapping) or depth > 3:
        return None, ""
    here = sum(isinstance(value, Tensor) for key, value in content.items() if isinstance(key, str))
    known = [key for key in WRAPPERS if key in content]
    others = [
        key for key in content if isinstance(key, str) and key not in known and "optim" not in key.lower()
    ]
    for key in (*known, *others):
        found, inner = _state_dict(content[key], depth + 1)
        if found is not None and len(found) > here:  # a count or a loss beside it may be a tensor, too
            return found, f"{key}.{inner}" if inner else key
    return (content, "") if here else (None, "")


def _check_tensors(path: Path, tensors: Mapping[str, Tensor], size: int) -> None:
    """Refuse tensors that are no plain array of numbers or larger than the file that holds them."""
    for key, tensor in tensors.items():
        if tensor.layout != torch.strided or tensor.is_quantized or tensor.device.type != "cpu":
            raise CheckpointError(
                f"The tensor {shown(key)} in {path} is no plain array of numbers; {_SAFE_AGAIN}."
            )
        if tensor.numel() * tensor.element_size() > size:
            shape = "x".join(map(str, tensor.shape))
            raise CheckpointError(
                f"The tensor {shown(key)} in {path} says it is {shape}, which is more than the whole file "
                f"holds; {_SAFE_AGAIN}."
            )
    if sum(tensor.numel() * tensor.element_size() for tensor in tensors.values()) > 2 * size:
        raise CheckpointError(
            f"The tensors in {path} are larger than the file that holds them; {_SAFE_AGAIN}."
        )


def _describe(content: Any) -> str:
    if isinstance(content, Mapping):
        some = ", ".join(shown(key, 30) for key in list(content)[:4])
        return f"a dict with the entries {some}" if some else "an empty dict"
    if isinstance(content, Tensor):
        return f"a single tensor of {'x'.join(map(str, content.shape)) or 'one value'}"
    return f"a {type(content).__name__}"


def _damaged(path: Path) -> CheckpointError:
    return CheckpointError(
        f"{path} is cut off or damaged, so torch cannot read it; copy or download it again."
    )


def _too_large(path: Path) -> str:
    return (
        f"{path} asks for far more memory than a file of its size needs, so it was not opened; {_SAFE_AGAIN}."
    )
