"""tf.contrib is imported when it is asked for."""

import subprocess
import sys


def python(program):
    """What a Python process prints that runs `program`."""
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120)
    assert result.returncode == 0, result.stderr
    return result.stdout.split()


def test_lazily():
    printed = python(
        "import sys, reflow as tf\n"
        "print('contrib' in dir(tf), any(name.startswith('reflow.contrib') for name in sys.modules))\n"
        "print(tf.contrib.layers.fully_connected.__name__, 'reflow.contrib' in sys.modules)\n"
        "print('fully_connected' in dir(tf.contrib.layers), 'layers' in tf.contrib.__all__)"
    )
    assert printed == ["True", "False", "fully_connected", "True", "True", "True"]


def test_by_its_rooms_first():
    printed = python(
        "from reflow.contrib.framework.arg_scope import arg_scope\n"
        "import reflow as tf\n"
        "print(tf.contrib.framework.arg_scope is arg_scope, tf.contrib.layers.l2_regularizer.__name__)"
    )
    assert printed == ["True", "l2_regularizer"]


def test_under_the_name_of_tensorflow():
    printed = python(
        "import reflow\n"
        "tf = reflow.install()\n"
        "import tensorflow.contrib.slim as slim\n"
        "from tensorflow.contrib import layers\n"
        "from tensorflow.contrib.layers.python.layers import initializers\n"
        "from tensorflow.contrib.framework.python.ops.variables import get_or_create_global_step\n"
        "print(slim is tf.contrib.slim, layers is tf.contrib.layers)\n"
        "print(initializers.xavier_initializer is layers.xavier_initializer)"
    )
    assert printed == ["True"] * 3
