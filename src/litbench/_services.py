"""Look a publication up: Crossref and OpenAlex by DOI, PubMed by PMID; politely, and with clear words when it fails.

Their addresses are settings, so that a team can go through a proxy and the tests through a server on this machine.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import requests
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

from litbench import _formats
from litbench._problems import CorpusError

_WEEK = 7 * 24 * 3600  # a kept reply is used for a week: retractions come later
_FROM_A_FILE = (
    "Or work from a file: export the record from the journal's page, PubMed or a reference manager as RIS, .nbib or "
    "BibTeX, then `litbench add FILE`"
)


@dataclass(frozen=True)
class LookUp:
    """A publication as the services know it.

    Attributes
    ----------
    record : dict
        As a row of `litbench._formats.read_library`.
    open_access : bool or None
        None where it was not told.
    seen_at : str
        Public page of the record.
    notes : tuple of str
        What could not be found out, and why.
    """

    record: dict[str, Any]
    open_access: bool | None
    seen_at: str
    notes: tuple[str, ...] = ()


@dataclass
class Services:
    """The services and how they are asked.

    Attributes
    ----------
    crossref, openalex, pubmed : str
        Addresses of their interfaces; LITBENCH_CROSSREF, LITBENCH_OPENALEX and LITBENCH_PUBMED set them. One that does
        not begin with http is a folder of recorded replies: ``/works/10.1000/x`` is ``works/10.1000/x.json`` in it.
    mailto : str
        Address under which the services can write to whoever asks (LITBENCH_MAILTO); Crossref and OpenAlex answer
        faster then.
    cache : pathlib.Path or None
        Folder for replies (LITBENCH_CACHE), None for none.
    pause : float
        Least seconds between two requests to one service. NCBI allows three a second without a key.
    timeout : float
        Seconds to wait for a connection, and between two parts of a reply.
    patience : float
        Most seconds to wait before trying again, whatever Retry-After says.
    """

    crossref: str = "https://api.crossref.org"
    openalex: str = "https://api.openalex.org"
    pubmed: str = "https://eutils.ncbi.nlm.nih.gov/entrez/eutils"
    mailto: str = ""
    cache: Path | None = None
    pause: float = 0.4
    timeout: float = 20.0
    patience: float = 60.0
    _last: dict[str, float] = field(default_factory=dict, repr=False)

    @classmethod
    def from_environment(cls) -> Services:
        """Return the services as the environment variables ``LITBENCH_*`` set them."""
        home = Path(os.environ.get("XDG_CACHE_HOME", "~/.cache")).expanduser()
        cache = os.environ.get("LITBENCH_CACHE", str(home / "litbench"))  # set but empty: keep nothing
        names = ("crossref", "openalex", "pubmed", "mailto")
        set_ = {
            name: os.environ[f"LITBENCH_{name.upper()}"] for name in names if f"LITBENCH_{name.upper()}" in os.environ
        }
        return cls(**set_, cache=Path(cache) if cache else None)

    # ------------------------------------------------------------------ what is asked

    def look_up(self, identifier: str) -> LookUp:
        """Look a publication up.

        Parameters
        ----------
        identifier : str
            A DOI, also with its address before it, or a PMID.

        Raises
        ------
        CorpusError
            For what is neither, a publication that is not known, or a service that cannot be reached or does not
            answer as it should.
        """
        notes: list[str] = []
        if doi := _formats.bare_doi(identifier):
            row = self._crossref(doi)
            name, seen_at = f"doi:{doi}", f"https://doi.org/{doi}"
        elif pmid := re.fullmatch(r"(?:pmid:?\s*)?(\d{1,8})", identifier.strip(), re.IGNORECASE):
            row = self._pubmed(pmid[1])
            name, seen_at = f"pmid:{pmid[1]}", f"https://pubmed.ncbi.nlm.nih.gov/{pmid[1]}/"
        else:
            raise CorpusError(
                f"{identifier!r} is neither a DOI (10.1186/s40352-020-00111-9), a PMID (32350636) nor a file here."
            )
        work: dict[str, Any] | None = None
        try:
            work = self._openalex(name)
        except CorpusError as error:
            if row is None:
                raise
            notes.append(f"Retraction and open access were not looked up: {error}")
        if row is None and work is None:
            raise CorpusError(
                f"Neither Crossref nor OpenAlex knows {identifier}. Compare it with the publication. {_FROM_A_FILE}."
            )
        other = _openalex_record(work) if work else {}
        if row is None:
            row = other
        for name in ("pmid", "pmcid", "doi"):
            row[name] = row.get(name) or other.get(name)
        row["retracted"] = bool(row.get("retracted") or other.get("retracted"))
        open_access = ((work or {}).get("open_access") or {}).get("is_oa")
        return LookUp(_formats.tidy(row), open_access, seen_at, tuple(notes))

    def _crossref(self, doi: str) -> dict[str, Any] | None:
        message = self._ask("Crossref", self.crossref, f"/works/{quote(doi, safe='/')}", {}, _read_crossref)
        if message is None:
            return None
        row = _formats.csl_record(message)
        updates = message.get("updated-by") or []
        row["retracted"] = any("retraction" in str(update.get("type", "")).lower() for update in updates) or None
        return row

    def _openalex(self, name: str) -> dict[str, Any] | None:
        key = os.environ.get("OPENALEX_API_KEY")
        query = {"api_key": key} if key else {}
        return self._ask("OpenAlex", self.openalex, f"/works/{quote(name, safe=':/')}", query, _read_openalex)

    def _pubmed(self, pmid: str) -> dict[str, Any]:
        # Its own format is asked for, so that one reader serves the network and the files that people export.
        query = {"db": "pubmed", "id": pmid, "rettype": "medline", "retmode": "text", "tool": "litbench"}
        if key := os.environ.get("NCBI_API_KEY"):
            query["api_key"] = key
        rows = self._ask("PubMed", self.pubmed, "/efetch.fcgi", query, _read_medline)
        if not rows:
            raise CorpusError(f"PubMed does not know {pmid}. Compare it with the publication. {_FROM_A_FILE}.")
        return rows[0]

    # ------------------------------------------------------------------ how it is asked

    def _ask(
        self, service: str, base: str, path: str, query: Mapping[str, str], read: Callable[[str], Any]
    ) -> Any | None:
        """Return a reply as `read` understands it, None for 404; only what is understood is kept."""
        if not base.startswith("http"):
            recorded = Path(base) / f"{path.strip('/').replace(':', '_')}.json"
            return read(recorded.read_text(encoding="utf-8")) if recorded.is_file() else None
        kept = self._kept(base, path, query)
        if kept and kept.is_file() and time.time() - kept.stat().st_mtime < _WEEK:
            return read(kept.read_text(encoding="utf-8"))
        wait = self._last.get(base, 0) + self.pause - time.monotonic()
        if wait > 0:
            time.sleep(wait)
        self._last[base] = time.monotonic()
        if self.mailto:
            query = {**query, "email" if service == "PubMed" else "mailto": self.mailto}
        contact = f"; mailto:{self.mailto}" if self.mailto else ""
        url = f"{base.rstrip('/')}{path}{'?' if query else ''}{urlencode(query)}"
        retry = Retry(
            total=3, connect=1, read=1, backoff_factor=min(0.5, self.patience), backoff_max=self.patience,
            retry_after_max=self.patience, status_forcelist=(429, 500, 502, 503, 504), raise_on_status=False,
        )  # fmt: skip
        with requests.Session() as session:
            session.mount("https://", HTTPAdapter(max_retries=retry))
            session.mount("http://", HTTPAdapter(max_retries=retry))
            session.headers["User-Agent"] = f"litbench/0.1 (a research literature workbench{contact})"
            try:
                reply = session.get(url, timeout=self.timeout)
            except requests.RequestException as error:
                if isinstance(error, requests.Timeout) or "timed out" in str(error):
                    raise CorpusError(
                        f"{service} did not answer within {self.timeout:g} seconds. Try again later. {_FROM_A_FILE}."
                    ) from None
                raise CorpusError(
                    f"{service} cannot be reached ({_why(error)}). Look at your connection. {_FROM_A_FILE}."
                ) from None
        if reply.status_code == 404:
            return None
        if reply.status_code == 429:
            raise CorpusError(f"{service} asks for fewer requests (429). Try again in some minutes. {_FROM_A_FILE}.")
        if reply.status_code != 200:
            raise CorpusError(
                f"{service} answers with an error ({reply.status_code}). Try again later. {_FROM_A_FILE}."
            )
        reply.encoding = "utf-8"
        understood = read(reply.text)
        if understood is None:
            raise _strange(service, reply.text[:60])
        if kept:
            kept.parent.mkdir(parents=True, exist_ok=True)
            beside = kept.with_suffix(f".{os.getpid()}")
            beside.write_text(reply.text, encoding="utf-8")
            beside.replace(kept)
        return understood

    def _kept(self, base: str, path: str, query: Mapping[str, str]) -> Path | None:
        name = hashlib.sha256(f"{base}{path}?{sorted(query.items())}".encode()).hexdigest()[:32]
        return self.cache / f"{name}.txt" if self.cache else None


def _read_json(text: str) -> dict[str, Any]:
    try:
        reply = json.loads(text)
    except json.JSONDecodeError:
        return {}
    return reply if isinstance(reply, dict) else {}


def _read_crossref(text: str) -> dict[str, Any] | None:
    message = _read_json(text).get("message")
    return message if isinstance(message, dict) and isinstance(_formats.csl_record(message), dict) else None


def _read_openalex(text: str) -> dict[str, Any] | None:
    work = _read_json(text)
    return work if isinstance(work.get("title"), str) else None


def _read_medline(text: str) -> list[dict[str, Any]] | None:
    """Return the records of a reply of PubMed, none for a number it does not know; None for what is no reply of its."""
    rows = [row for _, row in _formats.read_medline(text) if isinstance(row, dict)]
    unknown = not text.strip() or re.search(r"cannot get document|error occurred|id: \d+", text[:300], re.IGNORECASE)
    return rows if rows or (unknown and "<" not in text[:300]) else None


def _strange(service: str, reply: str) -> CorpusError:
    start = " ".join(reply.split())
    return CorpusError(
        f"{service} did not answer as it should (its reply begins {start!r}). A proxy or a login page may stand "
        f"between; try again later. {_FROM_A_FILE}."
    )


def _why(error: requests.RequestException) -> str:
    text = str(error)
    for sign, words in (
        ("resolve", "its name cannot be resolved: no network, or a wrong address"),
        ("refused", "the connection was refused"),
        ("ProxyError", "the proxy refused"),
        ("SSL", "its certificate was not accepted"),
        ("IncompleteRead", "the reply broke off"),
        ("too many", "it failed again and again"),
    ):
        if sign in text:
            return words
    return type(error).__name__


def _openalex_record(work: Mapping[str, Any]) -> dict[str, Any]:
    biblio, ids = work.get("biblio") or {}, work.get("ids") or {}
    location = work.get("primary_location") or {}
    first, last = biblio.get("first_page") or "", biblio.get("last_page") or ""
    words = [(place, word) for word, places in (work.get("abstract_inverted_index") or {}).items() for place in places]
    names = [(one.get("author") or {}).get("display_name") or "" for one in work.get("authorships") or []]
    return {
        "type": _formats._CSL_TYPES.get(str(work.get("type")), "article"),
        "authors": "; ".join(_formats.one_name(name) for name in names if name),
        "title": work["title"],
        "year": work.get("publication_year"),
        "journal": (location.get("source") or {}).get("display_name") or "",
        "volume": biblio.get("volume") or "",
        "issue": biblio.get("issue") or "",
        "pages": f"{first}-{last}" if last else first,
        "doi": ids.get("doi") or work.get("doi") or "",
        "pmid": str(ids.get("pmid") or "").rstrip("/").rpartition("/")[2],
        "pmcid": str(ids.get("pmcid") or "").rstrip("/").rpartition("/")[2],
        "abstract": " ".join(word for _, word in sorted(words)),
        "retracted": bool(work.get("is_retracted")),
    }
