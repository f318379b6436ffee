"""Notes about spellings of before TensorFlow 1.0: each is accepted, and told of once."""

from reflow.platform import logging

_noted: set[str] = set()


def note_once(message: str) -> None:
    """Log a warning, the first time that this message comes up."""
    if message not in _noted:
        _noted.add(message)
        logging.warning(message)
