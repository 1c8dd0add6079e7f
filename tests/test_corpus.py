from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import pandas as pd
import pytest
from conftest import ROOT

import litbench as lb


def test_everything_belongs_together(corpus):
    keys = set(corpus.studies.key)
    assert len(keys) == len(corpus) == len(corpus.studies)
    assert set(corpus.findings.key) == keys
    assert set(corpus.places.key) <= keys
    assert set(corpus.effects.finding) <= set(corpus.findings.finding)
    assert set(corpus.codes.finding) == set(corpus.findings.finding)
    assert corpus.agreed.finding.nunique() == len(corpus.findings)


def test_types_are_real(corpus):
    assert isinstance(corpus.studies.design.dtype, pd.CategoricalDtype)
    assert corpus.studies.year.dtype == "Int64"
    assert corpus.studies.open_access.dtype == "boolean"
    assert corpus.effects.estimate.dtype == "float64"
    for frame in (corpus.studies, corpus.findings, corpus.effects, corpus.codes, corpus.places, corpus.themes):
        assert not any(pd.api.types.is_object_dtype(kind) for kind in frame.dtypes)


def test_tijuana_paper_is_whole(corpus):
    paper = corpus.where(key="morales2020pick")
    assert len(paper.findings) == 75
    assert paper.findings.locator.str.contains(r"p\. \d").sum() > 50
    assert len(paper.methods_notes()) == 7
    assert paper.studies.read.tolist() == ["full text"]


def test_where_narrows_everything(corpus):
    part = corpus.where(country="Mexico", design=["qualitative", "cohort"], year=(2010, 2020))
    assert 0 < len(part) < len(corpus)
    assert set(part.studies.design) <= {"qualitative", "cohort"}
    assert part.studies.year.between(2010, 2020).all()
    assert set(part.places.key) == set(part.studies.key) == set(part.findings.key)
    assert set(part.codes.finding) == set(part.findings.finding)
    assert list(part.studies.design.cat.categories) == sorted(
        set(part.studies.design), key=list(corpus.studies.design.cat.categories).index
    )
    assert "country: Mexico" in repr(part)


def test_country_by_name_and_code_are_the_same(corpus):
    assert corpus.where(country="Mexico").studies.equals(corpus.where(country="MEX").studies)
    assert corpus.where(country="russia").studies.equals(corpus.where(country="RUS").studies)


def test_theme_keeps_all_findings_of_its_studies_and_says_so(corpus):
    part = corpus.where(theme="displacement")
    with_theme = set(corpus.agreed.key[corpus.agreed.theme == "displacement"])
    assert set(part.studies.key) == with_theme
    assert len(part.findings) == corpus.findings.key.isin(with_theme).sum()
    assert "all findings" in repr(part)


def test_findings_where_keeps_those_findings_alone(corpus):
    part = corpus.findings_where(theme="displacement", claim="association")
    assert (part.findings.claim == "association").all()
    ids = set(corpus.agreed.finding[corpus.agreed.theme == "displacement"])
    assert set(part.findings.finding) <= ids


def test_text_is_not_a_pattern(corpus):
    assert len(corpus.where(text="(")) < len(corpus)
    assert len(corpus.where(text="no such words anywhere")) == 0


@pytest.mark.parametrize(
    ("condition", "hint"),
    [
        ({"country": "Mexco"}, "mexico"),
        ({"theme": "displacment"}, "displacement"),
        ({"design": "cohorts"}, "cohort"),
        ({"key": "moralez2020pick"}, "morales2020pick"),
    ],
)
def test_a_slip_is_answered_with_a_near_name(corpus, condition, hint):
    with pytest.raises(ValueError, match=hint):
        corpus.where(**condition)


def test_a_retired_theme_names_its_successors(corpus):
    with pytest.raises(ValueError, match="arrest, incarceration"):
        corpus.where(theme="arrest-detention")


def test_an_empty_answer_is_a_corpus(corpus):
    nothing = corpus.where(year=1900)
    assert len(nothing) == 0
    assert "0 publications" in repr(nothing)
    assert nothing._repr_html_()
    assert len(nothing.where(country="Mexico")) == 0


def test_evidence_leads_to_places_and_puts_reviews_last(corpus):
    trail = corpus.evidence("arrest")
    assert set(trail.finding) == set(corpus.agreed.finding[corpus.agreed.theme == "arrest"])
    assert trail.locator.notna().all()
    review = trail.key.isin(corpus.reviews).to_numpy()
    assert (review[:-1] <= review[1:]).all()


def test_error_rates_are_faults_over_what_was_compared(corpus):
    checks = pd.DataFrame(
        {
            "key": ["a", "b", "a"],
            "round": [1, 1, 2],
            "fields": [10, 15, 20],
            "findings": [4, 6, 5],
            "estimates": [2, 3, 0],
        }
    )
    faults = [
        ("a", 1, "references", "", "volume", "empty"),
        ("a", 1, "studies", "", "n", "wrong"),
        ("b", 1, "findings", "b.1", "statement", "overstated"),
        ("b", 1, "findings", "b.1", "outcome", "wrong"),  # the statement counts, not each of its columns
        ("b", 1, "effects", "b.1", "comparator", "empty"),
        ("b", 1, "effects", "b.2", "ci_low", "wrong"),
    ]
    audit = pd.DataFrame(faults, columns=["key", "round", "table", "item", "field", "fault"])
    rates = replace(corpus, checks=checks, audit=audit).audit_rates().set_index(["round", "part"])
    assert rates.loc[(1, "fields"), ["studies", "compared", "wrong", "empty", "percent"]].tolist() == [2, 25, 1, 1, 8.0]
    assert rates.loc[(1, "statements"), ["compared", "overstated", "wrong", "percent"]].tolist() == [10, 1, 0, 10.0]
    assert rates.loc[(1, "numbers"), ["compared", "wrong", "percent"]].tolist() == [5, 1, 20.0]
    assert rates.loc[(2, "statements"), "percent"] == 0
    assert pd.isna(rates.loc[(2, "numbers"), "percent"]), "nothing was compared, so there is no rate"


def test_coverage_counts_what_each_review_included(corpus):
    review = sorted(corpus.reviews)[0]
    rows = [(review, "One 2001", "in"), (review, "Two 2002", "lacking"), (review, "Three 2003", "lacking")]
    coverage = pd.DataFrame(rows, columns=["review", "included", "status"])
    table = replace(corpus, coverage=coverage).coverage_summary()
    assert len(table) == len(corpus.reviews)
    assert table.loc[0, ["seen", "in_corpus", "lacking", "excluded"]].tolist() == [3, 1, 2, 0]
    assert not table.seen[1:].any(), "a review whose list nobody saw says so"


def test_samples_are_counted_once(corpus):
    shared = corpus.studies.dropna(subset=["sample"]).groupby("sample").key.agg(list)
    many = next(keys for keys in shared if len(keys) > 2)
    assert corpus.count_samples(many) == 1
    unknown = corpus.studies.key[corpus.studies["sample"].isna()].head(5)
    assert corpus.count_samples(unknown) == 5


def test_cite_formats_by_style(corpus):
    apa = corpus.cite("morales2020pick")
    assert apa.startswith("Morales, M., Rafful, C., Baker, P.")
    assert "Health & Justice" in apa
    assert "https://doi.org/10.1186/s40352-020-00111-9" in apa
    nature = corpus.cite(["morales2020pick", "humanrightswatch2004enough"], style="nature")
    assert nature[0] != apa
    assert nature[1].startswith("Human Rights Watch")
    with pytest.raises(ValueError, match="american-medical-association"):
        corpus.cite("morales2020pick", style="american-medical")


def test_an_incomplete_author_list_is_cited_as_such(corpus):
    incomplete = corpus.studies[~corpus.studies.authors_complete]
    assert len(incomplete)
    for key, citation in zip(incomplete.key, incomplete.citation, strict=True):
        assert "et al." in citation
        assert "et al." in corpus.cite(key)


def test_corpus_is_found_from_below_and_by_environment(monkeypatch, copy, tmp_path):
    monkeypatch.delenv("LITBENCH_CORPUS", raising=False)
    (copy / "notebooks").mkdir()
    monkeypatch.chdir(copy / "notebooks")
    assert len(lb.load_corpus())
    monkeypatch.chdir("/")
    with pytest.raises(lb.CorpusError, match="LITBENCH_CORPUS"):
        lb.load_corpus()
    monkeypatch.setenv("LITBENCH_CORPUS", str(copy))
    assert len(lb.load_corpus())
    with pytest.raises(lb.CorpusError, match=r"has no data.datapackage\.json"):
        lb.load_corpus(tmp_path / "data")


def test_a_team_s_own_columns_are_kept(copy):
    path = copy / "data" / "studies.csv"
    lines = path.read_text(encoding="utf-8").split("\n")
    lines = [lines[0] + ",x_priority", *[line + ",high" for line in lines[1:] if line], ""]
    path.write_text("\n".join(lines), encoding="utf-8", newline="")
    assert set(lb.load_corpus(copy).where(country="Mexico").studies.x_priority) == {"high"}


def test_bad_data_is_one_clear_error(spoil):
    folder = spoil("data/findings.csv", ",harm,", ",harmful,")
    with pytest.raises(lb.CorpusError, match=r"data/findings\.csv:\d+: direction \"harmful\": .*vocabulary"):
        lb.load_corpus(folder)


def test_charts_load_only_when_drawn():
    code = "import sys, litbench; print('matplotlib' in sys.modules, 'frictionless' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert done.stdout.split() == ["False", "False"]
