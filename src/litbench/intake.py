"""How studies come in: look a publication up, add it, code it, and import libraries of candidates.

Everything here goes through one door (`litbench._store`): it is checked as a whole and written whole, or not at all.
"""

from __future__ import annotations

import datetime
import difflib
import hashlib
import io
import re
import shutil
import tempfile
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from litbench import _duplicates, _formats, _schema, _store, references
from litbench._problems import CorpusError, Problem
from litbench._services import Services
from litbench.check import NO_FINDING, check_table
from litbench.codebook import NO_THEME, Codebook

CANDIDATES = "candidates/records.csv"
REJECTED = "candidates/rejected.csv"
ADJUDICATION = "agreed"  # the coder whose codes are what the others agreed on

# Words that begin a title and say nothing: articles, prepositions and the like, in the corpus's languages.
_SMALL_WORDS = frozenset(
    [
        "a", "an", "the", "of", "in", "on", "at", "to", "for", "from", "with", "by", "and", "or", "it", "is",
        "are", "was", "as", "i", "we", "my", "la", "el", "los", "las", "le", "les", "un", "una", "der", "die",
        "das", "o", "os",
    ]
)  # fmt: skip


# ---------------------------------------------------------------------- a new study


@dataclass(frozen=True)
class Proposal:
    """A publication that may become a study, before anything is written.

    Attributes
    ----------
    key : str
        The citation key that it would get, in the corpus's style.
    record : dict
        The bibliographic record.
    twin : str
        Citation key of the study in the corpus that it is a duplicate of; empty for a new one.
    study : dict
        What is known for its row in ``data/studies.csv``; the rest is read out of the publication.
    notes : tuple of str
        What to know before adding it: a retraction, what could not be looked up, an earlier decision.
    """

    key: str
    record: dict[str, Any]
    twin: str
    study: dict[str, Any]
    notes: tuple[str, ...]

    @property
    def entry(self) -> str:
        """The entry for ``references.bib``."""
        return references.format(_as_references([self.record | {"key": self.key}]))

    def __repr__(self) -> str:
        lines = [self.entry.rstrip()]
        if self.twin:
            lines.append(f"Already in the corpus as {self.twin}.")
        return "\n".join([*lines, *(f"Note: {note}" for note in self.notes)])


def propose(source: str | Path, corpus: str | Path | None = None, services: Services | None = None) -> Proposal:
    """Look a publication up and compare it with the corpus; nothing is written.

    Parameters
    ----------
    source : str or pathlib.Path
        A DOI, a PMID, or a file with one record (`litbench._formats.read_library`).
    corpus : str or pathlib.Path, optional
        Folder of the corpus, as in `litbench.load_corpus`.
    services : Services, optional
        Where to look up; by default as the environment sets it.

    Raises
    ------
    CorpusError
        For a publication that cannot be found or read; the message says what to do.
    """
    folder = _schema.find_corpus(corpus)
    _store.recover(folder)
    notes: list[str] = []
    study: dict[str, Any] = {}
    if _is_file(source):
        frame, rejected = _formats.read_library(source)
        if len(frame) + len(rejected) != 1:
            raise CorpusError(
                f"{source} holds {len(frame) + len(rejected)} records. `litbench import {source}` takes them in as "
                "candidates; for one study give a file with one record, or its DOI."
            )
        if len(rejected):
            raise CorpusError(f"{source}:{rejected.line[0]}: {rejected.reason[0]}. Export the record again.")
        record = _known(frame.to_dict("records")[0])
    else:
        found = (services or Services.from_environment()).look_up(str(source))
        record = _known(found.record)
        notes += found.notes
        study |= {"open_access": found.open_access, "bib_seen_at": found.seen_at}
    corpus_records = _corpus_records(folder)
    twin = _twin(record, corpus_records)
    if record.get("retracted"):
        notes.append("this publication is RETRACTED; read the notice before you use it")
    notes += [f"the record has no {name}" for name in ("authors", "year") if not record.get(name)]
    for row in _read_csv(folder / "data/screening.csv").to_dict("records"):
        same = [
            name for name in ("doi", "pmid") if row[name] and row[name].lower() == str(record.get(name, "")).lower()
        ]
        if same:
            notes.append(f"it was screened on {row['date']} as {row['record']}: {row['decision']}, {row['reason']}")
    return Proposal(propose_key(record, set(corpus_records.cited_as)), record, twin, _known(study), tuple(notes))


def propose_key(record: Mapping[str, Any], taken: set[str]) -> str:
    """Return a citation key in the corpus's style: first author, year, first word of the title that says something."""
    author = str(record.get("authors") or "anon").split("; ")[0].partition(",")[0]
    family = re.sub(r"[^a-z]", "", _duplicates.fold(author)) or "anon"
    words = [word for word in _duplicates.fold(str(record["title"])).split() if word not in _SMALL_WORDS]
    words = [word for word in words if word.isascii() and not word.isdigit()] or ["untitled"]
    stem = f"{family}{record.get('year') or '0000'}"
    key = f"{stem}{words[0]}"
    for more in words[1:4]:
        if key not in taken:
            return key
        key += more
    number = 2
    while key in taken:
        key, number = f"{stem}{words[0]}{number}", number + 1
    return key


def add(
    proposal: Proposal,
    study: Mapping[str, Any],
    places: Sequence[Mapping[str, Any]] = (),
    *,
    reason: str,
    corpus: str | Path | None = None,
    date: datetime.date | None = None,
) -> None:
    """Add a study: its entry, its row, its places, and the decision to include it, in one change.

    Parameters
    ----------
    proposal : Proposal
        From `propose`.
    study : mapping
        Columns of ``data/studies.csv``; they go before those that the proposal knows.
    places : sequence of mapping
        Columns of ``data/places.csv`` without the key.
    reason : str
        Why it belongs in, for the screening log.
    corpus : str or pathlib.Path, optional
    date : datetime.date, optional
        When it was decided; today by default.

    Raises
    ------
    CorpusError
        For a duplicate, and for anything that would not pass `litbench check`, except that its findings are missing
        still. Nothing is written then.
    """
    if proposal.twin:
        raise CorpusError(
            f"Not added: it is in the corpus already, as {proposal.twin}. If both are different publications, correct "
            "the DOI or PMID of the one that is wrong."
        )
    folder = _schema.find_corpus(corpus)
    row = {"identification_route": "screened", **proposal.study, **study, "key": proposal.key}
    with _store.writing(folder, allow=_to_be_coded) as change:
        if any(one["key"] == proposal.key for one in change.rows("studies")):
            raise CorpusError(f"Not added: there is a study {proposal.key} by now. Propose it again.")
        change.insert_entry(proposal.key, proposal.entry)
        change.insert("studies", [row])
        change.insert("places", [{**place, "key": proposal.key} for place in places])
        record = proposal.record
        earlier = change.remove("screening", lambda one: _same_identifier(one, record))
        log = {
            "record": earlier[0]["record"] if earlier else proposal.key,
            "title": record["title"], "doi": record.get("doi"), "pmid": record.get("pmid"), "decision": "included",
            "reason": reason, "date": date or datetime.date.today(),
            "source": earlier[0]["source"] if earlier else row.get("bib_seen_at") or record.get("file"),
            "place": earlier[0].get("place") if earlier else None,
        }  # fmt: skip
        change.insert("screening", [log])


def _to_be_coded(problem: Problem) -> bool:
    return problem.reason == NO_FINDING


def _same_identifier(row: Mapping[str, str], record: Mapping[str, Any]) -> bool:
    return any(row[name] and row[name].lower() == str(record.get(name) or "").lower() for name in ("doi", "pmid"))


def _twin(record: Mapping[str, Any], corpus_records: pd.DataFrame) -> str:
    for name in ("doi", "pmid", "pmcid"):
        same = corpus_records[corpus_records[name].fillna("").str.lower() == str(record.get(name) or "-").lower()]
        if len(same):
            return same.cited_as.iloc[0]
    place = _duplicates.link(_formats.to_frame([dict(record)]), corpus_records).iloc[0]
    return "" if place < 0 else corpus_records.cited_as.iloc[place]


# ---------------------------------------------------------------------- findings and codes


def code(
    key: str,
    coder: str,
    findings: Iterable[Mapping[str, Any]],
    corpus: str | Path | None = None,
) -> None:
    """Write one coder's findings and codes of a study; what the coder wrote for these findings before is replaced.

    Parameters
    ----------
    key : str
        Citation key.
    coder : str
        Initials in small letters, or ``agreed`` for the adjudication.
    findings : iterable of mapping
        Each with ``themes``, a mapping of theme id to role (or None), empty for a finding that gets no theme, and
        ``claim``. One that is there already has its id as ``finding``; a new one has the columns of
        ``data/findings.csv`` instead (``statement``, ``kind``, ``direction``, ``locator``, ...) and may have
        ``effect``, a mapping of the columns of ``data/effects.csv``.
    corpus : str or pathlib.Path, optional

    Raises
    ------
    CorpusError
        For a study, finding or theme that is not there, and for anything that would not pass `litbench check`.
    """
    folder = _schema.find_corpus(corpus)
    codebook = Codebook.read(folder / _schema.CODEBOOK)
    with _store.writing(folder, allow=_to_be_coded) as change:
        _require_study(key, [row["key"] for row in change.rows("studies")])
        rows = change.rows("findings")
        known = {row["finding"] for row in rows if row["key"] == key}
        number = max((int(one.rpartition(".")[2]) for one in known), default=0)
        round_ = _latest_round(change.rows("codes"))
        for order, finding in enumerate(findings, 1):
            values = dict(finding)
            themes, effect, claim = values.pop("themes", None), values.pop("effect", None), values.pop("claim", None)
            name = values.pop("finding", None)
            where = f"finding {name or order}"
            if not isinstance(themes, Mapping):
                raise CorpusError(f"{where}: themes are to be a list such as `arrest: exposure`, or {{}} for none.")
            _require_themes(where, themes, codebook)
            if name:
                if name not in known:
                    raise CorpusError(f"{where}: the study has no such finding; leave `finding` out for a new one.")
            else:
                number += 1
                name = f"{key}.{number}"
                change.insert("findings", [{**values, "finding": name, "key": key}])
                if effect:
                    change.insert("effects", [{**effect, "finding": name}])
            mine = {"finding": name, "coder": coder, "round": round_}
            change.remove("codes", lambda row, mine=mine: mine.items() <= row.items())
            change.insert(
                "codes",
                [{**mine, "theme": one, "role": role} for one, role in themes.items()] or [{**mine, "theme": NO_THEME}],
            )
            if coder == ADJUDICATION:
                change.update("findings", lambda row, name=name: row["finding"] == name, {"claim": claim})
            else:
                change.remove("claims", lambda row, name=name: row["finding"] == name and row["coder"] == coder)
                change.insert("claims", [{"finding": name, "coder": coder, "claim": claim}] if claim else [])


def adjudicate(table: pd.DataFrame, value: str = "theme", corpus: str | Path | None = None) -> int:
    """Write what an adjudicator decided in a table of disagreements, as the coder ``agreed``, all of it or nothing.

    Parameters
    ----------
    table : pandas.DataFrame
        As `litbench.disagreements` gives it, with the decision in ``agreed``: the finding's themes with ``; ``
        between them, the role, or the claim. A theme may carry its role (``arrest: exposure``); without one it
        takes the role that its coders gave. Rows with nothing in ``agreed`` wait. Columns other than ``finding``,
        ``theme`` and ``agreed`` are not read.
    value : {"theme", "role", "claim"}
        What the table is about.
    corpus : str or pathlib.Path, optional

    Returns
    -------
    int
        Rows of the table that were decided.

    Raises
    ------
    CorpusError
        For a finding, theme or role that is not there, a theme whose coders gave different roles, and for anything
        that would not pass `litbench check`.
    """
    needed = ["finding", "agreed"] + ["theme"] * (value == "role")
    if missing := [name for name in needed if name not in table]:
        raise CorpusError(
            f"The table has no column {missing[0]}. Start from litbench.disagreements(corpus, {value!r})."
        )
    decided = table[table.agreed.fillna("").str.strip() != ""]
    folder = _schema.find_corpus(corpus)
    codebook = Codebook.read(folder / _schema.CODEBOOK)
    with _store.writing(folder, allow=_to_be_coded) as change:
        known = {row["finding"] for row in change.rows("findings")}
        rows = change.rows("codes")
        latest = _latest_round(rows)
        codes = pd.DataFrame(
            [row for row in rows if row["round"] == latest], columns=["finding", "theme", "coder", "round", "role"]
        )
        if unknown := sorted(set(decided.finding) - known):
            raise CorpusError(f"There is no finding {unknown[0]!r}. Leave the column `finding` as it was.")
        adjudicated = codes[codes.coder == ADJUDICATION]
        if value == "claim":
            for claim, rows in decided.groupby(decided.agreed.str.strip()):
                names = set(rows.finding)
                change.update("findings", lambda row, names=names: row["finding"] in names, {"claim": claim})
        elif value == "role":
            there = set(zip(adjudicated.finding, adjudicated.theme, strict=True))
            for finding, theme in zip(decided.finding, decided.theme, strict=True):
                if (finding, theme) not in there:
                    raise CorpusError(f"{finding}: {theme} is not among the agreed themes. Agree on the themes first.")
            for role, rows in decided.groupby(decided.agreed.str.strip()):
                pairs = {(*pair, ADJUDICATION, latest) for pair in zip(rows.finding, rows.theme, strict=True)}
                change.update("codes", lambda row, pairs=pairs: _code(row) in pairs, {"role": role})
        else:
            coded = dict(list(codes.groupby("finding")))
            new = []
            for finding, agreed in zip(decided.finding, decided.agreed, strict=True):
                themes = _decided_themes(finding, agreed, coded.get(finding, codes.iloc[:0]))
                _require_themes(f"finding {finding}", themes, codebook)
                mine = {"finding": finding, "coder": ADJUDICATION, "round": latest}
                new += [{**mine, "theme": theme, "role": role} for theme, role in themes.items()]
            old = {(row["finding"], row["coder"], row["round"]) for row in new}
            change.remove("codes", lambda row: (row["finding"], row["coder"], row["round"]) in old)
            change.insert("codes", new)
    return len(decided)


def _latest_round(codes: Iterable[Mapping[str, str]]) -> str:
    """Return the round of coding that is under way; as text, as it stands in the table, where 10 is after 9."""
    return str(max((int(row["round"]) for row in codes), default=1))


def _code(row: Mapping[str, str]) -> tuple[str, str, str, str]:
    return row["finding"], row["theme"], row["coder"], row["round"]


def _decided_themes(finding: str, agreed: str, given: pd.DataFrame) -> dict[str, str]:
    """Return the themes of an adjudicator's cell with their roles, the coders' where the cell names none."""
    themes = {}
    for part in agreed.split(";"):
        theme, _, role = (text.strip() for text in part.partition(":"))
        coded = given[given.theme == theme]
        roles = set(coded.role[coded.coder != ADJUDICATION]) - {""}
        if not role and len(roles) > 1:  # an earlier adjudication has settled it, or nobody has yet
            roles = set(coded.role[coded.coder == ADJUDICATION]) - {""}
        if not role and len(roles) != 1 and (roles or not len(coded) or (coded.role != "").any()):
            raise CorpusError(
                f"{finding}: the role of {theme} is not settled. Write `{theme}: role`, e.g. {theme}: outcome."
            )
        themes[theme] = role or next(iter(roles), "")
    return themes


def _require_study(key: str, known: Iterable[str]) -> None:
    if key not in (known := list(known)):
        near = difflib.get_close_matches(key, known, n=3)
        raise CorpusError(
            f"There is no study {key!r}. "
            + (f"Did you mean {' or '.join(near)}?" if near else "`litbench add` adds one.")
        )


def _require_themes(where: str, themes: Mapping[str, Any], codebook: Codebook) -> None:
    known = {theme.id: theme for theme in codebook.themes}
    for theme in themes:
        if theme not in known:
            near = difflib.get_close_matches(str(theme), known, n=3)
            raise CorpusError(
                f"{where}: the codebook has no theme {theme!r}. "
                + (f"Did you mean {' or '.join(near)}?" if near else "See data/codebook.yaml.")
            )
        if known[theme].retired:
            raise CorpusError(f"{where}: the theme {theme} is retired. {known[theme].retired}.")


# ---------------------------------------------------------------------- forms


def study_form(proposal: Proposal, corpus: str | Path | None = None) -> str:
    """Return the form, YAML, in which what was read out of a publication is written for `add`."""
    descriptor = _schema.read_descriptor(_schema.find_corpus(corpus))
    tables = _schema.tables(descriptor)
    known = {"identification_route": "screened", **proposal.study}
    preview = textwrap.indent(repr(proposal), "# ", lambda line: True)
    lines = [
        preview,
        "#",
        "# Fill in what the publication says, in your own words; leave empty what it does not say. # begins help.",
        "reason:  # why it belongs in the corpus",
        "study:",
        *_form_fields(tables["studies"], known, skip={"key"}),
        "places:  # one block a place; only the country where no place is named; [] for a review without a country",
    ]
    place = _form_fields(tables["places"], {}, skip={"key"})
    place[0] = place[0].replace("  ", "- ", 1)
    return "\n".join([*lines, *(f"  {line}" for line in place)]) + "\n"


def code_form(key: str, coder: str, corpus: str | Path | None = None, hits: pd.DataFrame | None = None) -> str:
    """Return the form, YAML, in which a coder writes findings and codes of a study.

    The statements that are there are shown; the codes and claims of others are not, so that coding is blind, unless
    the coder is ``agreed``: the adjudicator sees what each coder gave, and what all gave is filled in.

    Parameters
    ----------
    key, coder : str
        Citation key; initials in small letters, or ``agreed``.
    corpus : str or pathlib.Path, optional
    hits : pandas.DataFrame, optional
        Rows of `litbench.documents.FullTexts.hits`: each sentence of this study becomes a draft of a new finding with
        its page as the locator and the themes that its words suggest. The sentence itself is a comment, to be
        paraphrased: it is the publisher's and is never saved.
    """
    folder = _schema.find_corpus(corpus)
    _store.recover(folder)
    _require_study(key, _read_csv(folder / "data/studies.csv").key)
    tables = _schema.tables(_schema.read_descriptor(folder))
    codebook = Codebook.read(folder / _schema.CODEBOOK)
    codes, claims = (_read_csv(folder / f"data/{name}.csv") for name in ("codes", "claims"))
    codes = codes[codes["round"] == _latest_round(codes.to_dict("records"))]
    findings = _read_csv(folder / "data/findings.csv")
    claim_help = _help(_field(tables["findings"], "claim"))
    lines = [
        f"# {key}, coded by {coder}. Lines with # are help.",
        "# themes: one line each, `theme: role`; {} for a finding that gets none. Roles: "
        + ", ".join(_field(tables["codes"], "role")["constraints"]["enum"]),
        "# Themes (definitions in data/codebook.yaml):",
        *textwrap.wrap(
            ", ".join(theme.id for theme in codebook.themes if not theme.retired), 110,
            initial_indent="#   ", subsequent_indent="#   ", break_on_hyphens=False,
        ),
        "findings:",
    ]  # fmt: skip
    for row in findings[findings.key == key].to_dict("records"):
        lines += [f"  - finding: {row['finding']}"]
        lines += textwrap.wrap(row["statement"], 110, initial_indent="    # ", subsequent_indent="    # ")
        given = codes[codes.finding == row["finding"]]
        claimed = claims[claims.finding == row["finding"]]
        mine, claim = _filled(given, claimed, coder, row)
        if coder == ADJUDICATION:
            for other, theirs in given[given.coder != coder].groupby("coder"):
                said = ", ".join(f"{one.theme}: {one.role}" if one.role else one.theme for one in theirs.itertuples())
                lines.append(f"    # {other}: {said}; claim: {', '.join(claimed.claim[claimed.coder == other])}")
        lines += [f"    claim: {claim}  # {claim_help}".rstrip()]
        lines += ["    themes:" if mine else "    themes: {}"]
        lines += [f"      {theme}: {role}".rstrip() for theme, role in mine.items()]

    def block(locator: str, themes: Iterable[str]) -> list[str]:
        new = _form_fields(tables["findings"], {"locator": locator}, skip={"finding", "key", "claim"})
        lines = ["  - " + new[0].strip(), *(f"    {line.strip()}" for line in new[1:])]
        lines += [f"    claim:  # {claim_help}", "    themes:", *(f"      {theme}" for theme in themes)]
        return [f"  #{line[2:]}" for line in lines]

    if hits is not None:
        lines += ["  # Drafts from the full text: say in your own words what is found, judge the themes, and take the",
                  "  # # from its lines; a draft that keeps its # is not saved."]  # fmt: skip
        for (page, _), sentence in hits[hits.key == key].groupby(["page", "sentence"], dropna=False):
            lines += textwrap.wrap(sentence.text.iloc[0], 110, initial_indent="  ## ", subsequent_indent="  ## ")
            themes = [f"{one.theme}:  # {one.words}" for one in sentence.itertuples()]
            lines += block("" if pd.isna(page) else f"p. {page}", themes)
    effect = _form_fields(tables["effects"], {}, skip={"finding"})
    lines += ["  # A new finding: take the # from these lines.", *block("", ["theme-id: role"])]
    lines += ["  #  effect:  # only for a numeric estimate", *(f"  #    {line.strip()}" for line in effect)]
    return "\n".join(lines) + "\n"


def _filled(
    given: pd.DataFrame, claimed: pd.DataFrame, coder: str, finding: Mapping[str, str]
) -> tuple[dict[str, str], str]:
    """Return what the form already has for one finding: the coder's own, or for the adjudicator what all gave."""
    own = given[given.coder == coder]
    if len(own) or coder != ADJUDICATION:
        claim = finding["claim"] if coder == ADJUDICATION else next(iter(claimed.claim[claimed.coder == coder]), "")
        return {row.theme: row.role for row in own.itertuples() if row.theme != NO_THEME}, claim
    coders = set(given.coder)
    pairs = [set(zip(theirs.theme, theirs.role, strict=True)) for _, theirs in given.groupby("coder")]
    shared = set.intersection(*pairs) if len(coders) > 1 else set()
    claims = set(claimed.claim)
    claim = claims.pop() if len(claims) == 1 and len(claimed) > 1 else ""
    return {theme: role for theme, role in sorted(shared) if theme != NO_THEME}, claim


def read_form(text: str, needs: str) -> dict[str, Any]:
    """Return what was written into a form.

    Raises
    ------
    CorpusError
        With the line, where it is not YAML or the part that `needs` names is not there.
    """
    try:
        content = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f" in line {mark.line + 1}" if mark else ""
        raise CorpusError(
            f"The form cannot be read{line}: {getattr(error, 'problem', error)}. A text with a colon or a # needs "
            "quotation marks around it."
        ) from None
    if not isinstance(content, dict) or not content.get(needs):
        raise CorpusError(f"The form has no {needs!r}. Nothing was written.")
    return content


def _form_fields(table: Mapping[str, Any], known: Mapping[str, Any], skip: set[str]) -> list[str]:
    lines = []
    for one in table["schema"]["fields"]:
        if one["name"] not in skip:
            value = known.get(one["name"])
            value = "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
            lines.append(f"  {one['name']}: {value}".rstrip() + f"  # {_help(one)}")
    return lines


def _field(table: Mapping[str, Any], name: str) -> dict[str, Any]:
    return next(one for one in table["schema"]["fields"] if one["name"] == name)


def _help(one: Mapping[str, Any]) -> str:
    constraints = one.get("constraints", {})
    text = "one of: " + ", ".join(constraints["enum"]) if "enum" in constraints else one["description"].rstrip(".")
    return ("required; " if constraints.get("required") else "") + text


# ---------------------------------------------------------------------- libraries of candidates


@dataclass(frozen=True)
class Import:
    """What became of the records of a file: each is imported, a duplicate, or rejected.

    Attributes
    ----------
    file : str
    imported, duplicates, rejected : pandas.DataFrame
        ``imported`` and ``duplicates`` have the columns of ``candidates/records.csv``; ``duplicate_of`` names the
        study, the screened or the earlier record. ``rejected`` has ``file, line, reason, text``.
    """

    file: str
    imported: pd.DataFrame = field(repr=False)
    duplicates: pd.DataFrame = field(repr=False)
    rejected: pd.DataFrame = field(repr=False)

    @property
    def records(self) -> int:
        """Records in the file."""
        return len(self.imported) + len(self.duplicates) + len(self.rejected)

    def __str__(self) -> str:
        lines = [
            f"{self.file}: {self.records:,} records = {len(self.imported):,} imported"
            f" + {len(self.duplicates):,} duplicates + {len(self.rejected):,} rejected"
        ]
        lines += [f"  {row.file}:{row.line}: rejected: {row.reason}" for row in self.rejected.head(10).itertuples()]
        lines += [f"  ... all in {REJECTED}"] if len(self.rejected) > 10 else []
        return "\n".join(lines)


def import_library(
    path: str | Path,
    source: str = "",
    corpus: str | Path | None = None,
    date: datetime.date | None = None,
) -> Import:
    """Take the records of a file in as candidates, linked to what they are duplicates of.

    Parameters
    ----------
    path : str or pathlib.Path
        As `litbench._formats.read_library` reads them.
    source : str
        Database or register that they were exported from, for the PRISMA flow; the file's name by default.
    corpus : str or pathlib.Path, optional
    date : datetime.date, optional
        Day of the import; today by default.

    Returns
    -------
    Import

    Raises
    ------
    CorpusError
        For a file that cannot be read as a whole, or that was imported before.
    """
    folder, path = _schema.find_corpus(corpus), Path(path)
    frame, rejected = _formats.read_library(path)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()[:12]
    with _store.writing(folder, validate=lambda path: check_table(path, "imports")) as change:
        for row in change.rows("imports"):
            if row["digest"] == digest:
                raise CorpusError(f"{path.name} was imported on {row['date']} already, as {row['file']}.")
        earlier = read_candidates(folder)
        known = pd.concat([_corpus_records(folder), _screened_records(folder), earlier], ignore_index=True)
        names = [*known.cited_as[: len(known) - len(earlier)], *earlier.record]
        taken = set(names)
        positions = _duplicates.link(frame, known)
        frame.insert(0, "record", _record_names(frame, taken))
        names += list(frame.record)
        frame.insert(1, "duplicate_of", [names[position] if position >= 0 else None for position in positions])
        frame = frame.astype({"duplicate_of": "str"})
        new = frame.duplicate_of.isna()
        result = Import(path.name, frame[new], frame[~new], rejected)
        change.replace(CANDIDATES, change.text(CANDIDATES) + _csv(frame, header=not len(earlier)))
        if len(rejected):
            text = change.text(REJECTED)
            change.replace(REJECTED, text + _csv(rejected, header=not text))
        counts = {"records": result.records, "imported": len(result.imported), "duplicates": len(result.duplicates)}
        change.insert(
            "imports",
            [{"file": path.name, "digest": digest, "source": source or path.name, "date": date or datetime.date.today(),
              **counts, "rejected": len(rejected)}],
        )  # fmt: skip
    return result


def read_candidates(folder: Path) -> pd.DataFrame:
    """Return the candidates so far: ``record, duplicate_of`` and the columns of `litbench._formats.COLUMNS`."""
    path = folder / CANDIDATES
    if not path.is_file():
        return _formats.to_frame([]).assign(record=pd.Series(dtype="str"), duplicate_of=pd.Series(dtype="str"))
    frame = pd.read_csv(path, dtype="str", keep_default_na=False, na_values=[""], encoding="utf-8", lineterminator="\n")
    for name in ("authors_complete", "retracted"):
        frame[name] = frame[name].map({"true": True, "false": False}).astype("boolean")
    return frame.astype({"year": "Int64", "line": "Int64"})


def _record_names(frame: pd.DataFrame, taken: set[str]) -> list[str]:
    names = []
    records = (
        frame[["authors", "year", "title"]].astype(object).where(frame[["authors", "year", "title"]].notna(), None)
    )
    for record in records.to_dict("records"):
        names.append(propose_key(record, taken))
        taken.add(names[-1])
    return names


def _csv(frame: pd.DataFrame, header: bool) -> str:
    frame = frame.copy()
    for name in frame.columns[frame.dtypes == "boolean"]:
        frame[name] = frame[name].map({True: "true", False: "false"})
    for name in ("abstract", "text", "title"):  # a row is one line, as in the tables
        if name in frame:
            frame[name] = frame[name].str.replace(r"\s+", " ", regex=True)
    buffer = io.StringIO()
    frame.to_csv(buffer, index=False, header=header, lineterminator="\n")
    return buffer.getvalue()


# ---------------------------------------------------------------------- to practise, and to review


def practice_copy(without: str, corpus: str | Path | None = None) -> Path:
    """Copy the corpus to a temporary folder and take one study out of the copy, to practise adding it.

    Parameters
    ----------
    without : str
        Citation key of the study.
    corpus : str or pathlib.Path, optional
        The corpus that is copied; it stays as it is.

    Returns
    -------
    pathlib.Path
        Folder of the copy.
    """
    folder = _schema.find_corpus(corpus)
    copy = Path(tempfile.mkdtemp(prefix="litbench-practice-"))
    shutil.copytree(folder / "data", copy / "data")
    shutil.copy(folder / _schema.BIBLIOGRAPHY, copy)
    bibliography = references.read(copy / _schema.BIBLIOGRAPHY)
    _require_study(without, bibliography.key)
    with _store.writing(copy) as change:
        change.replace(str(_schema.BIBLIOGRAPHY), references.format(bibliography[bibliography.key != without]))
        for table, resource in _schema.tables(_schema.read_descriptor(copy)).items():
            named = {"key", "finding"} & {one["name"] for one in resource["schema"]["fields"]}
            change.remove(table, lambda row, named=named: any(row[one].partition(".")[0] == without for one in named))
    return copy


def difference(before: str | Path, after: str | Path) -> pd.DataFrame:
    """Compare two copies of a corpus line by line, as a reviewer reads a pull request.

    Parameters
    ----------
    before, after : str or pathlib.Path
        Folders of the corpora.

    Returns
    -------
    pandas.DataFrame
        A row a line that came or went: ``file``, ``change`` (``+`` or ``-``), ``text``.
    """
    rows = []
    for file in (str(_schema.BIBLIOGRAPHY), *sorted(f"data/{path.name}" for path in (Path(after) / "data").iterdir())):
        old, new = (
            path.read_text(encoding="utf-8").splitlines() if (path := Path(one) / file).is_file() else []
            for one in (before, after)
        )
        for line in difflib.unified_diff(old, new, n=0, lineterm=""):
            if line[0] in "+-" and not line.startswith(("+++", "---")):
                rows.append({"file": file, "change": line[0], "text": line[1:]})
    return pd.DataFrame(rows, columns=["file", "change", "text"]).astype("str")


# ---------------------------------------------------------------------- records that are there


def _corpus_records(folder: Path) -> pd.DataFrame:
    frame = references.read(folder / _schema.BIBLIOGRAPHY)
    frame = frame.assign(cited_as=frame.key, line=frame.line.astype("Int64"))
    return frame.reindex(columns=_formats.COLUMNS).astype(_formats.to_frame([]).dtypes.to_dict())


def _screened_records(folder: Path) -> pd.DataFrame:
    rows = _read_csv(folder / "data/screening.csv")
    records = ({**row, "cited_as": row["record"]} for row in rows.replace("", None).to_dict("records"))
    return _formats.to_frame({name: row.get(name) for name in _formats.COLUMNS} for row in records)


def _read_csv(path: Path) -> pd.DataFrame:
    return pd.read_csv(path, dtype="str", keep_default_na=False, encoding="utf-8")


def _as_references(records: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    return pd.DataFrame([{"authors_complete": True, "authors": "", **record} for record in records]).reindex(
        columns=references.COLUMNS
    )


def _known(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None and not pd.isna(value)}


def _is_file(source: str | Path) -> bool:
    try:
        return Path(source).is_file()
    except OSError:
        return False
