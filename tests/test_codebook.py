from __future__ import annotations

import csv
import re
import shutil
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from conftest import ROOT
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

import litbench as lb
from litbench import _qdc, _revise
from litbench.check import check
from litbench.cli import main
from litbench.codebook import TEXTS, Codebook, Domain, Theme, make_guid

NS = "urn:QDA-XML:codebook:1.0"
GUIDS = [f"0000000{number}-1111-4222-8333-444444444444" for number in range(1, 9)]

# The rules of Codebook.xsd in the REFI-QDA Standard 1.5, section 5.2, in our own writing: elements in this order, at
# least one code, GUIDs with or without braces, colours of three or six digits.
SCHEMA = """
<x:schema xmlns="urn:QDA-XML:codebook:1.0" xmlns:x="http://www.w3.org/2001/XMLSchema"
          targetNamespace="urn:QDA-XML:codebook:1.0" elementFormDefault="qualified">
  <x:simpleType name="guid"><x:restriction base="x:token">
    <x:pattern value="[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"/>
    <x:pattern value="\\{[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\\}"/>
  </x:restriction></x:simpleType>
  <x:simpleType name="color"><x:restriction base="x:token">
    <x:pattern value="#([0-9a-fA-F]{3}){1,2}"/>
  </x:restriction></x:simpleType>
  <x:complexType name="code">
    <x:sequence>
      <x:element name="Description" type="x:string" minOccurs="0"/>
      <x:element name="Code" type="code" minOccurs="0" maxOccurs="unbounded"/>
    </x:sequence>
    <x:attribute name="guid" type="guid" use="required"/>
    <x:attribute name="name" type="x:string" use="required"/>
    <x:attribute name="isCodable" type="x:boolean" use="required"/>
    <x:attribute name="color" type="color"/>
  </x:complexType>
  <x:element name="CodeBook"><x:complexType>
    <x:sequence>
      <x:element name="Codes"><x:complexType><x:sequence>
        <x:element name="Code" type="code" maxOccurs="unbounded"/>
      </x:sequence></x:complexType></x:element>
    </x:sequence>
    <x:attribute name="origin" type="x:string"/>
  </x:complexType></x:element>
</x:schema>
"""


@pytest.fixture(scope="module")
def schema() -> etree.XMLSchema:
    return etree.XMLSchema(etree.fromstring(SCHEMA))


@pytest.fixture
def corpus_folder(part: Path, tmp_path: Path) -> Path:
    return shutil.copytree(part, tmp_path / "corpus")


def _codes(folder: Path) -> list[dict[str, str]]:
    with (folder / "data/codes.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _changed_lines(before: str, after: str) -> tuple[list[str], list[str]]:
    old, new = Counter(before.splitlines()), Counter(after.splitlines())
    return list((old - new).elements()), list((new - old).elements())


# ---------------------------------------------------------------------- the object


def test_shows_itself_as_a_table_by_domain(corpus: lb.Corpus) -> None:
    html = etree.HTML(corpus.codebook._repr_html_())
    assert [one.text for one in html.findall(".//h4")] == [one.label for one in corpus.codebook.domains] + ["Retired"]
    assert len(html.findall(".//table")) == len(corpus.codebook.domains)
    rows = html.findall(".//tbody/tr")
    assert [row.find("th/code").text for row in rows] == [theme.id for theme in corpus.codebook.in_use]
    for row, theme in zip(rows, corpus.codebook.in_use, strict=True):
        shown = ["".join(cell.itertext()) for cell in row.findall("td")]
        assert shown == [theme.definition, theme.use_when, theme.not_when, theme.example, theme.near_miss]
    retired = {item.find("code").text for item in html.findall(".//li")}
    assert retired == {theme.id for theme in corpus.codebook.themes if theme.retired}


def test_no_text_of_the_codebook_becomes_markup(corpus: lb.Corpus) -> None:
    evil = '<script>alert(1)</script> & "x"'
    codebook = replace(
        corpus.codebook,
        domains=(replace(corpus.codebook.domains[0], label=evil, definition=evil),),
        themes=(
            replace(corpus.codebook.themes[0], **dict.fromkeys(TEXTS, evil)),
            replace(corpus.codebook.themes[1], label=evil, retired=evil),
        ),
    )
    html = codebook._repr_html_()
    assert "<script" not in html
    assert "".join(etree.HTML(html).itertext()).count(evil) == 10


def test_repr_lists_every_theme_in_use(corpus: lb.Corpus) -> None:
    text = repr(corpus.codebook)
    assert text.startswith("Codebook version 2: 62 themes in 6 domains, 5 retired\n")
    assert all(f"  {theme.id} " in text and theme.label in text for theme in corpus.codebook.in_use)
    assert max(map(len, text.splitlines())) < 100


def test_history_tells_what_the_second_round_changed(corpus: lb.Corpus) -> None:
    history = corpus.codebook.history
    assert list(history.columns) == ["date", "change", "from", "to", "reason"]
    splits = history[history.change == "split"].set_index("from")
    assert splits.loc["law-reform", "to"] == "law-evaluated, law-advocated"
    # Every theme that the round brought is accounted for, and every theme that a split retired.
    new = {theme.id for theme in corpus.codebook.themes if theme.since == 3}
    told = {one for change in corpus.codebook.changes if change.change in ("add", "split") for one in change.new}
    assert new == told
    assert set(splits.index) == {theme.id for theme in corpus.codebook.themes if "earlier rounds" in theme.use_when}
    assert history.reason.str.len().min() > 20


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("change: split\n", "change: splat\n", "'splat' is none of"),
        ("date: 2026-11-24", "date: yesterday", "'yesterday' is not a date"),
        ("  to: [arrest, incarceration]", "  into: [arrest, incarceration]", "needs date, change, from, to and reason"),
        ("  color: '#0072b2'", "  color: blue", "'blue' is not of the form"),
        ("  color: '#0072b2'", "  guid: x1", "'x1' is not a GUID"),
        ("- id: stigma\n", "- id: stig ma\n", "'stig ma' is not an id"),
        ("  since: 1\n", "  since: soon\n", "not the number of a round"),
        ("  - zero tolerance\n", "  - 12\n", "terms is not a list of texts"),
        ("label: Stigma and dehumanisation", r'label: "Stigma\x07"', "control character U+0007"),
    ],
)
def test_what_is_wrong_in_a_codebook_is_said(old: str, new: str, reason: str) -> None:
    text = (ROOT / "data/codebook.yaml").read_text(encoding="utf-8")
    assert old in text
    with pytest.raises(lb.CorpusError, match=re.escape(reason)):
        Codebook.parse(text.replace(old, new, 1))


# ---------------------------------------------------------------------- export


def test_export_is_valid_and_comes_back_identical(corpus: lb.Corpus, schema: etree.XMLSchema, tmp_path: Path) -> None:
    path = corpus.codebook.to_qdc(tmp_path / "codebook.qdc")
    tree = etree.parse(path)
    assert schema.validate(tree), schema.error_log
    assert Codebook.from_qdc(path) == replace(corpus.codebook, changes=(), held_out=())
    # Themes lie below their domain, only themes in use can be given, every one has a colour.
    for domain, element in zip(corpus.codebook.domains, tree.iterfind(f"{{{NS}}}Codes/{{{NS}}}Code"), strict=True):
        assert element.get("name") == domain.label and element.get("isCodable") == "false"
        below = element.findall(f"{{{NS}}}Code")
        assert [one.get("name") for one in below] == [t.label for t in corpus.codebook.themes if t.domain == domain.id]
        assert {one.get("color") for one in below} == {domain.color}
    given = {one.get("name") for one in tree.iter(f"{{{NS}}}Code") if one.get("isCodable") == "true"}
    assert given == {theme.label for theme in corpus.codebook.in_use}


def test_guids_stay_the_same_from_one_export_to_the_next(corpus: lb.Corpus, tmp_path: Path) -> None:
    first = corpus.codebook.to_qdc(tmp_path / "one.qdc").read_bytes()
    assert corpus.codebook.to_qdc(tmp_path / "two.qdc").read_bytes() == first
    # Written down: a theme whose GUID moves is another code to every program that has it.
    assert make_guid("theme", "stop-search") == "7881d2e2-7433-557d-8ff0-5f56d61fe9f6"
    assert b"7881D2E2-7433-557D-8FF0-5F56D61FE9F6" in first


def _texts(least: int) -> st.SearchStrategy[str]:
    lines = st.one_of(
        st.text(st.characters(codec="utf-8"), max_size=12),
        st.sampled_from(["Use when: x", "Example:", "\\Retired: y", "litbench: theme=z", "- a", "\\", "]]>", "&lt;"]),
    )
    texts = st.lists(lines, min_size=1, max_size=4).map("\n".join)
    usable = texts.map(lambda text: re.sub("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]", "", text))
    return usable.filter(lambda text: len(text.strip()) >= least)


_IDS = st.from_regex(r"[a-zé0-9]{1,4}(-[a-z]{1,3})?", fullmatch=True).filter(lambda one: one != "none")
_COLORS = st.sampled_from(["#123456", "#abc", "#0072B2", ""])


@st.composite
def codebooks(draw: st.DrawFn) -> Codebook:
    def optional(**fields: st.SearchStrategy) -> dict:
        return {name: draw(values) for name, values in fields.items() if draw(st.booleans())}

    guids = draw(st.permutations(GUIDS))
    domains = [
        {"id": id, "label": draw(_texts(1)), "definition": draw(_texts(0)), "guid": guids.pop()}
        | optional(color=_COLORS)
        for id in draw(st.lists(_IDS, min_size=1, max_size=3, unique=True))
    ]
    patterns = st.lists(_texts(1), max_size=2)
    themes = [
        {"id": id, "domain": draw(st.sampled_from(domains))["id"], "since": draw(st.integers(1, 9))}
        | {name: draw(_texts(1)) for name in TEXTS}
        | optional(replaces=st.lists(_IDS, max_size=2), retired=_texts(0), terms=patterns, exclude=patterns)
        | optional(color=_COLORS, guid=st.just(guids.pop()))
        for id in draw(st.lists(_IDS, max_size=3, unique=True))
    ]
    return Codebook.build({"version": draw(st.integers(1, 99)), "domains": domains, "themes": themes})


@settings(max_examples=150, deadline=None)
@given(codebook=codebooks())
def test_any_codebook_survives_the_round_trip(
    codebook: Codebook, schema: etree.XMLSchema, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = codebook.to_qdc(tmp_path_factory.getbasetemp() / "any.qdc")
    assert schema.validate(etree.parse(path)), schema.error_log
    assert Codebook.from_qdc(path) == codebook


@settings(max_examples=100, deadline=None)
@given(codebook=codebooks())
def test_any_codebook_survives_its_yaml(codebook: Codebook) -> None:
    assert Codebook.parse(_revise.dump(codebook)) == codebook


def test_export_refuses_another_name_and_an_absent_folder(
    corpus: lb.Corpus, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--corpus", str(ROOT), "codebook", "export", str(ROOT / "data/codebook.yaml")]) == 1
    assert "does not end in .qdc" in capsys.readouterr().err
    assert main(["--corpus", str(ROOT), "codebook", "export", str(tmp_path / "no/where.qdc")]) == 1
    assert "cannot be written" in capsys.readouterr().err


# ---------------------------------------------------------------------- import


def _qdc_file(path: Path, body: str, attributes: str = f'xmlns="{NS}"') -> Path:
    path.write_text(f'<?xml version="1.0" encoding="utf-8"?>\n<CodeBook {attributes}>{body}</CodeBook>', "utf-8")
    return path


NESTED = f"""<Codes>
  <Code guid="{{{GUIDS[0].upper()}}}" name="Contact" isCodable="true" color="#F00">
    <Description>Any contact.</Description>
    <Code guid="{GUIDS[1]}" name="Stops" isCodable="false">
      <Description>What happens in the street.</Description>
      <Code guid="{GUIDS[2]}" name="Searches" isCodable="true" color="#00ff00"/>
      <Code guid="{GUIDS[3]}" name="None" isCodable="true"><Description>Held.&#13;
Example: They were held.</Description></Code>
    </Code>
  </Code>
  <Code name="Ärger &amp; Angst" isCodable="true"/>
  <Code name="Flat" guid="{GUIDS[4]}" isCodable="true"/>
  <Code name="Empty" isCodable="false"/>
</Codes>
<Sets><Set guid="{GUIDS[5]}" name="Groups"><Description>A group.</Description>
<MemberCode guid="{GUIDS[4]}"/></Set></Sets>
"""


def test_codebook_of_another_program_becomes_domains_and_themes(tmp_path: Path) -> None:
    codebook = Codebook.from_qdc(_qdc_file(tmp_path / "theirs.qdc", NESTED))
    assert [(one.id, one.label) for one in codebook.domains] == [
        ("contact", "Contact"),
        ("ungrouped", "Ungrouped"),
        ("groups", "Groups"),
        ("empty", "Empty"),
    ]
    assert codebook.domains[0].color == "#ff0000"
    assert codebook.domains[0].definition == "Any contact.\n\nContact / Stops: What happens in the street.".replace(
        "Contact / ", ""
    )
    assert codebook.domains[2].definition == "A group."
    assert [(one.id, one.domain, one.label) for one in codebook.themes] == [
        ("contact", "contact", "Contact"),
        ("searches", "contact", "Stops / Searches"),
        ("stops-none", "contact", "Stops / None"),
        ("ärger-angst", "ungrouped", "Ärger & Angst"),
        ("flat", "groups", "Flat"),
    ]
    # The GUID goes with what texts are coded with.
    assert [one.qda_guid for one in codebook.themes[:3]] == [GUIDS[0], GUIDS[2], GUIDS[3]]
    assert codebook["searches"].color == "#00ff00"
    assert (codebook["stops-none"].definition, codebook["stops-none"].example) == ("Held.", "They were held.")
    assert codebook["searches"].definition == _qdc.MISSING


def test_namespace_of_nvivo_for_mac_and_a_byte_order_mark_are_read(tmp_path: Path) -> None:
    path = _qdc_file(tmp_path / "a.qdc", NESTED, 'xmlns="urn:QDA-XML:codebook:1:0" origin="NVivo 12 For Mac"')
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert len(Codebook.from_qdc(path)) == 5


def test_import_to_a_file_of_its_own_leaves_the_corpus(
    corpus_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = {path: path.read_bytes() for path in (corpus_folder / "data").iterdir()}
    theirs = _qdc_file(tmp_path / "theirs.qdc", NESTED)
    out = tmp_path / "theirs.yaml"
    call = ["--corpus", str(corpus_folder), "codebook", "import", str(theirs), "--out"]
    assert main([*call, str(out)]) == 0
    assert Codebook.read(out) == Codebook.from_qdc(theirs)
    assert main([*call, str(out)]) == 1
    assert "there already" in capsys.readouterr().err
    assert main([*call, str(corpus_folder / "data/codebook.yaml")]) == 1
    assert {path: path.read_bytes() for path in (corpus_folder / "data").iterdir()} == before


def test_importing_what_was_exported_changes_nothing(
    corpus_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = Codebook.read(corpus_folder / "data/codebook.yaml").to_qdc(tmp_path / "own.qdc")
    before = (corpus_folder / "data/codebook.yaml").read_bytes()
    assert main(["--corpus", str(corpus_folder), "codebook", "import", str(path), "--yes"]) == 0
    assert "nothing that data/codebook.yaml does not have" in capsys.readouterr().out
    assert (corpus_folder / "data/codebook.yaml").read_bytes() == before


def test_import_shows_first_then_adds_and_updates_and_keeps_terms(
    corpus_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = corpus_folder / "data/codebook.yaml"
    own = Codebook.read(file)
    path = own.to_qdc(tmp_path / "own.qdc")
    # What a colleague does in another program: a definition reworded, a colour, a code moved, one added, others taken
    # away, the terms lost.
    tree = etree.parse(path)
    codes = {one.get("name"): one for one in tree.iter(f"{{{NS}}}Code")}
    stigma = codes[own["stigma"].label]
    text = stigma.find(f"{{{NS}}}Description")
    text.text = re.sub(r"\n\nTerms:(\n- .*)*", "", text.text.replace("People are labelled", "People get labelled"))
    stigma.set("color", "#123456")
    codes[own.domains[2].label].append(codes[own["impunity"].label])
    added = etree.SubElement(codes[own.domains[0].label], f"{{{NS}}}Code", guid=GUIDS[0], name="Night raids")
    added.set("isCodable", "true")
    codes[own["arrest"].label].getparent().remove(codes[own["arrest"].label])
    tree.write(path, encoding="utf-8")

    before = file.read_text(encoding="utf-8")
    call = ["--corpus", str(corpus_folder), "codebook", "import", str(path)]
    assert main(call) == 0
    said = capsys.readouterr().out
    assert "+ theme night-raids (Night raids) in policing" in said
    assert "to be written: definition, use_when, not_when, example, near_miss" in said
    assert "~ theme stigma" in said and "+ People get labelled" in said
    assert "arrest" not in said
    assert "Nothing was written" in said
    assert file.read_text(encoding="utf-8") == before

    assert main([*call, "--yes"]) == 0
    now = Codebook.read(file)
    assert now["stigma"] == replace(
        own["stigma"], color="#123456", definition=own["stigma"].definition.replace("are labelled", "get labelled")
    )
    assert now["impunity"].domain == "harm"
    assert now["night-raids"].qda_guid == GUIDS[0]
    same = {theme.id for theme in own.themes} - {"stigma", "impunity"}
    assert all(now[id] == own[id] for id in same)
    assert [(one.change, one.new) for one in now.changes[-2:]] == [
        ("add", ("night-raids",)),
        ("redefine", ("stigma", "impunity")),
    ]
    gone, _ = _changed_lines(before, file.read_text(encoding="utf-8"))
    assert len(gone) == 2  # a line of the definition, and the domain
    assert not check(corpus_folder)


HOSTILE = {
    "entities": (
        f'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "{"&a;" * 10}">]><CodeBook xmlns="{NS}"><Codes>&b;</Codes>'
        "</CodeBook>",
        "document type declaration",
    ),
    "external": (
        f'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><CodeBook xmlns="{NS}">&a;</CodeBook>',
        "document type declaration",
    ),
    "external-dtd": (f'<!DOCTYPE x SYSTEM "http://127.0.0.1:9/x.dtd"><CodeBook xmlns="{NS}"/>', "document type"),
    "deep": (f'<CodeBook xmlns="{NS}"><Codes>' + '<Code name="x">' * 60, "nested deeper than 50 levels"),
    "foreign-deep": (f'<CodeBook xmlns="{NS}">' + '<y xmlns="z">' * 60, "nested deeper than 50 levels"),
    "many": (f'<CodeBook xmlns="{NS}"><Codes>' + '<Code name="x"/>' * 10_001, "holds more than 10,000 codes"),
    "cut": (f'<CodeBook xmlns="{NS}"><Codes><Code name="x">', "is not XML"),
    "text": ("Codebook\n1. Arrest", "is not XML"),
    "empty": ("", "is not XML"),
    "zip": ("PK\x03\x04", "is not XML"),
    "encoding": ('<?xml version="1.0" encoding="klingon"?><CodeBook/>', "is not XML"),
    "namespace": ('<CodeBook xmlns="urn:other"/>', "of urn:other, not <CodeBook>"),
    "no-namespace": ("<CodeBook/>", "of no namespace, not <CodeBook>"),
    "project": ('<Project xmlns="urn:QDA-XML:project:1.0"/>', "is a whole REFI-QDA project"),
    "codeless": (f'<CodeBook xmlns="{NS}"><Codes/></CodeBook>', "has no code"),
    "nameless": (f'<CodeBook xmlns="{NS}"><Codes><Code/></Codes></CodeBook>', "has a code without a name"),
    "twice": (
        f'<CodeBook xmlns="{NS}"><Codes>' + f'<Code name="x" guid="{GUIDS[0]}"/>' * 2 + "</Codes></CodeBook>",
        "is used twice",
    ),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_or_wrong_file_gets_one_clear_error(
    kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    content, reason = HOSTILE[kind]
    path = tmp_path / "evil.qdc"
    path.write_text(content, encoding="utf-8")
    out = tmp_path / "out.yaml"
    assert main(["codebook", "import", str(path), "--out", str(out)]) == 1
    said = capsys.readouterr()
    assert reason in said.err and "evil.qdc" in said.err
    assert said.err.count("\n") == 1 and "Traceback" not in said.err and not said.out
    assert not out.exists()


def test_a_hundred_megabytes_are_not_even_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "huge.qdc"
    with path.open("wb") as file:
        file.write(f'<CodeBook xmlns="{NS}"><!--'.encode())
        file.truncate(100_000_000)  # a sparse file: nothing is written
        file.seek(40)
        for _ in range(120):
            file.write(b" " * 100_000)
    fed = []
    feed = _qdc.DefusedXMLParser.feed
    monkeypatch.setattr(_qdc.DefusedXMLParser, "feed", lambda self, data: (fed.append(len(data)), feed(self, data))[1])
    with pytest.raises(lb.CorpusError, match="larger than 10 MB"):
        Codebook.from_qdc(path)
    assert sum(fed) <= _qdc.MAX_BYTES


def test_absent_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(lb.CorpusError, match="cannot be read"):
        Codebook.from_qdc(tmp_path / "absent.qdc")


# ---------------------------------------------------------------------- rename, merge, split, retire


def test_rename_rewrites_every_code_and_what_names_the_theme(corpus_folder: Path) -> None:
    file = corpus_folder / "data/codebook.yaml"
    before, text, own = _codes(corpus_folder), file.read_text(encoding="utf-8"), Codebook.read(file)
    assert any(row["theme"] == "arrest" for row in before)
    assert main(
        ["--corpus", str(corpus_folder), "codebook", "rename", "arrest", "police-arrest", "--reason", "Plainer: #1"]
    ) == 0  # fmt: skip
    after, now = _codes(corpus_folder), Codebook.read(file)
    expected = [row | {"theme": "police-arrest"} if row["theme"] == "arrest" else row for row in before]
    order = ("finding", "round", "coder", "theme")
    assert sorted(tuple(row.items()) for row in after) == sorted(tuple(row.items()) for row in expected)
    assert [tuple(row[name] for name in order[:3]) for row in after] == [
        tuple(row[name] for name in order[:3]) for row in before
    ]
    assert now["police-arrest"] == replace(own["arrest"], id="police-arrest", guid=own["arrest"].qda_guid)
    assert now["prosecution"].not_when.startswith("Arrest alone (police-arrest); time served (incarceration)")
    assert now["incarceration"].near_miss.endswith("→ police-arrest")
    assert now["arrest-detention"].retired.startswith("Use police-arrest, incarceration: the largest theme")
    assert now["arrest-detention"].definition == own["arrest-detention"].definition  # the word is no theme there
    assert (now.changes[-1].change, now.changes[-1].old, now.changes[-1].new, now.changes[-1].reason) == (
        "rename", ("arrest",), ("police-arrest",), "Plainer: #1",
    )  # fmt: skip
    gone, _ = _changed_lines(text, file.read_text(encoding="utf-8"))
    assert all("arrest" in line or line.startswith("    ") for line in gone) and len(gone) < 25
    assert file.read_text(encoding="utf-8").startswith(text[: text.index("version:")])
    assert not check(corpus_folder)


def test_merge_rewrites_and_keeps_one_code_with_the_role_that_counts(corpus_folder: Path) -> None:
    file = corpus_folder / "data/codes.csv"
    finding = _codes(corpus_folder)[0]["finding"]
    head, *lines = file.read_text(encoding="utf-8").splitlines(keepends=True)
    lines = [line for line in lines if not (line.startswith(f"{finding},") and ",second,2," in line)]
    # Elsewhere no finding has two of the three, so that what is lost is lost here.
    lines = [line for line in lines if ",impunity," not in line]
    lines += [
        f"{finding},crackdown,second,2,exposure\n",
        f"{finding},stigma,second,2,outcome\n",
        f"{finding},impunity,second,2,mechanism\n",
    ]
    file.write_text(head + "".join(lines), encoding="utf-8", newline="")
    before = _codes(corpus_folder)
    said = _revise.merge(corpus_folder, ["stigma", "impunity", "crackdown"], "crackdown", "A test.")
    after = _codes(corpus_folder)
    mine = [row for row in after if (row["finding"], row["coder"], row["round"]) == (finding, "second", "2")]
    assert [(row["theme"], row["role"]) for row in mine] == [("crackdown", "exposure")]
    merged = {"stigma", "impunity", "crackdown"}
    assert {(row["finding"], row["coder"], row["round"]) for row in after if row["theme"] == "crackdown"} == {
        (row["finding"], row["coder"], row["round"]) for row in before if row["theme"] in merged
    }
    assert [row for row in after if row["theme"] not in merged] == [row for row in before if row["theme"] not in merged]
    codebook = Codebook.read(corpus_folder / "data/codebook.yaml")
    assert codebook["stigma"].retired == codebook["impunity"].retired == "Use crackdown: A test"
    assert set(codebook["crackdown"].replaces) == {"stigma", "impunity"}
    assert set(codebook.changes[-1].roles) == {
        f"{finding} 2 second stigma outcome",
        f"{finding} 2 second impunity mechanism",
    }
    assert any("2 codes had another role" in line for line in said)
    assert not check(corpus_folder)


def test_split_leaves_every_code_and_marks_those_to_recode(corpus_folder: Path) -> None:
    codes = (corpus_folder / "data/codes.csv").read_bytes()
    latest = [row for row in _codes(corpus_folder) if row["theme"] == "harassment" and row["round"] == "2"]
    assert latest
    said = _revise.split(corpus_folder, "harassment", ["stop-search", "stigma"], "Two things.")
    assert (corpus_folder / "data/codes.csv").read_bytes() == codes
    assert any(f"{len(latest)} codes of round 2 await recoding" in line for line in said)
    corpus = lb.load_corpus(corpus_folder)
    waiting = corpus.to_recode()
    assert sorted(zip(waiting.finding, waiting.coder, waiting.role, strict=True)) == sorted(
        (row["finding"], row["coder"], row["role"]) for row in latest
    )
    assert set(waiting.choose_from) == {"stop-search, stigma"}
    assert waiting.statement.notna().all()
    problems = check(corpus_folder)
    assert len(problems) == len(latest) and all("Use stop-search, stigma: Two things" in str(one) for one in problems)
    # The next change is not held up by what awaits recoding, and earlier changes stay in the history.
    _revise.retire(corpus_folder, "trauma-informed-care", "A test.")
    changes = Codebook.read(corpus_folder / "data/codebook.yaml").changes
    assert [one.change for one in changes[-2:]] == ["split", "retire"] and len(changes) == len(
        Codebook.read(ROOT / "data/codebook.yaml").changes
    ) + 2  # fmt: skip


def test_retire_keeps_the_codes(corpus_folder: Path) -> None:
    codes = (corpus_folder / "data/codes.csv").read_bytes()
    _revise.retire(corpus_folder, "stigma", "Not coded any more.")
    assert (corpus_folder / "data/codes.csv").read_bytes() == codes
    codebook = Codebook.read(corpus_folder / "data/codebook.yaml")
    assert codebook["stigma"].retired == "No longer coded: Not coded any more"
    assert codebook["stigma"].terms == Codebook.read(ROOT / "data/codebook.yaml")["stigma"].terms


def test_examples_follow_a_rename_and_a_merge_and_go_with_what_nothing_follows(corpus_folder: Path) -> None:
    def examples() -> dict[str, list[str]]:
        frame = lb.load_corpus(corpus_folder).examples
        return dict(zip(frame.example, frame.themes.fillna("").str.split(), strict=True))

    before = examples()
    of_stigma = {name for name, themes in before.items() if "stigma" in themes}
    assert any("impunity" in before[name] for name in before) and of_stigma
    _revise.rename(corpus_folder, "stigma", "scorn", "Plainer.")
    assert {name for name, themes in examples().items() if "scorn" in themes} == of_stigma
    _revise.merge(corpus_folder, ["scorn", "impunity"], "impunity", "A test.")
    merged = examples()
    assert merged.keys() == before.keys()
    assert {name for name, themes in merged.items() if "impunity" in themes} == of_stigma | {
        name for name, themes in before.items() if "impunity" in themes
    }
    assert all(len(themes) == len(set(themes)) for themes in merged.values())
    gone = {name for name, themes in merged.items() if "impunity" in themes}
    said = _revise.retire(corpus_folder, "impunity", "A test.")
    assert f"{len(gone)} examples of it taken out." in said
    assert examples() == {name: themes for name, themes in merged.items() if name not in gone}


def test_nothing_awaits_recoding_in_the_corpus(corpus: lb.Corpus) -> None:
    assert list(corpus.to_recode().columns) == ["finding", "coder", "theme", "role", "choose_from", "statement"]
    assert len(corpus.to_recode()) == 0


@pytest.mark.parametrize(
    ("call", "reason"),
    [
        (["rename", "stigmaa", "x"], "no theme 'stigmaa'. Did you mean stigma?"),
        (["rename", "stigma", "arrest"], "There is a theme 'arrest' already"),
        (["rename", "stigma", "a b"], "'a b' cannot be an id"),
        (["rename", "stigma", "none"], "'none' cannot be an id"),
        (["merge", "stigma", "--into", "stigma"], "Nothing to merge"),
        (["merge", "stigma", "--into", "new-theme"], "no theme 'new-theme'. Write it into data/codebook.yaml first"),
        (["merge", "law-reform", "--into", "stigma"], "'law-reform' is retired already"),
        (["split", "stigma", "--into", "arrest"], "at least two other themes"),
        (["split", "stigma", "--into", "arrest", "law-reform"], "'law-reform' is retired already"),
        (["retire", "law-reform"], "'law-reform' is retired already"),
    ],
)
def test_a_change_that_cannot_be_is_refused_before_anything_is_written(
    part: Path, call: list[str], reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    before = {path: path.read_bytes() for path in (part / "data").iterdir()}
    assert main(["--corpus", str(part), "codebook", *call, "--reason", "A test."]) == 1
    assert reason in capsys.readouterr().err
    assert {path: path.read_bytes() for path in (part / "data").iterdir()} == before


def test_a_change_needs_a_reason(part: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--corpus", str(part), "codebook", "retire", "stigma", "--reason", " "]) == 1
    assert "needs a reason" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["--corpus", str(part), "codebook", "retire", "stigma"])


LAYOUTS = {
    "indented": """\
# Ours.
version: 1
domains:
  - id: d   # the only one
    label: "D"
    definition: Things.
themes:
  # About a.
  - id: a
    domain: d
    label: A
    since: 1
    definition: |
      One.
    use_when: 'When.'
    not_when: Never (b).
    example: x
    near_miss: y → b

  # About b.
  - domain: d
    id: b
    label: B
    since: 1
    definition: Two. # said
    use_when: w
    not_when: n
    example: x
    near_miss: y
    terms: [one, two]
# The end.
""",
    "crlf": None,
}
LAYOUTS["crlf"] = LAYOUTS["indented"].replace("\n", "\r\n")


@pytest.mark.parametrize("layout", LAYOUTS)
def test_comments_and_layout_stay(layout: str) -> None:
    text = LAYOUTS[layout]
    codebook = Codebook.parse(text)
    themes = (
        replace(codebook["a"], near_miss="y → c"),
        replace(codebook["b"], id="c", guid=codebook["b"].qda_guid, retired="Why: not"),
        replace(codebook["b"], id="e", label="E"),
    )

    class Files:
        def replace(self, file: str, text: str) -> None:
            self.text = text

    files = Files()
    entry = lb.codebook.Change("2026-01-02", "rename", ("b",), ("c",), "So.")
    _revise._put(files, text, codebook, replace(codebook, themes=themes), entry)
    gone, added = _changed_lines(text.replace("\r\n", "\n"), files.text.replace("\r\n", "\n"))
    assert gone == ["    near_miss: y → b", "    id: b"]
    assert {"    near_miss: y → c", "    id: c", "    retired: 'Why: not'", "  - id: e", "history:"} <= set(added)
    assert files.text.count("\r\n") == (files.text.count("\n") if layout == "crlf" else 0)
    assert Codebook.parse(files.text).themes == themes


def test_a_layout_that_cannot_be_edited_is_refused() -> None:
    text = "version: 1\ndomains: [{id: d, label: D, definition: x}]\nthemes: [{id: a, domain: d, label: A, since: 1, " \
           "definition: x, use_when: x, not_when: x, example: x, near_miss: x}]\n"  # fmt: skip
    codebook = Codebook.parse(text)
    with pytest.raises(lb.CorpusError, match="laid out in a way"):
        _revise._put(None, text, codebook, replace(codebook, themes=(replace(codebook["a"], retired="So"),)))


def test_yaml_of_the_history_is_plain_data() -> None:
    content = yaml.safe_load((ROOT / "data/codebook.yaml").read_text(encoding="utf-8"))
    assert set(content["history"][0]) == {"date", "change", "from", "to", "reason"}
    assert isinstance(Codebook.build(content).themes[0], Theme) and isinstance(
        Codebook.build(content).domains[0], Domain
    )
