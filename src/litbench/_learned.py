"""A linear model of the coded findings that suggests themes beside the terms."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
from tqdm import tqdm

from litbench.corpus import Corpus
from litbench.tagging import matcher

# Probability above which the model suggests: alone, and beside the terms, where it only adds. In cross-validation on
# the studies that were read for the terms, by finding, F1 is within 0.002 of its best at both.
ALONE, BESIDE = 0.25, 0.4
SENTENCE = re.compile(r"(?<=[.;!?])\s+|\n+")
FOLDS = 5
_SHOWN = 3  # words shown for a suggestion
_SENTENCES = 4000  # vectorised at a time, so that memory does not grow with the texts


@dataclass(frozen=True)
class Sigmoid:
    """A probability from a score: ``1 / (1 + exp(-(slope * score + intercept)))``, Platt's scaling."""

    slope: float
    intercept: float

    @classmethod
    def fit(cls, scores: np.ndarray, truth: np.ndarray) -> Sigmoid:
        """Fit to scores that a model gave to what it was not trained on; a score of minus infinity never counts."""
        from sklearn.linear_model import LogisticRegression

        scored = np.isfinite(scores)
        scores, truth = scores[scored], truth[scored]
        if truth.all() or not truth.any():
            return cls(1.0, -np.inf)  # nothing to learn from: never
        fitted = LogisticRegression(C=np.inf).fit(scores[:, None], truth)
        return cls(float(fitted.coef_[0, 0]), float(fitted.intercept_[0]))

    def __call__(self, scores: np.ndarray) -> np.ndarray:
        from scipy.special import expit

        return expit(np.where(np.isfinite(scores), self.slope * scores + self.intercept, -np.inf))


@dataclass(frozen=True)
class Model:
    """One logistic regression a theme over the words, pairs of words and pieces of words of a sentence.

    Attributes
    ----------
    themes : tuple of str
    beside : Sigmoid
        Makes a score a probability where the terms find nothing, the only place where the model suggests. That a term
        is missing speaks against a theme: the same score means less there than elsewhere.
    """

    themes: tuple[str, ...]
    beside: Sigmoid
    _words: Any
    _pieces: Any
    _pieces_tfidf: Any
    _weights: np.ndarray  # themes x features
    _intercepts: np.ndarray

    def scores(self, sentences: list[str]) -> np.ndarray:
        """Return the log-odds that the regressions give each theme (columns) for each sentence (rows), uncalibrated."""
        from scipy.sparse import hstack

        found = np.zeros((len(sentences), len(self.themes)))
        for at in range(0, len(sentences), _SENTENCES):
            several = sentences[at : at + _SENTENCES]
            inputs = hstack([self._words.transform(several), self._in_pieces(several)], format="csr")
            found[at : at + len(several)] = inputs @ self._weights.T + self._intercepts
        return found

    def _in_pieces(self, sentences: list[str]) -> Any:
        """Count and weigh the pieces: of each different word once, six times faster; no piece reaches over words."""
        from scipy.sparse import csr_matrix

        number: dict[str, int] = {}
        words = [[number.setdefault(word, len(number)) for word in one.lower().split()] for one in sentences]
        ends = np.cumsum([0, *map(len, words)])
        flat = np.fromiter((word for one in words for word in one), dtype=np.int32, count=ends[-1])
        if not number:
            return csr_matrix((len(sentences), len(self._pieces.vocabulary_)))
        counts = csr_matrix((np.ones(len(flat)), flat, ends), (len(sentences), len(number))) @ self._pieces.transform(
            number
        )
        counts.sort_indices()
        return self._pieces_tfidf.transform(counts.astype(float))

    def words(self, theme: str, number: int = 10) -> list[str]:
        """Return the words and pairs of words that speak most for a theme, the strongest first."""
        names = self._words.get_feature_names_out()
        weights = self._weights[self.themes.index(theme), : len(names)]
        return [names[at] for at in np.argsort(-weights, kind="stable")[:number] if weights[at] > 0]

    @cached_property
    def _speaking(self) -> dict[str, int]:
        from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS

        return {word: at for word, at in self._words.vocabulary_.items() if word not in ENGLISH_STOP_WORDS}

    @cached_property
    def fingerprint(self) -> str:
        """A name for all that the model learned: two models with the same one suggest the same."""
        told = hashlib.sha256(repr((self.themes, self.beside)).encode())
        for part in (self._words, self._pieces):
            told.update(json.dumps(part.get_feature_names_out().tolist()).encode())
        for numbers in (self._words.idf_, self._pieces_tfidf.idf_, self._weights, self._intercepts):
            told.update(numbers.tobytes())
        return told.hexdigest()

    def suggest(
        self, texts: Sequence[str], known: Sequence[Collection[str]] | None = None
    ) -> list[dict[str, tuple[float, list[tuple[int, int]]]]]:
        """Return for each text the themes of its likeliest sentences: the probability, and the words that speak for it.

        The words are places in the text, in characters: up to three of the sentence, those that weigh most. Themes
        that are `known` of a text already, since its terms name them, are left out.
        """
        bounds = []
        for number, text in enumerate(texts):
            cuts = [0, *(match.end() for match in SENTENCE.finditer(text)), len(text)]
            bounds += [(number, start, end) for start, end in pairwise(cuts) if text[start:end].strip()]
        found: list[dict[str, tuple[float, list[tuple[int, int]]]]] = [{} for _ in texts]
        if not bounds:
            return found
        likely = self.beside(self.scores([texts[number][start:end] for number, start, end in bounds]))
        first = np.flatnonzero(np.diff([number for number, *_ in bounds], prepend=-1))
        best = np.maximum.reduceat(likely, first)
        for row, theme in np.argwhere(best > BESIDE):
            last = first[row + 1] if row + 1 < len(first) else len(bounds)
            number, start, end = bounds[first[row] + int(likely[first[row] : last, theme].argmax())]
            name = self.themes[theme]
            if known is None or name not in known[number]:
                found[number][name] = (float(best[row, theme]), self._reasons(texts[number], start, end, theme))
        return found

    def _reasons(self, text: str, start: int, end: int, theme: int) -> list[tuple[int, int]]:
        words = [
            (self._weights[theme, self._speaking[word.group().lower()]], word.span())
            for word in re.finditer(r"\b\w\w+\b", text[start:end])
            if word.group().lower() in self._speaking
        ]
        best = sorted(words, key=lambda one: -one[0])[:_SHOWN]
        return sorted((start + first, start + last) for weight, (first, last) in best if weight > 0)


def learn(corpus: Corpus) -> Model:
    """Train a model that suggests themes, on the coded findings of a corpus; it takes some seconds.

    What it says of a theme is a probability: the scores that it gives findings of studies it was not trained on, in
    five folds of whole studies, are fitted to the codes by Platt's scaling [1]_, all themes together, since many are
    too rare for a fit of their own. Studies that the codebook lists as ``held_out`` take no part in this fit.

    Parameters
    ----------
    corpus : Corpus

    Returns
    -------
    Model
        For `litbench.tag` and `litbench.tag_file`. The same corpus gives the same model. Themes with fewer than two
        findings are never suggested. `litbench.score` says what it adds to the terms, and how far its probabilities
        hold.

    References
    ----------
    .. [1] Platt JC. Probabilistic outputs for support vector machines and comparisons to regularized likelihood
       methods. In: Advances in Large Margin Classifiers. MIT Press; 2000:61-74.
    """
    themes = tuple(theme.id for theme in corpus.codebook.in_use)
    statements, truth = corpus.findings.statement, truth_of(corpus, themes)
    scores, _ = out_of_fold(corpus, themes)
    read = ~corpus.findings.key.isin(corpus.codebook.held_out).to_numpy()
    silent = read[:, None] & ~named(corpus, themes)
    return replace(fit(statements, truth, themes), beside=Sigmoid.fit(scores[silent], truth[silent]))


def out_of_fold(corpus: Corpus, themes: tuple[str, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Return the score of each theme for each finding by a model that did not see its study, and the finding's fold.

    A finding has the score of its likeliest sentence; one that no model could score has minus infinity.
    """
    statements, truth = corpus.findings.statement, truth_of(corpus, themes)
    studies = np.array(sorted(set(corpus.studies.key)))
    of_study = dict(zip(studies, np.random.default_rng(1).permutation(len(studies)) % FOLDS, strict=True))
    fold = corpus.findings.key.map(of_study).to_numpy(dtype=int)
    sentences = [SENTENCE.split(statement) for statement in statements]
    owner = np.repeat(np.arange(len(sentences)), [len(several) for several in sentences])
    flat = np.array([one for several in sentences for one in several], dtype=object)
    found = np.full(truth.shape, -np.inf)
    for number in tqdm(range(FOLDS), desc="Testing the model on other studies", disable=None, leave=False):
        train, test = fold != number, fold[owner] == number
        if train.any() and test.any():
            model = fit(statements[train], truth[train], themes)
            np.maximum.at(found, owner[test], model.scores(list(flat[test])))
    return found, fold


def named(corpus: Corpus, themes: tuple[str, ...]) -> np.ndarray:
    """Return in which findings (rows) a term of which themes (columns) stands."""
    found = matcher(corpus.codebook)
    column = {theme: number for number, theme in enumerate(themes)}
    place = np.array([column[theme.id] for theme in found.themes])
    mentions = found.find(corpus.findings.statement.tolist())
    there = np.zeros((len(corpus.findings), len(themes)), dtype=bool)
    there[mentions.text, place[mentions.theme]] = True
    return there


def truth_of(corpus: Corpus, themes: tuple[str, ...]) -> np.ndarray:
    """Return which findings (rows) were given which themes (columns)."""
    row = {finding: number for number, finding in enumerate(corpus.findings.finding)}
    column = {theme: number for number, theme in enumerate(themes)}
    agreed = corpus.agreed[corpus.agreed.theme.isin(column)]
    truth = np.zeros((len(row), len(column)), dtype=bool)
    truth[[row[one] for one in agreed.finding], [column[one] for one in agreed.theme]] = True
    return truth


def fit(statements: pd.Series, truth: np.ndarray, themes: tuple[str, ...]) -> Model:
    """Train on statements and their themes; what the scores mean is not calibrated yet."""
    from scipy.sparse import hstack
    from sklearn.feature_extraction.text import CountVectorizer, TfidfTransformer, TfidfVectorizer
    from sklearn.linear_model import LogisticRegression

    words = TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True)
    pieces = CountVectorizer(analyzer="char_wb", ngram_range=(3, 5), min_df=3)
    pieces_tfidf = TfidfTransformer(sublinear_tf=True)
    in_pieces = pieces_tfidf.fit_transform(pieces.fit_transform(statements))
    inputs = hstack([words.fit_transform(statements), in_pieces], format="csr")
    weights, intercepts = np.zeros((len(themes), inputs.shape[1])), np.full(len(themes), -np.inf)
    for theme in range(len(themes)):
        wanted = truth[:, theme]
        if 1 < wanted.sum() < len(wanted):
            # The dual form is twice as fast where there are more features than findings.
            one = LogisticRegression(C=30, solver="liblinear", dual=True, max_iter=1000, random_state=0)
            one.fit(inputs, wanted)
            weights[theme], intercepts[theme] = one.coef_[0], one.intercept_[0]
    return Model(themes, Sigmoid(1.0, 0.0), words, pieces, pieces_tfidf, weights, intercepts)
