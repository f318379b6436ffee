"""Windows, frames, short-time spectra, cosine transforms and the mel scale."""

import numpy as np
from op_recording import Cases

case = Cases()


def _out_without_shape(t, tensor):
    """Of static shapes Reflow knows more than TensorFlow."""
    t.out(t.tf.placeholder_with_default(tensor, None))


@case.each(length=[1, 2, 5, 8])
def windows(tf, t, length):
    for function in (tf.signal.hann_window, tf.signal.hamming_window):
        t.out(function(length), function(length, periodic=False, dtype=tf.float64, name="symmetric"))


@case.each(length=[1, 2, 5])
def windows_of_fed_length(tf, t, length):
    t.values_only()
    fed = t.feed(np.int32(length))
    for window in (tf.signal.hann_window(fed), tf.signal.hamming_window(fed, periodic=t.feed(np.array(False)))):
        _out_without_shape(t, window)


@case
def window_of_integers(tf, t):
    tf.signal.hann_window(3, dtype=tf.int32)


@case
def window_of_vector_length(tf, t):
    tf.signal.hann_window([3])


@case.each(pad_end=[False, True])
def frame(tf, t, pad_end):
    if pad_end:  # TensorFlow knows the padded signal's shape, which Reflow asks for when it runs.
        t.values_only()
    signal = t.feed(t.normal(2, 11))
    for length, step in ((4, 2), (3, 3), (2, 5), (5, 3), (12, 4)):
        frames = t.out(tf.signal.frame(signal, length, step, pad_end=pad_end))
        if length == 5:
            t.grad(frames, signal)


@case.each(axis=[0, 1, -2])
def frame_axis(tf, t, axis):
    t.out(tf.signal.frame(t.feed(t.normal(7, 8, 2)), 3, 2, axis=axis))


@case.each(axis=[0, 1, -2])
def frame_axis_padded(tf, t, axis):
    t.values_only()
    t.out(tf.signal.frame(t.feed(t.normal(7, 8, 2)), 3, 2, True, 9.0, axis, name="padded"))


@case
def frame_integers(tf, t):
    t.values_only()
    t.out(tf.signal.frame(t.feed(t.integers(0, 9, 10)), 4, 3, pad_end=True, pad_value=-1))


@case
def frame_of_unknown_shape(tf, t):
    for shape in ([None], None, [None]):
        t.out(tf.signal.frame(t.feed(t.normal(11), shape), 4, 2))
        t.out(tf.signal.frame(t.feed(t.normal(11), shape), 4, 3, True))


@case
def frame_of_fed_length(tf, t):
    t.values_only()
    length, step = t.feed(np.int32(6)), t.feed(np.int32(4))
    t.out(tf.signal.frame(t.feed(t.normal(2, 20)), length, step))
    t.out(tf.signal.frame(t.feed(t.normal(2, 20)), length, step, pad_end=True))


@case
def frame_of_scalar(tf, t):
    tf.signal.frame(t.feed(np.float32(1)), 2, 1)


@case.each(step=[1, 2, 3, 4, 5])
def overlap_and_add(tf, t, step):
    signal = t.feed(t.normal(2, 3, 4))
    result = tf.signal.overlap_and_add(signal, step)
    _out_without_shape(t, result)
    result = tf.ensure_shape(result, [2, 4 + 2 * step])
    t.grad(result, signal)


@case
def overlap_and_add_of_unknown_shape(tf, t):
    t.out(tf.signal.overlap_and_add(t.feed(t.normal(3, 4), [None, None]), 2))
    t.out(tf.signal.overlap_and_add(t.feed(t.normal(2, 3, 4), None), 3))
    t.out(tf.signal.overlap_and_add(t.feed(t.normal(2, 3, 4)), t.feed(np.int32(3))))


@case
def overlap_and_add_with_float_step(tf, t):
    tf.signal.overlap_and_add(t.feed(t.normal(3, 4)), 2.0)


@case
def overlap_and_add_of_vector(tf, t):
    tf.signal.overlap_and_add(t.feed(t.normal(4)), 2)


@case
def stft(tf, t):
    signal = t.feed(t.normal(2, 40))
    first = t.out(tf.signal.stft(signal, 8, 4))
    t.out(tf.signal.stft(signal, 7, 3, 10, tf.signal.hamming_window, name="hamming"))
    t.out(tf.signal.stft(signal, 8, 4, window_fn=None))
    t.grad(first, signal)


@case
def stft_of_unknown_length(tf, t):
    t.out(tf.signal.stft(t.feed(t.normal(40), [None]), 8, 4, pad_end=True))


@case
def stft_of_fed_length(tf, t):
    t.values_only()
    length = t.feed(np.int32(7))
    result = tf.signal.stft(t.feed(t.normal(40)), length, t.feed(np.int32(3)))
    _out_without_shape(t, result)


@case
def inverse_stft(tf, t):
    spectra = t.feed(t.normal(2, 6, 9, dtype="complex64"))
    first = tf.signal.inverse_stft(spectra, 16, 8)
    _out_without_shape(t, first)
    _out_without_shape(t, tf.signal.inverse_stft(spectra, 12, 5, 16, window_fn=tf.signal.inverse_stft_window_fn(5)))
    _out_without_shape(t, tf.signal.inverse_stft(spectra, 20, 10, 16, window_fn=None, name="none"))
    window_fn = tf.signal.inverse_stft_window_fn(4, tf.signal.hamming_window, name="window")
    _out_without_shape(t, tf.signal.inverse_stft(spectra, 16, 4, window_fn=window_fn))
    t.grad(tf.ensure_shape(first, [2, 56]), spectra)


@case
def inverse_stft_of_unknown(tf, t):
    spectra = t.feed(t.normal(2, 6, 9, dtype="complex64"), [None, None, 9])
    t.out(tf.signal.inverse_stft(spectra, 16, 8))
    t.values_only()
    result = tf.signal.inverse_stft(spectra, t.feed(np.int32(14)), t.feed(np.int32(6)))
    _out_without_shape(t, result)


@case
def there_and_back(tf, t):
    signal = t.feed(t.normal(64))
    spectra = tf.signal.stft(signal, 16, 4)
    _out_without_shape(t, tf.signal.inverse_stft(spectra, 16, 4, window_fn=tf.signal.inverse_stft_window_fn(4)))


@case.each(type=[1, 2, 3])
def dct(tf, t, type):
    x = t.feed(t.normal(2, 7))
    for norm in (None, "ortho") if type > 1 else (None,):
        for n in (None, 4, 7, 9):
            result = t.out(tf.signal.dct(x, type=type, n=n, norm=norm))
            t.out(tf.spectral.idct(x, type=type, n=n, norm=norm, name="inverse"))
    t.grad(result, x)


@case
def dct_of_unknown_length(tf, t):
    for type in (1, 2, 3):
        t.out(tf.signal.dct(t.feed(t.normal(2, 7), [2, None]), type))


@case.each(options=[{"axis": 0}, {"n": 0}, {"type": 4}, {"type": 1, "norm": "ortho"}, {"norm": "l2"}])
def dct_wrong(tf, t, options):
    tf.signal.dct(t.feed(t.normal(2, 7)), **options)


@case
def dct_of_one_sample(tf, t):
    tf.signal.dct(t.feed(t.normal(2, 1)), 1)


@case
def mel(tf, t):
    t.out(tf.signal.linear_to_mel_weight_matrix())
    t.out(tf.signal.linear_to_mel_weight_matrix(10, 65, 16000, 80.0, 7600.0, tf.float64, name="wide"))
    t.out(tf.signal.linear_to_mel_weight_matrix(sample_rate=tf.constant(8000.0)))


@case.each(options=[
    {"num_mel_bins": 0}, {"sample_rate": -1}, {"lower_edge_hertz": -1.0}, {"lower_edge_hertz": 3900.0},
    {"upper_edge_hertz": 5000.0},
])
def mel_wrong(tf, t, options):
    tf.signal.linear_to_mel_weight_matrix(**options)


@case
def mel_of_integers(tf, t):
    tf.signal.linear_to_mel_weight_matrix(dtype=tf.int32)


@case
def mel_of_fed_rate(tf, t):
    tf.signal.linear_to_mel_weight_matrix(sample_rate=t.feed(np.float32(8000)))


@case
def mfccs(tf, t):
    x = t.feed(t.normal(2, 3, 8))
    result = t.out(tf.signal.mfccs_from_log_mel_spectrograms(x))
    t.out(tf.signal.mfccs_from_log_mel_spectrograms(t.feed(t.normal(3, 8), [None, None]), name="unknown"))
    t.grad(result, x)


@case
def mfccs_of_nothing(tf, t):
    tf.signal.mfccs_from_log_mel_spectrograms(np.zeros([2, 0], "float32"))
