"""Agreement equals the reference libraries and irrCAC's published examples."""

from __future__ import annotations

import warnings

import krippendorff
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score

import litbench as lb
from litbench._agreement import masi


def _claims(ratings: np.ndarray) -> pd.DataFrame:
    """Return ratings (units, coders), -1 for none, as a claims frame with one study a unit."""
    rows = [
        (f"study{unit}.1", f"coder{coder}", f"c{value}")
        for unit, row in enumerate(ratings)
        for coder, value in enumerate(row)
        if value >= 0
    ]
    return pd.DataFrame(rows, columns=["finding", "coder", "claim"])


def _overall(ratings: np.ndarray) -> pd.Series:
    frame = lb.agreement(_claims(ratings), value="claim", resamples=20)
    return frame.set_index("claim").loc["overall"]


def test_irrcac_contingency_table():
    """irrCAC, data set cont3x3abstractors: 100 charts, two abstractors (Gwet 2014)."""
    table = np.array([[13, 0, 0], [0, 20, 7], [0, 4, 56]])
    ratings = np.array([(a, b) for a in range(3) for b in range(3) for _ in range(table[a, b])])
    row = _overall(ratings)
    assert row.percent == pytest.approx(0.89)
    assert row.kappa == pytest.approx(0.7964094, abs=5e-8)
    assert row.ac1 == pytest.approx(0.8493305, abs=5e-8)
    assert row.alpha == pytest.approx(0.7972585, abs=5e-8)


def test_irrcac_four_raters_with_missing_codes():
    """irrCAC, data set raw_4raters: 12 units, four raters, not all of whom rated each."""
    ratings = np.array(
        [[1, 1, -1, 1], [2, 2, 3, 2], [3, 3, 3, 3], [3, 3, 3, 3], [2, 2, 2, 2], [1, 2, 3, 4],
         [4, 4, 4, 4], [1, 1, 2, 1], [2, 2, 2, 2], [-1, 5, 5, 5], [-1, -1, 1, 1], [-1, -1, 3, -1]]
    )  # fmt: skip
    claims = _claims(ratings)
    row = lb.agreement(claims, value="claim", resamples=20).set_index("claim").loc["overall"]
    assert row.n == 11
    assert row.percent == pytest.approx(0.81818, abs=5e-6)
    assert row.alpha == pytest.approx(0.74342, abs=5e-6)
    # irrCAC takes the shares of categories over all twelve units, also the one that a single rater rated.
    assert row.ac1 == pytest.approx(0.77544, abs=5e-6)


def test_irrcac_six_raters():
    """irrCAC, data set distrib.6raters: 15 patients, six psychiatrists, five diagnoses."""
    counts = [
        [0, 0, 0, 6, 0], [0, 3, 0, 0, 3], [0, 1, 4, 0, 1], [0, 0, 0, 0, 6], [0, 3, 0, 3, 0], [2, 0, 4, 0, 0],
        [0, 0, 4, 0, 2], [2, 0, 3, 1, 0], [2, 0, 0, 4, 0], [0, 0, 0, 0, 6], [1, 0, 0, 5, 0], [1, 1, 0, 4, 0],
        [0, 3, 3, 0, 0], [1, 0, 0, 5, 0], [0, 2, 0, 3, 1],
    ]  # fmt: skip
    ratings = np.array([[category for category, n in enumerate(row) for _ in range(n)] for row in counts])
    row = _overall(ratings)
    assert row.percent == pytest.approx(0.5511111, abs=5e-8)
    assert row.ac1 == pytest.approx(0.4448007, abs=5e-8)
    assert row.alpha == pytest.approx(0.4204384, abs=5e-8)


_ratings = st.integers(2, 4).flatmap(
    lambda coders: st.lists(st.lists(st.integers(-1, 3), min_size=coders, max_size=coders), min_size=5, max_size=30)
)


@given(ratings=_ratings)
@settings(deadline=None, max_examples=60)
def test_alpha_equals_krippendorff_and_kappa_scikit_learn(ratings):
    ratings = np.array(ratings)
    known = ratings >= 0
    if (known.sum(axis=1) >= 2).sum() < 2 or (known.any(axis=0)).sum() < 2:
        return
    paired = ratings[known.sum(axis=1) >= 2]
    paired = paired[:, (paired >= 0).any(axis=0)]
    if len(np.unique(paired[paired >= 0])) < 2 or paired.shape[1] < 2:
        return
    row = _overall(paired)
    data = np.where(paired >= 0, paired.astype(float), np.nan).T
    assert row.alpha == pytest.approx(krippendorff.alpha(data, level_of_measurement="nominal"), abs=1e-9)
    kappas = []
    for one in range(paired.shape[1]):
        for other in range(one + 1, paired.shape[1]):
            both = (paired[:, one] >= 0) & (paired[:, other] >= 0)
            if both.any():
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    kappas.append(cohen_kappa_score(paired[both, one], paired[both, other]))
    expected = np.nanmean(kappas) if not np.isnan(kappas).all() else np.nan
    assert row.kappa == pytest.approx(expected, abs=1e-9, nan_ok=True)


def test_themes_of_the_corpus_equal_the_libraries(corpus):
    codes = corpus.codes[(corpus.codes["round"] == 1) & (corpus.codes.coder != "agreed")]
    frame = lb.agreement(corpus.codes, round=1, resamples=50).set_index("theme")
    findings = sorted(codes.finding.unique())
    for theme in ("displacement", "harassment", "stigma", "injection-injury"):
        if theme not in frame.index:
            continue
        given_by = [
            pd.Index(findings).isin(codes.finding[(codes.theme == theme) & (codes.coder == coder)]).astype(int)
            for coder in ("first", "second")
        ]
        assert frame.kappa[theme] == pytest.approx(cohen_kappa_score(*given_by), abs=1e-9)
        assert frame.alpha[theme] == pytest.approx(
            krippendorff.alpha(np.array(given_by), level_of_measurement="nominal"), abs=1e-9
        )
        assert frame.percent[theme] == pytest.approx((given_by[0] == given_by[1]).mean())
        assert frame.kappa_low[theme] <= frame.kappa[theme] <= frame.kappa_high[theme]


def test_sets_equal_krippendorff_with_masi(corpus):
    codes = corpus.codes[(corpus.codes["round"] == 1) & (corpus.codes.coder != "agreed")]
    keys = sorted(set(corpus.findings.finding))[:150]
    codes = codes[codes.finding.isin(keys)]
    sets = codes.groupby(["finding", "coder"]).theme.agg(lambda themes: frozenset(map(str, themes))).unstack()
    known = list({one for row in sets.to_numpy() for one in row})
    number = {one: place for place, one in enumerate(known)}
    data = sets.map(number.get).to_numpy(dtype=float).T
    distance = np.array([[masi(a, b) for b in known] for a in known])

    def metric(v1, v2, i1, i2, n_v, dtype=np.float64):
        return distance[np.asarray(v1, dtype=int), np.asarray(v2, dtype=int)].astype(dtype)

    expected = krippendorff.alpha(data, level_of_measurement=metric, value_domain=np.arange(float(len(known))))
    frame = lb.agreement(codes, resamples=20).set_index("theme")
    assert frame.alpha["sets of themes (MASI)"] == pytest.approx(expected, abs=1e-9)


def test_masi_is_that_of_passonneau():
    assert masi(frozenset("abc"), frozenset("abc")) == 0
    assert masi(frozenset("ab"), frozenset("abc")) == pytest.approx(1 - 2 / 3 * 2 / 3)
    assert masi(frozenset("ab"), frozenset("bc")) == pytest.approx(1 - 1 / 3 * 1 / 3)
    assert masi(frozenset("ab"), frozenset("cd")) == 1
    assert masi(frozenset(), frozenset()) == 0


def test_a_coder_who_read_and_gave_no_theme_counts_and_one_who_did_not_read_does_not():
    rows = [("a2020x.1", "t", "first"), ("a2020x.1", "none", "second"), ("b2020x.1", "t", "first"),
            ("b2020x.1", "t", "second"), ("c2020x.1", "t", "first")]  # fmt: skip
    frame = lb.agreement(pd.DataFrame(rows, columns=["finding", "theme", "coder"]), resamples=20).set_index("theme")
    assert frame.n["t"] == 2
    assert frame.percent["t"] == 0.5


def test_intervals_are_by_study_and_repeatable(corpus):
    one, again = (lb.agreement(corpus.codes, resamples=50) for _ in range(2))
    pd.testing.assert_frame_equal(one, again)
    other = lb.agreement(corpus.codes, resamples=50, seed=1)
    assert not one.kappa_low.equals(other.kappa_low)
    assert one.kappa.equals(other.kappa)


def test_every_theme_in_use_has_its_agreement(corpus):
    frame = lb.agreement(corpus.codes, resamples=20)
    assert set(frame.theme) >= set(corpus.agreed.theme.astype("str"))


@pytest.mark.parametrize(
    ("codes", "message"),
    [
        (pd.DataFrame({"finding": ["a.1"], "coder": ["first"]}), "'theme'"),
        (pd.DataFrame({"finding": ["a.1"], "theme": ["t"], "coder": ["first"]}), "here is one: first"),
        (pd.DataFrame({"finding": ["a.1"], "theme": ["t"], "coder": ["agreed"]}), "none: no codes"),
    ],
)
def test_what_cannot_be_compared_is_said(codes, message):
    with pytest.raises(ValueError, match=message):
        lb.agreement(codes)


def test_disagreements_show_who_said_what(corpus):
    table = lb.disagreements(corpus)
    codes = corpus.codes[corpus.codes["round"] == 2]
    row = table.iloc[0]
    mine = codes[codes.finding == row.finding]
    first = set(mine.theme[mine.coder == "first"].astype("str"))
    second = set(mine.theme[mine.coder == "second"].astype("str"))
    assert first != second
    assert {one for one in row["first"].split("; ") if one} == first - second
    assert {one for one in row["second"].split("; ") if one} == second - first
    assert set(row["agreed"].split("; ")) == set(mine.theme[mine.coder == "agreed"].astype("str"))
    same = corpus.findings[~corpus.findings.finding.isin(table.finding)]
    assert len(table) + len(same) == len(corpus.findings)


def test_confusions_count_pairs(corpus):
    pairs = lb.confusions(corpus, "claim")
    table = lb.disagreements(corpus, "claim")
    assert pairs.findings.sum() == len(table)
    assert (pairs.one < pairs.other).all()
