"""A program with conditionals inside each other; the texts of the protos of its contexts."""


def build(tf):
    """Tensors p, q, x and what is chosen by p and q."""
    p, q = tf.placeholder(tf.bool, [], name="p"), tf.placeholder(tf.bool, [], name="q")
    x = tf.placeholder(tf.float32, [2], name="x")

    def inner():
        return tf.cond(q, lambda: tf.sin(x) * 2.0, lambda: x, name="inner")

    return p, q, x, tf.identity(tf.cond(p, inner, lambda: tf.cos(x), name="outer"), name="out")


def meta_graph(tf):
    """The MetaGraphDef of the program."""
    with tf.Graph().as_default():
        build(tf)
        return tf.train.export_meta_graph()
