"""Plain torch state dicts: both containers, damaged and hostile ones, wrappers, precision; nothing in them is
run."""

import io
import os
import pickle
import random
import zipfile
from collections import OrderedDict

import fakes
import pytest
import torch
from checkpoints_read import refused

from explorer.errors import CheckpointError
from explorer.formats import open_checkpoint, open_latent
from explorer.models import architecture

pytestmark = pytest.mark.usefixtures("in_process")


def weights(seed=0):
    return OrderedDict(fakes.tiny_vae(seed).network.state_dict())


def saved(path, content, *, stream=False, **options):
    torch.save(content, path, _use_new_zipfile_serialization=not stream, **options)
    return path


def fate(path):
    """Return what is said of a damaged file that may or may not open; any other error fails the test."""
    try:
        open_checkpoint(path)
    except CheckpointError as error:
        return str(error)
    return "It opened."


class Harmful:
    """Pickles as a call that makes a folder."""

    def __init__(self, marker):
        self.marker = str(marker)

    def __reduce__(self):
        return os.mkdir, (self.marker,)


@pytest.mark.parametrize("stream", [False, True])
def test_both_containers_open_to_the_same_pictures(tmp_path, tiny_model, stream):
    model = open_latent(saved(tmp_path / "a.bin", weights(), stream=stream)).model
    codes = torch.randn(3, 4)
    assert torch.equal(model.decode_raw(codes), tiny_model.decode_raw(codes))
    assert model.origin.format == "torch"
    assert model.name == "a"
    assert model.notes == ()


@pytest.mark.parametrize("stream", [False, True])
def test_no_cut_point_gives_anything_but_a_sentence(tmp_path, stream):
    path = saved(tmp_path / "a.pth", weights(), stream=stream)
    content = path.read_bytes()
    chance = random.Random(3)
    cuts = [*range(1, 40, 3), len(content) - 1, *(chance.randrange(1, len(content)) for _ in range(60))]
    for cut in cuts:
        path.write_bytes(content[:cut])
        refused(path)


@pytest.mark.parametrize("stream", [False, True])
def test_no_flipped_bytes_give_anything_but_a_sentence_or_a_model(tmp_path, stream):
    path = saved(tmp_path / "a.pth", weights(), stream=stream)
    content = path.read_bytes()
    chance = random.Random(4)
    for _ in range(150):
        damaged = bytearray(content)
        for _ in range(3):
            damaged[chance.randrange(1200 if stream else len(content))] = chance.randrange(256)
        path.write_bytes(damaged)
        assert fate(path).endswith(".")


@pytest.mark.parametrize("stream", [False, True])
def test_code_in_a_file_is_never_run_and_the_weights_beside_it_open(tmp_path, tiny_model, stream):
    marker = tmp_path / "it ran"
    path = saved(tmp_path / "a.pth", {"net": weights(), "x": Harmful(marker)}, stream=stream)
    model = open_latent(path).model
    codes = torch.randn(3, 4)
    assert torch.equal(model.decode_raw(codes), tiny_model.decode_raw(codes))
    assert not marker.exists()


def test_code_outside_a_torch_container_is_not_run_either(tmp_path):
    marker = tmp_path / "it ran"
    path = tmp_path / "a.pth"
    path.write_bytes(pickle.dumps(Harmful(marker), protocol=2))
    refused(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", pickle.dumps(Harmful(marker), protocol=2))
        archive.writestr("archive/version", "3")
    refused(path)
    assert not marker.exists()


def test_pickle_protocols_that_torch_does_not_take(tmp_path, tiny_model):
    codes = torch.randn(3, 4)
    for protocol in (3, 4, 5):
        model = open_latent(saved(tmp_path / "a.pth", weights(), pickle_protocol=protocol)).model
        assert torch.equal(model.decode_raw(codes), tiny_model.decode_raw(codes))


def test_torchscript_without_a_network(tmp_path):
    path = tmp_path / "a.pt"
    with zipfile.ZipFile(path, "w") as archive:
        for member in ("decoder/data.pkl", "decoder/constants.pkl"):
            archive.writestr(member, pickle.dumps({}, protocol=2))
        archive.writestr("decoder/code/__torch__.py", "import os\nos.mkdir('it ran')\n")
    assert "never done" in refused(path)
    assert not (tmp_path / "it ran").exists()


def test_a_zip_bomb_is_not_unpacked(tmp_path):
    path = tmp_path / "a.pth"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data.pkl", pickle.dumps({}, protocol=2))
        archive.writestr("archive/data/0", bytes(50_000_000))
    assert path.stat().st_size < 100_000
    assert "packed" in refused(path)
    with zipfile.ZipFile(
        path, "w", zipfile.ZIP_DEFLATED
    ) as archive:  # small, but who packs may lie about sizes
        archive.writestr("archive/data.pkl", os.urandom(100))
    assert "packed" in refused(path)


def test_a_tensor_larger_than_its_file_is_not_laid_out(tmp_path):
    path = saved(tmp_path / "a.pth", {"w": torch.zeros(1).expand(1 << 20, 1 << 20)})
    assert "far more memory" in refused(path)
    shared = torch.zeros(1 << 20)
    assert "far more memory" in refused(saved(path, {str(i): shared[: (1 << 20) - i] for i in range(90)}))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ({}, "empty dict"),
        ([], "list"),
        (7, "int"),
        (torch.zeros(2, 3), "single tensor of 2x3"),
        ({"epoch": 3, "loss": 0.5}, "epoch, loss"),
        ({"a": torch.zeros(2, 2).to_sparse()}, "no plain array"),
        ({"a": torch.zeros(2), "b": torch.zeros(3)}, "no network known"),
        ({"a": torch.zeros(0)}, "no network known"),
        ({"0.weight": torch.zeros(0, 0), "0.bias": torch.zeros(0)}, "no network known"),
        ({"encoder.x.weight": torch.zeros(3, 3), "fcmu.weight": torch.zeros(1)}, "no network known"),
        ({1: torch.zeros(2)}, "no state dict"),
        ({"two\nlines" * 50: torch.zeros(2)}, "two?lines"),
    ],
)
def test_files_without_a_network(tmp_path, content, said):
    assert said in refused(saved(tmp_path / "a.pth", content))


@pytest.mark.parametrize(
    ("wrap", "entry"),
    [
        (lambda good, bad: {"state_dict": good, "epoch": 3, "optimizer": {"state": {}}}, "state_dict"),
        (lambda good, bad: {"g": bad, "g_ema": good}, "g_ema"),
        (
            lambda good, bad: {"optimizer_state": {"momentum": torch.zeros(2)}, "checkpoint": good},
            "checkpoint",
        ),
        (lambda good, bad: {"model": {"module": good}}, "model.module"),
        (lambda good, bad: {"loss": torch.tensor(0.5), "net": good}, "net"),
        (lambda good, bad: {**good, "model": {"scale": torch.ones(1)}}, ""),
    ],
)
def test_weights_are_found_inside_what_training_scripts_save(tmp_path, tiny_model, wrap, entry):
    model = open_latent(saved(tmp_path / "a.pth", wrap(weights(), weights(seed=9)))).model
    codes = torch.randn(3, 4)
    assert torch.equal(model.decode_raw(codes), tiny_model.decode_raw(codes))
    assert len(model.notes) == bool(entry)
    assert not entry or model.notes[0].startswith(f"The weights were taken from the entry {entry}")


@pytest.mark.parametrize("prefix", ["module.", "_orig_mod.", "module.model."])
def test_prefixes_of_wrappers_are_taken_off(tmp_path, tiny_model, prefix):
    renamed = {prefix + key: tensor for key, tensor in weights().items()}
    model = open_latent(saved(tmp_path / "a.pth", renamed)).model
    codes = torch.randn(3, 4)
    assert torch.equal(model.decode_raw(codes), tiny_model.decode_raw(codes))


@pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16, torch.float64])
def test_other_precisions_become_float32(tmp_path, kind):
    model = open_latent(
        saved(tmp_path / "a.pth", {key: tensor.to(kind) for key, tensor in weights().items()})
    ).model
    assert {weight.dtype for weight in model.network.parameters()} == {torch.float32}
    assert any(str(kind).removeprefix("torch.") in note for note in model.notes)


FAMILIES = {
    "fc-vae": {"height": 8, "width": 8, "hidden": (32, 16), "latent_dim": 4},
    "conv-vae": {"widths": (8, 4), "latent_dim": 6},
}


def state_of(name):
    family = architecture(name)
    state = family.network(family.config(**FAMILIES[name])).state_dict()
    return {key: tensor for key, tensor in state.items() if not key.endswith("tracked")}


@pytest.mark.parametrize(("name", "key"), [(name, key) for name in FAMILIES for key in state_of(name)])
def test_a_tensor_that_is_missing_or_of_another_shape_is_named(tmp_path, name, key):
    changed = state_of(name)
    del changed[key]
    assert f"looks like {name}, but {key} is missing;" in refused(saved(tmp_path / "a.pth", changed))
    changed = state_of(name)
    _, *rest = changed[key].shape
    changed[key] = torch.zeros(7, *rest)
    assert f"{key} is 7" in refused(saved(tmp_path / "a.pth", changed))


def test_a_tensor_too_many_is_named(tmp_path):
    text = refused(saved(tmp_path / "a.pth", {**weights(), "extra.weight": torch.zeros(3)}))
    assert "extra.weight belongs to nothing" in text


def test_nan_weights_are_noted_and_open(tmp_path):
    broken = weights()
    broken["decoder.0.weight"][0, 0] = float("nan")
    broken["fcmu.bias"][0] = float("inf")
    notes = open_latent(saved(tmp_path / "a.pth", broken)).model.notes
    assert len(notes) == 1
    assert "decoder.0.weight" in notes[0]
    assert "fcmu.bias" in notes[0]


def test_whole_numbers_are_no_weights(tmp_path):
    changed = weights()
    changed["fcmu.bias"] = torch.zeros(4, dtype=torch.int8)
    assert "fcmu.bias" in refused(saved(tmp_path / "a.pth", changed))


def test_weights_on_another_device_come_to_the_cpu(tmp_path):
    buffer = io.BytesIO()
    torch.save(weights(), buffer, _use_new_zipfile_serialization=False)
    content = buffer.getvalue()
    assert content.count(b"X\x03\x00\x00\x00cpu") >= 1
    path = tmp_path / "a.pth"
    path.write_bytes(content.replace(b"X\x03\x00\x00\x00cpu", b"X\x06\x00\x00\x00cuda:0"))
    model = open_latent(path).model
    assert {weight.device.type for weight in model.network.parameters()} == {"cpu"}


def test_a_hint_for_another_family(tmp_path):
    path = saved(tmp_path / "a.pth", weights())
    with pytest.raises(CheckpointError, match=r"conv-vae.*\.$"):
        open_checkpoint(path, hints={"architecture": "conv-vae"})
    for name in ("dcgan", "conv-colorizer"):
        with pytest.raises(CheckpointError, match=rf"{name} is only read in the native format"):
            open_checkpoint(path, hints={"architecture": name})
    assert open_latent(path, hints={"architecture": "fc-vae"}).model.architecture == "fc-vae"


def test_flat_pictures_that_are_no_square_need_a_hint(tmp_path):
    family = architecture("fc-vae")
    config = family.config(height=6, width=9, hidden=(12,), latent_dim=3)
    path = saved(tmp_path / "a.pth", family.network(config).state_dict())
    assert "--hint image=" in refused(path)
    assert str(open_latent(path, hints={"image": "1x6x9"}).model.image) == "1x6x9"
    assert str(open_latent(path, hints={"image": "3x6x3"}).model.image) == "3x6x3"
    with pytest.raises(CheckpointError, match="54"):
        open_latent(path, hints={"image": "1x6x8"})
