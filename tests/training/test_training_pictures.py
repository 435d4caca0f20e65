"""What is learnt from and what is kept out."""

import numpy as np
import pytest

from explorer.data import spool
from explorer.errors import Cancelled, ImageError, UsageError
from explorer.models.base import ImageSpec
from explorer.training import pictures
from explorer.training.pictures import distances, load, weighted

GREY = ImageSpec(1, 6, 6)


def _save(path, images):
    np.savez(path, images=images)
    return path


@pytest.fixture
def noise():
    return np.random.default_rng(0).integers(0, 256, (40, 6, 6, 1), dtype=np.uint8)


def test_the_last_pictures_are_kept_out(tmp_path, noise):
    found = load(_save(tmp_path / "a.npz", noise), GREY, hold_out=7)
    assert np.array_equal(found.kept_out, noise[33:])
    assert np.array_equal(found.images, noise[:33])
    assert found.main_count == 33
    assert found.removed == 0


def test_extra_pictures_follow_and_none_of_them_is_kept_out(tmp_path, noise):
    extra = _save(tmp_path / "b.npz", 255 - noise[:10])
    found = load(_save(tmp_path / "a.npz", noise), GREY, extra=str(extra), hold_out=7)
    assert np.array_equal(found.images[33:], 255 - noise[:10])
    assert np.array_equal(found.main, noise[:33])
    assert found.facts()["sources"] == ["a.npz", "b.npz"]


def test_near_copies_of_kept_out_pictures_leave_both_collections(tmp_path, noise):
    main, extra = noise.copy(), 255 - noise[:10]
    main[3] = np.clip(main[39].astype(int) + 10, 0, 255)  # mean squared error at most 100
    extra[4] = main[35]
    found = load(
        _save(tmp_path / "a.npz", main),
        GREY,
        extra=str(_save(tmp_path / "b.npz", extra)),
        hold_out=7,
        near_copy=101,
    )
    assert found.removed == 2
    assert found.main_count == 32
    assert len(found.images) == 32 + 9
    assert distances(found.images, found.kept_out).min() >= 101


def test_a_picture_exactly_at_the_threshold_stays(tmp_path):
    images = np.zeros((4, 6, 6, 1), np.uint8)
    images[:3] = 10  # mean squared error 100 to the kept-out one
    path = _save(tmp_path / "a.npz", images)
    assert load(path, GREY, hold_out=1, near_copy=100).removed == 0
    with pytest.raises(ImageError, match="near copies"):
        load(path, GREY, hold_out=1, near_copy=100.1)


def test_distances_are_those_of_the_article_s_grey():
    colour = np.zeros((1, 6, 6, 3), np.uint8)
    colour[..., 0] = 100  # 30 in grey
    assert distances(colour, np.zeros((2, 6, 6, 3), np.uint8)).tolist() == [900.0]


def test_without_kept_out_pictures_nothing_is_near(noise):
    assert np.isinf(distances(noise, noise[:0])).all()


def test_weights_repeat_the_main_pictures_alone(tmp_path, noise):
    extra = _save(tmp_path / "b.npz", 255 - noise[:3])
    found = load(_save(tmp_path / "a.npz", noise[:4]), GREY, extra=str(extra))
    assert sorted(weighted(found, 2).tolist()) == [0, 0, 1, 1, 2, 2, 3, 3, 4, 5, 6]


def test_keeping_out_everything_is_refused(tmp_path, noise):
    with pytest.raises(ImageError, match="40 pictures"):
        load(_save(tmp_path / "a.npz", noise), GREY, hold_out=39)


def test_a_missing_collection_is_told(tmp_path):
    with pytest.raises(ImageError, match=r"nowhere\.zip"):
        load(tmp_path / "nowhere.zip", GREY)


def test_reading_can_be_stopped(tmp_path, noise):
    with pytest.raises(Cancelled):
        load(_save(tmp_path / "a.npz", noise), GREY, should_stop=lambda: True)


def test_a_missing_second_collection_is_named_before_anything_is_read(tmp_path):
    with pytest.raises(ImageError, match="none-extra, which extra names"):
        load(tmp_path / "none-main", GREY, extra=str(tmp_path / "none-extra"))


@pytest.mark.parametrize(("count", "kept_out"), [(1100, 100), (40, 4), (9, 0), (2, 0)])
def test_by_default_a_tenth_is_kept_out_and_100_at_most(tmp_path, count, kept_out):
    images = np.random.default_rng(0).integers(0, 256, (count, 6, 6), dtype=np.uint8)
    found = load(_save(tmp_path / "a.npz", images), GREY, hold_out=-1)
    assert (len(found.images), len(found.kept_out)) == (count - kept_out, kept_out)


def test_the_collection_itself_as_extra_is_refused(tmp_path, noise):
    path = _save(tmp_path / "a.npz", noise)
    with pytest.raises(UsageError, match="leave extra out"):
        load(path, GREY, extra=str(tmp_path / "." / "a.npz"), hold_out=7)


@pytest.fixture
def crowded(monkeypatch):
    """Little memory, and pictures moved and compared few at a time."""
    monkeypatch.setattr(spool, "IN_MEMORY", 100)
    monkeypatch.setattr(pictures, "AT_ONCE", 100)


@pytest.mark.parametrize("near_copy", [0, 101])
def test_on_the_disk_the_pictures_are_the_same(tmp_path, noise, crowded, monkeypatch, near_copy):
    main, extra = noise.copy(), 255 - noise[:10]
    main[3], main[20], extra[4] = main[39], main[35], main[35]
    paths = _save(tmp_path / "a.npz", main), str(_save(tmp_path / "b.npz", extra))
    store = tmp_path / "store"
    store.mkdir()

    def loaded():
        return load(paths[0], GREY, extra=paths[1], hold_out=7, near_copy=near_copy, folder=store)

    on_disk = loaded()
    assert isinstance(on_disk.images, np.memmap)
    assert not list(store.iterdir())
    monkeypatch.undo()
    in_memory = loaded()
    assert not isinstance(in_memory.images, np.memmap)
    assert on_disk.facts() == in_memory.facts()
    assert on_disk.removed == (3 if near_copy else 0)
    for name in ("images", "main", "kept_out"):
        np.testing.assert_array_equal(getattr(on_disk, name), getattr(in_memory, name))
    left = np.ones(33, bool)
    left[[3, 20]] = not near_copy
    np.testing.assert_array_equal(in_memory.main, main[:33][left])


@pytest.mark.parametrize("shape", [(64, 64, 3), (45, 70, 1), (32, 30, 3), (33, 5, 1)])
def test_large_pictures_are_compared_by_the_means_of_blocks(monkeypatch, shape):
    draw = np.random.default_rng(0)
    images, others = (draw.integers(0, 256, (count, *shape), dtype=np.uint8) for count in (9, 5))

    def reduced(pixels):
        whole = pixels[..., 0] if shape[2] == 1 else pixels.astype(int) @ [30, 59, 11] // 100
        down, right = -(-shape[0] // 32), -(-shape[1] // 32)
        rows = [whole[:, at : at + down] for at in range(0, shape[0] - down + 1, down)]
        cells = [
            row[:, :, at : at + right].mean((1, 2))
            for row in rows
            for at in range(0, shape[1] - right + 1, right)
        ]
        return np.stack(cells, 1)

    wanted = np.square(reduced(images)[:, None] - reduced(others)).mean(2).min(1)
    np.testing.assert_allclose(distances(images, others), wanted, rtol=1e-12)
    monkeypatch.setattr(pictures, "AT_ONCE", 1)
    np.testing.assert_allclose(distances(images, others), wanted, rtol=1e-12)


def test_progress_rises_over_both_collections(tmp_path, noise):
    told = []
    load(
        _save(tmp_path / "a.npz", noise),
        GREY,
        extra=str(_save(tmp_path / "b.npz", noise[:3])),
        on_progress=lambda share, text: told.append((share, text)),
    )
    shares = [share for share, _ in told]
    assert shares == sorted(shares)
    assert (shares[0], shares[-1]) == (0, 1)
    assert told[20] == (0.25, "reading a.npz: 20 of 40")
    assert told[-1][1] == "reading b.npz: 3 of 3"


def test_looking_for_near_copies_can_be_stopped(tmp_path, noise):
    is_looking = []
    with pytest.raises(Cancelled):
        load(
            _save(tmp_path / "a.npz", noise),
            GREY,
            hold_out=3,
            near_copy=1,
            on_progress=lambda share, text: is_looking.append(text) if "near copies" in text else None,
            should_stop=lambda: bool(is_looking),
        )
