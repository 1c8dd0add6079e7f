"""Every rule that the data must obey; each violation with file, line, value, reason and remedy.

Three steps, each on what the one before let through: the form of the files (encoding, delimiter, columns), the
schema (types, vocabularies, bounds, keys; Frictionless does this), and what a schema cannot say.
"""

from __future__ import annotations

import csv
import difflib
import io
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from litbench import _countries, _schema, _store, references
from litbench._problems import CorpusError, Problem
from litbench.codebook import NO_THEME, Codebook, Theme
from litbench.corpus import REVIEWS

LONGEST_CELL = 10_000  # characters; a longer one is a broken quotation mark or a pasted document
NO_FINDING = "the study has no finding"
_DOI = re.compile(r"10\.\d{4,9}/\S+")
_PERSON_FIRST = re.compile(
    r"\b(?<!Network of )(addicts?|junkies?|junky|drug[- ]abusers?|substance[- ]abusers?"
    r"|(?:injecting |injection |intravenous )?drug[- ]users?"
    r"|IDUs|prostitutes?|inmates?|convicts?|ex-cons?|felons?|the homeless)\b"
    r"(?! (?:Study|Cohort))",  # proper names of studies stay
    re.IGNORECASE,
)
_PROSE = {
    "studies": ["population", "n_unit", "summary", "methods_notes"],
    "findings": ["statement", "exposure", "outcome"],
    "examples": ["statement"],
    "propositions": ["statement"],
    "proposition_evidence": ["reason"],
    "proposition_confidence": ["reason"],
    "comparisons": ["exposure", "outcome", "comparator", "population", "reason"],
    "review_statements": ["quantity"],
}
_RATIOS = {"OR", "AOR", "RR", "ARR", "PR", "HR", "AHR", "IRR"}

Rows = list[tuple[int, dict[str, str]]]


def check(path: str | Path | None = None) -> list[Problem]:
    """Check a corpus.

    Parameters
    ----------
    path : str or pathlib.Path, optional
        The folder of the corpus; without it as `litbench.load_corpus`.

    Returns
    -------
    list of Problem
        Every violation, by file and line; empty for a sound corpus.
    """
    folder = _schema.find_corpus(path)
    _store.recover(folder)
    try:
        descriptor = _schema.read_descriptor(folder)
    except CorpusError as error:
        return [Problem(str(_schema.DESCRIPTOR), 0, "", "", str(error).rstrip("."), "Nothing else was checked")]
    problems: list[Problem] = []
    rows: dict[str, Rows] = {}
    for name, resource in _schema.tables(descriptor).items():
        form = list(_form(folder / "data" / resource["path"], resource))
        problems += form
        if not form:
            rows[name] = _rows(folder / "data" / resource["path"])
    if len(rows) == len(_schema.tables(descriptor)):
        problems += _against_schema(folder, descriptor)
    bib, bib_problems = _bibliography(folder)
    problems += bib_problems
    codebook = None
    try:
        codebook = Codebook.read(folder / _schema.CODEBOOK)
    except CorpusError as error:
        problems.append(Problem(str(_schema.CODEBOOK), 0, "", "", str(error).rstrip("."), "Mend it and check again"))
    for rule in _RULES:
        problems += rule(rows, bib)
    if codebook:
        problems += _terms(codebook)
        known = {theme.id: theme for theme in codebook.themes}
        problems += _themes(rows.get("codes", []), known)
        problems += _examples(rows.get("examples", []), known)
    problems += _dictionary(folder, descriptor)
    return sorted(set(problems))


def check_table(folder: Path, name: str) -> list[Problem]:
    """Check the form and the schema of one table that refers to no other; in milliseconds, for a log written often."""
    descriptor = _schema.read_descriptor(folder)
    resource = _schema.tables(descriptor)[name]
    problems = list(_form(folder / "data" / resource["path"], resource))
    return problems or list(_against_schema(folder, {**descriptor, "resources": [resource]}))


# ---------------------------------------------------------------------- the form of a file


def _form(path: Path, resource: dict[str, Any]) -> Iterator[Problem]:
    file = f"data/{path.name}"

    def problem(line: int, field: str, value: str, reason: str, remedy: str) -> Problem:
        return Problem(file, line, field, value, reason, remedy)

    try:
        raw = path.read_bytes()
    except OSError:
        yield problem(0, "", "", "this table is missing", f"Restore it, e.g. git checkout -- {file}")
        return
    if not raw.strip():
        yield problem(
            0, "", "", "this table is empty, without even a header line", f"Restore it, e.g. git checkout -- {file}"
        )
        return
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")) or raw.startswith(b"\xef\xbb\xbf"):
        kind = "UTF-8 with a byte order mark" if raw.startswith(b"\xef") else "UTF-16"
        yield problem(
            1,
            "",
            "",
            f"the file is {kind}",
            "Save it as plain UTF-8 (in a spreadsheet: CSV UTF-8, then remove the mark)",
        )
        return
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        yield problem(
            line,
            "",
            repr(raw[max(error.start - 10, 0) : error.start + 10]),
            "this is not UTF-8",
            "Save the file as UTF-8",
        )
        return
    for number, line in enumerate(text.split("\n"), 1):
        if line.startswith(("<<<<<<<", "=======", ">>>>>>>")):
            yield problem(
                number,
                "",
                line,
                "a merge left this conflict mark",
                "Keep the right lines of both sides and delete the marks",
            )
        if "\x00" in line:
            yield problem(number, "", "", "the line has a NUL byte", "Delete it")
    expected = [field["name"] for field in resource["schema"]["fields"]]
    header_line = text.split("\n", 1)[0].rstrip("\r")
    header = next(csv.reader([header_line]), [])
    if len(header) == 1 and len(expected) > 1:
        found = next((mark for mark in (";", "\t", "|") if mark in header_line), None)
        if found:
            name = {";": "semicolons", "\t": "tabs", "|": "bars"}[found]
            yield problem(1, "", header_line, f"columns are separated by {name}", "Save it with commas")
            return
    for name in expected:
        if name not in header:
            yield problem(1, name, "", "this column is missing", "Restore it in the header and in every line")
    for name in header:
        if name not in expected and not name.startswith("x_"):
            hint = difflib.get_close_matches(name, expected, n=1)
            remedy = f"Did you mean {hint[0]}? " if hint else ""
            yield problem(
                1, name, "", "the schema has no such column", remedy + "A column of your team's begins with x_"
            )
    for name in {name for name in header if header.count(name) > 1}:
        yield problem(1, name, "", "this column is there twice", "Keep one")
    yield from _cells(file, text, header)


def _cells(file: str, text: str, header: list[str]) -> Iterator[Problem]:
    """Check the lines one by one: a row is one line, so that every error has a place and every diff is a row."""
    for number, line in enumerate(text.split("\n")[1:], 2):
        line = line.rstrip("\r")
        if not line:
            if number <= text.count("\n"):
                yield Problem(file, number, "", "", "the line is empty", "Delete it")
            continue
        if len(line) > LONGEST_CELL * 2:
            yield Problem(
                file,
                number,
                "",
                line[:60],
                f"the line has {len(line):,} characters",
                "Look for a quotation mark that was not closed, or move the text elsewhere",
            )
            continue
        try:
            cells = next(csv.reader([line], strict=True))
        except csv.Error:
            yield Problem(
                file,
                number,
                "",
                line[:60],
                "a quotation mark is opened and not closed, or a cell has a line break",
                'Write one row a line; a quotation mark inside a quoted cell is written twice ("")',
            )
            continue
        if len(cells) != len(header):
            yield Problem(
                file,
                number,
                "",
                line[:60],
                f"the line has {len(cells)} cells where the header has {len(header)}",
                "Put a cell that has a comma in quotation marks, or add the missing commas",
            )
            continue
        for name, cell in zip(header, cells, strict=True):
            if len(cell) > LONGEST_CELL:
                yield Problem(file, number, name, cell[:60], f"the cell has {len(cell):,} characters", "Shorten it")
            # What a spreadsheet would run as a formula; a negative number is not one.
            if re.match(r"[=+@\t]|-(?!\d)", cell):
                yield Problem(
                    file,
                    number,
                    name,
                    cell,
                    "a spreadsheet would take this for a formula",
                    "Begin with a letter or a number",
                )
            if cell != cell.strip():
                yield Problem(file, number, name, cell, "the cell begins or ends with a space", "Remove the space")


def _rows(path: Path) -> Rows:
    reader = csv.DictReader(io.StringIO(path.read_text(encoding="utf-8")))
    return list(enumerate(reader, 2))


# ---------------------------------------------------------------------- the schema

_REMEDIES: dict[str, Callable[[dict[str, Any], str], tuple[str, str]]] = {
    "required": lambda field, value: ("this cell must not be empty", "Fill it in"),
    "enum": lambda field, value: (
        "this is not in the vocabulary",
        "Use one of: " + ", ".join(field["constraints"]["enum"]),
    ),
    "pattern": lambda field, value: (
        f"this does not have the form {field['constraints']['pattern']}",
        f"The column is: {field['description'].rstrip('.')}",
    ),
    "minimum": lambda field, value: (
        f"this is below {field['constraints']['minimum']}", "Compare it with the study"),
    "maximum": lambda field, value: (
        f"this is above {field['constraints']['maximum']}", "Compare it with the study"),
}  # fmt: skip
_KINDS = {
    "integer": ("a whole number", "Write it in digits, such as 120"),
    "number": ("a number", "Write it with a decimal point, such as 0.85"),
    "year": ("a year", "Write it in four digits"),
    "boolean": ("true or false", "Write true, false, or leave it empty"),
    "date": ("a date", "Write it as 2026-11-24"),
}


def _against_schema(folder: Path, descriptor: dict[str, Any]) -> Iterator[Problem]:
    from frictionless import Dialect, Package, Resource, formats, system

    # A team's own columns (x_) are free text; the schema is widened by them before it is applied.
    package = Package(basepath=str(folder / "data"))
    fields: dict[str, dict[str, dict[str, Any]]] = {}
    for name, resource in _schema.tables(descriptor).items():
        with (folder / "data" / resource["path"]).open(encoding="utf-8", newline="") as file:
            header = next(csv.reader(file))
        known = {field["name"]: field for field in resource["schema"]["fields"]}
        fields[name] = known
        schema = {
            **resource["schema"],
            "fields": [known.get(column, {"name": column, "type": "string"}) for column in header],
        }
        package.add_resource(
            Resource.from_descriptor(
                {"name": name, "path": resource["path"], "encoding": "utf-8", "format": "csv", "schema": schema}
            )
        )
        package.get_resource(name).dialect = Dialect(controls=[formats.CsvControl(delimiter=",")])
    with system.use_context(trusted=True):
        report = package.validate(limit_errors=100_000)
    for task in report.tasks:
        file = f"data/{task.name}.csv"
        for error in task.errors:
            line = getattr(error, "row_number", None) or 0
            column = getattr(error, "field_name", None) or ""
            value = str(getattr(error, "cell", "") or "")
            field = fields[task.name].get(column, {})
            if error.type == "constraint-error" and field:
                constraint = re.search(r'constraint "(\w+)"', error.note)
                reason, remedy = _REMEDIES[constraint[1]](field, value) if constraint else (error.note, "Mend it")
            elif error.type == "type-error" and field:
                kind, remedy = _KINDS.get(field["type"], ("text", "Mend it"))
                reason = f"this is not {kind}"
            elif error.type == "unique-error":
                continue  # every unique column is a primary key here, and is reported as one
            elif error.type == "primary-key":
                reason = (
                    "this row has the same key as an earlier one ("
                    + error.note.replace("the same as in the row at position", "line")
                    + ")"
                )
                remedy = "Remove one of the two, or give this one its own key"
                value = " ".join(str(cell) for cell in getattr(error, "cells", [])[:3])
            elif error.type == "foreign-key":
                missing = re.search(r'values "(.*?)" not found in the lookup table "(\w*)" as "(\w+)"', error.note)
                column = (re.search(r'for "(\w+)"', error.note) or ["", ""])[1]
                value = missing[1] if missing else ""
                reason = f"data/{missing[2] or task.name}.csv has no such {missing[3]}" if missing else error.note
                remedy = "Correct the spelling or add the row there"
            else:
                reason, remedy = error.note or error.title, "Compare the line with its neighbours"
            yield Problem(file, line, column, value, reason, remedy)


# ---------------------------------------------------------------------- the bibliography


def _bibliography(folder: Path) -> tuple[dict[str, dict[str, Any]], list[Problem]]:
    """Return the entries of references.bib by key, and what is wrong with the file."""
    name = str(_schema.BIBLIOGRAPHY)
    try:
        raw = (folder / name).read_bytes()
    except OSError:
        return {}, [Problem(name, 0, "", "", "the bibliography is missing", f"Restore it, e.g. git checkout -- {name}")]
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        return {}, [Problem(name, line, "", "", "this is not UTF-8", "Save the file as UTF-8")]
    if text.startswith("\ufeff"):
        return {}, [Problem(name, 1, "", "", "the file has a byte order mark", "Save it as plain UTF-8")]
    frame, problems = references.parse(text, name)
    entries = {row["key"]: row for row in frame.to_dict("records")}
    if not problems:
        canonical = references.canonical(text)
        if canonical != text:
            pairs = zip(text.split("\n"), canonical.split("\n"), strict=False)
            line = next((n for n, (now, then) in enumerate(pairs, 1) if now != then), text.count("\n") + 1)
            wanted = (canonical.split("\n")[line - 1 : line] or [""])[0]
            problems.append(
                Problem(
                    name,
                    line,
                    "",
                    (text.split("\n")[line - 1 : line] or [""])[0].strip(),
                    "the file is not in its canonical form (sorted by key, one field a line, UTF-8 without LaTeX)",
                    f"Here should stand: {wanted.strip() or '(an empty line)'}. `litbench format` rewrites the file so",
                )
            )
    for key, row in entries.items():
        for field in ("title", "year", "authors"):
            if row[field] is None or row[field] != row[field] or str(row[field]) in ("", "<NA>"):
                problems.append(
                    Problem(name, row["line"], field, key, f"the entry has no {field}", "Add it from the publication")
                )
    return entries, problems


def _keys(rows: dict[str, Rows], bib: dict[str, dict[str, Any]]) -> Iterator[Problem]:
    if "studies" not in rows or not bib:
        return
    studies = {row["key"] for _, row in rows["studies"]}
    for line, row in rows["studies"]:
        if row["key"] not in bib:
            yield Problem(
                "data/studies.csv",
                line,
                "key",
                row["key"],
                "references.bib has no such entry",
                "Add the entry or correct the key",
            )
    for key, entry in bib.items():
        if key not in studies:
            yield Problem(
                "references.bib",
                entry["line"],
                "",
                key,
                "data/studies.csv has no row for this entry",
                "Add the row or remove the entry",
            )


def _dois(rows: dict[str, Rows], bib: dict[str, dict[str, Any]]) -> Iterator[Problem]:
    seen: dict[tuple[str, str], str] = {}
    for key, entry in bib.items():
        for field in ("doi", "pmid", "pmcid"):
            value = entry[field]
            if not isinstance(value, str) or not value:
                continue
            form = {"doi": _DOI, "pmid": re.compile(r"\d+"), "pmcid": re.compile(r"PMC\d+")}[field]
            if not form.fullmatch(value):
                example = {"doi": "10.1186/s40352-020-00111-9", "pmid": "32350636", "pmcid": "PMC5851589"}[field]
                yield Problem(
                    "references.bib",
                    entry["line"],
                    field,
                    value,
                    f"this is not the form of a {field.upper()}",
                    f"Write it as {example}, without an address before it",
                )
            if twin := seen.get((field, value.lower())):
                yield Problem(
                    "references.bib",
                    entry["line"],
                    field,
                    value,
                    f"{key} and {twin} have the same {field.upper()}",
                    "Keep one of the two studies, or correct the identifier",
                )
            seen[field, value.lower()] = key


def _titles(rows: dict[str, Rows], bib: dict[str, dict[str, Any]]) -> Iterator[Problem]:
    """Find near-duplicate titles: the same words but for a few letters."""
    plain = {key: re.sub(r"[^a-z0-9 ]", "", str(entry["title"]).lower()) for key, entry in bib.items()}
    words = {key: frozenset(title.split()) for key, title in plain.items()}
    keys = sorted(bib)
    for number, one in enumerate(keys):
        for other in keys[number + 1 :]:
            # Shared words first: comparing letter by letter is slow, and two twins share nearly all words.
            if len(words[one] & words[other]) < 0.8 * max(len(words[one]), len(words[other]), 1):
                continue
            if difflib.SequenceMatcher(None, plain[one], plain[other]).ratio() > 0.93:
                yield Problem(
                    "references.bib",
                    bib[other]["line"],
                    "title",
                    str(bib[other]["title"]),
                    f"the title is nearly that of {one}",
                    "If both are the same publication, keep one",
                )


# ---------------------------------------------------------------------- what a schema cannot say


def _finding_ids(rows: dict[str, Rows], bib: dict[str, dict[str, Any]]) -> Iterator[Problem]:
    for line, row in rows.get("findings", []):
        if row["finding"].rpartition(".")[0] != row["key"]:
            yield Problem(
                "data/findings.csv",
                line,
                "finding",
                row["finding"],
                f"the finding does not begin with its key {row['key']}",
                f"Name it {row['key']}. and a number",
            )
    numbers: dict[str, set[int]] = {}
    for _, row in rows.get("findings", []):
        if row["finding"].rpartition(".")[2].isdigit():
            numbers.setdefault(row["key"], set()).add(int(row["finding"].rpartition(".")[2]))
    with_findings = set(numbers)
    for line, row in rows.get("studies", []):
        if "findings" in rows and row["key"] not in with_findings:
            yield Problem(
                "data/studies.csv",
                line,
                "key",
                row["key"],
                NO_FINDING,
                f"Add its findings with `litbench code {row['key']}`",
            )


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None  # empty, or refused by the schema already


def _intervals(rows: dict[str, Rows], bib: dict[str, dict[str, Any]]) -> Iterator[Problem]:
    file = "data/effects.csv"
    for line, row in rows.get("effects", []):
        estimate, low, high = (_number(row[name]) for name in ("estimate", "ci_low", "ci_high"))
        if (low is None) != (high is None):
            yield Problem(
                file,
                line,
                "ci_low",
                row["ci_low"] or row["ci_high"],
                "the interval has one limit",
                "Give both limits or none",
            )
        elif low is not None and high is not None:
            if low > high:
                yield Problem(
                    file,
                    line,
                    "ci_low",
                    f"{low} to {high}",
                    "the lower limit is above the upper one",
                    "Exchange them, after a look at the study",
                )
            elif estimate is None or not low <= estimate <= high:
                yield Problem(
                    file,
                    line,
                    "estimate",
                    row["estimate"],
                    f"the interval {low:g} to {high:g} does not contain the estimate",
                    "Compare all three numbers with the study",
                )
            for name in ("ci_level", "interval"):
                if not row[name]:
                    yield Problem(
                        file,
                        line,
                        name,
                        "",
                        "there is an interval but this does not say of what kind",
                        "Fill in the level (95 is usual) and the kind of interval",
                    )
        if row["measure"] in _RATIOS and any(value is not None and value <= 0 for value in (estimate, low)):
            yield Problem(
                file,
                line,
                "estimate",
                row["estimate"],
                "a ratio is above zero",
                "If the study gives it on the log scale, write the ratio",
            )
        if row["measure"] in _RATIOS and estimate is not None and row["sign"]:
            sign = "positive" if estimate > 1 else "negative" if estimate < 1 else "none"
            if row["sign"] != sign:
                yield Problem(
                    file,
                    line,
                    "sign",
                    row["sign"],
                    f"a {row['measure']} of {estimate:g} has the sign {sign}",
                    "Correct the sign or the estimate",
                )
        if row["measure"] in ("AOR", "ARR", "AHR") and row["adjusted"] == "false":
            yield Problem(
                file,
                line,
                "adjusted",
                "false",
                f"{row['measure']} is an adjusted measure",
                "Write true, or the measure without the A",
            )


def _years(rows: dict[str, Rows], bib: dict[str, dict[str, Any]]) -> Iterator[Problem]:
    for line, row in rows.get("studies", []):
        start, end = _number(row["data_start"]), _number(row["data_end"])
        if start and end and start > end:
            yield Problem(
                "data/studies.csv",
                line,
                "data_start",
                row["data_start"],
                f"data collection begins after it ends ({row['data_end']})",
                "Exchange the two, after a look at the study",
            )
        published = bib.get(row["key"], {}).get("year")
        last = max(start or 0, end or 0)
        # A model looks ahead: its years are those it simulates.
        if row["design"] != "modelling" and last and published == published and published and last > published:
            yield Problem(
                "data/studies.csv",
                line,
                "data_end",
                f"{last:g}",
                f"data collection ends after publication ({published})",
                "Compare both years with the study",
            )


def _coordinates(rows: dict[str, Rows], bib: dict[str, dict[str, Any]]) -> Iterator[Problem]:
    file, seen = "data/places.csv", {}
    for line, row in rows.get("places", []):
        if (twin := seen.setdefault((row["key"], row["place"], row["country"]), line)) != line:
            yield Problem(
                file,
                line,
                "place",
                row["place"] or row["country"],
                f"this place is there already in line {twin}",
                "Remove one of the two",
            )
        try:
            country = _countries.name(row["country"])
        except ValueError as error:
            if re.fullmatch("[A-Z]{3}", row["country"]):
                yield Problem(
                    file, line, "country", row["country"], str(error), "Look the code up, e.g. MEX for Mexico"
                )
            continue
        lat, lon = _number(row["lat"]), _number(row["lon"])
        if (lat is None) != (lon is None) or bool(row["place"]) != (lat is not None):
            yield Problem(
                file,
                line,
                "lat",
                row["place"],
                "place, latitude and longitude come together",
                "Fill in all three, or none where only the country is known",
            )
            continue
        box = _countries.box(row["country"])
        # One degree around: the outlines are coarse and leave out small islands.
        if (
            lat is not None
            and lon is not None
            and box
            and not (box[0] - 1 <= lon <= box[2] + 1 and box[1] - 1 <= lat <= box[3] + 1)
        ):
            yield Problem(
                file,
                line,
                "lat",
                f"{lat:g}, {lon:g}",
                f"this is not in {country} ({box[1]:g} to {box[3]:g} north, {box[0]:g} to {box[2]:g} east)",
                "Look for exchanged latitude and longitude or a lost minus sign",
            )


def _person_first(rows: dict[str, Rows], bib: dict[str, dict[str, Any]]) -> Iterator[Problem]:
    for table, columns in _PROSE.items():
        for line, row in rows.get(table, []):
            for column in columns:
                if match := _PERSON_FIRST.search(row.get(column) or ""):
                    yield Problem(
                        f"data/{table}.csv",
                        line,
                        column,
                        match[0],
                        "the word names people by what they do or suffer",
                        "Write it person-first, e.g. people who use drugs, people in prison",
                    )


def _claims(rows: dict[str, Rows], bib: dict[str, dict[str, Any]]) -> Iterator[Problem]:
    """Check what follows from what: a recommendation has no sign, direction follows from sign and polarity."""
    findings = {row["finding"]: (line, row) for line, row in rows.get("findings", [])}
    for line, row in rows.get("effects", []):
        if row["finding"] not in findings:
            continue
        finding = findings[row["finding"]][1]
        if finding["claim"] == "recommendation" and row["sign"]:
            yield Problem(
                "data/effects.csv",
                line,
                "sign",
                row["sign"],
                f"{row['finding']} is a recommendation, which has no sign",
                "Correct the claim or empty the sign",
            )
        expected = _schema.DIRECTION.get((row["sign"], row["polarity"]))
        if expected and finding["direction"] in ("harm", "benefit") and finding["direction"] != expected:
            yield Problem(
                "data/effects.csv",
                line,
                "polarity",
                f"{row['sign']}, {row['polarity']}",
                f"sign and polarity make {row['finding']} a {expected}, its direction is {finding['direction']}",
                "Correct one of the three",
            )
        if row["primary_key"] and row["level"] != "quoted":
            yield Problem(
                "data/effects.csv",
                line,
                "primary_key",
                row["primary_key"],
                "only a quoted number has a primary study",
                "Set level to quoted or empty this cell",
            )


def _stances(rows: dict[str, Rows], bib: dict[str, dict[str, Any]]) -> Iterator[Problem]:
    """Check that only what can support a proposition does: a recommendation never does."""
    claims = {row["finding"]: row["claim"] for _, row in rows.get("findings", [])}
    for line, row in rows.get("proposition_evidence", []):
        claim, stance = claims.get(row["finding"], ""), row["stance"]
        if (claim == "recommendation") != (stance == "called-for") or (
            stance in ("supports", "contradicts") and claim not in ("effect", "association", "view")
        ):
            yield Problem(
                "data/proposition_evidence.csv",
                line,
                "stance",
                stance,
                f"{row['finding']} is a {claim or 'finding of unknown kind'}",
                "Effects, associations and views support or contradict; recommendations are called-for; "
                "the rest is context or qualifies",
            )
    judged = {row["proposition"] for _, row in rows.get("proposition_confidence", []) if row["domain"] == "overall"}
    for line, row in rows.get("propositions", []):
        if row["proposition"] not in judged:
            yield Problem(
                "data/propositions.csv",
                line,
                "proposition",
                row["proposition"],
                "nothing says how far one can rely on it",
                "Add its overall judgement to data/proposition_confidence.csv",
            )


def _comparisons(rows: dict[str, Rows], bib: dict[str, dict[str, Any]]) -> Iterator[Problem]:
    """Find publications of one sample that a comparison would take for independent."""
    keys = {row["finding"]: row["key"] for _, row in rows.get("findings", [])}
    samples = {row["key"]: row["sample"] for _, row in rows.get("studies", [])}
    for line, row in rows.get("comparisons", []):
        known = samples.get(keys.get(row["finding"], ""), "")
        if known and row["sample"] != known:
            yield Problem(
                "data/comparisons.csv",
                line,
                "sample",
                row["sample"],
                f"data/studies.csv has this study in the sample {known}",
                f"Write {known}, or correct it there",
            )


def _review_statements(rows: dict[str, Rows], bib: dict[str, dict[str, Any]]) -> Iterator[Problem]:
    """Find counts that are larger than what they are counted among, or that no review states."""
    keys = {row["finding"]: row["key"] for _, row in rows.get("findings", [])}
    designs = {row["key"]: row["design"] for _, row in rows.get("studies", [])}
    for line, row in rows.get("review_statements", []):
        key = keys.get(row["finding"], "")
        if key and designs.get(key, "") not in REVIEWS:
            yield Problem(
                "data/review_statements.csv",
                line,
                "finding",
                row["finding"],
                f"{key} is not a review",
                "Name a finding of a review, or correct the design in data/studies.csv",
            )
        value, of = _number(row["value"]), _number(row["of"])
        if value is not None and of is not None and value > of:
            yield Problem(
                "data/review_statements.csv",
                line,
                "value",
                row["value"],
                f"it is more than the {of:g} that it is counted among",
                "Compare both with the page of the review",
            )


def _imports(rows: dict[str, Rows], bib: dict[str, dict[str, Any]]) -> Iterator[Problem]:
    for line, row in rows.get("imports", []):
        parts = [_number(row[name]) for name in ("records", "imported", "duplicates", "rejected")]
        if None not in parts and parts[0] != sum(parts[1:]):  # type: ignore[arg-type]
            yield Problem(
                "data/imports.csv",
                line,
                "records",
                row["records"],
                f"imported, duplicates and rejected make {sum(parts[1:]):g}",  # type: ignore[arg-type]
                "Compare the line with its version in git",
            )


def _checked(rows: dict[str, Rows], bib: dict[str, dict[str, Any]]) -> Iterator[Problem]:
    """Check that studies, the log of what was compared, and the log of faults tell the same."""
    rounds = {(row["key"], row["round"]) for _, row in rows.get("checks", [])}
    logged = {key for key, _ in rounds}
    for line, row in rows.get("studies", []):
        if bool(row["checked"]) != (row["key"] in logged) or bool(row["checked"]) != bool(row["checked_against"]):
            yield Problem(
                "data/studies.csv",
                line,
                "checked",
                row["checked"],
                "checked, checked_against and data/checks.csv do not agree on whether it was compared with its page",
                "Fill in all three, or none",
            )
    for line, row in rows.get("audit", []):
        if (row["key"], row["round"]) not in rounds:
            yield Problem(
                "data/audit.csv",
                line,
                "round",
                row["round"],
                f"data/checks.csv has no check of {row['key']} in this round, so no error rate can be computed",
                "Add its row there",
            )


def _coverage(rows: dict[str, Rows], bib: dict[str, dict[str, Any]]) -> Iterator[Problem]:
    for line, row in rows.get("coverage", []):
        if (row["status"] == "in") != bool(row["key"]) or (row["status"] != "in") != bool(row["reason"]):
            yield Problem(
                "data/coverage.csv",
                line,
                "status",
                row["status"],
                "a study that is in has its key, any other its reason",
                "Fill in the one and leave the other empty",
            )


_RULES = [
    _keys,
    _dois,
    _titles,
    _finding_ids,
    _intervals,
    _years,
    _coordinates,
    _person_first,
    _claims,
    _stances,
    _comparisons,
    _review_statements,
    _imports,
    _checked,
    _coverage,
]


# ---------------------------------------------------------------------- codebook and dictionary


def _terms(codebook: Codebook) -> Iterator[Problem]:
    from litbench._patterns import PatternError, parse

    for theme in codebook.themes:
        for pattern in (*theme.terms, *theme.exclude):
            try:
                parse(pattern)
            except PatternError as error:
                yield Problem(
                    str(_schema.CODEBOOK),
                    0,
                    theme.id,
                    pattern,
                    str(error),
                    "See the pattern language in the docstring of litbench.tagging",
                )


def _themes(rows: Rows, known: dict[str, Theme]) -> Iterator[Problem]:
    given: dict[tuple[str, str, str], set[str]] = {}
    latest = max((row["round"] for _, row in rows), default="")
    for line, row in rows:
        given.setdefault((row["finding"], row["coder"], row["round"]), set()).add(row["theme"])
        if row["theme"] != NO_THEME:
            yield from _theme("data/codes.csv", line, "theme", row["theme"], known, retired=row["round"] != latest)
    for (finding, coder, _), themes in given.items():
        if NO_THEME in themes and len(themes) > 1:
            yield Problem(
                "data/codes.csv",
                0,
                "theme",
                NO_THEME,
                f"{coder} gave {finding} themes and {NO_THEME!r}",
                "Keep one or the other",
            )


def _examples(rows: Rows, known: dict[str, Theme]) -> Iterator[Problem]:
    for line, row in rows:
        for theme in row["themes"].split():
            yield from _theme("data/examples.csv", line, "themes", theme, known)


def _theme(
    file: str, line: int, field: str, theme: str, known: dict[str, Theme], *, retired: bool = False
) -> Iterator[Problem]:
    """Check that the codebook has a theme, and in use unless it may be retired."""
    if theme not in known:
        hint = difflib.get_close_matches(theme, known, n=1)
        yield Problem(
            file,
            line,
            field,
            theme,
            "the codebook has no such theme",
            f"Did you mean {hint[0]}?" if hint else "Add it to data/codebook.yaml or use one that is there",
        )
    elif known[theme].retired and not retired:
        yield Problem(file, line, field, theme, "this theme is retired", known[theme].retired)


def _dictionary(folder: Path, descriptor: dict[str, Any]) -> Iterator[Problem]:
    readme = folder / "data" / "README.md"
    text = readme.read_text(encoding="utf-8") if readme.is_file() else ""
    if _schema.data_dictionary(descriptor) not in text:
        yield Problem(
            "data/README.md",
            0,
            "",
            "",
            "the data dictionary is not that of data/datapackage.json",
            "Run `litbench dictionary`, which writes it anew",
        )
