"""`%load_ext reflow`."""

import subprocess
import sys


def test_a_notebook_finds_reflow():
    code = (
        "from IPython.testing.globalipapp import start_ipython\n"
        "shell = start_ipython()\n"
        "shell.run_line_magic('load_ext', 'reflow')\n"
        "shell.run_cell('import tensorflow; print(tensorflow is tf, tf.__version__)')\n"
        "shell.run_line_magic('unload_ext', 'reflow')\n"
        "shell.run_cell('import sys; print(\"tensorflow\" in sys.modules)')\n"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.splitlines()[-2:] == ["True 1.15.5", "False"]
