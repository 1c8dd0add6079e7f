"""A linear model of the coded findings, and what it makes of a text with the terms: one probability a theme."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import astuple, dataclass, replace
from functools import cached_property, lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from tqdm import tqdm

from litbench.codebook import Codebook
from litbench.corpus import Corpus
from litbench.tagging import matcher

if TYPE_CHECKING:
    from litbench._matching import Mentions

# Probability above which the model suggests. Where probabilities hold, F1 is highest with half of itself as threshold
# (Lipton, Elkan & Naryanaswamy 2014, doi:10.1007/978-3-662-44851-9_15), and it is near 0.77.
LIKELY = 0.38
SENTENCE = re.compile(r"(?<=[.;!?])\s+|\n+")
FOLDS = 5
_SHOWN = 3  # words shown for a suggestion
_SENTENCES = 4000  # vectorised at a time, so that memory does not grow with the texts
_LOW, _HIGH = -9.0, 6.0  # log-odds beyond which a sentence speaks no louder
_INPUTS = 15  # of a judge
_OFTEN = 4  # texts with a piece, for it to count
_FROM_EXAMPLES, _FROM_STUDIES = 5.0, 3.0  # scikit-learn's C; by likelihood in cross-validation, as is the next
_SHOWING = 0.3  # brings a score to the size of the words' weights, so that regularisation treats them alike


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
class Evidence:
    """What speaks for each theme (last axis) in each text (first axis), in its heading and in its body.

    Attributes
    ----------
    body, heading : numpy.ndarray of float
        The highest score of a sentence there.
    named, in_heading : numpy.ndarray of int
        In how many sentences of the body, and how often in the heading, the terms name the theme.
    """

    body: np.ndarray
    heading: np.ndarray
    named: np.ndarray
    in_heading: np.ndarray

    def __getitem__(self, rows: np.ndarray) -> Evidence:
        return Evidence(self.body[rows], self.heading[rows], self.named[rows], self.in_heading[rows])

    @classmethod
    def nothing(cls, texts: int, themes: int) -> Evidence:
        """Return where no sentence was scored and no term was found yet."""
        low, none = np.full((texts, themes), _LOW), np.zeros((texts, themes), dtype=int)
        return cls(low, low.copy(), none, none.copy())


@dataclass(frozen=True)
class Judge:
    """The probability of a theme, given the terms and the scores: one logistic regression for all themes.

    Beside the evidence itself it weighs three things known of each theme. So a term that coders seldom confirm counts
    for little, and a theme that the terms find well is doubted where they are silent.

    Attributes
    ----------
    common : numpy.ndarray
        Log of the share of texts that have the theme.
    reliable : numpy.ndarray
        Log-odds that coders confirm the theme where a term names it.
    found : numpy.ndarray
        Share of the texts with the theme that a term finds. This and the last are drawn towards the middle by three
        imagined texts with the theme and one without it, as many themes are rare.
    weights : numpy.ndarray
        Of body, heading, common and found, the same where a term names the theme, reliable there, and named once,
        twice, three times, the same in the heading.
    intercept : float
    """

    common: np.ndarray
    reliable: np.ndarray
    found: np.ndarray
    weights: np.ndarray
    intercept: float

    @classmethod
    def fit(cls, evidence: Evidence, truth: np.ndarray, share: np.ndarray) -> Judge:
        """Fit to texts that neither the terms nor the scores were made from; `share` is of each theme in all texts."""
        from sklearn.linear_model import LogisticRegression

        named = evidence.named > 0
        right, seen, asked = (named & truth).sum(0), named.sum(0), truth.sum(0)
        common = np.log(share + 0.005)
        judge = cls(common, _reliable(right, seen), _found(right, asked), np.zeros(_INPUTS), -np.inf)
        if truth.all() or not truth.any():
            return judge  # nothing to learn from: never
        # What is known of a theme is told of each text without this text, or the weights would trust it too far.
        others = right - (named & truth)
        inputs = _inputs(evidence, common, _reliable(others, seen - named), _found(others, asked - truth))
        fitted = LogisticRegression(C=1.0, max_iter=3000).fit(inputs.reshape(-1, _INPUTS), truth.ravel())
        return replace(judge, weights=fitted.coef_[0], intercept=float(fitted.intercept_[0]))

    def __call__(self, evidence: Evidence) -> np.ndarray:
        from scipy.special import expit

        inputs = _inputs(evidence, self.common, self.reliable, self.found)
        return expit(inputs @ self.weights + self.intercept)


def _reliable(right: np.ndarray, seen: np.ndarray) -> np.ndarray:
    rate = (right + 3) / (seen + 4)
    return np.log(rate / (1.01 - rate))  # just above an even chance where nothing is known


def _found(right: np.ndarray, asked: np.ndarray) -> np.ndarray:
    return (right + 2) / (asked + 3)


def _inputs(evidence: Evidence, common: np.ndarray, reliable: np.ndarray, found: np.ndarray) -> np.ndarray:
    """Return what `Judge.weights` weighs (last axis): a score says less of a theme that a term names already."""
    named = evidence.named > 0
    told = [np.clip(evidence.body, _LOW, _HIGH), np.clip(evidence.heading, _LOW, _HIGH), common, found]
    told = [np.broadcast_to(one, named.shape) for one in told]
    counts = [count >= at for count in (evidence.named, evidence.in_heading) for at in (1, 2, 3)]
    return np.stack([*told, *(one * named for one in told), reliable * named, *counts], axis=-1).astype(float)


@dataclass(frozen=True)
class Model:
    """One logistic regression a theme over the words, pairs of words and pieces of words of a sentence.

    Attributes
    ----------
    themes : tuple of str
    whole, line : Judge
        What makes scores and terms one probability, for a text with a heading and for one without.
    """

    themes: tuple[str, ...]
    whole: Judge
    line: Judge
    _reader: Reader
    _weights: np.ndarray  # themes x features
    _intercepts: np.ndarray

    def scores(self, sentences: list[str]) -> np.ndarray:
        """Return the log-odds that the regressions give each theme (columns) for each sentence (rows), uncalibrated."""
        found = np.zeros((len(sentences), len(self.themes)))
        for at in range(0, len(sentences), _SENTENCES):
            several = sentences[at : at + _SENTENCES]
            found[at : at + len(several)] = self._reader(several) @ self._weights.T + self._intercepts
        return found

    def words(self, theme: str, number: int = 10) -> list[str]:
        """Return the words and pairs of words that speak most for a theme, the strongest first."""
        names = self._reader.words.get_feature_names_out()
        weights = self._weights[self.themes.index(theme), : len(names)]
        return [names[at] for at in np.argsort(-weights, kind="stable")[:number] if weights[at] > 0]

    @cached_property
    def _speaking(self) -> dict[str, int]:
        from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS

        return {word: at for word, at in self._reader.words.vocabulary_.items() if word not in ENGLISH_STOP_WORDS}

    @cached_property
    def fingerprint(self) -> str:
        """A name for all that the model learned: two models with the same one suggest the same."""
        told = hashlib.sha256(repr(self.themes).encode())
        for part in (self._reader.words, self._reader.pieces):
            told.update(json.dumps(part.get_feature_names_out().tolist()).encode())
        judges = [np.append(np.concatenate(astuple(judge)[:-1]), judge.intercept) for judge in (self.whole, self.line)]
        for numbers in (
            self._reader.words.idf_,
            self._reader.pieces_tfidf.idf_,
            self._weights,
            self._intercepts,
            *judges,
        ):
            told.update(numbers.tobytes())
        return told.hexdigest()

    def suggest(
        self, texts: Sequence[str], mentions: Mentions, named: Sequence[str]
    ) -> list[dict[str, tuple[float, list[tuple[int, int]]]]]:
        """Return for each text the themes likelier than `LIKELY`: the probability, and the words that speak for it.

        Parameters
        ----------
        texts : sequence of str
            The first of several lines is the heading.
        mentions : Mentions
            Where the terms stand in the texts.
        named : sequence of str
            The themes that `mentions` numbers.

        Returns
        -------
        list of dict
            By theme; the words are places in the text, in characters: up to three of the likeliest sentence, those that
            weigh most. Themes that a term names have none, since their words are those of the term.
        """
        heads = np.array([_heading(text) for text in texts], dtype=int)
        bounds = []
        for number, text in enumerate(texts):
            cuts = [0, *(match.end() for match in SENTENCE.finditer(text)), len(text)]
            bounds += [(number, start, end) for start, end in pairwise(cuts) if text[start:end].strip()]
        found: list[dict[str, tuple[float, list[tuple[int, int]]]]] = [{} for _ in texts]
        if not bounds:
            return found
        owner, begin = np.array([one[:2] for one in bounds]).T
        scores = self.scores([texts[number][start:end] for number, start, end in bounds])
        evidence = Evidence.nothing(len(texts), len(self.themes))
        above = begin < heads[owner]
        np.maximum.at(evidence.heading, owner[above], scores[above])
        np.maximum.at(evidence.body, owner[~above], scores[~above])
        column = {theme: number for number, theme in enumerate(self.themes)}
        place = np.array([column.get(theme, -1) for theme in named], dtype=int)
        known = place[mentions.theme] >= 0  # a theme that the model was not trained on has no place
        text, theme, start = mentions.text[known], place[mentions.theme[known]], mentions.start[known]
        above = start < heads[text]
        np.add.at(evidence.in_heading, (text[above], theme[above]), 1)
        offset = np.cumsum([0, *(len(one) + 1 for one in texts)])
        sentence = np.searchsorted(offset[owner] + begin, offset[text] + start, "right") - 1
        once = np.unique(np.stack([text, sentence, theme])[:, ~above], axis=1)
        np.add.at(evidence.named, (once[0], once[2]), 1)

        likely = np.zeros(evidence.body.shape)
        for judge, rows in ((self.whole, heads > 0), (self.line, heads == 0)):
            likely[rows] = judge(evidence[rows])
        first = np.flatnonzero(np.diff(owner, prepend=-1))
        last = dict(zip(owner[first].tolist(), pairwise([*first.tolist(), len(bounds)]), strict=True))
        silent = evidence.named + evidence.in_heading == 0
        for number, at in np.argwhere(likely > LIKELY).tolist():
            words: list[tuple[int, int]] = []
            if silent[number, at] and number in last:
                low, high = last[number]
                words = self._reasons(texts[number], *bounds[low + int(scores[low:high, at].argmax())][1:], at)
            found[number][self.themes[at]] = (float(likely[number, at]), words)
        return found

    def _reasons(self, text: str, start: int, end: int, theme: int) -> list[tuple[int, int]]:
        words = [
            (self._weights[theme, self._speaking[word.group().lower()]], word.span())
            for word in re.finditer(r"\b\w\w+\b", text[start:end])
            if word.group().lower() in self._speaking
        ]
        best = sorted(words, key=lambda one: -one[0])[:_SHOWN]
        return sorted((start + first, start + last) for weight, (first, last) in best if weight > 0)


def _heading(text: str) -> int:
    """Return where the first of several lines ends; 0 for a text of one line."""
    lines = list(re.finditer(r"[^\n]*\S[^\n]*", text))
    return lines[0].end() if len(lines) > 1 else 0


def learn(corpus: Corpus) -> Model:
    """Train a model that suggests themes, on the coded findings of a corpus; it takes some seconds.

    It has three steps. One logistic regression a theme learns from what the codebook says of the theme and from its
    invented examples (`Corpus.examples`). A second one scores each sentence by its words and by what the first says of
    it, trained on the statements and on the exposure and outcome named for each. Then the scores and the terms become
    one probability, see `Judge`: it confirms, adds, or drops what the terms suggest. This last step is fitted to the
    scores that studies get from models that were not trained on them, in five folds of whole studies (stacked
    generalisation [1]_), and only to studies that the codebook lists as ``held_out``: in those that were read for the
    terms, the terms look more reliable than they are. Where none is held out, it is fitted to all.

    Parameters
    ----------
    corpus : Corpus

    Returns
    -------
    Model
        For `litbench.tag` and `litbench.tag_file`. The same corpus gives the same model. Themes with fewer than two
        findings are only suggested by their terms. `litbench.score` says what it adds to the terms, and how far its
        probabilities hold.

    References
    ----------
    .. [1] Wolpert DH. Stacked generalization. Neural Networks. 1992;5(2):241-259. doi:10.1016/S0893-6080(05)80023-1
    """
    themes = tuple(theme.id for theme in corpus.codebook.in_use)
    tested = Tested.of(corpus, themes)
    judges = [Judge.fit(*tested.unread(level)) for level in ("study", "finding")]
    return replace(fit(corpus, themes), whole=judges[0], line=judges[1])


@dataclass(frozen=True)
class Tested:
    """The evidence in each study and finding of a corpus, by models that did not see the study, and the codes.

    Attributes
    ----------
    evidence : dict of str to Evidence
        By ``study`` and ``finding``, in the order of the corpus.
    truth : dict of str to numpy.ndarray
        Which of these (rows) were given which themes (columns).
    fold, read : dict of str to numpy.ndarray
        The fold of each, and whether it was read for the terms (all are unread where none is held out).
    """

    evidence: dict[str, Evidence]
    truth: dict[str, np.ndarray]
    fold: dict[str, np.ndarray]
    read: dict[str, np.ndarray]

    @classmethod
    @lru_cache(maxsize=8)  # who learns from a corpus often scores it too, and this is most of either
    def of(cls, corpus: Corpus, themes: tuple[str, ...]) -> Tested:
        """Train and test the regressions in folds of whole studies."""
        keys, findings = corpus.studies.key, corpus.findings
        row = {key: number for number, key in enumerate(keys)}
        owner = findings.key.map(row).to_numpy(dtype=int)
        order = {key: number for number, key in enumerate(sorted(row))}
        shuffled = np.random.default_rng(1).permutation(len(row)) % FOLDS
        fold = shuffled[keys.map(order).to_numpy(dtype=int)]
        held = keys.isin(corpus.codebook.held_out).to_numpy()
        read = ~held if held.any() else held
        heads, statements = headings(corpus), findings.statement.tolist()
        study, finding = Evidence.nothing(len(keys), len(themes)), Evidence.nothing(len(findings), len(themes))
        truth, whole = truth_of(corpus, themes), np.zeros((len(keys), len(themes)), dtype=bool)
        np.logical_or.at(whole, owner, truth)
        for number in tqdm(range(FOLDS), desc="Testing the model on other studies", disable=None, leave=False):
            train, test = fold != number, np.flatnonzero(fold == number)
            if not train[owner].any() or not len(test):
                continue
            model = fit(corpus, themes, train[owner])
            for texts, rows, scored in (
                (heads, test, study.heading),
                (statements, np.flatnonzero(fold[owner] == number), finding.body),
            ):
                parts = [SENTENCE.split(texts[one]) for one in rows]
                at = np.repeat(rows, [len(several) for several in parts])
                np.maximum.at(scored, at, model.scores([one for several in parts for one in several]))
        np.maximum.at(study.body, owner, finding.body)
        finding.named[:] = named(corpus.codebook, statements, themes) > 0
        np.add.at(study.named, owner, finding.named)
        study.in_heading[:] = named(corpus.codebook, heads, themes)
        return cls(
            {"study": study, "finding": finding},
            {"study": whole, "finding": truth},
            {"study": fold, "finding": fold[owner]},
            {"study": read, "finding": read[owner]},
        )

    def unread(self, level: str, but: int = -1) -> tuple[Evidence, np.ndarray, np.ndarray]:
        """Return what `Judge.fit` takes, of the texts not read for the terms and not of the fold `but`."""
        rows = ~self.read[level] & (self.fold[level] != but)
        others = self.fold[level] != but
        share = self.truth[level][others].mean(0) if others.any() else np.zeros(self.truth[level].shape[1])
        return self.evidence[level][rows], self.truth[level][rows], share


def headings(corpus: Corpus) -> list[str]:
    """Return one line a study: its title and summary."""
    studies = corpus.studies[["title", "summary"]].fillna("").astype(str)
    return [". ".join(filter(None, (" ".join(one.split()) for one in row))) for row in studies.itertuples(index=False)]


def named(codebook: Codebook, texts: list[str], themes: tuple[str, ...]) -> np.ndarray:
    """Return how often a term of which themes (columns) stands in which texts (rows)."""
    found = matcher(codebook)
    column = {theme: number for number, theme in enumerate(themes)}
    place = np.array([column[theme.id] for theme in found.themes], dtype=int)
    mentions = found.find(texts)
    there = np.zeros((len(texts), len(themes)), dtype=int)
    np.add.at(there, (mentions.text, place[mentions.theme]), 1)
    return there


def truth_of(corpus: Corpus, themes: tuple[str, ...]) -> np.ndarray:
    """Return which findings (rows) were given which themes (columns)."""
    row = {finding: number for number, finding in enumerate(corpus.findings.finding)}
    column = {theme: number for number, theme in enumerate(themes)}
    agreed = corpus.agreed[corpus.agreed.theme.isin(column)]
    truth = np.zeros((len(row), len(column)), dtype=bool)
    truth[[row[one] for one in agreed.finding], [column[one] for one in agreed.theme]] = True
    return truth


@dataclass(frozen=True)
class Reader:
    """Makes numbers of sentences: the words, pairs of words and pieces of words in them, weighed by how rare they are.

    Calling it with sentences gives a sparse matrix, a row a sentence.
    """

    words: Any
    pieces: Any
    pieces_tfidf: Any

    @classmethod
    def of(cls, texts: list[str]) -> Reader:
        """Take what stands in more than one text (of pieces, in four)."""
        from sklearn.feature_extraction.text import CountVectorizer, TfidfTransformer, TfidfVectorizer

        words = TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True).fit(texts)
        pieces = CountVectorizer(analyzer="char_wb", ngram_range=(4, 4))
        counts = _count(texts, pieces.fit_transform)
        often = np.bincount(counts.indices, minlength=counts.shape[1]) >= _OFTEN
        pieces.set_params(vocabulary=pieces.get_feature_names_out()[often]).fit(())
        return cls(words, pieces, TfidfTransformer(sublinear_tf=True).fit(counts[:, often]))

    def __call__(self, sentences: list[str]) -> Any:
        from scipy.sparse import hstack

        in_pieces = self.pieces_tfidf.transform(_count(sentences, self.pieces.transform))
        return hstack([self.words.transform(sentences), in_pieces], format="csr")


def _count(texts: list[str], pieces: Callable[[Iterable[str]], Any]) -> Any:
    """Count the pieces in texts: of each different word once, six times faster; no piece reaches over words."""
    from scipy.sparse import csr_matrix

    number: dict[str, int] = {}
    words = [[number.setdefault(word, len(number)) for word in one.lower().split()] for one in texts]
    ends = np.cumsum([0, *map(len, words)])
    flat = np.fromiter((word for one in words for word in one), dtype=np.int32, count=ends[-1])
    counts = csr_matrix((np.ones(len(flat)), flat, ends), (len(texts), len(number))) @ pieces(number)
    counts.sort_indices()
    return counts


@dataclass(frozen=True)
class Lesson:
    """What is the same for every model of a corpus, whichever studies it is trained on.

    Attributes
    ----------
    reader : Reader
        It knows the words of all texts, but no code of a study.
    findings : scipy.sparse.csr_matrix
        The statements, then what each relates: a theme's words also stand in its exposure and outcome.
    codes : numpy.ndarray of bool
        Of the statements (rows), the themes (columns).
    weights, intercepts : numpy.ndarray
        One regression a theme, from the codebook and its invented examples alone.
    """

    reader: Reader
    findings: Any
    codes: np.ndarray
    weights: np.ndarray
    intercepts: np.ndarray

    @classmethod
    @lru_cache(maxsize=2)  # asked for once a fold
    def of(cls, corpus: Corpus, themes: tuple[str, ...]) -> Lesson:
        """Read all texts of a corpus, and learn what the codebook and the examples show."""
        findings, examples = corpus.findings, corpus.examples
        related = findings[["exposure", "outcome"]].fillna("").astype(str).agg("; ".join, axis=1)
        said = [
            (text, number)
            for number, theme in enumerate(map(corpus.codebook.__getitem__, themes))
            for text in (theme.label, theme.definition, theme.use_when, theme.example)
        ]
        of_findings = [*findings.statement, *related]
        of_themes = [*(text for text, _ in said), *examples.statement]
        reader = Reader.of([*of_findings, *of_themes])
        shown = examples.themes.fillna("").str.get_dummies(" ").reindex(columns=list(themes), fill_value=0)
        of_codebook = np.eye(len(themes), dtype=bool)[[number for _, number in said]]
        inputs, wanted = reader(of_themes), np.concatenate([of_codebook, shown.to_numpy(dtype=bool)])
        weights, intercepts = np.zeros((len(themes), inputs.shape[1])), np.zeros(len(themes))
        for theme in np.flatnonzero(wanted.any(0) & ~wanted.all(0)):
            weights[theme], intercepts[theme] = _regression(_FROM_EXAMPLES, inputs, wanted[:, theme])
        return cls(reader, reader(of_findings), truth_of(corpus, themes), weights, intercepts)


def fit(corpus: Corpus, themes: tuple[str, ...], which: np.ndarray | None = None) -> Model:
    """Train the regressions on `which` findings (all without it); what the scores mean is not fitted yet."""
    from scipy.sparse import csr_matrix, hstack

    lesson = Lesson.of(corpus, themes)
    which = np.ones(len(lesson.codes), dtype=bool) if which is None else which
    inputs, coded = lesson.findings[np.tile(which, 2)], lesson.codes[which]
    # What the examples say of a sentence stands beside its words. A statement counts double: it is what is tagged.
    shown = _SHOWING * (inputs @ lesson.weights.T + lesson.intercepts)
    counts = np.repeat([2.0, 1.0], len(coded))
    weights, intercepts = np.zeros(lesson.weights.shape), np.full(len(themes), -np.inf)
    for theme in np.flatnonzero((coded.sum(0) > 1) & ~coded.all(0)):
        beside = hstack([inputs, csr_matrix(shown[:, [theme]])], format="csr")
        own, intercept = _regression(_FROM_STUDIES, beside, np.tile(coded[:, theme], 2), counts)
        trust = _SHOWING * own[-1]
        weights[theme] = own[:-1] + trust * lesson.weights[theme]
        intercepts[theme] = intercept + trust * lesson.intercepts[theme]
    nothing = np.zeros(len(themes))
    never = Judge(nothing, nothing, nothing, np.zeros(_INPUTS), -np.inf)
    return Model(themes, never, never, lesson.reader, weights, intercepts)


def _regression(
    strength: float, inputs: Any, wanted: np.ndarray, counts: np.ndarray | None = None
) -> tuple[np.ndarray, float]:
    from sklearn.linear_model import LogisticRegression

    # The dual form is twice as fast where there are more features than texts.
    one = LogisticRegression(C=strength, solver="liblinear", dual=True, tol=0.1, max_iter=1000, random_state=0)
    one.fit(inputs, wanted, sample_weight=counts)
    return one.coef_[0], float(one.intercept_[0])
