"""Gradients of several workers, averaged and applied in one step: the workers wait for each other."""

from typing import Any

from reflow.graph import dtypes, errors
from reflow.graph.collections import GraphKeys
from reflow.graph.context import colocate_with, control_dependencies, device, name_scope
from reflow.graph.export import export
from reflow.graph.indexed_slices import IndexedSlices
from reflow.graph.operation import Tensor
from reflow.ops import state
from reflow.ops.accumulators import ConditionalAccumulator, SparseConditionalAccumulator
from reflow.ops.constant import fill
from reflow.ops.control import group, no_op
from reflow.ops.queues import FIFOQueue
from reflow.platform import logging
from reflow.platform.deprecation import deprecated
from reflow.train.optimizer import Optimizer
from reflow.train.queue_runner import QueueRunner
from reflow.variables.variable import Variable
from reflow.variables.variable_lists import global_variables, report_uninitialized_variables


@export("train.SyncReplicasOptimizer")
class SyncReplicasOptimizer(Optimizer):
    """Averages the gradients of several workers and applies them in one step of another optimizer.

    A worker gives its gradients to accumulators, one a variable, and waits for a token. The chief's queue runner waits
    until the accumulators have enough gradients, applies their averages, increases the global step, and puts a token
    into a queue for each worker: the new global step, which the worker keeps as its local step. Gradients that were
    computed at an earlier step than the accumulators' are dropped.

    Each worker runs the operation that `minimize` or `apply_gradients` returns. Before, every worker runs
    `local_step_init_op`; the chief runs `chief_init_op` and `get_init_tokens_op()` instead, and starts
    `get_chief_queue_runner()`. The hook that `make_session_run_hook` returns does all this.

    Source: Chen, Pan, Monga, Bengio, Jozefowicz, "Revisiting distributed synchronous SGD", arXiv:1604.00981.

    Args:
      opt: the optimizer that changes the variables.
      replicas_to_aggregate: how many gradients make a step.
      total_num_replicas: how many workers there are: more, then some are spare; or fewer, then some give several
        gradients a step. As many as gradients if None.
      variable_averages: an ExponentialMovingAverage to update after each step, or None.
      variables_to_average: the variables that it takes.
      use_locking: protect the updates by the variables' locks.
      name: the name scope of the accumulators.
    """

    @deprecated(None, "For synchronous training, use distribution strategies.")
    def __init__(self, opt, replicas_to_aggregate, total_num_replicas=None, variable_averages=None,
                 variables_to_average=None, use_locking=False, name="sync_replicas"):  # fmt: skip
        if total_num_replicas is None:
            total_num_replicas = replicas_to_aggregate
        super().__init__(use_locking, name)
        logging.info("SyncReplicasV2: replicas_to_aggregate=%s; total_num_replicas=%s", replicas_to_aggregate,
                     total_num_replicas)  # fmt: skip
        self._opt = opt
        self._replicas_to_aggregate = replicas_to_aggregate
        self._total_num_replicas = total_num_replicas
        self._tokens_per_step = max(total_num_replicas, replicas_to_aggregate)
        self._variable_averages = variable_averages
        self._variables_to_average = variables_to_average
        self._gradients_applied = False
        self._global_step: Any = None
        self._local_step = None
        self._sync_token_queue: FIFOQueue | None = None
        self._chief_queue_runner = None
        # Pairs (accumulator, device).
        self._accumulator_list: list[tuple] = []

    def compute_gradients(self, *args, **kwargs):
        """The gradients of one worker, as the other optimizer computes them.

        Args:
          *args, **kwargs: as for `Optimizer.compute_gradients`.
        """
        return self._opt.compute_gradients(*args, **kwargs)

    def apply_gradients(self, grads_and_vars, global_step=None, name=None):
        """The operation that a worker runs: it gives its gradients and waits for a token.

        Args:
          grads_and_vars: a list of pairs (gradient, variable).
          global_step: the variable that counts steps.
          name: has no effect, as in TensorFlow.

        Returns:
          A Tensor: the worker's local step after the token has come.

        Raises:
          ValueError: if there are no pairs, or no global step, or a gradient is of an unknown kind.
        """
        if not grads_and_vars:
            raise ValueError("Must supply at least one variable")
        if global_step is None:
            raise ValueError("Global step is required to check staleness")
        self._global_step = global_step
        self._make_local_step()
        with name_scope(None, self._name):
            given, averages = self._accumulate(grads_and_vars)
            train_op = self._synchronize(given, averages)
            self._make_chief_init_op()
        self._gradients_applied = True
        return train_op

    def _make_local_step(self) -> None:
        # On the worker's device: the variable must not be placed with the parameters.
        with colocate_with(no_op()):
            self._local_step = Variable(initial_value=0, trainable=False, collections=[GraphKeys.LOCAL_VARIABLES],
                                        dtype=self._global_step.dtype.base_dtype,
                                        name="sync_rep_local_step")  # fmt: skip
        self.local_step_init_op = state.assign(self._local_step, self._global_step)
        self.ready_for_local_init_op = report_uninitialized_variables(global_variables())

    def _accumulate(self, grads_and_vars) -> tuple[list, list]:
        """(what gives the gradients to accumulators, pairs of averages and variables)."""
        given, averages = [], []
        for gradient, var in grads_and_vars:
            average = None
            if gradient is not None:
                with device(var.device):
                    accumulator, give, average = self._accumulator(gradient, var)
                given.append(give)
                self._accumulator_list.append((accumulator, var.device))
            averages.append((average, var))
        return given, averages

    def _accumulator(self, gradient, var) -> tuple:
        """(an accumulator, what gives it the gradient, the average)."""
        shared_name = f"{var.name}/grad_accum"
        count = self._replicas_to_aggregate
        if isinstance(gradient, Tensor):
            dense = ConditionalAccumulator(gradient.dtype, shape=var.get_shape(), shared_name=shared_name)
            return dense, dense.apply_grad(gradient, local_step=self._local_step), dense.take_grad(count)
        if not isinstance(gradient, IndexedSlices):
            raise ValueError("Unknown grad type!")
        rows = SparseConditionalAccumulator(gradient.dtype, shape=(), shared_name=shared_name)
        give = rows.apply_indexed_slices_grad(gradient, local_step=self._local_step)
        return rows, give, rows.take_indexed_slices_grad(count)

    def _synchronize(self, given: list, averages: list):
        """Make the chief's queue runner; returns what a worker runs."""
        step = self._global_step
        with device(step.device), name_scope(""):
            update = self._opt.apply_gradients(averages, step)
        with device(step.device), name_scope(""):
            tokens = FIFOQueue(-1, step.dtype.base_dtype, shapes=(), name="sync_token_q", shared_name="sync_token_q")
            # The queue runner closes its queue at the end; nothing would open the tokens' queue again.
            dummy = FIFOQueue(1, dtypes.int32, shapes=(), name="dummy_queue", shared_name="dummy_queue")
        self._sync_token_queue = tokens
        with device(step.device), name_scope(""):
            with control_dependencies(given):
                token = tokens.dequeue()
            train_op = state.assign(self._local_step, token)
            with control_dependencies([update]):
                sync_op = tokens.enqueue_many((fill([self._tokens_per_step], step),))
            if self._variable_averages is not None:
                with control_dependencies([sync_op]), name_scope(""):
                    sync_op = self._variable_averages.apply(self._variables_to_average)
            self._chief_queue_runner = QueueRunner(dummy, [sync_op])
        return train_op

    def _make_chief_init_op(self) -> None:
        operations = [self.local_step_init_op]
        for accumulator, where in self._accumulator_list:
            with device(where):
                operations.append(accumulator.set_global_step(self._global_step, name="SetGlobalStep"))
        self.chief_init_op = group(*operations)

    def get_chief_queue_runner(self):
        """The QueueRunner of the chief, which applies the averages and hands out tokens.

        Raises:
          ValueError: before `apply_gradients`.
        """
        if not self._gradients_applied:
            raise ValueError("Should be called after apply_gradients().")
        return self._chief_queue_runner

    def get_init_tokens_op(self, num_tokens=-1):
        """The operation that puts the first tokens into the queue.

        Without them, fewer workers than gradients would wait for each other for ever.

        Args:
          num_tokens: how many; as many as gradients make a step if -1.

        Raises:
          ValueError: before `apply_gradients`, or if these are too few for the first step.
        """
        if self._sync_token_queue is None:
            raise ValueError("get_init_tokens_op() should be called after apply_gradients().")
        needed = self._replicas_to_aggregate - self._total_num_replicas
        if num_tokens == -1:
            num_tokens = self._replicas_to_aggregate
        elif num_tokens < needed:
            raise ValueError(f"Too few tokens to finish the first step: {num_tokens} (given) vs {needed} (needed)")
        if num_tokens <= 0:
            return no_op(name="no_init_tokens")
        with device(self._global_step.device), name_scope(""):
            return self._sync_token_queue.enqueue_many((fill([num_tokens], self._global_step),))

    def make_session_run_hook(self, is_chief, num_tokens=-1):
        """A session hook that initializes all this and starts the chief's queue runner.

        Args:
          is_chief: whether this worker is the chief.
          num_tokens: how many tokens to begin with, as for `get_init_tokens_op`.
        """
        return _SyncReplicasHook(self, is_chief, num_tokens)

    # --- what the other optimizer knows -----------------------------------------------------------------------------

    def get_slot(self, *args, **kwargs):
        """A slot of the other optimizer.

        Args:
          *args, **kwargs: as for `Optimizer.get_slot`.
        """
        return self._opt.get_slot(*args, **kwargs)

    def get_slot_names(self, *args, **kwargs):
        """The names of the other optimizer's slots.

        Args:
          *args, **kwargs: as for `Optimizer.get_slot_names`.
        """
        return self._opt.get_slot_names(*args, **kwargs)

    def variables(self):
        """The variables of the other optimizer; the local step is not among them."""
        return self._opt.variables()


class _SyncReplicasHook:
    """What has to be run before the first step; with the methods that a session calls its hooks by."""

    def __init__(self, optimizer: SyncReplicasOptimizer, is_chief: bool, num_tokens: int):
        self._optimizer = optimizer
        self._is_chief = is_chief
        self._num_tokens = num_tokens

    def begin(self):
        """The graph can still be changed.

        Raises:
          ValueError: before `apply_gradients`.
        """
        optimizer = self._optimizer
        if not optimizer._gradients_applied:
            raise ValueError("SyncReplicasOptimizer.apply_gradient should be called before using the hook.")
        self._ready_op = optimizer.ready_for_local_init_op
        self._runner = self._tokens_op = None
        self._init_op = optimizer.local_step_init_op
        if self._is_chief:
            self._init_op = optimizer.chief_init_op
            self._runner = optimizer.get_chief_queue_runner()
            self._tokens_op = optimizer.get_init_tokens_op(self._num_tokens)

    def after_create_session(self, session, coord):
        """There is a session, whose global variables are initialized.

        Args:
          session: a Session.
          coord: a Coordinator.

        Raises:
          RuntimeError: if they are not.
        """
        problem = _problem(session, self._ready_op)
        if problem:
            raise RuntimeError("Init operations did not make model ready for SyncReplicasOptimizer local_init. Init "
                               f"op: {self._init_op.name}, error: {problem}")  # fmt: skip
        session.run(self._init_op)
        if self._tokens_op is not None:
            session.run(self._tokens_op)
        if self._runner is not None:
            self._runner.create_threads(session, coord=coord, daemon=True, start=True)

    def before_run(self, run_context):
        """Nothing is to be fetched beside what the program fetches."""

    def after_run(self, run_context, run_values):
        """Nothing was fetched."""

    def end(self, session):
        """The threads end with the session."""


def _problem(session, ready_op) -> str | None:
    """What keeps the model from being ready."""
    try:
        missing = session.run(ready_op)
    except errors.FailedPreconditionError as error:
        if "uninitialized" not in str(error):
            raise
        return f"Model is not ready for SyncReplicasOptimizer local init.: {error}"
    return f"Variables not initialized: {', '.join(name.decode() for name in missing)}" if missing.size else None
