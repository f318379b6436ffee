"""The distributions: what they need is pinned, and they agree on the version."""

import ast
import pathlib
import re
import sys

import pytest

from reflow.platform import versions

ROOT = pathlib.Path(__file__).resolve().parents[1]

# New in Python 3.11.
tomllib = pytest.importorskip("tomllib")


def _toml(name):
    return tomllib.loads((ROOT / name).read_text())


def _normal(requirement):
    return re.match(r"[\w.-]+", requirement)[0].lower().replace("_", "-")


def test_every_dependency_is_pinned():
    project = _toml("pyproject.toml")["project"]
    wanted = {_normal(one) for extra in project["optional-dependencies"].values() for one in extra}
    wanted |= {_normal(one) for one in project["dependencies"]}
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pinned = {_normal(line) for line in lines if re.fullmatch(r"[\w.-]+==[\w.]+", line)}
    assert wanted - pinned == {"reflow"}
    assert len(pinned) == len([line for line in lines if not line.startswith("#")])


# Where a distribution's name is not what programs import.
_DISTRIBUTIONS = {"PIL": "pillow", "absl": "absl-py", "google": "protobuf"}


def _imported(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield node.module.partition(".")[0]


def test_the_package_imports_what_it_depends_on_and_nothing_else():
    declared = {_normal(one) for one in _toml("pyproject.toml")["project"]["dependencies"]}
    imported = {name for path in (ROOT / "reflow").rglob("*.py") for name in _imported(path)}
    imported -= {"reflow", *sys.stdlib_module_names}
    assert {_normal(_DISTRIBUTIONS.get(name, name)) for name in imported} <= declared


def test_the_alias_distribution_wants_this_version():
    alias = _toml("alias/pyproject.toml")["project"]
    assert alias["version"] == versions.REFLOW_VERSION
    assert alias["dependencies"] == [f"reflow>={versions.REFLOW_VERSION}"]
