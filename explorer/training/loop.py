"""The loop every recipe runs: shuffle, step, anneal, write down, save, stop when asked.

It knows neither pictures nor networks; a recipe hands it `step`, which returns losses, and `save`, which
writes a whole checkpoint. Plain torch, one device.
"""

from __future__ import annotations

import csv
import math
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor, nn

from explorer.errors import DeviceError, UsageError
from explorer.paths import replacing

Step = Callable[[Tensor, float], dict[str, Tensor]]
"""`step(indices, epochs_done)`: losses of the pictures at `indices (B,)` by name; `loss` is to be lowered."""


@dataclass(frozen=True)
class LoopSettings:
    """What the loop itself needs of a recipe's settings."""

    epochs: int
    batch_size: int
    lr: float
    weight_decay: float
    save_every: int
    seed: int

    @classmethod
    def of(cls, settings: object) -> LoopSettings:
        """Pick the fields of these names from a recipe's settings."""
        return cls(**{name: getattr(settings, name) for name in cls.__dataclass_fields__})


@dataclass
class History:
    """What happened: one row of mean losses an epoch, seconds, and whether it ran to the end."""

    rows: list[dict[str, float]] = field(default_factory=list)
    seconds: float = 0.0
    finished: bool = False


def pick_device(name: str) -> torch.device:
    """Return the device called `auto`, `cpu`, `cuda` or `mps`.

    Raises:
        DeviceError: it is not there.
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    try:
        return torch.zeros(1, device=name).device
    except (RuntimeError, AssertionError) as error:
        raise DeviceError(f"There is no device {name} for training here; use --device cpu.") from error


def fit(
    step: Step,
    parameters: Iterable[nn.Parameter],
    indices: Tensor,
    settings: LoopSettings,
    *,
    losses_csv: Path,
    save: Callable[[int], None],
    on_progress: Callable[[float, str], None],
    should_stop: Callable[[], bool],
) -> History:
    """Lower `step`'s loss over `indices (N,)`, shuffled anew each epoch; an index may occur more than once.

    AdamW (Loshchilov & Hutter 2019, arXiv:1711.05101), the learning rate rising over the first 5 % and then
    following a cosine to zero (2017, arXiv:1608.03983), gradients clipped to norm 100. `save(epochs_done)`
    is called every `save_every` epochs and once more after the last batch, also when `should_stop()` or
    Ctrl-C ended it early.

    Raises:
        UsageError: the loss left the numbers; what `save` wrote before is untouched.
    """
    per_epoch = max(1, len(indices) // settings.batch_size)
    total = settings.epochs * per_epoch
    weights = list(parameters)
    optimizer = torch.optim.AdamW(weights, settings.lr, betas=(0.9, 0.99), weight_decay=settings.weight_decay)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda done: _warm_cosine(done, total))
    shuffler = torch.Generator().manual_seed(settings.seed)

    def epoch_losses(done: int) -> dict[str, float]:
        sums: dict[str, float] = {}
        order = indices[torch.randperm(len(indices), generator=shuffler)]
        for index, batch in enumerate(order.split(settings.batch_size)[:per_epoch]):
            if should_stop():
                raise _Stopped
            losses = step(batch, done + index / per_epoch)
            optimizer.zero_grad(set_to_none=True)
            losses["loss"].backward()
            nn.utils.clip_grad_norm_(weights, 100.0)
            optimizer.step()
            schedule.step()
            for name, value in losses.items():
                sums[name] = sums.get(name, 0.0) + float(value.detach())
        if not all(math.isfinite(value) for value in sums.values()):
            raise UsageError(f"The loss of epoch {done + 1} is no number any more; train with a lower lr.")
        return {name: value / per_epoch for name, value in sums.items()}

    history, started = History(), time.perf_counter()
    try:
        for done in range(settings.epochs):
            history.rows.append(epoch_losses(done))
            if (done + 1) % settings.save_every == 0 and done + 1 < settings.epochs:
                save(done + 1)
                _write_rows(losses_csv, history.rows)
            on_progress((done + 1) / settings.epochs, _told(done + 1, settings.epochs, history.rows[-1]))
        history.finished = True
    except (_Stopped, KeyboardInterrupt):
        on_progress(len(history.rows) / settings.epochs, f"stopped after epoch {len(history.rows)}")
    history.seconds = time.perf_counter() - started
    save(len(history.rows))
    _write_rows(losses_csv, history.rows)
    return history


class _Stopped(Exception):
    """Leaves two loops at once."""


def _warm_cosine(done: int, total: int) -> float:
    warm = max(1, total // 20)
    return (
        (done + 1) / warm
        if done < warm
        else 0.5 * (1 + math.cos(math.pi * (done - warm) / max(1, total - warm)))
    )


def _told(epoch: int, epochs: int, row: dict[str, float]) -> str:
    return f"epoch {epoch} of {epochs}: " + ", ".join(f"{name} {value:.4g}" for name, value in row.items())


def _write_rows(path: Path, rows: list[dict[str, float]]) -> None:
    with replacing(path) as temporary, temporary.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["epoch", *(rows[0] if rows else ())])
        writer.writerows([epoch, *row.values()] for epoch, row in enumerate(rows, 1))
