"""Every op without state stands in a table, or here with the reason why not."""

import re

from reflow.graph import dtypes
from reflow.graph.registry import OPS
from tests.differential.families import TABLES

# Reason -> patterns of names.
_ELSEWHERE = {
    "it stands for structure of the graph": "Const|HostConst|Switch|Merge|NoOp|ControlTrigger|Abort|Fact|FakeParam|"
    "Placeholder.*|PyFunc.*|ImmutableConst|RefSelect|Debug.*",
    "TensorFlow's is that of BlockLSTM, whose gates stand in another order": "BlockLSTMGradV2",
    "reads files; tests of its own": "ReadFile|MatchingFiles|GenerateVocabRemapping",
    "goldens of its own family": "TensorArray.*V2",
    "needs devices that are not a CPU": "Cudnn.*|TPU.*|AllToAll|Cross.*|Collective.*|Infeed.*|Prelinearize.*|Nccl.*",
    "TensorFlow 1.15 has no kernel on the CPU": "TileGrad|Unbatch.*|Batch(FFT|IFFT).*|CTCLossV2|"
    "MaxPoolGradGradWithArgmax|Quantized(Conv2D|DepthwiseConv2D|MatMulWithBias).*|QuantizedReluX|Requantiz.*PerChannel",
}  # fmt: skip


def _has_state(op):
    if op.is_stateful or op.resource or op.references:
        return True
    return any(arg.dtype in (dtypes.resource, dtypes.variant) for arg in [*op.inputs, *op.outputs])


def _is_listed(name):
    return any(re.fullmatch(patterns, name) for patterns in _ELSEWHERE.values())


def test_every_op_is_compared():
    compared = {op for table in TABLES.values() for op in table}
    missing = [name for name, op in OPS.items()
               if name not in compared and not name.startswith("_") and not _has_state(op) and not _is_listed(name)]
    assert missing == [], "enter them into a table, or list them above with the reason"


def test_tables_name_ops():
    assert {op for table in TABLES.values() for op in table} <= set(OPS)
