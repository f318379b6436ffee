"""Arguments of layers over space: sizes along each axis, paddings, data formats, and the output sizes that follow."""


def normalize_tuple(value, n, name):
    """`value` as a tuple of `n` integers; an int counts for each of them.

    Args:
      value: an int or an iterable of `n` integers.
      n: the wanted length.
      name: the argument's name, for the message.

    Raises:
      ValueError: if it is neither.
    """
    if isinstance(value, int):
        return (value,) * n
    problem = f"The `{name}` argument must be a tuple of {n} integers. Received: {value}"
    try:
        values = tuple(value)
    except TypeError:
        raise ValueError(problem) from None
    if len(values) != n:
        raise ValueError(problem)
    for each in values:
        try:
            int(each)
        except (ValueError, TypeError):
            raise ValueError(f"{problem} including element {each} of type {type(each)}") from None
    return values


def normalize_data_format(value):
    """A data format in lower case, "channels_last" for None; raises ValueError for an unknown one."""
    data_format = "channels_last" if value is None else value.lower()
    if data_format not in ("channels_first", "channels_last"):
        raise ValueError(f'The `data_format` argument must be one of "channels_first", "channels_last". '
                         f"Received: {value}")  # fmt: skip
    return data_format


def normalize_padding(value):
    """A padding in lower case; raises ValueError unless it is "valid", "same" or "causal". A list stays as it is."""
    if isinstance(value, (list, tuple)):
        return value
    padding = value.lower()
    if padding not in ("valid", "same", "causal"):
        raise ValueError('The `padding` argument must be a list/tuple or one of "valid", "same" (or "causal", only for '
                         f"`Conv1D). Received: {padding}")  # fmt: skip
    return padding


def convert_data_format(data_format, ndim):
    """The data format of an op on tensors of rank `ndim`: "channels_last" is "NHWC" for rank 4.

    Raises:
      ValueError: for another rank than 3, 4, 5 or an unknown format.
    """
    if ndim not in (3, 4, 5):
        raise ValueError("Input rank not supported:", ndim)
    space = {3: "W", 4: "HW", 5: "DHW"}[ndim]
    if data_format == "channels_last":
        return f"N{space}C"
    if data_format == "channels_first":
        return f"NC{space}"
    raise ValueError("Invalid data_format:", data_format)


def conv_output_length(input_length, filter_size, padding, stride, dilation=1):
    """The output size of a convolution or pooling along one axis.

    Args:
      input_length: the input size, or None if it is unknown.
      filter_size: the size of the window.
      padding: "same", "valid", "full" or "causal".
      stride: the step of the window.
      dilation: the distance between the window's elements.

    Returns:
      The size, or None if `input_length` is None.
    """
    if input_length is None:
        return None
    window = filter_size + (filter_size - 1) * (dilation - 1)
    shrink = {"same": 0, "causal": 0, "valid": window - 1, "full": 1 - window}[padding]
    return (input_length - shrink + stride - 1) // stride


def deconv_output_length(input_length, filter_size, padding, output_padding=None, stride=0, dilation=1):
    """The output size of a transposed convolution along one axis; the arguments are those of `conv_output_length`.

    Args:
      output_padding: how much longer the output is than the least length; None for the length that "same" (input times
        stride) or "valid" has.
    """
    if input_length is None:
        return None
    window = filter_size + (filter_size - 1) * (dilation - 1)
    if output_padding is None:
        extra = {"same": 0, "valid": max(window - stride, 0), "full": -(stride + window - 2)}[padding]
        # No node is made for an addition of nothing.
        return input_length * stride if padding == "same" else input_length * stride + extra
    pad = {"same": window // 2, "valid": 0, "full": window - 1}[padding]
    return (input_length - 1) * stride + window - 2 * pad + output_padding
