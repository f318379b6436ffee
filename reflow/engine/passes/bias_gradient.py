"""The gradient of a ReLU and that of the bias before it, the sums over all but the channels: one pass over memory."""

from reflow.engine.passes.rewriting import has_known_dims, sizes_of, waited_for_in
from reflow.engine.plan import Node, Plan, Value, new_node
from reflow.engine.torch_devices import is_gpu
from reflow.ops.native import relu_gradient


def sum_with_relu_gradient(plan: Plan) -> Plan:
    """ReluGrad and the BiasAddGrad of its result become one node where there is a kernel in C for both."""
    if plan.lacks("ReluGrad"):
        return plan
    waited_for = waited_for_in(plan)
    fused: dict[Node, Node] = {}
    gone: set[Node] = set()
    replaced: dict[Value, Value] = {}
    for node in plan.nodes:
        if node.type != "BiasAddGrad" or node.control or node in waited_for:
            continue
        relu = node.inputs[0].node
        if relu.type != "ReluGrad" or relu in fused or relu in waited_for or not _fit(relu, node):
            continue
        gradient, total = relu.outputs[0], node.outputs[0]
        fused[relu] = new_node(relu.name, "_ReluGradAndBiasAddGrad", relu.inputs, {"T": gradient.dtype},
                               [(gradient.dtype, gradient.dims), (total.dtype, total.dims)], like=relu)  # fmt: skip
        replaced.update(zip((gradient, total), fused[relu].outputs, strict=True))
        gone.add(node)
        plan.notes.append(f"{node.name}: summed in {relu.name}")
    if fused:
        plan.nodes = [fused.get(n, n) for n in plan.nodes if n not in gone]
        plan.replace(replaced)
    return plan


def _fit(relu: Node, sums: Node) -> bool:
    gradient, features = relu.inputs
    # Channels behind the other dimensions, or two dimensions, for which both layouts are the same.
    rank = len(sizes_of(gradient))
    last = rank == 2 or rank > 2 and sums.attrs["data_format"] == b"NHWC"
    return (
        last and has_known_dims(gradient) and gradient.dims == features.dims
        and relu.device == sums.device and not is_gpu(relu.device) and relu.guard == sums.guard
        and relu_gradient.fits(gradient.dtype)
    )  # fmt: skip
