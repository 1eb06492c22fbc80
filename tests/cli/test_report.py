"""A report holds the files of its study's folder, and nothing that a link leads to."""

import base64

import pytest
from PIL import Image


@pytest.fixture
def folder(tmp_path):
    place = tmp_path / "study"
    place.mkdir()
    (place / "comparison.md").write_bytes(b"\xef\xbb\xbfA comparison of *executions*.")
    Image.new("L", (4, 4)).save(place / "comparison.png")
    (tmp_path / "secret").write_text("the secret")
    return place


def test_texts_and_images_of_the_folder(qgen, folder):
    assert qgen("report", folder).exit_code == 0
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert "<p>A comparison of <em>executions</em>.</p>" in page
    assert "Comparison of executions</h1>" in page
    assert base64.b64encode((folder / "comparison.png").read_bytes()).decode() in page


@pytest.mark.parametrize(
    ("name", "fault", "sentence"),
    [
        ("a.png", "link", "is a link or no file: a report holds the files of its own folder alone."),
        ("comparison.md", "link", "is a link or no file: a report holds the files of its own folder alone."),
        ("a.png", "folder", "is a link or no file: a report holds the files of its own folder alone."),
        ("a.png", b"the secret", "is not a PNG image: remove it."),
        ("a.png", "sparse", "is too large for a report: 8590 MB."),
        ("comparison.md", b"\xff\xfe\x00", "is not text. The study's command regenerates it."),
    ],
)
def test_foreign_files_are_not_embedded(qgen, folder, name, fault, sentence):
    path = folder / name
    path.unlink(missing_ok=True)
    if fault == "link":
        path.symlink_to(folder.parent / "secret")
    elif fault == "folder":
        path.mkdir()
    else:
        path.write_bytes(b"" if fault == "sparse" else fault)
        if fault == "sparse":
            with path.open("r+b") as file:
                file.truncate(2**33)
    result = qgen("report", folder)
    assert (result.exit_code, result.stderr) == (2, f"Error: File {path} {sentence}\n")
    assert not (folder / "report.html").exists()


@pytest.mark.parametrize("content", [b"[" * 100_000, b"{}", b'{"trials": [1]}', b"9" * 5_000, b"\xff"])
def test_damaged_numbers_are_named(qgen, folder, content):
    (folder / "capacity.md").write_text("A study.")
    (folder / "capacity.json").write_bytes(content)
    result = qgen("report", folder)
    assert result.exit_code == 2
    assert f"File {folder / 'capacity.json'} is" in result.stderr
