"""What a benchmark model is: parameters, input batches, and one program for logits in each framework."""

from typing import Dict, NamedTuple, Optional, Tuple

import numpy as np

SEED = 20150911
# A prime, so that rows of a weight matrix filled from a repeated stretch of noise are shifted and never equal.
NOISE_LENGTH = 1000003


class Parameter(NamedTuple):
    """A weight's shape in TensorFlow's layout and the standard deviation of its initial values (0: zeros)."""

    shape: Tuple[int, ...]
    scale: float


class Model:
    """A classifier whose loss is the mean softmax cross-entropy times `loss_scale`, plus weight decay.

    The `*_logits` methods are the same arithmetic in three frameworks. `p` maps a parameter's name to its variable,
    `x` maps an input's name to its tensor; `training` switches dropout on. Drivers add loss, gradients and updates.
    """

    name = ""
    batch = 1
    optimizer = "sgd"
    # Small: the images are noise, and the losses of two implementations must not part over rounding.
    learning_rate = 3e-6
    clip_norm: Optional[float] = None
    loss_scale = 1.0
    decay: Dict[str, float] = {}

    def parameters(self) -> Dict[str, Parameter]:
        raise NotImplementedError

    def inputs(self, random, batch) -> Dict[str, np.ndarray]:
        """One batch from a NumPy `RandomState`: the network's inputs, and `labels` (int32, one for each logits row)."""
        raise NotImplementedError

    def multiply_adds(self, batch) -> Tuple[int, int]:
        """Multiply-adds of a forward pass, and those of layers whose input needs no gradient."""
        raise NotImplementedError

    def tf_logits(self, tf, p, x, training):
        raise NotImplementedError

    def torch_logits(self, torch, p, x, training):
        raise NotImplementedError

    def jax_logits(self, jax, p, x, training, key):
        raise NotImplementedError

    def to_torch(self, name, value) -> np.ndarray:
        """The initial value of a parameter in the layout that the PyTorch program wants."""
        return value


def initial_values(model):
    """Initial values of all parameters, float32, the same in every process: {name: array}."""
    noise = np.random.RandomState(SEED).standard_normal(NOISE_LENGTH).astype(np.float32)
    values, start = {}, 0
    for name, (shape, scale) in model.parameters().items():
        size = int(np.prod(shape))
        values[name] = np.resize(np.roll(noise, -start), shape) * np.float32(scale)
        start = (start + size) % NOISE_LENGTH
    return values


def batches(model, batch, count):
    """The first `count` batches of a model's input, the same in every process."""
    random = np.random.RandomState(SEED + 1)
    return [model.inputs(random, batch) for _ in range(count)]


def multiply_adds(model, mode, batch):
    """Multiply-adds of one step: the forward pass, and for a gradient twice as many (towards weights and input)."""
    forward, without_input_gradient = model.multiply_adds(batch)
    return forward if mode in ("forward", "inference") else 3 * forward - without_input_gradient
