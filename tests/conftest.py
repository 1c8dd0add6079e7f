from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import settings
from stress import copy_corpus

import litbench as lb
from litbench.check import check

# Speed is measured in benchmarks, not in tests; and a test gives the same answer each time.
settings.register_profile("litbench", deadline=None, derandomize=True)
settings.load_profile("litbench")

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="session")
def corpus() -> lb.Corpus:
    return lb.load_corpus(ROOT)


@pytest.fixture(scope="session")
def part(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sound corpus of a part of the studies, which is checked and learned from in a tenth of the time."""
    folder = copy_corpus(tmp_path_factory.mktemp("part"), part=True)
    assert not check(folder)
    return folder


@pytest.fixture(scope="session")
def model(part: Path):
    return lb.learn(lb.load_corpus(part))


@pytest.fixture
def copy(part: Path, tmp_path: Path) -> Path:
    """A copy of a part of the corpus that a test may spoil."""
    return shutil.copytree(part, tmp_path, dirs_exist_ok=True)


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
