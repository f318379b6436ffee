"""Summaries that are recorded from TensorFlow 1.15.5 and compared with Reflow's. Python 3.7 and 3.11 run this.

Each case takes a TensorFlow, in an empty default graph, and returns the summary to run.
"""

import numpy as np

cases = {}


def case(function):
    cases[function.__name__] = function
    return function


def _each(**parameters):
    ((key, values),) = parameters.items()

    def define(function):
        for label, value in values.items():
            cases["%s[%s]" % (function.__name__, label)] = lambda tf, value=value: function(tf, **{key: value})
        return function

    return define


def _normal(*shape):
    return np.random.RandomState(0).randn(*shape)


@case
def scalar(tf):
    return tf.summary.scalar("loss", 0.1)


@_each(dtype={d: d for d in ("float64", "float16", "int32", "int64", "uint8", "int8", "int16", "uint16")})
def scalar_of_type(tf, dtype):
    return tf.summary.scalar("x", tf.constant(np.array(7.3).astype(dtype)))


@_each(value={"nan": np.nan, "infinity": np.inf, "minus infinity": -np.inf})
def scalar_not_finite(tf, value):
    return tf.summary.scalar("x", value)


@case
def scalar_of_a_variable(tf):
    return tf.summary.scalar("x", tf.Variable(3.0, name="v"))


@case
def scalar_of_a_vector(tf):
    return tf.summary.scalar("x", tf.placeholder_with_default([1.0, 2.0], None))


@case
def scalar_of_text(tf):
    return tf.summary.scalar("x", "text")


@case
def names_in_scopes_and_families(tf):
    with tf.name_scope("outer"):
        tf.summary.scalar("a", 1.0)
        tf.summary.scalar("a", 2.0)
        tf.summary.scalar("b", 3.0, family="kin")
        tf.summary.scalar("deep/c", 4.0, family="kin")
        with tf.name_scope("inner"):
            tf.summary.histogram("h", [1.0])
    tf.summary.scalar("/illegal name: 5%", 5.0, family="f a")
    tf.summary.scalar("d", 6.0, collections=["mine"])
    tf.summary.scalar("e", 7.0, collections=["mine", tf.GraphKeys.SUMMARIES])
    return tf.summary.merge_all()


@case
def merge_all_of_a_scope(tf):
    for name in ("a", "b"):
        with tf.name_scope(name):
            tf.summary.scalar("x", 1.0)
    return tf.summary.merge_all(scope="b/")


@case
def merge_all_of_a_key(tf):
    tf.summary.scalar("a", 1.0)
    tf.summary.scalar("b", 2.0, collections=["mine"])
    return tf.summary.merge_all("mine", name="all")


@case
def merge(tf):
    inputs = [tf.summary.scalar("a", 1.0), tf.summary.histogram("b", [1.0])]
    return tf.summary.merge(inputs, collections=["merged"], name="both of them")


@case
def merge_of_equal_tags(tf):
    one = tf.summary.scalar("a", 1.0)
    return tf.summary.merge([one, one])


@case
def merge_of_nothing(tf):
    return tf.summary.merge([])


_HISTOGRAMS = {
    "normal": _normal(1000), "matrix": _normal(30, 40) * 1e6, "small": _normal(50) * 1e-13, "equal": np.ones(17),
    "zero": np.zeros(3), "empty": np.zeros(0), "scalar": np.array(2.5), "limits": np.array([1.0e-12, 1.1e-12, -1e-12]),
    "huge": np.array([1e300, -1e300, 1e20, -1e20]), "single": _normal(1000).astype("float32"),
    "half": _normal(100).astype("float16"), "int32": np.arange(-20, 20, dtype="int32"),
    "uint8": np.arange(256).astype("uint8"), "int64": np.array([2**40, -(2**40), 0]),
}  # fmt: skip


@_each(values=_HISTOGRAMS)
def histogram(tf, values):
    return tf.summary.histogram("h", tf.constant(values))


@_each(value={"nan": np.nan, "infinity": np.inf, "minus infinity": -np.inf})
def histogram_not_finite(tf, value):
    return tf.summary.histogram("h", tf.constant([1.0, value]))


@case
def histogram_without_a_name(tf):
    return tf.summary.histogram(None, [1.0])


_GRADIENT = np.linspace(0, 1, 4 * 5 * 3).reshape(1, 4, 5, 3)
_BAD = np.array([[[[0.5, np.nan, 1.0], [2.0, 1.0, 0.0]], [[np.inf, 1.0, 1.0], [1.0, -np.inf, 4.0]]]])
_IMAGES = {
    "positive": _GRADIENT, "negative": _GRADIENT - 0.3, "all negative": -_GRADIENT, "zero": _GRADIENT * 0,
    "tiny": _GRADIENT * 1e-7, "tiny negative": -_GRADIENT * 1e-7, "large": _GRADIENT * 1e30, "not finite": _BAD,
    "not finite and negative": np.where(np.arange(3) == 1, _BAD, -_BAD), "only nan": np.full([1, 2, 2, 1], np.nan),
    "gray": _normal(2, 3, 4, 1), "alpha": _normal(1, 3, 4, 4), "gray nan": np.array([[[[np.nan], [1.0]]]]),
    "alpha nan": np.array([[[[np.nan, 1.0, 1.0, 1.0], [1.0, 2.0, 3.0, 4.0]]]]), "five": _normal(5, 2, 2, 3),
    "each alone": np.concatenate([_GRADIENT, _GRADIENT * 5 - 1]), "none": np.zeros([0, 2, 2, 3]),
}  # fmt: skip


@_each(image=_IMAGES)
def image(tf, image):
    return tf.summary.image("i", tf.constant(image.astype("float32")))


@_each(dtype={d: d for d in ("uint8", "float16", "float64")})
def image_of_type(tf, dtype):
    return tf.summary.image("i", tf.constant((_GRADIENT * 255).astype(dtype)))


@_each(count={str(c): c for c in (0, 1, 2, 9)})
def image_max_outputs(tf, count):
    return tf.summary.image("i", tf.constant(_normal(3, 2, 2, 1).astype("float32")), max_outputs=count, family="f")


@_each(shape={"matrix": [2, 2], "two colors": [1, 2, 2, 2], "five dimensions": [1, 1, 2, 2, 3]})
def image_of_shape(tf, shape):
    return tf.summary.image("i", tf.placeholder_with_default(tf.zeros(shape), None))


_SOUND = np.sin(np.arange(200) / 5.0).reshape(1, 100, 2) * 0.9
_SOUNDS = {
    "stereo": _SOUND, "mono": _SOUND[..., 0], "batch": np.concatenate([_SOUND] * 4), "loud": _SOUND * 3,
    "steps": (np.arange(64).reshape(1, 64) - 32) / 65536.0, "limits": np.array([[1.0, -1.0, 0.99999, -0.99999, 1.5]]),
    "silent": np.zeros([1, 0, 2]),
}  # fmt: skip


@_each(sound=_SOUNDS)
def audio(tf, sound):
    return tf.summary.audio("s", tf.constant(sound.astype("float32")), 44100)


@_each(rate={str(r): r for r in (8000.0, 11025.7, 0.0, -1.0)})
def audio_sample_rate(tf, rate):
    return tf.summary.audio("s", tf.constant(_SOUND.astype("float32")), rate, max_outputs=1)


@case
def audio_of_a_vector(tf):
    return tf.summary.audio("s", tf.placeholder_with_default(tf.zeros([3]), None), 100)


@_each(value={"scalar": "**bold**", "vector": ["a", "b"], "matrix": [["a", "b"], ["c", "d"]]})
def text(tf, value):
    return tf.summary.text("t", tf.constant(value))


@case
def text_of_numbers(tf):
    return tf.summary.text("t", tf.constant(1.0))


@_each(value={
    "float": np.array([[1.5, 2.5]], "float32"), "int": np.arange(3), "text": np.array([b"a", b"bc"], object),
    "bool": np.array([True, False]), "half": np.array([0.5], "float16"), "complex": np.array([1j], "complex64"),
    "scalar": np.array(2.0),
})  # fmt: skip
def tensor(tf, value):
    return tf.summary.tensor_summary("t", tf.constant(value))


@case
def tensor_with_all_options(tf):
    data = tf.SummaryMetadata.PluginData(plugin_name="mine", content=b"content")
    metadata = tf.SummaryMetadata(plugin_data=data)
    return tf.summary.tensor_summary("t", tf.constant([1, 2]), "what it is", ["mine"], metadata, "kin", "shown")


def outcome(tf, name):
    """The nodes and collections, and the serialized Summary; or the error."""
    with tf.Graph().as_default() as graph:
        try:
            result = cases[name](tf)
            with tf.Session() as session:
                session.run(tf.global_variables_initializer())
                value = session.run(result)
        except Exception as error:
            return {"error": type(error).__name__, "message": str(error).split("\n")[0]}
        keys = [key for key in graph.get_all_collection_keys() if "variables" not in key]
        collections = {key: [item.name for item in graph.get_collection(key)] for key in keys}
        return {"nodes": [_line(node) for node in graph.as_graph_def().node], "collections": collections,
                "summary": value.decode("latin-1")}  # fmt: skip


def _line(node):
    """A node with the text of constants (it is the tag), not with other tensors, which may be spelled in two ways."""
    attrs = []
    for key, value in sorted(node.attr.items()):
        if key == "bad_color":
            continue
        if key == "value":
            value = value.tensor.string_val or ""
        attrs.append("%s=%s" % (key, " ".join(str(value).split())))
    return "%s = %s(%s) {%s}" % (node.name, node.op, ", ".join(node.input), ", ".join(attrs))
