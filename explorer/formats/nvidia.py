"""NVIDIA's PyTorch pickles of StyleGAN2, StyleGAN2-ADA and StyleGAN3: which network to take, and the model of it.

The sizes come from what the modules themselves hold, as they were when they were saved: what their constructors were
called with means something else in every year's program. Found in `torch_file`; the tree is in `nvidia_tree`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from explorer.data.wording import counted, shown, shown_list
from explorer.errors import CheckpointError
from explorer.formats import nvidia_tree, recognition
from explorer.formats.entries import AVERAGED
from explorer.formats.nvidia_tree import Misbuilt, Node
from explorer.formats.reader import Reading
from explorer.models import Architecture, style
from explorer.models.base import ImageSpec, LatentModel
from explorer.models.style_layers import DenseConfig, MappingConfig, average_w, usual_gain
from explorer.models.stylegan2 import StyleGan2
from explorer.models.stylegan2_config import BlockConfig, ConvConfig, SkipConfig, StyleGan2Config
from explorer.models.stylegan3 import InputConfig, LayerConfig, StyleGan3, StyleGan3Config

MOST_TEXT = 1 << 20
"""Letters of program text that are kept to be shown."""

_PARTS = {"mapping", "synthesis"}
_KNOWN = {
    "MappingNetwork", "SynthesisNetwork", "SynthesisBlock", "SynthesisLayer", "SynthesisInput", "ToRGBLayer",
    "FullyConnectedLayer", "Conv2dLayer",
}  # fmt: skip
"""Classes of the modules in a generator; another's work is not known."""


def build(content: Any, reading: Reading, notes: Sequence[str] = ()) -> LatentModel | None:
    """Return the model of a generator that NVIDIA's programs pickled; None where the file is another's.

    Raises:
        CheckpointError: there is none in the file, or it is of a kind that is not known, or damaged.
    """
    networks = nvidia_tree.networks_in(content)
    makers = {name: node for name, node in networks.items() if _makes_pictures(node)}
    if not makers:
        if any(node.is_persistent for node in networks.values()):
            raise CheckpointError(_without_generator(networks, reading))
        return None
    name = _chosen(makers, reading)
    chosen = makers[name]
    try:
        model = _model(chosen, reading, [*notes, *_said(name, makers, chosen)])
        model.entries = (name, *(other for other in makers if other != name)) if len(makers) > 1 else ()
        return model
    except (Misbuilt, ValueError) as error:
        raise CheckpointError(
            f"{reading.path} holds a {shown(chosen.cls, 40)} that cannot be rebuilt, as {shown(error, 160)}; "
            "StyleGAN2, StyleGAN2-ADA and StyleGAN3 as NVIDIA's programs save them can be opened."
        ) from error


def _makes_pictures(node: Node) -> bool:
    return {str(name) for name in nvidia_tree.mapping(node.state.get("_modules"))} >= _PARTS


def _without_generator(networks: Mapping[str, Node], reading: Reading) -> str:
    found = shown_list(f"{name} ({node.cls})" if name else node.cls for name, node in networks.items())
    return (
        f"{reading.path} holds no generator with a mapping and a synthesis network, as StyleGAN2 and StyleGAN3 have "
        f"them, but {found}; open a file with G_ema."
    )


def _chosen(makers: Mapping[str, Node], reading: Reading) -> str:
    """Return the name of the generator to take: the averaged one, or the one that the hint `entry` names.

    Raises:
        CheckpointError: there is no such entry.
    """
    wanted = reading.hints.entry
    if wanted is None:
        return min(makers, key=lambda name: (_last(name) not in AVERAGED, "ema" not in _last(name).lower()))
    for name in makers:
        if wanted in (name, _last(name)):
            return name
    if list(makers) == [""]:
        raise CheckpointError(f"{reading.path} holds one generator alone; leave out the hint entry.")
    raise CheckpointError(
        f"{reading.path} has no generator {shown(wanted)}; the hint entry can be one of {shown_list(makers)}."
    )


def _last(name: str) -> str:
    return name.rpartition(".")[2]


def _said(name: str, makers: Mapping[str, Node], chosen: Node) -> list[str]:
    """Return notes: which generator was taken and which text came with it."""
    notes = []
    others = [other for other in makers if other != name]
    if name:
        also = f"; there is also {shown_list(others)} (hint entry)" if others else ""
        notes.append(f"The generator was taken from the entry {shown(name)}{also}.")
    length = len(source_text(chosen))
    if length:
        size = f"{length / 1000:.0f} kB" if length >= 1000 else counted(length, "letter")
        notes.append(f"The file carries its program text ({size}), which was read and not run.")
    if chosen.cls != "Generator":
        notes.append(f"Its class {shown(chosen.cls, 40)} is not known; its parts are those of a StyleGAN.")
    return notes


def source_text(network: Node) -> str:
    """Return the program text that came with a network: that of each of its modules, each text once."""
    texts = dict.fromkeys(node.source for node in network.walk() if node.source)
    return "\n\n".join(texts)[:MOST_TEXT]


def _model(network: Node, reading: Reading, notes: Sequence[str]) -> LatentModel:
    """Return the model of a generator.

    Raises:
        Misbuilt, ValueError: its parts are not known or make no network.
        CheckpointError: the tensors do not fit.
    """
    others = {str(name) for name in network.children} - _PARTS
    others |= {node.cls for node in network.walk()[1:]} - _KNOWN
    if others:
        raise Misbuilt(f"it has parts of a kind that is not known ({shown_list(sorted(others))})")
    tensors = network.tensors()
    synthesis = network.child("synthesis")
    family = FAMILIES["stylegan3" if "input" in synthesis.children else "stylegan2"]
    config = (_waves if family.config is StyleGan3Config else _blocks)(
        synthesis, _mapping(network.child("mapping"))
    )
    model = made(family, config, tensors, reading, format_name="nvidia", notes=notes)
    model.source_text = source_text(network)
    return model


def made(
    family: Architecture,
    config: StyleGan2Config | StyleGan3Config,
    tensors: Mapping[str, Tensor],
    reading: Reading,
    *,
    format_name: str,
    notes: Sequence[str],
) -> style.StyleModel:
    """Return the model of a family with these weights; an average of w is made where the file kept none.

    Raises:
        CheckpointError: the weights do not fit.
    """
    tensors, average = dict(tensors), "mapping.w_avg"
    is_missing = average not in tensors
    if is_missing:
        tensors[average] = torch.zeros(config.mapping.w_dim)
        notes = [*notes, _NO_AVERAGE]
    model = recognition.build(family, config, tensors, reading, format_name=format_name, notes=notes)
    assert isinstance(model, style.StyleModel)
    network = model.network
    assert isinstance(network, StyleGan2 | StyleGan3)
    if is_missing:
        network.w_avg.copy_(average_w(network.mapping))
    return model


_NO_AVERAGE = "The file keeps no average of w; that of 4096 random codes stands in for it."


# ---- sizes ----


def _dense(node: Node) -> DenseConfig:
    outputs, inputs = node.needed("weight", 2)
    return DenseConfig(
        inputs,
        outputs,
        node.number("weight_gain"),
        node.number("bias_gain", 1.0),
        node.word("activation", "linear"),
        node.shape("bias") is not None,
    )


def _mapping(node: Node) -> MappingConfig:
    names = [name for name in node.children if re.fullmatch(r"fc\d+", name)]
    others = set(node.children) - {*names, "embed"}
    if others or names != [f"fc{index}" for index in range(len(names))]:
        raise Misbuilt(f"its mapping network has other layers ({shown_list(node.children)})")
    embed = node.children.get("embed")
    return MappingConfig(
        node.whole("z_dim"),
        node.whole("w_dim"),
        tuple(_dense(node.child(name)) for name in names),
        c_dim=node.whole("c_dim"),
        embed=_dense(embed) if embed else None,
    )


def _blocks(node: Node, mapping: MappingConfig) -> StyleGan2Config:
    names = sorted(node.children, key=lambda name: int(re.sub(r"\D", "", name)[:9] or 0))
    if not all(re.fullmatch(r"b\d+", name) for name in names):
        raise Misbuilt(f"its synthesis network has other parts ({shown_list(names)})")
    return StyleGan2Config(mapping, tuple(_block(name, node.child(name)) for name in names))


def _block(name: str, node: Node) -> BlockConfig:
    parts = node.children
    if "conv1" not in parts or set(parts) - {"conv0", "conv1", "torgb", "skip"}:
        raise Misbuilt(f"its block {name} has other layers ({shown_list(parts)})")
    return BlockConfig(
        name,
        _conv(parts["conv1"]),
        const=node.needed("const", 3) if node.shape("const") else None,  # type: ignore[arg-type]
        conv0=_conv(parts["conv0"]) if "conv0" in parts else None,
        torgb=_torgb(parts["torgb"]) if "torgb" in parts else None,
        skip=_skip(parts["skip"]) if "skip" in parts else None,
        filter=node.shape("resample_filter"),
    )


def _conv(node: Node) -> ConvConfig:
    outputs, inputs, kernel, _ = node.needed("weight", 4)
    activation = node.word("activation", "lrelu")
    noise = node.needed("noise_const", 2) if node.shape("noise_const") else None
    return ConvConfig(
        inputs,
        outputs,
        _dense(node.child("affine")),
        kernel=kernel,
        up=node.whole("up", 1),
        padding=node.whole("padding", kernel // 2),
        activation=activation,
        gain=node.number("act_gain", usual_gain(activation)),
        clamp=node.limit("conv_clamp"),
        noise=noise,  # type: ignore[arg-type]
        filter=node.shape("resample_filter"),
    )


def _torgb(node: Node) -> ConvConfig:
    outputs, inputs, kernel, _ = node.needed("weight", 4)
    return ConvConfig(
        inputs,
        outputs,
        _dense(node.child("affine")),
        kernel=kernel,
        padding=0,
        weight_gain=node.number("weight_gain"),
        demodulate=False,
        activation="linear",
        gain=1.0,
        clamp=node.limit("conv_clamp"),
    )


def _skip(node: Node) -> SkipConfig:
    outputs, inputs, kernel, _ = node.needed("weight", 4)
    activation = node.word("activation", "linear")
    return SkipConfig(
        inputs,
        outputs,
        node.shape("resample_filter"),
        kernel=kernel,
        up=node.whole("up", 2),
        padding=node.whole("padding", kernel // 2),
        weight_gain=node.number("weight_gain"),
        bias=node.shape("bias") is not None,
        activation=activation,
        gain=node.number("act_gain", usual_gain(activation)),
        clamp=node.limit("conv_clamp"),
    )


def _waves(node: Node, mapping: MappingConfig) -> StyleGan3Config:
    names = [name for name in node.children if name != "input"]
    if node.state.get("layer_names", names) != names:
        raise Misbuilt("its layers are not those that it lists")
    layers = tuple(_layer(name, node.child(name)) for name in names)
    return StyleGan3Config(mapping, _input(node.child("input")), layers, node.number("output_scale", 0.25))


def _input(node: Node) -> InputConfig:
    return InputConfig(
        node.needed("weight", 2)[0],
        node.wholes("size", 2),  # type: ignore[arg-type]
        node.number("sampling_rate"),
        node.number("bandwidth"),
        _dense(node.child("affine")),
    )


def _layer(name: str, node: Node) -> LayerConfig:
    outputs, inputs, kernel, _ = node.needed("weight", 4)
    return LayerConfig(
        name,
        inputs,
        outputs,
        node.wholes("in_size", 2),  # type: ignore[arg-type]
        node.wholes("out_size", 2),  # type: ignore[arg-type]
        _dense(node.child("affine")),
        kernel=kernel,
        up=node.whole("up_factor"),
        down=node.whole("down_factor"),
        up_filter=node.shape("up_filter"),
        down_filter=node.shape("down_filter"),
        padding=node.wholes("padding", 4),  # type: ignore[arg-type]
        draws=bool(node.state.get("is_torgb")),
        clamp=node.limit("conv_clamp"),
    )


# ---- models ----


def _wrap(network: Any, config: Any, **described: Any) -> LatentModel:
    described.pop("trained", None)
    architecture = "stylegan3" if isinstance(network, StyleGan3) else "stylegan2"
    return style.wrap(network, architecture=architecture, image=ImageSpec(*network.image), **described)


FAMILIES = {
    "stylegan2": Architecture("stylegan2", StyleGan2Config, StyleGan2, _wrap),
    "stylegan3": Architecture("stylegan3", StyleGan3Config, StyleGan3, _wrap),
}
"""The two families, with what makes a model of each."""
