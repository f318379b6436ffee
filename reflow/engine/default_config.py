"""The configuration of sessions that are given none."""

from tensorboard.compat.proto.config_pb2 import ConfigProto

from reflow.graph.export import export

_default = ConfigProto()


def default_config():
    """A ConfigProto with what the program has set for all sessions."""
    config = ConfigProto()
    config.CopyFrom(_default)
    return config


@export("debugging.get_log_device_placement")
def get_log_device_placement():
    """Whether sessions without a configuration of their own log where operations are placed."""
    return _default.log_device_placement


@export("debugging.set_log_device_placement")
def set_log_device_placement(enabled):
    """Let sessions without a configuration of their own log where operations are placed, or not.

    Args:
      enabled: a bool.
    """
    _default.log_device_placement = enabled
