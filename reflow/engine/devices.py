"""The devices of this machine and of a session: names, types, memory."""

import os
from collections import namedtuple

import torch

from reflow.graph.export import export, export_value

_PREFIX = "/job:localhost/replica:0/task:0"


class DeviceAttributes(namedtuple("DeviceAttributes", ["name", "device_type", "memory_limit_bytes", "incarnation"])):
    """One device as `Session.list_devices` describes it."""

    __slots__ = ()


def session_devices(config=None) -> list[DeviceAttributes]:
    """The devices of a session: as many virtual CPUs as its config asks for, and the GPUs that torch sees."""
    counts = dict(config.device_count) if config is not None else {}
    cpus = max(counts.get("CPU", 1), 1)
    devices = [DeviceAttributes(f"{_PREFIX}/device:CPU:{i}", "CPU", _host_memory(), i + 1) for i in range(cpus)]
    gpus = min(counts.get("GPU", 1 << 30), torch.cuda.device_count() if torch.cuda.is_available() else 0)
    for i in range(gpus):
        memory = torch.cuda.get_device_properties(i).total_memory
        devices.append(DeviceAttributes(f"{_PREFIX}/device:GPU:{i}", "GPU", memory, 1000 + i))
    return devices


def _host_memory() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


LocalDevice = namedtuple("LocalDevice", ["name", "device_type", "memory_limit", "locality", "incarnation",
                                         "physical_device_desc"])  # fmt: skip
LocalDevice.__doc__ = "One device as `device_lib.list_local_devices` describes it; memory_limit in bytes."


def list_local_devices(session_config=None) -> list[LocalDevice]:
    """The devices of this process, as `tensorflow.python.client.device_lib` lists them.

    Args:
      session_config: a ConfigProto, or None.
    """
    rows = []
    for device in session_devices(session_config):
        short = device.name.removeprefix(_PREFIX)
        rows.append(LocalDevice(short, device.device_type, device.memory_limit_bytes, None, device.incarnation,
                                _description(device)))  # fmt: skip
    return rows


def _description(device) -> str:
    if device.device_type != "GPU":
        return ""
    index = int(device.name.rpartition(":")[2])
    properties = torch.cuda.get_device_properties(index)
    return (f"device: {index}, name: {properties.name}, compute capability: "
            f"{properties.major}.{properties.minor}")  # fmt: skip


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
