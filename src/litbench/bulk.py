"""Tag a library of any size from file to file: in a stream, on several processes or a Dask cluster, resumable."""

from __future__ import annotations

import csv
import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import astuple, dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from tqdm import tqdm

from litbench._problems import CorpusError
from litbench.codebook import Codebook
from litbench.tagging import TEXT_COLUMNS, matcher, own_codebook, suggested

if TYPE_CHECKING:
    from litbench._learned import Model

FORMATS = (".parquet", ".csv", ".jsonl")
_ROWS = 4096  # texts in a part, and
_BYTES = 8_000_000  # bytes after which it is closed, so that a library of books needs no more memory
_PATIENCE = "10s"  # for a Dask scheduler to answer
_LAYOUT = 2  # of the parts; raise it when what stands in them changes

Chunk = tuple[pa.Array, pa.LargeStringArray]  # ids and texts


@dataclass(frozen=True)
class BulkSummary:
    """What a bulk run did.

    Attributes
    ----------
    texts, tagged, rows : int
        Texts read, texts with at least one suggested theme, and rows written.
    resumed : int
        Texts whose tags an earlier run that was stopped had left.
    """

    texts: int
    tagged: int
    rows: int
    resumed: int

    def __str__(self) -> str:
        return (
            f"{self.texts:,} texts: {self.tagged:,} with suggested themes ({self.rows:,} rows), "
            f"{self.texts - self.tagged:,} with none"
            + (f"; {self.resumed:,} were done before this run" if self.resumed else "")
        )


def tag_file(
    source: str | Path,
    out: str | Path,
    *,
    codebook: Codebook | None = None,
    model: Model | None = None,
    jobs: int | None = None,
    dask: str | None = None,
    replace: bool = False,
    progress: bool = True,
) -> BulkSummary:
    """Suggest themes for every text of a file.

    Reads and writes in a stream: memory does not grow with the file. A run that is stopped goes on where it was when
    it is started again; the parts it had finished stand beside `out` until all is done, and `out` appears whole or
    not at all. The tags are those of `litbench.tag`, whatever the number of processes.

    Parameters
    ----------
    source : str or pathlib.Path
        Parquet, CSV or JSON Lines with the column ``id`` and any of ``title``, ``abstract`` and ``text``.
    out : str or pathlib.Path
        Parquet, CSV or JSON Lines, by its ending: ``id, theme, score, negated, words``; with a model also ``by``,
        which is ``terms`` or ``model``.
    codebook : Codebook, optional
        Without it, the codebook of the corpus that `litbench.load_corpus` would load.
    model : Model, optional
        From `litbench.learn`; it judges the themes that the terms find and adds others, with its probability as the
        score, see `litbench.tag`. It takes far more time than the terms.
    jobs : int, optional
        Processes; as many as there are cores where it is not given.
    dask : str, optional
        Address of a Dask scheduler that does the work instead, such as ``tcp://10.0.0.1:8786``.
    replace : bool
        Whether to replace an `out` that is there.

    Raises
    ------
    CorpusError
        Where the file cannot be read as what it says it is, with the line; where `out` is there already.
    """
    source, out = Path(source), Path(out)
    for path, use in ((source, "read"), (out, "write")):
        if path.suffix.lower() not in FORMATS:
            raise CorpusError(f"{path}: cannot {use} this; name a file that ends in {', '.join(FORMATS)}.")
    if not source.is_file():
        raise CorpusError(f"{source} is not there. Check the path.")
    if out.exists() and not replace:
        raise CorpusError(f"{out} is there already. Move it, name another file, or pass --replace.")
    codebook = own_codebook() if codebook is None else codebook
    matcher(codebook)  # a pattern that cannot be understood is refused before anything is written
    parts = _Parts(out, source, codebook, model)
    total, read = _reader(source)
    bar = tqdm(total=total, unit=" bytes" if source.suffix.lower() != ".parquet" else " texts", unit_scale=True,
               desc=f"Tagging {source.name}", disable=not progress)  # fmt: skip
    with bar, _workers(dask, jobs, model) as (submit, window):
        waiting: dict[int, Future] = {}
        for number, (size, chunk) in enumerate(read()):
            if parts.has(number):
                bar.update(size)
                continue
            waiting[number] = submit(codebook, *chunk)
            waiting[number].size = size
            while len(waiting) >= window:
                _collect(waiting, parts, bar)
        while waiting:
            _collect(waiting, parts, bar)
    return parts.finish(progress)


def _collect(waiting: dict[int, Future], parts: _Parts, bar: tqdm) -> None:
    number = next(iter(waiting))
    future = waiting.pop(number)
    try:
        parts.write(number, future.result())
    except BrokenProcessPool:
        raise CorpusError(
            "A worker process ended before its time, as it does when memory runs out. "
            "Run the same command again: it goes on from here; --jobs 1 needs least memory."
        ) from None
    bar.update(future.size)


def _tag_chunk(codebook: Codebook, model: Model | None, ids: pa.Array, texts: pa.LargeStringArray) -> pa.Table:
    found = matcher(codebook)
    themes = [theme.id for theme in found.themes]
    rows = suggested(found.scan(texts), texts.to_pylist() if model is not None else (), themes, model)
    named = pa.array(themes, type=pa.string())
    table = pa.table(
        {
            "id": ids.take(pa.array(rows["text"], type=pa.int64())),
            "theme": pa.DictionaryArray.from_arrays(pa.array(rows["theme"], type=pa.int16()), named),
            "score": pa.array(rows["score"], type=pa.float64()),
            "negated": pa.array(rows["negated"], type=pa.bool_()),
            "words": pa.array(rows["words"], type=pa.large_string()).cast(pa.string()),
        }
    )
    if model is not None:
        table = table.append_column("by", pa.array(rows["by"], type=pa.string()))
    counts = {"texts": str(len(texts)), "tagged": str(len(np.unique(rows["text"])))}
    return table.replace_schema_metadata(counts)


# ---------------------------------------------------------------------- who does the work


@contextmanager
def _workers(dask: str | None, jobs: int | None, model: Model | None) -> Iterator[tuple[Callable[..., Any], int]]:
    """Give a function that takes a codebook and a chunk and returns the future of its tags, and how many to have open.

    The model is large beside a chunk: each worker is given it once.
    """
    if dask:
        try:
            from distributed import Client
        except ImportError:
            raise CorpusError("--dask needs Dask: pip install 'litbench[dask]'.") from None
        try:
            client = Client(dask, timeout=_PATIENCE)
        except (OSError, ValueError) as error:
            raise CorpusError(
                f"No Dask scheduler answers at {dask} ({error}). Start one or check the address."
            ) from None
        with client:
            threads = max(sum(client.nthreads().values()), 1)
            # A copy on every worker, so that it is still there when one of them is lost.
            there = model and client.scatter(model, broadcast=True)
            yield (
                lambda book, *chunk: client.submit(_tag_chunk, book, there, *chunk, pure=False, retries=3),
                (2 * threads + 2),
            )
        return
    jobs = jobs or os.cpu_count() or 1
    if jobs == 1:
        yield lambda book, *chunk: _now(_tag_chunk, book, model, *chunk), 1
        return
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn"), initializer=_keep, initargs=(model,)) as pool:
        try:
            yield lambda book, *chunk: pool.submit(_tag_with_kept, book, *chunk), 2 * jobs + 2
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


_kept: list[Model | None] = []  # of a worker process


def _keep(model: Model | None) -> None:
    _kept[:] = [model]


def _tag_with_kept(codebook: Codebook, ids: pa.Array, texts: pa.LargeStringArray) -> pa.Table:
    return _tag_chunk(codebook, _kept[0], ids, texts)


def _now(call: Callable[..., Any], *args: Any) -> Future:
    future: Future = Future()
    future.set_result(call(*args))
    return future


# ---------------------------------------------------------------------- reading


def _reader(source: Path) -> tuple[int, Callable[[], Iterator[tuple[int, Chunk]]]]:
    """Return the size of `source`, in texts or bytes, and a function that gives its chunks with their sizes."""
    kind = source.suffix.lower()
    if kind == ".parquet":
        try:
            # Without a buffer of its own Arrow keeps every row group that it has read.
            file = pq.ParquetFile(source, buffer_size=1 << 20, pre_buffer=False)
        except (pa.ArrowException, OSError) as error:
            raise CorpusError(f"{source} is not a Parquet file that can be read ({error}).") from None
        _columns(file.schema_arrow.names, source)
        return file.metadata.num_rows, lambda: _parquet(file, source)
    lines = _csv_rows(source) if kind == ".csv" else _json_rows(source)
    return source.stat().st_size, lambda: _grouped(lines)


def _columns(names: list[str], source: Path) -> list[str]:
    texts = [name for name in TEXT_COLUMNS if name in names]
    if "id" not in names or not texts:
        raise CorpusError(
            f"{source} needs a column id and one of {', '.join(TEXT_COLUMNS)}; it has {', '.join(names[:20])}."
        )
    return ["id", *texts]


def _parquet(file: pq.ParquetFile, source: Path) -> Iterator[tuple[int, Chunk]]:
    columns = _columns(file.schema_arrow.names, source)
    try:
        for batch in file.iter_batches(batch_size=_ROWS, columns=columns):
            several = [batch[name].cast(pa.large_string()).fill_null("") for name in columns[1:]]
            texts = several[0]
            for more in several[1:]:
                both = pc.and_(pc.not_equal(texts, ""), pc.not_equal(more, ""))
                between = pc.if_else(both, "\n", "").cast(pa.large_string())
                texts = pc.binary_join_element_wise(texts, more, between)
            size = np.cumsum(pc.binary_length(texts).to_numpy())
            start = 0
            while start < len(texts):
                before = size[start - 1] if start else 0
                stop = max(int(np.searchsorted(size, before + _BYTES, side="right")), start + 1)
                yield stop - start, (batch["id"].slice(start, stop - start), texts.slice(start, stop - start))
                start = stop
    except (pa.ArrowException, OSError) as error:
        raise CorpusError(f"{source} breaks off or is damaged ({error}). Make it again.") from None


def _grouped(lines: Iterator[tuple[int, str, str]]) -> Iterator[tuple[int, Chunk]]:
    """Make chunks of (bytes read so far, id, text)."""
    ids: list[str] = []
    texts: list[str] = []
    size = before = 0
    for place, name, text in lines:
        ids.append(name)
        texts.append(text)
        size += len(text)
        if len(texts) == _ROWS or size > _BYTES:
            yield place - before, (pa.array(ids, type=pa.string()), pa.array(texts, type=pa.large_string()))
            ids, texts, size, before = [], [], 0, place
    if texts:
        yield place - before, (pa.array(ids, type=pa.string()), pa.array(texts, type=pa.large_string()))


def _csv_rows(source: Path) -> Iterator[tuple[int, str, str]]:
    csv.field_size_limit(2**31 - 1)
    with source.open("rb") as raw:
        count = _Counted(raw, source)
        rows = csv.reader(count, strict=True)
        try:
            header = next(rows, None)
            if header is None:
                raise CorpusError(f"{source} is empty.")
            at = [header.index(name) for name in _columns(header, source)]
            for row in rows:
                if len(row) != len(header):
                    if not row:
                        continue
                    raise CorpusError(
                        f"{source}:{rows.line_num}: {len(row)} cells where the header has {len(header)}. "
                        "Put a cell that has a comma in quotation marks."
                    )
                yield count.bytes, row[at[0]], "\n".join(filter(None, (row[one] for one in at[1:])))
        except csv.Error as error:
            raise CorpusError(
                f"{source}:{rows.line_num}: not CSV ({error}). Look for an open quotation mark."
            ) from None


def _json_rows(source: Path) -> Iterator[tuple[int, str, str]]:
    with source.open("rb") as raw:
        count = _Counted(raw, source)
        for number, line in enumerate(count, 1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
            except json.JSONDecodeError as error:
                raise CorpusError(f"{source}:{number}: not JSON ({error.msg}). Each line is one object.") from None
            if not isinstance(row, dict) or row.get("id") is None or not set(TEXT_COLUMNS) & row.keys():
                raise CorpusError(f"{source}:{number}: needs an object with id and one of {', '.join(TEXT_COLUMNS)}.")
            parts = [row[name] for name in TEXT_COLUMNS if row.get(name)]
            if not all(isinstance(part, str) for part in parts):
                raise CorpusError(f"{source}:{number}: a text is not a string. Put it in quotation marks.")
            yield count.bytes, str(row["id"]), "\n".join(parts)


class _Counted:
    """The lines of a UTF-8 file, counting its bytes."""

    def __init__(self, raw: Any, source: Path):
        self.raw, self.source, self.bytes, self.line = raw, source, 0, 0

    def __iter__(self) -> Iterator[str]:
        for line in self.raw:
            self.bytes += len(line)
            self.line += 1
            try:
                yield line.decode("utf-8-sig" if self.line == 1 else "utf-8")
            except UnicodeDecodeError:
                raise CorpusError(f"{self.source}:{self.line}: not UTF-8. Save the file as UTF-8.") from None


# ---------------------------------------------------------------------- writing


class _Parts:
    """The finished parts of a run, beside its output, until all are there."""

    def __init__(self, out: Path, source: Path, codebook: Codebook, model: Model | None):
        self.out, self.model = out, model
        self.folder = out.with_name(f"{out.name}.parts")
        state = source.stat()
        facts = [str(source.resolve()), state.st_size, state.st_mtime_ns, _LAYOUT, _ROWS, _BYTES]
        facts += [repr(astuple(theme)) for theme in codebook.themes]
        facts += [model.fingerprint] if model is not None else []
        self.run = hashlib.sha256(json.dumps(facts).encode()).hexdigest()
        mark = self.folder / "run"
        if mark.is_file() and mark.read_text() != self.run:
            shutil.rmtree(self.folder)  # of another file, codebook or model
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            mark.write_text(self.run)
        except OSError as error:
            raise CorpusError(f"Cannot write beside {out} ({error.strerror}). Choose another place.") from None
        self.old = {int(path.stem) for path in self.folder.glob("*.arrow")}
        self.number = 0

    def has(self, number: int) -> bool:
        self.number = max(self.number, number + 1)
        return number in self.old

    def write(self, number: int, table: pa.Table) -> None:
        path = self.folder / f"{number:08d}.arrow"
        beside = path.with_suffix(".new")
        with pa.OSFile(str(beside), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
            writer.write_table(table)
        beside.replace(path)

    def finish(self, progress: bool) -> BulkSummary:
        """Join the parts into the output and return what was done."""
        self.out.parent.mkdir(parents=True, exist_ok=True)
        beside = self.out.with_name(f"{self.out.name}.new")
        texts = tagged = rows = resumed = 0
        with _writer(beside, self.out.suffix.lower()) as write:
            for number in tqdm(range(self.number), desc=f"Writing {self.out.name}", disable=not progress, leave=False):
                with pa.memory_map(str(self.folder / f"{number:08d}.arrow")) as file:
                    table = pa.ipc.open_file(file).read_all()
                    counts = table.schema.metadata
                    texts += int(counts[b"texts"])
                    tagged += int(counts[b"tagged"])
                    resumed += int(counts[b"texts"]) if number in self.old else 0
                    rows += len(table)
                    write(table.replace_schema_metadata(None))
            if not self.number:
                empty = _tag_chunk(
                    Codebook(0, (), ()), self.model, pa.array([], pa.string()), pa.array([], pa.large_string())
                )
                write(empty.replace_schema_metadata(None))
        beside.replace(self.out)
        shutil.rmtree(self.folder)
        return BulkSummary(texts, tagged, rows, resumed)


@contextmanager
def _writer(path: Path, kind: str) -> Iterator[Callable[[pa.Table], None]]:
    if kind == ".jsonl":
        with path.open("w", encoding="utf-8", newline="") as file:
            yield lambda table: file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in table.to_pylist())
        return
    opened: list[Any] = []

    def write(table: pa.Table) -> None:
        if not opened:
            if kind == ".parquet":
                opened.append(pq.ParquetWriter(path, table.schema, compression="zstd"))
            else:
                from pyarrow.csv import CSVWriter

                opened.append(CSVWriter(path, _plain(table).schema))
        opened[0].write_table(table if kind == ".parquet" else _plain(table))

    yield write
    for writer in opened:
        writer.close()


def _plain(table: pa.Table) -> pa.Table:
    return table.set_column(1, "theme", table["theme"].cast(pa.string()))
