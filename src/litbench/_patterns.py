"""The pattern language of the codebook's terms: its words, its grammar, and the tree that a pattern becomes."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import cache

LONGEST_GAP = 15  # words; a wider gap joins what has nothing to do with each other

# British spellings are folded to American ones, in texts and patterns alike.
_SPELLING = [
    (re.compile(pattern), american)
    for pattern, american in [
        (r"^practis", "practic"),
        (r"is(e|ed|es|er|ers|ing|ation|ations|ational)$", r"iz\1"),
        (r"^programme", "program"),
        (r"^centre", "center"),
        (r"^defence", "defense"),
        (r"^offence", "offense"),
        (r"^licence", "license"),
        (r"^(mis)?(behavi|neighb|lab|harb|col|fav|hon|hum|rum|endeav)our", r"\1\2or"),
        (r"^(counse|trave|labe|mode|cance|enro|fulfi)ll", r"\1l"),
        (r"^(an)?aesth", r"\1esth"),
        (r"^haem", "hem"),
        (r"^paed", "ped"),
        (r"^gaol", "jail"),
    ]
]
_LETTERS = {"ß": "ss", "æ": "ae", "œ": "oe", "ø": "o", "đ": "d", "ð": "d", "ł": "l", "þ": "th", "ı": "i"}
APOSTROPHES = str.maketrans(dict.fromkeys("‘’ʼ＇", "'"))
_BRITISH = re.compile("is|mme|ntre|fence|cence|our|ll|ae|gaol")  # in every word that `_SPELLING` changes
_BRITISH_STEM = re.compile(r"is(at|ati|atio)?$")
_PART = re.compile(r"\s*(\(|\)|\||~\d*|[^\s()|~]+)")
_SPLIT = re.compile(r"[^\w']+|_+")
UNSEEN = ("Mn", "Mc", "Me", "Cf")  # categories of characters that `fold_word` leaves out and that end no word


class PatternError(ValueError):
    """A pattern of the codebook that cannot be understood."""


def fold_word(word: str) -> str:
    """Return `word` without case, accents, ligatures, apostrophes and possessive, in American spelling."""
    if not word.isascii():
        word = word.translate(APOSTROPHES)
    word = word.strip("'").lower()
    word = word.removesuffix("'s")
    if not word.isascii():
        word = unicodedata.normalize("NFKD", "".join(_LETTERS.get(letter, letter) for letter in word)).lower()
    if not word.isalnum():
        word = "".join(letter for letter in word if letter.isalnum())
    if _BRITISH.search(word):
        for pattern, american in _SPELLING:
            word = pattern.sub(american, word)
    return word


@dataclass(frozen=True)
class Words:
    """One word out of several: whole words, and stems that begin a word."""

    whole: frozenset[str]
    stems: frozenset[str]


@dataclass(frozen=True)
class Either:
    """One of several patterns."""

    options: tuple[Node, ...]


@dataclass(frozen=True)
class Phrase:
    """Patterns right after each other."""

    parts: tuple[Node, ...]


@dataclass(frozen=True)
class Near:
    """Two patterns in either order with at most `gap` words between them."""

    left: Node
    right: Node
    gap: int


Node = Words | Either | Phrase | Near


@cache
def parse(pattern: str) -> Node:
    """Return the tree of a pattern.

    Parameters
    ----------
    pattern : str
        See `litbench.tagging` for the language.

    Raises
    ------
    PatternError
        Where the pattern is not of the language; the message quotes it and says what to change.
    """
    parts = _PART.findall(pattern)
    parser = _Parser(pattern, parts)
    node = parser.near()
    if parser.next == "|":
        raise PatternError(f"{pattern!r}: put alternatives in brackets, as in (a | b)")
    if parser.next == ")":
        raise PatternError(f"{pattern!r}: a closing bracket without an opening one")
    return node


class _Parser:
    """A recursive descent over ``near = phrase (~n phrase)*``, ``phrase = item+``, ``item = word | ( near | … )``."""

    def __init__(self, pattern: str, parts: list[str]):
        self.pattern, self.parts, self.at = pattern, parts, 0

    @property
    def next(self) -> str | None:
        return self.parts[self.at] if self.at < len(self.parts) else None

    def near(self) -> Node:
        node = self.phrase()
        while self.next is not None and self.next.startswith("~"):
            number = self.next[1:]
            if not number or not 1 <= int(number) <= LONGEST_GAP:
                raise PatternError(f"{self.pattern!r}: the number after ~ goes from 1 to {LONGEST_GAP}")
            self.at += 1
            node = Near(node, self.phrase(), int(number))
        return node

    def phrase(self) -> Node:
        items: list[Node] = []
        while self.next is not None and self.next not in (")", "|") and not self.next.startswith("~"):
            if self.next == "(":
                self.at += 1
                items.append(self.group())
            else:
                items += self.words(self.next)
                self.at += 1
        if not items:
            raise PatternError(f"{self.pattern!r}: an empty alternative or an empty side of ~")
        return items[0] if len(items) == 1 else Phrase(tuple(items))

    def group(self) -> Node:
        options = [self.near()]
        while self.next == "|":
            self.at += 1
            options.append(self.near())
        if self.next is None:
            raise PatternError(f"{self.pattern!r}: an opening bracket without a closing one")
        self.at += 1
        single = [option for option in options if isinstance(option, Words)]
        if single:  # one look-up for all single words of a group
            joined = Words(
                frozenset().union(*(one.whole for one in single)), frozenset().union(*(one.stems for one in single))
            )
            options = [joined, *(option for option in options if not isinstance(option, Words))]
        return options[0] if len(options) == 1 else Either(tuple(options))

    def words(self, part: str) -> list[Node]:
        # Accents that stand by themselves, and what does not show, are of the word in texts too.
        letters = "".join(letter for letter in part.rstrip("*") if unicodedata.category(letter) not in UNSEEN)
        pieces = [piece for piece in _SPLIT.split(letters.translate(APOSTROPHES)) if piece]
        folded = [fold_word(piece) for piece in pieces]
        if not folded or not all(folded) or "*" in part[:-1]:
            raise PatternError(f"{self.pattern!r}: {part!r} is not a word; a star may stand only at the end of a word")
        nodes: list[Node] = [Words(frozenset({word}), frozenset()) for word in folded]
        if part.endswith("*"):
            # A stem such as organis* ends before the letters by which `_SPELLING` knows the British form.
            nodes[-1] = Words(frozenset(), frozenset({folded[-1], _BRITISH_STEM.sub(r"iz\1", folded[-1])}))
        return nodes
