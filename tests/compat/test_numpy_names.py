"""Under `reflow run` NumPy has the names that it had in the years of TensorFlow 1.x."""

import subprocess
import sys

_PROGRAM = """
import numpy as np
import tensorflow as tf

x = np.array([[0, 1], [2, 3]], dtype=np.float)
print(x.dtype, np.int(2.5), np.product(x), np.Inf, np.asscalar(x[:1, :1]), np.alltrue(x >= 0), np.round_(1.26, 1))
print(np.mat("1 2").shape, np.float_ is np.float64, np.zeros(1, np.object).dtype, np.asfarray([1, 2]).dtype)
with tf.Session() as session:
    print([*session.run(tf.constant([0.5, 2.0]))], {"a": session.run(tf.constant(7))})
"""
_PRINTED = """\
float64 2 0.0 inf 0.0 True 1.3
(1, 2) True object float64
[0.5, 2.0] {'a': 7}
"""


def test_programs_of_those_years_run(reflow_command):
    result = reflow_command("run", "-c", _PROGRAM)
    assert result.stdout == _PRINTED, result.stderr


def test_install_leaves_numpy_alone():
    code = "import reflow; reflow.install(); import numpy as np; print(hasattr(np, 'float'))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
