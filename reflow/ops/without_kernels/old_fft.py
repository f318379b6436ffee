"""The first names of the Fourier transforms: graphs of 2015 have them, and TensorFlow 1.15 no kernels for them."""

from reflow.ops.shape_rules import unchanged_shape
from reflow.ops.without_kernels.definition import define_without_kernel

for _name in ("BatchFFT", "BatchFFT2D", "BatchFFT3D", "BatchIFFT", "BatchIFFT2D", "BatchIFFT3D"):
    define_without_kernel(_name, "input: complex64 -> output: complex64", shape=unchanged_shape)
