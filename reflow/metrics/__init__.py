"""`tf.metrics`: measures of a model that add up over many batches.

Each function returns a value and an update operation. The update adds a batch to local variables (in the collections
LOCAL_VARIABLES and METRIC_VARIABLES) and returns the new value; the value reads them. They begin at 0:
`sess.run(tf.local_variables_initializer())`.
"""

from reflow.metrics import classes, counts, means, ranking, thresholds  # noqa: F401
