"""Generators as NVIDIA's PyTorch programs pickle them, small and random, and what they draw, worked out plainly."""

import io
import math
import pickle
import sys
import types

import numpy as np
import torch
from torch.nn import functional

SOURCE = "# the text of a module, never run\n"


class Persistent:
    """A module: pickled, it becomes a call of NVIDIA's own function with the text of its program."""

    def __init__(self, cls, tensors=(), modules=(), source=SOURCE, buffers=(), **attributes):
        self.cls, self.source = cls, source
        self.parameters, self.buffers, self.modules = dict(tensors), dict(buffers), dict(modules)
        self.attributes = attributes

    def __reduce__(self):
        state = {
            "training": False,
            "_parameters": {name: torch.nn.Parameter(value) for name, value in self.parameters.items()},
            "_buffers": self.buffers,
            "_modules": self.modules,
            **self.attributes,
        }
        meta = {
            "type": "class",
            "version": 6,
            "module_src": self.source,
            "class_name": self.cls,
            "state": state,
        }
        return _rebuild(), (meta,)

    def tensors(self, prefix=""):
        found = {prefix + name: value for name, value in {**self.parameters, **self.buffers}.items()}
        for name, module in self.modules.items():
            found |= module.tensors(f"{prefix}{name}.")
        return found


def _rebuild():
    return sys.modules["torch_utils.persistence"]._reconstruct_persistent_obj


def pickled(content, protocol=None):
    """Return a pickle in which modules are what NVIDIA's program makes of them."""
    module = types.ModuleType("torch_utils.persistence")

    def _reconstruct_persistent_obj(meta):
        raise AssertionError("nothing is rebuilt")

    _reconstruct_persistent_obj.__module__ = module.__name__
    _reconstruct_persistent_obj.__qualname__ = "_reconstruct_persistent_obj"
    module._reconstruct_persistent_obj = _reconstruct_persistent_obj
    before = {name: sys.modules.get(name) for name in ("torch_utils", module.__name__)}
    sys.modules.update({"torch_utils": types.ModuleType("torch_utils"), module.__name__: module})
    try:
        buffer = io.BytesIO()
        pickle.dump(content, buffer, protocol)
        return buffer.getvalue()
    finally:
        for name, was in before.items():
            sys.modules.pop(name)
            if was is not None:
                sys.modules[name] = was


def drawing(seed):
    generator = torch.Generator().manual_seed(seed)
    return lambda *shape: torch.randn(shape, generator=generator)


def dense(draw, inputs, outputs, activation="linear", multiplier=1.0, bias=0.0):
    return Persistent(
        "FullyConnectedLayer",
        {"weight": draw(outputs, inputs) / multiplier, "bias": (draw(outputs) * 0.3 + bias) / multiplier},
        activation=activation,
        weight_gain=multiplier / math.sqrt(inputs),
        bias_gain=multiplier,
    )


def mapping(draw, z=6, w=5, classes=0, layers=2):
    modules = {"embed": dense(draw, classes, w)} if classes else {}
    for index in range(layers):
        inputs = w if index else z + (w if classes else 0)
        modules[f"fc{index}"] = dense(draw, inputs, w, "lrelu", 0.01)
    return Persistent(
        "MappingNetwork",
        modules=modules,
        buffers={"w_avg": draw(w)},
        z_dim=z,
        c_dim=classes,
        w_dim=w,
        num_ws=9,
        num_layers=layers,
    )


def low_pass(*values):
    line = torch.tensor(values)
    return torch.outer(line, line) / line.sum() ** 2


# ---- StyleGAN2 ----


def stylegan2(
    seed=0, z=6, w=5, classes=0, colours=3, first=(4, 4), widths=(6, 5, 4), kind="skip", clamp=256, noise=True,
    fir=(1.0, 3.0, 3.0, 1.0), activation="lrelu", old=False,
):  # fmt: skip
    """Return a generator; `old` as ADA wrote it, with fewer attributes."""
    draw, blocks = drawing(seed), {}
    low = low_pass(*fir)
    gain = math.sqrt(2)

    def conv(inputs, outputs, size, up=1):
        kept = {"noise_const": draw(*size)} if noise else {}
        strength = {"noise_strength": draw() * 0.3} if noise else {}
        return Persistent(
            "SynthesisLayer",
            {"weight": draw(outputs, inputs, 3, 3), **strength, "bias": draw(outputs)},
            {"affine": dense(draw, w, inputs, bias=1)},
            buffers={"resample_filter": low, **kept},
            up=up,
            use_noise=noise,
            activation=activation,
            conv_clamp=clamp,
            padding=1,
            act_gain=gain,
            resolution=size[0],
        )

    size, before = first, 0
    for index, width in enumerate(widths):
        size = (first[0] << index, first[1] << index)
        modules = {"conv0": conv(before, width, size, 2)} if index else {}
        modules["conv1"] = conv(width, width, size)
        last = index == len(widths) - 1
        if kind == "skip" or last:
            modules["torgb"] = Persistent(
                "ToRGBLayer",
                {"weight": draw(colours, width, 1, 1), "bias": draw(colours)},
                {"affine": dense(draw, w, width, bias=1)},
                conv_clamp=clamp,
                weight_gain=1 / math.sqrt(width),
            )
        if kind == "resnet" and index:
            modules["skip"] = Persistent(
                "Conv2dLayer",
                {"weight": draw(width, before, 1, 1)},
                buffers={"resample_filter": low},
                activation="linear",
                up=2,
                down=1,
                conv_clamp=None,
                padding=0,
                weight_gain=1 / math.sqrt(before),
                act_gain=1,
            )
        more = {} if old else {"architecture": kind, "channels_last": False, "use_fp16": not last}
        blocks[f"b{size[0]}"] = Persistent(
            "SynthesisBlock",
            {} if index else {"const": draw(width, *first)},
            modules,
            buffers={"resample_filter": low},
            num_conv=2 if index else 1,
            num_torgb=int("torgb" in modules),
            is_last=last,
            **more,
        )
        before = width
    synthesis = Persistent("SynthesisNetwork", modules=blocks, w_dim=w)
    parts = {"synthesis": synthesis, "mapping": mapping(draw, z, w, classes)}
    return Persistent("Generator", modules=parts, z_dim=z, c_dim=classes, w_dim=w)


def plain_dense(module, x):
    attributes = module.attributes
    weight, bias = module.parameters["weight"], module.parameters["bias"]
    y = x @ (weight * attributes["weight_gain"]).T + bias * attributes["bias_gain"]
    return functional.leaky_relu(y, 0.2) * math.sqrt(2) if attributes["activation"] == "lrelu" else y


def plain_w(generator, z, labels=None):
    """Return w `(N, w)` of codes."""
    network = generator.modules["mapping"]
    x = z / (z.square().mean(1, keepdim=True) + 1e-8).sqrt()
    if labels is not None:
        one_hot = torch.eye(network.attributes["c_dim"])[torch.as_tensor(labels)]
        y = plain_dense(network.modules["embed"], one_hot)
        x = torch.cat([x, y / (y.square().mean(1, keepdim=True) + 1e-8).sqrt()], 1)
    for name, layer in network.modules.items():
        x = plain_dense(layer, x) if name != "embed" else x
    return x


def stuffed(x, up):
    y = torch.zeros(*x.shape[:2], x.shape[2] * up, x.shape[3] * up)
    y[:, :, ::up, ::up] = x
    return y


def plain_fir(x, low, pads):
    """Convolve every channel, after padding (left, right, top, bottom)."""
    kernel = low.flip(0, 1)[None, None].expand(x.shape[1], 1, -1, -1)
    return functional.conv2d(functional.pad(x, pads), kernel, groups=x.shape[1])


def doubled(x, low, margin=0):
    taps = len(low)
    before, behind = (taps + 1) // 2 + margin, (taps - 2) // 2 + margin
    return plain_fir(stuffed(x, 2), low * 4, (before, behind, before, behind))


def plain_conv(module, x, w, noise, gain=1.0, demodulate=True):
    """One layer on one picture: the weights of its style, zeros between pixels, a filter, a true convolution."""
    attributes, held = module.attributes, module.parameters
    style = plain_dense(module.modules["affine"], w)[0] * attributes.get("weight_gain", 1.0)
    weight = held["weight"] * style[None, :, None, None]
    if demodulate:
        weight = weight / (weight.square().sum((1, 2, 3), keepdim=True) + 1e-8).sqrt()
    padding = weight.shape[-1] // 2
    if attributes.get("up", 1) == 2:
        x, weight, padding = doubled(x, module.buffers["resample_filter"], padding), weight.flip(2, 3), 0
    y = functional.conv2d(x, weight, padding=padding)
    if noise and "noise_const" in module.buffers:
        y = y + module.buffers["noise_const"] * held["noise_strength"]
    y = y + held["bias"][:, None, None]
    if demodulate:
        slope = {"lrelu": 0.2, "relu": 0.0}[attributes["activation"]]
        y = functional.leaky_relu(y, slope) * attributes["act_gain"] * gain
    limit = attributes["conv_clamp"]
    return y if limit is None else y.clamp(-limit * gain, limit * gain)


def plain_stylegan2(generator, ws, noise=True):
    """Return pictures of `(N, styles, w)`, one by one."""
    pictures = []
    for one in ws:
        at, image, x = 0, None, None
        for block in generator.modules["synthesis"].modules.values():
            modules, gain = block.modules, 1.0
            if x is None:
                x = block.parameters["const"][None]
            else:
                around = None
                if "skip" in modules:
                    skip, gain = modules["skip"], math.sqrt(0.5)
                    weight = skip.parameters["weight"] * skip.attributes["weight_gain"]
                    around = gain * functional.conv2d(doubled(x, skip.buffers["resample_filter"]), weight)
                x = plain_conv(modules["conv0"], x, one[None, at], noise)
                at += 1
            x = plain_conv(modules["conv1"], x, one[None, at], noise, gain)
            x = x if gain == 1 else x + around
            at += 1
            image = None if image is None else doubled(image, block.buffers["resample_filter"])
            if "torgb" in modules:
                drawn = plain_conv(modules["torgb"], x, one[None, at], False, demodulate=False)
                image = drawn if image is None else image + drawn
        pictures.append(image)
    return torch.cat(pictures)


# ---- StyleGAN3 ----


def stylegan3(
    seed=0, z=6, w=5, classes=0, colours=3, width=4, radial=False, clamp=256, sizes=(10, 10, 18, 16)
):
    """Return a generator whose layers have maps of these sizes; the last draws."""
    draw, layers = drawing(seed), {}
    names = []
    for index in range(1, len(sizes) + 1):
        draws = index == len(sizes)
        before, after = sizes[index - 1], sizes[index] if not draws else sizes[-1]
        outputs = colours if draws else width
        up = 1 if draws else (4 if after > before else 2)
        down, kernel = (1 if draws else 2), 1 if radial or draws else 3
        taps_up, taps_down = (1, 1) if draws else (3 * up, 3 * down)
        total = (after - 1) * down + 1 - (before + kernel - 1) * up + taps_up + taps_down - 2
        low = (total + up) // 2
        line = lambda count: torch.hann_window(count + 2, periodic=False)[1:-1]  # noqa: E731
        up_filter = None if draws else line(taps_up) / line(taps_up).sum()
        down_filter = None if draws else line(taps_down) / line(taps_down).sum()
        if radial and not draws:  # not a product of two lines
            down_filter = (draw(taps_down, taps_down) + 2) / (2 * taps_down**2)
        names.append(f"L{index - 1}_{after}_{outputs}")
        layers[names[-1]] = Persistent(
            "SynthesisLayer",
            {"weight": draw(outputs, width, kernel, kernel), "bias": draw(outputs) * 0.3},
            {"affine": dense(draw, w, width, bias=1)},
            buffers={"magnitude_ema": draw().abs() + 0.5, "up_filter": up_filter, "down_filter": down_filter},
            is_torgb=draws,
            in_size=np.array([before, before]),
            out_size=np.array([after, after]),
            up_factor=up,
            down_factor=down,
            conv_kernel=kernel,
            conv_clamp=clamp,
            padding=[low, total - low, low, total - low],
        )
    waves = Persistent(
        "SynthesisInput",
        {"weight": draw(width, width)},
        {"affine": dense(draw, w, 4, bias=0.5)},
        buffers={"transform": torch.eye(3), "freqs": draw(width, 2), "phases": draw(width)},
        size=np.array([sizes[0], sizes[0]]),
        sampling_rate=16.0,
        bandwidth=2.0,
    )
    synthesis = Persistent(
        "SynthesisNetwork", modules={"input": waves, **layers}, layer_names=names, output_scale=0.25
    )
    parts = {"synthesis": synthesis, "mapping": mapping(draw, z, w, classes)}
    return Persistent("Generator", modules=parts, z_dim=z, c_dim=classes, w_dim=w)


def plain_waves(module, w, transform):
    a, b, x, y = (v / 1 for v in plain_dense(module.modules["affine"], w)[0])
    length = (a * a + b * b).sqrt()
    a, b, x, y = a / length, b / length, x / length, y / length
    turn = torch.tensor([[a, -b, 0], [b, a, 0], [0, 0, 1]])
    shift = torch.tensor([[1, 0, -x], [0, 1, -y], [0, 0, 1]])
    matrix = turn @ shift @ transform
    freqs, attributes = module.buffers["freqs"], module.attributes
    phases = module.buffers["phases"] + freqs @ matrix[:2, 2]
    freqs = freqs @ matrix[:2, :2]
    rate, band = attributes["sampling_rate"], attributes["bandwidth"]
    heights = (1 - (freqs.norm(dim=1) - band) / (rate / 2 - band)).clamp(0, 1)
    side = int(attributes["size"][0])
    places = (torch.arange(side) + 0.5 - side / 2) / rate
    below, right = torch.meshgrid(places, places, indexing="ij")
    turns = right[..., None] * freqs[:, 0] + below[..., None] * freqs[:, 1] + phases
    waves = torch.sin(2 * math.pi * turns) * heights
    return (waves @ (module.parameters["weight"] / math.sqrt(len(phases))).T).permute(2, 0, 1)[None]


def plain_stylegan3(generator, ws, transform=None):
    """Return pictures of `(N, styles, w)`, one by one."""
    pictures = []
    layers = dict(generator.modules["synthesis"].modules)
    waves = layers.pop("input")
    for one in ws:
        x = plain_waves(waves, one[None, 0], torch.eye(3) if transform is None else transform)
        for at, layer in enumerate(layers.values(), 1):
            x = plain_layer(layer, x, one[None, at])
        pictures.append(0.25 * x)
    return torch.cat(pictures)


def plain_layer(layer, x, w):
    attributes, weight = layer.attributes, layer.parameters["weight"]
    style = plain_dense(layer.modules["affine"], w)[0]
    draws = attributes["is_torgb"]
    weight = weight * style[None, :, None, None]
    if draws:
        weight = weight / math.sqrt(weight[0].numel())
    else:
        weight = weight / weight.square().sum((1, 2, 3), keepdim=True).sqrt()
    weight = weight / layer.buffers["magnitude_ema"].sqrt()
    x = functional.conv2d(x, weight, padding=attributes["conv_kernel"] - 1)
    x = x + layer.parameters["bias"][:, None, None]
    up, down = attributes["up_factor"], attributes["down_factor"]
    x = functional.pad(stuffed(x, up), attributes["padding"])
    if not draws:
        line = layer.buffers["up_filter"]
        x = plain_fir(x, torch.outer(line, line) * up**2, (0, 0, 0, 0))
        x = functional.leaky_relu(x, 0.2) * math.sqrt(2)
    x = x.clamp(-attributes["conv_clamp"], attributes["conv_clamp"])
    if not draws:
        low = layer.buffers["down_filter"]
        x = plain_fir(x, low if low.ndim == 2 else torch.outer(low, low), (0, 0, 0, 0))
    return x[:, :, ::down, ::down]
