"""HDF5 files that reach outside, lie about their size or are damaged: one sentence each, and nothing is opened."""

import io
import zipfile

import h5py
import numpy as np
import pytest
from checkpoints_read import refused
from keras_files import Decoder, write_h5, write_keras

from explorer.formats import open_checkpoint

pytestmark = pytest.mark.usefixtures("in_process")


@pytest.fixture
def path(tmp_path):
    decoder = Decoder()
    return write_h5(tmp_path / "m.h5", decoder.described(), decoder.h5())


def replaced(path, make, place="model_weights/dense/dense/kernel:0"):
    """Put something else where a weight was."""
    with h5py.File(path, "a") as file:
        del file[place]
        group, _, name = place.rpartition("/")
        make(file[group], name)
    return path


def outside(tmp_path):
    other = tmp_path / "secret.h5"
    with h5py.File(other, "w") as file:
        file["kernel"] = np.ones((3, 128), "f4")
    return other


def test_a_link_to_another_file_is_not_followed(path, tmp_path):
    other = outside(tmp_path)
    replaced(path, lambda group, name: group.__setitem__(name, h5py.ExternalLink(str(other), "kernel")))
    assert "not followed" in refused(path)


def test_a_link_to_another_place_is_not_followed(path):
    replaced(path, lambda group, name: group.__setitem__(name, h5py.SoftLink("/model_weights")))
    assert "not followed" in refused(path)


def test_numbers_in_another_file_are_not_read(path, tmp_path):
    raw = tmp_path / "raw.bin"
    raw.write_bytes(bytes(3 * 128 * 4))
    parts = [(str(raw), 0, 3 * 128 * 4)]
    replaced(path, lambda group, name: group.create_dataset(name, (3, 128), "f4", external=parts))
    assert "another file" in refused(path)


def test_numbers_put_together_of_other_files_are_not_read(path, tmp_path):
    layout = h5py.VirtualLayout((3, 128), "f4")
    layout[:] = h5py.VirtualSource(str(outside(tmp_path)), "kernel", (3, 128))
    replaced(path, lambda group, name: group.create_virtual_dataset(name, layout))
    assert "another file" in refused(path)


@pytest.mark.parametrize(
    "kind", [h5py.string_dtype(), h5py.ref_dtype, np.dtype("S8"), np.dtype([("a", "f4")])]
)
def test_what_is_no_number_is_refused(path, kind):
    replaced(path, lambda group, name: group.create_dataset(name, (3, 128), kind))
    assert "numbers" in refused(path)


@pytest.mark.parametrize("shape", [(1 << 20, 1 << 12), (1 << 40,)])
def test_a_size_that_was_never_written_costs_nothing(path, shape):
    replaced(path, lambda group, name: group.create_dataset(name, shape, "f4", chunks=(1024,) * len(shape)))
    assert "memory" in refused(path)


def test_numbers_that_unpack_to_far_more_than_the_file(path):
    def make(group, name):
        group.create_dataset(
            name, data=np.zeros((1 << 12, 1 << 13), "f4"), chunks=(256, 1 << 13), compression="gzip"
        )

    assert "memory" in refused(replaced(path, make))


def test_groups_that_hold_themselves(tmp_path):
    with h5py.File(tmp_path / "m.h5", "w") as file:
        inner = file.create_group("layers/dense")
        inner["again"] = file["layers"]
    assert "without end" in refused(tmp_path / "m.h5")


def test_deep_groups(tmp_path):
    with h5py.File(tmp_path / "m.h5", "w") as file:
        file.create_group("layers/" + "a/" * 2000)
    assert "without end" in refused(tmp_path / "m.h5")


def test_no_weights_at_all(tmp_path):
    with h5py.File(tmp_path / "m.h5", "w") as file:
        file["numbers"] = np.arange(3)
    refused(tmp_path / "m.h5")


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_a_file_that_is_cut_off(path, share):
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    refused(path)


@pytest.mark.parametrize("share", [0.3, 0.95])
def test_a_zip_that_is_cut_off(tmp_path, share):
    decoder = Decoder()
    path = write_keras(tmp_path / "m.keras", decoder.described(), decoder.counted())
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    refused(path)


def test_a_packed_zip_opens_and_a_bomb_does_not(tmp_path):
    decoder = Decoder()
    path = write_keras(tmp_path / "m.keras", decoder.described(), decoder.counted())
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    write_packed(path, members)
    assert open_checkpoint(path).model.parameter_count > 0
    write_packed(path, {**members, "model.weights.h5": members["model.weights.h5"] + bytes(200 << 20)})
    assert "far more" in refused(path)


def write_packed(path, members):
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    path.write_bytes(data.getvalue())


@pytest.mark.parametrize("kind", ["f8", "f2", ">f4", "i4"])
def test_other_numbers_are_widened(tmp_path, kind):
    decoder = Decoder()
    for arrays in decoder.arrays.values():
        arrays[:] = [np.round(array * 4).astype(kind) for array in arrays]
    path = write_h5(tmp_path / "m.h5", decoder.described(), decoder.h5())
    kernel = next(open_checkpoint(path).model.network.decoder.parameters())
    np.testing.assert_array_equal(kernel.numpy(), decoder.arrays["dense"][0].T.astype("f4"))
