"""Looking a publication up, against a server on this machine that replies as the services do, and as they do not."""

import json
import re
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from litbench import CorpusError
from litbench._services import Services

DOI = "10.1186/s40352-020-00111-9"
CROSSREF = {
    "status": "ok",
    "message": {
        "DOI": DOI, "type": "journal-article",
        "title": ["Crackdowns &amp; <i>care</i>"], "subtitle": ["A cohort study"],
        "author": [{"given": "Ana", "family": "Moss"}, {"name": "Drug Policy Group"}],
        "container-title": ["Harm Reduction Journal"], "volume": "17", "issue": "2", "page": "121-7",
        "published": {"date-parts": [[2020, 6]]}, "URL": f"https://doi.org/{DOI}",
    },
}  # fmt: skip
OPENALEX = {
    "title": "Crackdowns & care: A cohort study", "publication_year": 2020, "is_retracted": False,
    "ids": {"doi": f"https://doi.org/{DOI}", "pmid": "https://pubmed.ncbi.nlm.nih.gov/32350636"},
    "open_access": {"is_oa": True}, "authorships": [{"author": {"display_name": "Ana van Moss"}}],
    "primary_location": {"source": {"display_name": "Harm Reduction Journal"}},
    "biblio": {"volume": "17", "first_page": "121", "last_page": "127"},
    "abstract_inverted_index": {"Police": [0], "moved": [1]},
}  # fmt: skip
MEDLINE = """
PMID- 32350636
TI  - Crackdowns and care: a cohort
      study.
FAU - Moss, Ana
DP  - 2020 Jun
JT  - Harm reduction journal
LID - 10.1186/s40352-020-00111-9 [doi]
PT  - Journal Article
PT  - Retracted Publication
"""


class Server:
    """A server whose next replies a test sets: path pattern → list of (status, headers, body) or a callable."""

    def __init__(self):
        self.replies, self.asked = {}, []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                outer.asked.append((self.path, dict(self.headers)))
                for pattern, replies in outer.replies.items():
                    if re.search(pattern, self.path):
                        reply = replies.pop(0) if len(replies) > 1 else replies[0]
                        return reply(self) if callable(reply) else self.reply(*reply)
                return self.reply(404, {}, "Resource not found.")

            def reply(self, status, headers, body):
                body = (body if isinstance(body, str) else json.dumps(body)).encode()
                self.send_response(status)
                for name, value in ({"Content-Length": str(len(body))} | headers).items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *arguments):
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    @property
    def base(self):
        return f"http://127.0.0.1:{self.http.server_port}"

    def services(self, **settings):
        one = {"pause": 0, "patience": 0.05, "timeout": 0.3, "mailto": "team@example.org"}
        return Services(self.base + "/cr", self.base + "/oa", self.base + "/pm", **(one | settings))


@pytest.fixture
def server():
    server = Server()
    server.replies = {"^/cr": [(200, {}, CROSSREF)], "^/oa": [(200, {}, OPENALEX)], "^/pm": [(200, {}, MEDLINE)]}
    yield server
    server.http.shutdown()
    server.http.server_close()


def test_a_doi_gives_the_record_of_crossref_with_what_openalex_adds(server):
    found = server.services().look_up(f"https://doi.org/{DOI.upper()}")
    expected = {
        "title": "Crackdowns & care: A cohort study", "authors": "Moss, Ana; Drug Policy Group", "year": 2020,
        "journal": "Harm Reduction Journal", "volume": "17", "issue": "2", "pages": "121–127", "doi": DOI,
        "pmid": "32350636", "retracted": False,
    }  # fmt: skip
    assert {name: found.record[name] for name in expected} == expected
    assert found.open_access is True and not found.notes and found.seen_at == f"https://doi.org/{DOI}"


def test_a_pmid_gives_the_record_of_pubmed_and_flags_a_retraction(server):
    found = server.services().look_up("PMID: 32350636")
    assert found.record["title"] == "Crackdowns and care: a cohort study"
    assert found.record["authors"] == "Moss, Ana" and found.record["doi"] == DOI and found.record["year"] == 2020
    assert found.record["retracted"] is True


@pytest.mark.parametrize("where", ["crossref", "openalex"])
def test_a_retraction_is_flagged_whichever_service_knows_it(server, where):
    if where == "crossref":
        message = CROSSREF["message"] | {"updated-by": [{"type": "retraction", "DOI": "10.1000/r"}]}
        server.replies["^/cr"] = [(200, {}, {"message": message})]
    else:
        server.replies["^/oa"] = [(200, {}, OPENALEX | {"is_retracted": True})]
    assert server.services().look_up(DOI).record["retracted"] is True


def test_the_services_are_told_who_asks(server):
    server.services().look_up(DOI)
    path, headers = server.asked[0]
    assert "mailto=team%40example.org" in path
    assert headers["User-Agent"].startswith("litbench/") and "mailto:team@example.org" in headers["User-Agent"]


def test_openalex_serves_where_crossref_does_not_know(server):
    server.replies["^/cr"] = [(404, {}, "Resource not found.")]
    record = server.services().look_up(DOI).record
    assert record["title"] == OPENALEX["title"] and record["authors"] == "van Moss, Ana"
    assert record["pages"] == "121–127" and record["abstract"] == "Police moved"


def test_unknown_everywhere_is_said_with_the_way_by_file(server):
    server.replies.clear()
    with pytest.raises(CorpusError, match=r"Neither Crossref nor OpenAlex knows .*litbench add FILE"):
        server.services().look_up(DOI)


@pytest.mark.parametrize("text", ["", "Error occurred: cannot get document summary", "id: 99 Error occurred: ..."])
def test_an_unknown_pmid_is_said(server, text):
    server.replies["^/pm"] = [(200, {}, text)]
    with pytest.raises(CorpusError, match="PubMed does not know 99"):
        server.services().look_up("99")


def test_too_many_requests_are_waited_out_as_retry_after_says(server):
    server.replies["^/cr"] = [(429, {"Retry-After": "1"}, ""), (200, {}, CROSSREF)]
    started = time.monotonic()
    found = server.services(patience=2).look_up(DOI)
    assert found.record["doi"] == DOI and time.monotonic() - started >= 1


def test_a_retry_after_of_hours_is_not_waited_for(server):
    server.replies["^/cr"] = [(429, {"Retry-After": "7200"}, "")]
    started = time.monotonic()
    with pytest.raises(CorpusError, match=r"Crossref asks for fewer requests \(429\)"):
        server.services().look_up(DOI)
    assert time.monotonic() - started < 5


def test_a_passing_error_is_tried_again_and_a_lasting_one_told(server):
    server.replies["^/cr"] = [(500, {}, "oops"), (503, {}, "oops"), (200, {}, CROSSREF)]
    assert server.services().look_up(DOI).record["doi"] == DOI
    server.replies["^/cr"] = [(500, {}, "oops")]
    with pytest.raises(CorpusError, match=r"Crossref answers with an error \(500\)"):
        server.services().look_up(DOI)


def test_a_slow_reply_is_told(server):
    def slow(handler):
        time.sleep(0.6)

    server.replies["^/cr"] = [slow]
    with pytest.raises(CorpusError, match=r"Crossref did not answer within 0.3 seconds"):
        server.services().look_up(DOI)


def test_a_reply_that_breaks_off_is_told(server):
    def cut(handler):
        handler.reply(200, {"Content-Length": "5000"}, CROSSREF)
        handler.close_connection = True

    server.replies["^/cr"] = [cut]
    with pytest.raises(CorpusError, match=r"Crossref cannot be reached \(the reply broke off\)"):
        server.services().look_up(DOI)


@pytest.mark.parametrize(
    "body",
    [json.dumps(CROSSREF)[:80], "[1, 2]", '{"message": 7}', '{"message": {"title": []}}', "<html>Log in</html>", ""],
    ids=["malformed", "a list", "a number", "no title", "HTML", "empty"],
)  # fmt: skip
def test_a_reply_that_is_not_a_work_is_told_and_not_kept(server, body, tmp_path):
    server.replies["^/cr"] = [(200, {}, body), (200, {}, CROSSREF)]
    services = server.services(cache=tmp_path)
    with pytest.raises(CorpusError, match="Crossref did not answer as it should"):
        services.look_up(DOI)
    assert services.look_up(DOI).record["doi"] == DOI


def test_html_from_pubmed_is_told(server):
    server.replies["^/pm"] = [(200, {}, "<!DOCTYPE html><title>Error</title>")]
    with pytest.raises(CorpusError, match="PubMed did not answer as it should"):
        server.services().look_up("99")


def test_without_openalex_the_record_comes_with_a_note(server):
    server.replies["^/oa"] = [(500, {}, "")]
    found = server.services().look_up(DOI)
    assert found.record["doi"] == DOI and "Retraction and open access were not looked up" in found.notes[0]


def test_offline_the_message_shows_the_way_by_file():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    services = Services(*[f"http://127.0.0.1:{port}"] * 3, pause=0, patience=0.01, timeout=0.3)
    with pytest.raises(
        CorpusError, match=r"Crossref cannot be reached \(the connection was refused\).*litbench add FILE"
    ):
        services.look_up(DOI)


def test_a_second_look_up_is_answered_from_the_cache(server, tmp_path):
    first = server.services(cache=tmp_path).look_up(DOI)
    asked = len(server.asked)
    assert server.services(cache=tmp_path).look_up(DOI) == first and len(server.asked) == asked


def test_requests_to_one_service_keep_their_distance(server):
    services = server.services(pause=0.15)
    started = time.monotonic()
    services.look_up("10.1000/one")
    services.look_up("10.1000/two")
    assert time.monotonic() - started >= 0.15


def test_what_is_no_identifier_is_said():
    with pytest.raises(CorpusError, match="neither a DOI"):
        Services().look_up("police and overdose")


def test_addresses_come_from_the_environment(monkeypatch, tmp_path):
    monkeypatch.setenv("LITBENCH_CROSSREF", "http://127.0.0.1:9/cr")
    monkeypatch.setenv("LITBENCH_MAILTO", "team@example.org")
    monkeypatch.setenv("LITBENCH_CACHE", str(tmp_path))
    services = Services.from_environment()
    assert (services.crossref, services.mailto, services.cache) == (
        "http://127.0.0.1:9/cr",
        "team@example.org",
        tmp_path,
    )
    assert services.openalex == "https://api.openalex.org"
