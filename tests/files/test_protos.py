import pickle

import pytest
from tensorboard.compat.proto import config_pb2, meta_graph_pb2, tensor_pb2

from reflow.files import protos
from reflow.files.protos.proto_language import parse_proto


@pytest.mark.parametrize("stem", protos.stems())
def test_each_file_loads(stem):
    names = vars(protos.load(stem))
    assert names["DESCRIPTOR"].name.endswith(f"{stem}.proto")
    assert len(names) > 1


def test_full_names_are_tensorflows():
    assert protos.BundleEntryProto.DESCRIPTOR.full_name == "tensorflow.BundleEntryProto"
    assert protos.Example.DESCRIPTOR.full_name == "tensorflow.Example"
    assert protos.load("error_codes").DESCRIPTOR.package == "tensorflow.error"


def test_messages_that_hold_tensorboards_messages_hold_its_classes():
    assert isinstance(protos.SavedModel().meta_graphs.add(), meta_graph_pb2.MetaGraphDef)
    assert isinstance(protos.ServerDef().default_session_config, config_pb2.ConfigProto)
    assert isinstance(protos.NamedTensorProto().tensor, tensor_pb2.TensorProto)


def test_enums_and_their_values():
    codes = protos.load("error_codes")
    assert codes.DATA_LOSS == 15
    assert codes.Code.Name(3) == "INVALID_ARGUMENT"
    assert protos.QueueRunnerDef(queue_closed_exception_types=[codes.OUT_OF_RANGE]).queue_closed_exception_types == [11]


def test_messages_pickle():
    example = protos.Example()
    example.features.feature["a"].int64_list.value.append(3)
    assert pickle.loads(pickle.dumps(example)) == example


def test_names_that_do_not_exist():
    with pytest.raises(AttributeError, match="NoSuchMessage"):
        protos.NoSuchMessage  # noqa: B018 (the access is what is tested)
    with pytest.raises(FileNotFoundError):
        protos.load("no_such_file")


@pytest.mark.parametrize(
    "text",
    ["", 'syntax = "proto2";', 'syntax = "proto3"; service A {}', 'syntax = "proto3"; message A { int32 b = 1', "{"],
)
def test_what_the_parser_does_not_support_is_an_error(text):
    with pytest.raises(ValueError, match=r"a\.proto"):
        parse_proto("a.proto", text)


def test_a_map_entry_is_named_as_protoc_names_it():
    file = parse_proto("a.proto", 'syntax = "proto3"; message A { map<string, int32> some_map_1 = 1; }')
    assert file.message_type[0].nested_type[0].name == "SomeMap1Entry"
