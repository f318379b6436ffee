"""Windows, frames, spectra and the mel scale against TensorFlow 1.15.5."""

from tests.ops.recorded import Recorded

recorded = Recorded("signal", float32=5e-5)


@recorded.each_case
def test_as_tensorflow(name):
    recorded.check(name)
