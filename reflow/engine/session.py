"""Sessions: they own the state of a graph's variables and run parts of the graph."""

import contextlib
import sys
import threading
import warnings

from google.protobuf.text_format import MessageToString

from reflow.engine import linear_maps  # noqa: F401 # It defines an op.
from reflow.engine.cost_graph import CostModelRuns
from reflow.engine.default_config import default_config
from reflow.engine.devices import limit_gpu_memory, mapping, session_devices, visible_gpus
from reflow.engine.feeds import feed_pairs, feed_value
from reflow.engine.fetches import Fetches
from reflow.engine.jit.request import Request
from reflow.engine.partial_run import PartialRuns
from reflow.engine.pipeline import Options
from reflow.engine.placement import Placer
from reflow.engine.step import Compiled, Step, use_threads
from reflow.graph import errors
from reflow.graph.default import default_session
from reflow.graph.export import export
from reflow.graph.graph import Graph, get_default_graph
from reflow.graph.operation import Operation, Tensor
from reflow.ops.resources import ResourceManager


class BaseSession:
    """What all sessions share; see `Session`."""

    def __init__(self, target="", graph=None, config=None):
        if graph is not None and not isinstance(graph, Graph):
            raise TypeError(f"graph must be a tf.Graph, but got {type(graph)}")
        if target is not None and not isinstance(target, (str, bytes)):
            raise TypeError(f"target must be a string, but got {type(target)}")
        if config is not None and type(config).__name__ != "ConfigProto":
            raise TypeError(f"config must be a tf.ConfigProto, but got {type(config)}")
        self._graph = graph or get_default_graph()
        self._target = target.encode() if isinstance(target, str) else target or b""
        self._config = config = default_config() if config is None else config
        _check_target(self._target, config)
        self._closed = False
        self._resources = ResourceManager(tuple(visible_gpus(config)))
        self._options = _options(config)
        limit_gpu_memory(config)
        if config.log_device_placement:
            print(mapping(config), file=sys.stderr)
        self._cost_model_runs = CostModelRuns(config.graph_options)
        self._timeout_ms = max(config.operation_timeout_in_ms, 0)
        if config.intra_op_parallelism_threads > 0:
            use_threads(config.intra_op_parallelism_threads)
        self._lock = threading.Lock()
        self._runs: dict = {}
        self._steps: dict[tuple, Step] = {}
        self._changes = self._graph._changes
        self._partial_runs = PartialRuns(self)

    # --- what a session is ------------------------------------------------------------------------------------------

    @property
    def graph(self) -> Graph:
        """The graph that the session runs."""
        return self._graph

    @property
    def graph_def(self):
        """The graph as a GraphDef proto."""
        return self._graph.as_graph_def()

    @property
    def sess_str(self) -> bytes:
        """The target that the session was made with."""
        return self._target

    def as_default(self):
        """A context in which `eval()` and `run()` of tensors and operations use this session."""
        return default_session(self)

    def close(self) -> None:
        """End the session and free its variables."""
        self._closed = True
        self._resources.clear()
        self._steps.clear()
        self._runs.clear()

    def list_devices(self):
        """The devices that the session can run operations on.

        Raises:
          CancelledError: if the session is closed.
        """
        if self._closed:
            raise errors.CancelledError(None, None, "Session has been closed.")
        return session_devices(self._config)

    # --- running ------------------------------------------------------------------------------------------------------

    def run(self, fetches, feed_dict=None, options=None, run_metadata=None):
        """Run what the fetches need and return their values.

        Args:
          fetches: a tensor, operation, variable, name of one, or a nested list, tuple, dict, named tuple of them.
          feed_dict: dict from a tensor (any of the graph) to the value it takes in this run: a NumPy array or what
            converts to one of the tensor's type and a shape that fits.
          options: a RunOptions proto; `trace_level` asks for step statistics.
          run_metadata: a RunMetadata proto that takes the statistics.

        Returns:
          The structure of `fetches`, with NumPy arrays and scalars for tensors and None for operations. They are the
          caller's to keep and to change.

        Raises:
          RuntimeError: if the session is closed.
          TypeError, ValueError: for fetches and feeds that are none of the graph's or do not fit.
          errors.OpError: if an operation fails.
        """
        if options is not None or run_metadata is not None or self._timeout_ms:
            from reflow.engine.trace import run_with_metadata

            return run_with_metadata(self, fetches, feed_dict, options, run_metadata)
        return self._run(fetches, feed_dict)

    def _run(self, fetches, feed_dict):
        """`run` without options."""
        prepared, values = self._prepare(fetches, feed_dict)
        return prepared.build(prepared.step.run(values))

    def _prepare(self, fetches, feed_dict) -> "tuple[_Prepared, list]":
        """The compiled form of these fetches and feed keys, and the fed values."""
        key = _run_key(fetches, feed_dict)
        prepared = self._runs.get(key) if key is not None and self._changes == self._graph._changes else None
        if prepared is None:
            prepared, values = self._prepare_new(fetches, feed_dict, key)
            return prepared, values
        if not feed_dict:
            return prepared, []
        return prepared, [feed_value(t, v) for t, v in zip(prepared.fed, feed_dict.values(), strict=True)]

    def _prepare_new(self, fetches, feed_dict, key):
        self._check_open()
        if self._graph._version == 0:
            raise RuntimeError("The Session graph is empty.  Add operations to the graph before calling run().")
        if feed_dict is not None and not hasattr(feed_dict, "items"):
            raise TypeError(f"feed_dict must be a dictionary mapping strings to Tensors, got {type(feed_dict)}")
        handler = Fetches(self._graph, fetches)
        pairs = feed_pairs(self._graph, feed_dict) if feed_dict else []
        fed = [t for t, _ in pairs]
        prepared = _Prepared(handler.build, fed, self._step(handler.tensors, handler.targets, fed))
        if key is not None and len(pairs) == len(feed_dict or ()) and all(type(k) in _DIRECT for k in feed_dict or ()):
            self._runs[key] = prepared
        return prepared, [feed_value(t, v) for t, v in pairs]

    def _step(self, fetched: list[Tensor], targets: list[Operation], fed: list[Tensor]) -> Step:
        """The step for these tensors, made if this is the first call that wants it."""
        with self._lock:
            if self._changes != self._graph._changes:
                # An operation that exists was changed: compiled plans may be stale. (New operations leave them valid.)
                self._runs.clear()
                self._steps.clear()
                self._changes = self._graph._changes
            key = tuple(fetched), tuple(targets), tuple(fed)
            step = self._steps.get(key)
            if step is None:
                step = self._steps[key] = Step(fetched, targets, fed, self._resources, self._options)
            return step

    def _check_open(self) -> None:
        if self._closed:
            raise RuntimeError("Attempted to use a closed Session.")

    def make_callable(self, fetches, feed_list=None, accept_options=False):
        """A function that runs `fetches`: quicker than `run`, since fetches and feeds are settled once.

        Args:
          fetches: as for `run`.
          feed_list: tensors to feed; the function takes their values in this order.
          accept_options: if True, the function also takes `options` and `run_metadata`.

        Returns:
          The function.
        """
        feed_list = list(feed_list or [])
        tensors = [self._graph.as_graph_element(f, True, False) for f in feed_list]
        handler = Fetches(self._graph, fetches)
        step = self._step(handler.tensors, handler.targets, tensors)

        def run_callable(*values, **keywords):
            if accept_options and keywords or self._timeout_ms:
                return self.run(fetches, dict(zip(tensors, values, strict=True)), **keywords)
            self._check_open()
            if len(values) != len(tensors):
                raise TypeError(f"Expected {len(tensors)} feed values, but got {len(values)}.")
            return handler.build(step.run([feed_value(t, v) for t, v in zip(tensors, values, strict=True)]))

        return run_callable

    def partial_run_setup(self, fetches, feeds=None):
        """Prepare a run that is fed and fetched piece by piece.

        Args:
          fetches: all that will be fetched.
          feeds: all tensors that will be fed.

        Returns:
          A handle for `partial_run`.
        """
        self._check_open()
        return self._partial_runs.setup(fetches, feeds)

    def partial_run(self, handle, fetches, feed_dict=None):
        """Continue a partial run: feed more, and fetch what can be computed by now; nothing is computed twice."""
        self._check_open()
        return self._partial_runs.run(handle, fetches, feed_dict)

    def plan(self, fetches, feed_dict=None) -> Compiled:
        """The compiled plan of a run; its `source` is the Python function that runs.

        Args:
          fetches: as for `run`.
          feed_dict: values or, to name feeds without values, a list of tensors.
        """
        feeds = feed_dict if isinstance(feed_dict, dict) else {}
        handler = Fetches(self._graph, fetches)
        fed = [t for t, _ in feed_pairs(self._graph, feeds)] if feeds else list(feed_dict or [])
        fed = fed or _placeholders_under(handler)
        step = self._step(handler.tensors, handler.targets, fed)
        if feeds:
            return step.compiled([feed_value(t, v) for t, v in feed_pairs(self._graph, feeds)])
        return step.plan()


def _check_target(target: bytes, config) -> None:
    """Sessions run in this process: there is no server to speak to.

    Raises:
      NotFoundError: for any target but "".
    """
    if target:
        raise errors.NotFoundError(
            None, None, f'No session factory registered for the given session options: {{target: "{target.decode()}" '
            f"config: {MessageToString(config, as_one_line=True)}}} Registered factories are {{DIRECT_SESSION}}.",
        )  # fmt: skip


def _options(config) -> Options:
    """How to compile, from a ConfigProto."""
    devices = [device.name for device in session_devices(config)]
    placer = Placer(devices, config.allow_soft_placement, config.log_device_placement)
    options = Options(placer=placer, jit=Request.of(config),
                      lossy_transfers=config.graph_options.enable_bfloat16_sendrecv)  # fmt: skip
    options.recompute |= config.graph_options.rewrite_options.memory_optimization in _RECOMPUTE
    return options


# RewriterConfig's HEURISTICS and RECOMPUTATION_HEURISTICS.
_RECOMPUTE = frozenset({3, 5})


class _Prepared:
    """Fetches and feed keys that have been resolved: what the hot path of `run` needs."""

    __slots__ = ("build", "fed", "step")

    def __init__(self, build, fed, step):
        self.build, self.fed, self.step = build, fed, step


_DIRECT = (Tensor, str)
_CONTAINERS = (list, tuple)


def _run_key(fetches, feed_dict):
    """A dictionary key for fetches and feed keys; None where the structure is not flat."""
    try:
        if type(fetches) in _CONTAINERS:
            key = (type(fetches), *fetches), tuple(feed_dict) if feed_dict else ()
        else:
            key = fetches, tuple(feed_dict) if feed_dict else ()
        hash(key)
        return key
    except TypeError:
        return None


def _placeholders_under(handler: Fetches) -> list[Tensor]:
    """The placeholders that the fetches depend on."""
    from reflow.engine.plan import build_plan

    plan = build_plan(handler.tensors, handler.targets, [])
    return [n.operation.outputs[0] for n in plan.nodes if n.type in ("Placeholder", "PlaceholderV2")]


@export("Session")
class Session(BaseSession):
    """Runs the operations of a graph and holds its variables.

    Args:
      target: "": this process.
      graph: the graph to run; the default graph if None.
      config: a ConfigProto; what the program has set for all sessions if None.

    As a context manager it is the default session (and its graph the default graph) inside the block, and closes at
    the end.
    """

    def __init__(self, target="", graph=None, config=None):
        super().__init__(target, graph, config)
        self._contexts = contextlib.ExitStack()
        self._entered = False

    def __enter__(self):
        if self._entered:
            raise RuntimeError("Session context managers are not re-entrant. Use `Session.as_default()` if you want to "
                               "enter a session multiple times.")  # fmt: skip
        self._entered = True
        self._contexts.enter_context(self._graph.as_default())
        self._contexts.enter_context(self.as_default())
        return self

    def __exit__(self, exc_type, exc_value, traceback):
        self._entered = False
        self._contexts.close()
        self.close()

    @staticmethod
    def reset(target, containers=None, config=None):
        """Clear the resources of a server; sessions of this process keep their own, so here nothing is shared.

        Raises:
          NotFoundError: for any target but "".
        """
        _check_target(target.encode() if isinstance(target, str) else target or b"", config or default_config())


@export("InteractiveSession")
class InteractiveSession(BaseSession):
    """A session that installs itself as the default one when it is made, for shells and notebooks.

    Args:
      target, graph, config: as for `Session`.
    """

    _open = 0  # How many of them are not closed.

    def __init__(self, target="", graph=None, config=None):
        super().__init__(target, graph, config)
        if InteractiveSession._open:
            warnings.warn("An interactive session is already active. This can cause out-of-memory errors in some "
                          "cases. You must explicitly call `InteractiveSession.close()` to release resources held by "
                          "the other session(s).", stacklevel=2)  # fmt: skip
        InteractiveSession._open += 1
        self._context = self.as_default()
        self._context.__enter__()
        self._graph_context = None
        if graph is not None:
            self._graph_context = graph.as_default()
            self._graph_context.__enter__()

    def close(self):
        """End the session; it is no longer the default."""
        super().close()
        if self._graph_context is not None:
            self._graph_context.__exit__(None, None, None)
            self._graph_context = None
        if self._context is not None:
            self._context.__exit__(None, None, None)
            self._context = None
            InteractiveSession._open -= 1
