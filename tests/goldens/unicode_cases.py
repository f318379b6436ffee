"""Text in different encodings."""

import numpy as np
from op_recording import Cases

case = Cases()
TEXTS = ["", "abc", "grüße", "日本", "\U0001f600!", "a\tb\x00\x7f\x85", "\ufeffx", "ﬁ"]
DAMAGED = [
    b"\xff",
    b"a\xc3",
    b"\xc3(",
    b"\xe6\x97",
    b"\xe6\x97x\xa5",
    b"\xed\xa0\x80z",
    b"\xf0\x9f\x98",
    b"\xf0\x9fa",
    b"\xf5\x80\x80\x80",
    b"\xc0\x80",
    b"\xe0\x80\x80",
    b"\x80\x80",
    b"\xf4\x90\x80\x80",
    b"a\xffb\xfec",
]
ENCODINGS = ["UTF-8", "UTF-16-BE", "UTF-32-BE"]


def feed(t, values, *shape):
    return t.feed(np.array(values, object), shape[0] if shape else "static", t.tf.string)


@case.each(encoding=ENCODINGS + ["utf-8", "UTF-16BE", "latin1", "US-ASCII", "shift_jis", "windows-1252", "ISO-8859-15"])
def transcode(tf, t, encoding):
    # ICU takes 7F for something else in Shift JIS.
    text = [text.encode(encoding, "ignore") for text in TEXTS if encoding != "shift_jis" or "\x7f" not in text]
    for output in ENCODINGS:
        t.out(tf.strings.unicode_transcode(feed(t, [text]), encoding, output, name="t"))
    t.out(*tf.raw_ops.UnicodeDecodeWithOffsets(input=feed(t, text), input_encoding=encoding))


@case.each(errors=["replace", "ignore"])
def damaged(tf, t, errors):
    x = feed(t, DAMAGED)
    t.out(tf.strings.unicode_transcode(x, "UTF-8", "UTF-8", errors))
    t.out(tf.strings.unicode_transcode(x, "UTF-8", "UTF-8", errors, 63, True))
    t.out(*tf.raw_ops.UnicodeDecodeWithOffsets(input=x, input_encoding="UTF-8", errors=errors, replacement_char=0x20AC))
    t.out(*tf.raw_ops.UnicodeDecode(input=x, input_encoding="UTF-8", errors=errors, Tsplits=tf.int32))
    odd = feed(t, [b"\xd8\x00", b"\xdc\x00\x00a", b"\xd8\x3d\xde\x00\x00", b"a", b"\x00a\x00"])
    t.out(*tf.raw_ops.UnicodeDecodeWithOffsets(input=odd, input_encoding="UTF-16-BE", errors=errors))
    wide = feed(t, [b"\0\0\0a\0", b"\0\x11\0\0\0\0\0b", b"\0\0\xd8\0"])
    t.out(*tf.raw_ops.UnicodeDecodeWithOffsets(input=wide, input_encoding="UTF-32-BE", errors=errors))
    t.out(
        *tf.raw_ops.UnicodeDecodeWithOffsets(input=feed(t, [b"a\x80b\xff"]), input_encoding="US-ASCII", errors=errors)
    )


@case.each(text=DAMAGED[:4] + [b"fine"])
def strict(tf, t, text):
    t.out(tf.strings.unicode_transcode(feed(t, [text]), "UTF-8", "UTF-16-BE", "strict"))


@case.each(errors=["strict", "replace", "ignore"])
def control_characters(tf, t, errors):
    x = feed(t, [b"a\tb\x00\x1f\x7f\xc2\x85\n"])
    t.out(tf.strings.unicode_transcode(x, "UTF-8", "UTF-8", errors, 42, replace_control_characters=True))
    t.out(*tf.raw_ops.UnicodeDecode(input=x, input_encoding="UTF-8", errors=errors, replace_control_characters=True))


@case.each(errors=["replace", "ignore", "strict"])
def encode(tf, t, errors):
    codes = t.feed(np.array([97, 0x20AC, 0x1F600, 0x10FFFF, 0, 0xFFFF], "int32"))
    for output in ENCODINGS:
        t.out(
            tf.raw_ops.UnicodeEncode(
                input_values=codes, input_splits=np.array([0, 2, 2, 6], "int64"), output_encoding=output, errors=errors
            )
        )


@case.each(errors=["replace", "ignore", "strict"])
def encode_what_is_no_character(tf, t, errors):
    codes = t.feed(np.array([97, -1, 0x110000, 0xD800, 98], "int32"))
    t.out(
        tf.raw_ops.UnicodeEncode(
            input_values=codes,
            input_splits=np.array([0, 5], "int32"),
            output_encoding="UTF-8",
            errors=errors,
            replacement_char=63,
        )
    )


@case.each(splits=[[], [0, 2], [0, 0, 2]])
def encode_wrong_splits(tf, t, splits):
    t.out(
        tf.raw_ops.UnicodeEncode(input_values=[97, 98], input_splits=np.array(splits, "int64"), output_encoding="UTF-8")
    )


@case.each(code=[-1, 0x110000, 0xD800])
def wrong_replacement(tf, t, code):
    t.out(tf.strings.unicode_transcode(feed(t, [b"\xff"]), "UTF-8", "UTF-8", replacement_char=code))


@case
def unknown_encoding(tf, t):
    t.out(tf.strings.unicode_transcode(feed(t, [b"x"]), "no such", "UTF-8"))


@case
def unknown_output_encoding(tf, t):
    t.out(tf.strings.unicode_transcode(feed(t, [b"x"]), "UTF-8", "latin1"))


@case
def scripts(tf, t):
    t.out(tf.strings.unicode_script(t.feed(np.arange(0, 0x30000, 7, dtype="int32"))))
    t.out(tf.strings.unicode_script([[97, 0x3B1], [-1, 0x110000]], name="s"))


@case
def shapes(tf, t):
    t.out(*tf.raw_ops.UnicodeDecode(input=feed(t, ["a", "b"], [None]), input_encoding="UTF-8"))
    t.out(*tf.raw_ops.UnicodeDecode(input=feed(t, ["a"], None), input_encoding="UTF-8"))
    t.out(tf.strings.unicode_transcode(np.zeros([0, 2], "S"), "UTF-8", "UTF-8"))


@case
def decode_of_scalar(tf, t):
    t.out(tf.strings.unicode_decode(feed(t, "grüße".encode("utf-8")), "UTF-8"))
    t.out(*tf.strings.unicode_decode_with_offsets(feed(t, "日本a".encode("utf-8")), "UTF-8", name="d"))
