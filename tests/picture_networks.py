"""Networks from picture to picture as their own projects arrange and name their layers: plain torch, for comparison."""

from itertools import pairwise

import torch
from torch import nn
from torch.nn import functional


def norm_of(kind, width):
    """Return a norm; `kept` is an instance norm that keeps statistics, as early ones did."""
    if kind == "batch":
        return nn.BatchNorm2d(width)
    if kind == "none":
        return nn.Identity()
    return nn.InstanceNorm2d(width, affine=kind == "affine", track_running_stats=kind == "kept")


class Residual(nn.Module):
    """A block that holds its layers under one name."""

    def __init__(self, name, layers):
        super().__init__()
        self.name = name
        self.add_module(name, nn.Sequential(*layers))

    def forward(self, features):
        return features + getattr(self, self.name)(features)


class Halved(nn.Module):
    """A blur that halves."""

    def __init__(self, width):
        super().__init__()
        taps = torch.tensor([1.0, 2.0, 1.0])
        self.register_buffer("filt", (taps[:, None] * taps / 16).repeat(width, 1, 1, 1))

    def forward(self, features):
        padded = functional.pad(features, (1, 1, 1, 1), mode="reflect")
        return functional.conv2d(padded, self.filt, stride=2, groups=len(self.filt))


class Doubled(nn.Module):
    """A blur that doubles: zeros between the pixels, then a filter of 1 3 3 1."""

    def __init__(self, width):
        super().__init__()
        taps = torch.tensor([1.0, 3.0, 3.0, 1.0])
        self.register_buffer("filt", (taps[:, None] * taps / 16).repeat(width, 1, 1, 1))

    def forward(self, features):
        count, width, high, wide = features.shape
        padded = functional.pad(features, (1, 1, 1, 1), mode="replicate")
        spread = features.new_zeros(count, width, 2 * high + 4, 2 * wide + 4)
        spread[:, :, ::2, ::2] = padded
        spread = functional.pad(spread, (1, 1, 1, 1))
        blurred = functional.conv2d(spread, self.filt.flip(2, 3), groups=width)
        return blurred[:, :, 1 : 1 + 2 * high, 1 : 1 + 2 * wide]


class Translator(nn.Module):
    """A generator with residual blocks, its layers numbered under `model`."""

    def __init__(
        self, *, blocks=2, width=4, norm="instance", dropout=False, edge="reflect", ups="transposed", levels=2,
        blurs=False, inputs=3, outputs=3, name="conv_block",
    ):  # fmt: skip
        super().__init__()
        bias = norm not in ("batch", "none")
        pads = {"reflect": nn.ReflectionPad2d, "replicate": nn.ReplicationPad2d}

        def after(out):
            return [norm_of(norm, out), nn.ReLU()]

        def inner(wide):
            pad = [pads[edge](1)] if edge in pads else []
            return [*pad, nn.Conv2d(wide, wide, 3, padding=0 if pad else 1, bias=bias), norm_of(norm, wide)]

        layers = [nn.ReflectionPad2d(3), nn.Conv2d(inputs, width, 7, bias=bias), *after(width)]
        for level in range(levels):
            wide = width << level
            layers.append(nn.Conv2d(wide, 2 * wide, 3, 1 if blurs else 2, 1, bias=bias))
            layers += [*after(2 * wide), *([Halved(2 * wide)] if blurs else [])]
        deep = width << levels
        for _ in range(blocks):
            dropped = [nn.Dropout(0.5)] if dropout else []
            layers.append(Residual(name, [*inner(deep), nn.ReLU(), *dropped, *inner(deep)]))
        for level in reversed(range(levels)):
            out = width << level
            if ups == "transposed":
                layers.append(nn.ConvTranspose2d(2 * out, out, 3, 2, 1, 1, bias=bias))
            else:
                larger = Doubled(2 * out) if ups == "blur" else nn.Upsample(scale_factor=2)
                layers += [larger, nn.Conv2d(2 * out, out, 3, padding=1, bias=bias)]
            layers += after(out)
        layers += [nn.ReflectionPad2d(3), nn.Conv2d(width, outputs, 7), nn.Tanh()]
        self.model = nn.Sequential(*layers)

    def forward(self, pictures):
        return self.model(pictures)


class Shell(nn.Module):
    """One level of a U-Net, the next one inside."""

    def __init__(self, outer, wide, norm, inner=None, inputs=None):
        super().__init__()
        bias = norm != "batch"
        self.is_outermost = inputs is not None
        down = nn.Conv2d(inputs or outer, wide, 4, 2, 1, bias=bias)
        up = nn.ConvTranspose2d(wide * (2 if inner else 1), outer, 4, 2, 1, bias=bias or self.is_outermost)
        if self.is_outermost:
            layers = [down, inner, nn.ReLU(), up, nn.Tanh()]
        elif inner is None:
            layers = [nn.LeakyReLU(0.2), down, nn.ReLU(), up, norm_of(norm, outer)]
        else:
            layers = [
                nn.LeakyReLU(0.2),
                down,
                norm_of(norm, wide),
                inner,
                nn.ReLU(),
                up,
                norm_of(norm, outer),
            ]
            layers += [nn.Dropout(0.5)]
        self.model = nn.Sequential(*layers)

    def forward(self, features):
        made = self.model(features)
        return made if self.is_outermost else torch.cat((features, made), 1)


class Shells(nn.Module):
    """A U-Net whose levels lie within each other under `model`."""

    def __init__(self, *, widths=(4, 8, 8, 8), norm="batch", inputs=3, outputs=3):
        super().__init__()
        shell = None
        for outer, wide in reversed(list(pairwise(widths))):
            shell = Shell(outer, wide, norm, shell)
        self.model = Shell(outputs, widths[0], norm, shell, inputs)

    def forward(self, pictures):
        return self.model(pictures)


class Padded(nn.Module):
    """A convolution with its padding, of the network for styles."""

    def __init__(self, wide, out, kernel, stride=1, larger=False):
        super().__init__()
        self.larger = larger
        self.pad = nn.ReflectionPad2d(kernel // 2)
        self.conv2d = nn.Conv2d(wide, out, kernel, stride)

    def forward(self, features):
        features = functional.interpolate(features, scale_factor=2.0) if self.larger else features
        return self.conv2d(self.pad(features))


class StyleBlock(nn.Module):
    """A residual block of the network for styles."""

    def __init__(self, wide):
        super().__init__()
        self.conv1, self.in1 = Padded(wide, wide, 3), nn.InstanceNorm2d(wide, affine=True)
        self.conv2, self.in2 = Padded(wide, wide, 3), nn.InstanceNorm2d(wide, affine=True)

    def forward(self, features):
        return features + self.in2(self.conv2(self.in1(self.conv1(features)).relu()))


class Styler(nn.Module):
    """The network for styles, its layers by names; values of 0..255."""

    def __init__(self, width=4):
        super().__init__()
        sizes = [(3, width, 9, 1), (width, 2 * width, 3, 2), (2 * width, 4 * width, 3, 2)]
        for at, size in enumerate(sizes, 1):
            self.add_module(f"conv{at}", Padded(*size))
            self.add_module(f"in{at}", nn.InstanceNorm2d(size[1], affine=True))
        self.res1, self.res2 = StyleBlock(4 * width), StyleBlock(4 * width)
        self.deconv1 = Padded(4 * width, 2 * width, 3, larger=True)
        self.in4 = nn.InstanceNorm2d(2 * width, affine=True)
        self.deconv2 = Padded(2 * width, width, 3, larger=True)
        self.in5 = nn.InstanceNorm2d(width, affine=True)
        self.deconv3 = Padded(width, 3, 9)

    def forward(self, pictures):
        features = pictures
        for at in (1, 2, 3):
            features = getattr(self, f"in{at}")(getattr(self, f"conv{at}")(features)).relu()
        features = self.res2(self.res1(features))
        for at in (1, 2):
            features = getattr(self, f"in{at + 3}")(getattr(self, f"deconv{at}")(features)).relu()
        return self.deconv3(features)


def trained(network, seed=0):
    """Return a network with weights as after training: nothing is 0 or 1, and pictures keep their contrast."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for key, tensor in network.state_dict().items():
            if not tensor.is_floating_point() or key.endswith("filt"):
                continue
            noise = torch.randn(tensor.shape, generator=generator)
            if tensor.ndim == 4:
                tensor.copy_(noise / tensor[0].numel() ** 0.5)
            else:
                tensor.copy_(0.2 * noise if key.endswith(("bias", "mean")) else 1 + 0.2 * noise.abs())
    return network.eval()
