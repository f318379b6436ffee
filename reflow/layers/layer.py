"""`tf.layers.Layer`: a layer whose variables come from `tf.get_variable`, in a variable scope of the layer's own."""

import contextlib
import copy
from typing import Any

from reflow.graph import nest
from reflow.graph.collections import GraphKeys
from reflow.graph.context import name_scope
from reflow.graph.dtypes import as_dtype, float32
from reflow.graph.export import export
from reflow.graph.graph import get_default_graph
from reflow.graph.operation import Tensor
from reflow.layers import identifiers
from reflow.layers.base_layer import (
    BaseLayer,
    _call_arguments,
    settle_trainable,
    to_snake_case,
    unique_object_name,
)
from reflow.variables import variable_scope as scopes
from reflow.variables.partitioned_variable import PartitionedVariable
from reflow.variables.synchronization import VariableAggregation, VariableSynchronization
from reflow.variables.variable_lists import global_variables, trainable_variables
from reflow.variables.variable_scope import VariableScope, variable_scope

_keras_style = False


@export("layers.experimental.keras_style_scope")
@contextlib.contextmanager
def keras_style_scope():
    """A context in which layers name their variables as Keras does, and do not share them by name.

    The variables of two layers of the same name in one variable scope are then two variables, not one.
    """
    global _keras_style
    saved, _keras_style = _keras_style, True
    try:
        yield
    finally:
        _keras_style = saved


@export("layers.experimental.set_keras_style")
def set_keras_style():
    """From now on, layers name their variables as Keras does, and do not share them by name."""
    global _keras_style
    _keras_style = True


@export("layers.Layer")
class Layer(BaseLayer):
    """The base of the layers of `tf.layers`: variables are made by `tf.get_variable` in the layer's variable scope.

    Args:
      trainable: whether the layer's variables are trained.
      name: the layer's name, and that of its variable scope unless `scope` is given to the first call.
      dtype: the type of its variables; that of the first input if None.
      **kwargs: `activity_regularizer`, `_scope` (a variable scope or its name) and `_reuse`, as the functional forms of
        layers pass them, and what Keras layers take.

    Raises:
      ValueError: for `_scope` or `_reuse` with Keras style.
    """

    def __init__(self, trainable=True, name=None, dtype=None, **kwargs):
        scope = kwargs.pop("_scope", None)
        self._reuse = kwargs.pop("_reuse", None)
        self._use_resource_variables = False
        self._keras_style = _keras_style
        super().__init__(trainable=trainable, name=name, dtype=dtype, **kwargs)
        if self._keras_style:
            for argument, value in (("scope", scope), ("reuse", self._reuse)):
                if value is not None:
                    raise ValueError(f"{argument} argument not allowed when keras style layers are enabled, but saw: "
                                     f"{value}")  # fmt: skip
        self._scope: Any = None
        self._current_scope: Any = None
        if scope:
            with variable_scope(scope) as captured:
                self._scope = captured

    def _init_set_name(self, name, zero_based=False):
        """The object has a name of its own; `_base_name` is what its variable scope is called."""
        self._base_name = name.name if isinstance(name, VariableScope) else name
        self._name = name
        if not name:
            self._base_name = to_snake_case(type(self).__name__)
            self._name = unique_object_name(self._base_name, zero_based)

    @property
    def graph(self):
        """None: layers do not belong to a graph."""
        return

    @property
    def scope_name(self):
        """The name of the layer's variable scope; raises ValueError before the first call."""
        if not self._scope:
            raise ValueError(f'No name available for layer scope because the layer "{self._name}" has not been used '
                             "yet. The scope name  is determined the first time the layer instance is called. You must "
                             "therefore call the layer before querying `scope_name`.")  # fmt: skip
        return self._scope.name

    def _name_scope(self):
        return self.name if self._keras_style else self._current_scope.original_name_scope

    def _set_scope(self, scope=None):
        """Settle the layer's variable scope, if it is not settled yet."""
        if self._scope is not None:
            return
        if self._reuse:
            opened = variable_scope(self._base_name if scope is None else scope)
        else:
            opened = variable_scope(scope, default_name=self._base_name)
        with opened as captured:
            self._scope = captured

    def __call__(self, inputs, *args, **kwargs):
        """Apply the layer; see `BaseLayer.__call__`.

        Args:
          inputs: a tensor or a nest of them.
          *args, **kwargs: go to `call`; `scope` (a variable scope or its name) is where the variables go.

        Returns:
          What `call` returns. Its updates are added to collection UPDATE_OPS.
        """
        scope = kwargs.pop("scope", None)
        if self._keras_style:
            if scope is not None:
                raise ValueError("scope argument not allowed when keras style layers are enabled, but saw: "
                                 f"{scope}")  # fmt: skip
            return super().__call__(inputs, *args, **kwargs)
        self._set_scope(scope)
        reuse = True if self.built else self._reuse
        with variable_scope(self._scope, reuse=reuse, auxiliary_name_scope=False) as entered:
            self._current_scope = entered
            if "scope" in _call_arguments(type(self).call)[0]:
                kwargs["scope"] = entered
            outputs = super().__call__(inputs, *args, **kwargs)
        _add_to_collection(self.updates, GraphKeys.UPDATE_OPS)
        return outputs

    def add_loss(self, losses, inputs=None):
        """Add losses to the layer, and to collection REGULARIZATION_LOSSES.

        Args:
          losses: a scalar tensor, a function without arguments that makes one (or None), or a list of them.
          inputs: the inputs that the losses depend on; None if they depend on none, as those of variables.
        """
        before, callables_before = len(self._losses), len(self._callable_losses)
        super().add_loss(losses, inputs=inputs)
        made = [make() for make in self._callable_losses[callables_before:]]
        new = self._losses[before:] + [loss for loss in made if loss is not None]
        _add_to_collection(new, GraphKeys.REGULARIZATION_LOSSES)

    # The base has its arguments in another order, as TensorFlow's layers have.
    def add_weight(  # type: ignore[override]
        self, name, shape, dtype=None, initializer=None, regularizer=None, trainable=None, constraint=None,
        use_resource=None, synchronization=VariableSynchronization.AUTO, aggregation=VariableAggregation.NONE,
        partitioner=None, **kwargs,
    ):  # fmt: skip
        """Make a variable of the layer, or find it where it is shared.

        Args:
          name: its name in the layer's scope.
          shape: its shape.
          dtype: its type; the layer's, or float32, if None.
          initializer: what initializes it; that of the variable scope, then Glorot's uniform numbers, if None.
          regularizer: a function from the variable to a scalar loss, which the layer and collection
            REGULARIZATION_LOSSES gain if the variable is new.
          trainable: whether it is trained (default True).
          constraint: a function that optimizers apply to the variable after each update.
          use_resource: the kind of variable; that of the variable scope if None.
          synchronization, aggregation: as for `tf.Variable`.
          partitioner: a function that splits it into parts; that of the variable scope if None.

        Returns:
          The variable.
        """
        for key in kwargs:
            if key != "experimental_autocast":
                raise TypeError("Unknown keyword argument:", key)
        options = {"constraint": constraint, "synchronization": synchronization, "aggregation": aggregation,
                   "partitioner": partitioner}  # fmt: skip
        if self._keras_style:
            return super().add_weight(name=name, shape=shape, dtype=dtype, initializer=initializer,
                                      regularizer=regularizer, trainable=trainable and self.trainable,
                                      use_resource=use_resource, **options)  # fmt: skip
        trainable = settle_trainable(trainable, synchronization) and self.trainable
        existing = set(global_variables()) if regularizer else ()
        self._set_scope(None)
        reuse = self.built or self._reuse
        with variable_scope(self._scope, reuse=reuse, auxiliary_name_scope=False) as scope:
            self._current_scope = scope
            with name_scope(self._name_scope()):
                variable = super().add_weight(
                    name, shape, dtype=as_dtype(dtype or self.dtype or float32), trainable=trainable,
                    initializer=scope.initializer if initializer is None else initializer,
                    use_resource=use_resource or self._use_resource_variables or scope.use_resource,
                    getter=scopes.get_variable, **options,
                )  # fmt: skip
                parts = list(variable) if isinstance(variable, PartitionedVariable) else [variable]
                if regularizer and not any(part in existing for part in parts):
                    self._handle_weight_regularization(name, variable, identifiers.regularizer(regularizer))
        if trainable and not _is_trained(variable, parts):
            self._non_trainable_weights.append(self._trainable_weights.pop())
        return variable

    def __deepcopy__(self, memo):
        """A copy that shares tensors with the original."""
        result = type(self).__new__(type(self))
        memo[id(self)] = result
        for key, value in vars(self).items():
            if key == "_scope":
                value = copy.copy(value)
            elif not all(isinstance(v, Tensor) for v in (value if isinstance(value, list) and value else [value])):
                value = copy.deepcopy(value, memo)
            setattr(result, key, value)
        return result


def _is_trained(variable, parts) -> bool:
    """True if a variable is trained: a custom getter may have made one that is not."""
    # A new variable stands at the end.
    return any(v is variable or v is parts[0] for v in reversed(trainable_variables()))


def _add_to_collection(elements, name):
    """Append to a collection what is not in it yet."""
    if not elements:
        return
    collection = get_default_graph().get_collection_ref(name)
    present = {id(element) for element in collection}
    collection.extend(e for e in nest.flatten(elements) if id(e) not in present)
