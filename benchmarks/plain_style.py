"""StyleGAN2 and StyleGAN3 as the papers' own programs compute them: the baseline of what is faster.

Weights are modulated for each picture and convolved in groups, maps are enlarged by a transposed convolution or by
zeros between the samples, and every filter is a convolution of its own, one channel at a time. Written from the papers
(arXiv:1912.04958, sections 2.2 and 3 and appendix B; arXiv:2106.12423, section 3 and appendix C); all in float32,
eager. Weights are those of the program's networks, of `skip` generators with constant noise.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.nn import functional

if TYPE_CHECKING:
    from explorer.models.style_layers import Dense, Mapping
    from explorer.models.stylegan2 import StyleGan2
    from explorer.models.stylegan3 import StyleGan3

_EPSILON = 1e-8


def pictures(network: StyleGan2 | StyleGan3, z: Tensor) -> Tensor:
    """Return native pictures `(N, C, H, W)` of codes `(N, z_dim)`."""
    w = _mapped(network.mapping, z)
    return _stylegan3(network, w) if hasattr(network.synthesis, "input") else _stylegan2(network, w)  # type: ignore[arg-type]


def _mapped(mapping: Mapping, z: Tensor) -> Tensor:
    x = z * (z.square().mean(1, keepdim=True) + _EPSILON).rsqrt()
    for index in range(len(mapping.config.layers)):
        x = functional.leaky_relu(_dense(getattr(mapping, f"fc{index}"), x), 0.2) * math.sqrt(2)
    return x


def _dense(layer: Dense, x: Tensor) -> Tensor:
    """Apply a dense layer without its activation."""
    assert layer.bias is not None
    return torch.addmm(layer.bias * layer.config.bias_gain, x, (layer.weight * layer.config.weight_gain).T)


# ---- StyleGAN2 ----


def _stylegan2(network: StyleGan2, w: Tensor) -> Tensor:
    x = image = None
    for config in network.config.blocks:
        block: Any = getattr(network.synthesis, config.name)
        x = block.const[None].repeat(len(w), 1, 1, 1) if x is None else _convolved(block.conv0, x, w)
        x = _convolved(block.conv1, x, w)
        drawn = _drawn(block.torgb, x, w)
        image = (
            drawn
            if image is None
            else _resampled(image, block.resample_filter, 2, 1, (2, 1, 2, 1), 4) + drawn
        )
    assert image is not None
    return image


def _convolved(layer: Any, x: Tensor, w: Tensor) -> Tensor:
    """Run a layer between maps: modulated convolution, filter, noise, bias, activation."""
    config = layer.config
    x = _modulated(x, layer.weight, _dense(layer.affine, w), config.up, layer.resample_filter)
    if layer.noise_const is not None:
        x = x + layer.noise_const * layer.noise_strength
    x = functional.leaky_relu(x + layer.bias.reshape(1, -1, 1, 1), 0.2) * config.gain
    return x if config.clamp is None else x.clamp(-config.clamp, config.clamp)


def _drawn(layer: Any, x: Tensor, w: Tensor) -> Tensor:
    styles = _dense(layer.affine, w) * layer.config.weight_gain
    x = _grouped(x, layer.weight[None] * styles[:, None, :, None, None]) + layer.bias.reshape(1, -1, 1, 1)
    return x if layer.config.clamp is None else x.clamp(-layer.config.clamp, layer.config.clamp)


def _modulated(x: Tensor, weight: Tensor, styles: Tensor, up: int, low_pass: Tensor) -> Tensor:
    """Convolve with weights of its own for each picture, enlarging `up` times."""
    each = weight[None] * styles[:, None, :, None, None]  # (N, O, I, k, k)
    each = each * (each.square().sum((2, 3, 4), keepdim=True) + _EPSILON).rsqrt()
    if up == 1:
        return _grouped(x, each, padding=weight.shape[-1] // 2)
    count, outputs, inputs = each.shape[:3]
    kernels = each.transpose(1, 2).reshape(count * inputs, outputs, *weight.shape[2:])
    y = functional.conv_transpose2d(
        x.reshape(1, -1, *x.shape[2:]), kernels, stride=up, groups=count
    )  # (1, N * O, 2 H + 1, 2 W + 1)
    y = y.reshape(count, outputs, *y.shape[2:])
    return _resampled(y, low_pass, 1, 1, (1, 1, 1, 1), up**2)


def _grouped(x: Tensor, each: Tensor, padding: int = 0) -> Tensor:
    """Convolve maps `(N, I, H, W)` with kernels `(N, O, I, k, k)`, a group a picture."""
    count, outputs = each.shape[:2]
    y = functional.conv2d(x.reshape(1, -1, *x.shape[2:]), each.flatten(0, 1), padding=padding, groups=count)
    return y.reshape(count, outputs, *y.shape[2:])


# ---- StyleGAN3 ----


def _stylegan3(network: StyleGan3, w: Tensor) -> Tensor:
    parts = network.synthesis
    x = _waves(parts.input, w)
    for config in network.config.layers:
        x = _filtered(getattr(parts, config.name), x, w)
    return x * network.config.scale


def _waves(layer: Any, w: Tensor) -> Tensor:
    """Return the maps of the first layer, `(N, C, H, W)`."""
    config = layer.config
    t = _dense(layer.affine, w)
    t = t / t[:, :2].norm(dim=1, keepdim=True)
    turn = torch.eye(3).repeat(len(w), 1, 1)
    turn[:, 0, 0], turn[:, 0, 1], turn[:, 1, 0], turn[:, 1, 1] = t[:, 0], -t[:, 1], t[:, 1], t[:, 0]
    shift = torch.eye(3).repeat(len(w), 1, 1)
    shift[:, 0, 2], shift[:, 1, 2] = -t[:, 2], -t[:, 3]
    moved = turn @ shift @ layer.transform
    phases = layer.phases + (layer.freqs @ moved[:, :2, 2:]).squeeze(2)
    freqs = layer.freqs @ moved[:, :2, :2]
    room = config.sampling_rate / 2 - config.bandwidth
    heights = (1 - (freqs.norm(dim=2) - config.bandwidth) / room).clamp(0, 1)
    width, height = config.size
    reach = torch.diag(
        torch.tensor([width / config.sampling_rate / 2, height / config.sampling_rate / 2, 1.0])
    )
    places = functional.affine_grid(reach[None, :2], [1, 1, height, width], align_corners=False)
    angles = (places[..., None, :] @ freqs.transpose(1, 2)[:, None, None]).squeeze(3)  # (N, H, W, C)
    waves = torch.sin((angles + phases[:, None, None]) * (2 * math.pi)) * heights[:, None, None]
    return (waves @ (layer.weight / math.sqrt(config.channels)).T).permute(0, 3, 1, 2)


def _filtered(layer: Any, x: Tensor, w: Tensor) -> Tensor:
    """Run a layer: modulated convolution, then the activation between an enlargement and a reduction."""
    config, weight = layer.config, layer.weight
    styles = _dense(layer.affine, w)
    if config.draws:
        styles = styles / math.sqrt(config.inputs * config.kernel**2)
        each = weight[None] * styles[:, None, :, None, None]
    else:
        weight = weight * weight.square().mean((1, 2, 3), keepdim=True).rsqrt()
        styles = styles * styles.square().mean().rsqrt()
        each = weight[None] * styles[:, None, :, None, None]
        each = each * (each.square().sum((2, 3, 4), keepdim=True) + _EPSILON).rsqrt()
    x = _grouped(x, each * layer.magnitude_ema.rsqrt(), padding=config.kernel - 1)
    x = x + layer.bias.reshape(1, -1, 1, 1)
    x = _resampled(x, layer.up_filter, config.up, 1, config.padding, config.up**2)
    if not config.draws:
        x = functional.leaky_relu(x, 0.2) * math.sqrt(2)
    x = x if config.clamp is None else x.clamp(-config.clamp, config.clamp)
    return _resampled(x, layer.down_filter, 1, config.down, (0, 0, 0, 0), 1)


# ---- filters ----


def _resampled(
    x: Tensor, low_pass: Tensor | None, up: int, down: int, pads: tuple[int, int, int, int], gain: float
) -> Tensor:
    """Put zeros between the samples, pad or crop, filter each channel, keep every `down`-th sample.

    Args:
        x: `(N, C, H, W)`.
        low_pass: `(taps,)` for both axes or `(h, w)`; None for none.
        up, down: how many times the maps are enlarged, then reduced.
        pads: left, right, top, bottom; negative ones crop.
        gain: of the filter.
    """
    count, channels, height, width = x.shape
    x = x.reshape(count, channels, height, 1, width, 1)
    x = functional.pad(x, (0, up - 1, 0, 0, 0, up - 1)).reshape(count, channels, height * up, width * up)
    left, right, top, bottom = pads
    x = functional.pad(x, (max(left, 0), max(right, 0), max(top, 0), max(bottom, 0)))
    x = x[:, :, max(-top, 0) : x.shape[2] - max(-bottom, 0), max(-left, 0) : x.shape[3] - max(-right, 0)]
    if low_pass is None:
        return (x * gain)[:, :, ::down, ::down]
    kernel = (low_pass * gain ** (low_pass.ndim / 2)).flip(tuple(range(low_pass.ndim)))
    kernels = [kernel[None]] if low_pass.ndim == 2 else [kernel[None, None, :], kernel[None, :, None]]
    for each in kernels:
        x = functional.conv2d(
            x,
            each[:, None].expand(channels, 1, -1, -1).reshape(channels, 1, *each.shape[1:]),
            groups=channels,
        )
    return x[:, :, ::down, ::down]
