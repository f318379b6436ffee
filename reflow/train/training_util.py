"""The global step: the variable that counts the steps of a training."""

from reflow.graph import dtypes
from reflow.graph.collections import GraphKeys
from reflow.graph.export import export
from reflow.graph.graph import get_default_graph
from reflow.graph.operation import Tensor
from reflow.ops import state
from reflow.platform import logging
from reflow.variables.initializers import Zeros
from reflow.variables.synchronization import VariableAggregation
from reflow.variables.variable import Variable
from reflow.variables.variable_scope import get_variable

GLOBAL_STEP_READ_KEY = "global_step_read_op_cache"


@export("train.global_step")
def global_step(sess, global_step_tensor):
    """The value of the global step in a session.

    Args:
      sess: a Session.
      global_step_tensor: the variable or its reference.

    Returns:
      An int.
    """
    return int(sess.run(global_step_tensor))


@export("train.get_global_step")
def get_global_step(graph=None):
    """The global step of a graph: what its collection GLOBAL_STEP holds, or the tensor "global_step:0".

    Args:
      graph: a Graph; the default graph if None.

    Returns:
      A variable or tensor, or None if there is none.

    Raises:
      TypeError: if it is no integer scalar.
    """
    graph = graph or get_default_graph()
    found = graph.get_collection(GraphKeys.GLOBAL_STEP)
    if len(found) > 1:
        logging.error("Multiple tensors in global_step collection.")
        return None
    if found:
        step = found[0]
    else:
        try:
            step = graph.get_tensor_by_name("global_step:0")
        except KeyError:
            return None
    assert_global_step(step)
    return step


@export("train.create_global_step")
def create_global_step(graph=None):
    """Make the global step of a graph: an int64 variable "global_step" that begins with 0.

    Args:
      graph: a Graph; the default graph if None.

    Returns:
      The variable.

    Raises:
      ValueError: if the graph has one already.
    """
    graph = graph or get_default_graph()
    if get_global_step(graph) is not None:
        raise ValueError('"global_step" already exists.')
    with graph.as_default(), graph.name_scope(None):
        return get_variable(
            GraphKeys.GLOBAL_STEP, shape=[], dtype=dtypes.int64, initializer=Zeros(), trainable=False,
            aggregation=VariableAggregation.ONLY_FIRST_REPLICA,
            collections=[GraphKeys.GLOBAL_VARIABLES, GraphKeys.GLOBAL_STEP],
        )  # fmt: skip


@export("train.get_or_create_global_step")
def get_or_create_global_step(graph=None):
    """The global step of a graph (the default graph if None), made if there is none."""
    graph = graph or get_default_graph()
    step = get_global_step(graph)
    return create_global_step(graph) if step is None else step


@export("train.assert_global_step")
def assert_global_step(global_step_tensor):
    """Raise TypeError unless `global_step_tensor`, a variable or tensor, may be a global step: an integer scalar."""
    if not isinstance(global_step_tensor, (Variable, Tensor)):
        raise TypeError(f'Existing "global_step" must be a Variable or Tensor: {global_step_tensor}.')
    if not global_step_tensor.dtype.base_dtype.is_integer:
        raise TypeError(f'Existing "global_step" does not have integer type: {global_step_tensor.dtype}')
    shape = global_step_tensor.get_shape()
    if shape.ndims != 0 and shape.is_fully_defined():
        raise TypeError(f'Existing "global_step" is not scalar: {shape}')


def _get_global_step_read(graph=None):
    """The tensor that reads the global step for summaries and hooks, or None."""
    graph = graph or get_default_graph()
    found = graph.get_collection(GLOBAL_STEP_READ_KEY)
    if len(found) > 1:
        raise RuntimeError(f"There are multiple items in collection {GLOBAL_STEP_READ_KEY}. There should be only one.")
    return found[0] if found else None


def _get_or_create_global_step_read(graph=None):
    """As `_get_global_step_read`, made if there is none; None without a global step."""
    graph = graph or get_default_graph()
    read = _get_global_step_read(graph)
    if read is not None:
        return read
    step = get_global_step(graph)
    if step is None:
        return None
    with graph.as_default(), graph.name_scope(None), graph.name_scope(f"{step.op.name}/"):
        # The initialized value: hooks read it before the variables are initialized.
        value = step.initialized_value() if isinstance(step, Variable) else step
        graph.add_to_collection(GLOBAL_STEP_READ_KEY, value + 0)
    return _get_global_step_read(graph)


def _increment_global_step(increment, graph=None):
    """Increase the global step, after the tensor that hooks read has been read."""
    graph = graph or get_default_graph()
    step = get_global_step(graph)
    if step is None:
        raise ValueError("Global step tensor should be created by tf.train.get_or_create_global_step before calling "
                         "increment.")  # fmt: skip
    read = _get_or_create_global_step_read(graph)
    inside = graph.name_scope(f"{step.op.name}/")
    with graph.as_default(), graph.name_scope(None), inside, graph.control_dependencies([read]):
        return state.assign_add(step, increment)
