"""The command line."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from litbench import __version__, _intake_cli, _schema, _store, references
from litbench._patterns import PatternError
from litbench._problems import CorpusError
from litbench.codebook import Codebook


def _check(args: argparse.Namespace) -> int:
    from litbench.check import check

    folder = _schema.find_corpus(args.corpus)
    problems = check(folder)
    for problem in problems:
        print(problem)
    if problems:
        print(f"{len(problems)} problem{'s' if len(problems) > 1 else ''} in {folder}", file=sys.stderr)
        return 1
    print("The corpus is sound: references.bib, the tables, the codebook and the data dictionary agree.")
    return 0


def _report(args: argparse.Namespace) -> int:
    from litbench.report import build_report, run_in_place

    root = _schema.find_corpus(args.corpus)
    if args.in_place:
        return run_in_place(root / "notebooks", args.jobs)
    return build_report(root, root / "build", args.jobs)


def _format(args: argparse.Namespace) -> int:
    file = str(_schema.BIBLIOGRAPHY)
    with _store.writing(_schema.find_corpus(args.corpus)) as change:
        change.replace(file, references.canonical(change.text(file)))
    print(f"{file} is in its canonical form.")
    return 0


def _dictionary(args: argparse.Namespace) -> int:
    folder = _schema.find_corpus(args.corpus)
    path = folder / "data" / "README.md"
    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    prose = text.partition(_schema.DICTIONARY_START)[0]
    _store.write_file(path, (prose + _schema.data_dictionary(_schema.read_descriptor(folder))).encode("utf-8"))
    print("data/README.md has the data dictionary of data/datapackage.json.")
    return 0


def _tag(args: argparse.Namespace) -> int:
    from litbench.bulk import tag_file
    from litbench.codebook import Codebook

    codebook, model = Codebook.read(_schema.find_corpus(args.corpus) / _schema.CODEBOOK), None
    try:
        if args.model:
            from litbench._learned import learn
            from litbench.corpus import load_corpus

            print("Training the model on the coded findings ...", file=sys.stderr)
            model = learn(load_corpus(_schema.find_corpus(args.corpus)))
        options = {"jobs": args.jobs, "dask": args.dask, "replace": args.replace}
        print(tag_file(args.texts, args.out, codebook=codebook, model=model, **options))
    except KeyboardInterrupt:
        print("\nStopped. The same command goes on from here.", file=sys.stderr)
        return 130
    return 0


def _export_codebook(args: argparse.Namespace) -> int:
    codebook = Codebook.read(_schema.find_corpus(args.corpus) / _schema.CODEBOOK)
    print(f"{codebook.to_qdc(args.file)} has {len(codebook)} themes in {len(codebook.domains)} domains.")
    return 0


def _import_codebook(args: argparse.Namespace) -> int:
    from litbench import _revise

    if args.out:
        codebook = Codebook.from_qdc(args.file)
        try:
            with args.out.open("x", encoding="utf-8", newline="") as file:
                file.write(_revise.dump(codebook))
        except FileExistsError:
            raise CorpusError(f"{args.out} is there already. Nothing was written; give another name.") from None
        except OSError as error:
            raise CorpusError(
                f"{args.out} cannot be written ({error.strerror}). Give a folder that is there."
            ) from None
        print(f"{args.out} has {len(codebook)} themes in {len(codebook.domains)} domains.")
        return 0
    said = _revise.import_qdc(_schema.find_corpus(args.corpus), args.file, args.yes)
    for line in said or [f"{args.file} has nothing that data/codebook.yaml does not have."]:
        print(line)
    if said:
        print("Written." if args.yes else "Nothing was written. Add --yes to write this.")
    return 0


def _revise_codebook(args: argparse.Namespace) -> int:
    from litbench import _revise

    folder = _schema.find_corpus(args.corpus)
    print("Checking the corpus as it would be ...", file=sys.stderr)
    for line in args.change(_revise, folder, args):
        print(line)
    return 0


def _add_codebook(commands: Any) -> None:
    command = commands.add_parser("codebook", help="export, import and change the codebook")
    command = command.add_subparsers(title="commands", required=True, metavar="COMMAND")
    part = command.add_parser("export", help="write a REFI-QDA codebook for NVivo, ATLAS.ti, MAXQDA, QualCoder")
    part.add_argument("file", type=Path, metavar="FILE.qdc")
    part.set_defaults(run=_export_codebook)
    part = command.add_parser("import", help="add and update themes from a REFI-QDA codebook")
    part.add_argument("file", type=Path, metavar="FILE.qdc")
    part.add_argument("--yes", action="store_true", help="write the changes (default: only show them)")
    part.add_argument("--out", type=Path, metavar="FILE.yaml", help="make a codebook of its own, leave the corpus")
    part.set_defaults(run=_import_codebook)
    part = command.add_parser("rename", help="give a theme another id, in every code")
    part.add_argument("old", metavar="OLD")
    part.add_argument("new", metavar="NEW")
    part.set_defaults(change=lambda revise, folder, args: revise.rename(folder, args.old, args.new, args.reason))
    parts = [part]
    part = command.add_parser("merge", help="make one theme of several, in every code; the others are retired")
    part.add_argument("themes", nargs="+", metavar="THEME")
    part.add_argument("--into", required=True, metavar="THEME")
    part.set_defaults(change=lambda revise, folder, args: revise.merge(folder, args.themes, args.into, args.reason))
    parts.append(part)
    part = command.add_parser("split", help="retire a theme in favour of others; its codes await recoding")
    part.add_argument("theme", metavar="THEME")
    part.add_argument(
        "--into", required=True, nargs="+", metavar="THEME", help="themes written into the codebook first"
    )
    part.set_defaults(change=lambda revise, folder, args: revise.split(folder, args.theme, args.into, args.reason))
    parts.append(part)
    part = command.add_parser("retire", help="retire a theme; its codes await recoding")
    part.add_argument("theme", metavar="THEME")
    part.set_defaults(change=lambda revise, folder, args: revise.retire(folder, args.theme, args.reason))
    parts.append(part)
    for part in parts:
        part.add_argument("--reason", required=True, help="why, for the codebook's history")
        part.set_defaults(run=_revise_codebook)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit status: 0 done, 1 a problem in the data, 2 a wrong call."""
    parser = argparse.ArgumentParser(prog="litbench", description="A research literature workbench.")
    parser.add_argument("--version", action="version", version=f"litbench {__version__}")
    parser.add_argument("--corpus", type=Path, help="folder with references.bib and data/ (default: the nearest)")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")

    command = commands.add_parser("check", help="check references.bib and data/; list every problem")
    command.set_defaults(run=_check)
    command = commands.add_parser("report", help="execute the notebooks, write build/report and build/figures")
    command.add_argument("--in-place", action="store_true", help="write the outputs into the notebooks instead")
    command.add_argument("--jobs", type=int, default=2, help="notebooks executed at a time (default 2)")
    command.set_defaults(run=_report)
    command = commands.add_parser("format", help="rewrite references.bib in its canonical form")
    command.set_defaults(run=_format)
    command = commands.add_parser("dictionary", help="write the data dictionary of data/README.md anew")
    command.set_defaults(run=_dictionary)
    _add_codebook(commands)

    command = commands.add_parser("tag", help="suggest themes for the texts of a Parquet, CSV or JSON Lines file")
    command.add_argument("texts", type=Path, help="file with the column id and any of title, abstract, text")
    command.add_argument("--out", type=Path, required=True, help="file to write: .parquet, .csv or .jsonl")
    command.add_argument(
        "--model",
        action="store_true",
        help="let the model learned from the corpus judge the themes and add others; column by says which",
    )
    command.add_argument("--jobs", type=int, help="processes (default: as many as cores)")
    command.add_argument("--dask", metavar="ADDRESS", help="scheduler of a Dask cluster that does the work instead")
    command.add_argument("--replace", action="store_true", help="replace the output if it is there")
    command.set_defaults(run=_tag)
    _intake_cli.register(commands)

    args = parser.parse_args(arguments)
    try:
        return args.run(args)
    except (CorpusError, PatternError) as error:
        print(error, file=sys.stderr)
        return 1
    except (EOFError, KeyboardInterrupt):
        print("\nEnded. What was decided before is written; nothing is half-written.", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
