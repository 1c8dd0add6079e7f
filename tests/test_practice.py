"""What stands behind practice: nothing supports a proposition that cannot."""

from __future__ import annotations

import pytest

import litbench as lb
from litbench.check import check

POINTS = 14


def test_each_of_the_fourteen_points_has_its_evidence_or_says_that_there_is_none(corpus):
    summary = corpus.practice_summary()
    assert len(summary) == POINTS
    assert (summary.confidence != "").all()
    bare = summary[(summary.supports == 0) & (summary.qualifies == 0) & (summary.contradicts == 0)]
    assert bare.confidence.str.contains("none in this corpus").all()


def test_recommendations_and_reviews_are_not_counted_as_support(corpus):
    claims = corpus.findings.set_index("finding").claim.astype("str")
    evidence = corpus.proposition_evidence
    supporting = evidence[evidence.stance.isin(["supports", "contradicts"])]
    assert set(supporting.finding.map(claims)) <= {"effect", "association", "view"}
    standing = corpus.standing().set_index("proposition")
    keys = corpus.findings.set_index("finding").key
    one = supporting[supporting.stance == "supports"].assign(key=lambda rows: rows.finding.map(keys))
    one = one[~one.key.isin(corpus.reviews)]
    assert standing.supports.to_dict() == {name: one.key[one.proposition == name].nunique() for name in standing.index}
    assert (standing.samples <= standing.supports).all()


def test_every_number_opens_to_its_findings(corpus):
    behind = corpus.behind("pol-training.2")
    assert len(behind) == (corpus.proposition_evidence.proposition == "pol-training.2").sum()
    assert behind.stance.iloc[0] == "supports"
    with pytest.raises(ValueError, match=r"pol-training\.1"):
        corpus.behind("pol-training.99")


def test_a_recommendation_that_would_support_is_refused(spoil, part):
    evidence = lb.load_corpus(part).proposition_evidence
    called = evidence[evidence.stance == "called-for"].iloc[0]
    row = f"{called.proposition},{called.finding},called-for"
    folder = spoil("data/proposition_evidence.csv", row, row.replace("called-for", "supports"))
    assert any("is a recommendation" in problem.reason for problem in check(folder))


def test_every_study_is_appraised_by_the_checklist_of_its_design(corpus):
    checklists = corpus.appraisal[~corpus.appraisal.checklist.isin(["interests", "ROBINS-E"])]
    assert (checklists.groupby("key").checklist.nunique() == 1).all()
    assert set(checklists.key) == set(corpus.studies.key)
    abstracts = set(corpus.studies.key[corpus.studies.read == "abstract"])
    unclear = corpus.appraisal[(corpus.appraisal.answer == "unclear") & corpus.appraisal.key.isin(abstracts)]
    assert unclear.empty
