"""The layers of the convolutional networks in each framework, and one set that only follows shapes.

All have the same methods: `conv`, `max_pool`, `average_pool`, `lrn`, `flatten`, `dense`, `dropout`, `concat`.
Padding is TensorFlow's SAME or VALID; `conv` and `dense` add a bias and, unless told otherwise, apply ReLU.
"""
