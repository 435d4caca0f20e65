"""Values to levels: one rule of rounding; what is no number is drawn as a check pattern and counted."""

import numpy as np
import torch

from explorer.render.pixels import CHECK_SIDE, CHECK_VALUES, shrunk, to_uint8


def test_rounding_is_to_the_nearest_level_half_to_even():
    levels = np.arange(256) / 255
    pictures, bad = to_uint8(levels.reshape(1, 1, 16, 16))
    assert np.array_equal(pictures.ravel(), np.arange(256))
    assert bad == 0
    halves = np.array([0.5, 1.5, -3.0, 300.0], np.float32).reshape(1, 1, 2, 2) / 255
    assert to_uint8(torch.tensor(halves))[0].ravel().tolist() == [0, 2, 0, 255]
    colour = np.random.default_rng(0).random((2, 3, 4, 5), np.float32)
    assert to_uint8(colour)[0].shape == (2, 4, 5, 3)
    assert to_uint8(colour)[0][1, 2, 3, 0] == round(255 * float(colour[1, 0, 2, 3]))


def test_a_fourth_channel_is_opacity_over_white():
    images = np.zeros((1, 4, 1, 3), np.float32)
    images[0, 0] = 1  # red
    images[0, 3, 0] = [1, 0.5, 0]
    assert to_uint8(images)[0][0, 0].tolist() == [[255, 0, 0], [255, 128, 128], [255, 255, 255]]


def test_of_other_numbers_of_channels_one_or_three_are_seen():
    assert to_uint8(np.ones((1, 2, 5, 5), np.float32))[0].shape == (1, 5, 5, 1)
    assert to_uint8(np.ones((1, 7, 5, 5), np.float32))[0].shape == (1, 5, 5, 3)


def test_a_pixel_with_one_channel_that_is_no_number_is_a_check_in_all_of_them():
    images = np.full((2, 3, 9, 9), 0.5, np.float32)
    images[0, 1, 2, 3] = np.nan
    images[1, :, :, :] = np.inf
    pictures, bad = to_uint8(images)
    assert bad == 1 + 81
    assert len(set(pictures[0, 2, 3])) == 1
    assert pictures[0, 2, 3, 0] in CHECK_VALUES
    assert pictures[0, 2, 4].tolist() == [128] * 3
    assert pictures[1, 0, 0, 0] != pictures[1, 0, CHECK_SIDE, 0]
    assert np.isnan(images[0, 1, 2, 3])


def test_shrinking_keeps_the_aspect_and_never_enlarges():
    images = torch.rand(2, 3, 40, 20)
    assert shrunk(images, 10).shape == (2, 3, 10, 5)
    assert shrunk(images.numpy(), 10).shape == (2, 3, 10, 5)
    assert shrunk(torch.rand(1, 1, 1000, 2), 10).shape == (1, 1, 10, 1)
    assert shrunk(images, 64) is images
    assert shrunk(images, None) is images
