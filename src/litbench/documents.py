"""Read the full texts that a user keeps in ``fulltext/`` and tag them by page and sentence.

PDF (pypdfium2), Word (python-docx), HTML (Beautiful Soup) and plain text; the libraries come with
``pip install 'litbench[documents]'``. Files are named by citation key: ``fulltext/morales2020pick.pdf``. They are
ignored by git: what publishers own stays on the user's machine.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from tqdm import tqdm

from litbench import _schema
from litbench.codebook import Codebook
from litbench.tagging import matcher, own_codebook

LARGEST = 200_000_000  # bytes; a larger file is a scan or no article
_LEAST_TEXT = 20  # characters a page, below which a PDF has pictures of pages and no text
# pdfium writes U+0002 or U+FFFE for a hyphen at the end of a line.
_HYPHEN = re.compile(r"(?<=[a-z])(?:[\x02\ufffe]\s*|[-\u00ad\u2010]\s*\n\s*)(?=[a-z])")
_SENTENCE_END = re.compile(r"(?<=[.!?])[\"'”’)\]]*\s+(?=[\"'“‘(\[]*[A-ZÀ-Þ0-9])|\n{2,}")


class DocumentError(ValueError):
    """A file that cannot be read; the message says why and what to do."""


@dataclass(frozen=True)
class Document:
    """The text of a file.

    Attributes
    ----------
    key : str
        Its name without ending: the citation key.
    path : pathlib.Path
    pages : tuple of str
        The text of each page; formats without pages have one.
    """

    key: str
    path: Path
    pages: tuple[str, ...]


def read(path: str | Path) -> Document:
    """Read one document.

    Parameters
    ----------
    path : str or pathlib.Path
        A ``.pdf``, ``.docx``, ``.html``, ``.htm``, ``.txt`` or ``.md`` file.

    Raises
    ------
    DocumentError
        For a file that is missing, empty, encrypted, scanned, broken, too large or of another kind.
    """
    path = Path(path)
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        raise DocumentError(f"{path.name}: not a kind that is read ({', '.join(_READERS)}). Save it as one of these.")
    if not path.is_file():
        raise DocumentError(f"{path.name}: not there. Check the path.")
    size = path.stat().st_size
    if not size:
        raise DocumentError(f"{path.name}: the file is empty. Download it again.")
    if size > LARGEST:
        raise DocumentError(
            f"{path.name}: {size / 1e6:,.0f} MB is more than the {LARGEST / 1e6:,.0f} MB that are read. Split it."
        )
    pages = tuple(_tidy(page) for page in reader(path))
    if not any(page.strip() for page in pages):
        raise DocumentError(f"{path.name}: no text in it. Save it anew from the program that made it.")
    return Document(path.stem, path, pages)


def _tidy(text: str) -> str:
    """Undo what typesetting does to words: ligatures and hyphens at the ends of lines."""
    text = unicodedata.normalize("NFKC", text.replace("\r\n", "\n").replace("\r", "\n"))
    paragraphs = re.split(r"\n\s*\n", _HYPHEN.sub("", text))
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)


def _library(name: str, file: str) -> DocumentError:
    return DocumentError(f"{file}: reading it needs {name}. Run: pip install 'litbench[documents]'")


def _pdf(path: Path) -> list[str]:
    try:
        import pypdfium2 as pdfium
    except ImportError:
        raise _library("pypdfium2", path.name) from None
    try:
        file = pdfium.PdfDocument(path)
    except pdfium.PdfiumError as error:
        if "password" in str(error).lower():
            raise DocumentError(
                f"{path.name}: the PDF is encrypted. Open it with its password and save it without one."
            ) from None
        raise DocumentError(f"{path.name}: not a PDF that can be read ({error}). Download it again.") from None
    try:
        pages = []
        for number in range(len(file)):
            page = file[number]
            textpage = page.get_textpage()
            pages.append(textpage.get_text_bounded())
            textpage.close()
            page.close()
    except pdfium.PdfiumError as error:
        raise DocumentError(f"{path.name}: page {number + 1} is broken ({error}). Download it again.") from None
    finally:
        file.close()
    if not pages or sum(len(page.strip()) for page in pages) < _LEAST_TEXT * len(pages):
        raise DocumentError(
            f"{path.name}: a scan, pictures of pages without text. Run text recognition over it, e.g. ocrmypdf."
        )
    return pages


def _word(path: Path) -> list[str]:
    try:
        import docx
        from docx.opc.exceptions import PackageNotFoundError
    except ImportError:
        raise _library("python-docx", path.name) from None
    from zipfile import BadZipFile

    if path.read_bytes()[:8] == b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1":
        raise DocumentError(f"{path.name}: encrypted, or of the format before 2007. Save it anew as .docx.")
    try:
        content = docx.Document(str(path))
    except (PackageNotFoundError, BadZipFile, KeyError, ValueError) as error:
        raise DocumentError(f"{path.name}: not a Word file that can be read ({error}). Save it anew.") from None
    blocks = []
    for block in content.iter_inner_content():
        if hasattr(block, "rows"):
            blocks += [" ".join(dict.fromkeys(cell.text for cell in row.cells)) for row in block.rows]
        else:
            blocks.append(block.text)
    return ["\n\n".join(blocks)]


def _html(path: Path) -> list[str]:
    try:
        from bs4 import BeautifulSoup
    except ImportError:
        raise _library("beautifulsoup4", path.name) from None
    page = BeautifulSoup(path.read_bytes(), "html.parser")
    for part in page(["script", "style", "noscript", "template", "head", "nav"]):
        part.decompose()
    for part in page(["p", "div", "li", "h1", "h2", "h3", "h4", "h5", "h6", "tr", "br", "section", "blockquote"]):
        part.append("\n\n")
    return [page.get_text()]


def _text(path: Path) -> list[str]:
    raw = path.read_bytes()
    if b"\x00" in raw[:4096] and not raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise DocumentError(f"{path.name}: not text (it has NUL bytes). Check what it is.")
    for encoding in ("utf-16",) if raw.startswith((b"\xff\xfe", b"\xfe\xff")) else ("utf-8-sig", "cp1252"):
        try:
            return raw.decode(encoding).split("\f")
        except UnicodeDecodeError:
            continue
    raise DocumentError(f"{path.name}: its letters are of an unknown encoding. Save it as UTF-8.")


_READERS: dict[str, Callable[[Path], list[str]]] = {
    ".pdf": _pdf,
    ".docx": _word,
    ".html": _html,
    ".htm": _html,
    ".txt": _text,
    ".md": _text,
}


@dataclass(frozen=True)
class FullTexts:
    """The tags of full texts.

    Attributes
    ----------
    hits : pandas.DataFrame
        A row a theme and sentence: ``key, page, sentence, theme, negated, words, text``; pages count from 1, and
        sentences within their page.
    pages : pandas.DataFrame
        A row a document: ``key, pages``.
    problems : tuple of str
        A message for each file that could not be read.
    """

    hits: pd.DataFrame
    pages: pd.DataFrame
    problems: tuple[str, ...]


def tag_documents(
    source: str | Path | Iterable[str | Path] | None = None, codebook: Codebook | None = None, progress: bool = True
) -> FullTexts:
    """Tag documents by page and sentence.

    Parameters
    ----------
    source : str, pathlib.Path or iterable of these, optional
        A folder, a file or files; without it the folder ``fulltext/`` of the corpus.
    codebook : Codebook, optional
        Without it, the codebook of the corpus that `litbench.load_corpus` would load.

    Returns
    -------
    FullTexts
        A file that cannot be read is among its `problems`, and the rest goes on.
    """
    folder = _schema.find_corpus() / "fulltext" if source is None else source
    if isinstance(folder, str | Path):
        folder = Path(folder)
        if not folder.exists():
            raise DocumentError(f"{folder} is not there. Make it and put files named by citation key in it.")
        inside = sorted(path for path in folder.iterdir() if path.is_file()) if folder.is_dir() else [folder]
        files = [path for path in inside if not path.name.startswith(".")]
    else:
        files = [Path(path) for path in folder]
    found = matcher(own_codebook() if codebook is None else codebook)
    rows, pages, problems = [], [], []
    for path in tqdm(files, desc="Reading documents", unit=" files", disable=not progress):
        try:
            document = read(path)
        except DocumentError as error:
            problems.append(str(error))
            continue
        pages.append((document.key, len(document.pages)))
        places = [
            (page, number, sentence)
            for page, text in enumerate(document.pages, 1)
            for number, sentence in enumerate(filter(None, map(str.strip, _SENTENCE_END.split(text))), 1)
        ]
        mentions = found.find([sentence for _, _, sentence in places])
        together: dict[tuple[int, int], tuple[dict[str, None], list[bool]]] = {}
        for text, theme, start, end, negated in zip(
            mentions.text.tolist(), mentions.theme.tolist(), mentions.start.tolist(), mentions.end.tolist(),
            mentions.negated.tolist(), strict=True,
        ):  # fmt: skip
            words, negations = together.setdefault((text, theme), ({}, []))
            words[" ".join(places[text][2][start:end].split())] = None
            negations.append(negated)
        for (text, theme), (words, negations) in together.items():
            page, number, sentence = places[text]
            rows.append(
                (document.key, page, number, found.themes[theme].id, all(negations), "; ".join(words), sentence)
            )
    hits = pd.DataFrame(rows, columns=["key", "page", "sentence", "theme", "negated", "words", "text"])
    return FullTexts(hits, pd.DataFrame(pages, columns=["key", "pages"]), tuple(problems))
