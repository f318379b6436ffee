"""Graph collections: named lists that libraries leave things in, and their standard names."""

import re

from reflow.graph.export import export


@export("GraphKeys")
class GraphKeys:
    """The standard names of collections."""

    GLOBAL_VARIABLES = "variables"
    LOCAL_VARIABLES = "local_variables"
    METRIC_VARIABLES = "metric_variables"
    MODEL_VARIABLES = "model_variables"
    TRAINABLE_VARIABLES = "trainable_variables"
    SUMMARIES = "summaries"
    QUEUE_RUNNERS = "queue_runners"
    TABLE_INITIALIZERS = "table_initializer"
    ASSET_FILEPATHS = "asset_filepaths"
    MOVING_AVERAGE_VARIABLES = "moving_average_variables"
    REGULARIZATION_LOSSES = "regularization_losses"
    CONCATENATED_VARIABLES = "concatenated_variables"
    SAVERS = "savers"
    WEIGHTS = "weights"
    BIASES = "biases"
    ACTIVATIONS = "activations"
    UPDATE_OPS = "update_ops"
    LOSSES = "losses"
    SAVEABLE_OBJECTS = "saveable_objects"
    RESOURCES = "resources"
    LOCAL_RESOURCES = "local_resources"
    TRAINABLE_RESOURCE_VARIABLES = "trainable_resource_variables"
    INIT_OP = "init_op"
    LOCAL_INIT_OP = "local_init_op"
    READY_OP = "ready_op"
    READY_FOR_LOCAL_INIT_OP = "ready_for_local_init_op"
    SUMMARY_OP = "summary_op"
    GLOBAL_STEP = "global_step"
    EVAL_STEP = "eval_step"
    TRAIN_OP = "train_op"
    COND_CONTEXT = "cond_context"
    WHILE_CONTEXT = "while_context"
    _SUMMARY_COLLECTION = "_SUMMARY_V2"
    _VARIABLE_COLLECTIONS = [GLOBAL_VARIABLES, LOCAL_VARIABLES, METRIC_VARIABLES, MODEL_VARIABLES,
                             TRAINABLE_VARIABLES, MOVING_AVERAGE_VARIABLES, CONCATENATED_VARIABLES,
                             TRAINABLE_RESOURCE_VARIABLES]  # fmt: skip
    _STREAMING_MODEL_PORTS = "streaming_model_ports"

    # The name that it had before 1.0.
    VARIABLES = GLOBAL_VARIABLES


class Collections:
    """The collections of one graph: a mapping from a name to a list, with scope filtering."""

    def __init__(self):
        self._lists = {}

    def add(self, name, value):
        """Append `value` to collection `name`."""
        self._lists.setdefault(name, []).append(value)

    def reference(self, name):
        """The list itself, made if absent: what the caller changes is changed here."""
        return self._lists.setdefault(name, [])

    def only(self, name, make):
        """The one item of collection `name`, which `make` makes if there is none."""
        items = self.reference(name)
        if not items:
            items.append(make())
        return items[0]

    def get(self, name, scope=None):
        """A copy of the list; with `scope`, those items whose `.name` matches it as a regex from the start."""
        items = self._lists.get(name, [])
        if scope is None:
            return list(items)
        pattern = re.compile(scope)
        return [item for item in items if hasattr(item, "name") and pattern.match(item.name)]

    def names(self):
        """All collection names that hold or held something."""
        return list(self._lists)

    def clear(self, name):
        """Forget a collection."""
        self._lists.pop(name, None)
