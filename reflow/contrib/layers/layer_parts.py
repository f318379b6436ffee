"""What the layers of `tf.contrib.layers` share: variables under their own names, collections, what follows a layer."""

from reflow.contrib.framework import variables
from reflow.contrib.layers.named_outputs import collect_named_outputs
from reflow.graph.export import export
from reflow.graph.graph import get_default_graph
from reflow.variables.partitioned_variable import PartitionedVariable
from reflow.variables.synchronization import VariableAggregation, VariableSynchronization


@export("contrib.slim.utils.get_variable_collections")
def get_variable_collections(variables_collections, name):
    """The collections for one variable of a layer.

    Args:
      variables_collections: a list of collections for all variables, or a dict of lists by variables' names; or None.
      name: the variable's name, such as "weights".
    """
    return variables_collections.get(name) if isinstance(variables_collections, dict) else variables_collections


def model_variable_getter(getter, name, shape=None, dtype=None, initializer=None, regularizer=None, trainable=True,
                          collections=None, caching_device=None, partitioner=None, rename=None, use_resource=None,
                          synchronization=VariableSynchronization.AUTO, aggregation=VariableAggregation.NONE,
                          **_):  # fmt: skip
    """A custom getter that makes model variables, `rename` telling the last part of some names anew."""
    scope, slash, short_name = name.rpartition("/")
    return variables.model_variable(
        f"{scope}{slash}{(rename or {}).get(short_name, short_name)}", shape=shape, dtype=dtype,
        initializer=initializer, regularizer=regularizer, collections=collections, trainable=trainable,
        caching_device=caching_device, partitioner=partitioner, custom_getter=getter, use_resource=use_resource,
        synchronization=synchronization, aggregation=aggregation,
    )  # fmt: skip


def renaming_getter(rename=None):
    """A custom getter for the variables of a core layer: model variables, some of them under other names."""

    def renamed(getter, *args, **kwargs):
        return model_variable_getter(getter, *args, **{**kwargs, "rename": rename})

    return renamed


# How the layers of `tf.contrib` call what the layers of `tf.layers` call kernel and bias.
WEIGHTS_AND_BIASES = {"bias": "biases", "kernel": "weights"}


def add_to_collections(variable, variables_collections, name):
    """Add a layer's variable to the collections for it, once."""
    parts = list(variable) if isinstance(variable, PartitionedVariable) else [variable]
    graph = get_default_graph()
    for collection in get_variable_collections(variables_collections, name) or ():
        for part in parts:
            if not any(part is each for each in graph.get_collection_ref(collection)):
                graph.add_to_collection(collection, part)


def finish(outputs, activation_fn, collections, alias, normalizer_fn=None, normalizer_params=None):
    """What follows the operation of a layer: normalizer, activation, and collections under the layer's name."""
    if normalizer_fn is not None:
        outputs = normalizer_fn(outputs, **(normalizer_params or {}))
    if activation_fn is not None:
        outputs = activation_fn(outputs)
    return collect_named_outputs(collections, alias, outputs)


def finish_core_layer(layer, kernels, outputs, variables_collections, activation_fn, outputs_collections, alias,
                      normalizer_fn, normalizer_params):  # fmt: skip
    """`finish`, after the weights (`kernels`) and biases of a layer of `tf.layers` have joined their collections."""
    for kernel in kernels:
        add_to_collections(kernel, variables_collections, "weights")
    if layer.bias is not None:
        add_to_collections(layer.bias, variables_collections, "biases")
    return finish(outputs, activation_fn, outputs_collections, alias, normalizer_fn, normalizer_params)


def check_data_format(data_format, *allowed):
    """Raise ValueError unless `data_format` is allowed."""
    if data_format not in allowed:
        raise ValueError(f"data_format has to be either {' or '.join(allowed)}.")


def core_data_format(data_format):
    """"NCHW" as the layers of `tf.layers` say it: "channels_first"."""
    return "channels_first" if data_format and data_format.startswith("NC") else "channels_last"
