"""Records context_protos.pb: what TensorFlow 1.15.5 exports of the program of context_protos_cases.py."""

import pathlib

import context_protos_cases
import tensorflow as tf

meta = context_protos_cases.meta_graph(tf)
meta.meta_info_def.Clear()
pathlib.Path(__file__).with_name("context_protos.pb").write_bytes(meta.SerializeToString())
