"""How good the suggestions are: precision, recall and F1 against the agreed codes, with intervals by study."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import pandas as pd

from litbench._learned import ALONE, BESIDE, SENTENCE, fit, truth_of
from litbench.corpus import Corpus
from litbench.tagging import Tags, matcher

LEVELS = ("study", "finding")
_RESAMPLES = 1000
_FOLDS = 5

BY_MODEL = "none: by the model"
TERMS, LEARNED, BOTH, LABEL = "terms", "learned", "terms or learned", "theme label as search words"


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
        ``mentions, suggestions, confirmed``: the share of suggestions that the codes confirm, by number of mentions,
        and of those that the model adds where the terms find nothing.
    """

    level: str
    table: pd.DataFrame
    themes: pd.DataFrame
    errors: pd.DataFrame
    by_mentions: pd.DataFrame

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
            many mentions that the agreed codes confirm, see `by_mentions`; missing where the corpus has none.
        """
        frame = tags.to_frame()
        group = _grouped(frame.mentions).astype("str").where(frame.mentions > 0, BY_MODEL)
        frame["confidence"] = group.map(self.by_mentions.set_index("mentions").confirmed).astype(float)
        return frame[["label", "words", "negated", "mentions", "confidence", "theme"]]

    def __repr__(self) -> str:
        return self.table.to_string(index=False, float_format="%.2f")

    def _repr_html_(self) -> str:
        return self.table.round(3).to_html(index=False)


def score(corpus: Corpus, level: str = "study") -> Score:
    """Score the suggested themes against the agreed codes.

    Three taggers and a baseline are compared: the codebook's terms; a linear model (TF-IDF of words, pairs of words
    and pieces of words, one logistic regression a theme) trained on the statements of coded findings; both together;
    and the words of a theme's label. The learned ones are cross-validated in five folds of whole studies, so that no
    study is in both training and test. The terms were written by people who read some of the studies: the studies that
    the codebook lists as ``held_out`` were not read for it, and only the numbers on these say what to expect of a new
    study; the numbers on all studies flatter the terms.

    Parameters
    ----------
    corpus : Corpus
    level : str
        ``"study"``: the text is title, summary and statements of a study, the truth all themes among its codes. As
        findings are coded and titles are not, a theme is suggested where a statement mentions it, or where title and
        summary mention it twice.
        ``"finding"``: the text is one statement, the truth its codes.

    Returns
    -------
    Score
    """
    if level not in LEVELS:
        raise ValueError(f"level is one of {', '.join(LEVELS)}, not {level!r}")
    themes = [theme for theme in corpus.codebook.themes if not theme.retired]
    column = {theme.id: number for number, theme in enumerate(themes)}
    findings, studies = corpus.findings, corpus.studies
    statements = findings.groupby("key", sort=False).statement.agg("\n".join)
    titles = [
        "\n".join(part for part in (title, summary) if isinstance(part, str))
        for title, summary in zip(studies.title, studies.summary, strict=True)
    ]
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
    learned = _learned(corpus, tuple(column), stated, keys)
    taggers = {
        TERMS: terms,
        LEARNED: learned > ALONE,
        BOTH: terms | (learned > BESIDE),
        LABEL: _labels(texts, [theme.label for theme in themes]),
    }
    sets = {"all": np.ones(len(items), dtype=bool)}
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
    added = truth[inside][(learned[inside] > BESIDE) & (counts[inside] == 0)]
    if len(added):
        by_mentions.loc[len(by_mentions)] = [BY_MODEL, len(added), added.mean()]
    return Score(level, pd.DataFrame(rows), by_theme, errors, by_mentions)


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


def _learned(corpus: Corpus, themes: tuple[str, ...], texts: list[str], keys: np.ndarray) -> np.ndarray:
    """Return out-of-fold probabilities of the linear model; a text has a theme where its likeliest sentence has."""
    statements, truth = corpus.findings.statement, truth_of(corpus, themes)
    studies = np.array(sorted(set(corpus.studies.key)))
    fold = dict(zip(studies, np.random.default_rng(1).permutation(len(studies)) % _FOLDS, strict=True))
    finding_fold = corpus.findings.key.map(fold).to_numpy()
    sentences = [SENTENCE.split(line) for line in texts]
    owner = np.repeat(np.arange(len(texts)), [len(several) for several in sentences])
    owner_fold = np.array([fold[key] for key in keys])[owner]
    flat = np.array([one for several in sentences for one in several], dtype=object)
    found = np.zeros((len(texts), len(themes)))
    for number in range(_FOLDS):
        train, test = finding_fold != number, owner_fold == number
        if train.any() and test.any():
            model = fit(statements[train], truth[train], themes)
            np.maximum.at(found, owner[test], model.probabilities(list(flat[test])))
    return found
