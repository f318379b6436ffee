"""`tensorflow.examples.tutorials.mnist.input_data`: MNIST as arrays, in shuffled batches.

The batches are TensorFlow's: after the same seeds, and the same uses of NumPy's global random numbers, `next_batch`
returns the same examples.
"""

import collections
import pathlib
from typing import BinaryIO

import numpy as np

from reflow.data_sets import archive as archives
from reflow.data_sets import idx
from reflow.graph import dtypes
from reflow.graph.export import export
from reflow.graph.random_seed import get_seed

Datasets = collections.namedtuple("Datasets", ["train", "validation", "test"])

DEFAULT_SOURCE_URL = archives.MNIST.mirrors[0]


def extract_images(f: BinaryIO) -> np.ndarray:
    """Reads an IDX file of images.

    Args:
      f: a binary file with a `name`, gzipped or not.

    Returns:
      uint8 [number of images, rows, columns, 1].

    Raises:
      ValueError: if it is damaged or no such file.
    """
    return idx.read_images(f, f.name)[..., np.newaxis]


def extract_labels(f: BinaryIO, one_hot: bool = False, num_classes: int = 10) -> np.ndarray:
    """Reads an IDX file of labels.

    Args:
      f: a binary file with a `name`, gzipped or not.
      one_hot: whether to encode each label as a row with a single one.
      num_classes: the length of such a row.

    Returns:
      uint8 [number of labels], or float64 [number of labels, num_classes].

    Raises:
      ValueError: if it is damaged or no such file.
    """
    labels = idx.read_labels(f, f.name)
    return dense_to_one_hot(labels, num_classes) if one_hot else labels


def dense_to_one_hot(labels_dense: np.ndarray, num_classes: int) -> np.ndarray:
    """Encodes class labels as rows with a single one.

    Args:
      labels_dense: an int array [number of labels] of labels below `num_classes`.
      num_classes: the length of a row.

    Returns:
      float64 [number of labels, num_classes].
    """
    return np.eye(num_classes)[labels_dense.ravel()]


class DataSet:
    """Images and labels that are handed out in shuffled batches.

    Args:
      images: uint8 [number of examples, rows, columns, depth].
      labels: [number of examples] or [number of examples, classes].
      fake_data: whether to hand out constant images instead; `images` and `labels` are ignored then.
      one_hot: with `fake_data`, whether labels are rows with a single one.
      dtype: `tf.uint8` keeps values from 0 to 255, `tf.float32` scales them to 0 to 1.
      reshape: whether each image becomes one row of rows * columns values; the depth must be 1.
      seed: an operation seed; with the graph's seed it seeds NumPy's global random numbers.

    Raises:
      TypeError: for another dtype.
    """

    def __init__(
        self, images, labels, fake_data=False, one_hot=False, dtype=dtypes.float32, reshape=True, seed=None
    ):
        graph_seed, op_seed = get_seed(seed)
        np.random.seed(graph_seed if seed is None else op_seed)
        dtype = dtypes.as_dtype(dtype).base_dtype
        if dtype not in (dtypes.uint8, dtypes.float32):
            raise TypeError(f"Invalid image dtype {dtype!r}, expected uint8 or float32")
        if fake_data:
            self._num_examples = 10000
            self.one_hot = one_hot
        else:
            images = _prepare(images, labels, dtype, reshape)
            self._num_examples = len(images)
        self._images = images
        self._labels = labels
        self._epochs_completed = 0
        self._index_in_epoch = 0

    @property
    def images(self):
        """All images, in the order of the current epoch."""
        return self._images

    @property
    def labels(self):
        """All labels, in the order of the current epoch."""
        return self._labels

    @property
    def num_examples(self):
        """How many examples there are."""
        return self._num_examples

    @property
    def epochs_completed(self):
        """How often every example has been handed out."""
        return self._epochs_completed

    def next_batch(self, batch_size, fake_data=False, shuffle=True):
        """The next examples; a batch that crosses the end of an epoch goes on with the next one.

        Args:
          batch_size: how many examples.
          fake_data: whether to return constants, for a data set made with `fake_data`.
          shuffle: whether each epoch has an order of its own.

        Returns:
          (images, labels), arrays with `batch_size` rows.
        """
        if fake_data:
            label = [1] + [0] * 9 if self.one_hot else 0
            return [[1] * 784 for _ in range(batch_size)], [label for _ in range(batch_size)]
        start = self._index_in_epoch
        if self._epochs_completed == 0 and start == 0 and shuffle:
            self._shuffle()
        if start + batch_size <= self._num_examples:
            self._index_in_epoch = start + batch_size
            return self._images[start : self._index_in_epoch], self._labels[start : self._index_in_epoch]
        rest = self._images[start:], self._labels[start:]
        self._epochs_completed += 1
        if shuffle:
            self._shuffle()
        end = self._index_in_epoch = batch_size - len(rest[0])
        return np.concatenate((rest[0], self._images[:end])), np.concatenate((rest[1], self._labels[:end]))

    def _shuffle(self):
        order = np.arange(self._num_examples)
        np.random.shuffle(order)
        self._images = self._images[order]
        self._labels = self._labels[order]


def _prepare(images, labels, dtype, reshape: bool) -> np.ndarray:
    if len(images) != len(labels):
        raise AssertionError(f"images.shape: {images.shape} labels.shape: {labels.shape}")
    if reshape:
        if images.shape[3] != 1:
            raise AssertionError(f"only images of depth 1 can become rows, not {images.shape}")
        images = images.reshape(len(images), images.shape[1] * images.shape[2])
    return np.multiply(images.astype(np.float32), 1.0 / 255.0) if dtype == dtypes.float32 else images


def _locate(source_url: str, train_dir) -> dict[str, pathlib.Path]:
    """The four files of the data set behind an address."""
    for known in (archives.MNIST, archives.FASHION_MNIST):
        if not source_url or source_url in known.mirrors:
            return archives.locate(known, train_dir)
    # An unknown data set has no place in the cache: its files go where TensorFlow puts them.
    unknown = archives.Archive(name="unknown", title=f"the data set at {source_url}", mirrors=(source_url,))
    return archives.locate(unknown, keep_in=train_dir)


@export("contrib.learn.datasets.mnist.read_data_sets")
def read_data_sets(
    train_dir,
    fake_data=False,
    one_hot=False,
    dtype=dtypes.float32,
    reshape=True,
    validation_size=5000,
    seed=None,
    source_url=DEFAULT_SOURCE_URL,
):
    """Reads MNIST, fetching its files if need be.

    Args:
      train_dir: the folder in which the files are looked for first, gzipped or not; then come the cache
        ($REFLOW_DATA, else the user's cache folder) and the public mirrors.
      fake_data: whether to make data sets of constants instead.
      one_hot: whether labels are float64 rows with a single one, instead of uint8 numbers.
      dtype: of the images: `tf.float32` scales them to 0 to 1, `tf.uint8` keeps 0 to 255.
      reshape: whether images are rows [784], instead of [28, 28, 1].
      validation_size: how many of the training examples, from the first, form the validation set.
      seed: an operation seed for the order of the batches.
      source_url: the address of a folder with the four gzipped files of a data set.

    Returns:
      A namedtuple (train, validation, test) of `DataSet`.

    Raises:
      FileNotFoundError: if the files cannot be had; it says what was tried.
      ValueError: if a file is damaged, or `validation_size` is larger than the training set.
    """
    if fake_data:
        options = {"fake_data": True, "one_hot": one_hot, "dtype": dtype, "seed": seed}
        return Datasets(*(DataSet([], [], **options) for _ in Datasets._fields))
    files = _locate(source_url, train_dir)
    train_images = _extract(extract_images, files[archives.TRAIN_IMAGES])
    train_labels = _extract(extract_labels, files[archives.TRAIN_LABELS], one_hot=one_hot)
    test_images = _extract(extract_images, files[archives.TEST_IMAGES])
    test_labels = _extract(extract_labels, files[archives.TEST_LABELS], one_hot=one_hot)
    if not 0 <= validation_size <= len(train_images):
        raise ValueError(
            f"Validation size should be between 0 and {len(train_images)}. Received: {validation_size}."
        )
    options = {"dtype": dtype, "reshape": reshape, "seed": seed}
    train = DataSet(train_images[validation_size:], train_labels[validation_size:], **options)
    validation = DataSet(train_images[:validation_size], train_labels[:validation_size], **options)
    test = DataSet(test_images, test_labels, **options)
    return Datasets(train=train, validation=validation, test=test)


def _extract(extractor, path: pathlib.Path, **options) -> np.ndarray:
    with open(path, "rb") as source:
        return extractor(source, **options)


def load_mnist(train_dir="MNIST-data"):
    """Reads MNIST with the default options; see `read_data_sets`."""
    return read_data_sets(train_dir)
