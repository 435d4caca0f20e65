"""Opening: checkpoints, stages, pictures, recipes; what a person gives is read in a job, then shown."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Signal

from explorer import paths
from explorer.errors import ExplorerError, StageError
from explorer.formats import run_epochs
from explorer.gui import file_dialogs
from explorer.gui.jobs import Job, JobRunner
from explorer.gui.opening import (
    Awaited,
    Built,
    CarriedRecipe,
    FittedPicture,
    Ingredients,
    MissingNetwork,
    Puzzle,
    gather_or_miss,
    is_session,
    open_path,
    read_end,
    read_picture,
)
from explorer.gui.pictures import PictureSource
from explorer.gui.recipe_state import state_of, unlike
from explorer.gui.session import Session
from explorer.gui.start_cards import generator_for
from explorer.gui.state import Anchor, Side
from explorer.models.base import check_stages

if TYPE_CHECKING:
    from explorer.export.recipe import Recipe
    from explorer.formats import Opened
    from explorer.formats.loaded import LoadedModels
    from explorer.gui.main_window import MainWindow
    from explorer.models.base import LatentModel, StageModel
    from explorer.render.requests import EncodeResult

WHAT = {
    "picture": "a picture of one code",
    "strip": "a strip",
    "sheet": "a sheet of dimensions",
    "manifold": "a manifold grid",
    "samples": "a grid of samples",
    "reconstructions": "reconstructions",
    "map": "a map",
}


class Opener(QObject):
    """Reads files in jobs, the newest `open` wins, and hands what was read to the session."""

    session_wanted = Signal(str)  # path of a saved session that somebody opened
    network_read = Signal(object, str)  # a LatentModel or StageModel that a person opened; "model" or "stage"
    run_awaited = Signal(object)  # the folder of a run that has no checkpoint yet
    puzzled = Signal(object)  # a Puzzle: a checkpoint that only hints make a model
    began = Signal()  # something is about to be opened; the canvas will tell how far it is

    def __init__(
        self,
        session: Session,
        pictures: PictureSource,
        jobs: JobRunner,
        window: MainWindow,
        models: LoadedModels,
    ) -> None:
        super().__init__(window)
        self._session = session
        self._pictures = pictures
        self._jobs = jobs
        self._window = window
        self._models = models
        self._encoding: dict[str, FittedPicture] = {}
        self._next_stages: tuple[str, ...] = ()
        self._first: tuple[str, tuple[str, ...]] | None = None
        self._job: Job | None = None
        session.model_changed.connect(self._forget_ends)
        session.space_changed.connect(self._forget_ends)
        window.canvas.cancel_requested.connect(self._on_cancel_requested)
        window.stages.stage_wanted.connect(self.open_stages)
        window.strip.picture_wanted.connect(self.open_anchor)
        window.files_dropped.connect(self._on_files_dropped)

    # ---- whatever a person gives ----

    def open_later(self, path: str, stages: tuple[str, ...] = ()) -> None:
        """Promise to open a file once `open_first` is called; whatever is opened meanwhile goes before it."""
        self._first = path, stages
        self._window.canvas.show_loading(f"Opening {Path(path).name}", 0.0)

    def open_first(self) -> None:
        """Keep that promise."""
        if self._first is not None:
            self.open(*self._first)

    def open_entry(self, name: str) -> None:
        """Read another network of the open checkpoint, by the hints that it was read by."""
        model = self._session.model
        if model is not None and model.origin is not None:
            self.open(str(model.origin.path), hints={**model.origin.hints, "entry": name})

    def open(self, path: str, stages: tuple[str, ...] = (), hints: Mapping[str, str] | None = None) -> None:
        """Read a checkpoint (then `stages`), a picture or a saved session; a second call cancels the first.

        A checkpoint that is kept in memory is shown at once.
        """
        self._first = None
        self._next_stages = stages
        if is_session(path):
            self.session_wanted.emit(path)
            return
        self.began.emit()  # what is not written yet belongs into its notes
        kept = self._models.get(path, hints)
        if kept is not None:
            self._show_at_once(kept)
            return
        spec = self._session.model.image if self._session.model else None
        work = partial(open_path, path, spec, hints or {}, self._models)
        self._watch_one(f"Opening {Path(path).name}", work).succeeded.connect(self._on_opened)

    def take(self, built: Built) -> None:
        """Show a checkpoint that was read and built elsewhere; what is being opened meanwhile is cancelled."""
        self._first, self._next_stages = None, ()
        self.began.emit()
        self._show_at_once(built.refreshed())

    def _show_at_once(self, opened: Opened) -> None:
        self._jobs.cancel("open")
        self._window.canvas.hide_loading()
        self._on_opened(opened)

    def watch(self, job: Job, text: str) -> None:
        """Show on the canvas how far a job of the kind `open` is, and let it be cancelled there."""
        self._first = None
        self._job = job
        self._window.canvas.show_loading(text, 0.0)
        job.progressed.connect(self._on_progressed)
        job.finished.connect(self._on_finished)

    def _start(self, text: str, work: Any) -> Job:
        """Run the one job that opens something."""
        self.began.emit()
        return self._watch_one(text, work)

    def _watch_one(self, text: str, work: Any) -> Job:
        job = self._jobs.start("open", work)
        self.watch(job, text)
        job.failed.connect(self._on_failed)
        return job

    def _on_progressed(self, fraction: float, text: str) -> None:
        self._window.canvas.show_loading(text, fraction)

    def _on_finished(self) -> None:
        if self.sender() is self._job or self.sender() is None:
            self._window.canvas.hide_loading()

    def _on_cancel_requested(self) -> None:
        self._jobs.cancel("open")

    def _on_opened(self, found: Any) -> None:
        if isinstance(found, FittedPicture):
            self._encode("canvas", found)
        elif isinstance(found, CarriedRecipe):
            self._offer(found)
        elif isinstance(found, Awaited):
            self.run_awaited.emit(found.folder)
        elif isinstance(found, Puzzle):
            self._on_failed(str(found.error))
            self.puzzled.emit(found)
        elif hasattr(found.model, "spaces"):
            self._session.open(found)
            self.network_read.emit(found.model, "model")
            if self._next_stages:
                self.open_stages(*self._next_stages)
                self._next_stages = ()
        else:
            self._show_stage(found.model)

    def _on_files_dropped(self, files: list[str]) -> None:
        if len(files) > 1:
            self._session.tell("info", f"{len(files)} files were dropped; the first one is opened.")
        if files:
            self.open(files[0])

    def _on_failed(self, sentence: str) -> None:
        self._session.tell("error", sentence)

    # ---- stages ----

    def open_stages(self, *files: str) -> None:
        """Read stages and put them at the end of the chain, in this order."""
        models = self._models

        def read(progress: Any, should_stop: Any) -> list[StageModel]:
            from explorer.formats import open_stage

            return [
                open_stage(path, on_progress=progress, should_stop=should_stop, models=models)
                for path in files
            ]

        kind = f"stage {' '.join(files)}"
        job = self._jobs.start(kind, read)
        self._window.stages.set_busy(f"opening {Path(files[0]).stem}…")
        self._window.show_work(kind, f"Opening {Path(files[0]).name}")
        job.finished.connect(self._on_stage_job_finished)
        job.finished.connect(partial(self._window.end_work, kind))
        job.succeeded.connect(self._on_stages_opened)
        job.failed.connect(self._on_failed)

    def _show_stage(self, stage: StageModel) -> None:
        """Add a stage that was opened by itself.

        One that comes with the program, or from a run, brings a generator whose pictures it takes, where the open one
        makes others; so does any where none is open.
        """
        model, place = self._session.model, stage.origin.path if stage.origin is not None else None
        is_ours = place is not None and (
            place in paths.bundled().values() or run_epochs.place_of(place) is not None
        )
        if model is not None and (not is_ours or _fits(stage, model, self._session.enabled_stages)):
            self._on_stages_opened([stage])
            return
        job = self._start(f"Opening a model for {stage.name}", partial(_generator_for, stage, self._models))
        job.succeeded.connect(self._on_generator_found)

    def _on_generator_found(self, found: tuple[StageModel, Opened | None]) -> None:
        stage, opened = found
        name = run_epochs.name_of(stage)
        before = self._session.model
        if opened is not None:
            self._session.open(opened)
        self._on_stages_opened([stage])
        if opened is not None:
            why = (
                f"{name} takes other pictures than {before.name} makes, so {opened.model.name} was opened for "
                "it; Undo goes back."
                if before is not None
                else f"{name} is a stage, so {opened.model.name} was opened to make pictures for it."
            )
            self._session.tell("info", why)

    def _on_stage_job_finished(self) -> None:
        self._window.stages.set_busy()

    def _on_stages_opened(self, stages: list[StageModel]) -> None:
        try:
            for stage in stages:
                self._session.add_stage(stage)
                self.network_read.emit(stage, "stage")
        except ExplorerError as error:
            self._on_failed(str(error))

    # ---- pictures ----

    def open_anchor(self, side: Side, path: str) -> None:
        """Make a picture one end of the strip: by the code that it carries, else by encoding it."""
        if self._session.model is None:
            return
        job = self._jobs.start(f"anchor {side}", partial(read_end, side, path, self._session.state))
        job.succeeded.connect(self._on_end_read)
        job.failed.connect(self._on_failed)

    def _forget_ends(self) -> None:
        """Drop the ends that are being read: they would have the shape of the model or space before."""
        for side in "AB":
            self._jobs.cancel(f"anchor {side}")

    def _on_end_read(self, read: tuple[Side, Anchor | FittedPicture | None]) -> None:
        side, found = read
        if isinstance(found, Anchor):
            self._session.set_anchor(side, found)
        elif found is None:
            self._say_no_encoder()
        else:
            self._encode(side, found)

    def _encode_file(self, path: str) -> None:
        """Read a picture for the model that is open now, and encode it to the canvas."""
        model = self._session.model
        if model is None or not model.has_encoder:
            self._say_no_encoder()
        else:
            work = partial(read_picture, path, model.image)
            self._start(f"Opening {Path(path).name}", work).succeeded.connect(self._on_opened)

    def _encode(self, target: str, picture: FittedPicture) -> None:
        """Ask for the code of a picture; `target` is `canvas`, `A` or `B`."""
        if self._session.model is None or not self._session.model.has_encoder:
            self._say_no_encoder()
            return
        slot = f"encode:{target}"
        self._encoding[slot] = picture
        self._pictures.want_codes(slot, picture.fitted[None], self._on_encoded)

    def _on_encoded(self, result: EncodeResult) -> None:
        picture = self._encoding.pop(result.slot)
        target = result.slot.removeprefix("encode:")
        if result.error is not None or result.mean is None:
            self._on_failed(result.error or "The picture could not be encoded.")
            return
        if picture.changes:
            self._session.tell("info", f"{picture.path.name} was {', then '.join(picture.changes)}.")
        if target == "canvas":
            self._session.show_encoded(result.mean[0], picture.shown, picture.path.name)
        else:
            self._session.set_encoded(target, result.mean[0], picture.shown, picture.path.name)  # type: ignore[arg-type]

    def _say_no_encoder(self) -> None:
        name = self._session.model.name if self._session.model else "This model"
        self._on_failed(
            f"{name} has no encoder, so a picture cannot become a code; open a VAE, or use Random and the sliders."
        )

    # ---- recipes ----

    def _offer(self, found: CarriedRecipe) -> None:
        """Ask whether the window shall show what a picture was made from."""
        recipe = found.recipe
        text = (
            f"{found.path.name} is {WHAT[recipe.kind]}, made with {recipe.model.name}; restore what made it?"
        )
        actions: list[tuple[str, Any]] = [("&Restore", partial(self.restore, recipe, found.path.parent))]
        if self._session.model is not None and self._session.model.has_encoder:
            actions.append(("&Encode it", partial(self._encode_file, str(found.path))))
        self._window.canvas.offer(text, actions)

    def restore(self, recipe: Recipe, *near: Path) -> None:
        """Show what a recipe was made from; its checkpoint is looked for in these files and folders too."""
        work = partial(gather_or_miss, recipe, near, self._session.state, models=self._models)
        job = self._start(f"Restoring {WHAT[recipe.kind]}", work)
        job.succeeded.connect(partial(self._on_gathered, recipe, near))

    def _on_missing(self, recipe: Recipe, near: tuple[Path, ...], missing: MissingNetwork) -> None:
        """Say which checkpoint is needed, and let a person show where it is."""
        find = partial(self._find, recipe, near, missing.network.name)
        self._window.canvas.offer(str(missing), [("&Find it…", find)], "error")

    def _find(self, recipe: Recipe, near: tuple[Path, ...], name: str) -> None:
        path = file_dialogs.ask_open(
            self._window, f"Where is {name}?", file_dialogs.openable(("Checkpoints",))
        )
        if path:
            self.restore(recipe, *near, Path(path))

    def _on_gathered(
        self, recipe: Recipe, near: tuple[Path, ...], found: Ingredients | MissingNetwork
    ) -> None:
        if isinstance(found, MissingNetwork):
            self._on_missing(recipe, near, found)
            return
        try:
            state = state_of(found.recipe, found.opened, found.stages, self._session.state)
        except ExplorerError as error:
            self._on_failed(str(error))
            return
        self._session.become("Restore", state)
        self._session.arrived.emit("Restored")
        if text := unlike(found.recipe, state):
            self._session.tell("warning", text)
        for model, kind in ((found.opened.model, "model"), *((stage, "stage") for stage in found.stages)):
            self.network_read.emit(model, kind)


def _generator_for(
    stage: StageModel, models: LoadedModels, _progress: Any, should_stop: Any
) -> tuple[StageModel, Opened | None]:
    return stage, generator_for(stage, models, should_stop)


def _fits(stage: StageModel, model: LatentModel, stages: tuple[StageModel, ...]) -> bool:
    try:
        check_stages(model.image, [*stages, stage])
    except StageError:
        return False
    return True
