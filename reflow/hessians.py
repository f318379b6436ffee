"""tf.hessians: one row of a Hessian after the other."""

import itertools
import weakref

from reflow.autodiff import UnconnectedGradients, _as_list, gradients
from reflow.graph.build import call
from reflow.graph.context import name_scope
from reflow.graph.convert import to_tensor
from reflow.graph.export import export
from reflow.graph.operation import Operation, Tensor
from reflow.ops.joining import concat, stack
from reflow.ops.placeholder import placeholder
from reflow.ops.shape_ops import reshape, shape, size

# Up to so many rows each has nodes of its own, which can be differentiated again.
_MOST_ROWS_WITH_NODES = 32


@export("hessians")
def hessians(ys, xs, name="hessians", colocate_gradients_with_ops=False, gate_gradients=False, aggregation_method=None):
    """Adds nodes that compute the Hessian of the sum of `ys` with respect to each of `xs`.

    Args:
      ys: a tensor or list of tensors.
      xs: a tensor or list of tensors.
      name, colocate_gradients_with_ops, gate_gradients, aggregation_method: as for `gradients`.

    Returns:
      A list of tensors, each of shape x.shape + x.shape. Those of an x of more than 32 elements, or of an unknown
      number of them, cannot be differentiated further.

    Raises:
      LookupError: if an operation has no gradient.
    """
    xs = _as_list(xs)
    options = {"colocate_gradients_with_ops": colocate_gradients_with_ops, "gate_gradients": gate_gradients,
               "aggregation_method": aggregation_method}  # fmt: skip
    results = []
    for i, (gradient, x) in enumerate(zip(gradients(ys, xs, **options), xs, strict=True)):
        with name_scope(f"{name}_{i}" if i else name):
            results.append(_hessian(gradient, x, options))
    return results


def _hessian(gradient: Tensor, x, options: dict) -> Tensor:
    tensor, flat = to_tensor(x), reshape(gradient, [-1])
    count = tensor.shape.num_elements()
    if tensor.dims is not None and count is not None and count <= _MOST_ROWS_WITH_NODES:
        rows = [_gradient(flat[j], x, options) for j in range(count)]
        return reshape(stack(rows), [*tensor.dims, *tensor.dims])
    # The product of a vector and the matrix; row j is that with the unit vector e_j.
    direction = placeholder(tensor.dtype, [count], name="direction")
    product = reshape(_gradient(flat, x, options, grad_ys=direction), [-1])
    sizes = shape(tensor)
    hessian = reshape(LinearMap(direction, product).rows(size(tensor)), concat([sizes, sizes], 0))
    if tensor.dims is not None:
        hessian.set_shape([*tensor.dims, *tensor.dims])
    return hessian


def _gradient(y, x, options, **more):
    return gradients(y, x, unconnected_gradients=UnconnectedGradients.ZERO, **options, **more)[0]


# --- matrices of linear functions -------------------------------------------------------------------------------------

_maps: "weakref.WeakValueDictionary[bytes, LinearMap]" = weakref.WeakValueDictionary()
_numbers = itertools.count()


class LinearMap:
    """A vector as a linear function of another one, as nodes of a graph.

    Args:
      direction: the vector that it is a function of: a placeholder.
      product: the vector that it is.
    """

    def __init__(self, direction: Tensor, product: Tensor):
        self.direction = direction
        self.product = product
        # What the nodes in between take from outside. Variables themselves are the session's.
        self.taken = [t for t in _taken(direction.op, product.op) if not t.dtype.is_ref and t.dtype.name != "resource"]

    def rows(self, count) -> Tensor:
        """Its values at the unit vectors.

        Args:
          count: int32 scalar: the length of the vector that it is a function of.

        Returns:
          A matrix: row j is the value at e_j.
        """
        token = b"linear_map_%d" % next(_numbers)
        _maps[token] = self
        rows = call("_LinearMapRows", count, self.taken, T=self.product.dtype, token=token)
        rows._linear_map = self  # It lives as long as the graph.
        return rows


def linear_map(token: bytes) -> LinearMap:
    """The linear function behind a node."""
    return _maps[token]


def _taken(first: Operation, last: Operation) -> list[Tensor]:
    """What the operations on the ways from one to another take that lie on none of them."""
    depends = {first: True}
    stack = [last]
    while stack:
        operation = stack[-1]
        open_inputs = [t.op for t in operation._inputs if t.op not in depends]
        # Whatever was there before the placeholder cannot depend on it.
        if operation._id < first._id:
            depends[operation] = False
        elif open_inputs:
            stack.extend(open_inputs)
            continue
        else:
            depends[operation] = depends.get(operation) or any(depends[t.op] for t in operation._inputs)
        stack.pop()
    between = [operation for operation, on_the_way in depends.items() if on_the_way and operation is not first]
    return list(dict.fromkeys(t for op in between for t in op._inputs if not depends.get(t.op)))
