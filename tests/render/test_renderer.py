"""Codes to pictures: the same bits for any batch, any door; what does not fit or is no number is said."""

import fakes
import numpy as np
import pytest
import torch
from torch import nn

from explorer.errors import DeviceError, ImageError, LatentError, NetworkError, StageError, UsageError
from explorer.latent.activity import sensitivity
from explorer.models.base import DecodeOptions, ImageSpec, LatentModel, NativeRange, Space, StageModel
from explorer.render.pixels import CHECK_VALUES, to_uint8
from explorer.render.renderer import CHUNK_SECONDS, Renderer
from explorer.render.requests import ActivityRequest, EncodeRequest, RenderRequest, frozen_codes

COUNT = 90


class Colour(nn.Module):
    """Grey to colour by one convolution."""

    def __init__(self):
        super().__init__()
        self.body = nn.Conv2d(1, 3, 3, padding=1)

    def forward(self, images):
        return self.body(images)


def colour_stage(side=None, channels=1, name="colour"):
    torch.manual_seed(1)
    spec = ImageSpec(channels, side, side)
    return StageModel(
        Colour(),
        name=name,
        architecture="test",
        input=spec,
        output=ImageSpec(3, side, side),
        native_range=NativeRange(-1, 1),
    )


def render_request(model, codes, **changes):
    return RenderRequest("canvas", 0, 1, model, codes=frozen_codes(codes), **changes)


@pytest.fixture
def renderer():
    return Renderer("cpu")


@pytest.fixture
def codes():
    return np.random.default_rng(0).normal(size=(COUNT, 4)).astype(np.float32)


@pytest.mark.parametrize("staged", [False, True])
def test_batches_of_1_9_and_90_are_equal_bit_for_bit(renderer, tiny_model, codes, staged):
    stages = (colour_stage(),) if staged else ()

    def float_bits(size):
        parts = [codes[i : i + size] for i in range(0, COUNT, size)]
        return np.concatenate([renderer.decode(tiny_model, part, stages=stages) for part in parts])

    def pictures(size):
        parts = [codes[i : i + size] for i in range(0, COUNT, size)]
        answers = [renderer.render(render_request(tiny_model, part, stages=stages)) for part in parts]
        return np.concatenate([answer.pictures for answer in answers])

    whole = float_bits(COUNT)
    assert whole.shape == (COUNT, 3 if staged else 1, 8, 8)
    assert whole.std() > 0.01
    for size in (1, 9):
        assert np.array_equal(float_bits(size), whole)
    shown = pictures(COUNT)
    assert np.array_equal(shown, to_uint8(whole)[0])
    for size in (1, 9):
        assert np.array_equal(pictures(size), shown)


def test_a_model_from_another_renderer_gives_the_same_bits(tiny_model, codes):
    first, second = (Renderer("cpu").decode(tiny_model, codes) for _ in range(2))
    assert np.array_equal(first, second)


def test_raw_is_the_networks_own_range_and_unclipped(renderer, tiny_model, codes):
    codes = 100 * codes
    raw = renderer.decode(tiny_model, codes, raw=True)
    with torch.no_grad():
        expected = tiny_model.network.decode(torch.tensor(codes)).numpy()
    assert np.allclose(raw, expected, atol=1e-3)
    assert raw.max() > 255 or raw.min() < 0
    assert np.allclose(renderer.decode(tiny_model, codes), np.clip(raw / 255, 0, 1), atol=1e-6)


def test_raw_with_stages_is_the_last_stages_own(renderer, tiny_model, codes):
    stage = colour_stage()
    raw = renderer.decode(tiny_model, codes, stages=(stage,), raw=True)
    images = renderer.decode(tiny_model, codes)
    assert np.array_equal(raw, renderer.apply(stage, images, raw=True))
    assert np.allclose(renderer.apply(stage, images), np.clip((raw + 1) / 2, 0, 1))


def test_a_result_has_the_picture_before_the_stages_and_the_times(renderer, tiny_model, codes):
    stages = (colour_stage(name="first"),)
    result = renderer.render(render_request(tiny_model, codes[:2], stages=stages))
    assert result.pictures.shape == (2, 8, 8, 3)
    assert result.decoded.shape == (2, 8, 8, 1)
    assert result.milliseconds.keys() == {"decode", "first", "total"}
    assert 0 < result.milliseconds["decode"] < result.milliseconds["total"]
    assert result.warning is None
    assert (result.slot, result.generation, result.id) == ("canvas", 0, 1)


def test_a_stage_that_does_not_fit_names_both_shapes(renderer, tiny_model, codes):
    with pytest.raises(StageError, match=r"3x\(any size\).*1x8x8"):
        renderer.render(render_request(tiny_model, codes, stages=(colour_stage(channels=3),)))
    with pytest.raises(ImageError, match=r"1x16x16.*1x8x8"):
        renderer.apply(colour_stage(side=16), np.zeros((2, 1, 8, 8), np.float32))


def test_codes_spaces_labels_and_options_that_do_not_fit_are_said(renderer, tiny_model, codes):
    with pytest.raises(LatentError, match=r"4 numbers.*90 x 3"):
        renderer.decode(tiny_model, codes[:, :3])
    with pytest.raises(UsageError, match="no space w"):
        renderer.decode(tiny_model, codes, space="w")
    with pytest.raises(UsageError, match="psi"):
        renderer.decode(tiny_model, codes, options=DecodeOptions(psi=0.5))


class LabelModel(LatentModel):
    """Adds its label to what a code gives."""

    accepts = frozenset({"labels"})

    def decode_raw(self, codes, space="z", options=DecodeOptions()):  # noqa: B008
        assert len(options.labels) == len(codes)
        return torch.as_tensor(options.labels, dtype=torch.float32)[:, None, None, None].expand(-1, 1, 2, 2)


def test_each_code_gets_its_label_and_one_label_serves_all(renderer):
    model = LabelModel(
        nn.Identity(),
        name="labels",
        architecture="test",
        image=ImageSpec(1, 2, 2),
        spaces=[Space("z", (4,))],
        native_range=NativeRange(0, 10),
    )
    codes = np.zeros((3, 4), np.float32)
    images = renderer.decode(model, codes, options=DecodeOptions(labels=np.arange(3)))
    assert images[:, 0, 0, 0] == pytest.approx([0, 0.1, 0.2])
    images = renderer.decode(model, codes, options=DecodeOptions(labels=np.array([7])))
    assert images[:, 0, 0, 0] == pytest.approx([0.7] * 3)
    with pytest.raises(UsageError, match="2 labels came with 3 codes"):
        renderer.decode(model, codes, options=DecodeOptions(labels=np.arange(2)))


def test_values_that_are_no_numbers_become_a_check_pattern_and_a_sentence(renderer, tiny_model, codes):
    with torch.no_grad():
        tiny_model.network.decoder[-1].bias[:8] = torch.nan  # the first row of every picture
    result = renderer.render(render_request(tiny_model, codes[:2]))
    assert set(np.unique(result.pictures[:, 0])) == set(CHECK_VALUES)
    assert "16 of 128 pixels" in result.warning
    assert tiny_model.name in result.warning
    staged = renderer.render(render_request(tiny_model, codes[:2], stages=(colour_stage(),)))
    assert "check pattern" in staged.warning
    assert np.isnan(renderer.decode(tiny_model, codes[:2])).sum() == 16


def test_an_infinity_is_no_number_either(renderer, tiny_model, codes):
    with torch.no_grad():
        tiny_model.network.decoder[-1].bias[:] = torch.inf
    result = renderer.render(render_request(tiny_model, codes[:1]))
    assert "All values" in result.warning
    assert set(np.unique(result.pictures)) == set(CHECK_VALUES)


def test_small_pictures_keep_the_aspect_and_the_mean(renderer, tiny_model, codes):
    large = renderer.render(render_request(tiny_model, codes[:3]))
    small = renderer.render(render_request(tiny_model, codes[:3], max_side=4))
    assert small.pictures.shape == (3, 4, 4, 1)
    assert small.pictures.mean() == pytest.approx(large.pictures.mean(), abs=12)
    same = renderer.render(render_request(tiny_model, codes[:3], max_side=8))
    assert np.array_equal(same.pictures, large.pictures)
    staged = renderer.render(render_request(tiny_model, codes[:3], max_side=4, stages=(colour_stage(),)))
    assert staged.pictures.shape == (3, 4, 4, 3)


def test_no_codes_give_no_pictures(renderer, tiny_model):
    none = np.zeros((0, 4), np.float32)
    assert renderer.decode(tiny_model, none).shape == (0, 1, 8, 8)
    assert renderer.render(render_request(tiny_model, none)).pictures.shape == (0, 8, 8, 1)
    assert renderer.apply(colour_stage(), np.zeros((0, 1, 8, 8))).shape == (0, 3, 8, 8)


def test_encode_gives_mean_and_log_variance_of_each_picture_alone(renderer, tiny_model):
    images = np.random.default_rng(0).integers(0, 256, (9, 8, 8, 1), np.uint8)
    mean, logvar = renderer.encode(tiny_model, images)
    assert mean.shape == logvar.shape == (9, 4)
    with torch.no_grad():
        expected, _ = tiny_model.network.encode(torch.tensor(images).permute(0, 3, 1, 2).float())
    assert np.allclose(mean, expected.numpy(), atol=1e-3)
    assert np.array_equal(renderer.encode(tiny_model, images[3:4])[0], mean[3:4])
    result = renderer.render(EncodeRequest("encode", 0, 1, tiny_model, images))
    assert np.array_equal(result.mean, mean)
    assert np.array_equal(result.logvar, logvar)
    with pytest.raises(ImageError, match=r"1x8x8.*9 x 7 x 8 x 1"):
        renderer.encode(tiny_model, images[:, 1:])


def test_sensitivity_is_that_of_the_maths_on_codes(renderer, tiny_model, codes):
    spread = tiny_model.spaces["z"].spread
    expected = sensitivity(lambda z: renderer.decode(tiny_model, z), codes[:5], spread)
    assert renderer.sensitivity(tiny_model, codes[:5]) == pytest.approx(expected, rel=1e-4)
    request = ActivityRequest("activity", 0, 1, tiny_model, codes=frozen_codes(codes[:5]))
    assert np.array_equal(renderer.render(request).sensitivity, renderer.sensitivity(tiny_model, codes[:5]))


def test_bulk_work_yields_when_a_chunk_is_over(renderer, tiny_model, codes, monkeypatch):
    clock = iter(np.arange(0, 1e4, CHUNK_SECONDS))
    monkeypatch.setattr("explorer.render.renderer.time.perf_counter", lambda: float(next(clock)))
    requests = [
        render_request(tiny_model, codes[:9]),
        EncodeRequest("encode", 0, 1, tiny_model, np.zeros((9, 8, 8, 1), np.uint8)),
        ActivityRequest("activity", 0, 1, tiny_model, codes=frozen_codes(codes[:2])),
    ]
    for request in requests:
        assert sum(1 for _ in renderer.steps(request)) >= 2
    monkeypatch.setattr("explorer.render.renderer.time.perf_counter", lambda: 0.0)
    for request in requests:
        assert sum(1 for _ in renderer.steps(request)) == 0


def test_fast_gives_nearly_the_same_pictures(tiny_model, codes):
    exact = Renderer("cpu").decode(tiny_model, codes, stages=(colour_stage(),))
    fast = Renderer("cpu", "fast").decode(tiny_model, codes, stages=(colour_stage(),))
    assert fast.dtype == np.float32
    assert np.abs(exact - fast).mean() < 0.02


def test_memory_that_runs_out_is_a_sentence_of_its_own(renderer, tiny_model, codes, monkeypatch):
    monkeypatch.setattr(LatentModel, "chain", None)

    def fail(text):
        def decode(codes):
            raise RuntimeError(text)

        monkeypatch.setattr(tiny_model.network, "decode", decode)

    fail("DefaultCPUAllocator: not enough memory: you tried to allocate 4000000000 bytes.")
    with pytest.raises(DeviceError, match=r"not enough for tiny.*choose another device"):
        renderer.render(render_request(tiny_model, codes))
    fail("mat1 and mat2 shapes cannot be multiplied")
    with pytest.raises(NetworkError, match=r"The decoder of tiny failed: RuntimeError: mat1"):
        Renderer("cpu").decode(tiny_model, codes)


def test_the_article_network_gives_its_own_pictures_and_codes(renderer, reference_data):
    from explorer.formats import open_latent

    folder = reference_data / "seed-animeface"
    reference, faces = np.load(folder / "reference.npz"), np.load(folder / "gray.npz")["images"]
    model = open_latent(folder / "vaeg.pth").model
    raw = renderer.decode(model, reference["z"], raw=True)
    assert np.abs(raw.reshape(16, -1) - reference["images"].reshape(16, -1)).max() < 1e-3
    mean, logvar = renderer.encode(model, faces[..., None])
    assert np.abs(mean - reference["mu"]).max() < 1e-3
    assert np.abs(logvar - reference["logvar"]).max() < 1e-3


def test_exact_pictures_are_the_same_after_a_while_of_fast_ones(monkeypatch):
    monkeypatch.setattr("explorer.render.ways.GAIN", 0.0)
    from explorer.models import architecture

    family = architecture("conv-colorizer")
    torch.manual_seed(0)
    network = family.network(family.config())
    stage = family.wrap(network, family.config(), name="colours")
    images = np.random.default_rng(0).random((3, 1, 30, 30), np.float32)
    renderer = Renderer("cpu")
    before = renderer.apply(stage, images)
    renderer.set_device("cpu", "fast")
    assert not np.array_equal(renderer.apply(stage, images), before)
    renderer.set_device("cpu", "exact")
    assert np.array_equal(renderer.apply(stage, images), before)
    assert network.stem.weight.dtype == torch.float32


def test_long_work_tells_the_share_that_is_done(renderer, tiny_model, codes, monkeypatch):
    monkeypatch.setattr("explorer.render.renderer.CHUNK_SECONDS", 0.0)
    monkeypatch.setattr("explorer.render.pace.LARGEST", 3)
    model, stage = tiny_model, colour_stage()
    images = np.zeros((COUNT, 8, 8, 1), np.uint8)
    works = [
        lambda told: renderer.decode(model, codes, on_progress=told),
        lambda told: renderer.encode(model, images, told),
        lambda told: renderer.apply(stage, np.zeros((COUNT, 1, 8, 8), np.float32), on_progress=told),
        lambda told: renderer.sensitivity(model, codes[:5], on_progress=told),
        lambda told: renderer.render(render_request(model, codes), told),
    ]
    for work in works:
        shares = []
        work(shares.append)
        assert len(shares) >= 19
        assert shares == sorted(shares)
        assert 0.9 <= shares[-1] <= 1
        assert shares[0] < 0.1


@pytest.mark.parametrize("precision", ["exact", "fast"])
def test_a_gpu_gives_what_the_cpu_gives(precision, codes):
    if not torch.cuda.is_available():
        pytest.skip("no NVIDIA GPU")
    stages = (colour_stage(),)
    on_cpu = Renderer("cpu").decode(fakes.tiny_vae(), codes, stages=stages)
    renderer, model = Renderer("cuda", precision), fakes.tiny_vae()
    on_gpu = renderer.decode(model, codes, stages=stages)
    assert np.abs(on_cpu - on_gpu).max() < (1e-4 if precision == "exact" else 0.05)
    if precision == "exact":
        alone = np.concatenate([renderer.decode(model, code[None], stages=stages) for code in codes])
        assert np.array_equal(alone, on_gpu)
    renderer.set_device("cpu")
    assert np.array_equal(renderer.decode(model, codes[:3]), Renderer("cpu").decode(model, codes[:3]))
