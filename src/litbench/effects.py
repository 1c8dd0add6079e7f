"""Effect estimates on one scale, which of them are alike, and pooling where it is defensible.

`pool` is the arithmetic and asks nothing about where its numbers come from. `comparisons` reads
``data/comparisons.csv``, where people wrote down which estimates were examined for one question, and keeps to the
rules of pooling: the same exposure, outcome, comparator and measure, adjusted and unadjusted apart, one estimate a
sample, at least three independent samples, never a number that was quoted or already pooled by a review.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from litbench import _schema

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from litbench.corpus import Corpus

SCALES = {"OR": "OR", "AOR": "OR", "RR": "RR", "ARR": "RR", "PR": "PR", "HR": "HR", "AHR": "HR", "IRR": "IRR"}
FEWEST_SAMPLES = 3
PREDICTION_FROM = 5
FUNNEL_FROM = 10
SIGN_TEST_FROM = 6  # with fewer, even a unanimous sign has a two-sided p above 0.05
OFF_CENTRE = 0.25  # of the half-width; rounding to two decimals moves an estimate by less
CONSISTENT = 0.7  # Boon & Thomson 2021: the share of findings that gives a sample its direction
ONE_A_SAMPLE = (
    "Of several estimates of one sample that are otherwise alike, the one read deepest (full text before abstract) "
    "enters; then that of the publication with the most people; then of the latest data; then the first in the "
    "order of the findings. The estimates themselves are not looked at."
)
BIASED = "biased upward: abstracts print the estimates that are significant"

_STRATUM = ["exposure", "outcome", "comparator", "scale", "adjusted"]


class Refused(ValueError):
    """Estimates that should not be put together; the message is the reason."""


# ---------------------------------------------------------------------- one scale


def log_ratio(
    estimate: ArrayLike, ci_low: ArrayLike, ci_high: ArrayLike, level: ArrayLike = 95.0
) -> tuple[np.ndarray, np.ndarray]:
    """Return ratio estimates on the log scale, with the standard errors that their intervals imply.

    Parameters
    ----------
    estimate, ci_low, ci_high : array_like, shape (k,)
        Ratios (odds, risk, rate, prevalence or hazard ratios) and their limits, above zero.
    level : array_like, shape () or (k,)
        Level of each interval in per cent, between 0 and 100.

    Returns
    -------
    log_estimate, standard_error : numpy.ndarray, shape (k,)
        Natural logarithms, and ``(log ci_high - log ci_low) / (2 z)``.

    Raises
    ------
    ValueError
        For a value that is missing or not above zero, limits in the wrong order, or a level outside of 0 to 100.

    Notes
    -----
    Cochrane Handbook 6.4, section 6.3.2. It takes the interval to be symmetric on the log scale, which a Wald
    interval is but for rounding; `off_centre` says how far one is from it.
    """
    estimate, low, high = (_numbers(values, name) for values, name in
                           ((estimate, "estimate"), (ci_low, "ci_low"), (ci_high, "ci_high")))  # fmt: skip
    level = np.broadcast_to(np.asarray(level, dtype=float), low.shape)
    for name, values in (("estimate", estimate), ("ci_low", low), ("ci_high", high)):
        if (values <= 0).any():
            raise ValueError(
                f"{name} {values[values <= 0][0]:g} is not above zero, which every ratio is; "
                "a number on the log scale is not to be given here"
            )
    if (low >= high).any():
        at = int(np.argmax(low >= high))
        raise ValueError(f"the interval {low[at]:g} to {high[at]:g} has its limits in the wrong order, or no width")
    if not ((level > 0) & (level < 100)).all():
        raise ValueError("the level of an interval is in per cent, between 0 and 100, such as 95")
    return np.log(estimate), (np.log(high) - np.log(low)) / (2 * _z(level))


def off_centre(estimate: ArrayLike, ci_low: ArrayLike, ci_high: ArrayLike) -> np.ndarray:
    """Return how far ratio estimates lie from the middle of their intervals on the log scale.

    Returns
    -------
    numpy.ndarray, shape (k,)
        Distance as a share of half the interval: 0 in the middle, 1 at the upper limit, -1 at the lower. Beyond
        0.25 either way rounding is no explanation: a misprint, or an interval of another kind.
    """
    middle, half = np.log([ci_low, ci_high]).mean(axis=0), np.diff(np.log([ci_low, ci_high]), axis=0)[0] / 2
    return (np.log(estimate) - middle) / half


def _z(level: ArrayLike) -> Any:
    from scipy.stats import norm

    return norm.ppf(0.5 + np.asarray(level, dtype=float) / 200)


def _numbers(values: ArrayLike, name: str) -> np.ndarray:
    try:
        array = np.asarray(values, dtype=float)
    except (TypeError, ValueError):
        raise ValueError(f"{name} must be numbers, not {values!r}") from None
    array = np.atleast_1d(array)
    if array.ndim > 1:
        raise ValueError(f"{name} must be one row of numbers, not an array of shape {array.shape}")
    if not np.isfinite(array).all():
        at = int(np.argmin(np.isfinite(array)))
        raise ValueError(f"{name} number {at + 1} is missing or infinite; leave that study out or complete it")
    return array


# ---------------------------------------------------------------------- pooling


@dataclass(frozen=True)
class Pooled:
    """A random-effects summary, on the analysis scale (log for ratios).

    Attributes
    ----------
    estimate, ci_low, ci_high : float
    tau2 : float
        Variance of the true effects between studies (REML).
    i2 : float
        Share of the total variance that is between studies, in per cent, as metafor computes it.
    prediction_low, prediction_high : float
        Where the effect of a further study is expected; NaN under five studies.
    k : int
        Studies.
    se : float
        Standard error behind the interval.
    q : float
        Cochran's Q, on ``k - 1`` degrees of freedom.
    weights : tuple of float
        Share of each study in the estimate, in per cent.
    level : float
        Level of the intervals in per cent.
    method : str
        How it was computed.
    notes : tuple of str
        What a reader must know before using it.
    """

    estimate: float
    ci_low: float
    ci_high: float
    tau2: float
    i2: float
    prediction_low: float
    prediction_high: float
    k: int
    se: float
    q: float
    weights: tuple[float, ...]
    level: float
    method: str
    notes: tuple[str, ...] = ()

    def ratio(self) -> dict[str, float]:
        """Return estimate, interval and prediction interval as ratios."""
        names = ("estimate", "ci_low", "ci_high", "prediction_low", "prediction_high")
        return {name: float(np.exp(getattr(self, name))) for name in names}

    def __str__(self) -> str:
        prediction = (
            f", {self.level:g}% prediction interval {self.prediction_low:.4g} to {self.prediction_high:.4g}"
            if np.isfinite(self.prediction_low)
            else ""
        )
        notes = "".join(f"\n{note[0].upper()}{note[1:]}." for note in self.notes)
        return (
            f"{self.estimate:.4g} ({self.level:g}% {self.ci_low:.4g} to {self.ci_high:.4g}), {self.k} studies, "
            f"tau² {self.tau2:.4g}, I² {self.i2:.1f}%{prediction}. {self.method}.{notes}"
        )


def pool(estimates: ArrayLike, variances: ArrayLike, *, interval: str = "hartung-knapp", level: float = 95.0) -> Pooled:
    """Pool estimates in a random-effects model.

    Parameters
    ----------
    estimates, variances : array_like, shape (k,)
        Estimates on the analysis scale (log for ratios) and their sampling variances, above zero; at least two.
        They must be independent: one a sample.
    interval : {"hartung-knapp", "wald"}
        Interval of the estimate. Hartung-Knapp uses the t distribution on ``k - 1`` degrees of freedom and takes the
        standard error from the spread of the estimates, but not where that would make it smaller than the Wald
        one (the ad-hoc floor of Röver et al. 2015, metafor's ``test="adhoc"``). Wald uses the normal distribution.
    level : float
        Level of the intervals in per cent.

    Returns
    -------
    Pooled

    Raises
    ------
    ValueError
        For fewer than two estimates, lengths that differ, a missing value, or a variance that is not above zero.

    Notes
    -----
    Between-study variance by REML and the interval through PyMARE. I² is ``tau² / (tau² + s²)`` with the typical
    sampling variance ``s²`` of Higgins & Thompson (2002), as metafor prints it. The prediction interval is that of
    metafor: the same distribution as the interval, variance ``tau² + se²``. It is not given under five studies.

    References
    ----------
    Viechtbauer (2005), J Educ Behav Stat 30:261. Knapp & Hartung (2003), Stat Med 22:2693. Röver et al. (2015), BMC
    Med Res Methodol 15:99. Higgins & Thompson (2002), Stat Med 21:1539. IntHout et al. (2016), BMJ Open 6:e010247.
    """
    y, v = _numbers(estimates, "estimates"), _numbers(variances, "variances")
    if len(y) != len(v):
        raise ValueError(f"there are {len(y)} estimates and {len(v)} variances; give one variance an estimate")
    if len(y) < 2:
        raise ValueError(f"pooling needs at least two estimates, there is {len(y)}")
    if (v <= 0).any():
        raise ValueError(f"variance number {int(np.argmax(v <= 0)) + 1} is not above zero")
    if interval not in ("hartung-knapp", "wald"):
        raise ValueError(f"pool() knows the intervals 'hartung-knapp' and 'wald', not {interval!r}")
    if not 0 < level < 100:
        raise ValueError(f"the level of an interval is in per cent, between 0 and 100, not {level:g}")
    k = len(y)
    correction = "knapp-hartung-conservative" if interval == "hartung-knapp" else "wald"
    fitted = _fit(y, v, correction)
    tau2, estimate, se = (float(np.squeeze(fitted[name])) for name in ("tau2", "fe_params", "inv_cov"))
    se **= 0.5  # PyMARE's inv_cov is the covariance
    weights = 1 / (v + tau2)
    notes = []
    if interval == "hartung-knapp":
        from scipy.stats import t

        factor = float(t.ppf(0.5 + level / 200, k - 1))
        if weights @ (y - estimate) ** 2 < k - 1:
            notes.append("the ad-hoc floor holds: without it the Hartung-Knapp interval would be narrower than Wald's")
    else:
        factor = float(_z(level))
    reach = factor * (tau2 + se**2) ** 0.5 if k >= PREDICTION_FROM else np.nan
    if k < PREDICTION_FROM:
        notes.append(f"no prediction interval under {PREDICTION_FROM} studies")
    fixed = 1 / v
    typical = (k - 1) * fixed.sum() / (fixed.sum() ** 2 - (fixed**2).sum())
    return Pooled(
        estimate=estimate,
        ci_low=estimate - factor * se,
        ci_high=estimate + factor * se,
        tau2=tau2,
        i2=float(100 * tau2 / (tau2 + typical)),
        prediction_low=estimate - reach,
        prediction_high=estimate + reach,
        k=k,
        se=se,
        q=float(fixed @ (y - fixed @ y / fixed.sum()) ** 2),
        weights=tuple(float(one) for one in 100 * weights / weights.sum()),
        level=float(level),
        method=f"Random effects, REML, {'Hartung-Knapp' if interval == 'hartung-knapp' else 'Wald'} interval",
        notes=tuple(notes),
    )


def _fit(y: np.ndarray, v: np.ndarray, correction: str) -> dict[str, np.ndarray]:
    """Return PyMARE's parameters of the random-effects model."""
    with warnings.catch_warnings():
        # PyMARE leaves a file of its own open while it is imported.
        warnings.simplefilter("ignore", ResourceWarning)
        from pymare.estimators import VarianceBasedLikelihoodEstimator
    # The tolerance: PyMARE's own default leaves tau² 1e-5 away from metafor's.
    model = VarianceBasedLikelihoodEstimator(method="REML", small_sample_correction=correction, xtol=1e-12)
    return model.fit(y, v, np.ones((len(y), 1))).params_


def leave_one_out(
    estimates: ArrayLike, variances: ArrayLike, labels: Sequence[str] | None = None, **options: Any
) -> pd.DataFrame:
    """Pool again without each study in turn: whether one of them carries the result.

    Parameters
    ----------
    estimates, variances : array_like, shape (k,)
        As for `pool`; at least three.
    labels : sequence of str, optional
        Names of the studies; without them they are numbered from 1.
    **options
        ``interval`` and ``level`` of `pool`.

    Returns
    -------
    pandas.DataFrame
        A row a study left out: ``left_out, estimate, ci_low, ci_high, tau2, i2``.
    """
    y, v = _numbers(estimates, "estimates"), _numbers(variances, "variances")
    if len(y) < 3:
        raise ValueError(f"leaving one out needs at least three estimates, there are {len(y)}")
    names = [str(number) for number in range(1, len(y) + 1)] if labels is None else list(labels)
    if len(names) != len(y):
        raise ValueError(f"there are {len(y)} estimates and {len(names)} labels; give one label an estimate")
    rows = []
    for left, name in enumerate(names):
        pooled = pool(np.delete(y, left), np.delete(v, left), **options)
        rows.append((name, pooled.estimate, pooled.ci_low, pooled.ci_high, pooled.tau2, pooled.i2))
    return pd.DataFrame(rows, columns=["left_out", "estimate", "ci_low", "ci_high", "tau2", "i2"])


def sign_test(harm: int, benefit: int) -> float:
    """Return the two-sided p of the exact sign test; NaN with fewer than six signs, where it can say nothing.

    Parameters
    ----------
    harm, benefit : int
        Samples of either direction; mixed ones are left out (Boon & Thomson 2021).
    """
    if harm + benefit < SIGN_TEST_FROM:
        return float("nan")
    from scipy.stats import binomtest

    return float(binomtest(harm, harm + benefit).pvalue)


# ---------------------------------------------------------------------- the corpus's estimates


def ratios(corpus: Corpus) -> pd.DataFrame:
    """Return every ratio estimate of the corpus that has an interval, on the log scale.

    Returns
    -------
    pandas.DataFrame
        A row an estimate: ``finding, key, citation, sample, design, read, locator, reporting, level, measure, scale,
        adjusted, estimate, ci_low, ci_high, ci_level, log_estimate, se, off_centre, includes_no_effect``. ``sample``
        is the key where the publication is not known to share one; ``includes_no_effect`` is whether 1 lies
        between the limits, a limit printed as 1.00 being outside.
    """
    frame = _described(corpus, corpus.effects)
    frame = frame[frame.scale.notna() & _has_interval(frame)].reset_index(drop=True)
    columns = ["finding", "key", "citation", "sample", "design", "read", "locator", "reporting", "level", "measure",
               "scale", "adjusted", "estimate", "ci_low", "ci_high", "ci_level", "log_estimate", "se",
               "off_centre"]  # fmt: skip
    frame = _on_log_scale(frame)[columns]
    return frame.assign(includes_no_effect=(frame.ci_low < 1) & (frame.ci_high > 1))


def from_abstracts(ratios: pd.DataFrame) -> pd.DataFrame:
    """Return those of `ratios` that are a study's own and were read in an abstract, not in a table."""
    abstract = (ratios["read"] == "abstract") & ~ratios.locator.str.startswith("table")
    return ratios[(ratios.level == "primary") & abstract]


def _has_interval(frame: pd.DataFrame) -> pd.Series:
    """Whether an estimate has an interval that says something of its precision: one above zero, with a width."""
    return frame.estimate.notna() & (frame.ci_low > 0) & (frame.ci_high > frame.ci_low)


def _described(corpus: Corpus, effects: pd.DataFrame) -> pd.DataFrame:
    """Return effects with their study, sample and scale."""
    findings = corpus.findings.set_index("finding")
    frame = effects.assign(
        key=effects.finding.map(findings.key).astype("str"),
        locator=effects.finding.map(findings.locator).astype("str"),
    )
    studies = corpus.studies[["key", "citation", "sample", "design", "read", "n", "data_end"]]
    frame = frame.merge(studies, on="key", how="left", suffixes=("", "_of_study"))
    frame["sample"] = frame["sample"].fillna(frame.key).astype("str")
    frame["scale"] = frame.measure.astype("object").map(SCALES).astype("str")
    words = {True: "adjusted", False: "unadjusted"}
    frame["adjusted"] = [words.get(one, "not said") if pd.notna(one) else "not said" for one in frame.adjusted]
    return frame


def _on_log_scale(frame: pd.DataFrame) -> pd.DataFrame:
    if frame.empty:
        empty = pd.Series(dtype="float64")
        return frame.assign(log_estimate=empty, se=empty, off_centre=empty)
    log_estimate, se = log_ratio(frame.estimate, frame.ci_low, frame.ci_high, frame.ci_level.fillna(95.0))
    centre = off_centre(frame.estimate.to_numpy(), frame.ci_low.to_numpy(), frame.ci_high.to_numpy())
    return frame.assign(log_estimate=log_estimate, se=se, off_centre=centre)


# ---------------------------------------------------------------------- what is alike


@dataclass(frozen=True)
class Comparison:
    """The estimates that were examined for one question, and whether they may be pooled.

    Attributes
    ----------
    name : str
    estimates : pandas.DataFrame
        A row an estimate: the columns of ``data/comparisons.csv``, its number, study and scale, and ``set_aside``, why
        it may not enter a pooled estimate; empty where it may.
    sets : pandas.DataFrame
        A row a set of estimates that are alike: ``exposure, outcome, comparator, scale, adjusted, samples``.
    """

    name: str
    estimates: pd.DataFrame
    sets: pd.DataFrame

    @property
    def usable(self) -> pd.DataFrame:
        """The estimates that are not set aside."""
        return self.estimates[self.estimates.set_aside == ""].reset_index(drop=True)

    @property
    def refusal(self) -> str:
        """Why nothing is pooled; empty where at least one set passes."""
        return self.reason()

    def reason(self, listed: bool = True) -> str:
        """Return why nothing is pooled, as a methodologist would say it; empty where at least one set passes.

        Parameters
        ----------
        listed : bool
            Whether the differing exposures, outcomes and so on are listed, or counted alone.
        """
        if len(self.sets) and self.sets.samples.max() >= FEWEST_SAMPLES:
            return ""
        return _reason(self, listed)

    def pool(self, **options: Any) -> dict[str, Pooled]:
        """Pool every set of this comparison that passes the rules.

        Parameters
        ----------
        **options
            ``interval`` and ``level`` of `pool`.

        Returns
        -------
        dict of str to Pooled
            By a description of the set. ``notes`` says where the estimates come from abstracts.

        Raises
        ------
        Refused
            Where no set passes; the message is the reason.
        """
        if self.refusal:
            raise Refused(self.refusal)
        pooled = {}
        for rows, words in self._passing():
            result = pool(rows.log_estimate, rows.se**2, **options)
            pooled[words] = Pooled(**{**vars(result), "notes": _warnings(rows) + result.notes})
        return pooled

    def leave_one_out(self, **options: Any) -> dict[str, pd.DataFrame]:
        """Return `leave_one_out` of every set that `pool` pools; refused as there."""
        if self.refusal:
            raise Refused(self.refusal)
        return {
            words: leave_one_out(rows.log_estimate, rows.se**2, list(rows.citation), **options)
            for rows, words in self._passing()
        }

    def words(self, number: int) -> str:
        """Return a description of one of the `sets`."""
        one = self.sets.loc[number]
        return f"{one.exposure} → {one.outcome}, {one.scale}, {one.adjusted}"

    def _passing(self) -> Iterable[tuple[pd.DataFrame, str]]:
        for number in self.sets.index[self.sets.samples >= FEWEST_SAMPLES]:
            yield self.usable[self.usable.set == number], self.words(number)


def comparisons(corpus: Corpus) -> dict[str, Comparison]:
    """Return the comparisons of ``data/comparisons.csv``, each with its estimates and the verdict of the rules.

    Parameters
    ----------
    corpus : Corpus

    Returns
    -------
    dict of str to Comparison
        By name. Estimates are alike where exposure, outcome and comparator have the same words in the table, and
        the measure (OR, RR, HR, IRR, PR) and adjustment are the same. `ONE_A_SAMPLE` is the rule for several
        estimates of one sample.
    """
    table = corpus.comparisons.merge(
        _described(corpus, corpus.effects).drop(columns=["sample", "key", "comparator"]), on="finding", how="left"
    )
    of_finding = corpus.findings.set_index("finding").key
    table["key"] = table.finding.map(of_finding).astype("str")
    table["citation"] = table.key.map(corpus.studies.set_index("key").citation).astype("str")
    table["adjusted"] = table.adjusted.fillna("not said")
    table["measured"] = _has_interval(table)
    table["set_aside"] = [_unfit(row, corpus.reviews) for row in table.itertuples()]
    fit = table.set_aside == ""
    numbers = _on_log_scale(table[fit])[["log_estimate", "se", "off_centre"]]
    table = table.join(numbers)
    table["set"] = pd.array([pd.NA] * len(table), dtype="Int64")
    return {str(name): _judged(str(name), rows.copy()) for name, rows in table.groupby("comparison", sort=True)}


def overview(corpus: Corpus) -> pd.DataFrame:
    """Return how far each comparison is from being pooled.

    Returns
    -------
    pandas.DataFrame
        A row a comparison: ``comparison, examined, usable, samples, alike, pooled, unread``. ``usable`` are a study's
        own ratios with an interval, ``samples`` theirs, ``alike`` the samples of the largest set that is alike,
        ``unread`` the further samples that report a result without such a ratio on the page that was read.
    """
    rows = []
    for name, one in comparisons(corpus).items():
        usable = one.estimates[one.estimates.set.notna()]
        own = one.estimates[~one.estimates.key.isin(corpus.reviews)]
        rows.append(
            (name, len(one.estimates), len(usable), usable["sample"].nunique(),
             int(one.sets.samples.max()) if len(one.sets) else 0, not one.refusal,
             len(set(own["sample"]) - set(usable["sample"])))
        )  # fmt: skip
    columns = ["comparison", "examined", "usable", "samples", "alike", "pooled", "unread"]
    return pd.DataFrame(rows, columns=columns)


def _unfit(row: Any, reviews: frozenset[str]) -> str:
    """Return why one estimate cannot be pooled whatever stands beside it, or nothing."""
    if row.level == "quoted":
        return "quoted: another study's number, seen in a review"
    if row.level == "pooled" or row.key in reviews:
        return "a review's own estimate, pooled already"
    if pd.isna(row.estimate):
        return "no number on the page read"
    if pd.isna(row.scale):
        return f"not a ratio ({row.measure})"
    if not row.measured:
        return "no interval on the page read"
    return ""


def _judged(name: str, rows: pd.DataFrame) -> Comparison:
    fit = rows.index[rows.set_aside == ""]
    # Depth of reading, size, date, then the order of the findings: nothing here depends on an estimate.
    order = pd.DataFrame(
        {
            "deep": rows.read.astype("str") != "full text",
            "size": -rows.n.astype("float64").fillna(0),
            "date": -rows.data_end.astype("float64").fillna(0),
            "study": rows.key,
            "place": [int(one.rpartition(".")[2]) for one in rows.finding],
        },
        index=rows.index,
    ).sort_values(["deep", "size", "date", "study", "place"])
    sets = []
    for number, (words, members) in enumerate(rows.loc[fit].groupby(_STRATUM, sort=True)):
        chosen: dict[str, str] = {}
        for at in order.index[order.index.isin(members.index)]:
            sample = rows.at[at, "sample"]
            if sample in chosen:
                rows.at[at, "set_aside"] = f"sample {sample} is in already, by {chosen[sample]}"
            else:
                chosen[sample] = rows.at[at, "finding"]
            rows.at[at, "set"] = number
        sets.append((*words, len(chosen)))
    frame = pd.DataFrame(sets, columns=[*_STRATUM, "samples"])
    rows = rows.reset_index(drop=True)
    return Comparison(name, rows, frame)


def _reason(comparison: Comparison, listed: bool) -> str:
    rows = comparison.estimates
    start = f"{comparison.name} is not pooled: {len(rows)} {'estimate' if len(rows) == 1 else 'estimates'} examined"
    usable = rows[rows.set.notna()]
    if usable.empty:
        return f"{start}, and none is a study's own ratio with an interval ({_set_aside(rows)})."
    unlike = []
    for column, word in (("exposure", "exposures"), ("outcome", "outcomes"), ("comparator", "comparators"),
                         ("scale", "measures"), ("adjusted", "kinds of adjustment")):  # fmt: skip
        values = list(dict.fromkeys(usable[column]))
        if len(values) > 1:
            unlike.append(f"{len(values)} {word}" + (f" ({'; '.join(values)})" if listed else ""))
    largest = int(comparison.sets.samples.max())
    aside = _set_aside(rows[rows.set_aside != ""])
    return (
        f"{start}; a study's own ratio with an interval in {len(usable)} of them, of {_samples(usable)}."
        + (f" They have {', '.join(unlike)}." if unlike else "")
        + f" The largest set that is alike has {largest} independent {'sample' if largest == 1 else 'samples'}; "
        f"{FEWEST_SAMPLES} are needed." + (f" Set aside: {aside}." if aside else "")
    )


def _samples(rows: pd.DataFrame) -> str:
    number = rows["sample"].nunique()
    return f"{number} {'sample' if number == 1 else 'samples'}"


def _set_aside(rows: pd.DataFrame) -> str:
    return ", ".join(f"{reason} ({count})" for reason, count in rows.set_aside.value_counts().sort_index().items())


def _warnings(rows: pd.DataFrame) -> tuple[str, ...]:
    """Return what a reader must know of the estimates behind a pooled one."""
    said = []
    abstracts = int(((rows.read.astype("str") == "abstract") | (rows.reporting.astype("str") == "selected")).sum())
    if abstracts:
        said.append(f"{abstracts} of {len(rows)} estimates come from abstracts or selected results: {BIASED}")
    if off := [row.finding for row in rows.itertuples() if abs(row.off_centre) > OFF_CENTRE]:
        said.append(
            f"the interval is not symmetric on the log scale, so its standard error is doubtful: {', '.join(off)}"
        )
    if (other := rows.interval.astype("str") != "confidence").any():
        kinds = sorted(set(rows.interval.astype("str")[other]))
        said.append(f"standard errors are taken from intervals of another kind ({', '.join(kinds)})")
    if rows.population.nunique() > 1:
        said.append(f"the populations differ: {'; '.join(dict.fromkeys(rows.population))}")
    return tuple(said)


# ---------------------------------------------------------------------- directions


def linked(corpus: Corpus, exposures: str | Iterable[str], outcomes: str | Iterable[str]) -> pd.DataFrame:
    """Return the effects and associations of studies, not reviews, that tie an exposure to an outcome.

    Parameters
    ----------
    corpus : Corpus
    exposures, outcomes : str or iterable of str
        Themes, or domains that stand for all of their themes, with the role exposure and outcome.

    Returns
    -------
    pandas.DataFrame
        A row a finding and outcome theme: ``finding, key, sample, kind, outcome, label, points``. ``points`` is the
        direction: it follows from the sign of the estimate and the polarity of the outcome where they are known, so
        an interval that includes no effect does not turn a finding into none.
    """
    acting, acted = _themes(corpus, exposures), _themes(corpus, outcomes)
    codes = corpus.agreed
    exposed = codes.finding[codes.theme.isin(acting) & (codes.role == "exposure")]
    findings = corpus.findings[
        corpus.findings.claim.isin(["effect", "association"])
        & ~corpus.findings.key.isin(corpus.reviews)
        & corpus.findings.finding.isin(set(exposed))
    ]
    findings = findings.merge(corpus.effects[["finding", "sign", "polarity"]], on="finding", how="left")
    findings["points"] = [
        _schema.DIRECTION.get((sign, polarity), direction)
        for sign, polarity, direction in zip(findings.sign, findings.polarity, findings.direction.astype("str"))
    ]
    out = codes[codes.theme.isin(acted) & (codes.role == "outcome")][["finding", "theme", "label"]]
    rows = findings[["finding", "key", "kind", "points"]].merge(out.rename(columns={"theme": "outcome"}), on="finding")
    rows["sample"] = rows.key.map(corpus.studies.set_index("key")["sample"]).fillna(rows.key).astype("str")
    rows["outcome"] = rows.outcome.astype("str")
    return rows[["finding", "key", "sample", "kind", "outcome", "label", "points"]]


def directions(corpus: Corpus, exposures: str | Iterable[str], outcomes: str | Iterable[str]) -> pd.DataFrame:
    """Return the direction of each sample for each outcome: one sign a sample and outcome, significance left aside.

    Parameters
    ----------
    corpus : Corpus
    exposures, outcomes : str or iterable of str
        As for `linked`.

    Returns
    -------
    pandas.DataFrame
        A row a sample and outcome theme: ``sample, outcome, label, direction, findings, harm, benefit,
        publications, n, keys``. ``direction`` is harm or benefit where at least 70 % of the findings point there,
        else ``mixed``; ``none`` where no finding states one. ``n`` is the largest number of people of its publications.

    Notes
    -----
    After Boon & Thomson (2021), Res Synth Methods 12:29.
    """
    cells = linked(corpus, exposures, outcomes)
    cells = cells[cells.points != "descriptive"]
    people = corpus.studies.set_index("key").n
    rows = []
    for (sample, outcome), group in cells.groupby(["sample", "outcome"], sort=True):
        harm, benefit = int((group.points == "harm").sum()), int((group.points == "benefit").sum())
        stated = len(group) - int((group.points == "null").sum())
        if not stated:
            direction = "none"
        elif max(harm, benefit) >= CONSISTENT * stated:
            direction = "harm" if harm > benefit else "benefit"
        else:
            direction = "mixed"
        keys = tuple(dict.fromkeys(group.key))
        rows.append(
            (sample, outcome, group.label.iloc[0], direction, len(group), harm, benefit, len(keys),
             people[list(keys)].max(), keys)
        )  # fmt: skip
    columns = ["sample", "outcome", "label", "direction", "findings", "harm", "benefit", "publications", "n", "keys"]
    return pd.DataFrame(rows, columns=columns).astype({"n": "Int64"})


def _themes(corpus: Corpus, chosen: str | Iterable[str]) -> set[str]:
    """Return themes for themes and domains; a name that is neither is an error."""
    found: set[str] = set()
    for one in [chosen] if isinstance(chosen, str) else chosen:
        members = set(corpus.themes.theme[corpus.themes.domain == one])
        if not members and one not in set(corpus.themes.theme):
            domains = ", ".join(corpus.themes.domain.cat.categories)
            raise ValueError(f"{one!r} is neither a theme nor a domain of the codebook; the domains are: {domains}")
        found |= members or {one}
    return found
