"""From what the window shows and what the dialog is set to, to the recipe that is exported; no widget."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from explorer.errors import ExplorerError
from explorer.export import making
from explorer.export.recipe import Precision, Recipe
from explorer.gui.exporting.export_choice import ExportChoice
from explorer.gui.session import Session
from explorer.models.base import check_stages

if TYPE_CHECKING:
    from collections.abc import Callable

    from explorer.latent.plane import Plane
    from explorer.render.requests import RenderResult

TILES = 12  # a side, behind the map


@dataclass(frozen=True, eq=False)
class MapFacts:
    """What the map shows: its plane, `extent` (left, right, bottom, top), points `(N, 2)` and what colours them."""

    plane: Plane
    extent: tuple[float, float, float, float]
    points: np.ndarray
    column: str = ""
    values: np.ndarray | None = None


@dataclass(frozen=True, eq=False)
class EncodedPictures:
    """Pictures that were given to be reconstructed: sources uint8 `(N, H, W, C)`, codes `(N, D)`, errors `(N,)`."""

    sources: np.ndarray
    codes: np.ndarray
    errors: np.ndarray


@dataclass(frozen=True, eq=False)
class Subject:
    """What can be exported now, besides the session: what canvas and map show, pictures that were encoded.

    `precision` is that of the decoder, which a recipe has to carry.
    """

    shown: RenderResult | None = None
    map: MapFacts | None = None
    encoded: EncodedPictures | None = None
    precision: Precision = "exact"


def why_not(choice: ExportChoice, session: Session, subject: Subject) -> str:
    """Return why this cannot be exported now, as a sentence; empty where it can."""
    model = session.model
    if model is None:
        return "There is no picture to save yet; open a model first."
    if choice.kind == "picture" and (subject.shown is None or subject.shown.request is None):
        return "There is no picture to save yet; wait for the first one."
    if choice.kind == "strip" and None in session.anchors.values():
        return "The strip has no two ends yet; set A and B first."
    if choice.kind == "map" and subject.map is None:
        return "The map shows nothing yet; open its panel (View) first."
    if choice.kind == "reconstructions" and not model.has_encoder:
        return f"{model.name} has no encoder, so there is nothing to reconstruct; open a VAE for that."
    if choice.kind == "reconstructions" and subject.encoded is None:
        return "Choose the pictures to reconstruct: a zip, an npz, or one picture."
    return ""


def recipe_of(choice: ExportChoice, session: Session, subject: Subject) -> Recipe:
    """Return the recipe of what is exported.

    Raises:
        ExplorerError: it cannot be exported now; see `why_not`.
    """
    reason = why_not(choice, session, subject)
    if reason:
        raise ExplorerError(reason)
    return replace(_MAKERS[choice.kind](choice, session, subject), precision=subject.precision)


def codes_to_decode(recipe: Recipe, session: Session) -> np.ndarray:
    """Return the codes of a recipe of the open model, float32 `(N, D)`.

    Raises:
        ExplorerError: they cannot be made, or their pictures are too large for any page.
    """
    from explorer.export.layout import check_all

    codes = making.codes_of(recipe)
    assert session.model is not None
    image = check_stages(session.model.image, session.enabled_stages)
    check_all(len(codes), image.width or 1, image.height or 1)
    return codes


def _shared(choice: ExportChoice, session: Session, labels: list[str] | None = None) -> dict[str, Any]:
    return {
        "stages": [making.network(stage) for stage in session.enabled_stages],
        "options": session.options,
        "style": choice.style,
        "labels": labels or [],
    }


def _model_and_space(session: Session) -> tuple[Any, Any]:
    assert session.model is not None
    return making.network(session.model), session.space


def _picture(choice: ExportChoice, session: Session, subject: Subject) -> Recipe:
    """Return the recipe of the picture on the canvas, which may be a moment older than the code."""
    assert subject.shown is not None
    request = subject.shown.request
    assert request is not None
    labels = request.options.labels
    label = int(labels[0]) if labels is not None and labels.ndim == 1 and len(labels) else None
    space = request.model.spaces[request.space]
    place = session.places.at(request.space, request.codes[0], label)
    caption = place.name if place is not None and place.name else request.model.name
    shared = _shared(choice, session, [caption]) | {
        "stages": [making.network(stage) for stage in request.stages],
        "options": request.options,
    }
    return making.picture(making.network(request.model), space, request.codes[0], **shared)


def _strip(choice: ExportChoice, session: Session, subject: Subject) -> Recipe:
    first, last = session.anchors["A"], session.anchors["B"]
    assert first is not None
    assert last is not None
    settings = session.strip
    return making.strip(
        *_model_and_space(session),
        np.stack([first.code, last.code]),
        settings.steps + 2,
        settings.path,
        sources=(first.picture, last.picture) if settings.ends == "source" else (),
        film=choice.is_film,
        milliseconds=choice.milliseconds if choice.is_film else None,
        back=choice.back and choice.is_film,
        **_shared(choice, session, [first.label or "A", last.label or "B"]),
    )


def _sheet(choice: ExportChoice, session: Session, subject: Subject) -> Recipe:
    count = (session.space.leading if session.space else None) or session.dim
    dims = list(range(count))
    if session.activity is not None and session.rows.order == "influence":  # as the rows of the window stand
        dims = np.argsort(-session.activity.influence[:count], kind="stable").tolist()
    if choice.active_only and session.activity is not None:
        dims = [dim for dim in dims if session.activity.active[dim]] or dims
    labels = [
        f"{session.name_of(dim)} {session.title_of(dim)}".rstrip() + f"\n{session.remark_of(dim)}".rstrip()
        for dim in dims
    ]
    return making.sheet(
        *_model_and_space(session),
        session.code,
        choice.sheet_steps,
        "data",
        dims=dims,
        **_shared(choice, session, labels),
    )


def _manifold(choice: ExportChoice, session: Session, subject: Subject) -> Recipe:
    plane = session.map.plane
    dims = plane if isinstance(plane, tuple) else session.main_dimensions
    labels = [f"{session.name_of(dim)} {session.title_of(dim)}".rstrip() for dim in dims]
    shared = _shared(choice, session, labels)
    return making.manifold(*_model_and_space(session), choice.manifold_steps, dims, **shared)


def _samples(choice: ExportChoice, session: Session, subject: Subject) -> Recipe:
    seed = choice.seed if choice.seed >= 0 else session.seed or 0
    return making.samples(*_model_and_space(session), choice.count, seed, **_shared(choice, session))


def _reconstructions(choice: ExportChoice, session: Session, subject: Subject) -> Recipe:
    given = subject.encoded
    assert given is not None
    part = slice(choice.pairs)
    shared = _shared(choice, session)
    model, space = _model_and_space(session)
    return making.reconstructions(
        model, space, given.codes[part], given.sources[part], given.errors[part], **shared
    )


def _map(choice: ExportChoice, session: Session, subject: Subject) -> Recipe:
    facts = subject.map
    assert facts is not None
    return making.map_of(
        *_model_and_space(session),
        facts.plane,
        facts.extent,
        facts.points,
        tiles=TILES if choice.ground else 0,
        marker=facts.plane.project(session.code),
        column=facts.column,
        values=facts.values,
        **_shared(choice, session),
    )


_MAKERS: dict[str, Callable[[ExportChoice, Session, Subject], Recipe]] = {
    "picture": _picture,
    "strip": _strip,
    "sheet": _sheet,
    "manifold": _manifold,
    "samples": _samples,
    "reconstructions": _reconstructions,
    "map": _map,
}
