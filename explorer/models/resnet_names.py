"""What a state dict must look like to be a residual picture-to-picture network, and which tensor is which.

Nothing goes by numbers of layers: what is looked for is one wide convolution, some that widen, blocks of two equal
convolutions each under a name of their own, some that narrow, and a wide convolution; so networks with more or
fewer blocks, other widths, dropout, blurring layers and other names are found, too. What the tensors do not show
(what lies beyond the edge) is told by gaps in the numbering. The network itself is in `resnet_stage`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise

from explorer.models import Shapes
from explorer.models.edges import Edge
from explorer.models.named_layers import STATISTICS, NamedLayer, OtherNetwork, kind_of_norms, layers_of
from explorer.models.resnet_config import ResnetStageConfig


def translated(shapes: Shapes, modules: Mapping[str, str]) -> tuple[ResnetStageConfig, dict[str, str]] | None:
    """Return sizes and, by the file's name, the own name of every tensor that counts; None for another network.

    Statistics that instance norms kept in early files are left out.

    Args:
        shapes: of the file's tensors.
        modules: paths of its submodules with their classes, where the file tells.
    """
    try:
        return _Parse(layers_of(shapes), modules).result()
    except (OtherNetwork, ValueError):
        return None


class _Parse:
    """The layers told apart.

    Raises:
        OtherNetwork: they are those of another network.
    """

    def __init__(self, layers: list[NamedLayer], modules: Mapping[str, str]) -> None:
        self._modules = modules
        self._names: dict[str, str] = {}
        self._norms: list[NamedLayer] = []
        self._biases: dict[str, set[bool]] = {"": set(), "up": set()}
        blocks = _blocks(layers)
        inside = {id(layer) for block in blocks for layer in block}
        first = layers.index(blocks[0][0])
        last = layers.index(blocks[-1][-1])
        if any(id(layer) not in inside for layer in layers[first : last + 1]):
            raise OtherNetwork
        self._before, self._blocks, self._after = layers[:first], blocks, layers[last + 1 :]

    def result(self) -> tuple[ResnetStageConfig, dict[str, str]]:
        stem, widths, down = self._way_down()
        self._middle(widths[-1])
        head, up, inner_up = self._way_up(widths)
        norm, affine = self._norm()
        named = head.number is None
        second = next(layer for layer in self._before[1:] if layer.kind == "conv")
        config = ResnetStageConfig(
            inputs=stem.shape[1],
            outputs=head.shape[0],
            widths=tuple(widths),
            blocks=len(self._blocks),
            stem=stem.shape[2],
            head=head.shape[2],
            norm=norm,
            affine=affine,
            bias=self._agreed(""),
            up_bias=self._agreed("up"),
            edge=self._edge(self._blocks[0][0]),
            rim=self._edge(stem),
            inner="reflect" if self._gap(stem, second) > 3 else "zeros",
            inner_up=inner_up,
            down=down,
            up=up,
            output="none" if named and stem.shape[2] == 9 else "tanh",
        )
        return config, self._names

    def _agreed(self, group: str) -> bool:
        return any(self._biases[group])  # one that is missing is told as a misfit

    def _take(self, layer: NamedLayer, own: str, group: str = "") -> None:
        for name in layer.tensors:
            self._names[f"{layer.path}.{name}"] = f"{own}.{'weight' if name == 'filt' else name}"
        self._biases[group].add("bias" in layer.tensors)

    def _unit(
        self, layers: Iterator[NamedLayer], conv: NamedLayer, own: str, inner: str = "", group: str = ""
    ) -> NamedLayer | None:
        """Take a convolution and the norm after it; return the layer after those."""
        self._take(conv, f"{own}.layer{inner}", group)
        after = next(layers, None)
        if after is not None and after.kind == "norm":
            self._norms.append(after)
            self._names |= {f"{after.path}.{name}": f"{own}.norm.{name}" for name in after.tensors}
            after = next(layers, None)
        return after

    def _way_down(self) -> tuple[NamedLayer, list[int], str]:
        layers = iter(self._before)
        stem = next(layers, None)
        if stem is None or stem.kind != "conv" or not _is_square(stem, 5):
            raise OtherNetwork
        widths, blurs = [stem.shape[0]], set()
        here = self._unit(layers, stem, "stem")
        while here is not None:
            if here.kind != "conv" or here.shape[1:] != (widths[-1], 3, 3):
                raise OtherNetwork
            place, conv = f"downs.{len(widths) - 1}", here
            widths.append(conv.shape[0])
            taken = len(self._names)
            here = self._unit(layers, conv, place)
            blurs.add(here.tensors["filt"][2] if here is not None and here.kind == "blur" else 0)
            if here is not None and here.kind == "blur":
                for key in list(self._names)[taken:]:
                    self._names[key] = self._names[key].replace(place, f"{place}.0", 1)
                self._names[f"{here.path}.filt"] = f"{place}.1.layer.weight"
                here = next(layers, None)
        if len(blurs) != 1 or len(widths) < 2:
            raise OtherNetwork
        taps = blurs.pop()
        return stem, widths, f"blur:{taps}" if taps else "stride"

    def _middle(self, width: int) -> None:
        for at, block in enumerate(self._blocks):
            layers = iter(block)
            here = next(layers, None)
            for own in ("first", "second"):
                if here is None or here.kind != "conv" or here.shape != (width, width, 3, 3):
                    raise OtherNetwork
                here = self._unit(layers, here, f"blocks.{at}.{own}")
            if here is not None:
                raise OtherNetwork

    def _way_up(self, widths: list[int]) -> tuple[NamedLayer, str, Edge]:
        """Take what follows the blocks; return the last convolution and how the size is doubled."""
        layers = iter(self._after)
        here = next(layers, None)
        kinds, before = set(), self._blocks[-1][-1]
        for at, (wide, out) in enumerate(reversed([(b, a) for a, b in pairwise(widths)])):
            blur = here if here is not None and here.kind == "blur" else None
            here = next(layers, None) if blur is not None else here
            if here is None or here.kind != "conv" or here.shape[2:] != (3, 3):
                raise OtherNetwork
            kind, edge = self._kind_of_up(here, wide, out, before, blur)
            kinds.add((kind, edge))
            place = f"ups.{at}"
            if blur is not None:
                self._names[f"{blur.path}.filt"] = f"{place}.0.layer.filter"
            before = here
            here = (
                self._unit(layers, here, place, ".conv", "up")
                if kind == "transposed"
                else self._unit(layers, here, f"{place}.1", "", "up")
            )
        if len(kinds) != 1 or here is None or here.kind != "conv" or next(layers, None) is not None:
            raise OtherNetwork
        if here.shape[1] != widths[0] or not _is_square(here, 5):
            raise OtherNetwork
        self._names |= {f"{here.path}.{name}": f"head.{name}" for name in here.tensors}
        kind, edge = kinds.pop()
        return here, kind, edge

    def _kind_of_up(
        self, conv: NamedLayer, wide: int, out: int, before: NamedLayer, blur: NamedLayer | None
    ) -> tuple[str, Edge]:
        if blur is not None and conv.shape[:2] == (out, wide):
            return f"blur:{blur.tensors['filt'][2]}", "zeros"
        # modules that stand before it without tensors: after a block none but what enlarges, else norm and rectifier
        if conv.number is None:
            between = 2
        else:
            top = (*before.names, *conv.names)[len(conv.names) - 1]
            gap = conv.number - int(top) - 1 if top.isdigit() and len(top) < 6 else 0
            between = gap - (2 if len(before.names) == len(conv.names) else 0)
        if conv.shape[:2] == (wide, out) and (between <= 0 or wide != out) and not self._is_plain(conv):
            return "transposed", "zeros"
        if conv.shape[:2] != (out, wide):
            raise OtherNetwork
        if conv.number is None:
            return "nearest", "reflect"
        return ("bilinear", "reflect") if between > 1 else ("nearest", "zeros")

    def _is_plain(self, conv: NamedLayer) -> bool:
        return self._modules.get(conv.path) == "Conv2d"

    def _edge(self, conv: NamedLayer) -> Edge:
        """Return what is beyond the edge of a convolution that may have a padding layer before it."""
        if conv.number == 0:
            return "zeros"
        before = ".".join((*conv.names[:-1], str((conv.number or 0) - 1)))
        return "replicate" if "Replication" in self._modules.get(before, "") else "reflect"

    def _gap(self, one: NamedLayer, other: NamedLayer) -> int:
        """Return how many places there are from one layer to the next; many where they have names."""
        if one.number is None or other.number is None:
            return 99
        return other.number - one.number

    def _norm(self) -> tuple[str, bool]:
        """Return the kind of the norms; statistics that do not count are left out of the names."""
        if not self._norms:
            return ("instance" if self._agreed("") else "none"), False
        kind, affine = kind_of_norms(self._norms, self._modules)
        if kind == "instance":
            for key in [key for key in self._names if key.endswith(STATISTICS)]:
                del self._names[key]
        return kind, affine


def _blocks(layers: list[NamedLayer]) -> list[list[NamedLayer]]:
    """Return the layers of each residual block.

    Raises:
        OtherNetwork: there is none.
    """
    convs = [layer for layer in layers if layer.kind == "conv"]
    groups: list[str] = []
    at = 0
    while at + 1 < len(convs):
        one, other = convs[at], convs[at + 1]
        shared = _shared(one, other)
        owned = [layer for layer in convs if layer.path.startswith(f"{shared}.")]
        if shared and one.shape == other.shape and one.shape[0] == one.shape[1] and len(owned) == 2:
            groups.append(shared)
            at += 2
        else:
            at += 1
    if not groups:
        raise OtherNetwork
    return [[layer for layer in layers if layer.path.startswith(f"{group}.")] for group in groups]


def _shared(one: NamedLayer, other: NamedLayer) -> str:
    """Return the beginning that two paths share."""
    both = zip(one.names[:-1], other.names[:-1], strict=False)
    shared: list[str] = []
    for mine, theirs in both:
        if mine != theirs:
            break
        shared.append(mine)
    return ".".join(shared)


def _is_square(layer: NamedLayer, least: int) -> bool:
    height, width = layer.shape[2:]
    return height == width and height % 2 == 1 and height >= least
