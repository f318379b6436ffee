"""Convolutions, pooling and normalization of image batches, NHWC in sessions and channels_last in PyTorch."""

from benchmarks.ops.base import Op, Spec, feature_maps, sized

_IMAGE_ORDER, _FILTER_ORDER = (0, 3, 1, 2), (3, 2, 0, 1)
_FEW = {"small": 25, "medium": 3, "large": 1}
_SIZES = (1, 16, 16), (8, 28, 32), (16, 56, 64)


def _convolved(window, per_channel=False):
    """{size: image batch, filter}; a depthwise filter has one window for each channel."""

    def make(batch, size, channels):
        images = Spec((batch, size, size, channels), order=_IMAGE_ORDER)
        if per_channel:
            return images, Spec((window, window, channels, 1), order=(2, 3, 0, 1))
        return images, Spec((window, window, channels, channels), order=_FILTER_ORDER)

    return sized(make, *_SIZES)


def _normalized(batch, size, channels):
    vector = Spec((channels,), "positive")
    return Spec((batch, size, size, channels), order=_IMAGE_ORDER), vector, vector


def _batch_norm(torch, x, scale, offset):
    return torch.nn.functional.batch_norm(x, None, None, scale, offset, training=True, eps=1e-3)


OPS = (
    Op(
        "conv2d 3x3", _convolved(3),
        lambda tf, x, w: tf.nn.conv2d(x, w, [1, 1, 1, 1], "SAME"),
        lambda torch, x, w: torch.conv2d(x, w, padding=1),
        by=(0, 1), copies=_FEW,
    ),
    Op(
        "conv2d 3x3, stride 2", _convolved(3),
        lambda tf, x, w: tf.nn.conv2d(x, w, [1, 2, 2, 1], "SAME"),
        lambda torch, x, w: torch.conv2d(torch.nn.functional.pad(x, (0, 1, 0, 1)), w, stride=2),
        by=(0, 1), copies=_FEW,
    ),
    Op(
        "conv2d 1x1", _convolved(1),
        lambda tf, x, w: tf.nn.conv2d(x, w, [1, 1, 1, 1], "SAME"),
        lambda torch, x, w: torch.conv2d(x, w),
        by=(0, 1), copies=_FEW,
    ),
    Op(
        "depthwise_conv2d 3x3", _convolved(3, per_channel=True),
        lambda tf, x, w: tf.nn.depthwise_conv2d(x, w, [1, 1, 1, 1], "SAME"),
        lambda torch, x, w: torch.conv2d(x, w, padding=1, groups=x.shape[1]),
        by=(0, 1), copies=_FEW,
    ),
    Op(
        "max_pool 2x2", feature_maps(),
        lambda tf, x: tf.nn.max_pool(x, [1, 2, 2, 1], [1, 2, 2, 1], "SAME"),
        lambda torch, x: torch.max_pool2d(x, 2, 2),
        by=(0,),
    ),
    Op(
        "max_pool 3x3, stride 2", feature_maps(),
        lambda tf, x: tf.nn.max_pool(x, [1, 3, 3, 1], [1, 2, 2, 1], "VALID"),
        lambda torch, x: torch.max_pool2d(x, 3, 2),
        by=(0,),
    ),
    Op(
        "avg_pool 2x2", feature_maps(),
        lambda tf, x: tf.nn.avg_pool(x, [1, 2, 2, 1], [1, 2, 2, 1], "SAME"),
        lambda torch, x: torch.nn.functional.avg_pool2d(x, 2, 2),
        by=(0,),
    ),
    Op(
        "fused_batch_norm", sized(_normalized, *_SIZES),
        lambda tf, x, scale, offset: tf.nn.fused_batch_norm(x, scale, offset)[0],
        _batch_norm,
        by=(0, 1, 2),
    ),
    Op(
        "lrn", feature_maps(),
        lambda tf, x: tf.nn.lrn(x, 4, bias=1.0, alpha=0.001 / 9.0, beta=0.75),
        lambda torch, x: torch.nn.functional.local_response_norm(x, 9, 0.001, 0.75, 1.0),
        by=(0,),
    ),
)  # fmt: skip
