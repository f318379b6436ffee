"""A multilayer perceptron on images of MNIST's size: 784-300-100-10, Adam."""

import numpy as np

from benchmarks.models.base import Model, Parameter

SIZES = (784, 300, 100, 10)


class Mlp(Model):
    name = "mlp"
    batch = 100
    optimizer = "adam"
    learning_rate = 0.001

    def parameters(self):
        table = {}
        for layer, (fan_in, fan_out) in enumerate(zip(SIZES, SIZES[1:])):
            table[f"w{layer}"] = Parameter((fan_in, fan_out), fan_in**-0.5)
            table[f"b{layer}"] = Parameter((fan_out,), 0.0)
        return table

    def inputs(self, random, batch):
        return {
            "images": random.random_sample((batch, SIZES[0])).astype(np.float32),
            "labels": random.randint(0, SIZES[-1], batch).astype(np.int32),
        }

    def multiply_adds(self, batch):
        products = [batch * fan_in * fan_out for fan_in, fan_out in zip(SIZES, SIZES[1:])]
        return sum(products), products[0]

    def tf_logits(self, tf, p, x, training):
        h = tf.nn.relu(tf.matmul(x["images"], p["w0"]) + p["b0"])
        h = tf.nn.relu(tf.matmul(h, p["w1"]) + p["b1"])
        return tf.matmul(h, p["w2"]) + p["b2"]

    def torch_logits(self, torch, p, x, training):
        h = torch.relu(torch.addmm(p["b0"], x["images"], p["w0"]))
        h = torch.relu(torch.addmm(p["b1"], h, p["w1"]))
        return torch.addmm(p["b2"], h, p["w2"])

    def jax_logits(self, jax, p, x, training, key):
        h = jax.nn.relu(x["images"] @ p["w0"] + p["b0"])
        h = jax.nn.relu(h @ p["w1"] + p["b1"])
        return h @ p["w2"] + p["b2"]


MODEL = Mlp()
