"""litbench: a research literature workbench for Jupyter.

``import litbench as lb`` is all that a notebook needs: `load_corpus` gives the `Corpus`, ``lb.charts`` draws it,
``lb.effects`` compares and pools its estimates, `table` shows a frame whole, `tag` suggests themes for a text, `learn`
trains a model that judges them and adds others, `score` says how good both are, `search` and `kwic` find text,
``lb.intake`` and ``lb.screening`` extend the corpus, `export` hands it on.
"""

import importlib
from typing import TYPE_CHECKING, Any

from litbench._agreement import agreement, confusions, disagreements
from litbench._display import Chart, Table, table
from litbench._learned import learn
from litbench._problems import CorpusError, Problem
from litbench._scoring import Score, score
from litbench._search import Kwic, kwic, search
from litbench.bulk import tag_file
from litbench.codebook import Codebook
from litbench.corpus import Corpus, load_corpus
from litbench.tagging import PatternError, tag

if TYPE_CHECKING:
    from litbench import charts, documents, effects, intake, screening
    from litbench._export import export

__version__ = "0.1.0"

__all__ = [
    "Chart",
    "Codebook",
    "Corpus",
    "CorpusError",
    "Kwic",
    "PatternError",
    "Problem",
    "Score",
    "Table",
    "agreement",
    "charts",
    "confusions",
    "disagreements",
    "documents",
    "effects",
    "export",
    "intake",
    "kwic",
    "learn",
    "load_corpus",
    "score",
    "screening",
    "search",
    "table",
    "tag",
    "tag_file",
]


def __getattr__(name: str) -> Any:
    # Matplotlib and the intake take most of the import time; they are loaded when they are first used.
    if name in ("charts", "documents", "effects", "intake", "screening"):
        return importlib.import_module(f"litbench.{name}")
    if name == "export":
        return importlib.import_module("litbench._export").export
    raise AttributeError(f"module 'litbench' has no attribute {name!r}")
