"""The one door through which data is written: all files of a change or none, and no other line touched.

A change is prepared in memory, checked as a whole, and written so:

1. each new file is written beside the old one (``.codes.csv.new``) and flushed to the disk;
2. the journal, which names them with the digests of what they replace, is put in place by one rename. From here on
   the change holds;
3. each new file is renamed over the old one;
4. the journal is removed.

A process that dies before 2 leaves the old state of all files; one that dies after it leaves the new state, which
`recover` completes before the next command or `litbench.load_corpus` reads anything (write-ahead logging, as in
Gray & Reuter 1993, *Transaction Processing*, ch. 9). Tables are edited as lines of text, so columns that a team added,
line endings and column order are kept as they are.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
import re
import shutil
import tempfile
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from litbench import _schema
from litbench._problems import CorpusError, Problem

JOURNAL = ".litbench-journal.json"
LOCK = ".litbench.lock"
PATIENCE = 10.0  # seconds to wait for another writer

# The order of the rows in a table where it is not that of the primary key.
_ORDER = {"codes": ("finding", "round", "coder", "theme"), "places": ("key",), "imports": ("date",)}
_ENTRY = re.compile(r"^@(?!comment|string|preamble)\w+\s*\{\s*([^,\s]+)\s*,", re.MULTILINE | re.IGNORECASE)


@contextmanager
def writing(
    folder: Path,
    *,
    allow: Callable[[Problem], bool] = lambda problem: False,
    validate: Callable[[Path], list[Problem]] | None = None,
) -> Iterator[Change]:
    """Open a change to the corpus in `folder`; it is checked and written when the block ends without an error.

    Parameters
    ----------
    folder : pathlib.Path
    allow : callable
        Says of a problem that the change brings whether it may stand for now, such as a study not coded yet.
    validate : callable, optional
        Gives the problems of a corpus; `litbench.check.check` by default.

    Raises
    ------
    CorpusError
        Where another process is writing, the folder cannot be written to, a file was changed meanwhile, or the
        changed corpus would have a problem that it does not have now. Nothing is written then.
    """
    try:
        with FileLock(folder / LOCK, timeout=PATIENCE):
            _recover(folder)
            change = Change(folder)
            yield change
            change._commit(allow, validate)
    except Timeout:
        raise CorpusError(
            f"Another litbench is writing to {folder}. Nothing was written; wait until it has ended and try again."
        ) from None
    except OSError as error:
        raise CorpusError(
            f"{error.filename or folder} cannot be written ({error.strerror}). The files are as they were, or will be "
            "completed by the next command. Look at the disk's space and your rights to the folder, then try again."
        ) from error


def recover(folder: Path) -> None:
    """Complete a change whose writer was killed after its journal stood; the next reader calls this first."""
    if (folder / JOURNAL).exists():
        try:
            with FileLock(folder / LOCK, timeout=PATIENCE):
                _recover(folder)
        except Timeout:
            raise CorpusError(f"Another litbench is writing to {folder}. Wait until it has ended.") from None
        except OSError as error:
            raise CorpusError(
                f"A write to {folder} was interrupted and cannot be completed ({error.strerror}: {error.filename}). "
                "Make the folder writable and run `litbench check`."
            ) from error


def write_file(path: Path, content: bytes) -> None:
    """Write a single file whole or not at all.

    Raises
    ------
    CorpusError
        Where its folder is not there, or it cannot be written.
    """
    if not path.resolve().parent.is_dir():
        raise CorpusError(f"{path} cannot be written: its folder is not there. Give one that is.")
    try:
        _write_beside(path, content)
        _rename(_beside(path), path)
    except OSError as error:
        raise CorpusError(f"{path} cannot be written ({error.strerror}). Look at the disk and your rights.") from None


class Change:
    """Edits of the files of one corpus, seen by nobody until they are committed together."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._tables = _schema.tables(_schema.read_descriptor(folder))
        self._old: dict[str, bytes | None] = {}
        self._new: dict[str, str] = {}

    # ------------------------------------------------------------------ what a change can do

    def text(self, file: str) -> str:
        """Return the content of a file, below the corpus folder, as this change has it so far."""
        if file not in self._new:
            path = self.folder / file
            try:
                raw = path.read_bytes()
            except FileNotFoundError:
                self._old[file] = None
                return ""
            self._old[file] = raw
            try:
                self._new[file] = raw.decode("utf-8")
            except UnicodeDecodeError as error:
                line = raw.count(b"\n", 0, error.start) + 1
                raise CorpusError(f"{file}:{line}: this is not UTF-8. Save the file as UTF-8 and try again.") from None
        return self._new[file]

    def replace(self, file: str, text: str) -> None:
        """Put `text` in the place of a whole file, below the corpus folder."""
        self.text(file)
        self._new[file] = text

    def rows(self, table: str) -> list[dict[str, str]]:
        """Return the rows of a table as this change has it so far, every cell as text."""
        header, lines = self._lines(table)
        return [dict(zip(header, _cells(line), strict=False)) for line in lines]

    def insert(self, table: str, rows: list[Mapping[str, Any]]) -> None:
        """Insert rows in their sorted places.

        Parameters
        ----------
        table : str
            Name of a table of the data package, such as ``"codes"``.
        rows : list of mapping
            Cells by column; a missing one is empty, a truth value is written ``true`` or ``false``.

        Raises
        ------
        CorpusError
            For a column that the table does not have.
        """
        file = f"data/{self._tables[table]['path']}"
        header, lines = self._lines(table)
        ending = _ending(self.text(file))
        keys = [self._key(table, dict(zip(header, _cells(line), strict=False))) for line in lines]
        for row in rows:
            if unknown := set(row) - set(header):
                raise CorpusError(f"{file} has no column {min(unknown)!r}; it has {', '.join(header)}.")
            cells = {name: _cell(row.get(name)) for name in header}
            key = self._key(table, cells)
            # Behind the last row that is not greater: right in a sorted table, and no harm in one ordered by hand.
            place = next((n for n in range(len(keys), 0, -1) if keys[n - 1] <= key), 0)
            keys.insert(place, key)
            lines.insert(place, _line(list(cells.values()), ending))
        self._put(file, lines)

    def remove(self, table: str, matches: Callable[[dict[str, str]], bool]) -> list[dict[str, str]]:
        """Remove the rows for which `matches` says so, and return them."""
        file = f"data/{self._tables[table]['path']}"
        header, lines = self._lines(table)
        rows = [dict(zip(header, _cells(line), strict=False)) for line in lines]
        gone = [row for row in rows if matches(row)]
        if gone:
            self._put(file, [line for line, row in zip(lines, rows, strict=True) if not matches(row)])
        return gone

    def update(self, table: str, matches: Callable[[dict[str, str]], bool], cells: Mapping[str, Any]) -> None:
        """Set cells in the rows for which `matches` says so; other cells and lines stay as they are."""
        file = f"data/{self._tables[table]['path']}"
        header, lines = self._lines(table)
        ending = _ending(self.text(file))
        new = []
        for line in lines:
            row = dict(zip(header, _cells(line), strict=False))
            changed = row | {name: _cell(value) for name, value in cells.items()}
            new.append(_line(list(changed.values()), ending) if matches(row) and changed != row else line)
        self._put(file, new)

    def insert_entry(self, key: str, entry: str) -> None:
        """Insert an entry, as `litbench.references.format` writes it, in its place in references.bib."""
        file = str(_schema.BIBLIOGRAPHY)
        text = self.text(file)
        ending = _ending(text)
        entry = entry.strip("\n").replace("\n", ending) + ending
        starts = [(match[1], match.start()) for match in _ENTRY.finditer(text)]
        before = bisect_right([one for one, _ in starts], key)
        if before == 0:
            place = _with_comment(text, starts[0][1]) if starts else len(text)
            text = text[:place] + entry + (ending if starts else "") + text[place:]
        else:
            place = _end_of_entry(text, starts[before - 1][1])
            head, tail = text[:place], text[place:]
            head += "" if head.endswith("\n") else ending
            text = head + ending + entry + tail
        self._new[file] = text

    # ------------------------------------------------------------------ lines of a table

    def _lines(self, table: str) -> tuple[list[str], list[str]]:
        file = f"data/{self._tables[table]['path']}"
        header, *lines = _split(self.text(file)) or [""]
        return _cells(header), lines

    def _put(self, file: str, lines: list[str]) -> None:
        text = self.text(file)
        header = _split(text)[0]
        ending = _ending(text)
        # The last line may have come without a line end; what follows it needs one.
        content = [header, *lines]
        self._new[file] = "".join(line if line.endswith("\n") else line + ending for line in content)

    def _key(self, table: str, row: Mapping[str, str]) -> tuple[tuple[str, int], ...]:
        columns = _ORDER.get(table) or self._tables[table]["schema"].get("primaryKey") or [next(iter(row))]
        return tuple(_natural(row.get(column, "")) for column in columns)

    # ------------------------------------------------------------------ commit

    def _commit(self, allow: Callable[[Problem], bool], validate: Callable[[Path], list[Problem]] | None) -> None:
        changed = {
            file: text.encode("utf-8")
            for file, text in self._new.items()
            if self._old.get(file) != text.encode("utf-8")
        }
        if not changed:
            return
        if validate is None:
            from litbench.check import check as validate
        self._validate(changed, allow, validate)
        entries = []
        for file, content in changed.items():
            old = self._old.get(file)
            if _read(self.folder / file) != old:
                raise CorpusError(
                    f"{file} was changed by another program meanwhile. Nothing was written; save it there, try again."
                )
            entries.append({"file": file, "old": _digest(old), "new": _digest(content)})
        for file, content in changed.items():
            _write_beside(self.folder / file, content)
        journal = self.folder / JOURNAL
        _write_beside(journal, json.dumps({"files": entries}).encode())
        _rename(_beside(journal), journal)
        _complete(self.folder, entries)

    def _validate(
        self,
        changed: Mapping[str, bytes],
        allow: Callable[[Problem], bool],
        validate: Callable[[Path], list[Problem]],
    ) -> None:
        with tempfile.TemporaryDirectory() as scratch:
            copy = Path(scratch)
            shutil.copytree(self.folder / "data", copy / "data")
            if (self.folder / _schema.BIBLIOGRAPHY).is_file():
                shutil.copy2(self.folder / _schema.BIBLIOGRAPHY, copy / _schema.BIBLIOGRAPHY)
            for file, content in changed.items():
                (copy / file).parent.mkdir(parents=True, exist_ok=True)
                (copy / file).write_bytes(content)
            problems = [problem for problem in validate(copy) if not allow(problem)]
        if not problems:
            return
        # What was wrong before is not this change's doing; line numbers have moved, so they do not count.
        before = Counter(_same(problem) for problem in validate(self.folder))
        new = []
        for problem in problems:
            if before[_same(problem)]:
                before[_same(problem)] -= 1
            else:
                new.append(problem)
        if new:
            raise CorpusError("Nothing was written, since the corpus would then not be sound:", new)


def _same(problem: Problem) -> tuple[str, ...]:
    return problem.file, problem.field, problem.value, problem.reason


def _recover(folder: Path) -> None:
    """Complete a journaled change, or clear what a writer left that died before its journal stood."""
    journal = folder / JOURNAL
    raw = _read(journal)
    if raw is None:
        for left in (*folder.glob(".*.new"), *folder.glob("*/.*.new")):
            _unlink(left)
        return
    entries = json.loads(raw)["files"]
    for entry in entries:
        path = folder / entry["file"]
        now = _digest(_read(path))
        if _beside(path).exists() and now not in (entry["old"], entry["new"]):
            raise CorpusError(
                f"{entry['file']} was changed by hand after a write was interrupted. What that write wanted is in "
                f"{_beside(path).name} beside it: bring the two together in {path.name}, then remove "
                f"{_beside(path).name} and {JOURNAL}."
            )
    _complete(folder, entries)


def _complete(folder: Path, entries: list[dict[str, str]]) -> None:
    for entry in entries:
        path = folder / entry["file"]
        if _beside(path).exists():  # else a writer that was killed had come this far
            _rename(_beside(path), path)
    _unlink(folder / JOURNAL)


# ---------------------------------------------------------------------- single steps on the disk


def _beside(path: Path) -> Path:
    # A link is followed, so that the file it points to is replaced and not the link.
    path = path.resolve()
    return path.with_name(f".{path.name}.new")


def _write_beside(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with _beside(path).open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    if path.exists():
        shutil.copymode(path, _beside(path))


def _rename(source: Path, target: Path) -> None:
    source.replace(target.resolve())
    _sync(target.resolve().parent)


def _unlink(path: Path) -> None:
    path.unlink(missing_ok=True)
    _sync(path.parent)


def _sync(folder: Path) -> None:
    """Flush a folder's own entries, where the system can."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None


def _digest(content: bytes | None) -> str:
    return "" if content is None else hashlib.sha256(content).hexdigest()


# ---------------------------------------------------------------------- text


def _ending(text: str) -> str:
    first = text.partition("\n")[0]
    return "\r\n" if first.endswith("\r") else "\n"


def _split(text: str) -> list[str]:
    # Not str.splitlines: it also splits at marks, such as U+2028, that may stand in a cell.
    return re.findall(r"[^\n]*\n|[^\n]+", text)


def _cells(line: str) -> list[str]:
    return next(csv.reader([line.rstrip("\r\n")]), [])


def _cell(value: Any) -> str:
    if value is None or value != value:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    text = f"{value:.12g}" if isinstance(value, float) else str(value)
    return " ".join(text.split())  # a row is one line


def _line(cells: list[str], ending: str) -> str:
    file = io.StringIO()
    csv.writer(file, lineterminator=ending).writerow(cells)
    return file.getvalue()


def _natural(cell: str) -> tuple[str, int]:
    """Order ``morales2020pick.10`` after ``morales2020pick.9``, and the tenth round after the ninth."""
    stem, dot, number = cell.rpartition(".")
    return (stem, int(number)) if number.isdecimal() and (dot or not stem) else (cell, 0)


def _end_of_entry(text: str, start: int) -> int:
    depth = 0
    for match in re.compile(r"(?<!\\)[{}]").finditer(text, start):
        depth += 1 if match[0] == "{" else -1
        if depth == 0:
            end = text.find("\n", match.end())
            return len(text) if end < 0 else end + 1
    raise CorpusError(f"{_schema.BIBLIOGRAPHY}: an entry is not closed. Run `litbench check`, which names its line.")


def _with_comment(text: str, start: int) -> int:
    """Return where the comment begins that stands directly before the entry at `start`."""
    while start and (line := text[text.rfind("\n", 0, start - 1) + 1 : start]).strip():
        start -= len(line)
    return start
