"""Which links form the decoder, which the encoder and its heads: by widths that fit, with names as soft evidence.

Several readings may fit; each has a cost. Sizes of pictures and strides are no matter of this module.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace

from explorer.formats.inference.links import Link, Run, apart, follows, hosted, readings, runs_of, side_of
from explorer.formats.inference.units import Leaves, Unit

_MOST_UNITS = 400
_MOST_RUNS = 40
_MOST_LINKS = 120
_MOST_PARTS = 24
_MOST_CLASSES = 1024
_MOST_BRANCHED = 8  # runs, where a label may have one of its own

MEAN = re.compile(r"mu(?![a-z])|mean|loc|avg|(?<![a-z])m(?![a-z])", re.IGNORECASE)
SECOND = re.compile(r"var|sig|std|(?<![a-z])lv|scale|(?<![a-z])[vs](?![a-z])", re.IGNORECASE)
_DECODER = re.compile(
    r"dec|gen|up|deconv|conv_?t|t_?conv|trans|z_?(2|to)|from_?(z|lat)|netg|(?<![a-z])(d|g|de)(?![a-z])|recon|out",
    re.IGNORECASE,
)
_ENCODER = re.compile(r"enc|down|(?<![a-z])e(?![a-z])|img_?2|bottleneck|to_?(z|lat)", re.IGNORECASE)
_CRITIC = re.compile(r"disc|critic|netd|adv|classif|loss|vgg|perc|lpips", re.IGNORECASE)


@dataclass(frozen=True)
class Parts:
    """One reading of a file's links.

    Attributes:
        decoder: from a code to a picture.
        encoder: from a picture to what the heads take; empty where a head takes the picture, or without heads.
        mean, second: the heads; `second` empty where `mean` holds both (`packed`), or in a plain autoencoder.
        packed: the one head is twice as wide as a code.
        width: what the decoder takes: the code and perhaps a label.
        latent: the code alone where the heads tell it, else None.
        tables: embeddings.
        branch: what a label runs through before it is joined to the code.
        joined: index of the decoder's link before which it is.
        cost: how unusual the reading is.
        unused: keys of links that are in no part.
    """

    decoder: Run
    encoder: Run = ()
    mean: Run = ()
    second: Run = ()
    packed: bool = False
    width: int = 0
    latent: int | None = None
    tables: tuple[Unit, ...] = ()
    branch: Run = ()
    joined: int = 0
    cost: float = 0.0
    unused: tuple[str, ...] = ()

    @property
    def encodes(self) -> bool:
        """Whether there is an encoder."""
        return bool(self.encoder or self.mean)

    @property
    def has_map(self) -> bool:
        """Whether a code may be a map of several pixels: neither what makes it nor what takes it is a row."""
        return bool(self.mean) and not self.mean[-1].flat and not self.decoder[0].flat

    @property
    def is_vae(self) -> bool:
        """Whether codes have a second moment."""
        return self.packed or bool(self.second)


@dataclass(frozen=True)
class _Twins:
    """Two equal branches, that may be heads."""

    mean: Run
    second: Run
    cost: float


@dataclass
class _Search:
    """What is known of a file while its parts are sought."""

    leaves: Leaves
    carriers: list[Unit]
    hosts: dict[str, list[Unit]]
    found: list[Parts] = field(default_factory=list)
    paired: bool = False  # names say that there is a mean and a spread


def parts_of(leaves: Leaves) -> list[Parts]:
    """Return the readings of a file, the likeliest first; none where nothing leads to a picture."""
    carriers = [unit for unit in leaves.units if unit.kind in ("linear", "conv")]
    if not 0 < len(carriers) <= _MOST_UNITS:
        return []
    search = _Search(leaves, carriers, hosted(leaves))
    pairs = list(_twins(search))
    search.paired = any(not twins.cost for twins in pairs)
    for twins in [*pairs, None]:
        _search(search, twins)
    found = [parts for parts in search.found if len(parts.decoder) + len(parts.encoder) <= _MOST_LINKS]
    return sorted(found, key=lambda parts: parts.cost)[:_MOST_PARTS]


def _twins(search: _Search) -> Iterator[_Twins]:
    """Find equal neighbours that may be mean and second head."""
    units = search.carriers
    for length in (1, 2, 3):
        for at in range(len(units) - 2 * length + 1):
            first, second = units[at : at + length], units[at + length : at + 2 * length]
            if [unit.shape for unit in first] != [unit.shape for unit in second]:
                continue
            runs = [runs_of(half, search.hosts, frozenset()) for half in (first, second)]
            if any(len(run) != 1 for run in runs):
                continue
            yield from _as_heads(runs[0][0], runs[1][0])


def _as_heads(first: Run, second: Run) -> Iterator[_Twins]:
    """Yield two branches as heads where names or widths allow it, the mean before."""
    named = _named(first, second), _named(second, first)
    if first[0].wide_in == first[-1].wide_out and not any(named):
        return
    if named[1] and not named[0]:
        first, second = second, first
    yield _Twins(first, second, 0.0 if any(named) else 0.5)


def _named(mean: Run, second: Run) -> bool:
    """Return whether names say that one branch is the mean and the other its spread."""
    one, other = mean[-1].unit.key, second[-1].unit.key
    if len(mean) > 1:
        one, other = mean[0].unit.key, second[0].unit.key
    return (bool(SECOND.search(other)) and not SECOND.search(one)) or (
        bool(MEAN.search(one)) and not MEAN.search(other)
    )


def _search(search: _Search, twins: _Twins | None) -> None:
    """Add the readings in which these branches are the heads (None: there are none)."""
    taken = {link.unit.key for link in (*twins.mean, *twins.second)} if twins else set()
    rest = [unit for unit in search.carriers if unit.key not in taken]
    breaks = frozenset(
        unit.key
        for before, unit in zip([None, *search.carriers], search.carriers, strict=False)
        if before is not None and before.key in taken
    )
    runs = runs_of(rest, search.hosts, breaks)
    if len(runs) > _MOST_RUNS:
        return
    code = twins.mean[-1].wide_out if twins else None
    for cut in _cuts(runs, code):
        _arranged(search, cut, twins)


def _cuts(runs: list[Run], code: int | None) -> Iterator[list[Run]]:
    """Yield the runs as they are, and with one that holds encoder and decoder cut between them."""
    yield runs
    for at, run in enumerate(runs):
        for place in range(1, len(run)):
            if _cuttable(run, place, code):
                yield [*runs[:at], run[:place], run[place:], *runs[at + 1 :]]


def _cuttable(run: Run, place: int, code: int | None) -> bool:
    """Return whether a code may pass between two links of a run."""
    if not (_takes_picture(run[0]) and _gives_picture(run[-1])):
        return False
    if run[0].flat and run[-1].flat and not 0 <= run[0].wide_in - run[-1].wide_out <= _MOST_CLASSES:
        return False
    before, after = run[place - 1], run[place]
    width = after.wide_in
    if code is not None:
        return width == code
    narrow = min(link.wide_in for link in run[1:])
    parted = apart(before.unit.key, after.unit.key)
    if not before.flat and not after.flat:  # a code that is a map
        counted = after.unit.key.rpartition(".")[2].isdigit()  # one Sequential leaves nothing as a code
        return parted or ((before.kind, after.kind) == ("conv", "convT") and not counted)
    return after.flat and (width == narrow or parted or before.wide_out == 2 * width)


def _takes_picture(link: Link) -> bool:
    return link.wide_in <= 4 if not link.flat else link.wide_in >= 64


def _gives_picture(link: Link) -> bool:
    if not link.flat:
        return link.wide_out in (1, 3, 4) or (link.kind == "conv" and link.wide_out in (12, 16, 27, 48))
    return side_of(link.wide_out) is not None or link.wide_out >= 256


def _arranged(search: _Search, runs: list[Run], twins: _Twins | None) -> None:
    """Add the readings of these runs: each chain that ends in a picture as the decoder."""
    for decoder, used, jumps in _chains(runs):
        if _takes_picture(decoder[0]) and decoder[0].kind == "conv":
            continue
        rest = [run for at, run in enumerate(runs) if at not in used]
        parts = _with_encoder(search, decoder, rest, twins)
        for found in parts:
            search.found.append(_costed(search, found, jumps, twins))
        if twins is None and len(runs) <= _MOST_BRANCHED:
            for found in _branched(
                decoder, rest, tuple(unit for unit in search.leaves.units if unit.kind == "table")
            ):
                search.found.append(_costed(search, found, 0, None))


def _is_plane(code: Run, label: Run, decoder: Run, tables: Sequence[Unit]) -> bool:
    """Return whether a label becomes one more channel of the first map: of as many pixels as those of the code."""
    channels = decoder[0].wide_in - 1
    if decoder[0].flat or channels < 1 or len(label) != 1 or not (label[0].flat and code[-1].flat):
        return False
    known = not tables or any(table.shape[1] == label[0].wide_in for table in tables)
    side = round(label[0].wide_out ** 0.5)
    return (
        known
        and side > 1
        and side * side == label[0].wide_out
        and code[-1].wide_out == channels * side * side
    )


def _branched(decoder: Run, rest: list[Run], tables: tuple[Unit, ...]) -> Iterator[Parts]:
    """Yield the readings in which code and label run through a layer each before they are joined."""
    for first in rest:
        for second in rest:
            wide = first[-1].wide_out + second[-1].wide_out
            if first is not second and _is_plane(first, second, decoder, tables):
                wide = first[0].wide_in
                yield Parts(
                    first + decoder, width=wide, latent=wide, branch=second, joined=len(first), tables=tables
                )
                continue
            alike = first[-1].flat == second[-1].flat == decoder[0].flat
            if first is second or not alike or wide != decoder[0].wide_in:
                continue
            code, label = first[0].wide_in, second[0].wide_in
            if code > label > 1 and len(first) == len(second) == 1:
                yield Parts(first + decoder, width=code, latent=code, branch=second, joined=1)


def _chains(runs: list[Run]) -> Iterator[tuple[Run, tuple[int, ...], int]]:
    """Yield chains of runs that end in a picture, the runs they use, and how often they leave the file's order."""
    for last, run in enumerate(runs):
        if not _gives_picture(run[-1]):
            continue
        yield run, (last,), 0
        for before in range(len(runs)):
            if before == last or not follows(runs[before][-1], run[0]):
                continue
            if not _gives_picture(runs[before][-1]) or runs[before][-1].flat != run[0].flat:
                yield runs[before] + run, (before, last), int(before != last - 1)


def _with_encoder(search: _Search, decoder: Run, rest: list[Run], twins: _Twins | None) -> Iterator[Parts]:
    """Yield the decoder with each encoder that fits it."""
    width = decoder[0].wide_in
    tables = tuple(unit for unit in search.leaves.units if unit.kind == "table")
    if twins:
        code = twins.mean[-1].wide_out
        if not code <= width <= code + _MOST_CLASSES:
            return
        extras = {0, width - code, *(table.shape[-1] for table in tables)}
        for encoder in _features(rest, twins.mean[0], decoder, extras):
            yield Parts(decoder, encoder, twins.mean, twins.second, False, width, code, tables)
        return
    yield Parts(decoder, width=width, tables=tables)
    extras = {0, *(table.shape[-1] for table in tables)}
    for at, run in enumerate(rest):
        if not _opens(run[0], decoder, extras) or not (run[-1].flat or _may_be_valid(run[-1])):
            continue
        out = run[-1].wide_out
        before, head = run[:-1], run[-1:]
        if _even(out, width, tables):
            yield Parts(decoder, before, head, (), True, width, out // 2, tables)
        elif out == width:
            yield Parts(decoder, before, head, (), False, width, out, tables)
        joined = [other for index, other in enumerate(rest) if index != at and follows(run[-1], other[0])]
        for other in joined:
            out = other[-1].wide_out
            if _even(out, width, tables) or out == width:
                packed = out != width
                latent = out // 2 if packed else out
                yield Parts(decoder, run + other[:-1], other[-1:], (), packed, width, latent, tables)


def _even(out: int, width: int, tables: Sequence[Unit]) -> bool:
    """Return whether a head holds mean and second moment of what the decoder takes, perhaps beside a label."""
    labels = {0, *(table.shape[-1] for table in tables)}
    return out % 2 == 0 and any(width - label == out // 2 for label in labels)


def _may_be_valid(link: Link) -> bool:
    """Return whether a convolution may leave a map of one pixel."""
    return link.kind == "conv"


def _opens(link: Link, decoder: Run, extras: Collection[int]) -> bool:
    """Return whether a link takes the decoder's picture, perhaps with a label beside it."""
    last = decoder[-1]
    wide = [link.wide_in - extra for extra in extras]
    if not link.flat:
        return bool({1, 3, 4} & set(wide))
    if last.flat:
        return last.wide_out in wide
    return any(side_of(width) is not None for width in wide if width > 0)


def _features(rest: list[Run], head: Link, decoder: Run, extras: Collection[int]) -> Iterator[Run]:
    """Yield the chains from a picture to what a head takes."""
    if head.flat and _opens(head, decoder, extras) and not any(follows(run[-1], head) for run in rest):
        yield ()
        return
    for at, run in enumerate(rest):
        if not follows(run[-1], head):
            continue
        if _opens(run[0], decoder, extras):
            yield run
        for other, before in enumerate(rest):
            if other != at and follows(before[-1], run[0]) and _opens(before[0], decoder, extras):
                yield before + run


def _costed(search: _Search, parts: Parts, jumps: int, twins: _Twins | None) -> Parts:
    """Return a reading with its cost and what it leaves out."""
    links = (*parts.decoder, *parts.encoder, *parts.mean, *parts.second, *parts.branch)
    used = {link.unit.key for link in links}
    unused = tuple(unit.key for unit in search.carriers if unit.key not in used)
    cost = 0.5 * jumps + (twins.cost if twins else 2.5 * search.paired)
    cost += min(3.0, 2.0 * _share(parts.decoder, _ENCODER)) + 5.0 * _share(parts.decoder, _CRITIC)
    cost -= 0.5 * _share(parts.decoder, _DECODER)
    cost += 1.0 * _share((*parts.encoder, *parts.mean), _DECODER) + 4.0 * _share(parts.encoder, _CRITIC)
    missed = [key for key in unused if not _CRITIC.search(key)]
    cost += min(4.0, 0.7 * len(missed)) + _strange_label(parts)
    last = parts.decoder[-1]
    if last.flat and side_of(last.wide_out) is None:
        first = (*parts.encoder, *parts.mean, *parts.decoder)[0]
        cost += 1.0 if parts.encodes and first.flat and first.wide_in == last.wide_out else 5.0
    cost += 2.0 * (len(parts.decoder) == 1 and not parts.encodes and bool(missed))
    if parts.decoder[0].kind == "conv":  # a map of one pixel is no start for one
        cost += 0.3 if parts.has_map and parts.decoder[0].wide_in > 4 else 3.0
    if not parts.encodes and any(_takes_decoded(search, key, parts.decoder) for key in missed):
        cost += 1.5
    if (
        parts.decoder[0].flat
        and _takes_picture(parts.decoder[0])
        and not parts.encodes
        and len(parts.decoder) > 1
    ):
        cost += 1.0 * (parts.decoder[0].wide_in >= parts.decoder[-1].wide_out)
    if parts.encodes and not parts.is_vae:
        cost += _bottleneck(parts)
    encoder, mean, second = (_downward(run) for run in (parts.encoder, parts.mean, parts.second))
    return replace(parts, encoder=encoder, mean=mean, second=second, cost=cost, unused=unused)


def _downward(run: Run) -> Run:
    """Return an encoder's links: what might be either is no transposed convolution there."""
    return tuple(
        replace(link, kind="conv") if link.kind == "convT" and not link.sure and link.wide_in == link.wide_out
        else link
        for link in run
    )  # fmt: skip


def _strange_label(parts: Parts) -> float:
    """Return what it costs that a decoder takes more than a code where nothing else tells of a label."""
    extra = parts.width - parts.latent if parts.latent is not None else 0
    if not extra or parts.branch or any(table.shape[-1] == extra for table in parts.tables):
        return 0.0
    first = (*parts.encoder, *parts.mean)[0]
    if _opens(first, parts.decoder, (extra,)):
        return 0.0
    return 0.8 if extra <= 128 else 2.5


def _takes_decoded(search: _Search, key: str, decoder: Run) -> bool:
    """Return whether an unused unit could begin an encoder."""
    unit = next(unit for unit in search.carriers if unit.key == key)
    return any(link.kind != "convT" and _opens(link, decoder, (0,)) for link in readings(unit, ()))


def _bottleneck(parts: Parts) -> float:
    """Return what it costs to end an encoder here: nothing at the narrowest place where the names part."""
    links = (*parts.encoder, *parts.mean, *parts.decoder)
    narrow = min(link.wide_in for link in links[1:])
    last = (*parts.encoder, *parts.mean)[-1].unit.key
    parted = apart(last, parts.decoder[0].unit.key)
    turned = parts.has_map and parts.decoder[0].kind == "convT"
    return (0.0 if parts.width == narrow or turned else 1.0) + (0.0 if parted else 0.6)


def _share(links: Sequence[Link], words: re.Pattern[str]) -> float:
    """Return which share of the links has such a name."""
    return sum(bool(words.search(link.unit.key)) for link in links) / len(links) if links else 0.0
