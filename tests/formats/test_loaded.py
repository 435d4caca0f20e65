"""Models kept in memory: which are, for how long they are what the disk has, and that others are really gone."""

import json
import os
import threading
import weakref

import numpy as np
import nvidia_files
import pytest
from real_window import save

from explorer.data.code_book import CodeBook
from explorer.formats import loaded, open_checkpoint
from explorer.formats.loaded import LoadedModels, weights_of


@pytest.fixture
def files(tmp_path):
    """Three checkpoints of one size."""
    return [save(tmp_path / f"{seed}.safetensors", seed=seed) for seed in (1, 2, 3)]


def cost(opened):
    return sum(weights_of(opened.model).values())


def kept(models, *paths):
    """Which of these are kept, without touching any."""
    return [path.stem for path in paths if any(key[0] == path for key in models._kept)]


def test_what_was_read_is_there_again_as_the_same_model(files):
    models = LoadedModels()
    assert models.get(files[0]) is None
    first = open_checkpoint(files[0], models=models)
    assert open_checkpoint(files[0], models=models).model is first.model
    assert open_checkpoint(files[0], hints={"range": "0..2"}, models=models).model is not first.model
    assert models.get(files[0], {"range": "0..2"}).model.native_range.high == 2
    assert models.get(files[0]).model is first.model


def test_those_that_were_wanted_longest_ago_give_way(files):
    models = LoadedModels(2 * cost(open_checkpoint(files[0])))
    for path in files[:2]:
        open_checkpoint(path, models=models)
    models.get(files[0])
    open_checkpoint(files[2], models=models)
    assert kept(models, *files) == ["1", "3"]


def test_what_gives_way_is_gone_and_so_is_a_style_network(files, tmp_path):
    path = tmp_path / "style.pkl"
    path.write_bytes(nvidia_files.pickled({"G_ema": nvidia_files.stylegan2()}))
    models = LoadedModels(1)
    for each in (path, files[0]):
        gone = weakref.ref(next(open_checkpoint(each, models=models).model.network.parameters()))
        assert gone() is not None
        open_checkpoint(files[1], models=models)
        assert gone() is None


def test_what_is_alive_anyway_is_counted_first_and_stays(files):
    models = LoadedModels(2 * cost(open_checkpoint(files[0])))
    shown = open_checkpoint(files[0], models=models)
    models.count_in([shown])
    for path in files[1:]:
        open_checkpoint(path, models=models)
    assert kept(models, *files) == ["1", "3"]
    others = [open_checkpoint(files[1]), open_checkpoint(files[2])]
    models.count_in(others)
    open_checkpoint(files[0], models=models)
    assert kept(models, *files) == ["1"]


def retrained(path, models):
    save(path, seed=7)


def touched(path, models):
    os.utime(path, ns=(1, 1))


def other_hints(path, models):
    path.with_suffix(".hints.json").write_text('{"range": "0..2"}')


def a_code_book(path, models):
    model = models.get(path).model
    mean = np.ones((3, 4), np.float32)
    CodeBook.of(model, mean, None).save(path.with_suffix(".codes.npz"))


def damaged_notes(path, models):
    path.with_suffix(".notes.json").write_text("{")


@pytest.mark.parametrize("change", [retrained, touched, other_hints, a_code_book, damaged_notes])
def test_what_changed_on_the_disk_is_read_anew(files, change):
    models = LoadedModels()
    first = open_checkpoint(files[0], models=models)
    change(files[0], models)
    assert models.get(files[0]) is None
    again = open_checkpoint(files[0], models=models)
    assert again.model is not first.model
    assert (models.get(files[0]) is None) == (
        change is damaged_notes
    )  # what is wrong with them is told each time


def test_names_and_notes_are_those_on_the_disk(files):
    models = LoadedModels()
    first = open_checkpoint(files[0], models=models)
    files[0].with_suffix(".notes.json").write_text(json.dumps({"dimensions": {"z1": "hair"}}))
    again = models.get(files[0])
    assert again.model is first.model
    assert again.notes.titles == {"z1": "hair"}


def test_of_a_folder_every_file_counts(tmp_path, files):
    folder = tmp_path / "folder"
    folder.mkdir()
    files[0].rename(folder / "only.safetensors")
    models = LoadedModels()
    open_checkpoint(folder, models=models)
    assert models.get(folder) is not None
    os.utime(folder / "only.safetensors", ns=(1, 1))
    assert models.get(folder) is None


def test_a_crowded_folder_is_read_each_time(tmp_path, files, monkeypatch):
    monkeypatch.setattr(loaded, "_MOST_FILES", 2)
    models = LoadedModels()
    assert loaded.mark_of_files(files[0], tmp_path) is None
    open_checkpoint(files[0], models=models)
    assert models.get(files[0]) is not None


def test_what_changes_while_it_is_read_is_not_taken_for_what_was_read(files):
    models = LoadedModels()

    def overtake(_share, _text):
        os.utime(files[0], ns=(1, 1))

    open_checkpoint(files[0], models=models, on_progress=overtake)
    assert models.get(files[0]) is None


def test_many_threads_may_ask(files):
    models = LoadedModels(2 * cost(open_checkpoint(files[0])))
    failed = []

    def work(number):
        try:
            for turn in range(12):
                path = files[(number + turn) % 3]
                assert open_checkpoint(path, models=models).model.name == path.stem
                models.count_in([])
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed
    assert len(models) == 2
