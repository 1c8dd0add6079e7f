"""The codebook: themes in their domains, when to use each and when not, the terms that suggest it, and its history.

`Codebook.read` reads ``data/codebook.yaml``; in Jupyter a codebook shows itself as a table. It is exchanged with
programs for qualitative analysis (NVivo, ATLAS.ti, MAXQDA, QualCoder, Taguette) as a REFI-QDA codebook:
`Codebook.to_qdc`, `Codebook.from_qdc`. ``litbench codebook`` renames, merges, splits and retires themes.
"""

from __future__ import annotations

import datetime
import re
import uuid
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from html import escape
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from litbench._problems import CorpusError

NO_THEME = "none"  # the theme column of a finding that a coder read and gave no theme
CHANGES = ("add", "narrow", "redefine", "reword", "rename", "merge", "split", "retire")

TEXTS = ("label", "definition", "use_when", "not_when", "example", "near_miss")
# After Okabe & Ito (2008), told apart by colour-blind readers.
PALETTE = ("#0072b2", "#e69f00", "#d55e00", "#cc79a7", "#56b4e9", "#009e73", "#f0e442", "#999999")
GUIDS = uuid.UUID("5d0c1b52-7a3e-5b0a-9c4f-3f6f2f6a9d11")  # namespace of the GUIDs made from ids; never to change

ID = re.compile(r"[^\W_]+(?:-[^\W_]+)*")
COLOR = re.compile(r"#(?:[0-9a-f]{3}|[0-9a-f]{6})")
GUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
# What XML 1.0 cannot carry.
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


@dataclass(frozen=True)
class Domain:
    """A group of themes.

    Attributes
    ----------
    id, label, definition : str
    color : str
        ``#rrggbb``; themes without a colour of their own have it.
    guid : str
        GUID from another program; empty where it follows from the id.
    """

    id: str
    label: str
    definition: str
    color: str = ""
    guid: str = ""

    @property
    def qda_guid(self) -> str:
        """The GUID that names it to other programs: its own, else UUID version 5 of its id."""
        return self.guid or make_guid("domain", self.id)


@dataclass(frozen=True)
class Theme:
    """One theme of the codebook.

    Attributes
    ----------
    id, domain, label : str
    definition, use_when, not_when : str
        What it is, and its borders.
    example, near_miss : str
        A statement that gets it, and one that looks like it but does not.
    since : int
        The codebook round that brought it: 1 the themes both coders used, 2 those added at adjudication, 3 those of
        the second round of coding.
    replaces : tuple of str
        Ids of themes that it took over.
    retired : str
        Why and in favour of what it is no longer used; empty for a theme in use.
    terms, exclude : tuple of str
        Patterns that suggest it (`litbench.tagging`), and those inside which they do not count.
    color : str
        ``#rrggbb`` of its own; empty where it has its domain's.
    guid : str
        GUID from another program, or of the id it had before it was renamed; empty where it follows from the id.
    """

    id: str
    domain: str
    label: str
    definition: str
    use_when: str
    not_when: str
    example: str
    near_miss: str
    since: int
    replaces: tuple[str, ...] = ()
    retired: str = ""
    terms: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    color: str = ""
    guid: str = ""

    @property
    def qda_guid(self) -> str:
        """The GUID that names it to other programs: its own, else UUID version 5 of its id."""
        return self.guid or make_guid("theme", self.id)


@dataclass(frozen=True)
class Change:
    """One change of the codebook.

    Attributes
    ----------
    date : str
        ISO 8601.
    change : str
        One of `CHANGES`.
    old, new : tuple of str
        Ids of the themes before and after; `old` is empty for a theme that was added, `new` for one retired without
        successor.
    reason : str
    roles : tuple of str
        Roles that a merger could not keep, since the finding had another one with the theme it went to, each as
        ``finding round coder theme role``.
    """

    date: str
    change: str
    old: tuple[str, ...]
    new: tuple[str, ...]
    reason: str
    roles: tuple[str, ...] = ()


@dataclass(frozen=True)
class Codebook:
    """Domains, the themes in the order of their domains, and what was changed in them.

    Attributes
    ----------
    version : int
    domains : tuple of Domain
    themes : tuple of Theme
    changes : tuple of Change
        In the order in which they were made; `history` is the same as a frame.
    held_out : tuple of str
        Citation keys of studies that were not read when the terms were written, on which these are scored.
    """

    version: int
    domains: tuple[Domain, ...]
    themes: tuple[Theme, ...]
    changes: tuple[Change, ...] = field(default=())
    held_out: tuple[str, ...] = field(default=(), repr=False)

    # ------------------------------------------------------------------ reading

    @classmethod
    def read(cls, path: str | Path) -> Codebook:
        """Read ``codebook.yaml``.

        Raises
        ------
        CorpusError
            For a file that is not YAML, a theme without a required text, an unknown domain, an id used twice, or an
            entry of the history that is not one.
        """
        path = Path(path)
        try:
            return cls.parse(path.read_text(encoding="utf-8"), path.name)
        except FileNotFoundError:
            raise CorpusError(f"{path} is not there. A corpus needs its codebook.") from None
        except UnicodeDecodeError as error:
            raise CorpusError(f"{path.name} is not UTF-8 (byte {error.start}). Save it as UTF-8.") from None

    @classmethod
    def parse(cls, text: str, file: str = "codebook.yaml") -> Codebook:
        """Read the text of a ``codebook.yaml``; `file` is its name in errors."""
        try:
            # The C loader is ten times as fast; both are safe loaders.
            content = yaml.load(text, getattr(yaml, "CSafeLoader", yaml.SafeLoader))
        except (yaml.YAMLError, ValueError) as error:
            raise CorpusError(f"{file} is not valid YAML: {' '.join(str(error).split())}. Mend it there.") from None
        return cls.build(content, file)

    @classmethod
    def build(cls, content: Any, file: str = "codebook.yaml") -> Codebook:
        """Make a codebook of what ``codebook.yaml`` holds once it is parsed; `file` is its name in errors."""

        def refuse(reason: str) -> CorpusError:
            return CorpusError(f"{file}: {reason}. See the other themes for the form.")

        if not isinstance(content, dict) or not all(name in content for name in ("version", "domains", "themes")):
            raise refuse("needs `version`, `domains` and `themes`")
        domains: list[Domain] = []
        for number, entry in enumerate(content["domains"] or [], 1):
            domain = _make(Domain, entry, "domain", number, refuse)
            if domain.id in {other.id for other in domains}:
                raise refuse(f"the domain id {domain.id} is used twice")
            domains.append(replace(domain, color=domain.color or PALETTE[(number - 1) % len(PALETTE)]))
        known = {domain.id: domain for domain in domains}
        themes: dict[str, Theme] = {}
        for number, entry in enumerate(content["themes"] or [], 1):
            theme = _make(Theme, entry, "theme", number, refuse)
            if empty := [text for text in TEXTS if not getattr(theme, text)]:
                raise refuse(f"theme {theme.id} has no {empty[0]}")
            if theme.domain not in known:
                raise refuse(f"theme {theme.id} is in the domain {theme.domain!r}, which is not listed under `domains`")
            if theme.id == NO_THEME or theme.id in themes:
                raise refuse(f"the theme id {theme.id} is used twice or reserved")
            if theme.color == known[theme.domain].color:
                theme = replace(theme, color="")
            themes[theme.id] = theme
        guids = Counter(one.qda_guid for one in (*domains, *themes.values()))
        if guids and guids.most_common(1)[0][1] > 1:
            raise refuse(f"the GUID {guids.most_common(1)[0][0]} is used twice")
        ordered = sorted(themes.values(), key=lambda theme: list(known).index(theme.domain))
        changes = tuple(
            _make_change(entry, number, refuse) for number, entry in enumerate(content.get("history") or [], 1)
        )
        version = content["version"]
        if type(version) is not int or version < 1:
            raise refuse(f"the version {version!r} is not a whole number from 1")
        held_out = content.get("held_out") or []
        if not isinstance(held_out, list) or not all(isinstance(key, str) for key in held_out):
            raise refuse("`held_out` is not a list of citation keys")
        return cls(version, tuple(domains), tuple(ordered), changes, tuple(held_out))

    # ------------------------------------------------------------------ looking up

    def __len__(self) -> int:
        return len(self.themes)

    def __getitem__(self, theme: str) -> Theme:
        for one in self.themes:
            if one.id == theme:
                return one
        raise KeyError(f"no theme {theme!r} in the codebook")

    @property
    def in_use(self) -> tuple[Theme, ...]:
        """The themes that are not retired."""
        return tuple(theme for theme in self.themes if not theme.retired)

    def successors(self, theme: str) -> tuple[str, ...]:
        """Return the ids of the themes that took over `theme`."""
        return tuple(one.id for one in self.themes if theme in one.replaces)

    def to_frame(self) -> pd.DataFrame:
        """Return the themes, a row each.

        Columns ``theme, domain, label, definition, use_when, not_when, example, near_miss, since, retired``;
        ``domain`` is a category in the codebook's order.
        """
        frame = pd.DataFrame(
            [
                {"theme": theme.id, "domain": theme.domain}
                | {text: getattr(theme, text) for text in TEXTS}
                | {"since": theme.since, "retired": theme.retired}
                for theme in self.themes
            ],
            columns=["theme", "domain", *TEXTS, "since", "retired"],
        )
        return frame.astype(
            {"theme": "str", "domain": pd.CategoricalDtype([domain.id for domain in self.domains])}
            | dict.fromkeys((*TEXTS, "retired"), "str")
        )

    @property
    def history(self) -> pd.DataFrame:
        """What was changed in the codebook, in the order in which it was.

        Returns
        -------
        pandas.DataFrame
            A row a change: ``date, change, from, to, reason``; ``from`` and ``to`` are theme ids, separated by
            commas.
        """
        rows = [
            {
                "date": one.date,
                "change": one.change,
                "from": ", ".join(one.old),
                "to": ", ".join(one.new),
                "reason": one.reason,
            }
            for one in self.changes
        ]
        frame = pd.DataFrame(rows, columns=["date", "change", "from", "to", "reason"], dtype="str")
        return frame.astype({"change": pd.CategoricalDtype(CHANGES)})

    # ------------------------------------------------------------------ exchange

    def to_qdc(self, path: str | Path) -> Path:
        """Write the codebook as a REFI-QDA codebook, which programs for qualitative analysis open.

        Domains are codes that cannot be given, with their themes below them; so are retired themes. GUIDs follow
        from the ids and stay the same from one export to the next. Borders, examples and terms stand in a code's
        description, from which `from_qdc` reads them again. The history and the held-out studies are not part of
        the format.

        Parameters
        ----------
        path : str or pathlib.Path
            A file that ends in ``.qdc``; one that is there is replaced.

        Raises
        ------
        CorpusError
            Where the name ends otherwise, the codebook is empty or the file cannot be written.

        References
        ----------
        REFI-QDA Standard 1.5 (2019), section 5.2, https://www.qdasoftware.org.
        """
        from litbench import _qdc

        return _qdc.write(self, Path(path))

    @classmethod
    def from_qdc(cls, path: str | Path) -> Codebook:
        """Read a REFI-QDA codebook that litbench or another program wrote.

        One that litbench wrote comes back as it was, but for its history and held-out studies. In one of another
        program, codes with codes below them become domains, and codes become themes; deeper levels are named in the
        label (``Contact / Stops``); codes in no group take the first set that has them as their domain, else
        ``ungrouped``. A text that the program does not have is filled with a sentence that says so.

        Raises
        ------
        CorpusError
            For a file that is not such a codebook, is larger than 10 MB, holds more than 10,000 codes, is nested
            deeper than 50 levels, or has a document type declaration, which codebooks do not need and attacks do.
        """
        from litbench import _qdc

        return _qdc.read(Path(path))

    # ------------------------------------------------------------------ in words

    def __repr__(self) -> str:
        retired = len(self) - len(self.in_use)
        lines = [
            f"Codebook version {self.version}: {len(self.in_use)} themes in {len(self.domains)} domains"
            + (f", {retired} retired" if retired else "")
        ]
        for domain in self.domains:
            themes = [theme for theme in self.in_use if theme.domain == domain.id]
            width = max((len(theme.id) for theme in themes), default=0)
            lines += ["", f"{domain.label} ({domain.id}, {len(themes)})"]
            lines += [f"  {theme.id:{width}}  {theme.label}" for theme in themes]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        retired = [theme for theme in self.themes if theme.retired]
        parts = [
            f"<p><b>Codebook version {self.version}</b>: {len(self.in_use)} themes in {len(self.domains)} domains"
            + (f", {len(retired)} retired" if retired else "")
            + "</p>"
        ]
        names = ("Theme", "Definition", "Use when", "Not when", "Example", "Near miss")
        head = "".join(f'<th scope="col" style="text-align:left">{name}</th>' for name in names)
        for domain in self.domains:
            rows = "".join(_row(theme, domain) for theme in self.in_use if theme.domain == domain.id)
            parts.append(
                f'<h4 style="border-left:0.5em solid {domain.color};padding-left:0.5em;margin-bottom:0.2em">'
                f"{escape(domain.label)}</h4><p>{_lines(domain.definition)}</p>"
                + (
                    f'<table style="width:100%"><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>'
                    if rows
                    else ""
                )
            )
        if retired:
            items = "".join(
                f"<li>{escape(theme.label)} <code>{escape(theme.id)}</code>: {_lines(theme.retired)}</li>"
                for theme in retired
            )
            parts.append(f"<h4>Retired</h4><ul>{items}</ul>")
        return f"<div>{''.join(parts)}</div>"


def make_guid(kind: str, id: str) -> str:
    """Return the GUID of a theme or domain: UUID version 5 (RFC 9562) of its kind and id."""
    return str(uuid.uuid5(GUIDS, f"{kind}:{id}"))


def clean(text: str) -> str:
    """Return `text` as a codebook keeps it: line feeds alone, no space at the ends of lines, no empty line around."""
    return "\n".join(line.rstrip() for line in re.split(r"\r\n?|\n", text)).strip()


def _make(kind: type, entry: Any, what: str, number: int, refuse: Any) -> Any:
    name = f"{what} {entry['id'] if isinstance(entry, dict) and 'id' in entry else f'number {number}'}"
    if not isinstance(entry, dict):
        raise refuse(f"{name} is not a list of fields")
    values: dict[str, Any] = {}
    for key, value in entry.items():
        if key == "since":
            if type(value) is not int or value < 1:
                raise refuse(f"{name}: since is {value!r}, not the number of a round")
            values[key] = value
        elif key in ("replaces", "terms", "exclude"):
            if not isinstance(value, list) or not all(isinstance(one, str) and one.strip() for one in value):
                raise refuse(f"{name}: {key} is not a list of texts (put a term such as no or 12 in quotation marks)")
            values[key] = tuple(" ".join(one.split()) for one in value)
        elif not isinstance(value, str):
            raise refuse(f"{name}: {key} is not a text")
        else:
            values[key] = " ".join(value.split()) if key == "label" else clean(value)
        if match := _CONTROL.search(" ".join(value) if isinstance(value, list) else str(value)):
            raise refuse(f"{name}: {key} has the control character U+{ord(match[0]):04X}")
    try:
        made = kind(**values)
    except TypeError as error:
        raise refuse(
            f"{name} has the wrong fields ({str(error).removeprefix(f'{kind.__name__}.__init__() ')})"
        ) from None
    if wrong := [one for one in (made.id, *values.get("replaces", ())) if not ID.fullmatch(one)]:
        raise refuse(f"{name}: {wrong[0]!r} is not an id: letters and digits, with single hyphens between words")
    if not made.label:
        raise refuse(f"{name} has no label")
    color = made.color.lower()
    if color and not COLOR.fullmatch(color):
        raise refuse(f"{name}: the colour {color!r} is not of the form '#0072b2'")
    if len(color) == 4:
        color = "#" + "".join(2 * digit for digit in color[1:])
    guid = made.guid.lower().strip("{}")
    if guid and not GUID.fullmatch(guid):
        raise refuse(f"{name}: {made.guid!r} is not a GUID")
    if guid == make_guid(what, made.id):
        guid = ""
    return replace(made, color=color, guid=guid)


def _make_change(entry: Any, number: int, refuse: Any) -> Change:
    needed = {"date", "change", "from", "to", "reason"}
    if not isinstance(entry, dict) or not needed <= set(entry) <= needed | {"roles"}:
        raise refuse(f"entry {number} of the history needs date, change, from, to and reason")
    date = str(entry["date"])
    try:
        datetime.date.fromisoformat(date)
    except ValueError:
        raise refuse(f"entry {number} of the history: {date!r} is not a date such as 2026-11-24") from None
    if entry["change"] not in CHANGES:
        raise refuse(f"entry {number} of the history: {entry['change']!r} is none of {', '.join(CHANGES)}")
    lists = {name: entry.get(name) or [] for name in ("from", "to", "roles")}
    for name, value in lists.items():
        if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
            raise refuse(f"entry {number} of the history: {name} is not a list of texts")
    if not isinstance(entry["reason"], str) or not entry["reason"].strip():
        raise refuse(f"entry {number} of the history has no reason")
    return Change(
        date, entry["change"], tuple(lists["from"]), tuple(lists["to"]), clean(entry["reason"]), tuple(lists["roles"])
    )


def _row(theme: Theme, domain: Domain) -> str:
    mark = f"border-left:0.3em solid {theme.color or domain.color};padding-left:0.5em;"
    cells = (theme.definition, theme.use_when, theme.not_when, theme.example, theme.near_miss)
    style = "text-align:left;vertical-align:top;white-space:normal;"
    return (
        f'<tr><th scope="row" style="{style}{mark}min-width:9em">{escape(theme.label)}<br>'
        f'<code style="font-weight:normal">{escape(theme.id)}</code></th>'
        + "".join(f'<td style="{style}min-width:11em">{_lines(cell)}</td>' for cell in cells)
        + "</tr>"
    )


def _lines(text: str) -> str:
    return escape(text).replace("\n", "<br>")


def unique(wanted: Iterable[str], taken: set[str]) -> str:
    """Return the first of `wanted` that is not among `taken`, else the last of them with a number."""
    wanted = list(wanted)
    for one in wanted:
        if one not in taken:
            return one
    number = 2
    while f"{wanted[-1]}-{number}" in taken:
        number += 1
    return f"{wanted[-1]}-{number}"
