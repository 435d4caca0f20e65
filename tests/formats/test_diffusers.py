"""Folders of diffusers: three autoencoders against a plain forward, the ways they lie on disk, and hostile ones."""

import json
import os

import map_files
import numpy as np
import pytest
import torch
from torch.nn import functional

from explorer.errors import CheckpointError
from explorer.formats import open_checkpoint, open_latent

pytestmark = pytest.mark.usefixtures("in_process")
CLOSE = 1e-4  # of the range
WEIGHTS = "diffusion_pytorch_model.safetensors"


def close(found, wanted):
    """Whether figures are the same to within a share of their range."""
    return float((found - wanted).abs().max()) < CLOSE * float(wanted.max() - wanted.min())


def codes_of(model, count=2):
    return torch.randn(count, *model.spaces["z"].shape, generator=torch.Generator().manual_seed(1))


def images_of(model):
    image = model.image
    return torch.rand(
        2, image.channels, image.height, image.width, generator=torch.Generator().manual_seed(2)
    )


def refused(path, *words, **how):
    """The one sentence that a file is refused with."""
    with pytest.raises(CheckpointError) as error:
        open_checkpoint(path, **how)
    text = str(error.value)
    assert "\n" not in text
    assert text.endswith(".")
    assert all(word in text for word in words), text
    return text


# ---- what they compute ----


@pytest.mark.parametrize(
    "how",
    [
        {},
        {"widths": (8,), "layers": 2},
        {"widths": (4, 8, 8, 16), "layers": 2, "latent": 16, "quant": False, "post": False},
        {"middle": False},
        {"channels": 1, "attends": 1},
        {"attends": 0, "layers": 2, "post": False},
    ],
)
def test_a_posterior(tmp_path, how):
    held = map_files.kl(**how)
    model = open_latent(map_files.write(tmp_path / "vae", held)).model
    assert (model.architecture, model.spaces["z"].prior) == ("autoencoder-kl", "none")
    assert model.image.height == 16
    codes, images = codes_of(model), images_of(model)
    assert close(model.decode_raw(codes), map_files.decode(held, codes))
    mean, logvar = map_files.encode(held, images * 2 - 1).chunk(2, 1)
    assert close(model.encode(images).mean, mean)
    assert close(model.encode(images).logvar, logvar)


@pytest.mark.parametrize(
    ("name", "act"), [("relu", torch.relu), ("mish", functional.mish), ("swish", functional.silu)]
)
def test_the_activation_is_described(tmp_path, name, act):
    held = map_files.kl()
    model = open_latent(map_files.write(tmp_path / "vae", held, act_fn=name)).model
    codes = codes_of(model)
    assert close(model.decode_raw(codes), map_files.decode(held, codes, act=act))


def test_a_log_variance_is_bounded(tmp_path):
    held = map_files.kl()
    held["quant_conv.bias"][4:] = torch.tensor([100.0, -100.0, 0.0, 0.0])
    model = open_latent(map_files.write(tmp_path / "vae", held)).model
    logvar = model.encode(images_of(model)).logvar
    assert (float(logvar.max()), float(logvar.min())) == (20.0, -30.0)


@pytest.mark.parametrize(
    "how",
    [
        {},
        {"widths": (8, 8, 16), "attends": 2, "layers": 2},
        {"widths": (32, 64), "attends": 1, "steered": True, "width": 4, "latent": 4},
    ],
)
def test_a_book_of_vectors(tmp_path, how):
    held = map_files.vq(**how)
    model = open_latent(map_files.write(tmp_path / "vq", held, "VQModel")).model
    assert model.architecture == "vq-model"
    codes, images = codes_of(model), images_of(model)
    assert close(model.decode_raw(codes), map_files.decode(held, codes))
    assert close(model.encode(images).mean, map_files.encode(held, images * 2 - 1))  # before it is quantised
    assert model.encode(images).logvar is None


@pytest.mark.parametrize("how", [{}, {"latent": 16, "channels": 1, "blocks": (0, 0)}])
def test_a_tiny_one(tmp_path, how):
    held = map_files.tiny(**how)
    model = open_latent(map_files.write(tmp_path / "tiny", held, "AutoencoderTiny", sample_size=None)).model
    assert (model.architecture, model.image.height) == ("autoencoder-tiny", 256)
    codes, images = codes_of(model, 1) * 3, images_of(model)
    assert close(model.decode_raw(codes), map_files.tiny_decode(held, codes))
    assert close(model.encode(images).mean, map_files.tiny_encode(held, images * 2 - 1))


def test_the_sample(reference_data):
    folder = reference_data / "trained-checkpoints" / "diffusers_autoencoderkl"
    known = {name: torch.from_numpy(array) for name, array in np.load(folder / "reference.npz").items()}
    model = open_latent(folder).model
    assert close(model.decode_raw(known["z"]), known["images"])
    given = model.encode((known["enc_x"] + 1) / 2)
    assert close(given.mean, known["enc_mean"])
    assert close(given.logvar, known["enc_logvar"])


# ---- how they lie on disk ----


@pytest.fixture
def held():
    return map_files.kl()


def opens(path, held, **how):
    """Whether a path opens as these weights; the model."""
    model = open_latent(path, **how).model
    codes = codes_of(model)
    assert close(model.decode_raw(codes), map_files.decode(held, codes))
    return model


@pytest.mark.parametrize("given", ["", "config.json", "diffusion_pytorch_model.bin"])
def test_pickled_weights(tmp_path, held, given):
    folder = map_files.write(tmp_path / "vae", held, name="diffusion_pytorch_model.bin")
    assert opens(folder / given, held).name == "vae"


@pytest.mark.parametrize("suffix", ["safetensors", "bin"])
@pytest.mark.parametrize("variant", ["", ".fp16"])
def test_several_files(tmp_path, held, suffix, variant):
    folder = map_files.write(tmp_path / "vae", held)
    (folder / WEIGHTS).unlink()
    held = {key: tensor.half().float() for key, tensor in held.items()} if variant else held
    index = map_files.shard(folder, held, 3, suffix, variant)
    assert opens(folder, held).origin.sha256 == opens(index, held).origin.sha256


def test_full_precision_goes_before_half(tmp_path, held):
    folder = map_files.write(tmp_path / "vae", held)
    half = {key: tensor.half() for key, tensor in map_files.kl(seed=1).items()}
    other = folder / "diffusion_pytorch_model.fp16.safetensors"
    map_files.save(half, other)
    assert any(other.name in note for note in opens(folder, held).notes)
    widened = {key: tensor.float() for key, tensor in half.items()}
    assert any("float16" in note for note in opens(other, widened).notes)  # the one that was pointed at
    (folder / WEIGHTS).unlink()
    opens(folder, widened)


@pytest.mark.parametrize("given", ["", "model_index.json"])
@pytest.mark.parametrize("name", ["vae", "movq"])
def test_a_pipeline(tmp_path, held, given, name):
    map_files.write(tmp_path / "pipe" / name, held)
    map_files.write(tmp_path / "pipe" / "unet", held, "UNet2DModel")
    listed = {
        "_class_name": "SomePipeline",
        name: ["diffusers", "AutoencoderKL"],
        "unet": ["diffusers", "UNet2DModel"],
    }
    (tmp_path / "pipe" / "model_index.json").write_text(json.dumps(listed))
    assert any(name in note for note in opens(tmp_path / "pipe" / given, held).notes)


@pytest.mark.parametrize("as_convolutions", [False, True])
def test_old_names_of_what_attends(tmp_path, held, as_convolutions):
    old = map_files.with_old_attention(held, as_convolutions)
    assert old.keys() != held.keys()
    opens(map_files.write(tmp_path / "vae", old), held)


@pytest.mark.parametrize("suffix", ["safetensors", "ckpt"])
@pytest.mark.parametrize("before", ["", "first_stage_model."])
def test_a_plain_file_by_the_first_names(tmp_path, suffix, before):
    held = map_files.kl((4, 8, 8), 2, attends=1)
    named = map_files.with_first_names(held, 3)
    named = {f"{before}{key}": tensor.contiguous() for key, tensor in named.items()}
    others = (
        {"model.diffusion_model.out.weight": torch.randn(9, 7), "loss.logvar": torch.zeros(())}
        if before
        else {}
    )
    path = tmp_path / f"file.{suffix}"
    map_files.save(named | others, path)
    model = opens(path, held, hints={"image": "3x16x16"})
    assert model.has_encoder


# ---- sizes ----


def test_large_pictures_are_drawn_smaller(tmp_path, held):
    folder = map_files.write(tmp_path / "vae", held, sample_size=1024)
    model = open_latent(folder).model
    assert (model.image.height, model.spaces["z"].shape) == (256, (4, 128, 128))
    assert any("1024x1024" in note and "hint image" in note for note in model.notes)
    asked = open_latent(folder, hints={"image": "3x24x40"}).model
    assert (asked.image.width, asked.spaces["z"].shape) == (40, (4, 12, 20))
    refused(folder, "hint image", hints={"image": "3x25x40"})
    refused(folder, "hint image", hints={"image": "1x24x40"})


def test_the_smallest_pictures(tmp_path):
    folder = map_files.write(tmp_path / "vae", map_files.kl((4, 4)), sample_size=1)
    model = open_latent(folder).model
    assert model.spaces["z"].shape == (4, 1, 1)
    assert model.decode_raw(codes_of(model, 1)).shape == (1, 3, 2, 2)


def test_the_description_tells_how_far_codes_reach(tmp_path, held):
    said = {"scaling_factor": 0.25, "shift_factor": 0.5}
    space = open_latent(map_files.write(tmp_path / "vae", held, **said)).model.spaces["z"]
    assert (float(space.center[0]), float(space.spread[0])) == (0.5, 4.0)
    said = {"latents_mean": [1, 2, 3, 4], "latents_std": [2, 2, 2, 8], "scaling_factor": 1}
    space = open_latent(map_files.write(tmp_path / "vae", held, **said)).model.spaces["z"]
    assert (float(space.center[-1]), float(space.spread[-1])) == (4.0, 8.0)


def test_the_vectors_tell_how_far_codes_reach(tmp_path):
    held = map_files.vq()
    held["quantize.embedding.weight"] *= torch.tensor([1, 1, 1, 1, 0.01])
    space = open_latent(map_files.write(tmp_path / "vq", held, "VQModel")).model.spaces["z"]
    vectors = held["quantize.embedding.weight"]
    assert np.allclose(space.center.reshape(5, -1).T, vectors.mean(0), atol=1e-6)
    assert np.allclose(space.spread.reshape(5, -1).T, vectors.std(0, unbiased=False), rtol=1e-5)


def test_an_encoder_that_does_not_fit_is_left_out(tmp_path, held):
    other = map_files.kl(latent=5)
    mixed = {key: (other if key.startswith(("enc", "quant")) else held)[key] for key in held}
    model = opens(map_files.write(tmp_path / "vae", mixed), held)
    assert not model.has_encoder
    assert any("encoder was left out" in note for note in model.notes)


# ---- what is refused ----


def test_other_classes(tmp_path, held):
    folder = map_files.write(tmp_path / "unet", held, "UNet2DModel")
    for given in (folder, folder / "config.json", folder / WEIGHTS):
        refused(given, "UNet2DModel", "AutoencoderKL")
    (tmp_path / "pipe").mkdir()
    (tmp_path / "pipe" / "model_index.json").write_text(
        '{"_class_name": "DDPMPipeline", "unet": ["diffusers", "U"]}'
    )
    refused(tmp_path / "pipe", "pipeline")


@pytest.mark.parametrize(
    "name", ["../outside.safetensors", "/outside.safetensors", "link.safetensors", "..", "a/../b"]
)
def test_an_index_leads_nowhere_else(tmp_path, held, name):
    folder = map_files.write(tmp_path / "vae", held)
    (folder / WEIGHTS).rename(tmp_path / "outside.safetensors")
    (folder / "link.safetensors").symlink_to(tmp_path / "outside.safetensors")
    name = str(tmp_path / name[1:]) if name.startswith("/") else name
    index = folder / f"{WEIGHTS}.index.json"
    index.write_text(json.dumps({"weight_map": {"encoder.conv_in.weight": name}}))
    refused(index, "not followed")


def test_a_folder_of_downloads_is_a_view_of_its_store(tmp_path, held):
    """Its files are links into `blobs`, which lies beside `snapshots`; those of an index are followed there."""
    store = tmp_path / "models" / "blobs"
    store.mkdir(parents=True)
    folder = map_files.write(tmp_path / "models" / "snapshots" / "5f2a", held)
    (folder / WEIGHTS).rename(store / "8c1e")
    (folder / "part-1.safetensors").symlink_to(store / "8c1e")
    named = dict.fromkeys(held, "part-1.safetensors")
    (folder / f"{WEIGHTS}.index.json").write_text(json.dumps({"weight_map": named}))
    opens(folder, held)


@pytest.mark.parametrize(
    "said",
    [
        {"norm_num_groups": 10**12},
        {"norm_num_groups": -4},
        {"norm_num_groups": 7},
        {"norm_num_groups": "4"},
        {"act_fn": "os.system"},
        {"act_fn": 3},
    ],
)
def test_what_is_described_makes_no_network(tmp_path, held, said):
    refused(map_files.write(tmp_path / "vae", held, **said))


def test_sizes_that_nobody_has_cost_nothing(tmp_path):
    held = map_files.kl(middle=False)
    said = {
        "sample_size": 10**18,
        "block_out_channels": [10**9] * 4,
        "latent_channels": 10**9,
        "layers_per_block": 10**9,
        "scaling_factor": 1e300,
        "shift_factor": "x",
        "latents_std": [0, -1, 1e300, None],
    }
    assert opens(map_files.write(tmp_path / "vae", held, **said), held).image.height == 256


def test_damage(tmp_path, held):
    folder = map_files.write(tmp_path / "vae", held)
    whole = (folder / WEIGHTS).read_bytes()
    (folder / WEIGHTS).write_bytes(whole[:-100])
    refused(folder, "cut off")
    (folder / WEIGHTS).write_bytes(b"version https://git-lfs.github.com/spec/v1\n" + bytes(200))
    refused(folder, "Git LFS")
    (folder / WEIGHTS).unlink()
    refused(folder, "no weights")
    index = folder / f"{WEIGHTS}.index.json"
    index.write_text('{"weight_map": {"a": "gone.safetensors"}}')
    refused(folder, "gone.safetensors")
    index.write_text('{"weight_map": []}')
    refused(folder, "which files")
    (folder / "config.json").write_text('{"_class_name": "AutoencoderKL", "x": ' + "[" * 100_000)
    refused(folder, "JSON")


def test_a_tensor_too_few(tmp_path, held):
    del held["decoder.up_blocks.1.resnets.0.norm2.bias"]
    refused(map_files.write(tmp_path / "vae", held), "decoder.up_blocks.1.resnets.0.norm2.bias is missing")


def test_levels_without_end(tmp_path):
    held = map_files.kl((4,) * 12)
    refused(map_files.write(tmp_path / "vae", held))


@pytest.mark.skipif(os.name == "nt", reason="no such files there")
def test_a_device_is_no_weights(tmp_path, held):
    folder = map_files.write(tmp_path / "vae", held)
    (folder / WEIGHTS).unlink()
    os.mkfifo(folder / WEIGHTS)
    refused(folder, "no weights")


def test_parts_that_do_not_fit_each_other(tmp_path, held):
    other = map_files.kl(latent=5)
    mixed = {key: (other if key.startswith("decoder.conv_in") else held)[key] for key in held}
    refused(map_files.write(tmp_path / "vae", mixed), "do not fit")
    tiny = map_files.tiny()
    tiny["decoder.layers.0.weight"] = torch.randn(7, 4, 3, 3)
    refused(map_files.write(tmp_path / "tiny", tiny, "AutoencoderTiny"), "do not fit")
    empty = map_files.vq()
    empty["quantize.embedding.weight"] = torch.zeros(0, 5)
    refused(map_files.write(tmp_path / "none", empty, "VQModel"))


def test_a_gap_for_every_number_there_is(tmp_path):
    held = map_files.tiny()
    held["decoder.layers.999.weight"] = held.pop("decoder.layers.10.weight")
    held["decoder.layers.999.bias"] = held.pop("decoder.layers.10.bias")
    refused(map_files.write(tmp_path / "tiny", held, "AutoencoderTiny"), "enlarges")
