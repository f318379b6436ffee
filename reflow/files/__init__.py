"""TensorFlow's file formats: checkpoints (V2 and V1), the `checkpoint` state file, TFRecord, event files.

NumPy arrays in, NumPy arrays out; a string tensor is an object array of bytes. Nothing here knows a graph or a session.
"""

# Modules with public names.
from reflow.files import checkpoint_reader, checkpoint_state, events, messages, tfrecord

__all__ = ["checkpoint_reader", "checkpoint_state", "events", "messages", "tfrecord"]
