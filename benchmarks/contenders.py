"""Who is measured: names in the tables, interpreters, environments."""

import os
import sys
from dataclasses import dataclass, field, replace
from pathlib import Path

from benchmarks.devices import CPU, environment

ROOT = Path(__file__).resolve().parent.parent
DEFAULT_PEERS = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "reflow" / "peers"


@dataclass(frozen=True)
class Contender:
    """An implementation as it is run: `python` starts its worker under `environment` (added to this process's)."""

    name: str
    title: str
    implementation: str
    python: str
    environment: dict = field(default_factory=dict)


def contenders(device=CPU):
    """All contenders by name, as they run on a device.

    The peers' interpreters come from the folder that `REFLOW_PEERS` names.
    """
    peers = Path(os.environ.get("REFLOW_PEERS", DEFAULT_PEERS))

    def peer(folder):
        return str(peers / folder / "bin" / "python")

    entries = (
        Contender("reflow", "Reflow", "reflow", sys.executable),
        Contender("reflow-jit", "Reflow JIT", "reflow", sys.executable, {"REFLOW_JIT": "1"}),
        Contender("tf1", "TF 1.15", "tf1", peer("tf1")),
        Contender("tf2", "TF 2.21", "tf2", peer("tf2")),
        Contender("torch", "PyTorch", "torch", sys.executable),
        Contender("torch-compile", "PyTorch compiled", "torch-compile", sys.executable),
        Contender("jax", "JAX", "jax", peer("jax")),
    )
    common = environment(device)
    return {entry.name: replace(entry, environment={**common, **entry.environment}) for entry in entries}


def missing(contender):
    """Why a contender cannot be measured here; None if it can."""
    if not Path(contender.python).exists():
        return "not installed (make peers)"
    return None
