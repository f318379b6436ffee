"""`reflow.install()`: what `import tensorflow` and everything below it give."""

import importlib
import importlib.util
import sys
import types

import pytest

import reflow
from reflow.compat import importer
from reflow.platform import deprecation


def test_tensorflow_is_the_root(alias):
    import tensorflow
    import tensorflow as tf

    assert tensorflow is tf is alias is reflow
    assert tf.__version__ == tf.VERSION == "1.15.5"
    assert tf.GIT_VERSION


def test_installing_twice_changes_nothing(alias):
    before = list(sys.meta_path)
    assert importer.install() is alias
    assert sys.meta_path == before


def test_public_namespaces_are_the_same_objects(alias):
    import tensorflow.gfile
    import tensorflow.io.gfile as io_gfile
    from tensorflow import errors
    from tensorflow.errors import NotFoundError

    assert tensorflow.gfile is reflow.gfile
    assert io_gfile.exists is reflow.io.gfile.exists
    assert errors.NotFoundError is NotFoundError is reflow.errors.NotFoundError


def test_compat_v1_is_the_whole_namespace_again(alias):
    import tensorflow.compat.v1 as tf
    from tensorflow.compat.v1 import gfile, placeholder

    assert tf.__version__ == reflow.__version__
    assert placeholder is reflow.placeholder
    assert gfile.Exists is reflow.gfile.Exists
    assert tf.flags is reflow.flags


def test_a_star_import_brings_the_public_names(alias):
    scope = {}
    exec("from tensorflow.compat.v1 import *", scope)
    assert scope["placeholder"] is reflow.placeholder
    assert "__version__" not in scope


def test_a_missing_module_is_named(alias):
    for name in ["tensorflow.nothing", "tensorflow.python.ops.nothing", "tensorflow.core.framework.nothing_pb2"]:
        with pytest.raises(ModuleNotFoundError, match=f"'{name}': Reflow offers no such module"):
            importlib.import_module(name)


def test_the_rooms_of_the_package_are_not_tensorflow(alias):
    with pytest.raises(ModuleNotFoundError):
        import tensorflow.engine  # noqa: F401


def test_a_missing_name_is_named(alias):
    with pytest.raises(ImportError, match="'no_such_op' from 'tensorflow.python.ops.array_ops'.*modules.py"):
        from tensorflow.python.ops.array_ops import no_such_op  # noqa: F401
    from tensorflow.python.ops import array_ops

    with pytest.raises(AttributeError, match="'tensorflow.python.ops.array_ops' has no attribute 'no_such_op'"):
        array_ops.no_such_op  # noqa: B018
    assert not hasattr(array_ops, "no_such_op")


def test_find_spec_answers_for_tensorflow(alias):
    assert importlib.util.find_spec("tensorflow.gfile").origin == "Reflow"
    assert importlib.util.find_spec("colorsys").origin != "Reflow"


def test_another_tensorflow_in_the_process_is_refused(monkeypatch):
    other = types.ModuleType("tensorflow")
    other.__file__ = "/elsewhere/tensorflow/__init__.py"
    monkeypatch.setitem(sys.modules, "tensorflow", other)
    with pytest.raises(RuntimeError, match="another tensorflow, from /elsewhere/.*has been imported"):
        importer.install()
    assert not any(isinstance(finder, importer.TensorFlowFinder) for finder in sys.meta_path)


def test_uninstalling_takes_it_back():
    importer.install()
    importlib.import_module("tensorflow.python.framework.ops")
    importer.uninstall()
    assert not [name for name in sys.modules if name.partition(".")[0] == "tensorflow"]
    assert not any(isinstance(finder, importer.TensorFlowFinder) for finder in sys.meta_path)


def test_what_a_program_sets_in_a_legacy_module_counts(alias, monkeypatch):
    from tensorflow.python.util import deprecation as legacy

    monkeypatch.setattr(legacy, "_PRINT_DEPRECATION_WARNINGS", False)
    assert deprecation._PRINT_DEPRECATION_WARNINGS is False
