"""`tf.random.experimental.Generator`: a random generator whose state is a variable."""

import numpy as np

from reflow.graph import dtypes
from reflow.graph.build import call
from reflow.graph.context import name_scope
from reflow.graph.convert import to_tensor
from reflow.graph.dtypes import as_dtype
from reflow.graph.export import export
from reflow.ops.joining import concat, stack, unstack
from reflow.ops.shape_ops import reshape
from reflow.ops.stateful_random import PHILOX, PHILOX_STATE_SIZE
from reflow.variables.resource_variable import ResourceVariable

_WORD = (1 << 64) - 1
_global_generator = None


def _check_algorithm(algorithm) -> None:
    if algorithm != PHILOX:
        raise ValueError(f"Unsupported algorithm id: {algorithm}")


def _signed(number: int) -> int:
    """An unsigned 64-bit number as the int64 of the same bits."""
    return number - (1 << 64) if number >> 63 else number


@export("random.experimental.create_rng_state")
def create_rng_state(seed, algorithm):
    """The state of a generator for a seed.

    Args:
      seed: an int of any size, or a sequence of 64-bit ints; short ones are filled up with zeros from the left.
      algorithm: the generator: 1 for Philox.

    Returns:
      An int64 array of shape [3].

    Raises:
      ValueError: for another algorithm, or a seed of more than one dimension.
    """
    _check_algorithm(algorithm)
    if isinstance(seed, int):
        seed = [seed >> 64 * i & _WORD for i in range(PHILOX_STATE_SIZE)]
    words = np.array([_signed(int(word)) for word in seed], np.int64)[:PHILOX_STATE_SIZE]
    return np.pad(words, [(PHILOX_STATE_SIZE - len(words), 0)])


def _state_tensor(value):
    if isinstance(value, (list, tuple)):
        value = [_signed(v) if isinstance(v, int) else v for v in value]
    return to_tensor(value, dtypes.int64)


def _joined(key, counter):
    counter, key = _state_tensor(counter), _state_tensor(_signed(key) if isinstance(key, int) else key)
    counter.shape.assert_is_compatible_with([PHILOX_STATE_SIZE - 1])
    key.shape.assert_is_compatible_with([])
    return concat([counter, reshape(key, [1])], 0)


def _shape_vector(shape):
    dtype = dtypes.int64 if isinstance(shape, (tuple, list)) and not shape else None
    return to_tensor(shape, dtype, "shape")


@export("random.experimental.Generator")
class Generator:
    """A random generator: each draw moves on the state, a variable that has to be initialized like any other.

    Args:
      copy_from: a generator to begin with the state of.
      state: an int64 vector: the counter (two numbers) and the key.
      alg: the algorithm: 1 for Philox.
    """

    def __init__(self, copy_from=None, state=None, alg=None):
        if copy_from is not None:
            initial, self._algorithm = copy_from.state, copy_from.algorithm
        else:
            _check_algorithm(alg)
            initial, self._algorithm = _state_tensor(state), alg
            initial.shape.assert_is_compatible_with([PHILOX_STATE_SIZE])
        self._state = ResourceVariable(initial, dtype=dtypes.int64, trainable=False)

    @classmethod
    def from_state(cls, state, alg):
        """A generator with that state; the arguments are those of the class."""
        return cls(alg=alg, state=state)

    @classmethod
    def from_seed(cls, seed, alg=None):
        """A generator for a seed, an int of any size or a sequence of them."""
        alg = PHILOX if alg is None else alg
        return cls(state=create_rng_state(seed, alg), alg=alg)

    @classmethod
    def from_non_deterministic_state(cls, alg=None):
        """A generator that begins differently each time it is initialized."""
        state = call("NonDeterministicInts", to_tensor([PHILOX_STATE_SIZE], dtypes.int64), dtype=dtypes.int64)
        return cls(state=state, alg=PHILOX if alg is None else alg)

    @classmethod
    def from_key_counter(cls, key, counter, alg):
        """A generator for a key, an int, and a counter, two ints."""
        return cls(state=_joined(key, counter), alg=alg)

    @property
    def state(self):
        """The variable that holds the state."""
        return self._state

    @property
    def algorithm(self):
        """The algorithm's number."""
        return self._algorithm

    @property
    def key(self):
        """The key, a scalar tensor."""
        return self._state[-1]

    def reset(self, state):
        """An operation that sets the state: three ints."""
        state = _state_tensor(state)
        state.shape.assert_is_compatible_with([PHILOX_STATE_SIZE])
        return self._state.assign(state, read_value=False)

    def reset_from_seed(self, seed):
        """An operation that sets the state to that of a seed."""
        return self.reset(create_rng_state(seed, self._algorithm))

    def reset_from_key_counter(self, key, counter):
        """An operation that sets the state to a key and a counter."""
        return self.reset(_joined(key, counter))

    def skip(self, delta):
        """An operation that moves on the state as drawing `delta` numbers would."""
        return call("RngSkip", self._state.handle, self._algorithm, delta)

    def _draw(self, op_name, shape, *inputs, **options):
        return call(op_name, self._state.handle, self._algorithm, shape, *inputs, **options)

    def _normal(self, op_name, default_name, shape, mean, stddev, dtype, name):
        dtype = as_dtype(dtype)
        with name_scope(name, default_name, [shape, mean, stddev]) as name:
            shape = _shape_vector(shape)
            mean = to_tensor(mean, dtype, "mean")
            stddev = to_tensor(stddev, dtype, "stddev")
            rnd = self._draw(op_name, shape, dtype=dtype)
            return call("Add", call("Mul", rnd, stddev, name="mul"), mean, name=name)

    def normal(self, shape, mean=0.0, stddev=1.0, dtype=dtypes.float32, name=None):
        """Normally distributed numbers; the arguments are those of `tf.random.normal`."""
        return self._normal("StatefulStandardNormalV2", "stateful_normal", shape, mean, stddev, dtype, name)

    def truncated_normal(self, shape, mean=0.0, stddev=1.0, dtype=dtypes.float32, name=None):
        """Truncated normal numbers; the arguments are those of `tf.random.truncated_normal`."""
        return self._normal("StatefulTruncatedNormal", "truncated_normal", shape, mean, stddev, dtype, name)

    def uniform(self, shape, minval=0, maxval=None, dtype=dtypes.float32, name=None):
        """Uniformly distributed numbers; the arguments are those of `tf.random.uniform`."""
        dtype = as_dtype(dtype)
        if maxval is None:
            if dtype.is_integer:
                raise ValueError(f"Must specify maxval for integer dtype {dtype!r}")
            maxval = 1
        with name_scope(name, "stateful_uniform", [shape, minval, maxval]) as name:
            shape = _shape_vector(shape)
            minval = to_tensor(minval, dtype, "min")
            maxval = to_tensor(maxval, dtype, "max")
            if dtype.is_integer:
                return self._draw("StatefulUniformInt", shape, minval, maxval, name=name)
            rnd = self._draw("StatefulUniform", shape, dtype=dtype)
            spread = call("Sub", maxval, minval, name="sub")
            return call("Add", call("Mul", rnd, spread, name="mul"), minval, name=name)

    def uniform_full_int(self, shape, dtype=dtypes.uint64, name=None):
        """Integers over the whole range of their type (int32, uint32, int64 or uint64)."""
        with name_scope(name, "stateful_uniform_full_int", [shape]) as name:
            return self._draw("StatefulUniformFullInt", _shape_vector(shape), dtype=as_dtype(dtype), name=name)

    def binomial(self, shape, counts, probs, dtype=dtypes.int32, name=None):
        """Binomial numbers.

        Args:
          shape: the shape of the result.
          counts: numbers of trials: one, or shape[0].
          probs: probabilities of success, alike and of the same type.
          dtype: float16, float32, float64, int32 or int64.
          name: a name for the operation.
        """
        with name_scope(name, "binomial", [shape, counts, probs]) as name:
            counts = to_tensor(counts, name="counts")
            probs = to_tensor(probs, name="probs")
            return self._draw("StatefulRandomBinomial", _shape_vector(shape), counts, probs, dtype=as_dtype(dtype),
                              name=name)  # fmt: skip

    def make_seeds(self, count=1):
        """Seeds for stateless ops: an int64 tensor of shape [2, count], whose second row is zero."""
        from reflow.ops.constant import zeros_like

        keys = self.uniform_full_int([count], dtypes.int64)
        return stack([keys, zeros_like(keys)])

    def split(self, count=1):
        """A list of `count` generators with keys drawn from this one."""
        keys = unstack(self.uniform_full_int([count], dtypes.int64), count)
        return [Generator(state=_joined(key, [0] * (PHILOX_STATE_SIZE - 1)), alg=self._algorithm) for key in keys]


@export("random.experimental.get_global_generator")
def get_global_generator():
    """The generator that programs share; it is made at the first call."""
    global _global_generator
    if _global_generator is None:
        _global_generator = Generator.from_non_deterministic_state()
    return _global_generator


@export("random.experimental.set_global_generator")
def set_global_generator(generator):
    """Let programs share another generator."""
    global _global_generator
    _global_generator = generator
