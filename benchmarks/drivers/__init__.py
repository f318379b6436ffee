"""How a model's step runs in each framework: loss, gradients, update, feeding; one program class each.

A program has `step()`, one blocking measured step, and `loss()`, one training step that returns the loss before it.
Modes: `train` (forward, backward and update), `forward` (the logits), and `inference` (the logits of the frozen network
at batch 1). There is no mode for gradients alone: TensorFlow's optimizer drops gradients that only a `tf.group` waits
for, and a step that ends in an update cannot be cut short by anybody.
"""
