"""What a user relies on when the corpus leaves: every format holds all of it, and opens without running anything."""

import json
import sqlite3
from dataclasses import replace
from pathlib import Path

import openpyxl
import pandas as pd
import pytest

import litbench as lb
from litbench import _formats
from litbench._export import TABLES, spreadsheet_safe
from litbench.cli import main


@pytest.fixture(scope="module")
def corpus():
    return lb.load_corpus()


FIELDS = ["title", "authors", "year", "journal", "volume", "issue", "pages", "doi", "pmid", "pmcid"]


@pytest.mark.parametrize("kind", ["ris", "bib", "json"])
def test_the_records_come_back_as_they_were(corpus, tmp_path, kind):
    lb.export(corpus, tmp_path / f"x.{kind}")
    back, rejected = _formats.read_library(tmp_path / f"x.{kind}")
    assert rejected.empty
    back = back.set_index("cited_as").loc[corpus.studies.key, FIELDS].astype("str").fillna("")
    here = corpus.studies.set_index("key")[FIELDS].astype("str").fillna("")
    # A double hyphen in a title is LaTeX's dash, and comes back as one.
    here["title"] = here.title.str.replace("--", "–") if kind == "bib" else here.title
    pd.testing.assert_frame_equal(back, here, check_names=False)


def test_bibtex_of_the_corpus_is_the_file_of_the_corpus(corpus, tmp_path):
    lb.export(corpus, tmp_path / "x.bib")
    assert (tmp_path / "x.bib").read_text() == (Path(__file__).parents[1] / "references.bib").read_text()


def test_csl_json_has_what_reference_managers_need(corpus, tmp_path):
    items = json.loads(lb.export(corpus, tmp_path / "x.json").read_text())
    assert len(items) == len(corpus)
    assert all({"id", "type", "title", "author", "issued"} <= set(item) for item in items)


@pytest.mark.parametrize("table", TABLES)
def test_every_table_comes_back_from_csv_and_parquet(corpus, tmp_path, table):
    frame = getattr(corpus, table)
    text = pd.read_csv(lb.export(corpus, tmp_path / "x.csv", table), dtype="str", keep_default_na=False)
    assert list(text.columns) == list(frame.columns) and len(text) == len(frame)
    stored = pd.read_parquet(lb.export(corpus, tmp_path / "x.parquet", table))
    plain = frame.astype(dict.fromkeys(frame.columns[frame.dtypes == "category"], "str"))
    pd.testing.assert_frame_equal(stored, plain, check_dtype=False)


def test_sqlite_and_excel_hold_all_tables(corpus, tmp_path):
    small = corpus.where(country="MEX")
    lb.export(small, tmp_path / "x.sqlite")
    with sqlite3.connect(tmp_path / "x.sqlite") as database:
        for name in TABLES:
            rows = database.execute(f"SELECT count(*) FROM {name}").fetchone()[0]
            assert rows == len(getattr(small, name))
        joined = "SELECT count(*) FROM findings JOIN studies USING (key)"
        assert database.execute(joined).fetchone()[0] == len(small.findings)
    sheets = pd.read_excel(lb.export(small, tmp_path / "x.xlsx"), sheet_name=None)
    assert {name: len(sheet) for name, sheet in sheets.items()} == {name: len(getattr(small, name)) for name in TABLES}


@pytest.mark.parametrize("style", ["apa", "nature", "american-medical-association"])
def test_a_list_of_references_is_formatted_in_any_style(corpus, tmp_path, style):
    small = corpus.where(country="MEX")
    lines = lb.export(small, tmp_path / "x.md", style=style).read_text().splitlines()
    assert len(lines) == len(small) and all(line.startswith("- ") for line in lines)


RISKY = ["=1+1", "+1", "-cmd|' /C calc'!A0", "@SUM(A1)", "\t=1", "\r=1", '=HYPERLINK("http://x","y")']


@pytest.mark.parametrize("cell", RISKY)
def test_no_cell_starts_a_formula(corpus, tmp_path, cell):
    small = corpus.where(country="Kenya")
    studies = small.studies.head(2).copy()
    studies["summary"] = pd.Series([cell, "-0.5 or so"], dtype="str")
    one = replace(small, studies=studies)
    back = pd.read_csv(lb.export(one, tmp_path / "x.csv"), keep_default_na=False, dtype="str")
    assert len(back) == 2
    assert back.summary[0] == (cell if cell == "+1" else "'" + cell.strip())
    sheet = openpyxl.load_workbook(lb.export(one, tmp_path / "x.xlsx"))["studies"]
    assert all(value.data_type != "f" for row in sheet.iter_rows() for value in row)


def test_safe_text_stays_as_it_is(corpus):
    frame = corpus.findings
    pd.testing.assert_frame_equal(spreadsheet_safe(frame), frame)


def test_what_is_not_written_is_said_and_a_file_there_is_kept(corpus, tmp_path):
    (tmp_path / "x.docx").write_text("mine")
    with pytest.raises(ValueError, match=r"does not write \.docx"):
        lb.export(corpus, tmp_path / "x.docx")
    with pytest.raises(ValueError, match="No table 'study'"):
        lb.export(corpus, tmp_path / "x.csv", "study")
    with pytest.raises(ValueError, match="Near names: apa"):
        lb.export(corpus, tmp_path / "x.txt", style="apaa")
    assert (tmp_path / "x.docx").read_text() == "mine"


def test_a_filtered_part_is_exported_from_the_command_line(tmp_path, capsys):
    file = tmp_path / "mexico.ris"
    assert main(["export", str(file), "--country", "Mexico", "--year", "2015-2020"]) == 0
    assert "country: Mexico; years: 2015 to 2020" in capsys.readouterr().out
    frame, _ = _formats.read_library(file)
    assert len(frame) and frame.year.between(2015, 2020).all()
    assert main(["export", str(file), "--theme", "no-such-theme"]) == 1
    assert "No theme" in capsys.readouterr().err
