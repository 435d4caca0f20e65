"""The article's convolutional VAE."""

import torch

from explorer.models import architecture

FAMILY = architecture("conv-vae")


def model(seed=0):
    config = FAMILY.config()
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return FAMILY.wrap(FAMILY.network(config).eval(), config, name="conv")


def test_layers_have_the_articles_sizes():
    shapes = [
        tuple(weight.shape) for key, weight in model().network.state_dict().items() if key.endswith("weight")
    ]
    assert shapes == [
        (10, 1, 5, 5),
        (5, 10, 5, 5),
        (10, 45),
        (10, 45),
        (45, 10),
        (5, 10, 4, 4),
        (10, 3, 6, 6),
        (3, 1, 4, 4),
    ]


def test_pictures_become_codes_and_codes_pictures():
    conv = model()
    with torch.inference_mode():
        codes = conv.encode(torch.rand(3, 1, 30, 30))
        raw = conv.decode_raw(codes.mean)
        pictures = conv.decode(codes.mean)
    assert codes.mean.shape == codes.logvar.shape == (3, 10)
    assert raw.shape == (3, 1, 30, 30)
    assert raw.min() >= 0
    assert 50 < raw.mean() < 200
    assert torch.equal(pictures, (raw / 255).clamp(0, 1))


def test_it_learns():
    """The last ReLU must not be dead at the start: a few steps towards a bright picture come closer to it."""
    torch.manual_seed(0)
    network = FAMILY.network(FAMILY.config())
    target = torch.full((8, 1, 30, 30), 200.0)
    optimizer = torch.optim.Adam(network.parameters(), lr=3e-2)
    errors = []
    for _ in range(60):
        error = (network.decode(network.encode(target)[0]) - target).square().mean()
        optimizer.zero_grad()
        error.backward()
        optimizer.step()
        errors.append(error.item())
    assert errors[-1] < errors[0] / 4


def test_recognised_by_its_own_shapes_even_with_one_tensor_gone():
    config = FAMILY.config(widths=(12, 7), latent_dim=6)
    shapes = {key: tuple(tensor.shape) for key, tensor in FAMILY.network(config).state_dict().items()}
    assert FAMILY.recognise(shapes) == config
    for key in shapes:
        assert FAMILY.recognise({k: shape for k, shape in shapes.items() if k != key}) == config
    assert FAMILY.recognise({}) is None
    assert FAMILY.recognise({"fcmu.weight": (3, 4)}) is None
