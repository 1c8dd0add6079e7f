"""Changes of a codebook that is in use: rename, merge, split and retire themes, take in a codebook from elsewhere.

Each is one change of ``data/codebook.yaml`` and ``data/codes.csv`` together: worked out in memory, checked as a whole,
then written, with an entry in the codebook's history. Only the fields of ``codebook.yaml`` that change are rewritten;
comments and the layout of everything else stay.

What becomes of codes:

- *rename* and *merge* rewrite every code, of every coder and round, since the new theme says all that the old one said.
- *split* and *retire* rewrite none: which of the new themes a finding should have is for its coders to say. The codes
  of the latest round that have a retired theme await recoding. They stay where they are until then, so nothing is
  lost; `litbench.Corpus.to_recode` lists them, and ``litbench check`` reports each until none is left. Those of earlier
  rounds are the record of what was coded then, and stay.
"""

from __future__ import annotations

import csv
import datetime
import io
import re
import textwrap
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from litbench import _qdc, _schema, _store
from litbench._problems import CorpusError, Problem
from litbench.codebook import ID, NO_THEME, TEXTS, Change, Codebook, Domain, Theme, make_guid

CODES = "data/codes.csv"
_WIDTH = 104
_THEME_FIELDS = (
    "id", "domain", "label", "color", "guid", "since", "replaces", "retired", "definition", "use_when", "not_when",
    "example", "near_miss", "terms", "exclude",
)  # fmt: skip
_DOMAIN_FIELDS = ("id", "label", "color", "guid", "definition")


# ---------------------------------------------------------------------- the four commands


def rename(folder: Path, old: str, new: str, reason: str) -> list[str]:
    """Give a theme another id, everywhere.

    The theme keeps its GUID, so that other programs see the same code.

    Parameters
    ----------
    folder : pathlib.Path
        The corpus.
    old, new : str
        Ids.
    reason : str
        For the history.

    Returns
    -------
    list of str
        What was done, a sentence each.

    Raises
    ------
    CorpusError
        For a theme that is not there, an id that is taken or is none, an empty reason, or a corpus that would have a
        problem that it does not have now. Nothing is written then; so for the other commands.
    """
    with _store.writing(folder, allow=_awaits_recoding) as change:
        text, codebook = _codebook(change)
        theme = _theme(codebook, old)
        if not ID.fullmatch(new) or new == NO_THEME:
            raise CorpusError(f"{new!r} cannot be an id: use letters and digits, with single hyphens between words.")
        if new in {one.id for one in codebook.themes}:
            raise CorpusError(f"There is a theme {new!r} already. To make one theme of two: litbench codebook merge.")
        guid = theme.qda_guid if theme.qda_guid != make_guid("theme", new) else ""
        themes = []
        mentions = 0
        for one in codebook.themes:
            values = {name: _mention(getattr(one, name), old, new) for name in (*TEXTS, "retired") if name != "label"}
            values["replaces"] = tuple(new if name == old else name for name in one.replaces)
            changed = replace(one, **values)
            mentions += one != changed and one.id != old
            themes.append(replace(changed, id=new, guid=guid) if one.id == old else changed)
        entry = _entry("rename", [old], [new], reason)
        _put(change, text, codebook, replace(codebook, themes=tuple(themes)), entry)
        count, *_ = _rewrite(change, [old], new)
    return [f"{old} is now {new}: {_n(count, 'code')} rewritten, {_n(mentions, 'other theme')} that named it."]


def merge(folder: Path, sources: list[str], into: str, reason: str) -> list[str]:
    """Make one theme of several: every code of `sources` becomes one of `into`, and `sources` are retired.

    A finding that a coder gave several of them in one round has `into` once, with the role that it had there, else
    that of the first of `sources`; another role that is lost so stands in the history.

    Parameters
    ----------
    folder : pathlib.Path
    sources : list of str
        Ids; `into` may be among them.
    into : str
        Id of a theme in the codebook.
    reason : str

    Returns
    -------
    list of str
    """
    with _store.writing(folder, allow=_awaits_recoding) as change:
        text, codebook = _codebook(change)
        target = _in_use(codebook, into)
        sources = [name for name in dict.fromkeys(sources) if name != into]
        if not sources:
            raise CorpusError(f"Nothing to merge into {into}: name at least one other theme.")
        for name in sources:
            _in_use(codebook, name)
        count, together, roles = _rewrite(change, sources, into)
        themes = _retired(codebook, sources, f"Use {into}: {reason}")
        themes = [_replacing(one, sources) if one.id == target.id else one for one in themes]
        entry = replace(_entry("merge", sources, [into], reason), roles=tuple(roles))
        _put(change, text, codebook, replace(codebook, themes=tuple(themes)), entry)
    done = [
        f"{', '.join(sources)} merged into {into}: {_n(count, 'code')} rewritten, of which {together:,} fell together "
        "with another of the same finding and coder."
    ]
    if roles:
        done.append(f"{_n(len(roles), 'code')} had another role; the history has what was given up.")
    return done + _pointing(codebook, sources)


def split(folder: Path, theme: str, into: list[str], reason: str) -> list[str]:
    """Retire a theme in favour of several others; its codes of the latest round await recoding.

    Parameters
    ----------
    folder : pathlib.Path
    theme : str
        Id.
    into : list of str
        Two or more ids of themes in the codebook: their definitions and borders are written there first.
    reason : str

    Returns
    -------
    list of str
    """
    into = list(dict.fromkeys(into))
    with _store.writing(folder, allow=_awaits_recoding) as change:
        text, codebook = _codebook(change)
        _in_use(codebook, theme)
        if len(into) < 2 or theme in into:
            raise CorpusError(
                f"Name at least two other themes to split {theme} into; they stand in the codebook first."
            )
        for name in into:
            _in_use(codebook, name)
        themes = _retired(codebook, [theme], f"Use {', '.join(into)}: {reason}")
        themes = [_replacing(one, [theme]) if one.id in into else one for one in themes]
        _put(change, text, codebook, replace(codebook, themes=tuple(themes)), _entry("split", [theme], into, reason))
        waiting = [*_waiting(change, theme), *_without_examples(change, theme)]
    return [f"{theme} is split into {', '.join(into)}.", *waiting, *_pointing(codebook, [theme])]


def retire(folder: Path, theme: str, reason: str) -> list[str]:
    """Retire a theme without successor; its codes of the latest round await recoding.

    Parameters
    ----------
    folder : pathlib.Path
    theme : str
        Id.
    reason : str

    Returns
    -------
    list of str
    """
    with _store.writing(folder, allow=_awaits_recoding) as change:
        text, codebook = _codebook(change)
        _in_use(codebook, theme)
        themes = _retired(codebook, [theme], f"No longer coded: {reason}")
        _put(change, text, codebook, replace(codebook, themes=tuple(themes)), _entry("retire", [theme], [], reason))
        waiting = [*_waiting(change, theme), *_without_examples(change, theme)]
    return [f"{theme} is retired.", *waiting, *_pointing(codebook, [theme])]


def import_qdc(folder: Path, path: Path, write: bool) -> list[str]:
    """Add and update themes of a corpus from a REFI-QDA codebook; nothing is taken away.

    Themes and domains are recognised by GUID, else by the id in their description, else by label. Of those that are
    there already, what the file says is taken over, and terms stay as they are.

    Parameters
    ----------
    folder : pathlib.Path
        The corpus.
    path : pathlib.Path
        The ``.qdc`` file.
    write : bool
        Whether to write; else what would change is only said.

    Returns
    -------
    list of str
        What changes, a line each; empty if nothing does.
    """
    Codebook.from_qdc(path)  # refuses what is wrong with the file as such
    with _store.writing(folder, allow=_awaits_recoding) as change:
        text, codebook = _codebook(change)
        updated = _joined(codebook, _qdc.parse(path), path.name)
        said = _differences(codebook, updated)
        if said and write:
            known = {theme.id: theme for theme in codebook.themes}
            added = [theme.id for theme in updated.themes if theme.id not in known]
            touched = [theme.id for theme in updated.themes if theme.id in known and theme != known[theme.id]]
            entries = [
                _entry(kind, old, ids, f"Imported from {path.name}")
                for kind, old, ids in (("add", [], added), ("redefine", touched, touched))
                if ids
            ]
            _put(change, text, codebook, updated, *entries)
    return said


# ---------------------------------------------------------------------- themes


def _codebook(change: Any) -> tuple[str, Codebook]:
    text = change.text(str(_schema.CODEBOOK))
    return text, Codebook.parse(text, _schema.CODEBOOK.name)


def _theme(codebook: Codebook, id: str) -> Theme:
    try:
        return codebook[id]
    except KeyError:
        from difflib import get_close_matches

        near = get_close_matches(id, [theme.id for theme in codebook.themes], n=3)
        hint = f"Did you mean {' or '.join(near)}?" if near else "Write it into data/codebook.yaml first."
        raise CorpusError(f"The codebook has no theme {id!r}. {hint}") from None


def _in_use(codebook: Codebook, id: str) -> Theme:
    theme = _theme(codebook, id)
    if theme.retired:
        raise CorpusError(f"The theme {id!r} is retired already. {theme.retired}.")
    return theme


def _retired(codebook: Codebook, ids: list[str], why: str) -> list[Theme]:
    # Without the last full stop, as in the codebook: it stands in the middle of messages.
    return [replace(one, retired=why.strip().rstrip(".")) if one.id in ids else one for one in codebook.themes]


def _replacing(theme: Theme, ids: list[str]) -> Theme:
    return replace(theme, replaces=tuple(dict.fromkeys((*theme.replaces, *ids))))


def _entry(kind: str, old: list[str], new: list[str], reason: str) -> Change:
    if not reason.strip():
        raise CorpusError("A change of the codebook needs a reason: --reason 'why'.")
    return Change(datetime.date.today().isoformat(), kind, tuple(old), tuple(new), " ".join(reason.split()))


def _mention(text: str, old: str, new: str) -> str:
    """Put `new` where `text` names the theme `old`.

    An id with a hyphen is one wherever it stands. One that is also a word of the language (``arrest``) is an id only
    where the codebook names themes: ``(arrest)``, ``(add arrest)``, ``→ arrest``, ``Use arrest, incarceration: ...``.
    """
    word = rf"(?<![\w-]){re.escape(old)}(?![\w-])"
    if "-" in old:
        return re.sub(word, lambda _: new, text)

    def inside(match: re.Match[str]) -> str:
        return re.sub(rf"(\(|, |\b(?:add|with) ){word}(?=[,)])", lambda found: found[1] + new, match[0])

    text = re.sub(r"\([^()]*\)", inside, text)
    text = re.sub(rf"(?<=→ ){word}", lambda _: new, text)
    return re.sub(r"^Use [^:]*", lambda match: re.sub(word, lambda _: new, match[0]), text)


def _pointing(codebook: Codebook, ids: list[str]) -> list[str]:
    """Say which themes in use still point to one of `ids` in their borders."""
    found = [
        theme.id
        for theme in codebook.in_use
        if theme.id not in ids
        and any(_mention(getattr(theme, name), id, "\0") != getattr(theme, name) for name in TEXTS for id in ids)
    ]
    return [f"Still named in the borders of: {', '.join(found)}. Mend them in data/codebook.yaml."] if found else []


def _joined(codebook: Codebook, imported: _qdc.Imported, file: str) -> Codebook:
    """Return `codebook` with what `imported` adds and updates."""
    domains = list(codebook.domains)
    places: dict[int, str] = {}
    same = _same(codebook.domains, imported.domains)
    for place, fields in enumerate(imported.domains):
        found = same.get(place)
        if found is None:
            id = fields.get("id") or _qdc.new_id(fields, {one.id for one in domains})
            domains.append(Domain(**{"definition": "", **fields, "id": id}))
            places[place] = id
            continue
        places[place] = domains[found].id
        domains[found] = replace(domains[found], **{key: fields[key] for key in ("label", "definition", "color")
                                                    if fields.get(key)})  # fmt: skip
    themes = list(codebook.themes)
    same = _same(codebook.themes, imported.themes)
    for number, fields in enumerate(imported.themes):
        domain = imported.domains[fields["place"]]
        found = same.get(number)
        if found is None:
            id = fields.get("id") or _qdc.new_id(fields, {one.id for one in themes})
            made = _qdc.complete({**fields, "id": id}, places[fields["place"]])
            themes.append(Theme(**{key: tuple(value) if isinstance(value, list) else value
                                   for key, value in made.items()}))  # fmt: skip
            continue
        theme = themes[found]
        values = {key: fields[key] for key in (*TEXTS, "retired") if key in fields}
        if domain.get("id") != "ungrouped":  # in no group there: its place here stays
            values["domain"] = places[fields["place"]]
        color = fields.get("color")
        if color and color != _color(codebook, theme):
            values["color"] = "" if color == domain.get("color") else color
        themes[found] = replace(theme, **values)
    kept = {theme.domain for theme in themes} | {domain.id for domain in codebook.domains}
    kept |= {places[place] for place, fields in enumerate(imported.domains) if fields.get("id") != "ungrouped"}
    return _rebuilt(
        replace(codebook, domains=tuple(one for one in domains if one.id in kept), themes=tuple(themes)), file
    )


def _same(ones: tuple[Any, ...], imported: list[dict[str, Any]]) -> dict[int, int]:
    """Return which of `ones` is meant by which of `imported`: by GUID, else by id, else by label."""
    by_guid = {one.qda_guid: number for number, one in enumerate(ones)}
    by_id = {one.id: number for number, one in enumerate(ones)}
    by_label = {one.label.casefold(): number for number, one in enumerate(ones)}
    same: dict[int, int] = {}
    # Sure matches of all first, so that a label does not take what a GUID names.
    for known, key in (
        (by_guid, lambda fields: fields.get("guid")),
        (by_id, lambda fields: fields.get("id")),
        (by_label, lambda fields: fields["label"].casefold()),
    ):
        for number, fields in enumerate(imported):
            found = known.get(key(fields))
            if number not in same and found is not None and found not in same.values():
                same[number] = found
    return same


def _color(codebook: Codebook, theme: Theme) -> str:
    return theme.color or next(one.color for one in codebook.domains if one.id == theme.domain)


def _rebuilt(codebook: Codebook, file: str) -> Codebook:
    """Return the codebook as it will be read, so that what is added is checked as if it were typed in."""
    return Codebook.build(_content(codebook), file)


def _differences(before: Codebook, after: Codebook) -> list[str]:
    said = []
    for old, new in ((before.domains, after.domains), (before.themes, after.themes)):
        known = {one.id: one for one in old}
        for one in new:
            what = "domain" if isinstance(one, Domain) else "theme"
            if one.id not in known:
                inside = "" if isinstance(one, Domain) else f" in {one.domain}"
                said.append(f"+ {what} {one.id} ({one.label}){inside}")
                if missing := [name for name in TEXTS if getattr(one, name, "") == _qdc.MISSING]:
                    said.append(f"    to be written: {', '.join(missing)}")
            elif one != known[one.id]:
                said.append(f"~ {what} {one.id}")
                for name in _THEME_FIELDS:
                    if (was := getattr(known[one.id], name, "")) != (now := getattr(one, name, "")):
                        said += [f"    {name}", f"      - {was or '(nothing)'}", f"      + {now or '(nothing)'}"]
    return said


# ---------------------------------------------------------------------- codes


def _rewrite(change: Any, sources: list[str], into: str) -> tuple[int, int, list[str]]:
    """Give every code and every example of `sources` the theme `into`.

    Returns how many codes there were, how many fell together with another, and the roles that were lost.
    """
    table = _Codes(change)
    order = {name: number for number, name in enumerate([into, *sources])}
    groups: dict[tuple[str, ...], list[int]] = {}
    for number, row in enumerate(table.rows):
        if row["theme"] in order:
            groups.setdefault((row["finding"], row["round"], row["coder"]), []).append(number)
    count = 0
    roles = []
    gone = set()
    for numbers in groups.values():
        numbers.sort(key=lambda number: order[table.rows[number]["theme"]])
        count += sum(table.rows[number]["theme"] != into for number in numbers)
        kept, *others = numbers
        role = next((table.rows[number]["role"] for number in numbers if table.rows[number]["role"]), "")
        for number in others:
            row = table.rows[number]
            if row["role"] not in ("", role):
                roles.append(f"{row['finding']} {row['round']} {row['coder']} {row['theme']} {row['role']}")
        gone.update(others)
        table.change(kept, theme=into, role=role)
    table.write(gone)
    _rewrite_examples(change, sources, into)
    return count, len(gone), roles


def _rewrite_examples(change: Any, sources: list[str], into: str) -> None:
    """Give every example of `sources` the theme `into`."""
    removed = change.remove("examples", lambda row: not set(sources).isdisjoint(row["themes"].split()))
    for row in removed:
        row["themes"] = " ".join(dict.fromkeys(into if one in sources else one for one in row["themes"].split()))
    change.insert("examples", removed)


def _without_examples(change: Any, theme: str) -> list[str]:
    """Take out the examples of a theme that no other one follows: nobody has said what they are examples of now."""
    removed = change.remove("examples", lambda row: theme in row["themes"].split())
    return [f"{_n(len(removed), 'example')} of it taken out."] if removed else []


def _waiting(change: Any, theme: str) -> list[str]:
    rows = _Codes(change).rows
    latest = max((int(row["round"]) for row in rows), default=0)
    coders = Counter(row["coder"] for row in rows if row["theme"] == theme and int(row["round"]) == latest)
    if not coders:
        return ["No code of the latest round has it."]
    told = ", ".join(f"{name} {count}" for name, count in sorted(coders.items()))
    return [
        f"{_n(sum(coders.values()), 'code')} of round {latest} await recoding ({told}): corpus.to_recode() lists them, "
        "litbench check reports them until none is left."
    ]


class _Codes:
    """``codes.csv`` as lines, of which only those that change are written anew."""

    def __init__(self, change: Any) -> None:
        self._change = change
        text = change.text(CODES)
        self._ending = "\r\n" if text.partition("\n")[0].endswith("\r") else "\n"
        # Not str.splitlines: it also splits at marks, such as U+2028, that may stand in a cell.
        self._head, *self._lines = re.findall(r"[^\n]*\n|[^\n]+", text)
        self._columns = next(csv.reader([self._head.rstrip("\r\n")]))
        self.rows = [
            dict(zip(self._columns, next(csv.reader([line.rstrip("\r\n")]), []), strict=False)) for line in self._lines
        ]
        if needed := {"finding", "theme", "coder", "round", "role"} - set(self._columns):
            raise CorpusError(f"{CODES}:1: the column {min(needed)} is missing. Run litbench check.")
        for number, row in enumerate(self.rows, 2):
            if len(row) != len(self._columns) or not row["round"].isdecimal():
                raise CorpusError(f"{CODES}:{number}: this line cannot be read as a code. Run litbench check.")

    def change(self, number: int, **cells: str) -> None:
        row = self.rows[number] | cells
        if row != self.rows[number]:
            self.rows[number] = row
            file = io.StringIO()
            csv.writer(file, lineterminator=self._ending).writerow(row.values())
            self._lines[number] = file.getvalue()

    def write(self, gone: set[int]) -> None:
        """Write the table without the rows `gone`, the codes of a finding, round and coder by theme."""
        kept = [number for number in range(len(self.rows)) if number not in gone]
        place = {}
        for number in kept:
            row = self.rows[number]
            place.setdefault((row["finding"], row["round"], row["coder"]), len(place))
        kept.sort(key=lambda number: (place[tuple(self.rows[number][name] for name in ("finding", "round", "coder"))],
                                      self.rows[number]["theme"]))  # fmt: skip
        lines = (self._lines[number] for number in kept)
        lines = (line if line.endswith("\n") else line + self._ending for line in lines)
        self._change.replace(CODES, self._head + "".join(lines))


# ---------------------------------------------------------------------- codebook.yaml


def dump(codebook: Codebook) -> str:
    """Return the text of a ``codebook.yaml`` that holds `codebook`."""
    parts = [f"version: {codebook.version}"]
    if codebook.held_out:
        parts.append(_yaml_field("held_out", list(codebook.held_out)))
    parts.append("domains:")
    parts += [f"\n{_item(_fields(domain))}" for domain in codebook.domains] or ["[]"]
    parts.append("themes:" if codebook.themes else "themes: []")
    parts += [f"\n{_item(_fields(theme))}" for theme in codebook.themes]
    if codebook.changes:
        parts.append("history:")
        parts += [f"\n{_item(_log(change))}" for change in codebook.changes]
    return "\n".join(parts) + "\n"


def _content(codebook: Codebook) -> dict[str, Any]:
    return {
        "version": codebook.version,
        "held_out": list(codebook.held_out),
        "domains": [_fields(domain) for domain in codebook.domains],
        "themes": [_fields(theme) for theme in codebook.themes],
        "history": [_log(change) for change in codebook.changes],
    }


def _fields(one: Domain | Theme) -> dict[str, Any]:
    names = _DOMAIN_FIELDS if isinstance(one, Domain) else _THEME_FIELDS
    values = {name: getattr(one, name) for name in names}
    values = {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}
    return {name: value for name, value in values.items() if value or name in ("id", "label", "definition")}


def _log(change: Change) -> dict[str, Any]:
    entry = {
        "date": datetime.date.fromisoformat(change.date),
        "change": change.change,
        "from": list(change.old),
        "to": list(change.new),
        "reason": change.reason,
    }
    return entry | ({"roles": list(change.roles)} if change.roles else {})


def _item(values: dict[str, Any], indent: int = 0) -> str:
    """Return a list item with its fields, in the layout of the codebook."""
    lines = "\n".join(_yaml_field(name, value) for name, value in values.items())
    return f"{' ' * indent}- {textwrap.indent(lines, ' ' * (indent + 2)).lstrip(' ')}"


def _yaml_field(name: str, value: Any) -> str:
    if isinstance(value, list):
        if name in ("from", "to") and len(short := f"{name}: [{', '.join(value)}]") <= _WIDTH:
            return short
        return "\n".join([f"{name}:", *(_yaml_text("- ", one) for one in value)])
    return _yaml_text(f"{name}: ", value)


def _yaml_text(lead: str, value: Any) -> str:
    """Return a text after its `lead`, a key or a dash: on one line, else folded, else quoted where it must be."""
    plain = yaml.safe_dump(value, width=float("inf"), allow_unicode=True).removesuffix("\n").removesuffix("\n...")
    if not isinstance(value, str) or (len(lead + plain) <= _WIDTH and _holds(lead + plain, lead, value)):
        return lead + plain
    lines = textwrap.wrap(value, _WIDTH - 2, break_long_words=False, break_on_hyphens=False)
    folded = "\n".join([f"{lead}>-", *(f"  {line}" for line in lines)])
    readable = lead + yaml.safe_dump(value, default_style='"', width=float("inf"), allow_unicode=True).rstrip("\n")
    escaped = lead + yaml.safe_dump(value, default_style='"', width=float("inf")).rstrip("\n")
    return next((text for text in (folded, readable) if _holds(text, lead, value)), escaped)


def _holds(text: str, lead: str, value: str) -> bool:
    """Return whether `text` reads as `value`, which line breaks, runs of spaces and rare marks can prevent."""
    try:
        return yaml.safe_load(text) == ([value] if lead == "- " else {lead.removesuffix(": "): value})
    except yaml.YAMLError:
        return False


def _put(change: Any, text: str, before: Codebook, after: Codebook, *entries: Change) -> None:
    """Write the differences between two codebooks, and `entries` of the history, into the text of the file."""
    after = _rebuilt(replace(after, changes=(*before.changes, *entries)), _schema.CODEBOOK.name)
    editor = _Editor(text)
    for name, old, new in (("domains", before.domains, after.domains), ("themes", before.themes, after.themes)):
        known = {one.id: number for number, one in enumerate(old)}
        renamed = [one for one in old if one.id not in {other.id for other in new}]
        for one in new:
            if one.id in known:
                editor.update(name, one.id, _fields(old[known[one.id]]), _fields(one))
            elif renamed:  # themes are never taken away, so the one that is missing has got this name
                was = renamed.pop()
                editor.update(name, was.id, _fields(was), _fields(one))
            else:
                group = [other.id for other in old if getattr(other, "domain", "") == getattr(one, "domain", "")]
                editor.insert(name, _fields(one), after=group[-1] if group else None)
    for entry in entries:
        editor.insert("history", _log(entry))
    text = editor.text()
    try:
        as_wanted = _by_id(Codebook.parse(text, _schema.CODEBOOK.name)) == _by_id(after)
    except CorpusError:
        as_wanted = False
    if not as_wanted:
        raise CorpusError(
            "data/codebook.yaml is laid out in a way that this command cannot edit without changing more than it "
            "should. Nothing was written; lay it out as the other themes are, one field a line."
        )
    change.replace(str(_schema.CODEBOOK), text)


def _by_id(codebook: Codebook) -> tuple[Any, ...]:
    return codebook.domains, {theme.id: theme for theme in codebook.themes}, codebook.changes


def _place(edit: tuple[int, tuple[int, int, str]]) -> tuple[int, int]:
    return edit[1][0], edit[0]


class _Editor:
    """Edits of a YAML text that leave everything else in it as it is."""

    def __init__(self, text: str) -> None:
        self._crlf = "\r\n" in text
        self._text = text.replace("\r\n", "\n")
        root = yaml.compose(self._text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
        self._top = {key.value: (key, value) for key, value in root.value}
        self._edits: list[tuple[int, int, str]] = []

    def text(self) -> str:
        text = self._text
        # From the end, so that places stay right; what goes to one place comes out in the order it was asked for.
        for _, (start, end, new) in sorted(enumerate(self._edits), key=_place, reverse=True):
            text = text[:start] + new + text[end:]
        return text.replace("\n", "\r\n") if self._crlf else text

    def update(self, section: str, id: str, old: dict[str, Any], new: dict[str, Any]) -> None:
        """Rewrite the fields of one item that differ."""
        item = self._item(section, id)
        nodes = {key.value: (key, value) for key, value in item.value}
        indent = item.value[0][0].start_mark.column
        last = item.value[0]
        for name in dict.fromkeys((*new, *old)):
            if name in nodes:
                last = nodes[name]
            if old.get(name) == new.get(name):
                continue
            if name not in new:
                start = nodes[name][0].start_mark.index - indent
                self._edits.append((start, self._line_end(self._end(nodes[name])) + 1, ""))
                continue
            lines = textwrap.indent(_yaml_field(name, new[name]), " " * indent)
            if name in nodes:
                start = nodes[name][0].start_mark.index
                self._edits.append((start, self._end(nodes[name]), lines.lstrip(" ")))
            else:
                end = self._line_end(self._end(last))
                self._edits.append((end, end, f"\n{lines}"))

    def insert(self, section: str, values: dict[str, Any], after: str | None = None) -> None:
        """Insert an item after the item `after`, else at the end of its section."""
        if section not in self._top:
            end = len(self._text.rstrip())
            first = not any(edit[0] == end and edit[2].startswith(f"\n\n{section}:") for edit in self._edits)
            self._edits.append((end, end, (f"\n\n{section}:\n" if first else "\n") + _item(values)))
            return
        sequence = self._top[section][1]
        if not sequence.value:
            raise CorpusError(f"data/codebook.yaml: `{section}` is empty. Remove the line or give it an item first.")
        node = self._item(section, after) if after else sequence.value[-1]
        end = self._line_end(self._end((None, node)))
        gap = "\n" if section != "history" else ""
        self._edits.append((end, end, f"\n{gap}{_item(values, sequence.start_mark.column)}"))

    def _item(self, section: str, id: str) -> Any:
        for item in self._top[section][1].value:
            if any(key.value == "id" and value.value == id for key, value in item.value):
                return item
        raise CorpusError(f"data/codebook.yaml: {id} is not found under `{section}`. Run litbench check.")

    def _end(self, field: tuple[Any, Any]) -> int:
        """Return where the value of a field ends, without the empty lines and comments that follow it."""
        node = field[1]
        while isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
            last = node.value[-1]
            node = last[1] if isinstance(last, tuple) else last
        return node.start_mark.index + len(self._text[node.start_mark.index : node.end_mark.index].rstrip())

    def _line_end(self, index: int) -> int:
        end = self._text.find("\n", index)
        return len(self._text) if end < 0 else end


# ---------------------------------------------------------------------- writing


def _awaits_recoding(problem: Problem) -> bool:
    return problem.file == CODES and problem.field == "theme" and problem.reason == "this theme is retired"


def _n(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"
