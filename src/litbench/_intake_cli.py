"""The commands through which data comes in and goes out: ``add``, ``import``, ``screen``, ``code``, ``export``."""

from __future__ import annotations

import argparse
import glob
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from litbench import _schema, _store, intake
from litbench._problems import CorpusError

if TYPE_CHECKING:
    import pandas as pd


def register(commands: argparse._SubParsersAction) -> None:
    """Add the commands to a parser's."""
    command = commands.add_parser("add", help="add a study by DOI, PMID or a file with one record")
    command.add_argument("source", help="DOI, PMID or file (RIS, .nbib, BibTeX, CSL-JSON)")
    command.add_argument("--form", type=Path, help="a filled-in form; without it an editor opens one")
    command.add_argument("--preview", action="store_true", help="show the record and the empty form; write nothing")
    command.set_defaults(run=_add)
    command = commands.add_parser("import", help="import libraries of candidates: RIS, .nbib, BibTeX, CSL-JSON, CSV")
    command.add_argument("files", nargs="+", type=Path)
    command.add_argument("--source", default="", help="database they were exported from, such as Scopus")
    command.set_defaults(run=_import)
    command = commands.add_parser("screen", help="decide on candidates, the most likely first")
    action = command.add_mutually_exclusive_group()
    action.add_argument("--list", type=int, metavar="N", help="list the N most likely candidates")
    action.add_argument("--export", nargs=2, metavar=("TOOL", "FILE"), help="write candidates for asreview or rayyan")
    action.add_argument("--import", dest="decisions", type=Path, metavar="FILE", help="log decisions made elsewhere")
    action.add_argument("--prisma", type=Path, metavar="STEM", help="write the PRISMA flow as STEM.svg, .png, .csv")
    action.add_argument("--left", action="store_true", help="say how much may be left to find")
    command.set_defaults(run=_screen)
    command = commands.add_parser("code", help="write findings and codes of a study; blind to other coders")
    command.add_argument("key", help="citation key")
    command.add_argument("--coder", required=True, help="your initials in small letters; `agreed` to adjudicate")
    command.add_argument("--form", type=Path, help="a filled-in form; without it an editor opens one")
    command.add_argument("--preview", action="store_true", help="show the form; write nothing")
    command.add_argument(
        "--document", nargs="*", type=int, metavar="PAGE",
        help="draft findings from its full text in fulltext/, or from these pages of it",
    )  # fmt: skip
    command.set_defaults(run=_code)
    command = commands.add_parser("adjudicate", help="write where coders differ as CSV, and take the decisions back")
    command.add_argument("file", type=Path, help="CSV with the decisions in its column `agreed`")
    command.add_argument("--write", action="store_true", help="write the disagreements to FILE, to be decided there")
    command.add_argument("--about", choices=("theme", "role", "claim"), default="theme", help="(default theme)")
    command.set_defaults(run=_adjudicate)
    command = commands.add_parser(
        "export", help="write the corpus as RIS, BibTeX, CSL-JSON, CSV, Excel, Parquet, SQLite"
    )
    command.add_argument("file", type=Path, help="its ending says the format; .txt and .md are lists of references")
    command.add_argument("--table", default="studies", help="table for .csv and .parquet (default studies)")
    command.add_argument("--style", default="apa", help="CSL style of a list of references (default apa)")
    for name in ("country", "theme", "design", "place", "text"):
        command.add_argument(f"--{name}", help=f"only studies with this {name}")
    command.add_argument("--year", help="only studies of this year, or of years such as 2015-2020")
    command.set_defaults(run=_export)


def _add(args: argparse.Namespace) -> int:
    folder = _schema.find_corpus(args.corpus)
    proposal = intake.propose(args.source, folder)
    form = intake.study_form(proposal, folder)
    if args.preview or proposal.twin:
        print(form if args.preview and not proposal.twin else proposal)
        if proposal.twin:
            print(f"Not added: it is in the corpus already, as {proposal.twin}.", file=sys.stderr)
        return 1 if proposal.twin else 0
    print(proposal)

    def write(text: str) -> None:
        filled = intake.read_form(text, "study")
        reason = filled.get("reason")
        if not reason:
            raise CorpusError("The form gives no reason. Say in one line why it belongs in the corpus.")
        intake.add(proposal, filled["study"], filled.get("places") or [], reason=str(reason), corpus=folder)

    _fill_in(form, args.form, write)
    print(f"Added {proposal.key}. Next: litbench code {proposal.key} --coder YOUR_INITIALS")
    return 0


def _code(args: argparse.Namespace) -> int:
    folder = _schema.find_corpus(args.corpus)
    form = intake.code_form(args.key, args.coder, folder, None if args.document is None else _hits(args, folder))
    if args.preview:
        print(form)
        return 0

    def write(text: str) -> None:
        intake.code(args.key, args.coder, intake.read_form(text, "findings")["findings"], folder)

    _fill_in(form, args.form, write)
    print(f"{args.key} is coded by {args.coder}. `litbench check` looks at the whole.")
    return 0


def _hits(args: argparse.Namespace, folder: Path) -> pd.DataFrame:
    """Return the sentences of a study's full text in which themes are mentioned, on the pages that were asked for."""
    from litbench.codebook import Codebook
    from litbench.documents import tag_documents

    files = sorted((folder / "fulltext").glob(f"{glob.escape(args.key)}.*"))
    if not files:
        raise CorpusError(
            f"There is no full text {folder / 'fulltext' / args.key}.pdf (.docx, .html, .txt). Put it there."
        )
    texts = tag_documents(files[:1], Codebook.read(folder / _schema.CODEBOOK))
    if texts.problems:
        raise CorpusError(texts.problems[0])
    pages = int(texts.pages.pages.iloc[0])
    if beyond := [page for page in args.document if not 1 <= page <= pages]:
        raise CorpusError(f"{files[0].name} has {pages} pages and no page {beyond[0]}.")
    hits = texts.hits[texts.hits.page.isin(args.document)] if args.document else texts.hits
    # What is no PDF has pages only where it says so; "p. 1" would be a place that nobody finds.
    return hits if pages > 1 or files[0].suffix.lower() == ".pdf" else hits.assign(page=None)


def _adjudicate(args: argparse.Namespace) -> int:
    import pandas as pd

    from litbench import disagreements, load_corpus
    from litbench._export import spreadsheet_safe

    folder = _schema.find_corpus(args.corpus)
    if args.write:
        table = disagreements(load_corpus(folder), args.about)
        _store.write_file(args.file, spreadsheet_safe(table).to_csv(index=False).encode())
        print(f"Wrote {args.file}: {len(table)} to decide. Fill in `agreed`, then: litbench adjudicate {args.file}")
        return 0
    try:
        table = pd.read_csv(args.file, dtype="str", encoding="utf-8")
    except (OSError, ValueError) as error:
        raise CorpusError(f"{args.file} cannot be read ({error}). `--write` makes it.") from None
    decided = intake.adjudicate(table, args.about, folder)
    print(f"{decided} of {len(table)} decisions written to {folder / 'data'}.")
    return 0


def _fill_in(form: str, filled: Path | None, write: Callable[[str], None]) -> None:
    """Have a form filled in, in an editor or from a file, until it can be written; what was typed is never lost."""
    if filled:
        try:
            write(filled.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError) as error:
            raise CorpusError(f"{filled} cannot be read ({error}).") from None
        return
    editor = os.environ.get("VISUAL") or os.environ.get("EDITOR") or next(
        (name for name in ("nano", "vi", "notepad") if shutil.which(name)), ""
    )  # fmt: skip
    if not editor or not sys.stdin.isatty():
        raise CorpusError(
            "There is no editor here to fill in the form. Write it with --preview into a file, fill it in there, and "
            "give it with --form FILE."
        )
    handle, name = tempfile.mkstemp(prefix="litbench-", suffix=".yaml")
    os.close(handle)
    path = Path(name)
    path.write_text(form, encoding="utf-8")
    while True:
        subprocess.run([*shlex.split(editor), name], check=False)
        text = path.read_text(encoding="utf-8")
        if text == form:
            path.unlink()
            raise CorpusError("The form was not filled in. Nothing was written.")
        try:
            write(text)
        except CorpusError as error:
            print(error, file=sys.stderr)
            if input("Mend the form? [Y/n] ").strip().lower() == "n":
                raise CorpusError(f"Nothing was written. Your form is kept: --form {path}") from None
        else:
            path.unlink()
            return


def _import(args: argparse.Namespace) -> int:
    folder = _schema.find_corpus(args.corpus)
    failed = 0
    for file in args.files:
        try:
            print(intake.import_library(file, args.source, folder))
        except CorpusError as error:
            print(error, file=sys.stderr)
            failed += 1
    return 1 if failed else 0


def _screen(args: argparse.Namespace) -> int:
    from litbench import screening

    folder = _schema.find_corpus(args.corpus)
    if args.list:
        ranking = screening.rank(folder)
        print(f"Ranked by {ranking.method}.")
        for row in ranking.candidates.head(args.list).itertuples():
            print(f"{row.score:.2f}  {row.record}  {row.title}")
    elif args.export:
        tool, file = args.export
        print(f"Wrote {screening.write_exchange(file, tool, folder)}.")
    elif args.decisions:
        counts = screening.read_exchange(args.decisions, folder)
        print(", ".join(f"{number} {what}" for what, number in counts.items()) + ".")
    elif args.prisma:
        for file in screening.prisma(folder).save(args.prisma):
            print(file)
    elif args.left:
        print(screening.stopping(folder))
    else:
        done = screening.screen(folder)
        print(f"{done} decided, logged in data/screening.csv. `litbench add` takes in what you included.")
        print(screening.stopping(folder))
    return 0


def _export(args: argparse.Namespace) -> int:
    from litbench import load_corpus
    from litbench._export import export

    corpus = load_corpus(args.corpus)
    filters = {
        name: getattr(args, name) for name in ("country", "theme", "design", "place", "text") if getattr(args, name)
    }
    if args.year:
        first, _, last = args.year.partition("-")
        if not first.isdigit() or (last and not last.isdigit()):
            raise CorpusError(f"--year takes a year or two, such as 2015-2020, not {args.year!r}.")
        filters["year"] = (int(first), int(last or first))
    try:
        corpus = corpus.where(**filters) if filters else corpus
        file = export(corpus, args.file, args.table, args.style)
    except ValueError as error:
        raise CorpusError(str(error)) from None
    print(f"Wrote {file}: {len(corpus)} studies{', ' + '; '.join(corpus.filters) if corpus.filters else ''}.")
    return 0
