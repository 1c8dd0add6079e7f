"""Suggest themes for any text from the codebook's terms, with the words that led to each.

The pattern language of the terms:

=====================  ==========================================================================
``word``               a whole word
``stem*``              any word that begins so
``several words``      a phrase: these words next to each other, in this order
``(a | b | c)``        alternatives, each any pattern
``A ~5 B``             A and B in either order, at most five words between them, in one sentence;
                       ``A ~5 B ~3 C``: C near to the whole of A and B
=====================  ==========================================================================

Patterns combine: ``(needle | syringe) exchange* ~4 (clos* | shut down)``. Nothing reaches over the end of a sentence
(``.``, ``!``, ``?``, ``;`` or ``:`` before a space, or a new line). Case, accents, hyphens, curly quotes, possessives
and British or American spelling do not matter. A theme's ``exclude`` lists patterns: a match
that begins or ends inside a match of these does not count. Matches of one theme that overlap are one mention.

A mention is *negated* where a word such as "no", "not" or "without" stands up to five words before it in its sentence.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

import numpy as np
import pandas as pd

from litbench import _schema
from litbench._patterns import PatternError
from litbench.codebook import Codebook

if TYPE_CHECKING:
    from litbench._learned import Model
    from litbench._matching import Matcher, Scan

__all__ = ["PatternError", "Suggestion", "Tags", "tag", "text_of"]

TEXT_COLUMNS = ("title", "abstract", "text")
_BATCH = 4096  # texts matched at a time


@dataclass(frozen=True)
class Suggestion:
    """A theme suggested for a text.

    Attributes
    ----------
    theme, label : str
    score : float
        Strength between 0 and 1, ``1 - 0.5 ** mentions``: it orders suggestions, and how often coders confirm them is
        measured (`litbench.Score.confidence`). With a model, a calibrated probability.
    negated : bool
        Whether every mention is negated.
    places : tuple of (int, int)
        Start and end, in characters, of the words that led to it.
    words : tuple of str
        These words as they stand in the text, each once.
    mentions : int
        How often its terms stand in the text; 0 where the model alone suggests it.
    """

    theme: str
    label: str
    score: float
    negated: bool
    places: tuple[tuple[int, int], ...]
    words: tuple[str, ...]
    mentions: int

    @property
    def by(self) -> str:
        """Who suggests it: ``"terms"`` or ``"model"``."""
        return "terms" if self.mentions else "model"


@dataclass(frozen=True)
class Tags:
    """The themes suggested for one text, strongest first.

    Iterates over `Suggestion`; in Jupyter it shows the text with the words marked.

    Attributes
    ----------
    text : str
    suggestions : tuple of Suggestion
    judged : bool
        Whether a model gave the scores, which are probabilities then.
    """

    text: str
    suggestions: tuple[Suggestion, ...]
    judged: bool = False

    def __iter__(self) -> Iterator[Suggestion]:
        return iter(self.suggestions)

    def __len__(self) -> int:
        return len(self.suggestions)

    def to_frame(self) -> pd.DataFrame:
        """Return a row a suggested theme: ``theme, label, score, negated, mentions, words``."""
        rows = [(s.theme, s.label, s.score, s.negated, s.mentions, "; ".join(s.words)) for s in self.suggestions]
        return pd.DataFrame(rows, columns=["theme", "label", "score", "negated", "mentions", "words"])

    def __repr__(self) -> str:
        if not self.suggestions:
            why = "the model finds none likely" if self.judged else "none of the codebook's terms stands in this text"
            return f"No theme suggested: {why}."
        return "\n".join(
            f"{s.score:.2f} {s.theme}{' (negated)' if s.negated else ''}: {'; '.join(s.words)}" for s in self
        )

    def _repr_html_(self) -> str:
        if not self.suggestions:
            return f"<p>{escape(repr(self))}</p>"
        marked = np.zeros(len(self.text) + 1, dtype=bool)
        for suggestion in self.suggestions:
            for start, end in suggestion.places:
                marked[start:end] = True
        shown, at = [], 0
        for edge in [*(np.flatnonzero(np.diff(marked, prepend=False))).tolist(), len(self.text)]:
            piece = escape(self.text[at:edge])
            shown.append(f"<mark>{piece}</mark>" if piece and marked[at] else piece)
            at = edge
        rows = "".join(
            f"<tr><td style='text-align:left'>{escape(s.label)}{' (negated)' if s.negated else ''}</td>"
            f"<td style='text-align:left'><code>{escape(s.theme)}</code></td><td>{s.score:.2f}</td>"
            f"<td style='text-align:left'>{escape('; '.join(s.words))}</td></tr>"
            for s in self.suggestions
        )
        return (
            f"<blockquote style='white-space:pre-wrap'>{''.join(shown)}</blockquote><table><thead><tr>"
            f"<th>suggested theme</th><th>id</th><th>score</th><th>because of</th></tr></thead>"
            f"<tbody>{rows}</tbody></table>"
        )


def score_of(mentions: np.ndarray) -> np.ndarray:
    """Return the strength that a number of mentions gives a theme: ``1 - 0.5 ** mentions``."""
    return 1 - 0.5**mentions


@lru_cache(maxsize=4)
def matcher(codebook: Codebook) -> Matcher:
    """Return the compiled patterns of `codebook`."""
    from litbench._matching import Matcher, compile_loops  # with Numba, which takes a second to load

    compile_loops()
    return Matcher(codebook)


def own_codebook() -> Codebook:
    """Return the codebook of the corpus that `litbench.load_corpus` would load."""
    path = _schema.find_corpus() / _schema.CODEBOOK
    return _read(path, path.stat().st_mtime_ns)


@lru_cache(maxsize=4)
def _read(path: Path, changed: int) -> Codebook:
    return Codebook.read(path)


def suggested(scan: Scan, texts: Sequence[str], themes: Sequence[str], model: Model | None) -> dict[str, Any]:
    """Return a row a text and theme of `scan`: ``text, theme`` (numbers), ``score, negated, words``.

    With a model as it judges them, its own among them, and ``by`` whom each is suggested. A theme that the model was
    not trained on stays as the terms suggest it; `themes` are those of the codebook.
    """
    rows = scan.rows
    rows["score"] = score_of(rows.pop("mentions"))
    if model is None:
        return rows
    column = {theme: number for number, theme in enumerate(themes)}
    judged = model.suggest(texts, scan.mentions, themes)
    every = []
    for text, theme, score, negated, words in zip(*(rows[name].tolist() for name in _SAID), strict=True):
        if themes[theme] in model.themes:
            if themes[theme] not in judged[text]:
                continue
            score = judged[text].pop(themes[theme])[0]
        every.append((text, theme, score, negated, words, "terms"))
    for text, left in enumerate(judged):
        for theme, (score, places) in left.items():
            if theme in column:  # not one that this codebook has retired
                words = "; ".join(dict.fromkeys(texts[text][start:end] for start, end in places))
                every.append((text, column[theme], score, False, words, "model"))
    every.sort(key=lambda row: row[:2])
    return {name: [row[at] for row in every] for at, name in enumerate((*_SAID, "by"))}


_SAID = ("text", "theme", "score", "negated", "words")


def text_of(frame: pd.DataFrame) -> list[str]:
    """Return one text a row of `frame`: its title, abstract and text, as far as it has them, below each other.

    Raises
    ------
    ValueError
        Where `frame` has none of the columns.
    """
    columns = [name for name in TEXT_COLUMNS if name in frame]
    if not columns:
        raise ValueError(
            f"no text to tag: none of the columns {', '.join(TEXT_COLUMNS)} among {', '.join(map(str, frame.columns))}"
        )
    parts = [frame[name].fillna("").astype(str).tolist() for name in columns]
    return ["\n".join(filter(None, several)) for several in zip(*parts, strict=True)]


@overload
def tag(text: str, codebook: Codebook | None = None, model: Model | None = None) -> Tags: ...
@overload
def tag(
    text: pd.Series | pd.DataFrame | Iterable[str], codebook: Codebook | None = None, model: Model | None = None
) -> pd.DataFrame: ...
def tag(
    text: str | pd.Series | pd.DataFrame | Iterable[str], codebook: Codebook | None = None, model: Model | None = None
) -> Tags | pd.DataFrame:
    """Suggest themes for a text, or for many.

    Parameters
    ----------
    text : str, pandas.Series, pandas.DataFrame or iterable of str
        One text; or a series (its index names the texts); or a frame with the column ``id`` (else its index) and any
        of ``title``, ``abstract`` and ``text``. A missing text is an empty one.
    codebook : Codebook, optional
        Without it, the codebook of the corpus that `litbench.load_corpus` would load.
    model : Model, optional
        From `litbench.learn`. It judges what the terms find and what its own words speak for: it scores each theme with
        a probability, adds themes that the terms do not find, with the words that weigh most, and drops themes that it
        finds unlikely. The first of several lines of a text is its heading (with a frame, the title).

    Returns
    -------
    Tags or pandas.DataFrame
        For one text the themes suggested for it, strongest first. For many a row a suggested theme:
        ``id, theme, score, negated, words``; a text that nothing is suggested for has no row. A suggestion is a
        reason to read, not a code.

    Raises
    ------
    PatternError
        Where a term of the codebook is not of the pattern language.
    """
    codebook = own_codebook() if codebook is None else codebook
    found = matcher(codebook)
    if isinstance(text, str):
        return _tags(text, found, model)
    if isinstance(text, pd.DataFrame):
        ids, texts = text.get("id", text.index).tolist(), text_of(text)
    elif isinstance(text, pd.Series):
        ids, texts = text.index.tolist(), text.fillna("").tolist()
    else:
        texts = list(text)
        ids = list(range(len(texts)))
    if wrong := [one for one in texts if not isinstance(one, str)]:
        raise TypeError(f"tag() takes texts, not {type(wrong[0]).__name__}")
    themes = [theme.id for theme in found.themes]
    parts = []
    for at in range(0, len(texts), _BATCH):
        part = texts[at : at + _BATCH]
        rows = suggested(found.scan(part), part, themes, model)
        rows["id"] = [ids[at + number] for number in rows["text"]]
        rows["theme"] = [themes[number] for number in rows["theme"]]
        parts.append(pd.DataFrame(rows, columns=["id", *RESULT]))
    frame = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=["id", *RESULT])
    return frame.astype(RESULT)


# The columns of tags, beside the id.
RESULT = {"theme": "str", "score": "float64", "negated": "bool", "words": "str"}


def _tags(text: str, found: Matcher, model: Model | None) -> Tags:
    mentions = found.find([text])
    suggestions = []
    for number in np.unique(mentions.theme):
        here = mentions.theme == number
        places = tuple(zip(mentions.start[here].tolist(), mentions.end[here].tolist(), strict=True))
        words = dict.fromkeys(" ".join(text[start:end].split()) for start, end in places)
        theme = found.themes[number]
        score = float(score_of(here.sum()))
        suggestions.append(
            Suggestion(
                theme.id, theme.label, score, bool(mentions.negated[here].all()), places, tuple(words), len(places)
            )
        )
    if model is not None:
        likely = model.suggest([text], mentions, [theme.id for theme in found.themes])[0]
        kept = [one for one in suggestions if one.theme in likely or one.theme not in model.themes]
        suggestions = [replace(one, score=likely.pop(one.theme, (one.score,))[0]) for one in kept]
        labels = {theme.id: theme.label for theme in found.themes}
        for name, (probability, spans) in likely.items():
            if name in labels:  # not one of a theme that this codebook has retired
                words = tuple(dict.fromkeys(text[start:end] for start, end in spans))
                suggestions.append(Suggestion(name, labels[name], probability, False, tuple(spans), words, 0))
    suggestions.sort(key=lambda one: (one.negated, -one.score))
    return Tags(text, tuple(suggestions), model is not None)
