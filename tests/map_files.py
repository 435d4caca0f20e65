"""Autoencoders of maps as other programs lay them out: random weights by name, and what they do, written out plainly.

What is computed here is the measure of the networks in `explorer.models`; nothing of them is used.
"""

import json
import re

import torch
from safetensors.torch import save_file
from torch.nn import functional

OLD_ENDS = {"to_q": "query", "to_k": "key", "to_v": "value", "to_out.0": "proj_attn"}
FIRST_ENDS = {"group_norm": "norm", "to_q": "q", "to_k": "k", "to_v": "v", "to_out.0": "proj_out"}


# ---- weights ----


class Weights(dict):
    """A state dict that is filled layer by layer."""

    def __init__(self, seed=0):
        super().__init__()
        self.random = torch.Generator().manual_seed(seed)

    def draw(self, name, *shape, scale=1.0, around=0.0):
        self[name] = around + scale * torch.randn(*shape, generator=self.random)

    def conv(self, name, wide, out, side=3, bias=True):
        self.draw(f"{name}.weight", out, wide, side, side, scale=(wide * side * side) ** -0.5)
        if bias:
            self.draw(f"{name}.bias", out, scale=0.2)

    def linear(self, name, width):
        self.draw(f"{name}.weight", width, width, scale=width**-0.5)
        self.draw(f"{name}.bias", width, scale=0.2)

    def norm(self, name, width, steered=0):
        inner = f"{name}.norm_layer" if steered else name
        self.draw(f"{inner}.weight", width, scale=0.2, around=1.0)
        self.draw(f"{inner}.bias", width, scale=0.2)
        if steered:
            self.conv(f"{name}.conv_y", steered, width, 1)
            self.conv(f"{name}.conv_b", steered, width, 1)

    def residual(self, name, wide, out, steered=0):
        self.norm(f"{name}.norm1", wide, steered)
        self.conv(f"{name}.conv1", wide, out)
        self.norm(f"{name}.norm2", out, steered)
        self.conv(f"{name}.conv2", out, out)
        if wide != out:
            self.conv(f"{name}.conv_shortcut", wide, out, 1)

    def attention(self, name, width, steered=0):
        self.norm(f"{name}.spatial_norm" if steered else f"{name}.group_norm", width, steered)
        for part in OLD_ENDS:
            self.linear(f"{name}.{part}", width)

    def half(self, part, ends, widths, layers, attends, middle, steered=0):
        """`ends`: channels in and out; `widths` in the order they are run."""
        up = part == "decoder"
        inner = widths[0] if up else widths[-1]
        self.conv(f"{part}.conv_in", ends[0], widths[0])
        wide = widths[0]
        for level, width in enumerate(widths):
            name = f"{part}.{'up' if up else 'down'}_blocks.{level}"
            for index in range(layers + up):
                self.residual(f"{name}.resnets.{index}", wide, width, steered)
                if attends == level:
                    self.attention(f"{name}.attentions.{index}", width, steered)
                wide = width
            if level < len(widths) - 1:
                self.conv(f"{name}.{'up' if up else 'down'}samplers.0.conv", width, width)
        for index in range(2):
            self.residual(f"{part}.mid_block.resnets.{index}", inner, inner, steered)
        if middle:
            self.attention(f"{part}.mid_block.attentions.0", inner, steered)
        self.norm(f"{part}.conv_norm_out", wide, steered)
        self.conv(f"{part}.conv_out", wide, ends[1])


def kl(
    widths=(8, 16),
    layers=1,
    latent=4,
    channels=3,
    *,
    attends=None,
    middle=True,
    quant=True,
    post=True,
    seed=0,
):
    """Weights of an AutoencoderKL; `attends` is the encoder's level with attention."""
    made = Weights(seed)
    last = len(widths) - 1
    made.half("encoder", (channels, 2 * latent), widths, layers, attends, middle)
    up = None if attends is None else last - attends
    made.half("decoder", (latent, channels), widths[::-1], layers, up, middle)
    if quant:
        made.conv("quant_conv", 2 * latent, 2 * latent, 1)
    if post:
        made.conv("post_quant_conv", latent, latent, 1)
    return made


def vq(widths=(8, 16), layers=1, latent=3, width=5, count=20, *, attends=None, steered=False, seed=0):
    """Weights of a VQModel; `steered`: its decoder's norms are made of the code."""
    made = Weights(seed)
    up = None if attends is None else len(widths) - 1 - attends
    made.half("encoder", (3, latent), widths, layers, attends, True)
    made.half("decoder", (latent, 3), widths[::-1], layers, up, True, width if steered else 0)
    made.conv("quant_conv", latent, width, 1)
    made.conv("post_quant_conv", width, latent, 1)
    made.draw("quantize.embedding.weight", count, width)
    return made


def tiny(width=6, latent=4, channels=3, blocks=(1, 2), seed=0):
    """Weights of an AutoencoderTiny that halves twice; `blocks` of each half at the smallest maps."""
    made = Weights(seed)
    row = ["conv", *["block"] * 1, "bare", "block", "bare", *["block"] * blocks[0], "last"]
    _row(made, "encoder", row, (channels, width, latent))
    row = ["conv", "", *["block"] * blocks[1], "", "bare", "block", "", "bare", "block", "last"]
    _row(made, "decoder", row, (latent, width, channels))
    return made


def _row(made, part, row, widths):
    wide, width, out = widths
    for index, kind in enumerate(row):
        name = f"{part}.layers.{index}"
        if kind == "block":
            for at in (0, 2, 4):
                made.conv(f"{name}.conv.{at}", width, width)
        elif kind:
            made.conv(
                name, wide if kind == "conv" else width, out if kind == "last" else width, bias=kind != "bare"
            )


# ---- what they do ----


def _conv(held, name, maps, **how):
    return functional.conv2d(maps, held[f"{name}.weight"], held.get(f"{name}.bias"), **how)


def _norm(held, name, maps, groups, code=None):
    if f"{name}.norm_layer.weight" not in held:
        return functional.group_norm(maps, groups, held[f"{name}.weight"], held[f"{name}.bias"], 1e-6)
    times = maps.shape[-1] // code.shape[-1]
    code = code.repeat_interleave(times, -1).repeat_interleave(times, -2)
    inner = f"{name}.norm_layer"
    normed = functional.group_norm(maps, 32, held[f"{inner}.weight"], held[f"{inner}.bias"], 1e-6)
    return normed * _conv(held, f"{name}.conv_y", code) + _conv(held, f"{name}.conv_b", code)


def _residual(held, name, maps, groups, code=None, act=functional.silu):
    inner = _conv(held, f"{name}.conv1", act(_norm(held, f"{name}.norm1", maps, groups, code)), padding=1)
    inner = _conv(held, f"{name}.conv2", act(_norm(held, f"{name}.norm2", inner, groups, code)), padding=1)
    is_wider = f"{name}.conv_shortcut.weight" in held
    return inner + (_conv(held, f"{name}.conv_shortcut", maps) if is_wider else maps)


def _attention(held, name, maps, groups, code=None):
    normed = _norm(held, f"{name}.group_norm" if code is None else f"{name}.spatial_norm", maps, groups, code)
    rows = normed.flatten(2).transpose(1, 2)
    q, k, v = (
        rows @ held[f"{name}.{x}.weight"].T + held[f"{name}.{x}.bias"] for x in ("to_q", "to_k", "to_v")
    )
    seen = torch.softmax(q @ k.transpose(1, 2) / q.shape[-1] ** 0.5, -1) @ v
    seen = seen @ held[f"{name}.to_out.0.weight"].T + held[f"{name}.to_out.0.bias"]
    return maps + seen.transpose(1, 2).reshape(maps.shape)


def _half(held, part, maps, groups, code=None, act=functional.silu):
    up = part == "decoder"
    maps = _conv(held, f"{part}.conv_in", maps, padding=1)
    if up:
        maps = _middle(held, part, maps, groups, code, act)
    for level in range(10):
        maps = _level(held, f"{part}.{'up' if up else 'down'}_blocks.{level}", maps, groups, code, act)
    if not up:
        maps = _middle(held, part, maps, groups, code, act)
    maps = functional.silu(_norm(held, f"{part}.conv_norm_out", maps, groups, code))
    return _conv(held, f"{part}.conv_out", maps, padding=1)


def _level(held, name, maps, groups, code, act):
    for index in range(10):
        if f"{name}.resnets.{index}.conv1.weight" in held:
            maps = _residual(held, f"{name}.resnets.{index}", maps, groups, code, act)
        if f"{name}.attentions.{index}.to_q.weight" in held:
            maps = _attention(held, f"{name}.attentions.{index}", maps, groups, code)
    if f"{name}.upsamplers.0.conv.weight" in held:
        maps = maps.repeat_interleave(2, -1).repeat_interleave(2, -2)
        maps = _conv(held, f"{name}.upsamplers.0.conv", maps, padding=1)
    if f"{name}.downsamplers.0.conv.weight" in held:
        padded = torch.zeros(*maps.shape[:2], maps.shape[2] + 1, maps.shape[3] + 1)
        padded[:, :, :-1, :-1] = maps
        maps = _conv(held, f"{name}.downsamplers.0.conv", padded, stride=2)
    return maps


def _middle(held, part, maps, groups, code, act):
    maps = _residual(held, f"{part}.mid_block.resnets.0", maps, groups, code, act)
    if f"{part}.mid_block.attentions.0.to_q.weight" in held:
        maps = _attention(held, f"{part}.mid_block.attentions.0", maps, groups, code)
    return _residual(held, f"{part}.mid_block.resnets.1", maps, groups, code, act)


def decode(held, codes, groups=4, act=functional.silu):
    """Pictures of codes, by AutoencoderKL or VQModel."""
    if (vectors := held.get("quantize.embedding.weight")) is not None:
        places = codes.movedim(1, -1)
        distances = (places[..., None, :] - vectors).square().sum(-1)
        codes = vectors[distances.argmin(-1)].movedim(-1, 1)
    code = codes if "decoder.conv_norm_out.conv_y.weight" in held else None
    maps = _conv(held, "post_quant_conv", codes) if "post_quant_conv.weight" in held else codes
    return _half(held, "decoder", maps, groups, code, act)


def encode(held, images, groups=4, act=functional.silu):
    """What an encoder gives: mean and log variance in one, or a code."""
    maps = _half(held, "encoder", images, groups, act=act)
    return _conv(held, "quant_conv", maps) if "quant_conv.weight" in held else maps


def _tiny_row(held, part, maps):
    last = max(int(key.split(".")[2]) for key in held if key.startswith(part))
    for index in range(last + 1):
        name = f"{part}.layers.{index}"
        if f"{name}.conv.0.weight" in held:
            inner = _conv(held, f"{name}.conv.0", maps, padding=1).relu()
            inner = _conv(held, f"{name}.conv.2", inner, padding=1).relu()
            maps = (_conv(held, f"{name}.conv.4", inner, padding=1) + maps).relu()
        elif f"{name}.weight" in held:
            halves = part == "encoder" and f"{name}.bias" not in held
            maps = _conv(held, name, maps, padding=1, stride=2 if halves else 1)
        else:
            maps = maps.relu() if index == 1 else maps.repeat_interleave(2, -1).repeat_interleave(2, -2)
    return maps


def tiny_decode(held, codes):
    """Pictures -1..1 of codes, by AutoencoderTiny."""
    return _tiny_row(held, "decoder", 3 * torch.tanh(codes / 3)) * 2 - 1


def tiny_encode(held, images):
    """Codes of pictures -1..1, by AutoencoderTiny."""
    return _tiny_row(held, "encoder", images * 0.5 + 0.5)


# ---- files ----


def write(folder, tensors, cls="AutoencoderKL", name="diffusion_pytorch_model.safetensors", **said):
    """Write a folder with a description and one file of weights; `.bin` by torch. Return it."""
    folder.mkdir(parents=True, exist_ok=True)
    described = {"_class_name": cls, "_diffusers_version": "0.30.0", "norm_num_groups": 4, "sample_size": 16}
    described = {key: value for key, value in (described | said).items() if value is not None}
    (folder / "config.json").write_text(json.dumps(described))
    save(tensors, folder / name)
    return folder


def save(tensors, path):
    """Write a file of weights."""
    plain = {key: tensor.contiguous() for key, tensor in tensors.items()}
    torch.save(plain, path) if path.suffix in (".bin", ".ckpt") else save_file(plain, path)


def shard(folder, tensors, count, suffix="safetensors", variant=""):
    """Write weights into several files, and the index that names them."""
    keys = list(tensors)
    places = {}
    for at in range(count):
        name = f"diffusion_pytorch_model{variant}-{at + 1:05}-of-{count:05}.{suffix}"
        save({key: tensors[key] for key in keys[at::count]}, folder / name)
        places |= dict.fromkeys(keys[at::count], name)
    index = folder / f"diffusion_pytorch_model.{suffix}.index{variant}.json"
    index.write_text(json.dumps({"metadata": {}, "weight_map": places}))
    return index


def with_old_attention(tensors, as_convolutions=False):
    """Weights by the names that the first versions gave to what attends."""
    found = {}
    for key, tensor in tensors.items():
        for now, old in OLD_ENDS.items():
            key = re.sub(rf"(attentions\.\d+)\.{re.escape(now)}\.", rf"\1.{old}.", key)
        turn = as_convolutions and re.search(r"attentions\.\d+\.(query|key|value|proj_attn)\.weight$", key)
        found[key] = tensor[:, :, None, None] if turn else tensor
    return found


def with_first_names(tensors, levels):
    """Weights by the names of the project that latent diffusion was published with."""
    found = {}
    for key, tensor in tensors.items():
        is_attention = "attentions" in key
        key = re.sub(r"up_blocks\.(\d+)", lambda match: f"up.{levels - 1 - int(match[1])}", key)
        key = key.replace("down_blocks", "down").replace("conv_norm_out", "norm_out")
        key = re.sub(r"mid_block\.resnets\.(\d)", lambda match: f"mid.block_{int(match[1]) + 1}", key)
        key = key.replace("mid_block.attentions.0", "mid.attn_1").replace("attentions", "attn")
        key = key.replace("resnets", "block").replace("conv_shortcut", "nin_shortcut")
        key = re.sub(r"(up|down)samplers\.0\.conv", r"\1sample.conv", key)
        for now, old in FIRST_ENDS.items() if is_attention else ():
            key = key.replace(f".{now}.", f".{old}.")
        found[key] = tensor[:, :, None, None] if is_attention and tensor.ndim == 2 else tensor
    return found
