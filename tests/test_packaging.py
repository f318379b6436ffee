"""The distributions: what they need is pinned, and they agree on the version."""

import pathlib
import re

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


def test_the_alias_distribution_wants_this_version():
    alias = _toml("alias/pyproject.toml")["project"]
    assert alias["version"] == versions.REFLOW_VERSION
    assert alias["dependencies"] == [f"reflow>={versions.REFLOW_VERSION}"]
