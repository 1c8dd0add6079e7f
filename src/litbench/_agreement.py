"""Agreement between coders, with intervals, and where they differ.

Each measure is a function of sums over units, so one pass over the codes gives the sums of every study, and the
bootstrap over studies is a matrix product of resampling weights and these sums.
"""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pandas as pd

from litbench.codebook import NO_THEME

MEASURES = ("percent", "kappa", "alpha", "ac1")
OVERALL, SETS = "overall", "sets of themes (MASI)"
_REQUIRED = {"theme": ["finding", "theme", "coder"], "role": ["finding", "theme", "coder", "role"],
             "claim": ["finding", "claim", "coder"]}  # fmt: skip


def agreement(
    codes: pd.DataFrame, value: str = "theme", round: int | None = None, resamples: int = 1000, seed: int = 0
) -> pd.DataFrame:
    """Measure how far coders agree, overall and for each theme, role or kind of claim.

    Parameters
    ----------
    codes : pandas.DataFrame
        A row a code: ``finding, theme, coder`` (``corpus.codes``), with ``role`` or, for claims, ``claim``
        (``corpus.claims``). The coder ``agreed`` is left out: it is no independent coder. A coder without any
        row for a finding has not coded it; theme ``none`` says that it was read and given no theme.
    value : {"theme", "role", "claim"}
        What is compared. Themes: given or not, for each theme. Roles: of the codes that two coders gave alike.
        Claims: one for each finding.
    round : int, optional
        Round of coding; without it the latest.
    resamples : int
        Bootstrap samples, of whole studies: the findings of one study are not independent.
    seed : int
        Seed of the bootstrap.

    Returns
    -------
    pandas.DataFrame
        A row a theme (role, claim), then rows for all: ``overall``, over every decision taken, and for themes
        ``sets of themes (MASI)``, which compares the sets that coders gave to a finding. Columns: the value,
        ``n`` (units that two coders or more coded), ``given`` (units for which any coder chose it), and
        ``percent``, ``kappa``, ``alpha``, ``ac1``, each with ``_low`` and ``_high``, the limits of its 95 %
        percentile interval. A measure is missing where coders' choices do not vary.

    Raises
    ------
    ValueError
        Where a column is missing or fewer than two coders coded.

    Notes
    -----
    Percent agreement of pairs of coders; Cohen's kappa (1960), for more than two coders the mean over pairs
    (Light 1971); Krippendorff's alpha (2011), nominal, and with the distance MASI for sets (Passonneau 2006);
    Gwet's AC1 (2008), which stays meaningful for themes that are rarely given.
    """
    if missing := [name for name in _REQUIRED[value] if name not in codes]:
        raise ValueError(f"agreement() needs the column {missing[0]!r} to compare {value}s")
    codes = codes[codes.coder != "agreed"]
    if "round" in codes and len(codes):
        codes = codes[codes["round"] == (codes["round"].max() if round is None else round)]
    coders = sorted(codes.coder.unique())
    if len(coders) < 2:
        raise ValueError(
            f"agreement() compares two coders or more; here {'is one' if coders else 'are none'}: "
            f"{', '.join(coders) or 'no codes'}"
        )
    rng = np.random.default_rng(seed)
    if value == "theme":
        rows, studies = _themes(codes, coders)
    else:
        rows, studies = _nominal(codes, coders, value)
    weights = _weights(studies, resamples, rng)
    result = []
    for name, n, given, point, sums in rows:
        drawn = sums(weights)
        record = {value: name, "n": n, "given": given}
        for measure in MEASURES:
            record[measure] = point[measure]
            values = drawn[measure][np.isfinite(drawn[measure])]
            low, high = np.quantile(values, [0.025, 0.975]) if len(values) else (np.nan, np.nan)
            record[f"{measure}_low"], record[f"{measure}_high"] = low, high
        result.append(record)
    return pd.DataFrame(result).astype({value: "str"})


def _weights(studies: int, resamples: int, rng: np.random.Generator) -> np.ndarray:
    """Return how often each study is drawn in each resample, (resamples, studies)."""
    return rng.multinomial(studies, np.full(studies, 1 / studies), size=resamples).astype(float)


def _study_of(findings: pd.Index) -> tuple[np.ndarray, int]:
    keys, _ = pd.factorize(findings.str.rpartition(".").get_level_values(0) if len(findings) else findings)
    return keys, int(keys.max()) + 1 if len(keys) else 0


def _sums(ratings: np.ndarray, categories: int, study: np.ndarray, studies: int) -> np.ndarray:
    """Return, for each study, the sums from which every measure follows.

    Parameters
    ----------
    ratings : numpy.ndarray
        Categories as integers, (units, coders), -1 where a coder did not code the unit.
    """
    coders = ratings.shape[1]
    counts = np.stack([(ratings == category).sum(axis=1) for category in range(categories)], axis=1).astype(float)
    rated = counts.sum(axis=1)
    paired = rated >= 2
    safe = np.where(paired, rated, 2.0)
    alike = (counts * (counts - 1)).sum(axis=1)
    columns = [
        paired.astype(float),
        np.where(paired, alike / (safe * (safe - 1)), 0.0),  # percent agreement of the unit's pairs
        np.where(paired, alike / (safe - 1), 0.0),  # Krippendorff's observed coincidences on the diagonal
        np.where(rated > 0, 1.0, 0.0),
        *np.where(paired[:, None], counts, 0.0).T,  # Krippendorff's n_c
        *(counts / np.where(rated > 0, rated, 1.0)[:, None]).T,  # Gwet's pi_k
    ]
    for one, other in combinations(range(coders), 2):
        both = (ratings[:, one] >= 0) & (ratings[:, other] >= 0)
        for first in range(categories):
            for second in range(categories):
                columns.append((both & (ratings[:, one] == first) & (ratings[:, other] == second)).astype(float))
    table = np.column_stack(columns)
    sums = np.zeros((studies, table.shape[1]))
    np.add.at(sums, study, table)
    return sums


def _measures(sums: np.ndarray, categories: int) -> dict[str, np.ndarray]:
    """Return the four measures from sums over units, (resamples, sums) → (resamples,) each."""
    with np.errstate(divide="ignore", invalid="ignore"):
        paired, agreed, diagonal, rated = sums[:, :4].T
        n_c = sums[:, 4 : 4 + categories]
        pi = sums[:, 4 + categories : 4 + 2 * categories] / rated[:, None]
        percent = agreed / paired
        n = n_c.sum(axis=1)
        expected = n**2 - (n_c**2).sum(axis=1)
        alpha = np.where(expected > 0, 1 - (n - 1) * (n - diagonal) / expected, np.nan)
        chance = (pi * (1 - pi)).sum(axis=1) / max(categories - 1, 1)
        ac1 = (percent - chance) / (1 - chance)
        tables = sums[:, 4 + 2 * categories :].reshape(len(sums), -1, categories, categories)
        total = tables.sum(axis=(2, 3))
        observed = np.trace(tables, axis1=2, axis2=3) / total
        by_chance = (tables.sum(axis=3) * tables.sum(axis=2)).sum(axis=2) / total**2
        kappas = np.where(by_chance < 1, (observed - by_chance) / (1 - by_chance), np.nan)
        known = np.isfinite(kappas)
        kappa = np.where(known, kappas, 0.0).sum(axis=1) / known.sum(axis=1)
    return {"percent": percent, "kappa": kappa, "alpha": alpha, "ac1": ac1}


def _row(name: str, n: int, given: int, sums: np.ndarray, categories: int) -> tuple:
    point = {measure: float(values[0]) for measure, values in _measures(sums.sum(axis=0)[None], categories).items()}
    return name, n, given, point, lambda weights: _measures(weights @ sums, categories)


def _themes(codes: pd.DataFrame, coders: list[str]) -> tuple[list[tuple], int]:
    findings = pd.Index(codes.finding.unique()).sort_values()
    study, studies = _study_of(findings)
    themes = codes.theme.cat.categories if isinstance(codes.theme.dtype, pd.CategoricalDtype) else codes.theme.unique()
    used = set(codes.theme)
    themes = [str(theme) for theme in themes if theme in used and theme != NO_THEME]
    row = pd.Series(np.arange(len(findings)), index=findings)
    given = np.zeros((len(findings), len(coders), len(themes)), dtype=bool)
    read = np.zeros((len(findings), len(coders)), dtype=bool)
    column = {theme: number for number, theme in enumerate(themes)}
    for number, coder in enumerate(coders):
        mine = codes[codes.coder == coder]
        at = row[mine.finding].to_numpy()
        read[at, number] = True
        named = mine.theme.astype("str").map(column)
        given[at[named.notna()], number, named.dropna().astype(int)] = True
    paired = int((read.sum(axis=1) >= 2).sum())
    rows, together = [], None
    for theme in themes:
        ratings = np.where(read, given[:, :, column[theme]].astype(int), -1)
        sums = _sums(ratings, 2, study, studies)
        together = sums if together is None else together + sums
        rows.append(_row(theme, paired, int(given[:, :, column[theme]].any(axis=1).sum()), sums, 2))
    rows.append(_row(OVERALL, paired * len(themes), int(given.any(axis=1).sum()), together, 2))
    rows.append(_sets(given, read, study, studies, paired))
    return rows, studies


def _nominal(codes: pd.DataFrame, coders: list[str], value: str) -> tuple[list[tuple], int]:
    unit = codes.finding if value == "claim" else codes.finding + " " + codes.theme.astype("str")
    codes = codes.assign(unit=unit).dropna(subset=[value])
    wide = codes.pivot(index="unit", columns="coder", values=value).reindex(columns=coders)
    if value == "role":  # a role is compared only where the theme itself was given alike
        wide = wide[wide.notna().sum(axis=1) >= 2]
    paired = int((wide.notna().sum(axis=1) >= 2).sum())
    study, studies = _study_of(pd.Index(wide.index.str.partition(" ").get_level_values(0)))
    names = [name for name in _order(codes[value]) if (wide == name).any(axis=None)]
    ratings = np.full(wide.shape, -1)
    for number, name in enumerate(names):
        ratings[(wide == name).fillna(False).to_numpy()] = number
    rows = []
    for number, name in enumerate(names):
        binary = np.where(ratings < 0, -1, (ratings == number).astype(int))
        rows.append(_row(name, paired, int((binary == 1).any(axis=1).sum()), _sums(binary, 2, study, studies), 2))
    rows.append(_row(OVERALL, paired, len(wide), _sums(ratings, len(names), study, studies), len(names)))
    return rows, studies


def _order(values: pd.Series) -> list[str]:
    return list(values.cat.categories) if isinstance(values.dtype, pd.CategoricalDtype) else sorted(values.unique())


def masi(one: frozenset, other: frozenset) -> float:
    """Return the distance MASI of two sets: 1 minus Jaccard's index times how one contains the other.

    Passonneau, R. (2006). Measuring agreement on set-valued items (MASI) for semantic and pragmatic annotation.
    LREC 2006. Two empty sets are alike.
    """
    if one == other:
        return 0.0
    shared, either = len(one & other), len(one | other)
    contains = 2 / 3 if one < other or other < one else 1 / 3 if shared else 0.0
    return 1 - shared / either * contains


def _sets(given: np.ndarray, read: np.ndarray, study: np.ndarray, studies: int, paired: int) -> tuple:
    """Return the row of Krippendorff's alpha for the sets of themes; the other measures do not apply to sets."""
    sets = [
        [frozenset(np.flatnonzero(given[unit, coder])) if read[unit, coder] else None for coder in range(read.shape[1])]
        for unit in range(len(read))
    ]
    number: dict[frozenset, int] = {}
    for row in sets:
        for one in row:
            if one is not None:
                number.setdefault(one, len(number))
    known = list(number)
    distance = np.array([[masi(one, other) for other in known] for one in known])
    observed = np.zeros((studies, 1))
    counts = np.zeros((studies, len(known)))
    for unit, row in enumerate(sets):
        rated = [number[one] for one in row if one is not None]
        if len(rated) >= 2:
            observed[study[unit]] += distance[np.ix_(rated, rated)].sum() / (len(rated) - 1)
            np.add.at(counts[study[unit]], rated, 1)

    def alpha(weights: np.ndarray) -> dict[str, np.ndarray]:
        n_c = weights @ counts
        n = n_c.sum(axis=1)
        expected = ((n_c @ distance) * n_c).sum(axis=1)
        with np.errstate(divide="ignore", invalid="ignore"):
            value = np.where(expected > 0, 1 - (n - 1) * (weights @ observed)[:, 0] / expected, np.nan)
        nothing = np.full(len(weights), np.nan)
        return {"percent": nothing, "kappa": nothing, "alpha": value, "ac1": nothing}

    point = {measure: float(values[0]) for measure, values in alpha(np.ones((1, studies))).items()}
    return SETS, paired, int(given.any(axis=2).any(axis=1).sum()), point, alpha


def disagreements(corpus, value: str = "theme", round: int | None = None) -> pd.DataFrame:
    """Return the findings on which coders differ, with what each said and what was agreed.

    Parameters
    ----------
    corpus : Corpus
    value : {"theme", "role", "claim"}
    round : int, optional
        Round of coding; without it the latest.

    Returns
    -------
    pandas.DataFrame
        A row a finding (or, for roles, a code) that two or more coders read: ``finding, citation, statement``, a
        column for each coder with what this coder said beyond ``both``, which is what all said (missing where the
        coder did not read the finding), and ``agreed``. `litbench.intake.adjudicate` writes decisions back.
    """
    codes = corpus.claims if value == "claim" else corpus.codes
    if "round" in codes:
        codes = codes[codes["round"] == (codes["round"].max() if round is None else round)]
    unit = ["finding", "theme"] if value == "role" else ["finding"]
    said = (
        codes.astype({value: "str"} | ({"theme": "str"} if "theme" in codes else {}))
        .groupby([*unit, "coder"])[value]
        .agg(frozenset)
        .unstack("coder")
    )
    coders = [coder for coder in said.columns if coder != "agreed"]
    given = [[one for one in row if isinstance(one, frozenset)] for row in said[coders].itertuples(index=False)]
    several = [len(set(row)) > 1 for row in given]
    differ = said[several]
    shared = [frozenset.intersection(*row) for row, differs in zip(given, several, strict=True) if differs]
    table = pd.DataFrame(
        {
            coder: pd.Series(
                [_list(one - both) if isinstance(one, frozenset) else None for one, both in zip(differ[coder], shared)],
                dtype="str",
            )
            for coder in coders
        }
    ).dropna(axis="columns", how="all")
    table["both"] = [_list(one) for one in shared]
    if value == "claim":
        agreed = corpus.findings.set_index("finding").claim
        table["agreed"] = [str(agreed[finding]) for finding in differ.index]
    else:
        table["agreed"] = [_list(one) if isinstance(one, frozenset) else "" for one in differ.get("agreed", [])]
    table.insert(0, "finding", list(differ.index.get_level_values("finding")))
    if value == "role":
        table.insert(1, "theme", list(differ.index.get_level_values("theme")))
    texts = corpus.findings.merge(corpus.studies[["key", "citation"]], on="key")
    order = {finding: number for number, finding in enumerate(texts.finding)}
    table = table.merge(texts[["finding", "citation", "statement"]], on="finding")
    table = table.sort_values("finding", key=lambda column: column.map(order), kind="stable", ignore_index=True)
    return table[["finding", "citation", "statement", *[name for name in table if name not in texts.columns]]]


def _list(values: frozenset) -> str:
    return "; ".join(sorted(values))


def confusions(corpus, value: str = "theme", round: int | None = None) -> pd.DataFrame:
    """Return which themes (roles, claims) one coder gave where the other gave another, the most frequent first.

    Parameters
    ----------
    corpus : Corpus
    value : {"theme", "role", "claim"}
    round : int, optional

    Returns
    -------
    pandas.DataFrame
        A row a pair, ``one, other, findings, publications``; ``(nothing)`` where a coder gave a theme and the other
        none in its place. Which of two coders gave which is not told: neither is the standard.
    """
    table = disagreements(corpus, value, round)
    coders = [
        name for name in table.columns if name not in ("finding", "citation", "statement", "theme", "both", "agreed")
    ]
    rows = []
    for row in table.to_dict("records"):
        for one, other in combinations(coders, 2):
            if pd.isna(row[one]) or pd.isna(row[other]):
                continue
            left = row[one].split("; ") if row[one] else ["(nothing)"]
            right = row[other].split("; ") if row[other] else ["(nothing)"]
            rows += [(*sorted((a, b)), row["finding"]) for a in left for b in right]
    pairs = pd.DataFrame(rows, columns=["one", "other", "finding"])
    pairs["key"] = pairs.finding.str.rpartition(".")[0] if len(pairs) else pairs.finding
    counted = pairs.groupby(["one", "other"]).agg(findings=("finding", "nunique"), publications=("key", "nunique"))
    return counted.reset_index().sort_values(
        ["findings", "one", "other"], ascending=[False, True, True], ignore_index=True
    )
