"""Recurrent nets as books write them out of single ops, unrolled by a loop of Python, trained for some steps.

Each case is `case(net, x)`: from `x`, [batch, time, features], to the last state or outputs, [batch, units]. (Columns
are turned into rows at the end.) The losses of the first steps of training are what is recorded.
"""

import numpy as np

BATCH, TIME, FEATURES, UNITS, WORDS = 4, 6, 3, 5, 7
STEPS = 20


class Net:
    """Makes variables with equal first values in every system."""

    def __init__(self, tf):
        self.tf = tf
        self._random = np.random.RandomState(3)

    def variable(self, *shape):
        return self.tf.Variable((0.4 * self._random.randn(*shape)).astype(np.float32))

    def gates(self, count, features=FEATURES, bias=(UNITS,)):
        """For each gate the matrices of the input and of the state, and the bias."""
        return [(self.variable(features, UNITS), self.variable(UNITS, UNITS), self.variable(*bias))
                for _ in range(count)]  # fmt: skip

    def columns_of_gates(self, count):
        """The same for states as columns."""
        return [(self.variable(UNITS, FEATURES), self.variable(UNITS, UNITS), self.variable(UNITS, 1))
                for _ in range(count)]  # fmt: skip

    def zeros(self, *shape):
        return self.tf.zeros(shape or (BATCH, UNITS))

    def unstacked(self, x):
        return self.tf.unstack(x, axis=1)

    def columns(self, x):
        """The steps as [features, batch]."""
        return self.tf.unstack(self.tf.transpose(x, [1, 2, 0]))


# --- rows -------------------------------------------------------------------------------------------------------------


def _simple(net, steps, gate=None, activation=None):
    tf = net.tf
    u, v, b = gate or net.gates(1)[0]
    h, states = net.zeros(), []
    for x in steps:
        h = (activation or tf.tanh)(tf.matmul(x, u) + tf.matmul(h, v) + b)
        states.append(h)
    return states


def simple_unstacked(net, x):
    return _simple(net, net.unstacked(x))[-1]


def simple_split(net, x):
    return _simple(net, [net.tf.squeeze(part, [1]) for part in net.tf.split(x, TIME, 1)])[-1]


def simple_split_of_rows(net, x):
    """The way of the first tutorials: time first, one matrix, split."""
    tf = net.tf
    rows = tf.reshape(tf.transpose(x, [1, 0, 2]), [-1, FEATURES])
    return _simple(net, tf.split(rows, TIME, 0))[-1]


def simple_sliced(net, x):
    return _simple(net, [x[:, t, :] for t in range(TIME)])[-1]


def simple_sliced_and_reshaped(net, x):
    tf = net.tf
    return _simple(net, [tf.reshape(tf.slice(x, [0, t, 0], [-1, 1, -1]), [-1, FEATURES]) for t in range(TIME)])[-1]


def simple_relu(net, x):
    return _simple(net, net.unstacked(x), activation=net.tf.nn.relu)[-1]


def simple_joined(net, x):
    tf = net.tf
    w, b, h = net.variable(FEATURES + UNITS, UNITS), net.variable(UNITS), net.zeros()
    for value in net.unstacked(x):
        h = tf.tanh(tf.matmul(tf.concat([value, h], 1), w) + b)
    return h


def simple_joined_relu(net, x):
    tf = net.tf
    w, b, h = net.variable(FEATURES + UNITS, UNITS), net.variable(UNITS), net.zeros()
    for value in net.unstacked(x):
        h = tf.nn.relu(tf.matmul(tf.concat([h, value], 1), w) + b)
    return h


def two_biases(net, x):
    tf = net.tf
    (u, v, b), second, h = net.gates(1)[0], net.variable(UNITS), net.zeros()
    for value in net.unstacked(x):
        h = tf.tanh(tf.nn.bias_add(tf.matmul(value, u), b) + tf.nn.bias_add(tf.matmul(h, v), second))
    return h


def transposed_weights(net, x):
    tf = net.tf
    u, v, b, h = net.variable(UNITS, FEATURES), net.variable(UNITS, UNITS), net.variable(UNITS), net.zeros()
    for value in net.unstacked(x):
        h = tf.tanh(tf.matmul(value, u, transpose_b=True) + tf.matmul(h, tf.transpose(v)) + b)
    return h


def transposed_joined_weights(net, x):
    tf = net.tf
    w, b, h = net.variable(UNITS, FEATURES + UNITS), net.variable(UNITS), net.zeros()
    for value in net.unstacked(x):
        h = tf.tanh(tf.matmul(tf.concat([value, h], 1), w, transpose_b=True) + b)
    return h


def _lstm(net, steps, gates):
    tf = net.tf
    h, c, states = net.zeros(), net.zeros(), []
    for x in steps:
        i, f, o, g = [tf.matmul(x, u) + tf.matmul(h, v) + b for u, v, b in gates]
        c = tf.sigmoid(f) * c + tf.sigmoid(i) * tf.tanh(g)
        h = tf.sigmoid(o) * tf.tanh(c)
        states.append(h)
    return states


def lstm(net, x):
    return _lstm(net, net.unstacked(x), net.gates(4))[-1]


def lstm_joined(net, x):
    tf = net.tf
    w, b = net.variable(FEATURES + UNITS, 4 * UNITS), net.variable(4 * UNITS)
    h, c = net.zeros(), net.zeros()
    for value in net.unstacked(x):
        i, g, f, o = tf.split(tf.nn.bias_add(tf.matmul(tf.concat([value, h], 1), w), b), 4, 1)
        c = tf.sigmoid(f + 1.0) * c + tf.sigmoid(i) * tf.tanh(g)
        h = tf.sigmoid(o) * tf.tanh(c)
    return h


def lstm_joined_for_each_gate(net, x):
    """Four matrices, each for input and state."""
    tf = net.tf
    gates = [(net.variable(FEATURES + UNITS, UNITS), net.variable(UNITS)) for _ in range(4)]
    h, c = net.zeros(), net.zeros()
    for value in net.unstacked(x):
        joined = tf.concat([h, value], 1)
        i, f, o, g = [tf.matmul(joined, w) + b for w, b in gates]
        c = tf.sigmoid(f) * c + tf.sigmoid(i) * tf.tanh(g)
        h = tf.sigmoid(o) * tf.tanh(c)
    return h


def lstm_with_peepholes(net, x):
    tf = net.tf
    gates, peepholes = net.gates(4), [net.variable(UNITS) for _ in range(3)]
    h, c = net.zeros(), net.zeros()
    for value in net.unstacked(x):
        i, f, g = [tf.matmul(value, u) + tf.matmul(h, v) + b for u, v, b in gates[:3]]
        i, f = tf.sigmoid(i + peepholes[0] * c), tf.sigmoid(f + peepholes[1] * c)
        c = f * c + i * tf.tanh(g)
        u, v, b = gates[3]
        o = tf.sigmoid(tf.matmul(value, u) + tf.matmul(h, v) + peepholes[2] * c + b)
        h = o * tf.tanh(c)
    return h


def _gru(net, steps, gates):
    tf = net.tf
    h, states = net.zeros(), []
    (uz, vz, bz), (ur, vr, br), (uc, vc, bc) = gates
    for x in steps:
        z = tf.sigmoid(tf.matmul(x, uz) + tf.matmul(h, vz) + bz)
        r = tf.sigmoid(tf.matmul(x, ur) + tf.matmul(h, vr) + br)
        h = (1.0 - z) * h + z * tf.tanh(tf.matmul(x, uc) + tf.matmul(r * h, vc) + bc)
        states.append(h)
    return states


def gru(net, x):
    return _gru(net, net.unstacked(x), net.gates(3))[-1]


def gru_joined(net, x):
    tf = net.tf
    w, b = net.variable(FEATURES + UNITS, 2 * UNITS), net.variable(2 * UNITS)
    wc, bc, h = net.variable(FEATURES + UNITS, UNITS), net.variable(UNITS), net.zeros()
    for value in net.unstacked(x):
        r, z = tf.split(tf.sigmoid(tf.matmul(tf.concat([value, h], 1), w) + b), 2, 1)
        h = z * h + (1.0 - z) * tf.tanh(tf.matmul(tf.concat([value, r * h], 1), wc) + bc)
    return h


def gru_reset_after(net, x):
    tf = net.tf
    (uz, vz, bz), (ur, vr, br), (uc, vc, bc) = net.gates(3)
    second, h = net.variable(UNITS), net.zeros()
    for value in net.unstacked(x):
        z = tf.sigmoid(tf.matmul(value, uz) + tf.matmul(h, vz) + bz)
        r = tf.sigmoid(tf.matmul(value, ur) + tf.matmul(h, vr) + br)
        h = (1.0 - z) * h + z * tf.tanh(tf.matmul(value, uc) + bc + r * (tf.matmul(h, vc) + second))
    return h


def embeddings(net, x):
    tf = net.tf
    table, ids = net.variable(WORDS, FEATURES), np.random.RandomState(1).randint(WORDS, size=(BATCH, TIME))
    return _lstm(net, net.unstacked(tf.nn.embedding_lookup(table, ids)), net.gates(4))[-1]


def bidirectional(net, x):
    steps = net.unstacked(x)
    forward, backward = _gru(net, steps, net.gates(3)), _gru(net, steps[::-1], net.gates(3))
    return net.tf.add_n([a * b for a, b in zip(forward, backward[::-1])])  # noqa: B905 # Python 3.7


def two_layers(net, x):
    return _lstm(net, _lstm(net, net.unstacked(x), net.gates(4)), net.gates(4, UNITS))[-1]


def three_layers_step_by_step(net, x):
    """All layers at a step before the next step."""
    tf = net.tf
    layers = [net.gates(1)[0], net.gates(1, UNITS)[0], net.gates(1, UNITS)[0]]
    states = [net.zeros() for _ in layers]
    for value in net.unstacked(x):
        for i, (u, v, b) in enumerate(layers):
            value = states[i] = tf.tanh(tf.matmul(value, u) + tf.matmul(states[i], v) + b)
    return states[-1]


def dropout_between_layers(net, x):
    tf = net.tf
    below = [tf.nn.dropout(h, keep_prob=0.8, seed=i) for i, h in enumerate(_gru(net, net.unstacked(x), net.gates(3)))]
    return _simple(net, below, net.gates(1, UNITS)[0])[-1]


def lengths_by_where(net, x):
    tf = net.tf
    (u, v, b), h = net.gates(1)[0], net.zeros()
    lengths = tf.constant([6, 2, 4, 1])
    for t, value in enumerate(net.unstacked(x)):
        new = tf.tanh(tf.matmul(value, u) + tf.matmul(h, v) + b)
        h = tf.where(t < lengths, new, h)
    return h


def lengths_by_masks(net, x):
    tf = net.tf
    (u, v, b), h = net.gates(1)[0], net.zeros()
    masks = tf.sequence_mask([6, 2, 4, 1], TIME, dtype=tf.float32)
    for t, value in enumerate(net.unstacked(x)):
        mask = masks[:, t : t + 1]
        h = mask * tf.tanh(tf.matmul(value, u) + tf.matmul(h, v) + b) + (1.0 - mask) * h
    return h


def outputs_at_every_step(net, x):
    tf = net.tf
    states = _simple(net, net.unstacked(x))
    w, b = net.variable(UNITS, UNITS), net.variable(UNITS)
    return tf.add_n([tf.nn.softmax(tf.matmul(h, w) + b) for h in states])


# --- columns ----------------------------------------------------------------------------------------------------------


def _simple_columns(net, steps, gate=None):
    tf = net.tf
    u, v, b = gate or net.columns_of_gates(1)[0]
    h = net.zeros(UNITS, BATCH)
    for x in steps:
        h = tf.tanh(tf.matmul(u, x) + tf.matmul(v, h) + b)
    return tf.transpose(h)


def columns_simple(net, x):
    return _simple_columns(net, net.columns(x))


def columns_of_rows(net, x):
    """The inputs are rows, transposed at each step."""
    return _simple_columns(net, [net.tf.transpose(value) for value in net.unstacked(x)])


def columns_transposed(net, x):
    """Transposed factors on both sides."""
    tf = net.tf
    u, v, b = net.variable(FEATURES, UNITS), net.variable(UNITS, UNITS), net.variable(UNITS, 1)
    h = net.zeros(UNITS, BATCH)
    for value in net.unstacked(x):
        h = tf.tanh(tf.matmul(u, value, transpose_a=True, transpose_b=True) + tf.matmul(tf.transpose(v), h) + b)
    return tf.transpose(h)


def columns_joined(net, x):
    tf = net.tf
    w, b, h = net.variable(UNITS, FEATURES + UNITS), net.variable(UNITS, 1), net.zeros(UNITS, BATCH)
    for value in net.columns(x):
        h = tf.tanh(tf.matmul(w, tf.concat([value, h], 0)) + b)
    return tf.transpose(h)


def columns_joined_transposed(net, x):
    tf = net.tf
    w, b, h = net.variable(FEATURES + UNITS, UNITS), net.variable(UNITS, 1), net.zeros(UNITS, BATCH)
    for value in net.columns(x):
        h = tf.tanh(tf.matmul(w, tf.concat([h, value], 0), transpose_a=True) + b)
    return tf.transpose(h)


def columns_lstm(net, x):
    tf = net.tf
    gates = net.columns_of_gates(4)
    h = c = net.zeros(UNITS, BATCH)
    for value in net.columns(x):
        i, f, o, g = [tf.matmul(u, value) + tf.matmul(v, h) + b for u, v, b in gates]
        c = tf.sigmoid(f) * c + tf.sigmoid(i) * tf.tanh(g)
        h = tf.sigmoid(o) * tf.tanh(c)
    return tf.transpose(h)


def columns_lstm_joined(net, x):
    tf = net.tf
    w, b = net.variable(4 * UNITS, FEATURES + UNITS), net.variable(4 * UNITS, 1)
    h = c = net.zeros(UNITS, BATCH)
    for value in net.columns(x):
        i, f, o, g = tf.split(tf.matmul(w, tf.concat([value, h], 0)) + b, 4, 0)
        c = tf.sigmoid(f) * c + tf.sigmoid(i) * tf.tanh(g)
        h = tf.sigmoid(o) * tf.tanh(c)
    return tf.transpose(h)


def columns_gru(net, x):
    tf = net.tf
    (uz, vz, bz), (ur, vr, br), (uc, vc, bc) = net.columns_of_gates(3)
    h = net.zeros(UNITS, BATCH)
    for value in net.columns(x):
        z = tf.sigmoid(tf.matmul(uz, value) + tf.matmul(vz, h) + bz)
        r = tf.sigmoid(tf.matmul(ur, value) + tf.matmul(vr, h) + br)
        h = (1.0 - z) * h + z * tf.tanh(tf.matmul(uc, value) + tf.matmul(vc, r * h) + bc)
    return tf.transpose(h)


def columns_of_one(net, x):
    """A character at a time, as in small models of text: no batch, each state one column."""
    tf = net.tf
    (u, v, b), h = net.columns_of_gates(1)[0], net.zeros(UNITS, 1)
    w, c = net.variable(UNITS, UNITS), net.variable(UNITS, 1)
    outputs = []
    for t in range(TIME):
        h = tf.tanh(tf.matmul(u, tf.reshape(x[0, t], [FEATURES, 1])) + tf.matmul(v, h) + b)
        outputs.append(tf.nn.softmax(tf.matmul(w, h) + c, axis=0))
    return tf.tile(tf.transpose(tf.add_n(outputs)), [BATCH, 1])


CASES = [
    simple_unstacked, simple_split, simple_split_of_rows, simple_sliced, simple_sliced_and_reshaped, simple_relu,
    simple_joined, simple_joined_relu, two_biases, transposed_weights, transposed_joined_weights, lstm, lstm_joined,
    lstm_joined_for_each_gate, lstm_with_peepholes, gru, gru_joined, gru_reset_after, embeddings, bidirectional,
    two_layers, three_layers_step_by_step, dropout_between_layers, lengths_by_where, lengths_by_masks,
    outputs_at_every_step, columns_simple, columns_of_rows, columns_transposed, columns_joined,
    columns_joined_transposed, columns_lstm, columns_lstm_joined, columns_gru, columns_of_one,
]  # fmt: skip


class Training:
    """A case as a session that trains it: `loss()` is that of the next step."""

    def __init__(self, tf, case):
        random = np.random.RandomState(0)
        with tf.Graph().as_default() as graph:
            tf.set_random_seed(5)
            net, x = Net(tf), tf.placeholder(tf.float32, [BATCH, TIME, FEATURES])
            target = random.uniform(0.2, 0.6, (BATCH, UNITS)).astype(np.float32)
            self.loss_value = tf.reduce_mean(tf.square(case(net, x) - target))
            self.train = tf.train.MomentumOptimizer(0.1, 0.5).minimize(self.loss_value)
            self.session = tf.Session(graph=graph)
            self.session.run(tf.global_variables_initializer())
        self.feed = {x: random.randn(BATCH, TIME, FEATURES).astype(np.float32)}

    def loss(self):
        return float(self.session.run([self.loss_value, self.train], self.feed)[0])
