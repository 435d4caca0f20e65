"""Small networks whose truth is known: the statistics and codes they leave behind tell how they were built."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from explorer.formats.inference import Candidate
from explorer.formats.inference.judging import Judged, judged
from explorer.formats.inference.slots import HeadsOption, Option, Slot, Slots
from explorer.formats.inference.weighing import guesses
from explorer.models.base import ImageSpec
from explorer.models.layered import Heads, Layered, LayeredConfig
from explorer.models.layers import Layer, parse

ACTIVATIONS = {"relu": 0.0, "leaky_relu:0.2": 0.3, "leaky_relu": 0.35, "elu": 0.8, "tanh": 1.0, "gelu": 1.0}
EPS = {"1e-05": 0.0, "0.8": 0.9, "0.001": 1.0}
SCALING = {"nearest": 0.0, "bilinear": 0.6, "bilinear,align": 0.9}
OUTPUTS = {"sigmoid": 0.0, "tanh": 0.3, "identity": 0.8}
SIDE = 12


def build(
    decoder: str, latent: int, *, encoder: str = "", heads: tuple[Heads, ...] = (), **said: str
) -> Slots:
    """Return a candidate from words; `?` is an open activation, `bn?@key`, `up?` and `out?` are open as well."""
    slots: list[Slot] = []
    parts = {name: _part(name, text, slots) for name, text in (("decoder", decoder), ("encoder", encoder))}
    channels = int(said.get("channels", "1"))
    config = LayeredConfig(
        latent,
        ImageSpec(channels, SIDE, SIDE),
        parts["decoder"],
        parts["encoder"],
        heads[0] if heads else None,
        prior="none" if "plain" in said else "normal",
    )
    options = tuple(HeadsOption(reading, 0.8 * at) for at, reading in enumerate(heads))
    return Slots(Candidate(config, float(said.get("cost", "0"))), tuple(slots), options)


def _part(name: str, text: str, slots: list[Slot]) -> tuple[Layer, ...]:
    layers: list[Layer] = []
    for word in text.split():
        kind, _, key = word.partition("@")
        opened = _opened(kind, key)
        if opened:
            group, options = opened
            slots.append(Slot(name, len(layers), group, options))  # type: ignore[arg-type]
            layers.append(options[0].layer)
        else:
            layer = parse(kind)
            layers.append(Layer(layer.kind, key, layer.options))
    return tuple(layers)


def _opened(kind: str, key: str) -> tuple[str, tuple[Option, ...]] | None:
    if kind == "?":
        return "activation", tuple(Option(word, parse(word), cost) for word, cost in ACTIVATIONS.items())
    if kind == "out?":
        return "output", tuple(Option(word, parse(word), cost) for word, cost in OUTPUTS.items())
    if kind == "up?":
        return "upsample", tuple(Option(w, parse(f"upsample:2,{w}"), cost) for w, cost in SCALING.items())
    if kind == "bn?":
        return "eps", tuple(Option(w, Layer("bn", key, {"eps": float(w)}), cost) for w, cost in EPS.items())
    return None


def words(best: Judged, group: str, part: str = "decoder") -> list[str]:
    """Return what a group's slots hold, front to back."""
    return [
        slot.options[best.choices[index]].word
        for index, slot in enumerate(best.slots.slots)
        if slot.group == group and slot.part == part
    ]


def in_training(network: nn.Module, draw: Callable[[], Tensor], steps: int = 80) -> dict[str, Tensor]:
    """Return a network's tensors after its batch norms saw codes in training."""
    network.train()
    with torch.no_grad():
        for _ in range(steps):
            network(draw())
    return dict(network.state_dict())


def generator(activation: nn.Module, *, eps: float = 1e-5, up: nn.Module | None = None) -> nn.Sequential:
    """Return a small generator of 12 x 12 pixels; weights large enough that activations matter."""
    torch.manual_seed(5)
    network = nn.Sequential(
        nn.Linear(8, 32 * 9), nn.Unflatten(1, (32, 3, 3)), nn.BatchNorm2d(32), activation,
        up or nn.Upsample(scale_factor=2), nn.Conv2d(32, 24, 3, padding=1), nn.BatchNorm2d(24, eps), activation,
        nn.ConvTranspose2d(24, 16, 4, 2, 1), nn.BatchNorm2d(16), activation, nn.Conv2d(16, 1, 3, padding=1), nn.Tanh(),
    )  # fmt: skip
    with torch.no_grad():
        for layer in network:
            if isinstance(layer, nn.BatchNorm2d):
                layer.weight.uniform_(0.5, 1.5)
                layer.bias.uniform_(-0.5, 0.5)
    return network


GENERATOR = "linear@0 reshape:32,3,3 bn?@2 ? up? conv:k3p1@5 bn?@6 ? convT:k4s2p1@8 bn?@9 ? conv:k3p1@11 out?"


@pytest.mark.parametrize(
    ("word", "activation"),
    [("leaky_relu:0.2", nn.LeakyReLU(0.2)), ("relu", nn.ReLU()), ("elu", nn.ELU()), ("gelu", nn.GELU())],
)
def test_the_hidden_activation_is_what_batch_norm_remembers(word: str, activation: nn.Module) -> None:
    tensors = in_training(generator(activation), lambda: torch.randn(128, 8))

    best = judged([build(GENERATOR, 8)], tensors)[0]

    assert words(best, "activation")[:2] == [word, word]
    assert words(best, "activation")[2] == word  # behind the last batch norm: as before
    assert best.path is not None
    assert max(best.path.errors) < 0.08


def test_eps_and_scaling_and_prior_are_what_batch_norm_remembers() -> None:
    up = nn.Upsample(scale_factor=2, mode="bilinear", align_corners=False)
    network = generator(nn.ReLU(), eps=0.8, up=up)
    tensors = in_training(network, lambda: torch.rand(128, 8) * 2 - 1)

    best = judged([build(GENERATOR, 8)], tensors)[0]

    assert words(best, "upsample") == ["bilinear"]
    assert words(best, "eps")[1] == "0.8"
    assert best.config is not None
    assert best.config.prior == "uniform"


def test_a_wrong_geometry_loses_though_it_is_the_more_usual() -> None:
    tensors = in_training(generator(nn.ReLU()), lambda: torch.randn(128, 8))
    true = build(GENERATOR, 8, cost="2")
    other = (
        GENERATOR.replace("up?", "identity").replace("conv:k3p1@5", "conv:k3p2@5").replace("k4s2p1", "k4s3p2")
    )
    wrong = build(other.replace("conv:k3p1@11", "conv:k3p1@11 resize:12,12"), 8)

    found = judged([wrong, true], tensors)

    assert found[0].slots is true


def test_a_candidate_that_gives_no_picture_is_left_out() -> None:
    tensors = in_training(generator(nn.ReLU()), lambda: torch.randn(64, 8), steps=3)
    broken = build(GENERATOR.replace("reshape:32,3,3", "reshape:16,3,6"), 8)

    assert judged([broken], tensors) == []


def test_batch_norms_that_saw_nothing_are_told() -> None:
    best = judged([build(GENERATOR, 8)], dict(generator(nn.ReLU()).state_dict()))[0]

    assert best.untrained


def test_a_choice_that_shows_is_told_with_its_reason_and_the_others() -> None:
    tensors = in_training(generator(nn.LeakyReLU(0.2)), lambda: torch.randn(128, 8))
    best = judged([build(GENERATOR, 8)], tensors)[0]

    told = {guess.hint: guess for guess in guesses(best, tensors)}

    assert told["activation"].value == "leaky_relu:0.2"
    assert told["activation"].certainty > 0.9
    assert "batch norm's statistics agree" in told["activation"].reason
    assert "relu" in told["activation"].others
    assert told["output"].certainty < told["activation"].certainty


def blobs(count: int) -> Tensor:
    """Return pictures `(N, 1, 12, 12)` of a bright spot each, in 0..1."""
    place = torch.rand(count, 2) * 6 + 3
    size = torch.rand(count, 1, 1) * 1.5 + 1.2
    axis = torch.arange(SIDE, dtype=torch.float32)
    across = (axis[None] - place[:, :1]).square()[:, None, :]
    down = (axis[None] - place[:, 1:]).square()[:, :, None]
    return torch.exp(-(across + down) / (2 * size.square()))[:, None]


class Vae(nn.Module):
    """A small VAE; `second` says what its second half is."""

    def __init__(
        self, activation: nn.Module, output: nn.Module, *, packed: bool = False, second: str = "logvar"
    ):
        super().__init__()
        torch.manual_seed(0)
        self.packed, self.second = packed, second
        self.enc = nn.Linear(SIDE * SIDE, 64)
        self.head = nn.Linear(64, 8) if packed else nn.Linear(64, 4)
        self.spread = nn.Linear(64, 4)
        self.dec1, self.dec2 = nn.Linear(4, 64), nn.Linear(64, SIDE * SIDE)
        self.activation, self.output = activation, output

    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        features = self.activation(self.enc(pictures.flatten(1)))
        if self.packed:
            both = self.head(features)
            mean, spread = both[:, ::2], both[:, 1::2]
        else:
            mean, spread = self.head(features), self.spread(features)
        logvar = {"logvar": spread, "logsigma": 2 * spread, "sigma": 2 * spread.abs().add(1e-6).log()}[
            self.second
        ]
        codes = mean + torch.randn_like(mean) * (0.5 * logvar).exp()
        return self.output(self.dec2(self.activation(self.dec1(codes)))), mean, logvar


def trained(network: Vae, low: float, high: float, steps: int = 500) -> dict[str, Tensor]:
    """Return a VAE's tensors after some training on blobs from `low` to `high`."""
    torch.manual_seed(1)
    data = blobs(2000)
    optimizer = torch.optim.Adam(network.parameters(), 3e-3)
    for _ in range(steps):
        batch = data[torch.randint(len(data), (128,))]
        native = batch.flatten(1) * (high - low) + low
        out, mean, logvar = network(native)
        error = (out - native).square().sum(1).mean() / (high - low) ** 2 * 30
        loss = error + 0.5 * (mean.square() + logvar.exp() - 1 - logvar).sum(1).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return dict(network.state_dict())


SEPARATE = Heads("separate", (Layer("linear", "head"),), (Layer("linear", "spread"),))


def vae(*heads: Heads) -> Slots:
    return build("linear@dec1 ? linear@dec2 out?", 4, encoder="flatten linear@enc ?", heads=heads)


@pytest.mark.parametrize(
    ("output", "low", "word"), [(nn.Sigmoid(), 0.0, "sigmoid"), (nn.Tanh(), -1.0, "tanh")]
)
def test_the_output_is_that_under_which_codes_come_back(output: nn.Module, low: float, word: str) -> None:
    tensors = trained(Vae(nn.ReLU(), output), low, 1.0)

    best = judged([vae(SEPARATE)], tensors)[0]

    assert words(best, "output") == [word]
    assert best.trip is not None
    assert best.trip.alive >= 3
    assert best.config is not None
    assert best.config.native_range.low == low


def test_the_hidden_activation_is_that_under_which_codes_come_back() -> None:
    tensors = trained(Vae(nn.ELU(), nn.Sigmoid()), 0.0, 1.0)

    best = judged([vae(SEPARATE)], tensors)[0]

    assert words(best, "activation") == words(best, "activation", "encoder") == ["elu"]


def test_interleaved_heads_are_told_from_halves() -> None:
    tensors = trained(Vae(nn.ReLU(), nn.Sigmoid(), packed=True), 0.0, 1.0)
    head = (Layer("linear", "head"),)

    best = judged([vae(Heads("halves", head), Heads("interleaved", head))], tensors)[0]

    assert best.heads is not None
    assert best.heads.layout == "interleaved"


def test_a_mean_that_stands_second_is_found() -> None:
    tensors = trained(Vae(nn.ReLU(), nn.Sigmoid()), 0.0, 1.0)
    swapped = Heads("separate", SEPARATE.second, SEPARATE.mean)

    best = judged([vae(swapped)], tensors)[0]

    assert best.heads is not None
    assert best.heads.mean == SEPARATE.mean


@pytest.mark.parametrize("meaning", ["logvar", "sigma"])
def test_the_second_half_means_what_makes_codes_as_wide_as_the_prior(meaning: str) -> None:
    tensors = trained(Vae(nn.ReLU(), nn.Sigmoid(), second=meaning), 0.0, 1.0)
    readings = [
        Heads("separate", SEPARATE.mean, SEPARATE.second, word) for word in ("logvar", "logsigma", "sigma")
    ]
    open_ones = vae(*readings)
    equal = Slots(open_ones.candidate, open_ones.slots, tuple(HeadsOption(reading) for reading in readings))

    best = judged([equal], tensors)[0]

    assert best.heads is not None
    assert best.heads.meaning == meaning


def test_a_plain_autoencoder_is_judged_by_the_codes_its_encoder_gives() -> None:
    network = Vae(nn.ReLU(), nn.Sigmoid())
    torch.manual_seed(1)
    data = blobs(2000)
    optimizer = torch.optim.Adam(network.parameters(), 3e-3)
    for _ in range(400):
        batch = data[torch.randint(len(data), (128,))].flatten(1)
        codes = network.head(network.activation(network.enc(batch)))
        out = network.output(network.dec2(network.activation(network.dec1(codes))))
        loss = (out - batch).square().sum(1).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    slots = build(
        "linear@dec1 ? linear@dec2 out?",
        4,
        encoder="flatten linear@enc ? linear@head",
        heads=(Heads(),),
        plain="yes",
    )

    best = judged([slots], dict(network.state_dict()))[0]

    assert words(best, "output") == ["sigmoid"]
    assert best.trip is not None
    assert best.trip.alive >= 3


@pytest.mark.parametrize(("scale", "shift", "said"), [(0.5, 0.5, "0..1"), (127.5, 127.5, "0..255")])
def test_pixels_that_need_no_output_are_seen(scale: float, shift: float, said: str) -> None:
    torch.manual_seed(0)
    last = nn.Linear(16, SIDE * SIDE)
    first = nn.Linear(4, 16)
    with torch.no_grad():
        last.weight.copy_(torch.randn(SIDE * SIDE, 16) * 0.1 * scale)
        last.bias.copy_((torch.rand(SIDE * SIDE) - 0.5) * scale + shift)
    tensors = {
        f"{name}.{key}": value
        for name, layer in (("a", first), ("b", last))
        for key, value in layer.state_dict().items()
    }

    best = judged([build("linear@a tanh linear@b out?", 4)], tensors)[0]

    assert words(best, "output") == ["identity"]
    assert best.config is not None
    assert str(best.config.native_range) == said


def test_the_winner_can_be_built_and_gives_pictures() -> None:
    tensors = in_training(generator(nn.ReLU()), lambda: torch.randn(64, 8), steps=20)
    best = judged([build(GENERATOR, 8)], tensors)[0]

    assert best.config is not None
    assert Layered(best.config, tensors).decode(torch.zeros(2, 8)).shape == (2, 1, SIDE, SIDE)
