"""The update rules of the optimizers, on lists of tensors: many variables are updated by few calls.

Every rule takes lists of equal length (the variables' tensors, those of their slots, the gradients) and numbers, and
works in place. The formulas are those of TensorFlow's kernels.
"""

import math

import torch

from reflow.ops.native import optimizer as optimizer_native

Tensors = list[torch.Tensor]


# --- gradient descent ---------------------------------------------------------------------------------------------


def gradient_descent(var: Tensors, delta: Tensors, *, alpha: float) -> None:
    """var -= alpha * delta."""
    torch._foreach_add_(var, delta, alpha=-alpha)


def momentum(var: Tensors, accum: Tensors, grad: Tensors, *, lr: float, momentum: float, use_nesterov: bool) -> None:
    """accum = momentum * accum + grad; var -= lr * accum, or with Nesterov's look-ahead lr * (grad + momentum * accum).

    Source: Sutskever, Martens, Dahl, Hinton, "On the importance of initialization and momentum in deep learning", 2013.
    """
    if optimizer_native.update("momentum", (var, accum, grad), (lr, momentum, use_nesterov)):
        return
    torch._foreach_mul_(accum, momentum)
    torch._foreach_add_(accum, grad)
    if use_nesterov:
        torch._foreach_add_(var, grad, alpha=-lr)
        torch._foreach_add_(var, accum, alpha=-lr * momentum)
    else:
        torch._foreach_add_(var, accum, alpha=-lr)


def keras_momentum(var: Tensors, accum: Tensors, grad: Tensors, *, lr: float, momentum: float,
                   use_nesterov: bool) -> None:  # fmt: skip
    """accum = momentum * accum - lr * grad; var += accum; with Nesterov's look-ahead momentum * accum - lr * grad."""
    torch._foreach_mul_(accum, momentum)
    torch._foreach_add_(accum, grad, alpha=-lr)
    if use_nesterov:
        torch._foreach_add_(var, grad, alpha=-lr)
        torch._foreach_add_(var, accum, alpha=momentum)
    else:
        torch._foreach_add_(var, accum)


def proximal_gradient_descent(var: Tensors, delta: Tensors, *, alpha: float, l1: float, l2: float) -> None:
    """Gradient descent, then the shrinkage that l1 and l2 regularization ask for.

    Source: Duchi, Singer, "Efficient learning using forward-backward splitting", 2009.
    """
    torch._foreach_add_(var, delta, alpha=-alpha)
    for each in var:
        _shrink(each, alpha * l1)
    torch._foreach_div_(var, 1.0 + l2 * alpha)


def _shrink(x: torch.Tensor, by) -> None:
    """Move every element towards zero, not beyond: x = sign(x) * max(|x| - by, 0), for a number or tensor `by`."""
    if isinstance(by, torch.Tensor) or by > 0:
        x.copy_(torch.sign(x) * (torch.abs(x) - by).clamp_(min=0))


# --- rates from sums of squares -----------------------------------------------------------------------------------


def _accumulate(accum: Tensors, grad: Tensors, update_slots: bool = True) -> None:
    if update_slots:
        torch._foreach_addcmul_(accum, grad, grad)


def adagrad(var: Tensors, accum: Tensors, grad: Tensors, *, lr: float, update_slots: bool) -> None:
    """accum += grad^2; var -= lr * grad / sqrt(accum).

    Source: Duchi, Hazan, Singer, "Adaptive subgradient methods for online learning and stochastic optimization", 2011.
    """
    if update_slots and optimizer_native.update("adagrad", (var, accum, grad), (lr,)):
        return
    _accumulate(accum, grad, update_slots)
    torch._foreach_addcdiv_(var, grad, torch._foreach_sqrt(accum), value=-lr)


def adagrad_v2(var: Tensors, accum: Tensors, grad: Tensors, *, lr: float, epsilon: float, update_slots: bool) -> None:
    """accum += grad^2; var -= lr * grad / (sqrt(accum) + epsilon)."""
    _accumulate(accum, grad, update_slots)
    root = torch._foreach_sqrt(accum)
    torch._foreach_add_(root, epsilon)
    torch._foreach_addcdiv_(var, grad, root, value=-lr)


def adagrad_da(var: Tensors, gradient_accumulator: Tensors, gradient_squared_accumulator: Tensors, grad: Tensors, *,
               lr: float, l1: float, l2: float, global_step: int) -> None:  # fmt: skip
    """Dual averaging: the variable is computed anew from the sums of all gradients and of their squares.

    Source: as of `adagrad`.
    """
    torch._foreach_add_(gradient_accumulator, grad)
    _accumulate(gradient_squared_accumulator, grad)
    root = torch._foreach_sqrt(gradient_squared_accumulator)
    torch._foreach_add_(root, l2 * global_step * lr)
    torch._foreach_copy_(var, gradient_accumulator)
    for each in var:
        _shrink(each, l1 * global_step)
    torch._foreach_mul_(var, -lr)
    torch._foreach_div_(var, root)


def proximal_adagrad(var: Tensors, accum: Tensors, grad: Tensors, *, lr: float, l1: float, l2: float) -> None:
    """Adagrad, then the shrinkage that l1 and l2 regularization ask for at each element's own rate.

    Source: as of `proximal_gradient_descent`.
    """
    _accumulate(accum, grad)
    for v, a, g in zip(var, accum, grad, strict=True):
        rate = lr * torch.rsqrt(a)
        v.sub_(g * rate)
        if l1 > 0:
            _shrink(v, rate * l1)
        v.div_(1.0 + rate * l2)


def adadelta(var: Tensors, accum: Tensors, accum_update: Tensors, grad: Tensors, *, lr: float, rho: float,
             epsilon: float) -> None:  # fmt: skip
    """The rate is the ratio of the running sizes of updates and gradients.

    Source: Zeiler, "ADADELTA: an adaptive learning rate method", arXiv:1212.5701.
    """
    torch._foreach_mul_(accum, rho)
    torch._foreach_addcmul_(accum, grad, grad, value=1 - rho)
    update = torch._foreach_add(accum_update, epsilon)
    torch._foreach_sqrt_(update)
    size = torch._foreach_add(accum, epsilon)
    torch._foreach_sqrt_(size)
    torch._foreach_div_(update, size)
    torch._foreach_mul_(update, grad)
    torch._foreach_add_(var, update, alpha=-lr)
    torch._foreach_mul_(accum_update, rho)
    torch._foreach_addcmul_(accum_update, update, update, value=1 - rho)


def rms_prop(var: Tensors, ms: Tensors, mom: Tensors, grad: Tensors, *, lr: float, rho: float, momentum: float,
             epsilon: float) -> None:  # fmt: skip
    """ms: running mean of grad^2; mom = momentum * mom + lr * grad / sqrt(ms + epsilon); var -= mom.

    Source: Tieleman, Hinton, "Lecture 6.5, RMSProp", Coursera 2012.
    """
    if optimizer_native.update("rms_prop", (var, ms, mom, grad), (lr, rho, momentum, epsilon)):
        return
    _running_mean_of_squares(ms, grad, rho)
    _rms_step(var, mom, grad, torch._foreach_add(ms, epsilon), lr, momentum)


def centered_rms_prop(var: Tensors, mg: Tensors, ms: Tensors, mom: Tensors, grad: Tensors, *, lr: float, rho: float,
                      momentum: float, epsilon: float) -> None:  # fmt: skip
    """As `rms_prop`, with the variance of the gradients, ms - mg^2, in place of ms; mg is their running mean.

    Source: Graves, "Generating sequences with recurrent neural networks", arXiv:1308.0850.
    """
    _running_mean_of_squares(ms, grad, rho)
    torch._foreach_lerp_(mg, grad, 1 - rho)
    variance = torch._foreach_add(ms, epsilon)
    torch._foreach_addcmul_(variance, mg, mg, value=-1)
    _rms_step(var, mom, grad, variance, lr, momentum)


def _running_mean_of_squares(mean: Tensors, grad: Tensors, decay: float) -> None:
    torch._foreach_mul_(mean, decay)
    torch._foreach_addcmul_(mean, grad, grad, value=1 - decay)


def _rms_step(var, mom, grad, variance, lr, momentum):
    torch._foreach_sqrt_(variance)
    torch._foreach_mul_(mom, momentum)
    torch._foreach_addcdiv_(mom, grad, variance, value=lr)
    torch._foreach_sub_(var, mom)


# --- Adam and its kin ---------------------------------------------------------------------------------------------

# The fused kernel corrects for the bias of its first steps by the number of steps. TensorFlow's powers of the decay
# rates are variables of the program, so the correction goes into the rate, and the kernel is told of so many steps that
# its own is none.
_MANY_STEPS = torch.tensor(1e9)


def adam(var: Tensors, m: Tensors, v: Tensors, grad: Tensors, *, beta1_power: float, beta2_power: float, lr: float,
         beta1: float, beta2: float, epsilon: float, use_nesterov: bool) -> None:  # fmt: skip
    """m, v: running means of grad and grad^2; var -= rate * m / (sqrt(v) + epsilon).

    The rate is lr * sqrt(1 - beta2_power) / (1 - beta1_power).

    Source: Kingma, Ba, "Adam: a method for stochastic optimization", arXiv:1412.6980; epsilon as in its section 2.
    """
    rate = adam_rate(lr, beta1_power, beta2_power)
    if not use_nesterov and beta1 < 1 and beta2 < 1 and math.isfinite(rate) and var[0].is_cpu:
        torch._fused_adam_(
            var, [g.contiguous() for g in grad], m, v, [], [_MANY_STEPS] * len(var), lr=rate, beta1=beta1, beta2=beta2,
            weight_decay=0.0, eps=epsilon, amsgrad=False, maximize=False,
        )  # fmt: skip
        return
    torch._foreach_lerp_(m, grad, 1 - beta1)
    _running_mean_of_squares(v, grad, beta2)
    direction = m
    if use_nesterov:
        direction = torch._foreach_mul(m, beta1)
        torch._foreach_add_(direction, grad, alpha=1 - beta1)
    _adam_step(var, direction, v, rate, epsilon)


def adam_with_amsgrad(var: Tensors, m: Tensors, v: Tensors, vhat: Tensors, grad: Tensors, *, beta1_power: float,
                      beta2_power: float, lr: float, beta1: float, beta2: float, epsilon: float) -> None:  # fmt: skip
    """As `adam`, with the greatest v so far, vhat, in place of v.

    Source: Reddi, Kale, Kumar, "On the convergence of Adam and beyond", ICLR 2018.
    """
    torch._foreach_lerp_(m, grad, 1 - beta1)
    _running_mean_of_squares(v, grad, beta2)
    torch._foreach_maximum_(vhat, v)
    _adam_step(var, m, vhat, adam_rate(lr, beta1_power, beta2_power), epsilon)


def adam_rate(lr, beta1_power, beta2_power):
    """As IEEE arithmetic has it: infinite or NaN where a power is one."""
    correction = 1 - beta1_power
    root = math.sqrt(1 - beta2_power) if beta2_power <= 1 else math.nan
    return lr * root / correction if correction else lr * root * math.inf


def _adam_step(var, direction, v, rate, epsilon):
    size = torch._foreach_sqrt(v)
    torch._foreach_add_(size, epsilon)
    torch._foreach_addcdiv_(var, direction, size, value=-rate)


def ada_max(var: Tensors, m: Tensors, v: Tensors, grad: Tensors, *, beta1_power: float, lr: float, beta1: float,
            beta2: float, epsilon: float) -> None:  # fmt: skip
    """m: running mean of grad; v = max(beta2 * v, |grad|); var -= lr / (1 - beta1_power) * m / (v + epsilon).

    Source: as of `adam`, section 7.
    """
    torch._foreach_lerp_(m, grad, 1 - beta1)
    torch._foreach_mul_(v, beta2)
    torch._foreach_maximum_(v, torch._foreach_abs(grad))
    size = torch._foreach_add(v, epsilon)
    torch._foreach_addcdiv_(var, m, size, value=-adam_rate(lr, beta1_power, 0.0))


# --- signs --------------------------------------------------------------------------------------------------------


def _agreement(m: Tensors, grad: Tensors, beta: float) -> Tensors:
    """Update the running mean m of the gradients; sign(grad) * sign(m) of each element."""
    torch._foreach_lerp_(m, grad, 1 - beta)
    signs = torch._foreach_sign(grad)
    torch._foreach_mul_(signs, torch._foreach_sign(m))
    return signs


def add_sign(var: Tensors, m: Tensors, grad: Tensors, *, lr: float, alpha: float, sign_decay: float,
             beta: float) -> None:  # fmt: skip
    """var -= lr * (alpha + sign_decay * sign(grad) * sign(m)) * grad.

    Source: Bello, Zoph, Vasudevan, Le, "Neural optimizer search with reinforcement learning", ICML 2017.
    """
    scale = _agreement(m, grad, beta)
    torch._foreach_mul_(scale, sign_decay)
    torch._foreach_add_(scale, alpha)
    torch._foreach_addcmul_(var, scale, grad, value=-lr)


def power_sign(var: Tensors, m: Tensors, grad: Tensors, *, lr: float, logbase: float, sign_decay: float,
               beta: float) -> None:  # fmt: skip
    """var -= lr * exp(logbase * sign_decay * sign(grad) * sign(m)) * grad; source as of `add_sign`."""
    scale = _agreement(m, grad, beta)
    torch._foreach_mul_(scale, logbase * sign_decay)
    torch._foreach_exp_(scale)
    torch._foreach_addcmul_(var, scale, grad, value=-lr)


# --- follow the regularized leader ----------------------------------------------------------------------------------


def ftrl(var: Tensors, accum: Tensors, linear: Tensors, grad: Tensors, *, lr: float, l1: float, l2: float,
         lr_power: float) -> None:  # fmt: skip
    """The variable is computed anew from the sums `accum` of squared gradients and `linear`.

    Source: McMahan et al., "Ad click prediction: a view from the trenches", KDD 2013.
    """
    ftrl_v2(var, accum, linear, grad, lr=lr, l1=l1, l2=l2, l2_shrinkage=0.0, lr_power=lr_power)


def ftrl_v2(var: Tensors, accum: Tensors, linear: Tensors, grad: Tensors, *, lr: float, l1: float, l2: float,
            l2_shrinkage: float, lr_power: float) -> None:  # fmt: skip
    """As `ftrl`, with the gradient of l2_shrinkage * var^2 added to `grad` in the linear term."""
    for v, a, z, g in zip(var, accum, linear, grad, strict=True):
        shrunk = g + 2 * l2_shrinkage * v if l2_shrinkage else g
        new = torch.addcmul(a, g, g)
        power, old_power = (x.sqrt() if lr_power == -0.5 else x.pow(-lr_power) for x in (new, a))
        z.add_(shrunk).sub_((power - old_power).div_(lr).mul_(v))
        size = power.div_(lr).add_(2 * l2)
        v.copy_(torch.where(z.abs() > l1, (torch.sign(z) * l1 - z) / size, 0.0))
        a.copy_(new)
