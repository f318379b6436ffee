"""What every layer is: an object that makes variables when it sees its first input, and operations at every call.

`tf.layers.Layer`, which adds the variable scopes of 1.x, stands in layer.py.
"""

import functools
import inspect
import re
import threading
from collections import defaultdict
from typing import Any

import numpy as np

from reflow.graph import dtypes, nest
from reflow.graph.context import name_scope
from reflow.graph.convert import to_tensor
from reflow.graph.default import get_default_session
from reflow.graph.dtypes import as_dtype
from reflow.graph.graph import get_default_graph
from reflow.graph.operation import Operation, Tensor
from reflow.layers import identifiers
from reflow.layers.connectivity import Connectivity, reachable_from
from reflow.layers.input_spec import InputSpec, assert_input_compatibility
from reflow.variables.partitioned_variable import PartitionedVariable
from reflow.variables.synchronization import VariableAggregation, VariableSynchronization
from reflow.variables.variable import Variable
from reflow.variables.variable_store import default_initializer

_NAMES_KEY = "reflow.layers: how often each layer name was given"
_OPTIONS = ("input_shape", "batch_input_shape", "batch_size", "weights", "activity_regularizer", "autocast")


class _Calls(threading.local):
    """The layers whose `call` runs in this thread: the inputs and the value of `training` of each, innermost last."""

    def __init__(self):
        self.stack: list[tuple[Any, Any]] = [((), None)]


_calls = _Calls()


class BaseLayer(Connectivity):
    """The base of layers.

    Subclasses define `build(input_shape)`, which makes variables with `add_weight`, and `call(inputs)`, which makes
    operations; they may define `compute_output_shape(input_shape)` and `get_config()`.

    Args:
      trainable: whether the layer's variables are trained.
      name: the layer's name.
      dtype: the type of its variables; that of the first input if None.
      dynamic: accepted for 1.x programs.
      **kwargs: `activity_regularizer` (a function from an output to a scalar loss), `weights` (arrays that the
        variables begin with), `input_shape`, `batch_input_shape`, `batch_size`.

    Raises:
      TypeError: for other keyword arguments.
    """

    def __init__(self, trainable=True, name=None, dtype=None, dynamic=False, **kwargs):
        for key in kwargs:
            if key not in _OPTIONS:
                raise TypeError("Keyword argument not understood:", key)
        super().__init__()
        self._trainable = trainable
        self._init_set_name(name)
        self._dtype = None if dtype is None else as_dtype(dtype).name
        self._dynamic = dynamic
        self.stateful = False
        self.built = False
        self.input_spec = None
        self.supports_masking = False
        self._activity_regularizer = kwargs.get("activity_regularizer")
        self._initial_weights = kwargs.get("weights")
        if "batch_input_shape" in kwargs:
            self._batch_input_shape = tuple(kwargs["batch_input_shape"])
        elif "input_shape" in kwargs:
            self._batch_input_shape = (kwargs.get("batch_size"), *kwargs["input_shape"])
        self._trainable_weights = []
        self._non_trainable_weights = []
        self._updates = []
        self._update_inputs = {}
        self._losses = []
        # Functions that make a loss anew whenever `losses` is read.
        self._callable_losses = []
        self._conditional = set()

    # --- what subclasses define -----------------------------------------------------------------------------------

    def build(self, input_shape):
        """Make the variables: called once, before the first `call`, with the shape of its input.

        Args:
          input_shape: a TensorShape, or a nest of them if the input is one.
        """
        self.built = True

    def call(self, inputs, *args: Any, **kwargs: Any) -> Any:
        """Make the operations of the layer and return its output, a tensor or a nest of them."""
        return inputs

    def compute_output_shape(self, input_shape):
        """The output's TensorShape for an input of that shape."""
        raise NotImplementedError

    def compute_mask(self, inputs, mask=None):
        """The mask of the output; layers that know of masks override it.

        Raises:
          TypeError: if there is a mask and the layer does not support it.
        """
        if self.supports_masking:
            return mask
        if any(m is not None for m in nest.flatten(mask)):
            raise TypeError(f"Layer {self.name} does not support masking, but was passed an input_mask: {mask}")
        return None

    def get_config(self):
        """The arguments that make an equal layer, as a dict that JSON can hold.

        Raises:
          NotImplementedError: if the layer has arguments of its own and does not override this.
        """
        config = {"name": self.name, "trainable": self.trainable, "dtype": self.dtype}
        if hasattr(self, "_batch_input_shape"):
            config["batch_input_shape"] = self._batch_input_shape
        if type(self).get_config is BaseLayer.get_config:
            own = [a for a in inspect.getfullargspec(type(self).__init__).args if a not in (*config, "dynamic")]
            if len(own) > 1:  # one is `self`
                raise NotImplementedError("Layers with arguments in `__init__` must override `get_config`.")
        return config

    @classmethod
    def from_config(cls, config):
        """A new layer with these arguments, as `get_config` returns them."""
        return cls(**config)

    # --- calling --------------------------------------------------------------------------------------------------

    def __call__(self, inputs, *args, **kwargs):
        """Apply the layer: make its variables if there are none yet, and the operations.

        Args:
          inputs: a tensor or a nest of them.
          *args, **kwargs: go to `call`; `training` also reaches the layers that `call` uses.

        Returns:
          What `call` returns.

        Raises:
          ValueError: if the inputs are not what `input_spec` says, or `call` returns None.
        """
        inputs = nest.map_structure(_array_to_tensor, inputs)
        _calls.stack.append((inputs, self._settle_training(args, kwargs)))
        try:
            if all(hasattr(x, "shape") for x in nest.flatten(inputs)):
                assert_input_compatibility(self.input_spec, inputs, self.name)
            with name_scope(self._name_scope()):
                self._maybe_build(inputs)
                outputs = self.call(inputs, *args, **kwargs)
                if outputs is None:
                    raise ValueError("A layer's `call` method should return a Tensor or a list of Tensors, not None "
                                     f"(layer: {self.name}).")  # fmt: skip
                self._handle_activity_regularization(inputs, outputs)
            return outputs
        finally:
            _calls.stack.pop()

    def apply(self, inputs, *args, **kwargs):
        """The same as calling the layer."""
        return self(inputs, *args, **kwargs)

    def _settle_training(self, args, kwargs):
        """The value of `training` for this call, which `kwargs` gains from the layer around, or loses if unused."""
        names, takes_others = _call_arguments(type(self).call)
        expected = takes_others or "training" in names
        position = names.index("training") - 1 if "training" in names else len(args)
        if position < len(args):
            return args[position]
        if "training" in kwargs:
            return kwargs["training"] if expected else kwargs.pop("training")
        training = _calls.stack[-1][1]
        if training is not None and expected:
            kwargs["training"] = training
        return training

    def _name_scope(self):
        return self.name

    def _maybe_build(self, inputs):
        if not self.built:
            tensors = nest.flatten(inputs)
            if self._dtype is None and tensors and hasattr(tensors[0], "dtype"):
                self._dtype = tensors[0].dtype.base_dtype.name
            shapes = None
            if all(hasattr(x, "shape") for x in tensors):
                shapes = nest.map_structure(lambda x: x.shape, inputs)
            self.build(shapes)
            self.built = True
        if self._initial_weights is not None:
            weights, self._initial_weights = self._initial_weights, None
            self.set_weights(weights)

    # --- variables ------------------------------------------------------------------------------------------------

    def add_weight(self, name=None, shape=None, dtype=None, initializer=None, regularizer=None, trainable=None,
                   constraint=None, partitioner=None, use_resource=None,
                   synchronization=VariableSynchronization.AUTO, aggregation=VariableAggregation.NONE,
                   **kwargs):  # fmt: skip
        """Make a variable of the layer.

        Args:
          name: its name in the layer's scope.
          shape: its shape; a scalar if None.
          dtype: its type; the layer's if None.
          initializer: what initializes it; Glorot's uniform numbers if None (zeros for integers and bool).
          regularizer: a function from the variable to a scalar loss, which the layer gains.
          trainable: whether it is trained (default True).
          constraint: a function that optimizers apply to the variable after each update.
          partitioner: a function that splits it into parts.
          use_resource: the kind of variable.
          synchronization, aggregation: as for `tf.Variable`.
          **kwargs: `getter` (a function that makes the variable) and `collections`.

        Returns:
          The variable.

        Raises:
          TypeError: for other keyword arguments.
          ValueError: if it is to be trained and has synchronization ON_READ.
        """
        for key in kwargs:
            if key not in ("getter", "collections", "experimental_autocast"):
                raise TypeError("Unknown keyword argument:", key)
        dtype = as_dtype(dtype or self.dtype or dtypes.float32)
        if self._dtype is None:
            self._dtype = dtype.base_dtype.name
        initializer = identifiers.initializer(initializer)
        trainable = settle_trainable(trainable, synchronization)
        variable = kwargs.get("getter", _make_variable)(
            name=name, shape=() if shape is None else shape, dtype=dtype,
            initializer=default_initializer(name, dtype) if initializer is None else initializer,
            constraint=identifiers.constraint(constraint), trainable=trainable, partitioner=partitioner,
            use_resource=use_resource, collections=kwargs.get("collections"), synchronization=synchronization,
            aggregation=aggregation,
        )  # fmt: skip
        regularizer = identifiers.regularizer(regularizer)
        if regularizer is not None:
            self._handle_weight_regularization(variable.op.name, variable, regularizer)
        (self._trainable_weights if trainable else self._non_trainable_weights).append(variable)
        return variable

    def add_variable(self, *args, **kwargs):
        """The old name of `add_weight`."""
        return self.add_weight(*args, **kwargs)

    @property
    def trainable_weights(self):
        """The variables that are trained: none if the layer is not trainable."""
        return list(self._trainable_weights) if self.trainable else []

    @property
    def non_trainable_weights(self):
        """The variables that are not trained."""
        own = list(self._non_trainable_weights)
        return own if self.trainable else self._trainable_weights + own

    @property
    def weights(self):
        """All variables of the layer, those that are trained first."""
        return self.trainable_weights + self.non_trainable_weights

    @property
    def variables(self):
        """The same as `weights`."""
        return self.weights

    @property
    def trainable_variables(self):
        """The same as `trainable_weights`."""
        return self.trainable_weights

    @property
    def non_trainable_variables(self):
        """The same as `non_trainable_weights`."""
        return self.non_trainable_weights

    def count_params(self):
        """How many numbers the variables hold; raises ValueError before the layer is built."""
        if not self.built:
            raise ValueError(f"You tried to call `count_params` on {self.name}, but the layer isn't built. You can "
                             f"build it manually via: `{self.name}.build(batch_input_shape)`.")  # fmt: skip
        return int(sum(np.prod(v.shape.as_list()) for v in self.weights))

    def get_weights(self):
        """The values of the variables in the default session, as a list of arrays."""
        return self._session().run(self.weights)

    def set_weights(self, weights):
        """Give the variables new values in the default session.

        Args:
          weights: one array a variable, in the order of `weights`.

        Raises:
          ValueError: for a wrong number of arrays, or a wrong shape.
        """
        variables = self.weights
        if len(variables) != len(weights):
            raise ValueError(f'You called `set_weights(weights)` on layer "{self.name}" with a  weight list of length '
                             f"{len(weights)}, but the layer was expecting {len(variables)} weights. Provided weights: "
                             f"{str(weights)[:50]}...")  # fmt: skip
        for variable, value in zip(variables, weights, strict=True):
            if not variable.shape.is_compatible_with(np.shape(value)):
                raise ValueError(f"Layer weight shape {variable.shape} not compatible with provided weight shape "
                                 f"{np.shape(value)}")  # fmt: skip
        for variable, value in zip(variables, weights, strict=True):
            variable.load(value, self._session())

    def _session(self):
        session = get_default_session()
        if session is None:
            raise ValueError(f"The values of layer {self.name}'s variables live in a session, and none is the default: "
                             "use `with session.as_default():`.")  # fmt: skip
        return session

    # --- losses and updates ---------------------------------------------------------------------------------------

    def add_loss(self, losses, inputs=None):
        """Add losses to the layer.

        Args:
          losses: a scalar tensor, a function without arguments that makes one (or None), or a list of them.
          inputs: the inputs that the losses depend on; None if they depend on none, as those of variables.
        """
        for loss in nest.flatten(losses):
            if callable(loss) and not isinstance(loss, (Tensor, Variable)):
                self._callable_losses.append(functools.partial(self._made_loss, loss, inputs))
            elif loss is not None:
                self._losses.append(self._made_loss(loss, inputs))

    def _made_loss(self, loss, inputs):
        if callable(loss) and not isinstance(loss, (Tensor, Variable)):
            loss = loss()
        if loss is None:
            return None
        if not isinstance(loss, Tensor):
            loss = to_tensor(loss, dtypes.float32)
        if inputs is not None:
            self._conditional.add(loss)
        return loss

    @property
    def losses(self):
        """The losses of the layer. Those of regularizers are made anew whenever this is read."""
        made = (loss() for loss in self._callable_losses)
        return self._losses + [loss for loss in made if loss is not None]

    def get_losses_for(self, inputs):
        """The losses that depend on `inputs` (a tensor or a list of them); for None those that depend on none."""
        if inputs is None:
            return [loss for loss in self.losses if loss not in self._conditional]
        return reachable_from(inputs, [loss for loss in self.losses if loss in self._conditional])

    def _handle_weight_regularization(self, name, variable, regularizer):
        def loss_of(part):
            with name_scope(f"{name}/Regularizer"):
                return regularizer(part)

        for part in variable if isinstance(variable, PartitionedVariable) else [variable]:
            self.add_loss(functools.partial(loss_of, part))

    def _handle_activity_regularization(self, inputs, outputs):
        """Add the loss of each output, as a mean over the examples."""
        if not self._activity_regularizer:
            return
        from reflow.ops.casting import cast
        from reflow.ops.shape_ops import shape

        with name_scope("ActivityRegularizer"):
            for output in nest.flatten(outputs):
                loss = self._activity_regularizer(output)
                self.add_loss(loss / cast(shape(output)[0], loss.dtype), inputs=inputs)

    def add_update(self, updates, inputs=None):
        """Add operations that a training step has to run besides those of the optimizer.

        Args:
          updates: an operation, a tensor, a function without arguments that makes one, or a list of them.
          inputs: accepted for 1.x programs; what an update depends on is found out.
        """
        for update in updates if isinstance(updates, (list, tuple)) else [updates]:
            if callable(update) and not isinstance(update, (Tensor, Operation, Variable)):
                update = update()
            if not isinstance(update, Operation):
                update = update.op if hasattr(update, "op") else to_tensor(update)
            self._updates.append(update)
            self._update_inputs[update] = _calls.stack[-1][0]

    @property
    def updates(self):
        """The updates of the layer: none if it is not trainable."""
        return list(self._updates) if self.trainable or self.stateful else []

    def get_updates_for(self, inputs):
        """The updates that depend on `inputs` (a tensor or a list of them); for None those that depend on none."""
        if inputs is None:
            return [u for u in self.updates if not reachable_from(self._update_inputs[u], [u])]
        return reachable_from(inputs, [u for u in self.updates if reachable_from(self._update_inputs[u], [u])])

    # --- what it is -----------------------------------------------------------------------------------------------

    @property
    def name(self):
        """The layer's name."""
        return self._name

    @property
    def dtype(self):
        """The name of the variables' type; None until the first input settles it."""
        return self._dtype

    @property
    def dynamic(self):
        """What the layer was given as `dynamic`."""
        return self._dynamic

    @property
    def trainable(self):
        """Whether the layer's variables are trained."""
        return self._trainable

    @trainable.setter
    def trainable(self, value):
        self._trainable = value

    @property
    def activity_regularizer(self):
        """The function that makes a loss of each output, or None."""
        return self._activity_regularizer

    @activity_regularizer.setter
    def activity_regularizer(self, regularizer):
        self._activity_regularizer = regularizer

    @property
    def input_spec(self):
        """What the layer expects of its input: an InputSpec, a nest of them, or None."""
        return self._input_spec

    @input_spec.setter
    def input_spec(self, value):
        for spec in nest.flatten(value):
            if spec is not None and not isinstance(spec, InputSpec):
                raise TypeError(f"Layer input_spec must be an instance of InputSpec. Got: {spec}")
        self._input_spec = value

    def _init_set_name(self, name, zero_based=True):
        self._name = name or unique_object_name(to_snake_case(type(self).__name__), zero_based)


def settle_trainable(trainable, synchronization):
    """Whether a variable is trained, given what its maker said."""
    if synchronization is not VariableSynchronization.ON_READ:
        return True if trainable is None else trainable
    if trainable:
        raise ValueError("Synchronization value can be set to VariableSynchronization.ON_READ only for non-trainable "
                         "variables. You have specified trainable=True and "
                         "synchronization=VariableSynchronization.ON_READ.")  # fmt: skip
    return False


def _make_variable(name, shape, dtype, initializer, use_resource=None, partitioner=None, **options):
    """A variable outside of the store of `get_variable`."""
    if inspect.isclass(initializer):
        initializer = initializer()
    return Variable(initial_value=functools.partial(initializer, shape, dtype=dtype), name=name, dtype=dtype.base_dtype,
                    use_resource=True if use_resource is None else use_resource, **options)  # fmt: skip


def _array_to_tensor(value):
    return to_tensor(value) if isinstance(value, (np.ndarray, float, int)) else value


@functools.lru_cache(maxsize=1024)
def _call_arguments(function):
    """(names of the arguments, whether it takes any keyword) of a `call` method, `self` left out."""
    spec = inspect.getfullargspec(function)
    return spec.args[1:] + spec.kwonlyargs, spec.varkw is not None


def to_snake_case(name: str) -> str:
    """"BatchNormalization" as "batch_normalization", "Conv2D" as "conv2d"."""
    spaced = re.sub("(.)([A-Z][a-z0-9]+)", r"\1_\2", name)
    snake = re.sub("([a-z])([A-Z])", r"\1_\2", spaced).lower()
    return f"private{snake}" if snake.startswith("_") else snake


def unique_object_name(name: str, zero_based: bool) -> str:
    """`name` with a number that makes it unique among the names of layers in the default graph.

    Args:
      name: such as "dense".
      zero_based: if True the first name has no number, and the second has 1; if False the first has 1.
    """
    counts = get_default_graph().library_state.setdefault(_NAMES_KEY, defaultdict(int))
    counts[name] += 1
    number = counts[name] - zero_based
    return f"{name}_{number}" if number else name
