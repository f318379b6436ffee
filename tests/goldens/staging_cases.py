"""Staging areas, in order and by key."""

import numpy as np
from op_recording import Cases, after

case = Cases()


def classes(tf):
    """The classes, which TensorFlow 1.15 exports only in part."""
    if tf.__name__ == "reflow":
        from reflow.ops import staging

        return staging.StagingArea, staging.MapStagingArea
    from tensorflow.python.ops import data_flow_ops

    return data_flow_ops.StagingArea, data_flow_ops.MapStagingArea


def flat(made):
    if isinstance(made, dict):
        return [made[k] for k in sorted(made)]
    if isinstance(made, (list, tuple)):
        return [t for part in made for t in flat(part)]
    return [made]


@case.each(names=[None, ["x", "y"]])
def in_order(tf, t, names):
    area = classes(tf)[0]([tf.float32, tf.int32], shapes=[[2], None], names=names)
    puts = []
    for _ in range(3):
        values = [t.feed(t.normal(2)), t.feed(t.integers(0, 9, 3))]
        values = dict(zip(names, values)) if names else values  # noqa: B905
        puts.append(lambda values=values: area.put(values))
    t.out(after(tf, puts, area.size))
    t.one_by_one()
    for made in (area.peek(1), area.get()):
        for tensor in flat(made)[:1]:
            t.out(tensor)


@case
def one_component(tf, t):
    area = classes(tf)[0]([tf.string], capacity=2, memory_limit=100)
    put = area.put(t.feed(np.array([b"a", b"bc"], object), dtype="string"))
    t.out(after(tf, [lambda: put], lambda: area.get()[0]))
    t.out(after(tf, [lambda: put, area.clear], area.size))


@case
def shared_name(tf, t):
    first, second = (classes(tf)[0]([tf.float32], shared_name="area") for _ in range(2))
    t.out(after(tf, [lambda: first.put([t.feed(t.normal(2))])], lambda: second.get()[0]))


@case
def too_large(tf, t):
    area = classes(tf)[0]([tf.float32], memory_limit=4)
    t.out(after(tf, [lambda: area.put([t.feed(t.normal(2))])], area.size))


@case.each(ordered=[False, True])
def by_key(tf, t, ordered):
    area = classes(tf)[1]([tf.float32, tf.int32], ordered=ordered, names=["x", "y"], shapes=[[2], [3]])
    puts = [lambda key=key: area.put(tf.constant(key, "int64"), {"x": t.feed(t.normal(2)),
                                                                  "y": t.feed(t.integers(0, 9, 3))})
            for key in ([5, 3, 4] if ordered else [3])]  # fmt: skip
    t.out(after(tf, puts, area.size))
    t.one_by_one()
    t.out(area.peek(tf.constant(3, "int64"), ["x"])["x"])
    t.out(area.get(indices=["x"])[1]["x"] if ordered else area.get(tf.constant(3, "int64"), ["x"])[1]["x"])
    t.out(area.get(tf.constant(3, "int64"), ["y"])[1]["y"])
    t.out(area.size(), area.incomplete_size())


@case.each(ordered=[False, True])
def parts(tf, t, ordered):
    area = classes(tf)[1]([tf.float32, tf.int32], ordered=ordered)
    key = tf.constant(7, "int64")
    first = area.put(key, [t.feed(t.integers(0, 9, 3))], [1])
    t.out(after(tf, [lambda: first], area.incomplete_size))
    t.one_by_one()
    second = lambda: area.put(key, [t.feed(t.normal(2))], [0])  # noqa: E731
    key, values = after(tf, [second], area.get)
    t.out(key)
    t.out(after(tf, [area.clear], area.size))


@case.each(what=["order", "twice", "taken"])
def failures(tf, t, what):
    area = classes(tf)[1]([tf.float32, tf.int32])
    key = tf.constant(7, "int64")
    xs = [t.feed(t.normal(2)), t.feed(t.integers(0, 9, 3))]
    ops = tf.raw_ops

    def put(indices, values):
        return ops.MapStage(key=key, indices=indices, values=values, dtypes=[tf.float32, tf.int32], shared_name="m")

    def take():
        return ops.MapUnstage(key=key, indices=[0], dtypes=[tf.float32], shared_name="m")[0].op

    steps = {
        "order": [lambda: put([1, 0], xs)],
        "twice": [lambda: put([0], xs[:1]), lambda: put([0], xs[:1])],
        "taken": [lambda: put([0, 1], xs), take, take],
    }[what]
    t.values_only()
    t.out(after(tf, steps, area.size))


MISTAKES = {
    "shapes": lambda tf, area: area([tf.float32], shapes=[[1], [2]]),
    "names": lambda tf, area: area([tf.float32], names=["a", "b"]),
    "shared_name": lambda tf, area: area([tf.float32], shared_name=3),
    "no names": lambda tf, area: area([tf.float32]).put({"a": tf.ones([])}),
    "other names": lambda tf, area: area([tf.float32], names=["a"]).put({"b": tf.ones([])}),
    "a list with names": lambda tf, area: area([tf.float32], names=["a"]).put([tf.ones([])]),
    "too many": lambda tf, area: area([tf.float32]).put([tf.ones([]), tf.ones([])]),
    "type": lambda tf, area: area([tf.float32]).put([tf.ones([], tf.int32)]),
    "shape": lambda tf, area: area([tf.float32], shapes=[[2]]).put([tf.ones([3])]),
}


@case.each(what=sorted(MISTAKES))
def mistakes(tf, t, what):
    MISTAKES[what](tf, classes(tf)[0])
    t.out(tf.constant(1))


MAP_MISTAKES = {
    "indices": lambda a: a.put(1, [], None),
    "number of indices": lambda a: a.put(1, [], [1]),
    "kind of indices": lambda a: a.get(1, 0),
    "no indices": lambda a: a.get(1, []),
    "names": lambda a: a.get(1, ["x"]),
    "mixed": lambda a: a.get(1, ["x", 0]),
}


@case.each(what=sorted(MAP_MISTAKES))
def map_mistakes(tf, t, what):
    MAP_MISTAKES[what](classes(tf)[1]([tf.float32]))
    t.out(tf.constant(1))
