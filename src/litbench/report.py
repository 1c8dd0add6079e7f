"""Execute the notebooks and build the report: their pages, an index with a picture of each, and the figures' files."""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed
from html import escape
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from litbench.corpus import load_corpus

if TYPE_CHECKING:
    from nbformat import NotebookNode

TIMEOUT = 600  # seconds for one cell


def execute(path: Path, figures: Path | None = None) -> NotebookNode:
    """Execute a notebook from a fresh kernel.

    Parameters
    ----------
    path : pathlib.Path
        The notebook; it is not changed. The kernel starts in its folder.
    figures : pathlib.Path, optional
        Folder for the files of every chart that is shown.

    Returns
    -------
    nbformat.NotebookNode
        The executed notebook, without what differs from run to run (times, kernel version).

    Raises
    ------
    nbclient.exceptions.CellExecutionError
        Where a cell fails.
    """
    import nbformat
    from nbclient import NotebookClient

    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(
        notebook,
        timeout=TIMEOUT,
        kernel_name="python3",
        record_timing=False,
        extra_arguments=["--IPKernelApp.log_level=ERROR"],
        resources={"metadata": {"path": path.parent}},
    )
    environment = {**os.environ, "PYTHONWARNINGS": "default", "MPLBACKEND": "agg"}
    if figures:
        environment["LITBENCH_FIGURES"] = str(figures)
    client.execute(env=environment)
    notebook.metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
    return notebook


def _execute_all(
    paths: list[Path], jobs: int, figures: Callable[[Path], Path | None]
) -> tuple[dict[Path, NotebookNode], dict[Path, str]]:
    """Execute notebooks, `jobs` at a time, with a progress bar; return those that ran and why the others did not."""
    from tqdm import tqdm

    done: dict[Path, NotebookNode] = {}
    failed: dict[Path, str] = {}
    with (
        ThreadPoolExecutor(max_workers=jobs) as pool,
        tqdm(total=len(paths), unit="notebook", desc="Executing", file=sys.stdout, mininterval=0.5) as bar,
    ):
        waiting = {pool.submit(execute, path, figures(path)): path for path in paths}
        for future in as_completed(waiting):
            path = waiting[future]
            try:
                done[path] = future.result()
            except Exception as error:  # whatever stops a notebook is said with its name, and the others go on
                failed[path] = re.sub(r"\x1b\[[0-9;]*m", "", str(error)).strip()
            bar.set_postfix_str(path.stem, refresh=False)
            bar.update()
    return done, failed


def _say_failed(failed: dict[Path, str]) -> None:
    for path, error in failed.items():
        print(f"\n{path.name} failed:\n{error}", file=sys.stderr)


def run_in_place(folder: Path, jobs: int = 2) -> int:
    """Execute every notebook of `folder` and write the outputs into it; return 0, or 1 where one failed."""
    import nbformat

    paths = sorted(folder.glob("*.ipynb"))
    done, failed = _execute_all(paths, jobs, lambda path: None)
    for path, notebook in done.items():
        beside = path.with_suffix(".ipynb.new")
        nbformat.write(notebook, beside)
        beside.replace(path)
    _say_failed(failed)
    print(f"{len(done)} of {len(paths)} notebooks executed in place.")
    return 1 if failed else 0


def build_report(root: Path, out: Path, jobs: int = 2) -> int:
    """Execute the notebooks and write the report.

    Parameters
    ----------
    root : pathlib.Path
        The folder with ``references.bib``, ``data/`` and ``notebooks/``.
    out : pathlib.Path
        ``out/report`` gets the pages, ``out/figures`` the files of every chart. Both are replaced as a whole.
    jobs : int
        Notebooks executed at a time.

    Returns
    -------
    int
        0, or 1 where a notebook failed.
    """
    paths = sorted((root / "notebooks").glob("*.ipynb"))
    if not paths:
        print(f"No notebooks in {root / 'notebooks'}.", file=sys.stderr)
        return 1
    report, figures = out / "report", out / "figures"
    for folder in (report, figures):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
    done, failed = _execute_all(paths, jobs, lambda path: figures / path.stem)
    pages = [_page(path, done[path]) for path in paths if path in done]
    for number, page in enumerate(pages):
        before = pages[number - 1] if number else None
        after = pages[number + 1] if number + 1 < len(pages) else None
        (report / page["file"]).write_text(_document(page, pages, before, after), encoding="utf-8")
    for page in pages:
        charts = sorted((figures / page["stem"]).glob("*.png"))
        page["picture"] = f"pictures/{page['stem']}.png" if charts else ""
        if charts:
            (report / "pictures").mkdir(exist_ok=True)
            shutil.copy(charts[_picture_of(page, len(charts))], report / page["picture"])
    (report / "figures.html").write_text(_gallery(pages, figures), encoding="utf-8")
    corpus = load_corpus(root)
    facts = corpus.describe()
    (report / "index.html").write_text(_index(pages, facts, corpus.version), encoding="utf-8")
    _say_failed(failed)
    years = f"{facts['years'][0]} to {facts['years'][1]}"
    print(
        f"\nCorpus {corpus.version}: {facts['publications']} studies, {facts['findings']:,} findings, "
        f"{facts['countries']} countries, {years}."
    )
    waiting = int((corpus.screening.decision == "awaiting").sum())
    if waiting:
        print(f"{waiting} records wait to be verified; data/screening.csv names each with its reason.")
    shown = report / "index.html"
    if shown.is_relative_to(Path.cwd()):
        shown, figures = shown.relative_to(Path.cwd()), figures.relative_to(Path.cwd())
    print(f"Open {shown} in a browser; every figure with its numbers is in {figures}/.")
    return 1 if failed else 0


def _picture_of(page: dict[str, Any], charts: int) -> int:
    return min(page["cover"], charts - 1)


def _page(path: Path, notebook: NotebookNode) -> dict[str, Any]:
    from nbconvert import HTMLExporter

    first = next((cell.source for cell in notebook.cells if cell.cell_type == "markdown"), path.stem)
    lines = [line.strip() for line in first.split("\n") if line.strip()]
    title = lines[0].lstrip("# ")
    summary = next((line for line in lines[1:] if not line.startswith("#")), "")
    cover = next(
        (
            int(tag.partition(":")[2])
            for cell in notebook.cells
            for tag in cell.metadata.get("tags", [])
            if tag.startswith("cover:")
        ),
        0,
    )
    body, _ = HTMLExporter(
        template_name="basic", exclude_input_prompt=True, exclude_output_prompt=True
    ).from_notebook_node(notebook)
    # Links between notebooks lead from page to page.
    body = re.sub(r'href="(\d\d_\w+)\.ipynb', r'href="\1.html', body)
    return {
        "stem": path.stem,
        "file": f"{path.stem}.html",
        "title": title,
        "summary": _plain(summary),
        "cover": cover,
        "drawn": _drawing(notebook),
        "body": body,
    }


def _drawing(notebook: NotebookNode) -> list[tuple[str, str]]:
    """Return the code and the alternative text of every chart that the notebook shows, in order."""
    drawn = []
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            html = output.get("data", {}).get("text/html", "")
            if match := re.match(r'<img alt="([^"]*)"', html):
                drawn.append((cell.source, match[1]))
    return drawn


def _gallery(pages: list[dict[str, Any]], figures: Path) -> str:
    """Return the page with every figure, the code that drew it, and its files."""
    from pygments import highlight
    from pygments.formatters import HtmlFormatter
    from pygments.lexers import PythonLexer

    parts = []
    for page in pages:
        files = sorted((figures / page["stem"]).glob("*.png"))
        if files:
            parts.append(f'<h2><a href="{page["file"]}">{escape(page["title"])}</a></h2>')
        for file, (code, alt) in zip(files, page["drawn"], strict=True):
            at = f"../figures/{page['stem']}/{file.stem}"
            links = " · ".join(f'<a href="{at}.{kind}" download>{kind.upper()}</a>' for kind in ("svg", "png", "csv"))
            parts.append(
                f'<figure><img loading="lazy" src="{at}.png" alt="{alt}"><figcaption>{links}'
                f"<details><summary>code</summary>{highlight(code, PythonLexer(), HtmlFormatter())}</details>"
                "</figcaption></figure>"
            )
    return _frame(
        "Figures",
        '<nav class="pages"><a href="index.html">Report</a></nav><main class="gallery"><h1>Figures</h1>'
        "<p>Every figure of the notebooks with its files, the numbers behind it (CSV) and the code that drew it.</p>"
        f"{''.join(parts)}</main>",
    )


def _plain(markdown: str) -> str:
    return re.sub(r"[*_`]", "", re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", markdown))


def _asset(name: str) -> str:
    return resources.files("litbench").joinpath("assets").joinpath(name).read_text(encoding="utf-8")


def _frame(title: str, body: str) -> str:
    from pygments.formatters import HtmlFormatter

    highlight = HtmlFormatter(style="friendly").get_style_defs(".highlight")
    return (
        f'<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n<title>{escape(title)}</title>\n'
        f"<style>\n{_asset('report.css')}\n{highlight}\n</style>\n</head>\n<body>\n{body}\n</body>\n</html>\n"
    )


def _document(
    page: dict[str, Any], pages: list[dict[str, Any]], before: dict[str, Any] | None, after: dict[str, Any] | None
) -> str:
    links = "".join(
        f"<li{' aria-current=page' if other is page else ''}>"
        f'<a href="{other["file"]}">{escape(other["title"])}</a></li>'
        for other in pages
    )
    back = f'<a href="{before["file"]}">← {escape(before["title"])}</a>' if before else "<span></span>"
    on = f'<a href="{after["file"]}">{escape(after["title"])} →</a>' if after else "<span></span>"
    return _frame(
        page["title"],
        f'<nav class="pages"><a href="index.html">Report</a><ul>{links}</ul>'
        f'<label><input type="checkbox" id="code"> show the code</label></nav>\n'
        f'<main class="notebook">\n{page["body"]}\n</main>\n<footer class="turn">{back}{on}</footer>',
    )


def _index(pages: list[dict[str, Any]], facts: dict[str, Any], version: str) -> str:
    cards = "".join(
        f'<a class="card" href="{page["file"]}">'
        + (
            f'<img src="{page["picture"]}" alt="A figure of {escape(page["title"], quote=True)}">'
            if page["picture"]
            else ""
        )
        + f"<h2>{escape(page['title'])}</h2><p>{escape(page['summary'])}</p></a>"
        for page in pages
    )
    return _frame(
        "Policing and people who use drugs: the evidence, study by study",
        f"<main class=index><h1>Policing and people who use drugs</h1>"
        f"<p class=lead>What {facts['publications']} studies from {facts['countries']} countries, "
        f"{facts['years'][0]} to {facts['years'][1]}, found: {facts['findings']:,} findings, coded by theme, each with "
        f"its study and its place in it. A curated corpus, not a systematic review. Corpus {escape(version)}.</p>"
        f'<p><a href="figures.html">All figures, with their numbers and code</a></p>'
        f'<div class="cards">{cards}</div></main>',
    )
