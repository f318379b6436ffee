"""From a pruned plan to a scheduled one: the rewrite passes, in order."""

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from reflow.engine.collectives import join_collectives
from reflow.engine.jit.request import Request
from reflow.engine.passes.arithmetic import simplify_arithmetic
from reflow.engine.passes.banded_lrn import lower_lrn
from reflow.engine.passes.bias_gradient import sum_with_relu_gradient
from reflow.engine.passes.common_subexpressions import merge_common_subexpressions
from reflow.engine.passes.conditionals import guard_branches, resolve_known_conditions
from reflow.engine.passes.control import remove_redundant_control_edges
from reflow.engine.passes.copies import divide_before_copying
from reflow.engine.passes.cross_entropy import fuse_cross_entropy
from reflow.engine.passes.dead import remove_dead_nodes
from reflow.engine.passes.elementwise_chains import fuse_chains
from reflow.engine.passes.elementwise_programs import fuse_elementwise
from reflow.engine.passes.fold_batch_norm import fold_batch_norm
from reflow.engine.passes.folding import fold_constants
from reflow.engine.passes.fuse_bias import fuse_bias
from reflow.engine.passes.fuse_pool import fuse_pool
from reflow.engine.passes.fuse_residual import fuse_residual
from reflow.engine.passes.fuse_updates import fuse_updates
from reflow.engine.passes.global_norm import clip_many
from reflow.engine.passes.identities import remove_identities
from reflow.engine.passes.in_place import reuse_memory
from reflow.engine.passes.late import run_late
from reflow.engine.passes.layout import move_channels_last
from reflow.engine.passes.merge_products import merge_products
from reflow.engine.passes.moments import fuse_moments
from reflow.engine.passes.pool_gradient import mask_before_pool_gradient
from reflow.engine.passes.prepack import pack_weights
from reflow.engine.passes.read_concatenation import read_concatenation
from reflow.engine.passes.recompute import recompute_cheap_values
from reflow.engine.passes.recurrent_products import split_joined_products
from reflow.engine.passes.shapes import specialize_shapes
from reflow.engine.passes.share_with_gradient import share_with_gradient
from reflow.engine.passes.shared_weights import merge_products_over_time
from reflow.engine.passes.sibling_convolutions import merge_sibling_convolutions
from reflow.engine.passes.update_by_product import update_by_product
from reflow.engine.placement import Placer
from reflow.engine.plan import Plan
from reflow.engine.schedule import insert_reads, schedule


@dataclass
class Options:
    """How a session compiles its steps.

    Attributes:
      disabled: names of passes to leave out; "all" leaves out every one.
      verify: check the plan after every pass.
      placer: what places nodes on the session's devices; None leaves all on the one CPU.
      jit: what to compile.
      lossy_transfers: float32 tensors travel between machines as 16 bits.
      recompute: compute cheap values again rather than keep them while memory is scarce.
    """

    disabled: frozenset[str] = field(default_factory=lambda: _from_environment())
    verify: bool = field(default_factory=lambda: bool(os.environ.get("REFLOW_VERIFY")))
    placer: Placer | None = None
    jit: Request = field(default_factory=lambda: Request.of(None))
    lossy_transfers: bool = False
    recompute: bool = field(default_factory=lambda: bool(os.environ.get("REFLOW_RECOMPUTE")))


def _from_environment() -> frozenset[str]:
    """REFLOW_DISABLE_PASSES="folding,fusion" or "all"."""
    return frozenset(filter(None, os.environ.get("REFLOW_DISABLE_PASSES", "").split(",")))


# What the simulated run that places nodes goes by: (name, function from plan to plan).
PASSES_BEFORE_PLACEMENT: list[tuple[str, Callable[[Plan], Plan]]] = [("shapes", specialize_shapes)]

# The passes after it, in the order in which they run.
PASSES: list[tuple[str, Callable[[Plan], Plan]]] = [
    ("control", remove_redundant_control_edges),
    ("identities", remove_identities),
    ("folding", fold_constants),
    ("conditionals", resolve_known_conditions),
    ("arithmetic", simplify_arithmetic),
    ("banded_lrn", lower_lrn),
    ("common_subexpressions", merge_common_subexpressions),
    ("layout", move_channels_last),
    ("cross_entropy", fuse_cross_entropy),
    ("fold_batch_norm", fold_batch_norm),
    ("moments", fuse_moments),
    ("fuse_bias", fuse_bias),
    ("copies", divide_before_copying),
    ("pool_gradient", mask_before_pool_gradient),
    ("share_with_gradient", share_with_gradient),
    ("fuse_pool", fuse_pool),
    ("merge_products", merge_products),
    ("recurrent_products", split_joined_products),
    ("shared_weights", merge_products_over_time),
    ("fuse_residual", fuse_residual),
    ("bias_gradient", sum_with_relu_gradient),
    ("read_concatenation", read_concatenation),
    ("global_norm", clip_many),
    ("update_by_product", update_by_product),
    ("fuse_updates", fuse_updates),
    ("prepack", pack_weights),
    ("sibling_convolutions", merge_sibling_convolutions),
    ("elementwise_programs", fuse_elementwise),
    ("elementwise_chains", fuse_chains),
    ("dead", remove_dead_nodes),
]

# The passes that need the order in which the nodes run, after it has been found.
SCHEDULED_PASSES: list[tuple[str, Callable[[Plan], Plan]]] = [
    ("recompute", recompute_cheap_values),
    ("late", run_late),
    ("in_place", reuse_memory),
]


def optimize(plan: Plan, options: Options) -> Plan:
    """Run the enabled passes and schedule the result.

    With REFLOW_DUMP=dir in the environment, the plan after each pass is written to a file there.
    """
    dump = _dumper()
    plan = insert_reads(join_collectives(guard_branches(plan)))
    dump("prune", plan)
    plan = _rewrite(plan, PASSES_BEFORE_PLACEMENT, options, dump)
    if options.placer is not None:
        plan = options.placer.place(plan)
        dump("place", plan)
    plan = _rewrite(plan, PASSES, options, dump)
    plan.jit = jit_of(plan, options.jit)
    plan = schedule(plan, plan.jit and plan.jit.gather)
    dump("schedule", plan)
    return _rewrite(plan, SCHEDULED_PASSES, options, dump)


def _rewrite(plan: Plan, passes, options: Options, dump) -> Plan:
    for name, rewrite in passes:
        if _is_left_out(name, plan, options):
            continue
        plan = rewrite(plan)
        dump(name, plan)
        if options.verify:
            from reflow.engine.verify import verify

            verify(plan, name)
    return plan


def _is_left_out(name: str, plan: Plan, options: Options) -> bool:
    if name in options.disabled or "all" in options.disabled:
        return True
    if name == "recompute":
        return not options.recompute
    # The JIT writes programs of its own, and what is computed again are single values.
    return name == "elementwise_programs" and (options.recompute or options.jit.concerns(plan.nodes))


def jit_of(plan: Plan, request: Request):
    """The Jit of a plan; None if nothing in it is to be compiled: torch's compiler is imported when it is wanted."""
    if not request.concerns(plan.nodes):
        return None
    from reflow.engine.jit.segments import Jit

    return Jit(request)


_dump_count = iter(range(1, 1 << 60))


def _dumper() -> Callable[[str, Plan], None]:
    folder = os.environ.get("REFLOW_DUMP")
    if not folder:
        return lambda name, plan: None
    target = Path(folder) / f"plan_{next(_dump_count):03d}"
    target.mkdir(parents=True, exist_ok=True)
    order = iter(range(1000))

    def write(name, plan):
        text = "\n".join([*map(repr, plan.nodes), f"fetches: {plan.fetches}", *plan.notes])
        (target / f"{next(order):02d}_{name}.txt").write_text(text + "\n")

    return write
