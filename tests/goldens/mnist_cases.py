"""Uses of `read_data_sets` that are recorded from TensorFlow 1.15.5 and compared with Reflow's.

The files are tiny: 23 training and 7 test images of 3 by 2 pixels. Runs under Python 3.7 as well.
"""

import gzip
import hashlib
import os
import struct

import numpy as np

TRAIN, TEST, ROWS, COLUMNS = 23, 7, 3, 2


def write_files(folder):
    """Writes the four gzipped files of the tiny data set."""
    rng = np.random.RandomState(0)
    for prefix, count in [("train", TRAIN), ("t10k", TEST)]:
        images = rng.randint(0, 256, (count, ROWS, COLUMNS)).astype(np.uint8)
        labels = rng.randint(0, 10, count).astype(np.uint8)
        with gzip.open(os.path.join(folder, prefix + "-images-idx3-ubyte.gz"), "wb") as out:
            out.write(struct.pack(">4I", 2051, count, ROWS, COLUMNS) + images.tobytes())
        with gzip.open(os.path.join(folder, prefix + "-labels-idx1-ubyte.gz"), "wb") as out:
            out.write(struct.pack(">2I", 2049, count) + labels.tobytes())


def _digest(array):
    array = np.ascontiguousarray(array)
    return [str(array.dtype), list(array.shape), hashlib.sha256(array.tobytes()).hexdigest()]


def _batches(data, sizes, **options):
    return [[_digest(array) for array in data.next_batch(size, **options)] for size in sizes]


def outcomes(read_data_sets, set_random_seed, reset_default_graph, uint8, folder):
    """Digests of whole sets and of batches, for several options and seeds."""
    results = []
    for options in [
        {"seed": 3, "validation_size": 5},
        {"seed": 3, "validation_size": 5, "one_hot": True},
        {"seed": 0, "validation_size": 0, "dtype": uint8, "reshape": False},
    ]:
        for graph_seed in [None, 11]:
            reset_default_graph()
            if graph_seed is not None:
                set_random_seed(graph_seed)
            data = read_data_sets(folder, **options)
            whole = [[_digest(part.images), _digest(part.labels), part.num_examples] for part in data]
            batches = _batches(data.train, [4, 10, 4, 4, 1, 18])
            in_order = _batches(data.test, [2, 3, 5, 3], shuffle=False)
            results.append([whole, batches, data.train.epochs_completed, in_order])
    fake = read_data_sets(folder, fake_data=True, one_hot=True)
    images, labels = fake.train.next_batch(2, fake_data=True)
    results.append([fake.test.num_examples, len(images), len(images[0]), labels])
    return results
