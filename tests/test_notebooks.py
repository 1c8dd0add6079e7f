"""The stored outputs are compared by nbval (`make test` runs it over all notebooks); here, that this has teeth."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys

import pytest
from conftest import ROOT
from stress import copy_corpus

NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


def _nbval(folder, *names):
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", "--nbval"]
    command += ["--nbval-sanitize-with", str(ROOT / "tests" / "nbval_sanitize.cfg")]
    command += [str(folder / "notebooks" / name) for name in names]
    environment = {**os.environ, "LITBENCH_CORPUS": str(folder)}
    return subprocess.run(command, capture_output=True, text=True, cwd=folder, env=environment)


def test_a_changed_finding_fails_the_notebooks_that_show_it(tmp_path):
    copy = copy_corpus(tmp_path / "corpus")
    shutil.copytree(ROOT / "notebooks", copy / "notebooks", ignore=shutil.ignore_patterns(".ipynb_checkpoints"))
    assert _nbval(copy, "00_start_here.ipynb").returncode == 0
    path = copy / "data" / "findings.csv"
    text = path.read_text(encoding="utf-8")
    row = next(row for row in text.split("\n") if row.startswith("morales2020pick.47,"))
    assert ",harm," in row
    path.write_text(text.replace(row, row.replace(",harm,", ",benefit,")), encoding="utf-8")
    for name in ("00_start_here.ipynb", "04_tijuana_crackdown.ipynb"):
        done = _nbval(copy, name)
        assert done.returncode == 1, done.stdout
        assert "morales2020pick.47" in done.stdout or "mismatch" in done.stdout


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebooks_are_committed_as_a_reader_wants_them(path):
    notebook = json.loads(path.read_text(encoding="utf-8"))
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert [cell["execution_count"] for cell in code] == list(range(1, len(code) + 1)), "run `make notebooks`"
    outputs = json.dumps([cell["outputs"] for cell in code])
    assert not re.search(r"/(home|root|tmp|work|Users)/|0x[0-9a-f]{8,}|Traceback", outputs)
    assert not any(output["output_type"] in ("error", "stderr") for cell in code for output in cell["outputs"])
    first = "".join(notebook["cells"][0]["source"])
    assert re.match(r"# .+\n\n\S", first), "the first cell is a title and one line for the report's index"
    assert all(len(cell["source"]) <= 20 for cell in code), "a cell this long belongs in the package"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_links_between_notebooks_lead_somewhere(path):
    for target in re.findall(r"\]\((\w+\.ipynb)", path.read_text(encoding="utf-8")):
        assert (path.parent / target).is_file(), target
