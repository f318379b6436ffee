"""What is measured on: the processor, or a GPU. A worker is told by its environment."""

import os

CPU, GPU = "cpu", "gpu"
_VARIABLE = "REFLOW_BENCHMARK_DEVICE"
# Who runs on a GPU: TensorFlow 1.15 has no build for the GPUs and drivers of today.
ON_GPU = ("reflow", "torch", "torch-compile", "jax")


def environment(device):
    """What is added to the environment of a worker that measures on a device."""
    if device == GPU:
        return {_VARIABLE: GPU, "JAX_PLATFORMS": "cuda"}
    # None of the frameworks is to find a GPU by itself.
    return {_VARIABLE: CPU, "CUDA_VISIBLE_DEVICES": "", "JAX_PLATFORMS": "cpu"}


def chosen():
    """The device of this worker."""
    return os.environ.get(_VARIABLE, CPU)


def missing():
    """Why nothing can be measured on a GPU here; None if it can."""
    import torch

    if torch.cuda.is_available():
        return None
    if torch.version.cuda is None:
        return f"this build of PyTorch ({torch.__version__}) has no CUDA"
    return "PyTorch sees no GPU"


def wait():
    """Return when a GPU is done with what PyTorch, or Reflow through it, has given it; at once on a CPU."""
    if chosen() == GPU:
        import torch

        torch.cuda.synchronize()


def name():
    """The name of the GPU."""
    import torch

    return torch.cuda.get_device_name(0)


def peak_bytes(step, jax=None):
    """The most memory that tensors took on the GPU while `step()` ran; with JAX, at any time until then."""
    if jax is not None:
        step()
        return jax.devices()[0].memory_stats()["peak_bytes_in_use"]
    import torch

    torch.cuda.reset_peak_memory_stats()
    step()
    wait()
    return torch.cuda.max_memory_allocated()
