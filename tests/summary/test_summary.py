"""Summary functions beside TensorFlow 1.15.5 (tests/goldens/summary_cases.py): nodes, tags, collections and values."""

import gzip
import io
import json
import pathlib
import sys

import numpy as np
import pytest
from PIL import Image

import reflow as tf

GOLDENS = pathlib.Path(__file__).parents[1] / "goldens"
sys.path.append(str(GOLDENS))
import summary_cases  # noqa: E402

RECORDED = json.loads(gzip.decompress((GOLDENS / "summary.json.gz").read_bytes()))


def _without_pictures(summary):
    """The pixels of a summary's images; the summary keeps all else. PNG files may be packed in different ways."""
    pictures = []
    for value in summary.value:
        if value.HasField("image"):
            pictures.append(np.array(Image.open(io.BytesIO(value.image.encoded_image_string))))
            value.image.encoded_image_string = b""
    return pictures


@pytest.mark.parametrize("name", summary_cases.cases)
def test_as_tensorflow(name):
    expected, actual = RECORDED[name], summary_cases.outcome(tf, name)
    for key in ("error", "message", "nodes", "collections"):
        assert actual.get(key) == expected.get(key)
    if "error" in expected:
        return
    ours, theirs = (tf.Summary.FromString(outcome["summary"].encode("latin-1")) for outcome in (actual, expected))
    our_pictures, their_pictures = _without_pictures(ours), _without_pictures(theirs)
    assert len(our_pictures) == len(their_pictures)
    for our_picture, their_picture in zip(our_pictures, their_pictures, strict=True):
        np.testing.assert_array_equal(our_picture, their_picture)
    assert str(ours) == str(theirs)


def test_sounds_with_the_rate_as_an_attribute():
    """The op of old GraphDefs; TensorFlow 1.15 adds no new ones."""
    sound = np.sin(np.arange(50, dtype=np.float32)).reshape(1, 50)
    with tf.Graph().as_default(), tf.Session() as session:
        old = tf.raw_ops.AudioSummary(tag="s", tensor=sound, sample_rate=8000.0, max_outputs=1)
        new = tf.raw_ops.AudioSummaryV2(tag="s", tensor=sound, sample_rate=8000.0, max_outputs=1)
        assert session.run(old) == session.run(new)
