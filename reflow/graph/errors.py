"""`tf.errors`: one exception class per status code, each knowing the operation that failed and where it was created."""

import traceback
import warnings

from reflow.graph.export import export, export_values

# The status codes of google/rpc and of TensorFlow's error_codes.proto.
OK = 0
CANCELLED = 1
UNKNOWN = 2
INVALID_ARGUMENT = 3
DEADLINE_EXCEEDED = 4
NOT_FOUND = 5
ALREADY_EXISTS = 6
PERMISSION_DENIED = 7
RESOURCE_EXHAUSTED = 8
FAILED_PRECONDITION = 9
ABORTED = 10
OUT_OF_RANGE = 11
UNIMPLEMENTED = 12
INTERNAL = 13
UNAVAILABLE = 14
DATA_LOSS = 15
UNAUTHENTICATED = 16

export_values({f"errors.{name}": value for name, value in list(globals().items()) if name.isupper()})

_CLASS_OF_CODE: dict[int, type["_CodedError"]] = {}


class InaccessibleTensorError(ValueError):
    """A tensor was used outside the graph or function that it belongs to."""


class OperatorNotAllowedInGraphError(TypeError):
    """A Python operator that needs a value (`bool(t)`, `for x in t`) was used on a symbolic tensor."""


@export("OpError", "errors.OpError")
class OpError(Exception):
    """A failure while a graph runs; sessions raise one of its subclasses where a code has one.

    Args:
      node_def: the NodeDef of the operation that failed, or None.
      op: the `Operation` that failed, or None (for example for a node that a rewrite made).
      message: what went wrong, a string.
      error_code: the status code, an int such as `tf.errors.INTERNAL`.
    """

    def __init__(self, node_def, op, message, error_code):
        super().__init__()
        self._node_def = node_def
        self._op = op
        self._message = message
        self._error_code = error_code
        self._origin = None

    @property
    def node_def(self):
        """The NodeDef of the operation that failed, or None."""
        return self._node_def

    @property
    def op(self):
        """The `Operation` that failed, or None."""
        return self._op

    @property
    def message(self):
        """What went wrong, a string."""
        return self._message

    @property
    def error_code(self):
        """The status code, an int."""
        return self._error_code

    def __str__(self):
        return self.message + self._origin_text()

    def _origin_text(self):
        """Where the failed operation was created, as text that follows the message."""
        if self._origin is not None:
            return self._origin
        return "" if self._op is None else _creation_text(self._op)

    def __reduce__(self):
        # An operation belongs to a graph, which does not pickle: its creation site travels as text instead.
        state = {
            "_node_def": self._node_def, "_op": None, "_message": self._message,
            "_error_code": self._error_code, "_origin": self._origin_text(),
        }  # fmt: skip
        return _new_without_init, (type(self),), state


def _new_without_init(cls):
    return cls.__new__(cls)


def _creation_text(op):
    lines = [f"\n\nOriginal stack trace for {op.name!r}:\n", *_format_frames(op)]
    original = getattr(op, "_original_op", None)
    while original is not None:
        lines.append(f"\n...which was originally created as op {original.name!r}, defined at:\n")
        lines += _format_frames(original)
        original = getattr(original, "_original_op", None)
    return "".join(lines)


def _format_frames(op):
    return traceback.format_list([tuple(frame)[:4] for frame in op.traceback or ()])


class _CodedError(OpError):
    """A subclass of OpError that stands for one status code."""

    _code = UNKNOWN

    def __init_subclass__(cls, code=None, **kwargs):
        super().__init_subclass__(**kwargs)
        if code is not None:
            cls._code = code
            _CLASS_OF_CODE[code] = cls
            export(f"errors.{cls.__name__}")(cls)

    def __init__(self, node_def, op, message):
        super().__init__(node_def, op, message, self._code)


class CancelledError(_CodedError, code=CANCELLED):
    """The operation was cancelled: its session or queue was closed, or another operation of the step failed."""


class UnknownError(_CodedError, code=UNKNOWN):
    """A failure without a more specific class, such as an exception in a `py_func`.

    Args:
      node_def: the NodeDef of the operation that failed, or None.
      op: the `Operation` that failed, or None.
      message: what went wrong, a string.
      error_code: the status code, an int.
    """

    def __init__(self, node_def, op, message, error_code=UNKNOWN):
        OpError.__init__(self, node_def, op, message, error_code)


class InvalidArgumentError(_CodedError, code=INVALID_ARGUMENT):
    """An operation received an input it can never accept: a wrong shape, dtype or value."""


class DeadlineExceededError(_CodedError, code=DEADLINE_EXCEEDED):
    """A timeout ran out before the operation was done."""


class NotFoundError(_CodedError, code=NOT_FOUND):
    """A file, a key of a checkpoint or another named entity does not exist."""


class AlreadyExistsError(_CodedError, code=ALREADY_EXISTS):
    """An entity that was to be created exists already."""


class PermissionDeniedError(_CodedError, code=PERMISSION_DENIED):
    """The caller may not do this, for example write to a read-only file."""


class UnauthenticatedError(_CodedError, code=UNAUTHENTICATED):
    """The caller did not prove who they are."""


class ResourceExhaustedError(_CodedError, code=RESOURCE_EXHAUSTED):
    """Memory, disk space or a quota ran out."""


class FailedPreconditionError(_CodedError, code=FAILED_PRECONDITION):
    """The system is not in the state the operation needs, most often: a variable was not initialized."""


class AbortedError(_CodedError, code=ABORTED):
    """The operation was aborted by a concurrent one; running it again may succeed."""


class OutOfRangeError(_CodedError, code=OUT_OF_RANGE):
    """A read went past the end: of a file, a data set, or a closed and empty queue."""


class UnimplementedError(_CodedError, code=UNIMPLEMENTED):
    """The operation exists, but not for these types, this layout or this device."""


class InternalError(_CodedError, code=INTERNAL):
    """An invariant of the runtime broke; this is a bug rather than a mistake of the caller."""


class UnavailableError(_CodedError, code=UNAVAILABLE):
    """A remote task cannot be reached at present."""


class DataLossError(_CodedError, code=DATA_LOSS):
    """Stored data is truncated or corrupted beyond recovery."""


_CODE_OF_CLASS = {cls: code for code, cls in _CLASS_OF_CODE.items()}


@export("errors.exception_type_from_error_code")
def exception_type_from_error_code(error_code):
    """The subclass of `OpError` that stands for a status code.

    Raises:
      KeyError: if no class stands for it (`OK` has none).
    """
    return _CLASS_OF_CODE[error_code]


@export("errors.error_code_from_exception_type")
def error_code_from_exception_type(cls):
    """The status code of an exception class.

    Args:
      cls: a subclass of `OpError`.

    Returns:
      An int; for another class an `UnknownError` instance, as in TensorFlow.
    """
    try:
        return _CODE_OF_CLASS[cls]
    except KeyError:
        warnings.warn("Unknown class exception", stacklevel=2)
        return UnknownError(None, None, "Unknown class exception", None)


def make_error(node_def, op, message, error_code):
    """An exception of the class that stands for `error_code`; `UnknownError` for a code without one."""
    cls = _CLASS_OF_CODE.get(error_code)
    if cls is None:
        warnings.warn(f"Unknown error code: {error_code}", stacklevel=2)
        return UnknownError(node_def, op, message, error_code)
    return cls(node_def, op, message)


class Status:
    """What a call reports back: a status code and a message. A new one says `OK`."""

    __slots__ = ("code", "message")

    def __init__(self):
        self.code = OK
        self.message = ""

    def set(self, code, message):
        """Record a failure (or `OK` again)."""
        self.code = code
        self.message = message


@export("errors.raise_exception_on_not_ok_status")
class raise_exception_on_not_ok_status:
    """Context manager that yields a `Status` and, on leaving, raises the exception of its code unless it is `OK`."""

    def __enter__(self):
        self.status = Status()
        return self.status

    def __exit__(self, exc_type, exc_value, exc_traceback):
        if self.status.code != OK:
            raise make_error(None, None, self.status.message, self.status.code)
        return False
