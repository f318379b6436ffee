"""The data sets that TensorFlow 1.x programs expect to find: MNIST, and Fashion-MNIST in the same format.

Importing this package publishes their names.
"""

from reflow.data_sets import input_data, keras_datasets

__all__ = ["input_data", "keras_datasets"]
