"""The native format: written whole or not at all, and nothing in a damaged or hostile one does harm."""

import json
import random
import resource
import struct

import pytest
import torch
from safetensors.torch import load_file, save_file

from explorer.errors import CheckpointError, OutputError
from explorer.formats import open_checkpoint, open_latent, save_native
from explorer.models import architecture

CONFIG = {"height": 8, "width": 8, "hidden": [32, 16], "latent_dim": 4}


@pytest.fixture
def native(tmp_path, tiny_model):
    path = tmp_path / "tiny.safetensors"
    save_native(path, tiny_model, config=CONFIG)
    return path


def rewritten(path, *, tensors=None, **said):
    """Write the file again with other tensors, or with parts of its description replaced."""
    content = path.read_bytes()
    header = json.loads(content[8 : 8 + struct.unpack("<Q", content[:8])[0]])
    text = json.loads(header["__metadata__"]["explorer"]) | said
    save_file(tensors or load_file(path), path, metadata={"explorer": json.dumps(text)})
    return path


def fate(path):
    """Return what is said of a damaged file that may or may not open; any other error fails the test."""
    try:
        open_checkpoint(path)
    except CheckpointError as error:
        return str(error)
    return "It opened."


def refused(path):
    with pytest.raises(CheckpointError) as caught:
        open_checkpoint(path)
    assert str(path) in str(caught.value)
    assert str(caught.value).endswith(".")
    return str(caught.value)


def test_what_is_written_about_a_model(native):
    content = native.read_bytes()
    header = json.loads(content[8 : 8 + struct.unpack("<Q", content[:8])[0]])
    said = json.loads(header["__metadata__"]["explorer"])
    assert said["format"] == 1
    assert said["kind"] == "latent"
    assert said["architecture"] == "fc-vae"
    assert said["config"] == CONFIG
    assert said["spaces"] == {"z": {"shape": [4], "prior": "normal"}}
    assert said["image"] == [1, 8, 8]
    assert said["native_range"] == [0.0, 255.0]


def test_no_cut_point_gives_anything_but_a_sentence(native):
    content = native.read_bytes()
    chance = random.Random(1)
    header = 8 + struct.unpack("<Q", content[:8])[0]
    cuts = [1, 7, 8, 9, header - 1, header, header + 1, len(content) - 1]
    cuts += [chance.randrange(1, len(content)) for _ in range(60)]
    for cut in cuts:
        native.write_bytes(content[:cut])
        assert ("cut off" in refused(native)) == (cut > 8)
    native.write_bytes(content + b"more")
    assert "longer" in refused(native)


def test_no_flipped_byte_gives_anything_but_a_sentence_or_a_model(native):
    content = native.read_bytes()
    chance = random.Random(2)
    header = 8 + struct.unpack("<Q", content[:8])[0]
    for _ in range(300):
        damaged = bytearray(content)
        damaged[chance.randrange(header)] = chance.randrange(256)
        native.write_bytes(damaged)
        assert fate(native).endswith(".")


@pytest.mark.parametrize(
    "said",
    [
        {"format": 2},
        {"format": None},
        {"architecture": "stylegan9"},
        {"architecture": ["fc-vae"]},
        {"config": 7},
        {"config": {"latent_dim": 4, "depth": 3}},
        {"config": {"latent_dim": 10**15}},
        {"config": {"latent_dim": -4}},
        {"config": {"latent_dim": True}},
        {"config": {"hidden": [16] * 100_000}},
        {"config": {"hidden": "deep"}},
        {"config": {"hidden": [{"a": 1}]}},
        {"config": {"height": 10**9, "width": 10**9}},
        {"architecture": "conv-colorizer", "config": {"blocks": 10**9}},
        {"architecture": "conv-colorizer", "config": {"colours": 10**9}},
        {"architecture": "conv-colorizer", "config": {"temperature": float("nan")}},
        {"architecture": "dcgan", "config": {"widths": [8] * 60}},
        {"kind": "stage"},
        {"image": [3, 8, 8]},
        {"native_range": [1, 0]},
        {"native_range": "dark"},
        {"native_range": [0, float("inf")]},
        {"spaces": {"w": {"shape": [4], "prior": "normal"}}},
        {"spaces": {"z": {"shape": [5], "prior": "normal"}}},
        {"spaces": {"z": {"shape": [4], "prior": "unheard of"}}},
        {"spaces": 3},
        {"spaces": {"z": 4}},
        {"spaces": {"z": {"shape": 4, "prior": ["normal"]}}},
        {"format": True},
        {"trained": 5},
        {"trained": "long"},
        {"trained": ["long"]},
        {"trained": {"by": json.loads("[" * 90 + "]" * 90)}},
    ],
)
def test_descriptions_that_cannot_be(native, said):
    refused(rewritten(native, **said))


@pytest.mark.parametrize(
    "field",
    ["format", "kind", "architecture", "config", "spaces", "image", "native_range", "trained"],
)
def test_no_value_in_the_description_gives_anything_but_a_sentence_or_a_model(native, field):
    content = native.read_bytes()
    values = [None, True, 0, 5, -1, 1.5, float("nan"), 10**400, "", "x", [], ["x"], [[]], [None, 8, 8], {}]
    for value in [*values, {"z": None}, {"z": []}, {"z": {}}, {"": 1}]:
        native.write_bytes(content)
        assert fate(rewritten(native, **{field: value})).endswith(".")


@pytest.mark.parametrize("slope", ["steep", None, [0.2], float("nan")])
def test_values_that_no_constructor_would_notice(tmp_path, slope):
    family = architecture("fc-gan")
    config = family.config(4, (8, "act", 16), 1, 4, 4)
    model = family.wrap(family.network(config), config, name="gan")
    stated = vars(config) | {"activation_slope": slope}
    save_native(tmp_path / "gan.safetensors", model, config=stated)
    assert "its sizes are not those of fc-gan" in refused(tmp_path / "gan.safetensors")
    save_native(tmp_path / "gan.safetensors", model, config=config)
    assert open_latent(tmp_path / "gan.safetensors").model.architecture == "fc-gan"


def test_a_stated_prior_and_range_are_used(native):
    rewritten(native, native_range=[-1, 1], spaces={"z": {"shape": [4], "prior": "uniform"}})
    model = open_latent(native).model
    assert (model.native_range.low, model.native_range.high) == (-1, 1)
    assert model.spaces["z"].prior == "uniform"
    assert model.spaces["z"].spread[0] == pytest.approx(3**-0.5)


def test_tensors_that_do_not_fit_are_named(native):
    good = load_file(native)
    missing = {key: tensor for key, tensor in good.items() if key != "decoder.2.bias"}
    assert "decoder.2.bias is missing" in refused(rewritten(native, tensors=missing))
    misshaped = good | {"fcmu.weight": torch.zeros(4, 3)}
    assert "fcmu.weight is 4x3 instead of 4x16" in refused(rewritten(native, tensors=misshaped))
    surplus = good | {"extra.weight": torch.zeros(2)}
    assert "extra.weight belongs to nothing" in refused(rewritten(native, tensors=surplus))
    whole = good | {"fcmu.weight": torch.zeros(4, 16, dtype=torch.int32)}
    assert "fcmu.weight" in refused(rewritten(native, tensors=whole))


def test_weights_of_other_precision_and_weights_that_are_no_numbers_are_noted(native):
    tensors = load_file(native)
    tensors["decoder.0.weight"] = tensors["decoder.0.weight"].double()
    tensors["decoder.2.weight"][1, 1] = float("nan")
    model = open_latent(rewritten(native, tensors=tensors)).model
    assert all(weight.dtype == torch.float32 for weight in model.network.parameters())
    assert any("float64" in note for note in model.notes)
    assert any("decoder.2.weight" in note and "NaN" in note for note in model.notes)
    assert torch.isnan(model.decode(torch.ones(1, 4))).any()


def test_a_safetensors_file_without_description_is_taken_for_a_state_dict(native):
    save_file(load_file(native), native)
    assert open_latent(native).model.architecture == "fc-vae"


def test_a_full_disk_leaves_the_old_file(native, tiny_model):
    before = native.read_bytes()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))
    try:
        with pytest.raises(OutputError, match=r"\.$"):
            save_native(native, tiny_model, config=CONFIG)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert native.read_bytes() == before
    assert [path.name for path in native.parent.iterdir()] == [native.name]


def test_an_open_model_stays_when_its_file_is_written_over(native, tiny_model):
    network = open_latent(native).model.network
    with native.open("r+b") as file:  # in its place, as others' programs save
        file.write(bytes(native.stat().st_size))
    for mine, opened in zip(tiny_model.network.parameters(), network.parameters(), strict=True):
        assert torch.equal(mine, opened)


def test_a_place_that_is_not_there(tmp_path, tiny_model):
    with pytest.raises(OutputError, match=r"nothing was changed\.$"):
        save_native(tmp_path / "absent" / "x.safetensors", tiny_model, config=CONFIG)


def test_half_the_size_is_read_as_float32(tmp_path, tiny_model):
    whole, half = tmp_path / "whole.safetensors", tmp_path / "half.safetensors"
    save_native(whole, tiny_model, config=CONFIG)
    save_native(half, tiny_model, config=CONFIG, half=True)
    assert half.stat().st_size < 0.9 * whole.stat().st_size
    state, again = tiny_model.network.state_dict(), open_latent(half).model.network.state_dict()
    assert all(again[name].dtype == torch.float32 for name in state)
    assert all(torch.equal(again[name], tensor.half().float()) for name, tensor in state.items())
