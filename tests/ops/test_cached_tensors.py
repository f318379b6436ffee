"""Tensors that kernels keep: made once, and with data even while torch traces without any."""

import torch
from torch._subclasses.fake_tensor import FakeTensor, FakeTensorMode

from reflow.ops.cached_tensors import cached_tensor


def test_made_once():
    made = []

    @cached_tensor
    def eye(size):
        made.append(size)
        return torch.eye(size)

    assert eye(2) is eye(2) and eye(3).shape == (3, 3)
    assert made == [2, 3]


def test_a_tensor_made_while_torch_traces_has_data():
    eye = cached_tensor(torch.eye)
    with FakeTensorMode():
        assert isinstance(torch.eye(2), FakeTensor)
        eye(2)
    assert not isinstance(eye(2), FakeTensor)
    assert eye(2).tolist() == [[1, 0], [0, 1]]
