"""Pictures gathered in memory or on the disk."""

import sys

import numpy as np
import pytest

from explorer.data.spool import Spool
from explorer.errors import OutputError

PICTURES = np.random.default_rng(0).integers(0, 256, (20, 5, 7, 3), np.uint8)
BYTES = PICTURES.nbytes


def gathered(folder, in_memory):
    spool = Spool(folder, in_memory)
    for picture in PICTURES:
        spool.add(picture)
    assert len(spool) == 20
    return spool.array()


@pytest.mark.parametrize(("in_memory", "on_disk"), [(BYTES, False), (BYTES - 1, True), (0, True)])
def test_many_pictures_lie_on_the_disk_and_are_the_same(tmp_path, in_memory, on_disk):
    array = gathered(tmp_path, in_memory)
    assert isinstance(array, np.memmap) == on_disk
    np.testing.assert_array_equal(array, PICTURES)
    np.testing.assert_array_equal(array[[3, 1, 3]], PICTURES[[3, 1, 3]])
    array[0] = 7  # as those who drop pictures do
    assert (array[0] == 7).all()


@pytest.mark.skipif(sys.platform == "win32", reason="a file there always has a name")
def test_the_file_has_no_name(tmp_path):
    array = gathered(tmp_path, 0)
    assert not list(tmp_path.iterdir())
    del array


def test_a_full_disk_is_one_sentence(tmp_path):
    resource = pytest.importorskip("resource")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (BYTES // 2, hard))
    try:
        with pytest.raises(
            OutputError, match=rf"could not be kept in {tmp_path} \(file too large\); make .*\.$"
        ):
            gathered(tmp_path, BYTES // 4)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_folder_that_is_not_there_is_one_sentence(tmp_path):
    with pytest.raises(OutputError, match=r"nowhere \(no such file or directory\)"):
        gathered(tmp_path / "nowhere", 0)
