"""The random streams against published vectors, an independent implementation and TensorFlow 1.15.5's own numbers.

`random.npz` is made by `goldens/make_random.py`, which describes it.
"""

import functools
import json
import threading
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch

from reflow.ops import native, philox, philox_candidates, philox_distributions
from reflow.ops.native import philox as philox_native
from reflow.ops.philox import PhiloxState
from reflow.ops.philox_candidates import sample_candidates
from reflow.ops.philox_distributions import standard_normal, truncated_normal, uniform, uniform_full_int, uniform_int
from reflow.ops.philox_rejection import binomial, gamma, poisson
from reflow.ops.philox_sequential import multinomial, parameterized_truncated_normal, shuffle

GOLDENS = np.load(Path(__file__).parents[1] / "goldens" / "random.npz")
CASES = json.loads(str(GOLDENS["cases"]))
INDEX = json.loads(str(GOLDENS["index"]))
TRUE_CLASSES = [[1, 2], [3, 4], [7, 7]]
# Normal numbers may differ in the last places; a float16 or bfloat16 may then be rounded the other way.
TOLERANCES = {"float16": 2e-3, "bfloat16": 1.6e-2, "float32": 1e-6, "float64": 1e-13}


@pytest.fixture(params=["native", "numpy"])
def engine(request, monkeypatch):
    """Runs a test with the compiled blocks and with those that NumPy makes."""
    if request.param == "numpy":
        monkeypatch.setattr(philox_native, "load", lambda: None)
    elif philox_native.load() is None:
        pytest.skip("no C compiler")
    return request.param


@pytest.mark.parametrize(
    ("key", "counter", "expected"),
    [
        (0, 0, "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
        (2**64 - 1, 2**128 - 1, "408f276d 41c83b0e a20bc7c6 6d5451fd"),
        (0x299F31D0A4093822, 0x0370734413198A2E85A308D3243F6A88, "d16cfe09 94fdcceb 5001e420 24126ea1"),
    ],
)
def test_published_vectors(engine, key, counter, expected):
    assert [f"{word:08x}" for word in philox.blocks(key, counter, 1)[0]] == expected.split()


def test_blocks_of_an_independent_implementation(engine):
    randomgen = pytest.importorskip("randomgen")
    key, counter = 0x123456789ABCDEF, (77 << 64) + 3
    peer = randomgen.Philox(key=key, counter=counter - 1, number=4, width=32)
    np.testing.assert_array_equal(philox.blocks(key, counter, 20000).reshape(-1), peer.random_raw(80000))


@pytest.mark.parametrize("draw", [standard_normal, truncated_normal])
def test_compiled_normals_are_those_of_double_precision(draw, monkeypatch):
    """A million numbers: extreme radii, all quarters of a turn, groups with many numbers outside the bounds."""
    if philox_native.load() is None:
        pytest.skip("no C compiler")
    shape = [250_000, 4]
    compiled = draw(PhiloxState(11, 3), shape, torch.float32).numpy()
    monkeypatch.setattr(philox_native, "load", lambda: None)
    accurate = functools.partial(philox_distributions.normals_32, accurate=True)
    monkeypatch.setattr(philox_distributions, "normals_32", accurate)
    expected = draw(PhiloxState(11, 3), shape, torch.float32).numpy()
    assert np.abs(expected).max() > 1.999
    np.testing.assert_allclose(compiled, expected, rtol=0, atol=1e-6)


def test_blocks_at_any_counter(engine):
    counter = (5 << 64) + 2**64 - 1000  # the lower half overflows on the way
    dense = philox.blocks(3, counter, 9000)
    np.testing.assert_array_equal(philox.blocks(3, counter, 1000, stride=9), dense[::9])
    offsets = np.array([8999, 0, 17, 1000, 17])
    np.testing.assert_array_equal(philox.blocks_at(3, counter, offsets), dense[offsets])
    np.testing.assert_array_equal(philox.blocks(3, counter + 1000, 1), philox.blocks(3, 6 << 64, 1))


def test_no_blocks(engine):
    assert philox.blocks(1, 2, 0).shape == (0, 4)
    assert philox.blocks_at(1, 2, np.empty(0, np.uint64)).shape == (0, 4)


def test_negative_seeds_are_64_bit_words():
    state = PhiloxState(-1, -2)
    assert (state.key, state.counter) == (2**64 - 1, (2**64 - 2) << 64)


def test_zero_seeds_differ_from_state_to_state():
    states = [PhiloxState(0, 0) for _ in range(3)]
    assert len({(state.key, state.counter) for state in states}) == 3
    assert PhiloxState(0, 1).key == 0


def test_threads_reserve_disjoint_blocks():
    state, starts = PhiloxState(1, 2), []
    threads = [threading.Thread(target=lambda: starts.extend(state.reserve(3) for _ in range(2000))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(starts) == list(range(2 << 64, (2 << 64) + 3 * 8000, 3))


def test_counter_wraps_around():
    state = PhiloxState.from_counter(1, 2**128 - 2)
    assert state.reserve(3) == 2**128 - 2
    assert state.counter == 1


@pytest.mark.parametrize("setting", [{"REFLOW_NATIVE": "0"}, {"CC": "no-such-compiler"}, {"CC": "false"}])
def test_streams_without_a_compiler(setting, monkeypatch, tmp_path):
    for name, value in {"XDG_CACHE_HOME": str(tmp_path), **setting}.items():
        monkeypatch.setenv(name, value)
    native.load.cache_clear()
    try:
        assert philox_native.load() is None
        assert philox.blocks(0, 0, 1)[0, 0] == 0x6627E8D5
    finally:
        native.load.cache_clear()


def test_uniform_int_needs_a_range():
    with pytest.raises(ValueError, match="Need minval < maxval, got 3 >= 3"):
        uniform_int(PhiloxState(1, 2), [4], 3, 3, torch.int32)


def test_parameterized_truncated_normal_checks_its_parameters():
    def draw(*parameters):
        tensors = (torch.tensor(value) for value in parameters)
        parameterized_truncated_normal(PhiloxState(1, 2), [4], *tensors)

    for parameters in [
        (0.0, -1.0, 0.0, 1.0),
        (0.0, 1.0, 1.0, 1.0),
        (0.0, 1.0, -np.inf, np.inf),
        (0.0, np.nan, 0.0, 1.0),
    ]:
        with pytest.raises(ValueError, match="Invalid parameters"):
            draw(*parameters)


def test_unique_candidates_need_enough_classes():
    sampler = philox_candidates.UniformSampler(5)
    with pytest.raises(ValueError, match="range is too small"):
        sample_candidates(PhiloxState(1, 2), sampler, torch.tensor([[1]]), 6, unique=True)
    sampler = philox_candidates.FixedUnigramSampler(5, [1.0, 2.0], num_reserved_ids=3)
    with pytest.raises(ValueError, match="range is too small"):
        sample_candidates(PhiloxState(1, 2), sampler, torch.tensor([[1]]), 3, unique=True)


@pytest.mark.parametrize("shape", [[0], [0, 3], [3, 0]])
def test_empty_outputs(shape):
    state, one = PhiloxState(1, 2), torch.ones(shape[0])
    for tensor in (
        binomial(state, shape, one, one / 2, torch.float32),
        gamma(state, shape, torch.tensor(2.0)),
        poisson(state, shape, torch.tensor(2.0), torch.int64),
        parameterized_truncated_normal(state, shape, one, one, one - 1, one + 1),
    ):
        assert list(tensor.shape) == shape


def test_fixed_unigram_weights_are_counted():
    with pytest.raises(ValueError, match="range is 5 must be equal to weights size 4"):
        philox_candidates.FixedUnigramSampler(5, [1.0, 2.0], num_reserved_ids=2)


def test_rejected_words_shift_the_later_candidates():
    """An alias draw takes a word again where the first would be biased; half of all words are such for this range."""
    sampler = philox_candidates.FixedUnigramSampler(5, [1.0, 2, 3, 4, 5])
    sampler.range_max = 2**31 + 1
    _, index = sampler._hits(philox_candidates.WordReader(3, 5 << 64), 200)
    words = iter(philox.blocks(3, 5 << 64, 400).reshape(-1).tolist())
    limit = sampler.range_max
    for value in index.tolist():
        next(words)
        word = next(word for word in words if word >= 2**32 - limit)
        assert value == word % limit


def test_shuffle_of_strings():
    value = np.array([[b"a", b"b"], [b"c", b"d"], [b"e", b"f"]], dtype=object)
    order = shuffle(PhiloxState(3, 5), torch.arange(3))
    assert shuffle(PhiloxState(3, 5), value).tolist() == value[order.numpy()].tolist()


@pytest.mark.parametrize("number", range(len(CASES)), ids=lambda n: f"{n}-{CASES[n]['op']}")
def test_tensorflows_numbers(engine, number):
    case = CASES[number]
    draw = _op_of(case)
    for run in range(case["runs"]):
        for output, tensor in enumerate(draw()):
            _check(f"{number}/{run}/{output}", tensor, _tolerance(case, tensor))


_ORACLE = """
from tensorflow.python.ops import gen_random_ops

ops = [gen_random_ops.random_uniform, gen_random_ops.random_standard_normal, gen_random_ops.truncated_normal]
outputs = [op([1000003], tf.float32, seed=2024, seed2=17) for op in ops]
with tf.Session() as session:
    session.run(outputs)
    np.savez(sys.argv[1], *session.run(outputs))
print("null")
"""


@pytest.mark.oracle
def test_a_million_numbers_of_tensorflow(tensorflow1, tmp_path):
    """The second run of the large ops, every element: a group that is drawn differently would show here."""
    path = tmp_path / "numbers.npz"
    tensorflow1(_ORACLE, path)
    for function, expected in zip((uniform, standard_normal, truncated_normal), np.load(path).values(), strict=True):
        state = PhiloxState(2024, 17)
        function(state, [1000003], torch.float32)
        actual = function(state, [1000003], torch.float32).numpy()
        np.testing.assert_allclose(actual, expected, rtol=0, atol=0 if function is uniform else 1e-6)


def _op_of(case):
    """Returns a function that runs a case's op once and returns its outputs."""
    op, dtype = case["op"], getattr(torch, case.get("dtype", "float32"))
    if "state" in case:
        low, high, key = (value % 2**64 for value in case["state"])
        state = PhiloxState.from_counter(key, high << 64 | low)
        draw = _draw_of(op, case, state, dtype)
        if op == "StatefulRandomBinomial":
            uniform(state, [1], torch.float32)  # as the recorder does
            return lambda: [draw()]
        return lambda: [draw(), _generator_variable(state)]
    if "stateless_seed" in case:
        state = PhiloxState.from_stateless_seed(case["stateless_seed"])
    else:
        state = PhiloxState(case["seed"], case["seed2"])
    if op.endswith("CandidateSampler"):
        sampler = _sampler_of(case)
        true = torch.tensor(TRUE_CLASSES)
        return lambda: sample_candidates(state, sampler, true, case["num_sampled"], case["unique"])
    draw = _draw_of(op, case, state, dtype)
    return lambda: [draw()]


def _draw_of(op, case, state, dtype):
    shape = case.get("shape")
    if op == "RandomShuffle":
        return lambda: shuffle(state, torch.arange(np.prod(shape, dtype=int), dtype=torch.int32).view(shape))
    if op.endswith("Multinomial"):
        logits = torch.tensor(case["logits"], dtype=dtype)
        return lambda: multinomial(state, logits, case["num_samples"], getattr(torch, case["output_dtype"]))
    if op == "RandomGamma":
        return lambda: gamma(state, shape, torch.tensor(case["alpha"], dtype=dtype))
    if op == "RandomPoissonV2":
        return lambda: poisson(
            state, shape, torch.tensor(case["rate"], dtype=getattr(torch, case["rate_dtype"])), dtype
        )
    if op == "StatefulRandomBinomial":
        counts, probs = (
            torch.tensor(case[name], dtype=getattr(torch, case["input_dtype"])) for name in ("counts", "probs")
        )
        return lambda: binomial(state, shape, counts, probs, dtype)
    if op == "ParameterizedTruncatedNormal":
        parameters = [torch.tensor(value, dtype=dtype) for value in case["parameters"]]
        return lambda: parameterized_truncated_normal(state, shape, *parameters)
    if "UniformInt" in op:
        return lambda: uniform_int(state, shape, case["minval"], case["maxval"], dtype)
    if "UniformFullInt" in op:
        return lambda: uniform_full_int(state, shape, dtype)
    function = truncated_normal if "Truncated" in op else standard_normal if "Normal" in op else uniform
    return lambda: function(state, shape, dtype)


def _sampler_of(case):
    kind = case["op"].removesuffix("CandidateSampler").replace("ThreadUnsafe", "Learned")
    if kind == "All":
        return philox_candidates.AllSampler(case["num_sampled"])
    names = ("range_max", "unigrams", "distortion", "num_reserved_ids", "num_shards", "shard")
    return getattr(philox_candidates, kind + "Sampler")(**{name: case[name] for name in names if name in case})


def _generator_variable(state):
    words = np.array([state.counter % 2**64, state.counter >> 64, state.key], np.uint64)
    return torch.from_numpy(words.view(np.int64))


def _tolerance(case, tensor):
    """Zero where the values are TensorFlow's bits."""
    op = case["op"]
    computed = "Normal" in op or op == "RandomGamma" or op.endswith("CandidateSampler")
    return TOLERANCES[str(tensor.dtype).removeprefix("torch.")] if computed and tensor.is_floating_point() else 0


def _check(key, tensor, tolerance):
    array = tensor.float().numpy() if tensor.dtype is torch.bfloat16 else tensor.numpy()
    expected = _golden(key)
    assert array.dtype == expected.dtype
    if key + "/digest" in INDEX:
        _check_digest(_golden(key + "/digest"), array, tolerance)
        array = array.reshape(-1)[:: array.size // 60]
    np.testing.assert_allclose(array, expected, rtol=tolerance, atol=tolerance)


def _check_digest(digest, array, tolerance):
    size, checksum, total, squares = digest
    wide = array.astype(np.float64)
    assert array.size == size
    if tolerance == 0:
        assert zlib.crc32(array.tobytes()) == checksum
    np.testing.assert_allclose(
        [wide.sum(), np.square(wide).sum()], [total, squares], rtol=tolerance + 1e-14, atol=size * 1e-8
    )


def _golden(key):
    dtype, offset, shape = INDEX[key]
    return GOLDENS[dtype][offset : offset + int(np.prod(shape))].reshape(shape)
