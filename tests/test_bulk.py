"""What a user with a library relies on: the tags of `lb.tag`, whole or not at all, resumed, on a cluster too."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

import litbench as lb
from litbench import bulk
from litbench.cli import main

ROOT = Path(__file__).parent.parent
ORDER = ["id", "theme", "score", "negated", "words"]


@pytest.fixture(scope="module")
def library(corpus: lb.Corpus) -> pd.DataFrame:
    statements = corpus.findings.statement
    frame = pd.DataFrame({"id": [f"r{number}" for number in range(1200)]})
    frame["title"] = [statements[number % len(statements)] for number in range(1200)]
    frame["abstract"] = [
        None if number % 7 == 0 else f"Naïve “quotes”, commas\nand lines. {statements[(number * 31) % len(statements)]}"
        for number in range(1200)
    ]
    frame.loc[5, ["title", "abstract"]] = None
    return frame


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk, "_ROWS", 100)


def write(frame: pd.DataFrame, path: Path) -> Path:
    if path.suffix == ".parquet":
        frame.to_parquet(path, index=False)
    elif path.suffix == ".csv":
        frame.to_csv(path, index=False)
    else:
        frame.to_json(path, orient="records", lines=True, force_ascii=False)
    return path


def read(path: Path) -> pd.DataFrame:
    if path.suffix == ".parquet":
        frame = pd.read_parquet(path)
    elif path.suffix == ".csv":
        frame = pd.read_csv(path)
    else:
        frame = pd.DataFrame(map(json.loads, path.read_text(encoding="utf-8").splitlines()))
    return frame.astype({"id": "str", "theme": "str", "score": "float64", "negated": "bool", "words": "str"})[ORDER]


def expected(library: pd.DataFrame, corpus: lb.Corpus) -> pd.DataFrame:
    return lb.tag(library, corpus.codebook).astype({"id": "str"})


@pytest.mark.parametrize(("kind", "out"), [(".parquet", ".csv"), (".csv", ".jsonl"), (".jsonl", ".parquet")])
def test_every_format_gives_the_tags_of_tag(kind: str, out: str, library, corpus, tmp_path: Path) -> None:
    source = write(library, tmp_path / f"library{kind}")
    summary = lb.tag_file(source, tmp_path / f"tags{out}", codebook=corpus.codebook, jobs=1, progress=False)
    tags = expected(library, corpus)
    pd.testing.assert_frame_equal(read(tmp_path / f"tags{out}"), tags)
    assert (summary.texts, summary.tagged, summary.rows) == (1200, tags.id.nunique(), len(tags))
    assert f"{1200 - tags.id.nunique()} with none" in str(summary)
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"library{kind}", f"tags{out}"]


def test_several_processes_give_the_same(library, corpus, tmp_path: Path) -> None:
    source = write(library, tmp_path / "library.parquet")
    lb.tag_file(source, tmp_path / "tags.parquet", codebook=corpus.codebook, jobs=2, progress=False)
    pd.testing.assert_frame_equal(read(tmp_path / "tags.parquet"), expected(library, corpus))


def test_numbers_as_ids_stay_numbers(corpus, tmp_path: Path) -> None:
    source = write(pd.DataFrame({"id": [7], "text": ["arrests"]}), tmp_path / "a.parquet")
    lb.tag_file(source, tmp_path / "b.parquet", codebook=corpus.codebook, jobs=1, progress=False)
    assert pd.read_parquet(tmp_path / "b.parquet").id.tolist() == [7]


def test_a_run_that_was_stopped_goes_on(library, corpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source, out = write(library, tmp_path / "library.parquet"), tmp_path / "tags.parquet"
    tag_chunk, calls = bulk._tag_chunk, []

    def stopped(*args):
        calls.append(1)
        if len(calls) == 5:
            raise KeyboardInterrupt
        return tag_chunk(*args)

    monkeypatch.setattr(bulk, "_tag_chunk", stopped)
    with pytest.raises(KeyboardInterrupt):
        lb.tag_file(source, out, codebook=corpus.codebook, jobs=1, progress=False)
    assert not out.exists()
    summary = lb.tag_file(source, out, codebook=corpus.codebook, jobs=1, progress=False)
    assert (summary.resumed, len(calls)) == (400, 5 + 8)
    pd.testing.assert_frame_equal(read(out), expected(library, corpus))


def test_parts_of_another_file_are_not_taken_over(library, corpus, tmp_path: Path, monkeypatch) -> None:
    source, out = write(library, tmp_path / "library.parquet"), tmp_path / "tags.parquet"
    with monkeypatch.context() as patch:
        patch.setattr(bulk._Parts, "finish", lambda *_: None)
        lb.tag_file(source, out, codebook=corpus.codebook, jobs=1, progress=False)
    write(library.head(150), source)
    assert lb.tag_file(source, out, codebook=corpus.codebook, jobs=1, progress=False).resumed == 0
    pd.testing.assert_frame_equal(read(out), expected(library.head(150), corpus))


def test_a_killed_command_goes_on_when_it_is_run_again(library, corpus, tmp_path: Path) -> None:
    big = pd.concat([library] * 30, ignore_index=True)
    big["id"] = [f"r{number}" for number in range(len(big))]
    source, out = write(big, tmp_path / "library.parquet"), tmp_path / "tags.parquet"
    command = [sys.executable, "-m", "litbench.cli", "--corpus", ROOT, "tag", source, "--out", out, "--jobs", "1"]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL) as process:
        parts = tmp_path / "tags.parquet.parts"
        until = time.monotonic() + 60
        while not list(parts.glob("*.arrow")) and process.poll() is None and time.monotonic() < until:
            time.sleep(0.005)
        process.send_signal(signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL
    assert not out.exists()
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "were done before this run" in done.stdout
    pd.testing.assert_frame_equal(read(out), expected(big, corpus))


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.csv", "id,title\n1,x,y\n", "a.csv:2: 3 cells where the header has 2"),
        ("a.csv", 'id,title\n1,"open\n', "not CSV"),
        ("a.csv", "key,title\n1,x\n", "needs a column id"),
        ("a.csv", "id,name\n1,x\n", "one of title, abstract, text"),
        ("a.csv", "", "is empty"),
        ("a.csv", b"id,title\n1,\xff\n", "a.csv:2: not UTF-8"),
        ("a.jsonl", '{"id": 1, "text": "x"}\n{oops\n', "a.jsonl:2: not JSON"),
        ("a.jsonl", '{"id": 1}\n', "a.jsonl:1: needs an object"),
        ("a.jsonl", '{"id": 1, "text": 5}\n', "a.jsonl:1: a text is not a string"),
        ("a.parquet", "no parquet", "not a Parquet file"),
        ("a.txt", "x", "name a file that ends in"),
    ],
)
def test_bad_input_is_refused_with_its_line(name, content, said, copy, tmp_path: Path, capsys) -> None:
    source = tmp_path / name
    source.write_bytes(content if isinstance(content, bytes) else content.encode())
    status = main(["--corpus", str(copy), "tag", str(source), "--out", str(tmp_path / "out.csv"), "--jobs", "1"])
    assert status == 1
    assert said in capsys.readouterr().err
    assert not (tmp_path / "out.csv").exists()


def test_an_output_that_is_there_is_kept(copy, tmp_path: Path, capsys) -> None:
    source, out = tmp_path / "a.csv", tmp_path / "out.csv"
    source.write_text("id,title\n1,arrests\n")
    out.write_text("mine")
    command = ["--corpus", str(copy), "tag", str(source), "--out", str(out), "--jobs", "1"]
    assert main(command) == 1
    assert out.read_text() == "mine"
    assert "--replace" in capsys.readouterr().err
    assert main([*command, "--replace"]) == 0
    assert "arrest" in out.read_text()
    assert main(["--corpus", str(copy), "tag", str(tmp_path / "none.csv"), "--out", str(out)]) == 1


def test_an_empty_library_gives_an_empty_table(corpus, tmp_path: Path) -> None:
    source = tmp_path / "a.csv"
    source.write_text("id,title\n")
    assert lb.tag_file(source, tmp_path / "b.parquet", codebook=corpus.codebook, jobs=1, progress=False).texts == 0
    assert pd.read_parquet(tmp_path / "b.parquet").columns.tolist() == ORDER


@pytest.fixture
def cluster_that_loses_a_worker(tmp_path: Path, monkeypatch) -> Iterator[str]:
    """A real cluster of two processes, one of which is killed when the first part is written."""
    from distributed import LocalCluster

    write_part, killed = bulk._Parts.write, []

    def write_and_kill(self, number, table):
        write_part(self, number, table)
        if not killed:
            killed.append(next(iter(cluster.workers.values())).pid)
            os.kill(killed[0], signal.SIGKILL)

    monkeypatch.setattr(bulk._Parts, "write", write_and_kill)
    with LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None, local_directory=tmp_path / "dask"
    ) as cluster:
        yield cluster.scheduler_address
    assert killed


def test_a_cluster_gives_the_same_when_a_worker_is_killed(
    library, corpus, tmp_path, cluster_that_loses_a_worker
) -> None:
    source, out = write(library, tmp_path / "library.parquet"), tmp_path / "tags.parquet"
    lb.tag_file(source, out, codebook=corpus.codebook, dask=cluster_that_loses_a_worker, progress=False)
    pd.testing.assert_frame_equal(read(out), expected(library, corpus))


# ---------------------------------------------------------------------- with the learned model


@pytest.fixture(scope="module")
def few(library: pd.DataFrame) -> pd.DataFrame:
    return library.head(350)


def one_by_one(library: pd.DataFrame, corpus: lb.Corpus, model) -> pd.DataFrame:
    """What `lb.tag` says of each text alone."""
    rows = []
    for name, title, abstract in library.itertuples(index=False):
        text = "\n".join(part for part in (title, abstract) if isinstance(part, str))
        for one in lb.tag(text, corpus.codebook, model):
            rows.append((name, one.theme, one.score, one.negated, "; ".join(one.words), one.by))
    return in_order(pd.DataFrame(rows, columns=[*ORDER, "by"]))


def in_order(tags: pd.DataFrame) -> pd.DataFrame:
    tags = tags.astype(dict.fromkeys(["id", "theme", "words", "by"], "str") | {"score": "float64", "negated": "bool"})
    return tags.sort_values(["id", "theme"], ignore_index=True)


@pytest.fixture(scope="module")
def learned(few, corpus, model) -> pd.DataFrame:
    tags = one_by_one(few, corpus, model)
    assert set(tags.by) == {"terms", "model"}
    assert (tags.score > 0.38).all()
    return tags


READ = {
    ".parquet": pd.read_parquet,
    ".csv": pd.read_csv,
    ".jsonl": lambda path: pd.DataFrame(map(json.loads, path.read_text(encoding="utf-8").splitlines())),
}


@pytest.mark.parametrize(
    ("kind", "out", "jobs"), [(".parquet", ".csv", 1), (".csv", ".jsonl", 1), (".jsonl", ".parquet", 2)]
)
def test_the_model_adds_in_bulk_what_it_adds_to_one_text(
    kind, out, jobs, few, corpus, model, learned, tmp_path
) -> None:
    source, path = write(few, tmp_path / f"library{kind}"), tmp_path / f"tags{out}"
    summary = lb.tag_file(source, path, codebook=corpus.codebook, model=model, jobs=jobs, progress=False)
    tags = READ[out](path)
    assert tags.columns.tolist() == [*ORDER, "by"]
    assert tags.id.drop_duplicates().tolist() == [name for name in few.id if name in set(tags.id)]
    pd.testing.assert_frame_equal(in_order(tags), learned)
    assert (summary.texts, summary.rows) == (len(few), len(learned))


def test_a_run_with_the_model_goes_on_but_not_from_parts_without_it(
    few, corpus, part, model, learned, tmp_path, monkeypatch
):
    source, out = write(few, tmp_path / "library.parquet"), tmp_path / "tags.parquet"
    tag_chunk, calls = bulk._tag_chunk, []

    def stopped(*args):
        calls.append(1)
        if len(calls) in (3, 6):
            raise KeyboardInterrupt
        return tag_chunk(*args)

    monkeypatch.setattr(bulk, "_tag_chunk", stopped)
    for with_model in (None, model):  # the parts of the first are not those of the second
        with pytest.raises(KeyboardInterrupt):
            lb.tag_file(source, out, codebook=corpus.codebook, model=with_model, jobs=1, progress=False)
    again = lb.learn(lb.load_corpus(part))  # another process learns the same
    summary = lb.tag_file(source, out, codebook=corpus.codebook, model=again, jobs=1, progress=False)
    assert summary.resumed == 200
    pd.testing.assert_frame_equal(in_order(pd.read_parquet(out)), learned)


def test_a_cluster_gives_the_same_with_the_model(
    few, corpus, model, learned, tmp_path, cluster_that_loses_a_worker
) -> None:
    source, out = write(few, tmp_path / "library.parquet"), tmp_path / "tags.parquet"
    lb.tag_file(source, out, codebook=corpus.codebook, model=model, dask=cluster_that_loses_a_worker, progress=False)
    pd.testing.assert_frame_equal(in_order(pd.read_parquet(out)), learned)


def test_the_command_trains_the_model_once_from_the_corpus(few, copy, learned, tmp_path, capsys) -> None:
    source, out = write(few.head(50), tmp_path / "library.parquet"), tmp_path / "tags.csv"
    assert main(["--corpus", str(copy), "tag", str(source), "--out", str(out), "--model", "--jobs", "1"]) == 0
    pd.testing.assert_frame_equal(
        in_order(pd.read_csv(out)), learned[learned.id.isin(few.id.head(50))].reset_index(drop=True)
    )


def test_an_empty_library_has_the_columns_of_the_model(corpus, model, tmp_path: Path) -> None:
    empty, out = tmp_path / "empty.csv", tmp_path / "tags.csv"
    empty.write_text("id,title\n")
    lb.tag_file(empty, out, codebook=corpus.codebook, model=model, jobs=1, progress=False)
    assert pd.read_csv(out).columns.tolist() == [*ORDER, "by"]


def test_a_scheduler_that_does_not_answer_is_said(corpus, tmp_path: Path, monkeypatch) -> None:
    source = tmp_path / "a.csv"
    source.write_text("id,title\n1,x\n")
    monkeypatch.setattr(bulk, "_PATIENCE", "1s")
    with pytest.raises(lb.CorpusError, match="No Dask scheduler"):
        lb.tag_file(source, tmp_path / "b.csv", codebook=corpus.codebook, dask="tcp://127.0.0.1:9", progress=False)
