"""Tensors of a simulated GPU: they say that they lie there, and an operation on them checks what CUDA would check.

Numbers are in a tensor of the host's inside; the operation runs on that.
"""

import torch
from torch._subclasses.fake_tensor import FakeTensor
from torch.utils._pytree import tree_flatten, tree_map_only, tree_unflatten

from tests.simulated_gpu import kernels, streams
from tests.simulated_gpu.graphs import garbage
from tests.simulated_gpu.memory import Memory
from tests.simulated_gpu.transfers import Transfers

_CPU = torch.device("cpu")
_COMPOSITE = torch._C.DispatchKey.CompositeImplicitAutograd
# The host has to wait for their results.
_ANSWERS = frozenset({"aten::_local_scalar_dense", "aten::equal", "aten::is_nonzero"})
# They may take indices, or a number, that lie in the host's memory.
_TAKE_INDICES = frozenset({"aten::index", "aten::index_put", "aten::index_put_", "aten::_index_put_impl_"})
_TAKE_NUMBERS = frozenset({
    "aten::fill", "aten::fill_", "aten::masked_fill", "aten::masked_fill_", "aten::index_fill", "aten::index_fill_",
    "aten::_foreach_mul", "aten::_foreach_mul_", "aten::_foreach_add", "aten::_foreach_add_", "aten::_foreach_div",
    "aten::_foreach_div_",
}) | _TAKE_INDICES  # fmt: skip


class GpuTensor(torch.Tensor):
    """A tensor of a simulated GPU.

    Attributes:
      inner: the numbers, on the host.
      memory: what tells who uses them.
    """

    __torch_function__ = torch._C._disabled_torch_function_impl

    @staticmethod
    def __new__(cls, inner, device, memory):
        return torch.Tensor._make_wrapper_subclass(
            cls, inner.shape, strides=inner.stride(), storage_offset=inner.storage_offset(), dtype=inner.dtype,
            device=device)  # fmt: skip

    def __init__(self, inner, device, memory):
        self.inner, self.memory = inner, memory

    @classmethod
    def __torch_dispatch__(cls, func, types, args=(), kwargs=None):
        return dispatch(func, args, kwargs or {})

    def data_ptr(self):
        raise AssertionError("the address of a tensor on a GPU is of no use to the host")

    def untyped_storage(self):
        return self.inner.untyped_storage()

    def numpy(self, *, force=False):
        raise TypeError(f"can't convert {self.device} device type tensor to numpy. Use Tensor.cpu() to copy the tensor "
                        "to host memory first.")  # fmt: skip

    def tolist(self):
        return self.cpu().tolist()

    def record_stream(self, stream):
        self.memory.record_stream(stream)

    def __repr__(self):
        return f"GpuTensor({self.inner}, device={self.device})"


# The machine whose tensors these are; `machine.simulated_gpus` sets it.
hazards: list[str] = []
transfers = Transfers()


def dispatch(func, args, kwargs):
    """What an operation does that has tensors of a GPU, or is to make one."""
    if torch._C._dispatch_has_kernel_for_dispatch_key(func.name(), _COMPOSITE):
        return func._op_dk(_COMPOSITE, *args, **kwargs)
    leaves, _ = tree_flatten((args, kwargs))
    tensors = [leaf for leaf in leaves if isinstance(leaf, torch.Tensor)]
    if any(isinstance(t, FakeTensor) for t in tensors):
        return _without_data(func, args, kwargs, tensors)
    with streams.LOCK, torch.utils._python_dispatch._disable_current_modes():
        name = func._schema.name
        if name == "aten::copy_":
            return copy_(*args, **kwargs)
        if name == "aten::_to_copy":
            return _to_copy(func, *args, **kwargs)
        target = _target(kwargs.get("device"), tensors)
        _check_devices(name, func, target, tensors)
        if name in _ANSWERS:
            return transfers.answer(func(*_inner(args), **_inner(kwargs)), streams.current_stream(target), tensors)
        return _run(func, args, kwargs, target, tensors)


def _target(device, tensors) -> torch.device:
    """Where the result goes."""
    if device is not None:
        return streams.indexed(device) if torch.device(device).type == "cuda" else _CPU
    return next(t.device for t in tensors if isinstance(t, GpuTensor))


def _check_devices(name: str, func, target: torch.device, tensors) -> None:
    """As CUDA's kernels do: all tensors lie on one device; some take a single number of the host's."""
    on_gpu = [t for t in tensors if isinstance(t, GpuTensor)]
    places = {t.device for t in on_gpu}
    takes_numbers = torch.Tag.pointwise in func.tags or name in _TAKE_NUMBERS
    for t in tensors:
        if not isinstance(t, GpuTensor) and not (takes_numbers and t.dim() == 0) and name not in _TAKE_INDICES:
            places.add(_CPU)
    if name in _TAKE_INDICES and len(on_gpu) < len([t for t in tensors if t.dim()]):
        streams.forbid_in_capture("indices of the host")
    if len(places) > 1:
        raise RuntimeError(f"Expected all tensors to be on the same device, but found at least two devices, "
                           f"{' and '.join(sorted(map(str, places)))}! ({name})")  # fmt: skip
    if target != _CPU:
        kernels.check(func, tensors)


def _inner(tree):
    return tree_map_only(GpuTensor, lambda t: torch.ops.aten._conj.default(t.inner) if t.is_conj() else t.inner, tree)


def _run(func, args, kwargs, target, tensors):
    keywords = dict(kwargs)
    pinned = keywords.pop("pin_memory", False)
    if keywords.get("device") is not None:
        keywords["device"] = _CPU
    if target == _CPU:
        made = func(*_inner(args), **_inner(keywords))
        return transfers.pinned(made) if pinned else made
    stream = streams.current_stream(target)
    graph = streams.captured_graph()
    written = _written(func, args, kwargs)
    if torch.Tag.dynamic_output_shape in func.tags:
        streams.forbid_in_capture("a shape that depends on values")
    if graph is not None:
        return _captured(graph, func, args, keywords, target, stream, tensors, written)
    result = _wrapped(func(*_inner(args), **_inner(keywords)), func, target, stream, tensors)
    _note_use(stream, tensors, [*written, *_fresh(result, tensors)])
    return result


def _captured(graph, func, args, keywords, target, stream, tensors, written):
    """The results that a call in a graph will have: memory without numbers, until the graph is replayed."""
    before = [t.inner.clone() for t in written]
    inner_args, inner_keywords = _inner(args), _inner(keywords)
    result = _wrapped(func(*inner_args, **inner_keywords), func, target, stream, tensors)
    for tensor, value in zip(written, before, strict=True):
        tensor.inner.copy_(value)
    places = _places_of_fresh(result, tensors)
    fresh = [tree_flatten(result)[0][i] for i in places]
    for tensor in fresh:
        garbage(tensor.inner)

    def replay():
        leaves = tree_flatten(func(*inner_args, **inner_keywords))[0]
        for place, kept in zip(places, fresh, strict=True):
            kept.inner.copy_(leaves[place])
        _note_use(streams.current_stream(target), tensors, [*written, *fresh])

    graph.add(replay, stream)
    return result


def _wrapped(made, func, target, stream, tensors):
    """The results of an operation as tensors of the GPU; what shares memory with an argument says so."""
    inputs = [t for t in tensors if isinstance(t, GpuTensor)]
    # A graph keeps its memory to itself.
    notes = hazards if streams.captured_graph() is None else []
    same = {id(t.inner): t for t in inputs}
    owners = {t.inner.untyped_storage()._cdata: t for t in inputs}
    for t in inputs:
        if t.shape != t.inner.shape:
            raise AssertionError(f"{func} changed the shape of {tuple(t.shape)} to {tuple(t.inner.shape)}")

    def wrap(t):
        if id(t) in same:
            return same[id(t)]
        owner = owners.get(t.untyped_storage()._cdata)
        # Whether the numbers are to be read as their conjugates stands at the tensor of the GPU.
        is_conjugate = t.is_conj()
        torch._C._set_conj(t, False)
        with torch.inference_mode(torch.is_inference_mode_enabled() if owner is None else owner.is_inference()):
            result = GpuTensor(t, target, owner.memory if owner is not None else Memory(stream, notes))
        torch._C._set_conj(result, is_conjugate)
        return result

    return tree_map_only(torch.Tensor, wrap, made)


def _fresh(result, tensors) -> list[GpuTensor]:
    """The results that lie in memory of their own."""
    leaves = tree_flatten(result)[0]
    return [leaves[i] for i in _places_of_fresh(result, tensors)]


def _places_of_fresh(result, tensors) -> list[int]:
    known = {id(t.memory) for t in tensors if isinstance(t, GpuTensor)}
    leaves = tree_flatten(result)[0]
    return [i for i, t in enumerate(leaves) if isinstance(t, GpuTensor) and id(t.memory) not in known]


def _note_use(stream, inputs, written) -> None:
    stream.time += 1
    changed = {id(t) for t in written}
    for t in inputs:
        if isinstance(t, GpuTensor) and id(t) not in changed:
            t.memory.read_by(stream)
    for t in written:
        t.memory.written_by(stream)


def _written(func, args, kwargs) -> list[GpuTensor]:
    """The arguments that an operation changes."""
    found = []
    for position, argument in enumerate(func._schema.arguments):
        if argument.alias_info is not None and argument.alias_info.is_write:
            value = args[position] if position < len(args) else kwargs.get(argument.name)
            found.extend(t for t in tree_flatten(value)[0] if isinstance(t, GpuTensor))
    return found


# --- copies between devices -------------------------------------------------------------------------------------------


def copy_(target, source, non_blocking=False):
    """`target.copy_(source)`, where either lies on a GPU."""
    if target.device == source.device:
        return _run(torch.ops.aten.copy_.default, (target, source), {}, target.device, [target, source])
    _move(target, source, non_blocking)
    return target


def _move(target, source, non_blocking) -> None:
    """Bring numbers to a tensor on another device."""
    numbers = _inner(source)
    if not isinstance(target, GpuTensor):
        transfers.to_host(target, source, numbers.clone(), non_blocking, streams.current_stream(source.device))
        return
    stream = streams.current_stream(target.device)
    if isinstance(source, GpuTensor):
        transfers.between_gpus(target, source, streams.current_stream(source.device), stream)
    else:
        transfers.to_gpu(target, source, non_blocking, stream)
    graph = streams.captured_graph()
    if graph is not None:
        graph.add(lambda: target.inner.copy_(numbers), stream)
    target.inner.copy_(numbers)


def _to_copy(func, source, *, dtype=None, layout=None, device=None, pin_memory=None, non_blocking=False,
             memory_format=None):  # fmt: skip
    target = _target(device, [source])
    keywords = {"dtype": dtype, "memory_format": memory_format}
    if target == source.device:
        return _run(func, (source,), keywords, target, [source])
    like = torch.ops.aten.empty_like.default(_inner(source), device=_CPU, **keywords)
    if target == _CPU:
        made = transfers.pinned(like) if non_blocking else like
    else:
        made = GpuTensor(like, target, Memory(streams.current_stream(target), hazards))
    _move(made, source, non_blocking)
    return made


# --- operations on tensors without data -------------------------------------------------------------------------------


def _without_data(func, args, kwargs, tensors):
    """A mode without data takes a GPU's tensors for its own."""
    mode = next(t.fake_mode for t in tensors if isinstance(t, FakeTensor))

    def bare(t):
        return torch.empty_strided(t.shape, t.stride(), dtype=t.dtype, device=t.device)

    with mode:
        leaves, spec = tree_flatten((args, kwargs))
        args, kwargs = tree_unflatten([bare(x) if isinstance(x, GpuTensor) else x for x in leaves], spec)
        return func(*args, **kwargs)
