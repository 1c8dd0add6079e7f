"""The figures of evidence synthesis: their numbers, and their layout with 10, 300 and 3,000 studies."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from layout import collisions

from litbench import charts, effects

POLICING = ("policing", ("mechanism", "harm", "rights"))


@pytest.mark.parametrize("name", ["arrest-sharing", "confiscation-hiv", "seizure-overdose", "violence-sharing"])
def test_a_forest_without_a_pooled_row_says_why(corpus, name):
    chart = charts.comparison_forest(corpus, name)
    assert collisions(chart.figure) == []
    assert set(chart.data.row) == {"estimate"}
    said = " ".join(text.get_text() for text in chart.figure.texts).replace("\n", " ")
    assert "is not pooled" in said
    assert len(chart.data) == (corpus.comparisons.comparison == name).sum()


def test_a_comparison_that_is_not_there_is_named_with_those_that_are(corpus):
    with pytest.raises(ValueError, match="known are: arrest-"):
        charts.comparison_forest(corpus, "arrests")


def studies(number: int) -> pd.DataFrame:
    generator = np.random.default_rng(4)
    y = generator.normal(0.4, 0.5, number)
    se = generator.uniform(0.05, 0.9, number)
    return pd.DataFrame(
        {
            "label": [f"Study {one} et al. 2001\nof a long exposure, number {one}" for one in range(number)],
            "estimate": np.exp(y),
            "ci_low": np.exp(y - 1.96 * se),
            "ci_high": np.exp(y + 1.96 * se),
        }
    )


@pytest.mark.parametrize("number", [2, 10, 300, 3000])
def test_forest_and_funnel_at_any_size(number):
    frame = studies(number)
    y, se = effects.log_ratio(frame.estimate, frame.ci_low, frame.ci_high)
    pooled = effects.pool(y, se**2)
    chart = charts.forest(frame.assign(weight=pooled.weights, subgroup="All"), {"All": pooled, "": pooled})
    assert collisions(chart.figure) == []
    assert (chart.data.row == "estimate").sum() == number
    row = chart.data[chart.data.row == "pooled"].iloc[-1]
    assert row.estimate == pytest.approx(np.exp(pooled.estimate))
    assert row.ci_high == pytest.approx(np.exp(pooled.ci_high))
    if number < effects.FUNNEL_FROM:
        with pytest.raises(effects.Refused, match="under 10"):
            charts.funnel(y, se**2)
    else:
        assert collisions(charts.funnel(y, se**2).figure) == []


def test_the_pooled_row_of_a_comparison_is_what_pool_gives(corpus):
    findings = ["bluthenthal1999drug.1", "lunze2014punitive.3", "pollini2008syringe.2"]
    table = corpus.comparisons[corpus.comparisons.finding.isin(findings)].assign(
        comparison="alike", exposure="police", outcome="sharing", comparator="none"
    )
    edited = replace(corpus, comparisons=table)
    chart = charts.comparison_forest(edited, "alike")
    assert collisions(chart.figure) == []
    (result,) = effects.comparisons(edited)["alike"].pool().values()
    row = chart.data.set_index("row").loc["pooled"]
    assert row.estimate == pytest.approx(np.exp(result.estimate))
    assert chart.data.weight[chart.data.row == "estimate"].sum() == pytest.approx(100)
    said = " ".join(text.get_text() for text in chart.figure.texts).replace("\n", " ")
    assert "biased upward" in said


def test_intervals_from_abstracts_counts_what_it_draws(corpus):
    data = charts.intervals_from_abstracts(corpus).data
    effect = corpus.effects.merge(corpus.findings[["finding", "key", "locator"]]).merge(corpus.studies[["key", "read"]])
    wanted = effect[
        (effect.level == "primary")
        & (effect["read"] == "abstract")
        & ~effect.locator.str.startswith("table")
        & effect.ci_low.notna()
        & effect.measure.isin(list(effects.SCALES))
    ]
    assert set(data.finding) == set(wanted.finding)
    assert data.includes_no_effect.sum() == ((wanted.ci_low < 1) & (wanted.ci_high > 1)).sum()
    assert ((data.nearest < 1) == data.includes_no_effect).all()


def test_effect_direction_gives_one_sign_a_sample_and_outcome(corpus):
    data = charts.effect_direction(corpus, *POLICING).data
    assert not data.duplicated(["sample", "outcome"]).any()
    cells = effects.directions(corpus, *POLICING)
    assert len(cells) == len(data)


def test_rows_are_shaded_by_appraisal_where_it_could_be_judged(corpus):
    some = corpus.where(key=["lunze2014punitive", "lunze2016sexual", "seal2001predictors"])

    def judged(answers: list[str], keys=("lunze2014punitive", "lunze2016sexual")) -> pd.Series:
        items = pd.DataFrame({"answer": answers, "item": [f"q{one}" for one in range(len(answers))]})
        table = pd.concat([items.assign(key=key, checklist="JBI", reason="test") for key in keys])
        chart = charts.effect_direction(replace(some, appraisal=table), *POLICING)
        assert collisions(chart.figure) == []
        return chart.data.set_index(["sample", "outcome"]).appraisal

    unread = "cannot be judged from the abstract"
    for answers, shade in (
        (["yes", "yes", unread], "few concerns"),
        (["yes", "no", "unclear"], "some concerns"),
        (["no", "no", "no", unread], "serious concerns"),
        (["yes", unread, unread], "cannot be judged"),
        (["yes", "not applicable", "not applicable"], "few concerns"),
    ):
        appraisal = judged(answers)
        assert set(appraisal["st-petersburg-hiv-pwid"]) == {shade}
        assert set(appraisal["seal2001predictors"]) == {"not appraised"}
    # One publication of two is not enough for a clean sample, but is for one with concerns.
    cell = ("st-petersburg-hiv-pwid", "equipment-sharing")
    assert judged(["yes"], keys=["lunze2014punitive"])[cell] == "not appraised"
    assert judged(["no", "no", "no"], keys=["lunze2014punitive"])[cell] == "serious concerns"


def test_prisma_begins_where_the_log_does(corpus):
    flow = charts.prisma_flow(corpus).data
    data = flow[flow.criterion == ""].set_index("box").records
    reasons = flow[flow.criterion != ""].groupby("box").records.sum()
    assert reasons["excluded"] == data["excluded"] and reasons["awaiting"] == data["awaiting"]
    assert data["identified"] == len(corpus.screening)
    assert data["identified"] == data["excluded"] + data["awaiting"] + data["included"]
    assert data["before"] == (corpus.studies.identification_route == "curated").sum()


def test_every_study_is_in_one_combination_of_themes(corpus):
    data = charts.theme_sets(corpus, ["arrest", "fear-avoidance", "overdose"]).data
    codes = corpus.agreed[corpus.agreed.theme.isin(["arrest", "fear-avoidance", "overdose"])]
    assert data.publications.sum() == codes.key[~codes.key.isin(corpus.reviews)].nunique()
    assert data.themes.is_unique
    with pytest.raises(ValueError, match="No theme 'arrests'"):
        charts.theme_sets(corpus, ["arrests"])


def test_pathways_are_within_findings(corpus):
    data = charts.pathways(corpus).data
    top = data[(data.start_role == "exposure") & (data.end_role == "mechanism")].iloc[0]
    codes = corpus.agreed[~corpus.agreed.key.isin(corpus.reviews)]
    start = codes[(codes.theme == top.start) & (codes.role == "exposure")]
    end = codes[
        (codes.theme == top.end)
        & ((codes.role == "mechanism") | ((codes.domain == "mechanism") & (codes.role == "outcome")))
    ]
    assert start[start.finding.isin(end.finding)].key.nunique() == top.publications
    assert "not causal" in charts.pathways(corpus).title
