"""Arguments that TensorFlow renamed: both spellings are accepted, but not both at once."""


def renamed_argument(new_name: str, new_value, old_name: str, old_value):
    """The value given under either name of an argument; None stands for "not given".

    Raises:
      ValueError: if it is given under both names.
    """
    if old_value is None:
        return new_value
    if new_value is not None:
        raise ValueError(f"Cannot specify both '{old_name}' and '{new_name}'")
    return old_value
