"""A simulated machine with CUDA GPUs, for a build of PyTorch without CUDA: see `machine.simulated_gpus`."""
