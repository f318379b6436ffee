"""Print, print_v2 and StringFormat: values shown while a graph runs."""

import logging
import os
import pprint
import random
import sys

import numpy as np

from reflow.graph import dtypes
from reflow.graph.build import call
from reflow.graph.export import export
from reflow.graph.nest import flatten, map_structure, pack_sequence_as
from reflow.graph.registry import define_op, gradient
from reflow.graph.sparse_tensor import SparseTensor
from reflow.ops.control import is_tensor
from reflow.ops.shape_rules import no_outputs, unchanged_shape
from reflow.ops.value_text import framed_text, plain_text
from reflow.platform import logging as tf_logging

# --- Print --------------------------------------------------------------------------------------------------------


class _Counter:
    """How often a Print node has printed."""

    def __init__(self):
        self.count = 0


def _counter(resources, node_name, attrs):
    return resources.get_or_create("print", b"", node_name, _Counter)


def _print(counter, input, data, message, first_n, summarize):
    if first_n < 0 or counter.count < first_n:
        counter.count += 1
        shown = "".join(f"[{plain_text(value, summarize)}]" for value in data)
        sys.stderr.write(f"{message.decode(errors='replace')}{shown}\n")
    return input


define_op(
    "Print", "input: T, data: list:U -> output: T",
    'T: type, U: list(type), message: string = "", first_n: int = -1, summarize: int = 3',
    shape=unchanged_shape, kernel=_print, resource=_counter, is_stateful=True, aliases=(0,),
)  # fmt: skip


@gradient("Print")
def _print_gradient(op, grad):
    return [grad] + [None] * (len(op._inputs) - 1)


@export("Print")
def Print(input_, data, message=None, first_n=None, summarize=None, name=None):
    """A tensor that, whenever it is computed, writes other tensors to standard error.

    Args:
      input_: the tensor to pass on.
      data: a list of tensors to write.
      message: a string to write before them.
      first_n: write only the first so many times; always if None.
      summarize: how many elements of each tensor, 3 if None; all if negative.
      name: the node's name.

    Returns:
      A Tensor like `input_`.
    """
    attrs = {"message": message, "first_n": first_n, "summarize": summarize}
    return call("Print", input_, data, name=name, **{k: v for k, v in attrs.items() if v is not None})


# --- StringFormat -------------------------------------------------------------------------------------------------


def _string_format(inputs, template, placeholder, summarize):
    parts = template.split(placeholder) if placeholder else [template]
    if len(parts) - 1 != len(inputs):
        raise ValueError(f"num placeholders in template and num inputs must match: {len(parts) - 1} vs. {len(inputs)}")
    texts = [framed_text(value, summarize).encode() for value in inputs]
    text = parts[0] + b"".join(t + part for t, part in zip(texts, parts[1:], strict=True))
    return np.array(text, object)


def _string_format_shape(op):
    template, placeholder = op.attrs["template"], op.attrs["placeholder"]
    count = template.count(placeholder) if placeholder else 0
    if count != len(op._inputs):
        raise ValueError(f"num placeholders in template and num inputs must match: {count} vs. {len(op._inputs)}")
    return [()]


define_op(
    "StringFormat", "inputs: list:T -> output: string",
    "T: list(type) >= 0, template: string = %s, placeholder: string = %s, summarize: int = 3",
    shape=_string_format_shape, kernel=_string_format,
)  # fmt: skip


@export("strings.format")
def string_format(template, inputs, placeholder="{}", summarize=3, name=None):
    """A string with tensors put into a template.

    Args:
      template: a string with a placeholder for each tensor.
      inputs: a tensor or a list of tensors.
      placeholder: what stands for a tensor in `template`.
      summarize: how many elements to show at both ends of each axis; all if negative.
      name: the node's name.

    Returns:
      A string scalar.

    Raises:
      ValueError: if the numbers of placeholders and tensors differ.
    """
    inputs = inputs if isinstance(inputs, (list, tuple)) else [inputs]
    if template.count(placeholder) != len(inputs):
        raise ValueError(f"{template.count(placeholder)} placeholder(s) in template does not match {len(inputs)} "
                         "tensor(s) provided as input")  # fmt: skip
    return call("StringFormat", list(inputs), template=template, placeholder=placeholder, summarize=summarize,
                name=name)  # fmt: skip


# --- print_v2 -----------------------------------------------------------------------------------------------------

_LOG_LEVELS = {b"log(info)": tf_logging.info, b"log(warning)": tf_logging.warning, b"log(error)": tf_logging.error}


def _print_v2(input, output_stream, end):
    text = input.item()
    if output_stream in _LOG_LEVELS:
        _LOG_LEVELS[output_stream]("%s", text.decode(errors="replace"))
    elif output_stream.startswith(b"file://"):
        with open(output_stream[7:].decode(), "ab") as file:
            file.write(text + end)
    else:
        stream = sys.stdout if output_stream == b"stdout" else sys.stderr
        stream.write((text + end).decode(errors="replace"))
        stream.flush()


define_op(
    "PrintV2", "input: string ->", 'output_stream: string = stderr, end: string = "\n"',
    shape=no_outputs, kernel=_print_v2, is_stateful=True,
)  # fmt: skip


def _stream_name(stream):
    """The attribute of PrintV2 for what a program names as `output_stream`."""
    if isinstance(stream, str) and stream.startswith("file://"):
        return stream
    if stream is sys.stdout or stream is sys.stderr:
        return "stdout" if stream is sys.stdout else "stderr"
    levels = {
        "log(info)": (tf_logging.INFO, tf_logging.info, logging.info),
        "log(warning)": (tf_logging.WARN, tf_logging.warning, tf_logging.warn, logging.warning),
        "log(error)": (tf_logging.ERROR, tf_logging.error, logging.error),
    }
    for name, values in levels.items():
        if any(stream is value or stream == value for value in values):
            return name
    raise ValueError(f"Unsupported output stream, logging level, or file.{stream}. Supported streams are sys.stdout, "
                     "sys.stderr, tf.logging.info, tf.logging.warning, tf.logging.error. File needs to be in the form "
                     "of 'file://<filepath>'.")  # fmt: skip


@export("print", "python.ops.logging_ops.print_v2")
def print_v2(*inputs, **kwargs):
    """An operation that writes values and tensors when it runs, as Python's `print` does.

    Args:
      *inputs: Python values, tensors, and structures of both.
      **kwargs: `output_stream` (sys.stderr; also sys.stdout, tf.logging.info, .warning, .error, or "file://<path>"),
        `summarize` (how many elements to show at both ends of each axis, 3; all if -1), `sep` (" "), `end` (a new
        line), `name`.

    Returns:
      The Operation.

    Raises:
      ValueError: for another keyword or an unknown stream.
    """
    stream = kwargs.pop("output_stream", sys.stderr)
    name = kwargs.pop("name", None)
    summarize = kwargs.pop("summarize", 3)
    separator = kwargs.pop("sep", " ")
    end = kwargs.pop("end", os.linesep)
    if kwargs:
        raise ValueError(f"Unrecognized keyword arguments for tf.print: {kwargs}")
    stream = _stream_name(stream)
    text = inputs[0] if _is_string_scalar(inputs) else _formatted(inputs, separator, summarize, name)
    return call("PrintV2", text, output_stream=stream, end=end, name=name)


def _is_string_scalar(inputs):
    return (len(inputs) == 1 and is_tensor(inputs[0]) and not isinstance(inputs[0], SparseTensor)
            and inputs[0].shape.ndims == 0 and inputs[0].dtype.base_dtype is dtypes.string)  # fmt: skip


def _formatted(inputs, separator, summarize, name):
    without_tensors = map_structure(lambda x: "" if is_tensor(x) else x, inputs)
    placeholder = _placeholder_not_in(" ".join(pprint.pformat(x) for x in without_tensors))
    tensors: list = []
    templates = [_template(each, placeholder, tensors) for each in inputs]
    template = separator.join(templates).replace(f"'{placeholder}'", placeholder)
    return string_format(template, tensors, placeholder, summarize, f"{name}_format" if name else None)


def _placeholder_not_in(text):
    placeholder, numbers = "{}", random.Random(5)
    while placeholder in text:
        placeholder += str(numbers.randint(0, 9))
    return placeholder


def _template(structure, placeholder, tensors):
    """The text of a structure with placeholders for its tensors, which are appended to `tensors`."""
    if isinstance(structure, str):
        return structure
    shown = []
    for leaf in flatten(structure):
        if isinstance(leaf, SparseTensor):
            tensors.extend([leaf.indices, leaf.values, leaf.dense_shape])
            shown.append(f"SparseTensor(indices={placeholder}, values={placeholder}, shape={placeholder})")
        elif is_tensor(leaf):
            tensors.append(leaf)
            shown.append(placeholder)
        else:
            shown.append(leaf)
    return pprint.pformat(pack_sequence_as(structure, shown))


