"""Bad input gets one clear error: what, where, why, what to do. Never a traceback."""

from __future__ import annotations

import pandas as pd
import pytest
from conftest import ROOT
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from litbench.check import check
from litbench.cli import main

STUDIES, FINDINGS, EFFECTS, CODES, PLACES, EXAMPLES = (
    f"data/{name}.csv" for name in ("studies", "findings", "effects", "codes", "places", "examples")
)


def one(folder, file: str, reason: str):
    """Return the problem of `file` whose reason has `reason`, and see that it says what a newcomer needs."""
    problems = check(folder)
    found = [problem for problem in problems if problem.file == file and reason in problem.reason]
    assert found, "\n".join(map(str, problems[:10])) or "no problem found"
    assert found[0].remedy
    return found[0]


def test_the_corpus_is_sound():
    assert [str(problem) for problem in check(ROOT)] == []


def test_command_line_lists_all_problems_and_fails(spoil, capsys):
    spoil(FINDINGS, ",harm,", ",harmful,")
    folder = spoil(EFFECTS, ",percent,", ",per cent,")
    assert main(["--corpus", str(folder), "check"]) == 1
    out = capsys.readouterr().out
    assert "data/findings.csv:" in out
    assert "data/effects.csv:" in out
    assert main(["--corpus", str(ROOT), "check"]) == 0


# ---------------------------------------------------------------------- the form of files


def test_missing_column(copy):
    path = copy / STUDIES
    rows = path.read_text(encoding="utf-8").split("\n")
    path.write_text("\n".join([rows[0].replace("design,", "desing,"), *rows[1:]]), encoding="utf-8")
    assert one(copy, STUDIES, "column is missing").field == "design"
    assert "Did you mean design" in one(copy, STUDIES, "no such column").remedy


def test_wrong_delimiter(copy):
    path = copy / PLACES
    path.write_text(path.read_text(encoding="utf-8").replace(",", ";"), encoding="utf-8")
    assert "commas" in one(copy, PLACES, "separated by semicolons").remedy


@pytest.mark.parametrize(("encoding", "reason"), [("utf-16", "UTF-16"), ("utf-8-sig", "byte order mark")])
def test_encodings_of_spreadsheets(copy, encoding, reason):
    path = copy / FINDINGS
    path.write_bytes(path.read_text(encoding="utf-8").encode(encoding))
    assert "UTF-8" in one(copy, FINDINGS, reason).remedy


def test_latin_1_is_found_in_its_line(copy):
    path = copy / PLACES
    text = path.read_text(encoding="utf-8")
    line = next(number for number, row in enumerate(text.split("\n"), 1) if "Juárez" in row)
    path.write_bytes(text.encode("latin-1"))
    assert one(copy, PLACES, "not UTF-8").line <= line


def test_empty_and_missing_file(copy):
    (copy / EFFECTS).write_text("")
    (copy / CODES).unlink()
    assert "git checkout" in one(copy, EFFECTS, "empty").remedy
    assert "git checkout" in one(copy, CODES, "missing").remedy


def test_ten_megabyte_cell(spoil):
    folder = spoil(FINDINGS, ",abstract", "," + "x" * 10_000_000)
    problem = one(folder, FINDINGS, "10,000,")
    assert problem.line == 2
    assert len(str(problem)) < 500


def test_unclosed_quotation_mark(spoil):
    folder = spoil(FINDINGS, "\n", '\n"')
    assert one(folder, FINDINGS, "quotation mark").line == 2


def test_comma_too_many(spoil):
    folder = spoil(PLACES, "\n", "\n,")
    assert one(folder, PLACES, "6 cells").line == 2


def test_merge_marks(spoil):
    folder = spoil(CODES, "\n", "\n<<<<<<< HEAD\n")
    assert "both sides" in one(folder, CODES, "conflict mark").remedy


def test_spreadsheet_formula(spoil):
    folder = spoil(FINDINGS, 'ruined.1,abadie2017ruined,"', 'ruined.1,abadie2017ruined,"=')
    assert one(folder, FINDINGS, "formula").field == "statement"


# ---------------------------------------------------------------------- the bibliography


def test_unclosed_brace(spoil):
    folder = spoil("references.bib", "  title = {", "  title = {{")
    assert one(folder, "references.bib", "cannot be read").line == 1


def test_duplicated_key(spoil):
    folder = spoil("references.bib", "@article{ahmed2015drug,", "@article{abadie2017ruined,")
    assert one(folder, "references.bib", "twice").line > 1


def test_key_without_study_and_study_without_key(spoil):
    folder = spoil(STUDIES, "\nabadie2017ruined,", "\nabadie2017ruins,")
    assert one(folder, "references.bib", "has no row").value == "abadie2017ruined"
    assert one(folder, STUDIES, "no such entry").value == "abadie2017ruins"


def test_doi_form_and_duplicate(spoil):
    folder = spoil("references.bib", "doi = {10.1016/j.drugpo.2017.06.011}", "doi = {https://doi.org/10.1016/j.x}")
    assert one(folder, "references.bib", "form of a DOI").field == "doi"
    spoil("references.bib", "doi = {https://doi.org/10.1016/j.x}", "doi = {10.1186/S40352-020-00111-9}")
    assert "morales2020pick" in one(folder, "references.bib", "same DOI").reason


def test_nearly_the_same_title(spoil):
    folder = spoil(
        "references.bib",
        "title = {Drug injecting and HIV risk among injecting drug users in Hai Phong, Vietnam: a qualitative "
        "analysis}",
        "title = {It ruined my life: the effects of the war on drugs on people who inject drugs in rural Puerto Rico}",
    )
    assert "abadie2017ruined" in one(folder, "references.bib", "nearly that").reason


def test_other_form_of_the_file(spoil):
    folder = spoil("references.bib", "  title = {", "  title =  {")
    assert "litbench format" in one(folder, "references.bib", "canonical").remedy
    assert main(["--corpus", str(folder), "format"]) == 0
    assert check(folder) == []


# ---------------------------------------------------------------------- tables


def test_word_outside_of_the_vocabulary(spoil):
    folder = spoil(STUDIES, ",mixed-methods,", ",mixed methods,")
    problem = one(folder, STUDIES, "vocabulary")
    assert (problem.line, problem.value) == (2, "mixed methods")
    assert "mixed-methods" in problem.remedy


def test_number_that_is_none(spoil):
    folder = spoil(STUDIES, ",360,", ",about 360,")
    assert one(folder, STUDIES, "whole number").value == "about 360"


def test_finding_given_twice(copy):
    path = copy / FINDINGS
    rows = path.read_text(encoding="utf-8").split("\n")
    path.write_text("\n".join([*rows[:2], rows[1], *rows[2:]]), encoding="utf-8")
    assert one(copy, FINDINGS, "same key").line == 3


def test_finding_of_no_study(spoil):
    folder = spoil(FINDINGS, "abadie2017ruined.1,abadie2017ruined,", "abadie2017ruined.1,abadie2017ruin,")
    assert one(folder, FINDINGS, "no such key").line == 2
    assert one(folder, FINDINGS, "does not begin").line == 2


def test_estimate_outside_of_its_interval(copy):
    path = copy / EFFECTS
    rows = path.read_text(encoding="utf-8").split("\n")
    number = next(i for i, row in enumerate(rows) if row.split(",")[1:2] == ["AOR"] and row.split(",")[3])
    cells = rows[number].split(",")
    cells[2] = "99"
    rows[number] = ",".join(cells)
    path.write_text("\n".join(rows), encoding="utf-8")
    assert one(copy, EFFECTS, "does not contain").line == number + 1


def test_sign_and_direction_follow_from_the_estimate(copy):
    path = copy / EFFECTS
    text = path.read_text(encoding="utf-8")
    row = next(row for row in text.split("\n") if ",positive,worse," in row and ",AOR," in row)
    path.write_text(text.replace(row, row.replace(",positive,", ",negative,")), encoding="utf-8")
    assert one(copy, EFFECTS, "has the sign positive").value == "negative"
    assert one(copy, EFFECTS, "its direction is harm").value == "negative, worse"


def test_years_out_of_order(copy):
    path = copy / STUDIES
    text = path.read_text(encoding="utf-8")
    row = next(row for row in text.split("\n") if ",1996,2002," in row)
    path.write_text(text.replace(row, row.replace(",1996,2002,", ",2002,1996,")), encoding="utf-8")
    assert "Exchange" in one(copy, STUDIES, "begins after it ends").remedy
    path.write_text(text.replace(row, row.replace(",1996,2002,", ",1996,2032,")), encoding="utf-8")
    one(copy, STUDIES, "after publication")


def test_place_in_the_wrong_country(spoil):
    folder = spoil(PLACES, "Tijuana,MEX,32.51,-117.04", "Tijuana,MEX,-117.04,32.51")
    one(folder, PLACES, "below -90")
    spoil(PLACES, "Tijuana,MEX,-117.04,32.51", "Tijuana,MEX,32.51,117.04")
    assert "minus sign" in one(folder, PLACES, "not in Mexico").remedy
    spoil(PLACES, "Tijuana,MEX,32.51,117.04", "Tijuana,XXX,32.51,-117.04")
    one(folder, PLACES, "not an ISO 3166-1")


def append(folder, file, line):
    with (folder / file).open("a", encoding="utf-8") as handle:
        handle.write(line + "\n")


def test_faults_and_checks_and_studies_tell_the_same(copy):
    append(copy, "data/audit.csv", "zoorob2024drug,7,studies,,n,wrong,1,2,the page has 2")
    append(copy, "data/checks.csv", "none2020such,1,10,2,0,")
    problems = check(copy)
    text = "\n".join(map(str, problems))
    assert "data/audit.csv" in text and "no check of" in text
    assert "none2020such" in text


def test_a_check_needs_its_page(copy):
    path = copy / STUDIES
    table = pd.read_csv(path, dtype="str", keep_default_na=False)
    table.loc[0, "checked"], table.loc[0, "checked_against"] = "2026-11-24", ""
    table.to_csv(path, index=False, lineterminator="\n")
    assert "all three, or none" in one(copy, STUDIES, "compared with its page").remedy


def test_coverage_names_a_key_or_a_reason(copy, corpus):
    append(copy, "data/coverage.csv", f"{sorted(corpus.reviews)[0]},Moss 2001,in,,,https://example.org/")
    one(copy, "data/coverage.csv", "has its key, any other its reason")


def test_words_about_people(spoil):
    folder = spoil(FINDINGS, 'ruined.1,abadie2017ruined,"', 'ruined.1,abadie2017ruined,"Of drug addicts: ')
    assert "person-first" in one(folder, FINDINGS, "names people").remedy


def test_unknown_and_retired_theme(spoil):
    folder = spoil(CODES, "abadie2017ruined.1,harassment,agreed,2", "abadie2017ruined.1,harrassment,agreed,2")
    assert "harassment" in one(folder, CODES, "no such theme").remedy
    spoil(CODES, "abadie2017ruined.1,harrassment,agreed,2", "abadie2017ruined.1,arrest-detention,agreed,2")
    assert "incarceration" in one(folder, CODES, "retired").remedy


def test_an_example_names_themes_in_use_and_people_first(spoil, part):
    line = (part / EXAMPLES).read_text(encoding="utf-8").splitlines()[1]
    folder = spoil(EXAMPLES, line, f"{line} arest")
    assert "arrest" in one(folder, EXAMPLES, "no such theme").remedy
    spoil(EXAMPLES, f"{line} arest", f"{line} arrest-detention")
    assert one(folder, EXAMPLES, "retired").field == "themes"
    spoil(EXAMPLES, f"{line} arrest-detention", f"{line.partition(',')[0]},Police took the addicts away.,arrest")
    assert one(folder, EXAMPLES, "names people").field == "statement"


def test_pattern_of_the_codebook(spoil):
    folder = spoil("data/codebook.yaml", "- zero tolerance\n", "- (zero tolerance\n")
    assert one(folder, "data/codebook.yaml", "bracket").field == "zero-tolerance"


def test_codebook_that_is_not_yaml(spoil):
    folder = spoil("data/codebook.yaml", "themes:", "themes: [")
    one(folder, "data/codebook.yaml", "not valid YAML")


def test_dictionary_out_of_date(spoil):
    folder = spoil("data/datapackage.json", "Study design.", "Design of the study.")
    assert "litbench dictionary" in one(folder, "data/README.md", "data dictionary").remedy
    assert main(["--corpus", str(folder), "dictionary"]) == 0
    assert check(folder) == []


def test_descriptor_that_is_not_json(spoil):
    folder = spoil("data/datapackage.json", "{", "{{")
    one(folder, "data/datapackage.json", "cannot be read")


@given(
    junk=st.binary(max_size=300), file=st.sampled_from([STUDIES, FINDINGS, EFFECTS, CODES, PLACES, "references.bib"])
)
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_never_a_traceback(copy, junk, file):
    whole = (ROOT / file).read_bytes()
    (copy / file).write_bytes(whole[: len(whole) // 2] + junk + whole[len(whole) // 2 :])
    for problem in check(copy):
        assert problem.reason
        assert problem.remedy
    (copy / file).write_bytes(whole)


def test_a_count_of_a_review_is_checked(copy):
    path = copy / "data/review_statements.csv"
    path.write_text(path.read_text() + "morales2020pick.1,studies,3,2,2000,2020\n", encoding="utf-8")
    assert "not a review" in one(copy, "data/review_statements.csv", "is not a review").reason
    assert "page of the review" in one(copy, "data/review_statements.csv", "more than the 2").remedy
