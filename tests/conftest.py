from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import settings

import litbench as lb

# Speed is measured in benchmarks, not in tests; and a test gives the same answer each time.
settings.register_profile("litbench", deadline=None, derandomize=True)
settings.load_profile("litbench")

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="session")
def corpus() -> lb.Corpus:
    return lb.load_corpus(ROOT)


@pytest.fixture(scope="session")
def model(corpus: lb.Corpus):
    return lb.learn(corpus)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the corpus that a test may spoil."""
    shutil.copytree(ROOT / "data", tmp_path / "data")
    shutil.copy(ROOT / "references.bib", tmp_path)
    return tmp_path


@pytest.fixture
def spoil(copy: Path) -> Callable[..., Path]:
    """Replace text in a file of the copy; return the copy's folder."""

    def replace(file: str, old: str, new: str, count: int = 1) -> Path:
        path = copy / file
        text = path.read_text(encoding="utf-8")
        assert old in text, f"{old!r} is not in {file}"
        path.write_text(text.replace(old, new, count), encoding="utf-8", newline="")
        return copy

    return replace
