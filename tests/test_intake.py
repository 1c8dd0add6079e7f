"""What a team relies on when studies come in: every record accounted for, nothing lost, coding blind."""

import datetime
import json
import random
import re
import shutil
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from labelled import NEIGHBOURS, corpus_records, duplicates

import litbench as lb
from litbench import _duplicates, _formats, _schema, intake, screening
from litbench.check import check
from litbench.cli import main

DAY = datetime.date(2026, 11, 24)


@pytest.fixture
def corpus(part, tmp_path):
    return shutil.copytree(part, tmp_path / "corpus")


def read(tmp_path, name, content):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return _formats.read_library(path)


# ---------------------------------------------------------------------- formats

RIS = """TY  - JOUR
AU  - Moss, Ana
AU  - Drug Policy Group
TI  - Crackdowns and care
T2  - Harm Reduction Journal
PY  - 2020/06/01
VL  - 17
SP  - 121
EP  - 7
DO  - https://doi.org/10.1000/ABC.1
AB  - A long abstract
that goes on.
ER  -

"""
NBIB = """
PMID- 32350636
TI  - Crackdowns and care.
FAU - Moss, Ana
FAU - van der Berg, Bo
CN  - Drug Policy Group
DP  - 2020 Jun 1
JT  - Harm reduction journal
VI  - 17
PG  - 121-7
AID - 10.1000/abc.1 [doi]
PMC - PMC7190000
AB  - A long abstract
      that goes on.
"""
BIB = r"""@article{moss,
  author = {Moss, Ana and {Drug Policy Group} and Bo van der Berg and others},
  title = {{Crackdowns} and care in {S\~ao Paulo}: Garc{\'\i}a \& M{\"u}ller},
  journal = {Harm Reduction Journal}, year = 2020, volume = {17}, pages = {121--127},
  doi = {10.1000/abc.1}, abstract = {50\% of caf\'es},
}
"""
CSL = json.dumps([{
    "id": "moss", "type": "article-journal", "title": "Crackdowns and care",
    "author": [{"family": "Moss", "given": "Ana"}, {"literal": "Drug Policy Group"}],
    "issued": {"date-parts": [["2020", 6]]}, "container-title": "Harm Reduction Journal", "volume": "17",
    "page": "121-127", "DOI": "10.1000/abc.1", "PMID": "32350636",
}])  # fmt: skip
SCOPUS = (
    '"Authors","Author full names","Title","Year","Source title","Volume","Issue","Art. No.","Page start","Page end",'
    '"DOI","Link","Abstract","PubMed ID","Document Type","EID"\n'
    '"Moss A.; Reyes L.B.","Moss, Ana (1); Reyes, Luis (2)","Crackdowns and care","2020","Harm Reduction Journal","17",'
    '"2","","121","127","10.1000/abc.1","https://x","It said ""no"",\nand moved on.","32350636","Article","2-s2.0-1"\n'
)
WOS = (
    "Authors\tArticle Title\tSource Title\tPublication Year\tVolume\tStart Page\tEnd Page\tDOI\tPubmed Id\tAbstract\n"
    "Moss, A; Reyes, LB\tCrackdowns and care\tHARM REDUCTION JOURNAL\t2020\t17\t121\t127\t10.1000/abc.1\t32350636\t"
    "Text\n"
)
WOS_SHORT = (
    "AU\tTI\tSO\tPY\tVL\tBP\tEP\tDI\tPM\n"
    "Moss, A\tCrackdowns and care\tHRJ\t2020\t17\t121\t127\t10.1000/abc.1\t32350636\n"
)
RAYYAN = (
    "key,title,year,month,day,journal,issn,volume,issue,pages,authors,url,language,abstract,notes,doi,pubmed_id\n"
    'rayyan-1,Crackdowns and care,2020,6,1,Harm Reduction Journal,,17,2,121-127,"Moss, Ana and Reyes, Luis",,eng,Text,'
    '"RAYYAN-INCLUSION: {""Ana""=>""Excluded""} | RAYYAN-EXCLUSION-REASONS: wrong population",10.1000/abc.1,32350636\n'
)
COVIDENCE = (
    "Title,Authors,Abstract,Published Year,Published Month,Journal,Volume,Issue,Pages,Accession Number,DOI,Ref,"
    "Covidence #,Study,Notes,Tags\n"
    'Crackdowns and care,"Moss, A.; Reyes, L.",Text,2020,,Harm Reduction Journal,17,2,121-127,32350636,10.1000/abc.1,'
    "123,#7,Moss 2020,,\n"
)
ASREVIEW = (
    "record_id,title,abstract,authors,year,doi,included\n"
    '0,Crackdowns and care,Text,"Moss, Ana; Reyes, Luis",2020,https://doi.org/10.1000/abc.1,1\n'
)


@pytest.mark.parametrize(
    ("name", "content"),
    [("x.ris", RIS), ("x.nbib", NBIB), ("x.json", CSL), ("scopus.csv", SCOPUS), ("wos.txt", WOS),
     ("wos_short.txt", WOS_SHORT), ("rayyan.csv", RAYYAN), ("covidence.csv", COVIDENCE), ("asreview.csv", ASREVIEW)],
)  # fmt: skip
def test_every_source_gives_the_same_publication(tmp_path, name, content):
    frame, rejected = read(tmp_path, name, content)
    assert len(frame) == 1 and rejected.empty
    row = frame.iloc[0]
    assert row.title == "Crackdowns and care" and row.year == 2020 and row.doi == "10.1000/abc.1"
    assert row.authors.startswith("Moss, A")
    if name != "asreview.csv":
        assert row.pages == "121–127" and row.volume == "17"
    if name not in ("x.ris", "asreview.csv"):
        assert row.pmid == "32350636"


def test_names_abstracts_and_decisions_are_read_as_each_source_writes_them(tmp_path):
    assert read(tmp_path, "a.ris", RIS)[0].authors[0] == "Moss, Ana; Drug Policy Group"
    assert read(tmp_path, "a.ris", RIS)[0].abstract[0] == "A long abstract that goes on."
    assert read(tmp_path, "a.nbib", NBIB)[0].authors[0] == "Moss, Ana; van der Berg, Bo"
    assert read(tmp_path, "a.csv", SCOPUS)[0].abstract[0] == 'It said "no", and moved on.'
    rayyan = read(tmp_path, "a.csv", RAYYAN)[0].iloc[0]
    assert (rayyan.decision, rayyan.decision_reason) == ("excluded", "wrong population")
    assert read(tmp_path, "a.csv", ASREVIEW)[0].decision[0] == "included"


def test_bibtex_comes_without_its_latex(tmp_path):
    row = read(tmp_path, "x.bib", BIB)[0].iloc[0]
    assert row.title == "Crackdowns and care in São Paulo: García & Müller"
    assert row.authors == "Moss, Ana; Drug Policy Group; van der Berg, Bo" and not row.authors_complete
    assert row.abstract == "50% of cafés" and row.pages == "121–127"


@pytest.mark.parametrize(
    "latex",
    [r"M{\"u}ller", r"{\'\i}", r"{\L}ukasz", r"Nguy{\~{\^e}}n", r"Fran{\c c}ois", r"\c{c}a va \o re", r"Stra{\ss}e",
     r"\v{S}koda", r"{\aa}ngstr{\"{o}}m", r"D{\'e}j{\`a} vu --- x", r"\'{E}cole", r"na{\"\i}ve", r"Erd{\H o}s",
     r"it\textquoteright s", r"Bo{\v{z}}i{\'{c}}", r"\textit{in vivo} work", r"50\% \& more", "plain words"],
)  # fmt: skip
def test_latex_is_decoded_as_pylatexenc_decodes_it(latex):
    from pylatexenc.latex2text import LatexNodes2Text

    assert _formats.from_latex(latex) == LatexNodes2Text().latex_to_text(latex)


def test_files_from_the_wild_are_read(tmp_path):
    assert read(tmp_path, "bom.ris", b"\xef\xbb\xbf" + RIS.encode())[0].title[0] == "Crackdowns and care"
    assert read(tmp_path, "wide.ris", RIS.encode("utf-16"))[0].title[0] == "Crackdowns and care"
    assert read(tmp_path, "mac.ris", RIS.replace("\n", "\r"))[0].title[0] == "Crackdowns and care"
    mixed = RIS.replace("Moss, Ana", "Müller, Ana").encode("cp1252") + RIS.replace("Moss", "Böhm").encode("utf-8")
    assert [a.split(",")[0] for a in read(tmp_path, "mixed.ris", mixed)[0].authors] == ["Müller", "Böhm"]
    bare, _ = read(tmp_path, "bare.ris", "TY  - JOUR\nTI  - Only a title\nER  - \n")
    assert bare.title[0] == "Only a title" and pd.isna(bare.year[0]) and pd.isna(bare.doi[0])


GOOD_BIB = "@article{{k{n},\n  title = {{Title number {n}}},\n  year = {{2020}},\n}}\n\n"


@pytest.mark.parametrize(
    ("name", "good", "bad", "reason"),
    [
        ("x.bib", GOOD_BIB, "@article{broken,\n  title = {Never closed,\n  year = {2020},\n\n", "cannot be read"),
        ("x.bib", GOOD_BIB, "@article{notitle,\n  year = {2020},\n}\n\n", "no title"),
        ("x.ris", "TY  - JOUR\nTI  - Title number {n}\nER  - \n", "TY  - JOUR\nAU  - Nobody\nER  - \n", "no title"),
        ("x.ris", "TY  - JOUR\nTI  - Title number {n}\nER  - \n", "TI  - Lost\nER  - \n", "in no record"),
        ("x.nbib", "PMID- {n}\nTI  - Title number {n}\n\n", "PMID- 9\nAU  - Nobody\n\n", "no title"),
        ("x.csv", "Title number {n},2020\n", 'A "quoted,2020,what\n', "cells where the header has 2"),
        ("x.csv", "Title number {n},2020\n", '"Never closed,2020\n', "quotation mark"),
        ("x.csv", "Title number {n},2020\n", ",2020\n", "no title"),
    ],
)
def test_a_broken_record_in_the_middle_is_reported_with_its_line_and_the_rest_is_read(
    tmp_path, name, good, bad, reason
):
    head = "title,year\n" if name == "x.csv" else ""
    before = head + "".join(good.format(n=n) for n in range(1, 4))
    text = before + bad + "".join(good.format(n=n) for n in range(4, 7))
    frame, rejected = read(tmp_path, name, text)
    assert list(frame.title) == [f"Title number {n}" for n in range(1, 7)]
    assert list(rejected.line) == [before.count("\n") + 1] and reason in rejected.reason[0]
    assert list(frame.line) == sorted(frame.line)


def test_a_broken_item_of_json_costs_only_itself(tmp_path):
    items = [json.dumps({"id": n, "title": f"Title number {n}"}) for n in range(4)]
    items[1] = items[1][:-3]
    frame, rejected = read(tmp_path, "x.json", "[\n" + ",\n".join(items) + "\n]")
    assert set(frame.title) >= {"Title number 0", "Title number 2", "Title number 3"} and list(rejected.line) == [3]


def test_records_that_share_a_key_are_both_read(tmp_path):
    frame, rejected = read(tmp_path, "x.bib", GOOD_BIB.format(n=1) + GOOD_BIB.format(n=2).replace("k2", "k1"))
    assert len(frame) == 2 and rejected.empty


def test_abbreviations_of_bibtex_hold_for_the_whole_file(tmp_path):
    text = '@string{hrj = "Harm Reduction Journal"}\n' + "".join(
        GOOD_BIB.format(n=n).replace("year", "journal = hrj,\n  year") for n in range(1200)
    )
    frame, _ = read(tmp_path, "x.bib", text)
    assert len(frame) == 1200 and set(frame.journal) == {"Harm Reduction Journal"}
    assert frame.line.iloc[-1] == 2 + 1199 * 6


@pytest.mark.parametrize(
    ("content", "message"),
    [("", "is empty"), ("<html>Log in</html>", "web page"), ("a,b\n1,2\n", "none of the formats")],
)  # fmt: skip
def test_what_is_no_library_is_said(tmp_path, content, message):
    with pytest.raises(lb.CorpusError, match=message):
        read(tmp_path, "x.csv", content)


@settings(max_examples=60, deadline=None)
@given(
    st.binary(max_size=300), st.sampled_from([RIS, NBIB, BIB, CSL, SCOPUS, RAYYAN]), st.randoms(use_true_random=False)
)
def test_no_file_ends_in_a_traceback(tmp_path_factory, noise, text, chance):
    raw = text.encode()
    at = chance.randrange(len(raw))
    path = tmp_path_factory.mktemp("wild") / "x"
    path.write_bytes(raw[:at] + noise + raw[at + chance.randrange(20) :])
    try:
        frame, rejected = _formats.read_library(path)
    except lb.CorpusError:
        return
    assert frame.title.notna().all() and (rejected.reason.str.len() > 0).all()


# ---------------------------------------------------------------------- duplicates


def test_labelled_duplicates_are_linked_without_a_false_one():
    known = corpus_records()
    records, keys = duplicates()
    names = [*known.cited_as, *keys]
    links = _duplicates.link(records, known)
    false = [(names[link], key) for link, key in zip(links, keys, strict=True) if link >= 0 and names[link] != key]
    assert not false
    assert (links >= 0).mean() > 0.98  # 0.991: reports a year apart have no journal that speaks for them


@pytest.mark.parametrize("pages", ["187\u2010192", "187\u2013192", "187-92", "0187-0192", "187"])
def test_first_pages_are_the_same_however_databases_write_a_range(pages):
    record = {"title": "Arrests near an exchange and where people went", "authors": "Moss, A", "year": 2001,
              "journal": "Addiction", "volume": "39"}  # fmt: skip
    both = _formats.to_frame([record | {"pages": "187-192"}, record | {"pages": pages}])
    assert list(_duplicates.link(both, both.iloc[:0])) == [-1, 0]


def test_labelled_duplicates_are_linked_among_themselves_without_a_false_one():
    records, keys = duplicates()
    links = _duplicates.link(records, _formats.to_frame([]))
    assert all(keys[link] == key for link, key in zip(links, keys, strict=True) if link >= 0)
    assert (links >= 0).sum() / (len(keys) - len(set(keys))) > 0.95
    assert not set(links[links >= 0]) & set(links.index[links >= 0]), "nothing is linked to a duplicate"


@pytest.mark.parametrize("pair", NEIGHBOURS, ids=lambda pair: str(pair[1]["title"])[:40])
def test_neighbours_that_are_not_the_same_stay_apart(pair):
    assert (_duplicates.link(_formats.to_frame(pair), _formats.to_frame([])) == -1).all()


def test_the_studies_of_the_corpus_stay_apart():
    assert (_duplicates.link(corpus_records(), _formats.to_frame([])) == -1).all()


# ---------------------------------------------------------------------- import


def library(tmp_path, name="library.bib", extra="", numbers=range(10)):
    path = tmp_path / name
    twin = corpus_records().iloc[0]
    text = "".join(
        f"@article{{k{n},\n  author = {{Moss{'abcdefghij'[n]}, Ana}},\n  title = {{{words(n)}}},\n"
        f"  year = {{{2000 + n}}},\n"
        f"  abstract = {{An abstract on {words(n)}.}},\n}}\n\n"
        for n in numbers
    )
    text += f"@article{{twin,\n  title = {{{twin.title}}},\n  doi = {{{twin.doi}}},\n}}\n\n" + extra
    path.write_text(text)
    return path, twin.cited_as


POOL = """police harm overdose arrest syringe market violence stigma policy street youth women prison care trust data
network cohort housing border drivers weather music garden soil river tax football"""


def words(n):
    chance = random.Random(n)
    pool = re.findall(r"\w+", POOL)
    return " ".join(chance.sample(pool, 7)).capitalize()


def test_every_record_ends_in_one_place_and_the_counts_add_up(corpus, tmp_path):
    extra = (
        "@article{again,\n  author = {Mossa, Ana},\n  title = {"
        + words(0)
        + "},\n  year = {2000},\n}\n\n@article{x,\n  year = 1,\n}\n"
    )
    path, twin = library(tmp_path, extra=extra)
    result = intake.import_library(path, "Zotero", corpus, DAY)
    assert (len(result.imported), len(result.duplicates), len(result.rejected), result.records) == (10, 2, 1, 13)
    assert list(result.duplicates.duplicate_of) == [twin, result.imported.record.iloc[0]]
    assert "library.bib:" in str(result) and "no title" in str(result)
    kept = intake.read_candidates(corpus)
    assert len(kept) == 12, "duplicates are linked and kept"
    row = (corpus / "data/imports.csv").read_text().splitlines()[1]
    assert row.startswith("library.bib,") and row.endswith(",Zotero,2026-11-24,13,10,2,1")
    assert len(pd.read_csv(corpus / "candidates/rejected.csv")) == 1
    assert not check(corpus)


def test_importing_again_adds_nothing(corpus, tmp_path):
    path, _ = library(tmp_path)
    intake.import_library(path, corpus=corpus)
    with pytest.raises(lb.CorpusError, match=r"was imported on .* already"):
        intake.import_library(path, corpus=corpus)
    other, _ = library(tmp_path, name="again.bib", extra="% another file\n")
    assert len(intake.import_library(other, corpus=corpus).imported) == 0


def test_a_record_that_was_screened_is_a_duplicate_of_it(corpus, tmp_path):
    path = tmp_path / "one.ris"
    path.write_text(
        "TY  - JOUR\n"
        "TI  - Impact of law enforcement on syringe exchange programs: a look at Oakland and San Francisco\n"
        "DO  - 10.1080/01459740.1997.9966150\nER  - \n"
    )
    assert list(intake.import_library(path, corpus=corpus).duplicates.duplicate_of) == ["bluthenthal1997impact"]


@settings(max_examples=15, deadline=None)
@given(st.lists(st.sampled_from(["good", "twin", "again", "untitled", "broken"]), min_size=1, max_size=25))
def test_the_counts_add_up_whatever_is_in_the_file(tmp_path_factory, kinds):
    folder = tmp_path_factory.mktemp("import")
    (folder / "data").mkdir()
    for name in ("datapackage.json", "imports.csv", "screening.csv", "codebook.yaml"):
        (folder / "data" / name).write_bytes((Path(__file__).parents[1] / "data" / name).read_bytes())
    (folder / "references.bib").write_text("")
    blocks = {
        "good": "@article{{k,\n  author = {{A{n}, B}},\n  title = {{On {w}}},\n  year = {{2001}},\n}}\n",
        "twin": "@article{{k,\n  title = {{The one that comes again and again}},\n  doi = {{10.1000/twin}},\n}}\n",
        "again": "@article{{k,\n  title = {{The one that comes again and again}},\n  doi = {{10.1000/TWIN}},\n}}\n",
        "untitled": "@article{{k,\n  year = {{2001}},\n}}\n",
        "broken": "@article{{k,\n  title = {{Open,\n\n",
    }
    text = "".join(blocks[kind].format(n=n, w=words(n)) for n, kind in enumerate(kinds))
    path = folder / "x.bib"
    path.write_text(text)
    result = intake.import_library(path, corpus=folder)
    twins = sum(kind in ("twin", "again") for kind in kinds)
    assert len(result.rejected) == sum(kind in ("untitled", "broken") for kind in kinds)
    assert len(result.duplicates) == max(twins - 1, 0)
    assert len(result.imported) + len(result.duplicates) + len(result.rejected) == len(kinds)


# ---------------------------------------------------------------------- add

STUDY = {
    "design": "qualitative", "population": "people who inject drugs", "n": 24, "n_unit": "participants",
    "open_access": True, "read": "abstract", "summary": "Interviews on a crackdown and on care.",
    "findings_seen_at": "https://doi.org/10.1000/abc.1", "source_kind": "publisher",
}  # fmt: skip


def proposal(corpus, tmp_path, text=RIS):
    path = tmp_path / "one.ris"
    path.write_text(text)
    return intake.propose(path, corpus)


def snapshot(corpus):
    return {path.name: path.read_text() for path in [corpus / "references.bib", *(corpus / "data").iterdir()]}


def changed(before, after):
    """Return the lines that came, by file; fails where a line went."""
    came = {}
    for name, text in after.items():
        old, new = before[name].splitlines(), text.splitlines()
        kept = iter(new)
        assert all(line in kept for line in old), f"a line of {name} went or moved"
        if len(new) > len(old):
            came[name] = len(new) - len(old)
    return came


def test_a_new_study_gets_its_lines_and_no_other_line_changes(corpus, tmp_path):
    before = snapshot(corpus)
    one = proposal(corpus, tmp_path)
    assert one.key == "moss2020crackdowns" and not one.twin
    intake.add(one, STUDY, [{"place": "Vancouver", "country": "CAN", "lat": 49.28, "lon": -123.12}],
               reason="interviews on policing", corpus=corpus, date=DAY)  # fmt: skip
    came = changed(before, snapshot(corpus))
    assert came == {"references.bib": 10, "studies.csv": 1, "places.csv": 1, "screening.csv": 1}
    problems = check(corpus)
    assert [problem.reason for problem in problems] == ["the study has no finding"]
    assert "litbench code moss2020crackdowns" in str(problems[0])
    loaded = lb.load_corpus(corpus).studies.set_index("key").loc["moss2020crackdowns"]
    assert loaded.identification_route == "screened" and loaded.doi == "10.1000/abc.1" and loaded.n == 24


@pytest.mark.parametrize("variant", ["doi", "title"])
def test_a_duplicate_is_refused_and_its_twin_shown(corpus, tmp_path, variant):
    twin = corpus_records().dropna(subset=["doi"]).iloc[5]
    identifier = f"DO  - {twin.doi.upper()}" if variant == "doi" else f"PY  - {twin.year}"
    title = "Another title" if variant == "doi" else twin.title.upper()
    one = proposal(
        corpus, tmp_path, f"TY  - JOUR\nAU  - {twin.authors.split(';')[0]}\nTI  - {title}\n{identifier}\nER  - \n"
    )
    assert one.twin == twin.cited_as and f"Already in the corpus as {twin.cited_as}" in repr(one)
    before = snapshot(corpus)
    with pytest.raises(lb.CorpusError, match=f"already, as {twin.cited_as}"):
        intake.add(one, STUDY, reason="x", corpus=corpus)
    assert snapshot(corpus) == before


def test_bad_data_is_refused_with_its_place_and_nothing_is_written(corpus, tmp_path):
    before = snapshot(corpus)
    with pytest.raises(lb.CorpusError, match=r"data/studies.csv:\d+: design \"guess\".*Use one of"):
        intake.add(proposal(corpus, tmp_path), STUDY | {"design": "guess"}, reason="x", corpus=corpus)
    assert snapshot(corpus) == before


def test_a_retraction_and_an_earlier_decision_are_noted(corpus, tmp_path):
    text = RIS.replace("TI  - ", "TI  - RETRACTED: ").replace("10.1000/ABC.1", "10.1080/01459740.1997.9966150")
    one = proposal(corpus, tmp_path, text)
    assert "RETRACTED" in one.notes[0] and "bluthenthal1997impact: awaiting" in one.notes[1]


@pytest.mark.parametrize(
    ("record", "key"),
    [
        ({"authors": "Abadie, R.", "year": 2017, "title": "“It Ruined My Life”: The effects"}, "abadie2017ruined"),
        ({"authors": "Human Rights Watch", "year": 2003, "title": "Fanning the Flames"}, "humanrightswatch2003fanning"),
        ({"authors": "van der Meulen, E", "year": 2018, "title": "“That's enough”"}, "vandermeulen2018that"),
        ({"authors": "García-Ñúñez, A", "year": 2018, "title": "La policía"}, "garcianunez2018policia"),
        ({"title": "12 arrests"}, "anon0000arrests"),
    ],
)
def test_keys_follow_the_corpus(record, key):
    assert intake.propose_key(record, set()) == key
    assert intake.propose_key(record, {key}) != key


def test_most_keys_of_the_corpus_are_as_proposed():
    records = [{"authors": row.authors, "year": row.year, "title": row.title} for row in corpus_records().itertuples()]
    same = [intake.propose_key(r, set()) == key for r, key in zip(records, corpus_records().cited_as, strict=True)]
    assert sum(same) / len(same) > 0.85


# ---------------------------------------------------------------------- code


@pytest.fixture
def added(corpus, tmp_path):
    intake.add(proposal(corpus, tmp_path), STUDY, [{"country": "CAN"}], reason="x", corpus=corpus, date=DAY)
    return corpus


FINDING = {
    "statement": "Crackdowns moved people away from care.", "kind": "qualitative", "direction": "harm",
    "exposure": "crackdown", "outcome": "use of care", "locator": "abstract", "claim": "view",
    "themes": {"displacement": "mechanism", "zero-tolerance": "exposure"},
}  # fmt: skip


def test_coding_makes_the_corpus_sound_and_adds_only_its_lines(added):
    before = snapshot(added)
    effect = {"measure": "AOR", "estimate": 1.5, "ci_low": 1.1, "ci_high": 2.05, "ci_level": 95,
              "interval": "confidence", "adjusted": True, "sign": "positive", "polarity": "worse",
              "level": "primary"}  # fmt: skip
    two = FINDING | {"kind": "quantitative", "claim": "association", "effect": effect, "themes": {}}
    intake.code("moss2020crackdowns", "ab", [FINDING, two], added)
    assert changed(before, snapshot(added)) == {"findings.csv": 2, "codes.csv": 3, "claims.csv": 2, "effects.csv": 1}
    assert not check(added)
    codes = lb.load_corpus(added).codes
    mine = codes[(codes.key == "moss2020crackdowns") & (codes.coder == "ab")]
    assert list(mine.theme.dropna()) == ["displacement", "zero-tolerance"]
    assert list(mine.finding[mine.theme.isna()]) == ["moss2020crackdowns.2"], "read, and given no theme"


def test_a_second_coder_sees_no_code_and_no_claim_of_another(added):
    intake.code("moss2020crackdowns", "ab", [FINDING], added)
    form = intake.code_form("moss2020crackdowns", "cd", added)
    block = form.partition("findings:")[2].partition("# A new finding")[0]
    assert FINDING["statement"] in block
    assert "displacement" not in block and "view  #" not in block and "ab:" not in form
    assert "displacement: mechanism" in intake.code_form("moss2020crackdowns", "ab", added), "one's own are shown"


def test_coding_again_replaces_ones_own_codes_alone(added):
    intake.code("moss2020crackdowns", "ab", [FINDING], added)
    intake.code(
        "moss2020crackdowns", "cd", [{"finding": "moss2020crackdowns.1", "claim": "effect", "themes": {}}], added
    )
    intake.code(
        "moss2020crackdowns", "ab", [{"finding": "moss2020crackdowns.1", "themes": {"displacement": "outcome"}}], added
    )
    rows = [line for line in (added / "data/codes.csv").read_text().splitlines() if line.startswith("moss2020")]
    assert rows == ["moss2020crackdowns.1,displacement,ab,2,outcome", "moss2020crackdowns.1,none,cd,2,"]
    assert not check(added)


def test_the_adjudicator_sees_both_and_what_both_gave_is_filled_in(added):
    intake.code("moss2020crackdowns", "ab", [FINDING], added)
    theirs = {"finding": "moss2020crackdowns.1", "claim": "view", "themes": {"displacement": "mechanism"}}
    intake.code("moss2020crackdowns", "cd", [theirs], added)
    form = intake.code_form("moss2020crackdowns", "agreed", added)
    assert "# ab: displacement: mechanism, zero-tolerance: exposure; claim: view" in form
    filled = intake.read_form(form, "findings")["findings"]
    assert filled == [theirs]
    intake.code("moss2020crackdowns", "agreed", filled, added)
    corpus = lb.load_corpus(added)
    assert list(corpus.agreed[corpus.agreed.key == "moss2020crackdowns"].theme) == ["displacement"]
    assert corpus.findings.set_index("finding").claim["moss2020crackdowns.1"] == "view"


@pytest.fixture
def coded_twice(added):
    theirs = {"finding": "moss2020crackdowns.1", "claim": "effect", "themes": {"displacement": "outcome"}}
    intake.code("moss2020crackdowns", "ab", [FINDING], added)
    intake.code("moss2020crackdowns", "cd", [theirs], added)
    return added


def mine(frame):
    return frame[frame.finding == "moss2020crackdowns.1"].assign(agreed="")


def test_a_table_of_disagreements_is_adjudicated_and_written_back(coded_twice):
    table = mine(lb.disagreements(lb.load_corpus(coded_twice)))
    assert list(table.ab) == ["zero-tolerance"] and list(table.both) == ["displacement"]
    before = snapshot(coded_twice)
    assert intake.adjudicate(table, corpus=coded_twice) == 0, "nothing is decided yet"
    assert snapshot(coded_twice) == before

    table["agreed"] = "displacement: outcome; zero-tolerance"
    assert intake.adjudicate(table, corpus=coded_twice) == 1
    agreed = lb.load_corpus(coded_twice).agreed
    agreed = agreed[agreed.finding == "moss2020crackdowns.1"]
    assert dict(zip(agreed.theme, agreed.role)) == {"displacement": "outcome", "zero-tolerance": "exposure"}

    roles = mine(lb.disagreements(lb.load_corpus(coded_twice), "role")).assign(agreed="mechanism")
    assert list(roles.theme) == ["displacement"]
    intake.adjudicate(roles, "role", coded_twice)
    claims = mine(lb.disagreements(lb.load_corpus(coded_twice), "claim")).assign(agreed="view")
    intake.adjudicate(claims, "claim", coded_twice)
    corpus = lb.load_corpus(coded_twice)
    rows = [line for line in (coded_twice / "data/codes.csv").read_text().splitlines() if line.startswith("moss2020")]
    assert "moss2020crackdowns.1,displacement,agreed,2,mechanism" in rows
    assert corpus.findings.set_index("finding").claim["moss2020crackdowns.1"] == "view"
    assert not check(coded_twice)


def test_a_theme_taken_again_keeps_the_role_that_was_settled(coded_twice):
    table = mine(lb.disagreements(lb.load_corpus(coded_twice)))
    intake.adjudicate(table.assign(agreed="displacement: outcome"), corpus=coded_twice)
    intake.adjudicate(table.assign(agreed="displacement; zero-tolerance"), corpus=coded_twice)
    assert "moss2020crackdowns.1,displacement,agreed,2,outcome" in (coded_twice / "data/codes.csv").read_text()


@pytest.mark.parametrize(
    ("value", "cells", "message"),
    [
        ("theme", {"agreed": "displacement"}, "role of displacement is not settled. Write `displacement: role`"),
        ("theme", {"agreed": "arrest"}, "role of arrest is not settled"),
        ("theme", {"agreed": "zero-tolerence: exposure"}, "Did you mean zero-tolerance"),
        ("theme", {"agreed": "zero-tolerance: villain"}, r'data/codes.csv:\d+: role "villain"'),
        ("theme", {"agreed": "zero-tolerance", "finding": "moss2020crackdowns.9"}, "no finding 'moss2020crackdowns.9'"),
        ("role", {"agreed": "outcome"}, "displacement is not among the agreed themes"),
        ("claim", {"agreed": "rumour"}, r'data/findings.csv:\d+: claim "rumour"'),
    ],
)
def test_a_wrong_adjudication_is_refused_whole(coded_twice, value, cells, message):
    table = mine(lb.disagreements(lb.load_corpus(coded_twice), value)).assign(**cells)
    before = snapshot(coded_twice)
    with pytest.raises(lb.CorpusError, match=message):
        intake.adjudicate(table, value, coded_twice)
    assert snapshot(coded_twice) == before


def test_disagreements_are_decided_in_a_spreadsheet(coded_twice, tmp_path, capsys):
    file = tmp_path / "differ.csv"
    assert main(["--corpus", str(coded_twice), "adjudicate", "--write", str(file)]) == 0
    table = pd.read_csv(file, dtype="str")
    table.loc[table.finding == "moss2020crackdowns.1", "agreed"] = "displacement:outcome; zero-tolerance"
    table[table.finding == "moss2020crackdowns.1"].to_csv(file, index=False)
    assert main(["--corpus", str(coded_twice), "adjudicate", str(file)]) == 0
    assert "1 of 1 decisions written" in capsys.readouterr().out
    assert "moss2020crackdowns.1,displacement,agreed,2,outcome" in (coded_twice / "data/codes.csv").read_text()
    assert main(["--corpus", str(coded_twice), "adjudicate", str(tmp_path / "none.csv")]) == 1
    assert "cannot be read" in capsys.readouterr().err


def test_a_table_that_is_not_of_disagreements_is_refused(added):
    with pytest.raises(lb.CorpusError, match=r"no column theme\. Start from litbench.disagreements"):
        intake.adjudicate(pd.DataFrame({"finding": ["moss2020crackdowns.1"], "agreed": [""]}), "role", added)


@pytest.mark.parametrize(
    ("finding", "message"),
    [
        ({**FINDING, "themes": {"displacment": "mechanism"}}, "Did you mean displacement"),
        ({**FINDING, "themes": None}, "themes are to be a list"),
        ({**FINDING, "themes": {"displacement": "villain"}}, r"data/codes.csv:\d+: role \"villain\""),
        ({**FINDING, "direction": "bad"}, r"data/findings.csv:\d+: direction \"bad\""),
        ({"finding": "moss2020crackdowns.9", "themes": {}}, "no such finding"),
        ({**FINDING, "statement": "Drug users were displaced."}, "person-first"),
    ],
)
def test_wrong_coding_is_refused_whole(added, finding, message):
    before = snapshot(added)
    with pytest.raises(lb.CorpusError, match=message):
        intake.code("moss2020crackdowns", "ab", [FINDING, finding], added)
    assert snapshot(added) == before


def test_forms_are_filled_in_from_the_command_line(corpus, tmp_path, capsys):
    path = tmp_path / "one.ris"
    path.write_text(RIS)
    assert main(["--corpus", str(corpus), "add", str(path), "--preview"]) == 0
    form = capsys.readouterr().out
    for name, value in {**STUDY, "reason": "on policing", "country": "CAN"}.items():
        value = str(value).lower() if isinstance(value, bool) else json.dumps(value)
        form = form.replace(f"{name}:  #", f"{name}: {value}  #", 1)
    filled = tmp_path / "study.yaml"
    filled.write_text(form)
    assert main(["--corpus", str(corpus), "add", str(path), "--form", str(filled)]) == 0
    assert main(["--corpus", str(corpus), "code", "moss2020crackdowns", "--coder", "ab", "--preview"]) == 0
    form = capsys.readouterr().out
    assert intake.read_form(form + "\n", "findings") if "  - finding" in form else True
    filled.write_text("findings:\n" + "  - " + json.dumps(FINDING) + "\n")
    assert main(["--corpus", str(corpus), "code", "moss2020crackdowns", "--coder", "ab", "--form", str(filled)]) == 0
    assert main(["--corpus", str(corpus), "check"]) == 0
    assert main(["--corpus", str(corpus), "add", str(path)]) == 1
    assert "already, as moss2020crackdowns" in capsys.readouterr().err


def test_the_block_for_a_new_finding_in_the_form_is_valid_once_its_marks_are_taken_off(added):
    form = intake.code_form("moss2020crackdowns", "ab", added)
    head, _, block = form.partition("  # A new finding: take the # from these lines.\n")
    filled = intake.read_form(head + "\n".join(line.replace("#", "", 1) for line in block.splitlines()), "findings")
    assert set(filled["findings"][0]) >= {"statement", "kind", "direction", "locator", "themes", "claim", "effect"}


def test_a_form_that_is_no_yaml_is_told_with_its_line():
    with pytest.raises(lb.CorpusError, match="line 2"):
        intake.read_form("study:\n  summary: a: b\n", "study")


def test_a_study_that_is_not_there_is_named_with_its_neighbours(corpus):
    with pytest.raises(lb.CorpusError, match="Did you mean abadie2017ruined"):
        intake.code_form("abadie2017ruin", "ab", corpus)


# ---------------------------------------------------------------------- screening


@pytest.fixture
def imported(corpus, tmp_path):
    path = tmp_path / "candidates.csv"
    like = [f"Police crackdowns, arrest and overdose among people who inject drugs in city {n}" for n in "abcdefgh"]
    other = [
        f"Growth of {plant} under drip irrigation in clay soils"
        for plant in ("maize", "rice", "barley", "wheat", "oats", "rye", "millet", "teff")
    ]
    rows = [f'"{title}","{title}, an abstract.","Name{n}, A",20{n:02d}' for n, title in enumerate(other + like)]
    path.write_text("title,abstract,authors,year\n" + "\n".join(rows) + "\n")
    intake.import_library(path, "Scopus", corpus, DAY)
    return corpus


def test_candidates_like_the_corpus_come_first(imported):
    ranking = screening.rank(imported)
    assert ranking.candidates.title.head(8).str.startswith("Police").all() and "similarity" in ranking.method


def test_with_enough_decisions_a_model_is_trained(imported):
    open_ = screening.rank(imported).candidates
    for row in [*open_.head(3).itertuples(), *open_.tail(5).itertuples()]:
        decision = "included" if row.title.startswith("Police") else "excluded"
        screening.decide(row.record, decision, "by title", imported, DAY)
    ranking = screening.rank(imported)
    assert "logistic regression" in ranking.method and len(ranking.candidates) == 8
    assert ranking.candidates.title.head(5).str.startswith("Police").all()
    assert not check(imported)


def test_screening_shows_one_by_one_and_logs_decision_and_reason(imported):
    answers = iter(["x", "i", "", "i", "on policing", "s", "e", "off topic", "e", "2", "q"])
    shown = []
    assert screening.screen(imported, lambda prompt: next(answers), shown.append) == 3
    log = pd.read_csv(imported / "data/screening.csv", dtype="str")
    mine = log[log.place.notna()].sort_values("place")
    rule = screening.criteria(imported)[1]
    assert list(mine.decision) == ["included", "excluded", "excluded"]
    assert list(mine.reason) == ["on policing", "off topic", rule] and list(mine.criterion.fillna("")) == ["", "", rule]
    assert f"2 {rule}" in "".join(shown)
    assert "Please answer i, e, a, s or q." in shown and "A decision needs its reason." in shown


@pytest.mark.parametrize("tool", ["asreview", "rayyan"])
def test_decisions_go_out_to_another_tool_and_come_back(imported, tmp_path, tool):
    first, second = screening.rank(imported).candidates.record.head(2)
    screening.decide(first, "included", "fits", imported, DAY)
    screening.decide(second, "excluded", "wrong population", imported, DAY)
    out = screening.write_exchange(tmp_path / "out.csv", tool, imported)
    back, _ = _formats.read_library(out)
    decisions = back.set_index("cited_as").decision
    assert decisions[first] == "included" and decisions[second] == "excluded" and decisions.notna().sum() == 2
    log = imported / "data/screening.csv"
    log.write_text(
        "\n".join(line for line in log.read_text().splitlines() if first not in line and second not in line) + "\n"
    )
    assert screening.read_exchange(out, imported, DAY)["excluded"] == 1
    text = log.read_text()
    assert first in text and ("wrong population" in text or tool == "asreview")
    assert not check(imported)


def test_a_criterion_that_the_data_package_does_not_list_is_refused(imported):
    record = screening.rank(imported).candidates.record[0]
    before = (imported / "data/screening.csv").read_bytes()
    with pytest.raises(lb.CorpusError, match=r"data/screening.csv:\d+: criterion \"no idea\""):
        screening.decide(record, "excluded", "by title", imported, DAY, criterion="no idea")
    assert (imported / "data/screening.csv").read_bytes() == before


def test_the_prisma_flow_counts_every_record_once(imported):
    logged = lb.load_corpus(imported).screening.decision.value_counts()
    for number, row in enumerate(screening.rank(imported).candidates.head(5).itertuples()):
        screening.decide(row.record, "included" if number < 2 else "excluded", "by title", imported, DAY)
    n = screening.prisma(imported).data.set_index("box").n
    assert n["Records from databases and registers"] == 16 and n["Records found in other ways"] == logged.sum()
    assert n["Records excluded"] == logged["excluded"] + 3
    assert n["Records included by screening"] == logged["included"] + 2 and n["Records not screened yet"] == 11
    came = n["Records from databases and registers"] + n["Records found in other ways"]
    removed = n["Duplicates removed before screening"] + n["Records removed as not readable"]
    assert came - removed == n["Records screened"] + n["Records not screened yet"]
    left = n["Records excluded"] + n["Awaiting, not verified yet"]
    assert n["Records screened"] - left == n["Records included by screening"]


def test_the_stopping_rule_is_the_published_test():
    import numpy as np
    from scipy.stats import hypergeom

    # One draw, written out: 10 relevant in the first 20, then 80 without any; 100 are left.
    decisions = np.array([1] * 10 + [0] * 90)
    at = 10
    k_target = int(10 / 0.95 - 10 + 1)
    expected = hypergeom.cdf(0, 190, k_target, 90)
    assert k_target == 1 and screening.stopping_p(decisions, 100, 0.95) == pytest.approx(expected) == pytest.approx(
        100 / 190
    )
    assert at == 10


def test_the_stopping_rule_errs_no_more_often_than_it_says():
    import numpy as np

    chance = np.random.default_rng(1)
    wrong = 0
    for _ in range(200):
        relevant = np.zeros(600, int)
        relevant[chance.choice(600, 40, replace=False)] = 1
        order = np.argsort(-(relevant + chance.normal(0, 0.7, 600)))  # a ranking that is right more often than not
        ranked = relevant[order]
        for screened in range(50, 600, 50):
            if screening.stopping_p(ranked[:screened], 600 - screened, 0.9) < 0.05:
                wrong += ranked[:screened].sum() < 0.9 * 40
                break
    assert wrong / 200 <= 0.05


def test_it_is_too_early_to_stop_with_nothing_found(imported):
    assert not screening.stopping(imported).stop and "Too early" in str(screening.stopping(imported))


def test_the_corpus_in_the_repository_is_as_the_store_keeps_it():
    """Each table that the intake writes to is in the order in which new rows find their places."""
    from litbench._store import Change

    change = Change(_schema.find_corpus(Path(__file__).parents[1]))
    for table in ("studies", "places", "findings", "effects", "codes", "claims", "screening", "imports"):
        keys = [change._key(table, row) for row in change.rows(table)]
        assert keys == sorted(keys), table
