"""TPUs: their start and end, replicated computations, sums over replicas, and their queues to and from the host."""

from reflow.graph.build import call
from reflow.graph.registry import gradient
from reflow.graph.shapes import Dims
from reflow.ops.shape_rules import no_outputs, same_shape, scalar, unchanged_shape, unknown, vector
from reflow.ops.without_kernels.definition import define_without_kernel

# --- sums and exchanges over replicas ---------------------------------------------------------------------------------


def _all_to_all_shape(op) -> list[Dims]:
    dims = op._inputs[0].dims
    if dims is None:
        raise ValueError("input's rank is unknown.")
    sizes = list(dims)
    axes = {name: op.attrs[name] for name in ("concat_dimension", "split_dimension")}
    for name, axis in axes.items():
        if not 0 <= axis < len(dims):
            raise ValueError(f"{name} {axis} is out of range of input rank {len(dims)}")
    count = op.attrs["split_count"]
    if sizes[axes["concat_dimension"]] is not None:
        sizes[axes["concat_dimension"]] *= count
    if sizes[axes["split_dimension"]] is not None:
        sizes[axes["split_dimension"]] //= count
    return [tuple(sizes)]


_GROUPS = "input: T, group_assignment: int32 -> output: T"

define_without_kernel("AllToAll", _GROUPS,
                      "T: type in number|bool, concat_dimension: int, split_dimension: int, split_count: int",
                      shape=_all_to_all_shape)  # fmt: skip
define_without_kernel("CrossReplicaSum", _GROUPS, "T: type in bfloat16|float|int32|uint32", shape=unchanged_shape)
define_without_kernel("CollectivePermute", "input: T, source_target_pairs: int32 -> output: T", "T: type in number",
                      shape=unchanged_shape)  # fmt: skip


@gradient("AllToAll")
def _all_to_all_gradient(op, grad):
    """The exchange back: what was split is joined and the other way round."""
    exchanged = call("AllToAll", grad, op.inputs[1], concat_dimension=op.get_attr("split_dimension"),
                     split_dimension=op.get_attr("concat_dimension"),
                     split_count=op.get_attr("split_count"))  # fmt: skip
    return [exchanged, None]


@gradient("CrossReplicaSum")
def _cross_replica_sum_gradient(op, grad):
    return [call("CrossReplicaSum", grad, op.inputs[1]), None]


@gradient("CollectivePermute")
def _collective_permute_gradient(op, grad):
    return [call("CollectivePermute", grad, op.inputs[1][:, ::-1]), None]


# --- the system, and computations on it -------------------------------------------------------------------------------


def _replicated_output_shape(op) -> list[Dims]:
    return [op._inputs[0].dims] * op.attrs["num_replicas"]


define_without_kernel("ConfigureDistributedTPU", "-> topology: string",
                      "embedding_config: string = '', tpu_embedding_config: string = '', "
                      "is_global_init: bool = false", shape=unknown, is_stateful=True)  # fmt: skip
define_without_kernel("ShutdownDistributedTPU", "->", shape=no_outputs, is_stateful=True)
define_without_kernel("WorkerHeartbeat", "request: string -> response: string", shape=scalar, is_stateful=True)
define_without_kernel("TPUCompilationResult", "-> output: string", shape=scalar)
define_without_kernel("TPUOrdinalSelector", "-> device_ordinals: int32", shape=vector(), is_stateful=True)
define_without_kernel("TPUPartitionedCall", "args: list:Tin, device_ordinal: int32 -> output: list:Tout",
                      "Tin: list(type), Tout: list(type), f: func", shape=unknown)  # fmt: skip
define_without_kernel(
    "TPUReplicateMetadata", "->",
    "num_replicas: int >= 0, num_cores_per_replica: int = 1, topology: string = '', use_tpu: bool = true, "
    "device_assignment: list(int) = [], computation_shape: list(int) = [], host_compute_core: list(string) = [], "
    "padding_map: list(string) = [], step_marker_location: string = STEP_MARK_AT_ENTRY, "
    "allow_soft_placement: bool = false", shape=no_outputs,
)  # fmt: skip
define_without_kernel("TPUReplicatedInput", "inputs: N*T -> output: T", "N: int >= 1, T: type", shape=same_shape,
                      gradient=None)  # fmt: skip
define_without_kernel("TPUReplicatedOutput", "input: T -> outputs: num_replicas*T", "num_replicas: int >= 1, T: type",
                      shape=_replicated_output_shape)  # fmt: skip


# --- queues between host and TPU --------------------------------------------------------------------------------------


def _declared_shape(op) -> list[Dims]:
    return [op.attrs["shape"]]


def _infeed_tuple_shape(op) -> list[Dims]:
    """The declared shapes, of which there may be too few."""
    count = len(op.attrs["dtypes"])
    return [*op.attrs["shapes"], *[None] * count][:count]


def _outfeed_tuple_shape(op) -> list[Dims]:
    if len(op.attrs["shapes"]) != len(op.attrs["dtypes"]):
        raise ValueError("Incorrect number of output shapes specified")
    return list(op.attrs["shapes"])


_ONE = "dtype: type, shape: shape"
_SEVERAL = "dtypes: list(type) >= 1, shapes: list(shape)"
_DEVICE = "device_ordinal: int = -1"

define_without_kernel("InfeedDequeue", "-> output: dtype", _ONE, shape=_declared_shape, is_stateful=True)
define_without_kernel("InfeedDequeueTuple", "-> outputs: list:dtypes", _SEVERAL, shape=_infeed_tuple_shape,
                      is_stateful=True)  # fmt: skip
define_without_kernel("InfeedEnqueue", "input: dtype ->", f"{_ONE} = [], layout: list(int) = [], {_DEVICE}",
                      shape=no_outputs, is_stateful=True)  # fmt: skip
define_without_kernel("InfeedEnqueueTuple", "inputs: list:dtypes ->", f"{_SEVERAL}, layouts: list(int) = [], {_DEVICE}",
                      shape=no_outputs, is_stateful=True)  # fmt: skip
define_without_kernel("InfeedEnqueuePrelinearizedBuffer", "input: variant ->", _DEVICE, shape=no_outputs)
define_without_kernel("Prelinearize", "input: dtype -> output: variant", f"{_ONE} = [], layout: list(int) = []",
                      shape=scalar)  # fmt: skip
define_without_kernel("PrelinearizeTuple", "inputs: list:dtypes -> output: variant",
                      f"{_SEVERAL}, layouts: list(int) = []", shape=scalar)  # fmt: skip
define_without_kernel("OutfeedEnqueue", "input: dtype ->", "dtype: type", shape=no_outputs, is_stateful=True)
define_without_kernel("OutfeedEnqueueTuple", "inputs: list:dtypes ->", "dtypes: list(type) >= 1", shape=no_outputs,
                      is_stateful=True)  # fmt: skip
define_without_kernel("OutfeedDequeue", "-> output: dtype", f"{_ONE}, {_DEVICE}", shape=_declared_shape,
                      is_stateful=True)  # fmt: skip
define_without_kernel("OutfeedDequeueTuple", "-> outputs: list:dtypes", f"{_SEVERAL}, {_DEVICE}",
                      shape=_outfeed_tuple_shape, is_stateful=True)  # fmt: skip
