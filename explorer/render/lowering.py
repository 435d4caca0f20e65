"""Frozen copies of networks for inference: weights laid out and rounded once, norms folded, rectifiers fused.

What a family knows better about itself it does in its own `in_precision`; this is for all others.
"""

from __future__ import annotations

import copy
import functools
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.utils import fusion

CONVOLUTIONS = (nn.Conv2d, nn.ConvTranspose2d)
_WEIGHTED = (*CONVOLUTIONS, nn.Linear)
_ROWS = 16  # for which dense weights are laid out that one row and many shall use
_LONG = 4  # times as many inputs as outputs
_KEPT = 2  # shapes for which a convolution's weights are kept laid out


def has_convolutions(network: nn.Module) -> bool:
    """Return whether a network convolves pictures."""
    return any(weight.ndim == 4 for weight in network.parameters())


def can_pack(network: nn.Module) -> bool:
    """Return whether weights can be laid out for the processor that a network is on."""
    return all(weight.device.type == "cpu" for weight in network.parameters()) and _works()


@functools.cache
def _works() -> bool:
    """Return whether torch lays weights out here: not every build for every processor can."""
    layers = nn.Sequential(nn.Linear(4, 8), nn.Unflatten(1, (2, 2, 2)), nn.Conv2d(2, 3, 3, padding=1))
    layers.append(nn.ConvTranspose2d(3, 2, 3, 2)).requires_grad_(False)
    codes = torch.linspace(-1, 1, 8).view(2, 4)
    try:
        with torch.inference_mode():
            wanted = layers(codes)
            _pack(layers)
            return bool(torch.allclose(layers(codes), wanted, atol=1e-5))
    except (RuntimeError, AttributeError, TypeError):
        return False


def packed(network: nn.Module) -> nn.Module:
    """Return a copy in float32 whose layers add in the same order for one picture as for many.

    Torch computes one row, or one small picture, by other code than several, which rounds differently.
    """
    copied = _sharing(network)
    _pack(copied)
    return copied.eval()


def lowered(network: nn.Module, dtype: torch.dtype) -> nn.Module:
    """Return a copy whose convolutions and dense layers have weights of `dtype`, in the order that is quickest.

    It is meant to be run under autocast. Whatever is not changed is shared with the network, which stays as it is.
    """
    copied = _sharing(network)
    for module in list(copied.modules()):
        if isinstance(module, nn.Sequential):
            _fold_norms(module)
    for module in copied.modules():
        if type(module) in _WEIGHTED:
            _lower(module, dtype)
    if can_pack(network) and dtype != torch.float16:
        _pack(copied)
    return copied.eval()


def _sharing(network: nn.Module) -> nn.Module:
    """Return a copy of the modules with the very tensors of the network."""
    kept = {id(tensor): tensor for tensor in (*network.parameters(), *network.buffers())}
    return copy.deepcopy(network, kept)


def _fold_norms(layers: nn.Sequential) -> None:
    """Multiply each batch norm into the convolution or dense layer before it."""
    for (before_name, before), (name, norm) in list(pairwise(layers._modules.items())):
        if type(before) not in _WEIGHTED or not isinstance(norm, _BatchNorm) or norm.running_mean is None:
            continue
        norm = copy.copy(norm).eval()
        if isinstance(before, nn.Linear):
            folded: nn.Module = fusion.fuse_linear_bn_eval(before.eval(), norm)  # type: ignore[type-var]
        else:
            is_transposed = isinstance(before, nn.ConvTranspose2d)
            folded = fusion.fuse_conv_bn_eval(before.eval(), norm, is_transposed)  # type: ignore[type-var]
        setattr(layers, before_name, folded)
        setattr(layers, name, nn.Identity())


def _lower(layer: nn.Module, dtype: torch.dtype) -> None:
    for name in ("weight", "bias"):
        tensor = getattr(layer, name)
        if tensor is not None:
            order = torch.channels_last if tensor.ndim == 4 else torch.contiguous_format
            made = tensor.detach().to(dtype).contiguous(memory_format=order)
            setattr(layer, name, nn.Parameter(made, requires_grad=False))


# ---- weights laid out as the processor wants them ----


class PackedDense(nn.Module):
    """A dense layer with its leaky rectifier; a slope of 1 for none."""

    def __init__(self, layer: nn.Linear, slope: float) -> None:
        super().__init__()
        # sums so long are split among threads, in another way for each number of rows
        self._is_long = layer.in_features > _LONG * layer.out_features and layer.weight.dtype == torch.float32
        self._weight = torch.ops.mkldnn._reorder_linear_weight(layer.weight.detach(), _ROWS)
        self._bias, self._dtype, self._after = layer.bias, layer.weight.dtype, _after(slope)

    def forward(self, values: Tensor) -> Tensor:
        """Return `(..., outputs)`."""
        if self._is_long and values.ndim == 2:
            whole = functional.pad(values, (0, 0, 0, -len(values) % _ROWS))
            return torch.cat([self._run(rows) for rows in whole.split(_ROWS)])[: len(values)]
        return self._run(values)

    def _run(self, values: Tensor) -> Tensor:
        return torch.ops.mkldnn._linear_pointwise(
            values.to(self._dtype), self._weight, self._bias, *self._after
        )


class PackedConv(nn.Module):
    """A convolution, plain or transposed, with its rectifier; see `PackedDense`."""

    def __init__(self, layer: nn.Conv2d | nn.ConvTranspose2d, slope: float) -> None:
        super().__init__()
        self._kernel, self._bias = layer.weight, layer.bias
        ops, pads = torch.ops.mkldnn, [list(layer.padding)]
        if isinstance(layer, nn.ConvTranspose2d):
            pads.append(list(layer.output_padding))
            self._reorder = ops._reorder_convolution_transpose_weight
            self._run = ops._convolution_transpose_pointwise
        else:
            self._reorder, self._run = ops._reorder_convolution_weight, ops._convolution_pointwise
        self._ways = (*pads, list(layer.stride), list(layer.dilation), layer.groups)
        self._after = _after(slope)
        self._weights: dict[tuple[int, ...], Tensor] = {}  # by the shape of what comes in

    def forward(self, maps: Tensor) -> Tensor:
        """Return maps `(N, O, H, W)`."""
        shape = tuple(maps.shape[1:])
        weight = self._weights.get(shape)
        if weight is None:
            while len(self._weights) >= _KEPT:
                del self._weights[next(iter(self._weights))]
            weight = self._reorder(self._kernel.detach(), *self._ways, [1, *shape])
            self._weights[shape] = weight
        maps = maps.to(self._kernel.dtype).contiguous(memory_format=torch.channels_last)
        return self._run(maps, weight, self._bias, *self._ways, *self._after)


def _after(slope: float) -> tuple[str, list[float], str]:
    return ("none", [], "") if slope == 1 else ("leaky_relu", [slope], "")


def _pack(network: nn.Module) -> None:
    """Pack every layer that can be; in a sequence with the rectifier behind it."""
    for parent in list(network.modules()):
        children = [*parent._modules.items(), ("", None)]  # also those that come twice
        for (name, layer), (after_name, after) in list(pairwise(children)):
            if layer is None or not _can_be_packed(layer):
                continue
            slope = _slope(after) if isinstance(parent, nn.Sequential) else None
            made = PackedDense if isinstance(layer, nn.Linear) else PackedConv
            setattr(parent, name, made(layer, 1.0 if slope is None else slope))  # type: ignore[arg-type]
            if slope is not None:
                setattr(parent, after_name, nn.Identity())


def _can_be_packed(layer: nn.Module) -> bool:
    if type(layer) is nn.Linear:
        return True
    return (
        type(layer) in CONVOLUTIONS and layer.padding_mode == "zeros" and not isinstance(layer.padding, str)
    )


def _slope(layer: nn.Module | None) -> float | None:
    """Return the slope below 0 of a leaky rectifier, else None: fused, 0 would make 0 of what is no number."""
    return layer.negative_slope if type(layer) is nn.LeakyReLU and layer.negative_slope > 0 else None
