"""The devices of this machine and of a session: names, types, memory."""

import os
from collections import namedtuple

import torch

from reflow.files import protos
from reflow.graph import errors
from reflow.graph.export import export, export_value

_PREFIX = "/job:localhost/replica:0/task:0"


class DeviceAttributes(namedtuple("DeviceAttributes", ["name", "device_type", "memory_limit_bytes", "incarnation"])):
    """One device as `Session.list_devices` describes it."""

    __slots__ = ()

    def __repr__(self):
        return f"_DeviceAttributes({', '.join(map(str, self))})"


def session_devices(config=None) -> list[DeviceAttributes]:
    """The devices of a session: as many virtual CPUs as its config asks for, and the GPUs that torch sees.

    Raises:
      NotFoundError: if `device_count` asks for no CPU.
      InvalidArgumentError: if `gpu_options.visible_device_list` names a GPU that is not there, or one twice.
    """
    counts = dict(config.device_count) if config is not None else {}
    cpus = counts.get("CPU", 1)
    if cpus < 1:
        raise errors.NotFoundError(None, None, "No CPU devices are available in this process")
    devices = [DeviceAttributes(f"{_PREFIX}/device:CPU:{i}", "CPU", _host_memory(), i + 1) for i in range(cpus)]
    fraction = config.gpu_options.per_process_gpu_memory_fraction if config is not None else 0
    for i, gpu in enumerate(visible_gpus(config)[: counts.get("GPU")]):
        memory = int(torch.cuda.get_device_properties(gpu).total_memory * (fraction or 1))
        devices.append(DeviceAttributes(f"{_PREFIX}/device:GPU:{i}", "GPU", memory, 1000 + i))
    return devices


def visible_gpus(config) -> list[int]:
    """The numbers that torch has for the GPUs of a session, in the order in which the session counts them."""
    there = torch.cuda.device_count() if torch.cuda.is_available() else 0
    wanted = config.gpu_options.visible_device_list if config is not None else ""
    if not there or not wanted:
        return list(range(there))
    chosen: list[int] = []
    for entry in wanted.split(","):
        if not entry.strip().isdecimal():
            raise _not_visible(f"Could not parse entry in 'visible_device_list': '{entry}'. visible_device_list = "
                               f"{wanted}")  # fmt: skip
        gpu = int(entry)
        if gpu >= there:
            raise _not_visible(f"'visible_device_list' listed an invalid GPU id '{gpu}' but visible device count is "
                               f"{there}")  # fmt: skip
        if gpu in chosen:
            raise _not_visible(f"visible_device_list contained a duplicate entry: {wanted}")
        chosen.append(gpu)
    return chosen


def _not_visible(message: str) -> errors.InvalidArgumentError:
    return errors.InvalidArgumentError(None, None, message)


def limit_gpu_memory(config) -> None:
    """Keep torch's allocator within `per_process_gpu_memory_fraction` on the GPUs of a session.

    The allocator takes memory as it is needed, whatever `allow_growth` says.
    """
    fraction = config.gpu_options.per_process_gpu_memory_fraction
    for gpu in visible_gpus(config) if 0 < fraction < 1 else ():
        torch.cuda.set_per_process_memory_fraction(fraction, gpu)


def _host_memory() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def list_local_devices(session_config=None) -> list:
    """The devices of this process, as `tensorflow.python.client.device_lib` lists them.

    Args:
      session_config: a ConfigProto, or None.

    Returns:
      DeviceAttributes protos; `memory_limit` is in bytes.
    """
    message = protos.load("device_attributes").DeviceAttributes
    gpus = visible_gpus(session_config)
    rows = []
    for device in session_devices(session_config):
        row = message(name=device.name.removeprefix(_PREFIX), device_type=device.device_type,
                      memory_limit=device.memory_limit_bytes, incarnation=device.incarnation)  # fmt: skip
        row.locality.SetInParent()
        if device.device_type == "GPU":
            index = int(device.name.rpartition(":")[2])
            row.physical_device_desc = _description(index, torch.cuda.get_device_properties(gpus[index]))
        rows.append(row)
    return rows


def _description(index: int, properties) -> str:
    capability = f"{properties.major}.{properties.minor}"
    return f"device: {index}, name: {properties.name}, compute capability: {capability}"


def mapping(config) -> str:
    """Which GPU is behind each device name, as `log_device_placement` writes it at the start of a session."""
    rows = [f"{_PREFIX}{d.name} -> {d.physical_device_desc}" for d in list_local_devices(config)
            if d.device_type == "GPU"]  # fmt: skip
    return "\n".join(["Device mapping:", *rows]) if rows else "Device mapping: no known devices."


@export("test.is_gpu_available")
def is_gpu_available(cuda_only=False, min_cuda_compute_capability=None):
    """True if torch sees a CUDA device.

    Args:
      cuda_only: accepted; all GPUs here are CUDA's.
      min_cuda_compute_capability: a pair (major, minor) that one of them must reach.
    """
    if not torch.cuda.is_available():
        return False
    least = min_cuda_compute_capability or (0, 0)
    return any(torch.cuda.get_device_capability(i) >= tuple(least) for i in range(torch.cuda.device_count()))


@export("test.is_built_with_cuda")
def is_built_with_cuda():
    """True if the torch that runs the kernels was built with CUDA."""
    return torch.version.cuda is not None


@export("test.gpu_device_name")
def gpu_device_name():
    """The name of the first GPU ("/device:GPU:0"), or ""."""
    return "/device:GPU:0" if torch.cuda.is_available() else ""


@export("test.is_built_with_rocm")
def is_built_with_rocm() -> bool:
    """Tells whether the kernel library runs on AMD's devices."""
    return torch.version.hip is not None


export_value("test.is_built_with_gpu_support", is_built_with_cuda)
