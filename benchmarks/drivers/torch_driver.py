"""A model in PyTorch, eager or compiled."""

from itertools import cycle

import numpy as np

from benchmarks import devices
from benchmarks.models.base import SEED, batches, initial_values


def _memory_format(torch, array):
    return torch.channels_last if array.ndim == 4 else torch.contiguous_format


def network_module(torch, model, training, device="cpu"):
    """The model's logits as an `nn.Module` that owns its parameters, on a device."""

    class Network(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.p = torch.nn.ParameterDict()
            for name, value in initial_values(model).items():
                value = torch.from_numpy(np.ascontiguousarray(model.to_torch(name, value)))
                value = value.contiguous(memory_format=_memory_format(torch, value)).to(device)
                self.p[name] = torch.nn.Parameter(value)

        def forward(self, x):
            return model.torch_logits(torch, self.p, x, training)

    return Network()


class TorchProgram:
    def __init__(self, torch, model, mode, batch, batch_count, compiled):
        torch.manual_seed(SEED)
        self.torch, self.model = torch, model
        training = mode == "train"
        self._on_gpu = devices.chosen() == devices.GPU
        self._device = "cuda" if self._on_gpu else "cpu"
        self.network = network_module(torch, model, training, self._device)
        self._parameters = list(self.network.parameters())
        self._batches = cycle(
            [
                {name: self._of_host(array) for name, array in arrays.items()}
                for arrays in batches(model, batch, batch_count)
            ]
        )
        self._run = self._loss if training else self.network
        if compiled:
            if mode == "inference":
                import torch._inductor.config as inductor

                self.network.eval()
                # Weights become constants, packed for their kernels.
                inductor.freezing = True
            # On a GPU, replayed as CUDA graphs.
            self._run = torch.compile(self._run, mode="reduce-overhead" if self._on_gpu else None)
        self._work = self._train if training else self._forward
        self._optimizer = self._make_optimizer() if training else None

    def step(self):
        self._work()
        devices.wait()

    def _of_host(self, array):
        """A batch's array, in memory from which a GPU copies while it computes."""
        tensor = self.torch.from_numpy(array)
        return tensor.pin_memory() if self._on_gpu else tensor

    def _next(self):
        batch = next(self._batches)
        if not self._on_gpu:
            return batch
        return {name: tensor.to(self._device, non_blocking=True) for name, tensor in batch.items()}

    def _make_optimizer(self):
        optimizer = {"adam": self.torch.optim.Adam, "sgd": self.torch.optim.SGD}[self.model.optimizer]
        return optimizer(self._parameters, lr=self.model.learning_rate, fused=True)

    def _loss(self, x):
        loss = self.torch.nn.functional.cross_entropy(self.network(x), x["labels"].long())
        if self.model.loss_scale != 1.0:
            loss = loss * self.model.loss_scale
        for name, factor in self.model.decay.items():
            loss = loss + (0.5 * factor) * self.network.p[name].square().sum()
        return loss

    def _forward(self):
        with self.torch.no_grad():
            return self._run(self._next())

    def _train(self):
        self._optimizer.zero_grad()
        loss = self._run(self._next())
        loss.backward()
        if self.model.clip_norm is not None:
            self.torch.nn.utils.clip_grad_norm_(self._parameters, self.model.clip_norm)
        self._optimizer.step()
        return loss

    def loss(self):
        return self._train().item()
