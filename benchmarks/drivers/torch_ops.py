"""An operation's steps in PyTorch, eagerly."""

from benchmarks.ops.base import GRADIENT


def torch_steps(torch, op):
    """What `OpProgram` measures: {row: (run a step, run a step of nothing, copies in a step)}."""
    torch.manual_seed(1)
    table = {}
    for row in op.rows:
        size = row.replace(GRADIENT, "")
        copies = [_tensors(torch, op, size, copy) for copy in range(op.copies[size])]
        if op.is_update:
            run = _update(torch, op, copies)
        else:
            run = (_gradients if row.endswith(GRADIENT) else _forward)(torch, op, copies)
        table[row] = (run, lambda: None, len(copies))
    return table


def _tensors(torch, op, size, copy):
    tensors = []
    for spec, array in zip(op.inputs[size], op.arrays(size, copy)):
        tensor = torch.from_numpy(array)
        if spec.order is not None:
            tensor = tensor.permute(spec.order).contiguous(memory_format=torch.channels_last)
        tensors.append(tensor)
    return tensors


def _forward(torch, op, copies):
    function = op.torch

    def run():
        with torch.no_grad():
            for inputs in copies:
                function(torch, *inputs)

    return run


def _gradients(torch, op, copies):
    function = op.torch
    prepared = []
    for inputs in copies:
        by = [inputs[i].requires_grad_() for i in op.by]
        outputs = _as_tuple(function(torch, *inputs))
        prepared.append((inputs, by, [torch.rand_like(output) for output in outputs]))

    def run():
        for inputs, by, output_gradients in prepared:
            torch.autograd.grad(_as_tuple(function(torch, *inputs)), by, output_gradients)

    return run


def _as_tuple(outputs):
    return (outputs,) if hasattr(outputs, "shape") else tuple(outputs)


def _update(torch, op, copies):
    parameters = []
    for value, gradient in copies:
        parameters.append(torch.nn.Parameter(value))
        parameters[-1].grad = gradient
    return op.torch(torch, parameters)
