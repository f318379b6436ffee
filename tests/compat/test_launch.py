"""`reflow run`: programs, modules and code, as Python itself would run them."""

import os
import subprocess
import sys

import pytest

from reflow.compat import launch


@pytest.fixture
def script(tmp_path):
    """Writes a program; returns its path."""

    def write(text, name="program.py"):
        path = tmp_path / name
        path.write_text(text)
        return path

    return write


def test_a_script_gets_its_arguments_and_is_main(reflow_command, script):
    path = script("import sys\nprint(sys.argv, __name__, __file__, sys.path[0])\n")
    result = reflow_command("run", path, "--help", "-m", "x")
    assert result.stdout == f"{[str(path), '--help', '-m', 'x']} __main__ {path} {path.parent}\n"


def test_modules_and_code_run_too(reflow_command, script):
    script("import sys\nprint(sys.argv[1:])", "module.py")
    assert reflow_command("run", "-m", "module", "-c", "--help").stdout == "['-c', '--help']\n"
    assert reflow_command("run", "-c", "import sys; print(sys.argv)", "-a").stdout == "['-c', '-a']\n"


def test_options_of_python_are_kept(reflow_command):
    assert reflow_command("run", "-O", "-c", "print(__debug__)").stdout == "False\n"


def test_the_traceback_is_that_of_an_ordinary_program(reflow_command, script):
    path = script("def f():\n    raise ValueError('x')\n\nf()\n")
    plain = subprocess.run([sys.executable, path], capture_output=True, text=True)
    ours = reflow_command("run", path)
    assert ours.stderr == plain.stderr
    assert ours.returncode == plain.returncode == 1


@pytest.mark.parametrize("ending", ["raise SystemExit(7)", "import os; os._exit(7)", "import sys; sys.exit(7)"])
def test_the_exit_code_is_the_programs(reflow_command, ending):
    assert reflow_command("run", "-c", ending).returncode == 7


def test_child_processes_find_reflow(reflow_command, script):
    path = script(
        "import multiprocessing, subprocess, sys\n"
        "def child(queue):\n"
        "    import tensorflow.compat.v1 as tf\n"
        "    queue.put(tf.GIT_VERSION)\n"
        "if __name__ == '__main__':\n"
        "    context = multiprocessing.get_context('spawn')\n"
        "    queue = context.Queue()\n"
        "    process = context.Process(target=child, args=(queue,))\n"
        "    process.start()\n"
        "    print(queue.get())\n"
        "    process.join()\n"
        "    print(subprocess.check_output([sys.executable, '-c', 'import tensorflow as t; print(t.GIT_VERSION)']))\n"
    )
    lines = reflow_command("run", path).stdout.splitlines()
    assert lines[0].startswith("v1.15.5-reflow")
    assert lines[1].startswith("b'v1.15.5-reflow")


def test_a_process_without_tensorflow_imports_nothing_of_reflow(reflow_command):
    code = "import sys; print([name for name in sys.modules if name.partition('.')[0] in ('reflow', 'torch')])"
    assert reflow_command("run", "-c", code).stdout == "[]\n"


def test_an_existing_sitecustomize_still_runs(reflow_command, script, tmp_path):
    script("print('site of the machine')", "sitecustomize.py")
    code = "import sys, sitecustomize; print(sitecustomize.__file__); print([p for p in sys.path if 'startup' in p])"
    lines = reflow_command("run", "-c", code, PYTHONPATH=f"{launch.STARTUP_FOLDER}/../../..{os.pathsep}{tmp_path}")
    # Once in the command itself, once in the program's process.
    site = "site of the machine"
    assert lines.stdout.splitlines() == [site, site, str(tmp_path / "sitecustomize.py"), "[]"]


def test_the_startup_folder_stands_once_at_the_head():
    once = launch.environment({"PYTHONPATH": "/a"})
    assert once["PYTHONPATH"] == f"{launch.STARTUP_FOLDER}{os.pathsep}/a"
    assert launch.environment(once) == once
    assert launch.environment({"A": "b"}) == {"A": "b", "PYTHONPATH": launch.STARTUP_FOLDER}


def test_reflow_wins_over_a_tensorflow_that_is_installed(reflow_command, script, tmp_path):
    (tmp_path / "tensorflow").mkdir()
    script("raise RuntimeError('the wrong one')", "tensorflow/__init__.py")
    assert reflow_command("run", "-c", "import tensorflow as tf; print(tf.__version__)").stdout == "1.15.5\n"


def test_the_alias_package_is_reflow(tmp_path, script):
    root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    path = script(
        "import tensorflow.compat.v1 as v1\nimport tensorflow as tf, reflow\n"
        "from tensorflow.python.framework import ops\n"
        "print(tf is reflow, ops.Graph is tf.Graph, v1.Graph is tf.Graph)"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([os.path.join(root, "alias"), root])}
    result = subprocess.run([sys.executable, path], env=environment, capture_output=True, text=True)
    assert (result.stdout, result.stderr) == ("True True True\n", "")
