"""`tf.keras.datasets`: from IDX files and from the .npz files that Keras keeps."""

import shutil

import numpy as np
import pytest

from reflow.data_sets import archive as archives
from reflow.data_sets import keras_datasets


@pytest.fixture(autouse=True)
def _published(monkeypatch):
    monkeypatch.setattr(archives.Archive, "matches_checksum", lambda *args: True)


def _shapes(sets):
    return [[array.shape for array in part] for part in sets]


EXPECTED = [[(23, 3, 2), (23,)], [(7, 3, 2), (7,)]]


def test_from_the_cache(folder, cache, no_network):
    for name in ("mnist", "fashion_mnist"):
        shutil.copytree(folder, cache / name)
    assert _shapes(keras_datasets.load_data()) == EXPECTED
    assert _shapes(keras_datasets.load_fashion_mnist()) == EXPECTED


def test_from_a_given_folder(folder, cache, no_network):
    assert _shapes(keras_datasets.load_data(str(folder))) == EXPECTED


def test_from_the_file_that_keras_keeps(folder, tmp_path, monkeypatch, no_network):
    (x_train, y_train), (x_test, y_test) = keras_datasets.load_data(str(folder))
    kept = tmp_path / "keras" / "datasets"
    kept.mkdir(parents=True)
    np.savez(kept / "mnist.npz", x_train=x_train, y_train=y_train, x_test=x_test, y_test=y_test)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    for path in ("mnist.npz", str(kept / "mnist.npz")):
        np.testing.assert_array_equal(keras_datasets.load_data(path)[1][0], x_test)


def test_nothing_unpickles(tmp_path):
    np.savez(tmp_path / "x.npz", x_train=np.array([{}], dtype=object), y_train=[], x_test=[], y_test=[])
    with pytest.raises(ValueError, match="allow_pickle=False"):
        keras_datasets.load_data(str(tmp_path / "x.npz"))


def test_failure_says_what_was_tried(cache, no_network):
    with pytest.raises(FileNotFoundError, match="Fashion-MNIST are not on this machine"):
        keras_datasets.load_fashion_mnist()
