"""`replay`: a picture that carries its recipe is made again, and compared; of a session, what it stops at."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from explorer import paths
from explorer.cli.options import Decoding, Engine, Layout, Precision
from explorer.data.wording import shown
from explorer.errors import LatentError, RecipeError, UsageError

if TYPE_CHECKING:
    from explorer.cli.work import Work
    from explorer.export.recipe import Network, Recipe
    from explorer.formats import Opened
    from explorer.models.base import LatentModel, StageModel

SESSION = ".session.json"

_OTHER_MODEL = "give the model it was made with by --model, or export the picture anew"
_SMALLER = "export the picture anew with fewer or smaller pictures"


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
    check: Annotated[
        bool, typer.Option("--check", help="Exit with 3 where the pixels are not the same.")
    ] = False,
) -> None:
    """Make an exported picture again from the recipe that it carries, and compare the pixels.

    The checkpoint and its stages are found by the hashes of their files: among those given, in the folder of
    FILE, in this folder, among recent and bundled ones; they are read by the hints that the recipe carries. On
    the same machine the pixels are the same. Of a saved session (NAME.session.json) the picture is made that it
    was left with.
    """
    if file.name.lower().endswith(SESSION):
        _replay_session(file, engine, bool(model or stage or check), out)
        return
    from explorer.cli.comparing import compared
    from explorer.cli.targets import free_name
    from explorer.cli.work import Work
    from explorer.export.codes import codes_of, options_of
    from explorer.export.making import save
    from explorer.export.writing import STILLS, check_target

    recipe = _recipe_of(file)
    out = out or free_name(Path(f"{file.stem} replayed{_suffix_for(file)}"))
    if out.exists() and out.samefile(file):
        raise UsageError(f"{out} is the picture that is replayed; give another name with --out.")
    check_target(out, STILLS)
    found = _networks_for(recipe, file, model, stage or ())
    opened, stages = _opened(recipe, found, engine.hints)
    precision = engine.precision or Precision(recipe.precision)
    decoding = Decoding(engine.device, precision, space=recipe.space)
    with _blaming(file, _OTHER_MODEL):
        working = Work(opened, decoding, options_of(recipe), stages)
    with working as work:
        _check_fits(recipe, work)
        used = replace(_told_others(recipe, work), precision=precision.value)
        work.tell(*found.unused)
        with _blaming(file, _SMALLER if out.suffix.lower() == ".png" else f"write a .png, or {_SMALLER}"):
            save(used, work.pictures(codes_of(recipe)), out)
        result = compared(out, file)
        if not check or result.is_same:
            work.tell(result.text)
    if check and not result.is_same:
        raise RecipeError(result.text)


def _replay_session(file: Path, engine: Engine, is_for_pictures: bool, out: Path | None) -> None:
    """Write the picture that a saved session was left with, its own pixels.

    Raises:
        UsageError: other networks were given, for a session has more to fit to them than one picture; or it
            is to be checked, and there is nothing to compare with.
        RecipeError: the session cannot be used, or its model is not found.
    """
    from explorer.cli.targets import free_name
    from explorer.cli.work import Work, progress
    from explorer.export import making
    from explorer.export.writing import STILLS, check_target
    from explorer.formats.reader import never
    from explorer.gui.sessions.session_opening import open_session

    if is_for_pictures:
        raise UsageError(
            "--model, --stage and --check are for pictures; a session is replayed with its own networks."
        )
    out = out or free_name(Path(f"{file.name[: -len(SESSION)]} replayed.png"))
    check_target(out, STILLS)
    with progress() as report:
        _, restored = open_session(file, report, never)
    state = restored.moment.state
    assert state.opened is not None
    decoding = Decoding(engine.device, engine.precision, space=state.space)
    stages = [entry.stage for entry in state.stages if entry.enabled]
    with Work(state.opened, decoding, state.options, stages) as work:
        work.tell(*restored.warnings)
        work.make(making.picture(work.network, work.space, state.code, **work.shared(Layout(scale=1))), out)
        work.tell(f"{out} is the picture that {file} was left with.")


@dataclass(frozen=True)
class _Networks:
    """Files of a recipe's networks, and sentences about those given in vain."""

    model: Path
    stages: tuple[Path, ...]
    unused: tuple[str, ...] = ()


def _opened(
    recipe: Recipe, found: _Networks, hints: Mapping[str, str]
) -> tuple[Opened, tuple[StageModel, ...]]:
    """Return the networks, each read as it was for the recipe; `hints` of the model go before those in it."""
    from explorer.cli.work import progress
    from explorer.formats import open_latent, open_stage

    with progress() as report:
        told = _hints_for(recipe.model, found.model, hints)
        opened = open_latent(found.model, hints=told[0], only_given=told[1], on_progress=report)
        stages = []
        for wanted, path in zip(recipe.stages, found.stages, strict=True):
            told = _hints_for(wanted, path, {})
            stages.append(open_stage(path, hints=told[0], only_given=told[1], on_progress=report))
    return opened, tuple(stages)


def _hints_for(wanted: Network, path: Path, given: Mapping[str, str]) -> tuple[Mapping[str, str], bool]:
    """Return hints, and whether they are all; those of a recipe say nothing of another file than its own."""
    if wanted.hints is None or _hash(path) != wanted.sha256:
        return given, False
    return {**wanted.hints, **given}, True


@contextlib.contextmanager
def _blaming(file: Path, advice: str) -> Iterator[None]:
    """Say of what a recipe asks for that it is the file's fault, for no option of this call would help."""
    try:
        yield
    except UsageError as error:
        reason = str(error).partition(";")[0].rstrip(".")
        raise RecipeError(f"The recipe in {file} cannot be followed: {reason}; {advice}.") from error


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
    path = Path(path_or_name)
    with contextlib.suppress(RuntimeError):  # there is no such home; opening it says so
        path = path.expanduser()
    return path if os.path.exists(path) else paths.bundled().get(path_or_name, path)


def _hash(path: Path) -> str | None:
    from explorer.formats.finding import hash_of, is_checkpoint

    try:
        return hash_of(path) if is_checkpoint(path) else None
    except (OSError, ValueError):
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
        used.append(replace(wanted, hints=is_used.hints) if is_same else is_used)
    return replace(recipe, model=used[0], stages=tuple(used[1:]))


def _other(wanted: Network, used: Network) -> str:
    name = shown(wanted.name)
    made_with = (
        f"{name} (SHA-256 {wanted.sha256[:4]}…)" if wanted.sha256 else f"{name}, which came from no file"
    )
    return f"Warning: it was made with {made_with}; {used.name} is another one, used because it was given."
