"""The benchmark models whose losses are recorded: batch sizes by name. The arithmetic is that of any batch."""

STEPS = 20
BATCHES = {
    "mlp": 20, "lenet": 4, "cifar": 4, "lstm_small": 2, "lstm_large": 2, "alexnet": 2, "vgg_a": 2, "overfeat": 2,
    "googlenet": 2,
}  # fmt: skip
