"""A folder of images, flat or with one sub-folder for each class; also in a zip archive."""

from __future__ import annotations

from contextlib import nullcontext
from operator import attrgetter
from pathlib import Path

import torch
from torch import Tensor

from qiskit_qgen.datasets.conversion import ImageConversion
from qiskit_qgen.datasets.held_out import HeldOut, draw_rows
from qiskit_qgen.datasets.image_dataset import ImageDataset
from qiskit_qgen.datasets.image_files import ImageFile, read_images
from qiskit_qgen.datasets.zipped import zipped_folder
from qiskit_qgen.exceptions import DatasetError

IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".pgm", ".ppm")
"""The file extensions that are read; other files are ignored, as are names that begin with a dot."""

_SPLITS = {"train": "train", "test": "test", "val": "val", "valid": "val", "validation": "val"}


def load_image_folder(
    folder: Path,
    split: str,
    num_images: int | None = None,
    subset_seed: int = 0,
    *,
    conversion: ImageConversion,
    skip_damaged: bool = False,
    test_fraction: float | None = None,
) -> ImageDataset:
    """Return the images in ``folder``, sorted by name.

    Images directly in the folder have no labels. Images in sub-folders have their sub-folder's name as their class;
    labels number the classes from 0 in alphabetical order. If the folder has two of the sub-folders ``train``, ``test``
    and ``val`` (or ``valid``, ``validation``), or just one of them and no other sub-folder, ``split`` selects the one
    to read, and the classes are those of all splits together.

    Black-and-white images become grey, palette images RGB, images with one transparent colour RGBA, and the cameras'
    orientation tags are applied. All other differences are left to ``conversion``.

    A zip archive is read like a folder. If all its images are in one folder that is not a split, this folder is read:
    archives often contain the packed folder itself.

    Args:
        folder: The folder or zip archive, which exists.
        split: "train", "val" or "test"; "val" only if there is such a sub-folder.
        num_images: Number of images to draw; only these are read. None takes all.
        subset_seed: Seed of the draw.
        conversion: How to make the images alike.
        skip_damaged: Skip files that cannot be read, with a warning.
        test_fraction: Share to hold out for testing if there are no test images; None takes a tenth.

    Raises:
        ArgumentError: If ``num_images`` or ``subset_seed`` is out of range, or ``test_fraction`` has no effect.
        DatasetError: If there are no images or no such split, or images cannot be read or are not alike.
    """
    with nullcontext(folder) if folder.is_dir() else zipped_folder(folder) as opened:
        root = opened if isinstance(opened, Path) else _packed(opened)
        has_test = _place(root, "test")[0] is not None
        part = HeldOut.unless(has_test, split, f"Folder {root}", test_fraction)
        place, parts = _place(root, split if part is None else "train")
        if place is None:
            kind = {"val": "validation", "test": "test"}.get(split, "training")
            raise DatasetError(f"Folder {root} has no {kind} images; give it a sub-folder `{split}` beside the others.")
        class_names = sorted({entry.name for each in parts for entry in _list(each)[1]})
        files, labels = _list_labelled(place, class_names)
        rows = draw_rows(len(files), part, num_images, subset_seed)
        if rows is not None:
            files, labels = [files[row] for row in rows.tolist()], None if labels is None else labels[rows]
        chosen = set(files)
        others = [file for each in parts for file in _all_images(each) if file not in chosen]
        images, kept = read_images(files, f"Folder {root}", conversion, skip_damaged=skip_damaged, others=others)
    names = tuple(class_names) if labels is not None else None
    return ImageDataset(
        torch.from_numpy(images), None if labels is None else labels[kept], folder.resolve().name, split, names
    )


def _packed(root: ImageFile) -> ImageFile:
    """Return the folder that was packed into an archive: the only folder at its top, or the top itself."""
    images, sub_folders = _list(root)
    is_enclosing = not images and len(sub_folders) == 1 and sub_folders[0].name.lower() not in _SPLITS
    return sub_folders[0] if is_enclosing else root


def _place(folder: ImageFile, split: str) -> tuple[ImageFile | None, list[ImageFile]]:
    """Return the folder of ``split``, or None, and the folders of all splits."""
    sub_folders = _list(folder)[1]
    parts = [entry for entry in sub_folders if entry.name.lower() in _SPLITS]
    if not parts or len(parts) == 1 < len(sub_folders):  # a lone "train" may be a class of vehicles
        return folder if split == "train" else None, [folder]
    places = [entry for entry in parts if _SPLITS[entry.name.lower()] == split]
    if len(places) > 1:
        raise DatasetError(f"Folder {folder} holds both {places[0].name!r} and {places[1].name!r}; keep one of them.")
    return places[0] if places else None, parts


def _list(folder: ImageFile) -> tuple[list[ImageFile], list[ImageFile]]:
    """Return the images and the sub-folders in ``folder``, each sorted by name."""
    visible = (entry for entry in folder.iterdir() if not entry.name.startswith("."))
    entries = sorted(visible, key=attrgetter("name"))
    images = [entry for entry in entries if entry.name.lower().endswith(IMAGE_SUFFIXES) and entry.is_file()]
    return images, [entry for entry in entries if entry.is_dir()]


def _all_images(folder: ImageFile) -> list[ImageFile]:
    """Return the images in ``folder`` and in its sub-folders."""
    images, classes = _list(folder)
    return images + [image for each in classes for image in _list(each)[0]]


def _list_labelled(folder: ImageFile, class_names: list[str]) -> tuple[list[ImageFile], Tensor | None]:
    """Return the images of ``folder`` and of its classes, and their labels, or None if there are no classes."""
    images, classes = _list(folder)
    if not classes:
        if not images:
            raise DatasetError(
                f"Folder {folder} holds no images; the endings that are read are {', '.join(IMAGE_SUFFIXES)}."
            )
        return images, None
    if images:
        raise DatasetError(
            f"Folder {folder} holds both images ({images[0].name}) and sub-folders ({classes[0].name}); "
            "put every image into the sub-folder of its class, or remove the sub-folders."
        )
    labels = []
    for folder_of_class in classes:
        members, deeper = _list(folder_of_class)
        if deeper or not members:
            fault = f"a sub-folder ({deeper[0].name})" if deeper else "no images"
            raise DatasetError(f"Folder {folder_of_class} of a class must hold images only, but holds {fault}.")
        images += members
        labels += [class_names.index(folder_of_class.name)] * len(members)
    return images, torch.tensor(labels, dtype=torch.int64)
