"""The machine's own rate: one product of square float32 matrices, large enough to be limited by arithmetic alone."""

from benchmarks import devices

SIZE = 2048
MULTIPLY_ADDS = SIZE**3


class Product:
    def __init__(self, torch):
        torch.manual_seed(0)
        self._torch = torch
        device = "cuda" if devices.chosen() == devices.GPU else "cpu"
        self._left, self._right, self._out = (torch.rand(SIZE, SIZE, device=device) for _ in range(3))

    def step(self):
        self._torch.mm(self._left, self._right, out=self._out)
        devices.wait()


def prepare(name, framework, variant):
    return Product(framework)
