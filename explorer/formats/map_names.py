"""Older names of the tensors of autoencoders of maps, put into those that `models.map_plan` reads.

Two generations: the first ones of diffusers (attention as `query`, `proj_attn`; a sampler's convolution as `op`), and
those of the project that latent diffusion was published with (`decoder.up.0.block.1`, `mid.attn_1.q`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from torch import Tensor

_ENDS = {
    "query": "to_q", "key": "to_k", "value": "to_v", "proj_attn": "to_out.0",
    "q": "to_q", "k": "to_k", "v": "to_v", "proj_out": "to_out.0", "norm": "group_norm",
}  # fmt: skip
_IN_ATTENTION = re.compile(r"(\.attentions\.\d+)\.(" + "|".join(_ENDS) + r")(?=\.(?:weight|bias)$)")
_SAMPLER = re.compile(r"(samplers\.0)\.(?:op|Conv2d_0)\.")
_TURNED = re.compile(r"\.attentions\.\d+\.(?:to_[qkv]|to_out\.0)\.weight$")
_FIRST = re.compile(r"^(encoder|decoder)\.(?:down|up)\.(\d+)\.")
_OLD = re.compile(r"^(?:encoder|decoder)\.(?:(?:down|up)\.\d+\.block\.\d+|mid\.block_1)\.")
_RULES = (
    (re.compile(r"^(encoder)\.down\."), r"\1.down_blocks."),
    (re.compile(r"^(decoder)\.up\."), r"\1.up_blocks."),
    (re.compile(r"^((?:en|de)coder)\.mid\.block_1\."), r"\1.mid_block.resnets.0."),
    (re.compile(r"^((?:en|de)coder)\.mid\.block_2\."), r"\1.mid_block.resnets.1."),
    (re.compile(r"^((?:en|de)coder)\.mid\.attn_1\."), r"\1.mid_block.attentions.0."),
    (re.compile(r"(_blocks\.\d+)\.block\."), r"\1.resnets."),
    (re.compile(r"(_blocks\.\d+)\.attn\."), r"\1.attentions."),
    (re.compile(r"(_blocks\.\d+)\.(up|down)sample\.conv\."), r"\1.\2samplers.0.conv."),
    (re.compile(r"\.nin_shortcut\."), ".conv_shortcut."),
    (re.compile(r"^((?:en|de)coder)\.norm_out\."), r"\1.conv_norm_out."),
)


def modern(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return tensors by their present names; what attends, kept as 1x1 convolutions or not, as matrices."""
    keys = _renamed(tensors)
    return {keys[key]: _matrix(keys[key], tensor) for key, tensor in tensors.items()}


def _renamed(keys: Iterable[str]) -> dict[str, str]:
    """Return the present name of every key; where two would become one they stay as they are."""
    keys = list(keys)
    is_old = any(_OLD.match(key) for key in keys)
    last = _last_level(keys) if is_old else 0
    found = {}
    for key in keys:
        name = _turned_round(key, last) if is_old else key
        for pattern, text in _RULES if is_old else ():
            name = pattern.sub(text, name)
        name = _IN_ATTENTION.sub(lambda match: f"{match[1]}.{_ENDS[match[2]]}", name)
        found[key] = _SAMPLER.sub(r"\1.conv.", name)
    return found if len(set(found.values())) == len(keys) else {key: key for key in keys}


def _last_level(keys: list[str]) -> int:
    levels = [int(match[2]) for key in keys if (match := _FIRST.match(key)) and match[1] == "decoder"]
    return max(levels, default=0)


def _turned_round(key: str, last: int) -> str:
    """Return the key with its level counted in the order the levels are run; a decoder's were counted backwards."""
    match = _FIRST.match(key)
    if match is None or match[1] != "decoder":
        return key
    return f"decoder.up.{last - int(match[2])}.{key[match.end() :]}"


def _matrix(key: str, tensor: Tensor) -> Tensor:
    is_convolution = tensor.ndim == 4 and tensor.shape[2:] == (1, 1)
    return tensor[:, :, 0, 0] if is_convolution and _TURNED.search(key) else tensor
