"""Optimizer updates of many variables at once, as one step does them."""

from benchmarks.ops.base import Op, matrices

_COPIES = {"small": 50, "medium": 20, "large": 3}


def _update(name, session, torch_optimizer, **options):
    def in_session(tf, variables, gradients):
        return session(tf).apply_gradients(zip(gradients, variables))

    def in_torch(torch, parameters):
        return getattr(torch.optim, torch_optimizer)(parameters, lr=1e-3, **options).step

    return Op(name, matrices(2), in_session, in_torch, is_update=True, copies=_COPIES)


OPS = (
    _update("gradient descent", lambda tf: tf.train.GradientDescentOptimizer(1e-3), "SGD", fused=True),
    _update("momentum", lambda tf: tf.train.MomentumOptimizer(1e-3, 0.9), "SGD", momentum=0.9, fused=True),
    _update("adam", lambda tf: tf.train.AdamOptimizer(1e-3), "Adam", fused=True),
    _update("rmsprop", lambda tf: tf.train.RMSPropOptimizer(1e-3), "RMSprop"),
    _update("adagrad", lambda tf: tf.train.AdagradOptimizer(1e-3), "Adagrad", fused=True),
)
