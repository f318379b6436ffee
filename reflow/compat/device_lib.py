"""`tensorflow.python.client.device_lib`: the devices of this machine."""

import random

from reflow.files import protos

# TensorFlow reports this for a CPU whatever the machine has.
_CPU_MEMORY_LIMIT = 256 * 2**20
# Tells one run of a process from another, as a real device's incarnation does.
_INCARNATION = random.SystemRandom().getrandbits(63)


def list_local_devices(session_config=None) -> list:
    """Lists the devices that a session on this machine can use.

    Args:
      session_config: a ConfigProto; ignored.

    Returns:
      A list of DeviceAttributes: name, device_type, memory_limit in bytes, incarnation.
    """
    attributes = protos.load("device_attributes").DeviceAttributes
    return [
        attributes(
            name="/device:CPU:0", device_type="CPU", memory_limit=_CPU_MEMORY_LIMIT, incarnation=_INCARNATION
        )
    ]
