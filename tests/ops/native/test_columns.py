"""Checks of many tensors at once, by the extension and without."""

import ctypes

import pytest
import torch

from reflow.ops.native import columns, extensions


@pytest.fixture(params=["extension", "python"], autouse=True)
def _way(request, monkeypatch):
    if request.param == "python":
        monkeypatch.setattr(extensions, "load", lambda source: None)
    elif extensions.load(columns._SOURCE) is None:
        pytest.skip("no C++ compiler")


def _column(*shapes):
    return [torch.ones(shape) for shape in shapes]


def test_shapes():
    column = _column((2, 3), (), (4,))
    assert columns.have_one_shape((column, _column((2, 3), (), (4,))))
    assert columns.have_one_shape(([], []))
    for other in _column((2, 3), (), (5,)), _column((3, 2), (), (4,)):
        assert not columns.have_one_shape((column, other))


def test_addresses():
    first, second = _column((2, 3), (4,)), _column((2, 3), (4,))
    found = columns.addresses((first, second))
    pointers, counts = (ctypes.cast(part, ctypes.POINTER(ctypes.c_int64)) for part in found)
    assert pointers[:4] == [tensor.data_ptr() for tensor in (*first, *second)]
    assert counts[:2] == [6, 4]


@pytest.mark.parametrize(
    "tensor", [torch.ones(3, dtype=torch.float64), torch.ones(3, 2).t(), torch.ones(3, device="meta")]
)
def test_other_tensors_have_none(tensor):
    assert columns.addresses(([torch.ones(3), tensor],)) is None
