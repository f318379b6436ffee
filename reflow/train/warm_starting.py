"""Warm starts: a model's variables begin with those of an earlier model, also where the vocabulary has changed."""

from collections import namedtuple

from reflow.files.checkpoint_state import latest_checkpoint
from reflow.graph.collections import GraphKeys
from reflow.graph.convert import to_tensor
from reflow.graph.export import export
from reflow.graph.graph import get_default_graph
from reflow.ops.state import assign
from reflow.platform import logging
from reflow.platform.gfile import IsDirectory
from reflow.train.checkpoint_initializers import init_from_checkpoint, is_variable
from reflow.train.remapped_matrix import remapped_matrix_initializer
from reflow.train.saveable import by_checkpoint_name
from reflow.variables.partition_info import PartitionInfo


@export("train.VocabInfo", "estimator.VocabInfo")
class VocabInfo(namedtuple("VocabInfo", ["new_vocab", "new_vocab_size", "num_oov_buckets", "old_vocab",
                                         "old_vocab_size", "backup_initializer", "axis"])):  # fmt: skip
    """How the vocabulary of a variable has changed, for `tf.train.warm_start`.

    Args:
      new_vocab: path of the new vocabulary, a text file with an entry a line.
      new_vocab_size: how many of its entries are used.
      num_oov_buckets: how many rows (or columns) follow for words that are in no vocabulary.
      old_vocab: path of the vocabulary of the checkpoint.
      old_vocab_size: how many of its entries were used; -1 for all.
      backup_initializer: the initializer of what the checkpoint does not have; zeros if None.
      axis: 0 if the rows of the variable belong to the vocabulary, 1 if the columns do.

    Raises:
      ValueError: for another axis.
    """

    __slots__ = ()

    def __new__(cls, new_vocab, new_vocab_size, num_oov_buckets, old_vocab, old_vocab_size=-1, backup_initializer=None,
                axis=0):  # fmt: skip
        if axis not in (0, 1):
            raise ValueError(f"The only supported values for the axis argument are 0 and 1.  Provided axis: {axis}")
        return super().__new__(cls, new_vocab, new_vocab_size, num_oov_buckets, old_vocab, old_vocab_size,
                               backup_initializer, axis)  # fmt: skip


@export("train.warm_start")
def warm_start(ckpt_to_initialize_from, vars_to_warm_start=".*", var_name_to_vocab_info=None,
               var_name_to_prev_var_name=None):  # fmt: skip
    """Replace the initializers of variables by ones that read an earlier model's checkpoint.

    Args:
      ckpt_to_initialize_from: a checkpoint, or a folder, whose latest one it is.
      vars_to_warm_start: a regular expression that trainable variables match from the start; a list of such, for all
        global variables; a list of variables; or None for those of `var_name_to_vocab_info` only.
      var_name_to_vocab_info: a dict from a variable's name to a VocabInfo.
      var_name_to_prev_var_name: a dict from a variable's name to its name in the checkpoint, where they differ.

    Raises:
      ValueError: if a name in one of the dicts is that of no variable to warm-start, or as `init_from_checkpoint` does.
    """
    logging.info("Warm-starting from: %s", ckpt_to_initialize_from)
    variables = _grouped(vars_to_warm_start)
    vocabularies = var_name_to_vocab_info or {}
    old_names = var_name_to_prev_var_name or {}
    plain = {}
    for name, parts in variables.items():
        old_name = old_names.get(name) or name
        if name in vocabularies:
            _start_with_vocabulary(parts, ckpt_to_initialize_from, old_name, vocabularies[name])
        elif vars_to_warm_start:
            plain[old_name] = parts[0] if len(parts) == 1 else parts
    init_from_checkpoint(ckpt_to_initialize_from, plain)
    logging.info("Warm-started %d variables.", len(plain) + len(vocabularies.keys() & variables.keys()))
    for argument, names in (("prev_var_name", old_names), ("vocab_info", vocabularies)):
        unused = set(names) - set(variables)
        if unused:
            raise ValueError(f"You provided the following variables in var_name_to_{argument} that were not used: "
                             f"{unused}.  Perhaps you misspelled them?  Here is the list of viable variable names: "
                             f"{list(variables)}")  # fmt: skip


def _grouped(wanted) -> dict:
    """A dict from a variable's name in a checkpoint to the list of its slices, or of itself alone."""
    graph = get_default_graph()
    if wanted is None or isinstance(wanted, str):
        logging.info("Warm-starting variables only in TRAINABLE_VARIABLES.")
        found = graph.get_collection(GraphKeys.TRAINABLE_VARIABLES, wanted)
    elif not isinstance(wanted, list):
        raise ValueError(f"`vars_to_warm_start must be a `list` or `str`.  Given type is {type(wanted)}")
    elif all(isinstance(item, str) for item in wanted):
        found = [v for scope in wanted for v in graph.get_collection(GraphKeys.GLOBAL_VARIABLES, scope)]
    elif all(is_variable(item) for item in wanted):
        found = wanted
    else:
        raise ValueError("If `vars_to_warm_start` is a list, it must be all `Variable` or all `str`.  Given types are "
                         f"{[type(item) for item in wanted]}")  # fmt: skip
    groups: dict = {}
    for variable in found:
        (name,) = by_checkpoint_name([variable])
        groups.setdefault(name, []).append(variable)
    return groups


def _start_with_vocabulary(parts, checkpoint, old_name, vocabulary):
    """Let a matrix begin with the rows (columns) of the entries that the old vocabulary has, in the new order."""
    path = latest_checkpoint(checkpoint) if IsDirectory(checkpoint) else checkpoint
    count = sum(part.shape.as_list()[0] for part in parts)
    for part in parts:
        shape = part.shape.as_list()
        info = part._get_save_slice_info()
        if vocabulary.axis == 0:
            axis = {"rows": vocabulary.new_vocab_size, "columns": shape[1], "row_files": _files(vocabulary),
                    "old_rows": vocabulary.old_vocab_size, "extra_rows": vocabulary.num_oov_buckets}  # fmt: skip
        else:
            axis = {"rows": count, "columns": vocabulary.new_vocab_size, "column_files": _files(vocabulary),
                    "extra_columns": vocabulary.num_oov_buckets}  # fmt: skip
        initializer = remapped_matrix_initializer(path, old_name, backup=vocabulary.backup_initializer, **axis)
        place = PartitionInfo(info.full_shape, info.var_offset) if info else None
        part._initializer_op = assign(part, to_tensor(initializer(shape, partition_info=place))).op


def _files(vocabulary):
    return vocabulary.old_vocab, vocabulary.new_vocab
