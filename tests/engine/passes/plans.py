"""Plans for tests of the passes: with all passes or without some, checked after each, and run on arrays."""

import numpy as np
import torch

from reflow.engine import pipeline
from reflow.engine.emit import Emitter
from reflow.engine.plan import Plan, build_plan
from reflow.ops.resources import ResourceManager

PROGRAMS = "elementwise_programs"


def plan_of(fetches, feeds=(), disabled=(PROGRAMS,), targets=()) -> Plan:
    """The optimized plan of some fetches; `feeds` are placeholders of known shape.

    Elementwise ops stay single if nothing else is said: so it can be seen what other passes make of them.
    """
    plan = build_plan(list(fetches), list(targets), list(feeds))
    return pipeline.optimize(plan, pipeline.Options(disabled=frozenset(disabled), verify=True))


def types(plan: Plan) -> list[str]:
    """The ops of a plan but for constants."""
    return [node.type for node in plan.nodes if node.type != "Const"]


def source_of(plan: Plan) -> str:
    """What the plan is emitted as."""
    return Emitter(plan, ResourceManager()).emit().source


def run(plan: Plan, feed: dict) -> list[np.ndarray]:
    """The fetches of a plan without variables."""
    arrays = [torch.from_numpy(np.array(feed[v.node.operation.outputs[0]])) for v in plan.feeds]
    with torch.inference_mode():
        return [result.numpy() for result in Emitter(plan, ResourceManager()).emit().function(*arrays)]


def compared(fetches, feed: dict, name: str, rtol=1e-5, atol=1e-6, disabled=()) -> tuple[Plan, Plan]:
    """The plans with and without the pass `name`, once their results have been found to be the same."""
    others = {*disabled, *(() if name == PROGRAMS else (PROGRAMS,))}
    with_pass, without = (plan_of(fetches, feed, names) for names in (others, {*others, name}))
    for got, want in zip(run(with_pass, feed), run(without, feed), strict=True):
        np.testing.assert_allclose(got, want, rtol=rtol, atol=atol)
    return with_pass, without


def random_feed(*placeholders, seed=0) -> dict:
    """Normally distributed numbers for each placeholder."""
    random = np.random.RandomState(seed)
    return {p: np.array(random.randn(*p.shape.as_list()), p.dtype.as_numpy_dtype) for p in placeholders}
