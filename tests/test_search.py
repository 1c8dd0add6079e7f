"""What a user of search and keyword in context relies on."""

from __future__ import annotations

import pytest

import litbench as lb


def test_the_best_match_stands_first_and_every_row_has_a_word(corpus: lb.Corpus) -> None:
    found = lb.search(corpus, "confiscated syringes", n=15)
    assert found.columns.tolist() == ["score", "citation", "field", "text", "finding", "key"]
    assert len(found) == 15
    assert found.score.is_monotonic_decreasing
    assert found.text.str.contains("confiscated|syringes", case=False).all()
    assert found.text.iloc[0].lower().count("syringe") + found.text.iloc[0].lower().count("confiscat") >= 2
    assert found.citation.notna().all()


def test_spelling_and_accents_do_not_matter(corpus: lb.Corpus) -> None:
    assert lb.search(corpus, "DÉCRIMINALIZATION").equals(lb.search(corpus, "decriminalisation"))


def test_a_search_without_matches_is_empty_and_one_without_words_is_refused(corpus: lb.Corpus) -> None:
    assert lb.search(corpus, "zzzqqq").empty
    with pytest.raises(ValueError, match="needs words"):
        lb.search(corpus, " ... ")


def test_a_rare_word_outweighs_a_common_one(corpus: lb.Corpus) -> None:
    assert "naloxone" in lb.search(corpus, "police naloxone", n=1).text.iloc[0].lower()


def test_kwic_shows_every_place_sorted_by_what_stands_beside_it() -> None:
    texts = ["The raids displaced people. Displacement moved zebras.", "After displacing apples, none."]
    right = lb.kwic("displac*", texts, window=2)
    assert right.data[["left", "keyword", "right", "text"]].values.tolist() == [
        ["After", "displacing", "apples, none.", 1],
        ["displaced people.", "Displacement", "moved zebras.", 0],
        ["The raids", "displaced", "people. Displacement", 0],
    ]
    assert lb.kwic("displac*", texts, window=2, sort="left").data.left.tolist() == [
        "After",
        "displaced people.",
        "The raids",
    ]
    assert lb.kwic("displac*", texts, sort="place").data.keyword.tolist() == ["displaced", "Displacement", "displacing"]


def test_kwic_of_the_corpus_names_the_study(corpus: lb.Corpus) -> None:
    found = lb.kwic("displac*", corpus)
    assert len(found) >= 5
    assert found.data.columns.tolist() == ["left", "keyword", "right", "citation", "field", "finding", "key"]
    assert found.data.keyword.str.lower().str.startswith("displac").all()
    assert found.data.key.isin(corpus.studies.key).all()


def test_kwic_escapes_and_says_when_there_is_none() -> None:
    assert "<i>" not in lb.kwic("arrest", "<i>an arrest</i>")._repr_html_()
    assert "none of the texts" in repr(lb.kwic("arrest", ["nothing"]))
    with pytest.raises(lb.PatternError):
        lb.kwic("(a", ["a"])
    with pytest.raises(ValueError, match="sort"):
        lb.kwic("a", ["a"], sort="up")
