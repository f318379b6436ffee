"""The first losses of a model in several implementations, from the same initial values, batches and random seeds.

`python -m benchmarks.losses lenet --impl reflow,tf1` prints them; the oracle tests call `first_losses`. Reflow and both
TensorFlows draw the same dropout masks. PyTorch and JAX draw their own, and PyTorch's Adam adds its epsilon elsewhere:
where a model has either, their losses only resemble TensorFlow's.
"""

from contextlib import ExitStack
from typing import Annotated

import typer

from benchmarks.channel import Worker
from benchmarks.contenders import contenders

STEPS = 20


def first_losses(model, names, steps=STEPS, batch=None):
    """Train a model side by side.

    Args:
        model: name of a model's training case, such as `lenet`.
        names: contenders.
        steps: number of training steps.
        batch: batch size, the model's own by default.

    Returns:
        {contender's name: [loss before each step]}.

    Raises:
        WorkerError: when a contender fails.
    """
    table = contenders()
    with ExitStack() as stack:
        workers = [stack.enter_context(Worker(table[name])) for name in names]
        for worker in workers:
            worker.send("losses", case=model, count=steps, batch=batch)
        return {worker.contender.name: worker.receive() for worker in workers}


def relative_difference(left, right):
    """The largest difference of two equally long lists of losses, relative to the second."""
    return max(abs(a - b) / abs(b) for a, b in zip(left, right, strict=True))


def main(
    model: str,
    impl: Annotated[str, typer.Option(help="Contenders, separated by commas; compared with the last.")] = "reflow,tf1",
    steps: int = STEPS,
    batch: int | None = None,
) -> None:
    """Print the first losses of a model, and each contender's largest relative difference to the last's."""
    losses = first_losses(model, impl.split(","), steps, batch)
    reference = list(losses.values())[-1]
    for name, values in losses.items():
        typer.echo(f"{name}: {' '.join(f'{value:.7g}' for value in values)}")
        typer.echo(f"    differs by {relative_difference(values, reference):.1e}")


if __name__ == "__main__":
    typer.run(main)
