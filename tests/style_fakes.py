"""A tiny StyleGAN2 with fixed random weights, as readers return one."""

import itertools
import math


def tiny_style(side: int = 16, w_dim: int = 8, classes: int = 0, seed: int = 0, name: str = "tiny style"):
    """Return a real StyleGAN2 of `side` x `side` colour pictures; `classes` 0 for one without."""
    import torch

    from explorer.models import style
    from explorer.models.base import ImageSpec
    from explorer.models.stylegan2 import StyleGan2

    with torch.random.fork_rng():
        torch.manual_seed(seed)
        network = StyleGan2(_config(side, w_dim, classes))
        filled(network)
    return style.wrap(network, name=name, architecture="stylegan2", image=ImageSpec(3, side, side))


def filled(network):
    """Give a network weights as they are when training begins, but with noise, biases and an average that count."""
    import torch

    taps = torch.tensor([1.0, 3.0, 3.0, 1.0])
    low_pass = torch.outer(taps, taps) / 64
    with torch.no_grad():
        for key, tensor in [*network.named_parameters(), *network.named_buffers()]:
            if key.endswith("resample_filter"):
                tensor.copy_(low_pass)
            elif key.endswith("affine.bias"):
                tensor.fill_(1.0)
            elif key.endswith(("bias", "noise_strength")):
                tensor.normal_(0, 0.3)
            elif key.startswith("mapping.fc") and key.endswith("weight"):
                tensor.normal_(0, 100.0)
            else:
                tensor.normal_()


def _config(side, w_dim, classes):
    from explorer.models.style_layers import MappingConfig
    from explorer.models.stylegan2_config import (
        BlockConfig,
        StyleGan2Config,
        usual_conv,
        usual_dense,
        usual_torgb,
    )

    embed = usual_dense(classes, w_dim) if classes else None
    widths = [w_dim * (2 if classes else 1), w_dim, w_dim]
    layers = tuple(usual_dense(a, b, "lrelu", 0.01) for a, b in itertools.pairwise(widths))
    mapping = MappingConfig(w_dim, w_dim, layers, c_dim=classes, embed=embed)
    blocks = []
    for power in range(2, int(math.log2(side)) + 1):
        size, shared = 2**power, {"noise": (2**power, 2**power), "filter": (4, 4)}
        first = power == 2
        blocks.append(
            BlockConfig(
                f"b{size}",
                conv1=usual_conv(w_dim, w_dim, w_dim, **shared),
                const=(w_dim, 4, 4) if first else None,
                conv0=None if first else usual_conv(w_dim, w_dim, w_dim, up=2, **shared),
                torgb=usual_torgb(w_dim, 3, w_dim),
                filter=(4, 4),
            )
        )
    return StyleGan2Config(mapping, tuple(blocks))
