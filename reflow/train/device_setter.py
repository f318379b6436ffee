"""Devices for training on several machines: variables on parameter servers, everything else on the worker."""

from collections.abc import Callable, Iterable
from typing import Any

from reflow.graph.device import DeviceSpec
from reflow.graph.export import export
from reflow.platform import logging

# What holds state that workers share.
_SHARED = (
    "Variable", "VariableV2", "AutoReloadVariable", "VarHandleOp", "MutableHashTable", "MutableHashTableV2",
    "MutableHashTableOfTensors", "MutableHashTableOfTensorsV2", "MutableDenseHashTable", "MutableDenseHashTableV2",
    "BoostedTreesEnsembleResourceHandleOp", "BoostedTreesQuantileStreamResourceHandleOp",
    "ResourceConditionalAccumulator", "DecisionTreeResource",
)  # fmt: skip


@export("train.replica_device_setter")
def replica_device_setter(ps_tasks=0, ps_device="/job:ps", worker_device="/job:worker", merge_devices=True,
                          cluster=None, ps_ops=None, ps_strategy=None):  # fmt: skip
    """A device function for `tf.device`: variables go to parameter servers in turn, other operations to the worker.

    Args:
      ps_tasks: the number of parameter servers; not looked at if `cluster` is given.
      ps_device: the device of the parameter servers; without a task, variables are spread over all of them.
      worker_device: the device of the worker.
      merge_devices: if False, an operation that has a device keeps it; if True, that device goes before these ones in
        each of its parts.
      cluster: a dict from job names to their tasks, a ClusterDef, or what has a method `as_dict`.
      ps_ops: types of operations that go to parameter servers; those of variables and tables if None.
      ps_strategy: a function from an operation to the number of its parameter server; in turn if None.

    Returns:
      The function, or None if there are no parameter servers.

    Raises:
      TypeError: if `ps_strategy` is no function.
    """
    if cluster is not None:
        ps_tasks = len(_tasks(cluster).get(DeviceSpec.from_string(ps_device).job) or ())
    if ps_tasks == 0:
        return None
    if not merge_devices:
        logging.warning("merge_devices=False is deprecated: devices of inner tf.device blocks should be merged")
    if ps_strategy is None:
        ps_strategy = _InTurn(ps_tasks)
    if not callable(ps_strategy):
        raise TypeError("ps_strategy must be callable")
    types = frozenset(_SHARED if ps_ops is None else ps_ops)
    return _setter(types, DeviceSpec.from_string(ps_device or ""), DeviceSpec.from_string(worker_device or ""),
                   merge_devices, ps_strategy)  # fmt: skip


def _setter(types: Iterable[str], server: DeviceSpec, worker: DeviceSpec, merges: bool, strategy: Callable) -> Callable:
    def device_of(operation) -> str:
        if operation.device and not merges:
            return operation.device
        chosen = worker
        if operation.type in types:
            spread = server.job is not None and server.task is None
            chosen = server.replace(task=strategy(operation)) if spread else server
        return chosen.make_merged_spec(DeviceSpec.from_string(operation.device or "")).to_string()

    return device_of


class _InTurn:
    """One parameter server after the other."""

    def __init__(self, count: int):
        self._count = count
        self._next = 0

    def __call__(self, operation) -> int:
        task = self._next
        self._next = (task + 1) % self._count
        return task


def _tasks(cluster: Any) -> dict:
    """The tasks of each job of a cluster."""
    if hasattr(cluster, "as_dict"):
        return cluster.as_dict()
    if hasattr(cluster, "job"):
        return {job.name: dict(job.tasks) for job in cluster.job}
    return dict(cluster)
