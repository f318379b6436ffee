"""Queues: names, shapes, orders of elements, batches, padding, priorities, and what closed queues say."""

from accumulators_cases import after
from op_recording import Cases

case = Cases()


@case.each(kind=["FIFOQueue", "RandomShuffleQueue", "PaddingFIFOQueue", "PriorityQueue"])
def everything(tf, t, kind):
    arguments = {"RandomShuffleQueue": {"min_after_dequeue": 1, "seed": 3}}.get(kind, {})
    types = {"types" if kind == "PriorityQueue" else "dtypes": ["float32", "string"]}
    queue = getattr(tf, kind)(capacity=20, shapes=[[2], []], name="q", **types, **arguments)
    first = [tf.constant(4, "int64")] if kind == "PriorityQueue" else []
    many = [t.integers(0, 5, 6, dtype="int64")] if kind == "PriorityQueue" else []
    one, six = t.feed(t.normal(2)), t.feed(t.normal(6, 2))
    words = ["a", "bb", "", "c", "d", "e"]
    with tf.name_scope("scope"):
        added = [
            lambda: queue.enqueue([*first, one, "word"]),
            lambda: queue.enqueue_many([*many, six, words], name="adding"),
        ]
        t.out(after(tf, added, queue.size))
    t.one_by_one()
    t.out(queue.dequeue_many(3)[-2])
    t.out(queue.dequeue()[-1], queue.size(), queue.is_closed())
    t.out(after(tf, [queue.close], queue.is_closed))
    t.out(queue.dequeue_many(1)[-1], queue.dequeue_many(tf.constant(1))[-1], queue.size())


@case.each(version=["", "V2"])
def by_handle(tf, t, version):
    def op(name):
        return getattr(tf.raw_ops, name + version)

    handle = op("FIFOQueue")(component_types=[tf.int32], shapes=[[]], capacity=5)
    types = {"component_types": [tf.int32]}
    added = [
        lambda: op("QueueEnqueue")(handle=handle, components=[1]),
        lambda: op("QueueEnqueueMany")(handle=handle, components=[[2, 3, 4]]),
        lambda: op("QueueClose")(handle=handle),
    ]
    t.out(after(tf, added, lambda: op("QueueSize")(handle=handle)))
    t.one_by_one()
    t.out(op("QueueDequeue")(handle=handle, **types)[0], op("QueueIsClosed")(handle=handle))
    t.out(op("QueueDequeueMany")(handle=handle, n=2, **types)[0])
    t.out(op("QueueDequeueUpTo")(handle=handle, n=2, **types)[0])


@case
def by_a_reference_to_a_resource(tf, t):
    queue = tf.FIFOQueue(5, "int32", ())
    handle = tf.raw_ops.FakeQueue(resource=queue.queue_ref)
    t.out(after(tf, [lambda: queue.enqueue(1)], lambda: tf.raw_ops.QueueSize(handle=handle)))


@case
def random_order(tf, t):
    queue = tf.RandomShuffleQueue(100, 0, "int32", (), seed=5)
    t.out(after(tf, [lambda: queue.enqueue_many([list(range(100))])], queue.size))
    t.one_by_one()
    t.out(*[queue.dequeue() for _ in range(5)])
    t.out(queue.dequeue_many(60))
    t.out(after(tf, [lambda: queue.enqueue_many([list(range(100, 130))]), queue.close], lambda: queue.dequeue_many(65)))


@case
def random_order_of_a_shared_name(tf, t):
    queue = tf.RandomShuffleQueue(10, 2, "int32", (), shared_name="shared")
    t.out(after(tf, [lambda: queue.enqueue_many([list(range(10))])], lambda: queue.dequeue_many(8)))


@case.each(dtype=["int32", "string", "float16", "bool", "complex64"])
def padding(tf, t, dtype):
    queue = tf.PaddingFIFOQueue(10, [dtype, "int64"], [[None, 2], [None]])

    def value(*sizes):
        values = t.integers(0, 2, *sizes)
        return (values.astype(str) if dtype == "string" else values.astype(dtype)).tolist()

    added = [lambda n=n: queue.enqueue([value(n, 2), list(range(n + 1))]) for n in (2, 1, 3)]
    added.append(lambda: queue.enqueue_many([[value(1, 2)] * 2, [[5], [6]]]))
    t.out(after(tf, added, queue.size))
    t.one_by_one()
    t.out(*queue.dequeue_many(0))
    t.out(queue.dequeue_many(3)[0], queue.dequeue_up_to(2)[1])


@case
def priorities_that_are_equal(tf, t):
    queue = tf.PriorityQueue(50, "int32", ())
    order = [3, 1, 2, 1, 1, 3, 2, 0, 1, 2, 2, 3, 1, 0]
    t.out(after(tf, [lambda: queue.enqueue_many([order, list(range(14))])], lambda: queue.dequeue_many(9)[1]))
    t.one_by_one()
    t.out(after(tf, [lambda: queue.enqueue_many([order, list(range(20, 34))])], lambda: queue.dequeue_many(19)[1]))


@case
def names(tf, t):
    queue = tf.FIFOQueue(5, ["float32", "int32"], shapes=[[], []], names=["x", "n"])
    added = [lambda: queue.enqueue({"n": 1, "x": 2.0}), lambda: queue.enqueue_many({"x": [3.0, 4.0], "n": [5, 6]})]
    taken = after(tf, added, queue.dequeue)
    t.out(taken["x"], taken["n"])


@case
def shapes_that_are_unknown(tf, t):
    queue = tf.FIFOQueue(5, "float32")
    values = [t.feed(t.normal(n), [None]) for n in (2, 4)]
    added = [lambda value=value: queue.enqueue(value) for value in values]
    t.out(after(tf, added, queue.size))
    t.one_by_one()
    t.out(queue.dequeue(), queue.dequeue())


@case
def one_of_several(tf, t):
    queues = [tf.FIFOQueue(5, "float32", shapes) for shapes in ((3,), (4,))]
    chosen = tf.QueueBase.from_list(t.feed(1, dtype="int32"), queues)
    added = [lambda i=i: queues[i].enqueue([[float(i)] * (3 + i)]) for i in range(2)]
    t.out(after(tf, added, chosen.dequeue))
    t.one_by_one()
    t.out(*[queue.size() for queue in queues])


@case
def batches_of_unknown_size(tf, t):
    queue = tf.FIFOQueue(5, "int32", ())
    n = t.feed(2, dtype="int32")
    t.out(after(tf, [lambda: queue.enqueue_many([[7, 8, 9]])], lambda: queue.dequeue_many(n)))


def _closed(tf, queue, values=()):
    steps = [lambda: queue.enqueue_many([list(values)])] if values else []
    return lambda make: after(tf, [*steps, queue.close], make)


@case
def enqueue_to_a_closed_queue(tf, t):
    queue = tf.FIFOQueue(5, "int32", ())
    t.out(tf.identity(after(tf, [queue.close, lambda: queue.enqueue(3)], queue.size)))


@case
def closed_twice(tf, t):
    queue = tf.FIFOQueue(5, "int32", ())
    t.out(after(tf, [queue.close, queue.close], queue.size))


@case
def closed_twice_cancelling(tf, t):
    queue = tf.FIFOQueue(5, "int32", ())
    t.out(after(tf, [queue.close, lambda: queue.close(cancel_pending_enqueues=True)], queue.is_closed))


@case
def too_few_for_a_batch(tf, t):
    queue = tf.FIFOQueue(5, "int32", ())
    t.out(_closed(tf, queue, [1, 2])(lambda: queue.dequeue_many(3)))


@case
def fewer_of_a_closed_queue(tf, t):
    queue = tf.FIFOQueue(5, "int32", ())
    t.out(_closed(tf, queue, [1, 2])(lambda: queue.dequeue_up_to(3)))


@case
def fewer_of_an_empty_queue(tf, t):
    queue = tf.FIFOQueue(5, "int32", ())
    t.out(_closed(tf, queue)(lambda: queue.dequeue_up_to(3)))


@case
def batch_without_shapes(tf, t):
    t.out(tf.FIFOQueue(5, "int32").dequeue_many(3))


@case
def negative_batch(tf, t):
    t.out(tf.FIFOQueue(5, "int32", ()).dequeue_many(-1))


@case
def value_of_another_shape(tf, t):
    queue = tf.FIFOQueue(5, "float32", (2,))
    value = t.feed(t.normal(3), None)
    t.out(after(tf, [lambda: queue.enqueue(value)], queue.size))


@case
def rows_of_another_shape(tf, t):
    queue = tf.FIFOQueue(5, "float32", (2,))
    value = t.feed(t.normal(2, 3), None)
    t.out(after(tf, [lambda: queue.enqueue_many([value])], queue.size))


@case
def batches_of_different_sizes(tf, t):
    queue = tf.FIFOQueue(5, ["float32", "float32"])
    values = [t.feed(t.normal(n), None) for n in (2, 3)]
    t.out(after(tf, [lambda: queue.enqueue_many(values)], queue.size))


@case
def static_shape_that_does_not_fit(tf, t):
    t.out(tf.FIFOQueue(5, "float32", (2,)).enqueue(t.feed(t.normal(3))))


@case
def partly_known_shape(tf, t):
    tf.FIFOQueue(5, "float32", [[None, 2]])


@case
def padding_to_unknown_rank(tf, t):
    tf.PaddingFIFOQueue(5, ["float32"], [tf.TensorShape(None)])


@case
def padding_without_a_list(tf, t):
    tf.PaddingFIFOQueue(5, ["float32"], [None, 2])


@case
def priorities_without_shapes(tf, t):
    tf.PriorityQueue(5, ["float32"])


@case
def names_of_another_number(tf, t):
    tf.FIFOQueue(5, ["float32"], names=["a", "b"])


@case
def dictionary_without_names(tf, t):
    tf.FIFOQueue(5, ["float32"]).enqueue({"a": 1.0})


@case
def shared_with_another_capacity(tf, t):
    t.out(*[tf.FIFOQueue(n, "float32", shared_name="same").size() for n in (3, 4)])


@case
def too_many_must_stay(tf, t):
    t.out(tf.RandomShuffleQueue(3, 3, "float32").size())


@case
def types_that_differ(tf, t):
    queue = tf.FIFOQueue(5, "float32")
    t.out(after(tf, [lambda: tf.raw_ops.QueueEnqueueV2(handle=queue.queue_ref, components=[3])], queue.size))
