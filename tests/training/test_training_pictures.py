"""What is learnt from and what is kept out."""

import numpy as np
import pytest

from explorer.errors import Cancelled, ImageError
from explorer.models.base import ImageSpec
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
