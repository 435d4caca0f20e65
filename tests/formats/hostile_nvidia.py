"""NVIDIA pickles whose program text would do harm, or whose modules never end; they join `hostile.VARIANTS`."""

import nvidia_files
import torch
from formats.hostile import CANARY, MARK, several

HARM = f"import os, {CANARY}\nopen({MARK!r}, 'w').close()\nos.system('touch {MARK}')\n"


def harmful(change=lambda generator: None, **kinds):
    generator = nvidia_files.stylegan2(**kinds)
    _walk(generator, lambda node: setattr(node, "source", HARM))
    change(generator)
    return nvidia_files.pickled({"G_ema": generator, "augment_pipe": None})


def _walk(node, do):
    do(node)
    for child in node.modules.values():
        _walk(child, do)


def waves(**attributes):
    generator = nvidia_files.stylegan3()
    for name, module in generator.modules["synthesis"].modules.items():
        if name != "input":
            module.attributes.update(attributes)
    return nvidia_files.pickled({"G_ema": generator})


def first(generator):
    return generator.modules["synthesis"].modules["b4"].modules["conv1"]


def endless(generator):
    node = nvidia_files.Persistent("FullyConnectedLayer", {"weight": torch.ones(2)})
    for _ in range(40):
        node = nvidia_files.Persistent("FullyConnectedLayer", modules={"a": node, "b": node})
    generator.modules["mapping"].modules["fc0"] = node


several(
    "nvidia",
    {
        "text": harmful,
        "text_of_a_class": lambda: harmful(lambda g: setattr(g, "cls", f"__import__('{CANARY}')")),
        "text_of_a_judge": lambda: nvidia_files.pickled(
            {"D": nvidia_files.Persistent("Discriminator", {"w": torch.ones(3)}, source=HARM)}
        ),
        "long_text": lambda: harmful(lambda g: setattr(g, "source", HARM * 200_000)),
        "up": lambda: harmful(lambda g: first(g).attributes.update(up=1 << 40)),
        "padding": lambda: harmful(lambda g: first(g).attributes.update(padding=1 << 20)),
        "classes": lambda: harmful(lambda g: g.modules["mapping"].attributes.update(c_dim=1 << 40)),
        "codes": lambda: harmful(lambda g: g.modules["mapping"].attributes.update(z_dim=1 << 40)),
        "endless": lambda: harmful(endless),
        "waves_up": lambda: waves(up_factor=1 << 20),
        "waves_size": lambda: waves(in_size=[1 << 30, 1 << 30], out_size=[1 << 30, 1 << 30]),
        "waves_padding": lambda: waves(padding=[1 << 20] * 4),
    },
)
