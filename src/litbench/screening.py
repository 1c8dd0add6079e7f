"""Screen candidates: ranked by how like the corpus they are, decided one by one, logged, counted for PRISMA.

The order is that of active learning (a model trained on what is included against what is excluded, as in ASReview:
van de Schoot et al. 2021, doi:10.1038/s42256-020-00287-7). When to stop is a test with a stated error
(`stopping`), not a feeling.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from litbench import _duplicates, _formats, _schema, _store
from litbench._display import Chart
from litbench._export import spreadsheet_safe
from litbench._problems import CorpusError
from litbench.check import check_table
from litbench.intake import _corpus_records, _field, _read_csv, read_candidates

FEW = 5  # with fewer excluded records than this, a classifier has nothing to learn from


@dataclass(frozen=True)
class Ranking:
    """Candidates not decided yet, the most like the corpus first.

    Attributes
    ----------
    candidates : pandas.DataFrame
        The columns of ``candidates/records.csv`` and ``score``, from 0 to 1 within this ranking.
    method : str
        How they were ranked, in words.
    """

    candidates: pd.DataFrame
    method: str


def rank(corpus: str | Path | None = None) -> Ranking:
    """Rank the candidates that have not been decided.

    With at least `FEW` excluded records a logistic regression on TF-IDF of title and abstract is trained on the corpus
    and the included against the excluded; before that, candidates are ranked by cosine similarity with the mean of the
    corpus.

    Parameters
    ----------
    corpus : str or pathlib.Path, optional
        Folder of the corpus, as in `litbench.load_corpus`.

    Raises
    ------
    CorpusError
        Where no library was imported, or scikit-learn is not installed.
    """
    try:
        from sklearn.feature_extraction.text import TfidfVectorizer
        from sklearn.linear_model import LogisticRegression
    except ImportError:
        raise CorpusError("Ranking needs scikit-learn: pip install 'litbench[screening]'.") from None
    folder = _schema.find_corpus(corpus)
    _store.recover(folder)
    candidates = _candidates(folder)
    log = _read_csv(folder / "data/screening.csv")
    decided = candidates.record.isin(log.record)
    open_ = candidates[~decided].reset_index(drop=True)
    if open_.empty:
        return Ranking(open_.assign(score=pd.Series(dtype="float64")), "no candidate is open")
    studies = _read_csv(folder / "data/studies.csv").set_index("key")
    records = _corpus_records(folder)
    inside = [
        f"{title} {studies.summary.get(key, '')}" for key, title in zip(records.cited_as, records.title, strict=True)
    ]
    decision = log.set_index("record").decision
    text = _text(candidates)
    included = [*inside, *text[candidates.record.map(decision) == "included"]]
    excluded = [*text[candidates.record.map(decision) == "excluded"]]
    vectorizer = TfidfVectorizer(
        sublinear_tf=True, strip_accents="unicode", stop_words="english", ngram_range=(1, 2), min_df=2
    )
    known = vectorizer.fit_transform([*included, *excluded, *_text(open_)])
    new = known[len(included) + len(excluded) :]
    if len(excluded) >= FEW:
        # Balanced weights: there are always many more of one kind, and the order should not depend on how many.
        model = LogisticRegression(C=10, class_weight="balanced", max_iter=1000)
        model.fit(known[: len(included) + len(excluded)], [1] * len(included) + [0] * len(excluded))
        score = model.predict_proba(new)[:, 1]
        method = (
            f"a logistic regression on words of title and abstract, trained on {len(included)} included and "
            f"{len(excluded)} excluded records"
        )
    else:
        mean = np.asarray(known[: len(included)].mean(axis=0)).ravel()
        score = np.asarray(new @ mean).ravel() / (np.linalg.norm(mean) or 1)
        method = (
            f"similarity to the {len(included)} included records (a model needs {FEW} excluded ones; there are "
            f"{len(excluded)})"
        )
    ranked = open_.assign(score=score).sort_values(["score", "record"], ascending=[False, True], ignore_index=True)
    return Ranking(ranked, method)


def decide(
    record: str,
    decision: str,
    reason: str,
    corpus: str | Path | None = None,
    date: datetime.date | None = None,
    criterion: str = "",
) -> None:
    """Log a decision on a candidate, in the order in which they are made.

    Parameters
    ----------
    record : str
        Its name in ``candidates/records.csv``.
    decision : str
        ``included``, ``excluded`` or ``awaiting``.
    reason : str
        Why; the log is of no use to a reviewer without it.
    corpus : str or pathlib.Path, optional
    date : datetime.date, optional
        Today by default.
    criterion : str, optional
        The rule that decided, one of `criteria`: the PRISMA flow counts by it.

    Raises
    ------
    CorpusError
        For a candidate that is not there, a decision that is none, or a criterion that is not in the data package.
    """
    folder = _schema.find_corpus(corpus)
    candidates = _candidates(folder)
    chosen = candidates[candidates.record == record]
    if chosen.empty:
        raise CorpusError(f"There is no candidate {record!r}. `litbench screen` lists them.")
    _log(folder, [(chosen.iloc[0], decision, criterion, reason)], date, ranked=True)


def criteria(corpus: str | Path | None = None) -> list[str]:
    """Return the rules by which records are excluded or made to wait, as the data package lists them."""
    tables = _schema.tables(_schema.read_descriptor(_schema.find_corpus(corpus)))
    return _field(tables["screening"], "criterion")["constraints"]["enum"]


def _log(
    folder: Path, decisions: list[tuple[pd.Series, str, str, str]], date: datetime.date | None, *, ranked: bool
) -> None:
    # The one table that changes is checked: a decision should not take as long as the whole corpus.
    with _store.writing(folder, validate=lambda path: check_table(path, "screening")) as change:
        places = [int(row["place"]) for row in change.rows("screening") if row.get("place")]
        place = max(places, default=0)
        names = {row.record for row, *_ in decisions}
        change.remove("screening", lambda one: one["record"] in names)
        rows = []
        for row, decision, criterion, reason in decisions:
            place += 1
            rows.append(
                {
                    "record": row.record, "title": row.title, "doi": row.doi, "pmid": row.pmid, "decision": decision,
                    "criterion": criterion, "reason": reason, "date": date or datetime.date.today(), "source": row.file,
                    "place": place if ranked else None,
                }
            )  # fmt: skip
        change.insert("screening", rows)


def screen(
    corpus: str | Path | None = None, ask: Callable[[str], str] = input, say: Callable[[str], None] = print
) -> int:
    """Show candidates one by one, the most likely first, and log what is decided; in a terminal or a notebook.

    The ranking is learned anew after every tenth decision.

    Parameters
    ----------
    corpus : str or pathlib.Path, optional
    ask, say : callable
        How to ask and to show; by default `input` and `print`.

    Returns
    -------
    int
        How many were decided.
    """
    folder = _schema.find_corpus(corpus)
    numbered = {str(number): rule for number, rule in enumerate(criteria(folder), 1)}
    done = 0
    ranking = rank(folder)
    say(f"{len(ranking.candidates):,} candidates, ranked by {ranking.method}.")
    skipped: set[str] = set()
    while True:
        waiting = ranking.candidates[~ranking.candidates.record.isin(skipped)]
        if waiting.empty:
            say("No candidate is open.")
            return done
        row = waiting.iloc[0]
        who = row.authors if isinstance(row.authors, str) else ""
        lines = [row.title, f"{who} ({row.year}) {row.journal if isinstance(row.journal, str) else ''}".strip()]
        lines += [row.abstract] if isinstance(row.abstract, str) else ["(no abstract)"]
        lines += ["RETRACTED"] if row.retracted is True else []
        say("\n" + "\n".join(lines))
        answer = ask("[i]nclude, [e]xclude, [a]waiting, [s]kip, [q]uit: ").strip().lower()[:1]
        if answer == "q":
            return done
        if answer == "s":
            skipped.add(row.record)
            continue
        decision = {"i": "included", "e": "excluded", "a": "awaiting"}.get(answer)
        if decision is None:
            say("Please answer i, e, a, s or q.")
            continue
        usual = {} if decision == "included" else numbered
        if usual:
            say("; ".join(map(" ".join, usual.items())))
        reason = ask("Why? A number of these, or your own words: " if usual else "Why? ").strip()
        if not reason:
            say("A decision needs its reason.")
            continue
        criterion = usual.get(reason, "")
        _log(folder, [(row, decision, criterion, criterion or reason)], None, ranked=True)
        skipped.add(row.record)
        done += 1
        if done % 10 == 0:
            ranking = rank(folder)
            rule = stopping(folder)
            say(str(rule))


# ---------------------------------------------------------------------- when to stop


@dataclass(frozen=True)
class Stopping:
    """What the log says of the records that were not screened.

    Attributes
    ----------
    screened, found, open : int
        Ranked records decided, of them included, and candidates not decided.
    target : float
        Share of all relevant records that is to be found.
    p : float
        Probability of a log such as this if less than the target had been found.
    stop : bool
        Whether p is below 0.05.
    recall : float
        Largest share for which p is below 0.05: at least this much was found, with 95 per cent confidence; 0 where
        the log says nothing yet.
    """

    screened: int
    found: int
    open: int
    target: float
    p: float
    stop: bool
    recall: float

    @property
    def missed(self) -> int | None:
        """Most relevant records that may be left, with 95 per cent confidence; None where the log does not say."""
        return int(self.found / self.recall - self.found + 1e-9) if self.recall else None

    def __str__(self) -> str:
        begin = f"{self.screened:,} screened, {self.found:,} included, {self.open:,} open."
        if not self.recall:
            return f"{begin} Too early to say how much is left."
        verdict = "You may stop" if self.stop else "Go on"
        return (
            f"{begin} With 95 per cent confidence at least {self.recall:.0%} of what is relevant was found, "
            f"and at most {self.missed} are left. {verdict}: the target is {self.target:.0%} (p = {self.p:.3f})."
        )


def stopping(corpus: str | Path | None = None, target: float = 0.95) -> Stopping:
    """Test whether enough of what is relevant was found to stop screening.

    Callaghan & Müller-Hansen 2020 (doi:10.1186/s13643-020-01521-4): the last records screened are taken as a random
    draw from those that were left. If fewer than `target` of all relevant records had been found, at least K of them
    were left before the draw; the hypergeometric distribution gives the probability of drawing as few as were drawn.
    The smallest over all starts of the draw is compared with 0.05. Since a ranking puts relevant records first, the
    draw holds more of them than a random one would, and the test errs on the side of screening on (their "quasi-random
    sampling").

    Parameters
    ----------
    corpus : str or pathlib.Path, optional
    target : float
        Share of all relevant records that is to be found, between 0 and 1.
    """
    folder = _schema.find_corpus(corpus)
    log = _read_csv(folder / "data/screening.csv")
    log = log[(log.place != "") & log.decision.isin(["included", "excluded"])]
    decisions = (log.assign(place=log.place.astype(int)).sort_values("place").decision == "included").to_numpy(int)
    candidates = _candidates(folder)
    everything = _read_csv(folder / "data/screening.csv")
    open_ = int((~candidates.record.isin(everything.record)).sum())
    if not 0 < target < 1:
        raise ValueError(f"The target is a share between 0 and 1, not {target}.")
    p = stopping_p(decisions, open_, target)
    shares = np.arange(0.99, 0.0, -0.01)
    recall = next((float(share) for share in shares if stopping_p(decisions, open_, share) < 0.05), 0.0)
    return Stopping(
        len(decisions), int(decisions.sum()), open_, target, p, p < 0.05, recall if decisions.sum() else 0.0
    )


def stopping_p(decisions: np.ndarray, open_: int, target: float) -> float:
    """Return the p value of `stopping`.

    Parameters
    ----------
    decisions : numpy.ndarray of int, shape (n,)
        1 for a relevant record, in the order of screening.
    open_ : int
        Records that were not screened.
    target : float
        Share of all relevant records.
    """
    from scipy.stats import hypergeom

    screened = len(decisions)
    found = int(decisions.sum())
    if not found or not open_:
        return 1.0 if not found else 0.0
    before = np.concatenate([[0], np.cumsum(decisions)[:-1]])  # relevant found before a draw that begins here
    left = screened + open_ - np.arange(screened)
    drawn = screened - np.arange(screened)
    least = np.floor(found / target - before + 1).astype(int)  # relevant left, if the target was missed
    possible = least <= left
    p = hypergeom.cdf(found - before, left, np.minimum(least, left), drawn)
    return float(np.min(np.where(possible, p, 0.0)))


# ---------------------------------------------------------------------- exchange with ASReview and Rayyan


def write_exchange(path: str | Path, tool: str, corpus: str | Path | None = None) -> Path:
    """Write the candidates with what was decided, for ASReview or Rayyan.

    Parameters
    ----------
    path : str or pathlib.Path
        A CSV file, replaced where it is there.
    tool : str
        ``asreview`` (``included`` is 1, 0 or empty) or ``rayyan`` (the decision stands in the notes, as Rayyan writes
        it).
    corpus : str or pathlib.Path, optional
    """
    folder = _schema.find_corpus(corpus)
    candidates = _candidates(folder)
    log = _read_csv(folder / "data/screening.csv").set_index("record")
    decision = candidates.record.map(log.decision)
    text = candidates.assign(year=candidates.year.astype("str"))
    if tool == "asreview":
        frame = text[["record", "title", "abstract", "authors", "year", "journal", "doi", "url"]]
        frame = frame.rename(columns={"record": "record_id"}).assign(
            included=decision.map({"included": "1", "excluded": "0"}).astype("str")
        )
    elif tool == "rayyan":
        reasons = candidates.record.map(log.reason)
        notes = [
            f'RAYYAN-INCLUSION: {{"litbench"=>"{one.title()}"}} | RAYYAN-EXCLUSION-REASONS: {reason}'
            if one == "excluded"
            else 'RAYYAN-INCLUSION: {"litbench"=>"Included"}'
            if one == "included"
            else ""
            for one, reason in zip(decision, reasons, strict=True)
        ]
        columns = [
            "record",
            "title",
            "year",
            "journal",
            "volume",
            "issue",
            "pages",
            "authors",
            "url",
            "abstract",
            "doi",
            "pmid",
        ]
        frame = text[columns].rename(columns={"record": "key", "pmid": "pubmed_id"}).assign(notes=notes)
        frame["authors"] = frame.authors.str.replace("; ", " and ")
        frame = frame.astype({"notes": "str"})
    else:
        raise ValueError(f"litbench exchanges screening with asreview and rayyan, not with {tool!r}.")
    _store.write_file(Path(path), spreadsheet_safe(frame).to_csv(index=False, lineterminator="\n").encode("utf-8"))
    return Path(path)


def read_exchange(
    path: str | Path, corpus: str | Path | None = None, date: datetime.date | None = None
) -> dict[str, int]:
    """Log the decisions in a file of ASReview, Rayyan or Covidence.

    Parameters
    ----------
    path : str or pathlib.Path
        An export of theirs; records are found by their name, else as duplicates of a candidate.
    corpus : str or pathlib.Path, optional
    date : datetime.date, optional

    Returns
    -------
    dict of str to int
        How many were ``included``, ``excluded``, ``undecided`` in the file, ``unknown`` among the candidates, and
        ``decided`` already (those stay as they are).

    Raises
    ------
    CorpusError
        For a file that cannot be read or holds no decision.
    """
    folder = _schema.find_corpus(corpus)
    frame, rejected = _formats.read_library(path)
    candidates = _candidates(folder)
    logged = set(_read_csv(folder / "data/screening.csv").record)
    by_name = {name: place for place, name in enumerate(candidates.record)}
    links = _duplicates.link(frame, candidates)
    counts = {"included": 0, "excluded": 0, "undecided": 0, "unknown": len(rejected), "decided": 0}
    decisions = []
    for row, link in zip(frame.itertuples(), links, strict=True):
        place = by_name.get(row.cited_as, link)
        if not isinstance(row.decision, str):
            counts["undecided"] += 1
        elif not 0 <= place < len(candidates):
            counts["unknown"] += 1
        elif candidates.record[place] in logged:
            counts["decided"] += 1
        else:
            logged.add(candidates.record[place])
            counts[row.decision] += 1
            reason = row.decision_reason if isinstance(row.decision_reason, str) else f"decided in {Path(path).name}"
            decisions.append((candidates.iloc[place], row.decision, "", reason))
    if not decisions and not counts["decided"]:
        raise CorpusError(
            f"{Path(path).name} holds no decision on a candidate ({counts['undecided']} undecided, {counts['unknown']} "
            "not among the candidates). Export it with its decisions, or import its records first."
        )
    _log(folder, decisions, date, ranked=False)
    return counts


# ---------------------------------------------------------------------- PRISMA


def prisma(corpus: str | Path | None = None) -> Chart:
    """Draw the PRISMA 2020 flow of what was imported and screened (Page et al. 2021, doi:10.1136/bmj.n71).

    It begins with the first logged import: the studies that were gathered before stand beside it as such.

    Returns
    -------
    Chart
        ``data`` has a row a box: ``stage, box, n``.
    """
    folder = _schema.find_corpus(corpus)
    imports = _read_csv(folder / "data/imports.csv")
    log = _read_csv(folder / "data/screening.csv")
    studies = _read_csv(folder / "data/studies.csv")
    candidates = _candidates(folder)
    other = log[~log.record.isin(candidates.record)]
    sums = imports[["records", "duplicates", "rejected"]].astype(int).sum() if len(imports) else dict.fromkeys(
        ("records", "duplicates", "rejected"), 0
    )  # fmt: skip
    route = studies.identification_route.value_counts()
    rows = [
        ("identification", "Records from databases and registers", sums["records"]),
        ("identification", "Duplicates removed before screening", sums["duplicates"]),
        ("identification", "Records removed as not readable", sums["rejected"]),
        ("identification", "Records found in other ways", len(other)),
        ("screening", "Records screened", len(log)),
        ("screening", "Records not screened yet", int((~candidates.record.isin(log.record)).sum())),
        ("screening", "Records excluded", int((log.decision == "excluded").sum())),
        ("screening", "Awaiting, not verified yet", int((log.decision == "awaiting").sum())),
        ("included", "Records included by screening", int((log.decision == "included").sum())),
        ("included", "Studies added to the corpus by screening", int(route.get("screened", 0))),
        ("included", "Studies gathered before screening was logged", int(route.get("curated", 0))),
    ]
    data = pd.DataFrame(rows, columns=["stage", "box", "n"]).astype({"n": "int64"})
    return _draw(data)


def _draw(data: pd.DataFrame) -> Chart:
    from matplotlib.figure import Figure
    from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

    from litbench._style import LOOK

    n = data.set_index("box").n
    main = [  # the column that flows down, and what leaves it to the right
        (["Records from databases and registers", "Records found in other ways"],
         ["Duplicates removed before screening", "Records removed as not readable"]),
        (["Records screened", "Records not screened yet"], ["Records excluded", "Awaiting, not verified yet"]),
        (["Records included by screening"], []),
        (["Studies added to the corpus by screening", "Studies gathered before screening was logged"], []),
    ]  # fmt: skip
    figure = Figure(figsize=(9, 6.4), dpi=130, facecolor=LOOK.paper)
    ax = figure.add_axes((0.02, 0.06, 0.96, 0.82))
    ax.set(xlim=(0, 10), ylim=(0, 8.4))
    ax.axis("off")
    title = "How records came into the corpus since screening is logged"
    figure.text(0.03, 0.94, title, fontsize=13, fontweight="bold", color=LOOK.ink)

    def box(x: float, y: float, names: list[str], face: str) -> None:
        text = "\n".join(f"{name}: {n[name]:,}" for name in names)
        ax.add_patch(FancyBboxPatch((x, y), 4.6, 1.3, boxstyle="round,pad=0.02", facecolor=face, edgecolor=LOOK.soft))
        ax.text(x + 2.3, y + 0.65, text, ha="center", va="center", fontsize=9.5, color=LOOK.ink, linespacing=1.7)

    for step, (left, right) in enumerate(main):
        y = 6.9 - 2.2 * step
        box(0.1, y, left, LOOK.box)
        if right:
            box(5.3, y, right, LOOK.paper)
            ax.add_patch(
                FancyArrowPatch(
                    (4.74, y + 0.65), (5.28, y + 0.65), arrowstyle="-|>", mutation_scale=12, color=LOOK.soft
                )
            )
        if step:
            ax.add_patch(
                FancyArrowPatch((2.4, y + 2.18), (2.4, y + 1.34), arrowstyle="-|>", mutation_scale=12, color=LOOK.soft)
            )
    figure.text(
        0.03,
        0.02,
        "PRISMA 2020 flow from data/imports.csv, data/screening.csv and the candidates.",
        fontsize=8,
        color=LOOK.soft,
    )
    alt = "; ".join(f"{row.box}: {row.n:,}" for row in data.itertuples()) + "."
    return Chart("prisma", title, figure, data, alt)


# ---------------------------------------------------------------------- helpers


def _candidates(folder: Path) -> pd.DataFrame:
    candidates = read_candidates(folder)
    return candidates[candidates.duplicate_of.isna()].reset_index(drop=True)


def _text(frame: pd.DataFrame) -> pd.Series[Any]:
    return frame.title.fillna("") + " " + frame.abstract.fillna("")
