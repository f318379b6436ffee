"""`tf.compat.forward_compatible`: whether graphs may already use what was added after a date."""

import contextlib
import datetime
import os
from collections.abc import Iterator

from reflow.graph.export import export

# The date that TensorFlow 1.15 was built with; programs of its time compare against it.
_RELEASE_HORIZON = datetime.date(2019, 8, 21)
_DELTA_DAYS = "TF_FORWARD_COMPATIBILITY_DELTA_DAYS"

_override: datetime.date | None = None


def _horizon() -> datetime.date:
    if _override is not None:
        return _override
    return _RELEASE_HORIZON + datetime.timedelta(days=int(os.environ.get(_DELTA_DAYS) or 0))


@export("compat.forward_compatible")
def forward_compatible(year: int, month: int, day: int) -> bool:
    """Tells whether readers of a graph can be expected to know what was added before a date.

    Args:
      year: for example 2018.
      month: 1 to 12.
      day: 1 to 31.

    Returns:
      True if the date lies before the horizon: 2019-08-21 moved by the days in the environment variable
      TF_FORWARD_COMPATIBILITY_DELTA_DAYS, or what `forward_compatibility_horizon` sets.
    """
    horizon = _horizon()
    # Not datetime.date: TensorFlow accepts days that a month does not have.
    return (horizon.year, horizon.month, horizon.day) > (year, month, day)


@export("compat.forward_compatibility_horizon")
@contextlib.contextmanager
def forward_compatibility_horizon(year: int, month: int, day: int) -> Iterator[None]:
    """Context manager that sets the horizon of `forward_compatible`, for tests.

    Args:
      year: for example 2018.
      month: 1 to 12.
      day: 1 to 31.
    """
    global _override
    before, _override = _override, datetime.date(year, month, day)
    try:
        yield
    finally:
        _override = before
