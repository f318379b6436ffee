"""Records random.npz: what the random ops of TensorFlow 1.15.5 return in the first runs of a session.

A case is a dictionary: the op's name under "op", the number of runs, the threads within an op, and the op's inputs and
attributes. What each returned is stored whole where it is short, else every `step`-th element and a digest of all (see
`digest`). The file holds

- "cases": the list of cases, as JSON;
- "index": where to find "<case>/<run>/<output>" and "<case>/<run>/<output>/digest", as JSON: [type, offset, shape];
- for each type, one array with all elements of that type.
"""

import json
import multiprocessing
import os
import zlib

import numpy as np
import tensorflow as tf
from tensorflow.python.ops import (
    gen_candidate_sampling_ops,
    gen_random_ops,
    gen_stateful_random_ops,
    gen_stateless_random_ops,
)

HERE = os.path.dirname(os.path.abspath(__file__))
FLOATS = ["float16", "bfloat16", "float32", "float64"]
LARGE = [100003]  # enough for TensorFlow to split the op among its threads
STORED_WHOLE = 300
STORED_OF_LARGE = 60
INF = float("inf")

CASES = []


def add(op, **arguments):
    case = {"op": op, "runs": 2, "threads": 4}
    case.update(arguments)
    CASES.append(case)


def add_uniform_and_normal():
    seeds = [(3, 5), (0, 7), (7, 0), (-1, 2**40 + 3), (2**63 - 1, -(2**63))]
    for op in ("RandomUniform", "RandomStandardNormal", "TruncatedNormal"):
        for seed, seed2 in seeds:
            add(op, seed=seed, seed2=seed2, shape=[11], dtype="float32")
        for dtype in FLOATS:
            for shape in ([], [1], [3, 0], [5, 2, 13], LARGE):
                add(op, seed=87654321, seed2=42, shape=shape, dtype=dtype)
    limits = {"int32": (-(2**31), 2**31 - 1), "int64": (-(2**63), 2**63 - 1)}
    for dtype in ("int32", "int64"):
        for minval, maxval in [(0, 10), (-5, 3), (0, 1), limits[dtype]]:
            add("RandomUniformInt", seed=3, seed2=5, shape=[3, 7], minval=minval, maxval=maxval, dtype=dtype)
        add("RandomUniformInt", seed=3, seed2=5, shape=LARGE, minval=0, maxval=1000003, dtype=dtype)


def add_stateless_and_stateful():
    seeds = [[0, 0], [1, 2], [-1, 2**31 - 1], [2**40 + 1, -(2**63)]]
    for op in ("StatelessRandomUniform", "StatelessRandomNormal", "StatelessTruncatedNormal"):
        for seed in seeds:
            add(op, stateless_seed=seed, shape=[9], dtype="float32", runs=1)
        for dtype in ("float16", "float32", "float64"):
            add(op, stateless_seed=[5, 6], shape=[2, 11], dtype=dtype, runs=1)
    for dtype in ("int32", "int64"):
        arguments = {"shape": [13], "minval": -7, "maxval": 1000, "dtype": dtype, "runs": 1}
        add("StatelessRandomUniformInt", stateless_seed=[5, 6], **arguments)
    add("StatelessMultinomial", stateless_seed=[5, 6], logits=[[0.0, 1, 2], [3, 2, -1]], dtype="float32",
        num_samples=9, output_dtype="int64", runs=1, threads=1)  # fmt: skip

    state = [2**63 - 1, 17, -(2**62)]  # lower and upper half of the counter, key
    for dtype in ("float32", "float64"):
        for op in ("StatefulUniform", "StatefulStandardNormalV2", "StatefulTruncatedNormal"):
            add(op, state=state, shape=[2, 7], dtype=dtype)
    add("StatefulUniform", state=[-1, -1, 3], shape=[9], dtype="float32")  # the counter overflows
    add("StatefulTruncatedNormal", state=[-3, 5, 3], shape=[1300], dtype="float32")
    for dtype in ("int32", "int64"):
        add("StatefulUniformInt", state=state, shape=[7], minval=-3, maxval=11, dtype=dtype)
    for dtype in ("int32", "uint32", "int64", "uint64"):
        add("StatefulUniformFullInt", state=state, shape=[7], dtype=dtype)
    counts, probs = [5.0, 30, 0, 2000, 100, 50, 1000, 40], [0.1, 0.4, 0.5, 0.93, 0.0, 1.0, 0.03, 0.9]
    for dtype in ("float16", "float32", "float64", "int32", "int64"):
        add("StatefulRandomBinomial", state=state, shape=[8, 2, 3], counts=counts, probs=probs,
            input_dtype="float32", dtype=dtype)  # fmt: skip
    for input_dtype in ("float16", "float64"):
        add("StatefulRandomBinomial", state=state, shape=[8, 3], counts=counts, probs=probs,
            input_dtype=input_dtype, dtype="float32")  # fmt: skip
        add("StatefulRandomBinomial", state=state, shape=[8, 5], counts=77.0, probs=probs,
            input_dtype=input_dtype, dtype="float32")  # fmt: skip
        add("StatefulRandomBinomial", state=state, shape=[2, 130], counts=7.0, probs=0.25,
            input_dtype=input_dtype, dtype="float32")  # fmt: skip


def add_shuffles_and_draws():
    for shape in ([1], [2], [5], [300], [7, 3], [0], [4, 0], LARGE):
        add("RandomShuffle", seed=3, seed2=5, shape=shape)
    odd_logits = [[0.0, 1, 2, 3], [-1, -INF, 5, 2], [0, 0, 0, 0], [INF, 1, 1, 1], [float("nan"), 1, 2, -3], [-INF] * 4]
    for dtype in ("float16", "float32", "float64"):
        for output_dtype in ("int32", "int64"):
            add("Multinomial", seed=3, seed2=5, logits=odd_logits, dtype=dtype, num_samples=7,
                output_dtype=output_dtype, threads=1)  # fmt: skip
    logits = [[float(i % 7) for i in range(50)], [float(-i) / 9 for i in range(50)]]
    add("Multinomial", seed=3, seed2=5, logits=logits, dtype="float32", num_samples=3001,
        output_dtype="int64", threads=1)  # fmt: skip


def add_rejection():
    for dtype in ("float16", "float32", "float64"):
        add("RandomGamma", seed=3, seed2=5, shape=[2, 5], alpha=[0.01, 0.3, 1.0, 2.5, 30.0], dtype=dtype)
        add("RandomPoissonV2", seed=3, seed2=5, shape=[5], rate=[[0.0, 0.5, 5], [9.5, 10, 1000]],
            rate_dtype=dtype, dtype=dtype)  # fmt: skip
    add("RandomGamma", seed=3, seed2=5, shape=[50001], alpha=[0.7, 4.0], dtype="float32")
    for rate_dtype in ("int32", "int64"):
        add("RandomPoissonV2", seed=3, seed2=5, shape=[7], rate=[2, 40], rate_dtype=rate_dtype, dtype="int64")
    add("RandomPoissonV2", seed=3, seed2=5, shape=[50001], rate=[3.0, 33.0], rate_dtype="float32", dtype="int32")

    parameters = [
        (0.0, 1.0, -2.0, 2.0), (0.0, 1.0, -1.0, 1.0), (0.0, 1.0, 3.0, INF), (0.0, 1.0, -INF, -5.0),
        (5.0, 2.0, 0.0, 5.5), (0.0, 1.0, -0.5, 0.2), (0.0, 1.0, 3.0, 3.1), (0.0, 1.0, 0.0, 1.5),
    ]  # fmt: skip
    for dtype in ("float16", "float32", "float64"):
        for values in parameters:
            add(
                "ParameterizedTruncatedNormal",
                seed=3,
                seed2=5,
                shape=[13, 9],
                parameters=values,
                dtype=dtype,
                threads=1,
            )
    rows = ([0.0, 1, 2], [1.0, 2, 3], [-1.0, 4, -INF], [1.0, INF, 0])
    for values in (rows, ([0.0], [1.0], -1.0, 1.0), (0.0, 1.0, [-1.0], [1.0])):
        add(
            "ParameterizedTruncatedNormal",
            seed=3,
            seed2=5,
            shape=[3, 50],
            parameters=values,
            dtype="float32",
            threads=1,
        )


def add_candidate_samplers():
    samplers = ["Uniform", "LogUniform", "LearnedUnigram", "ThreadUnsafeUnigram"]
    for sampler in samplers:
        for range_max in (10, 16, 50000):
            for unique in (False, True):
                add(sampler + "CandidateSampler", seed=3, seed2=5, num_sampled=9, unique=unique, range_max=range_max)
    add("AllCandidateSampler", seed=3, seed2=5, num_sampled=10, unique=True)
    weights = [1.0 / (i + 1) for i in range(23)]
    tables = [
        {"range_max": 23}, {"range_max": 16, "unigrams": weights[:16], "distortion": 0.75},
        {"range_max": 25, "num_reserved_ids": 2, "distortion": 0.5},
        {"range_max": 9, "num_reserved_ids": 2, "num_shards": 3, "shard": 1},
        {"range_max": 7, "num_reserved_ids": 2, "num_shards": 3, "shard": 2, "unigrams": weights[:22]},
    ]  # fmt: skip
    for table in tables:
        for unique in (False, True):
            arguments = dict({"unigrams": weights, "num_sampled": 7, "unique": unique}, **table)
            add("FixedUnigramCandidateSampler", seed=3, seed2=5, **arguments)


TRUE_CLASSES = [[1, 2], [3, 4], [7, 7]]


def build(case):
    """Returns the outputs of a case's op in the current graph, and the op that initializes its state."""
    op, given = case["op"], {key: value for key, value in case.items() if key not in ("op", "runs", "threads")}
    none = tf.no_op()
    seeds = {key: given.pop(key) for key in ("seed", "seed2") if key in given}
    if op.endswith("CandidateSampler"):
        true = tf.constant(TRUE_CLASSES, tf.int64)
        return list(
            function(op, gen_candidate_sampling_ops)(true_classes=true, num_true=2, **dict(given, **seeds))
        ), none
    if op.startswith("Stateful"):
        state = tf.compat.v1.Variable(tf.constant(given.pop("state"), tf.int64), use_resource=True, dtype=tf.int64)
        out = function(op, gen_stateful_random_ops)(state.handle, 1, **tensors(op, given))
        if op == "StatefulRandomBinomial":
            # This op loses its update of a variable whose memory something else holds too, an initial value or a value
            # read: let another op give the variable memory of its own, and read nothing.
            with tf.control_dependencies([state.initializer]):
                return [out], gen_stateful_random_ops.stateful_uniform(state.handle, 1, [1]).op
        with tf.control_dependencies([out]):
            return [out, state.read_value()], state.initializer
    if op.startswith("Stateless"):
        seed = tf.constant(given.pop("stateless_seed"), tf.int64)
        return [function(op, gen_stateless_random_ops)(seed=seed, **tensors(op, given))], none
    return [function(op, gen_random_ops)(**dict(tensors(op, given), **seeds))], none


def function(op, module):
    name = "".join("_" + letter.lower() if letter.isupper() else letter for letter in op).lstrip("_")
    return getattr(module, name)


def tensors(op, given):
    """Returns the arguments with inputs whose type matters as tensors of that type."""
    given = dict(given)
    if op == "RandomShuffle":
        shape = given.pop("shape")
        return {"value": tf.reshape(tf.range(int(np.prod(shape))), shape)}
    if op.endswith("Multinomial"):
        given["logits"] = tf.constant(given["logits"], given.pop("dtype"))
    elif op == "RandomGamma":
        given["alpha"] = tf.constant(given["alpha"], given.pop("dtype"))
    elif op == "RandomPoissonV2":
        given["rate"] = tf.constant(given["rate"], given.pop("rate_dtype"))
    elif op == "StatefulRandomBinomial":
        dtype = given.pop("input_dtype")
        given.update({name: tf.constant(given[name], dtype) for name in ("counts", "probs")})
    elif op == "ParameterizedTruncatedNormal":
        dtype = given.pop("dtype")
        names = ("means", "stdevs", "minvals", "maxvals")
        values = given.pop("parameters")
        given.update({name: tf.constant(values[index], dtype) for index, name in enumerate(names)})
    elif "UniformInt" in op:
        dtype = given.pop("dtype")
        given.update({name: tf.constant(given[name], dtype) for name in ("minval", "maxval")})
    if not op.startswith("StatefulRandomBinomial") and "shape" in given:
        given["shape"] = tf.constant(given["shape"], tf.int32)
    return given


def digest(array):
    """Returns what stands for a long array: its length, its checksum, its sum and sum of squares."""
    wide = array.astype(np.float64)
    return np.array([array.size, zlib.crc32(array.tobytes()), wide.sum(), np.square(wide).sum()], np.float64)


def storable(array):
    return array.astype(np.float32) if array.dtype == tf.bfloat16.as_numpy_dtype else array


def record(numbers, threads):
    """Runs the cases of these numbers and returns what to store, by key."""
    stored = {}
    config = tf.compat.v1.ConfigProto(intra_op_parallelism_threads=threads)
    for number in numbers:
        case = CASES[number]
        with tf.Graph().as_default(), tf.compat.v1.Session(config=config) as session:
            outputs, initializer = build(case)
            session.run(initializer)
            for run in range(case["runs"]):
                for output, array in enumerate(map(storable, session.run(outputs))):
                    key = "%d/%d/%d" % (number, run, output)
                    if array.size > STORED_WHOLE:
                        stored[key + "/digest"] = digest(array)
                        array = array.reshape(-1)[:: array.size // STORED_OF_LARGE]
                    stored[key] = array
    return stored


def main():
    stored = {}
    for threads in sorted({case["threads"] for case in CASES}):
        # All sessions of a process share the threads that its first session asked for.
        numbers = [number for number, case in enumerate(CASES) if case["threads"] == threads]
        with multiprocessing.get_context("spawn").Pool(1) as process:
            stored.update(process.apply(record, (numbers, threads)))
    save(stored)


def save(stored):
    index, columns = {}, {}
    for key, array in stored.items():
        column = columns.setdefault(array.dtype.name, [])
        index[key] = [array.dtype.name, sum(part.size for part in column), list(array.shape)]
        column.append(array.reshape(-1))
    columns = {name: np.concatenate(parts) for name, parts in columns.items()}
    path = os.path.join(HERE, "random.npz")
    np.savez_compressed(path, cases=json.dumps(CASES), index=json.dumps(index), **columns)


for fill in (add_uniform_and_normal, add_stateless_and_stateful, add_shuffles_and_draws, add_rejection,
             add_candidate_samplers):  # fmt: skip
    fill()

if __name__ == "__main__":
    main()
