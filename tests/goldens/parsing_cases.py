"""Example and SequenceExample messages parsed."""

import numpy as np
from op_recording import Cases

case = Cases()


def feed(t, values, *shape):
    return t.feed(np.array(values, object), shape[0] if shape else "static", t.tf.string)


def feature(tf, values):
    """The Feature of a list; of None one without a list, of "float" and "bytes" an empty list of that type."""
    if values is None:
        return tf.train.Feature()
    if values == "bytes":
        return tf.train.Feature(bytes_list=tf.train.BytesList())
    if values == "float":
        return tf.train.Feature(float_list=tf.train.FloatList())
    if any(isinstance(v, bytes) for v in values):
        return tf.train.Feature(bytes_list=tf.train.BytesList(value=values))
    if any(isinstance(v, float) for v in values):
        return tf.train.Feature(float_list=tf.train.FloatList(value=values))
    return tf.train.Feature(int64_list=tf.train.Int64List(value=values))


def features(tf, values):
    return tf.train.Features(feature={key: feature(tf, v) for key, v in values.items()})


def example(tf, **values):
    return tf.train.Example(features=features(tf, values)).SerializeToString()


def sequence(tf, context, **lists):
    each = {key: tf.train.FeatureList(feature=[feature(tf, v) for v in steps]) for key, steps in lists.items()}
    feature_lists = tf.train.FeatureLists(feature_list=each)
    return tf.train.SequenceExample(context=features(tf, context), feature_lists=feature_lists).SerializeToString()


def out(tf, t, *dicts):
    for tensors in dicts:
        for key in sorted(tensors):
            value = tensors[key]
            if isinstance(value, tf.SparseTensor):
                t.out(value.indices, value.values, value.dense_shape)
            else:
                t.out(value)


def examples(tf):
    return [
        example(tf, i=[1, 2], f=[0.5, 1.5, 2.5], s=[b"a"], n=[7], m=[1, 2, 3, 4], x=[3, 1], v=[0.5, 0.25]),
        example(tf, i=[3, 4], f=[-1.0], s=[b"b", b"c"], q=[1, 2], x=[0], v=[1.0]),
        example(tf, i=[5, 6], n=None, m=[5, 6], x=[], v="float"),
    ]


def all_features(tf):
    return {
        "i": tf.FixedLenFeature([2], tf.int64),
        "n": tf.FixedLenFeature([], tf.int64, default_value=-1),
        "f": tf.VarLenFeature(tf.float32),
        "s": tf.VarLenFeature(tf.string),
        "none": tf.VarLenFeature(tf.int64),
        "q": tf.FixedLenFeature([2, 1], tf.int64, default_value=[[8], [9]]),
        "m": tf.FixedLenSequenceFeature([2], tf.int64, allow_missing=True),
        "p q": tf.FixedLenSequenceFeature([], tf.string, allow_missing=True, default_value="pad"),
        "t y": tf.FixedLenFeature([1], tf.string, default_value="there"),
    }


@case
def parse_example(tf, t):
    out(tf, t, tf.parse_example(feed(t, examples(tf)), all_features(tf)))
    out(
        tf,
        t,
        tf.io.parse_example(
            feed(t, examples(tf)[:2], [None]), all_features(tf), name="named", example_names=["a", "b"]
        ),
    )


@case
def parse_no_examples(tf, t):
    out(tf, t, tf.parse_example(feed(t, np.zeros([0], object)), all_features(tf)))


@case.each(which=[0, 1, 2])
def parse_single_example(tf, t, which):
    out(tf, t, tf.parse_single_example(feed(t, examples(tf)[which]), all_features(tf)))
    out(tf, t, tf.io.parse_single_example(feed(t, examples(tf)[which], None), all_features(tf), name="named"))


@case
def parse_single_example_with_name(tf, t):
    out(tf, t, tf.parse_single_example(feed(t, examples(tf)[0]), all_features(tf), example_names="first"))
    out(tf, t, tf.parse_single_example(feed(t, examples(tf)[1]), all_features(tf), "n", example_names=feed(t, "x")))


@case
def sparse_feature(tf, t):
    both = {"sp": tf.SparseFeature("x", "v", tf.float32, 5), "s": tf.VarLenFeature(tf.string)}
    parsed = tf.parse_example(feed(t, examples(tf)), both)
    single = tf.parse_single_example(feed(t, examples(tf)[0]), {"sp": tf.SparseFeature("x", "v", tf.float32, 5, True)})
    out(tf, t, parsed, single)


@case
def sparse_feature_of_two_dimensions(tf, t):
    wanted = {"sp": tf.SparseFeature(["x", "y"], "v", tf.float32, [5, 3])}
    out(tf, t, tf.parse_example(feed(t, [example(tf, x=[4, 0], y=[1, 2], v=[1.0, 2.0])]), wanted))


@case
def empty_values(tf, t):
    wanted = {"a": tf.FixedLenFeature([0], tf.int64, []), "b": tf.VarLenFeature(tf.int64)}
    out(tf, t, tf.parse_example(feed(t, [example(tf, a=[], b=[])]), wanted))


WRONG_EXAMPLES = {
    "missing": dict(),
    "kind": dict(i=[1.0, 2.0]),
    "few": dict(i=[1]),
    "many": dict(i=[1, 2, 3]),
    "empty": dict(i=[]),
    "unset": dict(i=None),
    "sparse_kind": dict(i=[1, 2], f=[3]),
    "ragged_count": dict(i=[1, 2], m=[1, 2, 3]),
    "ragged_kind": dict(i=[1, 2], m=[1.5, 2.0]),
}


@case.each(which=sorted(WRONG_EXAMPLES))
def wrong_example(tf, t, which):
    text = example(tf, **WRONG_EXAMPLES[which])
    out(tf, t, tf.parse_example(feed(t, [text]), all_features(tf)))


@case.each(which=sorted(WRONG_EXAMPLES))
def wrong_single_example(tf, t, which):
    text = example(tf, **WRONG_EXAMPLES[which])
    out(tf, t, tf.parse_single_example(feed(t, text), all_features(tf)))


# TensorFlow 1.15 takes some malformed examples for empty ones, and crashes on others.
MALFORMED = [b"\x0a", b"\x0a\x05abc", b"\x0a\x00"]
MALFORMED_SEQUENCES = MALFORMED + [b"junk", b"\x0a\x02\x0a\x00", b"\x12\x01a"]


@case.each(text=MALFORMED)
def malformed(tf, t, text):
    out(tf, t, tf.parse_example(feed(t, [text]), {"a": tf.VarLenFeature(tf.int64)}))


@case.each(text=MALFORMED)
def malformed_single(tf, t, text):
    out(tf, t, tf.parse_single_example(feed(t, text), {"a": tf.VarLenFeature(tf.int64)}))


@case.each(text=MALFORMED_SEQUENCES)
def malformed_sequence(tf, t, text):
    out(tf, t, *tf.io.parse_single_sequence_example(feed(t, text), {"a": tf.VarLenFeature(tf.int64)}))


WRONG_FEATURES = {
    "none": lambda tf: {},
    "class": lambda tf: {"a": 5},
    "type": lambda tf: {"a": tf.VarLenFeature(None)},
    "shape": lambda tf: {"a": tf.FixedLenFeature(None, tf.int64)},
    "unknown": lambda tf: {"a": tf.FixedLenFeature([2, None], tf.int64)},
    "first": lambda tf: {"a": tf.FixedLenFeature([None], tf.int64)},
    "not_missing": lambda tf: {"a": tf.FixedLenSequenceFeature([], tf.int64)},
    "int32": lambda tf: {"a": tf.VarLenFeature(tf.int32)},
    "default": lambda tf: {"a": tf.FixedLenFeature([2], tf.int64, [1, 2, 3])},
    "padding": lambda tf: {"a": tf.FixedLenSequenceFeature([], tf.int64, True, [1, 2])},
    "index": lambda tf: {"a": tf.SparseFeature("", "v", tf.int64, 5)},
    "value": lambda tf: {"a": tf.SparseFeature("i", "", tf.int64, 5)},
    "conflict": lambda tf: {"i": tf.VarLenFeature(tf.float32), "z": tf.SparseFeature("i", "v", tf.int64, 5)},
    "both": lambda tf: {"i": tf.FixedLenFeature([], tf.int64), "z": tf.SparseFeature("i", "v", tf.int64, 5)},
}


@case.each(which=sorted(WRONG_FEATURES))
def wrong_features(tf, t, which):
    tf.parse_example(feed(t, [b""]), WRONG_FEATURES[which](tf))


@case.each(which=sorted(WRONG_FEATURES))
def wrong_features_of_single(tf, t, which):
    tf.parse_single_example(feed(t, b""), WRONG_FEATURES[which](tf))


@case
def wrong_ranks(tf, t):
    tf.parse_example(feed(t, b""), {"a": tf.VarLenFeature(tf.int64)})


@case
def wrong_rank_of_single(tf, t):
    tf.parse_single_example(feed(t, [b""]), {"a": tf.VarLenFeature(tf.int64)})


# --- sequences


def sequences(tf):
    return [
        sequence(tf, dict(i=[1], s=[b"a", b"b"]), d=[[1, 2], [3, 4]], r=[[b"x"], "bytes", [b"y", b"z"]]),
        sequence(tf, dict(i=[2], n=[5]), d=[[5, 6]], o=[[0.5]]),
        sequence(tf, dict(i=[3]), d=[], r=["bytes"]),
    ]


def sequence_features(tf):
    context = {
        "i": tf.FixedLenFeature([], tf.int64),
        "s": tf.VarLenFeature(tf.string),
        "n": tf.FixedLenFeature([1], tf.int64, [4]),
    }
    lists = {
        "d": tf.FixedLenSequenceFeature([2], tf.int64),
        "r": tf.VarLenFeature(tf.string),
        "o": tf.FixedLenSequenceFeature([], tf.float32, allow_missing=True),
    }
    return context, lists


@case
def parse_sequence_example(tf, t):
    out(tf, t, *tf.io.parse_sequence_example(feed(t, sequences(tf)), *sequence_features(tf)))
    names = ["a", "b", "c"]
    out(
        tf,
        t,
        *tf.io.parse_sequence_example(
            feed(t, sequences(tf), [None]), *sequence_features(tf), example_names=names, name="n"
        ),
    )


@case
def parse_part_of_sequence(tf, t):
    context, lists = sequence_features(tf)
    out(tf, t, *tf.io.parse_sequence_example(feed(t, sequences(tf)), context_features=context))
    out(tf, t, *tf.io.parse_sequence_example(feed(t, sequences(tf)), sequence_features=lists))
    out(tf, t, *tf.parse_single_sequence_example(feed(t, sequences(tf)[0]), context_features=context))
    out(tf, t, *tf.parse_single_sequence_example(feed(t, sequences(tf)[0]), sequence_features=lists))


@case.each(which=[0, 1, 2])
def parse_single_sequence_example(tf, t, which):
    text = sequences(tf)[which]
    out(tf, t, *tf.parse_single_sequence_example(feed(t, text), *sequence_features(tf)))
    out(
        tf,
        t,
        *tf.io.parse_single_sequence_example(feed(t, text, None), *sequence_features(tf), example_name="e", name="n"),
    )


WRONG_SEQUENCES = {
    "context": (dict(), dict(d=[])),
    "list": (dict(i=[1]), dict()),
    "kind": (dict(i=[1]), dict(d=[[1.0, 2.0]])),
    "count": (dict(i=[1]), dict(d=[[1, 2], [3]])),
    "sparse_kind": (dict(i=[1]), dict(d=[], r=[[1]])),
    "context_kind": (dict(i=[1.0]), dict(d=[])),
    "unset": (dict(i=[1]), dict(d=[[1, 2], None])),
}


@case.each(which=sorted(WRONG_SEQUENCES))
def wrong_sequence(tf, t, which):
    context, lists = WRONG_SEQUENCES[which]
    out(tf, t, *tf.io.parse_sequence_example(feed(t, [sequence(tf, context, **lists)]), *sequence_features(tf)))


@case.each(which=sorted(WRONG_SEQUENCES))
def wrong_single_sequence(tf, t, which):
    context, lists = WRONG_SEQUENCES[which]
    out(tf, t, *tf.parse_single_sequence_example(feed(t, sequence(tf, context, **lists)), *sequence_features(tf)))


@case
def sequence_without_features(tf, t):
    tf.parse_single_sequence_example(feed(t, b""))


@case
def sequence_with_default(tf, t):
    tf.parse_single_sequence_example(feed(t, b""), None, {"a": tf.FixedLenSequenceFeature([], tf.int64, True, 5)})
