"""Pictures turned, moved, zoomed and mirrored at random."""

import pytest
import torch

from explorer.training.varied import mirrored, moved


def spot(count=200, side=21):
    """Pictures with one bright spot right of the middle."""
    images = torch.zeros(count, 1, side, side)
    images[:, :, 9:12, 14:17] = 1.0
    return images


def places(images):
    """Return the spot's mean place from the middle, `(N, 2)`: right and down, in pixels."""
    side = images.shape[-1]
    along = torch.arange(side) - (side - 1) / 2
    weight = images.sum((1, 2, 3))
    return torch.stack(((images.sum((1, 2)) @ along) / weight, (images.sum((1, 3)) @ along) / weight), 1)


def test_nothing_is_done_where_nothing_is_asked_for():
    images = spot()
    assert moved(images, 0, 0, 0) is images
    assert mirrored(images, 0) is images


@pytest.mark.parametrize(
    ("asked", "spreads"),
    [((0, 0.05, 0), (1.05, 1.05)), ((10, 0, 0), (0.0, 0.87)), ((0, 0, 0.1), (0.5, 0.0))],
)
def test_each_picture_is_moved_by_as_much_as_asked_for(asked, spreads):
    torch.manual_seed(0)
    spread = places(moved(spot(), *asked)).std(0)
    assert torch.allclose(spread, torch.tensor(spreads), rtol=0.25, atol=0.15)


def test_about_the_share_asked_for_is_mirrored():
    torch.manual_seed(0)
    right = places(mirrored(spot(), 0.25))[:, 0]
    assert torch.allclose(right.abs(), torch.tensor(5.0))
    assert 0.15 < (right < 0).float().mean() < 0.35
