import os
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest
from filelock import FileLock

from qiskit_qgen.persistence import (
    atomic_folder,
    atomic_path,
    atomic_write,
    existing_folder,
    is_held,
    remove_leftovers,
)
from qiskit_qgen.persistence.atomic import LEFTOVER_AGE


def names(folder):
    return sorted(entry.name for entry in folder.iterdir())


@pytest.mark.parametrize("data", ["", "Grüße\n", b"", b"\x00\xff\r\n"])
def test_content_is_written_as_it_is_and_replaced(tmp_path, data):
    path = tmp_path / "file"
    atomic_write(path, b"something that was there before")
    atomic_write(str(path), data)
    assert path.read_bytes() == (data.encode("utf-8") if isinstance(data, str) else data)
    assert names(tmp_path) == ["file"]


def test_an_error_in_the_block_leaves_the_old_file_alone(tmp_path):
    path = tmp_path / "file.json"
    atomic_write(path, "old")
    with pytest.raises(FileNotFoundError), atomic_path(path) as temporary:
        temporary.write_text((tmp_path / "missing").read_text())
    assert path.read_text() == "old"
    assert names(tmp_path) == ["file.json"]


def test_temporary_file_lies_beside_the_target_with_its_suffix(tmp_path):
    with atomic_path(tmp_path / "grid.png") as temporary:
        assert temporary.parent == tmp_path.resolve()
        assert temporary.suffix == ".png"
        assert temporary.exists()
        assert not (tmp_path / "grid.png").exists()


@pytest.mark.skipif(os.name != "posix", reason="needs POSIX permissions")
def test_new_files_have_the_permissions_of_any_other_new_file(tmp_path):
    (tmp_path / "plain").write_text("")
    atomic_write(tmp_path / "atomic", "")
    plain, atomic = (stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("plain", "atomic"))
    assert atomic == plain


@pytest.mark.skipif(os.name != "posix", reason="needs symbolic links")
def test_symbolic_links_are_followed(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real" / "file")
    atomic_write(tmp_path / "link", "content")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real" / "file").read_text() == "content"


def test_a_missing_folder_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        atomic_write(tmp_path / "missing" / "file", "")


def test_leftovers_of_killed_processes_go_when_they_are_old(tmp_path):
    old, young, other = ".file.0123456789abcdef.tmp.bin", ".file.fedcba9876543210.tmp.bin", ".file.tmp.bin"
    for name in (old, young, other):
        (tmp_path / name).write_text("half")
    past = time.time() - LEFTOVER_AGE - 10
    for name in (old, other):
        os.utime(tmp_path / name, (past, past))
    atomic_write(tmp_path / "file.bin", "")
    assert names(tmp_path) == sorted([young, other, "file.bin"])


@pytest.mark.skipif(os.name != "posix", reason="needs POSIX locks")
def test_only_what_no_living_process_writes_is_a_leftover(tmp_path):
    killed, other = ".file.0123456789abcdef.tmp.bin", ".other.0123456789abcdef.tmp.bin"
    for name in (killed, other):
        (tmp_path / name).write_text("half")
    writer = subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path / "file.bin")], stdout=subprocess.PIPE)
    try:
        alive = writer.stdout.readline().decode().strip()
        remove_leftovers(tmp_path / "file.bin")
        assert names(tmp_path) == sorted([other, alive])
    finally:
        writer.kill()
        writer.communicate()
    assert names(tmp_path) == sorted([other, alive])
    remove_leftovers(tmp_path / "file.bin")
    assert names(tmp_path) == [other]


def test_a_lock_is_seen_while_it_is_held(tmp_path):
    path = tmp_path / "lock"
    assert not is_held(path)
    assert not path.exists()
    with FileLock(path):
        assert is_held(path)
    assert not is_held(path)


WRITER = """
import sys, time
from qiskit_qgen.persistence import atomic_path
with atomic_path(sys.argv[1]) as temporary:
    temporary.write_text("half")
    print(temporary.name, flush=True)
    time.sleep(60)
"""


def test_errors_name_the_file_that_was_asked_for(tmp_path):
    path = tmp_path / "grid.png"
    path.mkdir()
    with pytest.raises(OSError, match="Is a directory") as caught, atomic_path(path) as temporary:
        temporary.write_text("image")
    assert caught.value.filename == str(path)
    assert ".tmp" not in str(caught.value)
    with pytest.raises(FileNotFoundError) as caught, atomic_path(tmp_path / "missing" / "grid.png"):
        pass
    assert caught.value.filename == str(tmp_path / "missing" / "grid.png")
    (tmp_path / "file").write_text("")
    with pytest.raises(FileNotFoundError) as caught, atomic_folder(tmp_path / "model") as staging:
        (staging / "deep" / "one").write_text("1")
    assert caught.value.filename == str(tmp_path / "model")


def test_a_folder_is_created_with_its_parents_and_replaced_as_a_whole(tmp_path):
    folder = tmp_path / "runs" / "model"
    with atomic_folder(folder) as staging:
        (staging / "deep").mkdir()
        (staging / "deep" / "one").write_text("1")
    assert names(folder) == ["deep"]
    with atomic_folder(folder) as staging:
        (staging / "two").write_text("2")
        assert names(folder) == ["deep"]
    assert names(folder) == ["two"]
    assert names(folder.parent) == ["model"]


def test_an_error_in_the_block_leaves_the_old_folder_alone(tmp_path):
    with atomic_folder(tmp_path / "model") as staging:
        (staging / "one").write_text("1")
    with pytest.raises(FileNotFoundError), atomic_folder(tmp_path / "model") as staging:
        (staging / "two").write_text((tmp_path / "missing").read_text())
    assert names(tmp_path) == ["model"]
    assert names(tmp_path / "model") == ["one"]


def test_a_failed_swap_brings_the_old_folder_back(tmp_path, monkeypatch):
    with atomic_folder(tmp_path / "model") as staging:
        (staging / "one").write_text("1")
    rename = Path.rename

    def fail_for_staging(self, target):
        if ".tmp" in self.name:
            raise PermissionError(13, "Permission denied")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", fail_for_staging)
    with pytest.raises(PermissionError), atomic_folder(tmp_path / "model"):
        pass
    assert names(tmp_path) == ["model"]
    assert names(tmp_path / "model") == ["one"]


def test_a_folder_set_aside_is_found_until_there_is_a_new_one(tmp_path):
    folder = tmp_path / "model"
    assert existing_folder(folder) == folder
    with atomic_folder(folder) as staging:
        (staging / "one").write_text("1")
    folder.rename(tmp_path / ".model.previous")
    assert names(existing_folder(folder)) == ["one"]
    with atomic_folder(folder) as staging:
        (staging / "two").write_text("2")
    assert existing_folder(folder) == folder
    assert names(tmp_path) == ["model"]
