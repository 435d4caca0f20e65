"""Keras files through the public door: layouts, parts within a whole, classes, encoders beside, what is refused."""

import base64
import json
import marshal

import h5py
import numpy as np
import pytest
import torch
from checkpoints_read import refused
from keras_files import (
    CODES,
    Decoder,
    called,
    chain,
    close,
    expected,
    layer,
    model,
    named,
    opened,
    write_h5,
    write_keras,
)  # fmt: skip
from torch.nn import functional

from explorer.errors import CheckpointError
from explorer.formats import open_checkpoint
from explorer.formats.diagnosis_words import headline
from explorer.models.base import NO_OPTIONS, DecodeOptions, StageModel
from explorer.models.layers import parse_all

pytestmark = pytest.mark.usefixtures("in_process")


@pytest.mark.parametrize("text", [bytes, str])
def test_a_whole_model_of_keras_2(tmp_path, text):
    decoder = Decoder()
    model = opened(write_h5(tmp_path / "m.h5", decoder.described(), decoder.h5(), text=text))
    close(model, decoder)
    assert (model.image.channels, model.image.height, model.image.width) == (1, 16, 16)
    assert (model.native_range.low, model.native_range.high) == (0, 1)
    assert all(fact.certainty == 1 for fact in model.diagnosis.layers)
    assert [guess.hint for guess in model.diagnosis.guesses] == ["prior"]


@pytest.mark.parametrize(
    ("container", "slash"), [("layers", "/"), ("_layer_checkpoint_dependencies", "/"), ("layers", "\\")]
)
def test_the_layouts_of_keras_3(tmp_path, container, slash):
    decoder = Decoder()
    path = tmp_path / "m.keras"
    close(
        opened(write_keras(path, decoder.described(), decoder.counted(), container=container, slash=slash)),
        decoder,
    )


def test_a_whole_model_of_keras_1(tmp_path):
    random = np.random.default_rng(7)
    arrays = [random.standard_normal(shape).astype("f4") for shape in ((3, 128), (128,), (3, 3, 2, 1), (1,))]
    norm = [np.abs(random.standard_normal(128)).astype("f4") for _ in range(4)]
    layers = [
        {"class_name": "Dense", "config": {"name": "dense_1", "output_dim": 128, "input_dim": 3, "bias": True}},
        {"class_name": "BatchNormalization", "config": {"name": "bn", "epsilon": 1e-5, "mode": 0, "axis": -1}},
        {"class_name": "Activation", "config": {"name": "act", "activation": "relu"}},
        {"class_name": "Reshape", "config": {"name": "reshape_1", "target_shape": [8, 8, 2]}},
        {"class_name": "UpSampling2D", "config": {"name": "up", "size": [2, 2], "dim_ordering": "tf"}},
        {
            "class_name": "Convolution2D",
            "config": {"name": "conv", "nb_filter": 1, "nb_row": 3, "nb_col": 3, "border_mode": "same",
                       "subsample": [1, 1], "dim_ordering": "tf", "activation": "tanh"},
        },
    ]  # fmt: skip
    layers[0]["config"]["batch_input_shape"] = [None, 3]
    weights = {entry["config"]["name"]: [] for entry in layers}
    weights["dense_1"] = [("dense_1_W", arrays[0]), ("dense_1_b", arrays[1])]
    weights["bn"] = list(zip(("bn_gamma", "bn_beta", "bn_running_mean", "bn_running_std"), norm, strict=True))
    weights["conv"] = [("conv_W", arrays[2]), ("conv_b", arrays[3])]
    path = write_h5(tmp_path / "old.h5", {"class_name": "Sequential", "config": layers}, weights)
    with h5py.File(path, "a") as file:
        del file.attrs["keras_version"], file["model_weights"].attrs["keras_version"]
    gamma, beta, mean, variance = map(torch.from_numpy, norm)
    x = CODES @ torch.from_numpy(arrays[0]) + torch.from_numpy(arrays[1])
    x = (
        functional.relu((x - mean) / (variance + 1e-5).sqrt() * gamma + beta)
        .reshape(-1, 8, 8, 2)
        .permute(0, 3, 1, 2)
    )
    kernel = torch.from_numpy(arrays[2]).permute(3, 2, 0, 1)
    x = functional.conv2d(
        functional.interpolate(x, scale_factor=2), kernel, torch.from_numpy(arrays[3]), padding=1
    )
    torch.testing.assert_close(opened(path).decode_raw(CODES), torch.tanh(x), atol=1e-5, rtol=1e-5)


def test_a_suffix_tells_nothing(tmp_path):
    decoder = Decoder()
    close(opened(write_h5(tmp_path / "m.keras", decoder.described(), decoder.h5())), decoder)


def test_names_that_are_split_over_attributes(tmp_path):
    decoder = Decoder()
    path = write_h5(tmp_path / "m.h5", decoder.described(), decoder.h5())
    with h5py.File(path, "a") as file:
        names = list(file["model_weights"].attrs["layer_names"])
        del file["model_weights"].attrs["layer_names"]
        file["model_weights"].attrs["layer_names0"] = names[:2]
        file["model_weights"].attrs["layer_names1"] = names[2:]
    close(opened(path), decoder)


def vae(decoder, sampling):
    """A whole VAE of 16x16: encoder with two heads, drawing, decoder within."""
    random = np.random.default_rng(3)
    heads = {
        name: [random.standard_normal((256, 3)).astype("f4"), np.ones(3, "f4")]
        for name in ("dense_8", "dense_9")
    }
    encoder = model(
        "first_half",
        [
            layer("InputLayer", "picture", batch_input_shape=[None, 16, 16, 1]),
            layer("Flatten", "flatten", "picture"),
            layer("Dense", "dense_8", "flatten", units=3),
            layer("Dense", "dense_9", "flatten", units=3),
            {**sampling, "inbound_nodes": [[["dense_8", 0, 0, {}], ["dense_9", 0, 0, {}]]]},
        ],
        ["picture"],
        ["dense_8", "dense_9", sampling["name"]],
    )
    inner = called(decoder.described("second_half"), "first_half", call=1)
    inner["inbound_nodes"] = [[["first_half", 1, 2, {}]]]
    whole = model(
        "vae",
        [
            layer("InputLayer", "whole_input", batch_input_shape=[None, 16, 16, 1]),
            called(encoder, "whole_input"),
            inner,
        ],
        ["whole_input"],
        ["second_half"],
    )
    whole["config"]["output_layers"] = [["second_half", 1, 0]]
    listed = {"first_half": [pair for name, arrays in heads.items() for pair in named(name, arrays)]}
    return whole, {**listed, **decoder.nested("second_half")}, heads


@pytest.mark.parametrize(
    "sampling",
    [
        layer("Sampling", "drawn"),
        layer("Custom>Whatever", "drawn"),
        layer("Lambda", "drawn", function=["4wEAAAAA\n", None, None], function_type="lambda"),
    ],
    ids=lambda entry: entry["class_name"],
)
def test_the_halves_of_a_whole_vae(tmp_path, sampling):
    decoder = Decoder()
    described, weights, heads = vae(decoder, sampling)
    found = opened(write_h5(tmp_path / "vae.h5", described, weights))
    close(found, decoder)
    pictures = torch.rand(4, 1, 16, 16)
    told = found.encode(pictures)
    mean, logvar = (pictures.flatten(1) @ torch.from_numpy(kernel) + 1 for kernel, _ in heads.values())
    torch.testing.assert_close(told.mean, mean)
    torch.testing.assert_close(told.logvar, logvar)
    assert found.spaces["z"].prior == "normal"


def test_an_autoencoder_in_one_piece_is_cut_where_it_is_narrowest(tmp_path):
    decoder = Decoder()
    kernel = np.random.default_rng(1).standard_normal((256, 3)).astype("f4")
    layers = [
        layer("Flatten", "flatten"),
        layer("Dense", "narrow", units=3, use_bias=False),
        layer("LeakyReLU", "leaky", alpha=0.5),
        *decoder.layers,
    ]
    weights = {"flatten": [], "narrow": named("narrow", [kernel]), "leaky": [], **decoder.h5()}
    found = opened(write_h5(tmp_path / "ae.h5", chain("ae", layers, (16, 16, 1)), weights))
    close(found, decoder)
    pictures = torch.rand(4, 1, 16, 16)
    wanted = functional.leaky_relu(pictures.flatten(1) @ torch.from_numpy(kernel), 0.5)
    torch.testing.assert_close(found.encode(pictures).mean, wanted)
    assert found.spaces["z"].prior == "none"


@pytest.mark.parametrize("is_flat", [False, True])
def test_a_generator_stacked_on_its_judge(tmp_path, is_flat):
    decoder = Decoder(channels=3)
    judge = [layer("Flatten", "flatten"), layer("Dense", "judge", units=1, activation="sigmoid")]
    weights = {"flatten": [], "judge": named("judge", [np.ones((768, 1), "f4"), np.ones(1, "f4")])}
    if is_flat:
        described = chain("gan", [*decoder.layers, *judge], (3,))
        weights = {**decoder.h5(), **weights}
    else:
        described = chain("gan", [decoder.described("g"), chain("d", judge)])
        weights = {**decoder.nested("g"), "d": weights["judge"]}
    close(opened(write_h5(tmp_path / "gan.h5", described, weights)), decoder)


def conditional(decoder, table):
    """A decoder whose code is multiplied by a row of a table."""
    layers = [
        layer("InputLayer", "input_1", batch_input_shape=[None, 3]),
        layer("InputLayer", "input_2", batch_input_shape=[None, 1]),
        layer("Embedding", "embedding", "input_2", input_dim=5, output_dim=3),
        layer("Flatten", "flatten", "embedding"),
        layer("Multiply", "multiply", "input_1", "flatten"),
        called(decoder.described(), "multiply"),
    ]
    described = model("generator", layers, ["input_1", "input_2"], ["decoder"])
    described["config"]["output_layers"] = [["decoder", 1, 0]]
    return described, {"embedding": [("embedding/embeddings:0", table)], **decoder.nested()}


@pytest.mark.parametrize(
    "labels", [np.array([2, 0, 4, 1]), np.array([[2], [0], [4], [1]]), np.eye(5, dtype="f4")[[2, 0, 4, 1]]]
)
def test_classes_as_numbers_and_as_rows(tmp_path, labels):
    decoder, table = Decoder(), np.random.default_rng(2).standard_normal((5, 3)).astype("f4")
    found = opened(write_h5(tmp_path / "cgan.h5", *conditional(decoder, table)))
    assert found.classes == 5
    assert found.accepts == {"labels"}
    wanted = expected(decoder, CODES * torch.from_numpy(table)[[2, 0, 4, 1]])
    torch.testing.assert_close(found.decode_raw(CODES, "z", DecodeOptions(labels=labels)), wanted)


def test_rows_of_classes_beside_the_code(tmp_path):
    decoder = Decoder(latent=7)
    layers = [
        layer("InputLayer", "y", batch_input_shape=[None, 4]),
        layer("InputLayer", "z", batch_input_shape=[None, 3]),
        layer("Concatenate", "both", "z", "y", axis=-1),
        called(decoder.described(), "both"),
    ]
    described = model("cvae", layers, ["y", "z"], ["decoder"])
    described["config"]["output_layers"] = [["decoder", 1, 0]]
    found = opened(write_h5(tmp_path / "cvae.h5", described, decoder.nested()))
    labels = np.array([3, 1, 0, 2])
    wanted = expected(decoder, torch.cat((CODES, torch.eye(4)[labels]), 1))
    torch.testing.assert_close(found.decode_raw(CODES, "z", DecodeOptions(labels=labels)), wanted)


def encoder_file(path, outputs, size=256):
    kernel = np.random.default_rng(5).standard_normal((size, outputs)).astype("f4")
    side = int(size**0.5)
    layers = [layer("Flatten", "flatten"), layer("Dense", "code", units=outputs, use_bias=False)]
    write_h5(path, chain("e", layers, (side, side, 1)), {"flatten": [], "code": named("code", [kernel])})
    return torch.from_numpy(kernel)


def test_the_encoder_beside_is_used(tmp_path):
    decoder = Decoder()
    kernel = encoder_file(tmp_path / "my_encoder_3.h5", 3)
    found = opened(write_h5(tmp_path / "my_decoder_3.h5", decoder.described(), decoder.h5()))
    pictures = torch.rand(2, 1, 16, 16)
    torch.testing.assert_close(found.encode(pictures).mean, pictures.flatten(1) @ kernel)
    assert any("my_encoder_3.h5" in note for note in found.notes)


def test_an_encoder_beside_that_does_not_fit_is_left_out(tmp_path):
    decoder = Decoder()
    encoder_file(tmp_path / "encoder.h5", 3, size=400)
    found = opened(write_h5(tmp_path / "decoder.h5", decoder.described(), decoder.h5()))
    assert not found.has_encoder
    assert any("encoder.h5" in note and "not used" in note for note in found.notes)


def test_a_code_wider_than_the_encoder_says_ends_in_a_class(tmp_path):
    decoder = Decoder(latent=7)
    encoder_file(tmp_path / "encoder.h5", 3)
    found = opened(write_h5(tmp_path / "decoder.h5", decoder.described(), decoder.h5()))
    assert found.classes == 4
    labels = np.array([3, 1, 0, 2])
    wanted = expected(decoder, torch.cat((CODES, torch.eye(4)[labels]), 1))
    torch.testing.assert_close(found.decode_raw(CODES, "z", DecodeOptions(labels=labels)), wanted)


def lambda_of(function):
    code = base64.encodebytes(marshal.dumps(function.__code__)).decode()
    return {"function": [code, None, None], "function_type": "lambda"}


def test_the_code_of_a_lambda_is_not_run(tmp_path, monkeypatch):
    monkeypatch.setattr(marshal, "loads", lambda *_: pytest.fail("bytecode was read"))
    decoder = Decoder()
    harmful = layer("Lambda", "harmful", **lambda_of(lambda x: print(x)))
    layers = [decoder.layers[0], harmful, *decoder.layers[1:]]
    text = refused(write_h5(tmp_path / "m.h5", chain("m", layers, (3,)), {**decoder.h5(), "harmful": []}))
    assert "harmful" in text
    assert "never run" in text


def test_a_last_lambda_is_left_out(tmp_path):
    decoder = Decoder()
    last = layer("Lambda", "last", **lambda_of(lambda x: x * 2))
    last["config"]["output_shape"] = [16, 16, 1]
    described = chain("m", [*decoder.layers, last], (3,))
    found = opened(write_h5(tmp_path / "m.h5", described, {**decoder.h5(), "last": []}))
    close(found, decoder)
    assert any("last" in note for note in found.notes)


def test_an_unknown_layer_is_named(tmp_path):
    decoder = Decoder()
    layers = [decoder.layers[0], layer("Attention9", "odd"), *decoder.layers[1:]]
    text = refused(write_h5(tmp_path / "m.h5", chain("m", layers, (3,)), {**decoder.h5(), "odd": []}))
    assert "Attention9" in text


def test_weights_that_do_not_fit_are_named(tmp_path):
    decoder = Decoder()
    decoder.arrays["dense"][0] = np.ones((3, 120), "f4")
    text = refused(write_h5(tmp_path / "m.h5", decoder.described(), decoder.h5()))
    assert "kernel of its layer dense is 3x120 instead of 3x128" in text
    decoder.arrays["dense"] = []
    assert "dense has 0 of 2 weights" in refused(
        write_h5(tmp_path / "m.h5", decoder.described(), decoder.h5())
    )


def test_a_description_beside_weights(tmp_path):
    decoder = Decoder()
    (tmp_path / "other.json").write_text(json.dumps(chain("o", [layer("Dense", "dense", units=5)], (3,))))
    (tmp_path / "net.json").write_text(json.dumps(decoder.described()))
    found = opened(write_h5(tmp_path / "w.h5", None, decoder.h5()))
    close(found, decoder)
    assert any("net.json" in note for note in found.notes)


def test_a_network_past_any_code_is_a_stage(tmp_path):
    layers = [
        layer("InputLayer", "i", batch_input_shape=[None, 16, 16, 1]),
        layer("Conv2D", "c", "i", filters=1, kernel_size=[3, 3], padding="same"),
        layer("Add", "a", "i", "c"),
    ]
    weights = {"c": named("c", [np.ones((3, 3, 1, 1), "f4"), np.zeros(1, "f4")])}
    found = open_checkpoint(write_h5(tmp_path / "m.h5", model("m", layers, ["i"], ["a"]), weights)).model
    assert isinstance(found, StageModel)
    pictures = torch.rand(1, 1, 16, 16)
    wanted = pictures + functional.conv2d(pictures, torch.ones(1, 1, 3, 3), padding=1)
    torch.testing.assert_close(found.apply_raw(pictures), wanted)


@pytest.mark.parametrize(
    "text",
    ["{", "[]", '{"class_name": "Sequential", "config": {"layers": [1]}}', "[" * 5000, '{"config": 3}'],
)
def test_descriptions_that_make_no_sense(tmp_path, text):
    with h5py.File(tmp_path / "m.h5", "w") as file:
        file.attrs["model_config"] = text
        file.create_group("model_weights").attrs["layer_names"] = np.array([], "S1")
    refused(tmp_path / "m.h5")


SAMPLES = {
    "trained-checkpoints/keras2_decoder_h5/decoder.h5": 1e-4,
    "trained-checkpoints/keras3_vae_decoder_keras/decoder.keras": 1e-4,
    "wild-checkpoints/AkshayKulkarni3467__GAN-using-Tensorflow/generator.h5": 1e-3,
    "wild-checkpoints/Fasih1994__DL_with_Python/decoder.h5": 1e-3,
    "wild-checkpoints/Maicon-Moreira__mnist-auto-encoder/decoder.h5": 1e-3,
    "wild-checkpoints/VineethVuyyuru__HW_Digit_Image_Generator/generator.h5": 1e-3,
    "wild-checkpoints/azhermurad__digits_generate_app/decoder.h5": 1e-3,
    "wild-checkpoints/bryanongwx__sketch_vae/decoder.h5": 1e-3,
    "wild-checkpoints/bryanongwx__sketch_vae__weights/decoder_curve.h5": 1e-3,
    "wild-checkpoints/goldsmdn__Streamlit/decoder.keras": 1e-3,
    "wild-checkpoints/halimelsaputra__Kelompok7_Variational-Autoencoder_handwriting-generator/"
    "conditional_decoder.h5": 1e-3,
    "wild-checkpoints/knmlprz__MNIST_VAE/decoder.h5": 1e-3,
    "wild-checkpoints/the21composer__Autoencoder_Latent_Space_GUI/decoder.h5": 1e-3,
}


@pytest.mark.parametrize("place", SAMPLES)
def test_files_of_others(reference_data, place):
    path = reference_data / place
    if not path.is_file():
        pytest.skip(f"no {path}")
    reference = np.load(path.parent / "reference.npz")
    found = opened(path)
    options = DecodeOptions(labels=reference["labels"]) if found.accepts else NO_OPTIONS
    ours = found.decode_raw(torch.from_numpy(reference["z"]), "z", options).permute(0, 2, 3, 1)
    wanted = reference["images"]
    assert np.abs(ours.reshape(wanted.shape).numpy() - wanted).max() < SAMPLES[place] * np.ptp(wanted)
    for key in ("enc_mu", "enc_z"):
        if key in reference:
            image = found.image
            pictures = torch.from_numpy(reference["enc_x"]).reshape(
                -1, image.height, image.width, image.channels
            )
            mean = found.encode(found.native_range.to_unit(pictures.permute(0, 3, 1, 2))).mean.numpy()
            assert np.abs(mean - reference[key]).max() < SAMPLES[place] * np.ptp(reference[key])


def test_an_encoder_by_itself_is_told_so_and_its_decoder_is_named(tmp_path):
    path = tmp_path / "my_encoder.h5"
    encoder_file(path, 3)
    with pytest.raises(CheckpointError, match=r"so it is an encoder .*; open its decoder\."):
        opened(path)
    write_h5(tmp_path / "my_decoder.h5", None, Decoder().h5())
    with pytest.raises(
        CheckpointError, match=r"encoder .*; open my_decoder\.h5, which lies beside it"
    ) as caught:
        opened(path)
    assert "my_decoder.h5" in headline(caught.value.diagnosis, failed=True)


def test_a_file_that_is_cut_off_is_told_so_in_whole_words(tmp_path):
    path = write_h5(tmp_path / "m.h5", None, Decoder().h5())
    path.write_bytes(path.read_bytes()[:3000])
    with pytest.raises(
        CheckpointError, match=r"is a damaged HDF5 file of Keras \(it is cut off\); copy or download"
    ):
        opened(path)


def test_layers_are_shown_in_the_words_of_hints(tmp_path):
    decoder = Decoder()
    found = opened(write_h5(tmp_path / "m.h5", decoder.described(), decoder.h5())).diagnosis
    words = " ".join(entry.text for entry in found.layers)
    assert words == "linear relu reshape:8,4,4,hwc convT:k3s2,same relu convT:k4s2,same sigmoid"
    assert found.layers_text == "", "the hint layers is not heeded where the file describes them"
    assert len(parse_all(words)) == 7
