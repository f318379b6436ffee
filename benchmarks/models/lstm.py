"""A language model of two LSTM layers (Zaremba et al., "Recurrent neural network regularization", 2014), unrolled.

The 1.x program writes TensorFlow's `BasicLSTMCell` out of single operations; gates i, j, f, o and a forget bias of 1.
The loss is the cross-entropy summed over time and averaged over the batch; gradients are clipped by global norm.
"""

import numpy as np

from benchmarks.models.base import Model, Parameter

LAYERS = 2
VOCABULARY = 10000


class Lstm(Model):
    batch = 20
    learning_rate = 0.1
    clip_norm = 5.0

    def __init__(self, name, hidden, steps):
        self.name, self.hidden, self.steps = name, hidden, steps
        self.loss_scale = float(steps)

    def parameters(self):
        hidden, scale = self.hidden, 0.05
        table = {"embedding": Parameter((VOCABULARY, hidden), scale)}
        for layer in range(LAYERS):
            table[f"kernel{layer}"] = Parameter((2 * hidden, 4 * hidden), scale)
            table[f"bias{layer}"] = Parameter((4 * hidden,), 0.0)
        table["softmax_w"] = Parameter((hidden, VOCABULARY), scale)
        table["softmax_b"] = Parameter((VOCABULARY,), 0.0)
        return table

    def inputs(self, random, batch):
        return {
            "words": random.randint(0, VOCABULARY, (batch, self.steps)).astype(np.int32),
            "labels": random.randint(0, VOCABULARY, batch * self.steps).astype(np.int32),
            "state": random.uniform(-0.5, 0.5, (LAYERS, 2, batch, self.hidden)).astype(np.float32),
        }

    def multiply_adds(self, batch):
        cell = 2 * self.hidden * 4 * self.hidden
        return batch * self.steps * (LAYERS * cell + self.hidden * VOCABULARY), 0

    def tf_logits(self, tf, p, x, training):
        words = tf.unstack(tf.nn.embedding_lookup(p["embedding"], x["words"]), num=self.steps, axis=1)
        cells = [x["state"][layer, 0] for layer in range(LAYERS)]
        outputs = [x["state"][layer, 1] for layer in range(LAYERS)]
        top = []
        for value in words:
            for layer in range(LAYERS):
                joined = tf.concat([value, outputs[layer]], 1)
                gates = tf.nn.bias_add(tf.matmul(joined, p[f"kernel{layer}"]), p[f"bias{layer}"])
                i, j, f, o = tf.split(gates, num_or_size_splits=4, axis=1)
                cells[layer] = cells[layer] * tf.sigmoid(f + 1.0) + tf.sigmoid(i) * tf.tanh(j)
                value = outputs[layer] = tf.tanh(cells[layer]) * tf.sigmoid(o)
            top.append(value)
        flat = tf.reshape(tf.concat(top, 1), [-1, self.hidden])
        return tf.matmul(flat, p["softmax_w"]) + p["softmax_b"]

    def to_torch(self, name, value):
        """PyTorch's gates are i, f, j, o, and it knows no forget bias: it goes into the bias itself."""
        if not name.startswith(("kernel", "bias")):
            return value
        i, j, f, o = np.split(value, 4, axis=-1)
        return np.concatenate([i, f + 1.0 if name.startswith("bias") else f, j, o], axis=-1)

    def torch_logits(self, torch, p, x, training):
        value = torch.nn.functional.embedding(x["words"].t(), p["embedding"])
        hidden = self.hidden
        no_bias = torch.zeros(4 * hidden, device=value.device)
        weights = []
        for layer in range(LAYERS):
            kernel = p[f"kernel{layer}"]
            weights += [kernel[:hidden].t(), kernel[hidden:].t(), p[f"bias{layer}"], no_bias]
        state = (x["state"][:, 1].contiguous(), x["state"][:, 0].contiguous())
        top, _, _ = torch.lstm(value, state, weights, True, LAYERS, 0.0, training, False, False)
        flat = top.transpose(0, 1).reshape(-1, hidden)
        return torch.addmm(p["softmax_b"], flat, p["softmax_w"])

    def jax_logits(self, jax, p, x, training, key):
        hidden = self.hidden
        value = p["embedding"][x["words"].T]
        for layer in range(LAYERS):
            kernel = p[f"kernel{layer}"]
            # One product projects the inputs of all time steps.
            projected = value @ kernel[:hidden] + p[f"bias{layer}"]

            def cell(state, gates, recurrent=kernel[hidden:]):
                c, h = state
                i, j, f, o = jax.numpy.split(gates + h @ recurrent, 4, axis=1)
                c = c * jax.nn.sigmoid(f + 1.0) + jax.nn.sigmoid(i) * jax.numpy.tanh(j)
                h = jax.numpy.tanh(c) * jax.nn.sigmoid(o)
                return (c, h), h

            _, value = jax.lax.scan(cell, (x["state"][layer, 0], x["state"][layer, 1]), projected)
        flat = value.swapaxes(0, 1).reshape(-1, hidden)
        return flat @ p["softmax_w"] + p["softmax_b"]
