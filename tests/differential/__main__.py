"""Tries ops against TensorFlow and prints where they differ.

    python -m tests.differential [--each N] [op or family ...]
"""

import argparse
import collections
import time

from tests.differential.compare import difference, is_comparable, reflow_outcome
from tests.differential.families import TABLES
from tests.differential.peer import Peers


def main():
    arguments = _arguments()
    wanted = {n for n in arguments.names if n not in TABLES}
    chosen = [t for t in TABLES.values() if not arguments.names or t.family in arguments.names or wanted & set(t)]
    with Peers() as peers:
        for table in chosen:
            for op, entry in table.items():
                if not wanted or op in wanted or table.family in arguments.names:
                    _try(entry, peers, arguments)


def _arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--each", type=int, default=10, help="examples for each type")
    parser.add_argument("--show", type=int, default=3, help="differences to print of each op")
    return parser.parse_args()


def _try(entry, peers, arguments):
    start = time.monotonic()
    counts, shown = collections.Counter(), 0
    for example in entry.some(arguments.each):
        request = example.request()
        expected = peers.outcome(entry.peer_of(example), request)
        if not is_comparable(expected):
            counts["crash" if "crash" in expected else "no kernel"] += 1
            continue
        counts["error" if "error" in expected else "result"] += 1
        found = difference(entry, expected, reflow_outcome(request))
        if found:
            counts["DIFFERENT"] += 1
            shown += 1
            if shown <= arguments.show:
                print(f"* {example}\n  -> {found[:700]}")
    print(f"{entry.op}: {dict(counts)} {time.monotonic() - start:.1f} s", flush=True)


if __name__ == "__main__":
    main()
