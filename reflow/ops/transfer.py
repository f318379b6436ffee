"""_Send and _Recv: the ends of an edge between two devices. Only plans contain them."""

from reflow.graph import dtypes
from reflow.graph.registry import define_op


def _lower_send(node):
    # What may be a variable's memory is copied: the variable may change before the other side is done with it.
    function = "copy" if node.dtype(0) is dtypes.string else "clone"
    copy = f".{function}()" if node.attrs["copy"] else ""
    return f"rendezvous.send({node.attrs['key']!r}, {node.args[0]}{copy})"


def _lower_recv(node):
    return f"rendezvous.recv({node.attrs['key']!r})"


define_op("_Send", "tensor: T ->", "T: type, key: string, copy: bool = false", lower=_lower_send, is_stateful=True,
          kernel="rendezvous.send({key}, {tensor})", gradient=None)  # fmt: skip
define_op("_Recv", "-> tensor: T", "T: type, key: string", lower=_lower_recv, is_stateful=True,
          kernel="rendezvous.recv({key})", gradient=None)  # fmt: skip
define_op("_SendToken", "->", "key: string", kernel="rendezvous.send({key}, None)", is_stateful=True, gradient=None)
define_op("_RecvToken", "->", "key: string", kernel="rendezvous.recv({key})", is_stateful=True, gradient=None)
