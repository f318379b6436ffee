import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reflow.files.coding import MalformedError
from reflow.files.tensor_slice import TensorSlice, TensorSliceProto, assemble, parse_shape_and_slice
from reflow.graph import errors


def test_text_and_proto_round_trip():
    part = TensorSlice.parse("0,5:-:3,1")
    assert part.extents == ((0, 5), (0, -1), (3, 1))
    assert str(part) == "0,5:-:3,1"
    assert TensorSlice.from_proto(part.to_proto()) == part


@pytest.mark.parametrize("text", ["", "4", "4 5 x", "a 0,1", "4 0,5", "4 0,0", "4 -1,2", "4 0;1", "4 4 0,1", "-4 -"])
def test_bad_texts(text):
    with pytest.raises(errors.InvalidArgumentError):
        parse_shape_and_slice(text)


def test_shape_and_slice():
    assert parse_shape_and_slice("10 20 0,5:-") == ((10, 20), TensorSlice(((0, 5), (0, -1))))


@pytest.mark.parametrize(("start", "length"), [(-1, 2), (0, -2), (3, None)])
def test_bad_protos(start, length):
    proto = TensorSliceProto()
    extent = proto.extent.add(start=start)
    if length is not None:
        extent.length = length
    with pytest.raises(MalformedError):
        TensorSlice.from_proto(proto)


def test_key_is_the_one_in_tensorflows_index(golden, cases):
    index = (golden / "v2.index").read_bytes()
    _, part = parse_shape_and_slice(cases.PARTS[0])
    assert part.key(b"partitioned") in index


def test_bounds():
    part = TensorSlice.parse("2,3:-")
    assert part.bounds((5, 7)) == (slice(2, 5), slice(0, 7))
    assert part.bounds((4, 7)) is None
    assert part.bounds((5,)) is None


@st.composite
def tilings(draw):
    """A shape, boxes that tile it, and a box to read."""
    shape = draw(st.lists(st.integers(1, 6), min_size=1, max_size=3))
    boxes = [tuple(slice(0, size) for size in shape)]
    for _ in range(draw(st.integers(0, 6))):
        box = boxes.pop(draw(st.integers(0, len(boxes) - 1)))
        axis = draw(st.integers(0, len(shape) - 1))
        cut = draw(st.integers(box[axis].start, box[axis].stop))
        halves = [slice(box[axis].start, cut), slice(cut, box[axis].stop)]
        boxes += [box[:axis] + (half,) + box[axis + 1 :] for half in halves if half.start < half.stop]
    starts = [draw(st.integers(0, size - 1)) for size in shape]
    wanted = tuple(slice(start, draw(st.integers(start + 1, size))) for start, size in zip(starts, shape, strict=True))
    return tuple(shape), draw(st.permutations(boxes)), wanted


@given(tilings())
def test_any_box_is_assembled_from_any_tiling(tiling):
    shape, boxes, wanted = tiling
    full = np.arange(np.prod(shape)).reshape(shape)
    np.testing.assert_array_equal(assemble(wanted, boxes, full.dtype, lambda i: full[boxes[i]]), full[wanted])


@given(tilings(), st.randoms())
def test_a_missing_or_repeated_part_is_noticed(tiling, random):
    shape, boxes, _ = tiling
    full = np.arange(np.prod(shape)).reshape(shape)
    everything = tuple(slice(0, size) for size in shape)
    victim = random.randrange(len(boxes))

    def read(i):
        raise AssertionError("nothing may be read")

    assert assemble(everything, boxes[:victim] + boxes[victim + 1 :], full.dtype, read) is None
    assert assemble(everything, [*boxes, boxes[victim]], full.dtype, read) is None


def test_an_overlap_that_hides_a_gap_of_the_same_size_is_noticed():
    boxes = [(slice(0, 2),), (slice(1, 3),)]
    assert assemble((slice(0, 4),), boxes, np.dtype(int), lambda i: np.zeros(2)) is None
