"""What a team relies on when the corpus is written: nothing lost, nothing half-written, no other line changed."""

import difflib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from filelock import FileLock
from stress import ENTRY, FILES, KEY, die_at, in_a_fork, state, write_study

import litbench
from litbench import _store
from litbench.check import check

STUDY = {
    "key": KEY, "design": "qualitative", "read": "abstract", "identification_route": "curated",
    "summary": "Interviews on a crackdown.", "findings_seen_at": "https://doi.org/10.1000/x",
    "source_kind": "publisher",
}  # fmt: skip


def sound(path):
    return []


@pytest.fixture
def corpus(part, tmp_path):
    return shutil.copytree(part, tmp_path / "corpus")


def added_lines(before: bytes, after: bytes) -> list[str]:
    diff = list(difflib.ndiff(before.decode().splitlines(keepends=True), after.decode().splitlines(keepends=True)))
    assert not [line for line in diff if line.startswith("-")]
    return [line[2:] for line in diff if line.startswith("+")]


# ---------------------------------------------------------------------- only the new lines, in their places


def test_a_new_study_adds_its_lines_and_changes_no_other(corpus):
    before = state(corpus)
    write_study(corpus)
    after = state(corpus)
    added = {file: added_lines(before[file], after[file]) for file in FILES}
    assert {file: len(lines) for file, lines in added.items()} == {
        "references.bib": 6, "data/studies.csv": 1, "data/places.csv": 1, "data/findings.csv": 2, "data/codes.csv": 1,
    }  # fmt: skip
    for file in FILES[1:]:
        assert all(line.startswith(KEY) for line in added[file])


def test_rows_stand_in_sorted_place_with_numbers_in_order(corpus):
    with _store.writing(corpus, validate=sound) as change:
        change.insert("findings", [{"finding": f"{KEY}.{n}", "key": KEY} for n in (10, 9, 2)])
        keys = [row["finding"] for row in change.rows("findings")]
    at = keys.index(f"{KEY}.2")
    assert keys[at : at + 3] == [f"{KEY}.2", f"{KEY}.9", f"{KEY}.10"]
    assert keys[at - 1] < KEY < keys[at + 3]


@pytest.mark.parametrize("key", ["aaa2000first", "moss2019crackdown", "zzz2030last"])
def test_an_entry_stands_in_sorted_place_and_the_file_stays_canonical(corpus, key):
    with _store.writing(corpus, validate=sound) as change:
        change.insert_entry(key, ENTRY.replace(KEY, key))
    keys = list(litbench.references.read(corpus / "references.bib").key)
    assert keys == sorted(keys) and key in keys
    assert not [problem for problem in check(corpus) if "canonical" in problem.reason]


def test_line_endings_own_columns_and_column_order_survive(corpus):
    path = corpus / "data/places.csv"
    rows = path.read_text().splitlines()
    own = [",".join([line, "note" if n else "x_note"]) for n, line in enumerate(rows)]
    path.write_bytes("\r\n".join(own).encode() + b"\r\n")
    before = path.read_bytes()
    with _store.writing(corpus, validate=sound) as change:
        change.insert("places", [{"key": KEY, "country": "CAN", "x_note": "ours"}])
    assert added_lines(before, path.read_bytes()) == [f"{KEY},,CAN,,,ours\r\n"]


def test_columns_in_another_order_are_written_in_that_order(corpus):
    path = corpus / "data/places.csv"
    path.write_text("country,key,place,lat,lon\nCAN,a2000b,,,\n")
    with _store.writing(corpus, validate=sound) as change:
        change.insert("places", [{"key": KEY, "country": "MEX", "place": 'The "Zona", Norte'}])
    assert path.read_text().splitlines()[2] == f'MEX,{KEY},"The ""Zona"", Norte",,'


def test_comments_in_the_bibliography_survive_and_stay_with_their_entry(corpus):
    path = corpus / "references.bib"
    text = path.read_text()
    first_after = next(key for key in litbench.references.read(path).key if key > KEY)
    start = next(at for at in (text.find(f"@{kind}{{{first_after},") for kind in ("article", "techreport")) if at >= 0)
    path.write_text(text[:start] + "% checked by AB\n" + text[start:])
    before = path.read_bytes()
    with _store.writing(corpus, validate=sound) as change:
        change.insert_entry(KEY, ENTRY)
    added_lines(before, path.read_bytes())
    lines = path.read_text().splitlines()
    assert lines[lines.index("% checked by AB") + 1].endswith(f"{{{first_after},")


def test_a_last_line_without_line_end_is_kept(corpus):
    path = corpus / "data/places.csv"
    path.write_bytes(path.read_bytes().rstrip(b"\n"))
    rows = path.read_text().splitlines()
    with _store.writing(corpus, validate=sound) as change:
        change.insert("places", [{"key": "zzz2030last", "country": "CAN"}])
    assert path.read_text().splitlines() == [*rows, "zzz2030last,,CAN,,"]


def test_an_unusual_mark_in_a_cell_does_not_split_its_row(corpus):
    path = corpus / "data/places.csv"
    path.write_text("key,place,country,lat,lon\na2000b,one\u2028two,CAN,,\n", encoding="utf-8")
    with _store.writing(corpus, validate=sound) as change:
        change.insert("places", [{"key": KEY, "country": "CAN"}])
        assert len(change.rows("places")) == 2


def test_removing_rows_takes_only_them(corpus):
    before = (corpus / "data/codes.csv").read_text().splitlines()
    one = before[1].split(",")[0]
    with _store.writing(corpus, validate=sound) as change:
        gone = change.remove("codes", lambda row: row["finding"] == one and row["coder"] == "second")
    after = (corpus / "data/codes.csv").read_text().splitlines()
    assert gone and after == [line for line in before if not (line.startswith(one + ",") and ",second," in line)]


def test_rights_and_links_of_a_file_are_kept(corpus, tmp_path):
    real = tmp_path / "elsewhere.csv"
    (corpus / "data/places.csv").rename(real)
    (corpus / "data/places.csv").symlink_to(real)
    real.chmod(0o640)
    with _store.writing(corpus, validate=sound) as change:
        change.insert("places", [{"key": KEY, "country": "CAN"}])
    assert (corpus / "data/places.csv").is_symlink()
    assert KEY in real.read_text() and real.stat().st_mode & 0o777 == 0o640


# ---------------------------------------------------------------------- refused, and nothing written


def test_a_change_that_breaks_a_rule_is_refused_whole(corpus):
    before = state(corpus)
    with pytest.raises(litbench.CorpusError, match=r"data/studies.csv:\d+: design .*vocabulary"):  # noqa: SIM117
        with _store.writing(corpus) as change:
            change.insert_entry(KEY, ENTRY)
            change.insert("studies", [STUDY | {"design": "guesswork"}])
    assert state(corpus) == before


def test_what_was_wrong_before_does_not_stop_a_sound_change(corpus):
    path = corpus / "data/places.csv"
    path.write_text(path.read_text() + "zzz2030nobody,,CAN,,\n")
    with _store.writing(corpus, allow=lambda problem: problem.reason == "the study has no finding") as change:
        change.insert_entry(KEY, ENTRY)
        change.insert("studies", [STUDY])
    assert KEY in (corpus / "data/studies.csv").read_text()


def test_an_unknown_column_is_named(corpus):
    with (
        pytest.raises(litbench.CorpusError, match="no column 'desing'"),
        _store.writing(corpus, validate=sound) as change,
    ):
        change.insert("studies", [{"key": KEY, "desing": "cohort"}])


def test_an_error_in_the_block_writes_nothing(corpus):
    before = state(corpus)
    with pytest.raises(ZeroDivisionError), _store.writing(corpus, validate=sound) as change:
        change.insert("places", [{"key": KEY, "country": "CAN"}])
        raise ZeroDivisionError
    assert state(corpus) == before


def test_a_file_saved_by_another_program_meanwhile_is_not_overwritten(corpus):
    path = corpus / "data/places.csv"
    with (
        pytest.raises(litbench.CorpusError, match="changed by another program"),
        _store.writing(corpus, validate=sound) as change,
    ):
        change.insert("places", [{"key": KEY, "country": "CAN"}])
        path.write_text(path.read_text() + "zzz2030other,,CAN,,\n")
    assert "zzz2030other" in path.read_text() and KEY not in path.read_text()


def test_a_file_that_is_not_utf8_is_named_with_its_line(corpus):
    path = corpus / "data/places.csv"
    path.write_bytes(b"key,place,country,lat,lon\na2000b,Montr\xe9al,CAN,,\n")
    with (
        pytest.raises(litbench.CorpusError, match=r"data/places\.csv:2: this is not UTF-8"),
        _store.writing(corpus, validate=sound) as change,
    ):
        change.insert("places", [{"key": KEY, "country": "CAN"}])


def test_a_full_disk_leaves_the_old_state_and_says_so(corpus, monkeypatch):
    before = state(corpus)

    def full(path, content):
        raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr(_store, "_write_beside", full)
    with pytest.raises(litbench.CorpusError, match="No space left"):
        write_study(corpus)
    assert state(corpus) == before


# ---------------------------------------------------------------------- two writers


def test_a_second_writer_is_refused_while_the_first_writes(corpus, monkeypatch):
    monkeypatch.setattr(_store, "PATIENCE", 0.05)
    with FileLock(corpus / _store.LOCK), pytest.raises(litbench.CorpusError, match="Another litbench is writing"):
        write_study(corpus)


def test_many_writers_at_once_lose_nothing(corpus):
    program = (
        "import sys; from pathlib import Path; from litbench import _store\n"
        "for n in range(5):\n"
        "    with _store.writing(Path(sys.argv[1]), validate=lambda path: []) as change:\n"
        "        change.insert('places', [{'key': f'w{sys.argv[2]}2000n{n}', 'country': 'CAN'}])\n"
    )
    writers = [subprocess.Popen([sys.executable, "-c", program, str(corpus), str(n)]) for n in range(3)]
    assert [writer.wait(60) for writer in writers] == [0, 0, 0]
    rows = (corpus / "data/places.csv").read_text().splitlines()
    assert sum("2000n" in row for row in rows) == 15


# ---------------------------------------------------------------------- killed

needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")


@needs_fork
def test_a_writer_killed_at_any_step_leaves_all_old_or_all_new(corpus, part, tmp_path):
    old = state(corpus)
    whole = shutil.copytree(part, tmp_path / "whole")
    write_study(whole)
    new = state(whole)
    outcomes, mixed_on_disk = [], 0
    for step in range(1, 100):
        for file, content in old.items():
            (corpus / file).write_bytes(content)
        ended = in_a_fork(lambda step=step: (die_at(step), write_study(corpus)))
        mixed_on_disk += state(corpus) not in (old, new)
        _store.recover(corpus)
        assert state(corpus) in (old, new), f"killed at step {step}"
        outcomes.append(state(corpus) == new)
        if ended:
            break
    assert ended and outcomes == sorted(outcomes), "once the change holds, no later step loses it"
    assert not outcomes[0] and outcomes[-1] and mixed_on_disk, "the steps between are reached, or this shows nothing"


@needs_fork
def test_recovery_killed_at_any_step_is_completed_by_the_next(corpus, part, tmp_path):
    whole = shutil.copytree(part, tmp_path / "whole")
    write_study(whole)
    old, new = state(corpus), state(whole)
    for step in range(1, 30):
        for file, content in old.items():
            (corpus / file).write_bytes(content)
        in_a_fork(lambda: (die_at_first_rename_of_a_table(), write_study(corpus)))
        assert (corpus / _store.JOURNAL).exists()
        ended = in_a_fork(lambda step=step: (die_at(step), _store.recover(corpus)))
        _store.recover(corpus)
        assert state(corpus) == new
        if ended:
            break
    assert ended


def die_at_first_rename_of_a_table():
    rename = _store._rename

    def call(source: Path, target: Path) -> None:
        if target.name != _store.JOURNAL:
            os.kill(os.getpid(), 9)
        rename(source, target)

    _store._rename = call


@needs_fork
def test_loading_the_corpus_completes_an_interrupted_write(corpus):
    in_a_fork(lambda: (die_at_first_rename_of_a_table(), write_sound_study(corpus)))
    assert KEY not in (corpus / "data/studies.csv").read_text()
    assert KEY in set(litbench.load_corpus(corpus).studies.key)
    assert not list(corpus.rglob("*.new")) and not (corpus / _store.JOURNAL).exists()


def write_sound_study(folder: Path) -> None:
    with _store.writing(folder, validate=sound) as change:
        change.insert_entry(KEY, ENTRY)
        change.insert("studies", [STUDY])


@needs_fork
def test_a_hand_edit_after_an_interrupted_write_is_not_overwritten(corpus):
    in_a_fork(lambda: (die_at_first_rename_of_a_table(), write_study(corpus)))
    path = corpus / "data/places.csv"
    path.write_text(path.read_text() + "zzz2030mine,,CAN,,\n")
    with pytest.raises(litbench.CorpusError, match="changed by hand after a write was interrupted"):
        litbench.load_corpus(corpus)
    assert "zzz2030mine" in path.read_text() and KEY in (corpus / "data/.places.csv.new").read_text()
