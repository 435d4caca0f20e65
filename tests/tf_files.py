"""Small generators as NVIDIA's TensorFlow programs pickle them, and what they draw, computed plainly.

The forwards are written from the papers, on the variables by the names in the files: convolutions as sums over
shifted maps where those programs' order of kernels matters.
"""

import math
import pickle
import sys
import types

import numpy as np
import torch
from torch.nn import functional

ROOT = math.sqrt(2)


class Network:
    """Pickles as the networks of those programs do."""

    def __init__(self, **state):
        self.__dict__["state"] = state

    def __getstate__(self):
        return self.state


def saved(path, networks, module="dnnlib.tflib.network", name="Network", protocol=4):
    """Write networks as a pickle whose class is `module.name`, which need not exist."""
    made = [module.rsplit(".", count)[0] for count in range(module.count("."), -1, -1)]
    before = {part: sys.modules.get(part) for part in made}
    sys.modules.update({part: types.ModuleType(part) for part in made})
    setattr(sys.modules[module], name, Network)
    Network.__module__, Network.__qualname__, Network.__name__ = module, name, name
    try:
        path.write_bytes(pickle.dumps(networks, protocol=protocol))
    finally:
        for part, was in before.items():
            sys.modules.pop(part) if was is None else sys.modules.update({part: was})
    return path


def network(name, function, variables, source="", version=3, parts=None, **settings):
    """Return one network; `settings` are what its function was called with."""
    pairs = [
        (key, value.numpy() if isinstance(value, torch.Tensor) else value) for key, value in variables.items()
    ]
    return Network(
        version=version, name=name, static_kwargs=settings, components=parts or {}, build_module_src=source,
        build_func_name=function, variables=pairs,
    )  # fmt: skip


class Generator:
    """Random variables of a generator; `mapping`, `synthesis` and `top` by name.

    Args:
        two: of StyleGAN2, else of StyleGAN.
        settings: what its functions were called with.
    """

    def __init__(
        self, two=False, side=32, z=6, w=7, wide=(5, 4, 4, 3, 3, 3), channels=3, classes=0, seed=0, lod=0.0,
        architecture="skip", grows=False, joined=True, styles=True, const=True, noise=True, first=(4, 4), **settings,
    ):  # fmt: skip
        self.two, self.side, self.z, self.settings, self.lod = two, side, z, settings, lod
        self.classes, self.joined, self.architecture, self.grows = classes, joined, architecture, grows
        self._first = first
        self._random = np.random.default_rng(seed)
        self.mapping, self.synthesis = {}, {}
        self.top = {"lod": np.float32(lod), "dlatent_avg": self._draw(w)}
        self._make_mapping(z, w)
        sides = [4 << level for level in range(int(math.log2(side)) - 1)]
        make = self._make_two if two else self._make_one
        make(sides, wide, w, channels, styles, const, noise)

    def _draw(self, *shape):
        return torch.tensor(self._random.standard_normal(shape), dtype=torch.float32)

    def _make_mapping(self, z, w):
        wide = z
        if self.classes:
            name = "LabelConcat" if self.joined else "LabelEmbed"
            self.mapping[f"{name}/weight"] = self._draw(self.classes, z)
            if not self.joined:
                self.mapping[f"{name}/bias"] = self._draw(z)
            wide += z
        for index, out in enumerate((8, w)):
            self.mapping[f"Dense{index}/weight"] = 100 * self._draw(wide, out)
            self.mapping[f"Dense{index}/bias"] = 10 * self._draw(out)
            wide = out

    def _make_one(self, sides, wide, w, channels, styles, const, noise):
        kept, index = self.synthesis, 0
        kept["lod"] = np.float32(self.lod)

        def finish(name, out, side):
            nonlocal index
            kept[f"{name}/bias"] = self._draw(out)
            if noise:
                kept[f"noise{index}"] = self._draw(1, 1, side, side)
                kept[f"{name}/Noise/weight"] = self._draw(out)
            if styles:
                kept[f"{name}/StyleMod/weight"] = self._draw(w, 2 * out)
                kept[f"{name}/StyleMod/bias"] = self._draw(2 * out)
            index += 1

        for level, side in enumerate(sides):
            at, before, out = f"{side}x{side}", wide[max(level - 1, 0)], wide[level]
            if level == 0:
                if const:
                    kept[f"{at}/Const/const"] = self._draw(1, out, 4, 4)
                else:
                    kept[f"{at}/Dense/weight"] = self._draw(w, 16 * out)
                finish(f"{at}/Const" if const else f"{at}/Dense", out, side)
            names = {"Conv0_up": before, "Conv1": out} if level else {"Conv": out}
            for name, inputs in names.items():
                kept[f"{at}/{name}/weight"] = self._draw(3, 3, inputs, out)
                finish(f"{at}/{name}", out, side)
            lod = len(sides) - 1 - level
            kept[f"ToRGB_lod{lod}/weight"] = self._draw(1, 1, out, channels)
            kept[f"ToRGB_lod{lod}/bias"] = self._draw(channels)

    def _make_two(self, sides, wide, w, channels, styles, const, noise):
        kept, index = self.synthesis, 0

        def layer(name, inputs, out, kernel):
            kept[f"{name}/weight"] = self._draw(kernel, kernel, inputs, out)
            kept[f"{name}/mod_weight"] = self._draw(w, inputs)
            kept[f"{name}/mod_bias"] = self._draw(inputs)
            kept[f"{name}/bias"] = self._draw(out)

        for level, side in enumerate(sides):
            at, before, out = f"{side}x{side}", wide[max(level - 1, 0)], wide[level]
            if level == 0:
                kept[f"{at}/Const/const"] = self._draw(1, out, *self._first)
            names = {"Conv0_up": before, "Conv1": out} if level else {"Conv": out}
            for name, inputs in names.items():
                layer(f"{at}/{name}", inputs, out, 3)
                if noise:
                    height, width = (part << level for part in self._first)
                    kept[f"noise{index}"] = self._draw(1, 1, height, width)
                    kept[f"{at}/{name}/noise_strength"] = np.float32(self._random.standard_normal())
                index += 1
            if self.architecture == "resnet" and level:
                kept[f"{at}/Skip/weight"] = self._draw(1, 1, before, out)
            if self.grows:
                layer(f"ToRGB_lod{len(sides) - 1 - level}", out, channels, 1)
            elif self.architecture == "skip" or side == self.side:
                layer(f"{at}/ToRGB", out, channels, 1)

    def as_network(self, name="Gs", source="", function="", **more):
        """Return it as a file holds it."""
        settings = {**self.settings, **more}
        parts = {
            "synthesis": network("G_synthesis", "G_synthesis", self.synthesis, source, **settings),
            "mapping": network("G_mapping", "G_mapping", self.mapping, source, **settings),
        }
        function = function or ("G_main" if self.two else "G_style")
        return network(name, function, self.top, source, 4 if self.two else 3, parts, **settings)

    # ---- what it draws ----

    def _setting(self, name, default):
        return self.settings.get(name, default)

    def w(self, z, labels=None):
        """Return styles `(N, w)` of codes."""
        normal = lambda x: x / (x.square().mean(1, keepdim=True) + 1e-8).sqrt()  # noqa: E731
        values, kept = z, self.mapping
        joined = self.joined or not self.classes
        values = values if joined else normal(values)
        if self.classes and self.joined:
            values = torch.cat([values, labels @ kept["LabelConcat/weight"]], 1)
        elif self.classes:
            classes = labels @ kept["LabelEmbed/weight"] / math.sqrt(self.classes) + kept["LabelEmbed/bias"]
            values = torch.cat([values, normal(classes)], 1)
        if joined and self._setting("normalize_latents", True):
            values = normal(values)
        slow, scaled = self._setting("mapping_lrmul", 0.01), self._setting("use_wscale", True)
        for index in range(2):
            weight = kept[f"Dense{index}/weight"]
            gain = (1 / math.sqrt(len(weight)) if scaled else 1 / math.sqrt(2)) * slow
            before, behind = (1, math.sqrt(2)) if self.two else (math.sqrt(2), 1)
            values = values @ (weight * gain * before) + kept[f"Dense{index}/bias"] * slow
            values = _activated(values, self._setting("mapping_nonlinearity", "lrelu")) * behind
        return values

    def images(self, w):
        """Return pictures `(N, C, side, side)` of styles."""
        return self._images_two(w) if self.two else self._images_one(w)

    def _images_one(self, w):
        kept, scaled = self.synthesis, self._setting("use_wscale", True)

        def weight(name, gain=ROOT):
            found = kept[f"{name}/weight"]
            return found * (gain / math.sqrt(found.shape[:-1].numel()) if scaled else 1)

        index = 0

        def finish(x, name):
            nonlocal index
            if f"{name}/Noise/weight" in kept:
                x = x + kept[f"noise{index}"] * kept[f"{name}/Noise/weight"][:, None, None]
            x = _activated(x + kept[f"{name}/bias"][:, None, None], self._setting("nonlinearity", "lrelu"))
            if self._setting("use_pixel_norm", False):
                x = x / (x.square().mean(1, keepdim=True) + 1e-8).sqrt()
            if self._setting("use_instance_norm", True):
                x = x - x.mean((2, 3), keepdim=True)
                x = x / (x.square().mean((2, 3), keepdim=True) + 1e-8).sqrt()
            if f"{name}/StyleMod/weight" in kept:
                style = w @ weight(f"{name}/StyleMod", 1) + kept[f"{name}/StyleMod/bias"]
                half = style.shape[1] // 2
                x = x * (style[:, :half, None, None] + 1) + style[:, half:, None, None]
            index += 1
            return x

        def drawn(x, lod):
            return convolved(x, weight(f"ToRGB_lod{lod}", 1)) + kept[f"ToRGB_lod{lod}/bias"][:, None, None]

        if "4x4/Const/const" in kept:
            x = finish(kept["4x4/Const/const"].repeat(len(w), 1, 1, 1), "4x4/Const")
        else:
            x = finish((w @ weight("4x4/Dense", math.sqrt(2) / 4)).reshape(len(w), -1, 4, 4), "4x4/Dense")
        x = finish(convolved(x, weight("4x4/Conv")), "4x4/Conv")
        lod = int(math.log2(self.side)) - 2
        images, side = drawn(x, lod), 8
        while side <= self.side:
            lod -= 1
            fused = self._setting("fused_scale", "auto")
            fused = side >= 128 if fused == "auto" else fused
            kernel = weight(f"{side}x{side}/Conv0_up")
            x = spread(x, kernel) if fused else convolved(doubled(x), kernel)
            x = finish(_blurred(x, self._setting("blur_filter", [1, 2, 1])), f"{side}x{side}/Conv0_up")
            x = finish(convolved(x, weight(f"{side}x{side}/Conv1")), f"{side}x{side}/Conv1")
            left = min(max(self.lod - lod, 0), 1)
            images = (1 - left) * drawn(x, lod) + left * doubled(images)
            side *= 2
        return images

    def _images_two(self, w):
        kept, clamp = self.synthesis, self._setting("conv_clamp", None)
        taps = torch.tensor(self._setting("resample_kernel", [1, 3, 3, 1]) or [1, 1], dtype=torch.float32)
        index = 0

        def limited(x):
            return x if clamp is None else x.clamp(-clamp, clamp)

        def modulated(x, name, up=False, demodulate=True):
            weight = kept[f"{name}/weight"]
            weight = weight / math.sqrt(weight.shape[:-1].numel())
            style = w @ kept[f"{name}/mod_weight"] / math.sqrt(w.shape[1]) + kept[f"{name}/mod_bias"] + 1
            drawn = []
            for one, scale in zip(x, style, strict=True):
                kernel = weight * scale[:, None]
                if demodulate:
                    kernel = kernel / (kernel.square().sum((0, 1, 2)) + 1e-8).sqrt()
                drawn.append(_conv_up(one[None], kernel, taps) if up else convolved(one[None], kernel))
            return torch.cat(drawn)

        def layer(x, name, up=False):
            nonlocal index
            x = modulated(x, name, up)
            if f"{name}/noise_strength" in kept:
                x = x + kept[f"noise{index}"] * float(kept[f"{name}/noise_strength"])
            index += 1
            x = _activated(x + kept[f"{name}/bias"][:, None, None], self._setting("nonlinearity", "lrelu"))
            return limited(x * math.sqrt(2))

        def drawn(x, name):
            return limited(modulated(x, name, demodulate=False) + kept[f"{name}/bias"][:, None, None])

        x = layer(kept["4x4/Const/const"].repeat(len(w), 1, 1, 1), "4x4/Conv")
        images = drawn(x, "4x4/ToRGB") if "4x4/ToRGB/weight" in kept else None
        side = 8
        while side <= self.side:
            at, before = f"{side}x{side}", x
            x = layer(layer(x, f"{at}/Conv0_up", up=True), f"{at}/Conv1")
            if f"{at}/Skip/weight" in kept:
                kernel = kept[f"{at}/Skip/weight"]
                around = _conv_up(before, kernel / math.sqrt(kernel.shape[2]), taps)
                x = (x + around) / math.sqrt(2)
            images = None if images is None else _filtered(_holed(images), taps, 0)
            if f"{at}/ToRGB/weight" in kept:
                images = drawn(x, f"{at}/ToRGB") + (0 if images is None else images)
            side *= 2
        return drawn(x, "ToRGB_lod0") if images is None else images


def _activated(x, name):
    return torch.where(x > 0, x, 0.2 * x) if name == "lrelu" else x.clamp(min=0)


def doubled(x):
    """Repeat every pixel twice along both axes."""
    return x.repeat_interleave(2, 2).repeat_interleave(2, 3)


def convolved(x, kernel, padding=None):
    """Convolve by a kernel `(k, k, I, O)`, as those programs keep it."""
    padding = kernel.shape[0] // 2 if padding is None else padding
    return functional.conv2d(x, kernel.permute(3, 2, 0, 1), padding=padding)


def spread(x, kernel):
    """Add to a map of twice the side, for every pixel, the kernel summed over the four pixels that it becomes."""
    height, width = x.shape[2:]
    out = x.new_zeros(len(x), kernel.shape[3], 2 * height + 4, 2 * width + 4)
    for down in range(3):
        for right in range(3):
            part = torch.einsum("nihw,io->nohw", x, kernel[down, right])
            for more_down in (0, 1):
                for more_right in (0, 1):
                    top, left = 1 + down + more_down, 1 + right + more_right
                    out[:, :, top : top + 2 * height : 2, left : left + 2 * width : 2] += part
    return out[:, :, 2:-2, 2:-2]


def _blurred(x, taps):
    if not taps:
        return x
    taps = torch.tensor(taps, dtype=torch.float32)
    kernel = torch.outer(taps, taps) / taps.sum() ** 2
    before = (len(taps) - 1) // 2
    padded = functional.pad(x, (before, len(taps) - 1 - before) * 2)
    return functional.conv2d(padded, kernel.repeat(x.shape[1], 1, 1, 1), groups=x.shape[1])


def _holed(x):
    """Put a zero behind every value, along both axes."""
    out = x.new_zeros(len(x), x.shape[1], 2 * x.shape[2], 2 * x.shape[3])
    out[:, :, ::2, ::2] = x
    return out


def _filtered(holed, taps, more):
    """Filter what has holes, and leave `more` pixels around it."""
    spare = len(taps) - 2
    before, behind = (spare + 1) // 2 + 1 + more, spare // 2 + more
    padded = functional.pad(holed, (before, behind) * 2)
    kernel = 4 * torch.outer(taps, taps).flip(0, 1) / taps.sum() ** 2
    return functional.conv2d(padded, kernel.repeat(holed.shape[1], 1, 1, 1), groups=holed.shape[1])


def _conv_up(x, kernel, taps):
    """Enlarge with a filter, then convolve, padding only once."""
    return convolved(_filtered(_holed(x), taps, kernel.shape[0] // 2), kernel, padding=0)
