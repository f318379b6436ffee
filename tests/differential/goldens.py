"""Recorded examples with TensorFlow's outcomes, one compressed file a family."""

import json
import lzma
import pathlib

FOLDER = pathlib.Path(__file__).parents[1] / "goldens" / "differential"


def read(family):
    """Op -> [(example as the worker takes it, TensorFlow's outcome), ...]; empty if nothing is recorded."""
    path = FOLDER / f"{family}.json.xz"
    return json.loads(lzma.decompress(path.read_bytes())) if path.exists() else {}


def write(family, recorded):
    """Keep what `read` returns."""
    FOLDER.mkdir(exist_ok=True)
    text = json.dumps(recorded, sort_keys=True, separators=(",", ":")).encode()
    (FOLDER / f"{family}.json.xz").write_bytes(lzma.compress(text, preset=9 | lzma.PRESET_EXTREME))
