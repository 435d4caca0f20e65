"""Opening an ONNX file with onnxruntime, on the processor alone; shared by the child process and the program itself.

The optional package `onnxruntime` is imported here only: its official builds tell their maker of every session, unless
the environment says otherwise before it is imported.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from explorer.data.wording import one_line
from explorer.errors import CheckpointError

_QUIET = 4  # onnxruntime's own complaints: only what ends the process


def require(path: Path) -> Any:
    """Return the package.

    Raises:
        CheckpointError: it is not installed.
    """
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    try:
        import onnxruntime
    except ImportError as error:
        raise CheckpointError(
            f"{path} is an ONNX file, for which the package onnxruntime is needed; install it with pip install "
            "latent-explorer[onnx]."
        ) from error
    return onnxruntime


def start(path: Path, threads: int) -> Any:
    """Return a session that runs the file.

    Raises:
        CheckpointError: onnxruntime is not installed, or does not take the file.
        MemoryError: there is not enough.
    """
    onnxruntime = require(path)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = max(1, threads)
    options.inter_op_num_threads = 1
    options.log_severity_level = _QUIET
    options.use_deterministic_compute = True
    try:
        return onnxruntime.InferenceSession(str(path.absolute()), options, providers=["CPUExecutionProvider"])
    except Exception as error:
        raise refused(path, error) from error


def refused(path: Path, error: Exception) -> Exception:
    """Return the error for what onnxruntime says of a file."""
    said = one_line(str(error), 400)
    if (
        isinstance(error, MemoryError)
        or "bad_alloc" in said
        or "allocate memory" in said
        or "out of memory" in said
    ):
        return MemoryError(said)
    said = (
        said.replace(str(path.absolute()), path.name).replace("[ONNXRuntimeError] : ", "")[:160].rstrip(". ")
    )
    return CheckpointError(
        f"{path} cannot be run by onnxruntime ({said}); export it again with a newer version."
    )
