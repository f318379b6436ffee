"""Python functions as ops: py_func, numpy_function, py_function."""

import itertools
import threading
import traceback
import weakref

import numpy as np

from reflow.graph import errors
from reflow.graph.build import add_op
from reflow.graph.dtypes import as_dtype
from reflow.graph.export import export
from reflow.graph.graph import get_default_graph
from reflow.graph.registry import define_op, gradient
from reflow.graph.tensor_proto import to_ndarray
from reflow.ops.shape_rules import unknown
from reflow.ops.torch_types import FROM_TORCH, array_of, tensor_of


class _Functions:
    """The functions behind PyFunc nodes by token, each for as long as a graph that uses it lives."""

    def __init__(self):
        self._functions: weakref.WeakValueDictionary = weakref.WeakValueDictionary()
        self._numbers = itertools.count()
        self._lock = threading.Lock()

    def add(self, function):
        """A new token for a function."""
        with self._lock:
            token = f"pyfunc_{next(self._numbers)}"
            self._functions[token] = function
            return token

    def find(self, token):
        """The function of a token.

        Raises:
          NotFoundError: if the program that made the token is gone.
        """
        function = self._functions.get(token)
        if function is None:
            raise errors.NotFoundError(None, None, f"callback {token} is not found: a graph with py_func runs only in "
                                       "the process that made it")  # fmt: skip
        return function


_functions = _Functions()


class _Function:
    """A user's function, held so that it can be referred to weakly."""

    def __init__(self, function):
        self.call = function


class EagerArray(np.ndarray):
    """What a `py_function` gets: an array with the method `numpy`, as TensorFlow's eager tensors have."""

    def numpy(self):
        """The value as a plain NumPy array."""
        return np.asarray(self)


# --- running --------------------------------------------------------------------------------------------------------

_ERROR_OF = (
    (StopIteration, errors.OutOfRangeError), (MemoryError, errors.ResourceExhaustedError),
    (NotImplementedError, errors.UnimplementedError), ((TypeError, ValueError), errors.InvalidArgumentError),
)  # fmt: skip


def _called(function, arguments):
    """The results of a function as a list; what it raises becomes an OpError that shows where."""
    try:
        result = function(*arguments)
    except errors.OpError:
        raise
    except Exception as error:
        kind = next((k for cls, k in _ERROR_OF if isinstance(error, cls)), errors.UnknownError)
        text = "".join(traceback.format_exception(error))
        raise kind(None, None, f"{type(error).__name__}: {error}\n{text}") from error
    if result is None:
        return []
    return list(result) if isinstance(result, (list, tuple)) else [result]


def _tensors(token, results, types):
    """The results as tensors; they have to be of the promised number and types."""
    if len(results) != len(types):
        raise errors.InvalidArgumentError(None, None, f"{token} returns {len(results)} values, but expects to see "
                                          f"{len(types)} values.")  # fmt: skip
    return [_tensor(token, i, value, dtype) for i, (value, dtype) in enumerate(zip(results, types, strict=True))]


def _tensor(token, position, value, dtype):
    array = np.asarray(value, order="C")
    if array.dtype == object and not all(isinstance(v, (bytes, str)) for v in array.reshape(-1)):
        raise errors.InternalError(None, None, f"Unsupported object type {type(value).__name__}")
    found, wanted = as_dtype(array.dtype), FROM_TORCH.get(dtype, dtype)
    if found is not wanted:
        raise errors.InvalidArgumentError(None, None, f"{position}-th value returned by {token} is {_c_name(found)}, "
                                          f"but expects {_c_name(wanted)}")  # fmt: skip
    # A copy, and strings as bytes: the function may go on to change what it returned.
    return tensor_of(to_ndarray(array, found))


def _c_name(dtype):
    return {"float32": "float", "float64": "double", "float16": "half"}.get(dtype.name, dtype.name)


def _py_func(input, token, Tout):
    token = token.decode()
    return _tensors(token, _called(_functions.find(token).call, [_argument(x) for x in input]), Tout)


def _argument(value):
    """A copy for the function to keep or change; a NumPy scalar for a scalar."""
    array = np.array(array_of(value))
    return array if array.ndim else array[()]


def _eager_py_func(input, token, Tout):
    """As `_py_func`, but results are converted to the promised types."""
    token = token.decode()
    function = _functions.find(token).call
    wanted = [FROM_TORCH.get(t, t) for t in Tout]

    def converted(*arguments):
        results = _called(function, arguments)
        return [to_ndarray(value, dtype) for value, dtype in zip(results, wanted, strict=False)]

    results = _called(converted, [np.array(array_of(x)).view(EagerArray) for x in input])
    return _tensors(token, results, Tout)


# --- ops --------------------------------------------------------------------------------------------------------------

_FUNCTION_ATTRS = "token: string, Tin: list(type) >= 0, Tout: list(type) >= 0"

define_op("PyFunc", "input: list:Tin -> output: list:Tout", _FUNCTION_ATTRS, shape=unknown, kernel=_py_func,
          is_stateful=True, gradient=None)  # fmt: skip
define_op("PyFuncStateless", "input: list:Tin -> output: list:Tout", _FUNCTION_ATTRS, shape=unknown, kernel=_py_func,
          gradient=None)  # fmt: skip
define_op("EagerPyFunc", "input: list:Tin -> output: list:Tout", f"{_FUNCTION_ATTRS}, is_async: bool = false",
          shape=unknown, kernel=_eager_py_func, is_stateful=True)  # fmt: skip


@gradient("EagerPyFunc")
def _eager_py_func_gradient(op, *grads):
    raise LookupError(f"{op.name}: the function runs on NumPy arrays, through which there are no gradients. Write it "
                      "with TensorFlow ops, or give it a gradient with tf.custom_gradient.")  # fmt: skip


def _made(op_name, func, inp, types, name):
    """The outputs of a node that calls `func`; the Operation if it has none."""
    if not callable(func):
        raise ValueError(f"Expected func to be callable, got func of type {type(func)}")
    is_list = isinstance(types, (list, tuple))
    function = _Function(func)
    get_default_graph().library_state.setdefault("py_func", []).append(function)
    attrs = {"token": _functions.add(function), "Tout": list(types) if is_list else [types]}
    operation = add_op(op_name, [list(inp)], attrs, name)
    if not operation.outputs:
        return operation
    return operation.outputs if is_list else operation.outputs[0]


@export("py_func")
def py_func(func, inp, Tout, stateful=True, name=None):
    """Calls a Python function when it runs.

    Args:
      func: a function of NumPy arrays that returns an array or a list of arrays, of exactly the types `Tout`.
      inp: a list of tensors.
      Tout: a type, or a list of types.
      stateful: if False, calls with equal inputs may be merged into one.
      name: the node's name.

    Returns:
      A Tensor of unknown shape, or a list of them if `Tout` is one; the Operation if there are no results. There is no
      gradient. An exception of `func` becomes an OpError: InvalidArgumentError for TypeError and ValueError,
      UnknownError for most others.

    Raises:
      ValueError: if `func` cannot be called.
    """
    return _made("PyFunc" if stateful else "PyFuncStateless", func, inp, Tout, name)


@export("numpy_function")
def numpy_function(func, inp, Tout, name=None):
    """Calls a Python function of NumPy arrays when it runs: `py_func` under its newer name.

    Args:
      func: a function of NumPy arrays that returns an array or a list of arrays, of exactly the types `Tout`.
      inp: a list of tensors.
      Tout: a type, or a list of types.
      name: the node's name.

    Returns:
      A Tensor of unknown shape, or a list of them if `Tout` is one.
    """
    return _made("PyFunc", func, inp, Tout, name)


@export("py_function")
def py_function(func, inp, Tout, name=None):
    """Calls a Python function when it runs; its arguments have the method `numpy`.

    Args:
      func: a function of arrays (`EagerArray`) that returns a value or a list of values, which are converted to `Tout`.
      inp: a list of tensors.
      Tout: a type, or a list of types.
      name: the node's name.

    Returns:
      A Tensor of unknown shape, or a list of them if `Tout` is one. Asking for a gradient is a LookupError.
    """
    return _made("EagerPyFunc", func, inp, Tout, name)
