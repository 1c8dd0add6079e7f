"""How good the suggestions are: precision, recall and F1 against the agreed codes, with intervals by study."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from litbench._learned import FOLDS, LIKELY, Judge, Sigmoid, Tested, headings
from litbench.corpus import Corpus
from litbench.tagging import Tags, matcher

LEVELS = ("study", "finding")
_RESAMPLES = 1000

_BINS = 10

BY_MODEL = "none: by the model"
ALL_PAIRS, SILENT_PAIRS = "all", "terms find nothing"
TERMS, LEARNED, BOTH, LABEL = "terms", "learned", "terms and learned", "theme label as search words"


@dataclass(frozen=True)
class Score:
    """How the suggestions compare with the agreed codes.

    Attributes
    ----------
    level : str
        ``study`` (is the theme anywhere among the codes of a study) or ``finding``.
    table : pandas.DataFrame
        A row a tagger and set of studies: ``tagger, studies, n_studies, precision, recall, micro_f1, micro_low,
        micro_high, macro_f1, macro_low, macro_high, gain, gain_low, gain_high``. The intervals are 95 % percentile
        intervals of a bootstrap that draws studies; macro-F1 is over the themes that occur in the set; the gain is in
        micro-F1 over the terms, on the same draws.
    themes : pandas.DataFrame
        A row a theme, for the terms: ``theme, label, coded, suggested, precision, recall, f1`` over the studies of
        the last set in `table`.
    errors : pandas.DataFrame
        A row a wrong suggestion of the terms, or a theme they missed: ``item, theme, error, words``.
    by_mentions : pandas.DataFrame
        ``mentions, suggestions, confirmed``: the share of the terms' suggestions that the codes confirm, by number of
        mentions, and of those that the model adds where the terms find nothing.
    calibration : pandas.DataFrame
        ``pairs, low, high, n, predicted, confirmed``: do the model's probabilities hold? Pairs of an item and a theme
        in bins of the out-of-fold probability, with its mean beside the share that the codes confirm, over the last
        set in `table`: for ``all`` pairs, and for those where the ``terms find nothing``, as in `litbench.tag`.
    """

    level: str
    table: pd.DataFrame
    themes: pd.DataFrame
    errors: pd.DataFrame
    by_mentions: pd.DataFrame
    calibration: pd.DataFrame

    def calibration_error(self, pairs: str = SILENT_PAIRS, above: float = 0.0) -> float:
        """Return the expected calibration error: the mean distance of predicted and confirmed, weighted by the pairs.

        Parameters
        ----------
        pairs : str
            ``"all"`` or ``"terms find nothing"``.
        above : float
            Leave out the bins below; nearly all pairs are so unlikely that they hide the others.
        """
        part = self.calibration[(self.calibration.pairs == pairs) & (self.calibration.low >= above)]
        return float(((part.predicted - part.confirmed).abs() * part.n).sum() / max(part.n.sum(), 1))

    def confidence(self, tags: Tags) -> pd.DataFrame:
        """Say how far to trust each theme suggested for a text.

        Parameters
        ----------
        tags : Tags
            As `litbench.tag` gives them for one text.

        Returns
        -------
        pandas.DataFrame
            ``label, words, negated, mentions, confidence, theme``. The confidence is the share of suggestions with as
            many mentions that the agreed codes confirm, see `by_mentions`; missing where the corpus has none. For
            tags made with a model it is the model's probability, see `calibration`.
        """
        frame = tags.to_frame()
        shares = _grouped(frame.mentions).astype("str").map(self.by_mentions.set_index("mentions").confirmed)
        frame["confidence"] = frame.score if tags.judged else shares.astype(float)
        return frame[["label", "words", "negated", "mentions", "confidence", "theme"]]

    def __repr__(self) -> str:
        return self.table.to_string(index=False, float_format="%.2f")

    def _repr_html_(self) -> str:
        return self.table.round(3).to_html(index=False)


def score(
    corpus: Corpus, level: str = "study", also: Mapping[str, Iterable[str]] | None = None, examples: bool = True
) -> Score:
    """Score the suggested themes against the agreed codes.

    Three taggers and a baseline are compared: the codebook's terms; a linear model (TF-IDF of words, pairs of words
    and pieces of words, one logistic regression a theme) trained on coded findings and invented examples; both
    together, as in `litbench.tag` with a model, where the model may also drop what the terms suggest; and the words of
    a theme's label. The learned ones are cross-validated in five folds of whole studies, so that no study is in both
    training and test; only which words there are, and how rare, is taken from all texts, without their codes. The
    terms were written by people who read some of the studies: the studies that the codebook lists as ``held_out`` were
    not read for it, and only the numbers on these say what to expect of a new study; the numbers on all studies
    flatter the terms.

    Parameters
    ----------
    corpus : Corpus
    level : str
        ``"study"``: the text is title, summary and statements of a study, the truth all themes among its codes. As
        findings are coded and titles are not, a theme is suggested where a statement mentions it, or where title and
        summary mention it twice.
        ``"finding"``: the text is one statement, the truth its codes.
    also : mapping of str to iterable of str, optional
        More sets of studies to report on in `Score.table`: name and citation keys. The training stays the same.
    examples : bool
        Whether the model is trained on `Corpus.examples` too, as in `litbench.learn`: what these are worth.

    Returns
    -------
    Score
    """
    if level not in LEVELS:
        raise ValueError(f"level is one of {', '.join(LEVELS)}, not {level!r}")
    if not examples:
        corpus = replace(corpus, examples=corpus.examples.iloc[:0])
    themes = [theme for theme in corpus.codebook.themes if not theme.retired]
    column = {theme.id: number for number, theme in enumerate(themes)}
    findings, studies = corpus.findings, corpus.studies
    statements = findings.groupby("key", sort=False).statement.agg("\n".join)
    titles = headings(corpus)
    agreed = corpus.agreed[corpus.agreed.theme.isin(column)]
    if level == "study":
        items, keys = studies.key.tolist(), studies.key.to_numpy()
        stated = [statements.get(key, "") for key in items]
        texts = ["\n".join(filter(None, several)) for several in zip(titles, stated, strict=True)]
        coded = agreed.key
    else:
        items, keys, stated = findings.finding.tolist(), findings.key.to_numpy(), findings.statement.tolist()
        texts, coded = stated, agreed.finding
    row = {item: number for number, item in enumerate(items)}
    truth = np.zeros((len(items), len(themes)), dtype=bool)
    truth[[row[item] for item in coded], [column[theme] for theme in agreed.theme]] = True

    mentions = matcher(corpus.codebook).find(texts)
    counts = np.zeros(truth.shape, dtype=int)
    np.add.at(counts, (mentions.text, mentions.theme), 1)
    terms = counts > 1
    begin = np.array([len(text) - len(statement) for text, statement in zip(texts, stated, strict=True)])
    inside = mentions.start >= begin[mentions.text]
    terms[mentions.text[inside], mentions.theme[inside]] = True
    learned, together = _learned(Tested.of(corpus, tuple(column)), level)
    taggers = {
        TERMS: terms,
        LEARNED: learned > LIKELY,
        BOTH: together > LIKELY,
        LABEL: _labels(texts, [theme.label for theme in themes]),
    }
    sets = {"all": np.ones(len(items), dtype=bool)}
    sets |= {name: np.isin(keys, list(several)) for name, several in (also or {}).items()}
    held = np.isin(keys, corpus.codebook.held_out)
    if held.any():
        sets["not read for the terms"] = held
    rows = [
        {"tagger": name, "studies": which} | _measures(truth[inside], guess[inside], terms[inside], keys[inside])
        for which, inside in sets.items()
        for name, guess in taggers.items()
    ]
    inside = list(sets.values())[-1]
    right, seen, asked = truth[inside] & terms[inside], terms[inside].sum(0), truth[inside].sum(0)
    with np.errstate(invalid="ignore"):
        by_theme = pd.DataFrame(
            {
                "theme": list(column),
                "label": [theme.label for theme in themes],
                "coded": asked,
                "suggested": seen,
                "precision": right.sum(0) / seen,
                "recall": right.sum(0) / asked,
                "f1": 2 * right.sum(0) / (seen + asked),
            }
        )
    said: dict[tuple[int, int], dict[str, None]] = {}
    for text, theme, start, end in zip(mentions.text, mentions.theme, mentions.start, mentions.end, strict=True):
        said.setdefault((text, theme), {})[" ".join(texts[text][start:end].split())] = None
    errors = pd.DataFrame(
        [
            (items[item], themes[theme].id, "missed" if truth[item, theme] else "not coded",
             "; ".join(said.get((item, theme), ())))
            for item, theme in np.argwhere((truth != terms) & inside[:, None])
        ],
        columns=["item", "theme", "error", "words"],
    )  # fmt: skip
    confirmed = pd.DataFrame(
        {"mentions": _grouped(counts[inside].ravel()), "confirmed": truth[inside].ravel()}
    ).dropna()
    by_mentions = confirmed.groupby("mentions", observed=True).confirmed.agg(["size", "mean"]).reset_index()
    by_mentions.columns = ["mentions", "suggestions", "confirmed"]
    by_mentions["mentions"] = by_mentions.mentions.astype("str")
    silent = counts[inside] == 0
    added = truth[inside][(together[inside] > LIKELY) & silent]
    if len(added):
        by_mentions.loc[len(by_mentions)] = [BY_MODEL, len(added), added.mean()]
    calibration = pd.concat(
        [
            _calibration(ALL_PAIRS, together[inside].ravel(), truth[inside].ravel()),
            _calibration(SILENT_PAIRS, together[inside][silent], truth[inside][silent]),
        ],
        ignore_index=True,
    )
    return Score(level, pd.DataFrame(rows), by_theme, errors, by_mentions, calibration)


def _grouped(mentions: np.ndarray | pd.Series) -> pd.Series:
    return pd.Series(pd.cut(mentions, [0, 1, 2, 3, np.inf], labels=["1", "2", "3", "4 or more"]))


def _measures(truth: np.ndarray, guess: np.ndarray, terms: np.ndarray, keys: np.ndarray) -> dict[str, float]:
    """Return the pooled measures with intervals; whole studies are drawn, as their findings belong together."""
    studies, study = np.unique(keys, return_inverse=True)
    parts = np.zeros((5, len(studies), truth.shape[1]))
    for part, cells in zip(parts, (truth & guess, guess, truth, truth & terms, terms), strict=True):
        np.add.at(part, study, cells)
    draws = np.random.default_rng(1).multinomial(len(studies), np.full(len(studies), 1 / len(studies)), _RESAMPLES)

    def measured(right: np.ndarray, seen: np.ndarray, asked: np.ndarray, *others: np.ndarray) -> tuple[float, ...]:
        micro, macro = _f1(right, seen, asked)
        return micro, macro, micro - _f1(*others, asked)[0]

    drawn = (draws @ np.moveaxis(parts, 0, 1).reshape(len(studies), -1)).reshape(_RESAMPLES, *parts.shape[::2])
    low_high = np.percentile([measured(*one) for one in drawn], [2.5, 97.5], axis=0)
    right, seen, asked = parts[:3].sum(1)
    micro, macro, gain = measured(*parts.sum(1))
    return {
        "n_studies": len(studies),
        "precision": right.sum() / max(seen.sum(), 1),
        "recall": right.sum() / max(asked.sum(), 1),
        "micro_f1": micro,
        "micro_low": low_high[0, 0],
        "micro_high": low_high[1, 0],
        "macro_f1": macro,
        "macro_low": low_high[0, 1],
        "macro_high": low_high[1, 1],
        "gain": gain,
        "gain_low": low_high[0, 2],
        "gain_high": low_high[1, 2],
    }


def _f1(right: np.ndarray, seen: np.ndarray, asked: np.ndarray) -> tuple[float, float]:
    there = asked > 0
    micro = 2 * right.sum() / max(seen.sum() + asked.sum(), 1)
    macro = (2 * right[there] / (seen + asked)[there]).mean() if there.any() else 0.0
    return float(micro), float(macro)


def _labels(texts: list[str], labels: list[str]) -> np.ndarray:
    """Search for each theme's label: every one of its longer words, as a person would type it."""
    words = [[word for word in re.findall(r"\w+", label.lower()) if len(word) > 3] for label in labels]
    folded = [text.lower() for text in texts]
    return np.array([[bool(several) and all(word in text for word in several) for several in words] for text in folded])


def _learned(tested: Tested, level: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the model's out-of-fold probabilities for each item: without the terms, and together with them.

    What makes evidence a probability is fitted as in `litbench.learn`, to the other folds.
    """
    evidence, truth, fold = tested.evidence[level], tested.truth[level], tested.fold[level]
    alone, together = np.zeros((2, *truth.shape))
    for number in range(FOLDS):
        others, here = fold != number, fold == number
        alone[here] = Sigmoid.fit(evidence.body[others].ravel(), truth[others].ravel())(evidence.body[here])
        together[here] = Judge.fit(*tested.unread(level, but=number))(evidence[here])
    return alone, together


def _calibration(pairs: str, likely: np.ndarray, truth: np.ndarray) -> pd.DataFrame:
    frame = pd.DataFrame({"low": np.minimum(likely * _BINS // 1, _BINS - 1) / _BINS, "p": likely, "truth": truth})
    table = frame.groupby("low").agg(n=("p", "size"), predicted=("p", "mean"), confirmed=("truth", "mean"))
    table = table.reset_index()
    table.insert(0, "pairs", pairs)
    table.insert(2, "high", table.low + 1 / _BINS)
    return table
