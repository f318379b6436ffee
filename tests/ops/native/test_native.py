"""C kernels: built once, found again, tested before use, and threads from PyTorch's own pool."""

import ctypes
import logging
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
import torch

from reflow.ops import native
from reflow.ops.native import philox as philox_native

SOURCE = """
#ifdef _OPENMP
#include <omp.h>
#endif
int answer(void) { return 42; }
/* How many threads take part. */
int team(int threads)
{
    int count = 0;
#pragma omp parallel num_threads(threads) reduction(+ : count)
    count += 1;
    return count;
}
"""


@pytest.fixture
def source(tmp_path, monkeypatch):
    """A C file, and a cache folder of its own."""
    if philox_native.load() is None:
        pytest.skip("no C compiler")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    path = tmp_path / "sample.c"
    path.write_text(SOURCE)
    return path


def _libraries(tmp_path):
    return sorted((tmp_path / "cache" / "reflow" / "native").iterdir())


def test_a_library_is_built_once(source, tmp_path):
    assert native.load(source, lambda library: None).answer() == 42
    (library,) = _libraries(tmp_path)
    assert library.name.startswith("sample-")
    built = library.stat().st_mtime_ns
    assert native.load(source, lambda library: None).answer() == 42
    assert _libraries(tmp_path) == [library]
    assert library.stat().st_mtime_ns == built


def test_another_source_or_other_flags_give_another_library(source, tmp_path, monkeypatch):
    native.load(source, lambda library: None)
    source.write_text(SOURCE.replace("42", "43"))
    assert native.load(source, lambda library: None).answer() == 43
    monkeypatch.setattr(native, "_FLAGS", ("-O1", "-fPIC"))
    native.load(source, lambda library: None)
    assert len(_libraries(tmp_path)) == 3


def test_another_header_gives_another_library(source, tmp_path):
    header = tmp_path / "number.h"
    source.write_text('#include "number.h"\nint answer(void) { return NUMBER; }')
    for number in 1, 2:
        header.write_text(f"#define NUMBER {number}")
        assert native.load(source, lambda library: None).answer() == number


def test_the_answer_is_cached(source):
    calls = []
    assert native.load(source, calls.append) is native.load(source, calls.append)
    assert len(calls) == 1


@pytest.mark.parametrize("setting", [{"REFLOW_NATIVE": "0"}, {"CC": "no-such-compiler"}, {"CC": "false"}])
def test_none_without_a_compiler(setting, source, monkeypatch):
    for name, value in setting.items():
        monkeypatch.setenv(name, value)
    assert native.load(source, lambda library: None) is None


def test_none_without_a_writable_cache(source, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert native.load(source, lambda library: None) is None


def test_a_wrong_answer_is_logged_and_the_library_not_used(source, caplog):
    def prepare(library):
        if library.answer() != 41:
            raise RuntimeError("the answer is not 41")

    with caplog.at_level(logging.INFO, logger=native.__name__):
        assert native.load(source, prepare) is None
    assert "sample.c is not used: the answer is not 41" in caplog.text


def test_a_source_that_does_not_compile_or_lacks_a_function(source):
    assert native.load(source, lambda library: library.missing) is None
    source.write_text("int answer(void) { return")
    assert native.load(source, lambda library: None) is None


def test_a_damaged_library_is_not_used(source):
    for flags in native._choices_of_flags():
        native.build(source, flags).write_bytes(b"\x7fELF")
    assert native.load(source, lambda library: None) is None


def test_one_thread_where_pytorch_brings_no_runtime(source, tmp_path, monkeypatch):
    monkeypatch.setattr(native, "_load_openmp_runtime", lambda: False)
    assert native.load(source, lambda library: None).team(3) == 1


def test_one_thread_where_the_threaded_library_fails(source):
    def prepare(library):
        if library.team(2) == 2:
            raise RuntimeError("threads do not work")

    assert native.load(source, prepare).team(3) == 1


def test_threads_are_those_of_pytorchs_only_runtime(source):
    """In a process of its own, where no other test has loaded a second runtime."""
    if not native._load_openmp_runtime():
        pytest.skip("PyTorch brings no OpenMP runtime")
    program = """
        import os, re, sys
        from pathlib import Path
        import torch
        from reflow.ops import native
        torch.set_num_threads(3)
        torch.rand(1 << 20).exp_()
        threads = len(os.listdir("/proc/self/task"))
        library = native.load(Path(sys.argv[1]), lambda library: None)
        assert library.team(3) == 3
        assert len(os.listdir("/proc/self/task")) == threads, "the kernel has started threads of its own"
        files = {line.split()[-1].rsplit("/", 1)[-1] for line in open("/proc/self/maps")}
        runtimes = {file for file in files if re.match("lib(g|i|)omp", file)}
        assert len(runtimes) == 1, runtimes
    """
    command = [sys.executable, "-c", textwrap.dedent(program), str(source)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr


def test_functions_release_the_interpreter_lock(source):
    assert type(native.load(source, lambda library: None)) is ctypes.CDLL


def test_only_plain_numbers_are_taken():
    images = torch.zeros(1, 8, 8, 16)
    assert native.takes(images)
    assert not native.takes(images.double())
    assert not native.takes(images.transpose(1, 2))
    assert not native.takes(images.to("meta"))


def test_all_sources_can_be_built_beforehand(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    sources = [path.stem for path in Path(native.__file__).parent.glob("*.c")]
    built = []
    monkeypatch.setattr(native, "_compile", lambda compiler, source, *rest: built.append(source.stem))
    native.build_all()
    assert sorted(built) == sorted(sources)
    assert "winograd" in built
