"""Loading an implementation inside a worker, with two threads and no chatter."""

import importlib
import os

from benchmarks import devices

THREADS = 2
# The statement that imports each, also what the `import` case times.
MODULES = {
    "reflow": "reflow",
    "tf1": "tensorflow",
    "tf2": "tensorflow.compat.v1",
    "torch": "torch",
    "torch-compile": "torch",
    "jax": "jax",
}
SESSIONS = ("reflow", "tf1", "tf2")


def limit_cpus():
    """Keep this process on `THREADS` CPUs, so that frameworks which have no setting use no more threads either."""
    cpus = sorted(os.sched_getaffinity(0))[:THREADS]
    os.sched_setaffinity(0, cpus)
    os.environ["OMP_NUM_THREADS"] = str(THREADS)
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"


def load(name):
    """Import an implementation; a 1.x namespace for those that run sessions."""
    module = importlib.import_module(MODULES[name])
    if name == "tf2":
        module.disable_v2_behavior()
    if name in ("tf1", "tf2"):
        module.logging.set_verbosity(module.logging.ERROR)
    if name.startswith("torch"):
        module.set_num_threads(THREADS)
    return module


def session_config(tf):
    """The `ConfigProto` of every session here. What has no kernel for a GPU may run on the processor."""
    return tf.ConfigProto(
        intra_op_parallelism_threads=THREADS, inter_op_parallelism_threads=THREADS,
        allow_soft_placement=devices.chosen() == devices.GPU,
    )  # fmt: skip
