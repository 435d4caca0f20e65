"""Checkpoints and their sidecars on disk, to and from `LatentModel` and `StageModel`.

To add a format: write a module with a `READER` (see `reader`) and put it into `READERS`; the first whose
`matches` says yes reads the file. torch is imported only once a file is worth it.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from explorer.data.code_book import CodeBook
from explorer.errors import Cancelled, CheckpointError
from explorer.formats import (
    diffusers,
    disvae,
    folder,
    gdl_book,
    keras_file,
    native,
    notes,
    onnx_file,
    pythae,
    ranges,
    run_epochs,
    sidecars,
    torch_file,
)
from explorer.formats.loaded import LoadedModels, mark_of_book, mark_of_files
from explorer.formats.locating import located
from explorer.formats.native import save_native
from explorer.formats.notes import NO_NOTES, Notes
from explorer.formats.reader import HEAD_BYTES, Progress, Reader, Reading, ShouldStop, never, nothing
from explorer.formats.sidecars import Hints
from explorer.formats.unknown import describe
from explorer.models.base import LatentModel, StageModel

__all__ = ["READERS", "Examination", "Opened", "open_checkpoint", "open_latent", "open_stage", "save_native"]

READERS: dict[str, Reader] = {
    "diffusers": diffusers.READER,
    "native": native.READER,
    "disvae": disvae.READER,
    "pythae": pythae.READER,
    "gdl-book": gdl_book.READER,
    "keras": keras_file.READER,
    "torch": torch_file.READER,
    "onnx": onnx_file.READER,
    "folder": folder.READER,
}
"""Formats by name, in the order they are tried."""


@dataclass(frozen=True, eq=False)
class Opened:
    """A checkpoint with its sidecars.

    Attributes:
        model: what it holds.
        code_book: the codes of real pictures beside it, where there are any that fit.
        notes: what people said of it: names of and notes on dimensions, starred places.
        book_note: what is wrong with the code book that lies beside it; empty where nothing is.
        first: of a run whose epochs are walked through, the checkpoint that was opened.
    """

    model: LatentModel | StageModel
    code_book: CodeBook | None = None
    notes: Notes = NO_NOTES
    book_note: str = ""
    first: Opened | None = None

    @property
    def root(self) -> Opened:
        """What stays the same while the epochs of a run are walked through: what is known by it, all of them share."""
        return self.first or self


def open_checkpoint(
    path_or_name: Path | str,
    *,
    hints: Mapping[str, str] | None = None,
    only_given: bool = False,
    on_progress: Progress = nothing,
    should_stop: ShouldStop = never,
    models: LoadedModels | None = None,
) -> Opened:
    """Open a checkpoint: a path, or the name of a bundled model where there is no such path.

    Args:
        path_or_name: the file.
        hints: see `sidecars.Hints`, as `--hint key=value` gives them; they override `NAME.hints.json`.
        only_given: read it by `hints` alone, whatever that file says, as a recipe wants it.
        on_progress: told a fraction in 0..1 and a text for people.
        should_stop: asked often; true ends the reading.
        models: those that are kept; one of them is taken, and what is read becomes one of them.

    Raises:
        CheckpointError: it cannot be used; one sentence says which, why, and what to try.
        UsageError: a hint is unknown.
        Cancelled: `should_stop` turned true.
    """
    if models is not None and (kept := models.get(path_or_name, hints, only_given=only_given)) is not None:
        return kept
    examination = Examination(path_or_name, on_progress=on_progress, should_stop=should_stop)
    opened = examination.open(hints, only_given=only_given, on_progress=on_progress)
    if models is not None:
        models.put(examination, opened)
    return opened


class Examination:
    """A checkpoint that was read once, and becomes a model as often as somebody tries other hints.

    Args:
        path_or_name, on_progress, should_stop: as `open_checkpoint` takes them.

    `folder` is the one whose files are read along with it, None for a file that says everything itself; `mark` is how
    files and code book were when they were read last.

    Raises:
        CheckpointError, Cancelled: as `open_checkpoint`, for what no hint could mend.
    """

    def __init__(
        self, path_or_name: Path | str, *, on_progress: Progress = nothing, should_stop: ShouldStop = never
    ) -> None:
        self.path = located(path_or_name)
        self._should_stop = should_stop
        with _unreadable(self.path):
            self._reading = Reading(self.path, _head(self.path), Hints(), on_progress, should_stop)
            self._reader = _reader_of(self._reading)
            self.folder = self._reader.folder(self.path) if self._reader.folder is not None else None
            self._files = mark_of_files(self.path, self.folder)  # before anything is read
            self.mark = self._files, mark_of_book(self.path)
            self._loaded = self._reader.load(self._reading)

    def open(
        self,
        hints: Mapping[str, str] | None = None,
        *,
        only_given: bool = False,
        on_progress: Progress = nothing,
        should_stop: ShouldStop | None = None,
    ) -> Opened:
        """Return the model by these hints, with its sidecars.

        Raises:
            CheckpointError: none can be made; where a hint may help it is an `Unfamiliar` that tells what was found.
            UsageError: a hint is unknown.
            Cancelled: `should_stop` turned true.
        """
        self.mark = self._files, mark_of_book(self.path)
        with _unreadable(self.path):
            told = sidecars.read_hints(self.path, hints, only_given=only_given)
            stop = should_stop or self._should_stop
            reading = dataclasses.replace(
                self._reading, hints=told, on_progress=on_progress, should_stop=stop
            )
            model = self._reader.build(self._loaded, reading)
            model.notes = (*model.notes, *told.notes, *_unheeded(model, reading))
        if stop():
            raise Cancelled
        on_progress(0.95, f"Reading what is kept beside {self.path.name}")
        opened = _with_sidecars(self.path, model)
        on_progress(1.0, f"{model.name} is open")
        return opened


def _unheeded(model: LatentModel | StageModel, reading: Reading) -> tuple[str, ...]:
    """Say of each hint that changes nothing, why; see `heeding`."""
    if not reading.hints.told:
        return ()
    from explorer.formats import heeding

    return heeding.unheeded(model, reading.hints, reading.path)


def _reader_of(reading: Reading) -> Reader:
    """Return the reader of a format.

    Raises:
        CheckpointError: it is none that is known.
    """
    reader = next((reader for reader in READERS.values() if reader.matches(reading.head, reading.path)), None)
    if reader is None:
        can = "; ".join(known.title for known in READERS.values())
        raise CheckpointError(
            f"{reading.path} {describe(reading.head, reading.path)}; what can be opened: {can}."
        )
    return reader


@contextlib.contextmanager
def _unreadable(path: Path) -> Iterator[None]:
    """Turn what the disk says into a sentence."""
    try:
        yield
    except OSError as error:
        raise CheckpointError(f"{path} cannot be read ({(error.strerror or str(error)).lower()}).") from error


def open_latent(
    path_or_name: Path | str,
    *,
    hints: Mapping[str, str] | None = None,
    only_given: bool = False,
    on_progress: Progress = nothing,
    should_stop: ShouldStop = never,
    models: LoadedModels | None = None,
) -> Opened:
    """Open a checkpoint that must hold a generator; see `open_checkpoint`."""
    opened = open_checkpoint(
        path_or_name,
        hints=hints,
        only_given=only_given,
        on_progress=on_progress,
        should_stop=should_stop,
        models=models,
    )
    if not isinstance(opened.model, LatentModel):
        raise CheckpointError(
            f"{path_or_name} is a stage ({opened.model.architecture}: picture to picture), not a generator; "
            "open a generator and add this one as a stage."
        )
    return opened


def open_stage(
    path_or_name: Path | str,
    *,
    hints: Mapping[str, str] | None = None,
    only_given: bool = False,
    on_progress: Progress = nothing,
    should_stop: ShouldStop = never,
    models: LoadedModels | None = None,
) -> StageModel:
    """Open a checkpoint that must hold a stage; see `open_checkpoint`."""
    model = open_checkpoint(
        path_or_name,
        hints=hints,
        only_given=only_given,
        on_progress=on_progress,
        should_stop=should_stop,
        models=models,
    ).model
    if not isinstance(model, StageModel):
        raise CheckpointError(
            f"{path_or_name} is a generator ({model.architecture}: code to picture), not a stage; open it as "
            "the model instead."
        )
    return model


def _head(path: Path) -> bytes:
    """Return the first bytes of a file, none of a folder.

    Raises:
        CheckpointError: it is empty or no regular file, so reading might never end.
        OSError: it cannot be read.
    """
    mode = os.stat(path).st_mode
    if stat.S_ISDIR(mode):
        return b""
    if not stat.S_ISREG(mode):
        raise CheckpointError(f"{path} is no ordinary file but a device or pipe; give a checkpoint file.")
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    if not head:
        raise CheckpointError(f"{path} is empty (0 bytes); copy or download it again.")
    return head


def _with_sidecars(path: Path, model: LatentModel | StageModel) -> Opened:
    """Return the model with what is kept beside it; what does not fit becomes a note."""
    if not isinstance(model, LatentModel):
        return Opened(model)
    book, book_notes = sidecars.read_code_book(path, model)
    said, complaints = notes.read(run_epochs.kept_as(path), model)
    model.notes = (*model.notes, *book_notes, *complaints)
    if book is not None:
        ranges.take(model, book)
    ranges.settle(model)
    return Opened(model, book, said, " ".join(book_notes))
