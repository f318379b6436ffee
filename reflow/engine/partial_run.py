"""Partial runs: one run of a graph, fed and fetched in several calls, in which nothing is computed twice."""

import numpy as np

from reflow.engine.feeds import feed_pairs, feed_value
from reflow.engine.fetches import Fetches
from reflow.engine.passes.conditionals import CONDITIONS, guard_branches
from reflow.engine.plan import build_plan
from reflow.graph import errors
from reflow.ops.control_flow import SWITCHES
from reflow.ops.torch_types import tensor_of


class PartialRuns:
    """The partial runs of one session, by handle."""

    def __init__(self, session):
        self._session = session
        self._open: dict[str, _PartialRun] = {}
        self._count = 0

    def setup(self, fetches, feeds) -> str:
        """Declare a run's fetches and feeds; returns its handle."""
        graph = self._session.graph
        tensors = [graph.as_graph_element(f, True, False) for f in feeds or []]
        handler = Fetches(graph, fetches)
        self._count += 1
        handle = f"partial_run_{self._count}"
        self._open[handle] = _PartialRun(set(handler.tensors) | set(handler.targets), set(tensors))
        return handle

    def run(self, handle: str, fetches, feed_dict):
        """Feed and fetch more of the run behind `handle`.

        Raises:
          InvalidArgumentError: for an unknown handle, a feed or fetch not declared in the setup or used before, or a
            fetch that needs what is not fed yet.
        """
        run = self._open.get(handle)
        if run is None:
            raise errors.InvalidArgumentError(None, None, "Must run 'setup' before performing partial runs!")
        session = self._session
        for tensor, value in feed_pairs(session.graph, feed_dict or {}):
            run.feed(tensor, feed_value(tensor, value))
        handler = Fetches(session.graph, fetches)
        run.check_fetches(set(handler.tensors) | set(handler.targets))
        return handler.build(run.fetch(session, handler))


class _PartialRun:
    def __init__(self, fetches, feeds):
        self._fetches = fetches
        self._feeds = feeds
        self._known: dict = {}
        self._done: set = set()

    def feed(self, tensor, value) -> None:
        if tensor not in self._feeds:
            raise errors.InvalidArgumentError(
                None, None, f"The feed {tensor.name} was not specified in partial_run_setup.")  # fmt: skip
        if tensor in self._known:
            raise errors.InvalidArgumentError(None, None, f"The feed {tensor.name} has already been fed.")
        self._known[tensor] = value

    def check_fetches(self, wanted) -> None:
        for each in wanted:
            if each not in self._fetches:
                raise errors.InvalidArgumentError(None, None, f"The fetch {each.name} was not specified in "
                                                  "partial_run_setup or was already fetched.")  # fmt: skip
        self._fetches -= wanted

    def fetch(self, session, handler) -> list:
        """Compute the fetches, keeping every tensor on the way so that a later call takes it as given."""
        known = list(self._known)
        plan = build_plan(handler.tensors, [t for t in handler.targets if t not in self._done], known)
        for node in plan.nodes:
            for tensor in node.operation.outputs[:1]:
                if tensor in self._feeds:
                    raise errors.InvalidArgumentError(
                        None, None, f"Must feed {tensor.name} before fetching what needs it.")  # fmt: skip
        # What a branch makes is not kept: it is only there if the branch is taken.
        passing = (*CONDITIONS, "Const")
        always = {n.operation for n in guard_branches(plan).nodes
                  if not n.guard and n.type not in passing and n.operation.type not in SWITCHES}  # fmt: skip
        made = [t for operation in sorted(always, key=lambda each: each._id) for t in operation.outputs
                if not t.dtype.is_ref and t.dtype.name != "resource"]  # fmt: skip
        effects = [n.operation for n in plan.nodes if not n.operation.outputs and n.operation not in self._done]
        step = session._step(handler.tensors + made, effects, known)
        values = step.run([self._known[t] for t in known])
        self._done.update(effects)
        for tensor, value in zip(made, values[len(handler.tensors):], strict=True):
            self._known[tensor] = tensor_of(np.asarray(value))
        return values[: len(handler.tensors)]
