"""Programs with tf.contrib.summary: what their event files hold, and their nodes."""

import glob
import os
import re

import numpy as np

CASES = {}


def case(function):
    CASES[function.__name__] = function
    return function


def outcome(tf, function, logdir):
    """The events that a case writes, as text without times, and the types of its nodes; or its exception."""
    with tf.Graph().as_default() as graph, tf.Session() as session:
        try:
            function(tf, session, logdir)
        except Exception as error:
            return {"error": type(error).__name__}
        nodes = ["%s %s %s" % (n.name, n.op, ",".join(n.input)) for n in graph.as_graph_def().node]
    events = []
    for path in sorted(glob.glob(os.path.join(logdir, "*"))):
        for event in tf.train.summary_iterator(path):
            event.ClearField("wall_time")
            if event.HasField("graph_def"):
                event.graph_def = b"graph"
            for value in event.summary.value:
                if value.HasField("image"):
                    value.image.ClearField("encoded_image_string")
                if value.HasField("audio"):
                    value.audio.ClearField("encoded_audio_string")
                if value.HasField("histo"):
                    value.histo.sum = round(value.histo.sum, 4)
                    value.histo.sum_squares = round(value.histo.sum_squares, 4)
            # Versions of protobuf differ in how they print numbers.
            events.append(re.sub(r"\b\d+\.\d+(e[+-]\d+)?", lambda m: "%.9g" % float(m.group()), str(event)))
    # What runs in one step is written in any order.
    return {"events": sorted(events), "nodes": sorted(node.replace(logdir, "LOGS") for node in nodes)}


def run(tf, session, logdir, make, steps=1, condition=None):
    """Run what `make` makes with a default writer, as many steps as given."""
    summary = tf.contrib.summary
    tf.train.create_global_step()
    writer = summary.create_file_writer(logdir, flush_millis=0, name="writer")
    with writer.as_default(), (condition or summary.always_record_summaries)():
        make(summary)
        session.run(tf.global_variables_initializer())
        summary.initialize(session=session)
        for _ in range(steps):
            session.run(summary.all_summary_ops())
            session.run(tf.assign_add(tf.train.get_global_step(), 1))
    session.run(writer.close())


@case
def scalars(tf, session, logdir):
    def make(summary):
        x = tf.constant(1.5)
        summary.scalar("x", x)
        with tf.name_scope("scope"):
            summary.scalar("y", tf.constant(3, tf.int32), family="family", step=7)

    run(tf, session, logdir, make)


@case
def kinds(tf, session, logdir):
    def make(summary):
        summary.histogram("histogram", tf.constant(np.arange(5, dtype="float32")))
        summary.image("image", tf.zeros([2, 3, 4, 1]), max_images=1)
        summary.audio("audio", tf.zeros([1, 8, 2]), 8000.0, max_outputs=1)
        summary.generic("generic", tf.constant([1, 2]))
        metadata = tf.SummaryMetadata(plugin_data=tf.SummaryMetadata.PluginData(plugin_name="p"))
        summary.generic("text", tf.constant("t"), metadata=metadata)

    run(tf, session, logdir, make)


@case
def sometimes(tf, session, logdir):
    run(tf, session, logdir, lambda summary: summary.scalar("x", tf.constant(1.5)), 4,
        lambda: tf.contrib.summary.record_summaries_every_n_global_steps(2))  # fmt: skip


@case
def never(tf, session, logdir):
    run(tf, session, logdir, lambda summary: summary.scalar("x", tf.constant(1.5)), 2,
        tf.contrib.summary.never_record_summaries)  # fmt: skip


@case
def nobody_says_when(tf, session, logdir):
    with tf.contrib.summary.create_file_writer(logdir, name="writer").as_default():
        print(tf.contrib.summary.scalar("x", tf.constant(1.5), step=1).op.type)


@case
def graph_and_events(tf, session, logdir):
    summary = tf.contrib.summary
    writer = summary.create_file_writer(logdir, name="writer", filename_suffix=".s")
    with writer.as_default():
        event = tf.Event(step=5, summary=tf.Summary(value=[tf.Summary.Value(tag="t", simple_value=2.0)]))
        imported = summary.import_event(event.SerializeToString())
        raw = tf.raw_ops.WriteRawProtoSummary(writer=writer._resource, step=9,
                                              tensor=event.summary.SerializeToString())  # fmt: skip
        summary.initialize(graph=tf.get_default_graph(), session=session)
        session.run(imported)
        session.run(raw)
    session.run(writer.close())


@case
def initialize_without_a_writer(tf, session, logdir):
    tf.contrib.summary.initialize(session=session)


@case
def graph_of_a_graph(tf, session, logdir):
    with tf.contrib.summary.create_file_writer(logdir).as_default():
        tf.contrib.summary.graph(tf.get_default_graph(), 0)


@case
def malformed_event(tf, session, logdir):
    writer = tf.contrib.summary.create_file_writer(logdir)
    with writer.as_default():
        tf.contrib.summary.initialize(session=session)
        session.run(tf.contrib.summary.import_event(b"\xff"))


@case
def malformed_summary(tf, session, logdir):
    writer = tf.contrib.summary.create_file_writer(logdir)
    session.run(writer.init())
    session.run(tf.raw_ops.WriteRawProtoSummary(writer=writer._resource, step=1, tensor=b"\xff"))


@case
def malformed_graph(tf, session, logdir):
    writer = tf.contrib.summary.create_file_writer(logdir)
    session.run(writer.init())
    session.run(tf.raw_ops.WriteGraphSummary(writer=writer._resource, step=1, tensor=b"\xff"))


@case
def nan_in_a_histogram(tf, session, logdir):
    run(tf, session, logdir, lambda summary: summary.histogram("h", tf.constant([1.0, float("nan")])))


@case
def not_created(tf, session, logdir):
    writer = tf.contrib.summary.create_file_writer(logdir)
    session.run(writer.flush())
