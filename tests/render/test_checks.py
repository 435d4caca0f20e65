"""What must fit before a decode is said in sentences that name both sides."""

import fakes
import numpy as np
import pytest

from explorer.errors import LatentError, UsageError
from explorer.models.base import NO_OPTIONS, DecodeOptions
from explorer.render.checks import checked, of_part


def test_codes_of_any_shape_of_the_right_size_become_rows(tiny_model):
    codes, options = checked(tiny_model, np.ones((3, 2, 2)), "z", NO_OPTIONS)
    assert codes.shape == (3, 4)
    assert codes.dtype == np.float32
    assert options is NO_OPTIONS
    assert checked(tiny_model, np.ones((0, 4)), "z", NO_OPTIONS)[0].shape == (0, 4)


@pytest.mark.parametrize("shape", [(4,), (3, 5), (2, 4, 4)])
def test_codes_of_another_size_are_refused_with_both_sizes(tiny_model, shape):
    with pytest.raises(LatentError, match=rf"4 numbers.*{' x '.join(map(str, shape))}.*\(N, 4\)"):
        checked(tiny_model, np.ones(shape), "z", NO_OPTIONS)


def test_labels_are_cut_with_the_codes():
    options = DecodeOptions(labels=np.arange(10), psi=0.5)
    part = of_part(options, slice(4, 6))
    assert part.labels.tolist() == [4, 5]
    assert part.psi == 0.5
    assert of_part(NO_OPTIONS, slice(4, 6)) is NO_OPTIONS


def test_options_are_checked_against_the_model(tiny_model):
    with pytest.raises(UsageError, match="labels"):
        checked(tiny_model, np.ones((3, 4)), "z", DecodeOptions(labels=np.arange(3)))


@pytest.mark.parametrize(
    ("labels", "said"),
    [([99], "no class 99"), ([-1], "no class -1"), (np.zeros((1, 7), "f4"), "5 classes.*7 columns")],
)
def test_labels_are_classes_of_the_model(labels, said):
    model = fakes.conditional(classes=5)
    with pytest.raises(UsageError, match=said):
        checked(model, np.ones((1, 3)), "z", DecodeOptions(labels=np.asarray(labels)))
    for right in ([4], [0], np.eye(5, dtype=np.float32)[:1]):
        assert checked(model, np.ones((1, 3)), "z", DecodeOptions(labels=np.asarray(right)))
