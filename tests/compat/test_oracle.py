"""Whole programs, run by TensorFlow 1.15.5 and by `reflow run`: the same output and the same exit code."""

import os
import re
import subprocess

import pytest

pytestmark = pytest.mark.oracle

FLAGS_PROGRAM = '''
"""A program with flags."""
import tensorflow as tf
from tensorflow.python.platform import flags as flags_module

flags = tf.app.flags
flags.DEFINE_integer("steps", 3, "Steps.")
flags.DEFINE_string("name", None, "A name.")
flags.DEFINE_bool("fast", True, "Fast.")
flags.DEFINE_float("rate", 0.1, "Rate.")
flags.DEFINE_enum("mode", "a", ["a", "b"], "Mode.")
flags.DEFINE_list("items", "x,y", "Items.")
FLAGS = flags.FLAGS

def main(argv):
    print(argv[1:], FLAGS.steps, FLAGS.name, FLAGS.fast, FLAGS.rate, FLAGS.mode, FLAGS.items)
    print(FLAGS.__flags["steps"].value, flags_module.FLAGS.steps, "rate" in FLAGS.flag_values_dict())
    tf.logging.set_verbosity(tf.logging.INFO)
    tf.logging.info("step %d", FLAGS.steps)
    tf.logging.debug("hidden")
    tf.logging.log_if(tf.logging.ERROR, "if %d", True, 1)
    return 4

if __name__ == "__main__":
    tf.app.run()
'''

GRAPH_PROGRAM = """
import numpy as np
import tensorflow as tf
from tensorflow.python.framework import ops, tensor_shape
from tensorflow.python.ops import array_ops, math_ops, variable_scope
from tensorflow.python.util import nest
from tensorflow.core.framework import attr_value_pb2

tf.set_random_seed(7)
x = tf.placeholder(tf.float32, [None, 3], name="x")
with tf.variable_scope("net", reuse=tf.AUTO_REUSE):
    w = tf.get_variable("w", [3, 2], initializer=tf.random_uniform_initializer(seed=3))
y = math_ops.matmul(x, w)
z = array_ops.concat([y, array_ops.zeros_like(y)], axis=1)
print(z.shape, tensor_shape.TensorShape([None, 4]).is_compatible_with(z.shape), z.op.type, z.name)
print([op.name for op in ops.get_default_graph().get_operations()][:6])
with tf.Session() as sess:
    sess.run(tf.global_variables_initializer())
    values = sess.run({"z": z, "pair": (y, [w])}, {x: np.ones((1, 3))})
    print(nest.map_structure(lambda v: np.round(v, 5).tolist(), values))
try:
    tf.matmul(tf.zeros([2, 3]), tf.zeros([2, 3]))
except ValueError as error:
    print(type(error).__name__)
try:
    from tensorflow.python.ops.array_ops import no_such_function
except ImportError as error:
    print("ImportError", "no_such_function" in str(error))
"""


def _by_tensorflow(python, script, *arguments):
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONWARNINGS": "ignore"}
    command = [python, script, *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)


def _log_lines(text):
    """The lines of tf.logging, without notes that TensorFlow alone has about its own future."""
    return [line for line in text.splitlines() if re.match(r"(INFO|WARNING|ERROR):tensorflow:(step|if)", line)]


@pytest.mark.parametrize(
    ("program", "arguments"),
    [
        (FLAGS_PROGRAM, ["--steps=5", "--nofast", "--name", "n", "file", "--unknown=1", "--items=p,q,r"]),
        (FLAGS_PROGRAM, ["--mode=c"]),
        (FLAGS_PROGRAM, ["--steps=many"]),
        (GRAPH_PROGRAM, []),
    ],
    ids=["flags", "wrong value", "wrong type", "graph"],
)
def test_programs_behave_alike(reflow_command, peers, tmp_path, program, arguments):
    script = tmp_path / "program.py"
    script.write_text(program)
    theirs, ours = _by_tensorflow(peers["tf1"], script, *arguments), reflow_command("run", script, *arguments)
    assert ours.stdout == theirs.stdout
    assert ours.returncode == theirs.returncode
    assert _log_lines(ours.stderr) == _log_lines(theirs.stderr)
