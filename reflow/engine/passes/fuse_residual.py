"""Fusion of a matrix product or convolution with what else is added to its result, and with the activation after that.

Such are the shortcut of a residual block, and a product that is added to another one. Kernels in C add it to the sums
in their registers: the result is written once, and not read again.
"""

from reflow.engine.passes.fuse_bias import Fusions
from reflow.engine.plan import Plan


def fuse_residual(plan: Plan) -> Plan:
    """A product or convolution (+ bias) + a tensor of the result's shape (+ bias) (+ activation) becomes one node.

    The tensor may be missing, if there is an activation. This comes after the passes that look for sums of products.
    """
    if plan.lacks("MatMul", "_FusedMatMul", "Conv2D", "_FusedConv2D"):
        return plan
    return Fusions(plan, with_residual=True).applied()
