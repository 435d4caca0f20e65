"""Which changes of how a checkpoint is read change the codes of pictures."""

from dataclasses import replace

import pytest
import torch

from explorer.models.base import ImageSpec, NativeRange
from explorer.models.identity import can_compare, encoding_of
from explorer.models.layered import Heads, Layered, LayeredConfig, LayeredModel
from explorer.models.layers import Layer, parse

LINEAR = Layer("linear", "encoder.0")
CONFIG = LayeredConfig(
    2,
    ImageSpec(1, 4, 4),
    (Layer("linear", "decoder.0"), Layer("sigmoid")),
    (Layer("flatten"), LINEAR, Layer("relu")),
    Heads("halves", (Layer("linear", "head"),)),
)
TENSORS = {
    "decoder.0.weight": torch.zeros(16, 2),
    "encoder.0.weight": torch.zeros(8, 16),
    "head.weight": torch.zeros(4, 8),
}


def told(**changes):
    return encoding_of(LayeredModel(Layered(replace(CONFIG, **changes), TENSORS), name="model"))


@pytest.mark.parametrize(
    "changes",
    [{"decoder": (Layer("linear", "decoder.0"), Layer("tanh"))}, {"prior": "none"}, {"input_range": NativeRange()}],
)  # fmt: skip
def test_what_changes_no_code(changes):
    assert told(**changes) == told()


@pytest.mark.parametrize(
    "changes",
    [
        {"native_range": NativeRange(-1, 1)},
        {"native_range": NativeRange(reverse=True)},
        {"input_range": NativeRange(0, 255)},
        {"encoder": (Layer("flatten"), LINEAR, parse("leaky_relu:0.2"))},
        {"encoder": (parse("flatten:hwc"), LINEAR, Layer("relu"))},
        {"heads": replace(CONFIG.heads, meaning="sigma")},
        {"heads": replace(CONFIG.heads, layout="interleaved")},
    ],
)
def test_what_changes_codes(changes):
    assert told(**changes) != told()
    assert can_compare(told(**changes), told())


def test_readings_told_by_other_rules_are_not_compared():
    assert not can_compare("0:abc", told())
