"""From a recipe to what the window shows: the state that its picture was exported from, as far as that can be told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from explorer.errors import RecipeError
from explorer.export.recipe import Recipe
from explorer.gui.first_state import first_state
from explorer.gui.state import FARTHEST, Anchor, Original, StageEntry, State, StyleSettings, frozen_code
from explorer.models.base import LatentModel, StageModel, check_stages

if TYPE_CHECKING:
    from explorer.formats import Opened


def state_of(recipe: Recipe, opened: Opened, stages: Sequence[StageModel], before: State) -> State:
    """Return the state `before` with what the recipe tells: code, ends, stages, plane.

    Raises:
        RecipeError: the model has no such space, or codes of another length.
        StageError: the stages do not fit the model.
    """
    model = opened.model
    assert isinstance(model, LatentModel)
    space = model.spaces.get(recipe.space)
    if space is None and any(recipe.space.startswith(f"{each.letters}-") for each in model.spaces.values()):
        raise RecipeError(
            f"The recipe goes along the directions of another code book than the one beside {model.name}; put that one "
            "there again."
        )
    if space is None or (len(recipe.codes) and recipe.codes.shape[1] != space.dim):
        raise RecipeError(
            f"The recipe is of {recipe.codes.shape[1]} dimensions of the space {recipe.space}, which {model.name} "
            "does not have; open the checkpoint that it was made with."
        )
    check_stages(model.image, stages)
    base = before if opened is before.opened else first_state(opened, before)
    changes: dict[str, Any] = {
        "space": recipe.space,
        "stages": _entries(stages, before),
        "original": None,
        "seed": None,
        "label": _label(recipe, model, base),
        "style": _style(recipe, model),
    }
    if recipe.space != base.space:
        changes |= {"locked": np.zeros(space.dim, bool), "code": frozen_code(space.center)}
        changes |= {"anchor_a": None, "anchor_b": None}
    if len(recipe.codes):
        changes["code"] = frozen_code(recipe.codes[0])
    return replace(base, **changes | _of_kind(recipe, base))


def _label(recipe: Recipe, model: LatentModel, base: State) -> int:
    """Return the class of a recipe whose pictures are all of one, else the one shown before."""
    labels = recipe.options.get("labels")
    if not isinstance(labels, list) or not labels or type(labels[0]) is not int or len(set(labels)) > 1:
        return base.label
    return labels[0] if 0 <= labels[0] < model.classes else base.label


def unlike(recipe: Recipe, state: State) -> str:
    """Return the sentence on what of a recipe the window does not show as it was; empty where all is."""
    psi, transform = recipe.options.get("psi"), recipe.options.get("transform")
    shown = state.options
    is_other = transform is not None and (
        shown.transform is None or not np.allclose(shown.transform, transform, atol=1e-4)
    )
    if not is_other and (psi is None or psi == 1 or shown.psi == psi):
        return ""
    return (
        "It looks different here: the window has not the transform or the truncation that it was made with."
    )


def _style(recipe: Recipe, model: LatentModel) -> StyleSettings:
    """Return truncation, noise, moves and head of a recipe."""
    options = recipe.options
    style = StyleSettings(
        psi=min(max(float(options.get("psi", 1.0)), -FARTHEST), FARTHEST),
        cutoff=options.get("psi_cutoff"),
        noise=options.get("noise", "const"),
        noise_seed=int(options.get("noise_seed", 0)),
        head=str(options.get("head", "")) if options.get("head") in model.heads else "",
    )
    return style.moved_by(np.array(options["transform"])) if "transform" in options else style


def _entries(stages: Sequence[StageModel], before: State) -> tuple[StageEntry, ...]:
    """Return entries for the stages: those that are there keep their id, `Session.become` gives the others one."""
    known = {id(entry.stage): entry.id for entry in before.stages}
    return tuple(StageEntry(known.pop(id(stage), 0), stage) for stage in stages)


def _of_kind(recipe: Recipe, base: State) -> dict[str, Any]:
    """Return what a kind of picture tells besides its first code."""
    settings, kind = recipe.settings, recipe.kind
    if kind == "strip" and len(recipe.codes) == 2:
        sources = [*recipe.sources, None, None][:2]
        labels = [*recipe.labels, "", ""][:2]
        ends = [
            Anchor(frozen_code(code), source, label)
            for code, source, label in zip(recipe.codes, sources, labels, strict=True)
        ]
        steps = min(max(int(settings["steps"]) - 2, 1), 31)
        strip = replace(base.strip, steps=steps, path=settings["path"], ends=settings["ends"])
        return {"anchor_a": ends[0], "anchor_b": ends[1], "strip": strip}
    if kind == "samples":
        return {"seed": int(settings["seed"])}
    if kind == "manifold":
        first, second = settings["dims"]
        return {"map": replace(base.map, plane=(int(first), int(second)))}
    if kind == "reconstructions" and recipe.sources and recipe.sources[0] is not None:
        return {
            "original": Original(recipe.sources[0], frozen_code(recipe.codes[0]), "a reconstructed picture")
        }
    return {}
