"""REFI-QDA codebooks (``.qdc``): XML that programs for qualitative analysis write and read.

Structure and types follow Codebook.xsd of the REFI-QDA Standard 1.5 (``urn:QDA-XML:codebook:1.0``). A code has a
GUID, a name, a colour, a description and codes below it, and no more; so what a theme has beyond them stands in its
description, as paragraphs that begin with what they are::

    The definition.

    Use when: ...

    Not when: ...

    Example: ...

    Near miss: ...

    litbench: theme=stop-search since=1

A line of a text that begins like one of these has a backslash before it.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import DefusedXMLParser

from litbench._problems import CorpusError
from litbench._store import write_file
from litbench.codebook import COLOR, GUID, ID, NO_THEME, Codebook, Domain, Theme, clean, make_guid, unique

NAMESPACE = "urn:QDA-XML:codebook:1.0"
# NVivo 12 for Mac and old versions of QualCoder write a colon where the standard has a full stop.
_NAMESPACES = (NAMESPACE, "urn:QDA-XML:codebook:1:0")
MAX_BYTES = 10_000_000
MAX_CODES = 10_000
MAX_DEPTH = 50

_SECTIONS = {
    "Retired": "retired",
    "Use when": "use_when",
    "Not when": "not_when",
    "Example": "example",
    "Near miss": "near_miss",
    "Terms": "terms",
    "Exclude": "exclude",
    "litbench": "litbench",
}
_MARK = re.compile(rf"({'|'.join(_SECTIONS)}):(?: |$)")
_ESCAPED = re.compile(rf"\\*(?:{'|'.join(_SECTIONS)}):")
_REQUIRED = ("definition", "use_when", "not_when", "example", "near_miss")
MISSING = "Not stated in the codebook that was imported."


# ---------------------------------------------------------------------- writing


def write(codebook: Codebook, path: Path) -> Path:
    """Write `codebook`; see `Codebook.to_qdc`."""
    if path.suffix.lower() != ".qdc":
        raise CorpusError(f"{path.name} does not end in .qdc, by which other programs know a codebook. Name it so.")
    if not codebook.domains:
        raise CorpusError("The codebook has no domain and no theme, and the format needs a code. Add one first.")
    root = ElementTree.Element("CodeBook", {"xmlns": NAMESPACE, "origin": f"litbench codebook {codebook.version}"})
    codes = ElementTree.SubElement(root, "Codes")
    for domain in codebook.domains:
        group = _code(codes, domain, False, domain.color, _describe_domain(domain))
        for theme in codebook.themes:
            if theme.domain == domain.id:
                _code(group, theme, not theme.retired, theme.color or domain.color, _describe(theme))
    ElementTree.indent(root)
    content = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True) + b"\n"
    write_file(path, content)
    return path


def _code(
    parent: ElementTree.Element, one: Domain | Theme, codable: bool, color: str, description: str
) -> ElementTree.Element:
    attributes = {"guid": one.qda_guid.upper(), "name": one.label, "isCodable": "true" if codable else "false"}
    if color:
        attributes["color"] = color
    code = ElementTree.SubElement(parent, "Code", attributes)
    ElementTree.SubElement(code, "Description").text = description
    return code


def _describe_domain(domain: Domain) -> str:
    return "\n\n".join(part for part in (_escape(domain.definition), f"litbench: domain={domain.id}") if part)


def _describe(theme: Theme) -> str:
    parts = [_escape(theme.definition)]
    for name, key in _SECTIONS.items():
        value = getattr(theme, key, "")
        if isinstance(value, tuple) and value:
            parts.append("\n".join([f"{name}:", *(f"- {pattern}" for pattern in value)]))
        elif value:
            parts.append(f"{name}: {_escape(value)}")
    replaces = f" replaces={','.join(theme.replaces)}" if theme.replaces else ""
    parts.append(f"litbench: theme={theme.id} since={theme.since}{replaces}")
    return "\n\n".join(parts)


def _escape(text: str) -> str:
    return "\n".join(f"\\{line}" if _ESCAPED.match(line) else line for line in text.split("\n"))


def _sections(description: str) -> dict[str, Any]:
    """Return what `_describe` wrote, by field; in a description of another program's all of it is the definition."""
    sections: dict[str, list[str]] = {"definition": []}
    current = "definition"
    for line in clean(description).split("\n"):
        if (mark := _MARK.match(line)) and _SECTIONS[mark[1]] not in sections:
            current = _SECTIONS[mark[1]]
            sections[current] = []
            line = line[mark.end() :]
        sections[current].append(line[1:] if line.startswith("\\") and _ESCAPED.match(line) else line)
    texts: dict[str, Any] = {key: clean("\n".join(lines)) for key, lines in sections.items()}
    for key in ("terms", "exclude"):
        if key in texts:
            texts[key] = [line.removeprefix("- ") for line in texts[key].split("\n") if line]
    return {key: value for key, value in texts.items() if value}


# ---------------------------------------------------------------------- reading


@dataclass
class Code:
    """A code or set as it stands in the file."""

    name: str
    line: int
    guid: str = ""
    color: str = ""
    codable: bool = True
    description: str = ""
    codes: list[Code] = field(default_factory=list)


@dataclass
class Imported:
    """What a file gives: fields of domains and themes, those alone that it has.

    Attributes
    ----------
    version : int
    domains : list of dict
        Fields of a `Domain`; ``id`` where the file names it.
    themes : list of dict
        Fields of a `Theme`; ``id`` where the file names it, ``place`` for the index in `domains`.
    """

    version: int
    domains: list[dict[str, Any]] = field(default_factory=list)
    themes: list[dict[str, Any]] = field(default_factory=list)


def read(path: Path) -> Codebook:
    """Read a codebook; see `Codebook.from_qdc`."""
    imported = parse(path)
    taken: set[str] = set()
    for domain in imported.domains:
        taken.add(domain.setdefault("id", new_id(domain, taken)))
        domain.setdefault("definition", "")
    taken = {theme["id"] for theme in imported.themes if "id" in theme}
    for theme in imported.themes:
        taken.add(theme.setdefault("id", new_id(theme, taken)))
    themes = [complete(theme, imported.domains[theme["place"]]["id"]) for theme in imported.themes]
    content = {"version": imported.version, "domains": imported.domains, "themes": themes}
    return Codebook.build(content, path.name)


def complete(theme: dict[str, Any], domain: str) -> dict[str, Any]:
    """Return the fields of a new theme, with what the file does not have filled in."""
    known = {key: value for key, value in theme.items() if key not in ("place", "path")}
    return {"since": 1} | dict.fromkeys(_REQUIRED, MISSING) | known | {"domain": domain}


def new_id(one: dict[str, Any], taken: set[str]) -> str:
    """Return an id made of a label that is not `taken` yet."""
    names = [one["label"].rpartition(" / ")[2], one["label"]]
    slugs = ["-".join(re.findall(r"[^\W_]+", unicodedata.normalize("NFKC", name).lower())) for name in names]
    return unique([slug for slug in slugs if slug] or ["code"], taken | {NO_THEME})


def parse(path: Path) -> Imported:
    """Read a file into the fields of domains and themes.

    Raises
    ------
    CorpusError
        See `Codebook.from_qdc`.
    """
    reader = _Reader(path.name)
    parser = DefusedXMLParser(target=reader, forbid_dtd=True)
    expat = parser.parser
    reader.line = lambda: expat.CurrentLineNumber
    read = 0
    try:
        with path.open("rb") as file:
            while chunk := file.read(65_536):
                read += len(chunk)
                if read > MAX_BYTES:
                    raise reader.refuse(f"is larger than {MAX_BYTES // 1_000_000} MB, which no codebook is")
                parser.feed(chunk)
        parser.close()
    except OSError as error:
        raise CorpusError(f"{path} cannot be read ({error.strerror}). Give the .qdc file that was exported.") from None
    except DefusedXmlException:
        raise reader.refuse(
            "has a document type declaration or entities, which a codebook does not need and attacks do"
        ) from None
    except CorpusError:
        raise
    except (ElementTree.ParseError, ValueError, LookupError) as error:
        raise reader.refuse(f"is not XML ({error})") from None
    reader.line = lambda: 0
    return _interpret(reader)


class _Reader:
    """Builds the codes while the file is read, so that what is too deep or too much ends it at once."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.codes: list[Code] = []
        self.sets: list[tuple[Code, list[str]]] = []
        self.origin = ""
        self._path: list[str] = []
        self._open: list[Code] = []
        self._count = 0
        self._text: list[str] = []
        self.line: Any = lambda: 0

    def refuse(self, reason: str) -> CorpusError:
        where = f"{self.file}:{line}" if (line := self.line()) > 1 else self.file
        return CorpusError(
            f"{where}: the file {reason}. Nothing was imported; export the codebook again as REFI-QDA codebook (.qdc)."
        )

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        namespace, _, name = tag.rpartition("}")
        namespace = namespace.removeprefix("{")
        if not self._path and (name != "CodeBook" or namespace not in _NAMESPACES):
            if name == "Project":
                raise self.refuse("is a whole REFI-QDA project, not a codebook")
            raise self.refuse(f"begins with <{name}> of {namespace or 'no namespace'}, not <CodeBook> of {NAMESPACE}")
        known = namespace in _NAMESPACES
        self._path.append(name if known else "")
        if len(self._path) > MAX_DEPTH:
            raise self.refuse(f"is nested deeper than {MAX_DEPTH} levels")
        above = self._path[:-1]
        if name == "CodeBook" and not above:
            self.origin = attributes.get("origin", "")
        elif known and name == "Code" and (above == ["CodeBook", "Codes"] or above[-1] == "Code"):
            self._add(self._code(attributes))
        elif known and name == "Set" and above == ["CodeBook", "Sets"]:
            self._add(self._code(attributes), [])
        elif known and name == "MemberCode" and above[-1] == "Set":
            self.sets[-1][1].append(_plain_guid(attributes.get("guid", "")))
        self._text = []

    def _add(self, code: Code, members: list[str] | None = None) -> None:
        self._count += 1
        if self._count > MAX_CODES:
            raise self.refuse(f"holds more than {MAX_CODES:,} codes")
        if members is not None:
            self.sets.append((code, members))
        elif self._open:
            self._open[-1].codes.append(code)
        else:
            self.codes.append(code)
        self._open.append(code)

    def _code(self, attributes: dict[str, str]) -> Code:
        name = " ".join(attributes.get("name", "").split())
        if not name:
            raise self.refuse("has a code without a name here")
        color = attributes.get("color", "").strip().lower()
        return Code(
            name=name,
            line=self.line(),
            guid=_plain_guid(attributes.get("guid", "")),
            color=color if COLOR.fullmatch(color) else "",
            codable=attributes.get("isCodable", "true").strip().lower() not in ("false", "0"),
        )

    def end(self, tag: str) -> None:
        name = self._path.pop()
        if name == "Description" and self._open and self._path[-1] in ("Code", "Set"):
            self._open[-1].description = "".join(self._text)
        elif name in ("Code", "Set") and self._open:
            self._open.pop()
        self._text = []

    def data(self, data: str) -> None:
        self._text.append(data)

    def close(self) -> None:
        """Nothing is left to do once the file has ended."""


def _plain_guid(guid: str) -> str:
    guid = guid.strip().strip("{}").lower()
    return guid if GUID.fullmatch(guid) else ""


# ---------------------------------------------------------------------- from codes to domains and themes


def _interpret(reader: _Reader) -> Imported:
    version = re.fullmatch(r"litbench codebook ([1-9][0-9]{0,8})", reader.origin)
    imported = Imported(int(version[1]) if version else 1)
    places: dict[int, int] = {}

    def domain_of(code: Code | None) -> int:
        """Return the place of the domain that `code` is; None is that of codes in no group."""
        if id(code) not in places:
            fields = _fields(code, "domain") if code else {"label": "Ungrouped", "id": "ungrouped"}
            places[id(code)] = len(imported.domains)
            imported.domains.append(fields)
        return places[id(code)]

    def walk(code: Code, place: int, path: list[str]) -> None:
        fields = _fields(code, "theme")
        if code.codable or "id" in fields:
            if "id" not in fields:
                fields["label"] = " / ".join([*path, code.name])
            imported.themes.append(fields | {"place": place})
        elif code.description.strip():
            # A group inside a domain: there is no such level here, so what it says goes to the domain.
            domain = imported.domains[place]
            said = f"{' / '.join([*path, code.name])}: {fields.get('definition', '')}"
            domain["definition"] = clean(f"{domain.get('definition', '')}\n\n{said}")
        for below in code.codes:
            walk(below, place, [*path, code.name])

    group_of = {guid: group for group, members in reversed(reader.sets) for guid in members}
    for code in reader.codes:
        kind = _kind(code)
        if kind == "theme" or (not kind and not code.codes and code.codable):
            walk(code, domain_of(group_of.get(code.guid) if code.guid else None), [])
            continue
        place = domain_of(code)
        if code.codable and not kind:
            # A code with codes below it can be given itself: it is a domain and a theme of it. The GUID is the
            # theme's, since texts are coded with it.
            imported.domains[place].pop("guid", None)
            imported.themes.append(_fields(code, "theme") | {"place": place})
        for below in code.codes:
            walk(below, place, [])
    if not imported.domains:
        raise reader.refuse("has no code")
    for what, ones in (("domain", imported.domains), ("theme", imported.themes)):
        ids = Counter(one["id"] for one in ones if "id" in one)
        if ids and ids.most_common(1)[0][1] > 1:
            raise reader.refuse(f"has the {what} {ids.most_common(1)[0][0]} twice, by the last line of its description")
    return imported


def _kind(code: Code) -> str:
    """Return whether litbench wrote this code as a ``theme`` or a ``domain``; empty for another program's."""
    return next((key for key in ("theme", "domain") if key in _machine(code)), "")


def _machine(code: Code) -> dict[str, str]:
    said = _sections(code.description).get("litbench", "")
    return dict(part.split("=", 1) for part in said.split() if "=" in part)


def _fields(code: Code, kind: str) -> dict[str, Any]:
    """Return what the file says of a code, as fields of a theme or domain."""
    sections = _sections(code.description)
    sections.pop("litbench", None)
    said = _machine(code)
    fields: dict[str, Any] = {"label": code.name} | {"guid": code.guid, "color": code.color}
    if kind == "domain":
        fields["definition"] = sections.get("definition", "")
    else:
        fields |= sections
    if ID.fullmatch(said.get(kind, "")):
        fields["id"] = said[kind]
        if code.guid == make_guid(kind, said[kind]):
            fields["guid"] = ""
    if kind == "theme" and re.fullmatch("[1-9][0-9]{0,8}", said.get("since", "")):
        fields["since"] = int(said["since"])
    if kind == "theme" and said.get("replaces"):
        fields["replaces"] = said["replaces"].split(",")
    return {key: value for key, value in fields.items() if value}
