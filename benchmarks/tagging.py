"""How fast the tagger is, against named alternatives in the same run. ``make bench`` writes the tables to the README.

All read generated texts of abstract length: sentences of the corpus, in chance order, mixed one to one with sentences
of words that are in no term. spaCy and `re` search the plain words and phrases among the codebook's terms; the tagger
and Hyperscan evaluate every pattern of it. Engines are compared by processor time, which other programs on the machine
disturb little; the library by the clock.
"""

from __future__ import annotations

import argparse
import platform
import random
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import islice, product
from pathlib import Path
from statistics import median
from unittest import mock

import numpy as np
import psutil
import pyarrow as pa
import pyarrow.parquet as pq
from tqdm import tqdm

import litbench as lb
from litbench import _kernel
from litbench._matching import Matcher
from litbench._patterns import Either, Near, Node, Phrase, Words, fold_word, parse

Aim = tuple[str, str, bool]  # what is aimed at, what was measured, whether it was met

LENGTH = 1500
MARKS = ("<!-- benchmark: written by `make bench` -->", "<!-- end of benchmark -->")
RE = "Python re, one alternation a theme, plain terms"
EVERY, PLAIN = "litbench, every pattern", "litbench, plain terms"
BARE = "its compiled loops alone"
SPACY = "spaCy PhraseMatcher on a blank pipeline, plain terms"
ROUNDS = 7
WARM = 4096  # other texts, seen before the clock starts


def generate(corpus: lb.Corpus, number: int, seed: int = 1) -> Iterator[str]:
    """Give texts of `LENGTH` characters."""
    chance = random.Random(seed)
    sentences = corpus.findings.statement.tolist()
    letters = "abcdefghijklmnopqrstuvwxyz"
    fillers = ["".join(chance.choices(letters, k=chance.randint(3, 11))) for _ in range(50_000)]
    weights = 1 / np.arange(1, len(fillers) + 1)
    filler = [
        " ".join(words).capitalize() + "."
        for words in np.random.default_rng(seed).choice(fillers, (20_000, 18), p=weights / weights.sum())
    ]
    for _ in range(number):
        text = " ".join(one for _ in range(8) for one in (chance.choice(sentences), chance.choice(filler)))
        yield text[:LENGTH].ljust(LENGTH)


def plain(node: Node) -> list[str]:
    """Return the words and phrases of a pattern that has no star and no gap; else nothing."""
    if isinstance(node, Words):
        return [] if node.stems else sorted(node.whole)
    if isinstance(node, Near):
        return []
    if isinstance(node, Either):
        return [one for option in node.options for one in plain(option)]
    return [" ".join(several) for several in product(*(plain(part) for part in node.parts))]


def regex(node: Node) -> str:
    """Return a pattern as a regular expression over folded words."""
    if isinstance(node, Words):
        return f"(?:{'|'.join([*sorted(node.whole), *(f'{stem}[a-z0-9]*' for stem in sorted(node.stems))])})"
    if isinstance(node, Either):
        return f"(?:{'|'.join(map(regex, node.options))})"
    if isinstance(node, Phrase):
        return " ".join(map(regex, node.parts))
    left, right, gap = regex(node.left), regex(node.right), rf"(?: [a-z0-9]+){{0,{node.gap}}} "
    return f"(?:{left}{gap}{right}|{right}{gap}{left})"


def speed(read: Callable[[list[str]], object], texts: list[str]) -> float:
    """Return texts a second of processor time in one run: a library is read once, so no cache may know its texts."""
    start = time.process_time()
    read(texts)
    return len(texts) / (time.process_time() - start)


def loops(matcher: Matcher, texts: list[str]) -> float:
    """Return `speed` in the compiled loops alone: no texts laid out, no new word, no table made."""
    seconds = 0.0

    def timed(call: Callable[..., object]) -> Callable[..., object]:
        def run(*args: object) -> object:
            nonlocal seconds
            start = time.process_time()
            result = call(*args)
            seconds += time.process_time() - start
            return result

        return run

    with mock.patch.multiple(_kernel, cut=timed(_kernel.cut), evaluate=timed(_kernel.evaluate)):
        matcher.scan(texts)
    return len(texts) / seconds


def engines(corpus: lb.Corpus, number: int) -> tuple[list[str], list[Aim]]:
    """Compare on one core; return the table and how the aims were met.

    In each round every engine reads the same texts, which are new to it; its rate is the median of the rounds.
    """
    import hyperscan
    import spacy
    from spacy.matcher import PhraseMatcher

    generated = generate(corpus, WARM + ROUNDS * number)
    warm = list(islice(generated, WARM))
    themes = [theme for theme in corpus.codebook.themes if not theme.retired]
    phrases = {theme.id: sorted({one for term in theme.terms for one in plain(parse(term))}) for theme in themes}
    phrases = {theme: several for theme, several in phrases.items() if several}
    only = [replace(theme, terms=tuple(phrases.get(theme.id, ())), exclude=()) for theme in themes]

    every, plainly, bare = (
        Matcher(book) for book in (corpus.codebook, replace(corpus.codebook, themes=tuple(only)), corpus.codebook)
    )
    for matcher in (every, plainly, bare):
        assert len(matcher.scan(warm).rows["text"])

    expressions = [f" {regex(parse(term))} ".encode() for theme in themes for term in (*theme.terms, *theme.exclude)]
    database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
    database.compile(expressions=expressions, ids=list(range(len(expressions))), flags=[0] * len(expressions))
    scratch = hyperscan.Scratch(database)
    hits: list[int] = []

    def note(number: int, *_: object) -> None:
        hits.append(number)

    def hyperscanned(texts: list[str]) -> float:
        folded = [
            " ".join(fold_word(word) or "." for word in re.findall(r"[\w']+|\.\s", text)).encode() for text in texts
        ]
        return speed(lambda texts: [database.scan(text, note, scratch=scratch) for text in texts], folded)

    alternations = [re.compile(rf"\b(?:{'|'.join(map(re.escape, several))})\b") for several in phrases.values()]
    pipeline = spacy.blank("en")
    phrase_matcher = PhraseMatcher(pipeline.vocab, attr="LOWER")
    list(pipeline.pipe(warm))
    for theme, several in phrases.items():
        phrase_matcher.add(theme, list(pipeline.pipe(several)))

    calls: dict[str, Callable[[list[str], list[str]], float]] = {
        EVERY: lambda texts, few: speed(lambda texts: every.scan(texts).rows, texts),
        PLAIN: lambda texts, few: speed(lambda texts: plainly.scan(texts).rows, texts),
        BARE: lambda texts, few: loops(bare, texts),
        "Hyperscan alone, every pattern, text folded before": lambda texts, few: hyperscanned(few),
        RE: lambda texts, few: speed(
            lambda texts: [one.findall(text.lower()) for text in texts for one in alternations], few
        ),
        SPACY: lambda texts, few: speed(lambda texts: [phrase_matcher(one) for one in pipeline.pipe(texts)], few),
    }
    measured: dict[str, list[float]] = {name: [] for name in calls}
    for _ in tqdm(range(ROUNDS), desc="Comparing engines", leave=False):
        texts = list(islice(generated, number))
        for name, call in calls.items():
            measured[name].append(call(texts, texts[: max(number // 8, 50)]))
    rate = {name: median(rates) for name, rates in measured.items()}
    patterns = sum(len(theme.terms) + len(theme.exclude) for theme in themes)
    lines = [
        f"Median of {ROUNDS} rounds of {number:,} new texts of {LENGTH:,} characters, {patterns:,} patterns of "
        f"{len(themes)} themes ({sum(map(len, phrases.values())):,} plain terms), one core, processor time:",
        "",
        "| | texts a second | MB a second | every pattern is | plain terms are |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    for name, one in rate.items():
        ratios = " | ".join(f"{rate[ours] / one:.2g} ×" if ours != name else "" for ours in (EVERY, PLAIN))
        lines.append(f"| {name} | {one:,.0f} | {one * LENGTH / 1e6:.1f} | {ratios} |")
    return lines, [
        (
            "at least 100 times spaCy's PhraseMatcher, plain terms",
            f"{rate[PLAIN] / rate[SPACY]:.0f} times",
            rate[PLAIN] >= 100 * rate[SPACY],
        ),
        (
            "at least 30 times Python's re, plain terms",
            f"{rate[PLAIN] / rate[RE]:.0f} times",
            rate[PLAIN] >= 30 * rate[RE],
        ),
        (
            "within 3 times of the bare engine, every pattern",
            f"{rate[BARE] / rate[EVERY]:.1f} times",
            rate[BARE] <= 3 * rate[EVERY],
        ),
    ]


def library(corpus: lb.Corpus, numbers: list[int], jobs: int) -> tuple[list[str], list[Aim]]:
    """Run `litbench tag` from Parquet to Parquet, watch the memory of all its processes, and return as `engines`."""
    lines = [
        f"`litbench tag library.parquet --out tags.parquet --jobs {jobs}`, by the clock:",
        "",
        "| texts | seconds | texts a second | peak memory, MB | rows |",
        "| ---: | ---: | ---: | ---: | ---: |",
    ]
    peaks, seconds = [], 0.0
    with tempfile.TemporaryDirectory() as folder:
        for number in numbers:
            source, out = Path(folder, f"{number}.parquet"), Path(folder, f"{number}.tags.parquet")
            with pq.ParquetWriter(source, pa.schema([("id", pa.int64()), ("abstract", pa.string())])) as writer:
                texts = generate(corpus, number)
                for start in tqdm(range(0, number, 20_000), desc=f"Generating {number:,} texts", leave=False):
                    ids = range(start, min(start + 20_000, number))
                    writer.write_table(pa.table({"id": ids, "abstract": [next(texts) for _ in ids]}, writer.schema))
            command = [sys.executable, "-m", "litbench.cli", "tag", source, "--out", out, "--jobs", str(jobs)]
            start, peak = time.perf_counter(), 0
            with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
                while process.poll() is None:
                    peak = max(peak, _memory(process.pid))
                    time.sleep(0.25)
            seconds = time.perf_counter() - start
            if process.returncode:
                raise SystemExit(f"litbench tag ended with status {process.returncode}")
            rows = pq.read_metadata(out).num_rows
            peaks.append(peak / 1e6)
            lines.append(f"| {number:,} | {seconds:.1f} | {number / seconds:,.0f} | {peak / 1e6:,.0f} | {rows:,} |")
    return lines, [
        (f"{numbers[-1]:,} abstracts under 60 s", f"{seconds:.0f} s", seconds < 60),
        ("peak memory under 1,500 MB", f"{max(peaks):,.0f} MB", max(peaks) < 1500),
        ("memory flat: the largest library at most 1.2 times the smallest", f"{peaks[-1] / peaks[0]:.2f} times",
         peaks[-1] <= 1.2 * peaks[0]),
    ]  # fmt: skip


def _memory(pid: int) -> int:
    """Return the memory of a process and its children, in bytes, what they share counted once."""
    total = 0
    try:
        root = psutil.Process(pid)
        for process in (root, *root.children(recursive=True)):
            total += process.memory_full_info().pss
    except psutil.Error:
        return total
    return total


def machine() -> str:
    """Return what the run was on, in a phrase."""
    info = Path("/proc/cpuinfo")
    named = re.search(r"model name\s*: (.+)", info.read_text()) if info.is_file() else None
    return (
        f"{psutil.cpu_count()} cores ({named[1] if named else platform.processor() or platform.machine()}), "
        f"{psutil.virtual_memory().total / 2**30:.0f} GB, Python {platform.python_version()}"
    )


def main() -> None:
    """Print the tables, and with ``--readme`` put them between its marks."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--texts", type=int, default=4096, help="texts for the comparison of engines")
    parser.add_argument("--library", type=int, nargs="+", default=[100_000, 1_000_000], help="sizes of the libraries")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--readme", type=Path, help="file whose block between the marks is renewed")
    args = parser.parse_args()
    corpus = lb.load_corpus()
    compared, aims = engines(corpus, args.texts)
    tagged, more = library(corpus, args.library, args.jobs)
    aimed = [f"| {aim} | {found} | {'yes' if met else '**no**'} |" for aim, found, met in (*aims, *more)]
    block = "\n".join([
        f"`make bench` on {machine()}, corpus {corpus.version}.", "", "| aim | measured | met |",
        "| --- | ---: | --- |", *aimed, "", *compared, "", *tagged,
    ])  # fmt: skip
    print(block)
    if args.readme:
        text = args.readme.read_text(encoding="utf-8")
        before, begin, rest = text.partition(MARKS[0])
        _, end, after = rest.partition(MARKS[1])
        if not end:
            raise SystemExit(f"{args.readme} lacks the marks {' and '.join(MARKS)}. Put them where the tables belong.")
        args.readme.write_text(f"{before}{begin}\n{block}\n{end}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
