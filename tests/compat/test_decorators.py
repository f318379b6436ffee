"""The small tools of `tensorflow.python.util`."""

import functools

import pytest

from reflow.compat import decorators, inspection


def test_export_marks_do_nothing():
    @decorators.tf_export("a", v1=["b"])
    def f():
        return 1

    assert f() == 1
    decorators.keras_export("a").export_constant(__name__, "X")


def test_decorators_look_like_what_they_wrap():
    def f(a, b=2):
        """Doc."""

    wrapper = decorators.make_decorator(f, lambda *args: args)
    assert (wrapper.__name__, wrapper.__doc__, wrapper(1)) == ("f", "Doc.", (1,))
    assert decorators.unwrap(wrapper) == ([wrapper], f)
    assert inspection.getargspec(wrapper) == (["a", "b"], None, None, (2,))
    assert decorators.get_func_name(wrapper) == "f"
    assert decorators.get_func_name(functools.partial(f, 1)) == "f"


def test_keyword_only_functions_refuse_positions():
    f = decorators.keyword_args_only(lambda **kwargs: kwargs)
    assert f(a=1) == {"a": 1}
    with pytest.raises(ValueError, match="only accepts keyword arguments"):
        f(1)


def test_argument_names():
    class Callable:
        def __call__(self, x, y):
            pass

        def method(self, z):
            pass

    def f(a, b, c=1):
        pass

    assert decorators.fn_args(f) == ("a", "b", "c")
    assert decorators.fn_args(Callable()) == ("x", "y")
    assert decorators.fn_args(Callable().method) == ("z",)
    assert decorators.fn_args(functools.partial(f, 1, c=2)) == ("b",)


def test_a_lazy_module_is_imported_when_used():
    scope = {}
    lazy = decorators.LazyLoader("colors", scope, "colorsys")
    assert scope == {}
    assert lazy.rgb_to_hsv(0, 0, 0) == (0.0, 0.0, 0)
    assert scope["colors"].__name__ == "colorsys"
    assert "hsv_to_rgb" in dir(lazy)
