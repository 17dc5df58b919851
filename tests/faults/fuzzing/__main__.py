"""Some cases alone: `python -m faults.fuzzing --seed 0 --only 17`, from the folder of the tests."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from faults.fuzz import trial
from faults.fuzzing.corpus import Corpus
from faults.fuzzing.process import begun
from faults.fuzzing.schedule import drawn


def main() -> int:
    """Run them, tell of each, and keep the folders of those that are not refused."""
    parser = argparse.ArgumentParser(prog="python -m faults.fuzzing", description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", required=True, help="numbers such as 17 or 0-99")
    parser.add_argument(
        "--to", type=Path, default=Path("fuzzed"), help="folder of the inputs (default fuzzed)"
    )
    parser.add_argument("--whole", action="store_true", help="as commands of their own")
    asked = parser.parse_args()
    first, _, last = asked.only.partition("-")
    folder = asked.to.absolute()
    corpus = Corpus(folder / "corpus") if (folder / "corpus").is_dir() else Corpus.make(folder / "corpus")
    lost = 0
    with begun() as worker:
        for number in range(int(first), int(last or first) + 1):
            made = trial(
                asked.seed,
                number,
                drawn(asked.seed, number, corpus),
                corpus,
                folder,
                None if asked.whole else worker,
            )
            lost += made.lost is not None
            print(f"refused: {made.what}" if made.lost is None else f"lost: {made.what}: {made.lost}")
    return int(lost > 0)


if __name__ == "__main__":
    sys.exit(main())
