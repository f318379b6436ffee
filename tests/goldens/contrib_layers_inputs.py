"""Inputs of the cases of tf.contrib.layers, and what they look at besides the output."""

COLLECTIONS = ("variables", "trainable_variables", "model_variables", "regularization_losses", "update_ops")


def names(tf, t, items):
    t.out(tf.constant([item.name for item in items], dtype=tf.string))


def collections(tf, t, *more):
    for name in COLLECTIONS + more:
        names(tf, t, tf.get_collection(name))


def images(t, dynamic=True, sizes=(2, 7, 6, 4)):
    return t.feed(t.normal(*sizes), shape=([None] if dynamic else [sizes[0]]) + list(sizes[1:]))


def rows(t, columns=4):
    return t.feed(t.normal(5, columns), shape=[None, columns])
