"""TensorLists: values, static shapes, mistakes, gradients."""

import numpy as np
from op_recording import Cases

case = Cases()
ROWS = np.arange(6, dtype="float32").reshape(3, 2)


class Lists:
    """The ops on lists of float32 with short names; -1 stands for an unknown shape or size."""

    def __init__(self, tf):
        self.ops = tf.raw_ops
        self.tf = tf

    def empty(self, shape=(2,), dtype="float32", most=-1):
        return self.ops.EmptyTensorList(
            element_shape=self.shape(shape), max_num_elements=most, element_dtype=self.tf.as_dtype(dtype)
        )

    def shape(self, shape):
        return shape if shape == -1 else self.tf.constant(list(shape), "int32")

    def reserve(self, shape, size, dtype="float32"):
        return self.ops.TensorListReserve(
            element_shape=self.shape(shape), num_elements=size, element_dtype=self.tf.as_dtype(dtype)
        )

    def of(self, tensor, shape=(2,)):
        return self.ops.TensorListFromTensor(tensor=tensor, element_shape=self.shape(shape))

    def push(self, handle, *tensors):
        for tensor in tensors:
            handle = self.ops.TensorListPushBack(input_handle=handle, tensor=tensor)
        return handle

    def pop(self, handle, shape=-1, dtype="float32"):
        return self.ops.TensorListPopBack(
            input_handle=handle, element_shape=self.shape(shape), element_dtype=self.tf.as_dtype(dtype)
        )

    def get(self, handle, index, shape=-1, dtype="float32"):
        return self.ops.TensorListGetItem(
            input_handle=handle, index=index, element_shape=self.shape(shape), element_dtype=self.tf.as_dtype(dtype)
        )

    def set(self, handle, index, item):
        return self.ops.TensorListSetItem(input_handle=handle, index=index, item=item)

    def stack(self, handle, shape=-1, size=-1, dtype="float32"):
        return self.ops.TensorListStack(
            input_handle=handle, element_shape=self.shape(shape), num_elements=size,
            element_dtype=self.tf.as_dtype(dtype),
        )  # fmt: skip

    def gather(self, handle, indices, shape=-1):
        return self.ops.TensorListGather(
            input_handle=handle, indices=self.tf.constant(indices, "int32"), element_shape=self.shape(shape),
            element_dtype=self.tf.float32,
        )  # fmt: skip

    def scatter(self, tensor, indices, shape=(2,), size=None):
        if size is None:
            return self.ops.TensorListScatter(tensor=tensor, indices=indices, element_shape=self.shape(shape))
        return self.ops.TensorListScatterV2(
            tensor=tensor, indices=indices, element_shape=self.shape(shape), num_elements=size
        )

    def scatter_into(self, handle, tensor, indices):
        return self.ops.TensorListScatterIntoExistingList(input_handle=handle, tensor=tensor, indices=indices)

    def split(self, tensor, lengths, shape=(-1, 2)):
        return self.ops.TensorListSplit(tensor=tensor, element_shape=self.shape(shape), lengths=lengths)

    def concat(self, handle, shape=-1, leading=()):
        return self.ops.TensorListConcatV2(
            input_handle=handle, element_shape=self.shape(shape), element_dtype=self.tf.float32,
            leading_dims=self.tf.constant(list(leading), "int64"),
        )  # fmt: skip

    def concat_v1(self, handle, shape=None):
        return self.ops.TensorListConcat(input_handle=handle, element_dtype=self.tf.float32, element_shape=shape)

    def resize(self, handle, size):
        return self.ops.TensorListResize(input_handle=handle, size=size)

    def length(self, handle):
        return self.ops.TensorListLength(input_handle=handle)

    def element_shape(self, handle, dtype="int32"):
        return self.ops.TensorListElementShape(input_handle=handle, shape_type=self.tf.as_dtype(dtype))

    def append_lists(self, a, b, dtype="float32"):
        return self.ops.TensorListConcatLists(input_a=a, input_b=b, element_dtype=self.tf.as_dtype(dtype))

    def push_batch(self, handles, tensor):
        return self.ops.TensorListPushBackBatch(input_handles=handles, tensor=tensor)


ONE, TWO, THREE = [1.0], [1.0, 2.0], [1.0, 2.0, 3.0]
WHAT = {
    "pop": lambda n: n.pop(n.push(n.empty(), TWO, [3.0, 4.0]))[1],
    "pop the rest": lambda n: n.stack(n.pop(n.push(n.empty(), TWO, [3.0, 4.0]))[0]),
    "pop of an empty list": lambda n: n.pop(n.empty())[1],
    "pop another type": lambda n: n.pop(n.push(n.empty(), TWO), dtype="int32")[1],
    "pop another shape": lambda n: n.pop(n.push(n.empty(-1), TWO), (3,))[1],
    "pop what nobody wrote": lambda n: n.pop(n.reserve((2,), 2))[1],
    "push another shape": lambda n: n.length(n.push(n.empty(), THREE)),
    "push another type": lambda n: n.length(n.push(n.empty(), [1, 2])),
    "push on a full list": lambda n: n.length(n.push(n.empty(most=1), TWO, TWO)),
    "stack": lambda n: n.stack(n.of(ROWS)),
    "stack a number": lambda n: n.stack(n.of(ROWS), size=3),
    "stack another number": lambda n: n.stack(n.of(ROWS), size=4),
    "stack another type": lambda n: n.stack(n.of(ROWS), dtype="int32"),
    "stack another shape": lambda n: n.stack(n.of(ROWS), (3,)),
    "stack an empty list": lambda n: n.stack(n.empty()),
    "stack an empty list of unknown shape": lambda n: n.stack(n.empty(-1)),
    "stack an empty list of partial shape": lambda n: n.stack(n.empty((2, -1))),
    "stack an empty list of given shape": lambda n: n.stack(n.empty((-1,)), (2,)),
    "stack two shapes": lambda n: n.stack(n.push(n.empty(-1), ONE, TWO)),
    "stack a reserved list": lambda n: n.stack(n.reserve((2,), 3)),
    "stack a reserved list of unknown shape": lambda n: n.stack(n.reserve(-1, 3)),
    "stack a list written in part": lambda n: n.stack(n.set(n.reserve(-1, 3), 1, TWO)),
    "stack strings": lambda n: n.stack(n.push(n.empty((), "string"), "a", "b"), dtype="string"),
    "stack reserved strings": lambda n: n.stack(n.reserve((2,), 2, "string"), dtype="string"),
    "get": lambda n: n.get(n.of(ROWS), 1),
    "get what nobody wrote": lambda n: n.get(n.reserve((2,), 3), 1),
    "get of unknown shape": lambda n: n.get(n.reserve(-1, 3), 1),
    "get of a shape that others have": lambda n: n.get(n.set(n.reserve(-1, 3), 1, TWO), 0),
    "get of a shape given": lambda n: n.get(n.reserve(-1, 3), 1, (4,)),
    "get beyond": lambda n: n.get(n.of(ROWS), 5),
    "get before": lambda n: n.get(n.of(ROWS), -1),
    "get another type": lambda n: n.get(n.of(ROWS), 1, dtype="int32"),
    "get another shape": lambda n: n.get(n.of(ROWS), 1, (3,)),
    "set": lambda n: n.stack(n.set(n.of(ROWS), 1, [8.0, 9.0])),
    "set leaves the list before": lambda n: n.stack(n.append_lists(n.set(n.of(ROWS), 1, TWO), n.of(ROWS))),
    "set beyond": lambda n: n.stack(n.set(n.of(ROWS), 5, TWO)),
    "set another type": lambda n: n.stack(n.set(n.of(ROWS), 1, [1, 2])),
    "set another shape": lambda n: n.stack(n.set(n.of(ROWS), 1, THREE)),
    "resize down": lambda n: n.stack(n.resize(n.of(ROWS), 1)),
    "resize up": lambda n: n.stack(n.resize(n.of(ROWS), 5)),
    "resize below": lambda n: n.stack(n.resize(n.of(ROWS), -5)),
    "gather": lambda n: n.gather(n.of(ROWS), [2, 0, 2]),
    "gather beyond": lambda n: n.gather(n.of(ROWS), [3]),
    "gather none": lambda n: n.gather(n.of(ROWS), []),
    "gather none of unknown shape": lambda n: n.gather(n.empty(-1), []),
    "gather what nobody wrote": lambda n: n.gather(n.reserve(-1, 2), [0]),
    "scatter": lambda n: n.stack(n.scatter(ROWS, [2, 0, 4])),
    "scatter another number": lambda n: n.stack(n.scatter(ROWS, [2, 0])),
    "scatter below": lambda n: n.stack(n.scatter(ROWS, [2, -1, 1])),
    "scatter over a number": lambda n: n.stack(n.scatter(ROWS, [2, 0, 1], size=5)),
    "scatter over too few": lambda n: n.stack(n.scatter(ROWS, [2, 0, 1], size=2)),
    "scatter over below": lambda n: n.stack(n.scatter(ROWS, [2, 0, 1], size=-3)),
    "scatter over any": lambda n: n.stack(n.scatter(ROWS, [2, 0, 3], size=-1)),
    "scatter into": lambda n: n.stack(n.scatter_into(n.of(ROWS), [[7.0, 8.0], [9.0, 9.5]], [1, 3])),
    "scatter into another number": lambda n: n.stack(n.scatter_into(n.of(ROWS), ROWS, [0, 1])),
    "scatter into another type": lambda n: n.stack(n.scatter_into(n.of(ROWS), [[1], [2]], [0, 1])),
    "concat": lambda n: n.concat(n.split(ROWS, [2, 1]))[0],
    "concat lengths": lambda n: n.concat(n.split(ROWS, [2, 1]))[1],
    "concat of the first version": lambda n: n.concat_v1(n.split(ROWS, [2, 1]))[0],
    "concat of the first version with a shape": lambda n: n.concat_v1(n.split(ROWS, [2, 1], (-1, -1)), [None, 2])[0],
    "concat of given shape": lambda n: n.concat(n.split(ROWS, [2, 1]), (-1, 2))[0],
    "concat of another first size": lambda n: n.concat(n.split(ROWS, [2, 1]), (2, 2))[0],
    "concat of another shape": lambda n: n.concat(n.split(ROWS, [2, 1]), (-1, 3))[0],
    "concat an empty list": lambda n: n.concat(n.empty((-1, 2)))[0],
    "concat an empty list of unknown shape": lambda n: n.concat(n.empty(-1))[0],
    "concat an empty list of given shape": lambda n: n.concat(n.empty(-1), (-1, 2))[0],
    "concat scalars": lambda n: n.concat(n.push(n.empty(()), 1.0))[0],
    "concat two shapes": lambda n: n.concat(n.push(n.empty(-1), [ONE], [TWO]))[0],
    "concat a reserved list": lambda n: n.concat(n.reserve((2, 3), 2))[0],
    "concat a reserved list of unknown sizes": lambda n: n.concat(n.reserve((-1, 3), 2))[0],
    "concat a reserved list of given sizes": lambda n: n.concat(n.reserve((-1, 3), 2), (-1, 3), [1, 2])[0],
    "split into too much": lambda n: n.length(n.split(ROWS, [2, 2])),
    "split into too little": lambda n: n.length(n.split(ROWS, [1, 1])),
    "split another shape": lambda n: n.length(n.split(ROWS, [2, 1], (-1, 3))),
    "split a scalar": lambda n: n.length(n.split(1.0, [2, 1], ())),
    "split at a matrix": lambda n: n.length(n.split(ROWS, [[2, 1]])),
    "split below": lambda n: n.length(n.split(ROWS, [2, -1, 2])),
    "of another shape": lambda n: n.length(n.of(ROWS, (3,))),
    "of a scalar": lambda n: n.length(n.of(1.0, ())),
    "of strings": lambda n: n.stack(n.of(["a", "b"], ()), dtype="string"),
    "element shape": lambda n: n.element_shape(n.empty((2, -1))),
    "element shape unknown": lambda n: n.element_shape(n.empty(-1), "int64"),
    "element shape of scalars": lambda n: n.element_shape(n.empty(())),
    "append": lambda n: n.stack(n.append_lists(n.of(ROWS), n.of(ROWS[:1]))),
    "append batches": lambda n: n.stack(
        n.append_lists(n.tf.stack([n.of(ROWS), n.of(-ROWS)]), n.tf.stack([n.of(ROWS), n.of(ROWS)]))[1]
    ),
    "append another batch": lambda n: n.append_lists(n.tf.stack([n.of(ROWS), n.of(-ROWS)]), n.tf.stack([n.of(ROWS)])),
    "append another shape": lambda n: n.stack(n.append_lists(n.of(ROWS), n.empty((3,)))),
    "append another type": lambda n: n.stack(n.append_lists(n.of(ROWS), n.of(ROWS), "int32")),
    "push on a batch": lambda n: n.stack(
        n.push_batch(n.tf.stack([n.of(ROWS), n.of(ROWS)]), [[7.0, 8.0], [9.0, 10.0]])[1]
    ),
    "push on another batch": lambda n: n.push_batch(n.tf.stack([n.of(ROWS), n.of(ROWS)]), [[7.0, 8.0]]),
    "push on a batch another shape": lambda n: n.stack(
        n.push_batch(n.tf.stack([n.of(ROWS), n.of(ROWS)]), [[7.0], [9.0]])[1]
    ),
    "push on a batch another type": lambda n: n.push_batch(n.tf.stack([n.of(ROWS)]), [[7, 8]]),
    "add": lambda n: n.stack(n.tf.add_n([n.of(ROWS), n.of(ROWS), n.of(ROWS)])),
    "add what nobody wrote": lambda n: n.stack(n.tf.add_n([n.of(ROWS), n.reserve((2,), 3)])),
    "add other lengths": lambda n: n.stack(n.tf.add_n([n.of(ROWS), n.reserve((2,), 2)])),
    "zeros like": lambda n: n.stack(n.tf.zeros_like(n.of(ROWS))),
    "length of a number": lambda n: n.length(n.tf.constant(1.0)),
    "identity": lambda n: n.stack(n.tf.identity(n.push(n.empty(), TWO))),
}


@case.each(what=sorted(WHAT))
def values(tf, t, what):
    t.out(WHAT[what](Lists(tf)))


@case
def shapes_that_only_the_run_tells(tf, t):
    n = Lists(tf)
    shape = tf.placeholder(tf.int32, None)
    t.feeds[shape] = np.array([2], "int32")
    handle = tf.raw_ops.EmptyTensorList(element_shape=shape, max_num_elements=-1, element_dtype=tf.float32)
    t.out(n.stack(n.push(handle, TWO)), n.element_shape(handle))


@case
def a_push_that_does_not_fit_when_run(tf, t):
    n = Lists(tf)
    t.out(n.length(n.push(n.empty(), t.feed(np.ones(3, "float32"), None))))


@case
def gradient_of_pushes(tf, t):
    n = Lists(tf)
    xs = [t.feed(t.normal(2)) for _ in range(3)]
    t.grad(t.out(n.stack(n.push(n.empty(), *xs))), xs)


@case
def gradient_of_pops(tf, t):
    n = Lists(tf)
    xs = [t.feed(t.normal(2)) for _ in range(2)]
    rest, last = n.pop(n.push(n.empty(), *xs), (2,))
    t.grad([t.out(last * last), t.out(n.pop(rest)[1])], xs, second=True)


@case
def gradient_of_an_element(tf, t):
    n = Lists(tf)
    x = t.feed(t.normal(3, 2))
    handle = n.of(x)
    t.grad([t.out(n.get(handle, 1)), t.out(n.get(handle, 2)), t.out(n.stack(handle))], [x])


@case
def gradient_of_a_changed_element(tf, t):
    n = Lists(tf)
    x, y = t.feed(t.normal(3, 2)), t.feed(t.normal(2))
    t.grad(t.out(tf.square(n.stack(n.set(n.of(x), 1, y)))), [x, y])


@case
def gradient_of_gather_and_scatter(tf, t):
    n = Lists(tf)
    x, y = t.feed(t.normal(3, 2)), t.feed(t.normal(2, 2))
    scattered = n.scatter(x, [2, 0, 3], size=4)
    t.grad([t.out(n.gather(scattered, [3, 2])), t.out(n.stack(n.scatter(x, [1, 0, 2])))], [x])
    t.grad(t.out(n.stack(n.scatter_into(n.of(x), y, [0, 2]))), [x, y])


@case
def gradient_of_concat_and_split(tf, t):
    n = Lists(tf)
    x = t.feed(t.normal(3, 2))
    pieces = n.split(x, [2, 1])
    t.grad(t.out(tf.square(n.concat(pieces)[0])), [x], second=True)
    t.grad(t.out(tf.square(n.concat_v1(pieces)[0])), [x])


@case
def gradient_of_a_resized_list(tf, t):
    n = Lists(tf)
    x = t.feed(t.normal(3, 2))
    t.grad(t.out(n.stack(n.resize(n.of(x), 2))), [x])


@case
def gradient_of_scalars(tf, t):
    n = Lists(tf)
    x = t.feed(t.normal(3), None)
    t.grad(t.out(n.stack(n.of(x, ()))), [x])
