"""Pooling agrees with metafor, and is refused where a methodologist would refuse it."""

from __future__ import annotations

import sys
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from conftest import ROOT
from hypothesis import given, settings
from hypothesis import strategies as st

from litbench import effects
from litbench.check import check

sys.path.insert(0, str(ROOT / "validation"))
import compare

studies = st.lists(
    st.tuples(st.floats(-3, 3), st.floats(0.005, 4)), min_size=2, max_size=12, unique_by=lambda one: round(one[0], 3)
).map(lambda pairs: (np.array([y for y, _ in pairs]), np.array([v for _, v in pairs])))


# ---------------------------------------------------------------------- agreement with metafor


@pytest.fixture(scope="module")
def compared() -> pd.DataFrame:
    return compare.compare()


def test_bcg_trials_as_metafor_prints_them(compared):
    bcg = compared[compared.case == "bcg"]
    assert len(bcg) == 15
    for row in bcg.itertuples():
        last_digit = 0.5 * 10.0**-row.printed
        assert abs(row.difference) <= max(last_digit, 1e-6), row


def test_bcg_trials_to_the_sixth_digit():
    pooled = effects.pool(*compare.bcg())
    wanted = {"estimate": -0.714532, "ci_low": -1.108444, "ci_high": -0.320621, "tau2": 0.313243,
              "prediction_low": -1.996017, "prediction_high": 0.566952}  # fmt: skip
    for name, value in wanted.items():
        assert getattr(pooled, name) == pytest.approx(value, abs=1e-6), name
    assert pooled.i2 == pytest.approx(92.22, abs=0.005)
    assert pooled.k == len(pooled.weights) == 13
    assert sum(pooled.weights) == pytest.approx(100)


def test_small_samples_as_metafor_with_the_floor(compared):
    others = compared[(compared.case != "bcg") & (compared.test != "knha")]
    assert len(others) == 4 * 2 * 5
    easy = others[others.case != "unequal_k5"]
    assert easy.difference.abs().max() < 1e-6
    # metafor stops 1e-5 before the top of a flat likelihood there; validation/README.md says so.
    assert others.difference.abs().max() < 2e-5


def test_the_floor_holds_where_hartung_knapp_would_be_narrower_than_wald(compared):
    plain = compared[(compared.test == "knha") & (compared.quantity == "se") & (compared.case != "bcg")]
    assert (plain.litbench > plain.metafor - 1e-6).all()
    assert (plain.litbench > plain.metafor + 1e-3).sum() == 3


@settings(max_examples=60, deadline=None)
@given(studies)
def test_tau2_is_at_the_top_of_the_restricted_likelihood(sample):
    y, v = sample

    def likelihood(tau2: np.ndarray) -> np.ndarray:
        w = 1 / (v + tau2[:, None])
        centre = (w * y).sum(axis=1) / w.sum(axis=1)
        spread = (w * (y - centre[:, None]) ** 2).sum(axis=1)
        return 0.5 * (np.log(w).sum(axis=1) - np.log(w.sum(axis=1)) - spread)

    grid = np.concatenate([[0.0], np.geomspace(1e-6, 100, 4000)])
    ours = likelihood(np.array([effects.pool(y, v).tau2]))[0]
    assert ours >= likelihood(grid).max() - 1e-5


@settings(max_examples=40, deadline=None)
@given(studies, st.randoms(use_true_random=False))
def test_pooling_does_not_depend_on_the_order_nor_on_where_zero_is(sample, random):
    y, v = sample
    pooled = effects.pool(y, v)
    order = list(range(len(y)))
    random.shuffle(order)
    again = effects.pool(y[order] + 5, v[order])
    assert again.estimate - 5 == pytest.approx(pooled.estimate, abs=1e-4)
    assert again.ci_high - again.ci_low == pytest.approx(pooled.ci_high - pooled.ci_low, rel=1e-3)
    assert y.min() - 1e-9 <= pooled.estimate <= y.max() + 1e-9
    wald = effects.pool(y, v, interval="wald")
    assert wald.ci_low >= pooled.ci_low - 1e-9
    assert wald.ci_high <= pooled.ci_high + 1e-9


def test_prediction_interval_from_five_studies():
    y, v = compare.bcg()
    assert np.isnan(effects.pool(y[:4], v[:4]).prediction_low)
    assert any("no prediction interval" in note for note in effects.pool(y[:4], v[:4]).notes)
    assert np.isfinite(effects.pool(y[:5], v[:5]).prediction_low)


def test_a_wider_level_gives_a_wider_interval():
    y, v = compare.bcg()
    narrow, wide = effects.pool(y, v, level=90), effects.pool(y, v, level=99)
    assert wide.ci_low < narrow.ci_low < narrow.ci_high < wide.ci_high


def test_leave_one_out_is_pooling_without_the_one():
    y, v = compare.bcg()
    frame = effects.leave_one_out(y, v, labels=[f"trial {one}" for one in range(13)])
    assert list(frame.left_out) == [f"trial {one}" for one in range(13)]
    assert frame.estimate[7] == effects.pool(np.delete(y, 7), np.delete(v, 7)).estimate
    with pytest.raises(ValueError, match="at least three"):
        effects.leave_one_out(y[:2], v[:2])


@pytest.mark.parametrize(
    ("estimates", "variances", "options", "said"),
    [
        ([0.1], [0.1], {}, "at least two"),
        ([0.1, 0.2], [0.1], {}, "2 estimates and 1 variances"),
        ([0.1, np.nan], [0.1, 0.1], {}, "estimates number 2 is missing"),
        ([0.1, 0.2], [0.1, 0.0], {}, "variance number 2 is not above zero"),
        ([0.1, "x"], [0.1, 0.1], {}, "must be numbers"),
        ([[0.1, 0.2]], [0.1, 0.1], {}, "one row of numbers"),
        ([0.1, 0.2], [0.1, 0.1], {"interval": "t"}, "'hartung-knapp' and 'wald'"),
        ([0.1, 0.2], [0.1, 0.1], {"level": 100}, "between 0 and 100"),
    ],
)
def test_bad_numbers_are_refused_with_the_reason(estimates, variances, options, said):
    with pytest.raises(ValueError, match=said):
        effects.pool(estimates, variances, **options)


# ---------------------------------------------------------------------- one scale


@settings(max_examples=60)
@given(st.floats(-4, 4), st.floats(0.01, 2), st.floats(50, 99.9))
def test_standard_errors_come_back_from_intervals_of_any_level(log_estimate, se, level):
    from scipy.stats import norm

    reach = norm.ppf(0.5 + level / 200) * se
    limits = np.exp([log_estimate - reach, log_estimate + reach])
    estimate, error = effects.log_ratio(np.exp(log_estimate), limits[0], limits[1], level)
    assert estimate[0] == pytest.approx(log_estimate, abs=1e-9)
    assert error[0] == pytest.approx(se, rel=1e-9)
    assert effects.off_centre(np.exp([log_estimate]), limits[:1], limits[1:])[0] == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize(
    ("numbers", "said"),
    [
        ((0.0, 0.5, 2.0), "estimate 0 is not above zero"),
        ((1.0, -0.5, 2.0), "ci_low -0.5 is not above zero"),
        ((1.0, 2.0, 0.5), "limits in the wrong order"),
        ((1.0, np.nan, 2.0), "missing"),
        ((1.0, 0.5, 2.0, 0.0), "in per cent"),
    ],
)
def test_what_is_no_ratio_is_refused(numbers, said):
    with pytest.raises(ValueError, match=said):
        effects.log_ratio(*numbers)


def test_few_intervals_from_abstracts_include_no_effect(corpus):
    frame = effects.ratios(corpus)
    abstracts = effects.from_abstracts(frame)
    assert abstracts.includes_no_effect.sum() == ((abstracts.ci_low < 1) & (abstracts.ci_high > 1)).sum()
    assert abstracts.includes_no_effect.mean() < 0.05
    tables = frame[(frame.level == "primary") & frame.locator.str.startswith("table")]
    assert abstracts.includes_no_effect.mean() < tables.includes_no_effect.mean()
    assert set(frame.scale) <= {"OR", "RR", "HR", "PR", "IRR"}
    back = np.exp(frame.log_estimate + 1.959964 * frame.se * (1 - frame.off_centre))
    assert np.allclose(back[frame.ci_level == 95], frame.ci_high[frame.ci_level == 95], rtol=1e-4)


# ---------------------------------------------------------------------- what is alike


def alike(corpus, findings, **same):
    """Return the corpus with one comparison, in which these findings are said to be alike."""
    columns = {"exposure": "police", "outcome": "sharing", "comparator": "none", "population": "people", **same}
    keys = corpus.findings.set_index("finding").key
    sample = corpus.studies.set_index("key")["sample"]
    rows = [
        {"comparison": "tried", "finding": one, "reason": "test", "sample": sample.get(keys[one]), **columns}
        for one in findings
    ]
    table = pd.DataFrame(rows)
    table["sample"] = table["sample"].fillna(table.finding.str.rpartition(".")[0])
    return replace(corpus, comparisons=table.astype("str"))


# Adjusted odds ratios of receptive sharing or lending, of three samples.
THREE = ["lunze2014punitive.3", "pollini2008syringe.2", "bluthenthal1999drug.1"]


def test_no_comparison_of_this_corpus_is_pooled_and_each_says_why(corpus):
    known = effects.comparisons(corpus)
    assert len(known) == corpus.comparisons.comparison.nunique()
    for name, comparison in known.items():
        assert comparison.refusal.startswith(f"{name} is not pooled")
        assert "3 are needed" in comparison.refusal or "none is" in comparison.refusal
        with pytest.raises(effects.Refused, match="not pooled"):
            comparison.pool()


def test_every_candidate_of_a_comparison_is_shown_with_its_reason(corpus):
    known = effects.comparisons(corpus)
    shown = pd.concat([one.estimates for one in known.values()])
    assert sorted(shown.finding) == sorted(corpus.comparisons.finding)
    assert (shown.reason.str.len() > 10).all()
    assert ((shown.set_aside == "") <= shown.log_estimate.notna()).all()


def test_overview_counts_what_is_there(corpus):
    frame = effects.overview(corpus).set_index("comparison")
    assert frame.examined.sum() == len(corpus.comparisons)
    assert not frame.pooled.any()
    assert (frame.alike <= frame.samples).all()
    assert frame.samples["confiscation-hiv"] == 1
    assert frame.unread["arrest-sharing"] == 7


def test_an_interval_without_a_width_is_no_interval(corpus):
    changed = corpus.effects.copy()
    changed.loc[changed.finding == THREE[0], ["estimate", "ci_low", "ci_high"]] = 1.0
    edited = alike(replace(corpus, effects=changed), THREE)
    assert THREE[0] not in set(effects.ratios(edited).finding)
    assert "no interval on the page read (1)" in effects.comparisons(edited)["tried"].refusal


def test_three_samples_that_are_alike_are_pooled_and_marked(corpus):
    comparison = effects.comparisons(alike(corpus, THREE))["tried"]
    assert comparison.refusal == ""
    ((words, pooled),) = comparison.pool().items()
    assert words == "police → sharing, OR, adjusted"
    rows = comparison.usable
    assert pooled.k == 3
    assert pooled.estimate == effects.pool(rows.log_estimate, rows.se**2).estimate
    assert any("biased upward" in note for note in pooled.notes)
    assert len(comparison.leave_one_out()[words]) == 3


@pytest.mark.parametrize("column", ["exposure", "outcome", "comparator"])
def test_what_differs_is_not_pooled(corpus, column):
    edited = alike(corpus, THREE)
    edited.comparisons.loc[0, column] = "another"
    refusal = effects.comparisons(edited)["tried"].refusal
    assert f"2 {column}s (" in refusal
    assert "another" in refusal
    assert "The largest set that is alike has 2 independent samples" in refusal


def test_measures_and_adjustment_stay_apart(corpus):
    for column, value, said in (("measure", "AHR", "2 measures"), ("adjusted", False, "2 kinds of adjustment"),
                                ("adjusted", pd.NA, "2 kinds of adjustment")):  # fmt: skip
        changed = corpus.effects.copy()
        changed.loc[changed.finding == THREE[0], column] = value
        edited = alike(replace(corpus, effects=changed), THREE)
        assert said in effects.comparisons(edited)["tried"].refusal


def test_quoted_and_pooled_numbers_never_enter(corpus):
    quoted = [f"baker2020policing.{one}" for one in (4, 5, 6)] + ["stone2018incarceration.1", "platt2018associations.2"]
    comparison = effects.comparisons(alike(corpus, quoted + THREE))["tried"]
    assert set(comparison.usable.finding) == set(THREE)
    aside = comparison.estimates.set_index("finding").set_aside
    assert aside["baker2020policing.4"].startswith("quoted")
    assert aside["stone2018incarceration.1"].startswith("a review's own")


def test_one_estimate_a_sample_chosen_without_looking_at_the_values(corpus):
    several = [*THREE, "pollini2008syringe.4", "pollini2008syringe.5", "landsberg2016declining.3", "wood2005recent.1",
               "milloy2013incarceration.2"]  # fmt: skip
    comparison = effects.comparisons(alike(corpus, several))["tried"]
    assert not comparison.usable["sample"].duplicated().any()
    chosen = set(comparison.usable.finding)
    # The largest publication of the Vancouver cohorts, and the first finding of the other.
    assert {"landsberg2016declining.3", "pollini2008syringe.2"} <= chosen
    generator = np.random.default_rng(0)
    for _ in range(5):
        changed = corpus.effects.copy()
        factor = np.exp(generator.normal(0, 2, len(changed)))
        for name in ("estimate", "ci_low", "ci_high"):
            changed[name] = changed[name] * factor
        again = effects.comparisons(alike(replace(corpus, effects=changed), several))["tried"]
        assert set(again.usable.finding) == chosen


def test_two_publications_of_one_sample_cannot_pass_for_two(spoil):
    folder = spoil("data/comparisons.csv", "women who sell sex and inject drugs,fsw-pwid-tijuana-juarez", "women,other")
    (problem,) = check(folder)
    assert (problem.file, problem.field, problem.value) == ("data/comparisons.csv", "sample", "other")
    assert "fsw-pwid-tijuana-juarez" in problem.reason


def test_an_estimate_that_is_not_there_is_refused(spoil):
    folder = spoil("data/comparisons.csv", "beletsky2014syringe.2", "beletsky2014syringe.99")
    assert any("findings.csv has no such finding" in problem.reason for problem in check(folder))


# ---------------------------------------------------------------------- directions


def test_direction_is_that_of_the_estimate_not_of_its_significance(corpus):
    cells = effects.directions(corpus, "policing", "equipment-sharing")
    nyc = cells[cells["sample"] == "nhbs-idu-nyc"]
    row = corpus.effects.set_index("finding").loc["beletsky2014syringe.2"]
    assert row.ci_low < 1 < row.estimate
    assert corpus.findings.set_index("finding").direction["beletsky2014syringe.2"] == "harm"
    assert (nyc.direction == "harm").any()


def test_a_sample_whose_findings_disagree_is_mixed(corpus):
    cells = effects.directions(corpus, "policing", ["mechanism", "harm", "rights"])
    stated = cells.harm + cells.benefit
    share = cells[["harm", "benefit"]].max(axis=1) / cells.findings
    assert (cells.direction[(share < effects.CONSISTENT) & (stated == cells.findings)] == "mixed").all()
    assert not cells.duplicated(["sample", "outcome"]).any()
    reviews = cells["keys"].map(lambda keys: bool(set(keys) & corpus.reviews))
    assert not reviews.any()


def test_themes_and_domains_that_are_not_there_are_named(corpus):
    with pytest.raises(ValueError, match="neither a theme nor a domain"):
        effects.directions(corpus, "polcing", "harm")


def test_sign_test():
    assert effects.sign_test(6, 0) == pytest.approx(2 / 2**6)
    assert effects.sign_test(5, 5) == pytest.approx(1)
    assert np.isnan(effects.sign_test(5, 0))
