"""Fixtures of the data set tests: tiny files, an empty cache, and no network."""

import pathlib
import runpy

import pytest

from reflow.data_sets import fetch

GOLDENS = pathlib.Path(__file__).parents[1] / "goldens"


@pytest.fixture(scope="session")
def cases():
    """The module of cases that is recorded from TensorFlow, as a namespace."""
    return runpy.run_path(str(GOLDENS / "mnist_cases.py"))


@pytest.fixture
def folder(tmp_path, cases):
    """A folder with the four gzipped files of a tiny data set."""
    path = tmp_path / "MNIST_data"
    path.mkdir()
    cases["write_files"](str(path))
    return path


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """The root of an empty cache."""
    monkeypatch.setenv("REFLOW_DATA", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def no_network(monkeypatch):
    """Every way to fetch fails; yields the list of what was asked for."""
    asked = []

    def refuse(what, *args):
        asked.append(what)
        raise fetch.FetchError("no network")

    monkeypatch.setattr(fetch, "download", refuse)
    monkeypatch.setattr(fetch, "unpack_npm", refuse)
    return asked
