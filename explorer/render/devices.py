"""Which devices there are, what they are called, and how many processor cores a decode may take.

The one place that asks torch about hardware; moving networks there is the renderer's work.
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
import importlib.util
import os
import platform
import sys
import threading
from pathlib import Path

from explorer.errors import DeviceError

_NAMES = {"cpu": "CPU", "cuda": "CUDA", "mps": "MPS"}
_WHERE = {
    "cuda": "no NVIDIA GPU that this build of torch can use was found",
    "mps": "this is no Mac with an Apple GPU",
}

NICE = 10  # of 19
_BELOW_NORMAL = -1  # THREAD_PRIORITY_BELOW_NORMAL of Windows


_GIVING_WAY = ("linux", "win32")


def lower_thread_priority() -> None:
    """Let the thread that calls give way to the window's: a decode that uses every core would make it stutter.

    On Linux the threads that it begins from now on inherit that, torch's own too; so call it before torch
    computes. On Windows it holds for the thread alone, elsewhere nothing happens.
    """
    with contextlib.suppress(OSError):
        if sys.platform == "linux":
            thread = threading.get_native_id()
            usual = os.getpriority(os.PRIO_PROCESS, thread)
            os.setpriority(os.PRIO_PROCESS, thread, usual + NICE)
        elif sys.platform == "win32":
            kernel = ctypes.windll.kernel32
            kernel.SetThreadPriority(kernel.GetCurrentThread(), _BELOW_NORMAL)


def preload_torch() -> None:
    """Map torch's largest library into memory before the import needs it, without holding Python's lock.

    `import torch` loads it under the lock and so stops every other thread, the window's too, for 0.15 s or
    more. Called through ctypes, `dlopen` lets them run. Where it does not work, the import does it all.
    """
    found = importlib.util.find_spec("torch")
    if "torch" in sys.modules or found is None or found.origin is None or not hasattr(os, "RTLD_NOW"):
        return
    suffix = ".dylib" if sys.platform == "darwin" else ".so"
    library = Path(found.origin).parent / "lib" / f"libtorch_cpu{suffix}"
    with contextlib.suppress(OSError, AttributeError):
        load = ctypes.CDLL(None).dlopen
        load.argtypes, load.restype = [ctypes.c_char_p, ctypes.c_int], ctypes.c_void_p
        load(os.fsencode(library), os.RTLD_NOW)


def available() -> tuple[str, ...]:
    """Return the devices of this machine, `cpu` always and first."""
    import torch

    found = ["cpu"]
    if torch.cuda.is_available():
        found.append("cuda")
    if torch.backends.mps.is_available():
        found.append("mps")
    return tuple(found)


def pick(name: str) -> str:
    """Return the device that `name` means here; `auto` is a GPU where there is one.

    Raises:
        DeviceError: there is no such device.
    """
    if name == "cpu":
        return name
    found = available()
    if name == "auto":
        return found[-1]
    if name not in _NAMES:
        raise DeviceError(f"There is no kind of device called {name}; choose auto, cpu, cuda or mps.")
    if name not in found:
        raise DeviceError(
            f"The device {name} is not available ({_WHERE[name]}); choose one of: auto, {', '.join(found)}."
        )
    return name


def describe(device: str, precision: str = "exact") -> str:
    """Return what the status bar says of a device, such as `CPU float32` or `CUDA float16 (NVIDIA H200)`."""
    import torch

    text = f"{_NAMES[device]} {number_type(device, precision)}"
    return f"{text} ({torch.cuda.get_device_name()})" if device == "cuda" else text


def number_type(device: str, precision: str) -> str:
    """Return the name of the torch type that convolutional networks compute in.

    `exact` is float32 everywhere. `fast` is half precision where the hardware has units for it: float16 on
    GPUs, bfloat16 on processors with AVX-512 BF16 or AMX; elsewhere half precision would be slower.
    """
    import torch

    if precision == "exact":
        return "float32"
    if device != "cpu":
        return "float16"
    has_units = getattr(torch.cpu, "_is_avx512_bf16_supported", None)
    return "bfloat16" if has_units is not None and has_units() else "float32"


@functools.cache
def decode_threads() -> int:
    """Return how many cores a decode may use: those that torch takes by itself, all but hyperthreads.

    Where the system knows no threads that give way (see `lower_thread_priority`), one is left to the window.
    """
    import torch

    cores = torch.get_num_threads()
    return cores if sys.platform in _GIVING_WAY else max(cores - 1, 1)


def describe_machine() -> str:
    """Return processor, cores, system and torch in one line, for whoever reads measured figures."""
    import torch

    cores = os.cpu_count() or 1
    return (
        f"{_processor()}, {cores} core{'s' if cores > 1 else ''}, {platform.system()} {platform.release()}, "
        f"Python {platform.python_version()}, torch {torch.__version__}, {describe(pick('auto'))}"
    )


def _processor() -> str:
    """Return the processor's name as the system tells it."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as lines:
            names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    except OSError:
        names = []
    return names[0] if names else platform.processor() or platform.machine()
