"""Data sets of torch and of Hugging Face as images and rows, against the images that they were made of."""

import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import DataLoader, Dataset, IterableDataset, TensorDataset

from qiskit_qgen.datasets import load_dataset
from qiskit_qgen.datasets.torch_data import rows_of
from qiskit_qgen.exceptions import ArgumentError, DatasetError

PIXELS = np.random.default_rng(0).integers(0, 256, (12, 8, 8, 3), np.uint8)
LABELS = np.arange(12) % 3
EXPECTED = torch.from_numpy(PIXELS).permute(0, 3, 1, 2) / 255


class Items(Dataset):
    """Items by number, as torch's own example has them: without an iterator."""

    def __init__(self, items):
        self.items = items

    def __len__(self):
        return len(self.items)

    def __getitem__(self, index):
        return self.items[index]


class Stream(IterableDataset):
    def __init__(self, items):
        self.items = items

    def __iter__(self):
        return iter(self.items)


def pillow(mode="RGB"):
    return [Image.fromarray(pixels).convert(mode) for pixels in PIXELS]


def tensors():
    return list(EXPECTED)


def pairs(images):
    return list(zip(images, LABELS.tolist(), strict=True))


def refusal(data, error=DatasetError, **options):
    with pytest.raises(error) as caught:
        load_dataset(data, **options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    "data",
    [
        Items(pairs(pillow())),
        Items(pairs(tensors())),
        Items(pairs(list(PIXELS))),
        Items([{"image": image, "label": label} for image, label in pairs(pillow())]),
        Stream(pairs(pillow())),
        Stream(pairs(tensors())),
        TensorDataset(EXPECTED, torch.from_numpy(LABELS)),
        DataLoader(TensorDataset(EXPECTED, torch.from_numpy(LABELS)), batch_size=5),
        DataLoader(Items(pairs(tensors())), batch_size=None),
    ],
)
def test_images_and_labels_are_those_of_the_items(data):
    found = load_dataset(data)
    torch.testing.assert_close(found.images, EXPECTED)
    assert found.labels.tolist() == LABELS.tolist()
    assert found.split == "train"


def test_items_without_labels_and_a_draw_of_them():
    assert load_dataset(Items(tensors())).labels is None
    drawn = load_dataset(Items(pairs(tensors())), num_images=4, subset_seed=1)
    whole = load_dataset(EXPECTED, num_images=4, subset_seed=1)
    assert torch.equal(drawn.images, whole.images)
    assert len(drawn.labels) == 4


def test_class_names_of_torchvisions_kind():
    data = Items(pairs(tensors()))
    data.classes = ["a", "b", "c"]
    assert load_dataset(data).class_names == ("a", "b", "c")


def test_pillows_images_are_made_alike():
    mixed = [image.resize((8 + index, 9)) for index, image in enumerate(pillow())]
    mixed[3] = mixed[3].convert("L")
    text = refusal(Items(mixed))
    assert "holds images that are not alike: 12 sizes from 8 x 9 to 19 x 9 pixels; 11 RGB (image 0, image 1" in text
    assert "1 grey (image 3). Load them by `load_dataset(data, image_size=8, mode='RGB')`." in text
    found = load_dataset(Items(mixed), image_size=(6, 7), mode="L")
    assert found.images.shape == (12, 1, 6, 7)
    assert torch.equal(load_dataset(Stream(mixed), image_size=(6, 7), mode="L").images, found.images)


@pytest.mark.parametrize(
    ("data", "options", "error", "sentence"),
    [
        (Items([]), {}, DatasetError, "must hold at least one image, but is empty"),
        (Items(["a.png"]), {}, DatasetError, "but item 0 is a str"),
        (Items([tensors()[0], "b"]), {}, DatasetError, "but item 1 is a str"),
        (Items([tensors()[0] * 2 - 1]), {}, DatasetError, "rescale with (x + 1) / 2"),
        (Items([torch.rand(3, 8, 8), torch.rand(3, 9, 9)]), {}, DatasetError, "images of one shape"),
        (Items([(tensors()[0], 0.5)]), {}, DatasetError, "must have an integer as the label of each image"),
        (Items([{"x": 1}]), {}, DatasetError, "one of the keys image, images, img, pixel_values, not 'x'"),
        (Items(tensors()), {"image_size": 8}, ArgumentError, "have an effect on Pillow's images, not on arrays"),
        (Items(tensors()), {"split": "test"}, DatasetError, "no images of the split 'test'"),
        (Stream(tensors()), {"stream": True}, ArgumentError, "`stream` needs a data set with a length"),
        (Items(tensors()), {"data_dir": "x"}, ArgumentError, "`data_dir` must be None for a data set in memory"),
        (Items(tensors()), {"skip_damaged": True}, ArgumentError, "`skip_damaged` has an effect on a folder"),
    ],
)
def test_what_holds_no_images_is_refused_in_a_sentence(data, options, error, sentence):
    assert sentence in refusal(data, error, **options)


def test_rows_of_a_table():
    rows = torch.arange(12.0).reshape(4, 3)
    for data in (TensorDataset(rows, rows), Items(list(rows)), DataLoader(TensorDataset(rows), batch_size=3)):
        assert torch.equal(rows_of(data, "x"), rows)
    with pytest.raises(DatasetError, match="must hold rows of equal length"):
        rows_of(Items([torch.zeros(2), torch.zeros(3)]), "x")


def test_a_streamed_data_set_reads_items_when_they_are_asked_for():
    asked = []

    class Counted(Items):
        def __getitem__(self, index):
            asked.append(index)
            return super().__getitem__(index)

    data = Counted(pairs(pillow()))
    data.targets = LABELS.tolist()
    found = load_dataset(data, stream=True)
    assert found.images.shape == (12, 3, 8, 8)
    assert asked == [0]
    torch.testing.assert_close(found.images[torch.tensor([7, 2])], EXPECTED[[7, 2]])
    assert asked == [0, 7, 2]
    assert found.labels.tolist() == LABELS.tolist()


class TestHuggingFace:
    """The real library, where it is installed."""

    @pytest.fixture
    def library(self):
        return pytest.importorskip("datasets")

    @pytest.fixture
    def data(self, library):
        kinds = {
            "photo": library.Image(),
            "kind": library.ClassLabel(names=["a", "b", "c"]),
            "size": library.Value("int32"),
        }
        columns = {"photo": pillow(), "kind": LABELS.tolist(), "size": [8] * 12}
        return library.Dataset.from_dict(columns, features=library.Features(kinds))

    def test_images_labels_and_names(self, data):
        found = load_dataset(data)
        torch.testing.assert_close(found.images, EXPECTED)
        assert found.labels.tolist() == LABELS.tolist()
        assert found.class_names == ("a", "b", "c")
        torch.testing.assert_close(load_dataset(data.with_format("torch")).images, EXPECTED)
        assert load_dataset(data, image_size=4, mode="L").images.shape == (12, 1, 4, 4)

    def test_streams(self, data):
        for source in (data, data.with_format("numpy")):
            found = load_dataset(source, stream=True)
            torch.testing.assert_close(found.images[3:9], EXPECTED[3:9])
            assert found.labels.tolist() == LABELS.tolist()
        torch.testing.assert_close(load_dataset(data.to_iterable_dataset()).images, EXPECTED)

    def test_splits_of_a_dict(self, library, data):
        parts = library.DatasetDict(train=data, validation=data.select(range(4)))
        assert [len(load_dataset(parts, split=split)) for split in ("train", "val")] == [12, 4]
        assert "its splits are train, validation" in refusal(parts, split="test")

    def test_columns_that_leave_a_choice_are_refused(self, library, data):
        assert "has `size` (Value): choose them by" in refusal(data.select_columns(["size"]))
        two = data.add_column("other", [{"bytes": None, "path": None}] * 12, feature=library.Image())
        assert "`photo` (Image), `kind` (ClassLabel), `size` (Value), `other` (Image)" in refusal(two)

    def test_rows_of_a_table(self, library):
        data = library.Dataset.from_dict({"x": [0.5, 1.5], "n": [1, 2]})
        assert rows_of(data, "Argument `data`")["n"].tolist() == [1, 2]
        with pytest.raises(DatasetError, match="choose a split, or read it first"):
            rows_of(library.DatasetDict(train=data), "Argument `data`")
