"""tf.train: optimizers, savers, learning rates, moving averages."""

from reflow.train import (  # noqa: F401
    adadelta,
    adagrad,
    adam,
    checkpoint_initializers,
    context_protos,
    coordinator,
    file_names,
    ftrl,
    gradient_descent,
    learning_rate_decay,
    learning_rate_schedules,
    momentum,
    moving_averages,
    optimizer,
    proximal,
    queue_runner,
    rmsprop,
    saver,
    training_util,
    warm_starting,
)
