"""What the tables say about the machine: the processor's model and the number of CPUs, nothing that names it."""

import os

from benchmarks.devices import CPU, name


def processor():
    """The processor's model name as Linux tells it."""
    with open("/proc/cpuinfo") as info:
        names = [line.split(":", 1)[1].strip() for line in info if line.startswith("model name")]
    return names[0] if names else "unknown processor"


def describe(device=CPU):
    """For instance `2 x AMD EPYC`, and the GPU if that is measured."""
    processors = f"{len(os.sched_getaffinity(0))} x {processor()}"
    return processors if device == CPU else f"{processors}, {name()}"
