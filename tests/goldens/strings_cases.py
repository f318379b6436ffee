"""Operations on strings."""

import numpy as np
from op_recording import Cases

case = Cases()
TEXTS = ["", "a", "  Two Words\t\n", "grüße ÄÖ", "日本語", "\0x", "MiXeD 123", "ΣΑΣ ΑΣ"]
BYTES = [t.encode("utf-8") for t in TEXTS] + [b"\xff\xfe", b"a\xc3", b"\xed\xa0\x80z", b" \x0b\x0c\r"]


def feed(t, values, *shape):
    return t.feed(np.array(values, object), shape[0] if shape else "static", t.tf.string)


@case
def join(tf, t):
    a, b = feed(t, [["a", "b"], ["c", ""]]), feed(t, "x")
    t.out(tf.strings.join([a, b, a]), tf.string_join([a, a], separator="--", name="j"), tf.strings.join([b, "y"], "é"))
    t.out(tf.strings.join([feed(t, ["q", "r"], None), "s"]), tf.strings.join([np.zeros([0], object).astype("S"), "s"]))


@case
def join_of_different_shapes(tf, t):
    t.out(tf.strings.join([["a", "b"], ["c"]]))


@case
def length(tf, t):
    x = feed(t, BYTES)
    t.out(tf.strings.length(x), tf.strings.length(x, unit="UTF8_CHAR", name="n"), tf.strings.length("abc"))


@case.each(encoding=["", "utf-8"])
def letter_case(tf, t, encoding):
    x = feed(t, [text.encode("utf-8") for text in TEXTS] + [b"STRASSE \xef\xac\x81"])
    t.out(tf.strings.lower(x, encoding), tf.strings.upper(x, encoding=encoding, name="u"))


@case
def letter_case_of_malformed_text(tf, t):
    t.out(tf.strings.upper(feed(t, [b"a\xffb", b"\xc3", b"\xed\xa0\x80z", b"\xe6\x97x"]), "utf-8"))


@case
def letter_case_in_other_encoding(tf, t):
    t.out(tf.strings.lower(feed(t, ["A"]), "latin1"))


@case
def strip(tf, t):
    t.out(tf.strings.strip(feed(t, BYTES)), tf.string_strip(" a b ", name="s"))


SUBSTRINGS = {
    "scalars": (TEXTS[1:], 0, 2),
    "from_end": (TEXTS[1:], -1, 2),
    "each": ([b"abcd", b"efgh", b""], [1, -3, 0], [2, 1, 5]),
    "columns": ([[b"abcd", b"efgh"], [b"ijkl", b"mnop"]], [[0], [3]], [[1], [2]]),
    "row": ([[b"abcd", b"efgh"], [b"ijkl", b"mnop"]], [1, 2], [2, 9]),
    "of_scalar": (b"abcdef", [0, 2, 6], [1, 3, 1]),
    "negative_length": ([b"abcd"], 1, -1),
    "beyond": ([b"abcd"], 5, 1),
    "before": ([b"abcd"], -5, 1),
    "ends": ([b"abcd", b"wxyz"], [4, -4], [3, 0]),
    "cube": ([[[b"abcd", b"ef"]]], [[[1, 0]]], [[[2, 1]]]),
    "mismatch": ([b"abcd", b"ef", b"gh"], [1, 0], [2, 1]),
    "different": ([b"abcd", b"ef"], [1, 0], [2]),
}


@case.each(which=sorted(SUBSTRINGS))
def substr(tf, t, which):
    texts, first, count = SUBSTRINGS[which]
    for unit in ("BYTE", "UTF8_CHAR"):
        for dtype in ("int32", "int64"):
            t.out(tf.strings.substr(feed(t, texts), np.array(first, dtype), np.array(count, dtype), unit=unit))


@case.each(which=["row", "mismatch", "beyond"])
def substr_of_unknown_shapes(tf, t, which):
    texts, first, count = SUBSTRINGS[which]
    first, count = (t.feed(np.array(v, "int32"), None) for v in (first, count))
    t.out(tf.substr(feed(t, texts, None), first, count))


@case
def substr_of_text(tf, t):
    x = feed(t, [b"\xe6\x97\xa5\xe6\x9c\xac", b"\xc3\xa4b\xff\x80", "grüße".encode("utf-8")])
    t.out(tf.strings.substr(x, [1, -2, 2], [1, 1, 9], unit="UTF8_CHAR", name="s"))


# --- splitting


SPLITS = [b"", b"a b", b" a  b ", b"a,b;c", b",,", b"a<>b<><>c", b"\t a\nb ", b"one"]


@case.each(delimiter=[" ", ",", ",;", "", "<>", "-]^\\"])
def string_split(tf, t, delimiter):
    x = feed(t, SPLITS + [b"a-b]c^d\\e"])
    for skip in (True, False):
        parts = tf.string_split(x, delimiter, skip_empty=skip)
        t.out(parts.indices, parts.values, parts.dense_shape)


@case
def string_split_arguments(tf, t):
    parts = tf.string_split(feed(t, SPLITS, [None]))
    more = tf.string_split(SPLITS, delimiter=feed(t, ","))
    t.out(parts.indices, parts.values, parts.dense_shape, more.values)
    t.out(tf.string_split(feed(t, np.zeros([0], object))).dense_shape)


@case
def string_split_of_scalar(tf, t):
    tf.string_split(tf.constant("a b"))


@case.each(sep=[None, "", " ", ",", "<>"])
def split(tf, t, sep):
    for most in (-1, 0, 1, 2, 9):
        parts = tf.strings.split(feed(t, SPLITS), sep, maxsplit=most)
        t.out(parts.indices, parts.values, parts.dense_shape)


@case.each(maxsplit=[-1, 0, 1, 2])
def raw_split(tf, t, maxsplit):
    t.out(*tf.raw_ops.StringSplitV2(input=feed(t, [b"a b ", b"a", b" a b c "]), sep="", maxsplit=maxsplit))


# --- numbers


NUMBERS = [
    "0",
    "1",
    "-1",
    "+1",
    " 7 ",
    "1.5",
    ".5",
    "5.",
    "-2.5e-3",
    "1E5",
    "1e400",
    "1e-400",
    "inf",
    "-inf",
    "nan",
    "-nan",
    "Infinity",
    "INF",
    "NaN",
    "+inf",
    "",
    " ",
    ".",
    "1 2",
    "0x1F",
    "0xg",
    "1e",
    "e5",
    "--1",
    "1_000",
    "1,000",
    "abc",
    "2147483647",
    "2147483648",
    "-2147483648",
    "-2147483649",
    "9223372036854775807",
    "9223372036854775808",
    "-9223372036854775808",
    "00012",
    "0.1",
    "16777217",
    "1.00000017881393432617187499",
    "3.4028236e38",
    "1f",
    "1.000000059604644775390625",
    "1.0000000596046447753906251",
    "0.00000000000000000000000000001",
    "0.0000000000000000000000000000001",
    "0.000000000000000000000000000001",
    "\t8\n",
    "8\0",
    "\x0b8\x0c",
    "-0",
    "- 1",
    "-0x10",
    "1e+3",
    "1d",
    "true",
    "000000000000000000000000000000000000001",
    "\xa05",
    "0X1f",
    "+ 1",
    "nan(1)",
]


@case.each(dtype=["float32", "float64", "int32", "int64"])
def to_number(tf, t, dtype):
    t.out(tf.strings.to_number(feed(t, [["1", "-20"], ["3", " 4"]]), tf.as_dtype(dtype), name="n"))
    t.out(tf.string_to_number("5", tf.as_dtype(dtype)), tf.string_to_number(np.zeros([0], "S"), tf.as_dtype(dtype)))


def each_number(dtype):
    for text in NUMBERS:

        def to_one_number(tf, t, text=text):
            t.out(tf.strings.to_number(feed(t, [text.encode("utf-8")]), tf.as_dtype(dtype)))  # fmt: skip

        case.add("to_%s[%r]" % (dtype, text), to_one_number)


for each in ("float32", "float64", "int32"):
    each_number(each)


FORMATS = [
    {},
    {"precision": 0},
    {"precision": 2},
    {"precision": 10},
    {"scientific": True},
    {"shortest": True},
    {"width": 12},
    {"width": 12, "fill": "0"},
    {"width": 12, "fill": "-"},
    {"width": 3, "fill": " "},
    {"fill": "+"},
    {"fill": "#"},
    {"width": 12, "precision": 1, "scientific": True},
    {"shortest": True, "precision": 3},
]
VALUES = [0.0, -0.0, 1.0, -1.5, 3.14159265, 1e10, 1e-10, 123456789.0, np.inf, -np.inf, np.nan, 1e38]


@case.each(dtype=["float32", "float64"])
def real_as_string(tf, t, dtype):
    x = t.feed(np.array(VALUES, dtype))
    for options in FORMATS:
        t.out(tf.as_string(x, **options))


@case.each(dtype=["complex64", "complex128"])
def complex_as_string(tf, t, dtype):
    x = t.feed(np.array([1 + 2j, -0.5j, 1e10 - 3j, complex(np.nan, np.inf)], dtype))
    for options in FORMATS:
        t.out(tf.strings.as_string(x, **options))


@case.each(dtype=["int8", "int16", "int32", "int64"])
def integer_as_string(tf, t, dtype):
    limits = np.iinfo(dtype)
    x = t.feed(np.array([[0, 1, -1], [limits.max, limits.min, 42]], dtype))
    for options in (
        {},
        {"width": 8},
        {"width": 8, "fill": "0"},
        {"width": 6, "fill": "-"},
        {"fill": "+"},
        {"fill": " "},
    ):
        t.out(tf.as_string(x, **options))
    t.out(tf.as_string(tf.constant(5), name="s"))


@case
def bool_as_string(tf, t):
    x = t.feed(np.array([True, False]))
    t.out(tf.as_string(x), tf.as_string(x, width=7), tf.as_string(x, width=2))


WRONG_FORMATS = {
    "letter": (1.0, {"fill": "x"}),
    "long": (1.0, {"fill": "00"}),
    "both": (1.0, {"scientific": True, "shortest": True}),
    "precision": (1, {"precision": 2}),
    "scientific": (1, {"scientific": True}),
    "bool": (True, {"shortest": True}),
    "bool_fill": (True, {"fill": "0", "width": 7}),
    "unsigned": (np.uint8(1), {}),
}


@case.each(which=sorted(WRONG_FORMATS))
def wrong_format(tf, t, which):
    value, options = WRONG_FORMATS[which]
    t.out(tf.as_string(tf.constant(value), **options))


# --- hashes


@case
def hashes(tf, t):
    texts = [
        bytes(bytearray(t.random.randint(0, 256, n).tolist())) for n in list(range(70)) + [96, 127, 128, 129, 193, 300]
    ]
    x = feed(t, texts)
    most = 2**63 - 1
    t.out(tf.string_to_hash_bucket(x, most), tf.strings.to_hash_bucket_fast(x, most))
    t.out(
        tf.strings.to_hash_bucket_strong(x, most, [1, 2]), tf.string_to_hash_bucket_strong(x, 7, [-5, 2**62], name="h")
    )
    t.out(tf.strings.to_hash_bucket(input=x, num_buckets=10), tf.string_to_hash_bucket_fast(x[:4], 1))
    t.out(tf.string_to_hash_bucket_fast(np.zeros([0, 2], "S"), 3), tf.string_to_hash_bucket_fast("abc", 1000))


@case
def fingerprint(tf, t):
    t.out(tf.fingerprint(feed(t, ["a", "bc", ""], [None])), tf.fingerprint(feed(t, [["a", "bc"], ["d", ""]]), name="f"))
    t.out(tf.fingerprint(t.feed(t.integers(-9, 9, 3, 4))), tf.fingerprint(t.feed(t.normal(2, 3, 7), None)))
    t.out(tf.fingerprint(t.feed(np.array([True, False]))), tf.fingerprint(np.zeros([2, 0], "float32")))
    t.out(tf.fingerprint(["x"], feed(t, "farmhash64")))


@case.each(method=["md5", "farmhash64"])
def fingerprint_of_what_it_does_not_take(tf, t, method):
    t.out(tf.fingerprint(feed(t, "a" if method != "md5" else ["a"], None), method))


@case
def no_buckets(tf, t):
    tf.string_to_hash_bucket_fast(["a"], 0)


@case
def short_key(tf, t):
    t.out(tf.string_to_hash_bucket_strong(["a"], 5, [1]))


# --- base64


@case
def encode_base64(tf, t):
    x = feed(t, BYTES + [b"\xfb\xff\xfe", b"ab", b"abc", b"abcd"])
    encoded = [tf.encode_base64(x), tf.io.encode_base64(x, pad=True, name="e")]
    t.out(*encoded)
    t.out(*[tf.io.decode_base64(e) for e in encoded])


BASE64 = [
    "",
    "YQ",
    "YQ==",
    "YQ=",
    "Y",
    "Y===",
    "YW",
    "YWJj",
    "YWJjZA",
    "a+b/",
    "a-b_",
    "YW Jj",
    "YWJj\n",
    "====",
    "YQ==YQ==",
    "YR",
    "YWJjZA=",
    "YWJj=",
]


@case.each(text=BASE64)
def decode_base64(tf, t, text):
    t.out(tf.decode_base64(feed(t, [text])))


# --- reductions


@case.each(axis=[None, 0, 1, -1, [0, 1], [1, 0], [-1, 0], []])
def reduce_join(tf, t, axis):
    x = feed(t, [["a", "b", "c"], ["d", "e", "f"]])
    t.out(tf.reduce_join(x, axis, separator="-"), tf.strings.reduce_join(x, axis=axis, keepdims=True, name="r"))
    t.out(tf.reduce_join(feed(t, [["a", "b"]], None), axis))


@case
def reduce_join_of_little(tf, t):
    t.out(
        tf.reduce_join(feed(t, "x")), tf.reduce_join(np.zeros([2, 0], "S"), 1), tf.reduce_join(np.zeros([0, 2], "S"), 1)
    )
    t.out(tf.reduce_join(feed(t, [["a"]]), reduction_indices=0, keep_dims=True))
    t.out(tf.reduce_join(feed(t, np.full([2, 3, 2], "y", object)), [2, 0]))


@case.each(axis=[2, -3, [0, 0], [0, -2]])
def reduce_join_along_wrong_axis(tf, t, axis):
    t.out(tf.reduce_join(feed(t, [["a"]]), axis))


@case.each(axis=[2, -3, [0, 0]])
def reduce_join_along_wrong_axis_when_run(tf, t, axis):
    t.out(tf.reduce_join(feed(t, [["a"]], None), axis))


@case
def segment_join(tf, t):
    x = feed(t, [["a", "b"], ["c", "d"], ["e", "f"]])
    join = tf.strings.unsorted_segment_join
    t.out(join(x, [2, 0, 2], 4, separator=", "), join(x, np.array([0, 0, 0], "int64"), np.int64(1), name="j"))
    t.out(join(x, [[0, 1], [1, 0], [0, 0]], 2), join(feed(t, ["a"], None), t.feed(np.zeros(1, "int32"), None), 1))
    t.out(join(np.zeros([0], "S"), np.zeros([0], "int32"), 2))


@case.each(ids=[[0, 5], [0], [[0, 1]], [0, -1]])
def wrong_segments(tf, t, ids):
    t.out(tf.strings.unsorted_segment_join(feed(t, ["a", "b"]), ids, 2))


@case
def wrong_number_of_segments(tf, t):
    t.out(tf.strings.unsorted_segment_join(feed(t, ["a", "b"]), [0, 1], -1))


NGRAMS = [
    ([2], 0, False),
    ([1, 3], 0, False),
    ([2], 1, False),
    ([3], -1, False),
    ([3], 1, True),
    ([5], 0, True),
    ([2, 4], 2, False),
    ([4, 3], 0, True),
    ([5, 9], 1, True),
    ([6], -1, True),
]


@case.each(which=list(range(len(NGRAMS))))
def ngrams(tf, t, which):
    widths, pad, keep = NGRAMS[which]
    # TensorFlow 1.15 puts a string of the row before into the n-grams of an empty row that is padded.
    splits = [0, 4, 5, 7] if pad else [0, 4, 4, 5, 7]
    for dtype in ("int32", "int64"):
        t.out(*tf.raw_ops.StringNGrams(
            data=feed(t, list("abcdefg")), data_splits=np.array(splits, dtype), separator="|", ngram_widths=widths,
            left_pad="<", right_pad=">>", pad_width=pad, preserve_short_sequences=keep))  # fmt: skip


@case.each(splits=[[0, 3], [0, 1, 2], [0, 0, 2]])
def ngrams_of_splits(tf, t, splits):
    t.out(*tf.raw_ops.StringNGrams(
        data=feed(t, ["a", "b"]), data_splits=np.array(splits, "int64"), separator=" ", ngram_widths=[1],
        left_pad="", right_pad="", pad_width=0, preserve_short_sequences=False))  # fmt: skip
