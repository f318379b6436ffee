"""From samples to the rows of the tables: medians, quartiles, ratios, rates."""

import json
from datetime import date
from statistics import median, quantiles

from benchmarks import machine
from benchmarks.cases import PRODUCT
from benchmarks.devices import CPU
from benchmarks.micro.product import MULTIPLY_ADDS as PRODUCT_MULTIPLY_ADDS

TENSORFLOWS = ("tf1", "tf2")
PYTORCHES = ("torch", "torch-compile")
# The column of ratios, and the contenders of which the fastest counts.
RIVALS = {"TensorFlow": TENSORFLOWS, "PyTorch": PYTORCHES, "JAX": ("jax",)}
# An operation slower than this times the faster TensorFlow has a reason in its table.
SLOW = 1.2


def summary(values):
    """{"median", "low", "high"}: median and quartiles of a list of numbers, to four digits."""
    low, _, high = quantiles(values, n=4, method="inclusive") if len(values) > 1 else values * 3
    return {name: float(f"{value:.4g}") for name, value in (("median", median(values)), ("low", low), ("high", high))}


def fastest(times, names):
    """Of the contenders `names`, the one with the least median time; None if none was measured."""
    return min((name for name in names if name in times), key=lambda name: median(times[name]), default=None)


def ratios(times, ours="reflow"):
    """{rival: summary of our time / the rival's, round by round}; rounds of one number were measured together."""
    table = {}
    for rival, names in RIVALS.items():
        best = fastest(times, names)
        if best and ours in times:
            paired = [own / other for own, other in zip(times[ours], times[best], strict=False)]
            table[rival] = {"of": best, **summary(paired)}
    return table


def rates(case, times):
    """{contender: its multiply-adds a second as a share of the machine's matrix product}, medians over rounds."""
    if not case.is_model or PRODUCT.name not in times:
        return {}
    rate = PRODUCT_MULTIPLY_ADDS / median(times[PRODUCT.name])
    return {name: case.multiply_adds / median(values) / rate for name, values in times.items() if name != PRODUCT.name}


def rows(case, samples, device=CPU):
    """The rows of a case on a device, one a metric, as JSON-ready dictionaries; {row's name: row}."""
    good = {name: result for name, result in samples.items() if result.error is None}
    metrics = sorted({metric for result in good.values() for metric in result.rounds})
    table = {}
    for metric in metrics or [""]:
        times = {name: result.rounds[metric] for name, result in good.items() if metric in result.rounds}
        product = times.get(PRODUCT.name)
        table[f"{case.name}: {metric}" if metric else case.name] = {
            "date": date.today().isoformat(),
            "machine": machine.describe(device),
            "unit": case.unit,
            "seconds": {name: summary(values) for name, values in times.items() if name != PRODUCT.name},
            "ratios": ratios(times),
            "product_gflops": 2e-9 * PRODUCT_MULTIPLY_ADDS / median(product) if product else None,
            "product_share": rates(case, times),
            "memory": {name: result.memory for name, result in samples.items() if result.memory and name in times},
            "facts": {name: result.facts for name, result in samples.items() if result.facts},
            "versions": {name: result.version for name, result in samples.items() if result.version},
            "errors": {name: result.error for name, result in samples.items() if result.error},
        }
    return table


def is_slow(row):
    """Whether Reflow takes more than `SLOW` times as long as the faster TensorFlow."""
    return row["ratios"].get("TensorFlow", {"median": 0.0})["median"] > SLOW


def op_rows(case, samples):
    """The rows of an operation: without what only models have, with the number of rounds."""
    table = rows(case, samples)
    for name, row in table.items():
        metric = name[len(case.name) + 2:]
        row["rounds"] = max((len(result.rounds.get(metric, ())) for result in samples.values()), default=0)
        for field in ("product_gflops", "product_share", "memory", "facts", "unit"):
            del row[field]
    return table


def merge(path, new_rows):
    """Write rows into a results file, one a line; rows of the same name are replaced, others kept.

    Returns all rows.
    """
    table = json.loads(path.read_text()) if path.exists() else {}
    table.update(new_rows)
    lines = ",\n".join(f"{json.dumps(name)}: {json.dumps(row)}" for name, row in table.items())
    path.write_text(f"{{\n{lines}\n}}\n")
    return table
