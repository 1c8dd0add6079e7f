"""Link records that are the same publication; none is deleted.

Records are compared where they share an identifier, a title, an author and year, or a place in a journal (blocking),
and linked only where nothing speaks against it: one false link hides a study for good, a missed one costs a look.
bib-dedupe, the library made for this, takes 5 ms a record for 10,000 records, growing with the square of their number,
and passes over what identifiers say; `benchmarks/bench_import.py` runs both on the same labelled records.
"""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import pandas as pd
from rapidfuzz import fuzz, process
from tqdm import tqdm

_NEAR = 80  # per cent of letters that two titles share, below which they are not compared further
_SAME_ID = 60  # the same for records with one identifier, which is sometimes wrong
_LARGE = 3000  # a block above this holds records without a title of their own ("Editorial"), and says nothing
_NOTICE = re.compile(
    r"^(?:erratum|errata|corrigendum|correction|retraction|expression of concern|reply|response to|author s? ?reply"
    r"|comment(?:ary)? on|letter|editorial)\b"
)
_NOISE = frozenset("""a an and the of in on for to with by from at as is le la el los las de des du et y""".split())  # noqa: SIM905


class _Facts(NamedTuple):
    """What is compared of a record, folded."""

    title: str
    notice: str
    families: tuple[str, ...]
    year: int
    journal: str
    volume: str
    page: str
    doi: str
    pmid: str


def link(records: pd.DataFrame, known: pd.DataFrame) -> pd.Series:
    """Find the records that are duplicates.

    Parameters
    ----------
    records : pandas.DataFrame
        New records, columns as `litbench._formats.COLUMNS`.
    known : pandas.DataFrame
        Records that are there already, with the same columns, those that came first before those that came later.

    Returns
    -------
    pandas.Series
        For each record the position of what it is a duplicate of, in `known` followed by `records`; -1 for a record
        that is new. What a record is linked to is never a duplicate itself.
    """
    both = pd.concat([known, records], ignore_index=True)
    facts = _fold(both)
    new = len(known)
    twins: dict[int, int] = {}
    pairs = sorted({(late, early) for early, late in _pairs(facts, new) if late >= new})
    for late, early in pairs:
        if late not in twins and same(facts[late], facts[early]):
            twins[late] = twins.get(early, early)
    return pd.Series([twins.get(new + n, -1) for n in range(len(records))], index=records.index, dtype="int64")


def same(one: _Facts, other: _Facts) -> bool:
    """Say whether two records are the same publication."""
    if _differ(one.pmid, other.pmid) or one.notice != other.notice:
        return False
    shared = (one.doi and one.doi == other.doi) or (one.pmid and one.pmid == other.pmid)
    alike = fuzz.ratio(one.title, other.title)
    if shared:
        return alike >= _SAME_ID or _begins(one.title, other.title)
    begins = _begins(one.title, other.title)
    if _differ(one.doi, other.doi) or (alike < _NEAR and not begins):
        return False
    apart = abs(one.year - other.year) if one.year and other.year else 0
    # Online first and in print are a year apart, in one journal; a longer title a year later is another study.
    if apart > 1 or (apart and (begins or not (one.journal and other.journal))):
        return False
    if not _same_people(one.families, other.families) or not _same_words(one.title, other.title):
        return False
    place = one.volume == other.volume and one.page == other.page and bool(one.volume and one.page)
    if place:
        return True
    if not _same_journal(one.journal, other.journal):
        return False
    if _differ(one.volume, other.volume) or _differ(one.page, other.page):
        return False
    # A short title without people or a place ("Editorial") is not enough to tell.
    return len(one.title.split()) >= 4 and bool(one.families or other.families or one.year == other.year != 0)


# ---------------------------------------------------------------------- what is compared


def fold(text: str) -> str:
    """Return text in lower case without accents and marks, words apart by one space."""
    text = unicodedata.normalize(
        "NFKD", text.replace("ß", "ss").replace("ø", "o").replace("ł", "l").replace("&", " and ")
    )
    text = "".join(letter for letter in text if not unicodedata.combining(letter)) if not text.isascii() else text
    return " ".join(re.findall(r"[^\W_]+", text.lower()))


def _fold(frame: pd.DataFrame) -> list[_Facts]:
    text = frame[["title", "authors", "journal", "volume", "pages", "doi", "pmid"]].fillna("")
    year = frame["year"].fillna(0).astype(int)
    facts = []
    for row, when in zip(text.itertuples(index=False), year, strict=True):
        title = fold(re.sub(r"^\W*retracted(?: article)?\b\W*", "", row.title, flags=re.IGNORECASE))
        notice = _NOTICE.match(title)
        families = tuple(fold(name.partition(",")[0]) for name in row.authors.split("; ")[:12] if name)
        facts.append(
            _Facts(
                title,
                notice[0] if notice else "",
                families,
                when,
                fold(row.journal).removeprefix("the "),
                volume := row.volume.strip(),
                # Before an article has a volume, its pages are counted from 1.
                "" if (page := _first_page(row.pages)) == "1" and not volume else page,
                row.doi.lower(),
                row.pmid,
            )
        )
    return facts


def _first_page(pages: str) -> str:
    """Return the first page: databases set a hyphen, a dash or U+2010 behind it, and some put a 0 before it."""
    first = re.search(r"\w+", pages.lower())
    return (first[0].lstrip("0") or first[0]) if first else ""


# ---------------------------------------------------------------------- which are compared


def _keys(fact: _Facts) -> Iterator[tuple[object, ...]]:
    if fact.doi:
        yield "doi", fact.doi
    if fact.pmid:
        yield "pmid", fact.pmid
    words = fact.title.split()
    if len(words) > 2:
        yield "begin", " ".join(words[:5])
        yield "end", " ".join(words[-5:])
    for family in fact.families[:1]:
        if fact.year:
            yield "who", family, fact.year
            yield "who", family, fact.year + 1
    if fact.volume and fact.page and fact.year:
        yield "where", fact.volume, fact.page, fact.year


def _pairs(facts: list[_Facts], new: int) -> Iterator[tuple[int, int]]:
    blocks: dict[tuple[object, ...], list[int]] = defaultdict(list)
    for number, fact in enumerate(facts):
        for key in _keys(fact):
            blocks[key].append(number)
    worth = [(key, members) for key, members in blocks.items() if 1 < len(members) <= _LARGE and members[-1] >= new]
    for key, members in tqdm(worth, desc="comparing", unit=" groups", delay=2, leave=False):
        if key[0] in ("doi", "pmid") or len(members) == 2:
            yield from ((one, two) for n, one in enumerate(members) for two in members[n + 1 :])
            continue
        titles = [facts[member].title for member in members]
        near = process.cdist(titles, titles, scorer=fuzz.ratio, score_cutoff=_NEAR, dtype=np.uint8)
        if key[0] in ("begin", "end"):  # one title may go on where the other ends
            near |= np.array([[_begins(one, two) for two in titles] for one in titles]) if len(titles) < 50 else 0
        for one, two in np.argwhere(np.triu(near, 1)):
            yield members[one], members[two]


# ---------------------------------------------------------------------- the single comparisons


def _differ(one: str, other: str) -> bool:
    return bool(one and other and one != other)


def _begins(one: str, other: str) -> bool:
    """Say whether one title is the other without its subtitle."""
    short, long = sorted((one, other), key=len)
    return len(short.split()) >= 5 and long.startswith(short + " ")


def _same_people(one: tuple[str, ...], other: tuple[str, ...]) -> bool:
    if not one or not other:
        return True
    if one[0] == other[0] or one[0].replace(" ", "") == other[0].replace(" ", "") or fuzz.ratio(one[0], other[0]) >= 80:
        return True
    return len(set(one) & set(other)) >= 2  # the same people in another order


def _same_words(one: str, other: str) -> bool:
    """Say whether two titles differ by no more than misspelling, small words, or a missing subtitle.

    A number, a place or a virus exchanged for another makes a new study, however alike the letters are.
    """
    if one == other or one.replace(" ", "") == other.replace(" ", "") or _begins(one, other):
        return True
    left, right = one.split(), other.split()
    for change, a, b, c, d in difflib.SequenceMatcher(None, left, right, autojunk=False).get_opcodes():
        old, new = left[a:b], right[c:d]
        if change == "equal" or set(old + new) <= _NOISE:
            continue
        # Compared without spaces: "post-partum" and "postpartum" are one word.
        old_word, new_word = ("".join(word for word in words if word not in _NOISE) for words in (old, new))
        if any(character.isdigit() for character in old_word + new_word) and old_word != new_word:
            return False
        if min(len(old_word), len(new_word)) < 5 or fuzz.ratio(old_word, new_word) < 80:
            return False
    return True


@lru_cache(maxsize=100_000)
def _same_journal(one: str, other: str) -> bool:
    if not one or not other or one == other or fuzz.ratio(one, other) >= 90:
        return True
    short, long = ([word for word in name.split() if word not in _NOISE] for name in sorted((one, other), key=len))
    return _abbreviates(short, long) or "".join(word[0] for word in long) == "".join(short)


def _abbreviates(short: list[str], long: list[str]) -> bool:
    """Say whether each word of `short` begins a word of `long`, in order: "int j drug policy"."""
    at = 0
    for word in short:
        while at < len(long) and not (long[at].startswith(word) or _contracted(word, long[at])):
            at += 1
        if at == len(long):
            return False
        at += 1
    # All but a place or a subtitle behind is covered: "lancet" does not abbreviate "lancet public health".
    return bool(short) and len(short) >= len(long) - (len(long) > 4)


def _contracted(word: str, whole: str) -> bool:
    """Say whether `word` leaves letters out of `whole`, as "natl" of "national"."""
    if not 3 <= len(word) < len(whole) or word[0] != whole[0]:
        return False
    letters = iter(whole)
    return all(letter in letters for letter in word)
