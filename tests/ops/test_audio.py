"""Sound against TensorFlow 1.15.5."""

import struct

import numpy as np
import pytest

import reflow as tf
from tests.ops.recorded import Recorded

recorded = Recorded("audio")


@recorded.each_case
def test_as_tensorflow(name):
    recorded.check(name)


def test_channels_have_spectrograms_of_their_own():
    """TensorFlow 1.15.5 goes on with the rest of the channel before, or fails."""
    sound = np.random.default_rng(0).normal(size=(50, 2)).astype(np.float32)
    with tf.Graph().as_default(), tf.Session() as session:
        together, first, second = (
            tf.raw_ops.AudioSpectrogram(input=x, window_size=16, stride=7) for x in (sound, sound[:, :1], sound[:, 1:])
        )
        together, *apart = session.run([together, first, second])
    np.testing.assert_array_equal(together, np.concatenate(apart))


def test_stride_of_zero():
    """TensorFlow 1.15.5 divides by it and is gone."""
    with tf.Graph().as_default(), pytest.raises(ValueError, match="stride must be positive, got 0"):
        tf.raw_ops.AudioSpectrogram(input=np.zeros((9, 1)), window_size=4, stride=0)


def test_wav_of_no_channels():
    header = b"WAVEfmt " + struct.pack("<IHHIIHH", 16, 1, 0, 8000, 0, 0, 16) + b"data" + struct.pack("<I", 4) + b"abcd"
    file = b"RIFF" + struct.pack("<I", len(header)) + header
    no_channels = pytest.raises(tf.errors.InvalidArgumentError, match="no channels")
    with tf.Graph().as_default(), tf.Session() as session, no_channels:
        session.run(tf.audio.decode_wav(file))
