"""Epochs read one after the other: the newest wins, few are kept, other weights leave a model as it was measured."""

import numpy as np
import pytest
from PySide6.QtCore import QTimer
from real_window import WAIT

from explorer.data.code_book import CodeBook
from explorer.errors import CheckpointError
from explorer.formats import Opened, open_checkpoint, open_latent, ranges, run_epochs
from explorer.gui.epochs.epoch_reader import EpochReader, Wanted
from explorer.gui.epochs.epoch_reading import Networks, look
from explorer.gui.epochs.run_watch import REST, RunWatch
from explorer.gui.jobs import JobRunner
from explorer.gui.state import State
from explorer.gui.weights import is_alike, with_model


@pytest.fixture
def reader(qapp, qtbot):
    jobs = JobRunner()
    made = EpochReader(jobs, "epoch", Networks())
    made.told = []
    made.arrived.connect(lambda number, network: made.told.append(number))
    made.failed.connect(lambda number, text: made.told.append((number, text)))
    yield made
    jobs.close()


def wanted(run, number):
    listing = look(run.folder, None, None)
    return Wanted(number, run.path(number), listing.stamps[number], {})


def test_of_many_that_are_wanted_at_once_few_are_read_and_the_last_comes(reader, run, qtbot):
    for number in (4, 3, 2, 1, 2, 3):
        reader.want(wanted(run, number))
    qtbot.waitUntil(lambda: reader.wanted is None, timeout=WAIT)
    assert reader.told == [4, 3]
    reader.want(wanted(run, 4))
    assert reader.told == [4, 3, 4]  # at once: it is kept


def test_one_that_is_kept_goes_before_one_that_is_being_read(reader, run, qtbot):
    reader.want(wanted(run, 1))
    qtbot.waitUntil(lambda: reader.told == [1], timeout=WAIT)
    reader.want(wanted(run, 2))
    reader.want(wanted(run, 1))
    qtbot.waitUntil(lambda: not reader._jobs.is_running("epoch"), timeout=WAIT)
    assert reader.told == [1, 1]


def test_a_file_that_was_written_anew_is_read_anew(reader, run, qtbot):
    reader.want(wanted(run, 1))
    qtbot.waitUntil(lambda: reader.told == [1], timeout=WAIT)
    run.path(1).unlink()
    run.add(1, seed=9)
    reader.want(wanted(run, 1))
    assert reader.told == [1]
    qtbot.waitUntil(lambda: reader.told == [1, 1], timeout=WAIT)


def test_networks_give_way_by_their_bytes(run):
    models = {number: open_latent(run.path(number)).model for number in (1, 2, 3)}
    networks = Networks(limit=2 * 4 * models[1].parameter_count)
    for number, model in models.items():
        networks.put(run.path(number), (0, 0), model)
        networks.get(run.path(1), (0, 0))
    assert len(networks) == 2
    assert [networks.get(run.path(number), (0, 0)) is not None for number in (1, 2, 3)] == [True, False, True]
    assert networks.get(run.path(3), (1, 0)) is None


def test_other_weights_keep_ranges_and_share_what_states_share(run):
    opened = open_latent(run.path(1))
    rng = np.random.default_rng(0)
    book = CodeBook(rng.normal(2, 3, size=(20, 4)).astype(np.float32))
    measured = ranges.measured(opened, book)
    states = [State(opened=opened), State(opened=measured), State(opened=measured), State()]
    other = open_latent(run.path(2)).model
    changed = [with_model(other, lambda opened: True)(state) for state in states[:1]]
    change = with_model(other, lambda opened: True)
    changed = [change(state) for state in states]
    assert changed[1].opened is changed[2].opened
    assert changed[3] is states[3]
    assert [state.opened.model.network for state in changed[:3]] == [other.network] * 3
    assert (changed[1].opened.model.spaces["z"].center == measured.model.spaces["z"].center).all()
    assert (changed[0].opened.model.spaces["z"].center == 0).all()
    assert (changed[0].opened.root, changed[1].opened.root) == (opened, measured)
    assert changed[1].opened.code_book is book
    assert other.spaces["z"].measured is False


def test_alike_are_networks_of_one_shape(run, tmp_path):
    from real_window import save, save_colorizer

    one, other = (open_latent(run.path(number)).model for number in (1, 2))
    wide = open_latent(save(tmp_path / "wide.safetensors", latent_dim=6)).model
    stage = open_checkpoint(save_colorizer(tmp_path / "tint.safetensors")).model
    assert is_alike(one, other)
    assert is_alike(stage, stage)
    assert not is_alike(one, wide)
    assert not is_alike(one, stage)
    assert not is_alike(stage, one)


def test_a_run_folder_stands_for_its_newest_checkpoint(run, young_run, tmp_path):
    assert open_latent(run.folder).model.origin.path == run.path(4)
    assert isinstance(open_checkpoint(run.folder), Opened)
    with pytest.raises(CheckpointError, match=r"no checkpoint yet.*checkpoint-0001"):
        open_latent(young_run.folder)
    assert run_epochs.place_of(run.path(3)) == (run.folder, 3)
    assert run_epochs.place_of(run.folder / "model.safetensors") is None
    assert run_epochs.place_of(run.folder / "checkpoint-0003-back.safetensors") is None
    assert run_epochs.place_of(tmp_path / "checkpoint-0003.safetensors") is None


def test_a_folder_that_never_rests_is_looked_into_all_the_same(qapp, run, qtbot):
    jobs, listed = JobRunner(), []
    watch = RunWatch(jobs, "run folder")
    watch.listed.connect(lambda listing: listed.append(listing.numbers))
    watch.watch(run.folder)
    qtbot.waitUntil(lambda: len(listed) == 1, timeout=WAIT)
    busy = QTimer(interval=REST // 3)
    busy.timeout.connect(lambda: run.say("running", 4))
    busy.start()
    run.add(5)
    qtbot.waitUntil(lambda: listed[-1] == (1, 2, 3, 4, 5), timeout=WAIT)
    busy.stop()
    watch.watch(None)
    jobs.close()


def test_a_folder_that_is_gone_lists_nothing(run, tmp_path):
    assert look(run.folder, None, None).numbers == (1, 2, 3, 4)
    assert look(tmp_path / "gone", None, None) is None
