"""The command line: ``litbench check``, ``report``, ``format``, ``dictionary``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from litbench import __version__, _schema, references
from litbench._patterns import PatternError
from litbench._problems import CorpusError


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
    path = _schema.find_corpus(args.corpus) / _schema.BIBLIOGRAPHY
    text = references.format(references.read(path))
    beside = path.with_suffix(".bib.new")
    beside.write_text(text, encoding="utf-8", newline="")
    beside.replace(path)
    print(f"{path.name} is in its canonical form.")
    return 0


def _dictionary(args: argparse.Namespace) -> int:
    folder = _schema.find_corpus(args.corpus)
    path = folder / "data" / "README.md"
    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    prose = text.partition(_schema.DICTIONARY_START)[0]
    path.write_text(prose + _schema.data_dictionary(_schema.read_descriptor(folder)), encoding="utf-8", newline="")
    print("data/README.md has the data dictionary of data/datapackage.json.")
    return 0


def _tag(args: argparse.Namespace) -> int:
    from litbench.bulk import tag_file
    from litbench.codebook import Codebook

    codebook = Codebook.read(_schema.find_corpus(args.corpus) / _schema.CODEBOOK)
    try:
        print(tag_file(args.texts, args.out, codebook=codebook, jobs=args.jobs, dask=args.dask, replace=args.replace))
    except KeyboardInterrupt:
        print("\nStopped. The same command goes on from here.", file=sys.stderr)
        return 130
    return 0


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

    command = commands.add_parser("tag", help="suggest themes for the texts of a Parquet, CSV or JSON Lines file")
    command.add_argument("texts", type=Path, help="file with the column id and any of title, abstract, text")
    command.add_argument("--out", type=Path, required=True, help="file to write: .parquet, .csv or .jsonl")
    command.add_argument("--jobs", type=int, help="processes (default: as many as cores)")
    command.add_argument("--dask", metavar="ADDRESS", help="scheduler of a Dask cluster that does the work instead")
    command.add_argument("--replace", action="store_true", help="replace the output if it is there")
    command.set_defaults(run=_tag)

    args = parser.parse_args(arguments)
    try:
        return args.run(args)
    except (CorpusError, PatternError) as error:
        print(error, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
