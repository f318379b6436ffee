"""Incomplete gamma and beta functions against SciPy, over wide ranges."""

import numpy as np
import pytest
import scipy.special
import torch

from reflow.ops import incomplete_functions


@pytest.fixture
def grid():
    exponents = np.linspace(-3, 2.5, 23)
    a, x = np.meshgrid(10**exponents, 10**exponents)
    return a.ravel(), x.ravel()


def test_gradient_of_the_incomplete_gamma_function(grid):
    """Against a central difference of SciPy's function, which is good to about 8 digits."""
    a, x = grid
    step = 1e-4 * a
    terms = [scipy.special.gammainc(a + k * step, x) for k in (-2, -1, 1, 2)]
    expected = (terms[0] - 8 * terms[1] + 8 * terms[2] - terms[3]) / (12 * step)
    actual = incomplete_functions.igamma_gradient_kernel(torch.tensor(a), torch.tensor(x)).numpy()
    np.testing.assert_allclose(actual, expected, rtol=1e-6, atol=1e-8)


def test_incomplete_beta_function(grid):
    a, b = grid
    for x in (0.0, 1e-6, 0.1, 0.5, 0.9, 1 - 1e-9, 1.0):
        point = torch.tensor(x, dtype=torch.float64)
        actual = incomplete_functions.betainc_kernel(torch.tensor(a), torch.tensor(b), point)
        np.testing.assert_allclose(actual.numpy(), scipy.special.betainc(a, b, x), rtol=1e-9, atol=1e-14)


def test_no_elements():
    empty = torch.zeros(0, 3)
    assert incomplete_functions.igamma_gradient_kernel(empty, empty).shape == (0, 3)
    assert incomplete_functions.betainc_kernel(empty, empty, empty).shape == (0, 3)
