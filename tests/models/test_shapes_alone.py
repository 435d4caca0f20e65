"""Shapes found without memory are those that a real run has, and torch's compiler is not imported for them."""

import subprocess
import sys

import pytest
import torch
from torch import nn
from torch.nn import functional

from explorer.models.shapes_alone import ShapesAlone

NETWORKS = {
    "convolutions": nn.Sequential(
        nn.Conv2d(4, 6, 3, 2), nn.BatchNorm2d(6), nn.ReLU(), nn.ConvTranspose2d(6, 2, 4, 2, 1)
    ),
    "in groups": nn.Sequential(
        nn.Conv2d(4, 8, (3, 5), padding="same", groups=2),
        nn.Conv2d(8, 6, 2, (2, 1), (1, 0), dilation=2, groups=2),
        nn.ConvTranspose2d(6, 4, (3, 2), 3, 1, output_padding=2, groups=2, dilation=2),
    ),
    "linear": nn.Sequential(nn.Flatten(), nn.Linear(256, 5), nn.LayerNorm(5), nn.GELU(), nn.Sigmoid()),
    "scaling": nn.Sequential(nn.Upsample(scale_factor=2), nn.PixelShuffle(2), nn.MaxPool2d(2), nn.Softplus()),
}
FUNCTIONS = {
    "sum": lambda x: x * 2 + x.mean((2, 3), keepdim=True),
    "join": lambda x: torch.cat((x, x[:, :1]), 1),
    "join the rows": lambda x: torch.cat([x, x], -1),
    "normalised": lambda x: (x - x) * torch.rsqrt(x.square() + 1e-3) / 3,
    "scaled": lambda x: functional.interpolate(
        functional.interpolate(x, scale_factor=2, mode="bilinear"), size=(5, 7)
    ),
    "pooled": lambda x: functional.adaptive_avg_pool2d(functional.adaptive_avg_pool2d(x, 3), (1, 2)),
    "functional": lambda x: functional.leaky_relu(functional.avg_pool2d(x, 2), 0.2),
}


@pytest.mark.parametrize("run", [*NETWORKS.values(), *FUNCTIONS.values()], ids=[*NETWORKS, *FUNCTIONS])
def test_shapes_are_those_of_a_real_run(run):
    expected = (
        run.eval()(torch.rand(2, 4, 8, 8)) if isinstance(run, nn.Module) else run(torch.rand(2, 4, 8, 8))
    )
    values = torch.rand(2, 4, 8, 8, device="meta")
    with torch.no_grad(), ShapesAlone():
        network = run.to("meta") if isinstance(run, nn.Module) else run
        assert network(values).shape == expected.shape


@pytest.mark.parametrize(
    "run",
    [
        lambda x: x + x[:, :3],
        lambda x: torch.cat((x, x[:, :, :3]), 1),
        lambda x: nn.Linear(3, 2, device="meta")(x),
        lambda x: nn.Conv2d(3, 2, 1, device="meta")(x),
        lambda x: nn.Conv2d(4, 2, 9, device="meta")(x),
        lambda x: nn.ConvTranspose2d(3, 2, 1, device="meta")(x),
        lambda x: nn.ConvTranspose2d(4, 2, 1, 1, 4, device="meta")(x),
        lambda x: functional.conv_transpose2d(x, torch.empty(4, 2, 1, 1, device="meta"), None, 2, 0, 2),
    ],
)
def test_what_does_not_fit_is_still_an_error(run):
    with ShapesAlone(), pytest.raises(RuntimeError):
        run(torch.rand(2, 4, 8, 8, device="meta"))


def test_no_compiler_is_imported():
    code = """
import sys, torch
from torch import nn
from explorer.models.shapes_alone import ShapesAlone
with torch.device("meta"), ShapesAlone():
    x = nn.Sequential(nn.Linear(3, 8), nn.BatchNorm1d(8), nn.Tanh()).eval()(torch.empty(2, 3))
    torch.cat((x * torch.rsqrt(x + 1), x), 1)
    y = nn.AdaptiveAvgPool2d(1)(nn.Upsample(scale_factor=2, mode="bilinear")(torch.empty(1, 2, 4, 4)))
raise SystemExit("torch._inductor" in sys.modules or "torch._dynamo" in sys.modules)
"""
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_no_algebra_is_imported_for_convolutions():
    code = """
import sys, torch
from torch.nn import functional
from explorer.models.shapes_alone import ShapesAlone
x, weight = torch.empty(1, 2, 8, 8, device="meta"), torch.empty(2, 2, 3, 3, device="meta")
with ShapesAlone():
    functional.conv_transpose2d(functional.conv2d(x, weight), weight, None, 2)
raise SystemExit("torch.fx.experimental.symbolic_shapes" in sys.modules or "sympy" in sys.modules)
"""
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize(
    "module",
    [nn.BatchNorm2d(5), nn.GroupNorm(5, 5), nn.PReLU(5), nn.InstanceNorm2d(5, affine=True), nn.LayerNorm(9)],
    ids=lambda module: type(module).__name__,
)
def test_what_is_kept_for_each_channel_must_fit(module: nn.Module) -> None:
    values = torch.zeros(2, 4, 8, 8)
    with pytest.raises((RuntimeError, ValueError)):
        module(values)
    with ShapesAlone(), pytest.raises((RuntimeError, ValueError)):
        module.to("meta")(values.to("meta"))


def test_one_slope_fits_all_channels() -> None:
    with ShapesAlone():
        assert nn.PReLU().to("meta")(torch.zeros(2, 4, 8, 8, device="meta")).shape == (2, 4, 8, 8)
