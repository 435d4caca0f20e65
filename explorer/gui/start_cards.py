"""The networks behind the start page: bundled ones are read when their cards are seen, recent files are looked up."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject

from explorer import paths
from explorer.gui.jobs import JobRunner
from explorer.gui.panels.start import RecentFile, StartPage
from explorer.models.base import LatentModel

if TYPE_CHECKING:
    from explorer.formats import Opened
    from explorer.formats.loaded import LoadedModels
    from explorer.models.base import StageModel

DEFAULT_MODEL = "anime-faces"


class StartCards(QObject):
    """Brings the cards of a start page to life."""

    def __init__(self, page: StartPage, jobs: JobRunner, models: LoadedModels) -> None:
        super().__init__(page)
        self._models = models
        self._page = page
        self._jobs = jobs
        page.card_wanted.connect(self._on_card_wanted)

    def fill(self) -> None:
        """Show what is bundled and what was opened before."""
        from explorer.formats import recent
        from explorer.formats.native import kind_of

        kinds = {name: kind_of(path) for name, path in paths.bundled().items()}
        order = sorted(kinds, key=lambda name: (kinds[name] == "stage", name))  # generators come first
        kinds = {name: kinds[name] for name in order}
        if list(self._page.cards) != list(kinds):
            self._page.set_models(
                [(name, "stage" if kind == "stage" else "generator") for name, kind in kinds.items()]
            )
        self._page.set_recent([RecentFile(str(e.path), e.name, e.path.exists()) for e in recent.entries()])

    def _on_card_wanted(self, name: str) -> None:
        job = self._jobs.start(f"card {name}", partial(_read, name, self._models))
        job.succeeded.connect(self._on_read)

    def _on_read(self, read: tuple[str, Opened, StageModel | None] | None) -> None:
        if read is None:
            return
        name, opened, stage = read
        if stage is None:
            self._page.show_model(name, opened)
        else:
            self._page.show_stage(name, stage, opened)


def _read(
    name: str, models: LoadedModels, progress: Any, should_stop: Any
) -> tuple[str, Opened, StageModel | None] | None:
    """Return a bundled generator, or a stage with the generator that it is shown behind; runs in a job."""
    from explorer.errors import ExplorerError
    from explorer.formats import open_checkpoint

    try:
        opened = open_checkpoint(name, should_stop=should_stop, models=models)
        if isinstance(opened.model, LatentModel):
            return name, opened, None
        behind = generator_for(opened.model, models, should_stop)
    except ExplorerError:  # a card without a picture says enough
        return None
    return (name, behind, opened.model) if behind is not None else None


def generator_for(stage: StageModel, models: LoadedModels, should_stop: Any) -> Opened | None:
    """Return the first bundled generator whose pictures a stage takes, the default one before all others.

    Raises:
        CheckpointError: one cannot be read.
        Cancelled: `should_stop` turned true.
    """
    from explorer.formats import open_latent
    from explorer.formats.native import image_of, kind_of

    names = sorted(paths.bundled(), key=lambda name: name != DEFAULT_MODEL)
    for name in names:
        path = paths.bundled()[name]
        image = image_of(path) if kind_of(path) == "latent" else None
        if image is not None and stage.input.accepts(image):
            return open_latent(name, should_stop=should_stop, models=models)
    return None
