"""Reflow beside its peers, measured in one run: `python -m benchmarks` (docs/benchmarks.md tells how).

The modules that a worker process imports (worker, cases, implementations, drivers, layers, models, micro) run under
Python 3.7 too, TensorFlow 1.15's newest, and import no framework at their top.
"""
