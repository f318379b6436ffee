"""`tf.keras.datasets`: data sets as NumPy arrays, training examples and test examples."""

import os
import pathlib

import numpy as np

from reflow.data_sets import archive as archives
from reflow.data_sets import idx
from reflow.graph.export import export

_NPZ_MEMBERS = ("x_train", "y_train", "x_test", "y_test")


def _from_archive(archive: archives.Archive, folder=None):
    arrays = {}
    for name, path in archives.locate(archive, folder).items():
        read = idx.read_images if "images" in name else idx.read_labels
        with open(path, "rb") as source:
            arrays[name] = read(source, str(path))
    return (
        (arrays[archives.TRAIN_IMAGES], arrays[archives.TRAIN_LABELS]),
        (arrays[archives.TEST_IMAGES], arrays[archives.TEST_LABELS]),
    )


def _from_npz(path: pathlib.Path):
    # allow_pickle stays off: a downloaded file must not be able to run code.
    with np.load(path, allow_pickle=False) as arrays:
        x_train, y_train, x_test, y_test = (arrays[name] for name in _NPZ_MEMBERS)
    return (x_train, y_train), (x_test, y_test)


def _keras_folder() -> pathlib.Path:
    return pathlib.Path(os.environ.get("KERAS_HOME") or "~/.keras").expanduser() / "datasets"


@export("keras.datasets.mnist.load_data")
def load_data(path="mnist.npz"):
    """Loads MNIST: 60,000 training and 10,000 test images of handwritten digits.

    Args:
      path: an `.npz` file as Keras keeps it, looked for as given and below ~/.keras/datasets; or a folder with
        the four IDX files. What is not there is fetched as `input_data.read_data_sets` does.

    Returns:
      ((x_train, y_train), (x_test, y_test)): images uint8 [examples, 28, 28] with values 0 to 255, labels
      uint8 [examples] from 0 to 9.

    Raises:
      FileNotFoundError: if the files cannot be had; it says what was tried.
      ValueError: if a file is damaged.
    """
    given = pathlib.Path(path)
    for candidate in (given, _keras_folder() / given):
        if candidate.is_file():
            return _from_npz(candidate)
    return _from_archive(archives.MNIST, given if given.is_dir() else None)


@export("keras.datasets.fashion_mnist.load_data")
def load_fashion_mnist():
    """Loads Fashion-MNIST: 60,000 training and 10,000 test images of clothes.

    Returns:
      ((x_train, y_train), (x_test, y_test)): images uint8 [examples, 28, 28] with values 0 to 255, labels
      uint8 [examples] from 0 (T-shirt) to 9 (ankle boot).

    Raises:
      FileNotFoundError: if the files cannot be had; it says what was tried.
      ValueError: if a file is damaged.
    """
    return _from_archive(archives.FASHION_MNIST)
