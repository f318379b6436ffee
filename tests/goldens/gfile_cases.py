"""Calls of the file API whose outcomes are recorded from TensorFlow 1.15.5 and compared with Reflow's.

Every case starts from the same small tree of files, made with the standard library. Runs under Python 3.7 as well.
"""

import os
import shutil
import tempfile

TREE = {
    "a.txt": b"one\ntwo\r\nthree",
    "bytes.bin": b"\x00\x01\xff\xfe",
    "utf8.txt": "h\u00e9llo\nw\u00f6rld\n".encode("utf-8"),
    "empty": b"",
    ".hidden": b"h",
    "dir/b.txt": b"b",
    "dir/sub/c.txt": b"c",
    "weird[1].txt": b"w",
}


def _make_tree(root):
    for name, content in TREE.items():
        path = os.path.join(root, name)
        if not os.path.isdir(os.path.dirname(path)):
            os.makedirs(os.path.dirname(path))
        with open(path, "wb") as out:
            out.write(content)
    os.mkdir(os.path.join(root, "hollow"))


def _tree_of(root):
    return sorted(
        os.path.relpath(os.path.join(folder, name), root)
        for folder, folders, files in os.walk(root)
        for name in folders + files
    )


def _write(gfile, path, mode, *parts):
    with gfile.GFile(path, mode) as out:
        for part in parts:
            out.write(part)
    with open(path, "rb") as written:
        return written.read()


def _read_calls(gfile, path, mode, *calls):
    results = []
    with gfile.GFile(path, mode) as source:
        for name, args in calls:
            try:
                results.append(getattr(source, name)(*args))
            except Exception as error:
                results.append(type(error).__name__)
    return results


def _stat(gfile, path):
    status = gfile.Stat(path)
    return [status.length if not status.is_directory else None, status.is_directory, status.mtime_nsec > 10**18]


def _lazily_created(gfile, path):
    out = gfile.GFile(path, "w")
    before = gfile.Exists(path)
    out.write("x")
    out.flush()
    after = gfile.GFile(path).read()
    out.close()
    return [before, after]


def _open_cases(gfile):
    yield lambda p: gfile.GFile(p("a.txt")).read()
    yield lambda p: gfile.GFile(p("a.txt"), "rb").read()
    yield lambda p: gfile.FastGFile(p("utf8.txt"), "r").read()
    yield lambda p: gfile.Open(p("utf8.txt"), "rb").read(3)
    yield lambda p: list(gfile.GFile(p("a.txt")))
    yield lambda p: gfile.GFile(p("a.txt"), "rb").readlines()
    yield lambda p: gfile.GFile(p("utf8.txt")).readline()
    yield lambda p: gfile.GFile(p("empty")).read()
    yield lambda p: gfile.GFile(p("bytes.bin")).read()
    yield lambda p: gfile.GFile(p("bytes.bin"), "rb").read()
    yield lambda p: gfile.GFile(p("missing")).read()
    yield lambda p: gfile.GFile(p("missing")).size()
    yield lambda p: gfile.GFile(p("missing"), "w").name[-7:]
    yield lambda p: gfile.GFile(p("dir")).read()
    yield lambda p: gfile.GFile(p("a.txt"), "x")
    yield lambda p: gfile.GFile(p("a.txt"), "rt")
    yield lambda p: gfile.GFile(p("a.txt"), "r").write("x")
    yield lambda p: gfile.GFile(p("a.txt"), "w").read()
    yield lambda p: gfile.GFile(p("a.txt")).size()
    yield lambda p: gfile.GFile(p("a.txt"), "rb").mode
    yield lambda p: gfile.GFile(p("a.txt")).seekable()
    yield lambda p: _read_calls(
        gfile, p("a.txt"), "r", ("read", (3,)), ("tell", ()), ("seek", (1,)), ("readline", ()), ("tell", ()),
        ("seek", (-3, 2)), ("read", ()), ("read", ()), ("seek", (0, 7)), ("seek", (99,)), ("read", (2,)), ("seek", ()))
    yield lambda p: _read_calls(gfile, p("a.txt"), "rb", ("next", ()), ("seek", (1, 1)), ("read", (2,)), ("size", ()))
    yield lambda p: _read_calls(gfile, p("utf8.txt"), "r", ("read", (2,)), ("read", (3,)), ("read", ()))


def _write_cases(gfile):
    yield lambda p: _write(gfile, p("new"), "w", "text", "h\u00e9", b"bytes")
    yield lambda p: _write(gfile, p("new"), "wb", b"\xff", "text")
    yield lambda p: _write(gfile, p("a.txt"), "a", "+")
    yield lambda p: _write(gfile, p("a.txt"), "w+", "new")
    yield lambda p: _write(gfile, p("a.txt"), "r+", "NEW")
    yield lambda p: _write(gfile, p("a.txt"), "w")
    yield lambda p: _write(gfile, p("new"), "w")
    yield lambda p: _write(gfile, p("new"), "w", 3)
    yield lambda p: _write(gfile, p("none/new"), "w", "x")
    yield lambda p: _write(gfile, p("dir"), "w", "x")
    yield lambda p: _lazily_created(gfile, p("new"))
    yield lambda p: _read_calls(gfile, p("new"), "w", ("tell", ()), ("write", ("abc",)), ("tell", ()), ("flush", ()))


def _query_cases(gfile):
    for name in ["a.txt", "dir", "dir/", "missing", "a.txt/b", "", ".hidden"]:
        yield lambda p, name=name: gfile.Exists(p(name))
        yield lambda p, name=name: gfile.IsDirectory(p(name))
        yield lambda p, name=name: _stat(gfile, p(name))
        yield lambda p, name=name: sorted(gfile.ListDirectory(p(name)))
    yield lambda p: gfile.Exists("file://" + p("a.txt"))
    yield lambda p: gfile.GFile("file://" + p("dir/b.txt")).read()
    yield lambda p: gfile.Exists("nosuch://host/a")
    yield lambda p: gfile.GFile("nosuch://host/a").read()
    for pattern in ["*", "*.txt", "?.txt", "dir/*", "*/*", "dir/*/c.txt", "**", "[ab].txt", "[!a].txt", "missing*",
                    "a.txt", "missing", "weird\\[1\\].txt", "weird[1].txt", ".*", "dir", "dir/", "{a,b}.txt"]:
        yield lambda p, pattern=pattern: sorted(gfile.Glob(p(pattern)))
    yield lambda p: sorted(gfile.Glob([p("*.txt"), p("dir/*.txt")]))
    yield lambda p: [(top, sorted(folders), sorted(files)) for top, folders, files in gfile.Walk(p("dir"))]
    yield lambda p: [(top, sorted(folders), sorted(files)) for top, folders, files in gfile.Walk(p("dir"), False)]
    yield lambda p: list(gfile.Walk(p("missing")))
    yield lambda p: list(gfile.Walk(p("a.txt")))


def _change_cases(gfile):
    yield lambda p: gfile.MkDir(p("new"))
    yield lambda p: gfile.MkDir(p("dir"))
    yield lambda p: gfile.MkDir(p("none/new"))
    yield lambda p: gfile.MkDir(p("a.txt"))
    yield lambda p: gfile.MakeDirs(p("x/y/z"))
    yield lambda p: gfile.MakeDirs(p("dir/sub"))
    yield lambda p: gfile.MakeDirs(p("a.txt"))
    yield lambda p: gfile.MakeDirs(p("a.txt/new"))
    yield lambda p: gfile.Remove(p("a.txt"))
    yield lambda p: gfile.Remove(p("missing"))
    yield lambda p: gfile.Remove(p("dir"))
    yield lambda p: gfile.DeleteRecursively(p("dir"))
    yield lambda p: gfile.DeleteRecursively(p("missing"))
    yield lambda p: gfile.DeleteRecursively(p("a.txt"))
    yield lambda p: gfile.Copy(p("a.txt"), p("new"))
    yield lambda p: gfile.Copy(p("a.txt"), p("empty"))
    yield lambda p: gfile.Copy(p("a.txt"), p("empty"), overwrite=True)
    yield lambda p: gfile.Copy(p("missing"), p("new"))
    yield lambda p: gfile.Copy(p("a.txt"), p("none/new"))
    yield lambda p: gfile.Rename(p("a.txt"), p("new"))
    yield lambda p: gfile.Rename(p("a.txt"), p("empty"))
    yield lambda p: gfile.Rename(p("a.txt"), p("empty"), overwrite=True)
    yield lambda p: gfile.Rename(p("dir"), p("moved"))
    yield lambda p: gfile.Rename(p("missing"), p("new"))
    yield lambda p: gfile.Rename(p("a.txt"), p("hollow"), True)


def _outcome(case, number):
    root = os.path.realpath(tempfile.mkdtemp())
    try:
        _make_tree(root)
        try:
            outcome = [repr(case(lambda name: os.path.join(root, name)))]
        except Exception as error:
            outcome = [type(error).__name__, str(error)]
        outcome.append(" ".join(sorted(set(_tree_of(root)) ^ {"dir", "dir/sub", "hollow"} ^ set(TREE))))
        return [number] + [text.replace(root, "ROOT") for text in outcome]
    finally:
        shutil.rmtree(root)


def outcomes(gfile):
    """Runs every case: [name, result repr or error class and message, what was added to or removed from the tree]."""
    return [
        _outcome(case, f"{group.__name__} {number}")
        for group in [_open_cases, _write_cases, _query_cases, _change_cases]
        for number, case in enumerate(group(gfile))
    ]
