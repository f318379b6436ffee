"""A model in JAX: one jitted function a step, with donated parameters."""

from itertools import count, cycle

import numpy as np

from benchmarks.models.base import SEED, batches, initial_values

BETA1, BETA2, EPSILON = 0.9, 0.999, 1e-8


class JaxProgram:
    def __init__(self, jax, model, mode, batch, batch_count):
        self.jax, self.model = jax, model
        self._training = mode == "train"
        self._p = {name: jax.numpy.asarray(value) for name, value in initial_values(model).items()}
        self._slots = self._make_slots()
        self._key = jax.random.key(SEED)
        self._counter = count()
        self._batches = cycle(batches(model, batch, batch_count))
        if self._training:
            self.step = self._step
            self._function = jax.jit(self._train, donate_argnums=(0, 1))
        else:
            self.step = self._evaluate
            self._function = jax.jit(self._logits)

    def _make_slots(self):
        if self.model.optimizer != "adam":
            return {}
        zeros = self.jax.numpy.zeros_like
        return {name: (zeros(value), zeros(value)) for name, value in self._p.items()}

    def _logits(self, p, x, t):
        key = self.jax.random.fold_in(self._key, t)
        return self.model.jax_logits(self.jax, p, x, self._training, key)

    def _loss(self, p, x, t):
        jnp = self.jax.numpy
        log_p = self.jax.nn.log_softmax(self._logits(p, x, t))
        loss = -jnp.take_along_axis(log_p, x["labels"][:, None], axis=1).mean() * self.model.loss_scale
        return loss + sum(0.5 * factor * (p[name] ** 2).sum() for name, factor in self.model.decay.items())

    def _clip(self, gradients):
        norm = sum((g * g).sum() for g in gradients.values()) ** 0.5
        scale = self.model.clip_norm / self.jax.numpy.maximum(norm, self.model.clip_norm)
        return {name: g * scale for name, g in gradients.items()}

    def _train(self, p, slots, x, t):
        loss, gradients = self.jax.value_and_grad(self._loss)(p, x, t)
        if self.model.clip_norm is not None:
            gradients = self._clip(gradients)
        if not slots:
            rate = self.model.learning_rate
            return {name: p[name] - rate * gradients[name] for name in p}, slots, loss
        return (*self._adam(p, slots, gradients, t.astype(float) + 1.0), loss)

    def _adam(self, p, slots, gradients, t):
        """Kingma & Ba 2014, the form with the bias correction in the rate, as TensorFlow computes it."""
        rate = self.model.learning_rate * (1.0 - BETA2**t) ** 0.5 / (1.0 - BETA1**t)
        new_p, new_slots = {}, {}
        for name, gradient in gradients.items():
            m, v = slots[name]
            m, v = m + (1.0 - BETA1) * (gradient - m), v + (1.0 - BETA2) * (gradient**2 - v)
            new_p[name], new_slots[name] = p[name] - rate * m / (v**0.5 + EPSILON), (m, v)
        return new_p, new_slots

    def _next(self):
        return next(self._batches), np.int32(next(self._counter))

    def _evaluate(self):
        self.jax.block_until_ready(self._function(self._p, *self._next()))

    def _step(self):
        self._p, self._slots, loss = self._function(self._p, self._slots, *self._next())
        self.jax.block_until_ready(self._p)
        return loss

    def loss(self):
        return float(self._step())
