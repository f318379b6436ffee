"""Tensors between the host and GPUs: the parts of a plan that stand on a GPU find all that they take there.

A plan without GPUs never comes here. **No run on a GPU has been made yet**; tests use simulated ones.
"""

import functools
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import torch

from reflow.engine.rendezvous import Rendezvous

_CPU = torch.device("cpu")


def is_gpu(device: str) -> bool:
    """True for the name of a GPU."""
    return "device:GPU:" in device


def torch_device(device: str, gpus: tuple[int, ...]) -> torch.device:
    """The torch.device behind a device's name.

    Args:
      device: a full device name.
      gpus: torch's numbers of the GPUs of the session, in the session's order.
    """
    return torch.device("cuda", gpus[int(device.rpartition(":")[2])]) if is_gpu(device) else _CPU


def to_device(value, device: torch.device):
    """A value on a device: tensors are moved unless they are there; what holds several is taken apart.

    Kernels that the calling thread starts afterwards wait for a copy to a GPU, those that run by now go on.
    """
    if isinstance(value, torch.Tensor):
        if value.device == device:
            return value
        return _copied_to_gpu(value, device) if (value.is_cpu and device.type == "cuda") else value.to(device)
    if isinstance(value, (list, tuple)):
        return [to_device(item, device) for item in value]
    return value


def to_host(value):
    """A value in the host's memory."""
    return to_device(value, _CPU)


def on_host(function: Callable, device: torch.device, *values):
    """What a function of the host makes of values of a GPU, brought back there."""
    with _CPU:
        result = function(*map(to_host, values))
    return to_device(result, device)


def on_gpu(function: Callable, device: torch.device) -> Callable:
    """The function of a plan for a GPU, with what it takes and returns in the host's memory.

    Args:
      function: an emitted function. The tensors that it creates lie on the GPU.
      device: the GPU.
    """

    @functools.wraps(function)
    def step(*values):
        if values and isinstance(values[0], Rendezvous):
            values = (_Crossing(values[0], device), *values[1:])
        # What is created lies there, and libraries and streams are those of that GPU.
        with torch.cuda.device(device), device:
            results = function(*[to_device(value, device) for value in values])
        return [to_host(result) for result in results]

    return step


def when_done(function: Callable, device: torch.device) -> Callable:
    """The function, called when a GPU is done with what it has been given: how the nodes there are timed."""

    def wait_and_call(*values):
        torch.cuda.current_stream(device).synchronize()
        return function(*values)

    return wait_and_call


class _Crossing:
    """The rendezvous as a GPU sees it: what is sent is brought to the host, what is received to the GPU.

    Between two GPUs tensors are copied directly, by the one that receives.
    """

    def __init__(self, rendezvous: Rendezvous, device: torch.device):
        self._rendezvous = rendezvous
        self._device = device

    def send(self, key: str, value) -> None:
        """As of the rendezvous; a tensor for the host is there once its copy is done."""
        target = key.split(";")[1]
        if is_gpu(target) or not isinstance(value, torch.Tensor):
            self._rendezvous.send(key, value)
        elif value.is_cuda:
            _couriers().submit(self._deliver, key, *_copy_to_host(value))
        else:
            self._rendezvous.send(key, to_host(value))

    def recv(self, key: str):
        """As of the rendezvous, on the GPU."""
        return to_device(self._rendezvous.recv(key), self._device)

    def _deliver(self, key: str, copy: torch.Tensor, done: torch.cuda.Event) -> None:
        try:
            done.synchronize()
        except BaseException as error:
            self._rendezvous.abort(error)
        else:
            self._rendezvous.send(key, copy)


@functools.cache
def _couriers() -> ThreadPoolExecutor:
    """Threads that wait for copies to the host, which end whatever the host does."""
    return ThreadPoolExecutor(max_workers=4, thread_name_prefix="reflow-copies")


@functools.cache
def _copy_stream(device: torch.device, direction: str) -> torch.cuda.Stream:
    """The stream for copies in a direction, beside the one that computes."""
    return torch.cuda.Stream(device)


def _copied_to_gpu(value: torch.Tensor, device: torch.device) -> torch.Tensor:
    computing, copying = torch.cuda.current_stream(device), _copy_stream(device, "to the GPU")
    with torch.cuda.stream(copying):
        # What copies from pinned memory keeps it from being used again too soon.
        copy = value.pin_memory().to(device, non_blocking=True)
    computing.wait_stream(copying)
    copy.record_stream(computing)
    return copy


def _copy_to_host(value: torch.Tensor) -> tuple[torch.Tensor, torch.cuda.Event]:
    """A copy under way to pinned memory, and the event of its end."""
    copying = _copy_stream(value.device, "to the host")
    copying.wait_stream(torch.cuda.current_stream(value.device))
    with torch.cuda.stream(copying):
        copy = torch.empty_like(value, device=_CPU, pin_memory=True).copy_(value, non_blocking=True)
    value.record_stream(copying)
    return copy, copying.record_event()
