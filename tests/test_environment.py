"""environment.yml, pyproject.toml and the lock ask for the same packages."""

from __future__ import annotations

import re
import tomllib

import yaml
from conftest import ROOT


def _project() -> dict:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def _split(requirement: str) -> tuple[str, str]:
    name, version = re.fullmatch(r"([A-Za-z0-9_.-]+)\s*(.*)", requirement).groups()
    return re.sub(r"[-_.]+", "-", name).lower(), version.replace(" ", "")


def test_conda_environment_asks_for_what_pyproject_asks_for():
    project = _project()
    wanted = {_split(one) for one in project["dependencies"] + project["optional-dependencies"]["dev"]}
    wanted.add(("python", project["requires-python"]))
    listed = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))["dependencies"]
    conda = {_split(one) for one in listed if isinstance(one, str)} - {("pip", "")}
    pip = {_split(one) for group in listed if isinstance(group, dict) for one in group["pip"]}
    assert conda | pip == wanted
    assert not conda & pip


def test_lock_pins_every_package_with_hashes_and_names_no_index():
    for name in ("requirements.lock", "requirements-uv.lock"):
        text = (ROOT / name).read_text(encoding="utf-8")
        blocks = re.split(r"\n(?=\S)", re.sub(r"^#.*\n", "", text, flags=re.M).strip())
        for block in blocks:
            assert re.match(r"[a-z0-9._-]+(\[[a-z,]+\])?==\S+", block), block[:80]
            assert "--hash=sha256:" in block, block[:80]
        assert "://" not in text
        assert "index" not in text


def test_lock_has_every_direct_dependency():
    project = _project()
    locked = {
        re.sub(r"[-_.]+", "-", name).lower()
        for name in re.findall(r"^([A-Za-z0-9._-]+)==", (ROOT / "requirements.lock").read_text("utf-8"), re.M)
    }
    direct = {_split(one)[0] for one in project["dependencies"] + project["optional-dependencies"]["dev"]}
    assert direct <= locked


def test_citation_file_has_the_package_version():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["version"] == _project()["version"]
