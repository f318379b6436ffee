"""`read_data_sets` against sets and batches recorded from TensorFlow 1.15.5."""

import gzip
import json
import pathlib

import numpy as np
import pytest

from reflow.data_sets import archive as archives
from reflow.data_sets import input_data
from reflow.graph import dtypes
from reflow.graph.graph import get_default_graph, reset_default_graph

RECORDED = pathlib.Path(__file__).parents[1] / "goldens" / "mnist.json"


def _set_random_seed(seed):
    get_default_graph().seed = seed


@pytest.fixture(autouse=True)
def _published(monkeypatch):
    # The tiny files are not the published ones, and these tests are not about that.
    monkeypatch.setattr(archives.Archive, "matches_checksum", lambda *args: True)


def test_same_sets_and_batches_as_tensorflow(folder, cases):
    ours = cases["outcomes"](
        input_data.read_data_sets, _set_random_seed, reset_default_graph, dtypes.uint8, str(folder)
    )
    for one, recorded in zip(json.loads(json.dumps(ours)), json.loads(RECORDED.read_text()), strict=True):
        assert one == recorded


def test_images_are_scaled_rows_by_default(folder):
    data = input_data.read_data_sets(str(folder), validation_size=3)
    assert data.train.images.shape == (20, 6)
    assert data.train.images.dtype == np.float32
    assert 0 <= data.train.images.min() < 0.2 < 0.8 < data.train.images.max() <= 1
    assert data.validation.num_examples == 3


def test_batches_hold_every_example_once_an_epoch(folder):
    data = input_data.read_data_sets(str(folder), validation_size=0, dtype=dtypes.uint8).train
    whole = sorted(map(bytes, data.images))
    batches = [data.next_batch(5)[0] for _ in range(4)] + [data.next_batch(3)[0]]
    assert sorted(map(bytes, np.concatenate(batches))) == whole
    assert data.epochs_completed == 0
    data.next_batch(1)
    assert data.epochs_completed == 1


def test_wrong_options_are_refused(folder):
    with pytest.raises(ValueError, match="between 0 and 23. Received: 24"):
        input_data.read_data_sets(str(folder), validation_size=24)
    with pytest.raises(TypeError, match="expected uint8 or float32"):
        input_data.read_data_sets(str(folder), validation_size=0, dtype=dtypes.int32)
    with pytest.raises(AssertionError, match="labels.shape"):
        input_data.DataSet(np.zeros((2, 2, 2, 1), np.uint8), np.zeros(3))
    with pytest.raises(AssertionError, match="depth 1"):
        input_data.DataSet(np.zeros((2, 2, 2, 3), np.uint8), np.zeros(2))


def test_a_damaged_file_in_the_folder_is_named(folder):
    path = folder / "t10k-images-idx3-ubyte.gz"
    path.write_bytes(path.read_bytes()[:-12])
    with pytest.raises(ValueError, match=f"damaged: {path}"):
        input_data.read_data_sets(str(folder))


def test_a_source_of_another_data_set_is_kept_in_the_given_folder(folder, tmp_path, monkeypatch):
    asked = []

    def download(url, target, check):
        asked.append(url)
        target.parent.mkdir(exist_ok=True)
        target.write_bytes((folder / target.name).read_bytes())

    monkeypatch.setattr(input_data.archives.fetch, "download", download)
    data = input_data.read_data_sets(str(tmp_path / "other"), source_url="http://127.0.0.1/other/", validation_size=0)
    assert data.train.num_examples == 23
    assert asked[0] == "http://127.0.0.1/other/train-images-idx3-ubyte.gz"
    assert len(list((tmp_path / "other").iterdir())) == 4


def test_readers_of_single_files(folder):
    with open(folder / "train-images-idx3-ubyte.gz", "rb") as source:
        assert input_data.extract_images(source).shape == (23, 3, 2, 1)
    with open(folder / "train-labels-idx1-ubyte.gz", "rb") as source:
        labels = input_data.extract_labels(source)
    with open(folder / "train-labels-idx1-ubyte.gz", "rb") as source:
        one_hot = input_data.extract_labels(source, one_hot=True, num_classes=12)
    assert one_hot.shape == (23, 12)
    np.testing.assert_array_equal(one_hot.argmax(axis=1), labels)
    content = (folder / "train-labels-idx1-ubyte.gz").read_bytes()
    assert gzip.decompress(content)[8:] == labels.tobytes()
