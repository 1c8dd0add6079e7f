"""A linear model of the coded findings that suggests themes beside the terms."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from litbench.corpus import Corpus

# Probability above which the model suggests: alone, where rare themes never come near a half, and beside the terms,
# where it only adds. Both were chosen by cross-validation on the studies that were read for the terms.
ALONE, BESIDE = 0.1, 0.4
SENTENCE = re.compile(r"(?<=[.;!?])\s+|\n+")
_SHOWN = 3  # words shown for a suggestion


@dataclass(frozen=True)
class Model:
    """One logistic regression a theme over the words, pairs of words and pieces of words of a sentence.

    Attributes
    ----------
    themes : tuple of str
    """

    themes: tuple[str, ...]
    _words: Any
    _pieces: Any
    _weights: np.ndarray  # themes x features
    _intercepts: np.ndarray

    def probabilities(self, sentences: list[str]) -> np.ndarray:
        """Return how likely the model holds each theme (columns) for each sentence (rows); it is too sure of itself."""
        from scipy.sparse import hstack
        from scipy.special import expit

        inputs = hstack([self._words.transform(sentences), self._pieces.transform(sentences)], format="csr")
        return expit(inputs @ self._weights.T + self._intercepts)

    def words(self, theme: str, number: int = 10) -> list[str]:
        """Return the words and pairs of words that speak most for a theme, the strongest first."""
        names = self._words.get_feature_names_out()
        weights = self._weights[self.themes.index(theme), : len(names)]
        return [names[at] for at in np.argsort(-weights, kind="stable")[:number] if weights[at] > 0]

    def suggest(self, text: str) -> dict[str, tuple[float, list[tuple[int, int]]]]:
        """Return the themes of a text's likeliest sentences with their probability and the words that speak for them.

        The words are places in `text`, in characters: up to three of the sentence, those that weigh most.
        """
        from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS

        cuts = [0, *(match.end() for match in SENTENCE.finditer(text)), len(text)]
        bounds = [(start, end) for start, end in pairwise(cuts) if text[start:end].strip()]
        if not bounds:
            return {}
        likely = self.probabilities([text[start:end] for start, end in bounds])
        known = {word: at for word, at in self._words.vocabulary_.items() if word not in ENGLISH_STOP_WORDS}
        found = {}
        for theme in np.flatnonzero(likely.max(0) > BESIDE):
            start, end = bounds[int(likely[:, theme].argmax())]
            words = [
                (self._weights[theme, known[word.group().lower()]], word.span())
                for word in re.finditer(r"\b\w\w+\b", text[start:end])
                if word.group().lower() in known
            ]
            best = sorted(words, key=lambda one: -one[0])[:_SHOWN]
            places = sorted((start + first, start + last) for weight, (first, last) in best if weight > 0)
            found[self.themes[theme]] = (float(likely[:, theme].max()), places)
        return found


def learn(corpus: Corpus) -> Model:
    """Train a model that suggests themes, on the coded findings of a corpus; it takes some seconds.

    Parameters
    ----------
    corpus : Corpus

    Returns
    -------
    Model
        For `litbench.tag`. The same corpus gives the same model. Themes with fewer than two findings are never
        suggested. `litbench.score` says what it adds to the terms.
    """
    themes = tuple(theme.id for theme in corpus.codebook.in_use)
    return fit(corpus.findings.statement, truth_of(corpus, themes), themes)


def truth_of(corpus: Corpus, themes: tuple[str, ...]) -> np.ndarray:
    """Return which findings (rows) were given which themes (columns)."""
    row = {finding: number for number, finding in enumerate(corpus.findings.finding)}
    column = {theme: number for number, theme in enumerate(themes)}
    agreed = corpus.agreed[corpus.agreed.theme.isin(column)]
    truth = np.zeros((len(row), len(column)), dtype=bool)
    truth[[row[one] for one in agreed.finding], [column[one] for one in agreed.theme]] = True
    return truth


def fit(statements: pd.Series, truth: np.ndarray, themes: tuple[str, ...]) -> Model:
    """Train on statements and their themes."""
    from scipy.sparse import hstack
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression

    words = TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True)
    pieces = TfidfVectorizer(analyzer="char_wb", ngram_range=(3, 5), min_df=3, sublinear_tf=True)
    inputs = hstack([words.fit_transform(statements), pieces.fit_transform(statements)], format="csr")
    weights, intercepts = np.zeros((len(themes), inputs.shape[1])), np.full(len(themes), -np.inf)
    for theme in range(len(themes)):
        wanted = truth[:, theme]
        if 1 < wanted.sum() < len(wanted):
            # The dual form is twice as fast where there are more features than findings.
            one = LogisticRegression(C=30, solver="liblinear", dual=True, max_iter=1000, random_state=0)
            one.fit(inputs, wanted)
            weights[theme], intercepts[theme] = one.coef_[0], one.intercept_[0]
    return Model(themes, words, pieces, weights, intercepts)
