"""Every registered op is whole: kernel, shape rule, gradient decision, a test, memory that it does not share."""

import ast
import functools
import gzip
import json
import pathlib
import re

import numpy as np
import pytest

from reflow.engine.evaluate import evaluate
from reflow.engine.plan import Node
from reflow.graph.convert import constant_value
from reflow.graph.export import EXPORTS
from reflow.graph.operation import Tensor
from reflow.graph.registry import MISSING, OPS
from reflow.ops.torch_types import array_of
from reflow.ops.without_kernels import definition as without_kernels
from reflow.raw_ops import snake_case
from tests.recorded_ops import op_types, recorded_cases

TESTS = pathlib.Path(__file__).parent
OPS_ROOM = TESTS.parent / "reflow" / "ops"
GRADIENTS = json.loads((TESTS / "goldens" / "gradient_registry.json").read_text())

# Ops that no kernel computes: the plan turns them into something else.
WITHOUT_KERNEL = {
    "Const": "a literal of the emitted code",
    "HostConst": "a literal of the emitted code",
    "Switch": "the plan turns conditionals into guards",
    "RefSwitch": "the plan turns conditionals into guards",
    "Merge": "the plan turns conditionals into guards",
    "RefMerge": "the plan turns conditionals into guards",
}
# Where our gradient decision is not that of TensorFlow's registry.
OTHER_GRADIENTS = {
    "ZeroInitializer": "an op of contrib, which the recorder does not load; it gives a reference",
    "ZeroVarInitializer": "as ZeroInitializer",
    "Const": "it has no inputs, so nobody asks",
    "CTCLossV2": "an op of TensorFlow 2",
    "RandomCrop": "TensorFlow says so of an op that it does not have",
    "MatrixExponential": "TensorFlow 1.15 computes it of other ops, which have gradients",
    **dict.fromkeys(
        ["StatelessRandomUniform", "StatelessRandomNormal", "StatelessTruncatedNormal", "StatelessRandomUniformInt",
         "StatelessMultinomial"], "no input that a gradient flows to"),
}  # fmt: skip

# Public ops that the package of TensorFlow 1.15.5 lacks, though its API names them.
LATER_OPS = {"CTCLossV2"}

# Attributes that allow more than TensorFlow 1.15's.
WIDER_ATTRS = {
    "FusedBatchNormV3": "the data formats of volumes, which TensorFlow 2 added",
    "FusedBatchNormGradV3": "the data formats of volumes, which TensorFlow 2 added",
}

public_ops = {name: op for name, op in OPS.items() if not name.startswith("_")}


def test_kernels():
    """Every op can run, but for those that TensorFlow's own CPU build cannot run either."""
    nowhere = set(json.loads((TESTS / "goldens" / "without_kernels.json").read_text()))
    assert without_kernels.NAMES - nowhere == set()
    missing = {n for n, op in public_ops.items() if op.kernel is None and op.resource is None and op.lower is None}
    assert missing == set(WITHOUT_KERNEL)


def test_shape_rules():
    assert [name for name, op in public_ops.items() if op.shape is None] == []


def _decision(op):
    if op.gradient is MISSING:
        return None
    return "none" if op.gradient is None else "function"


def test_gradient_decisions():
    """As TensorFlow decided: a function, not differentiable, or no entry (which is an error when it is needed)."""
    different = {n for n, op in public_ops.items() if _decision(op) != GRADIENTS.get(n)}
    assert different == set(OTHER_GRADIENTS) & set(public_ops)


# --- tests that name an op ------------------------------------------------------------------------------------------


@functools.cache
def _test_text():
    """All words in the tests and in what they compare with."""
    texts = [path.read_text() for path in TESTS.rglob("*.py") if path.name != "test_conformance.py"]
    texts += [gzip.decompress(path.read_bytes()).decode() for path in TESTS.glob("goldens/*.json.gz")]
    texts += [str(np.load(path)["cases"]) for path in TESTS.glob("goldens/*.npz")]
    return set(re.findall(r"\w+", "\n".join(texts)))


@functools.cache
def _public_functions():
    """Op -> the last parts of the public names of functions that call it, as far as the source says."""
    names = {}
    for name, value in EXPORTS.items():
        names.setdefault(getattr(value, "__name__", ""), set()).add(name.rpartition(".")[2])
    found = {}
    for path in OPS_ROOM.glob("*.py"):
        for function in ast.walk(ast.parse(path.read_text())):
            if isinstance(function, ast.FunctionDef) and function.name in names:
                for op in _ops_called(function):
                    found.setdefault(op, set()).update(names[function.name])
    return found


def _ops_called(function):
    """The ops that a function of the source names."""
    constants = (node.value for node in ast.walk(function) if isinstance(node, ast.Constant))
    return {value for value in constants if isinstance(value, str) and value in OPS}


def _is_tested(name):
    words = {name, snake_case(name)} | _public_functions().get(name, set())
    return name in op_types() or bool(words & _test_text())


def test_every_op_has_a_test():
    untested = sorted(name for name in public_ops if not _is_tested(name))
    assert not untested, ", ".join(untested)


# --- memory ---------------------------------------------------------------------------------------------------------

# One kernel is looked at in this many places: with other attributes and shapes it may do other things.
_EACH = 12


class _Values:
    """The values of a graph's tensors, computed kernel by kernel on arrays that share no memory with each other."""

    def __init__(self, feeds):
        self._known = {tensor: np.array(value, tensor.dtype.base_dtype.np_dtype)
                       for tensor, value in feeds.items() if isinstance(tensor, Tensor)}  # fmt: skip

    def of(self, tensor):
        """The value of a tensor, or None if it hangs on state or on what cannot be computed."""
        if tensor not in self._known:
            constant = constant_value(tensor)
            self._known[tensor] = None
            if constant is not None:
                self._known[tensor] = constant.copy()
            else:
                self.run(tensor.op)
        return self._known[tensor]

    def run(self, operation):
        """The arrays that an operation takes and what its kernel made of them; None if it cannot be run here."""
        op = operation.op_def
        if op.is_stateful or op.resource or op.kernel is None or op.references:
            return None
        given = [self.of(tensor) for tensor in operation._inputs]
        if any(array is None for array in given):
            return None
        given = [array.copy() for array in given]
        try:
            made = evaluate(Node(operation.name, op, operation.attrs, []), given)
        except Exception:
            return None
        for tensor, value in zip(operation.outputs, made, strict=True):
            self._known[tensor] = np.array(array_of(value))
        return given, made


def _shared(op, given, made):
    """The inputs that share memory with an output although the op does not say so."""
    for i, array in enumerate(given):
        for value in made:
            if i not in op.aliases and np.shares_memory(array, array_of(value)):
                yield i


def test_kernels_share_no_memory_that_they_do_not_declare():
    """Else the plan would let a later node write into a value that somebody still reads."""
    faults, looked_at = {}, {}
    for graph, feeds in recorded_cases():
        values = _Values(feeds)
        for operation in graph.get_operations():
            if looked_at.get(operation.type, 0) >= _EACH:
                continue
            result = values.run(operation)
            if result is None:
                continue
            looked_at[operation.type] = looked_at.get(operation.type, 0) + 1
            for i in _shared(operation.op_def, *result):
                faults.setdefault(operation.type, set()).add(i)
    assert len(looked_at) > 250
    assert faults == {}


# --- TensorFlow's own definitions -----------------------------------------------------------------------------------

_DEFINITIONS = """
from tensorflow.core.framework import op_def_pb2
from tensorflow.python import pywrap_tensorflow
library = pywrap_tensorflow.TF_GetBuffer(pywrap_tensorflow.TF_GetAllOpList())
ops = {op.name: op for op in op_def_pb2.OpList.FromString(library).op}
names = json.load(open(sys.argv[1]))
json.dump({n: ops[n].SerializeToString().hex() for n in names if n in ops}, open(sys.argv[2], "w"))
print("null")
"""


def _plain(proto):
    """An OpDef without prose; default tensors as arrays, because there are two spellings."""
    from reflow.graph.tensor_proto import proto_to_ndarray

    def attr(a):
        default = a.default_value if a.HasField("default_value") else None
        if default is not None and default.HasField("tensor"):
            default = proto_to_ndarray(default.tensor).tolist()
        allowed = a.allowed_values.list
        # No list is shorter than 0.
        minimum = a.minimum if a.has_minimum and (a.minimum or not a.type.startswith("list(")) else None
        return a.type, str(default), minimum, set(allowed.type), set(allowed.s)

    def arg(a):
        return a.name, a.type, a.type_attr, a.number_attr, a.type_list_attr, a.is_ref

    return {
        "inputs": [arg(a) for a in proto.input_arg], "outputs": [arg(a) for a in proto.output_arg],
        "attrs": {a.name: attr(a) for a in proto.attr}, "is_stateful": proto.is_stateful,
        "is_commutative": proto.is_commutative, "is_aggregate": proto.is_aggregate,
        "allows_uninitialized_input": proto.allows_uninitialized_input,
    }  # fmt: skip


@pytest.mark.oracle
def test_signatures_are_tensorflows(tensorflow1, tmp_path):
    from reflow.graph.op_proto import op_def_proto

    asked, answered = tmp_path / "names", tmp_path / "definitions"
    asked.write_text(json.dumps(sorted(public_ops)))
    tensorflow1(_DEFINITIONS, asked, answered)
    theirs = json.loads(answered.read_text())
    faults = [f"{name}: not an op of TensorFlow" for name in public_ops if name not in theirs and name not in LATER_OPS]
    for name, serialized in theirs.items():
        ours = op_def_proto(OPS[name])
        expected, actual = _plain(type(ours).FromString(bytes.fromhex(serialized))), _plain(ours)
        for key, value in expected.items():
            if actual[key] != value and name not in WIDER_ATTRS:
                faults.append(f"{name}.{key}: {actual[key]} should be {value}")
    assert not faults, "\n".join(faults)
