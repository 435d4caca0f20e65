"""Distances between two collections of pictures, on collections whose answers are known."""

import numpy as np
import pytest
import torch
from PIL import Image, ImageFilter

from explorer.errors import UsageError
from explorer.training.quality import (
    has_levels,
    laplacian_level,
    nearest_distances,
    sliced_wasserstein,
    variety,
)


def pictures(count, seed, side=32):
    """Coloured noise of three sizes, uint8 `(count, side, side, 3)`."""
    draw = np.random.default_rng(seed)
    sheet = np.full((count, side, side, 3), 128.0)
    for coarse in (4, 8, side)[: 3 if side > 8 else 1]:
        noise = draw.normal(0, 25, (count, coarse, coarse, 3))
        sheet += noise.repeat(side // coarse, 1).repeat(side // coarse, 2)
    return sheet.clip(0, 255).astype(np.uint8)


def swd(one, other, **changed):
    return sliced_wasserstein(one, other, **({"patches": 32, "directions": 64} | changed))


def changed_by(these, change):
    return np.stack([np.asarray(change(Image.fromarray(picture))) for picture in these])


def blurred(these, radius):
    return changed_by(these, lambda picture: picture.filter(ImageFilter.GaussianBlur(radius)))


def test_equal_collections_are_at_zero_and_it_does_not_matter_which_comes_first():
    one, other = pictures(40, 0), 255 - pictures(40, 1) // 2
    other.flags.writeable = False  # as pictures are that lie on the disk
    assert swd(one, one.copy()) == {32: 0.0, 16: 0.0}
    assert swd(one, other) == pytest.approx(swd(other, one))
    assert swd(one, other) == swd(one, other)
    assert swd(one, other, seed=1) != swd(one, other)


def test_two_samples_of_one_kind_are_near_and_come_nearer_the_more_there_are():
    few, many = (swd(pictures(count, 0), pictures(count, 1)) for count in (30, 240))
    assert all(many[side] < 0.7 * few[side] for side in (32, 16))
    assert all(value < 40 for value in many.values())


def test_blur_is_seen_where_detail_is():
    real, other = pictures(120, 0), pictures(120, 1)
    floor = swd(real, other)
    little, much = (swd(real, blurred(other, radius)) for radius in (0.6, 1.5))
    assert floor[32] < little[32] < much[32]
    assert much[32] - floor[32] > 2 * (much[16] - floor[16])


def test_colours_that_go_together_otherwise_are_seen_and_a_shift_of_all_is_not():
    real, other = pictures(120, 0), pictures(120, 1)
    floor = swd(real, other)
    grey = changed_by(other, lambda picture: picture.convert("L").convert("RGB"))
    assert all(swd(real, grey)[side] > 1.5 * floor[side] for side in (32, 16))
    darker = (other // 2).astype(np.uint8)
    redder = darker * np.array([2, 1, 1], np.uint8)  # each colour has a scale of its own
    assert swd(darker, redder) == pytest.approx({32: 0.0, 16: 0.0}, abs=0.02)
    assert swd(darker, darker + 30) == pytest.approx({32: 0.0, 16: 0.0}, abs=0.02)


def test_one_direction_of_one_patch_by_hand():
    """Pictures of 16x16 have one level, themselves; the sorted values of a direction are compared in pairs."""
    one, other = (pictures(6, seed, side=16)[..., :1] for seed in (0, 1))
    found = sliced_wasserstein(one, other, patches=3, directions=1, seed=4)
    axis = torch.randn(1, 49, generator=torch.Generator().manual_seed(4))[0].numpy()
    along = []
    for these in (one, other):
        draw = torch.Generator().manual_seed(4)
        top, left = (torch.randint(10, (18, 1, 1), generator=draw)[:, 0, 0].numpy() for _ in range(2))
        patches = np.stack(
            [these[n // 3, y : y + 7, x : x + 7, 0] for n, (y, x) in enumerate(zip(top, left, strict=True))]
        )
        normal = (patches - patches.mean()) / patches.std()
        along.append(np.sort(normal.reshape(18, 49) @ axis / np.linalg.norm(axis)))
    assert found[16] == pytest.approx(1000 * np.abs(along[0] - along[1]).mean(), rel=1e-4)


def test_the_levels_together_are_the_picture():
    images = torch.rand(2, 3, 64, 64)
    coarse = laplacian_level(images, 16)
    assert coarse.shape == (2, 3, 16, 16)
    flat = laplacian_level(torch.full((1, 1, 64, 64), 0.5), 16)
    assert torch.allclose(flat, torch.full_like(flat, 0.5), atol=1e-6)
    assert laplacian_level(torch.full((1, 1, 64, 64), 0.5), 64)[..., 2:-2, 2:-2].abs().max() < 1e-6
    assert images.var() > laplacian_level(images, 64).var() > laplacian_level(images, 32).var()


@pytest.mark.parametrize(
    ("one", "other", "text"),
    [
        ((4, 32, 32, 3), (5, 32, 32, 3), "not 4 of 32x32x3 and 5 of 32x32x3"),
        ((4, 32, 32, 3), (4, 16, 16, 3), "not 4 of 32x32x3 and 4 of 16x16x3"),
        ((0, 32, 32, 3), (0, 32, 32, 3), "not 0 of 32x32x3"),
        ((4, 30, 30, 3), (4, 30, 30, 3), "30x30 have no pyramid"),
        ((4, 32, 64, 3), (4, 32, 64, 3), "32x64 have no pyramid"),
        ((4, 8, 8, 3), (4, 8, 8, 3), "8x8 have no pyramid"),
    ],
)
def test_collections_that_cannot_be_compared_are_told(one, other, text):
    with pytest.raises(UsageError, match=text):
        swd(np.zeros(one, np.uint8), np.zeros(other, np.uint8))


def test_what_has_levels():
    assert [side for side in range(1, 130) if has_levels(side, side)] == [16, 32, 64, 128]


def test_the_nearest_is_found_wherever_it_is():
    there = pictures(2100, 0, side=4)
    there.flags.writeable = False  # as pictures are that lie on the disk
    here = there[[3, 2099, 5]].copy()
    here[2, 0, 0, 0] ^= 64
    found = nearest_distances(here, there)
    assert found[:2] == pytest.approx([0, 0], abs=0.02)
    assert found[2] == pytest.approx(np.sqrt(64**2 / 48), rel=1e-3)
    direct = np.sqrt(np.square(here[0].astype(float) - there[7:]).mean((1, 2, 3)).min())
    assert nearest_distances(here[:1], there[7:])[0] == pytest.approx(direct, rel=1e-4)


def test_variety_is_the_distance_of_two():
    these = pictures(7, 0, side=4)
    pairs = [
        np.square(these[i].astype(float) - these[j]).mean() for i in range(7) for j in range(7) if i != j
    ]
    assert variety(these) == pytest.approx(np.sqrt(np.mean(pairs)))
    assert variety(np.repeat(these[:1], 5, 0)) == 0
