import io
import re
import shutil
import struct
import zipfile
import zlib

import numpy as np
import pytest
import torch
from PIL import Image
from skimage import data
from skimage.transform import resize

from qiskit_qgen.datasets import load_dataset
from qiskit_qgen.datasets.subsets import subset_rows
from qiskit_qgen.exceptions import ArgumentError, DatasetError

SEED = 4_477


def pixels(index, shape=(6, 7)):
    return np.random.default_rng([SEED, index]).integers(0, 256, shape, dtype=np.uint8)


def save(path, array):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(array).save(path)


def values(array):
    return np.atleast_3d(array).transpose(2, 0, 1).astype(np.float32) / np.float32(255)


def refused(folder, **options):
    with pytest.raises(DatasetError) as caught:
        load_dataset(folder, **options)
    assert re.fullmatch(r"(File|Folder|Data set) [^\n]*\.", str(caught.value))
    return str(caught.value)


@pytest.mark.parametrize("channels", [(), (3,), (4,)], ids=["grey", "RGB", "RGBA"])
def test_a_flat_folder_is_sorted_by_name_and_has_no_labels(tmp_path, channels):
    folder = tmp_path / "cats"
    for index in (2, 0, 1):
        save(folder / f"{index}.png", pixels(index, (6, 7, *channels)))
    (folder / "notes.txt").write_text("not an image")
    (folder / ".hidden.png").write_text("not an image either")
    dataset = load_dataset(folder)
    assert np.array_equal(dataset.images.numpy(), [values(pixels(index, (6, 7, *channels))) for index in range(3)])
    assert (dataset.labels, dataset.class_names, dataset.name, dataset.split) == (None, None, "cats", "train")


def test_sub_folders_are_classes(tmp_path):
    for index, name in enumerate(["dog/1.png", "ant/2.png", "dog/0.png", "cat/0.png"]):
        save(tmp_path / name, pixels(index))
    dataset = load_dataset(str(tmp_path))
    assert dataset.class_names == ("ant", "cat", "dog")
    assert dataset.labels.tolist() == [0, 1, 2, 2]
    assert np.array_equal(dataset.images.numpy(), [values(pixels(index)) for index in (1, 3, 2, 0)])


def test_a_draw_reads_no_other_files(tmp_path):
    for index in range(12):
        save(tmp_path / "ab"[index % 2] / f"{index}.png", pixels(index))
    whole, drawn = load_dataset(tmp_path), load_dataset(tmp_path, num_images=5, subset_seed=3)
    rows = subset_rows(12, 5, 3)
    assert torch.equal(drawn.images, whole.images[rows])
    assert torch.equal(drawn.labels, whole.labels[rows])
    files = sorted(tmp_path.rglob("*.png"))
    for row in set(range(12)) - set(rows.tolist()):
        files[row].write_bytes(b"damaged")
    assert torch.equal(load_dataset(tmp_path, num_images=5, subset_seed=3).images, drawn.images)
    refused(tmp_path)


def test_train_and_test_sub_folders_are_splits(tmp_path):
    save(tmp_path / "train" / "0.png", pixels(0))
    save(tmp_path / "test" / "0.png", pixels(1))
    save(tmp_path / "val" / "0.png", pixels(2))
    for index, split in enumerate(("train", "test")):
        dataset = load_dataset(tmp_path, split=split)
        assert np.array_equal(dataset.images.numpy(), [values(pixels(index))])
        assert (dataset.labels, dataset.split) == (None, split)


def test_classes_of_both_splits_are_counted_together(tmp_path):
    for name in ("train/ant", "train/dog", "test/cat", "test/dog"):
        save(tmp_path / name / "0.png", pixels(0))
    train, test = load_dataset(tmp_path), load_dataset(tmp_path, split="test")
    assert train.class_names == test.class_names == ("ant", "cat", "dog")
    assert train.labels.tolist() == [0, 2]
    assert test.labels.tolist() == [1, 2]


@pytest.mark.parametrize("suffix", ["png", "PNG", "bmp", "gif", "tif", "tiff", "webp", "pgm"])
def test_formats_without_loss(tmp_path, suffix):
    options = {"lossless": True} if suffix == "webp" else {}
    array = pixels(0, (6, 7, 3)) if suffix == "webp" else pixels(0)
    Image.fromarray(array).save(tmp_path / f"0.{suffix}", **options)
    images = load_dataset(tmp_path).images
    # A GIF has a palette, which becomes three equal channels.
    assert np.array_equal(images[0].numpy(), np.broadcast_to(values(array), images[0].shape))


@pytest.mark.parametrize("suffix", ["jpg", "jpeg", "JPG"])
def test_jpeg(tmp_path, suffix):
    array = np.full((16, 16, 3), [200, 100, 50], dtype=np.uint8)
    Image.fromarray(array).save(tmp_path / f"0.{suffix}", quality=95)
    assert np.allclose(load_dataset(tmp_path).images[0].numpy(), values(array), atol=3 / 255)


def test_black_and_white_palettes_and_orientation(tmp_path):
    array = np.where(pixels(0) > 127, 255, 0).astype(np.uint8)
    (tmp_path / "1").mkdir()
    Image.fromarray(array).convert("1").save(tmp_path / "1" / "0.png")
    assert np.array_equal(load_dataset(tmp_path / "1").images[0].numpy(), values(array))

    (tmp_path / "P").mkdir()
    palette = Image.fromarray(pixels(0)).convert("P")
    palette.save(tmp_path / "P" / "0.png")
    assert np.array_equal(load_dataset(tmp_path / "P").images[0].numpy(), values(np.array(palette.convert("RGB"))))
    palette.save(tmp_path / "P" / "0.png", transparency=3)
    assert load_dataset(tmp_path / "P").images.shape == (1, 4, 6, 7)

    (tmp_path / "turned").mkdir()
    exif = Image.Exif()
    exif[0x0112] = 6  # "turn by 90 degrees clockwise to show"
    Image.fromarray(array).save(tmp_path / "turned" / "0.png", exif=exif)
    assert np.array_equal(load_dataset(tmp_path / "turned").images[0, 0].numpy(), np.rot90(array, -1) / np.float32(255))


def test_an_odd_image_is_named_with_the_remedy(tmp_path):
    save(tmp_path / "a.png", pixels(0))
    save(tmp_path / "b.png", pixels(0, (7, 9)))
    assert refused(tmp_path) == (
        f"Folder {tmp_path} holds images that are not alike: 2 sizes from 7 x 6 to 9 x 7 pixels. "
        "Pass image_size=6 to load them."
    )
    save(tmp_path / "b.png", pixels(0, (6, 7, 4)))
    assert refused(tmp_path) == (
        f"Folder {tmp_path} holds images that are not alike: 1 grey (a.png); 1 RGBA (b.png). "
        "Pass mode='RGB' to load them."
    )


@pytest.mark.parametrize(
    ("array", "what", "remedy"),
    [
        (np.ones((6, 7), np.uint16), "1 of 16 bits (0.png)", "Pass mode='RGB' to load them."),
        (np.ones((6, 7, 2), np.uint8), "1 LA (0.png)", "Pass mode='RGB' to load them."),
        (np.ones((6, 7), np.float32), "1 in floating point (0.tif)", "Store floating point and 32 bits as an array"),
        (np.full((6, 7), 70_000, np.int32), "1 of 32 bits (0.tif)", "Store floating point and 32 bits as an array"),
    ],
)
def test_other_modes_are_named_with_the_remedy(tmp_path, array, what, remedy):
    Image.fromarray(array).save(tmp_path / ("0.tif" if array.itemsize == 4 else "0.png"))
    message = refused(tmp_path)
    assert f"holds images that are not alike: {what}. {remedy}" in message
    if "Pass" in remedy:
        assert load_dataset(tmp_path, mode="RGB").images.shape == (1, 3, 6, 7)
    else:
        assert what in refused(tmp_path, mode="RGB")


def test_of_an_animation_the_first_frame_is_taken(tmp_path):
    frames = [Image.fromarray(pixels(index)) for index in range(3)]
    frames[0].save(tmp_path / "0.gif", save_all=True, append_images=frames[1:])
    assert "1 animated (0.gif). Pass mode='RGB' to load them." in refused(tmp_path)
    assert np.array_equal(load_dataset(tmp_path, mode="L").images[0].numpy(), values(pixels(0)))


def holiday_folder(folder):
    """Images as people have them: of many sizes, formats and modes, two of them damaged."""
    folder.mkdir(exist_ok=True)
    for index, image in enumerate((data.astronaut(), data.coffee(), data.chelsea(), data.camera(), data.coins())):
        Image.fromarray(image).save(folder / f"{index}.jpg")
    Image.fromarray(data.rocket()).convert("CMYK").save(folder / "cmyk.jpg")
    Image.fromarray(data.logo()).save(folder / "logo.png")
    Image.fromarray(data.moon().astype(np.uint16) * 257).save(folder / "moon.png")
    frames = [Image.fromarray(data.camera() // part) for part in (1, 2)]
    frames[0].save(folder / "moving.gif", save_all=True, append_images=frames[1:])
    turned = Image.Exif()
    turned[0x0112] = 6
    Image.fromarray(data.cat()).save(folder / "turned.jpg", exif=turned)
    (folder / "empty.png").write_bytes(b"")
    content = (folder / "1.jpg").read_bytes()
    (folder / "half.jpg").write_bytes(content[: len(content) // 2])


def test_a_folder_as_people_have_it_tells_all_its_trouble_at_once_and_the_settings_that_help(tmp_path):
    holiday_folder(tmp_path / "mine")
    assert refused(tmp_path / "mine") == (
        f"Folder {tmp_path / 'mine'} holds images that are not alike: 6 sizes from 384 x 303 to 512 x 512 pixels; "
        "4 RGB (0.jpg, 1.jpg, 2.jpg, ...); 2 grey (3.jpg, 4.jpg); 1 RGBA (logo.png); 1 CMYK (cmyk.jpg); "
        "1 of 16 bits (moon.png); 1 animated (moving.gif); 2 damaged (empty.png, half.jpg). "
        "Pass image_size=32, mode='RGB', skip_damaged=True to load them."
    )
    found = refused(tmp_path / "mine", skip_damaged=True, image_size=32)
    assert found.endswith("2 damaged (empty.png, half.jpg). Pass mode='RGB' to load them.")


def test_a_folder_as_people_have_it_loads_with_these_settings(tmp_path, caplog):
    holiday_folder(tmp_path)
    loaded = load_dataset(tmp_path, image_size=32, mode="RGB", skip_damaged=True)
    assert loaded.images.shape == (10, 3, 32, 32)
    assert "left out 2 damaged (empty.png, half.jpg)" in caplog.text
    order = sorted(path.name for path in tmp_path.iterdir() if path.name not in ("empty.png", "half.jpg"))
    cat = loaded.images[order.index("2.jpg")].permute(1, 2, 0).numpy()
    side = (451 - 300) // 2
    expected = resize(data.chelsea()[:, side : side + 300], (32, 32), anti_aliasing=True, order=1)
    assert np.abs(cat - expected).mean() < 0.03
    moon = loaded.images[order.index("moon.png")].numpy()
    assert np.abs(moon[0] - resize(data.moon(), (32, 32), anti_aliasing=True, order=1)).mean() < 0.03


def test_trouble_in_other_splits_and_in_what_is_not_drawn_is_told_too(tmp_path):
    for split, mode, number in (("train", "L", 3), ("test", "RGB", 2)):
        (tmp_path / split).mkdir()
        for index in range(number):
            Image.new(mode, (8, 8 + index)).save(tmp_path / split / f"{split}{index}.png")
    (tmp_path / "test" / "bad.png").write_bytes(b"x")
    for options in ({}, {"split": "test"}, {"num_images": 2}):
        text = refused(tmp_path, **options)
        assert "3 sizes from 8 x 8 to 8 x 10 pixels; " in text
        assert re.search(r"3 grey \((train\d\.png(, )?){3}\); ", text)
        assert "2 RGB (test0.png, test1.png); " in text
        assert text.endswith("1 damaged (bad.png). Pass image_size=8, mode='RGB', skip_damaged=True to load them.")
    assert len(load_dataset(tmp_path, split="test", image_size=8, mode="RGB", skip_damaged=True)) == 2


def test_damaged_files_are_left_out_on_request_with_their_labels(tmp_path):
    for name in ("a/0.png", "a/1.png", "b/0.png", "b/1.png"):
        save(tmp_path / name, pixels(int(name[2])))
    (tmp_path / "a" / "1.png").write_bytes(b"")
    assert refused(tmp_path).endswith("; pass skip_damaged=True to leave it out.")
    loaded = load_dataset(tmp_path, skip_damaged=True)
    assert loaded.labels.tolist() == [0, 1, 1]
    (tmp_path / "b" / "1.png").write_bytes(b"")
    assert "holds 2 damaged images (1.png, 1.png); pass skip_damaged=True to leave them out." in refused(tmp_path)
    for name in ("a/0.png", "b/0.png"):
        (tmp_path / name).write_bytes(b"")
    assert "holds no image that can be read: 4 damaged (0.png, 1.png, 0.png, ...)." in refused(
        tmp_path, skip_damaged=True
    )


def test_a_tenth_of_a_folder_without_test_images_is_held_out(tmp_path, caplog):
    for index in range(30):
        save(tmp_path / f"{index % 2}" / f"{index:02}.png", np.full((4, 4), 8 * index, np.uint8))
    train, test = load_dataset(tmp_path), load_dataset(tmp_path, split="test")
    assert "has no test images: 3 of its 30 are held out as such." in caplog.text
    found = [round(float(image.mean()) * 255 / 8) for part in (train, test) for image in part.images]
    assert sorted(found) == list(range(30))
    assert [number % 2 for number in found] == [*train.labels.tolist(), *test.labels.tolist()]
    assert found[:27] != sorted(found[:27]) or found[27:] != [27, 28, 29]
    assert len(load_dataset(tmp_path, split="test", test_fraction=0.5)) == 15
    assert len(load_dataset(tmp_path, test_fraction=0)) == 30
    save(tmp_path / "whole" / "train" / "a.png", pixels(0))
    save(tmp_path / "whole" / "test" / "a.png", pixels(0))
    with pytest.raises(ArgumentError, match=r"`test_fraction` has no effect, since Folder .* has test images"):
        load_dataset(tmp_path / "whole", test_fraction=0.2)


def test_sizes_beyond_the_memory_are_refused_before_an_image_is_resized(tmp_path):
    save(tmp_path / "a.png", pixels(0))
    assert "GB of free memory" in refused(tmp_path, image_size=1_000_000)


@pytest.mark.parametrize("option", [{"image_size": 8}, {"mode": "L"}, {"skip_damaged": True}, {"test_fraction": 0.2}])
def test_options_of_folders_are_refused_for_other_data(option):
    for source in ("digits", np.zeros((3, 8, 8), np.float32)):
        with pytest.raises(ArgumentError, match=f"`{next(iter(option))}` has an effect on a folder"):
            load_dataset(source, **option)


def test_empty_and_mixed_folders_are_refused(tmp_path):
    assert "holds no images; the endings that are read are .png, .jpg," in refused(tmp_path)
    (tmp_path / "notes.txt").write_text("")
    assert "holds no images" in refused(tmp_path)
    save(tmp_path / "a.png", pixels(0))
    save(tmp_path / "cat" / "a.png", pixels(0))
    assert "holds both images (a.png) and sub-folders (cat);" in refused(tmp_path)
    (tmp_path / "a.png").unlink()
    (tmp_path / "dog").mkdir()
    assert "dog of a class must hold images only, but holds no images." in refused(tmp_path)
    save(tmp_path / "dog" / "puppy" / "a.png", pixels(0))
    assert "dog of a class must hold images only, but holds a sub-folder (puppy)." in refused(tmp_path)


@pytest.mark.parametrize("names", [("train", "val"), ("Train", "validation"), ("train", "valid"), ("train",), ("val",)])
def test_no_split_is_mixed_into_another(tmp_path, names):
    for index, name in enumerate(names):
        save(tmp_path / name / "cat" / "a.png", pixels(index))
    splits = ["val" if name[0] == "v" else "train" for name in names]
    for index, split in enumerate(splits):
        data = load_dataset(tmp_path, split=split)
        assert np.array_equal(data.images.numpy(), [values(pixels(index))])
        assert data.class_names == ("cat",)
    for split in {"train", "val", "test"} - set(splits):
        remedy = "add test images" if split == "test" and "train" in splits else f"give it a sub-folder `{split}`"
        assert remedy in refused(tmp_path, split=split)


def test_names_of_splits_among_others_are_classes(tmp_path):
    for name in ("car", "plane", "train"):
        save(tmp_path / name / "a.png", pixels(0))
    assert load_dataset(tmp_path).class_names == ("car", "plane", "train")
    assert "has no test images, and 0.1 of its 3 images are too few to be held out: add test images" in refused(
        tmp_path, split="test"
    )
    save(tmp_path / "valid" / "a.png", pixels(0))
    save(tmp_path / "val" / "a.png", pixels(0))
    assert "holds both 'val' and 'valid'; keep one of them." in refused(tmp_path, split="val")


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB"])
def test_a_transparent_colour_becomes_alpha(tmp_path, mode):
    image = Image.fromarray(np.where(pixels(0) > 127, 255, 0).astype(np.uint8)).convert(mode)
    image.save(tmp_path / "a.png", transparency=(255, 255, 255) if mode == "RGB" else image.getpixel((0, 0)))
    with Image.open(tmp_path / "a.png") as saved:
        expected = values(np.array(saved.convert("RGBA")))
    assert np.array_equal(load_dataset(tmp_path).images[0].numpy(), expected)
    assert set(np.unique(expected[3])) == {0, 1}


def sixteen_bits(colours):
    rows = b"".join(b"\0" + bytes(14 * colours) for _ in range(6))
    return png(7, 6, zlib.compress(rows), depth=16, kind={3: 2, 4: 6}[colours])


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.png", lambda: sixteen_bits(3)),
        ("a.png", lambda: sixteen_bits(4)),
        ("a.ppm", lambda: b"P6 2 2 65535\n" + bytes(24)),
        ("a.ppm", lambda: b"P3 2 2 4095\n" + b"4000 " * 12),
    ],
)
def test_colours_of_16_bits_are_not_cut(tmp_path, name, content):
    (tmp_path / name).write_bytes(content())
    assert "1 of 16 bits (a.p" in refused(tmp_path)
    assert load_dataset(tmp_path, mode="RGB").images.shape[1] == 3


def png(width, height, content, depth=8, kind=0):
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", content) + chunk(b"IEND", b"")


def pcx_bytes():
    """Return a good image in a format that Pillow reads, but that is not among those that are let in."""
    buffer = io.BytesIO()
    Image.fromarray(pixels(0)).save(buffer, format="PCX")
    return buffer.getvalue()


def zip_bytes():
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("inside.txt", "x" * 1000)
    return buffer.getvalue()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x89PNG\r\n\x1a\n",
        zip_bytes(),
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 7 6\nshowpage\n",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        png(7, 6, zlib.compress(np.random.default_rng(SEED).bytes(48)))[:-40],
        png(7, 6, b"\xff" * 40),
        pcx_bytes(),
    ],
    ids=["empty", "only magic", "zip", "EPS", "SVG", "truncated", "not zlib", "PCX"],
)
def test_files_that_are_no_images_are_named(tmp_path, content):
    (tmp_path / "odd.png").write_bytes(content)
    assert f"{tmp_path / 'odd.png'} is damaged or is not an image that Pillow reads: " in refused(tmp_path)


@pytest.mark.parametrize("side", [12_000, 20_000, 2**31 - 1])
def test_images_that_declare_suspicious_sizes_are_refused(tmp_path, side):
    # From about 9,500 pixels a side Pillow only warns, from about 13,400 it refuses.
    (tmp_path / "odd.png").write_bytes(png(side, side, zlib.compress(b"\0" * 1000)))
    assert f"odd.png is damaged or is not an image that Pillow reads: Image size ({side**2} pixels)" in refused(
        tmp_path
    )


def test_truncated_images_are_refused_and_changed_ones_raise_nothing_else(tmp_path):
    generator = np.random.default_rng(SEED)
    for suffix in ("png", "jpg", "gif", "bmp", "tif", "webp", "pgm"):
        folder = tmp_path / suffix
        folder.mkdir()
        path = folder / f"0.{suffix}"
        Image.fromarray(pixels(0, (16, 17))).save(path)
        content = path.read_bytes()
        path.write_bytes(content[: len(content) // 2])
        assert "is damaged or is not an image" in refused(folder)
        for _ in range(60):
            changed = bytearray(content)
            changed[generator.integers(len(content))] = generator.integers(256)
            path.write_bytes(changed)
            try:
                load_dataset(folder)
            except DatasetError as error:
                assert "\n" not in str(error)  # noqa: PT017


def test_a_third_folder_holds_validation_images(tmp_path):
    for split, value in (("train", 0), ("test", 100), ("val", 255)):
        (tmp_path / split / "only").mkdir(parents=True)
        Image.fromarray(np.full((8, 8), value, np.uint8)).save(tmp_path / split / "only" / "a.png")
    assert float(load_dataset(tmp_path, split="val").images.mean()) == 1
    assert float(load_dataset(tmp_path).images.mean()) == 0
    shutil.rmtree(tmp_path / "val")
    with pytest.raises(DatasetError, match="has no validation images; give it a sub-folder `val` beside the others"):
        load_dataset(tmp_path, split="val")
