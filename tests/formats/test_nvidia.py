"""NVIDIA's PyTorch pickles: which generator is taken, what is said of it, what is refused."""

import numpy as np
import nvidia_files
import pytest
import torch

from explorer.errors import CheckpointError
from explorer.formats import open_latent
from explorer.models.base import DecodeOptions

pytestmark = pytest.mark.usefixtures("in_process")

HARM = "open('harm-was-done', 'w').close()\n"


@pytest.fixture
def opened(tmp_path):
    def opened(content, protocol=None, **hints):
        path = tmp_path / "network.pkl"
        path.write_bytes(nvidia_files.pickled(content, protocol))
        return open_latent(path, hints=hints).model

    return opened


@pytest.fixture
def refusal(tmp_path):
    def refusal(content, **hints):
        path = tmp_path / "network.pkl"
        path.write_bytes(nvidia_files.pickled(content))
        with pytest.raises(CheckpointError) as caught:
            open_latent(path, hints=hints)
        text = str(caught.value)
        assert str(path) in text
        assert text.endswith(".")
        assert text.isprintable()
        return text

    return refusal


def first_picture(model):
    with torch.inference_mode():
        return model.decode_raw(torch.ones(1, 6))


def plain_picture(generator):
    w = nvidia_files.plain_w(generator, torch.ones(1, 6))
    return nvidia_files.plain_stylegan2(generator, w[:, None].expand(-1, 6, -1))


def test_the_averaged_generator_is_taken_and_the_raw_one_offered(opened):
    raw, averaged = nvidia_files.stylegan2(seed=1), nvidia_files.stylegan2(seed=2)
    judge = nvidia_files.Persistent("Discriminator", {"weight": torch.zeros(3)})
    content = {"training_set_kwargs": {"path": "x"}, "G": raw, "D": judge, "G_ema": averaged}
    model = opened(content)
    assert model.architecture == "stylegan2"
    assert model.origin.format == "nvidia"
    assert torch.allclose(first_picture(model), plain_picture(averaged), atol=1e-4)
    assert any("G_ema" in note and "also G (hint entry)" in note for note in model.notes)
    assert torch.allclose(first_picture(opened(content, entry="G")), plain_picture(raw), atol=1e-4)


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
@pytest.mark.parametrize(
    "wrapped", [lambda g: g, lambda g: [g], lambda g: {"state": {"network": g}}, lambda g: {"G": g}]
)
def test_a_generator_is_found_wherever_it_lies(opened, protocol, wrapped):
    generator = nvidia_files.stylegan2()
    assert torch.allclose(
        first_picture(opened(wrapped(generator), protocol)), plain_picture(generator), atol=1e-4
    )


def test_half_precision_is_widened(opened):
    generator = nvidia_files.stylegan2()
    conv = generator.modules["synthesis"].modules["b8"].modules["conv0"]
    conv.parameters["weight"] = conv.parameters["weight"].half()
    model = opened({"G_ema": generator})
    assert any("float16" in note for note in model.notes)
    conv.parameters["weight"] = conv.parameters["weight"].float()
    assert torch.allclose(first_picture(model), plain_picture(generator), atol=1e-4)


def test_a_network_without_an_average_gets_one(opened):
    generator = nvidia_files.stylegan2()
    del generator.modules["mapping"].buffers["w_avg"]
    model = opened({"G_ema": generator})
    w = nvidia_files.plain_w(
        generator, torch.from_numpy(np.random.default_rng(1).normal(size=(5000, 6)).astype("f4"))
    )
    assert torch.allclose(model.network.w_avg, w.mean(0), atol=0.15 * float(w.std()))
    assert any("no average of w" in note for note in model.notes)


def test_the_program_text_is_kept_to_be_shown_and_does_nothing(opened, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    generator = nvidia_files.stylegan2()
    generator.source = HARM * 100
    model = opened({"G_ema": generator})
    assert HARM in model.source_text
    assert nvidia_files.SOURCE in model.source_text
    assert any("program text (4 kB), which was read and not run" in note for note in model.notes)
    assert not (tmp_path / "harm-was-done").exists()


def changed(change):
    generator = nvidia_files.stylegan2()
    change(generator, generator.modules["synthesis"].modules, generator.modules["mapping"].modules)
    return {"G_ema": generator}


@pytest.mark.parametrize(
    ("words", "change"),
    [
        ("mapping.fc1.weight", lambda g, b, m: m["fc1"].parameters.pop("weight")),
        ("synthesis.b8.conv0.extra belongs to nothing", lambda g, b, m: b["b8"].modules["conv0"].buffers.update(
            extra=torch.zeros(2))),
        ("synthesis.b8.conv0.noise_strength is missing", lambda g, b, m: b["b8"].modules["conv0"].parameters.pop(
            "noise_strength")),
        ("ToTriPlane", lambda g, b, m: setattr(b["b8"].modules["torgb"], "cls", "ToTriPlane")),
        ("superresolution", lambda g, b, m: g.modules.update(superresolution=b["b8"])),
        ("padding 1 and up 40", lambda g, b, m: b["b8"].modules["conv0"].attributes.update(up=40)),
        ("padding 1099511627776", lambda g, b, m: b["b8"].modules["conv0"].attributes.update(padding=1 << 40)),
        ("activation", lambda g, b, m: m["fc0"].attributes.update(activation="strange")),
        ("weight_gain", lambda g, b, m: m["fc0"].attributes.update(weight_gain="strange")),
        ("weight_gain", lambda g, b, m: m["fc0"].attributes.update(weight_gain=float("nan"))),
        ("z_dim", lambda g, b, m: g.modules["mapping"].attributes.pop("z_dim")),
        ("embedding", lambda g, b, m: g.modules["mapping"].attributes.update(c_dim=1 << 50)),
        ("constant", lambda g, b, m: b["b4"].parameters.pop("const")),
        ("b8", lambda g, b, m: b["b8"].modules.pop("conv1")),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_named(refusal, words, change):
    assert words in refusal(changed(change))


def test_modules_in_modules_without_end(refusal):
    node = nvidia_files.Persistent("FullyConnectedLayer", {"weight": torch.ones(2)})
    for _ in range(14):
        node = nvidia_files.Persistent("FullyConnectedLayer", modules={"m": node})
    assert "without end" in refusal(changed(lambda g, b, m: m.update(fc9=node)))


def test_a_judge_alone_is_no_generator(refusal):
    content = {"D": nvidia_files.Persistent("Discriminator", {"weight": torch.zeros(3)})}
    assert "D (Discriminator)" in refusal(content)


def test_an_entry_that_is_not_there(refusal):
    assert "G_ema" in refusal({"G_ema": nvidia_files.stylegan2()}, entry="D")


def test_info_shows_the_text_when_asked(done, tmp_path):
    path = tmp_path / "network.pkl"
    path.write_bytes(nvidia_files.pickled({"G_ema": nvidia_files.stylegan2()}))
    facts = done("info", path, "--json").json
    assert facts["source"] == {"letters": len(nvidia_files.SOURCE)}
    assert facts["architecture"] == "stylegan2"
    assert done("info", path, "--source").out == nvidia_files.SOURCE


def test_classes_and_truncation_reach_the_network(opened):
    generator = nvidia_files.stylegan2(classes=3)
    model, z = opened({"G_ema": generator}), torch.randn(2, 6, generator=torch.Generator().manual_seed(1))
    w = nvidia_files.plain_w(generator, z, [2, 0])
    average = generator.modules["mapping"].buffers["w_avg"]
    ws = w[:, None].repeat(1, 6, 1)
    ws[:, :3] = average + 0.5 * (ws[:, :3] - average)
    options = DecodeOptions(labels=np.array([2, 0]), psi=0.5, psi_cutoff=3)
    assert torch.allclose(
        model.decode_raw(z, "z", options), nvidia_files.plain_stylegan2(generator, ws), atol=1e-4
    )


@pytest.mark.parametrize("kinds", [{}, {"kind": "resnet", "colours": 1}, {"first": (4, 2), "classes": 3}])
def test_a_state_dict_by_the_same_names(tmp_path, kinds):
    generator = nvidia_files.stylegan2(**kinds)
    path = tmp_path / "weights.pt"
    torch.save({"g_ema": generator.tensors(), "d": {"b4.conv.weight": torch.zeros(3, 3, 3, 3)}}, path)
    model = open_latent(path).model
    w = nvidia_files.plain_w(generator, torch.ones(1, 6), [0] if kinds.get("classes") else None)
    wanted = nvidia_files.plain_stylegan2(generator, w[:, None].expand(-1, model.layers, -1))
    assert torch.allclose(first_picture(model), wanted, atol=1e-4)
    assert any("as is usual" in note for note in model.notes)


def test_a_state_dict_with_a_part_missing_is_named(tmp_path):
    tensors = nvidia_files.stylegan2().tensors()
    del tensors["synthesis.b8.conv0.affine.bias"]
    torch.save(tensors, tmp_path / "weights.pt")
    with pytest.raises(CheckpointError, match=r"synthesis\.b8\.conv0\.affine\.bias is missing"):
        open_latent(tmp_path / "weights.pt")


def test_an_average_of_zero_is_kept(opened):
    generator = nvidia_files.stylegan2()
    generator.modules["mapping"].buffers["w_avg"] = torch.zeros(5)
    assert not opened({"G_ema": generator}).network.w_avg.any()
