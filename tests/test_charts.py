"""Charts are tested by their numbers and their layout."""

from __future__ import annotations

import io

import pandas as pd
import pytest
from layout import collisions

from litbench import charts


def test_numbers_are_those_of_the_corpus(corpus):
    primary = ~corpus.studies.key.isin(corpus.reviews)
    assert charts.studies_by_year(corpus).data.publications.sum() == len(corpus)
    data = charts.themes_by_studies(corpus).data.set_index("theme")
    displacement = corpus.agreed[corpus.agreed.theme == "displacement"]
    assert data.publications["displacement"] == displacement.key[~displacement.key.isin(corpus.reviews)].nunique()
    assert data.reviews["displacement"] == displacement.key[displacement.key.isin(corpus.reviews)].nunique()
    assert (data.samples <= data.publications).all()
    country = charts.studies_by_country(corpus).data.set_index("country").publications
    assert country["Mexico"] == len(corpus.where(country="Mexico"))
    known = charts.known_fields(corpus).data.set_index("field")
    assert known.of.eq(primary.sum()).all()
    matrix = charts.themes_by(corpus, "country").data
    cell = matrix[(matrix.theme == "displacement") & (matrix.group == "Mexico")]
    mexico = corpus.where(country="Mexico", theme="displacement")
    assert cell.publications.iloc[0] == len(set(mexico.studies.key) - mexico.reviews)


def test_the_error_rates_are_those_of_the_logs(corpus):
    data = charts.error_rates(corpus).data.set_index(["round", "part"])
    logged = corpus.audit[(corpus.audit["round"] == 7) & (corpus.audit.field == "statement")]
    assert data.faults[7, "statements"] == len(logged) > 0
    assert data.compared[7, "statements"] == corpus.checks.findings[corpus.checks["round"] == 7].sum()
    assert (data.low <= data.percent).all() and (data.percent <= data.high).all()
    # A rate of nothing in n has the upper limit of the exact interval, 1 - 0.025 ** (1 / n).
    none = data.loc[7, "numbers"]
    assert none.faults == 0 and none.high == pytest.approx(100 * (1 - 0.025 ** (1 / none.compared)))


def test_direction_counts_effects_and_associations_of_studies_alone(corpus):
    data = charts.direction_by_theme(corpus, "policing", "exposure").data
    findings = corpus.findings.set_index("finding")
    codes = corpus.agreed[(corpus.agreed.theme == "arrest") & (corpus.agreed.role == "exposure")]
    codes = codes[~codes.key.isin(corpus.reviews)]
    directed = codes[codes.finding.map(findings.claim.astype("str")).isin(["effect", "association"])]
    harm = directed[directed.finding.map(findings.direction.astype("str")) == "harm"].key.nunique()
    row = data[(data.theme == "arrest") & (data.direction == "harm")]
    assert row.publications.iloc[0] == harm > 0


def test_gap_map_has_the_cells_that_are_told_and_measured(corpus):
    data = charts.evidence_gap_map(corpus, "policing", ("mechanism", "harm", "rights")).data
    assert ((data.measured > 0) | (data.told > 0)).all()
    assert (data.samples <= data.measured).all()
    assert (data.harm <= data.measured).all()


def test_a_chart_can_be_read_aloud_compared_and_saved(corpus, tmp_path):
    chart = charts.studies_by_country(corpus)
    shown = chart._repr_mimebundle_()
    assert f'alt="{chart.title}' in shown["text/html"]
    assert chart.alt in shown["text/plain"]
    numbers = shown["text/plain"].split("\n\n", 1)[1]
    assert pd.read_csv(io.StringIO(numbers)).equals(pd.read_csv(io.StringIO(chart.data.to_csv(index=False))))
    files = chart.save(tmp_path / "new" / "countries")
    assert [file.suffix for file in files] == [".svg", ".png", ".csv"]
    assert pd.read_csv(files[2]).publications.tolist() == chart.data.publications.tolist()
    before = files[0].read_bytes()
    charts.studies_by_country(corpus).save(tmp_path / "new" / "countries")
    assert files[0].read_bytes() == before


def test_one_study_is_drawn_by_its_findings_and_several_are_not(corpus):
    chart = charts.themes_in_study(corpus.where(key="morales2020pick"))
    assert collisions(chart.figure) == []
    with pytest.raises(ValueError, match="narrow it"):
        charts.themes_in_study(corpus)


def test_text_in_charts_and_tables_is_escaped(corpus):
    import litbench as lb

    frame = pd.DataFrame({"statement": ["<script>alert(1)</script>"], "doi": ['10.1/"><b>']})
    html = lb.table(frame, "<i>").__repr__() and lb.table(frame, "<i>")._repr_html_()
    assert "<script>" not in html
    assert "<i>" not in html
    assert '"><b>' not in html


def test_picture_of_the_readme_is_current(corpus):
    from conftest import ROOT

    drawn = charts.evidence_gap_map(corpus, "policing", ("mechanism", "harm", "rights")).data
    stored = pd.read_csv(ROOT / "docs" / "evidence_gap_map.csv")
    pd.testing.assert_frame_equal(stored, drawn, check_dtype=False)
