"""`tf.contrib`: the libraries beside the core of TensorFlow 1.x.

This package is imported when a program first asks for `tf.contrib` or something below it. Its public names are
assembled from what its rooms export, like those of the root.
"""

import sys

from reflow import namespace
from reflow.contrib import framework, layers, lookup, losses, metrics, opt, slim, training, util  # noqa: F401

namespace.assemble_contrib(sys.modules[__name__])
