"""tf.TensorArray: an array of tensors that grows in loops, written and read one element at a time."""

import contextlib

from reflow.graph import dtypes
from reflow.graph.build import call
from reflow.graph.context import colocate_with, control_dependencies, device, name_scope
from reflow.graph.convert import constant_value, to_tensor
from reflow.graph.dtypes import as_dtype
from reflow.graph.export import export
from reflow.graph.operation import Tensor
from reflow.graph.shapes import TensorShape, as_shape
from reflow.graph.type_spec import TypeSpec, register_type_spec, type_spec_from_value
from reflow.platform import logging


@export("TensorArray")
class TensorArray:
    """An array of tensors. Each element is written once; a write returns the array to go on with.

    Args:
      dtype: the type of the elements.
      size: int32 scalar: how many elements there are.
      dynamic_size: grow when something is written behind the end.
      clear_after_read: forget an element once it was read; True if None.
      tensor_array_name: a name for the array itself.
      handle: the handle of an array that exists, instead of `size`.
      flow: a float scalar that puts the operations on the array in order; goes with `handle`.
      infer_shape: all elements have one shape, which the first write tells.
      element_shape: the shape of every element, as far as it is known.
      colocate_with_first_write_call: place the array where the first value written is.
      name: a name scope.

    Raises:
      ValueError: if arguments do not go together.
      TypeError: if `handle` is no tensor.
    """

    def __init__(self, dtype, size=None, dynamic_size=None, clear_after_read=None, tensor_array_name=None, handle=None,
                 flow=None, infer_shape=True, element_shape=None, colocate_with_first_write_call=True,
                 name=None):  # fmt: skip
        _check_arguments(handle, flow, size, tensor_array_name, element_shape, dynamic_size, clear_after_read)
        self._dtype = as_dtype(dtype).base_dtype
        self._dynamic_size = dynamic_size or False
        self._infer_shape = infer_shape
        self._colocates = colocate_with_first_write_call
        # Shared by all that stand for the same array: what it is placed beside, and the shape found so far.
        self._beside: list = []
        self._shape_cell = [as_shape(element_shape)]
        with name_scope(name, "TensorArray", [handle, size, flow]) as scope:
            if handle is not None:
                self._handle, self._flow = handle, flow
                return
            with _anywhere() if colocate_with_first_write_call else contextlib.nullcontext():
                self._handle, self._flow = call(
                    "TensorArrayV3", size, dtype=self._dtype, element_shape=element_shape,
                    identical_element_shapes=infer_shape, dynamic_size=self._dynamic_size,
                    clear_after_read=clear_after_read is None or clear_after_read,
                    tensor_array_name=tensor_array_name or "", name=scope,
                )  # fmt: skip

    @property
    def flow(self):
        """The float scalar that says which operations on the array are done."""
        return self._flow

    @property
    def dtype(self):
        """The type of the elements."""
        return self._dtype

    @property
    def handle(self):
        """The handle of the array."""
        return self._handle

    @property
    def element_shape(self):
        """The static shape of every element, as far as it is known."""
        return self._shape_cell[0]

    @property
    def dynamic_size(self):
        """True if the array grows."""
        return self._dynamic_size

    def identity(self):
        """The same array, after what was done so far."""
        return self._with_flow(call("Identity", self._flow))

    def _with_flow(self, flow):
        """The same array, in the state that `flow` stands for."""
        array = TensorArray(self._dtype, handle=self._handle, flow=flow, infer_shape=self._infer_shape,
                            colocate_with_first_write_call=self._colocates)  # fmt: skip
        array._dynamic_size, array._beside, array._shape_cell = self._dynamic_size, self._beside, self._shape_cell
        return array

    def grad(self, source, flow=None, name=None):
        """The array that collects the gradients of this one's elements.

        Args:
          source: a string that names the call of `tf.gradients`: each has its own.
          flow: the state of this array, whose size is final then.
          name: a name scope.

        Returns:
          A TensorArray.
        """
        flow = self._flow if flow is None else flow
        with name_scope(name, "TensorArrayGrad", [self._handle]), colocate_with(self._handle):
            handle, _ = call("TensorArrayGradV3", self._handle, flow, source=source, name=name)
            with control_dependencies([handle]):
                flow = call("Identity", flow, name="gradient_flow")
            array = TensorArray(self._dtype, handle=handle, flow=flow, infer_shape=self._infer_shape,
                                colocate_with_first_write_call=False)  # fmt: skip
            array._shape_cell = self._shape_cell
            return array

    # --- reading ----------------------------------------------------------------------------------------------------

    def read(self, index, name=None):
        """One element.

        Args:
          index: int32 scalar.
          name: the node's name.

        Returns:
          A Tensor.
        """
        value = call("TensorArrayReadV3", self._handle, index, self._flow, dtype=self._dtype, name=name)
        value.set_shape(self.element_shape)
        return value

    def stack(self, name=None):
        """All elements as one tensor, along a new first axis.

        Args:
          name: a name scope.

        Returns:
          A Tensor [size, ...].
        """
        from reflow.ops.ranges import range as range_

        with colocate_with(self._handle), name_scope(name, "TensorArrayStack", [self._handle]):
            return self.gather(range_(0, self.size()), name=name)

    def gather(self, indices, name=None):
        """Some elements as one tensor, along a new first axis.

        Args:
          indices: int32 vector [n].
          name: the node's name.

        Returns:
          A Tensor [n, ...].
        """
        shape = self.element_shape
        value = call("TensorArrayGatherV3", self._handle, indices, self._flow, dtype=self._dtype, element_shape=shape,
                     name=name)  # fmt: skip
        if shape.ndims is not None:
            value.set_shape([None, *shape.as_list()])
        return value

    def concat(self, name=None):
        """All elements, joined along their first axis.

        Args:
          name: the node's name.

        Returns:
          A Tensor.
        """
        rest = self.element_shape[1:]
        value, _ = call("TensorArrayConcatV3", self._handle, self._flow, dtype=self._dtype,
                        element_shape_except0=rest, name=name)  # fmt: skip
        if self.element_shape.ndims is not None:
            value.set_shape([None, *rest.as_list()])
        return value

    def size(self, name=None):
        """How many elements there are, an int32 scalar.

        Args:
          name: the node's name.
        """
        return call("TensorArraySizeV3", self._handle, self._flow, name=name)

    # --- writing ----------------------------------------------------------------------------------------------------

    def write(self, index, value, name=None):
        """Write one element.

        Args:
          index: int32 scalar.
          value: a tensor of the array's type.
          name: a name scope.

        Returns:
          The TensorArray to go on with.

        Raises:
          ValueError: if the shape is not that of the other elements.
        """
        with name_scope(name, "TensorArrayWrite", [self._handle, index, value]):
            value = self._value(value)
            self._check_shape(value.shape)
            with self._beside_first(value):
                flow = call("TensorArrayWriteV3", self._handle, index, value, self._flow, name=name)
            return self._with_flow(flow)

    def unstack(self, value, name=None):
        """Write the parts of `value` along its first axis as the elements 0, 1, ...

        Args:
          value: a tensor [n, ...].
          name: a name scope.

        Returns:
          The TensorArray to go on with.

        Raises:
          ValueError: if the shape does not fit.
        """
        from reflow.ops.ranges import range as range_
        from reflow.ops.shape_ops import shape

        with name_scope(name, "TensorArrayUnstack", [self._handle, value]):
            count = shape(value)[0]
            return self.scatter(indices=range_(0, count), value=value, name=name)

    def scatter(self, indices, value, name=None):
        """Write the parts of `value` along its first axis as the elements `indices`.

        Args:
          indices: int32 vector [n].
          value: a tensor [n, ...].
          name: a name scope.

        Returns:
          The TensorArray to go on with.

        Raises:
          ValueError: if the shape does not fit.
        """
        with name_scope(name, "TensorArrayScatter", [self._handle, value, indices]):
            value = self._value(value)
            self._check_shape(value.shape[1:])
            with self._beside_first(value):
                flow = call("TensorArrayScatterV3", self._handle, indices, value, self._flow, name=name)
            return self._with_flow(flow)

    def split(self, value, lengths, name=None):
        """Cut `value` along its first axis and write the pieces as the elements 0, 1, ...

        Args:
          value: a tensor [n, ...].
          lengths: integer vector: the sizes of the pieces, n in all.
          name: a name scope.

        Returns:
          The TensorArray to go on with.

        Raises:
          ValueError: if the shape does not fit.
        """
        from reflow.ops.casting import cast

        with name_scope(name, "TensorArraySplit", [self._handle, value, lengths]):
            value = to_tensor(value, self._dtype, "value")
            with self._beside_first(value):
                lengths = cast(lengths, dtypes.int64)
                known = constant_value(lengths)
                if value.dims is not None and known is not None and known.shape and known.max() == known.min():
                    self._check_shape(TensorShape([int(known[0]), *value.dims[1:]]))
                flow = call("TensorArraySplitV3", self._handle, value, lengths, self._flow, name=name)
            return self._with_flow(flow)

    def close(self, name=None):
        """An operation after which the array is gone.

        Args:
          name: the node's name.
        """
        return call("TensorArrayCloseV3", self._handle, name=name)

    def _value(self, value):
        value = to_tensor(value, preferred_dtype=self._dtype, name="value")
        if value.dtype.base_dtype is not self._dtype:
            logging.error(f"Error: Input value {value} has dtype {value.dtype}, but expected dtype {self._dtype}.  "
                          "This leads to undefined behavior and will be an error in future versions of "
                          "TensorFlow.")  # fmt: skip
        return value

    def _check_shape(self, shape):
        if not shape.is_compatible_with(self.element_shape):
            raise ValueError(f"Inconsistent shapes: saw {shape} but expected {self.element_shape} ")
        if self._infer_shape:
            self._shape_cell[0] = self.element_shape.merge_with(shape)

    def _beside_first(self, value):
        """Beside the first value that was written to the array."""
        if not self._colocates:
            return contextlib.nullcontext()
        if not self._beside:
            self._beside.append(value)
        return colocate_with(self._beside[0])


def _check_arguments(handle, flow, size, tensor_array_name, element_shape, dynamic_size, clear_after_read):
    if handle is None:
        if size is None:
            raise ValueError("Size must be provided if handle is not provided")
        return
    if tensor_array_name:
        raise ValueError("Cannot construct with both handle and tensor_array_name")
    if not isinstance(handle, Tensor):
        raise TypeError("Handle must be a Tensor")
    if size is not None:
        raise ValueError("Cannot provide both a handle and size at the same time")
    for argument, value in (("element_shape", element_shape), ("dynamic_size", dynamic_size),
                            ("clear_after_read", clear_after_read)):  # fmt: skip
        if value is not None:
            raise ValueError(f"Cannot provide both a handle and {argument} at the same time")
    if flow is None:
        raise ValueError("flow must not be None if handle is not None.")


@contextlib.contextmanager
def _anywhere():
    """Out of the device scopes: the first value that is written to the array tells where it is."""
    with device(None), colocate_with(None, ignore_existing=True):
        yield


@export("TensorArraySpec")
class TensorArraySpec(TypeSpec):
    """The shape and type of a TensorArray's elements.

    Args:
      element_shape: the shape of every element, as far as it is known.
      dtype: the type of the elements.
      dynamic_size: whether the array grows.
      infer_shape: whether all elements have one shape, which the first write tells.
    """

    def __init__(self, element_shape=None, dtype=dtypes.float32, dynamic_size=False, infer_shape=True):
        self._element_shape = as_shape(element_shape)
        self._dtype = as_dtype(dtype)
        self._dynamic_size = dynamic_size
        self._infer_shape = infer_shape

    @staticmethod
    def from_value(value):
        """The specification of a TensorArray.

        Raises:
          TypeError: if it is something else.
        """
        if not isinstance(value, TensorArray):
            raise TypeError(f"Expected value to be a TensorArray, but saw: {type(value)}")
        return TensorArraySpec(value.element_shape, value.dtype, value.dynamic_size, value._infer_shape)

    @property
    def value_type(self):
        """`tf.TensorArray`."""
        return TensorArray

    def _serialize(self):
        return self._element_shape, self._dtype, self._dynamic_size, self._infer_shape

    def is_compatible_with(self, other):
        """Whether a specification, or that of a TensorArray, may describe the same array; `infer_shape` does not count.

        Args:
          other: a TypeSpec, or a value that has one.

        Returns:
          A bool.

        Raises:
          TypeError: if the value has no specification.
        """
        other = other if isinstance(other, TypeSpec) else type_spec_from_value(other)
        return (isinstance(other, TensorArraySpec) and self._dtype.is_compatible_with(other._dtype)
                and self._element_shape.is_compatible_with(other._element_shape)
                and self._dynamic_size == other._dynamic_size)  # fmt: skip

    def most_specific_compatible_type(self, other):
        """The narrowest specification of which this and another one are special cases.

        Raises:
          ValueError: if there is none.
        """
        if not self.is_compatible_with(other):
            raise ValueError("Types are not compatible")
        shape = self._element_shape.most_specific_compatible_shape(other._element_shape)
        return TensorArraySpec(shape, self._dtype, self._dynamic_size, self._infer_shape and other._infer_shape)


register_type_spec(TensorArray, TensorArraySpec.from_value)
