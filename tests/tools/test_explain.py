"""`reflow explain`: the plans of a program's steps, beside what the program itself prints."""

import os
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = """
import sys
import reflow as tf

x = tf.placeholder(tf.float32, [2, 3], name="x")
w = tf.Variable(tf.ones([3, 4]), name="w")
loss = tf.reduce_mean(tf.nn.relu(tf.matmul(x, w)), name="loss")
with tf.Session() as session:
    session.run(w.initializer)
    print("loss", session.run(loss, {x: [[1, 2, 3], [4, 5, 6]]}), sys.argv[1:])
"""


def _explain(tmp_path, program, *arguments):
    script = tmp_path / "program.py"
    script.write_text(program)
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "150", "NO_COLOR": "1"}
    command = [sys.executable, "-m", "reflow", "explain", script, *arguments]
    return subprocess.run(command, capture_output=True, text=True, env=environment, timeout=120)


def test_the_plans_of_a_program(tmp_path):
    result = _explain(tmp_path, PROGRAM, "one", "--two")
    assert result.returncode == 0, result.stderr
    text = result.stdout
    assert "loss 10.5 ['one', '--two']" in text
    assert "step 1 of 2" in text and "step 2 of 2" in text
    last = text[text.index("step 2 of 2") :]
    assert "loss" in last and "x[2, 3]" in last
    assert "def step(" in last and "return [" in last
    assert "nodes" in last and "memory" in last


def test_output_into_a_pipe_is_not_broken(tmp_path):
    long = "a_name_that_is_long_enough_" * 8
    text = _explain(tmp_path, PROGRAM.replace('"loss")\nwith', f'"{long}")\nwith')).stdout
    last = text[text.index("step 2 of 2") :].splitlines()
    assert f"fetches    {long}" in last and f"    return [{long}]" in last
    memory = next(line for line in last if line.startswith("memory"))
    assert memory.startswith("memory     at most 36 bytes of intermediate values, at ")
    source = "\n".join(last[next(i for i, line in enumerate(last) if line.startswith("def step")) :])
    compile(source, "step", "exec")


def test_a_program_without_steps(tmp_path):
    assert _explain(tmp_path, "print('no session')").stdout == "no session\nThe program ran no step.\n"


def test_a_program_that_is_not_there(tmp_path):
    command = [sys.executable, "-m", "reflow", "explain", tmp_path / "nothing.py"]
    result = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(ROOT)})
    assert result.returncode == 2 and result.stdout == ""
    assert result.stderr == f"reflow explain: there is no file {str(tmp_path / 'nothing.py')!r}\n"


@pytest.mark.parametrize(("end", "status"), [("sys.exit(3)", 3), ("sys.exit('sorry')", 1), ("sys.exit()", 0)])
def test_the_exit_status_is_the_programs(tmp_path, end, status):
    result = _explain(tmp_path, f"import sys\n{end}\n")
    assert result.returncode == status and result.stderr == ("sorry\n" if "sorry" in end else "")


def test_a_program_that_fails_shows_its_error_and_its_plans(tmp_path):
    result = _explain(tmp_path, PROGRAM + "\nraise RuntimeError('after the steps')\n")
    assert result.returncode != 0
    assert "after the steps" in result.stderr and "runpy" not in result.stderr
    assert "step 2 of 2" in result.stdout


def test_devices_have_reasons(tmp_path):
    program = """
import reflow as tf

with tf.device("/cpu:1"):
    x = tf.exp(tf.random_uniform([], name="there"), name="far")
y = tf.sin(x, name="near")
with tf.Session(config=tf.ConfigProto(device_count={"CPU": 2})) as session:
    session.run(y)
"""
    text = " ".join(_explain(tmp_path, program).stdout.split())
    assert "device:CPU:1, asked for /device:CPU:1: there/shape, there/RandomUniform, far" in text
    assert "in the simulated run" in text and "near" in text


def test_the_jit_tells_what_it_leaves_out(tmp_path):
    program = """
import os
os.environ["REFLOW_JIT"] = "1"
import reflow as tf

with tf.Session() as session:
    session.run(tf.sin(tf.random_uniform([3])))
"""
    text = " ".join(_explain(tmp_path, program).stdout.split())
    assert "left out: 1 x RandomUniform has state or an effect" in text
    assert "left out: 1 x too few nodes together to gain by it" in text
