"""Ops that TensorFlow 1.15 defines and its own CPU build cannot run either: TPUs, cuDNN, NCCL, Infeed.

Graphs that have them load, build and are written; a step that needs one fails in TensorFlow's words. The tests compare
the list of these ops with the one recorded from TensorFlow 1.15.5.
"""

from reflow.ops.without_kernels import cudnn, nccl, old_fft, quantized, tpu, tpu_embedding  # noqa: F401
