"""NVIDIA's TensorFlow pickles: StyleGAN and StyleGAN2 in their variants; files that are damaged or would do harm."""

import os
import pickle
import random

import numpy as np
import pytest
import tf_files
import torch
from checkpoints_read import refused
from tf_files import Generator

from explorer.errors import CheckpointError, UsageError
from explorer.formats import open_latent
from explorer.formats.tf_network import defaults
from explorer.models.base import DecodeOptions

pytestmark = pytest.mark.usefixtures("in_process")


def three(generator, **more):
    """Return the networks of a usual file: a raw generator, a judge, the averaged generator."""
    judge = tf_files.network("D", "D_basic", {"FromRGB_lod0/bias": torch.zeros(3)})
    raw = Generator(generator.two, seed=9, side=generator.side)
    return raw.as_network("G", **more), judge, generator.as_network("Gs", **more)


def compare(path, generator, entry=None):
    """Open a file and compare two pictures and their styles with what the generator draws by itself."""
    model = open_latent(path, hints={"entry": entry} if entry else None).model
    z = torch.tensor(np.random.default_rng(5).standard_normal((2, generator.z)), dtype=torch.float32)
    labels = torch.eye(generator.classes)[[0, generator.classes - 1]] if generator.classes else None
    options = DecodeOptions(labels=None if labels is None else labels.numpy())
    w = generator.w(z, labels)
    assert torch.allclose(model.spaces["z"].to(z, "w", options), w, atol=1e-5)
    images = generator.images(w)
    found = model.decode_raw(z, "z", options)
    assert found.shape == images.shape
    assert (found - images).abs().max() < 1e-4 * (images.max() - images.min())
    return model


ONES = {
    "usual": {},
    "fused where large": {"side": 128},
    "always fused": {"fused_scale": True},
    "never fused": {"side": 128, "fused_scale": False},
    "classes": {"classes": 3},
    "grey": {"channels": 1},
    "relu and pixel norm": {"nonlinearity": "relu", "mapping_nonlinearity": "relu", "use_pixel_norm": True},
    "no norm": {"use_instance_norm": False},
    "weights as they are": {"use_wscale": False},
    "a dense beginning": {"styles": False, "const": False},
    "no noise": {"noise": False},
    "no blur": {"blur_filter": None},
    "another blur": {"blur_filter": [1, 3, 3, 1]},
    "codes as they are": {"normalize_latents": False, "mapping_lrmul": 0.5},
    "half grown": {"lod": 1.25},
    "grown to a size": {"lod": 2.0},
    "4x4": {"lod": 3.0},
}


@pytest.mark.parametrize("options", ONES.values(), ids=ONES)
def test_stylegan_draws_as_its_program(tmp_path, options):
    generator = Generator(**options)
    model = compare(tf_files.saved(tmp_path / "a.pkl", three(generator)), generator)
    assert model.architecture == "stylegan1"
    assert model.classes == generator.classes
    assert any("still growing" in note for note in model.notes) is bool(generator.lod)


TWOS = {
    "skip": {},
    "resnet": {"architecture": "resnet"},
    "plain": {"architecture": "orig"},
    "grown": {"grows": True},
    "classes joined": {"classes": 3},
    "classes of ADA": {"classes": 3, "joined": False},
    "grey, limited": {"channels": 1, "conv_clamp": 2.0},
    "a box": {"resample_kernel": None},
    "a long filter": {"resample_kernel": [1, 2, 3, 2, 1, 1]},
    "no noise, relu": {"noise": False, "nonlinearity": "relu"},
    "no square": {"first": (4, 3)},
}


@pytest.mark.parametrize("options", TWOS.values(), ids=TWOS)
def test_stylegan2_draws_as_its_program(tmp_path, options):
    generator = Generator(True, **options)
    model = compare(tf_files.saved(tmp_path / "a.pkl", three(generator)), generator)
    assert model.architecture == "stylegan2"
    assert model.layers == 8


def test_the_averaged_generator_is_taken_and_the_raw_one_offered(tmp_path):
    raw, averaged = Generator(seed=1), Generator(seed=2)
    networks = raw.as_network("G"), tf_files.network("D", "D", {}), averaged.as_network("Gs")
    path = tf_files.saved(tmp_path / "a.pkl", networks)
    assert "The weights were taken from Gs; there is also G (hint entry)." in compare(path, averaged).notes
    compare(path, raw, entry="G")
    with pytest.raises(CheckpointError, match="no network Ge; the hint entry can be one of G, D, Gs"):
        open_latent(path, hints={"entry": "Ge"})
    with pytest.raises(CheckpointError, match="not known here"):
        open_latent(path, hints={"entry": "D"})


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
@pytest.mark.parametrize(
    ("module", "name"),
    [("dnnlib.tflib.network", "Network"), ("tfutil", "Network"), ("my.own.tools", "Net")],
)
def test_any_class_and_any_arrangement_will_do(tmp_path, protocol, module, name):
    generator = Generator(side=8)
    made = generator.as_network("Gs")
    for networks in (made, [made], {"G_ema": made, "step": 3}):
        compare(tf_files.saved(tmp_path / "a.pkl", networks, module, name, protocol), generator)


def test_truncation_is_that_of_the_file_when_asked_for_and_told_of(tmp_path):
    generator = Generator()
    networks = three(generator, truncation_psi=0.7, truncation_cutoff=8)
    model = open_latent(tf_files.saved(tmp_path / "a.pkl", networks)).model
    assert any("truncation psi 0.7 on the first 8 layers" in note for note in model.notes)
    z, average = torch.randn(1, 6), generator.top["dlatent_avg"]
    ws = model.styles(z, "z", DecodeOptions(psi=0.5, psi_cutoff=3))
    w = generator.w(z)
    assert torch.allclose(ws[0, 0], (average + 0.5 * (w - average))[0], atol=1e-5)
    assert torch.allclose(ws[0, 3], w[0], atol=1e-5)


SOURCE = """
import os
os.mkdir({marker!r})
def G_synthesis(dlatents_in,
    blur_filter = [1, 3, 3, 1],  # ) a bracket in a comment
    nonlinearity='relu', fused_scale = True, fmap_base = 16 << 10,
    made=os.mkdir({marker!r}), text=") ", **_kwargs):
    return None
def G_mapping(latents_in, mapping_lrmul=0.1, *, mapping_nonlinearity="relu", normalize_latents=False, **kwargs):
    pass
"""


def test_what_was_not_set_is_read_from_the_text_which_is_shown_and_never_run(tmp_path):
    marker = tmp_path / "ran"
    source = SOURCE.format(marker=str(marker))
    said = {"blur_filter": [1, 3, 3, 1], "nonlinearity": "relu", "fused_scale": True, "mapping_lrmul": 0.1}
    generator = Generator(**said, mapping_nonlinearity="relu", normalize_latents=False)
    made = generator.as_network("Gs", source)
    for part in (made, *made.state["components"].values()):
        part.state["static_kwargs"] = {"resolution": 32}
    model = compare(tf_files.saved(tmp_path / "a.pkl", made), generator)
    assert model.source_text == source
    assert not marker.exists()


@pytest.mark.parametrize(
    "source",
    [
        "", "def f(", "def f(" + "(" * 5000, "def f(a=" + "-" * 15000 + "1):", "def f(a=1\0):", "def f(a=1,, b):",
        "def f(a=" + "9" * 10000 + "):", "def f(a=b):", "def f(a=[" * 3000, "x = 1", "def f(*, a): pass",
    ],
)  # fmt: skip
def test_no_text_upsets_the_reading_of_it(source):
    assert defaults(source, "f") == {}


def test_literals_alone_are_read_from_a_text():
    source = (
        "def other(a=5): pass\ndef f(x, a=1, b='(', c=[1, 2], d=None, e=dict(), *, g=-2.5, **kw):\n  a = 7"
    )
    assert defaults(source, "f") == {"a": 1, "b": "(", "c": [1, 2], "d": None, "g": -2.5}
    assert defaults(source, "") == defaults(source, "fo.*") == {}


def test_a_harmful_call_in_a_file_is_not_made(tmp_path):
    marker = tmp_path / "ran"

    class Harmful:
        def __reduce__(self):
            return os.mkdir, (str(marker),)

    generator = Generator(side=8)
    networks = three(generator)
    networks[2].state["static_kwargs"]["blur_filter"] = Harmful()
    networks[2].state["extra"] = Harmful()
    path = tf_files.saved(tmp_path / "a.pkl", networks)
    assert "cannot be" in refused(path)
    assert not marker.exists()


def progan(fused=True, normalise=True, lod=0.0, channels=3):
    """Return a ProGAN and what it draws of codes, written out."""
    chance = np.random.default_rng(3)
    draw = lambda *shape: torch.tensor(chance.standard_normal(shape), dtype=torch.float32)  # noqa: E731
    up = "Conv0_up" if fused else "Conv0"
    kept = {"lod": np.float32(lod), "4x4/Dense/weight": draw(5, 16 * 4), "4x4/Dense/bias": draw(4)}
    for name, inputs, outputs in (
        ("4x4/Conv", 4, 4), (f"8x8/{up}", 4, 3), ("8x8/Conv1", 3, 3), (f"16x16/{up}", 3, 2), ("16x16/Conv1", 2, 2),
    ):  # fmt: skip
        ends = (outputs, inputs) if name.endswith("_up") else (inputs, outputs)
        kept |= {f"{name}/weight": draw(3, 3, *ends), f"{name}/bias": draw(outputs)}
    for at, inputs in ((2, 4), (1, 3), (0, 2)):
        kept |= {f"ToRGB_lod{at}/weight": draw(1, 1, inputs, channels), f"ToRGB_lod{at}/bias": draw(channels)}

    def normal(x):
        return x / (x.square().mean(1, keepdim=True) + 1e-8).sqrt()

    def finished(x, name):
        x = x + kept[f"{name}/bias"][:, None, None]
        return normal(torch.where(x > 0, x, 0.2 * x))

    def convolved(x, name):
        weight = kept[f"{name}/weight"] * (2 / (9 * x.shape[1])) ** 0.5
        if name.endswith("_up"):
            return finished(tf_files.spread(x, weight.transpose(2, 3)), name)
        return finished(tf_files.convolved(x, weight), name)

    def drawn(x, at):
        return (
            tf_files.convolved(x, kept[f"ToRGB_lod{at}/weight"] / x.shape[1] ** 0.5)
            + kept[f"ToRGB_lod{at}/bias"][:, None, None]
        )

    def images(z):
        x = (normal(z) if normalise else z) @ kept["4x4/Dense/weight"] * (2 / 5) ** 0.5 / 4
        x = convolved(finished(x.reshape(len(z), -1, 4, 4), "4x4/Dense"), "4x4/Conv")
        image = drawn(x, 2)
        for at, side in ((1, 8), (0, 16)):
            x = convolved(x if fused else tf_files.doubled(x), f"{side}x{side}/{up}")
            x = convolved(x, f"{side}x{side}/Conv1")
            left = min(max(lod - at, 0), 1)
            image = (1 - left) * drawn(x, at) + left * tf_files.doubled(image)
        return image

    made = tf_files.network("Gs", "G_paper", kept, version=2, label_size=0, normalize_latents=normalise)
    return made, images


@pytest.mark.parametrize(
    "options", [{}, {"fused": False}, {"normalise": False, "channels": 1}, {"lod": 0.5}, {"lod": 1.25}]
)
def test_a_progan_draws_as_its_program(tmp_path, options):
    made, images = progan(**options)
    path = tf_files.saved(tmp_path / "a.pkl", [made, tf_files.network("D", "D_paper", {}), made], "tfutil")
    model = open_latent(path).model
    z = torch.randn(3, 5, generator=torch.Generator().manual_seed(1))
    assert (model.architecture, list(model.spaces)) == ("progan", ["z"])
    assert torch.allclose(model.decode_raw(z), images(z), atol=1e-4)


def test_a_progan_of_classes_is_refused(tmp_path):
    made, _ = progan()
    made.state["static_kwargs"]["label_size"] = 3
    assert "a ProGAN of 3 classes" in refused(tf_files.saved(tmp_path / "a.pkl", made))


def test_networks_of_other_programs_are_refused_with_their_name(tmp_path):
    networks = tf_files.network(
        "Gs", "G_mine", {"4x4/Dense/bias": torch.zeros(3), "ToRGB_lod0/bias": torch.zeros(3)}
    )
    path = tf_files.saved(tmp_path / "a.pkl", networks)
    assert "made by G_mine, which is not known here" in refused(path)
    path = tf_files.saved(tmp_path / "b.pkl", [tf_files.network("inception", "net", {"w": torch.zeros(3)})])
    assert "holds inception (made by net), but no generator" in refused(path)


@pytest.mark.parametrize("two", [False, True])
def test_variables_that_belong_to_nothing_are_named(tmp_path, two):
    generator = Generator(two)
    generator.synthesis["8x8/Attention/weight"] = torch.zeros(3, 3)
    path = tf_files.saved(tmp_path / "a.pkl", three(generator))
    assert "no network known here has (synthesis/8x8/Attention/weight)" in refused(path)


def test_a_stylegan2_that_still_grows_is_refused(tmp_path):
    path = tf_files.saved(tmp_path / "a.pkl", three(Generator(True, grows=True, lod=1.5)))
    assert "still growing" in refused(path)


def fate(path):
    """Return what is said of a file that may or may not open, or draw; any other error fails the test."""
    try:
        model = open_latent(path).model
        assert model.decode_raw(torch.zeros(1, model.spaces["z"].dim)).isfinite().all() in (True, False)
    except (CheckpointError, UsageError) as error:
        return str(error)
    return "It opened."


@pytest.mark.parametrize("two", [False, True])
@pytest.mark.parametrize("damage", ["gone", "flat", "wider"])
def test_what_is_missing_or_has_another_shape_is_named(tmp_path, two, damage):
    for name in Generator(two, side=16).synthesis:
        generator = Generator(two, side=16)
        if damage == "gone":
            del generator.synthesis[name]
        else:
            held = torch.as_tensor(generator.synthesis[name])
            generator.synthesis[name] = (
                torch.zeros(2, 2, 2) if damage == "flat" else torch.zeros(*held.shape[:-1], 9)
            )
        path = tf_files.saved(tmp_path / "a.pkl", generator.as_network())
        said = fate(path)
        assert str(path) in said or name.startswith(("lod", "ToRGB_lod1", "ToRGB_lod2")), (name, said)


@pytest.mark.parametrize("two", [False, True])
def test_no_flipped_bytes_and_no_cut_give_anything_but_a_sentence_or_a_model(tmp_path, two):
    path = tf_files.saved(tmp_path / "a.pkl", three(Generator(two, side=8)), protocol=2)
    content, chance = path.read_bytes(), random.Random(6)
    for round_ in range(120):
        damaged = bytearray(content)
        for _ in range(3):
            damaged[chance.randrange(len(content))] = chance.randrange(256)
        path.write_bytes(damaged if round_ % 3 else content[: chance.randrange(70, len(content))])
        fate(path)


@pytest.mark.parametrize(
    "settings",
    [
        {"nonlinearity": "soft"}, {"mapping_lrmul": "x"}, {"blur_filter": [1, -1]}, {"blur_filter": 3},
        {"blur_filter": ["a"]}, {"blur_filter": list(range(1, 30))}, {"mapping_nonlinearity": None},
    ],
)  # fmt: skip
def test_settings_that_cannot_be_are_refused(tmp_path, settings):
    path = tf_files.saved(tmp_path / "a.pkl", three(Generator(side=8), **settings))
    assert "cannot be" in refused(path)


@pytest.mark.parametrize(
    "settings", [{"conv_clamp": "x"}, {"resample_kernel": [1]}, {"resample_kernel": [1, -1]}]
)
def test_settings_of_stylegan2_that_cannot_be_are_refused(tmp_path, settings):
    path = tf_files.saved(tmp_path / "a.pkl", three(Generator(True, side=8), **settings))
    assert "cannot be" in refused(path)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -1.0, 1e30, 77.0])
def test_no_state_of_growth_upsets_the_reader(tmp_path, value):
    path = tf_files.saved(tmp_path / "a.pkl", three(Generator(side=8, lod=value)))
    said = fate(path)
    assert (str(path) in said) is (value > 0)


def test_the_reference_is_met(reference_data):
    folder = reference_data / "trained-checkpoints" / "nv_stylegan1_tf_64"
    model = open_latent(next(folder.glob("*.pkl"))).model
    reference = np.load(folder / "reference.npz")
    z = torch.tensor(reference["z"])
    for key, options in {
        "images": DecodeOptions(),
        "images_psi07_cut4": DecodeOptions(psi=0.7, psi_cutoff=4),
    }.items():
        images = reference[key]
        off = np.abs(model.decode_raw(z, "z", options).numpy() - images).max()
        assert off < 1e-4 * (images.max() - images.min())
    assert np.abs(model.spaces["z"].to(z, "w+").numpy() - reference["w"]).max() < 1e-5


def test_plain_pickles_are_none_of_these(tmp_path):
    path = tmp_path / "a.pkl"
    path.write_bytes(
        pickle.dumps({"variables": [("a", np.zeros(9))], "build_func_name": "G", "static_kwargs": {}})
    )
    assert "no state dict" in refused(path)
