"""Checkpoints of strangers open right without a hint, and what counts them cannot be fooled."""

import importlib.util
import json
import sys
from pathlib import Path

import numpy as np
import pytest

from explorer.formats import save_native
from explorer.render.renderer import Renderer

CONFIG = {"height": 8, "width": 8, "hidden": (32, 16), "latent_dim": 4}
RANGE = [0, 255]  # of a tiny model
SCRIPTS = Path(__file__).resolve().parent.parent / "scripts"
TRAINED = (
    "csinva_mnist_gan_mlp",
    "csinva_mnist_vae",
    "disvae_VAE_mnist",
    "disvae_factor_dsprites",
    "gdl_vae_weights_h5",
    "keras2_decoder_h5",
    "keras3_vae_decoder_keras",
    "lightning_hparams",
    "module_pickle_zip",
    "pythae_vae_mlp",
    "pytorch_examples_dcgan",
    "pytorchgan_wgan_gp",
)
UNTRAINED = ("safetensors_plain", "state_dict_protocol4")
"""Their batch norm still remembers 0 and 1, so nothing in the file tells its eps from others, nor the activation."""

TRAINED_EXACT = 1e-4


def _script(name):
    spec = importlib.util.spec_from_file_location(name, SCRIPTS / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def samples():
    yield _script("wild_samples")
    del sys.modules["wild_samples"]


@pytest.fixture(scope="module")
def wild(samples):
    yield _script("wild")
    del sys.modules["wild"]


@pytest.fixture
def sample(tmp_path, tiny_model):
    """A sample that is right: a tiny VAE with what it makes."""
    return write_sample(tmp_path / "right", tiny_model)


def write_sample(folder, model, change=lambda images: images, **more):
    folder.mkdir()
    save_native(folder / "vae.safetensors", model, config=CONFIG)
    z = np.random.default_rng(1).normal(size=(5, 4)).astype(np.float32)
    images = change(Renderer(device="cpu").decode(model, z, raw=True))
    np.savez(folder / "reference.npz", z=z, images=images, **more)
    (folder / "facts.json").write_text(json.dumps({"range": RANGE}))
    return folder


def test_a_right_sample_is_exact(samples, sample):
    outcome = samples.measured(sample)
    assert outcome.exact
    assert outcome.alike
    assert outcome.reason == ""
    assert outcome.encoder is None


@pytest.mark.parametrize(
    "layout",
    [
        lambda images: images.reshape(len(images), -1),
        lambda images: images[:, 0],
        lambda images: images.transpose(0, 2, 3, 1),
    ],
    ids=["flat", "NHW", "NHWC"],
)
def test_the_layout_of_the_reference_is_undone(samples, tmp_path, tiny_model, layout):
    assert samples.measured(write_sample(tmp_path / "one", tiny_model, layout)).exact


def test_colours_last_are_told_from_colours_first(samples):
    pictures = np.arange(2 * 3 * 4 * 5).reshape(2, 3, 4, 5)
    for layout in (pictures, pictures.transpose(0, 2, 3, 1), pictures.reshape(2, -1)):
        assert (samples.as_pictures(layout, (2, 3, 4, 5)) == pictures).all()
    assert samples.as_pictures(pictures, (2, 3, 5, 4)) is None
    assert samples.as_pictures(pictures, (2, 1, 4, 5)) is None


def test_a_picture_of_another_contrast_is_alike_but_not_exact(samples, tmp_path, tiny_model):
    outcome = samples.measured(write_sample(tmp_path / "one", tiny_model, lambda images: images * 0.8))
    assert not outcome.exact
    assert outcome.alike
    assert "alike" in outcome.reason


def test_one_other_picture_among_right_ones_is_a_miss(samples, tmp_path, tiny_model):
    def spoiled(images):
        images = images.copy()
        images[2] = images[2, :, ::-1]
        return images

    outcome = samples.measured(write_sample(tmp_path / "one", tiny_model, spoiled))
    assert not outcome.alike
    assert "another picture" in outcome.reason


def test_a_picture_without_contrast_must_be_met(samples):
    flat = np.full((1, 1, 4, 4), 0.5, np.float32)
    assert samples.compared(flat + 0.005, flat, 1.0)["alike"]
    assert not samples.compared(flat + 0.1, flat, 1.0)["alike"]
    assert not samples.compared(flat, np.eye(4, dtype=np.float32)[None, None], 1.0)["alike"]


@pytest.mark.parametrize(("noise", "alike"), [(0.1, True), (0.3, False)])
def test_alike_needs_a_correlation_of_098(samples, noise, alike):
    true, other = np.random.default_rng(3).normal(size=(2, 1, 1, 32, 32))
    assert samples.compared(true + noise * other, true, 1.0)["alike"] is alike


def test_what_is_no_number_is_no_picture(samples):
    broken = np.full((1, 1, 4, 4), np.nan, np.float32)
    assert samples.compared(broken, broken, 1.0) == {"exact": False, "alike": False, "off": float("inf")}


def test_the_encoder_is_measured(samples, tmp_path, tiny_model):
    import torch

    pictures = np.random.default_rng(2).random((3, 1, 8, 8), np.float32)
    with torch.inference_mode():
        codes = tiny_model.encode(torch.tensor(pictures)).mean.numpy()
    seen = 255 * pictures
    right = write_sample(tmp_path / "right", tiny_model, enc_x=seen.reshape(3, -1), enc_mu=codes)
    wrong = write_sample(tmp_path / "wrong", tiny_model, enc_x=seen, enc_mu=codes[:, ::-1])
    assert samples.measured(right).encoder < 1e-5
    assert samples.measured(wrong).encoder > 1e-2


def test_a_file_that_cannot_be_opened_is_a_miss_with_its_sentence(samples, sample):
    (sample / "vae.safetensors").write_bytes(b"no checkpoint at all")
    outcome = samples.measured(sample)
    assert not outcome.exact
    assert outcome.reason.startswith(".../vae.safetensors")


def test_a_file_that_takes_too_long_is_a_miss(samples, sample):
    assert samples.measured(sample, limit=1e-4).reason.startswith("took longer")


@pytest.mark.parametrize(
    ("names", "chosen"),
    [
        (["encoder.h5", "decoder.h5", "model.h5"], "decoder.h5"),
        (["facts.json", "D.pth", "generator11.pt"], "generator11.pt"),
        (["reference.npz", "vae.pth"], "vae.pth"),
        (["model_config.json", "model.pt"], "."),
        (["params.pkl", "weights.h5"], "."),
    ],
)
def test_what_a_person_would_open(samples, tmp_path, names, chosen):
    for name in names:
        (tmp_path / name).write_bytes(b"x")
    assert samples.checkpoint_in(tmp_path) == tmp_path / chosen


def test_the_table_says_both_shares_and_fails_below_them(wild, tmp_path, tiny_model, capsys):
    write_sample(tmp_path / "right", tiny_model)
    assert wild.main([str(tmp_path)]) == 0
    write_sample(tmp_path / "pale", tiny_model, lambda images: images * 0.8)
    assert wild.main([str(tmp_path)]) == 1
    said = capsys.readouterr().out
    assert "exact: 1 of 2 (50 %); the limit of 75 % does not hold" in said
    assert "alike: 2 of 2 (100 %); the limit of 90 % holds" in said


def test_more_than_three_hints_are_refused(wild, tmp_path, tiny_model):
    write_sample(tmp_path / "right", tiny_model)
    hints = tmp_path / "hints.json"
    hints.write_text(json.dumps({"right": dict.fromkeys("abcd", "1")}))
    with pytest.raises(SystemExit, match="more than 3 hints"):
        wild.main([str(tmp_path), "--hints", str(hints)])


def test_hints_are_measured_too(wild, tmp_path, tiny_model, capsys):
    write_sample(tmp_path / "right", tiny_model)
    hints = tmp_path / "hints.json"
    hints.write_text(json.dumps({"right": {"image": "1x9x9"}}))
    wild.main([str(tmp_path), "--hints", str(hints)])
    said = capsys.readouterr().out
    assert "with hints" in said
    assert "exact: 0 of 1" in said


# ---- checkpoints of known projects ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", TRAINED)
def test_a_checkpoint_of_a_known_project_is_read_as_it_is(samples, reference_data, name):
    outcome = samples.measured(reference_data / "trained-checkpoints" / name)
    assert outcome.off <= TRAINED_EXACT, outcome.reason
    assert outcome.encoder is None or outcome.encoder <= TRAINED_EXACT


@pytest.mark.parametrize("name", UNTRAINED)
def test_two_hints_mend_what_an_untrained_file_cannot_tell(samples, reference_data, name):
    hints = {"activation": "leaky_relu:0.2", "eps": "0.001"}
    outcome = samples.measured(reference_data / "trained-checkpoints" / name, hints)
    assert outcome.off <= TRAINED_EXACT, outcome.reason


def test_torchscript_is_read_without_running_it_or_refused(samples, reference_data):
    outcome = samples.measured(reference_data / "trained-checkpoints" / "torchscript")
    assert outcome.off <= TRAINED_EXACT or "TorchScript" in outcome.reason


# ---- the samples of strangers ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def outcomes(samples, reference_data):
    return [samples.measured(sample) for sample in samples.samples_in(reference_data / "wild-checkpoints")]


def test_strangers_checkpoints_open_right_without_a_hint(wild, outcomes):
    lines, holds = wild.summary(outcomes)
    assert outcomes
    assert holds, "\n".join([*lines, *wild.table(outcomes)])
