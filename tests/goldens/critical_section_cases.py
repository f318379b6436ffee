"""tf.CriticalSection, run under TensorFlow 1.15.5 and Reflow (Python 3.7 as well)."""

from op_recording import Cases

case = Cases()


def _counter(tf, start=0.0, name="v"):
    return tf.get_variable(name, initializer=start, use_resource=True)


def _count(tf, v, by=1.0):
    def count():
        value = v.read_value()
        with tf.control_dependencies([value]), tf.control_dependencies([v.assign_add(by)]):
            return tf.identity(value)

    return count


@case.each(name=[None, "mine"])
def _one(tf, t, name):
    section = tf.CriticalSection(name=name)
    x = t.feed(t.normal(2))
    with tf.name_scope("outer"):
        t.out(section.execute(lambda: tf.exp(x, name="inside"), name=name))
    assert section.name == (name or "CriticalSection")


@case
def _shared_name(tf, t):
    section = tf.CriticalSection(shared_name="all")
    t.out(section.execute(lambda: tf.constant(1)))


@case
def _structures(tf, t):
    x = t.feed(t.normal(2))
    section = tf.CriticalSection()
    both = section.execute(lambda: {"a": (x, x + 1), "b": [tf.exp(x)]})
    t.out(both["a"][0], both["a"][1], both["b"][0])


@case
def _arguments_first(tf, t):
    x, section = t.feed(t.normal(2)), tf.CriticalSection()
    y = tf.exp(x)
    t.out(section.execute(lambda: y * 2))


@case
def _one_after_the_other(tf, t):
    t.values_only()
    v, section = _counter(tf), tf.CriticalSection()
    values = [section.execute(_count(tf, v)) for _ in range(5)]
    t.out(sum(values[1:], values[0]))


@case
def _in_order_of_data(tf, t):
    t.values_only()
    v, section = _counter(tf, 1.0), tf.CriticalSection()
    first = section.execute(_count(tf, v, 10.0))
    second = section.execute(_count(tf, v, first * 100))
    third = section.execute(lambda: v.read_value() + second)
    t.out(third)


@case
def _same_shared_name(tf, t):
    t.values_only()
    v = _counter(tf)
    sections = [tf.CriticalSection(shared_name="all") for _ in range(2)]
    values = [section.execute(_count(tf, v)) for section in sections * 2]
    t.out(sum(values[1:], values[0]))


@case
def _shared_resources(tf, t):
    t.values_only()
    v = _counter(tf)
    first, second = tf.CriticalSection(), tf.CriticalSection()
    t.out(first.execute(v.read_value, exclusive_resource_access=False))
    t.out(second.execute(v.read_value, exclusive_resource_access=False))


@case.each(exclusive=[(True, True), (True, False), (False, True)])
def _exclusive_resources(tf, t, exclusive):
    v = _counter(tf)
    tf.CriticalSection().execute(v.read_value, exclusive_resource_access=exclusive[0])
    tf.CriticalSection().execute(v.read_value, exclusive_resource_access=exclusive[1])


@case
def _nested(tf, t):
    section = tf.CriticalSection()
    section.execute(lambda: section.execute(lambda: tf.constant(1)))


@case
def _two_sections_nested(tf, t):
    t.values_only()
    outer, inner = tf.CriticalSection(), tf.CriticalSection()
    t.out(outer.execute(lambda: inner.execute(lambda: tf.constant(1)) + 1))


@case
def _from_proto(tf, t):
    tf.CriticalSection(critical_section_def=b"x")


@case
def _name_and_proto(tf, t):
    tf.CriticalSection(name="a", critical_section_def=b"x")


@case
def _operations(tf, t):
    t.values_only()
    v, section = _counter(tf), tf.CriticalSection()
    done = section.execute(lambda: v.assign_add(1.0, read_value=False))
    with tf.control_dependencies([done]):
        t.out(v.read_value())


@case
def _collections(tf, t):
    t.values_only()
    section = tf.CriticalSection()
    section.execute(lambda: tf.constant(1))
    execution = tf.get_collection("critical_section_executions")[0]
    t.out(tf.constant([str(len(tf.get_collection("critical_sections"))), execution.op.name,
                       str(execution.exclusive_resource_access), str(execution.resources)]))  # fmt: skip
