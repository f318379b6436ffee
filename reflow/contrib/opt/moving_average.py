"""Training with moving averages of the variables: checkpoints hold the averages, the session the variables."""

from reflow.graph.context import control_dependencies
from reflow.graph.export import export
from reflow.ops.control import group
from reflow.train.moving_averages import ExponentialMovingAverage
from reflow.train.optimizer import Optimizer
from reflow.train.saveable import by_checkpoint_name
from reflow.train.saver import Saver
from reflow.variables.partitioned_variable import PartitionedVariable
from reflow.variables.variable_lists import global_variables


@export("contrib.opt.MovingAverageOptimizer")
class MovingAverageOptimizer(Optimizer):
    """Another optimizer, and moving averages of the variables that it changes.

    Args:
      opt: the optimizer.
      average_decay: how much of an average stays at an update.
      num_updates: a counter of updates, with which averages are faster at first; or None.
      sequential_update: whether the averages are updated after the variables, rather than beside them.
    """

    def __init__(self, opt, average_decay=0.9999, num_updates=None, sequential_update=True):
        super().__init__(use_locking=False, name="MovingAverage")
        self._optimizer = opt
        self._ema = ExponentialMovingAverage(average_decay, num_updates=num_updates)
        # Names of variables and of their averages, both ways; None until there are averages.
        self._swapped_variable_name_map: dict | None = None
        self._sequential_update = sequential_update

    def compute_gradients(self, *args, **kwargs):
        """As of the other optimizer."""
        return self._optimizer.compute_gradients(*args, **kwargs)

    def apply_gradients(self, grads_and_vars, global_step=None, name=None):
        """The updates of the other optimizer, and of the averages."""
        train = self._optimizer.apply_gradients(grads_and_vars, global_step=global_step, name=name)
        variables = [v for gradient, v in grads_and_vars if gradient is not None]
        with control_dependencies([train] if self._sequential_update else []):
            averaged = self._ema.apply(variables)
        self._swapped_variable_name_map = {}
        for variable in variables:
            names = variable.op.name, self._ema.average(variable).op.name
            self._swapped_variable_name_map.update([names, names[::-1]])
        return group(train, averaged, name="train_with_avg")

    def swapping_saver(self, var_list=None, name="swapping_saver", **kwargs):
        """A saver that stores averages under the names of their variables, and the other way round.

        Args:
          var_list: a list of variables, or a dict of them by name in the checkpoint; all global ones if None.
          name: the saver's name.
          **kwargs: further arguments of `tf.train.Saver`.

        Returns:
          A Saver.

        Raises:
          RuntimeError: before `apply_gradients` or `minimize`.
          ValueError: if one of a pair is not in `var_list`.
        """
        if self._swapped_variable_name_map is None:
            raise RuntimeError("Must call apply_gradients or minimize before creating the swapping_saver")
        if not isinstance(var_list, dict):
            var_list = by_checkpoint_name(global_variables() if var_list is None else var_list)
        by_name = {}
        for key, item in var_list.items():
            in_parts = isinstance(item, (list, PartitionedVariable))
            by_name.update({v.op.name: v for v in item} if in_parts else {key: item})
        swapped = {
            key: [self._swapped(by_name, v.op.name, v) for v in item] if isinstance(item, list)
            else self._swapped(by_name, key, item)
            for key, item in var_list.items()
        }  # fmt: skip
        return Saver(swapped, name=name, **kwargs)

    def _swapped(self, by_name, name, variable):
        other = (self._swapped_variable_name_map or {}).get(name)
        if other is not None and other not in by_name:
            raise ValueError(f"Variable to swap {other} is not part of variables to save. This breaks "
                             "MovingAverageOptimizer.")  # fmt: skip
        return variable if other is None else by_name[other]
