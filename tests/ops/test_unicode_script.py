"""tf.strings.unicode_script: the numbers that ICU gives to scripts, as TensorFlow 1.15.5 returned them."""

import pytest

import reflow as tf

SCRIPTS = {
    0x61: 25, 0x5A: 25, 0x39: 0, 0x20: 0, 0x0A: 0, 0x301: 1, 0x391: 14, 0x416: 8, 0x5D0: 19, 0x627: 2, 0xE01: 38,
    0x3042: 20, 0x30A2: 22, 0x4E2D: 17, 0xAC00: 18, 0x905: 10, 0x10A0: 12, 0x561: 3, 0x1F60: 14, 0x2028: 0,
    0x1F600: 0, 0x10FFFF: 103, 0x110000: -1, -1: -1, 0x20000: 17,
}  # fmt: skip


@pytest.mark.parametrize("shape", [[25], [5, 5]])
def test_numbers_of_scripts(shape):
    with tf.Graph().as_default(), tf.Session() as session:
        scripts = tf.strings.unicode_script(tf.reshape(tf.constant(list(SCRIPTS)), shape))
        assert (scripts.dtype, scripts.shape.as_list()) == (tf.int32, shape)
        assert session.run(scripts).reshape(-1).tolist() == list(SCRIPTS.values())
