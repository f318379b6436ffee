"""Ops on strings."""

import numpy as np

from tests.differential.table import Table

table = Table("text")

_PATTERNS = [b"a", b"[a-z]+", b"(.)(.)", b"^", b"x*", b".*", b"\\d"]


def _text(*options):
    """One array of strings, and attributes: functions of the Draw."""
    attrs = dict(options)
    return lambda d: ([d.array("string", d.shape(most=2))], {k: value(d) for k, value in attrs.items()})


def _unit(d):
    return d.pick(b"BYTE", b"UTF8_CHAR")


def _join(d):
    shape = d.shape(most=2)
    shapes = [shape if d.flag() else () for _ in range(d.int(1, 3))]
    return [[d.array("string", s) for s in shapes]], {"separator": d.pick(b"", b", ")}


def _substr(d):
    shape = d.shape(most=2, low=1)
    words = d.words(shape)
    places = shape if d.flag() else ()
    positions = np.asarray([len(w) for w in words.ravel()], d.dtype("T").np_dtype).reshape(shape)
    position = np.minimum(d.array("T", places, low=-2, high=2), positions if places else int(positions.min(initial=0)))
    return [words, position.astype(d.dtype("T").np_dtype), d.array("T", places, low=0, high=4)], {"unit": _unit(d)}


def _reduce_join(d):
    shape = d.shape(low=1)
    axes = [i - len(shape) * d.flag() for i in range(len(shape)) if d.flag()]
    return [d.array("string", shape), np.array(axes, "int32")], {"keep_dims": d.flag(), "separator": d.pick(b"", b"-")}


def _segment_join(d):
    shape = d.shape(least=1, most=2, low=1)
    ids = d.array("Tindices", shape[:1], low=0, high=2)
    return [d.array("string", shape), ids, d.ints("Tnumsegments", d.int(3, 4))], {"separator": d.pick(b"", b"-")}


def _ngrams(d):
    sizes = [d.int(1, 4) for _ in range(d.int(1, 3))]
    splits = np.cumsum([0, *sizes]).astype(d.dtype("Tsplits").np_dtype)
    return [d.array("string", (sum(sizes),)), splits], {
        "separator": b"|", "ngram_widths": [d.int(1, 3) for _ in range(d.int(1, 2))], "left_pad": d.pick(b"", b"<"),
        "right_pad": d.pick(b"", b">"), "pad_width": d.int(-1, 2), "preserve_short_sequences": d.flag(),
    }  # fmt: skip


def _pattern(d):
    return np.array(d.pick(*_PATTERNS), object)


def _replace(d):
    rewrite = np.array(d.pick(b"", b"<\\0>", b"z"), object)
    return [d.words(d.shape(most=2)), _pattern(d), rewrite], {"replace_global": d.flag()}


def _static_replace(d):
    attrs = {"pattern": d.pick(*_PATTERNS), "rewrite": d.pick(b"", b"z"), "replace_global": d.flag()}
    return [d.array("string", d.shape(most=2))], attrs


def _split(d):
    delimiter = np.array(d.pick(b"", b" ", b",", b"a"), object)
    return [d.words((d.size(),)), delimiter], {"skip_empty": d.flag()}


def _split_v2(d):
    return [d.words((d.size(),)), np.array(d.pick(b"", b" ", b",", b", "), object)], {"maxsplit": d.int(-1, 2)}


def _to_number(d):
    options = (b"1", b"-2", b" 3 ", b"1.5", b"1e3", b"inf", b"nan", b"x", b"", b"2147483648", b"0x10")
    return [np.array([d.pick(*options) for _ in range(d.int(0, 2))] + [b""], object)[:-1]], {}


def _as_string(d):
    attrs = {"width": d.pick(-1, 6), "fill": d.pick(b"", b"0", b" ")}
    dtype = d.dtype("T")
    if dtype.is_floating or dtype.is_complex:
        attrs.update(precision=d.pick(-1, 2), **d.pick({}, {"scientific": True}, {"shortest": True}))
    return [d.array("T", d.shape(most=2))], attrs


def _fingerprint(d):
    # Of rows without strings TensorFlow leaves the fingerprints unset.
    return [d.array("T", d.shape(least=1, low=int(d.types["T"].name == "string"))), np.array(b"farmhash64", object)], {}


def _decode_base64(d):
    return [np.array(d.pick(b"YQ", b"YWI", b"", b"YQ==", b"-_8", b"%"), object)], {}


def _unicode(d):
    return {"input_encoding": d.pick(b"UTF-8", b"UTF-8", b"UTF-16-BE", b"US-ASCII"),
            "errors": d.pick(b"replace", b"ignore", b"strict"), "replacement_char": d.pick(65533, 63),
            "replace_control_characters": d.flag()}  # fmt: skip


def _transcode(d):
    return [d.array("string", d.shape(most=2))], {**_unicode(d), "output_encoding": d.pick(b"UTF-8", b"UTF-16-BE")}


def _unicode_decode(d):
    return [d.array("string", (d.size(),))], _unicode(d)


def _unicode_encode(d):
    sizes = [d.int(0, 3) for _ in range(d.int(1, 3))]
    splits = np.cumsum([0, *sizes]).astype(d.dtype("Tsplits").np_dtype)
    values = np.array([d.pick(65, 233, 0x1F600, 0xD800, 0) for _ in range(sum(sizes))], "int32")
    return [values, splits], {"errors": d.pick(b"replace", b"ignore", b"strict"), "output_encoding": b"UTF-8"}


def _script(d):
    return [np.array([d.pick(65, 0x3B1, 0x4E00, 32, -1, 0x110000) for _ in range(d.int(0, 3))], "int32")], {}


def _raw(d):
    size = 16 * d.int(0, 2)
    texts = [bytes(d.int(0, 1) for _ in range(size)) for _ in range(d.int(1, 2))]
    return [np.array([*texts, b""], object)[:-1]], {"little_endian": d.flag()}


table.add("StringStrip", _text())
table.add("StringLength", _text(("unit", _unit)))
table.add("StringLower StringUpper", _text(("encoding", lambda d: d.pick(b"", b""))))
table.add("StringJoin", _join)
table.add("Substr", _substr)
table.add("ReduceJoin", _reduce_join)
table.add("UnsortedSegmentJoin", _segment_join)
table.add("StringNGrams", _ngrams, faults=False)
table.add("RegexFullMatch", lambda d: ([d.words(d.shape(most=2)), _pattern(d)], {}))
table.add("StaticRegexFullMatch", _text(("pattern", lambda d: d.pick(*_PATTERNS))))
table.add("RegexReplace", _replace)
table.add("StaticRegexReplace", _static_replace)
table.add("StringSplit", _split)
table.add("StringSplitV2", _split_v2)
table.add("StringToNumber", _to_number)
table.add("AsString", _as_string)
table.add("StringToHashBucket StringToHashBucketFast", _text(("num_buckets", lambda d: d.pick(1, 10, 1000))))
table.add("StringToHashBucketStrong", _text(("num_buckets", lambda d: 1000), ("key", lambda d: [d.int(0, 9), 7])))
table.add("Fingerprint", _fingerprint, faults=False,
          types={"T": ["float32", "int64", "uint16", "bool", "complex64", "string"]})  # fmt: skip
table.add("EncodeBase64", _text(("pad", lambda d: d.flag())))
table.add("DecodeBase64", _decode_base64)
table.add("UnicodeTranscode", _transcode)
table.add("UnicodeDecode", _unicode_decode)
# TensorFlow ends at what other encodings hold that is not valid.
table.add("UnicodeDecodeWithOffsets", lambda d: ([d.words((d.size(),))], {"input_encoding": b"UTF-8"}), faults=False)
table.add("UnicodeEncode", _unicode_encode, faults=False)
table.add("UnicodeScript", _script)
table.add("DecodeRaw", _raw)
