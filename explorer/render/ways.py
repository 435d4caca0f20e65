"""How a network is run: which copy of it, in what numbers, how many pictures at once.

`exact` is float32, and a picture has the same bits alone and among others: where a network gives other bits in a batch,
found out by trying each size once, it runs picture by picture. `fast` is whatever a short measurement finds to be
quicker while its pictures stay the same to the eye.
"""

from __future__ import annotations

import contextlib
import logging
import math
import time
from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor, nn

from explorer.errors import ran_out_of_memory
from explorer.render import lowering
from explorer.render.chains import Chain
from explorer.render.requests import Overtaken

log = logging.getLogger(__name__)

LEAST_PSNR = 40.0
"""dB between fast and exact pictures in 0..1; worse ones are not shown."""

GAIN = 1.05
"""By how much fast must be quicker to be worth it."""

_SECONDS = 0.2  # that measuring a quick network may take
_TRIES = 10
_MANY = 64  # different values, of which equal bits mean something
_MOST_TWICE = 1 << 30  # bytes of weights of which there may be two copies

Draw = Callable[["Way"], Tensor]


@dataclass(eq=False)
class Way:
    """One way to run the network of a model or a stage.

    Attributes:
        network: a copy made for it; None for the network itself.
        context: in which it is called.
        number_type: what its maps are, `float32`.
        is_exact: whether pictures must have the same bits in any batch.
        chain: the dense layers from code to picture without torch, where there is nothing else.
        note: why it is not what was asked for; empty where it is.
        same: whether a batch of so many of a kind has the bits of each alone, as far as it was tried. Networks of one
            `build` share it, as the epochs of a run are.
    """

    network: nn.Module | None = None
    context: Callable[[], AbstractContextManager[Any]] = contextlib.nullcontext
    number_type: str = "float32"
    is_exact: bool = True
    chain: Chain | None = None
    note: str = ""
    same: dict[tuple[str, int], bool] = field(default_factory=dict)

    def of(self, model: Any) -> Any:
        """Return a model that runs this way, of the one that was opened."""
        return model if self.network is None else model.with_network(self.network)

    def together(
        self, kind: str, count: int, run: Callable[[slice], tuple[Tensor, ...]]
    ) -> tuple[Tensor, ...]:
        """Return what `run` gives for `count` of something: at once where that changes no bits, or where it may.

        Args:
            kind: what is run, `decode` or the like.
            count: how many there are.
            run: from the part of them that is to be computed to tensors `(n, ...)`.
        """
        whole, known = slice(0, count), self.same.get((kind, count))
        if count == 1 or not self.is_exact:
            return _halving(whole, run)
        if known:
            return _with_memory(whole, run) or _joined([run(slice(at, at + 1)) for at in range(count)])
        if known is False and count > 2 and self.same.get((kind, count - 1)) is not False:  # odd ones, often
            return _joined([self.together(kind, count - 1, run), run(slice(count - 1, count))])
        alone = _joined([run(slice(at, at + 1)) for at in range(count)])
        if known is None and all(_tells(values) for values in alone):
            made = _with_memory(whole, run)
            if made is not None:
                self.same[kind, count] = all(torch.equal(*pair) for pair in zip(made, alone, strict=True))
        return alone


def _with_memory(part: slice, run: Callable[[slice], tuple[Tensor, ...]]) -> tuple[Tensor, ...] | None:
    """Return what `run` gives; None where memory ran out."""
    try:
        return run(part)
    except (MemoryError, RuntimeError) as error:
        if not ran_out_of_memory(error):
            raise
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    return None


def _halving(part: slice, run: Callable[[slice], tuple[Tensor, ...]]) -> tuple[Tensor, ...]:
    """Return what `run` gives, of halves where memory does not suffice for all at once."""
    count = part.stop - part.start
    if count == 1:
        return run(part)
    made = _with_memory(part, run)
    if made is not None:
        return made
    middle = part.start + count // 2
    return _joined([_halving(slice(part.start, middle), run), _halving(slice(middle, part.stop), run)])


def _joined(parts: list[tuple[Tensor, ...]]) -> tuple[Tensor, ...]:
    return tuple(torch.cat(tensors) for tensors in zip(*parts, strict=True))


def _tells(values: Tensor) -> bool:
    """Return whether equal bits in these values mean something: they are numbers, and many different ones."""
    some = values.flatten()[:: max(values.numel() // 4096, 1)]
    return bool(torch.isfinite(some).all()) and len(some.unique()) > min(len(some) // 4, _MANY)


def build(network: nn.Module) -> Hashable:
    """Return what two networks have in common that differ in their weights alone."""
    shapes = tuple((key, tensor.shape) for key, tensor in network.state_dict().items())
    return shapes, tuple((type(module), *_plain(module)) for module in network.modules())


def _plain(module: nn.Module) -> Iterator[tuple[str, Hashable]]:
    """Yield what a module is beside its tensors and parts; what cannot be compared is another one each time."""
    usual = vars(nn.Module())
    for name, value in vars(module).items():
        if name not in usual:
            try:
                hash(value)
            except TypeError:  # a list, or something with one inside
                value = id(value)
            yield name, value


def exact(network: nn.Module) -> Way:
    """Return the way to run a network in float32."""
    if hasattr(network, "in_precision"):
        return Way(network.in_precision(torch.float32))  # type: ignore[operator]
    if lowering.can_pack(network) and sum(weight.nbytes for weight in network.parameters()) <= _MOST_TWICE:
        with contextlib.suppress(Exception):  # somebody's module that cannot be copied runs as it is
            return Way(lowering.packed(network))
    return Way()


def fast(
    network: nn.Module, dtype: torch.dtype, exactly: Way, draw: Draw, others: Sequence[Draw] = ()
) -> Way:
    """Return the quickest way whose pictures are good enough; the exact one, with a note, where that is none.

    Args:
        network: as it was opened, on its device.
        dtype: what its maps may be.
        exactly: its exact way.
        draw: runs a way and returns pictures in 0..1.
        others: the same of other codes, which are compared where that takes little time.
    """
    if not lowering.has_convolutions(network) and not hasattr(network, "in_precision"):
        return _freed(exactly, "")
    name = str(dtype).removeprefix("torch.")
    try:
        way = _lowered(network, dtype, name)
        found, fast_seconds = _timed(way, draw)
        wanted, seconds = _timed(exactly, draw)
        if fast_seconds * GAIN > seconds:  # something else may have been busy
            seconds = min(seconds, _timed(exactly, draw)[1])
            fast_seconds = min(fast_seconds, _timed(way, draw)[1])
        pairs = [(wanted, found)]
        pairs += [(other(exactly), other(way)) for other in (others if seconds < _SECONDS / 2 else ())]
    except Exception as error:
        if ran_out_of_memory(error):
            return _freed(exactly, "there is no memory for a copy of it")
        log.info("a network cannot run in %s: %s", name, error)
        return _freed(exactly, f"it cannot run in {name}")
    pairs = [pair for pair in pairs if _tells(pair[0])]
    if not pairs:
        return _freed(exactly, f"its first picture does not tell whether {name} would do")
    quality = min(psnr(*pair) for pair in pairs)
    if not quality >= LEAST_PSNR:
        return _freed(exactly, f"{name} would change its pictures ({quality:.0f} dB)")
    if fast_seconds * GAIN > seconds:
        return _freed(exactly, f"{name} is no quicker here")
    return way


def psnr(wanted: Tensor, found: Tensor) -> float:
    """Return the peak signal-to-noise ratio of pictures in 0..1, dB; NaN where both are not numbers."""
    error = (wanted - found).square().mean().item()
    return math.inf if error == 0 else -10 * math.log10(error) if error == error else math.nan


def _lowered(network: nn.Module, dtype: torch.dtype, name: str) -> Way:
    if hasattr(network, "in_precision"):
        return Way(network.in_precision(dtype), number_type=name, is_exact=False)  # type: ignore[operator]
    copied = lowering.lowered(network, dtype)
    if dtype == torch.float32:
        return Way(copied, is_exact=False)
    device = next(iter(network.parameters())).device.type

    def autocast() -> AbstractContextManager[Any]:
        return torch.autocast(device, dtype=dtype)

    return Way(copied, autocast, name, is_exact=False)


def _freed(way: Way, note: str) -> Way:
    """Return the exact way for whoever needs no equal bits."""
    return replace(way, is_exact=False, note=note)


def _timed(way: Way, draw: Draw) -> tuple[Tensor, float]:
    """Return what a way draws and the least seconds it took, of a few tries where it is quick."""
    begun = time.perf_counter()
    pictures = _done(draw(way))
    took = time.perf_counter() - begun
    tries = min(int(_SECONDS / 2 / max(took, 1e-6)), _TRIES)
    for number in range(tries):
        mark = time.perf_counter()
        _done(draw(way))
        again = time.perf_counter() - mark
        took = min(took, again) if number else again  # the first one gets everything ready
    return pictures, took


def _done(pictures: Tensor) -> Tensor:
    """Wait for a GPU, which answers before it has drawn."""
    pictures[:1, :1, :1, :1].cpu()
    return pictures


@contextlib.contextmanager
def interruptible(network: nn.Module, is_overtaken: Callable[[], bool]) -> Iterator[None]:
    """Return a context in which a network stops between two of its modules once a picture is overtaken.

    Raises:
        Overtaken: it was.
    """

    def look(*_: object) -> None:
        if is_overtaken():
            raise Overtaken

    hooks = [part.register_forward_pre_hook(look) for part in network.modules()]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()
