"""Records the goldens anew: `python -m tests.differential.record [family ...]`; needs the peers."""

import random
import sys

from tests.differential import goldens
from tests.differential.compare import is_comparable
from tests.differential.families import TABLES
from tests.differential.peer import Peers

# Drawn for each type; the table says how many of those of all types are kept.
_DRAWN = 4


def main(families):
    with Peers() as peers:
        for family in families or TABLES:
            table = TABLES[family]
            goldens.write(family, {op: _recorded(entry, peers, table.kept) for op, entry in table.items()})
            print(f"{family}: {len(table)} ops")


def _recorded(entry, peers, kept):
    pairs = []
    for example in entry.some(_DRAWN):
        request = example.request()
        outcome = peers.outcome(entry.peer_of(example), request)
        if is_comparable(outcome):
            pairs.append((request, _short(outcome)))
    return random.Random(entry.op).sample(pairs, min(kept, len(pairs)))


def _short(outcome):
    """An outcome whose messages are no longer than helps who reads them."""
    if "message" in outcome:
        return {**outcome, "message": outcome["message"][:60]}
    if isinstance(outcome["gradients"], dict):
        return {**outcome, "gradients": _short(outcome["gradients"])}
    return outcome


if __name__ == "__main__":
    main(sys.argv[1:])
