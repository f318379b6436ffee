"""LRN as a product with a banded matrix: the nodes it becomes, and its numbers against the definition in float64."""

import numpy as np
import pytest

import reflow as tf
from reflow.engine.passes.banded_lrn import lower_lrn
from reflow.engine.plan import build_plan
from reflow.ops.native import lrn as lrn_native
from tests.engine.passes.plans import compared, plan_of, random_feed, run, types

SHAPE = [2, 3, 4, 8]


@pytest.fixture
def without_c(monkeypatch):
    monkeypatch.setattr(lrn_native, "load", lambda: None)


def _by_definition(image, gradient, depth_radius, bias, alpha, beta, output=None):
    """The normalized image and the gradient by the image, in float64."""
    image, gradient = np.float64(image), np.float64(gradient)
    channels = np.arange(image.shape[-1])
    band = abs(channels[:, None] - channels) <= depth_radius
    norms = bias + alpha * (image**2 @ band)
    normalized = image * norms**-beta
    output = normalized if output is None else np.float64(output)
    sums = (gradient * output / norms) @ band
    return normalized, gradient * norms**-beta - 2 * alpha * beta * image * sums


def _image_and_gradient(dtype=tf.float32, shape=SHAPE, **attrs):
    """Placeholders of an image and of the gradient by its normalized form, and the fetches made of them."""
    x, dy = tf.placeholder(dtype, shape), tf.placeholder(dtype, shape)
    y = tf.nn.lrn(x, **attrs)
    return x, dy, [y, tf.gradients(y, x, dy)[0]]


@pytest.mark.usefixtures("without_c")
@pytest.mark.parametrize("beta, powers", [(1.0, ["Reciprocal"]), (0.5, ["Rsqrt"]), (0.75, ["Rsqrt", "Sqrt", "Mul"]),
                                          (0.6, ["Pow"]), (-0.5, ["Pow"])])  # fmt: skip
def test_norms_and_powers_are_made_once(beta, powers):
    attrs = {"depth_radius": 2, "bias": 1.5, "alpha": 0.3, "beta": beta}
    x, dy, fetches = _image_and_gradient(**attrs)
    feed = random_feed(x, dy)
    with_pass, without = compared(fetches, feed, "banded_lrn", rtol=2e-6)
    assert types(without) == ["LRN", "LRNGrad"]
    expected = ["Reshape", "Square", "_FusedMatMul", *powers, "Mul", "Reshape"]
    expected += ["Reshape", "Mul", "Mul", "RealDiv", "MatMul", "Mul", "AddV2", "Reshape"]
    # (The tensors are too small for one call of x + y z.)
    assert sorted(types(with_pass)) == sorted(expected)
    for value, want in zip(run(with_pass, feed), _by_definition(feed[x], feed[dy], **attrs), strict=True):
        np.testing.assert_allclose(value, want, rtol=1e-5, atol=1e-6)


@pytest.mark.usefixtures("without_c")
@pytest.mark.parametrize("shape", [[1, 1, 1, 1], [2, 2, 2, 70], [0, 2, 2, 70], [40, 3, 3, 70], [2, 0, 2, 4]])
@pytest.mark.parametrize("radius", [0, 1, 5, 1000])
def test_radii_and_shapes(radius, shape):
    """Large matrices are packed for oneDNN, and few rows have a kernel of their own."""
    attrs = {"depth_radius": radius, "bias": 2.0, "alpha": 0.1, "beta": 0.75}
    x, dy, fetches = _image_and_gradient(shape=shape, **attrs)
    feed = random_feed(x, dy)
    with_pass, _ = compared(fetches, feed, "banded_lrn", rtol=1e-5)
    assert "LRN" not in types(with_pass)
    for value, want in zip(run(with_pass, feed), _by_definition(feed[x], feed[dy], **attrs), strict=True):
        np.testing.assert_allclose(value, want, rtol=1e-5, atol=1e-6)


@pytest.mark.usefixtures("without_c")
def test_elementwise_ops_overwrite_what_nothing_needs():
    x, dy, fetches = _image_and_gradient(shape=[4, 5, 5, 96], depth_radius=2, beta=0.75)
    plan, _ = compared(fetches, random_feed(x, dy), "banded_lrn")
    assert "_AddProduct" in types(plan)
    in_place = [n.type for n in plan.nodes if n.reuses]
    # The power, what it scales, the quotient and the gradient; norms and powers are kept from the forward pass.
    assert sorted(in_place) == ["Mul", "Mul", "RealDiv", "_AddProduct"]


@pytest.mark.usefixtures("without_c")
def test_two_nets_share_the_constants():
    """Whatever the number of ops with equal attributes, a plan has two bands and a bias."""
    x = tf.placeholder(tf.float32, [2, 3, 3, 16])
    y = tf.nn.lrn(tf.sin(tf.nn.lrn(x, 2, beta=0.5)), 2, beta=0.5)
    plan, _ = compared([y, *tf.gradients(tf.reduce_sum(tf.square(y)), x)], random_feed(x), "banded_lrn")
    matrices = [n for n in plan.nodes if n.type == "Const" and n.outputs[0].dims in ((16, 16), (16,))]
    assert len(matrices) == 3


@pytest.mark.parametrize("in_c", [True, False])
@pytest.mark.parametrize("dtype", [tf.float16, tf.bfloat16])
def test_half_precision_is_float32_inside(dtype, in_c, monkeypatch):
    if not in_c:
        monkeypatch.setattr(lrn_native, "load", lambda: None)
    elif lrn_native.load() is None:
        pytest.skip("no C compiler")
    attrs = {"depth_radius": 2, "bias": 1.0, "alpha": 0.5, "beta": 0.75}
    numbers, gradient = (np.random.RandomState(seed).randn(*SHAPE).astype(np.float32) for seed in (0, 1))
    x, dy = (tf.placeholder(tf.float32, SHAPE) for _ in range(2))
    image, grad = tf.cast(x, dtype), tf.cast(dy, dtype)
    y = tf.nn.lrn(image, **attrs)
    fetches = [tf.cast(t, tf.float32) for t in (y, tf.gradients(y, image, grad)[0])]
    rounded, _ = compared(fetches, {x: numbers, dy: gradient}, "banded_lrn", rtol=2e-2, atol=1e-2)
    kinds = set(types(rounded))
    assert {"LRN", "_LRNGradOfImage"} <= kinds if in_c else {"_FusedMatMul", "MatMul"} <= kinds
    assert all(v.dtype is tf.float32 for n in rounded.nodes for v in n.outputs
               if n.type in ("LRN", "_LRNGradOfImage", "_FusedMatMul", "MatMul"))  # fmt: skip
    for value, want in zip(run(rounded, {x: numbers, dy: gradient}), _by_definition(numbers, gradient, **attrs),
                           strict=True):  # fmt: skip
        np.testing.assert_allclose(value, want, rtol=2e-2, atol=2e-2)


def test_the_kernel_in_c_keeps_its_node():
    if lrn_native.load() is None:
        pytest.skip("no C compiler")
    x, dy, fetches = _image_and_gradient(depth_radius=2, beta=0.75)
    plan, _ = compared(fetches, random_feed(x, dy), "banded_lrn")
    assert types(plan) == ["LRN", "_LRNGradOfImage"]
    assert [note.endswith("left to the kernel in C") for note in plan.notes if "LRN" in note] == [True, True]


def test_a_plan_for_the_kernel_in_c_runs_without_it(monkeypatch):
    x, dy, fetches = _image_and_gradient(depth_radius=2, bias=1.5, alpha=0.3, beta=0.75)
    feed = random_feed(x, dy)
    plan = plan_of(fetches, feed)
    want = run(plan, feed)
    monkeypatch.setattr(lrn_native, "load", lambda: None)
    for value, expected in zip(run(plan, feed), want, strict=True):
        np.testing.assert_allclose(value, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.usefixtures("without_c")
def test_nodes_on_a_gpu_need_no_compiler_on_the_host(monkeypatch):
    """The kernel in C is there, but the node is not on the CPU."""
    monkeypatch.setattr(lrn_native, "fits", lambda *arguments: True)
    x, dy, fetches = _image_and_gradient(depth_radius=2, beta=0.75)
    plan = build_plan(fetches, [], [x, dy])
    for node in plan.nodes:
        node.device = "/job:localhost/replica:0/task:0/device:GPU:0"
    plan = lower_lrn(plan)
    assert "LRN" not in types(plan) and types(plan).count("_FusedMatMul") == 2
    assert {node.device for node in plan.nodes} == {"/job:localhost/replica:0/task:0/device:GPU:0"}


@pytest.mark.parametrize("in_c", [True, False])
@pytest.mark.parametrize("shape", [[None, 3, 4, 8], [2, None, 4, 8]])
def test_an_unknown_size(shape, in_c, monkeypatch):
    if not in_c:
        monkeypatch.setattr(lrn_native, "load", lambda: None)
    attrs = {"depth_radius": 2, "bias": 1.5, "alpha": 0.3, "beta": 0.75}
    x, dy, fetches = _image_and_gradient(shape=shape, **attrs)
    numbers = {p: np.random.RandomState(i).randn(2, 3, 4, 8).astype(np.float32) for i, p in enumerate((x, dy))}
    plan, _ = compared(fetches, numbers, "banded_lrn")
    assert in_c or "MatMul" in types(plan)
    for value, want in zip(run(plan, numbers), _by_definition(numbers[x], numbers[dy], **attrs), strict=True):
        np.testing.assert_allclose(value, want, rtol=1e-5, atol=1e-6)


@pytest.mark.usefixtures("without_c")
@pytest.mark.parametrize("shape", [[None, None, 4, 8], [2, 3, 4, None], None])
def test_sizes_that_only_the_run_tells_leave_the_op_as_it_is(shape):
    x, dy, fetches = _image_and_gradient(shape=shape, depth_radius=2, beta=0.75)
    numbers = {p: np.ones(SHAPE, np.float32) for p in (x, dy)}
    plan, _ = compared(fetches, numbers, "banded_lrn")
    assert types(plan) == ["LRN", "LRNGrad"]


@pytest.mark.parametrize("in_c", [True, False])
def test_the_gradient_of_an_output_from_elsewhere(in_c, monkeypatch):
    """The op takes any tensor for the normalized image, and says what follows from that one."""
    if not in_c:
        monkeypatch.setattr(lrn_native, "load", lambda: None)
    attrs = {"depth_radius": 1, "bias": 1.5, "alpha": 0.3, "beta": 0.75}
    x, dy, other = (tf.placeholder(tf.float32, SHAPE) for _ in range(3))
    y = tf.nn.lrn(x, **attrs)
    gradients = [tf.raw_ops.LRNGrad(input_grads=dy, input_image=x, output_image=image, **attrs)
                 for image in (other, tf.nn.lrn(x, 2, 1.5, 0.3, 0.75))]  # fmt: skip
    feed = random_feed(x, dy, other)
    plan, _ = compared([y, *gradients], feed, "banded_lrn")
    assert "_LRNGradOfImage" not in types(plan)
    wide, _ = _by_definition(feed[x], feed[dy], 2, 1.5, 0.3, 0.75)
    wants = [_by_definition(feed[x], feed[dy], **attrs, output=output)[1] for output in (feed[other], wide)]
    for value, want in zip(run(plan, feed)[1:], wants, strict=True):
        np.testing.assert_allclose(value, want, rtol=1e-5, atol=1e-6)


@pytest.mark.usefixtures("without_c")
def test_what_waits_or_is_waited_for_stays():
    x = tf.placeholder(tf.float32, SHAPE)
    count = tf.Variable(0)
    y = tf.nn.lrn(x, 2)
    with tf.control_dependencies([y]):
        bump = tf.assign_add(count, 1)
    with tf.control_dependencies([bump]):
        z = tf.nn.lrn(x, 2)
    assert types(plan_of([z], [x], targets=[y.op])).count("LRN") == 2
    with tf.Session() as session:
        session.run(count.initializer)
        assert session.run([z, count], random_feed(x))[1] == 1


@pytest.mark.usefixtures("without_c")
def test_inside_a_branch():
    x, wanted = tf.placeholder(tf.float32, SHAPE), tf.placeholder(tf.bool, [])
    y = tf.cond(wanted, lambda: tf.nn.lrn(x, 2, beta=0.75), lambda: x)
    fetches = [y, *tf.gradients(tf.reduce_sum(tf.square(y)), x)]
    session = tf.Session()
    numbers = np.random.RandomState(0).randn(*SHAPE).astype(np.float32)
    for way in (True, False):
        normalized, gradient = session.run(fetches, {x: numbers, wanted: way})
        want = _by_definition(numbers, 2 * normalized, 2, 1.0, 1.0, 0.75) if way else (numbers, 2 * numbers)
        np.testing.assert_allclose(normalized, want[0], rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(gradient, want[1], rtol=1e-5, atol=1e-6)
