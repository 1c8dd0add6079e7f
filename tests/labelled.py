"""Labelled duplicates: every study of the corpus as four sources would export it, and neighbours that are not it.

The variants follow what the sources do (`VARIANTS` says which); the neighbours are the pairs that mislead by likeness:
the same series, the same people in the same year, an erratum, a conference abstract, a place or virus exchanged.
"""

from __future__ import annotations

import random
import re
import unicodedata
from pathlib import Path

import pandas as pd

from litbench import _formats, references

ROOT = Path(__file__).parents[1]
_SHORT = {
    "international": "Int", "journal": "J", "policy": "Policy", "public": "Public", "health": "Health", "drug": "Drug",
    "drugs": "Drugs", "alcohol": "Alcohol", "dependence": "Depend", "substance": "Subst", "use": "Use",
    "misuse": "Misuse", "abuse": "Abuse", "research": "Res", "american": "Am", "criminal": "Crim", "justice": "Just",
    "harm": "Harm", "reduction": "Reduct", "social": "Soc", "science": "Sci", "medicine": "Med",
}  # fmt: skip


def _initials(authors: str) -> str:
    names = [name.partition(", ") for name in authors.split("; ")]
    return "; ".join(
        f"{family}, {''.join(f'{word[0]}.' for word in given.split() if word)}" if given else family
        for family, _, given in names
    )


def _plain(text: str) -> str:
    return "".join(letter for letter in unicodedata.normalize("NFKD", text) if not unicodedata.combining(letter))


def _abbreviated(journal: str) -> str:
    words = [word for word in re.findall(r"\w+", journal) if word.lower() not in ("of", "the", "and", "on", "in")]
    return " ".join(_SHORT.get(word.lower(), word) for word in words)


def scopus(row: dict, chance: random.Random) -> dict:
    """Initials for given names, no PMID, a title in Title Case."""
    return row | {"authors": _initials(row["authors"]), "title": row["title"].title(), "pmid": None, "pmcid": None}


def pubmed(row: dict, chance: random.Random) -> dict:
    """No accents, an abbreviated journal, the year online, no DOI where there is a PMID."""
    doi = None if row["pmid"] else row["doi"]
    return row | {
        "authors": _plain(_initials(row["authors"])), "title": _plain(row["title"]), "doi": doi,
        "journal": _abbreviated(row["journal"] or ""), "year": row["year"] - chance.choice((0, 1)),
    }  # fmt: skip


def scholar(row: dict, chance: random.Random) -> dict:
    """No identifier, the first author alone, one letter of a long word lost."""
    words = row["title"].split()
    long = [n for n, word in enumerate(words) if len(word) > 8 and word.isalpha()]
    if long:
        n = chance.choice(long)
        words[n] = words[n][:5] + words[n][6:]
    return row | {
        "title": " ".join(words), "authors": row["authors"].split("; ")[0], "authors_complete": False,
        "doi": None, "pmid": None, "pmcid": None, "volume": None, "issue": None, "pages": None,
    }  # fmt: skip


def screening_tool(row: dict, chance: random.Random) -> dict:
    """No identifier, the subtitle lost, no place in the journal."""
    main = row["title"].partition(": ")[0]
    title = main if len(main.split()) >= 6 else row["title"]
    return row | {
        "title": title,
        "doi": None,
        "pmid": None,
        "pmcid": None,
        "volume": None,
        "issue": None,
        "pages": None,
    }


VARIANTS = (scopus, pubmed, scholar, screening_tool)


def corpus_records() -> pd.DataFrame:
    """Return the studies of the corpus as records."""
    frame = references.read(ROOT / "references.bib")
    rows = [
        {name: None if pd.isna(value) else value for name, value in row.items()} for row in frame.to_dict("records")
    ]
    return _formats.to_frame(row | {"cited_as": row["key"], "line": None} for row in rows)


def duplicates(seed: int = 7) -> tuple[pd.DataFrame, list[str]]:
    """Return variants of all studies of the corpus, shuffled, and the key of the study that each is."""
    chance = random.Random(seed)
    rows = []
    for row in corpus_records().to_dict("records"):
        row = {name: None if pd.isna(value) else value for name, value in row.items()}
        rows += [variant(row, chance) for variant in VARIANTS]
    chance.shuffle(rows)
    return _formats.to_frame(rows), [row["cited_as"] for row in rows]


_BASE = {
    "authors": "Moss, Ana; Reyes, Luis",
    "title": "Police crackdowns and HIV risk among people who inject drugs in Tijuana",
    "year": 2019, "journal": "International Journal of Drug Policy", "volume": "51", "pages": "121–127",
    "doi": "10.1000/base.1", "pmid": "11111111",
}  # fmt: skip
_BARE = {"doi": None, "pmid": None}

# Two records each that are not the same publication.
NEIGHBOURS = [
    (_BASE | _BARE, _BASE | _BARE | {"title": _BASE["title"].replace("HIV", "HCV"), "pages": "128–133"}),
    (_BASE | _BARE, _BASE | _BARE | {"title": _BASE["title"].replace("HIV", "HCV"), "pages": None, "volume": None}),
    (_BASE | _BARE, _BASE | _BARE | {"title": _BASE["title"].replace("Tijuana", "Toluca"), "pages": "200–207"}),
    (_BASE, _BASE | {"doi": "10.1000/base.2", "pmid": "22222222", "title": "Erratum: " + _BASE["title"]}),
    (_BASE, _BASE | _BARE | {"title": "Comment on " + _BASE["title"], "pages": "128"}),
    (_BASE, _BASE | {"doi": "10.1000/base.3", "pmid": None, "title": _BASE["title"] + ": a five-year follow-up"}),
    (_BASE, _BASE | _BARE | {"journal": "Drug and Alcohol Dependence", "volume": "180", "pages": "e44"}),
    (_BASE | _BARE, _BASE | _BARE | {"authors": "Stone, Bo; Hill, Cy", "volume": None, "pages": None}),
    (_BASE | {"pmid": "11111111"}, _BASE | {"pmid": "33333333", "doi": None}),
    (_BASE, _BASE | {"title": "Naloxone in the hands of patrol officers", "pmid": None}),  # a DOI copied by mistake
    (
        _BASE | _BARE | {"title": "Annual report on drug arrests 2010", "year": 2011},
        _BASE | _BARE | {"title": "Annual report on drug arrests 2011", "year": 2012},
    ),
    (
        _BASE | _BARE | {"title": "Policing overdose, part I: what officers say", "pages": None},
        _BASE | _BARE | {"title": "Policing overdose, part II: what officers say", "pages": None},
    ),
    (
        _BASE | _BARE | {"title": "Editorial", "authors": "", "pages": "1–2"},
        _BASE | _BARE | {"title": "Editorial", "authors": "", "pages": "3–4"},
    ),
    (
        _BASE | _BARE | {"title": "Women and policing: a qualitative study of arrest", "volume": None, "pages": None},
        _BASE | _BARE | {"title": "Youths and policing: a qualitative study of arrest", "volume": None, "pages": None},
    ),
    (
        _BASE | _BARE | {"title": "Arrest and overdose among people leaving prison", "year": 2012},
        _BASE | _BARE | {"title": "Arrest and overdose among people leaving prison", "year": 2019, "volume": "58"},
    ),
]  # fmt: skip
