from __future__ import annotations

import json
import re
import shutil

import pytest

import litbench as lb
from litbench.report import build_report, run_in_place

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


def _notebook(*cells: tuple[str, str]) -> str:
    made = [
        {"cell_type": kind, "id": f"c{number}", "metadata": {}, "source": source}
        | ({"execution_count": None, "outputs": []} if kind == "code" else {})
        for number, (kind, source) in enumerate(cells)
    ]
    return json.dumps({"cells": made, "metadata": {}, "nbformat": 4, "nbformat_minor": 5})


@pytest.fixture
def workbench(copy):
    folder = copy / "notebooks"
    folder.mkdir()
    (folder / "00_first.ipynb").write_text(
        _notebook(
            ("markdown", "# The first <page>\n\nOne line about *it*. See [the second](01_second.ipynb)."),
            ("code", "import litbench as lb\n\ncorpus = lb.load_corpus()\nlb.charts.claims(corpus)"),
            ("code", "lb.charts.studies_by_country(corpus)"),
        )
    )
    (folder / "01_second.ipynb").write_text(_notebook(("markdown", "# The second\n\nAnother line."), ("code", "1 + 1")))
    return copy


def test_report_has_pages_pictures_and_figures(workbench, capsys):
    before = {path: path.read_bytes() for path in (workbench / "notebooks").iterdir()}
    assert build_report(workbench, workbench / "build") == 0
    report, figures = workbench / "build" / "report", workbench / "build" / "figures"
    index = (report / "index.html").read_text(encoding="utf-8")
    assert "The first &lt;page&gt;" in index
    assert "One line about it. See the second." in index
    assert (report / "pictures" / "00_first.png").is_file()
    names = sorted(path.name for path in (figures / "00_first").iterdir())
    assert names == [f"{n}.{kind}" for n in ("01_claims", "02_studies_by_country") for kind in ("csv", "png", "svg")]
    gallery = (report / "figures.html").read_text(encoding="utf-8")
    for link in re.findall(r'(?:href|src)="(\.\./[^"]+)"', gallery):
        assert (report / link).is_file(), link
    assert gallery.count("<figure>") == 2
    assert "studies_by_country" in gallery
    page = (report / "00_first.html").read_text(encoding="utf-8")
    assert 'href="01_second.html"' in page
    assert "http" not in page.replace("https://doi.org", "").replace("http://www.w3.org", "")
    said = capsys.readouterr().out
    facts = lb.load_corpus(workbench).describe()
    assert f"{facts['publications']} studies, {facts['findings']:,} findings, {facts['countries']} countries" in said
    assert {path: path.read_bytes() for path in (workbench / "notebooks").iterdir()} == before


def test_a_failing_notebook_is_named_and_the_others_go_on(workbench, capsys):
    (workbench / "notebooks" / "02_broken.ipynb").write_text(
        _notebook(("markdown", "# Broken\n\nA line."), ("code", "corpus_of_mine"))
    )
    assert build_report(workbench, workbench / "build") == 1
    assert (workbench / "build" / "report" / "01_second.html").is_file()
    assert "02_broken.ipynb failed" in (error := capsys.readouterr().err)
    assert "corpus_of_mine" in error


def test_executed_in_place_the_outputs_are_stable(workbench):
    assert run_in_place(workbench / "notebooks") == 0
    first = {path.name: path.read_text(encoding="utf-8") for path in (workbench / "notebooks").glob("*.ipynb")}
    assert '"execution_count": 1' in first["01_second.ipynb"]
    assert run_in_place(workbench / "notebooks") == 0
    again = {path.name: path.read_text(encoding="utf-8") for path in (workbench / "notebooks").glob("*.ipynb")}
    assert first == again


@pytest.mark.skipif(CHROMIUM is None, reason="no chromium here; .ci/run installs it")
def test_report_in_a_browser(workbench):
    from playwright.sync_api import sync_playwright

    build_report(workbench, workbench / "build")
    with sync_playwright() as play:
        browser = play.chromium.launch(
            executable_path=CHROMIUM,
            args=["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"],
        )
        page = browser.new_page(viewport={"width": 390, "height": 800})
        said: list[str] = []
        page.on("console", lambda message: said.append(message.text))
        page.on("requestfailed", lambda request: said.append(request.url))
        page.goto((workbench / "build" / "report" / "index.html").as_uri())
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, "a phone would have to scroll sideways"
        page.get_by_role("link", name="The first").click()
        image = page.locator("img").first
        assert image.evaluate("image => image.complete && image.naturalWidth > 500")
        assert "studies" in image.get_attribute("alt")
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        code = page.get_by_text("lb.charts.studies_by_country(corpus)")
        assert not code.is_visible()
        page.get_by_label("show the code").check()
        assert code.is_visible()
        page.get_by_role("link", name="The second").first.click()
        assert page.get_by_role("heading", name="The second").is_visible()
        assert said == []
        browser.close()
