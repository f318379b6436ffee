"""Summaries that ops write to the thread's default writer."""

from reflow.graph import dtypes
from reflow.graph.build import call
from reflow.graph.context import control_dependencies, device, get_default_graph, name_scope
from reflow.graph.convert import to_tensor
from reflow.graph.export import export
from reflow.graph.graph import Graph
from reflow.graph.operation import Tensor
from reflow.layers.smart_cond import smart_cond
from reflow.ops.constant import constant
from reflow.ops.identity import identity
from reflow.summary.recording import current, should_record_summaries
from reflow.summary.summary import summary_scope
from reflow.train.training_util import get_or_create_global_step

_OPERATIONS = "_SUMMARY_V2"


@export("contrib.summary.all_summary_ops", "summary.all_v2_summary_ops")
def all_summary_ops():
    """The operations of the default graph that write summaries, a list; graphs and imported events not among them."""
    return get_default_graph().get_collection(_OPERATIONS)


def _step(step):
    if step is None:
        return get_or_create_global_step()
    return step if isinstance(step, Tensor) else to_tensor(step, dtypes.int64)


def _write(name, tensor, family, write):
    """A bool scalar which is true after the summary was written, or false if none is to be recorded.

    Args:
      name, family: of the summary.
      tensor: what it shows.
      write: adds the operation, given the writer's resource, the summary's tag and the operation's name.
    """
    writer = current.writer
    if writer is None:
        return call("NoOp")
    outer = get_default_graph().get_name_scope()

    def record():
        with name_scope(f"{outer}/" if outer else ""), summary_scope(name, family, values=[tensor]) as (tag, scope):
            written = write(writer._resource, tag, scope)
            with control_dependencies([written]):
                return constant(True)

    with device("cpu:0"):
        condition = should_record_summaries()
        known = not isinstance(current.condition, Tensor)
        operation = smart_cond(bool(current.condition) if known else condition, record, lambda: constant(False),
                               name="")  # fmt: skip
        get_default_graph().add_to_collection(_OPERATIONS, operation)
    return operation


@export("contrib.summary.scalar")
def scalar(name, tensor, family=None, step=None):
    """Writes a number, if there is a default writer.

    Args:
      name: of the summary.
      tensor: a scalar of a real type.
      family: a name in front of the summary's.
      step: int64 scalar; the global step if None.

    Returns:
      A bool scalar: whether it was written.
    """
    return _write(name, tensor, family, lambda writer, tag, scope: call(
        "WriteScalarSummary", writer, _step(step), tag, identity(tensor), name=scope))  # fmt: skip


@export("contrib.summary.histogram")
def histogram(name, tensor, family=None, step=None):
    """Writes how the elements of a tensor are distributed, if there is a default writer.

    Args:
      name: of the summary.
      tensor: a tensor of a real type.
      family: a name in front of the summary's.
      step: int64 scalar; the global step if None.

    Returns:
      A bool scalar: whether it was written.
    """
    return _write(name, tensor, family, lambda writer, tag, scope: call(
        "WriteHistogramSummary", writer, _step(step), tag, identity(tensor), name=scope))  # fmt: skip


@export("contrib.summary.image")
def image(name, tensor, bad_color=None, max_images=3, family=None, step=None):
    """Writes images, if there is a default writer.

    Args:
      name: of the summary.
      tensor: uint8, half or float32 [batch, height, width, 1, 3 or 4].
      bad_color: uint8 [channels]: the color of pixels that are no numbers; red if None.
      max_images: how many of the batch to write.
      family: a name in front of the summary's.
      step: int64 scalar; the global step if None.

    Returns:
      A bool scalar: whether they were written.
    """

    def write(writer, tag, scope):
        color = constant([255, 0, 0, 255], dtypes.uint8) if bad_color is None else bad_color
        return call("WriteImageSummary", writer, _step(step), tag, identity(tensor), color, max_images=max_images,
                    name=scope)  # fmt: skip

    return _write(name, tensor, family, write)


@export("contrib.summary.audio")
def audio(name, tensor, sample_rate, max_outputs, family=None, step=None):
    """Writes clips of sound, if there is a default writer.

    Args:
      name: of the summary.
      tensor: float32 [batch, frames] or [batch, frames, channels], in -1..1.
      sample_rate: float32 scalar: frames a second.
      max_outputs: how many of the batch to write.
      family: a name in front of the summary's.
      step: int64 scalar; the global step if None.

    Returns:
      A bool scalar: whether they were written.
    """
    return _write(name, tensor, family, lambda writer, tag, scope: call(
        "WriteAudioSummary", writer, _step(step), tag, identity(tensor), sample_rate, max_outputs=max_outputs,
        name=scope))  # fmt: skip


@export("contrib.summary.generic")
def generic(name, tensor, metadata=None, family=None, step=None):
    """Writes a tensor, if there is a default writer.

    Args:
      name: of the summary.
      tensor: a tensor of any type.
      metadata: a SummaryMetadata, or one serialized, that says what shows the tensor.
      family: a name in front of the summary's.
      step: int64 scalar; the global step if None.

    Returns:
      A bool scalar: whether it was written.
    """

    def write(writer, tag, scope):
        text = metadata or ""
        if not isinstance(text, Tensor):
            text = constant(text.SerializeToString() if hasattr(text, "SerializeToString") else text)
        return call("WriteSummary", writer, _step(step), identity(tensor), tag, text, name=scope)

    return _write(name, tensor, family, write)


def serialized_graph(graph) -> bytes:
    """A Graph or GraphDef as the bytes of a GraphDef."""
    proto = graph.as_graph_def(add_shapes=True) if isinstance(graph, Graph) else graph
    return proto.SerializeToString()


@export("contrib.summary.graph")
def write_graph(param, step=None, name=None):
    """Writes a graph, if there is a default writer.

    Args:
      param: string scalar: a serialized GraphDef.
      step: int64 scalar; the global step if None.
      name: the node's name.

    Returns:
      An operation.

    Raises:
      TypeError: if `param` is no tensor.
    """
    if not isinstance(param, Tensor):
        raise TypeError(f"graph() needs a tf.Tensor (e.g. tf.placeholder) in graph mode, but was: {type(param)}")
    writer = current.writer
    if writer is None:
        return call("NoOp")
    with device("cpu:0"):
        return call("WriteGraphSummary", writer._resource, _step(step), identity(param), name=name)


@export("contrib.summary.import_event")
def import_event(tensor, name=None):
    """Writes an event of another file as it is.

    Args:
      tensor: string scalar: a serialized Event.
      name: the node's name.

    Returns:
      An operation.
    """
    return call("ImportEvent", current.writer._resource, tensor, name=name)
