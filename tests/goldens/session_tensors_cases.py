"""Tensors that a session keeps, run under TensorFlow 1.15.5 and Reflow (Python 3.7 as well)."""

from op_recording import Cases

case = Cases()


def _told(function):
    try:
        return str(function())
    except Exception as error:
        return "%s: %s" % (type(error).__name__, str(error).splitlines()[0])


def _kept(tf, session, value="x"):
    values = {"x": tf.constant([1.0, 2.0]), "text": tf.constant([b"a", b"bc"]), "scalar": tf.constant(3, "int64")}
    return session.run(tf.get_session_handle(values[value]))


class _Dying(object):
    """Runs what must happen while the handles of a session are alive."""

    def __init__(self, tf, t):
        self.session = tf.Session()
        self.lines = []
        t.values_only()

    def tell(self, *functions):
        self.lines.extend(_told(function) for function in functions)


@case
def _nodes(tf, t):
    x = t.feed(t.normal(2))
    handle = tf.get_session_handle(x)
    name = "GetSessionHandle;0;/job:localhost/replica:0/task:0/device:CPU:0"
    tf.get_session_tensor(name, tf.float32)
    tf.delete_session_tensor(name, name="gone")
    tf.get_session_tensor("other;3;/cpu:0", "int32", name="named")
    t.out(tf.identity(x, name="end"))
    assert handle.op.name == "GetSessionHandle"


@case.each(value=["x", "text", "scalar"])
def _used_again(tf, t, value):
    run = _Dying(tf, t)
    session, handle = run.session, _kept(tf, run.session, value)
    holder, tensor = tf.get_session_tensor(handle.handle, {"x": "float32", "text": "string", "scalar": "int64"}[value])
    fed = tf.placeholder(tensor.dtype)
    run.tell(lambda: session.run(tensor, {holder: handle.handle}), lambda: handle.eval(),
             lambda: session.run(tf.shape(tensor), {holder: handle.handle}),
             lambda: session.run(tf.identity(fed), {fed: handle}), lambda: session.run(fed, {fed: handle}))
    run.tell(lambda: handle.handle, lambda: str(handle), lambda: handle.handle == str(_kept(tf, session, value)))
    t.out(tf.constant(run.lines))


@case
def _fetched_twice(tf, t):
    run = _Dying(tf, t)
    handle = tf.get_session_handle(tf.constant([1.0]), name="mine")
    first, second = run.session.run([handle, {"a": handle}])
    run.tell(lambda: first.handle, lambda: second["a"].handle, lambda: second["a"].eval())
    t.out(tf.constant(run.lines))


@case
def _deleted(tf, t):
    run = _Dying(tf, t)
    session, handle, other = run.session, _kept(tf, run.session), _kept(tf, run.session)
    holder, delete = tf.delete_session_tensor(handle.handle)
    run.tell(lambda: session.run(delete, {holder: handle.handle}), lambda: handle.eval(),
             lambda: session.run(delete, {holder: handle.handle}), lambda: handle.delete(),
             lambda: other.delete(), lambda: other.eval(), lambda: other.delete())  # fmt: skip
    t.out(tf.constant(run.lines))


@case
def _raw_handle(tf, t):
    run = _Dying(tf, t)
    session, handles = run.session, [_kept(tf, run.session)]
    raw = handles[0].get_raw_handle()
    run.tell(lambda: raw, lambda: handles[0].eval())
    handles.clear()
    holder, tensor = tf.get_session_tensor(raw, tf.float32)
    run.tell(lambda: session.run(tensor, {holder: raw}))
    t.out(tf.constant(run.lines))


@case
def _wrong(tf, t):
    run = _Dying(tf, t)
    session, handle = run.session, _kept(tf, run.session)
    holder, tensor = tf.get_session_tensor(handle.handle, tf.int32)
    fed = tf.placeholder("int32")
    run.tell(lambda: session.run(fed + 1, {fed: handle}), lambda: tf.get_session_handle([1.0]),
             lambda: tf.get_session_tensor("nonsense", tf.float32))  # fmt: skip
    try:
        session.run(tensor, {holder: handle.handle})
    except tf.errors.InternalError as error:
        run.lines.append(str(error).split(" for node")[0].splitlines()[0])
    t.out(tf.constant(run.lines))


@case
def _steps(tf, t):
    """A sum carried from run to run."""
    run = _Dying(tf, t)
    session = run.session
    total = session.run(tf.get_session_handle(tf.constant([0.0, 0.0])))
    holder, old = tf.get_session_tensor(total.handle, tf.float32)
    new = tf.get_session_handle(old + [1.0, 2.0])
    for _ in range(4):
        total = session.run(new, {holder: total.handle})
    run.tell(lambda: total.eval(), lambda: total.handle)
    t.out(tf.constant(run.lines))
