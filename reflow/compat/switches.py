"""The switches between the behaviour of TensorFlow 1.x and 2: here they stand on 1.x.

Programs ported to run under TensorFlow 2 turn its behaviour off (`tf.disable_v2_behavior()`); that changes nothing.
Turning it on is refused, so that no program runs with other results than it asks for.
"""

from collections.abc import Callable

from reflow.graph.export import export

_SWITCHES = {
    "v2_behavior": "the behaviour of TensorFlow 2",
    "v2_tensorshape": "shapes whose dimensions are plain numbers",
    "tensor_equality": "`==` between tensors that compares their values",
    "control_flow_v2": "control flow made of functions",
}


def _make_disable(switch: str, meaning: str) -> Callable[[], None]:
    def disable() -> None:
        pass

    disable.__doc__ = f"Turns off {meaning}: it is always off, so nothing changes."
    disable.__name__ = disable.__qualname__ = f"disable_{switch}"
    return disable


def _make_enable(switch: str, meaning: str) -> Callable[[], None]:
    def enable() -> None:
        raise NotImplementedError(f"tf.enable_{switch}(): Reflow is TensorFlow 1.x, without {meaning}")

    enable.__doc__ = f"Would turn on {meaning}, which Reflow does not offer.\n\nRaises:\n  NotImplementedError: always."
    enable.__name__ = enable.__qualname__ = f"enable_{switch}"
    return enable


for _switch, _meaning in _SWITCHES.items():
    export(f"disable_{_switch}")(_make_disable(_switch, _meaning))
    export(f"enable_{_switch}")(_make_enable(_switch, _meaning))


@export("control_flow_v2_enabled")
def control_flow_v2_enabled() -> bool:
    """False: conditions and loops are made of the operations that TensorFlow 1.x uses."""
    return False
