"""The public names of messages that only files and servers use."""

from reflow.files import protos
from reflow.graph.export import export_value

_DOCS = {
    "example": {
        "Example": "The features of one example, by name: what most TFRecord files hold.",
        "SequenceExample": "The features of one example, and lists of features for its time steps.",
    },
    "feature": {
        "BytesList": "A list of byte strings.",
        "FloatList": "A list of 32-bit floating point numbers.",
        "Int64List": "A list of 64-bit integers.",
        "Feature": "One list of byte strings, numbers or integers.",
        "Features": "Features by name.",
        "FeatureList": "A feature for each time step.",
        "FeatureLists": "Lists of features by name.",
    },
    "tensorflow_server": {
        "ServerDef": "What a server of a cluster needs to know: the cluster, its own job and task, session options.",
    },
}

for _stem, _docs in _DOCS.items():
    for _name, _doc in _docs.items():
        _message = getattr(protos.load(_stem), _name)
        _message.__doc__ = _doc
        export_value(f"train.{_name}", _message)
