"""The epochs of the run that is open: which is shown, which comes next, which is compared.

A run is open where the model, or a stage in the chain, is a checkpoint of a run folder; of several the one that came
last is walked through. The epoch is a view, as zoom is: another one changes weights and nothing else (`weights`),
Undo passes it by, and a saved session comes back at the epoch that it was saved at, for that is its checkpoint.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QPoint, QTimer, Signal
from PySide6.QtWidgets import QMenu

from explorer.gui.epochs.epoch_reader import EpochReader, Wanted
from explorer.gui.epochs.epoch_reading import Listing, Networks, Stamp
from explorer.gui.epochs.rivals import Rivals, name_of
from explorer.gui.epochs.run_watch import RunWatch
from explorer.gui.epochs.subjects import Subject, is_of, network_of, number_of, subjects_of
from explorer.gui.jobs import JobRunner
from explorer.gui.session import Session
from explorer.gui.weights import is_alike, with_model, with_stage
from explorer.gui.widgets.epoch_row import EpochsShown
from explorer.models.base import LatentModel

if TYPE_CHECKING:
    from explorer.gui.panels.canvas import Canvas
    from explorer.gui.weights import Network

FILM = 6000  # milliseconds that all epochs take together, within these paces
SLOWEST, QUICKEST = 500, 80  # milliseconds an epoch
STATES = {"running": "training", "finished": "finished", "stopped": "stopped", "failed": "failed"}


class Epochs(QObject):
    """Joins the folder of a run, the networks of the session and the row under the picture."""

    changed = Signal()  # what the row shows
    first_came = Signal(str)  # a run that was waited for has a checkpoint: its folder

    def __init__(
        self, session: Session, jobs: JobRunner, canvas: Canvas, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._canvas = canvas
        self._row = canvas.epoch_row
        self._known: list[Subject] = []
        self._subject: Subject | None = None
        self._listing: Listing | None = None
        self._is_following: bool | None = None  # None until it is known which epoch is the newest
        self._broken: dict[int, Stamp] = {}
        self._networks = Networks()
        self._reader = EpochReader(jobs, "epoch", self._networks, self)
        rival_reader = EpochReader(jobs, "epoch to compare", self._networks, self)
        self._rivals = Rivals(session, rival_reader, self._shown, self)
        self._watch = RunWatch(jobs, "run folder", self)
        self._hope = RunWatch(jobs, "run that begins", self)
        self._film = QTimer(self)
        self._connect()

    def _connect(self) -> None:
        session, canvas, slider = self._session, self._canvas, self._row.slider
        session.model_changed.connect(self._on_model_changed)
        session.stages_changed.connect(self._on_stages_changed)
        self._watch.listed.connect(self._on_listed)
        self._hope.listed.connect(self._on_hoped)
        self._reader.arrived.connect(self._on_arrived)
        self._reader.failed.connect(self._on_failed)
        self._rivals.arrived.connect(self._on_rival_arrived)
        self._rivals.failed.connect(self._on_failed)
        self._rivals.changed.connect(self._refresh)
        self._film.timeout.connect(self._on_next_frame)
        slider.moved.connect(self._on_slider_moved)
        slider.held.connect(self._on_slider_held)
        slider.rival_moved.connect(self._on_rival_moved)
        slider.menu_wanted.connect(self._on_menu_wanted)
        self._row.play_wanted.connect(self.toggle_film)
        self._row.follow_wanted.connect(self.follow)
        canvas.rival_wanted.connect(self._on_rival_wanted)

    # ---- what there is ----

    @property
    def is_open(self) -> bool:
        """Whether a run is open."""
        return self._row.shown is not None

    @property
    def number(self) -> int | None:
        """The epoch that is shown."""
        return number_of(self._network())

    @property
    def numbers(self) -> tuple[int, ...]:
        """The epochs that are there, and the one that is shown."""
        shown = self.number
        listed = self._listing.numbers if self._listing is not None else ()
        return tuple(sorted({*listed, *([shown] if shown is not None else [])}))

    @property
    def is_following(self) -> bool:
        """Whether each new epoch is shown as soon as it is there."""
        return bool(self._is_following)

    @property
    def is_playing(self) -> bool:
        """Whether the film runs."""
        return self._film.isActive()

    # ---- wishes ----

    def go(self, number: int) -> None:
        """Show another epoch, at the same code."""
        listing = self._listing
        if listing is None or number not in listing.stamps:
            return
        self._is_following = number == listing.numbers[-1]
        if number == self.number:
            self._reader.forget()
        elif (wanted := self._wanted(number)) is not None:
            self._reader.want(wanted)
        self._refresh()

    def step(self, by: int) -> None:
        """Show an epoch so many places on."""
        self._film.stop()
        numbers = self.numbers
        if numbers:
            self.go(numbers[min(max(self._at(numbers) + by, 0), len(numbers) - 1)])

    def before(self) -> None:
        """Show the epoch before."""
        self.step(-1)

    def after(self) -> None:
        """Show the next epoch."""
        self.step(1)

    def follow(self, on: bool) -> None:
        """Show the newest epoch, now and whenever there is another; or stay where it is."""
        self._film.stop()
        self._is_following = on
        self._watch.look()  # a folder on another machine may tell of nothing by itself
        if on and self._listing is not None and self._listing.numbers:
            self.go(self._listing.numbers[-1])
        self._refresh()

    def toggle_film(self) -> None:
        """Run through the epochs up to the newest, from the first where that is shown; or stop."""
        numbers = self.numbers
        if self.is_playing or len(numbers) < 2:
            self._film.stop()
        else:
            self._film.start(min(max(FILM // len(numbers), QUICKEST), SLOWEST))
            if self._at(numbers) == len(numbers) - 1:
                self.go(numbers[0])
        self._refresh()

    def compare(self, number: int | None) -> None:
        """Compare the picture with that of another epoch at the same code; None: no more."""
        self._rivals.want(number, self._wanted(number) if number is not None else None)
        self._refresh()

    def await_first(self, folder: Path) -> None:
        """Wait for the first epoch of a run that has just begun."""
        self._session.tell(
            "info",
            f"The run {folder.resolve().name} has no checkpoint yet; its first epoch is shown once it is there.",
        )
        self._hope.watch(folder)

    def stop_waiting(self) -> None:
        """Wait for no such run any more: something else is opened."""
        self._hope.watch(None)

    def close(self) -> None:
        """Watch nothing any more."""
        self._film.stop()
        self._watch.watch(None)
        self._hope.watch(None)

    # ---- which run ----

    def _network(self) -> Network | None:
        """Return the network whose epochs are walked through."""
        return network_of(self._session, self._subject)

    def _shown(self) -> tuple[Network | None, int, int]:
        """Return that network, its epoch, and which stage it is; 0 is the model."""
        return self._network(), self.number or 0, self._subject.stage_id if self._subject is not None else 0

    def _on_model_changed(self) -> None:
        self._choose(anew=True)

    def _on_stages_changed(self) -> None:
        self._choose(anew=False)

    def _choose(self, *, anew: bool) -> None:
        """Walk through the run that has just come, else go on with the one before, else with any."""
        subjects = subjects_of(self._session)
        came = [subject for subject in subjects if subject not in self._known]
        self._known = subjects
        chosen = (
            came[-1] if came else self._subject if self._subject in subjects else next(iter(subjects), None)
        )
        if chosen == self._subject and not (anew and chosen is not None and not chosen.stage_id):
            self._rivals.refresh()
            return
        if chosen is None or self._subject is None or chosen.folder != self._subject.folder:
            self._listing = None
            self._networks.clear()
        self._subject, self._is_following = chosen, None
        self._film.stop()
        self._broken.clear()
        self._reader.forget()
        self._rivals.want(None, None)
        is_same = chosen is not None and chosen.folder == self._watch.folder
        self._watch.watch(chosen.folder if chosen is not None else None)
        if is_same:
            self._watch.look()
        self._refresh()

    # ---- what is in its folder ----

    def _on_listed(self, listing: Listing | None) -> None:
        before, self._listing = self._listing, listing
        if listing is not None and listing.numbers:
            last = listing.numbers[-1]
            self._broken = {n: at for n, at in self._broken.items() if listing.stamps.get(n) == at}
            if self._is_following is None:
                self._is_following = self.number is not None and self.number >= last
            elif self._is_following and last > (self.number or 0) and last not in self._broken:
                self.go(last)
            elif self.number is not None and _is_rewritten(self.number, before, listing):
                self._read_again(self.number)
        self._refresh()

    def _read_again(self, number: int) -> None:
        """Show an epoch as it is now: it was stopped in its middle when it was read, and is whole now."""
        wanted = self._wanted(number)
        if wanted is not None and self._reader.wanted is None:
            self._reader.want(wanted)

    def _on_hoped(self, listing: Listing | None) -> None:
        folder = self._hope.folder
        if folder is None or (listing is not None and not listing.numbers and listing.run.state != "failed"):
            return
        self._hope.watch(None)
        if listing is not None and listing.numbers:
            self.first_came.emit(str(listing.run.path))
        else:
            self._session.tell(
                "error",
                f"The run {folder.resolve().name} ended before its first checkpoint; the command that trained it "
                "says why.",
            )

    def _wanted(self, number: int) -> Wanted | None:
        """Return what has to be read for an epoch; None where it is gone, or cannot be read."""
        listing, network = self._listing, self._network()
        if listing is None or network is None or network.origin is None or number not in listing.stamps:
            return None
        stamp = listing.stamps[number]
        if self._broken.get(number) == stamp:
            return None
        return Wanted(number, listing.path(number), stamp, network.origin.hints)

    # ---- networks that were read ----

    def _on_arrived(self, number: int, network: Network) -> None:
        subject, shown = self._subject, self._network()
        if subject is None or shown is None or not self._is_fit(number, network, shown):
            return
        if isinstance(network, LatentModel):
            self._session.show_weights(with_model(network, partial(is_of, subject.folder, network)))
        else:
            self._session.show_weights(with_stage(subject.stage_id, network))
        self._rivals.tell_own(number)
        self._refresh()

    def _on_rival_arrived(self, number: int, network: Network) -> None:
        shown = self._network()
        if shown is not None and self._is_fit(number, network, shown):
            self._rivals.show(number, network)

    def _is_fit(self, number: int, network: Network, shown: Network) -> bool:
        """Return whether an epoch is of the network that is shown; tell where it is not."""
        fits = is_alike(network, shown)
        if not fits and network.origin is not None:
            self._on_failed(
                number,
                f"{network.origin.path.name} holds another network than the epoch that is shown; open it by itself.",
            )
        return fits

    def _on_failed(self, number: int, sentence: str) -> None:
        if self._listing is not None and number in self._listing.stamps:
            self._broken[number] = self._listing.stamps[number]
        self._session.tell("error", sentence)
        self._refresh()

    # ---- the row ----

    def _at(self, numbers: tuple[int, ...]) -> int:
        """Return the place of the epoch that is on its way, else of the one that is shown."""
        wanted = self._reader.wanted
        number = wanted if wanted in numbers else self.number
        return numbers.index(number) if number in numbers else len(numbers) - 1

    def _refresh(self) -> None:
        numbers, listing = self.numbers, self._listing
        if self.number is None or listing is None or not numbers:
            self._row.shown = None
            self._row.hide()
            self._canvas.offer_rival(False)
            self.changed.emit()
            return
        rival = self._rivals.number
        at, epochs = self._at(numbers), {epoch.number: epoch for epoch in listing.run.epochs}
        self._row.show_epochs(
            EpochsShown(
                numbers,
                at,
                total=listing.run.total_epochs,
                state=STATES.get(listing.run.state, ""),
                is_part=numbers[at] in epochs and not epochs[numbers[at]].is_whole,
                rival=numbers.index(rival) if rival in numbers else None,
                is_playing=self.is_playing,
                is_following=self.is_following,
                can_follow=listing.run.state == "running",
            )
        )
        self._row.show()
        self._canvas.offer_rival(len(numbers) > 1)
        self.changed.emit()

    def _on_slider_moved(self, place: int) -> None:
        self._film.stop()
        numbers = self.numbers
        if 0 <= place < len(numbers):
            self.go(numbers[place])

    def _on_slider_held(self, held: bool) -> None:
        if not held:
            self._refresh()  # an epoch that cannot be shown leaves the handle where the picture is

    def _on_rival_moved(self, place: int) -> None:
        numbers = self.numbers
        if 0 <= place < len(numbers):
            self.compare(numbers[place])

    def _on_rival_wanted(self) -> None:
        """Compare with where it began; where that is shown, with the newest."""
        numbers = self.numbers
        if len(numbers) > 1:
            self.compare(numbers[-1] if self.number == numbers[0] else numbers[0])

    def _on_menu_wanted(self, place: int, where: QPoint) -> None:
        if menu := self.make_menu(place):
            menu.popup(where)

    def make_menu(self, place: int) -> QMenu | None:
        """Return what can be done with the epoch at a place of the slider."""
        numbers = self.numbers
        if not 0 <= place < len(numbers):
            return None
        number, menu = numbers[place], QMenu(self._row)
        menu.aboutToHide.connect(menu.deleteLater)
        menu.addAction(f"Show {name_of(number)}").triggered.connect(lambda: self.go(number))
        compare = menu.addAction(f"Compare with {name_of(number)}")
        compare.setEnabled(number not in (self.number, self._rivals.number))
        compare.triggered.connect(lambda: self.compare(number))
        if self._rivals.number is not None:
            menu.addAction("Stop comparing").triggered.connect(lambda: self.compare(None))
        return menu

    def _on_next_frame(self) -> None:
        """Show the next epoch of the film, once the last one is there; those that cannot be read are left out."""
        if self._reader.wanted is not None:
            return
        numbers = self.numbers
        rest = [n for n in numbers if n > (self.number or 0) and n not in self._broken]
        if rest:
            self.go(rest[0])
        if len(rest) <= 1:
            self._film.stop()
            self._refresh()


def _is_rewritten(number: int, before: Listing | None, now: Listing) -> bool:
    """Return whether the checkpoint of an epoch is there, and another one than it was."""
    earlier = before.stamps.get(number) if before is not None else None
    return earlier is not None and now.stamps.get(number, earlier) != earlier
