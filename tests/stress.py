"""Kill a writer again and again; every time all files of its change must be in the old or all in the new state.

``make stress`` runs a thousand rounds: half die at a step chosen by number, half at a random moment by a signal from
outside. Run it with ``--times`` and ``--seed`` for more, or to see a failure again.
"""

from __future__ import annotations

import argparse
import csv
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from tqdm import tqdm

from litbench import _store, references

ROOT = Path(__file__).parents[1]
FILES = ("references.bib", "data/studies.csv", "data/places.csv", "data/findings.csv", "data/codes.csv")
NAMED = ("baker2020policing", "beletsky2014syringe", "morales2020pick", "strathdee2011social", "wood2005recent")
KEY = "moss2019crackdown"
ENTRY = f"""@article{{{KEY},
  author = {{Moss, Ana}},
  title = {{A crackdown and what came of it}},
  year = {{2019}},
}}
"""
STEPS = ("_write_beside", "_rename", "_unlink", "_sync")


def copy_corpus(target: Path, part: bool = False) -> Path:
    """Copy the corpus of this repository to `target`, whole or some sixty of its studies, which are checked sooner."""
    shutil.copytree(ROOT / "data", target / "data")
    shutil.copy2(ROOT / "references.bib", target / "references.bib")
    if part:
        bibliography = references.read(ROOT / "references.bib")
        kept = bibliography[bibliography.key.isin({*bibliography.key[:20], *bibliography.key[20::12], *NAMED})]
        (target / "references.bib").write_text(references.format(kept), encoding="utf-8")
        keys = set(kept.key)
        for path in (target / "data").glob("*.csv"):
            with path.open(encoding="utf-8", newline="") as file:
                columns, *rows = csv.reader(file)
            named = {"key": keys, "finding": keys, "primary_key": {*keys, ""}}
            known = [(number, named[name]) for number, name in enumerate(columns) if name in named]
            rows = [row for row in rows if all(row[number].partition(".")[0] in among for number, among in known)]
            if path.stem == "examples":
                rows = rows[::30]
            with path.open("w", encoding="utf-8", newline="") as file:
                csv.writer(file, lineterminator="\n").writerows([columns, *rows])
    return target


def write_study(folder: Path) -> None:
    """Write one study to five files in one change; the check is left out, since it is not what is tried here."""
    with _store.writing(folder, validate=lambda path: []) as change:
        change.insert_entry(KEY, ENTRY)
        change.insert("studies", [{"key": KEY, "design": "qualitative", "read": "abstract"}])
        change.insert("places", [{"key": KEY, "country": "CAN"}])
        change.insert("findings", [{"finding": f"{KEY}.{n}", "key": KEY, "statement": f"No. {n}"} for n in (1, 2)])
        change.insert("codes", [{"finding": f"{KEY}.1", "theme": "none", "coder": "ab"}])


def state(folder: Path) -> dict[str, bytes]:
    """Return the content of the files of the change."""
    return {file: (folder / file).read_bytes() for file in FILES}


def die_at(step: int) -> None:
    """Let this process kill itself at the step with that number, half of its bytes written where it writes."""
    count = 0

    def watched(name: str, original: Callable[..., None]) -> Callable[..., None]:
        def call(*arguments: object) -> None:
            nonlocal count
            count += 1
            if count == step:
                if name == "_write_beside":
                    path, content = arguments
                    _store._beside(path).write_bytes(content[: len(content) // 2])
                os.kill(os.getpid(), signal.SIGKILL)
            original(*arguments)

        return call

    for name in STEPS:
        setattr(_store, name, watched(name, getattr(_store, name)))


def in_a_fork(work: Callable[[], None], kill_after: float | None = None) -> bool:
    """Run `work` in a forked process, killed after that many seconds; return whether it came to its end."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            work()
            status = 0
        finally:
            os._exit(status)
    if kill_after is not None:
        time.sleep(kill_after)
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    if os.WIFEXITED(status) and os.WEXITSTATUS(status):
        raise AssertionError("the writer failed by itself")
    return os.WIFEXITED(status)


def main() -> int:
    """Run the rounds; return 1 at the first that leaves a mixed state."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--times", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    chance = random.Random(arguments.seed)
    with tempfile.TemporaryDirectory() as scratch:
        corpus = copy_corpus(Path(scratch) / "corpus")
        old = state(corpus)
        started = time.perf_counter()
        write_study(corpus)
        length = time.perf_counter() - started
        new = state(corpus)
        seen: Counter[str] = Counter()
        for round_ in tqdm(range(arguments.times), unit="kill"):
            for file, content in old.items():
                (corpus / file).write_bytes(content)
            if round_ % 2:
                step = chance.randint(1, 30)
                ended = in_a_fork(lambda step=step: (die_at(step), write_study(corpus)))
            else:
                ended = in_a_fork(lambda: write_study(corpus), kill_after=chance.uniform(0, 1.2 * length))
            if chance.random() < 0.5:  # recovery may be killed as well
                in_a_fork(lambda: (die_at(chance.randint(1, 6)), _store.recover(corpus)))
            _store.recover(corpus)
            now = state(corpus)
            if now not in (old, new) or (ended and now != new):
                mixed = {file: "old" if now[file] == old[file] else "new" for file in FILES}
                print(f"Round {round_} (seed {arguments.seed}) left a mixed state: {mixed}", file=sys.stderr)
                return 1
            seen["ended" if ended else "killed, old state" if now == old else "killed, new state"] += 1
    print(f"{arguments.times} writers: " + ", ".join(f"{number} {what}" for what, number in sorted(seen.items())))
    print(f"{arguments.times} passed, 0 failed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
