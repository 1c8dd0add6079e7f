"""Read libraries of records as reference managers, databases and screening tools write them.

Files from the wild: every record ends as a row of the records or of the rejected, each with its line; one that is
broken does not take the others with it.
"""

from __future__ import annotations

import csv
import json
import logging
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from html import unescape
from itertools import islice, pairwise
from pathlib import Path
from typing import Any

import bibtexparser
import pandas as pd
from bibtexparser.model import DuplicateBlockKeyBlock, Entry
from tqdm import tqdm

from litbench._problems import CorpusError

COLUMNS = [
    "type", "authors", "authors_complete", "title", "year", "journal", "institution", "volume", "issue", "pages",
    "doi", "pmid", "pmcid", "url", "abstract", "retracted", "decision", "decision_reason", "cited_as", "file", "line",
]  # fmt: skip
REJECTED = ["file", "line", "reason", "text"]

Row = dict[str, Any]
# What a reader yields: the line at which a record begins, and the record, or why there is none and its text.
Found = tuple[int, Row | tuple[str, str]]


def read_library(path: str | Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Read a file of records.

    Parameters
    ----------
    path : str or pathlib.Path
        RIS (``.ris``), PubMed (``.nbib``), BibTeX (``.bib``), CSL-JSON (``.json``), or a table (``.csv``, ``.tsv``,
        ``.txt``) with the column names of Scopus, Web of Science, Rayyan, Covidence or ASReview. The content counts,
        not the ending. UTF-8, UTF-16 with its mark, or Windows-1252, also mixed from line to line.

    Returns
    -------
    records : pandas.DataFrame
        A row a record, columns `COLUMNS`. ``authors`` is ``"Family, Given; Family, Given"``; ``year`` is missing
        where there is none; ``decision`` is a screening tool's ``included`` or ``excluded``; ``cited_as`` is the
        key in the file.
    rejected : pandas.DataFrame
        A row a record that could not be read: ``file, line, reason, text``.

    Raises
    ------
    CorpusError
        For a file that is not there or in none of these formats.
    """
    path = Path(path)
    try:
        text = decode(path.read_bytes())
    except OSError as error:
        raise CorpusError(f"{path} cannot be read ({error.strerror}). Give the path of an exported file.") from None
    reader = _reader(text, path.name)
    records, rejected = [], []
    for line, found in reader(text):
        if isinstance(found, dict):
            records.append(tidy(found) | {"file": path.name, "line": line})
        else:
            rejected.append({"file": path.name, "line": line, "reason": found[0], "text": found[1]})
    return to_frame(records), pd.DataFrame(rejected, columns=REJECTED)


def to_frame(records: Iterable[Row]) -> pd.DataFrame:
    """Return records as a frame with the columns `COLUMNS` and their types."""
    frame = pd.DataFrame(list(records), columns=COLUMNS)
    special = {"year": "Int64", "line": "Int64", "authors_complete": "boolean", "retracted": "boolean"}
    return frame.astype({name: special.get(name, "str") for name in COLUMNS})


def decode(raw: bytes) -> str:
    """Return the text of a file whose encoding is not known."""
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        text = raw.decode("utf-16", errors="replace")
    else:
        raw = raw.removeprefix(b"\xef\xbb\xbf")
        try:
            text = raw.decode("utf-8")
        except UnicodeDecodeError:
            text = "\n".join(_decode_line(line) for line in raw.split(b"\n"))
    return text.replace("\r\n", "\n").replace("\r", "\n").replace("\x00", "")


def _decode_line(line: bytes) -> str:
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError:
        return line.decode("cp1252", errors="replace")


def _reader(text: str, name: str) -> Callable[[str], Iterator[Found]]:
    start = text.lstrip()[:10_000]
    if start.startswith("<"):
        raise CorpusError(f"{name} is a web page or XML, not a list of records. Export as RIS, .nbib, BibTeX or CSV.")
    if re.search(r"^TY {1,2}-", start, re.MULTILINE):
        return read_ris
    if re.search(r"^PMID *-", start, re.MULTILINE):
        return read_medline
    if re.search(r"^\s*@[A-Za-z]+\s*[{(]", start, re.MULTILINE):
        return read_bibtex
    if start.startswith(("[", "{")):
        return read_csl_json
    if _columns(next(csv.reader([start.split("\n", 1)[0]], delimiter=_delimiter(start)), [])).get("title") is not None:
        return read_table
    if not start:
        raise CorpusError(f"{name} is empty. Export it again.")
    raise CorpusError(
        f"{name} is in none of the formats that litbench reads: RIS, PubMed .nbib, BibTeX, CSL-JSON, or a CSV with the "
        "column names of Scopus, Web of Science, Rayyan, Covidence or ASReview (it needs a column of titles)."
    )


# ---------------------------------------------------------------------- one record made tidy

_DOI = re.compile(r"10\.\d{4,9}/[^\s\"<>;]+")
_YEAR = re.compile(r"(?<!\d)(1[5-9]\d\d|20\d\d)(?!\d)")
_TEXTS = ("title", "journal", "institution", "abstract")


def tidy(row: Row) -> Row:
    """Bring the fields of a record into one form: plain text, bare identifiers, a year in digits."""
    row = {name: value for name, value in row.items() if value not in (None, "")}
    for name in _TEXTS:
        if name in row:
            row[name] = plain(str(row[name]))
    if "title" in row and len(row["title"]) > 1:
        row["title"] = re.sub(r"(?<![.])\.$", "", row["title"])
    if "doi" in row:
        row["doi"] = bare_doi(str(row["doi"]))
    if not row.get("doi") and (found := _DOI.search(str(row.get("url", "")))):
        row["doi"] = bare_doi(found[0])
    if "pmid" in row:
        digits = re.fullmatch(r"(?:PMID:?\s*|MEDLINE:\s*)?(\d{1,8})(?:\.0)?", str(row["pmid"]).strip(), re.IGNORECASE)
        row["pmid"] = digits[1] if digits else None
    if "pmcid" in row:
        digits = re.search(r"(\d{4,8})", str(row["pmcid"]))
        row["pmcid"] = f"PMC{digits[1]}" if digits else None
    if "year" in row:
        found = _YEAR.search(str(row["year"]))
        row["year"] = int(found[1]) if found else None
    if "pages" in row:
        row["pages"] = pages(str(row["pages"]))
    row.setdefault("type", "article")
    row.setdefault("authors_complete", True)
    row.setdefault(
        "retracted", bool(re.match(r"\W*(retracted( article)?|retraction of)\b\W*:?", row.get("title", ""), re.I))
    )
    return row


_INLINE = re.compile(
    r"</?(?:i|b|u|em|strong|sub|sup|sc|scp|italic|bold|jats:(?:italic|bold|su[bp]|sc))>", re.IGNORECASE
)
_BLOCKS = re.compile(r"</?(?:p|br|div|title|jats:[a-z]+)\b[^<>]{0,200}>", re.IGNORECASE)


def plain(text: str) -> str:
    """Return text without HTML marks, entities, soft hyphens and doubled spaces, in Unicode's composed form."""
    if "<" in text:
        text = _BLOCKS.sub(" ", _INLINE.sub("", text))
    if "&" in text:
        text = unescape(text)
    text = text.replace("\u00ad", "")
    return unicodedata.normalize("NFC", " ".join(text.split()))


def bare_doi(text: str) -> str | None:
    """Return the DOI in `text` in lower case, without the address before it; None where there is none."""
    found = _DOI.search(text.strip().replace("%2F", "/"))
    return found[0].rstrip(".,)").lower() if found else None


def pages(text: str) -> str:
    """Return pages as ``121–127``; ``121-7`` is written out."""
    text = re.sub(r"\s*(?:-+|–|—)\s*", "–", text.strip().removeprefix("pp. ").removeprefix("p. "))
    first, dash, last = text.partition("–")
    if dash and first.isdigit() and last.isdigit() and len(last) < len(first):
        last = first[: len(first) - len(last)] + last
    return first if first == last else first + dash + last


def author_names(text: str) -> str:
    """Return the authors in `text`, separated in one of the usual ways, as ``Family, Given; Family, Given``."""
    text = " ".join(text.split()).strip(" ;,.") + ("." if text.rstrip().endswith(".") else "")
    if ";" in text:
        names = text.split(";")
    elif re.search(r"\sand\s|\s&\s", text):
        names = re.split(r",?\s+(?:and|&)\s+", text)
        if len(names) == 2 and names[0].count(",") > 1:
            names = [*_by_comma(names[0]), names[1]]
    else:
        names = _by_comma(text)
    return "; ".join(name for name in (one_name(name) for name in names) if name)


def _by_comma(text: str) -> list[str]:
    parts = [part.strip() for part in text.split(",")]
    # "Smith J., Doe A.B." has a whole name in each part, "Smith, J., Doe, A." a name in two.
    if len(parts) > 1 and all(" " in part for part in parts):
        return parts
    if len(parts) > 2 and len(parts) % 2 == 0 and all(_INITIALS.fullmatch(part) for part in parts[1::2]):
        return [", ".join(pair) for pair in zip(parts[::2], parts[1::2], strict=True)]
    return [text]


_INITIALS = re.compile(r"(?:[^\W\d_]\.?[-\s]?){1,4}")
_PARTICLES = frozenset(
    ["van", "von", "de", "der", "den", "del", "della", "di", "da", "dos", "du", "la", "le", "ter", "el", "al", "bin"]
)


def one_name(name: str) -> str:
    """Return one name as ``Family, Given``; the name of an organisation stays bare."""
    name = " ".join(name.split()).strip(" ,")
    if not name or name.startswith("{"):
        return name.strip("{}")
    if "," in name:
        family, *rest = (part.strip() for part in name.split(","))
        if len(rest) == 2 and re.fullmatch(r"(?:Jr|Sr|I{1,3}|IV)\.?", rest[0]):
            rest.reverse()
        return ", ".join([family, *(part for part in rest if part)])
    words = name.split()
    if len(words) == 1:
        return name
    if re.fullmatch(r"(?:[^\W\d_a-z]\.?-?){1,4}", words[-1]) and not re.fullmatch(r"[^\W\d_]\.?", words[0]):
        return f"{' '.join(words[:-1])}, {words[-1]}"  # Smith JA
    first = next((n for n, word in enumerate(words[:-1]) if n and word.lower() in _PARTICLES), len(words) - 1)
    return f"{' '.join(words[first:])}, {' '.join(words[:first])}"


# ---------------------------------------------------------------------- RIS and MEDLINE

_RIS_TAG = re.compile(r"([A-Z][A-Z0-9]) {1,2}-(?: (.*))?$")
_MEDLINE_TAG = re.compile(r"([A-Z]{2,4}) {0,2}- ?(.*)$")
_RIS_TYPES = {
    "RPRT": "techreport", "THES": "phdthesis", "BOOK": "book", "CHAP": "incollection", "CONF": "inproceedings",
    "CPAPER": "inproceedings", "UNPB": "unpublished", "GEN": "misc", "ELEC": "misc", "WEB": "misc",
}  # fmt: skip


def _tagged(text: str, tag: re.Pattern[str], first: str, last: str) -> Iterator[tuple[int, dict[str, list[str]], str]]:
    """Yield the records of a format of tagged lines: where each begins, its values by tag, its text.

    A record begins with the tag `first`; it ends with `last`, or where the next begins. Lines before a record's first
    tag come as a record without values.
    """
    start, values, lines, open_ = 0, {}, [], False
    current: list[str] | None = None
    for number, line in enumerate(text.split("\n"), 1):
        match = tag.match(line.rstrip() if last else line)
        begins = bool(match) and match[1] == first
        if begins and lines:
            yield start, values, "\n".join(lines)
            values, lines = {}, []
        if begins:
            open_ = True
        if not line.strip() and not (open_ and lines):
            continue
        if not lines:
            start, current = number, None
        lines.append(line)
        if match and match[1] == last and last:
            yield start, values, "\n".join(lines)
            values, lines, open_ = {}, [], False
        elif match and open_:
            current = values.setdefault(match[1], [])
            current.append((match[2] or "").strip())
        elif current and line.strip():
            current[-1] += " " + line.strip()  # a long value goes on in the next line
    if lines:
        yield start, values, "\n".join(lines)


def _one(values: dict[str, list[str]], *tags: str) -> str:
    return next((value for tag in tags for value in values.get(tag, []) if value), "")


def _tagged_name(name: str) -> str:
    # These formats write the family name first; what has no comma is an organisation, or "Smith JA".
    return one_name(name) if "," in name or re.search(r"\s[^\W\d_a-z]{1,3}$", name) else name.strip()


def read_ris(text: str) -> Iterator[Found]:
    """Read RIS, as Scopus, Web of Science, Zotero, EndNote, PubMed-to-RIS and Rayyan write it."""
    for line, values, raw in _tagged(text, _RIS_TAG, "TY", "ER"):
        title = _one(values, "TI", "T1", "CT", "BT")
        if not title:
            yield line, ("it has no title (TI or T1)" if values else "these lines are in no record", raw[:500])
            continue
        first, last = _one(values, "SP"), _one(values, "EP")
        notes = " ".join(values.get("N1", []) + values.get("RN", []))
        decision, reason = _rayyan(notes)
        yield (
            line,
            {
                "type": _RIS_TYPES.get(_one(values, "TY"), "article"),
                "authors": "; ".join(
                    _tagged_name(name) for tag in ("AU", "A1") for name in values.get(tag, []) if name
                ),
                "title": title,
                "year": _one(values, "PY", "Y1", "DA"),
                "journal": _one(values, "JO", "JF", "T2", "JA", "J2"),
                "institution": _one(values, "PB") if _one(values, "TY") == "RPRT" else "",
                "volume": _one(values, "VL"),
                "issue": _one(values, "IS"),
                "pages": f"{first}-{last}" if last and "-" not in first else first,
                "doi": _one(values, "DO") or next((v for v in values.get("M3", []) if v.startswith("10.")), ""),
                "pmid": _one(values, "AN") if re.fullmatch(r"\d{5,8}", _one(values, "AN")) else "",
                "pmcid": _one(values, "C2") if _one(values, "C2").startswith("PMC") else "",
                "url": _one(values, "UR", "L2"),
                "abstract": _one(values, "AB", "N2"),
                "cited_as": _one(values, "ID"),
                "decision": decision,
                "decision_reason": reason,
            },
        )


def read_medline(text: str) -> Iterator[Found]:
    """Read PubMed's own format (``.nbib``), also as E-utilities send it (``rettype=medline``)."""
    for line, values, raw in _tagged(text, _MEDLINE_TAG, "PMID", ""):
        title = _one(values, "TI", "BTI", "VTI") or _one(values, "TT")
        if not title:
            yield line, ("it has no title (TI)" if values else "these lines are in no record", raw[:500])
            continue
        doi = next((v for tag in ("LID", "AID") for v in values.get(tag, []) if v.endswith("[doi]")), "")
        publication_types = {value.lower() for value in values.get("PT", [])}
        yield (
            line,
            {
                "type": "article",
                "authors": "; ".join(
                    _tagged_name(name) for name in values.get("FAU") or values.get("AU") or values.get("CN", [])
                ),
                "title": title.strip("[]"),
                "year": _one(values, "DP", "DEP"),
                "journal": re.sub(r"\s+:.*", "", _one(values, "JT", "TA")),
                "volume": _one(values, "VI"),
                "issue": _one(values, "IP"),
                "pages": _one(values, "PG"),
                "doi": doi.removesuffix("[doi]"),
                "pmid": _one(values, "PMID"),
                "pmcid": _one(values, "PMC"),
                "abstract": _one(values, "AB"),
                "retracted": "retracted publication" in publication_types or "RIN" in values,
                "cited_as": _one(values, "PMID"),
            },
        )


# ---------------------------------------------------------------------- BibTeX

_BLOCK = re.compile(r"^[ \t]*@[A-Za-z]+[ \t]*[{(]", re.MULTILINE)
_STRING = re.compile(r"^[ \t]*@string[ \t]*[{(].*$", re.MULTILINE | re.IGNORECASE)
_CHUNK = 500  # records parsed at a time: enough to be fast, few enough for a smooth progress bar
_BIBTEX_TYPES = {"conference": "inproceedings", "report": "techreport", "online": "misc", "thesis": "phdthesis"}


def read_bibtex(text: str) -> Iterator[Found]:
    """Read BibTeX and BibLaTeX, as Zotero, JabRef, Mendeley and Google Scholar write it; LaTeX becomes plain text."""
    starts = [match.start() for match in _BLOCK.finditer(text)]
    strings = "\n".join(_STRING.findall(text))
    cuts = [*starts[::_CHUNK], len(text)]
    logger = logging.getLogger("bibtexparser")
    level, line = logger.level, text.count("\n", 0, cuts[0])
    logger.setLevel(logging.CRITICAL)  # what it would log is returned as rejected
    try:
        for start, end in tqdm(
            pairwise(cuts), total=len(cuts) - 1, desc="reading", unit_scale=_CHUNK, unit=" records",
            delay=2, leave=False,
        ):  # fmt: skip
            chunk = text[start:end]
            # Abbreviations hold for the whole file; behind the chunk they do not move its lines.
            library = bibtexparser.parse_string(f"{chunk}\n{strings}" if strings else chunk)
            last = chunk.count("\n")
            for block in library.blocks:
                entry = block
                if isinstance(block, DuplicateBlockKeyBlock):
                    # Two records may share a key; both are read. This one was left as it stands, so it is parsed alone.
                    entry = next(iter(bibtexparser.parse_string(f"{block.raw}\n{strings}").entries), None)
                if isinstance(entry, Entry):
                    yield line + block.start_line + 1, _bibtex_record(entry)
                elif block in library.failed_blocks and block.start_line <= last:
                    reason = "it cannot be read: look for an unclosed brace, a missing comma or a field given twice"
                    yield line + block.start_line + 1, (reason, (block.raw or "")[:500])
            line += last
    finally:
        logger.setLevel(level)


def _bibtex_record(entry: Entry) -> Row | tuple[str, str]:
    raw = {field.key.lower(): str(field.value) for field in entry.fields}
    if not raw.get("title", "").strip("{} "):
        return "it has no title", (entry.raw or "")[:500]

    def text(*names: str) -> str:
        return next((from_latex(raw[name]) for name in names if raw.get(name)), "")

    names = [name for name in _split_names(raw.get("author", "")) if name]
    complete = not (names and names[-1].lower() == "others")
    return {
        "type": _BIBTEX_TYPES.get(entry.entry_type.lower(), entry.entry_type.lower()),
        "authors": "; ".join(
            from_latex(name) if name.startswith("{") and name.endswith("}") else one_name(from_latex(name))
            for name in (names if complete else names[:-1])
        ),
        "authors_complete": complete,
        "title": text("title"),
        "year": text("year", "date"),
        "journal": text("journal", "journaltitle", "booktitle"),
        "institution": text("institution", "school"),
        "volume": text("volume"),
        "issue": text("number", "issue"),
        "pages": text("pages"),
        "doi": raw.get("doi", "").replace("\\_", "_"),
        "pmid": raw.get("pmid", ""),
        "pmcid": raw.get("pmcid", raw.get("pmc", "")),
        "url": raw.get("url", "").replace("\\_", "_").replace("\\%", "%").replace("\\&", "&"),
        "abstract": text("abstract"),
        "cited_as": entry.key,
    }


def _split_names(text: str) -> list[str]:
    """Split at ``and`` outside of braces."""
    if "{" not in text:
        return [name.strip() for name in re.split(r"\s+and\s+", text.strip())]
    names, depth, name = [], 0, []
    for part in re.split(r"(\s+and\s+|[{}])", text.strip()):
        depth += (part == "{") - (part == "}")
        if depth == 0 and part.strip() == "and":
            names.append("".join(name).strip())
            name = []
        else:
            name.append(part)
    return [*names, "".join(name).strip()]


# A macro and what belongs to it: \"u, \'{\i}, \c{c}, \c c, \textit{...}, \ss, and mathematics with its dollar signs.
_LATEX = re.compile(
    r"\\(?:[\"'`^~=.](?:\s*\{\s*\\?[^{}\\]*\s*\}|\s*\\[ij](?![a-zA-Z])|\s*[^\W\d_])"
    r"|[cvuHkrbdt](?:\s*\{\s*\\?[^{}\\]*\s*\}|\s+[^\W\d_](?![^\W\d_]))"
    r"|(?:text|math|emph|uppercase|MakeUppercase)[a-zA-Z]*\s*\{[^{}\\]*\}"
    r"|[a-zA-Z]+(?:\{\})?[ ]?|[^a-zA-Z\s])"
    r"|\$[^$]{1,80}\$"
)


def from_latex(text: str) -> str:
    """Return BibTeX's LaTeX as plain text.

    pylatexenc, which bibtexparser calls for this, reads a field letter by letter: that is 98 per cent of the 7 ms that
    a record of 1.6 kB takes. Only the macros are given to it here, and each spelling of one only once.
    """
    if "\\" in text or "$" in text:
        text = _LATEX.sub(lambda match: _macro(match[0]), text)
    if "{" in text or "}" in text:
        text = text.replace("{", "").replace("}", "")
    if "~" in text:
        text = text.replace("~", " ")
    if "--" in text:
        text = text.replace("---", "—").replace("--", "–")
    if "``" in text or "''" in text:
        text = text.replace("``", "“").replace("''", "”")
    return unicodedata.normalize("NFC", text)


@lru_cache(maxsize=20_000)
def _macro(latex: str) -> str:
    if latex.startswith("$") and not re.search(r"[\\^_]", latex):
        return latex if re.match(r"\$\d", latex) else latex.strip("$")  # an amount of money, or plain mathematics
    if latex in ("\\&", "\\%", "\\$", "\\#", "\\_", "\\{", "\\}"):
        return latex[1:]
    if latex.strip() in ("\\url", "\\href"):
        return ""  # what stands in its braces is text already
    return _latex_converter().latex_to_text(latex).strip("\n")


@lru_cache(maxsize=1)
def _latex_converter() -> Any:
    from pylatexenc.latex2text import LatexNodes2Text

    return LatexNodes2Text(math_mode="text", keep_braced_groups=False)


# ---------------------------------------------------------------------- CSL-JSON

_CSL_TYPES = {"report": "techreport", "thesis": "phdthesis", "book": "book", "chapter": "incollection",
              "paper-conference": "inproceedings", "webpage": "misc", "document": "misc"}  # fmt: skip


def read_csl_json(text: str) -> Iterator[Found]:
    """Read CSL-JSON, as Zotero and the DOI services write it; items behind a broken one are still found."""
    decoder, at = json.JSONDecoder(), 0
    try:
        whole = json.loads(text)
        if isinstance(whole, dict) and isinstance(whole.get("items"), list):
            text = json.dumps(whole["items"], ensure_ascii=False, indent=0)
    except json.JSONDecodeError:
        pass
    at = text.find("{")
    while at >= 0:
        line = text.count("\n", 0, at) + 1
        try:
            item, end = decoder.raw_decode(text, at)
            yield line, csl_record(item)
        except json.JSONDecodeError as error:
            # The next item begins where a brace opens a line again.
            following = re.compile(r"^\s*\{\s*$|^\s*\{\s*\"|(?<=\}),\s*\{", re.MULTILINE).search(
                text, max(error.pos, at + 1)
            )
            end = following.end() - 1 if following else len(text)
            end = text.rfind("{", at + 1, end + 1) if following else end
            yield line, (f"it is not valid JSON ({error.msg} in line {error.lineno})", text[at : at + 500])
            at = end if following else -1
            continue
        at = text.find("{", end)


def csl_record(item: Row) -> Row | tuple[str, str]:
    """Return a CSL-JSON item, or a Crossref work, as a record; or why it is none."""
    title = item.get("title")
    title = next(iter(title), "") if isinstance(title, list) else title
    if not title or not isinstance(title, str):
        return "it has no title", json.dumps(item, ensure_ascii=False)[:500]
    subtitle = next(iter(item.get("subtitle") or []), "") if isinstance(item.get("subtitle"), list) else ""
    if subtitle and subtitle.lower() not in title.lower():
        title = f"{title}: {subtitle}"

    def text(name: str) -> str:
        value = item.get(name)
        return str(next(iter(value), "")) if isinstance(value, list) else str(value or "")

    names = []
    for author in item.get("author") or []:
        family = author.get("family") or author.get("literal") or author.get("name") or ""
        particle = author.get("non-dropping-particle")
        family = f"{particle} {family}" if particle else family
        names.append(f"{family}, {author['given']}" if author.get("given") else family)
    complete = not (names and names[-1] == "et al.")
    names = names if complete else names[:-1]
    dates = (item.get(name) for name in ("issued", "published-print", "published-online", "published"))
    year = next((_csl_year(date) for date in dates if _csl_year(date)), "")
    return {
        "type": _CSL_TYPES.get(text("type"), "article"),
        "authors": "; ".join(name for name in names if name),
        "authors_complete": complete,
        "title": title,
        "year": year,
        "journal": text("container-title"),
        "institution": text("publisher") if text("type") == "report" else "",
        "volume": text("volume"),
        "issue": text("issue"),
        "pages": text("page") or text("article-number"),
        "doi": text("DOI"),
        "pmid": text("PMID"),
        "pmcid": text("PMCID"),
        "url": text("URL"),
        "abstract": text("abstract"),
        "cited_as": text("id"),
    }


def _csl_year(date: Any) -> str:
    if not isinstance(date, dict):
        return str(date or "")
    parts = date.get("date-parts") or [[None]]
    return str((parts[0] or [None])[0] or date.get("raw") or date.get("literal") or "")


# ---------------------------------------------------------------------- tables

# The column names of Scopus, Web of Science (long and two-letter), Rayyan, Covidence and ASReview, without case,
# spaces and marks.
_NAMES = {
    "title": ["title", "articletitle", "documenttitle", "primarytitle", "ti"],
    "authors": ["authors", "author", "authornames", "au", "af", "authorfullnames"],
    "year": ["year", "publicationyear", "publishedyear", "py", "published"],
    "journal": ["sourcetitle", "journal", "so", "secondarytitle", "t2"],
    "volume": ["volume", "vl"],
    "issue": ["issue", "number", "is"],
    "pages": ["pages", "page"],
    "first": ["pagestart", "startpage", "bp"],
    "last": ["pageend", "endpage", "ep"],
    "article": ["artno", "articlenumber", "ar"],
    "doi": ["doi", "di"],
    "pmid": ["pubmedid", "pmid", "pm"],
    "pmcid": ["pmcid", "pmc"],
    "accession": ["accessionnumber"],
    "url": ["url", "link", "urls", "doilink"],
    "abstract": ["abstract", "ab", "notesabstract"],
    "type": ["documenttype", "dt", "type"],
    "label": ["included", "labelincluded", "finallabel", "asreviewlabel", "label"],
    "notes": ["notes"],
    "decision": ["decision", "status"],
    "decision_reason": ["exclusionreason", "reason", "asreviewnote"],
    "cited_as": ["key", "recordid", "eid", "ut", "uniqueutid", "utuniquewosid", "covidence", "ref"],
}  # fmt: skip


def _columns(header: list[str]) -> dict[str, int]:
    plain_names = [re.sub(r"[^a-z0-9]", "", unicodedata.normalize("NFKD", name).lower()) for name in header]
    found = {}
    for field, names in _NAMES.items():
        place = next((plain_names.index(name) for name in names if name in plain_names), None)
        if place is not None:
            found[field] = place
    return found


def _delimiter(text: str) -> str:
    header = text.split("\n", 1)[0]
    return max(",\t;", key=header.count)


def read_table(text: str) -> Iterator[Found]:
    """Read a table of records with a header line; a cell may hold line breaks, a broken row costs only itself."""
    delimiter = _delimiter(text)
    csv.field_size_limit(1_000_000)
    lines = text.split("\n")
    header = next(csv.reader(lines[:1], delimiter=delimiter))
    columns = _columns(header)
    at = 1
    while at < len(lines):
        reader = csv.reader((f"{line}\n" for line in islice(lines, at, None)), delimiter=delimiter, strict=True)
        while True:
            begin = at + reader.line_num
            try:
                cells = next(reader, None)
            except csv.Error:
                reason = "a quotation mark is opened and not closed"
                break
            if cells is None:
                return
            if cells and len(cells) != len(header):
                reason = f"it has {len(cells)} cells where the header has {len(header)}"
                break
            if cells:
                record = _table_record([cell.strip() for cell in cells], columns)
                yield begin + 1, (record, delimiter.join(cells)[:500]) if isinstance(record, str) else record
        whole = (n for n in range(begin + 1, len(lines)) if _whole_row(lines[n], delimiter, len(header)))
        at = next(whole, len(lines))
        yield begin + 1, (reason, "\n".join(lines[begin:at])[:500])


def _whole_row(line: str, delimiter: str, width: int) -> bool:
    try:
        return bool(line.strip()) and len(next(csv.reader([line], delimiter=delimiter, strict=True))) == width
    except csv.Error:
        return False


_AS_THEY_ARE = ("title", "year", "journal", "volume", "issue", "doi", "pmcid", "url", "abstract", "cited_as")


def _table_record(cells: list[str], columns: dict[str, int]) -> Row | str:
    values = {field: cells[place] for field, place in columns.items()}
    if not values["title"]:
        return "it has no title"
    first, last = values.get("first", ""), values.get("last", "")
    notes_decision, notes_reason = _rayyan(values.get("notes", ""))
    accession = values.get("accession", "")
    return {
        **{name: values.get(name, "") for name in _AS_THEY_ARE},
        "type": "techreport" if "report" in values.get("type", "").lower() else "article",
        "authors": author_names(values.get("authors", "")),
        "pages": values.get("pages") or (f"{first}-{last}" if first and last else first) or values.get("article", ""),
        "pmid": values.get("pmid") or (accession if re.fullmatch(r"\d{5,8}", accession) else ""),
        "retracted": "retracted" in values.get("type", "").lower() or None,
        "decision": _decision(values.get("label", "")) or notes_decision or _decision(values.get("decision", "")),
        "decision_reason": values.get("decision_reason", "") or notes_reason,
    }  # fmt: skip


_RAYYAN_DECISION = re.compile(r'RAYYAN-INCLUSION:\s*\{"[^"]*"=>"(\w+)"')
_RAYYAN_REASONS = re.compile(r"RAYYAN-EXCLUSION-REASONS:\s*([^|]*)")


def _rayyan(notes: str) -> tuple[str, str]:
    """Return decision and reason out of the notes that Rayyan writes into a record."""
    decision = _RAYYAN_DECISION.search(notes)
    reason = _RAYYAN_REASONS.search(notes)
    return _decision(decision[1]) if decision else "", reason[1].strip() if reason else ""


def _decision(value: str) -> str:
    value = value.strip().lower()
    if value in ("1", "1.0", "true", "yes", "include", "included", "relevant"):
        return "included"
    if value in ("0", "0.0", "false", "no", "exclude", "excluded", "irrelevant", "not relevant"):
        return "excluded"
    return ""
