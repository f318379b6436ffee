"""The protocol buffer classes of the 1.x API, under their public names."""

from tensorboard.compat.proto import (
    attr_value_pb2,
    cluster_pb2,
    config_pb2,
    event_pb2,
    graph_pb2,
    histogram_pb2,
    meta_graph_pb2,
    node_def_pb2,
    saver_pb2,
    summary_pb2,
)

from reflow.graph.export import export_values

export_values({
    "AttrValue": attr_value_pb2.AttrValue,
    "NameAttrList": attr_value_pb2.NameAttrList,
    "ConfigProto": config_pb2.ConfigProto,
    "GPUOptions": config_pb2.GPUOptions,
    "GraphOptions": config_pb2.GraphOptions,
    "OptimizerOptions": config_pb2.OptimizerOptions,
    "RunMetadata": config_pb2.RunMetadata,
    "RunOptions": config_pb2.RunOptions,
    "Event": event_pb2.Event,
    "summary.Event": event_pb2.Event,
    "LogMessage": event_pb2.LogMessage,
    "SessionLog": event_pb2.SessionLog,
    "summary.SessionLog": event_pb2.SessionLog,
    "summary.TaggedRunMetadata": event_pb2.TaggedRunMetadata,
    "GraphDef": graph_pb2.GraphDef,
    "HistogramProto": histogram_pb2.HistogramProto,
    "MetaGraphDef": meta_graph_pb2.MetaGraphDef,
    "TensorInfo": meta_graph_pb2.TensorInfo,
    "NodeDef": node_def_pb2.NodeDef,
    "train.ClusterDef": cluster_pb2.ClusterDef,
    "train.JobDef": cluster_pb2.JobDef,
    "train.SaverDef": saver_pb2.SaverDef,
    "Summary": summary_pb2.Summary,
    "summary.Summary": summary_pb2.Summary,
    "SummaryMetadata": summary_pb2.SummaryMetadata,
    "summary.SummaryDescription": summary_pb2.SummaryDescription,
})


