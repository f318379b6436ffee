"""The stack of default sessions of a thread: what `tensor.eval()` and `operation.run()` use."""

import contextlib
import threading

from reflow.graph.export import export


class _DefaultSessions(threading.local):
    def __init__(self):
        self.stack = []


_default = _DefaultSessions()


@export("get_default_session")
def get_default_session():
    """The innermost session that is a default in this thread, or None."""
    return _default.stack[-1] if _default.stack else None


@contextlib.contextmanager
def default_session(session):
    """Make `session` the default inside the block."""
    _default.stack.append(session)
    try:
        yield session
    finally:
        _default.stack.remove(session)


def _session_for(element, session, verb):
    if session is None:
        session = get_default_session()
        if session is None:
            method, colon = ("eval", "") if verb == "evaluate tensor" else ("run", ":")
            raise ValueError(f"Cannot {verb} using `{method}()`: No default session is registered. Use `with "
                             f"sess.as_default(){colon}` or pass an explicit session to "
                             f"`{method}(session=sess)`")  # fmt: skip
        if session.graph is not element.graph:
            kind, call = ("tensor", "`eval(session=sess)`") if "tensor" in verb else ("operation", "run(session=sess)")
            raise ValueError(f"Cannot use the default session to {verb}: the {kind}'s graph is different from the "
                             f"session's graph. Pass an explicit session to {call}.")  # fmt: skip
    elif session.graph is not element.graph:
        raise ValueError(f"Cannot use the given session to {verb}: the graph of {element.name} is different from the "
                         "session's graph.")  # fmt: skip
    return session


def evaluate_tensor(tensor, feed_dict, session):
    """The value of `tensor` in `session`, or in the default session."""
    return _session_for(tensor, session, "evaluate tensor").run(tensor, feed_dict)


def run_operation(operation, feed_dict, session):
    """Run `operation` in `session`, or in the default session."""
    _session_for(operation, session, "execute operation").run(operation, feed_dict)
