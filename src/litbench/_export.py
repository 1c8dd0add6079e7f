"""Write the corpus, or a filtered part of it, in the formats that other tools read."""

from __future__ import annotations

import io
import json
import sqlite3
from dataclasses import fields
from pathlib import Path

import pandas as pd
from tqdm import tqdm

from litbench import references
from litbench._store import write_file
from litbench.corpus import Corpus

# Every table that a corpus holds, so that a new one cannot be forgotten; but not its invented sentences, which could be
# taken for findings where nothing beside them says what they are.
TABLES = tuple(one.name for one in fields(Corpus) if one.type == "pd.DataFrame" and one.name != "examples")
_RISKY = ("=", "+", "-", "@")  # what a spreadsheet would run as a formula (OWASP, "CSV Injection")
_ENDINGS = ".ris, .bib, .json (CSL-JSON), .csv, .xlsx, .parquet, .sqlite, or .txt and .md (a list of references)"


def export(corpus: Corpus, path: str | Path, table: str = "studies", style: str = "apa") -> Path:
    """Write a corpus to a file; its ending says the format.

    Parameters
    ----------
    corpus : Corpus
        Whole, or narrowed by `Corpus.where`.
    path : str or pathlib.Path
        ``.ris``, ``.bib`` and ``.json`` (CSL-JSON) hold the bibliographic records; ``.csv`` and ``.parquet`` one
        table; ``.xlsx`` and ``.sqlite`` all tables; ``.txt`` and ``.md`` formatted references. A file that is there
        is replaced.
    table : str
        Which table, for ``.csv`` and ``.parquet``: one of `TABLES`.
    style : str
        Name of a CSL style, for a list of references (`litbench.references.cite`).

    Returns
    -------
    pathlib.Path

    Raises
    ------
    ValueError
        For an ending, table or style that is not known; nothing is written then.

    Notes
    -----
    In ``.csv`` and ``.xlsx``, text that a spreadsheet would run as a formula gets an apostrophe before it.
    """
    path = Path(path)
    if table not in TABLES:
        raise ValueError(f"No table {table!r}; there are {', '.join(TABLES)}.")
    kind = path.suffix.lower()
    if kind in (".ris", ".bib", ".json"):
        content = {
            ".ris": references.to_ris,
            ".bib": references.format,
            ".json": lambda records: json.dumps(
                [references.to_csl(row) for row in records.to_dict("records")], ensure_ascii=False, indent=1
            ) + "\n",
        }[kind](corpus.studies).encode("utf-8")  # fmt: skip
    elif kind in (".txt", ".md"):
        studies = corpus.studies.sort_values(["authors", "year", "title"], key=_without_case)
        entries = references.cite(studies, style)
        content = (
            "\n".join(f"- {entry}" if kind == ".md" else f"{entry}\n" for entry in entries).encode("utf-8") + b"\n"
        )
    elif kind == ".csv":
        content = (
            spreadsheet_safe(_plain(getattr(corpus, table))).to_csv(index=False, lineterminator="\n").encode("utf-8")
        )
    elif kind == ".parquet":
        buffer = io.BytesIO()
        _plain(getattr(corpus, table)).to_parquet(buffer, index=False)
        content = buffer.getvalue()
    elif kind == ".xlsx":
        content = _workbook(corpus)
    elif kind in (".sqlite", ".db"):
        content = _database(corpus)
    else:
        raise ValueError(f"litbench does not write {kind or 'a file without ending'}; it writes {_ENDINGS}.")
    write_file(path, content)
    return path


def spreadsheet_safe(frame: pd.DataFrame) -> pd.DataFrame:
    """Return `frame` with an apostrophe before what a spreadsheet would run, and without line breaks in cells."""
    frame = frame.copy()
    for name in frame.columns[frame.dtypes == "str"]:
        # A line break in a cell would begin a row in some programs, and with it a cell.
        breaks = frame[name].str.contains(r"[\r\n\t]").fillna(False)
        frame.loc[breaks, name] = frame.loc[breaks, name].str.replace(r"[\r\n\t]+", " ", regex=True).str.strip()
        risky = frame[name].str.startswith(_RISKY).fillna(False)
        # Minus a number is a number.
        risky &= pd.to_numeric(frame[name].where(risky), errors="coerce").isna()
        frame.loc[risky, name] = "'" + frame.loc[risky, name]
    return frame


def _plain(frame: pd.DataFrame) -> pd.DataFrame:
    """Return `frame` with categories as text, which every format can hold."""
    return frame.astype(dict.fromkeys(frame.columns[frame.dtypes == "category"], "str"))


def _without_case(column: pd.Series) -> pd.Series:
    return column.str.casefold() if column.dtype == "str" else column


def _workbook(corpus: Corpus) -> bytes:
    buffer = io.BytesIO()
    with pd.ExcelWriter(buffer, engine="openpyxl") as writer:
        for name in tqdm(TABLES, desc="writing", unit=" sheets", delay=2, leave=False):
            frame = spreadsheet_safe(_plain(getattr(corpus, name)))
            frame.to_excel(writer, sheet_name=name, index=False, freeze_panes=(1, 1))
    return buffer.getvalue()


def _database(corpus: Corpus) -> bytes:
    with sqlite3.connect(":memory:") as database:
        for name in TABLES:
            frame = _plain(getattr(corpus, name))
            dates = frame.select_dtypes("datetime").columns
            frame = frame.astype(dict.fromkeys(dates, "str"))
            frame.to_sql(name, database, index=False)
        content = database.serialize()
    database.close()
    return content
