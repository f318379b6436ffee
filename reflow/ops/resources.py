"""The state that outlives a step: variables and other resources of a session, by container and name."""

import threading
from collections.abc import Callable
from typing import Any

import torch

from reflow.graph import errors
from reflow.graph.dtypes import DType
from reflow.graph.shapes import Dims
from reflow.ops.waiting import Waiting


class VariableState:
    """The value of one variable in one session; `value` is None until it is initialized.

    `dims` is the shape that the variable was declared with, in raw dims (None: any).
    """

    __slots__ = ("name", "dtype", "dims", "value", "lock")

    def __init__(self, name: str, dtype: DType, dims: Dims = None):
        self.name = name
        self.dtype = dtype
        self.dims = dims
        self.value: Any = None
        self.lock = threading.Lock()

    def read(self) -> Any:
        """The value itself, not a copy: a tensor, or an array of strings.

        Raises:
          FailedPreconditionError: if the variable is not initialized.
        """
        value = self.value
        if value is None:
            raise errors.FailedPreconditionError(
                None, None,
                f"Attempting to use uninitialized value {self.name}. Run its initializer first, for instance with "
                "sess.run(tf.global_variables_initializer()).",
            )  # fmt: skip
        return value

    def current(self) -> Any:
        """The value, about to be changed in place; raises as `read` does."""
        return self.read()

    def assign(self, value: torch.Tensor) -> "VariableState":
        """Take a copy of `value`, whose shape is known to fit; returns the state."""
        self.value = value.clone(memory_format=torch.contiguous_format)
        return self


class HandleState(VariableState):
    """The value of a resource variable: what is said of one that has no value differs."""

    __slots__ = ()

    def read(self) -> Any:
        """As of any variable.

        Raises:
          FailedPreconditionError: if the variable is not initialized.
        """
        value = self.value
        if value is None:
            raise errors.FailedPreconditionError(
                None, None,
                f"Error while reading resource variable {self.name} from Container: localhost. This could mean that "
                f"the variable was uninitialized. Not found: {self._not_found()}",
            )  # fmt: skip
        return value

    def current(self) -> Any:
        """The value, about to be changed in place.

        Raises:
          NotFoundError: if the variable is not initialized.
        """
        if self.value is None:
            raise errors.NotFoundError(None, None, self._not_found())
        return self.value

    def _not_found(self) -> str:
        return f"Resource localhost/{self.name}/N10tensorflow3VarE does not exist."


class ResourceManager:
    """Everything that a session keeps between steps.

    Attributes:
      gpus: torch's numbers of the session's GPUs.
    """

    def __init__(self, gpus: tuple[int, ...] = ()):
        self.gpus = gpus
        self._entries: dict = {}
        self._lock = threading.RLock()

    def get_or_create(self, kind: str, container: bytes, name: str, make: Callable):
        """The resource of that kind, container and name; `make()` makes it when it is first asked for."""
        key = (kind, container, name)
        found = self._entries.get(key)
        if found is None:
            with self._lock:
                found = self._entries.get(key)
                if found is None:
                    found = self._entries[key] = make()
        return found

    def find(self, kind: str, container: bytes, name: str):
        """The resource, or None."""
        return self._entries.get((kind, container, name))

    def remove(self, kind: str, container: bytes, name: str) -> bool:
        """Forget a resource; False if there was none."""
        with self._lock:
            return self._entries.pop((kind, container, name), None) is not None

    def clear(self, containers=None) -> None:
        """Forget the resources of the named containers, or all; whoever waits for one is woken with CancelledError."""
        with self._lock:
            cleared = [k for k in self._entries if containers is None or k[1] in containers]
            entries = [self._entries.pop(key) for key in cleared]
        for entry in entries:
            if isinstance(entry, Waiting):
                entry.cancel()

    def of_kind(self, kind: str) -> list:
        """All resources of one kind."""
        with self._lock:
            return [value for key, value in self._entries.items() if key[0] == kind]


def variable_resource(resources: ResourceManager, node_name: str, attrs: dict) -> VariableState:
    """The state behind a VariableV2 node: `shared_name` or the node's own name tells which."""
    return _variable(resources, node_name, attrs, VariableState)


def handle_resource(resources: ResourceManager, node_name: str, attrs: dict) -> VariableState:
    """The state behind a VarHandleOp node."""
    return _variable(resources, node_name, attrs, HandleState)


def _variable(resources, node_name, attrs, kind):
    name = attrs.get("shared_name") or node_name.encode()
    text = name.decode()
    dtype, dims = attrs["dtype"], attrs["shape"]
    return resources.get_or_create("variable", attrs.get("container", b""), text, lambda: kind(text, dtype, dims))
