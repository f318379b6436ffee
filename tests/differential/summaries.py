"""Summaries: images, sound, tensors, and several merged into one."""

import io

import numpy as np
from PIL import Image
from tensorboard.compat.proto.summary_pb2 import Summary

from tests.differential.parsing import damaged_message, strings
from tests.differential.table import Table

table = Table("summaries", kept=16)


def _image(d):
    shape = (d.int(0, 4), d.int(1, 3), d.int(1, 3), d.pick(1, 3, 4))
    images = d.array("T", shape, low=0, high=255)
    return [np.array(b"tag", object), images], {"max_images": d.int(1, 4)}


def _of_images(serialized):
    """Names, sizes and pixels: the same image can be written as PNG in many ways."""
    values = Summary.FromString(serialized.item()).value
    names = np.array([f"{v.tag} {v.image.height} {v.image.width} {v.image.colorspace}" for v in values], "S")
    return [names, *(np.array(Image.open(io.BytesIO(v.image.encoded_image_string))) for v in values)]


def _audio(d):
    shape = (d.int(0, 4), d.int(1, 4), *([d.int(1, 2)] if d.flag() else []))
    inputs = [np.array(b"tag", object), d.array("float32", shape, "symmetric")]
    attrs = {"max_outputs": d.int(1, 4)}
    if d.op.endswith("V2"):
        return [*inputs, np.array(d.pick(8000.0, 44100.0), "float32")], attrs
    return inputs, {**attrs, "sample_rate": d.pick(8000.0, 44100.0)}


def _tensor(d):
    return [d.array("T", d.shape(most=2))], {"description": b"text", "labels": [b"a"], "display_name": b"name"}


def _merge(d):
    texts, tag = [], 0
    for _ in range(d.int(1, 3)):
        summary = Summary()
        for _ in range(d.int(0, 2)):
            # The same tag twice is an error.
            tag += not d.rarely()
            summary.value.add(tag=f"tag{tag}", simple_value=d.int(-4, 4))
        texts.append(damaged_message(d, summary.SerializeToString()))
    return [[strings([text], d.pick((), (1,))) for text in texts]], {}


table.add("ImageSummary", _image, derived=_of_images)
table.add("AudioSummary", _audio, producer=14)
table.add("AudioSummaryV2", _audio)
table.add("TensorSummary", _tensor, types={"T": ["float32", "float64", "int32", "int64", "bool", "string", "uint8"]})
table.add("MergeSummary", _merge)
