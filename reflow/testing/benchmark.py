"""`tf.test.Benchmark`: timing operations of a graph, reported as TensorFlow's benchmarks are."""

import inspect
import numbers
import re
import statistics
import sys
import time

from tensorboard.compat.proto.config_pb2 import ConfigProto, RunMetadata, RunOptions

from reflow.engine.timeline import Timeline
from reflow.graph.default import get_default_session
from reflow.graph.export import export
from reflow.platform import logging

# All benchmark classes of the program.
_benchmarks: list[type] = []


@export("test.benchmark_config")
def benchmark_config():
    """The ConfigProto for sessions of benchmarks: graphs keep operations that only others wait for."""
    config = ConfigProto()
    options = config.graph_options.rewrite_options
    options.dependency_optimization = options.OFF
    return config


@export("test.Benchmark")
class Benchmark:
    """A class whose methods "benchmark..." measure something; `tf.test.main` runs them for `--benchmarks=REGEX`."""

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        _benchmarks.append(cls)

    @classmethod
    def is_abstract(cls):
        """Tells whether this is the base class itself."""
        return cls is Benchmark

    def report_benchmark(self, iters=None, cpu_time=None, wall_time=None, throughput=None, extras=None, name=None,
                         metrics=None):  # fmt: skip
        """Print a result.

        Args:
          iters: how many times something ran.
          cpu_time, wall_time: how long once took, in seconds.
          throughput: megabytes a second.
          extras: a dict of further results, numbers or texts.
          name: the name behind the class's; the calling method's if None.
          metrics: a list of dicts with "name" and "value", and "min_value" and "max_value" if known.

        Raises:
          TypeError: for malformed `extras` or `metrics`.
        """
        if extras is not None and not isinstance(extras, dict):
            raise TypeError("extras must be a dict")
        name = f"{type(self).__name__}.{name or _calling_method(self)}"
        logging.info("Benchmark [%s] iters: %s, wall_time: %s, cpu_time: %s, throughput: %s, extras: %s, metrics: %s",
                     name, iters, wall_time, cpu_time, throughput, extras, metrics)  # fmt: skip
        numbers_given = {"iters": iters, "cpu_time": cpu_time, "wall_time": wall_time, "throughput": throughput}
        lines = [f'  name: "{name}"']
        lines += [f"  {key}: {value}" for key, value in numbers_given.items() if value is not None]
        for key, value in (extras or {}).items():
            lines += ["  extras {", f'    key: "{key}"', "    value {", f"      {_typed(value)}", "    }", "  }"]
        lines += [line for metric in _checked(metrics) for line in _metric_lines(metric)]
        print("entry {", *lines, "}", sep="\n")

    def run_op_benchmark(self, sess, op_or_tensor, feed_dict=None, burn_iters=2, min_iters=10, store_trace=False,
                         store_memory_usage=True, name=None, extras=None, mbs=0):  # fmt: skip
        """Measure how long an operation takes, and report the median.

        Args:
          sess: a Session.
          op_or_tensor: what to run.
          feed_dict: what to feed.
          burn_iters: how many runs are not measured, at first.
          min_iters: how many runs are measured.
          store_trace: whether the result has a Chrome trace of one more run, under "full_trace_chrome_format".
          store_memory_usage: accepted for 1.x programs.
          name: the name behind the class's; the calling method's if None.
          extras: a dict of further results to report.
          mbs: how many megabytes a run works through.

        Returns:
          A dict with "iters", "wall_time" (seconds), "extras", "name" and "throughput".
        """
        for _ in range(burn_iters):
            sess.run(op_or_tensor, feed_dict=feed_dict)
        times = []
        for _ in range(min_iters):
            start = time.perf_counter()
            sess.run(op_or_tensor, feed_dict=feed_dict)
            times.append(time.perf_counter() - start)
        median = statistics.median(times) if times else -1
        values = {"iters": min_iters, "wall_time": median, "extras": {} if extras is None else extras,
                  "name": name or _calling_method(self), "throughput": mbs / median}  # fmt: skip
        self.report_benchmark(**values)
        if store_trace:
            values["extras"]["full_trace_chrome_format"] = _trace(sess, op_or_tensor, feed_dict)
        return values

    def evaluate(self, tensors):
        """The values of tensors in the default session; raises ValueError without one."""
        session = get_default_session()
        if session is None:
            raise ValueError("Cannot evaluate tensors: there is no default session. Use `with sess.as_default()`.")
        return session.run(tensors)


def _trace(sess, op_or_tensor, feed_dict):
    metadata = RunMetadata()
    options = RunOptions(trace_level=RunOptions.FULL_TRACE)
    sess.run(op_or_tensor, feed_dict=feed_dict, options=options, run_metadata=metadata)
    return Timeline(metadata.step_stats).generate_chrome_trace_format()


def _calling_method(benchmark) -> str:
    """The name of the outermost method of a benchmark that is running."""
    for frame in reversed(inspect.stack()):
        if frame.frame.f_locals.get("self") is benchmark:
            return frame.function
    raise ValueError("Unable to determine calling Benchmark class.")


def _typed(value) -> str:
    return f"double_value: {value}" if isinstance(value, numbers.Number) else f'string_value: "{value}"'


def _checked(metrics) -> list:
    if metrics is not None and not isinstance(metrics, list):
        raise TypeError("metrics must be a list")
    for metric in metrics or []:
        for field in ("name", "value"):
            if field not in metric:
                raise TypeError(f"metric must has a '{field}' field")
    return metrics or []


def _metric_lines(metric) -> list[str]:
    lines = ["  metrics {", f'    name: "{metric["name"]}"', f"    value: {metric['value']}"]
    for bound in ("min_value", "max_value"):
        if bound in metric:
            lines += [f"    {bound} {{", f"      value: {metric[bound]}", "    }"]
    return [*lines, "  }"]


def run_benchmarks(regex: str) -> None:
    """Run the benchmark methods of the program whose names (module.Class.method) match, or all for "all"."""
    for kind in list(_benchmarks):
        instance = None
        for name in dir(kind):
            full_name = f"{kind.__module__}.{kind.__name__}.{name}"
            chosen = name.startswith("benchmark") and callable(getattr(kind, name))
            if chosen and (regex == "all" or re.search(regex, full_name)):
                instance = instance or kind()
                getattr(instance, name)()


def benchmarks_asked_for(argv: list[str] | None) -> str | None:
    """The regex of an argument `--benchmarks=REGEX` of the program, or None."""
    for argument in sys.argv if argv is None else argv:
        match = re.fullmatch(r"--?benchmarks=(.*)", argument)
        if match:
            return match[1]
    return None
