"""Units that carry values from one width to the next, with the norms that follow them, and runs of such links.

A convolution and a transposed one have the same kind of weight: bias, norm and neighbours tell which it is. What the
runs are for (decoder, encoder) is decided in `parts`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from explorer.formats.inference.units import Leaves, Unit

LinkKind = Literal["linear", "conv", "convT"]


@dataclass(frozen=True)
class Link:
    """A linear layer or a convolution, read in one direction.

    Attributes:
        unit: its tensors.
        kind: what it is.
        wide_in, wide_out: channels, or numbers of a flat row.
        norms: what follows it before the next link: norms and PReLUs.
        sure: whether the direction is beyond doubt.
        block: the path of the residual block that it is in, empty outside of one.
    """

    unit: Unit
    kind: LinkKind
    wide_in: int
    wide_out: int
    norms: tuple[Unit, ...] = ()
    sure: bool = True
    block: str = ""

    @property
    def kernel(self) -> tuple[int, int]:
        """Height and width of a convolution's kernel; 1 x 1 for a linear layer."""
        shape = self.unit.shape
        return (shape[2], shape[3]) if len(shape) == 4 else (1, 1)

    @property
    def flat(self) -> bool:
        """Whether it is a linear layer."""
        return self.kind == "linear"


Run = tuple[Link, ...]


def readings(unit: Unit, norms: Sequence[Unit]) -> list[Link]:
    """Return the directions in which a unit can be read, the likelier first."""
    if unit.layer is not None and unit.layer.kind in ("linear", "conv", "convT"):
        return [_link(unit, unit.layer.kind, norms)]
    if unit.kind == "linear":
        return [_link(unit, "linear", norms)]
    found = [_link(unit, "conv", norms), _link(unit, "convT", norms)]
    if unit.bias:
        found = [link for link in found if link.wide_out == unit.bias] or found  # of none where it is damaged
    widths = {norm.width for norm in norms if norm.kind == "norm"}
    fitting = [link for link in found if not widths or widths == {link.wide_out}]
    found = fitting or found
    return found if len(found) == 1 else [replace(link, sure=False) for link in _likelier_first(found)]


def _link(unit: Unit, kind: str, norms: Sequence[Unit]) -> Link:
    first, second = unit.shape[0], unit.shape[1]
    groups = unit.layer.get("groups", 1) if unit.layer is not None else 1
    if kind == "convT":
        return Link(unit, "convT", first, second * groups, tuple(norms))
    return Link(unit, "conv" if kind == "conv" else "linear", second * groups, first, tuple(norms))


def _likelier_first(found: list[Link]) -> list[Link]:
    """An even kernel is that of a transposed convolution more often; names may say it too."""
    unit = found[0].unit
    named = re.search(r"conv_?t|t_?conv|trans|deconv|upconv|up_conv", unit.key, re.IGNORECASE)
    transposed = bool(named) or (unit.shape[-1] % 2 == 0 and not re.search(r"enc|down|disc", unit.key))
    return sorted(found, key=lambda link: (link.kind == "convT") != transposed)


def follows(first: Link, second: Link) -> bool:
    """Return whether the values of one link can go into the next, through a reshape where needed."""
    if first.flat == second.flat:
        return first.wide_out == second.wide_in or _shuffled(first, second) > 1
    if first.flat:
        return first.wide_out % second.wide_in == 0
    return second.wide_in % first.wide_out == 0


def _shuffled(first: Link, second: Link) -> int:
    """Return by how much pixels are spread between two convolutions (`PixelShuffle`); 1 for not at all."""
    if first.flat or second.flat or first.kind == "convT":
        return 1
    return next((by for by in (2, 3, 4) if first.wide_out == second.wide_in * by * by), 1)


def shuffled(first: Link, second: Link) -> int:
    """Return the factor of the `PixelShuffle` that must stand between two convolutions, 1 where none."""
    return 1 if first.wide_out == second.wide_in else _shuffled(first, second)


def hosted(leaves: Leaves) -> dict[str, list[Unit]]:
    """Return, by the key of each link's unit, the norms and PReLUs that follow it."""
    hosts: dict[str, list[Unit]] = {}
    before: list[Unit] = []
    small: list[Unit] = []
    late: list[Unit] = []
    units = [unit for unit in leaves.units if unit.kind not in ("table", "other")]
    for unit in units:
        if unit.kind in ("linear", "conv"):
            if small:
                late += _matched(before, small, leaves, hosts, unit)
                before, small = [], []
            before.append(unit)
        else:
            small.append(unit)
    late += _matched(before, small, leaves, hosts, None)
    for unit in late:
        free = [other for other in units if other.kind in ("linear", "conv") and other.key not in hosts]
        _match_by_order(free, [unit], hosts)
    return hosts


def _matched(
    carriers: list[Unit],
    small: list[Unit],
    leaves: Leaves,
    hosts: dict[str, list[Unit]],
    following: Unit | None,
) -> list[Unit]:
    """Give each of a run of norms to one of the units before; return those that fit none."""
    if not carriers:
        return small
    last = carriers[-1]
    norms = [unit for unit in small if unit.kind == "norm"]
    blocked = len(carriers) > 1 and len(norms) > 1 and not leaves.in_chain(small[0].key)
    if blocked:
        return _match_by_order(carriers, small, hosts)
    left = []
    for unit in small:
        fitting = [carrier for carrier in reversed(carriers) if _fits(carrier, unit, following)]
        same = [carrier for carrier in fitting if _number(carrier.key) == _number(unit.key) != ""]
        chained = leaves.in_chain(unit.key) and last in fitting
        host = last if chained else next(iter(same or fitting), None)
        if host is None:
            left.append(unit)
        else:
            hosts.setdefault(host.key, []).append(unit)
    return left


def _match_by_order(
    carriers: Sequence[Unit], small: Sequence[Unit], hosts: dict[str, list[Unit]]
) -> list[Unit]:
    """Give norms to units in the same order by width, and by number where the names have one."""
    left, start = [], 0
    for unit in small:
        fitting = [
            at
            for at in range(start, len(carriers))
            if _fits(carriers[at], unit, carriers[at + 1] if at + 1 < len(carriers) else None)
        ]
        same = [at for at in fitting if _number(carriers[at].key) == _number(unit.key) != ""]
        chosen = next(iter(same or fitting), None)
        if chosen is None:
            left.append(unit)
            continue
        hosts.setdefault(carriers[chosen].key, []).append(unit)
        start = chosen + 1
    return left


def _fits(carrier: Unit, norm: Unit, following: Unit | None) -> bool:
    """Return whether a norm can follow a unit, perhaps behind a reshape to what the next one takes."""
    if norm.kind == "prelu" and norm.width == 1:
        return True
    if any(link.wide_out == norm.width for link in readings(carrier, ())):
        return True
    if carrier.kind != "linear" or following is None or following.kind != "conv":
        return False
    return carrier.shape[0] % norm.width == 0 and norm.width in following.shape[:2]


def _number(key: str) -> str:
    found = re.findall(r"\d+", key.rpartition(".")[2])
    return found[-1] if found else ""


def runs_of(units: Sequence[Unit], hosts: dict[str, list[Unit]], breaks: frozenset[str]) -> list[Run]:
    """Return units in their order as runs in which each can follow the one before.

    Args:
        units: those that carry values.
        hosts: the norms behind each.
        breaks: keys that begin a new run whatever their width.
    """
    runs: list[list[list[Link]]] = []
    for unit in units:
        ways = readings(unit, hosts.get(unit.key, ()))
        before = runs[-1][-1] if runs and unit.key not in breaks else []
        fitting = [way for way in ways if any(follows(first, way) for first in before)]
        if fitting and not _new_picture(before, fitting):
            runs[-1].append(fitting)
        else:
            runs.append([ways])
    return [_backwards(run) for run in runs]


def _new_picture(before: Sequence[Link], after: Sequence[Link]) -> bool:
    """Return whether a picture ends before and another begins: the names change where few channels pass."""
    first, second = before[0], after[0]
    narrow = not second.flat and second.wide_in <= 4
    widest = first.wide_in < first.wide_out and second.wide_out < second.wide_in
    picture = (
        second.flat and first.wide_out == second.wide_in and side_of(second.wide_in) is not None and widest
    )
    flattened = second.flat and not first.flat and first.wide_out <= 4
    return (narrow or picture or flattened) and apart(first.unit.key, second.unit.key)


def side_of(width: int) -> tuple[int, int] | None:
    """Return channels and side of a square picture that a flat row of a width may be; None for none."""
    for channels in (1, 3, 4):
        side = round((width / channels) ** 0.5)
        if channels * side * side == width and side >= 8:
            return channels, side
    return None


def apart(first: str, second: str) -> bool:
    """Return whether two names part at a word (`encoder.fc1`, `decoder.fc1`) and not at a number (`fc1`, `fc2`)."""
    for one, other in zip(first.split("."), second.split("."), strict=False):
        if one != other:
            return re.sub(r"[\d_]+", "", one) != re.sub(r"[\d_]+", "", other)
    return False


def blocked(run: Run, leaves: Leaves) -> Run:
    """Return a run with the links of residual blocks marked by the path of their block."""
    paths: dict[str, list[Link]] = {}
    for link in run:
        parts = link.unit.key.split(".")
        for at in range(1, len(parts)):
            paths.setdefault(".".join(parts[:at]), []).append(link)
    found = [path for path, links in paths.items() if _is_block(path, links, leaves)]
    marked = []
    for link in run:
        block = next((path for path in found if link.unit.key.startswith(path + ".")), "")
        marked.append(replace(link, block=block, kind="conv") if block else link)
    return tuple(marked)


def _is_block(path: str, links: Sequence[Link], leaves: Leaves) -> bool:
    """Return whether links form a residual block: a module of its own that keeps channels and size."""
    named = re.search(r"res", path.rpartition(".")[2], re.IGNORECASE)
    own = path not in leaves.chains and leaves.in_chain(path)
    if not (named or own) or not 2 <= len(links) <= 3 or re.search(r"double", links[0].unit.key):
        return False
    plain = all(
        not link.flat and link.kernel[0] % 2 and (link.kind == "conv" or not link.sure) for link in links
    )
    return plain and links[0].wide_in == links[-1].wide_out


def _backwards(run: list[list[Link]]) -> Run:
    """Settle the direction of each link from the last to the first, the likelier where both go."""
    chosen = [_preferred(run, len(run) - 1, run[-1])]
    for at in range(len(run) - 2, -1, -1):
        ways = [way for way in run[at] if follows(way, chosen[0])] or run[at]
        chosen.insert(0, _preferred(run, at, ways))
    return tuple(chosen)


def _preferred(run: list[list[Link]], at: int, ways: Sequence[Link]) -> Link:
    """Return one of several directions: that of sure neighbours for an odd kernel, else the likelier."""
    if len(ways) == 1 or ways[0].kernel[0] % 2 == 0:
        return ways[0]
    near = [
        run[other][0].kind for other in (at - 1, at + 1) if 0 <= other < len(run) and len(run[other]) == 1
    ]
    near = [kind for kind in near if kind != "linear"]
    return next((way for way in ways if near and set(near) == {way.kind}), ways[0])
