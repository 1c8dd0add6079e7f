from __future__ import annotations

import pandas as pd
import pytest
from conftest import ROOT
from hypothesis import given
from hypothesis import strategies as st

import litbench as lb
from litbench import references


def test_round_trip_through_the_library_is_byte_for_byte():
    text = (ROOT / "references.bib").read_text(encoding="utf-8")
    frame, problems = references.parse(text)
    assert not problems
    assert references.format(frame) == text


def test_names_are_utf8_without_latex():
    text = (ROOT / "references.bib").read_text(encoding="utf-8")
    assert "Arredondo-Sánchez Lira, Jaime" in text
    assert "Villatoro-Velázquez, Jorge A." in text
    assert not any(mark in text for mark in ("{\\'", "\\'", '{\\"', "\\~", "\\c{"))


def test_fields_are_those_that_reference_managers_know():
    text = (ROOT / "references.bib").read_text(encoding="utf-8")
    frame, _ = references.parse(text)
    names = {line.split("=")[0].strip() for line in text.split("\n") if line.startswith("  ")}
    assert names <= set(references.FIELDS)
    assert set(frame.type) <= {"article", "techreport", "book"}


def test_an_organisation_with_and_in_its_name_is_one_author():
    text = "@book{x2020,\n  author = {{Wake Up and Step Forward} and Moss, Ana\n and others},\n  title = {T},\n}\n"
    frame, _ = references.parse(text)
    assert frame.authors.tolist() == ["Wake Up and Step Forward; Moss, Ana"]
    assert not frame.authors_complete[0]
    assert "{{Wake Up and Step Forward} and Moss, Ana and others}" in references.format(frame)


# What may stand in a field: anything printable but what BibTeX or the separators of names are made of.
_words = st.text(
    st.characters(codec="utf-8", exclude_categories=["C", "Z"], exclude_characters="{}\\;,@\"'~^"),
    min_size=1,
    max_size=12,
).filter(lambda word: word.lower() not in ("and", "others"))
_text = st.lists(_words, min_size=1, max_size=6).map(" ".join)


@given(
    title=_text,
    names=st.lists(st.tuples(_words, _words), min_size=1, max_size=4),
    complete=st.booleans(),
    year=st.integers(1900, 2100),
    issue=st.none() | st.integers(1, 99).map(str),
)
def test_any_record_survives_writing_and_reading(title, names, complete, year, issue):
    record = dict.fromkeys(references.COLUMNS) | {
        "key": "smith2020any",
        "type": "article",
        "title": title,
        "authors": "; ".join(f"{family}, {given}" for family, given in names),
        "authors_complete": complete,
        "year": year,
        "issue": issue,
    }
    text = references.format(pd.DataFrame([record]))
    frame, problems = references.parse(text)
    assert not problems
    row = frame.iloc[0]
    nfc = pd.Series([title, record["authors"]]).str.normalize("NFC")
    assert [row.title, row.authors] == list(nfc)
    assert row.authors_complete == complete
    assert row.year == year
    assert (pd.isna(row.issue) and issue is None) or row.issue == issue
    assert references.format(frame) == references.format(frame.assign(title=row.title))


def test_every_unreadable_block_is_named_with_its_line(tmp_path):
    path = tmp_path / "references.bib"
    path.write_text(
        "@article{a2020one,\n  title = {One},\n  year = {2020},\n}\n\n"
        "@article{b2020two,\n  title = {Two {not closed},\n  year = {2020},\n}\n\n"
        "@article{a2020one,\n  title = {Again},\n}\n",
        encoding="utf-8",
    )
    with pytest.raises(lb.CorpusError) as caught:
        references.read(path)
    lines = sorted(problem.line for problem in caught.value.problems)
    assert lines == [6, 11]
    assert "twice" in str(caught.value)


def test_missing_and_misencoded_files_are_said(tmp_path):
    with pytest.raises(lb.CorpusError, match="is not there"):
        references.read(tmp_path / "references.bib")
    (tmp_path / "references.bib").write_bytes("@article{a, title={É}}".encode("latin-1"))
    with pytest.raises(lb.CorpusError, match="not UTF-8"):
        references.read(tmp_path / "references.bib")


@pytest.mark.parametrize(
    ("authors", "complete", "expected"),
    [
        ("Morales, Mario", True, "Morales 2020"),
        ("Morales, Mario; Rafful, Claudia", True, "Morales & Rafful 2020"),
        ("Morales, Mario; Rafful, Claudia", False, "Morales et al. 2020"),
        ("A, B; C, D; E, F", True, "A et al. 2020"),
        ("Human Rights Watch", True, "Human Rights Watch 2020"),
    ],
)
def test_short_citation(authors, complete, expected):
    assert references.short(authors, complete, 2020) == expected
