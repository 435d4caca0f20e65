"""`replay`: a picture that carries its recipe is made again, and compared; of a session, what it stops at."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from explorer import paths
from explorer.cli.options import Decoding, Engine, Layout
from explorer.data.wording import counted, shown
from explorer.errors import LatentError, RecipeError, UsageError

if TYPE_CHECKING:
    from PIL import Image

    from explorer.cli.work import Work
    from explorer.export.recipe import Network, Recipe
    from explorer.models.base import LatentModel, StageModel

SESSION = ".session.json"


def replay(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE", help="A picture or film that this program exported, or a saved session."
        ),
    ],
    engine: Engine,
    model: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            show_default="found by its hash",
            help="The checkpoint, or another to try it with.",
        ),
    ] = None,
    stage: Annotated[
        list[str] | None,
        typer.Option(metavar="FILE", show_default="found by their hashes", help="A stage; repeatable."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", show_default="NAME replayed.png, in this folder", help="Where to write it."
        ),
    ] = None,
) -> None:
    """Make an exported picture again from the recipe that it carries, and compare the pixels.

    The checkpoint and its stages are found by the hashes of their files: among those given, in the folder of
    FILE, in this folder, among recent and bundled ones. On the same machine the pixels are the same. Of a saved
    session (NAME.session.json) the picture is made that it was left with.
    """
    if file.name.lower().endswith(SESSION):
        _replay_session(file, engine, bool(model or stage), out)
        return
    from explorer.cli.work import Work
    from explorer.export.codes import codes_of, options_of
    from explorer.export.making import save
    from explorer.export.writing import STILLS, check_target

    recipe = _recipe_of(file)
    out = out or Path(f"{file.stem} replayed{_suffix_for(file)}")
    if out.exists() and out.samefile(file):
        raise UsageError(f"{out} is the picture that is replayed; give another name with --out.")
    check_target(out, STILLS)
    found = _networks_for(recipe, file, model, stage or ())
    decoding = Decoding(
        engine.device, engine.precision, engine.hint, recipe.space, [str(path) for path in found.stages]
    )
    with Work(str(found.model), decoding, options_of(recipe)) as work:
        _check_fits(recipe, work)
        used = _told_others(recipe, work)
        work.tell(*found.unused)
        save(used, work.pictures(codes_of(recipe)), out)
        work.tell(compared(out, file))


def _replay_session(file: Path, engine: Engine, has_others: bool, out: Path | None) -> None:
    """Write the picture that a saved session was left with, its own pixels.

    Raises:
        UsageError: other networks were given; a session has more to fit to them than one picture.
        RecipeError: the session cannot be used, or its model is not found.
    """
    from explorer.cli.work import Work, progress
    from explorer.export import making
    from explorer.export.writing import STILLS, check_target
    from explorer.formats.reader import never
    from explorer.gui.sessions.session_opening import open_session

    if has_others:
        raise UsageError("--model and --stage are for pictures; a session is replayed with its own networks.")
    out = out or Path(f"{file.name[: -len(SESSION)]} replayed.png")
    check_target(out, STILLS)
    with progress() as report:
        _, restored = open_session(file, report, never)
    state = restored.moment.state
    assert state.opened is not None
    decoding = Decoding(engine.device, engine.precision, space=state.space)
    stages = [entry.stage for entry in state.stages if entry.enabled]
    with Work(state.opened, decoding, stages=stages) as work:
        work.tell(*restored.warnings)
        work.make(making.picture(work.network, work.space, state.code, **work.shared(Layout(scale=1))), out)
        work.tell(f"{out} is the picture that {file} was left with.")


@dataclass(frozen=True)
class _Networks:
    """Files of a recipe's networks, and sentences about those given in vain."""

    model: Path
    stages: tuple[Path, ...]
    unused: tuple[str, ...] = ()


def _recipe_of(file: Path) -> Recipe:
    """Return the recipe in a file.

    Raises:
        RecipeError: it carries none, or a damaged one.
    """
    from explorer.export.reading import recipe_in

    recipe = recipe_in(file)
    if recipe is None:
        raise RecipeError(
            f"{file} carries no recipe, so it cannot be made again; give a picture that this program exported "
            "and that nothing has stripped of its texts."
        )
    return recipe


def _suffix_for(file: Path) -> str:
    from explorer.export.writing import STILLS

    return file.suffix if file.suffix.lower() in STILLS else ".png"


def _networks_for(recipe: Recipe, file: Path, model: str | None, stages: Sequence[str]) -> _Networks:
    """Return the files of a recipe's networks: those that were given, the others by hash.

    A stage that was given takes the place of the one with its hash, else of the first that is left.

    Raises:
        RecipeError: one is not found.
    """
    near = [file.absolute().parent, Path.cwd()]
    chosen = _located(model) if model else _found(recipe.model, near, file, "--model")
    given = [_located(stage) for stage in stages]
    by_hash = {_hash(path): path for path in given}
    places = [by_hash.get(wanted.sha256) for wanted in recipe.stages]
    left = [path for path in given if path not in places]
    used = [path or (left.pop(0) if left else None) for path in places]
    return _Networks(
        chosen,
        tuple(
            path or _found(wanted, near, file, "--stage")
            for wanted, path in zip(recipe.stages, used, strict=True)
        ),
        tuple(f"The stage {path} was not needed." for path in left),
    )


def _located(path_or_name: str) -> Path:
    """Return the path that was given, or that of a bundled network of this name."""
    path = Path(path_or_name).expanduser()
    return path if path.exists() else paths.bundled().get(path_or_name, path)


def _hash(path: Path) -> str | None:
    from explorer.formats.finding import hash_of

    try:
        return hash_of(path)
    except OSError:
        return None  # opening it says what is wrong


def _found(wanted: Network, near: Sequence[Path], file: Path, option: str) -> Path:
    from explorer.formats import finding

    found = finding.find(wanted.name, wanted.sha256, near)
    if found is None:
        advice = f"open that checkpoint once, or give it by {option}"
        raise RecipeError(finding.wanted(wanted.name, wanted.sha256, str(file), advice))
    return found


def _check_fits(recipe: Recipe, work: Work) -> None:
    """Raise `LatentError` where another model was given whose codes are of another length."""
    dim = recipe.codes.shape[1]
    if dim != work.space.dim:
        raise LatentError(
            f"The recipe is for codes of {dim} dimensions, the space {work.space.name} of {work.model.name} "
            f"has {work.space.dim}; give the model it was made with."
        )


def _told_others(recipe: Recipe, work: Work) -> Recipe:
    """Return the recipe with the networks that are used; those that are others than it names are told."""
    from explorer.export.making import network

    used = []
    networks: list[LatentModel | StageModel] = [work.model, *work.stages]
    for wanted, there in zip((recipe.model, *recipe.stages), networks, strict=True):
        is_used = network(there)
        is_same = wanted.sha256 is not None and wanted.sha256 == is_used.sha256
        if not is_same:
            work.tell(_other(wanted, is_used))
        used.append(wanted if is_same else is_used)
    return replace(recipe, model=used[0], stages=tuple(used[1:]))


def _other(wanted: Network, used: Network) -> str:
    name = shown(wanted.name)
    made_with = (
        f"{name} (SHA-256 {wanted.sha256[:4]}…)" if wanted.sha256 else f"{name}, which came from no file"
    )
    return f"Warning: it was made with {made_with}; {used.name} is another one, used because it was given."


def compared(made: Path, original: Path) -> str:
    """Return the sentence that says whether two pictures or films have the same pixels."""
    import numpy as np
    from PIL import Image, ImageChops

    different = pixels = most = 0
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of size: the first is ours, and the other must have as many
            with Image.open(made) as one, Image.open(original) as other:
                sizes = [_size(image) for image in (one, other)]
                if sizes[0] != sizes[1]:
                    return f"{made} has {sizes[0]}, {original} has {sizes[1]}."
                for frame in range(getattr(one, "n_frames", 1)):
                    one.seek(frame)
                    other.seek(frame)
                    apart = np.asarray(ImageChops.difference(one.convert("RGBA"), other.convert("RGBA")))
                    different += int(np.count_nonzero(apart.any(axis=-1)))
                    pixels, most = pixels + one.width * one.height, max(most, int(apart.max()))
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        return f"{made} is there, but could not be compared with {original} ({error})."
    if not different:
        return f"{made} has the same pixels as {original}."
    return f"{made} differs from {original} in {different} of {pixels} pixels, by at most {most} of 255."


def _size(image: Image.Image) -> str:
    return f"{counted(getattr(image, 'n_frames', 1), 'picture')} of {image.width}x{image.height} pixels"
