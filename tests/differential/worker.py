"""The peer's side: reads examples from standard input, writes the outcome of each to standard output.

Runs under the Python of the peer (TensorFlow 1.15.5 or 2.21): `python worker.py`.
"""

import os
import resource
import sys
import warnings

# An example that asks for more memory than this fails instead of taking the machine with it.
_MOST_MEMORY = 12 << 30


def main():
    # What TensorFlow prints must not get between the messages.
    messages = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    resource.setrlimit(resource.RLIMIT_AS, (_MOST_MEMORY, _MOST_MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    warnings.simplefilter("ignore")
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    os.environ["CUDA_VISIBLE_DEVICES"] = ""
    import tensorflow.compat.v1 as tf
    from array_codec import read_message, write_message
    from example_outcome import outcome

    tf.logging.set_verbosity(tf.logging.ERROR)
    tf.disable_eager_execution()
    write_message(messages, {"version": tf.__version__})
    while True:
        example = read_message(sys.stdin.buffer)
        if example is None:
            return
        write_message(messages, outcome(tf, example))


if __name__ == "__main__":
    main()
