"""Windows of images and volumes as vectors, with gradients."""

from op_recording import Cases

case = Cases()
# Size of the image, of the window, stride, rate.
FRAMES = [
    (5, 3, 1, 1),
    (6, 2, 2, 1),
    (7, 3, 2, 2),
    (6, 1, 3, 1),
    (4, 4, 1, 1),
    (9, 2, 1, 3),
    (8, 2, 5, 1),
    (9, 2, 4, 1),
]


@case.each(padding=["SAME", "VALID"])
def image_patches(tf, t, padding):
    for size, window, stride, rate in FRAMES:
        image = t.feed(t.normal(2, size, size + 1, 3))
        y = t.out(tf.image.extract_image_patches(image, [1, window, window, 1], [1, stride, stride, 1],
                                                 [1, rate, rate, 1], padding))  # fmt: skip
        t.grad(y, image)


@case.each(padding=["SAME", "VALID"])
def volume_patches(tf, t, padding):
    for size, window, stride, _ in FRAMES[:5] + FRAMES[6:]:
        volume = t.feed(t.normal(1, size, size + 1, 4, 2))
        y = t.out(tf.extract_volume_patches(volume, [1, window, window, 2, 1], [1, stride, stride, 1, 1], padding))
        t.grad(y, volume)


@case
def different_directions(tf, t):
    image = t.feed(t.normal(1, 7, 9, 2))
    t.out(tf.extract_image_patches(image, strides=[1, 3, 1, 1], rates=[1, 1, 2, 1], padding="SAME",
                                   sizes=[1, 2, 4, 1], name="windows"))  # fmt: skip
    y = t.out(tf.image.extract_patches(image, [1, 2, 1, 1], [1, 1, 3, 1], [1, 4, 1, 1], "VALID"))
    t.grad(y, image)


@case.each(dtype=["float16", "bfloat16", "float64", "uint8", "int8", "uint16", "int16", "int32", "int64"])
def types(tf, t, dtype):
    image = tf.cast(t.feed(t.integers(0, 90, 1, 5, 6, 2)), dtype)
    t.out(tf.extract_image_patches(image, [1, 2, 3, 1], [1, 2, 1, 1], [1, 1, 2, 1], "SAME"))
    volume = tf.cast(t.feed(t.integers(0, 90, 1, 5, 6, 4, 2)), dtype)
    t.out(tf.extract_volume_patches(volume, [1, 2, 3, 2, 1], [1, 2, 1, 2, 1], "SAME"))


@case
def unknown_shapes(tf, t):
    for shape in (None, [None, None, None, 2], [2, 5, None, None]):
        image = t.feed(t.normal(2, 5, 5, 2), shape)
        t.out(tf.extract_image_patches(image, [1, 2, 2, 1], [1, 1, 1, 1], [1, 1, 1, 1], "SAME"))
    volume = t.feed(t.normal(2, 4, 4, 3, 2), [None, 4, 4, 3, None])
    t.out(tf.extract_volume_patches(volume, [1, 2, 2, 2, 1], [1, 1, 1, 1, 1], "VALID"))


@case
def gradient_of_unknown_batch(tf, t):
    image = t.feed(t.normal(2, 5, 5, 2), [None, 5, 5, 2])
    y = t.out(tf.extract_image_patches(image, [1, 2, 2, 1], [1, 1, 1, 1], [1, 1, 1, 1], "SAME"))
    t.grad(y, image)


@case
def no_examples(tf, t):
    t.out(tf.extract_image_patches(t.feed(t.normal(0, 5, 5, 2)), [1, 2, 2, 1], [1, 1, 1, 1], [1, 1, 1, 1], "SAME"))


FAULTS = {
    "both_names": dict(sizes=[1, 2, 2, 1]),
    "three_sizes": dict(ksizes=[1, 2, 2]),
    "three_strides": dict(strides=[1, 1, 1]),
    "three_rates": dict(rates=[1, 1, 1]),
    "too_large": dict(ksizes=[1, 9, 2, 1]),
    "of_batch": dict(ksizes=[2, 2, 2, 1]),
    "batch_stride": dict(strides=[2, 1, 1, 1]),
    "depth_rate": dict(rates=[1, 1, 1, 2]),
}


@case.each(fault=sorted(FAULTS))
def fault(tf, t, fault):
    arguments = dict(ksizes=[1, 2, 2, 1], strides=[1, 1, 1, 1], rates=[1, 1, 1, 1], padding="VALID")
    arguments.update(FAULTS[fault])
    t.out(tf.extract_image_patches(t.feed(t.normal(2, 5, 5, 2)), **arguments))


@case
def volume_of_wrong_rank(tf, t):
    tf.extract_volume_patches(t.feed(t.normal(2, 5, 5, 2)), [1, 2, 2, 2, 1], [1, 1, 1, 1, 1], "SAME")
