"""How fast a BibTeX library is read, and how well duplicates are found, beside what others do.

    python benchmarks/bench_import.py [--records 100000] [--others 2000] [--labelled LIBRARY.xml ...]

Writes a library of records of 1.6 kB (abstract, accents in LaTeX, one in ten a duplicate) and times, each in a process
of its own and in the same run:

- litbench: reading alone, and the whole import with duplicates linked;
- litstudy's way of loading (bibtexparser 1 with `latex_to_unicode`), and bibtexparser 2 with its LaTeX decoding, both
  on `--others` records, since they would take minutes;
- bib-dedupe on the labelled duplicates of tests/labelled.py, beside litbench's links.

With `--labelled` only this is done: EndNote libraries in which a person marked every record that another one repeats
with the caption "Duplicate" (such as those in test/data of github.com/IEBH/dedupe-sweep) are linked by both.

The others are fetched by uv for the run; without them their rows say so.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import tempfile
from pathlib import Path

import pandas as pd

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))

NAMES = [
    r"M{\"u}ller", r"Garc{\'\i}a", r"Gonz{\'a}lez", "Smith", "O'Neill", r"Bj{\"o}rk", r"{\L}ukaszewicz",
    r"Fran{\c c}ois", "Brown", "Nguyen", "Khan", "Okafor", "Silva", "Kim", "Ivanova",
]  # fmt: skip
JOURNALS = ["International Journal of Drug Policy", "Addiction", "Harm Reduction Journal", r"Drugs \& Alcohol Today"]


def vocabulary() -> tuple[list[str], list[float]]:
    """Return words as often as they stand in the corpus, and rarer made-up ones, as in a real library."""
    text = pd.read_csv(ROOT / "data/findings.csv").statement.str.lower().str.findall(r"[a-z]{3,}").explode()
    counts = text.value_counts()
    made_up = [f"{start}{end}" for start in counts.index[:400] for end in ("ive", "ness", "ful", "ism", "ology")]
    return [*counts.index, *made_up], [*counts.astype(float), *[0.5] * len(made_up)]


def write_library(path: Path, records: int) -> None:
    """Write the library; every tenth record is an earlier one as another source has it."""
    chance = random.Random(1)
    words, weights = vocabulary()
    pool = chance.choices(words, weights, k=4_000_000 if records > 50_000 else 400_000)

    def some(number: int) -> str:
        at = chance.randrange(len(pool) - number)
        return " ".join(pool[at : at + number])

    kept: list[tuple[str, str, int, str, str]] = []
    with path.open("w", encoding="utf-8") as file:
        for n in range(records):
            if n % 10 == 9:
                title, authors, year, journal, doi = chance.choice(kept)
                title, doi = (title.title(), doi) if chance.random() < 0.5 else (title, "")
            else:
                title = some(11).capitalize()
                title = f"{title}: {some(3)} caf{{\\'e}}" if n % 7 == 0 else title
                people = chance.sample(NAMES, chance.randint(2, 6))
                authors = " and ".join(f"{name}, {chance.choice('ABCDEFGH')}." for name in people)
                year, doi = chance.randint(1985, 2025), f"10.1000/lib.{n}"
                journal = JOURNALS[n % 4]
                kept.append((title, authors, year, journal, doi))
            abstract = some(230)[:1340] + (r" (50\% \& more)" if n % 3 == 0 else "")
            doi = f"  doi = {{{doi}}},\n" if doi else ""
            file.write(
                f"@article{{key{n},\n  author = {{{authors}}},\n  title = {{{{{title}}}}},\n  year = {{{year}}},\n"
                f"  journal = {{{journal}}},\n{doi}  abstract = {{{abstract}}},\n}}\n\n"
            )


TIMER = """import json, resource, sys, time
start = time.perf_counter()
{work}
seconds, memory = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(json.dumps({{"seconds": seconds, "records": n, "memory": memory}}))"""
READ = """from litbench import _formats
frame, rejected = _formats.read_library(sys.argv[1])
n = len(frame) + len(rejected)"""
IMPORT = (
    "from pathlib import Path\nfrom litbench import intake\n"
    "result = intake.import_library(sys.argv[1], corpus=Path(sys.argv[2]))\nn = result.records\nprint(result)"
)
LITSTUDY = "import litstudy\nn = len(litstudy.load_bibtex(sys.argv[1]))"
BIBTEXPARSER = (
    "import bibtexparser\nfrom bibtexparser import middlewares as m\n"
    "library = bibtexparser.parse_file(sys.argv[1], append_middleware=[m.LatexDecodingMiddleware(), "
    "m.SeparateCoAuthors(), m.SplitNameParts()])\nn = len(library.entries)"
)


def timed(work: str, *arguments: str, extra: tuple[str, ...] = ()) -> dict[str, float] | None:
    """Run `work` in a process of its own; with packages of its own where `extra` names some."""
    python = [sys.executable]
    if extra:
        uv = str(Path(sys.executable).with_name("uv"))
        python = [uv, "run", "--no-project", "--quiet", *(part for one in extra for part in ("--with", one)), "python"]
    done = subprocess.run([*python, "-c", TIMER.format(work=work), *arguments], capture_output=True, text=True)
    if done.returncode:
        print(done.stderr.strip().splitlines()[-1:], file=sys.stderr)
        return None
    print(done.stdout.rpartition("\n{")[0], end="")
    return json.loads(done.stdout.strip().splitlines()[-1])


BIB_DEDUPE = """
import pandas as pd
from bib_dedupe.bib_dedupe import prep, block, match
found = []
for records in json.load(open(sys.argv[1])):
    pairs = block(prep(pd.DataFrame(records), verbosity_level=0, cpu=1), verbosity_level=0, cpu=1)
    pairs = match(pairs, verbosity_level=0, cpu=1) if len(pairs) else pairs
    pairs = pairs[pairs.duplicate_label == 'duplicate'] if len(pairs) else pairs
    found.append([[int(one), int(two)] for one, two in zip(pairs['ID_1'], pairs['ID_2'])] if len(pairs) else [])
json.dump(found, open(sys.argv[2], 'w'))
n = 0
"""


def as_bib_dedupe_wants(records: pd.DataFrame) -> list[dict[str, str]]:
    """Return records with its column names and forms."""
    columns = ["title", "authors", "year", "journal", "volume", "issue", "pages", "abstract", "doi"]
    frame = records[columns].astype("str").fillna("").rename(columns={"authors": "author", "issue": "number"})
    frame["author"] = frame.author.str.replace("; ", " and ")
    frame["pages"] = frame.pages.str.replace("–", "--")
    # A last record that has every field, without which it fails on columns that are empty throughout.
    filler = {"title": "Soil and drip irrigation", "author": "Field, Mo", "year": "1999", "journal": "Soils"}
    frame.loc[len(frame)] = filler | dict.fromkeys(("volume", "number", "pages", "abstract", "doi"), "999")
    frame.insert(0, "ID", [str(n) for n in range(len(frame))])
    frame.insert(1, "ENTRYTYPE", "article")
    return frame.to_dict("records")


def duplicates(folder: Path) -> list[dict[str, object]]:
    """Compare links on the labelled duplicates and neighbours, as pairs with a study of the corpus or within a pair."""
    import time

    from labelled import NEIGHBOURS, corpus_records
    from labelled import duplicates as labelled

    from litbench import _duplicates, _formats

    known = corpus_records()
    records, keys = labelled()
    names = [*known.cited_as, *keys, ""]
    start = time.perf_counter()
    links = _duplicates.link(records, known)
    seconds = time.perf_counter() - start
    right = sum(link >= 0 and names[link] == key for link, key in zip(links, keys, strict=True))
    false = sum(link >= 0 and names[link] != key for link, key in zip(links, keys, strict=True))
    false += sum((_duplicates.link(_formats.to_frame(pair), _formats.to_frame([])) >= 0).any() for pair in NEIGHBOURS)
    rows = [{"what": "litbench", "recall": right / len(keys), "false links": false, "seconds": seconds}]
    # Each pair of neighbours on its own, since one record stands in several.
    sets = [pd.concat([known, records], ignore_index=True), *(_formats.to_frame(pair) for pair in NEIGHBOURS)]
    (folder / "records.json").write_text(json.dumps([as_bib_dedupe_wants(frame) for frame in sets]))
    done = timed(BIB_DEDUPE, str(folder / "records.json"), str(folder / "pairs.json"), extra=("bib-dedupe==0.11.0",))
    if done:
        found, *neighbours = json.loads((folder / "pairs.json").read_text())
        linked = {
            max(pair) for pair in found if min(pair) < len(known) <= max(pair) and len({names[n] for n in pair}) == 1
        }
        false = sum(names[one] != names[two] for one, two in found) + sum(map(bool, neighbours))
        rows.append(
            {
                "what": "bib-dedupe 0.11",
                "recall": len(linked) / len(keys),
                "false links": false,
                "seconds": done["seconds"],
            }
        )
    return rows


def read_endnote(path: Path) -> tuple[pd.DataFrame, list[bool]]:
    """Return the records of an EndNote library and whether a person marked each as one of several copies."""
    from defusedxml import ElementTree

    from litbench import _formats

    fields = {
        "title": "titles/title", "journal": "titles/secondary-title", "volume": "volume", "issue": "number",
        "pages": "pages", "doi": "electronic-resource-num", "abstract": "abstract", "year": "dates/year",
    }  # fmt: skip
    records, marked = [], []
    for record in ElementTree.parse(path).iter("record"):
        text = {
            name: "".join(found.itertext()).strip()
            for name, at in fields.items()
            if (found := record.find(at)) is not None
        }
        text["year"] = int(text["year"][:4]) if text.get("year", "")[:4].isdigit() else None
        text["doi"] = text.get("doi", "").lower().rpartition("doi.org/")[2] or None
        text["authors"] = "; ".join(
            "".join(author.itertext()) for author in record.iterfind("contributors/authors/author")
        )
        records.append({name: text.get(name) for name in _formats.COLUMNS})
        caption = record.find("caption")
        marked.append(caption is not None and "".join(caption.itertext()).strip() == "Duplicate")
    return _formats.to_frame(records), marked


def labelled_libraries(paths: list[Path], folder: Path) -> list[dict[str, object]]:
    """Link libraries that a person labelled: recall is the share of marked records that are linked to another."""
    from litbench import _duplicates, _formats

    rows = []
    for path in paths:
        records, marked = read_endnote(path)
        links = _duplicates.link(records, _formats.to_frame([]))
        pairs = [(late, early) for late, early in enumerate(links) if early >= 0]
        results = {"litbench": pairs}
        (folder / "records.json").write_text(json.dumps([as_bib_dedupe_wants(records)]))
        if timed(BIB_DEDUPE, str(folder / "records.json"), str(folder / "pairs.json"), extra=("bib-dedupe==0.11.0",)):
            results["bib-dedupe 0.11"] = json.loads((folder / "pairs.json").read_text())[0]
        for what, found in results.items():
            linked = {record for pair in found for record in pair}
            rows.append(
                {
                    "library": path.stem,
                    "records": len(records),
                    "marked": sum(marked),
                    "what": what,
                    "recall": sum(marked[record] for record in linked) / sum(marked),
                    "linked, not marked": sum(not marked[record] for record in linked),
                }
            )
    return rows


def main() -> None:
    """Run and print the tables."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--records", type=int, default=100_000)
    parser.add_argument("--others", type=int, default=2_000)
    parser.add_argument("--labelled", type=Path, nargs="+", help="EndNote libraries with marked duplicates")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        if arguments.labelled:
            rows = labelled_libraries(arguments.labelled, folder)
            print(pd.DataFrame(rows).to_string(index=False, float_format="{:.3f}".format))
            return
        from stress import copy_corpus

        corpus = copy_corpus(folder / "corpus")
        large, small = folder / "large.bib", folder / "small.bib"
        write_library(large, arguments.records)
        write_library(small, arguments.others)
        print(f"{arguments.records:,} records of {large.stat().st_size / arguments.records / 1000:.2f} kB")
        rows = []
        for what, work, file, extra in (
            ("litbench, read", READ, large, ()),
            ("litbench, import with duplicates linked", IMPORT, large, ()),
            ("bibtexparser 2.1 with its LaTeX decoding", BIBTEXPARSER, small, ()),
            ("litstudy 1.0.6 with bibtexparser 1", LITSTUDY, small, ("litstudy==1.0.6", "bibtexparser<2")),
        ):
            done = timed(work, str(file), str(corpus), extra=extra)
            if done is None:
                rows.append({"what": what})
                continue
            rows.append(
                {"what": what, "records": int(done["records"]), "seconds": done["seconds"],
                 "ms a record": 1000 * done["seconds"] / done["records"], "memory in MB": done["memory"]}
            )  # fmt: skip
        table = pd.DataFrame(rows)
        table["times litbench's reading"] = table["ms a record"] / table["ms a record"].iloc[0]
        print("\n" + table.to_string(index=False, float_format="{:.2f}".format, na_rep="not run") + "\n")
        print(pd.DataFrame(duplicates(folder)).to_string(index=False, float_format="{:.3f}".format))


if __name__ == "__main__":
    main()
