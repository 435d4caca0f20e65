"""NVIDIA's TensorFlow files (`.pkl`): the generator of ProGAN, StyleGAN, StyleGAN2 or StyleGAN2-ADA that they hold.

The networks are told apart by their variables, not by what the file or its functions are called. The program text
in the file is kept to be shown, and never run.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from explorer.data.wording import shown, shown_list
from explorer.errors import CheckpointError
from explorer.formats import recognition, tf_progan, tf_stylegan1, tf_stylegan2
from explorer.formats.reader import Reading
from explorer.formats.tf_network import TfNetwork, networks_in
from explorer.models import Architecture, progan, style, stylegan1, stylegan2
from explorer.models.base import ImageSpec, LatentModel

FORMAT = "nvidia-tensorflow"


def holds(content: Any) -> bool:
    """Tell whether a file is one of these, by what it states."""
    return bool(networks_in(content))


def build(content: Any, reading: Reading, notes: Sequence[str] = ()) -> LatentModel:
    """Return the model of the generator in a file, the averaged one unless the hint `entry` names another.

    Raises:
        CheckpointError: it holds none that is known here, or is damaged.
    """
    networks = [TfNetwork(record, reading.path) for record in networks_in(content)]
    chosen, told = _chosen(networks, reading)
    try:
        family, config, tensors = _read(chosen, reading)
        _check_all_used(chosen, reading)
    except (ValueError, TypeError, IndexError, OverflowError, RuntimeError, ZeroDivisionError) as error:
        raise CheckpointError(
            f"{reading.path} states a network {shown(chosen.name)} that cannot be ({shown(error, 100)}); save it "
            "again from where it was trained."
        ) from error
    said = [*notes, *told, *_said(chosen)]
    model = recognition.build(family, config, tensors, reading, format_name=FORMAT, notes=said)
    assert isinstance(model, LatentModel)
    model.source_text = chosen.texts
    drawing = [(network is not chosen, name) for name, network in _names(networks).items() if _draws(network)]
    model.entries = tuple(name for _, name in sorted(drawing)) if len(drawing) > 1 else ()
    return model


def _chosen(networks: Sequence[TfNetwork], reading: Reading) -> tuple[TfNetwork, list[str]]:
    """Return the generator to be read: the last is the averaged one, as these files are written.

    Raises:
        CheckpointError: there is none, or the one that is asked for draws nothing.
    """
    names = _names(networks)
    wanted = reading.hints.entry
    if wanted is not None:
        if wanted not in names:
            raise CheckpointError(
                f"{reading.path} has no network {shown(wanted)}; the hint entry can be one of {shown_list(names)}."
            )
        return names[wanted], []
    drawing = {name: network for name, network in names.items() if _draws(network)}
    if not drawing:
        what = ", ".join(f"{shown(name)} (made by {shown(net.function)})" for name, net in names.items())
        raise CheckpointError(f"{reading.path} holds {what}, but no generator; take a file that has one.")
    averaged = [name for name in drawing if name.lower() in ("gs", "g_ema", "gema")]
    best = (averaged or list(drawing))[-1]
    others = [name for name in drawing if name != best]
    if not others:
        return drawing[best], []
    return drawing[best], [
        f"The weights were taken from {shown(best)}; there is also {shown_list(others)} (hint entry)."
    ]


def _names(networks: Sequence[TfNetwork]) -> dict[str, TfNetwork]:
    """Return networks by the names they go by; three are G, D and Gs, whatever they say."""
    if len(networks) == 3:
        return dict(zip(("G", "D", "Gs"), networks, strict=True))
    found: dict[str, TfNetwork] = {}
    for at, network in enumerate(networks):
        name = network.name or str(at)
        found[name if name not in found else f"{name} {at}"] = network
    return found


def _draws(network: TfNetwork) -> bool:
    """Tell whether a network makes pictures: it, or a part of it, has a layer that turns maps into colours."""
    return any("ToRGB" in name for name in network.variables) or any(map(_draws, network.parts.values()))


def _read(chosen: TfNetwork, reading: Reading) -> tuple[Architecture, Any, dict[str, Any]]:
    """Return family, sizes and tensors of a generator.

    Raises:
        CheckpointError: it is of none known here, or a variable is missing.
        ValueError, TypeError, IndexError, RuntimeError: what it states cannot be.
    """
    synthesis, mapping = chosen.parts.get("synthesis"), chosen.parts.get("mapping")
    if not chosen.parts and "4x4/Dense/weight" in chosen.variables and _draws(chosen):
        _check_classes(chosen, reading)
        config_0 = tf_progan.config_of(chosen)
        return progan.ARCHITECTURE, config_0, tf_progan.tensors_of(chosen, config_0)
    if synthesis is None or mapping is None:
        raise CheckpointError(_unfamiliar(chosen, reading))
    if "4x4/Conv/mod_weight" in synthesis.variables:
        _check_grown(chosen, reading)
        config = tf_stylegan2.config_of(chosen)
        return _stylegan2(), config, tf_stylegan2.tensors_of(chosen, config)
    if "4x4/Conv/bias" in synthesis.variables:
        config_1 = tf_stylegan1.config_of(chosen)
        return stylegan1.ARCHITECTURE, config_1, tf_stylegan1.tensors_of(chosen, config_1)
    raise CheckpointError(_unfamiliar(chosen, reading))


def _unfamiliar(chosen: TfNetwork, reading: Reading) -> str:
    return (
        f"{reading.path} holds a network {shown(chosen.name)} made by {shown(chosen.function)}, which is not known "
        "here; of NVIDIA's TensorFlow files the generators of ProGAN, StyleGAN, StyleGAN2 and StyleGAN2-ADA open."
    )


def _check_classes(chosen: TfNetwork, reading: Reading) -> None:
    """Refuse a ProGAN that takes classes beside its codes."""
    classes = chosen.setting("label_size", 0)
    if classes:
        raise CheckpointError(
            f"{reading.path} holds a ProGAN of {shown(classes)} classes, and only those without are read; take "
            "another file."
        )


def _check_grown(chosen: TfNetwork, reading: Reading) -> None:
    """Refuse a StyleGAN2 of the kind that grows, where it has not grown up."""
    synthesis = chosen.parts["synthesis"]
    if "ToRGB_lod0/weight" in synthesis.variables and tf_stylegan1.level(chosen) > 0:
        raise CheckpointError(
            f"{reading.path} was saved while its StyleGAN2 was still growing, which is not read; take a later "
            "snapshot, or the last."
        )


def _check_all_used(chosen: TfNetwork, reading: Reading) -> None:
    """Refuse a network with variables that have no place in the one it was taken for."""
    left = chosen.left() if tf_stylegan1.level(chosen) == 0 else []
    if left:
        raise CheckpointError(
            f"{reading.path} holds a network {shown(chosen.name)} made by {shown(chosen.function)} with variables that "
            f"no network known here has ({shown_list(left)}); take a file of NVIDIA's own networks."
        )


def _stylegan2() -> Architecture:
    return Architecture("stylegan2", stylegan2.StyleGan2Config, stylegan2.StyleGan2, _wrap_stylegan2)


def _wrap_stylegan2(network: Any, config: Any, **described: Any) -> style.StyleModel:
    described.pop("trained", None)
    return style.wrap(network, architecture="stylegan2", image=ImageSpec(*network.image), **described)


def _said(chosen: TfNetwork) -> list[str]:
    """Return sentences on what the file would do by itself, and on how far it had grown."""
    told = []
    psi, cutoff = chosen.setting("truncation_psi", None), chosen.setting("truncation_cutoff", None)
    if isinstance(psi, int | float) and psi != 1 and abs(psi) < 1 << 63:
        layers = f" on the first {cutoff} layers" if type(cutoff) is int else ""
        told.append(
            f"Its own program draws with truncation psi {psi:g}{layers} unless told otherwise; here psi is 1 until "
            "you set it."
        )
    lod = tf_stylegan1.level(chosen)
    if lod > 0:
        side = chosen.parts.get("synthesis", chosen).sides()[-1] >> int(lod)
        told.append(
            f"It was saved while it was still growing: its pictures have the detail of {side} pixels, enlarged."
        )
    return told
