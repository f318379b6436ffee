"""Sound: WAV files, spectrograms, cepstral coefficients."""

import struct

import numpy as np
from op_recording import Cases

case = Cases()


def wav(samples, rate=8000, size=16, chunks=b"", **changed):
    """The bytes of a WAV file of int16 samples [moments, channels], with other header fields on request."""
    samples = np.asarray(samples, "<i2")
    channels = samples.shape[1]
    fields = dict(encoding=1, channels=channels, rate=rate, second=rate * channels * 2, frame=channels * 2, bits=16)
    fields.update(changed)
    names = ("encoding", "channels", "rate", "second", "frame", "bits")
    data = samples.tobytes()
    text = b"WAVEfmt " + struct.pack("<I", size) + struct.pack("<HHIIHH", *[fields[n] for n in names])
    text += b"\0" * (size - 16) + chunks + b"data" + struct.pack("<I", len(data)) + data
    return b"RIFF" + struct.pack("<I", len(text)) + text


STEREO = np.array([[0, 1], [-1, 100], [32767, -32768], [16384, -20000], [5, 6]])
OTHER_CHUNK = b"LIST" + struct.pack("<I", 3) + b"abc"

BAD_FILES = {
    "empty": b"",
    "short": b"RIF",
    "not_riff": b"RIFX" + wav(STEREO)[4:],
    "not_wave": wav(STEREO).replace(b"WAVE", b"WAVY"),
    "no_format": wav(STEREO).replace(b"fmt ", b"fmt_"),
    "cut_in_format": wav(STEREO)[:30],
    "format_size": wav(STEREO, size=20),
    "encoding": wav(STEREO, encoding=3),
    "bits": wav(STEREO, bits=8),
    "frame": wav(STEREO, frame=3),
    "second": wav(STEREO, second=1),
    "cut_in_data": wav(STEREO)[:-3],
    "no_data": wav(STEREO)[:36],
    "two_data": wav(STEREO, chunks=b"data" + struct.pack("<I", 4) + b"1234"),
    "large_chunk": wav(STEREO, chunks=b"LIST" + struct.pack("<I", 2**31 + 5)),
    "cut_in_chunk": wav(STEREO)[:36] + b"LIST" + struct.pack("<I", 300) + b"abc",
}


@case
def decode(tf, t):
    for options in ({}, {"desired_channels": 1}, {"desired_channels": 4}, {"desired_samples": 3},
                    {"desired_samples": 8, "desired_channels": 3}):  # fmt: skip
        t.out(*tf.audio.decode_wav(t.feed(np.array(wav(STEREO), object), dtype=tf.string), **options))
    for file in (wav(STEREO, size=18), wav(STEREO, chunks=OTHER_CHUNK), wav(STEREO[:, :1], 44100), wav(STEREO[:0])):
        t.out(*tf.audio.decode_wav(t.feed(np.array(file, object), dtype=tf.string)))


@case.each(fault=sorted(BAD_FILES))
def decode_bad_file(tf, t, fault):
    t.out(tf.audio.decode_wav(t.feed(np.array(BAD_FILES[fault], object), dtype=tf.string))[0])


@case.each(options=["desired_channels", "desired_samples"])
def decode_negative(tf, t, options):
    tf.audio.decode_wav(t.feed(np.array(wav(STEREO), object), dtype=tf.string), **{options: -2})


@case.each(options=["desired_channels", "desired_samples"])
def decode_zero(tf, t, options):
    t.out(*tf.audio.decode_wav(t.feed(np.array(wav(STEREO), object), dtype=tf.string), **{options: 0}))


@case
def decode_vector(tf, t):
    t.out(tf.audio.decode_wav(t.feed(np.array([b"a"], object), None, dtype=tf.string))[0])


@case
def encode(tf, t):
    audio = np.array([0, 0.5, -0.5, 1, -1, 2, -3, 1.5 / 32768, -1.5 / 32768, 2.4 / 32768], "float32")
    for columns in (1, 2):
        t.out(tf.audio.encode_wav(t.feed(audio.reshape(-1, columns)), t.feed(np.int32(16000))))
    t.out(tf.audio.decode_wav(tf.audio.encode_wav(t.normal(30, 2) / 3, 22050))[0])


@case.each(shape=[(0, 1), (1, 0)])
def encode_nothing(tf, t, shape):
    t.out(tf.audio.encode_wav(t.feed(np.zeros(shape, "float32")), 8000))


@case.each(rate=[0, -1])
def encode_rate(tf, t, rate):
    t.out(tf.audio.encode_wav(t.feed(np.zeros((2, 1), "float32")), t.feed(np.int32(rate))))


@case
def encode_wrong_rank(tf, t):
    tf.audio.encode_wav(t.feed(np.zeros(3, "float32")), 8000)


@case
def encode_wrong_rank_when_run(tf, t):
    t.out(tf.audio.encode_wav(t.feed(np.zeros(3, "float32"), None), 8000))


@case
def encode_rates_when_run(tf, t):
    t.out(tf.audio.encode_wav(t.feed(np.zeros((3, 1), "float32")), t.feed(np.array([1], "int32"), None)))


@case.each(window=[2, 5, 16, 17, 100])
def spectrogram(tf, t, window):
    sound = t.feed(t.normal(80, 1))
    for stride in (1, 3, 20, 90):
        t.out(tf.raw_ops.AudioSpectrogram(input=sound, window_size=window, stride=stride))
    t.out(tf.raw_ops.AudioSpectrogram(input=sound, window_size=window, stride=4, magnitude_squared=True))


@case
def spectrogram_unknown_shapes(tf, t):
    for shape in (None, [None, 1], [60, None]):
        t.out(tf.raw_ops.AudioSpectrogram(input=t.feed(t.normal(60, 1), shape), window_size=16, stride=8))
    t.out(tf.raw_ops.AudioSpectrogram(input=t.feed(t.normal(60, 0)), window_size=16, stride=8))


@case.each(window=[0, 1])
def spectrogram_window(tf, t, window):
    t.out(tf.raw_ops.AudioSpectrogram(input=t.feed(t.normal(20, 1)), window_size=window, stride=1))


@case
def spectrogram_wrong_rank(tf, t):
    t.out(tf.raw_ops.AudioSpectrogram(input=t.feed(t.normal(20), None), window_size=4, stride=2))


@case
def mfcc(tf, t):
    sound = t.feed(t.normal(2000, 1) * np.hanning(2000)[:, None].astype("float32"))
    spectrogram = tf.raw_ops.AudioSpectrogram(input=sound, window_size=480, stride=160, magnitude_squared=True)
    rate = t.feed(np.int32(16000))
    t.out(tf.raw_ops.Mfcc(spectrogram=spectrogram, sample_rate=rate))
    for options in (
        {"dct_coefficient_count": 40},
        {"upper_frequency_limit": 7600.0, "lower_frequency_limit": 80.0},
        {"lower_frequency_limit": 0.0, "filterbank_channel_count": 20},
        {"filterbank_channel_count": 1, "dct_coefficient_count": 1},
        {"filterbank_channel_count": 200},
    ):
        t.out(tf.raw_ops.Mfcc(spectrogram=spectrogram, sample_rate=rate, **options))
    t.out(tf.raw_ops.Mfcc(spectrogram=tf.zeros([1, 2, 129]), sample_rate=rate))


MFCC_FAULTS = {
    "rate": (9, 0, {}),
    "limit_above_nyquist": (129, 7000, {}),
    "limits": (129, 16000, {"upper_frequency_limit": 20.0}),
    "negative_limit": (129, 16000, {"lower_frequency_limit": -1.0}),
    "no_filters": (129, 16000, {"filterbank_channel_count": 0, "dct_coefficient_count": 1}),
    "too_many_coefficients": (129, 16000, {"filterbank_channel_count": 10}),
    "no_coefficients": (129, 16000, {"dct_coefficient_count": 0}),
    "one_bin": (1, 16000, {}),
}


@case.each(fault=sorted(MFCC_FAULTS))
def mfcc_fault(tf, t, fault):
    bins, rate, options = MFCC_FAULTS[fault]
    spectrogram = t.feed(np.ones((1, 2, bins), "float32"))
    t.out(tf.raw_ops.Mfcc(spectrogram=spectrogram, sample_rate=t.feed(np.int32(rate)), **options))


@case
def mfcc_wrong_rank(tf, t):
    t.out(tf.raw_ops.Mfcc(spectrogram=t.feed(np.ones((2, 129), "float32"), None), sample_rate=16000))
