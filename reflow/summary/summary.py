"""tf.summary.scalar, histogram, image, audio, text, tensor_summary, merge: each makes a serialized Summary proto."""

import contextlib
import re

from google.protobuf import json_format
from tensorboard.compat.proto.summary_pb2 import SummaryMetadata

from reflow.graph import dtypes
from reflow.graph.build import call
from reflow.graph.collections import GraphKeys
from reflow.graph.context import name_scope
from reflow.graph.convert import convert_n_to_tensor, to_tensor
from reflow.graph.export import export
from reflow.graph.graph import get_default_graph
from reflow.platform import logging

_ILLEGAL = re.compile(r"[^-/\w\.]")


def _clean(name):
    """A legal name: characters that may not stand in one become underscores."""
    if name is None:
        return None
    cleaned = _ILLEGAL.sub("_", name).lstrip("/")
    if cleaned != name:
        logging.info("Summary name %s is illegal; using %s instead.", name, cleaned)
    return cleaned


@contextlib.contextmanager
def summary_scope(name, family=None, default_name=None, values=None):
    """Yield (tag, name scope): the tag is the scope, below the family if there is one."""
    name, family = _clean(name), _clean(family)
    base = name if family is None else f"{family}/{name}"
    with name_scope(base, default_name, values=values) as scope:
        tag = scope.rstrip("/")
        yield (tag if family is None else f"{family}/{tag}"), scope


def _collect(summary, collections, default=(GraphKeys.SUMMARIES,)):
    get_default_graph().add_to_collections(default if collections is None else collections, summary)
    return summary


@export("summary.scalar")
def scalar(name, tensor, collections=None, family=None):
    """A summary of one number.

    Args:
      name: the tag, below the current name scope.
      tensor: a real scalar.
      collections: the collections to add the summary to; [GraphKeys.SUMMARIES] if None.
      family: a prefix of the tag, which groups tags in TensorBoard.

    Returns:
      A string scalar, a serialized Summary.
    """
    with summary_scope(name, family, values=[tensor]) as (tag, scope):
        return _collect(call("ScalarSummary", tag, tensor, name=scope), collections)


@export("summary.histogram")
def histogram(name, values, collections=None, family=None):
    """A summary of the distribution of some numbers; arguments as `scalar`, `values` of any shape.

    Raises:
      InvalidArgumentError: when it runs, for NaN or infinity.
    """
    with summary_scope(name, family, "HistogramSummary", [values]) as (tag, scope):
        return _collect(call("HistogramSummary", tag, values, name=scope), collections)


@export("summary.image")
def image(name, tensor, max_outputs=3, collections=None, family=None):
    """A summary of images.

    Args:
      name: the tag.
      tensor: uint8 or float [batch, height, width, 1, 3 or 4]; floats are scaled to 0..255 image by image.
      max_outputs: how many of the batch to keep.
      collections, family: as for `scalar`.

    Returns:
      A string scalar, a serialized Summary.
    """
    with summary_scope(name, family, values=[tensor]) as (tag, scope):
        return _collect(call("ImageSummary", tag, tensor, name=scope, max_images=max_outputs), collections)


@export("summary.audio")
def audio(name, tensor, sample_rate, max_outputs=3, collections=None, family=None):
    """A summary of sounds.

    Args:
      name: the tag.
      tensor: float32 [batch, frames, channels] or [batch, frames], in -1..1.
      sample_rate: a float32 scalar, in hertz.
      max_outputs, collections, family: as for `image`.

    Returns:
      A string scalar, a serialized Summary.
    """
    with summary_scope(name, family, values=[tensor]) as (tag, scope):
        rate = to_tensor(sample_rate, dtypes.float32, name="sample_rate")
        summary = call("AudioSummaryV2", tag, tensor, rate, name=scope, max_outputs=max_outputs)
        return _collect(summary, collections)


@export("summary.text")
def text(name, tensor, collections=None):
    """A summary of text, shown as Markdown; a vector or matrix of strings becomes a table.

    Args:
      name: the tag.
      tensor: a string tensor.
      collections: as for `scalar`.

    Returns:
      A string scalar, a serialized Summary.

    Raises:
      ValueError: if the tensor holds no strings.
    """
    tensor = to_tensor(tensor)
    if tensor.dtype.base_dtype is not dtypes.string:
        raise ValueError(f"Expected tensor {tensor.name} to have dtype string, got {tensor.dtype}")
    metadata = SummaryMetadata(plugin_data=SummaryMetadata.PluginData(plugin_name="text"))
    return tensor_summary(name, tensor, summary_metadata=metadata, collections=collections)


@export("summary.tensor_summary")
def tensor_summary(name, tensor, summary_description=None, collections=None, summary_metadata=None, family=None,
                   display_name=None):  # fmt: skip
    """A summary that holds a tensor as it is.

    Args:
      name: the tag.
      tensor: a tensor of any type and shape.
      summary_description: a text or SummaryDescription proto.
      collections, family: as for `scalar`.
      summary_metadata: a SummaryMetadata proto; it names the TensorBoard plugin that shows the tensor.
      display_name: a name to show.

    Returns:
      A string scalar, a serialized Summary.
    """
    metadata = SummaryMetadata()
    if summary_metadata is not None:
        metadata.CopyFrom(summary_metadata)
    if display_name is not None:
        metadata.display_name = display_name
    if summary_description is not None:
        metadata.summary_description = (summary_description if isinstance(summary_description, str)
                                        else json_format.MessageToJson(summary_description))  # fmt: skip
    with summary_scope(name, family, values=[tensor]) as (tag, scope):
        serialized = metadata.SerializeToString()
        summary = call("TensorSummaryV2", tag, tensor, serialized, name=scope)
        return _collect(summary, collections)


@export("summary.merge")
def merge(inputs, collections=None, name=None):
    """One summary that holds the values of several.

    Args:
      inputs: a list of serialized summaries (string tensors).
      collections: as for `scalar`, with none as default.
      name: the node's name.

    Returns:
      A string scalar.

    Raises:
      InvalidArgumentError: when it runs, if two have one tag.
    """
    name = _clean(name)
    with name_scope(name, "Merge", inputs):
        merged = call("MergeSummary", convert_n_to_tensor(inputs), name=name)
        return _collect(merged, collections, default=())


@export("summary.merge_all")
def merge_all(key=GraphKeys.SUMMARIES, scope=None, name=None):
    """`merge` of all summaries in a collection of the default graph.

    Args:
      key: the collection.
      scope: a regex that names must match.
      name: the node's name.

    Returns:
      A string scalar, or None if there are no summaries.
    """
    summaries = get_default_graph().get_collection(key, scope=scope)
    return merge(summaries, name=name) if summaries else None


@export("summary.get_summary_description")
def get_summary_description(node_def):
    """The SummaryDescription of a TensorSummary node.

    Args:
      node_def: a NodeDef.

    Raises:
      ValueError: if the node is none.
    """
    if node_def.op != "TensorSummary":
        raise ValueError(f"Can't get_summary_description on {node_def.op}")
    from tensorboard.compat.proto.summary_pb2 import SummaryDescription

    description = SummaryDescription()
    json_format.Parse(node_def.attr["description"].s.decode(), description)
    return description
