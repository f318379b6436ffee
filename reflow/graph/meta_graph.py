"""MetaGraphDef in and out: a GraphDef with its collections, saver and tags."""

import logging
import re

from google.protobuf import text_format
from tensorboard.compat.proto.graph_pb2 import GraphDef
from tensorboard.compat.proto.meta_graph_pb2 import CollectionDef, MetaGraphDef

from reflow.graph import op_proto
from reflow.graph.context import prepend_name_scope, strip_name_scope
from reflow.graph.export import export
from reflow.graph.graph import Graph, get_default_graph
from reflow.graph.graph_def import import_graph_def

logger = logging.getLogger("tensorflow")
VERSION = "1.15.5"
# What stands before the name of an input that an exported scope takes from outside, and the collection of those names.
_UNBOUND_PREFIX = "$unbound_inputs_"
_UNBOUND_COLLECTION = "unbound_inputs"
_SAVERS = "savers"
# collection name -> (proto class, to_proto, from_proto)
_proto_functions: dict[str, tuple] = {}


@export("register_proto_function", "contrib.framework.register_proto_function")
def register_proto_function(collection_name, proto_type=None, to_proto=None, from_proto=None):
    """Say how the items of a collection are written to and read from a MetaGraphDef.

    Args:
      collection_name: the collection.
      proto_type: the class of the protos.
      to_proto: `(item, export_scope=None) -> proto or None`.
      from_proto: `(proto, import_scope=None) -> item`.

    Raises:
      TypeError: if a function cannot be called.
    """
    for function in (to_proto, from_proto):
        if function is not None and not callable(function):
            raise TypeError("to_proto and from_proto must be callable.")
    _proto_functions[collection_name] = proto_type, to_proto, from_proto


def to_proto_function(collection_name):
    """The registered `to_proto` of a collection, or None."""
    return _proto_functions.get(collection_name, (None, None, None))[1]


def from_proto_function(collection_name):
    """The registered `from_proto` of a collection, or None."""
    return _proto_functions.get(collection_name, (None, None, None))[2]


# --- export -------------------------------------------------------------------------------------------------------


def create_meta_graph_def(graph: Graph, graph_def=None, saver_def=None, meta_info_def=None, collection_list=None,
                          export_scope=None, strip_defaults=False, clear_extraneous_savers=False,
                          exclude=frozenset()) -> MetaGraphDef:  # fmt: skip
    """The MetaGraphDef of a graph.

    Args:
      graph: the graph.
      graph_def: its GraphDef, if it was changed on the way; the graph's own if None.
      saver_def: a SaverDef to include.
      meta_info_def: a MetaInfoDef to include; its op list and version are filled in.
      collection_list: the names of the collections to write; all if None.
      export_scope: the name scope that is being exported.
      strip_defaults: leave out attributes that have their default value.
      clear_extraneous_savers: let the collection of savers hold the one of `saver_def` alone.
      exclude: names of nodes that collections are not to hold.
    """
    meta = MetaGraphDef()
    if meta_info_def is not None:
        meta.meta_info_def.CopyFrom(meta_info_def)
    meta.graph_def.CopyFrom(graph_def if graph_def is not None else graph.as_graph_def(add_shapes=True))
    if strip_defaults:
        op_proto.strip_default_attrs(meta.graph_def)
        meta.meta_info_def.stripped_default_attrs = True
    meta.meta_info_def.tensorflow_version = VERSION
    meta.meta_info_def.tensorflow_git_version = f"v{VERSION}"
    if not meta.meta_info_def.stripped_op_list.op:
        meta.meta_info_def.stripped_op_list.CopyFrom(op_proto.stripped_op_list(meta.graph_def))
    if saver_def is not None:
        meta.saver_def.CopyFrom(saver_def)
    for name in graph.get_all_collection_keys() if collection_list is None else collection_list:
        items = graph.get_collection(name)
        if name == _SAVERS and clear_extraneous_savers:
            items = [from_proto_function(name)(saver_def)] if saver_def is not None else []
        _add_collection(meta, name, [i for i in items if _is_included(i, export_scope, exclude)], export_scope)
    return meta


def _is_included(item, export_scope, exclude) -> bool:
    """Whether an item of a collection belongs to what is exported; a string counts as the name of a node."""
    name = item if isinstance(item, str) else getattr(item, "name", None)
    if name is None:
        return True
    return name not in exclude and (name.startswith(_UNBOUND_PREFIX) or _in_scope(name, export_scope))


def _add_collection(meta: MetaGraphDef, name: str, items: list, export_scope) -> None:
    if not items:
        return
    try:
        meta.collection_def[name].CopyFrom(_collection_def(name, items, export_scope))
    except (TypeError, ValueError, AttributeError) as error:
        del meta.collection_def[name]
        logger.warning("Issue encountered when serializing %s.\nType is unsupported, or the types of the items don't "
                       "match field type in CollectionDef. Note this is a warning and probably safe to ignore.\n%s",
                       name, error)  # fmt: skip


def _collection_def(name: str, items: list, export_scope) -> CollectionDef:
    collection = CollectionDef()
    to_proto = to_proto_function(name)
    if to_proto is not None:
        protos = [to_proto(item, export_scope=export_scope) for item in items]
        collection.bytes_list.value.extend(p.SerializeToString() for p in protos if p is not None)
        return collection
    first = items[0]
    if isinstance(first, (str, bytes)):
        collection.bytes_list.value.extend(i.encode() if isinstance(i, str) else i for i in items)
    elif isinstance(first, int):
        collection.int64_list.value.extend(items)
    elif isinstance(first, float):
        collection.float_list.value.extend(items)
    else:
        collection.node_list.value.extend(strip_name_scope(i.name, export_scope) for i in items)
    return collection


def _in_scope(name: str, scope) -> bool:
    return not scope or name.startswith(f"{scope.rstrip('/')}/")


def export_scoped_meta_graph(graph: Graph, graph_def=None, saver_def=None, collection_list=None, export_scope=None,
                             clear_devices=False, clear_extraneous_savers=False,
                             **options) -> MetaGraphDef:  # fmt: skip
    """The MetaGraphDef of what lies below a name scope of a graph.

    Args:
      graph: the graph.
      graph_def: its GraphDef, if not the graph's own.
      saver_def: a SaverDef to include.
      collection_list: the names of the collections to write; all if None.
      export_scope: the name scope, which is taken off the names; the whole graph if None. Inputs from outside get names
        that the collection "unbound_inputs" lists.
      clear_devices: leave out the devices.
      clear_extraneous_savers: leave out the nodes of savers other than that of `saver_def`.
      **options: those of `create_meta_graph_def`.

    Returns:
      A MetaGraphDef.
    """
    if graph_def is None:
        graph_def = graph.as_graph_def(add_shapes=True)
    exclude = _nodes_of_other_savers(graph_def, saver_def) if clear_extraneous_savers else frozenset()
    unbound: list[str] = []
    if export_scope or clear_devices or exclude:
        kept = GraphDef(versions=graph_def.versions, library=graph_def.library)
        for node in graph_def.node:
            if node.name not in exclude and _in_scope(node.name, export_scope):
                _export_node(kept.node.add(), node, export_scope, clear_devices, unbound)
        graph_def = kept
    meta = create_meta_graph_def(graph, graph_def, saver_def, collection_list=collection_list,
                                 export_scope=export_scope, clear_extraneous_savers=clear_extraneous_savers,
                                 exclude=exclude, **options)  # fmt: skip
    if collection_list is None or _UNBOUND_COLLECTION in collection_list:
        _add_collection(meta, _UNBOUND_COLLECTION, [u for u in unbound if u[0] != "^"], export_scope)
    return meta


def _export_node(copy, node, export_scope, clear_devices: bool, unbound: list[str]) -> None:
    """Copy a node without the scope in its names; `unbound` gains the new names of inputs from outside of it."""
    copy.CopyFrom(node)
    copy.name = strip_name_scope(node.name, export_scope)
    if clear_devices:
        copy.device = ""
    for i, name in enumerate(copy.input):
        mark, bare = ("^", name[1:]) if name[0] == "^" else ("", name)
        if _in_scope(bare, export_scope):
            copy.input[i] = strip_name_scope(name, export_scope)
        else:
            copy.input[i] = f"{mark}{_UNBOUND_PREFIX}{bare}"
            unbound.append(copy.input[i])
    if "_class" in copy.attr:
        groups = [strip_name_scope(v.decode(), export_scope).encode() for v in copy.attr["_class"].list.s
                  if _in_scope(v.decode().removeprefix("loc:@"), export_scope)]  # fmt: skip
        copy.attr["_class"].list.s[:] = groups
    if node.op in ("Enter", "RefEnter"):
        copy.attr["frame_name"].s = strip_name_scope(copy.attr["frame_name"].s.decode(), export_scope).encode()


_SAVER_OPS = frozenset({"SaveV2", "Save", "SaveSlices", "RestoreV2", "Restore", "RestoreSlice"})


def _nodes_of_other_savers(graph_def, saver_def) -> frozenset[str]:
    """The nodes in the scopes of savers other than that of `saver_def`; each saver has a scope of its own."""
    scopes = {node.name.rpartition("/")[0] for node in graph_def.node if node.op in _SAVER_OPS}
    if saver_def is not None:
        kept = (saver_def.save_tensor_name, saver_def.restore_op_name)
        scopes -= {name.partition(":")[0].rpartition("/")[0] for name in kept}
    prefixes = tuple(f"{scope}/" for scope in scopes)
    return frozenset(node.name for node in graph_def.node if node.name.startswith(prefixes))


# --- import -------------------------------------------------------------------------------------------------------


def read_meta_graph_file(filename: str) -> MetaGraphDef:
    """Read a MetaGraphDef, binary or text.

    Raises:
      IOError: if the file does not exist or holds no MetaGraphDef.
    """
    try:
        with open(filename, "rb") as file:
            content = file.read()
    except OSError:
        raise OSError(f"File {filename} does not exist.") from None
    meta = MetaGraphDef()
    try:
        meta.ParseFromString(content)
        return meta
    except Exception:
        pass
    try:
        return text_format.Parse(content.decode(), meta)
    except (UnicodeDecodeError, text_format.ParseError) as error:
        raise OSError(f"Cannot parse file {filename}: {error}.") from None


def import_scoped_meta_graph(meta_graph_or_file, clear_devices=False, graph=None, import_scope=None, input_map=None,
                             unbound_inputs_col_name=_UNBOUND_COLLECTION, restore_collections_predicate=None,
                             return_elements=None):  # fmt: skip
    """Add the nodes and collections of a MetaGraphDef to a graph.

    Args:
      meta_graph_or_file: a MetaGraphDef or the name of a file that holds one.
      clear_devices: forget the devices of the nodes.
      graph: the graph; the default graph if None.
      import_scope: a scope to put everything in.
      input_map: as for `import_graph_def`.
      unbound_inputs_col_name: the collection that names inputs from outside of an exported scope.
      restore_collections_predicate: which collections to restore, by name; all if None.
      return_elements: as for `import_graph_def`.

    Returns:
      (dict from variable name to variable, the returned elements).

    Raises:
      ValueError: if the graph has inputs from outside that `input_map` does not give.
    """
    meta = meta_graph_or_file
    if not hasattr(meta, "graph_def"):
        meta = read_meta_graph_file(meta_graph_or_file)
    _check_unbound(meta, unbound_inputs_col_name, input_map or {})
    graph = graph or get_default_graph()
    graph_def = GraphDef()
    graph_def.CopyFrom(meta.graph_def)
    if clear_devices:
        for node in graph_def.node:
            node.device = ""
    with graph.as_default():
        scope = graph.unique_name(import_scope) if import_scope else ""
        prefix = f"{scope}/" if scope else ""
        elements = import_graph_def(graph_def, input_map=input_map, name=prefix, return_elements=return_elements)
        wanted = restore_collections_predicate or (lambda name: True)
        _restore_collections(meta, graph, scope, lambda name: name != unbound_inputs_col_name and wanted(name))
    variables = {}
    for variable in graph.get_collection("variables", scope=re.escape(prefix) if prefix else None):
        variables[strip_name_scope(variable.name, scope)] = variable
    return variables, elements


def _check_unbound(meta: MetaGraphDef, collection: str, input_map) -> None:
    if collection not in meta.collection_def:
        return
    unbound = [name.decode() for name in meta.collection_def[collection].bytes_list.value]
    if sorted(unbound) != sorted(input_map):
        missing = ",".join(name for name in unbound if name not in input_map)
        raise ValueError(f"Graph contains unbound inputs: {missing}. Must provide these inputs through input_map.")


def _restore_collections(meta: MetaGraphDef, graph: Graph, scope: str, wanted) -> None:
    by_proto: dict[bytes, object] = {}
    for name, collection in sorted(meta.collection_def.items()):
        if not wanted(name):
            continue
        kind = collection.WhichOneof("kind")
        from_proto = from_proto_function(name)
        if kind == "bytes_list" and from_proto is not None:
            proto_type = _proto_functions[name][0]
            for serialized in collection.bytes_list.value:
                # A variable that is in several collections is one variable.
                if serialized not in by_proto:
                    by_proto[serialized] = from_proto(proto_type.FromString(serialized), import_scope=scope)
                graph.add_to_collection(name, by_proto[serialized])
        elif kind == "node_list":
            for value in collection.node_list.value:
                graph.add_to_collection(name, graph.as_graph_element(prepend_name_scope(value, scope)))
        elif kind == "bytes_list" and scope:
            # Texts in a collection are names of nodes, as TensorFlow sees it.
            for value in collection.bytes_list.value:
                graph.add_to_collection(name, prepend_name_scope(value.decode(), scope))
        elif kind is not None:
            for value in getattr(collection, kind).value:
                graph.add_to_collection(name, value)


@export("train.write_graph", "io.write_graph")
def write_graph(graph_or_graph_def, logdir, name, as_text=True):
    """Write a graph to a file.

    Args:
      graph_or_graph_def: a Graph or a GraphDef.
      logdir: the folder; made if absent.
      name: the file's name.
      as_text: as text proto, or binary.

    Returns:
      The file's path.
    """
    import os

    graph_def = graph_or_graph_def.as_graph_def() if isinstance(graph_or_graph_def, Graph) else graph_or_graph_def
    os.makedirs(logdir, exist_ok=True)
    path = os.path.join(logdir, name)
    content = text_format.MessageToString(graph_def).encode() if as_text else graph_def.SerializeToString()
    partial = f"{path}.tmp{os.getpid()}"
    with open(partial, "wb") as file:
        file.write(content)
    os.replace(partial, path)
    return path
