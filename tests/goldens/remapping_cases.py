"""Vocabularies and matrices under new numbers, and tensors that come out of no input."""

import os
import tempfile

import numpy as np
from op_recording import Cases

case = Cases()
FOLDER = tempfile.mkdtemp()
VOCABULARIES = {"old": b"a\nb\nc\nd\n", "new": b"c\nx\na\nd\n", "twice": b"a\nb\na\n", "cut": b"c\nx\r\na",
                "hole": b"a\n\nb\n"}  # fmt: skip
MATRIX = np.arange(12, dtype="float32").reshape(4, 3)


def path(name, content=None):
    """The path of a file in the test's folder, written if `content` is given."""
    name = os.path.join(FOLDER, name)
    if content is not None:
        with open(name, "wb") as file:
            file.write(content)
    return name


for each, words in VOCABULARIES.items():
    path(each, words)

REMAPPINGS = {
    "plain": {},
    "none": dict(num_new_vocab=0),
    "negative": dict(num_new_vocab=-1),
    "negative_offset": dict(new_vocab_offset=-1),
    "offset": dict(new_vocab_offset=2, num_new_vocab=2),
    "too_many": dict(new_vocab_offset=2, num_new_vocab=3),
    "offset_too_large": dict(new_vocab_offset=5, num_new_vocab=0),
    "two_old": dict(old_vocab_size=2),
    "too_many_old": dict(old_vocab_size=9),
    "no_old": dict(old_vocab_size=0),
    "old_twice": dict(old_vocab_file=path("twice")),
    "new_twice": dict(new_vocab_file=path("twice"), num_new_vocab=3),
    "line_ends": dict(new_vocab_file=path("cut"), num_new_vocab=3),
    "old_hole": dict(old_vocab_file=path("hole")),
    "new_hole": dict(new_vocab_file=path("hole"), num_new_vocab=3),
    "no_new_file": dict(new_vocab_file=path("nothing")),
    "no_old_file": dict(old_vocab_file=path("nothing")),
    "no_name": dict(old_vocab_file=""),
    "vector": dict(old_vocab_file=["a", "b"]),
}


@case.each(kind=sorted(REMAPPINGS))
def vocabulary(tf, t, kind):
    arguments = dict(new_vocab_file=path("new"), old_vocab_file=path("old"), new_vocab_offset=0, num_new_vocab=4)
    arguments.update(REMAPPINGS[kind])
    t.out(*tf.raw_ops.GenerateVocabRemapping(**arguments))


def checkpoint(tf):
    """The prefix of a checkpoint."""
    with tf.Graph().as_default(), tf.Session() as session:
        tf.get_variable("matrix", initializer=MATRIX)
        tf.get_variable("vector", initializer=MATRIX[0])
        tf.get_variable("integers", initializer=MATRIX.astype("int32"))
        tf.get_variable("solid", initializer=MATRIX[None])
        parts = [tf.get_variable("part_%d" % i, initializer=MATRIX[i : i + 2]) for i in (0, 2)]
        for i, part in enumerate(parts):
            part._set_save_slice_info(tf.Variable.SaveSliceInfo("parted", [4, 3], [2 * i, 0], [2, 3]))
        session.run(tf.global_variables_initializer())
        return tf.train.Saver().save(session, path("model"), write_meta_graph=False)


def values(count):
    """So many values for what is not stored."""
    return [90.0 + i for i in range(count)]


LOADS = {
    "plain": {},
    "too_many_values": dict(initializing_values=values(7)),
    "too_few_values": dict(initializing_values=values(1)),
    "no_values": dict(initializing_values=values(0)),
    "columns_as_they_are": dict(col_remapping=[], num_cols=3, initializing_values=values(3)),
    "too_many_columns": dict(col_remapping=[], initializing_values=values(4)),
    "too_few_columns": dict(col_remapping=[], num_cols=2, initializing_values=values(2)),
    "row_twice": dict(row_remapping=[2, 2, -1]),
    "column_twice": dict(col_remapping=[1, 1, 2, 0], initializing_values=values(4)),
    "row_out_of_bounds": dict(row_remapping=[2, 9, -1]),
    "below_minus_one": dict(row_remapping=[2, -2, -1], initializing_values=values(9)),
    "no_rows_known": dict(row_remapping=[-1, -1, -1], initializing_values=values(12)),
    "wrong_row_count": dict(row_remapping=[2, 0]),
    "two_rows": dict(row_remapping=[2, 0], num_rows=2, initializing_values=values(2)),
    "wrong_column_count": dict(col_remapping=[2, 0]),
    "no_rows": dict(row_remapping=[], num_rows=0, initializing_values=[]),
    "unknown_tensor": dict(old_tensor_name="nothing"),
    "vector": dict(old_tensor_name="vector"),
    "integers": dict(old_tensor_name="integers"),
    "rank_three": dict(old_tensor_name="solid"),
    "parted": dict(old_tensor_name="parted"),
    "one_row_at_once": dict(max_rows_in_memory=1),
    "two_rows_at_once": dict(max_rows_in_memory=2),
    "one_row_at_once_in_another_order": dict(max_rows_in_memory=1, row_remapping=[3, -1, 0]),
    "no_checkpoint": dict(ckpt_path=path("nothing")),
    "negative_rows": dict(num_rows=-1),
    "no_columns": dict(num_cols=0),
}


@case.each(kind=sorted(LOADS))
def load(tf, t, kind):
    arguments = dict(old_tensor_name="matrix", row_remapping=[2, 0, -1], col_remapping=[1, -1, 2, 0], num_rows=3,
                     num_cols=4, initializing_values=values(6))  # fmt: skip
    arguments["ckpt_path"] = checkpoint(tf)
    arguments.update(LOADS[kind])
    t.out(tf.raw_ops.LoadAndRemapMatrix(**arguments))


@case.each(shape=[None, [None]])
def load_of_unknown_shape(tf, t, shape):
    rows = t.feed(np.array([2, 0, -1], "int64"), shape)
    arguments = dict(ckpt_path=checkpoint(tf), old_tensor_name="matrix", col_remapping=[], num_rows=3, num_cols=3)
    t.out(tf.raw_ops.LoadAndRemapMatrix(row_remapping=rows, initializing_values=values(3), **arguments))


# --- tensors that come out of no input ----------------------------------------------------------------------------

path("region", bytes(range(24)))


@case
def fact(tf, t):
    t.out(tf.raw_ops.Fact())


@case.each(dtype=["float32", "int32", "string"])
def fake_param(tf, t, dtype):
    for shape in ([2, None], None, [2, 3]):
        t.out(tf.shape(tf.raw_ops.FakeParam(dtype=tf.as_dtype(dtype), shape=shape)))


REGIONS = {"whole": ("float32", [2, 3]), "part": ("uint8", [3]), "too_large": ("int64", [2, 2]),
           "empty": ("float32", [0]), "unknown_rank": ("float32", None), "unknown_size": ("float32", [None]),
           "scalar": ("int16", []), "complex": ("complex64", [3])}  # fmt: skip


@case.each(kind=sorted(REGIONS))
def immutable(tf, t, kind):
    t.values_only()
    dtype, shape = REGIONS[kind]
    t.out(tf.raw_ops.ImmutableConst(dtype=tf.as_dtype(dtype), shape=shape, memory_region_name=path("region")))


@case
def immutable_without_file(tf, t):
    t.out(tf.raw_ops.ImmutableConst(dtype=tf.float32, shape=[2], memory_region_name=path("nothing")))
