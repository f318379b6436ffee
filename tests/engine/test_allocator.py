"""Memory that was freed before a step is compiled is not the process's for good."""

import subprocess
import sys

import pytest

_SCRIPT = """
import numpy as np
import reflow as tf

def resident():
    with open("/proc/self/statm") as sizes:
        return int(sizes.read().split()[1]) * 4096 >> 20

x = tf.placeholder(tf.float32, [None])
session = tf.Session()
session.run(x + 1.0, {x: [1.0]})
before = resident()
arrays = [np.ones(2 << 20, np.float32) for _ in range(32)]
last = arrays[-1][:1].copy()
del arrays
freed = resident() - before
session.run(x * 2.0, {x: last})
print(freed, resident() - before)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_freed_memory_is_given_back_when_a_step_is_compiled():
    done = subprocess.run([sys.executable, "-c", _SCRIPT], capture_output=True, text=True, check=True)
    freed, left = map(int, done.stdout.split())
    if freed < 128:
        pytest.skip("this C library gives memory back by itself")
    assert left < 64


_LARGE = """
import reflow as tf

def huge():
    with open("/proc/self/smaps") as maps:
        return sum(int(line.split()[1]) for line in maps if line.startswith("AnonHugePages")) >> 10

before = huge()
result = tf.Session().run(tf.zeros([32 << 20]) + tf.placeholder_with_default(1.0, []))
print(before, huge())
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_large_tensors_lie_in_huge_pages():
    with open("/sys/kernel/mm/transparent_hugepage/enabled") as modes:
        if "[never]" in modes.read():
            pytest.skip("this system has no huge pages")
    done = subprocess.run([sys.executable, "-c", _LARGE], capture_output=True, text=True, check=True)
    before, after = map(int, done.stdout.split())
    assert after - before > 64
