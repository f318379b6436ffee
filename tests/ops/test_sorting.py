import numpy as np
import pytest

import reflow as tf


@pytest.mark.parametrize("shape", [(7,), (1, 9), (50, 30), (4, 5, 60)])
@pytest.mark.parametrize("distinct", [20, 10**6])
def test_top_k_takes_the_first_of_equal_numbers(shape, distinct):
    x = np.random.RandomState(0).randint(0, distinct, shape).astype(np.float32)
    for k in (0, 1, 5, shape[-1]):
        with tf.Session() as session:
            values, indices = session.run(tf.nn.top_k(tf.placeholder_with_default(x, shape), k))
        expected = np.argsort(-x, axis=-1, kind="stable")[..., :k]
        np.testing.assert_array_equal(indices, expected)
        np.testing.assert_array_equal(values, np.take_along_axis(x, expected, -1))
