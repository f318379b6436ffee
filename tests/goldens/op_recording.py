"""Small graph programs whose outcome is recorded from TensorFlow 1.15.5 and compared with Reflow's.

A family's cases stand in `<family>_cases.py`: functions `case(tf, t)` that build a graph with the given TensorFlow and
tell `t` what to look at. The same functions run under both systems (so they are Python 3.7), and the outcome of each is

- the nodes of its forward graph: name, op type, inputs, attributes;
- the static shape, type and value of each output, and on request of gradients and of gradients of those;
- or the class of the exception that it raises.

`record` writes the outcomes to `<family>.json.gz`; `read` reads them back.
"""

import base64
import gzip
import json
import os
import re
import zlib

import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))


class Cases:
    """The cases of one family, by name, in order of definition."""

    def __init__(self):
        self.functions = {}

    def __call__(self, function):
        """Decorator: a case named as the function."""
        return self.add(function.__name__.strip("_"), function)

    def add(self, name, function):
        """A case under a given name."""
        if name in self.functions:
            raise ValueError("case %s is defined twice" % name)
        self.functions[name] = function
        return function

    def each(self, **parameters):
        """Decorator: one case for each value of the one parameter given by keyword."""
        ((key, values),) = parameters.items()

        def define(function):
            base = function.__name__.strip("_")
            for value in values:
                self.add("%s[%s]" % (base, value), _bind(function, key, value))
            return function

        return define


def _bind(function, key, value):
    return lambda tf, t: function(tf, t, **{key: value})


class Trial:
    """What a case uses: inputs from a fixed seed, and the outputs, gradients and feeds that it names."""

    def __init__(self, tf, name):
        self.tf = tf
        self.random = np.random.RandomState(zlib.crc32(name.encode()) & 0x7FFFFFFF)
        self.feeds = {}
        self.outputs = []
        self.gradients = []
        self.with_graph = True
        self.in_order = False
        self.forward_nodes = None

    def normal(self, *shape, **options):
        """An array of standard normal numbers; `dtype="float32"`."""
        dtype = options.get("dtype", "float32")
        if dtype.startswith("complex"):
            return np.asarray(self.random.randn(*shape) + 1j * self.random.randn(*shape)).astype(dtype)
        return np.asarray(self.random.randn(*shape)).astype(dtype)

    def integers(self, low, high, *shape, **options):
        """An array of integers in [low, high); `dtype="int32"`."""
        return np.asarray(self.random.randint(low, high, shape)).astype(options.get("dtype", "int32"))

    def feed(self, value, shape="static", dtype=None):
        """A placeholder fed with `value`; its static shape is the value's own unless `shape` is given."""
        value = np.asarray(value)
        static = list(value.shape) if isinstance(shape, str) else shape
        placeholder = self.tf.placeholder(dtype or self.tf.as_dtype(value.dtype), static)
        self.feeds[placeholder] = value
        return placeholder

    def out(self, *tensors):
        """Record these tensors."""
        self.outputs.extend(tensors)
        return tensors[0] if len(tensors) == 1 else tensors

    def grad(self, ys, xs, second=False):
        """Record the gradients of `ys`, weighted with fixed numbers, by `xs`; with `second`, their gradients too."""
        self.end_of_forward()
        ys = ys if isinstance(ys, (list, tuple)) else [ys]
        xs = xs if isinstance(xs, (list, tuple)) else [xs]
        weights = [self._weights(y) for y in ys]
        first = self.tf.gradients(list(ys), list(xs), grad_ys=weights)
        self.gradients.extend(first)
        if second:
            dense = [g for g in first if g is not None]
            self.gradients.extend(self.tf.gradients([g * self._weights(g) for g in dense], list(xs)))

    def _weights(self, tensor):
        size = tensor.shape.as_list() if tensor.shape.ndims is not None else None
        if size is None or None in size:
            return self.tf.ones_like(tensor) * self.tf.constant(0.75, dtype=tensor.dtype)
        wave = np.cos(np.arange(int(np.prod(size)), dtype="float64") + 1).reshape(size)
        return self.tf.constant(wave.astype(tensor.dtype.as_numpy_dtype), dtype=tensor.dtype)

    def end_of_forward(self):
        """Nodes made from here on are not compared."""
        if self.forward_nodes is None:
            self.forward_nodes = _node_lines(self.tf.get_default_graph())

    def values_only(self):
        """Do not compare the nodes of this case."""
        self.with_graph = False

    def one_by_one(self):
        """Run each output in a step of its own, in the order in which they were recorded."""
        self.in_order = True


def after(tf, operations, make):
    """What `make` makes, after operations that run one after another."""
    done = []
    for operation in operations:
        with tf.control_dependencies(done):
            done = [operation()]
    with tf.control_dependencies(done):
        return make()


def _node_lines(graph):
    lines = []
    for node in graph.as_graph_def().node:
        attrs = ", ".join(
            "%s=%s" % (key, " ".join(str(value).split()))
            for key, value in sorted(node.attr.items())
            if key not in ("value", "_output_shapes", "_class")
        )
        lines.append("%s = %s(%s) {%s}" % (node.name, node.op, ", ".join(node.input), attrs))
    return lines


def outcome(tf, name, function, config=None):
    """What one case does under `tf`, in a session with `config`: a dict as `read` gives it."""
    graph = tf.Graph()
    with graph.as_default():
        trial = Trial(tf, name)
        tf.set_random_seed(87654321)
        try:
            function(tf, trial)
            trial.end_of_forward()
            fetches = [_dense(tf, g) for g in trial.outputs + trial.gradients if g is not None]
            with tf.Session(graph=graph, config=config) as session:
                session.run([tf.global_variables_initializer(), tf.local_variables_initializer()])
                steps = [[f] for f in fetches] if trial.in_order else [fetches]
                values = [v for step in steps for v in session.run(step, trial.feeds)]
        except Exception as error:
            return {"error": type(error).__name__, "message": _said(str(error))[:300]}
    outputs = [g for g in trial.outputs + trial.gradients if g is not None]
    return {
        "nodes": trial.forward_nodes if trial.with_graph else None,
        "shapes": [_static_shape(t) for t in trial.outputs],
        "dtypes": [t.dtype.base_dtype.name for t in outputs],
        "none_gradients": [i for i, g in enumerate(trial.gradients) if g is None],
        "values": [np.asarray(v) for v in values],
    }


def _said(message):
    """What an error says, without the places in programs that it names, which differ from machine to machine."""
    return re.sub(r" \(defined at [^)]*\)", "", re.split(r"\n\t \[\[|\n\n|\nTraceback", message)[0])


def _dense(tf, value):
    return tf.convert_to_tensor(value)


def _static_shape(tensor):
    return None if tensor.shape.ndims is None else tensor.shape.as_list()


def record(tf, family, cases):
    """Write the outcomes of a family's cases under TensorFlow, which is to rewrite none of the graphs."""
    config = tf.ConfigProto()
    config.graph_options.rewrite_options.disable_meta_optimizer = True
    config.graph_options.optimizer_options.opt_level = -1
    outcomes = {}
    for name, function in cases.functions.items():
        result = outcome(tf, name, function, config)
        if "values" in result:
            result["values"] = [_encode(v) for v in result["values"]]
        else:
            print("%s: %s: %s" % (name, result["error"], (result["message"].splitlines() or [""])[0]))
        outcomes[name] = result
    text = json.dumps(outcomes, sort_keys=True).encode()
    with open(os.path.join(HERE, family + ".json.gz"), "wb") as out:
        out.write(_gzip(text))
    print("%s: %d cases" % (family, len(outcomes)))


def _gzip(text):
    """As gzip.compress, with no time stamp: the same outcomes make the same file."""
    compressor = zlib.compressobj(9, zlib.DEFLATED, 31)
    return compressor.compress(text) + compressor.flush()


def read(family):
    """The recorded outcomes of a family, by case name."""
    with gzip.open(os.path.join(HERE, family + ".json.gz"), "rt") as file:
        outcomes = json.load(file)
    for result in outcomes.values():
        if "values" in result:
            result["values"] = [_decode(v) for v in result["values"]]
    return outcomes


def _encode(array):
    if array.dtype == object:
        return {"dtype": "object", "shape": list(array.shape), "data": [v.decode("latin-1") for v in array.ravel()]}
    name = str(array.dtype)
    if name == "bfloat16":
        array = array.astype("float32")
    data = base64.b64encode(np.ascontiguousarray(array).tobytes()).decode()
    return {"dtype": name, "shape": list(array.shape), "data": data}


def _decode(entry):
    if entry["dtype"] == "object":
        return np.array([v.encode("latin-1") for v in entry["data"]], dtype=object).reshape(entry["shape"])
    dtype = "float32" if entry["dtype"] == "bfloat16" else entry["dtype"]
    return np.frombuffer(base64.b64decode(entry["data"]), dtype=dtype).reshape(entry["shape"])
