"""The corpus: its tables as tidy data frames, filtered and followed from a theme to a place in a study."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import cached_property
from html import escape
from pathlib import Path
from typing import Any

import pandas as pd

from litbench import _countries, _schema, _store, references
from litbench._problems import CorpusError
from litbench.codebook import NO_THEME, Codebook

_STANCES = ("supports", "qualifies", "contradicts", "context", "called-for")
REVIEWS = ("systematic-review", "narrative-review")


def load_corpus(path: str | Path | None = None) -> Corpus:
    """Load a corpus.

    Parameters
    ----------
    path : str or pathlib.Path, optional
        The folder with ``references.bib`` and ``data/``. Without it: the environment variable
        ``LITBENCH_CORPUS``, else the nearest folder, from here upwards, that has ``data/datapackage.json``.

    Returns
    -------
    Corpus

    Raises
    ------
    CorpusError
        Where there is no corpus, or what is there cannot be read; every problem is listed with its line.
    """
    folder = _schema.find_corpus(path)
    _store.recover(folder)
    descriptor = _schema.read_descriptor(folder)
    try:
        bibliography = references.read(folder / _schema.BIBLIOGRAPHY)
        frames = {name: _schema.read_table(folder, resource) for name, resource in _schema.tables(descriptor).items()}
        codebook = Codebook.read(folder / _schema.CODEBOOK)
        return _assemble(descriptor["version"], bibliography, frames, codebook)
    except (ValueError, KeyError, OSError) as error:
        from litbench.check import check

        raise CorpusError(f"The corpus in {folder} cannot be loaded: {error}", check(folder)) from None


def _assemble(version: str, bibliography: pd.DataFrame, frames: dict[str, pd.DataFrame], codebook: Codebook) -> Corpus:
    bibliography = bibliography.drop(columns="line")
    studies = bibliography.merge(frames["studies"], on="key", how="inner", validate="one_to_one")
    if len(studies) != len(bibliography) or len(studies) != len(frames["studies"]):
        raise ValueError("references.bib and data/studies.csv do not name the same studies")
    citation = [
        references.short(authors, complete, year)
        for authors, complete, year in zip(studies.authors, studies.authors_complete, studies.year, strict=True)
    ]
    studies.insert(1, "citation", pd.Series(citation, dtype="str"))
    places = frames["places"]
    places.insert(3, "country_name", places.country.map(_countries.name).astype("str"))
    themes = codebook.to_frame()
    codes = frames["codes"]
    # A finding that a coder gave no theme stays in the frame, without a theme.
    codes["theme"] = codes.theme.where(codes.theme != NO_THEME).astype(pd.CategoricalDtype(themes.theme))
    claims = frames["claims"]
    codes.insert(1, "key", codes.finding.map(frames["findings"].set_index("finding").key).astype("str"))
    return Corpus(
        version=version,
        studies=studies,
        samples=frames["samples"],
        places=places,
        findings=frames["findings"],
        effects=frames["effects"],
        comparisons=frames["comparisons"],
        review_statements=frames["review_statements"],
        codes=codes,
        claims=claims,
        themes=themes,
        examples=frames["examples"],
        appraisal=frames["appraisal"],
        # Lessons in the order of their vocabulary, which is the article's; the file is sorted by id.
        propositions=frames["propositions"].sort_values("lesson", kind="stable", ignore_index=True),
        proposition_evidence=frames["proposition_evidence"],
        proposition_confidence=frames["proposition_confidence"],
        screening=frames["screening"],
        checks=frames["checks"],
        audit=frames["audit"],
        coverage=frames["coverage"],
        codebook=codebook,
    )


@dataclass(frozen=True, eq=False)
class Corpus:
    """Studies, what was found in them, and how it was coded.

    Attributes
    ----------
    version : str
        Version of the data package, shown in captions.
    studies : pandas.DataFrame
        A row a publication: ``key``, ``citation``, the bibliographic record and what is known of the study.
    samples : pandas.DataFrame
        A row a cohort, interview round or data set that publications may share.
    places : pandas.DataFrame
        A row a place where a study was done; ``lat`` and ``lon`` in degrees (WGS 84), empty where only the
        country is known.
    findings : pandas.DataFrame
        A row an atomic finding, in the corpus's own words.
    effects : pandas.DataFrame
        A row a numeric estimate of a finding.
    comparisons : pandas.DataFrame
        A row an estimate that was examined for one comparison (`litbench.effects.comparisons`).
    review_statements : pandas.DataFrame
        A row a count that a review states about the studies it included.
    codes : pandas.DataFrame
        A row a theme that one coder gave to one finding in one round; `agreed` holds the adjudicated ones.
    claims : pandas.DataFrame
        A row a kind of claim that one coder saw in one finding; ``findings.claim`` holds the agreed one.
    themes : pandas.DataFrame
        A row a theme of the codebook.
    examples : pandas.DataFrame
        A row an invented sentence, with the themes that it gets: for `litbench.learn`, never evidence.
    appraisal, screening : pandas.DataFrame
        Answers to checklists, and records considered for inclusion.
    checks, audit : pandas.DataFrame
        What was compared of each record with its page, and every fault that was found (`audit_rates`).
    coverage : pandas.DataFrame
        A row a study that a published review included (`coverage_summary`).
    propositions, proposition_evidence, proposition_confidence : pandas.DataFrame
        Sentences for practice, the findings that bear on each, and how far one can rely on it.
    codebook : Codebook
    filters : tuple of str
        How this corpus was narrowed, in words.
    """

    version: str
    studies: pd.DataFrame
    samples: pd.DataFrame
    places: pd.DataFrame
    findings: pd.DataFrame
    effects: pd.DataFrame
    comparisons: pd.DataFrame
    review_statements: pd.DataFrame
    codes: pd.DataFrame
    claims: pd.DataFrame
    themes: pd.DataFrame
    examples: pd.DataFrame
    appraisal: pd.DataFrame
    propositions: pd.DataFrame
    proposition_evidence: pd.DataFrame
    proposition_confidence: pd.DataFrame
    screening: pd.DataFrame
    checks: pd.DataFrame
    audit: pd.DataFrame
    coverage: pd.DataFrame
    codebook: Codebook
    filters: tuple[str, ...] = field(default=())

    def __len__(self) -> int:
        """Return the number of publications."""
        return len(self.studies)

    @cached_property
    def agreed(self) -> pd.DataFrame:
        """The agreed codes of the latest round, with the domain and label of their theme and their study's design.

        Returns
        -------
        pandas.DataFrame
            A row a code: ``finding, key, theme, role, domain, label, design``.
        """
        return self.coded_by("agreed")

    def coded_by(self, coder: str, round: int | None = None) -> pd.DataFrame:
        """Return the codes of one coder in one round.

        Parameters
        ----------
        coder : str
            ``agreed``, ``first``, ``second``, or a person's initials.
        round : int, optional
            Round of coding; without it the latest in which this coder coded.

        Returns
        -------
        pandas.DataFrame
            A row a code: ``finding, key, theme, role, domain, label, design``.
        """
        coder = self._known(coder, self.codes.coder.unique(), "coder")[0] if len(self.codes) else coder
        codes = self.codes[self.codes.coder == coder]
        codes = codes[codes["round"] == (codes["round"].max() if round is None else round)]
        codes = codes.loc[codes.theme.notna(), ["finding", "key", "theme", "role"]]
        codes = codes.merge(self.themes[["theme", "domain", "label"]], on="theme", how="left")
        codes = codes.merge(self.studies[["key", "design"]], on="key", how="left")
        return codes.astype({"theme": pd.CategoricalDtype(self.themes.theme)})

    @cached_property
    def reviews(self) -> frozenset[str]:
        """Keys of the reviews: they are listed beside counts of evidence, never in them."""
        return frozenset(self.studies.key[self.studies.design.isin(REVIEWS)])

    @cached_property
    def _countries_of(self) -> pd.Series:
        return self.places.drop_duplicates(["key", "country"]).groupby("key").country_name.agg(", ".join)

    def _appraised_each(self, keys: pd.Series) -> pd.Series:
        return keys.map({key: self.appraised([key]) for key in set(keys)}).astype("str")

    @cached_property
    def _sample_of(self) -> dict[str, str]:
        known = self.studies.set_index("key")["sample"].dropna()
        return dict(known)

    def count_samples(self, keys: Iterable[str]) -> int:
        """Return how many samples the publications `keys` have between them.

        A publication whose sample is not known counts as one of its own, so the number is an upper bound.
        """
        return len({self._sample_of.get(key, f"publication {key}") for key in set(keys)})

    # ------------------------------------------------------------------ filters

    def where(
        self,
        *,
        country: str | Iterable[str] | None = None,
        theme: str | Iterable[str] | None = None,
        design: str | Iterable[str] | None = None,
        year: int | tuple[int | None, int | None] | None = None,
        text: str | None = None,
        key: str | Iterable[str] | None = None,
        place: str | Iterable[str] | None = None,
    ) -> Corpus:
        """Return the corpus of the studies that meet every condition, with all that belongs to them.

        Parameters
        ----------
        country : str or iterable of str
            ISO 3166-1 alpha-3 code or English name; several mean any of them.
        theme : str or iterable of str
            Theme id; keeps the studies that have it among the agreed codes, with *all* their findings
            (`findings_where` narrows findings).
        design : str or iterable of str
        year : int or (int or None, int or None)
            Year of publication, or first and last year, None for an open end.
        text : str
            Words looked for, in any case, in titles, summaries and statements.
        key : str or iterable of str
            Citation keys.
        place : str or iterable of str
            Words looked for in the names of places, such as ``"Tijuana"``.

        Raises
        ------
        ValueError
            For a country, theme, design or key that is not in the corpus; near names are offered.
        """
        keep = set(self.studies.key)
        said = []
        if country is not None:
            codes = [_countries.code(one) for one in _several(country)]
            keep &= set(self.places.key[self.places.country.isin(codes)])
            said.append(f"country: {_words([_countries.name(one) for one in codes])}")
        if theme is not None:
            chosen = self._themes_in_use(theme)
            keep &= set(self.agreed.key[self.agreed.theme.isin(chosen)])
            said.append(f"theme: {_words(chosen)} among the agreed codes, with all findings of these studies")
        if design is not None:
            chosen = self._known(design, self.studies.design.cat.categories, "design")
            keep &= set(self.studies.key[self.studies.design.isin(chosen)])
            said.append(f"design: {_words(chosen)}")
        if year is not None:
            first, last = (year, year) if isinstance(year, int) else year
            first = int(self.studies.year.min()) if first is None else first
            last = int(self.studies.year.max()) if last is None else last
            keep &= set(self.studies.key[self.studies.year.between(first, last)])
            said.append(f"year: {first}" if first == last else f"years: {first} to {last}")
        if text is not None:
            hits = self.studies.title.str.contains(text, case=False, regex=False) | self.studies.summary.str.contains(
                text, case=False, regex=False
            ).fillna(False)
            found = self.findings.statement.str.contains(text, case=False, regex=False)
            keep &= set(self.studies.key[hits]) | set(self.findings.key[found])
            said.append(f"text: {text!r} in title, summary or a statement")
        if key is not None:
            chosen = self._known(key, self.studies.key, "citation key")
            keep &= set(chosen)
            said.append(f"{len(chosen)} citation keys" if len(chosen) > 3 else f"key: {_words(chosen)}")
        if place is not None:
            names = _several(place)
            hits = pd.Series(False, index=self.places.index)
            for one in names:
                hits |= self.places.place.str.contains(one, case=False, regex=False).fillna(False)
            keep &= set(self.places.key[hits])
            said.append(f"place: {_words(names)}")
        return self._keep(self.studies.key.isin(keep), self.findings.key.isin(keep), said)

    def findings_where(
        self,
        *,
        theme: str | Iterable[str] | None = None,
        kind: str | Iterable[str] | None = None,
        claim: str | Iterable[str] | None = None,
        direction: str | Iterable[str] | None = None,
        text: str | None = None,
    ) -> Corpus:
        """Return the corpus of the *findings* that meet every condition, and of their studies.

        Parameters
        ----------
        theme, kind, claim, direction : str or iterable of str
        text : str
            Words looked for, in any case, in statements.
        """
        keep = pd.Series(True, index=self.findings.index)
        said = []
        if theme is not None:
            chosen = self._themes_in_use(theme)
            keep &= self.findings.finding.isin(self.agreed.finding[self.agreed.theme.isin(chosen)])
            said.append(f"findings coded {_words(chosen)}")
        for name, value in (("kind", kind), ("claim", claim), ("direction", direction)):
            if value is not None:
                chosen = self._known(value, self.findings[name].cat.categories, name)
                keep &= self.findings[name].isin(chosen)
                said.append(f"findings with {name} {_words(chosen)}")
        if text is not None:
            keep &= self.findings.statement.str.contains(text, case=False, regex=False)
            said.append(f"findings that mention {text!r}")
        return self._keep(self.studies.key.isin(set(self.findings.key[keep])), keep, said)

    def _keep(self, studies: pd.Series, findings: pd.Series, said: list[str]) -> Corpus:
        keys = set(self.studies.key[studies])
        findings_kept = self.findings[findings]
        ids = set(findings_kept.finding)
        samples = set(self.studies["sample"][studies].dropna())
        return replace(
            self,
            studies=_narrow(self.studies[studies]),
            samples=_narrow(self.samples[self.samples["sample"].isin(samples)]),
            places=_narrow(self.places[self.places.key.isin(keys)]),
            findings=_narrow(findings_kept),
            effects=_narrow(self.effects[self.effects.finding.isin(ids)]),
            comparisons=_narrow(self.comparisons[self.comparisons.finding.isin(ids)]),
            review_statements=_narrow(self.review_statements[self.review_statements.finding.isin(ids)]),
            codes=_narrow(self.codes[self.codes.finding.isin(ids)], but={"theme"}),
            claims=_narrow(self.claims[self.claims.finding.isin(ids)]),
            proposition_evidence=_narrow(self.proposition_evidence[self.proposition_evidence.finding.isin(ids)]),
            appraisal=_narrow(self.appraisal[self.appraisal.key.isin(keys)]),
            checks=_narrow(self.checks[self.checks.key.isin(keys)]),
            audit=_narrow(self.audit[self.audit.key.isin(keys)]),
            coverage=_narrow(self.coverage[self.coverage.review.isin(keys)]),
            filters=self.filters + tuple(said),
        )

    def _themes_in_use(self, theme: str | Iterable[str]) -> list[str]:
        chosen = self._known(theme, self.themes.theme, "theme")
        for one in chosen:
            if retired := self.codebook[one].retired:
                raise ValueError(f"The theme {one!r} is retired. {retired}.")
        return chosen

    @staticmethod
    def _known(value: str | Iterable[str], known: Iterable[str], what: str) -> list[str]:
        known = [str(one) for one in known]
        chosen = _several(value)
        for one in chosen:
            if one not in known:
                near = difflib.get_close_matches(one, known, n=3, cutoff=0.4)
                hint = f"did you mean {' or '.join(near)}?" if near else f"known are: {', '.join(known[:20])}"
                raise ValueError(f"No {what} {one!r} in this corpus; {hint}")
        return chosen

    # ------------------------------------------------------------------ evidence and citations

    def evidence(self, theme: str) -> pd.DataFrame:
        """Return the trail from a theme to what stands behind it.

        Parameters
        ----------
        theme : str
            Theme id.

        Returns
        -------
        pandas.DataFrame
            A row a finding that has the theme among its agreed codes: ``citation, year, design, countries,
            statement, claim, direction, locator, read, appraisal, finding, key, doi``; reviews stand last.
            ``appraisal`` says how the items of its design's checklist were answered.
        """
        chosen = self._themes_in_use(theme)
        ids = self.agreed.finding[self.agreed.theme.isin(chosen)]
        trail = self.findings[self.findings.finding.isin(ids)].merge(self.studies, on="key", validate="many_to_one")
        trail["countries"] = trail.key.map(self._countries_of).astype("str")
        trail["appraisal"] = self._appraised_each(trail.key)
        trail["review"] = trail.key.isin(self.reviews)
        trail = trail.sort_values(["review", "year", "key"], kind="stable", ignore_index=True)
        return trail[
            ["citation", "year", "design", "countries", "statement", "claim", "direction", "locator", "read",
             "appraisal", "finding", "key", "doi"]
        ]  # fmt: skip

    def coded_findings(self) -> pd.DataFrame:
        """Return every finding with its agreed themes, in the order of the corpus.

        Returns
        -------
        pandas.DataFrame
            A row a finding: ``citation, statement, claim, direction, themes, locator, finding``; ``themes`` are
            labels separated by semicolons.
        """
        themes = self.agreed.groupby("finding").label.agg("; ".join)
        rows = self.findings.merge(self.studies[["key", "citation"]], on="key")
        rows["themes"] = rows.finding.map(themes).astype("str")
        return rows[["citation", "statement", "claim", "direction", "themes", "locator", "finding"]]

    def estimates(self) -> pd.DataFrame:
        """Return every numeric estimate with its finding.

        Returns
        -------
        pandas.DataFrame
            A row an estimate: ``citation, statement, measure, estimate, ci_low, ci_high, adjusted, comparator,
            direction, level, reporting, appraisal, locator, finding``.
        """
        rows = self.effects.merge(self.findings, on="finding").merge(self.studies[["key", "citation"]], on="key")
        rows["appraisal"] = self._appraised_each(rows.key)
        return rows[
            ["citation", "statement", "measure", "estimate", "ci_low", "ci_high", "adjusted", "comparator", "direction",
             "level", "reporting", "appraisal", "locator", "finding"]
        ]  # fmt: skip

    def standing(self) -> pd.DataFrame:
        """Return what stands behind each proposition for practice.

        Returns
        -------
        pandas.DataFrame
            A row a proposition: ``proposition, lesson, point_label, statement``; ``supports, qualifies,
            contradicts, called_for``, the studies, reviews left out, that have such a finding; ``samples``, at
            most so many behind those that support; ``reviews`` that support, beside; ``countries`` of the studies
            that support; ``appraisal``, how their checklists were answered; ``confidence`` in words. A study with
            findings of two kinds counts in both.
        """
        evidence = self.proposition_evidence.merge(self.findings[["finding", "key"]], on="finding")
        where = self.places.drop_duplicates(["key", "country"])
        overall = self.proposition_confidence[self.proposition_confidence.domain == "overall"]
        rows = []
        for row in self.propositions.to_dict("records"):
            mine = evidence[evidence.proposition == row["proposition"]]
            keys = {stance: set(mine.key[mine.stance == stance]) for stance in _STANCES}
            supporting = keys["supports"] - self.reviews
            judged = overall[overall.proposition == row["proposition"]]
            words = [
                str(one.judgement) if one.framework == "none" else f"{one.framework} {one.judgement}"
                for one in judged.itertuples()
            ]
            rows.append(
                {name: row[name] for name in ("proposition", "lesson", "point_label", "statement")}
                | {stance.replace("-", "_"): len(keys[stance] - self.reviews) for stance in _STANCES}
                | {
                    "samples": self.count_samples(supporting),
                    "reviews": len(keys["supports"] & self.reviews),
                    "appraisal": self.appraised(supporting),
                    "countries": ", ".join(sorted(set(where.country_name[where.key.isin(supporting)]))),
                    "confidence": "; ".join(words),
                }
            )
        frame = pd.DataFrame(rows)
        return frame.astype(
            dict.fromkeys(("proposition", "point_label", "statement", "countries", "confidence"), "str")
        )

    def practice_summary(self) -> pd.DataFrame:
        """Return what stands behind each point of practice, on one page.

        Returns
        -------
        pandas.DataFrame
            A row a point: ``point, propositions, supports, samples, qualifies, contradicts, called_for``, as in
            `standing`, each study counted once a point; ``appraisal``, how the checklists of the studies that
            support were answered; ``confidence``, the overall judgements, the best first.
        """
        evidence = self.proposition_evidence.merge(self.findings[["finding", "key"]], on="finding")
        evidence = evidence.merge(self.propositions[["proposition", "point"]], on="proposition")
        evidence = evidence[~evidence.key.isin(self.reviews)]
        overall = self.proposition_confidence[self.proposition_confidence.domain == "overall"]
        overall = overall.merge(self.propositions[["proposition", "point"]], on="proposition")
        ranks = ["high", "moderate", "low", "very low", "none in this corpus"]
        rows = []
        for point, propositions in self.propositions.groupby("point", sort=False):
            mine = evidence[evidence.point == point]
            keys = {stance: set(mine.key[mine.stance == stance]) for stance in _STANCES if stance != "context"}
            judged = set(overall.judgement[overall.point == point])
            rows.append(
                {"point": propositions.point_label.iloc[0], "propositions": len(propositions)}
                | {stance.replace("-", "_"): len(found) for stance, found in keys.items()}
                | {
                    "samples": self.count_samples(keys["supports"]),
                    "appraisal": self.appraised(keys["supports"]),
                    "confidence": ", ".join(one for one in ranks if one in judged),
                }
            )
        columns = [
            "point",
            "propositions",
            "supports",
            "samples",
            "qualifies",
            "contradicts",
            "called_for",
            "confidence",
        ]
        return pd.DataFrame(rows, columns=columns).astype({"point": "str", "confidence": "str"})

    def behind(self, proposition: str) -> pd.DataFrame:
        """Return the findings that bear on a proposition, those that support it first.

        Parameters
        ----------
        proposition : str
            Id of a proposition, such as ``pol-training.1``.

        Returns
        -------
        pandas.DataFrame
            A row a finding: ``stance, citation, design, countries, statement, claim, reason, finding``.
        """
        chosen = self._known(proposition, self.propositions.proposition, "proposition")
        rows = self.proposition_evidence[self.proposition_evidence.proposition.isin(chosen)]
        rows = rows.merge(self.findings, on="finding").merge(self.studies[["key", "citation", "design"]], on="key")
        rows["countries"] = rows.key.map(self._countries_of).astype("str")
        rows = rows.sort_values("stance", key=lambda stance: stance.cat.codes, kind="stable", ignore_index=True)
        return rows[["stance", "citation", "design", "countries", "statement", "claim", "reason", "finding"]]

    def to_recode(self) -> pd.DataFrame:
        """Return the codes of the latest round whose theme has been retired since: what is left to recode.

        Returns
        -------
        pandas.DataFrame
            A row a code: ``finding, coder, theme, role, choose_from, statement``; ``choose_from`` are the themes that
            took the old one over, separated by commas, empty where none did.
        """
        retired = {
            theme.id: ", ".join(self.codebook.successors(theme.id)) for theme in self.codebook.themes if theme.retired
        }
        codes = self.codes[(self.codes["round"] == self.codes["round"].max()) & self.codes.theme.isin(retired)]
        rows = codes.merge(self.findings[["finding", "statement"]], on="finding", how="left", validate="many_to_one")
        rows["choose_from"] = rows.theme.astype("str").map(retired).astype("str")
        rows = rows.sort_values(["coder", "theme"], kind="stable", ignore_index=True)
        return rows[["finding", "coder", "theme", "role", "choose_from", "statement"]]

    def methods_notes(self) -> pd.DataFrame:
        """Return the notes on sample, recruitment, analysis and stated limits: ``citation, note``, a row a note."""
        notes = self.studies[["citation", "methods_notes"]].dropna()
        notes = notes.assign(note=notes.methods_notes.str.split(" | ", regex=False)).explode("note")
        return notes[["citation", "note"]].reset_index(drop=True)

    def shared_samples(self) -> pd.DataFrame:
        """Return the samples that more than one publication reports on, the most used first.

        Returns
        -------
        pandas.DataFrame
            A row a sample: ``name, place, years, publications, sample``.
        """
        used = self.studies["sample"].value_counts()
        rows = self.samples.assign(publications=self.samples["sample"].map(used).fillna(0).astype(int))
        rows = rows[rows.publications > 1].sort_values(["publications", "sample"], ascending=[False, True])
        return rows[["name", "place", "years", "publications", "sample"]].reset_index(drop=True)

    def audit_rates(self) -> pd.DataFrame:
        """Return what each round of checking records against their pages compared, and what it found wrong.

        Returns
        -------
        pandas.DataFrame
            Rows a round and part: ``round, studies`` (records checked), ``part`` (fields of the record, of which
            some wrong or empty; statements of findings; numbers of findings), ``compared``, ``wrong``, ``empty``,
            ``overstated``, and ``percent``, all faults over what was compared; missing where a round did not count
            that. A statement counts once.
        """
        faults = self.audit.assign(
            part=self.audit.table.astype("str").map({"findings": "statements", "effects": "numbers"}).fillna("fields")
        )
        told = (faults.part != "statements") | (faults.field == "statement")
        numbers = (faults.part != "numbers") | faults.field.isin(
            ["measure", "estimate", "ci_low", "ci_high", "ci_level"]
        )
        counted = faults[told & numbers].groupby(["round", "part", "fault"], observed=False).size()
        rows = []
        for round_, checked in self.checks.groupby("round"):
            for part, column in (("fields", "fields"), ("statements", "findings"), ("numbers", "estimates")):
                compared = int(checked[column].sum())
                found = {name: int(counted.get((round_, part, name), 0)) for name in ("wrong", "empty", "overstated")}
                rows.append(
                    {"round": int(round_), "studies": len(checked), "part": part, "compared": compared}
                    | found
                    | {"percent": round(100 * sum(found.values()) / compared, 1) if compared else None}
                )
        columns = ["round", "studies", "part", "compared", "wrong", "empty", "overstated", "percent"]
        return pd.DataFrame(rows, columns=columns).astype({"part": "str", "percent": "float64"})

    def coverage_summary(self) -> pd.DataFrame:
        """Return how much of what each published review included is in the corpus.

        Returns
        -------
        pandas.DataFrame
            A row a review that names the studies it included: ``citation, title, seen`` (included studies that a page
            showed), ``in_corpus, lacking, excluded``; reviews whose list was not seen have 0 seen.
        """
        reviews = self.studies[self.studies.key.isin(self.reviews)].set_index("key")
        counts = pd.crosstab(self.coverage.review, self.coverage.status.astype("str"))
        counts = counts.reindex(index=reviews.index, columns=["in", "lacking", "excluded"], fill_value=0)
        table = reviews[["citation", "title"]].join(counts)
        table.insert(2, "seen", counts.sum(axis=1))
        table = table.rename(columns={"in": "in_corpus"}).sort_values(["seen", "citation"], ascending=[False, True])
        return table.reset_index(drop=True)

    def appraised(self, keys: Iterable[str]) -> str:
        """Return in words how the checklists of the studies `keys` were answered, funding and interests left out."""
        answers = self.appraisal[self.appraisal.key.isin(set(keys)) & (self.appraisal.checklist != "interests")].answer
        answers = answers[answers != "not applicable"]
        if answers.empty:
            return "not appraised"
        yes, no = int((answers == "yes").sum()), int((answers == "no").sum())
        return f"{yes} yes, {no} no, {len(answers) - yes - no} not judged"

    def cite(self, key: str | Iterable[str], style: str = "apa") -> str | list[str]:
        """Return the formatted reference of a study, or a list of them for several keys.

        Parameters
        ----------
        key : str or iterable of str
            Citation keys.
        style : str
            Name of a CSL style; see `litbench.references.cite`.
        """
        keys = self._known(key, self.studies.key, "citation key")
        rows = self.studies.set_index("key", drop=False).loc[keys]
        formatted = references.cite(rows, style)
        return formatted[0] if isinstance(key, str) else formatted

    # ------------------------------------------------------------------ in words

    def describe(self) -> dict[str, Any]:
        """Return what the corpus holds: counts of publications, samples, findings, countries, and the years."""
        primary = set(self.studies.key) - self.reviews
        return {
            "publications": len(self),
            "reviews": len(self.reviews),
            "samples": self.count_samples(primary),
            "findings": len(self.findings),
            "estimates": int(self.effects.estimate.notna().sum()),
            "countries": int(self.places.country.nunique()),
            "themes": int(self.agreed.theme.nunique()),
            "years": (int(self.studies.year.min()), int(self.studies.year.max())) if len(self) else None,
        }

    def __repr__(self) -> str:
        facts = self.describe()
        years = "no years" if facts["years"] is None else f"{facts['years'][0]} to {facts['years'][1]}"
        said = f", narrowed to {'; '.join(self.filters)}" if self.filters else ""
        return (
            f"Corpus {self.version}: {facts['publications']} publications ({facts['reviews']} of them reviews), "
            f"at most {facts['samples']} samples, {facts['findings']} findings, {facts['countries']} countries, "
            f"{years}{said}"
        )

    def _repr_html_(self) -> str:
        facts = self.describe()
        labels = {
            "publications": "publications",
            "reviews": "of them reviews",
            "samples": "samples at most",
            "findings": "findings",
            "estimates": "numeric estimates",
            "countries": "countries",
            "themes": "themes in use",
        }
        cells = "".join(
            f'<div style="margin-right:1.8em"><b style="font-size:1.5em">{facts[name]:,}</b><br>{label}</div>'
            for name, label in labels.items()
        )
        years = f", {facts['years'][0]} to {facts['years'][1]}" if facts["years"] else ""
        said = f"<p>Narrowed to {escape('; '.join(self.filters))}.</p>" if self.filters else ""
        return (
            f"<div><p><b>Corpus {escape(self.version)}</b>{years}: "
            f'a curated corpus, not a systematic review.</p><div style="display:flex;flex-wrap:wrap">{cells}</div>'
            f"{said}</div>"
        )


def _several(value: str | Iterable[str]) -> list[str]:
    return [value] if isinstance(value, str) else list(value)


def _words(values: list[str]) -> str:
    return " or ".join(values)


def _narrow(frame: pd.DataFrame, but: set[str] = frozenset()) -> pd.DataFrame:
    """Drop categories that no longer occur; the theme keeps the codebook's order and completeness."""
    frame = frame.reset_index(drop=True)
    for name in frame.columns[frame.dtypes == "category"]:
        if name not in but:
            frame[name] = frame[name].cat.remove_unused_categories()
    return frame
