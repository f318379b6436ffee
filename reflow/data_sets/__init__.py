"""The data sets that TensorFlow 1.x programs expect to find: MNIST, and Fashion-MNIST in the same format."""
