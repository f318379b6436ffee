"""LSTM and GRU cells and layers as single ops, with their gradients."""

import numpy as np
from op_recording import Cases

case = Cases()
BATCH, INPUTS, UNITS, STEPS = 3, 4, 5, 6


def weights(t, dtype, *shape):
    """The weights and the state of an LSTM, the input of `shape` among them."""
    sizes = dict(x=shape, cs_prev=(BATCH, UNITS), h_prev=(BATCH, UNITS), w=(INPUTS + UNITS, 4 * UNITS), wci=(UNITS,),
                 wcf=(UNITS,), wco=(UNITS,), b=(4 * UNITS,))  # fmt: skip
    return {name: t.feed(t.normal(*size, dtype=dtype)) for name, size in sorted(sizes.items())}


OPTIONS = [dict(), dict(use_peephole=True), dict(cell_clip=0.5), dict(cell_clip=-1.0, use_peephole=True)]


@case.each(dtype=["float32", "float16"])
def lstm_cell(tf, t, dtype):
    for options in OPTIONS + [dict(forget_bias=0.25)]:
        t.out(*tf.raw_ops.LSTMBlockCell(**dict(weights(t, dtype, BATCH, INPUTS), **options)))


@case.each(dtype=["float32", "float16"])
def lstm_cell_gradient(tf, t, dtype):
    for use_peephole in (False, True):
        inputs = weights(t, dtype, BATCH, INPUTS)
        made = tf.raw_ops.LSTMBlockCell(use_peephole=use_peephole, **inputs)
        inputs.update({name: getattr(made, name) for name in ("i", "cs", "f", "o", "ci", "co")})
        inputs.update({name: t.feed(t.normal(BATCH, UNITS, dtype=dtype)) for name in ("cs_grad", "h_grad")})
        results = tf.raw_ops.LSTMBlockCellGrad(use_peephole=use_peephole, **inputs)
        # Without peepholes TensorFlow leaves their gradients undefined.
        t.out(*(results if use_peephole else results[:2]))


def gradients(tf, t, made, inputs, seq_len_max, **options):
    """Record what the gradient op of version 2 makes: TensorFlow's own gradient of it is that of version 1."""
    grads = {name: t.feed(t.normal(STEPS, BATCH, UNITS)) for name in ("cs_grad", "h_grad")}
    grads.update(made._asdict(), seq_len_max=seq_len_max, use_peephole=options.get("use_peephole", False), **inputs)
    results = tf.raw_ops.BlockLSTMGradV2(**grads)
    peepholes = ("wci_grad", "wcf_grad", "wco_grad")
    t.out(*[result for name, result in sorted(results._asdict().items())
            if grads["use_peephole"] or name not in peepholes])  # fmt: skip


@case.each(op=["BlockLSTM", "BlockLSTMV2"])
def layer(tf, t, op):
    for options in OPTIONS:
        inputs = weights(t, "float32", STEPS, BATCH, INPUTS)
        made = getattr(tf.raw_ops, op)(seq_len_max=np.int64(STEPS), **dict(inputs, **options))
        t.out(*made)
        names = ["x", "cs_prev", "h_prev", "w", "b"]
        if options.get("use_peephole"):
            names += ["wci", "wcf", "wco"]
        if op == "BlockLSTM":
            t.grad([made.cs, made.h], [inputs[name] for name in names])
        else:
            gradients(tf, t, made, inputs, np.int64(STEPS), **options)


@case.each(op=["BlockLSTM", "BlockLSTMV2"])
def shorter(tf, t, op):
    for length in (0, 1, 4):
        inputs = weights(t, "float32", STEPS, BATCH, INPUTS)
        made = getattr(tf.raw_ops, op)(seq_len_max=t.feed(np.int64(length)), use_peephole=True, **inputs)
        # The rest of the other outputs is undefined in TensorFlow.
        t.out(made.cs, made.h, made.i[:length])
        if op == "BlockLSTM":
            t.grad([made.h], [inputs[name] for name in sorted(inputs)])
        else:
            gradients(tf, t, made, inputs, np.int64(length), use_peephole=True)


@case
def layer_of_half(tf, t):
    inputs = weights(t, "float16", STEPS, BATCH, INPUTS)
    made = tf.raw_ops.BlockLSTM(seq_len_max=np.int64(STEPS), **inputs)
    t.out(*made)
    t.grad([made.h], [inputs[name] for name in ("x", "w", "b")])


@case
def unknown_shapes(tf, t):
    inputs = weights(t, "float32", STEPS, BATCH, INPUTS)
    for shape in (None, [None, BATCH, None], [STEPS, None, INPUTS]):
        inputs["x"] = t.feed(t.normal(STEPS, BATCH, INPUTS), shape)
        t.out(tf.raw_ops.BlockLSTM(seq_len_max=np.int64(STEPS), **inputs).h)
    inputs["b"] = t.feed(t.normal(4 * UNITS), None)
    t.out(tf.raw_ops.BlockLSTM(seq_len_max=np.int64(STEPS), **inputs).h)


FAULTS = {"w": (INPUTS + UNITS, 3 * UNITS), "b": (3 * UNITS,), "h_prev": (BATCH, UNITS + 1), "x": (BATCH, INPUTS),
          "cs_prev": (BATCH + 1, UNITS)}  # fmt: skip


@case.each(which=sorted(FAULTS))
def wrong_shapes(tf, t, which):
    inputs = weights(t, "float32", STEPS, BATCH, INPUTS)
    inputs[which] = t.feed(t.normal(*FAULTS[which]))
    t.out(tf.raw_ops.BlockLSTM(seq_len_max=np.int64(STEPS), **inputs).h)


def gru_weights(t):
    sizes = dict(x=(BATCH, INPUTS), h_prev=(BATCH, UNITS), w_ru=(INPUTS + UNITS, 2 * UNITS), b_ru=(2 * UNITS,),
                 w_c=(INPUTS + UNITS, UNITS), b_c=(UNITS,))  # fmt: skip
    return {name: t.feed(t.normal(*size)) for name, size in sorted(sizes.items())}


@case
def gru_cell(tf, t):
    inputs = gru_weights(t)
    made = tf.raw_ops.GRUBlockCell(**inputs)
    t.out(*made)
    inputs.update(r=made.r, u=made.u, c=made.c, d_h=t.feed(t.normal(BATCH, UNITS)))
    t.out(*tf.raw_ops.GRUBlockCellGrad(**inputs))


@case.each(which=["w_ru", "b_c", "h_prev", "x"])
def gru_wrong_shapes(tf, t, which):
    inputs = gru_weights(t)
    inputs[which] = t.feed(t.normal(7) if which.startswith("b") else t.normal(7, 8))
    t.out(tf.raw_ops.GRUBlockCell(**inputs).h)
