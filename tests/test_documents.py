"""What a user with full texts relies on: each kind is read, each bad file gets a message, the rest goes on."""

from __future__ import annotations

from pathlib import Path

import docx
import pytest
from matplotlib.backends.backend_pdf import PdfPages
from matplotlib.figure import Figure

import litbench as lb
from litbench.cli import main
from litbench.documents import DocumentError, read, tag_documents


def write_pdf(path: Path, pages: list[str]) -> None:
    with PdfPages(path) as file:
        for text in pages:
            figure = Figure(figsize=(6, 8))
            for number, line in enumerate(text.split("\n")):
                figure.text(0.1, 0.9 - 0.05 * number, line)
            file.savefig(figure)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_pdf(
        tmp_path / "morales2020pick.pdf",
        [
            "Police made many arrests that year.\nPeople feared being ar-\nrested again. Nothing else.",
            "An overdose death followed.",
        ],
    )
    word = docx.Document()
    word.add_paragraph("Officers confiscated syringes.")
    word.add_table(rows=1, cols=1).cell(0, 0).text = "Naloxone training of police"
    word.save(tmp_path / "word2021.docx")
    (tmp_path / "page2022.html").write_text(
        "<html><head><title>x</title><style>arrest</style></head><body><p>No arrest</p><p>was fear</p>"
        "<script>overdose deaths</script></body></html>"
    )
    (tmp_path / "note2023.txt").write_bytes("Se observó miedo a la policía\fUna detención arbitraria".encode("cp1252"))
    return tmp_path


def test_each_kind_is_read(folder: Path) -> None:
    pdf = read(folder / "morales2020pick.pdf")
    assert (pdf.key, len(pdf.pages)) == ("morales2020pick", 2)
    assert "being arrested again" in pdf.pages[0]
    assert "Naloxone training" in read(folder / "word2021.docx").pages[0]
    assert read(folder / "page2022.html").pages[0].split() == ["No", "arrest", "was", "fear"]
    assert len(read(folder / "note2023.txt").pages) == 2


def test_a_hit_has_its_page_and_sentence(folder: Path, corpus: lb.Corpus) -> None:
    texts = tag_documents(folder, corpus.codebook, progress=False)
    assert texts.problems == ()
    hits = texts.hits[texts.hits.key == "morales2020pick"].set_index("theme")
    assert hits.loc["overdose", ["page", "sentence", "text"]].tolist() == [2, 1, "An overdose death followed."]
    assert hits.loc["fear-avoidance", ["page", "sentence"]].tolist() == [1, 2]
    chart = lb.charts.document_strip(corpus, texts, "morales2020pick")
    assert set(chart.data.page) == {1, 2}
    with pytest.raises(ValueError, match="No document"):
        lb.charts.document_strip(corpus, texts, "other")


def test_each_bad_file_gets_a_message_and_the_rest_goes_on(folder: Path, corpus: lb.Corpus, monkeypatch) -> None:
    good = len(tag_documents(folder, corpus.codebook, progress=False).hits)
    whole = (folder / "morales2020pick.pdf").read_bytes()
    (folder / "broken.pdf").write_bytes(b"%PDF-1.4 nothing")
    (folder / "cut.pdf").write_bytes(whole[:300])
    (folder / "empty.pdf").write_bytes(b"")
    (folder / "broken.docx").write_bytes(b"no zip")
    (folder / "old.docx").write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"x" * 600)
    (folder / "data.bin").write_bytes(b"x")
    (folder / "nul.txt").write_bytes(b"a\x00b")
    (folder / "blank.html").write_text("<html><body></body></html>")
    with PdfPages(folder / "scan.pdf") as file:
        figure = Figure()
        figure.add_axes((0, 0, 1, 1)).imshow([[0, 1], [1, 0]])
        figure.axes[0].set_axis_off()
        file.savefig(figure)
    encrypted(folder / "locked.pdf")
    monkeypatch.setattr("litbench.documents.LARGEST", 100_000)
    (folder / "huge.txt").write_text("x " * 60_000)
    texts = tag_documents(folder, corpus.codebook, progress=False)
    said = dict(problem.split(": ", 1) for problem in texts.problems)
    assert {name: next((word for word in WORDS if word in text), text) for name, text in said.items()} == {
        "blank.html": "no text",
        "broken.docx": "not a Word file",
        "broken.pdf": "not a PDF",
        "cut.pdf": "not a PDF",
        "data.bin": "not a kind",
        "empty.pdf": "empty",
        "huge.txt": "is more than",
        "locked.pdf": "encrypted",
        "nul.txt": "not text",
        "old.docx": "encrypted",
        "scan.pdf": "a scan",
    }
    assert len(texts.hits) == good


WORDS = (
    "no text",
    "not a Word file",
    "not a PDF",
    "not a kind",
    "empty",
    "is more than",
    "encrypted",
    "not text",
    "a scan",
)


def encrypted(path: Path) -> None:
    """Write a PDF that wants a password: an encryption dictionary that no empty password opens."""
    body = (
        b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[]/Count 0>>endobj\n"
        b"3 0 obj<</Filter/Standard/V 1/R 2/O<" + b"41" * 32 + b">/U<" + b"42" * 32 + b">/P -4>>endobj\n"
    )
    at = [body.index(b"%d 0 obj" % number) for number in (1, 2, 3)]
    table = b"xref\n0 4\n0000000000 65535 f \n" + b"".join(b"%010d 00000 n \n" % one for one in at)
    trailer = b"trailer<</Size 4/Root 1 0 R/Encrypt 3 0 R/ID[<00><00>]>>\nstartxref\n%d\n%%%%EOF" % len(body)
    path.write_bytes(body + table + trailer)


def test_a_missing_folder_or_file_is_said(tmp_path: Path, corpus: lb.Corpus) -> None:
    with pytest.raises(DocumentError, match="not there"):
        tag_documents(tmp_path / "none", corpus.codebook)
    assert "not there" in tag_documents([tmp_path / "x.txt"], corpus.codebook, progress=False).problems[0]


def uncommented(form: str, marker: str) -> str:
    """Take the # from the lines of the draft that begins with `marker`, and from no others."""
    head, _, rest = form.partition(f"  ## {marker}")
    lines = rest.splitlines()
    end = next(n for n, line in enumerate(lines[1:], 1) if not line.startswith("  #") or line.startswith("  ##"))
    taken = [line.replace("#", "", 1) for line in lines[1:end]]
    return "\n".join([head + f"  ## {marker}{lines[0]}", *taken, *lines[end:]])


def test_a_hit_becomes_the_draft_of_a_finding_and_its_sentence_is_not_saved(copy: Path, capsys) -> None:
    (copy / "fulltext").mkdir()
    key = "morales2020pick"
    write_pdf(
        copy / f"fulltext/{key}.pdf",
        ["Nothing of note is said here.", "Zebra patrols made many arrests.\nAn overdose death followed."],
    )
    command = ["--corpus", str(copy), "code", key, "--coder", "zz"]
    assert main([*command, "--preview", "--document"]) == 0
    form = capsys.readouterr().out
    assert "An overdose death followed." in form
    assert main([*command, "--preview", "--document", "1"]) == 0
    assert "Zebra" not in capsys.readouterr().out

    before = len(lb.load_corpus(copy).findings)
    filled = uncommented(form, "Zebra")
    for name, value in {"statement": "Arrests rose.", "kind": "qualitative", "direction": "harm"}.items():
        filled = filled.replace(f"  - {name}:", f"  - {name}: {value}", 1) if name == "statement" else filled.replace(
            f"\n    {name}: ", f"\n    {name}: {value} ", 1
        )  # fmt: skip
    path = copy / "form.yaml"
    path.write_text(filled)
    assert main([*command, "--form", str(path)]) == 0
    found = lb.load_corpus(copy).findings
    assert len(found) == before + 1, "the other draft was left"
    new = found[found.key == key].iloc[-1]
    assert (new.statement, new.locator) == ("Arrests rose.", "p. 2")
    codes = (copy / "data/codes.csv").read_text()
    assert f"{new.finding},arrest,zz," in codes
    assert "overdose" not in "".join(line for line in codes.splitlines() if line.startswith(new.finding))
    assert not any("Zebra" in file.read_text(encoding="utf-8") for file in (copy / "data").iterdir() if file.is_file())


@pytest.mark.parametrize(
    ("name", "pages", "said"),
    [
        ("none", [], "no full text"),
        ("morales2020pick.txt", ["9"], "no page 9"),
        ("morales2020pick.odt", [], "not a kind"),
    ],
)
def test_a_full_text_that_cannot_be_drafted_from_is_said(name, pages, said, copy: Path, capsys) -> None:
    (copy / "fulltext").mkdir()
    (copy / "fulltext" / name).write_text("Many arrests.")
    command = ["--corpus", str(copy), "code", "morales2020pick", "--coder", "zz", "--preview", "--document", *pages]
    assert main(command) == 1
    assert said in capsys.readouterr().err
