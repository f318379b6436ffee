"""Activation functions, each with the op that its gradient consists of: Relu, LeakyRelu, Elu, Softplus, Sigmoid, ..."""

import numpy as np
import torch

from reflow.gradient_registry import custom_gradient
from reflow.graph import dtypes
from reflow.graph.build import call
from reflow.graph.context import control_dependencies, name_scope
from reflow.graph.convert import to_tensor
from reflow.graph.export import export
from reflow.graph.operation import Tensor
from reflow.graph.registry import define_op, gradient
from reflow.ops.casting import cast
from reflow.ops.complex import conj
from reflow.ops.constant import zeros, zeros_like
from reflow.ops.factories import FLOATING, FLOATING_COMPLEX, check_one_shape, gradient_op, unary
from reflow.ops.native import elementwise as elementwise_native
from reflow.ops.shape_ops import shape
from reflow.ops.shape_rules import same_shape, unchanged_shape
from reflow.ops.torch_types import array_of, tensor_of

_FORWARD = "features: T -> activations: T"
_BY_INPUT = "gradients: T, features: T -> backprops: T"
_BY_OUTPUT = "gradients: T, outputs: T -> backprops: T"

# The constants of SELU (Klambauer et al., "Self-Normalizing Neural Networks", 2017).
_SELU_ALPHA = 1.6732632423543772848170429916717
_SELU_SCALE = 1.0507009873554804934193349852946

# The least normal number of float32 and bfloat16.
_LEAST = 1.1754943508222875e-38

# Above this softplus(x) is x in every float type: exp(-x) is below the precision of float64.
_SOFTPLUS_LINEAR = 36

# --- rectifiers ---------------------------------------------------------------------------------------------------

relu = unary(
    "Relu", "real|qint8", "torch.relu({features})", "nn.relu", signature=_FORWARD, numpy=np.array, value=None,
    summary="max(features, 0), elementwise.",
)  # fmt: skip
unary(
    "Relu6", "real", "torch.clamp({features}, 0, 6)", signature=_FORWARD, numpy=lambda x: np.minimum(x, 6), value=None
)
gradient_op(
    "ReluGrad", "real", "torch.ops.aten.threshold_backward({gradients}, {features}, 0)", _BY_INPUT,
    numpy=lambda gradients, features: gradients * (features > 0), value=None,
    native=elementwise_native.binary(
        "relu_grad", lambda g, x: torch.ops.aten.threshold_backward(g, x, 0), most=1 << 15
    ),
)  # fmt: skip


def _relu6_grad(gradients, features):
    if gradients.dtype.is_floating_point:
        return torch.ops.aten.hardtanh_backward(gradients, features, 0, 6)
    # ATen's kernel takes no integers.
    gradients, features = array_of(gradients), array_of(features)
    return tensor_of(gradients * ((features > 0) & (features < 6)))


gradient_op(
    "Relu6Grad", "real", _relu6_grad, _BY_INPUT,
    lower=lambda node: "torch.ops.aten.hardtanh_backward({}, {}, 0, 6)".format(*node.args)
    if node.dtype(0).is_floating else None,
)  # fmt: skip


define_op(
    "LeakyRelu", _FORWARD, "T: type in floating = float, alpha: float = 0.2", shape=unchanged_shape,
    kernel="torch.nn.functional.leaky_relu({features}, {alpha})",
)  # fmt: skip
def _leaky_relu_grad(gradients, features, alpha):
    check_one_shape("LeakyReluGrad", gradients, features)
    return torch.ops.aten.leaky_relu_backward(gradients, features, alpha, False)


define_op(
    "LeakyReluGrad", _BY_INPUT, "T: type in floating = float, alpha: float = 0.2", shape=same_shape,
    kernel=_leaky_relu_grad, native=elementwise_native.leaky_relu_grad(_leaky_relu_grad),
)  # fmt: skip


@gradient("Relu")
def _relu_gradient(op, grad):
    return call("ReluGrad", grad, op.outputs[0])


@gradient("Relu6")
def _relu6_gradient(op, grad):
    return call("Relu6Grad", grad, op.outputs[0])


@gradient("LeakyRelu")
def _leaky_relu_gradient(op, grad):
    return call("LeakyReluGrad", grad, op._inputs[0], alpha=op.attrs["alpha"])


@gradient("ReluGrad", "Relu6Grad")
def _rectifier_gradient_gradient(op, grad):
    """Linear in the gradients; constant in the features wherever it has a derivative."""
    features = op._inputs[1]
    return call(op.type, grad, features), zeros(shape(features), features.dtype.base_dtype)


@gradient("LeakyReluGrad")
def _leaky_relu_gradient_gradient(op, grad):
    features = op._inputs[1]
    linear = call("LeakyReluGrad", grad, features, alpha=op.attrs["alpha"])
    return linear, zeros(shape(features), features.dtype.base_dtype)


@export("nn.relu6")
def relu6(features, name=None):
    """min(max(features, 0), 6), elementwise (Krizhevsky, "Convolutional Deep Belief Networks on CIFAR-10", 2010).

    Args:
      features: a tensor of a real type.
      name: a name for the operation.

    Returns:
      A tensor shaped like `features`, of the same type.
    """
    return call("Relu6", features, name=name)


@export("nn.leaky_relu")
def leaky_relu(features, alpha=0.2, name=None):
    """max(features, alpha * features), elementwise (Maas et al., 2013).

    Args:
      features: a tensor of bfloat16, half, float32, float64, or an integer type, which is cast to float32.
      alpha: the slope for negative features, a number.
      name: a name for the operation.

    Returns:
      A tensor shaped like `features`, of its type; float32 for integers.
    """
    if type(features) is Tensor and not features.dtype.is_integer:
        return call("LeakyRelu", features, name=name, alpha=_number(alpha))
    with name_scope(name, "LeakyRelu", [features, alpha]) as scope:
        features = to_tensor(features, name="features")
        if features.dtype.is_integer:
            features = cast(features, dtypes.float32)
        return call("LeakyRelu", features, name=scope, alpha=_number(alpha))


def _number(alpha):
    return alpha.item() if isinstance(alpha, np.ndarray) else alpha


@export("nn.crelu")
def crelu(features, name=None, axis=-1):
    """Concatenates relu(features) and relu(-features) (Shang et al., 2016).

    Args:
      features: a tensor of a signed real type.
      name: a name for the operation.
      axis: the axis along which the two are concatenated.

    Returns:
      A tensor of the same type, of twice the size along `axis`.
    """
    with name_scope(name, "CRelu", [features]) as scope:
        features = to_tensor(features, name="features")
        return relu(call("ConcatV2", [features, -features], axis, name=scope))


# --- exponential units --------------------------------------------------------------------------------------------

elu = unary(
    "Elu", FLOATING, "torch.nn.functional.elu({features})", "nn.elu", signature=_FORWARD,
    summary="exp(x) - 1 for x < 0, else x, elementwise (Clevert et al., 2015).",
    native=elementwise_native.unary("elu", torch.nn.functional.elu),
)  # fmt: skip
selu = unary(
    "Selu", FLOATING, "torch.selu({features})", "nn.selu", signature=_FORWARD,
    summary="scale * (alpha * (exp(x) - 1) for x < 0, else x), elementwise (Klambauer et al., 2017).",
)  # fmt: skip
gradient_op(
    "EluGrad", FLOATING, "torch.ops.aten.elu_backward({gradients}, 1, 1, 1, True, {outputs})", _BY_OUTPUT,
    native=elementwise_native.binary(
        "elu_grad", lambda g, y: torch.ops.aten.elu_backward(g, 1, 1, 1, True, y)
    ),
)  # fmt: skip


def _selu_grad(gradients, outputs):
    return gradients * torch.where(outputs < 0, outputs + _SELU_ALPHA * _SELU_SCALE, _SELU_SCALE)


def _lower_selu_grad(node):
    """ATen's fused kernel takes 0 for negative, so outputs are moved up by the least number; half has none so small."""
    if node.dtype(0) is dtypes.float16:
        return None
    gradients, outputs = node.args
    return f"torch.ops.aten.elu_backward({gradients}, {_SELU_ALPHA}, {_SELU_SCALE}, 1, True, {outputs} + {_LEAST})"


gradient_op("SeluGrad", FLOATING, _selu_grad, _BY_OUTPUT, lower=_lower_selu_grad)


@gradient("Elu")
def _elu_gradient(op, grad):
    return call("EluGrad", grad, op.outputs[0])


@gradient("Selu")
def _selu_gradient(op, grad):
    return call("SeluGrad", grad, op.outputs[0])


@gradient("EluGrad", "SeluGrad")
def _exponential_unit_gradient_gradient(op, grad):
    """Linear in the gradients; by a negative output it is the gradient itself."""
    gradients, outputs = op._inputs
    linear = call(op.type, grad, outputs)
    zero = 0 if op.type == "EluGrad" else 0.0
    return linear, call("Select", outputs < zero, grad * gradients, zeros_like(outputs))


# --- soft rectifier and sign --------------------------------------------------------------------------------------

softplus = unary(
    "Softplus", FLOATING, f"torch.nn.functional.softplus({{features}}, 1, {_SOFTPLUS_LINEAR})",
    "nn.softplus", "math.softplus", signature=_FORWARD, summary="log(exp(features) + 1), elementwise.",
)  # fmt: skip
softsign = unary(
    "Softsign", FLOATING, "torch.nn.functional.softsign({features})", "nn.softsign", "math.softsign",
    signature=_FORWARD, summary="features / (abs(features) + 1), elementwise.",
)  # fmt: skip
gradient_op(
    "SoftplusGrad", FLOATING,
    f"torch.ops.aten.softplus_backward({{gradients}}, {{features}}, 1, {_SOFTPLUS_LINEAR})", _BY_INPUT,
)  # fmt: skip
gradient_op("SoftsignGrad", FLOATING, "{gradients} / torch.square(torch.abs({features}) + 1)", _BY_INPUT)


@gradient("Softplus")
def _softplus_gradient(op, grad):
    return grad * sigmoid(op._inputs[0])


@gradient("SoftplusGrad")
def _softplus_gradient_gradient(op, grad):
    """sigmoid' = 1 / (exp(-x) + 2 + exp(x))."""
    gradients, x = op._inputs
    with control_dependencies([grad.op]):
        linear = call("SoftplusGrad", grad, x)
        return linear, grad * gradients / (call("Exp", -x) + 2.0 + call("Exp", x))


@gradient("Softsign")
def _softsign_gradient(op, grad):
    return call("SoftsignGrad", grad, op._inputs[0])


# --- sigmoid ------------------------------------------------------------------------------------------------------

unary("Sigmoid", FLOATING_COMPLEX, "torch.sigmoid({x})",
      native=elementwise_native.unary("sigmoid", torch.sigmoid, least=1 << 6))  # fmt: skip
gradient_op(
    "SigmoidGrad", FLOATING_COMPLEX, lambda y, dy: dy * y * (1 - y),
    lower=lambda node: None if node.dtype(0).is_complex
    else f"torch.ops.aten.sigmoid_backward({node.args[1]}, {node.args[0]})",
    native=elementwise_native.binary("sigmoid_grad", lambda y, dy: torch.ops.aten.sigmoid_backward(dy, y)),
)  # fmt: skip


@gradient("Sigmoid")
def _sigmoid_gradient(op, grad):
    with control_dependencies([grad.op]):
        return call("SigmoidGrad", conj(op.outputs[0]), grad)


@gradient("SigmoidGrad")
def _sigmoid_gradient_gradient(op, grad):
    """z = dy y (1 - y): by y it is dy (1 - 2 y), by dy SigmoidGrad itself."""
    with control_dependencies([grad.op]):
        y, dy = conj(op._inputs[0]), conj(op._inputs[1])
        product = grad * dy
        return product - 2.0 * product * y, call("SigmoidGrad", y, grad)


@export("sigmoid", "math.sigmoid", "nn.sigmoid")
def sigmoid(x, name=None):
    """1 / (1 + exp(-x)), elementwise.

    Args:
      x: a tensor of bfloat16, half, float32, float64, complex64 or complex128.
      name: a name for the operation.

    Returns:
      A tensor shaped like `x`, of the same type.
    """
    return call("Sigmoid", x, name=name)


@export("log_sigmoid", "math.log_sigmoid")
def log_sigmoid(x, name=None):
    """log(1 / (1 + exp(-x))), elementwise, as -softplus(-x).

    Args:
      x: a tensor of bfloat16, half, float32 or float64.
      name: a name for the operation.

    Returns:
      A tensor shaped like `x`, of the same type.
    """
    with name_scope(name, "LogSigmoid", [x]) as scope:
        x = to_tensor(x, name="x")
        return call("Neg", softplus(-x), name=scope)


@custom_gradient
def _swish(features):
    features = to_tensor(features, name="features")

    def gradient_of_swish(dy):
        # The sigmoid is computed again, so that it need not be kept for the gradient.
        with control_dependencies([dy]):
            sigmoid_features = sigmoid(features)
        return dy * (sigmoid_features * (1.0 + features * (1.0 - sigmoid_features)))

    return features * sigmoid(features), gradient_of_swish


@export("nn.swish")
def swish(features):
    """features * sigmoid(features), elementwise (Ramachandran et al., "Searching for Activation Functions", 2017).

    Args:
      features: a tensor of a float type.

    Returns:
      A tensor shaped like `features`, of the same type.
    """
    return _swish(features)
