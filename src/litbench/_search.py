"""Find text in the corpus: ranked by BM25, or every place of a word with what stands around it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from html import escape

import pandas as pd

from litbench._patterns import fold_word
from litbench.codebook import Codebook, Theme
from litbench.corpus import Corpus
from litbench.tagging import matcher

_WORD = re.compile(r"[\w'’]+")
_SORTS = ("left", "right", "place")


def _documents(corpus: Corpus) -> pd.DataFrame:
    """Return a row a searchable text: ``key, field, finding, text``."""
    studies = corpus.studies
    parts = [
        pd.DataFrame({"key": studies.key, "field": "title", "finding": "", "text": studies.title}),
        pd.DataFrame({"key": studies.key, "field": "summary", "finding": "", "text": studies.summary}),
        pd.DataFrame(
            {
                "key": corpus.findings.key,
                "field": "finding",
                "finding": corpus.findings.finding,
                "text": corpus.findings.statement,
            }
        ),
    ]
    frame = pd.concat(parts, ignore_index=True)
    return frame[frame.text.notna()].reset_index(drop=True)


def _words(text: str) -> list[str]:
    return [folded for word in _WORD.findall(text.replace("_", " ")) if (folded := fold_word(word))]


def search(corpus: Corpus, query: str, n: int = 20) -> pd.DataFrame:
    """Search titles, summaries and findings, best match first.

    Ranked by BM25 (Robertson & Zaragoza 2009, doi:10.1561/1500000019; `k1` 1.5, `b` 0.75) as `bm25s` computes it. Case,
    accents and British or American spelling do not matter; words are otherwise whole (for stems see `kwic`).

    Parameters
    ----------
    corpus : Corpus
    query : str
        Words; a text need not have all of them.
    n : int
        How many at most.

    Returns
    -------
    pandas.DataFrame
        ``score, citation, field, text, finding, key``; texts without any of the words are not in it.
    """
    import bm25s

    columns = ["score", "citation", "field", "text", "finding", "key"]
    words = _words(query)
    if not words:
        raise ValueError(f"search() needs words to look for, not {query!r}")
    documents = _documents(corpus)
    tokens = [_words(text) for text in documents.text]
    known = {word for several in tokens for word in several}
    words = [word for word in words if word in known]
    if not words:
        return pd.DataFrame(columns=columns)
    index = bm25s.BM25()
    index.index(tokens, show_progress=False)
    documents["score"] = index.get_scores(words)
    found = documents[documents.score > 0].sort_values("score", ascending=False, kind="stable").head(n)
    found = found.merge(corpus.studies[["key", "citation"]], on="key", how="left")
    return found[columns]


@dataclass(frozen=True)
class Kwic:
    """Keyword in context.

    Attributes
    ----------
    pattern : str
    data : pandas.DataFrame
        A row a place: ``left, keyword, right, citation, field, finding, key`` (for plain texts ``left, keyword, right,
        text``).
    """

    pattern: str
    data: pd.DataFrame

    def __len__(self) -> int:
        return len(self.data)

    def __repr__(self) -> str:
        if self.data.empty:
            return f"{self.pattern!r} stands in none of the texts."
        width = int(self.data.left.str.len().max())
        middle = int(self.data.keyword.str.len().max())
        source = self.data.columns[3]
        return "\n".join(
            f"{row.left:>{width}}  {row.keyword:^{middle}}  {row.right}  [{getattr(row, source)}]"
            for row in self.data.itertuples()
        )

    def _repr_html_(self) -> str:
        if self.data.empty:
            return f"<p>{escape(repr(self))}</p>"
        source = self.data.columns[3]
        rows = "".join(
            f"<tr><td style='text-align:right'>{escape(row.left)}</td>"
            f"<td style='text-align:center'><mark>{escape(row.keyword)}</mark></td>"
            f"<td style='text-align:left'>{escape(row.right)}</td>"
            f"<td style='text-align:left'>{escape(str(getattr(row, source)))}</td></tr>"
            for row in self.data.itertuples()
        )
        return (
            f"<table><thead><tr><th>left</th><th>keyword</th><th>right</th><th>{source}</th></tr></thead>"
            f"<tbody>{rows}</tbody></table>"
        )


def kwic(pattern: str, source: Corpus | Iterable[str] | None = None, window: int = 6, sort: str = "right") -> Kwic:
    """Show every place of a word, stem, phrase or pattern with the words around it.

    After `kwic` of quanteda (Benoit et al. 2018, doi:10.21105/joss.00774).

    Parameters
    ----------
    pattern : str
        In the language of `litbench.tagging`, such as ``"displac*"``.
    source : Corpus or iterable of str, optional
        Where to look: titles, summaries and findings of a corpus, or texts. Without it, the corpus that
        `litbench.load_corpus` loads.
    window : int
        Words shown on either side.
    sort : str
        ``"right"`` by the words after it, ``"left"`` by those before it, nearest first, or ``"place"`` as they come.

    Raises
    ------
    PatternError
        Where the pattern is not of the language.
    """
    if sort not in _SORTS:
        raise ValueError(f"sort is one of {', '.join(_SORTS)}, not {sort!r}")
    if window < 1:
        raise ValueError(f"window is at least one word, not {window}")
    if source is None:
        from litbench.corpus import load_corpus

        source = load_corpus()
    if isinstance(source, Corpus):
        documents = _documents(source).merge(source.studies[["key", "citation"]], on="key", how="left")
        documents = documents[["text", "citation", "field", "finding", "key"]]
    else:
        texts = [source] if isinstance(source, str) else list(source)
        documents = pd.DataFrame({"text": pd.Series(texts, dtype="str"), "number": range(len(texts))})
    theme = Theme("pattern", "", "", "", "", "", "", "", 1, terms=(pattern,))
    texts = documents.text.tolist()
    mentions = matcher(Codebook(1, (), (theme,))).find(texts)
    rows, before, after = [], [], []
    for text, start, end in zip(mentions.text.tolist(), mentions.start.tolist(), mentions.end.tolist(), strict=True):
        whole = texts[text]
        left = whole[:start].split()[-window:]
        right = whole[end:].split()[:window]
        rows.append((" ".join(left), " ".join(whole[start:end].split()), " ".join(right), text))
        before.append(_words(" ".join(reversed(left))))
        after.append(_words(" ".join(right)))
    frame = pd.DataFrame(rows, columns=["left", "keyword", "right", "row"])
    if sort != "place" and len(frame):
        ordering = after if sort == "right" else before
        frame = frame.iloc[sorted(range(len(frame)), key=ordering.__getitem__)]
    others = documents.drop(columns="text").iloc[frame.row.to_numpy(dtype=int)].reset_index(drop=True)
    if "number" in others:
        others = others.rename(columns={"number": "text"})
    return Kwic(pattern, pd.concat([frame.drop(columns="row").reset_index(drop=True), others], axis=1))
