"""The loop every recipe runs: shuffle, step, write down, save, stop when asked, go on where it stopped.

It knows neither pictures nor networks; a `Lesson` has these. On one device a run that was stopped, or killed after a
checkpoint, and resumed gives the same bits as one that was not.
"""

from __future__ import annotations

import contextlib
import math
import signal
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from explorer.errors import Cancelled, TrainingError
from explorer.training.lesson import Batch, Lesson
from explorer.training.recipe import plain
from explorer.training.records import Records
from explorer.training.settings import LoopSettings

if TYPE_CHECKING:
    from lightning_fabric import Fabric


@dataclass
class Place:
    """How far a run is.

    Attributes:
        rows: mean losses of each whole epoch, with its `seconds`.
        step: batches done in the epoch after these.
        sums, counts: of the losses of that epoch.
        seconds: spent in all.
    """

    rows: list[dict[str, float]] = field(default_factory=list)
    step: int = 0
    sums: dict[str, float] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    seconds: float = 0.0

    @property
    def epochs(self) -> int:
        """Epochs that were run to their end."""
        return len(self.rows)

    def add(self, losses: dict[str, float]) -> None:
        """Count the losses of a step."""
        for name, value in losses.items():
            self.sums[name] = self.sums.get(name, 0.0) + value
            self.counts[name] = self.counts.get(name, 0) + 1
        self.step += 1

    def means(self) -> dict[str, float]:
        """Return the mean losses of the epoch so far."""
        return {name: value / self.counts[name] for name, value in self.sums.items()}


class Loop:
    """One run of a lesson.

    Args:
        lesson: made after the seed was set.
        settings: of the recipe.
        fabric: device, precision, processes.
        records: writes; None in the processes beside the first.
        on_progress: told a fraction in 0..1 and a text for people.
        on_epoch: told the same text once an epoch.
        should_stop: asked between batches.
    """

    def __init__(
        self,
        lesson: Lesson[Any],
        settings: LoopSettings,
        fabric: Fabric,
        records: Records | None,
        *,
        on_progress: Callable[[float, str], None],
        on_epoch: Callable[[str], None],
        should_stop: Callable[[], bool],
    ) -> None:
        self.lesson = lesson
        self.settings = settings
        self.fabric = fabric
        self.records = records
        self.place = Place()
        self._on_progress = on_progress
        self._on_epoch = on_epoch
        self._should_stop = should_stop
        self._indices = lesson.indices()
        self._per_epoch = max(1, len(self._indices) // settings.batch_size)
        self._total = settings.epochs * self._per_epoch
        self._order = torch.Generator().manual_seed(settings.seed)
        self._other_order = torch.Generator().manual_seed(settings.seed + 1)
        lesson.attach(fabric)

    # ---- running ----

    def run(self) -> bool:
        """Train to the last epoch; return false where it was stopped before, with everything saved.

        Raises:
            TrainingError: the loss left the numbers.
            Cancelled: stopped before the first batch.
            OutputError: a file could not be written.
        """
        for _ in range(self.place.epochs):
            self._shuffled()  # the orders that were used before
        try:
            with _interruptible(self._should_stop) as asked:
                while self.place.epochs < self.settings.epochs:
                    if not self._epoch(asked):
                        self._stopped()
                        return False
        except BaseException as error:
            if self.records is not None:
                self.records.ended_by(error)
            raise
        return True

    def _epoch(self, asked: Callable[[], bool]) -> bool:
        """Run one epoch, or what is left of it; false where it was to stop on the way."""
        place, size = self.place, self.settings.batch_size
        order, others = self._shuffled()
        begun = time.perf_counter()
        before = place.seconds
        self.lesson.train()
        while place.step < self._per_epoch:
            if self._agreed(asked()):
                return False
            here = slice(place.step * size, (place.step + 1) * size)
            place.add(self._step(order[here], None if others is None else others[here]))
            place.seconds = before + time.perf_counter() - begun
            self._tell()
        row = place.means() | self._looked(self.lesson.examined)
        place.rows.append(row | {"seconds": round(place.seconds, 1)})
        place.step, place.sums, place.counts = 0, {}, {}
        self._on_epoch(f"epoch {self.place.epochs} of {self.settings.epochs}: {_figures(row)}")
        self._ended()
        return True

    def _step(self, indices: Tensor, others: Tensor | None) -> dict[str, float]:
        done = self.place.epochs * self._per_epoch + self.place.step
        self.lesson.set_rate(self.lesson.rate(done, self._total))
        batch = Batch(
            indices=self._share(indices),
            pixels=self._pixels(self.lesson.pictures.images, self._share(indices)),
            others_pixels=None
            if others is None
            else self._pixels(self.lesson.others.images, self._share(others)),  # type: ignore[union-attr]
            number=done,
            done=self.done,
        )
        with self.fabric.autocast():
            losses = {name: float(value.detach()) for name, value in self.lesson.step(batch).items()}
        if self._agreed(not all(math.isfinite(value) for value in losses.values())):
            self._failed()
        return losses

    def _pixels(self, images: np.ndarray, indices: Tensor) -> Tensor:
        """Return pictures `(B, C, H, W)`, channels last in memory, on the device."""
        chosen = torch.from_numpy(np.ascontiguousarray(images[indices.numpy()]))
        return chosen.to(self.lesson.device).permute(0, 3, 1, 2)

    def _shuffled(self) -> tuple[Tensor, Tensor | None]:
        """Return the next epoch's order, and as many indices of the second collection."""
        order = self._indices[torch.randperm(len(self._indices), generator=self._order)]
        if self.lesson.others is None:
            return order, None
        count, needed = len(self.lesson.others.images), len(order)
        rounds = -(-needed // count)
        parts = [torch.randperm(count, generator=self._other_order) for _ in range(rounds)]
        return order, torch.cat(parts)[:needed]

    def _share(self, indices: Tensor) -> Tensor:
        """Return the part of a batch that is this process's."""
        return indices[self.fabric.global_rank :: self.fabric.world_size]

    def _agreed(self, stop: bool) -> bool:
        """Return whether any process has to stop."""
        if self.fabric.world_size == 1:
            return stop
        flag = torch.tensor(float(stop), device=self.lesson.device)
        return bool(self.fabric.all_reduce(flag, reduce_op="sum"))

    # ---- telling and saving ----

    def _tell(self) -> None:
        epochs, place = self.settings.epochs, self.place
        share = (place.epochs * self._per_epoch + place.step) / self._total
        self._on_progress(share, f"epoch {place.epochs + 1} of {epochs}: {_figures(place.means())}")

    def _ended(self) -> None:
        """Write down a whole epoch; save where one is due."""
        if self.records is None:
            return
        done = self.place.epochs
        self.records.metrics(self.place.rows, self._per_epoch)
        self.records.pictures(done, self._looked(self.lesson.shown))
        if done % self.settings.save_every == 0 or done == self.settings.epochs:
            self._save()
        self.records.told("running", done, self.place.seconds)

    def _save(self) -> None:
        assert self.records is not None
        done = self.done
        trained = {
            "recipe": self.records.recipe.name,
            "settings": plain(self.settings),
            "data": self.records.facts,
            "epochs": int(done) if done.is_integer() else round(done, 3),
            **self.lesson.said(),
        }
        self.records.checkpoint(self._looked(self.lesson.exported), math.ceil(done), trained)
        self.records.resume_point(self.state())

    def _stopped(self) -> None:
        """Keep what was reached in the middle of an epoch."""
        if not self.place.epochs and not self.place.step:
            raise Cancelled
        if self.records is not None:
            if self.place.step or self.place.epochs % self.settings.save_every:
                self._save()
            self.records.told("stopped", self.done, self.place.seconds)

    def _failed(self) -> None:
        saved = self.place.epochs // self.settings.save_every * self.settings.save_every
        if self.records is not None:
            self.records.told("failed", saved, self.place.seconds)
        kept = f"the checkpoint of epoch {saved} is kept" if saved else "nothing was saved yet"
        raise TrainingError(
            f"The loss of epoch {self.place.epochs + 1} is no number any more, so training stopped ({kept}); train "
            "with a lower lr."
        )

    @property
    def done(self) -> float:
        """Epochs done, with the share of the one that was begun."""
        return self.place.epochs + self.place.step / self._per_epoch

    def _looked(self, what: Callable[[], Any]) -> Any:
        """Return what a lesson says of itself, as if nothing had been asked."""
        self.lesson.train(False)
        devices = [self.lesson.device] if self.lesson.device.type == "cuda" else []
        try:
            with torch.random.fork_rng(devices), torch.no_grad():
                return what()
        finally:
            self.lesson.train()

    def figures(self) -> dict[str, Any]:
        """Return what the lesson measured of its result."""
        return self._looked(self.lesson.figures)

    # ---- going on ----

    def state(self) -> dict[str, Any]:
        """Return everything that the rest of the run depends on."""
        return {
            "place": vars(self.place) | {"rows": list(self.place.rows)},
            "networks": {name: it.state_dict() for name, it in self.lesson.networks.items()},
            "optimizers": {name: it.state_dict() for name, it in self.lesson.optimizers.items()},
            "precision": self.fabric.strategy.precision.state_dict(),
            "random": torch.get_rng_state(),
            "random_cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
            "lesson": self.lesson.state(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from what `state` returned."""
        self.place = Place(**state["place"])
        for name, network in self.lesson.networks.items():
            network.load_state_dict(state["networks"][name])
        for name, optimizer in self.lesson.optimizers.items():
            optimizer.load_state_dict(state["optimizers"][name])
        if state["precision"]:  # none where the run began with another one
            self.fabric.strategy.precision.load_state_dict(state["precision"])
        self.lesson.restore(state["lesson"])
        torch.set_rng_state(state["random"])
        if state["random_cuda"] and torch.cuda.is_available():
            torch.cuda.set_rng_state_all(state["random_cuda"])


@contextlib.contextmanager
def _interruptible(should_stop: Callable[[], bool]) -> Iterator[Callable[[], bool]]:
    """Yield `should_stop`, true also after Ctrl-C, so that no batch is cut in two; a second Ctrl-C ends at once."""
    pressed = threading.Event()

    def asked() -> bool:
        try:
            return should_stop() or pressed.is_set()
        except KeyboardInterrupt:
            return True

    if threading.current_thread() is not threading.main_thread():
        yield asked
        return
    before = signal.getsignal(signal.SIGINT)

    def press(number: int, frame: Any) -> None:
        pressed.set()
        signal.signal(signal.SIGINT, before)

    signal.signal(signal.SIGINT, press)
    try:
        yield asked
    finally:
        signal.signal(signal.SIGINT, before)


def _figures(row: dict[str, float]) -> str:
    return ", ".join(f"{name} {value:.4g}" for name, value in row.items() if name != "seconds")
