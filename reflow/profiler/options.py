"""The options of a profile: which nodes, what of them, in which order, and where the report goes."""

import copy

from reflow.graph.export import export

TRAINABLE_VARIABLES = "_trainable_variables"
_MINIMA = ("min_bytes", "min_peak_bytes", "min_residual_bytes", "min_output_bytes", "min_micros",
           "min_accelerator_micros", "min_cpu_micros", "min_params", "min_float_ops", "min_occurrence")  # fmt: skip
# What options hold that were not given, in the order in which reports list them.
DEFAULTS = {
    "max_depth": 10, **dict.fromkeys(_MINIMA, 0), "step": -1, "order_by": "name", "account_type_regexes": [],
    "start_name_regexes": [], "trim_name_regexes": [], "show_name_regexes": [], "hide_name_regexes": [],
    "account_displayed_op_only": False, "select": [], "output": "stdout",
}  # fmt: skip


def complete(options: dict) -> dict:
    """Options with defaults for what they leave open."""
    return {name: options.get(name, default) for name, default in DEFAULTS.items()}


def _common(**changes) -> dict:
    return {
        "max_depth": 10000, "min_bytes": 0, "min_micros": 0, "min_params": 0, "min_float_ops": 0, "min_occurrence": 0,
        "order_by": "name", "account_type_regexes": [".*"], "start_name_regexes": [".*"], "trim_name_regexes": [],
        "show_name_regexes": [".*"], "hide_name_regexes": [], "account_displayed_op_only": True, "select": [],
        "step": -1, "output": "stdout", **changes,
    }  # fmt: skip


@export("profiler.ProfileOptionBuilder")
class ProfileOptionBuilder:
    """Builds options for `tf.profiler.profile` and the methods of `tf.profiler.Profiler`, which are dictionaries.

    Each `with_...` method changes one thing and returns the builder; `build` gives the options.

    Args:
      options: options to begin with; they are copied.
    """

    def __init__(self, options=None):
        if options is None:
            options = _common(max_depth=100, account_displayed_op_only=False, select=["micros"])
        self._options = copy.deepcopy(options)

    @staticmethod
    def trainable_variables_parameter():
        """Options that show the number of parameters of trainable variables; for the view "scope"."""
        return _common(account_type_regexes=[TRAINABLE_VARIABLES], select=["params"])

    @staticmethod
    def float_operation():
        """Options that show the number of floating-point operations."""
        return _common(min_float_ops=1, order_by="float_ops", select=["float_ops"])

    @staticmethod
    def time_and_memory(min_micros=1, min_bytes=1, min_accelerator_micros=0, min_cpu_micros=0, min_peak_bytes=0,
                        min_residual_bytes=0, min_output_bytes=0):  # fmt: skip
        """Options that show execution time and memory; the profile needs RunMetadata.

        Args:
          min_micros: show only what takes at least so many microseconds.
          min_bytes: show only what asks for at least so many bytes.
          min_accelerator_micros: the same for the time on accelerators.
          min_cpu_micros: the same for the time on CPUs.
          min_peak_bytes: the same for the most bytes held at one time.
          min_residual_bytes: the same for bytes still held afterwards.
          min_output_bytes: the same for the bytes of outputs.
        """
        return _common(
            min_bytes=min_bytes, min_peak_bytes=min_peak_bytes, min_residual_bytes=min_residual_bytes,
            min_output_bytes=min_output_bytes, min_micros=min_micros, min_accelerator_micros=min_accelerator_micros,
            min_cpu_micros=min_cpu_micros, order_by="micros", select=["micros", "bytes"],
        )  # fmt: skip

    def build(self):
        """The options, a dictionary."""
        return copy.deepcopy(self._options)

    def _with(self, **changes):
        self._options.update(copy.deepcopy(changes))
        return self

    def with_max_depth(self, max_depth):
        """Show the uppermost `max_depth` levels of a tree, or so many rows of a list."""
        return self._with(max_depth=max_depth)

    def with_min_memory(self, min_bytes=0, min_peak_bytes=0, min_residual_bytes=0, min_output_bytes=0):
        """Show only what asks for, holds at most, keeps, and puts out at least so many bytes."""
        return self._with(min_bytes=min_bytes, min_peak_bytes=min_peak_bytes, min_residual_bytes=min_residual_bytes,
                          min_output_bytes=min_output_bytes)  # fmt: skip

    def with_min_execution_time(self, min_micros=0, min_accelerator_micros=0, min_cpu_micros=0):
        """Show only what takes at least so many microseconds: in all, on accelerators, on CPUs."""
        return self._with(min_micros=min_micros, min_accelerator_micros=min_accelerator_micros,
                          min_cpu_micros=min_cpu_micros)  # fmt: skip

    def with_min_parameters(self, min_params):
        """Show only what holds at least so many parameters."""
        return self._with(min_params=min_params)

    def with_min_occurrence(self, min_occurrence):
        """Show only rows that stand for at least so many operations."""
        return self._with(min_occurrence=min_occurrence)

    def with_min_float_operations(self, min_float_ops):
        """Show only what does at least so many floating-point operations."""
        return self._with(min_float_ops=min_float_ops)

    def with_accounted_types(self, account_type_regexes):
        """Account only operations with a type that one of these regular expressions matches.

        The types of an operation are its op type, its device, and those that an op log gives it.
        """
        return self._with(account_type_regexes=account_type_regexes)

    def with_node_names(self, start_name_regexes=None, show_name_regexes=None, hide_name_regexes=None,
                        trim_name_regexes=None):  # fmt: skip
        """Choose rows by name; each argument is a list of regular expressions.

        Args:
          start_name_regexes: begin with the rows that these match.
          show_name_regexes: show those that these match,
          hide_name_regexes: and these do not.
          trim_name_regexes: leave out what stands below rows that these match.
        """
        given = {"start_name_regexes": start_name_regexes, "show_name_regexes": show_name_regexes,
                 "hide_name_regexes": hide_name_regexes, "trim_name_regexes": trim_name_regexes}  # fmt: skip
        return self._with(**{name: value for name, value in given.items() if value is not None})

    def account_displayed_op_only(self, is_true):
        """With True, totals count only what is shown."""
        return self._with(account_displayed_op_only=is_true)

    def with_empty_output(self):
        """Print nothing: the profile is only returned."""
        return self._with(output="none")

    def with_stdout_output(self):
        """Print the report."""
        return self._with(output="stdout")

    def with_file_output(self, outfile):
        """Write the report to a file."""
        return self._with(output=f"file:outfile={outfile}")

    def with_timeline_output(self, timeline_file):
        """Write a Chrome trace to a file whose name is this, "_" and the step."""
        return self._with(output=f"timeline:outfile={timeline_file}")

    def with_pprof_output(self, pprof_file):
        """Write a file for pprof; profiling with it raises UnimplementedError."""
        return self._with(output=f"pprof:outfile={pprof_file}")

    def order_by(self, attribute):
        """Sort by an attribute, such as "micros", "bytes", "params", "float_ops", "occurrence", "name"."""
        return self._with(order_by=attribute)

    def select(self, attributes):
        """Show these attributes, a list of names."""
        return self._with(select=attributes)

    def with_step(self, step):
        """Use the statistics of one step that `Profiler.add_step` added; -1 averages over all."""
        return self._with(step=step)
