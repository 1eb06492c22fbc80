import gzip
import re
import struct

import numpy as np
import pytest

from qiskit_qgen.datasets.idx import read_idx
from qiskit_qgen.exceptions import DatasetError

SEED = 5_519


def idx_bytes(code, shape, content):
    return bytes([0, 0, code, len(shape)]) + struct.pack(f">{len(shape)}I", *shape) + content


@pytest.mark.parametrize(
    ("code", "letter"), [(0x08, "B"), (0x09, "b"), (0x0B, "h"), (0x0C, "i"), (0x0D, "f"), (0x0E, "d")]
)
@pytest.mark.parametrize("compressed", [False, True])
def test_values_of_every_type(tmp_path, code, letter, compressed):
    values = [0, 1, 2, 100, 5, 127]
    content = idx_bytes(code, (3, 2), struct.pack(f">6{letter}", *values))
    path = tmp_path / "any.name"
    path.write_bytes(gzip.compress(content) if compressed else content)
    array = read_idx(path)
    assert array.tolist() == [[0, 1], [2, 100], [5, 127]]
    assert array.dtype == np.dtype(letter)
    assert array.dtype.isnative
    assert array.flags.writeable


def test_images_of_a_higher_rank_and_none_at_all(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(idx_bytes(8, (2, 3, 4), bytes(range(24))))
    assert np.array_equal(read_idx(str(path)), np.arange(24).reshape(2, 3, 4))
    path.write_bytes(idx_bytes(8, (0, 28, 28), b""))
    assert read_idx(path).shape == (0, 28, 28)


GOOD = idx_bytes(8, (4, 3), bytes(range(12)))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is not an IDX file: it begins with the bytes of no content."),
        (b"\0\0\x08", "is not an IDX file: it begins with the bytes 00 00 08."),
        (b"PK\x03\x04" + b"\0" * 50, "is not an IDX file: it begins with the bytes 50 4b 03 04."),
        (b"\0\0\x07\x01" + b"\0" * 50, "is not an IDX file: it begins with the bytes 00 00 07 01."),
        (b"\0\0\x08\x00" + b"\0" * 50, "is not an IDX file: it begins with the bytes 00 00 08 00."),
        (b"\0\0\x08\xff" + b"\0" * 2000, "is not an IDX file: it begins with the bytes 00 00 08 ff."),
        (GOOD[:10], "is truncated: it ends within its header."),
        (GOOD[:-1], "is truncated: it declares 12 bytes of values, but holds 11."),
        (GOOD + b"\0", "is longer than the shape (4, 3) in its header declares."),
        (idx_bytes(8, (2**32 - 1,) * 8, b"\0" * 30), "is too small to hold that many values."),
        (idx_bytes(8, (60_000, 28, 28), b"\0" * 30), "declares the shape (60000, 28, 28), but is too small"),
    ],
)
@pytest.mark.parametrize("compressed", [False, True])
def test_faults_are_named_in_one_sentence(tmp_path, content, message, compressed):
    path = tmp_path / "file"
    path.write_bytes(gzip.compress(content) if compressed else content)
    with pytest.raises(DatasetError) as caught:
        read_idx(path)
    assert message in str(caught.value)
    assert re.fullmatch(rf"File {re.escape(str(path))} [^\n]*\.", str(caught.value))


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(DatasetError, match=r"^File .*/nothing does not exist\.$"):
        read_idx(tmp_path / "nothing")
    with pytest.raises(DatasetError, match=r"does not exist\.$"):
        read_idx(tmp_path)


def test_every_truncation_and_changed_byte_of_a_gzip_file_is_noticed(tmp_path):
    path = tmp_path / "file.gz"
    content = gzip.compress(idx_bytes(8, (6, 5, 5), np.random.default_rng(SEED).bytes(150)), mtime=0)
    for length in range(len(content)):
        path.write_bytes(content[:length])
        with pytest.raises(DatasetError):
            read_idx(path)
    path.write_bytes(content)
    expected = read_idx(path)
    unnoticed = 0
    for position in range(len(content)):
        path.write_bytes(content[:position] + bytes([content[position] ^ 0x20]) + content[position + 1 :])
        try:
            array = read_idx(path)
        except DatasetError as error:
            assert re.fullmatch(r"File [^\n]*\.", str(error))  # noqa: PT017
        else:
            # Gzip's header holds a date and the like, and the last byte of values some bits that mean nothing.
            assert np.array_equal(array, expected)
            unnoticed += 1
    assert unnoticed <= 10


def test_a_bomb_is_refused_without_being_unpacked(tmp_path):
    # 100 MB of zeros in 100 kB, behind a header that declares four bytes: at most one byte more is unpacked.
    path = tmp_path / "bomb.gz"
    path.write_bytes(gzip.compress(idx_bytes(8, (4,), b"1234")) + gzip.compress(b"\0" * 10**8, compresslevel=1))
    with pytest.raises(DatasetError, match="is longer than the shape"):
        read_idx(path)


def test_a_header_beyond_the_memory_is_refused_before_anything_is_read(tmp_path):
    path = tmp_path / "sparse"
    shape = (2**20, 2**20, 4)
    with path.open("wb") as file:
        file.write(idx_bytes(8, shape, b""))
        file.truncate(16 + 2**42)
    with pytest.raises(
        DatasetError, match=r"declares 4398046511104 values, which need 1\.76e\+04 GB as float32, but this"
    ):
        read_idx(path)
