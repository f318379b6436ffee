"""Sound: files read, spectra, cepstral coefficients."""

import struct

import numpy as np

from tests.differential.parsing import damaged, strings
from tests.differential.table import Table

table = Table("sound", kept=16)


def _wav(samples, rate, *, bits=16, encoding=1):
    """A file of int16 samples [length, channels]; of another kind by its header alone."""
    data = samples.astype("<i2").tobytes()
    frame = samples.shape[1] * bits // 8
    header = struct.pack("<HHIIHH", encoding, samples.shape[1], rate, rate * frame, frame, bits)
    chunks = b"fmt " + struct.pack("<I", len(header)) + header + b"data" + struct.pack("<I", len(data)) + data
    return b"RIFF" + struct.pack("<I", 4 + len(chunks)) + b"WAVE" + chunks


def _decode(d):
    samples = d.array("int16", (d.int(1, 5), d.int(1, 3)))
    content = _wav(samples, d.pick(8000, 44100), bits=d.pick(16, 16, 16, 8), encoding=d.pick(1, 1, 1, 3))
    channels, length = d.pick(-1, -1, 1, 2, 0), d.pick(-1, -1, 2, 7, 0)
    return [strings([damaged(d, content)], ())], {"desired_channels": channels, "desired_samples": length}


def _spectrogram(d):
    window = d.int(2, 20)
    # Of several channels TensorFlow starts each where it left the one before, or fails.
    sound = d.array("float32", (d.int(1, 40), 1), "symmetric_finite")
    return [sound], {"window_size": window, "stride": d.int(1, 12), "magnitude_squared": d.flag()}


def _mfcc(d):
    channels = d.int(2, 10)
    spectrum = d.array("float32", (d.int(1, 2), d.int(1, 3), d.pick(33, 65)), "positive")
    return [spectrum, np.array(d.pick(8000, 16000), "int32")], {
        "upper_frequency_limit": d.pick(3000.0, 4000.0), "lower_frequency_limit": d.pick(20.0, 300.0),
        "filterbank_channel_count": channels, "dct_coefficient_count": d.int(1, channels)}  # fmt: skip


table.add("DecodeWav", _decode)
table.add("AudioSpectrogram", _spectrogram, scaled=True, tolerances={"float32": 1e-4})
table.add("Mfcc", _mfcc, scaled=True, tolerances={"float32": 1e-4})
