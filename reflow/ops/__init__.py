"""The operations, one module a family: signature, shape rule, kernel, gradient and public function of an op together.

Importing this package registers them all.
"""

from reflow.ops import random, resource_variable, scatter_state, state, stateless_random  # noqa: F401
