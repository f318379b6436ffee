"""Device names: `DeviceSpec`, canonical spelling, and merging of nested `tf.device` scopes.

A name is made of up to five parts, "/job:worker/replica:0/task:0/device:GPU:1"; an absent part means "any". Parsing and
merging are memoized, because every operation of a graph under `tf.device` asks for them.
"""

from functools import lru_cache

from reflow.graph.export import export

_SHORT_TYPES = ("CPU", "GPU")  # These may be written without "device:", as in "/gpu:1".


def _int_or_none(value):
    return None if value is None else int(value)


def _str_or_none(value):
    return None if value is None else str(value)


def _device_type(value):
    return value.upper() if value in ("cpu", "gpu") else _str_or_none(value)


@export("DeviceSpec")
class DeviceSpec:
    """A device, or partly specified device: any of job, replica, task, device type and device index.

    Args:
      job: job name, a string, or None for any.
      replica: replica index, an int, or None for any.
      task: task index, an int, or None for any.
      device_type: "CPU", "GPU" or another type, or None for any.
      device_index: index among the devices of the type, an int, or None for any.

    Raises:
      ValueError: if an index is not a number.
    """

    __slots__ = ("_job", "_replica", "_task", "_device_type", "_device_index")

    def __init__(self, job=None, replica=None, task=None, device_type=None, device_index=None):
        self.job = job
        self.replica = replica
        self.task = task
        self.device_type = device_type
        self.device_index = device_index

    @property
    def job(self):
        """The job name, or None."""
        return self._job

    @job.setter
    def job(self, job):
        self._job = _str_or_none(job)

    @property
    def replica(self):
        """The replica index, or None."""
        return self._replica

    @replica.setter
    def replica(self, replica):
        self._replica = _int_or_none(replica)

    @property
    def task(self):
        """The task index, or None."""
        return self._task

    @task.setter
    def task(self, task):
        self._task = _int_or_none(task)

    @property
    def device_type(self):
        """The type such as "CPU", or None."""
        return self._device_type

    @device_type.setter
    def device_type(self, device_type):
        self._device_type = _device_type(device_type)

    @property
    def device_index(self):
        """The index among the devices of the type, or None."""
        return self._device_index

    @device_index.setter
    def device_index(self, device_index):
        self._device_index = _int_or_none(device_index)

    @classmethod
    def from_string(cls, spec):
        """A DeviceSpec for a name such as "/job:ps/task:0/gpu:1"; every part is optional.

        Raises:
          ValueError: for an unknown part, an index that is no number, or two device types.
        """
        return cls(*_parse(spec))

    def parse_from_string(self, spec):
        """Set all parts from a name, and return this DeviceSpec; raises ValueError as `from_string` does."""
        self.job, self.replica, self.task, self.device_type, self.device_index = _parse(spec)
        return self

    def to_string(self):
        """The canonical name, "/job:<name>/replica:<id>/task:<id>/device:<type>:<id>"."""
        return _join(*self._parts())

    def merge_from(self, dev):
        """Take over those parts that the DeviceSpec `dev` specifies."""
        self.job, self.replica, self.task, self.device_type, self.device_index = _overlay(self._parts(), dev._parts())

    def make_merged_spec(self, dev):
        """A new DeviceSpec: this one with those parts replaced that the DeviceSpec `dev` specifies."""
        return self.__class__(*_overlay(self._parts(), dev._parts()))

    def replace(self, **kwargs):
        """A new DeviceSpec: this one with the named parts replaced; None makes a part unspecified."""
        names = ("job", "replica", "task", "device_type", "device_index")
        return self.__class__(**dict(zip(names, self._parts(), strict=True), **kwargs))

    def _parts(self):
        return self._job, self._replica, self._task, self._device_type, self._device_index

    def __eq__(self, other):
        return isinstance(other, self.__class__) and self._parts() == other._parts()

    def __hash__(self):
        return hash(self._parts())

    def __repr__(self):
        return f"<tf.DeviceSpec {self.to_string()!r}>"


@lru_cache(maxsize=4096)
def _parse(spec):
    """(job, replica, task, device_type, device_index) of a name, each None where absent."""
    if spec is not None and not isinstance(spec, str):
        raise TypeError(f"A device must be a string, a tf.DeviceSpec, a function or None, not {spec!r}")
    parts: dict[str, str] = {}
    for part in (spec or "").split("/"):
        if part:
            _parse_part(part.split(":"), parts, spec)
    index = parts.get("device_index")
    return (
        parts.get("job"),
        _int_or_none(parts.get("replica")),
        _int_or_none(parts.get("task")),
        _device_type(parts.get("device_type")),
        None if index in (None, "*") else int(index),
    )


def _parse_part(fields, parts, spec):
    """Add what one part of a name says, split at its colons, to the dict `parts`."""
    kind, count = fields[0], len(fields)
    if count == 2 and kind in ("job", "replica", "task"):
        parts[kind] = fields[1]
    elif count <= 2 and kind.upper() in _SHORT_TYPES:
        _set_device(parts, kind.upper(), *fields[1:], spec=spec)
    elif count == 3 and kind == "device":
        _set_device(parts, *fields[1:], spec=spec)
    elif kind:
        raise ValueError(f"Unknown attribute: '{kind}' in '{spec}'")


def _set_device(parts, device_type, index="*", *, spec):
    if "device_type" in parts:
        raise ValueError(f"Cannot specify multiple device types: {spec}")
    parts["device_type"] = device_type
    parts["device_index"] = index


def _join(job, replica, task, device_type, device_index):
    name = "" if job is None else f"/job:{job}"
    if replica is not None:
        name += f"/replica:{replica}"
    if task is not None:
        name += f"/task:{task}"
    if device_type is not None:
        name += f"/device:{device_type}:{'*' if device_index is None else device_index}"
    return name


def _overlay(under, over):
    return [u if o is None else o for u, o in zip(under, over, strict=True)]


@lru_cache(maxsize=4096)
def _canonical(spec):
    return _join(*_parse(spec))


def canonical_name(device):
    """The canonical name of a device string or DeviceSpec; "" for None.

    Raises:
      ValueError: for a string that names no device.
    """
    return device.to_string() if isinstance(device, DeviceSpec) else _canonical(device)


def device_string(device):
    """The string that an operation keeps for a device: that of a DeviceSpec, or the string as it was written.

    Raises:
      TypeError: for anything else.
    """
    if isinstance(device, DeviceSpec):
        return device.to_string()
    if isinstance(device, str):
        return device
    if isinstance(device, bytes):
        return device.decode()
    raise TypeError(f"Expected binary or unicode string, got {device!r}")


def check_valid(spec):
    """Raise a ValueError if a string names no device."""
    _parse(spec)


def is_device_spec(value):
    """True for a DeviceSpec."""
    return isinstance(value, DeviceSpec)


@lru_cache(maxsize=4096)
def merge_names(outer, inner):
    """The canonical name of what `inner` specifies, completed by `outer`; both are device strings."""
    return _join(*_overlay(_parse(outer), _parse(inner)))


class MergeDevice:
    """A device function: completes the device of an operation by a (partial) device of its own."""

    __slots__ = ("name",)

    def __init__(self, name):
        self.name = name

    def __call__(self, operation):
        """The merged canonical name for anything with a `device` string; what it has already specified stays."""
        return merge_names(self.name, operation.device)


@lru_cache(maxsize=1024)
def _merge_device(name):
    return MergeDevice(name)


def merge_device(spec):
    """A device function for `tf.device(spec)`, so that nested scopes merge and the innermost one wins.

    Args:
      spec: a device string, or a DeviceSpec (as it is now: later changes to it do not count).

    Returns:
      A function from an operation to its device string.

    Raises:
      ValueError: for a string that names no device.
    """
    return spec if isinstance(spec, MergeDevice) else _merge_device(canonical_name(spec))
