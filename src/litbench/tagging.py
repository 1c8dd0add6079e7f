"""Suggest themes for any text from the codebook's terms, with the words that led to each.

The pattern language of the terms:

=====================  ==========================================================================
``word``               a whole word
``stem*``              any word that begins so
``several words``      a phrase: these words next to each other, in this order
``(a | b | c)``        alternatives, each a word, stem or phrase
``A ~5 B``             A and B in either order, at most five words between them, in one sentence
=====================  ==========================================================================

Case, accents, hyphens, curly quotes and British or American spelling do not matter.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from html import escape

import pandas as pd

from litbench.codebook import Codebook, Theme

# British spellings are folded to American ones, in texts and patterns alike.
_SPELLING = [
    (re.compile(pattern), american)
    for pattern, american in [
        (r"is(e|ed|es|er|ers|ing|ation|ations|ational)$", r"iz\1"),
        (r"^criminalis", "criminaliz"),
        (r"^(.*)isation", r"\1ization"),
        (r"^programme", "program"),
        (r"^centre", "center"),
        (r"^defence", "defense"),
        (r"^offence", "offense"),
        (r"^practis", "practic"),
        (r"^(behavi|neighb|lab|harb|col|fav|hon|hum|rum)our", r"\1or"),
        (r"^(counse|trave|labe|mode|cance)ll", r"\1l"),
        (r"^(an)?aesth", r"\1esth"),
        (r"^haem", "hem"),
        (r"^paed", "ped"),
        (r"^gaol", "jail"),
    ]
]
_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)?")
_BREAK = re.compile(r"[.!?;:]\s|\n")
_PART = re.compile(r"\s*(\(|\)|\||~\d+|[^\s()|~]+)")


class PatternError(ValueError):
    """A pattern of the codebook that cannot be understood."""


def _fold_characters(text: str) -> str:
    """Fold case and accents one character at a time, so that places in the text stay the same."""
    folded = []
    for character in text:
        base = unicodedata.normalize("NFKD", character.replace("’", "'"))[:1].lower()
        folded.append(base if len(base) == 1 else character)
    return "".join(folded)


@cache
def _fold_word(word: str) -> str:
    for pattern, american in _SPELLING:
        word = pattern.sub(american, word)
    return word


def _tokens(text: str) -> tuple[str, list[tuple[int, int]]]:
    """Return the text as folded words, each after a space, with ``.`` between sentences, and their places."""
    folded = _fold_characters(text)
    breaks = [match.start() for match in _BREAK.finditer(folded)]
    words, spans, passed = [], [], 0
    for match in _WORD.finditer(folded):
        while passed < len(breaks) and breaks[passed] < match.start():
            words.append(".")
            spans.append((breaks[passed], breaks[passed] + 1))
            passed += 1
        words.append(_fold_word(match.group()))
        spans.append(match.span())
    return " " + " ".join(words) + " ", spans


def _compile_part(parts: Iterator[str], pattern: str, depth: int = 0) -> str:
    """Translate words and groups up to a ``~``, a closing bracket or the end into a regular expression."""
    options: list[list[str]] = [[]]
    for part in parts:
        if part == "(":
            options[-1].append(_compile_part(parts, pattern, depth + 1))
        elif part == "|":
            if depth == 0:
                raise PatternError(f"{pattern!r}: put alternatives in brackets, as in (a | b)")
            options.append([])
        elif part == ")":
            if depth == 0:
                raise PatternError(f"{pattern!r}: a closing bracket without an opening one")
            break
        else:
            stem = part.endswith("*")
            word = "".join(_WORD.findall(_fold_characters(part)))
            words = [_fold_word(one) for one in _WORD.findall(_fold_characters(part))]
            if not word or "*" in part[:-1]:
                raise PatternError(f"{pattern!r}: {part!r} is not a word; a star may stand only at the end of a word")
            options[-1].append(" ".join(map(re.escape, words)) + (r"[^ .]*" if stem else ""))
    else:
        if depth:
            raise PatternError(f"{pattern!r}: an opening bracket without a closing one")
    if not all(options):
        raise PatternError(f"{pattern!r}: an empty alternative or an empty side of ~")
    alternatives = [" ".join(option) for option in options]
    return alternatives[0] if len(alternatives) == 1 else f"(?:{'|'.join(alternatives)})"


@cache
def compile_pattern(pattern: str) -> str:
    """Return the regular expression, over folded words, of one pattern.

    Raises
    ------
    PatternError
        Where the pattern is not of the language; the message quotes it.
    """
    parts = _PART.findall(pattern)
    if "".join(parts).replace(" ", "") != "".join(pattern.split()):
        raise PatternError(f"{pattern!r}: only words, *, brackets, | and ~ with a number may stand in a pattern")
    near = [number for number, part in enumerate(parts) if part.startswith("~")]
    if not near:
        return _compile_part(iter(parts), pattern)
    if len(near) > 1:
        raise PatternError(f"{pattern!r}: only one ~ may stand in a pattern")
    words = int(parts[near[0]][1:])
    if not 1 <= words <= 15:
        raise PatternError(f"{pattern!r}: the number after ~ goes from 1 to 15")
    left = _compile_part(iter(parts[: near[0]]), pattern)
    right = _compile_part(iter(parts[near[0] + 1 :]), pattern)
    between = rf"(?: [^ .]+){{0,{words}}} "
    return f"(?:{left}{between}{right}|{right}{between}{left})"


@cache
def _expression(patterns: tuple[str, ...]) -> re.Pattern[str] | None:
    if not patterns:
        return None
    # The space before and after is not part of a match, so that neighbours can match too.
    return re.compile(rf"(?<= )(?:{'|'.join(compile_pattern(pattern) for pattern in patterns)})(?= )")


@dataclass(frozen=True)
class Suggestion:
    """A theme suggested for a text.

    Attributes
    ----------
    theme, label : str
    places : tuple of (int, int)
        Start and end, in characters, of the words that led to it.
    words : tuple of str
        These words as they stand in the text, each once.
    """

    theme: str
    label: str
    places: tuple[tuple[int, int], ...]
    words: tuple[str, ...]


@dataclass(frozen=True)
class Tags:
    """The themes suggested for one text, most often named first.

    Iterates over `Suggestion`; in Jupyter it shows the text with the words marked.
    """

    text: str
    suggestions: tuple[Suggestion, ...]

    def __iter__(self) -> Iterator[Suggestion]:
        return iter(self.suggestions)

    def __len__(self) -> int:
        return len(self.suggestions)

    def to_frame(self) -> pd.DataFrame:
        """Return a row a suggested theme: ``theme, label, mentions, words``."""
        rows = [(s.theme, s.label, len(s.places), "; ".join(s.words)) for s in self.suggestions]
        return pd.DataFrame(rows, columns=["theme", "label", "mentions", "words"])

    def __repr__(self) -> str:
        if not self.suggestions:
            return "No theme suggested: none of the codebook's terms stands in this text."
        return "\n".join(f"{s.theme}: {'; '.join(s.words)}" for s in self.suggestions)

    def _repr_html_(self) -> str:
        if not self.suggestions:
            return f"<p>{escape(repr(self))}</p>"
        marked = [False] * (len(self.text) + 1)
        for suggestion in self.suggestions:
            for start, end in suggestion.places:
                marked[start:end] = [True] * (end - start)
        shown, inside = [], False
        for character, mark in zip(self.text, marked, strict=False):
            if mark != inside:
                shown.append("<mark>" if mark else "</mark>")
                inside = mark
            shown.append(escape(character))
        shown.append("</mark>" if inside else "")
        rows = "".join(
            f"<tr><td style='text-align:left'>{escape(s.label)}</td>"
            f"<td style='text-align:left'><code>{escape(s.theme)}</code></td>"
            f"<td style='text-align:left'>{escape('; '.join(s.words))}</td></tr>"
            for s in self.suggestions
        )
        return (
            f"<blockquote>{''.join(shown)}</blockquote><table><thead><tr><th>suggested theme</th><th>id</th>"
            f"<th>because of</th></tr></thead><tbody>{rows}</tbody></table>"
        )


def tag(text: str, codebook: Codebook | None = None) -> Tags:
    """Suggest themes for a text.

    Parameters
    ----------
    text : str
    codebook : Codebook, optional
        Without it, the codebook of the corpus that `litbench.load_corpus` would load.

    Returns
    -------
    Tags
        Themes whose terms stand in the text, by number of places and then in the codebook's order. A suggestion
        is a reason to read, not a code.

    Raises
    ------
    PatternError
        Where a term of the codebook is not of the pattern language.
    """
    if not isinstance(text, str):
        raise TypeError(f"tag() takes a text, not {type(text).__name__}")
    if codebook is None:
        from litbench import _schema

        codebook = Codebook.read(_schema.find_corpus() / _schema.CODEBOOK)
    line, spans = _tokens(text)
    found = [match for theme in codebook.themes if not theme.retired and (match := _suggest(theme, text, line, spans))]
    return Tags(text, tuple(sorted(found, key=lambda suggestion: -len(suggestion.places))))


def _suggest(theme: Theme, text: str, line: str, spans: list[tuple[int, int]]) -> Suggestion | None:
    wanted, unwanted = _expression(theme.terms), _expression(theme.exclude)
    if wanted is None:
        return None
    barred = [match.span() for match in unwanted.finditer(line)] if unwanted else []
    places = []
    for match in wanted.finditer(line):
        start, end = match.span()
        if any(first <= start and end <= last for first, last in barred):
            continue
        first = line.count(" ", 0, start) - 1
        last = first + line.count(" ", start, end)
        places.append((spans[first][0], spans[last][1]))
    if not places:
        return None
    words = dict.fromkeys(" ".join(text[start:end].split()) for start, end in places)
    return Suggestion(theme.id, theme.label, tuple(places), tuple(words))
