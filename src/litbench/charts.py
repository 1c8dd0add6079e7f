"""Charts: each function takes a `Corpus` and returns a `Chart`, a figure with its numbers and its words.

What the charts keep to: publications and samples are counted, not findings; reviews stand beside the counts, not
in them; only effects and associations enter charts of direction; shares are shares of this corpus.
"""

from __future__ import annotations

import functools
import textwrap
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Polygon
from matplotlib.patheffects import withStroke
from matplotlib.textpath import text_to_path
from matplotlib.transforms import Bbox

from litbench import _countries
from litbench._display import Chart
from litbench._scoring import Score
from litbench._style import LOOK
from litbench._style import style as style
from litbench.corpus import Corpus
from litbench.documents import FullTexts

if TYPE_CHECKING:
    from litbench.effects import Pooled

FAMILIES = {
    "qualitative": "Qualitative",
    "mixed-methods": "Mixed methods",
    "cross-sectional": "Observational",
    "cohort": "Observational",
    "case-control": "Observational",
    "ecological": "Observational",
    "quasi-experimental": "Trials and quasi-experiments",
    "randomised-trial": "Trials and quasi-experiments",
    "modelling": "Modelling",
    "policy-analysis": "Policy analyses and reports",
    "report": "Policy analyses and reports",
    "systematic-review": "Reviews",
    "narrative-review": "Reviews",
}
_SHADED_FROM = 10  # studies; a share of fewer would outshine the rest
DIRECTED = ("effect", "association")  # the claims that say what policing does


def _styled(function: Callable[..., Chart]) -> Callable[..., Chart]:
    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Chart:
        with mpl.rc_context(LOOK.rc()):
            chart = function(*args, **kwargs)
            # The layout is computed once: computed anew at each resolution, it would differ in the last digits.
            chart.figure.draw_without_rendering()
            chart.figure.set_layout_engine("none")
            return chart

    return wrapper


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def _caption(corpus: Corpus, note: str = "") -> str:
    facts = corpus.describe()
    said = f" Narrowed to {'; '.join(corpus.filters)}." if corpus.filters else ""
    return (
        f"Corpus {corpus.version}: {_count(facts['publications'], 'publication')}, at most "
        f"{_count(facts['samples'], 'sample')}, {_count(facts['findings'], 'finding')}.{said} "
        f"A curated corpus, not a systematic review. {note}"
    ).strip()


def _wrap(text: str, inches: float, size: float, weight: str = "normal") -> list[str]:
    """Break a text into lines of at most so many inches, by the measured width of its letters."""
    font = FontProperties(size=size, weight=weight)
    lines: list[str] = []
    for word in text.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and text_to_path.get_text_width_height_descent(longer, font, False)[0] <= inches * 72:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines


def _figure(width: float, height: float, title: str, subtitle: str, caption: str) -> Figure:
    """Return a figure of `height` inches for the axes, with room kept for title, subtitle and caption."""
    room = width * 0.93  # letters drawn to whole pixels are a few per cent wider than measured
    title_lines = _wrap(title, room, 13, "bold")
    subtitle_lines = _wrap(subtitle, room, 9)
    caption_lines = _wrap(caption, room, 7.5)
    top = 0.16 + 0.25 * len(title_lines) + 0.18 * len(subtitle_lines) + 0.08
    bottom = 0.14 + 0.15 * len(caption_lines)
    total = height + top + bottom
    # The layout is computed at the resolution of the files: hinted letters are up to a tenth wider at another.
    figure = Figure(figsize=(width, total), dpi=130)
    figure.set_layout_engine("constrained", rect=(0.01, bottom / total, 0.98, height / total), w_pad=0.06, h_pad=0.04)
    line = 1 - 0.12 / total
    figure.text(0.015, line, "\n".join(title_lines), size=13, weight="bold", va="top", linespacing=1.35)
    line -= 0.25 * len(title_lines) / total
    figure.text(0.015, line, "\n".join(subtitle_lines), size=9, color=LOOK.soft, va="top", linespacing=1.4)
    figure.text(0.015, 0.06 / total, "\n".join(caption_lines), size=7.5, color=LOOK.soft, va="bottom", linespacing=1.4)
    return figure


def _nothing(name: str, corpus: Corpus, what: str) -> Chart:
    """Return the chart of an empty answer: that there is none is a result, not an error."""
    title = f"None in this corpus: {what}"
    figure = _figure(7, 0.6, title, "Nothing to draw.", _caption(corpus))
    return Chart(name, title, figure, pd.DataFrame({"publications": pd.Series(dtype="int64")}), "An empty chart.")


def _clean(ax: Axes) -> None:
    ax.tick_params(length=0)
    for spine in ax.spines.values():
        spine.set_visible(False)


def _ticks(ax: Axes, label: Callable[[float], str] = "{:g}".format) -> None:
    """Fix the ticks of the horizontal axis to those inside its limits."""
    low, high = ax.get_xlim()
    ticks = [tick for tick in ax.xaxis.get_major_locator().tick_values(low, high) if low <= tick <= high]
    ax.set_xticks(ticks, [label(tick) for tick in ticks])
    ax.set_xlim(low, high)


# ---------------------------------------------------------------------- the corpus


@_styled
def studies_by_year(corpus: Corpus) -> Chart:
    """Draw publications by year, a row of bars for each family of designs.

    Returns
    -------
    Chart
        ``data``: a row a year and family, ``year, designs, publications``.
    """
    if not len(corpus):
        return _nothing("studies_by_year", corpus, "publications")
    studies = corpus.studies.assign(designs=corpus.studies.design.map(FAMILIES).astype("str"))
    counted = studies.groupby(["year", "designs"], observed=True).size().rename("publications").reset_index()
    totals = counted.groupby("designs").publications.sum()
    order = [name for name in dict.fromkeys(FAMILIES.values()) if name in totals]
    first, last = int(studies.year.min()), int(studies.year.max())
    half = int(studies.year.sort_values().iloc[(len(studies) - 1) // 2])
    title = f"Half of the {len(studies):,} publications appeared in {half} or before, the first in {first}"
    figure = _figure(8, 0.62 * len(order) + 0.3, title, "Publications by year and design", _caption(corpus))
    axes = figure.subplots(len(order), 1, sharex=True, sharey=True, squeeze=False)[:, 0]
    for ax, name in zip(axes, order, strict=True):
        rows = counted[counted.designs == name]
        ax.bar(
            rows.year.astype(int), rows.publications, width=0.82, color=LOOK.accent if name != "Reviews" else LOOK.soft
        )
        ax.set_yticks([])
        ax.spines["left"].set_visible(False)
        ax.set_ylabel(f"{name}\n{totals[name]}", rotation=0, ha="right", va="center", size=9)
        peak = rows.loc[rows.publications.idxmax()]
        ax.annotate(str(peak.publications), (int(peak.year), peak.publications), xytext=(0, 1),
                    textcoords="offset points", ha="center", size=7.5, color=LOOK.soft)  # fmt: skip
        ax.tick_params(axis="x", length=2)
    axes[0].set_ylim(0, counted.publications.max() * 1.3)
    axes[-1].set_xlim(first - 0.7, last + 0.7)
    ticks = mpl.ticker.MaxNLocator(integer=True, nbins=8).tick_values(first, last)
    axes[-1].set_xticks([tick for tick in ticks if first <= tick <= last])
    listed = "; ".join(f"{name} {totals[name]}" for name in order)
    alt = f"Bars of publications by year from {first} to {last}, a row for each family of designs: {listed}."
    return Chart("studies_by_year", title, figure, counted.astype({"publications": "int64"}), alt)


@_styled
def places_map(corpus: Corpus, extent: tuple[float, float, float, float] | None = None, labels: int = 10) -> Chart:
    """Draw the places where studies were done, sized by the number of publications.

    Parameters
    ----------
    corpus : Corpus
    extent : (float, float, float, float), optional
        West, south, east, north in degrees (WGS 84) of the part to show; without it, the world.
    labels : int
        How many of the most studied places are named.

    Returns
    -------
    Chart
        ``data``: a row a place, ``place, country, publications, samples``.
    """
    places = corpus.places.dropna(subset=["lat", "lon"])
    if extent:
        west, south, east, north = extent
        places = places[places.lon.between(west, east) & places.lat.between(south, north)]
    if places.empty:
        return _nothing("places_map", corpus, "places with coordinates in this part of the world")
    # Places within about 50 km that carry one name, or none of their own, are one circle.
    spots = places.assign(spot=places.lat.round(1).astype(str) + "," + places.lon.round(1).astype(str))
    grouped = [
        (rows.place.mode().iloc[0], rows.country_name.iloc[0], rows.lat.mean(), rows.lon.mean(), rows.key.nunique(),
         corpus.count_samples(rows.key))
        for _, rows in spots.groupby("spot")
    ]  # fmt: skip
    drawn = pd.DataFrame(grouped, columns=["place", "country", "lat", "lon", "publications", "samples"])
    drawn = drawn.sort_values(["publications", "place"], ascending=[False, True], ignore_index=True)
    placed = places.key.nunique()
    top = drawn.iloc[0]
    title = f"{top.place} is the most studied place: {_count(int(top.publications), 'publication')}"
    without = len(corpus) - corpus.places.dropna(subset=["lat"]).key.nunique()
    note = "" if extent else f"{_count(without, 'publication')} name no place below a country."
    shape = 0.47 if not extent else min(max((extent[3] - extent[1]) / (extent[2] - extent[0]) * 1.2, 0.4), 1.0)
    width = 9 if not extent else 7.5
    subtitle = (
        f"{len(drawn)} places in {_count(placed, 'publication')}; the area of a circle is the number of publications"
    )
    figure = _figure(width, width * shape, title, subtitle, _caption(corpus, note))
    ax = figure.subplots()
    for rings in _countries.outlines().values():
        for ring in rings:
            for part in _unwrapped(ring):
                ax.add_patch(Polygon(part, closed=True, facecolor=LOOK.land, edgecolor=LOOK.paper, linewidth=0.5))
    scale = 16 if not extent else 26
    ax.scatter(drawn.lon, drawn.lat, s=drawn.publications * scale, color=LOOK.accent, alpha=0.65, linewidth=0.6,
               edgecolor=LOOK.paper)  # fmt: skip
    if extent:
        ax.set_xlim(west, east)
        ax.set_ylim(south, north)
    else:
        ax.set_xlim(-170, 180)
        ax.set_ylim(-56, 78)
    _clean(ax)
    ax.set_xticks([])
    ax.set_yticks([])
    _label_points(figure, ax, drawn.head(labels), scale)
    named = "; ".join(f"{row.place} {row.publications}" for row in drawn.head(labels).itertuples())
    alt = f"Map with {len(drawn)} places. Most publications: {named}."
    return Chart("places_map", title, figure, drawn[["place", "country", "publications", "samples"]], alt)


def _unwrapped(ring: list[tuple[float, float]]) -> list[np.ndarray]:
    """Return a ring as it is, or, where it crosses the antimeridian, once at either edge of the map."""
    points = np.array(ring)
    if np.abs(np.diff(points[:, 0])).max() < 180:
        return [points]
    east = np.where(points[:, :1] < 0, points[:, :1] + 360, points[:, :1])
    east = np.hstack([east, points[:, 1:]])
    return [east, east - [360, 0]]


def _label_points(figure: Figure, ax: Axes, points: pd.DataFrame, scale: float) -> None:
    """Name points, each at the first of eight sides where it meets no circle or name; else leave it to the table."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    canvas = FigureCanvasAgg(figure)
    figure.draw_without_rendering()
    renderer = canvas.get_renderer()
    bounds = ax.get_window_extent(renderer)
    circles = []
    for row in points.itertuples():
        radius = (row.publications * scale) ** 0.5 / 2 * figure.dpi / 72
        x, y = ax.transData.transform((row.lon, row.lat))
        circles.append(Bbox([[x - radius, y - radius], [x + radius, y + radius]]))
    taken: list[Any] = []
    # Small circles that carry no name may lie under one.
    halo = withStroke(linewidth=2, foreground=LOOK.paper)
    for number, row in enumerate(points.itertuples()):
        obstacles = circles[:number] + circles[number + 1 :]
        gap = (row.publications * scale) ** 0.5 / 2 + 2
        for x, y in ((1, 0), (-1, 0), (0, 1), (0, -1), (0.8, 0.8), (-0.8, 0.8), (0.8, -0.8), (-0.8, -0.8)):
            text = ax.annotate(
                f"{row.place} {row.publications}", (row.lon, row.lat), xytext=(x * gap, y * gap),
                textcoords="offset points", size=7.5, path_effects=[halo],
                ha={1: "left", -1: "right", 0: "center"}[int(np.sign(x))],
                va={1: "bottom", -1: "top", 0: "center"}[int(np.sign(y))],
            )  # fmt: skip
            box = text.get_window_extent(renderer)
            if (
                not any(box.overlaps(other) for other in taken + obstacles)
                and bounds.contains(box.x0, box.y0)
                and bounds.contains(box.x1, box.y1)
            ):
                taken.append(box)
                break
            text.remove()


@_styled
def studies_by_country(corpus: Corpus, top: int = 20) -> Chart:
    """Draw the countries by number of publications.

    Parameters
    ----------
    corpus : Corpus
    top : int
        How many countries have a bar of their own; the rest are one bar.

    Returns
    -------
    Chart
        ``data``: a row a country, ``country, publications, samples``; all countries, not the drawn ones alone.
    """
    counted = [
        (name, rows.key.nunique(), corpus.count_samples(rows.key))
        for name, rows in corpus.places.groupby("country_name")
    ]
    if not counted:
        return _nothing("studies_by_country", corpus, "countries")
    data = pd.DataFrame(counted, columns=["country", "publications", "samples"])
    data = data.sort_values(["publications", "country"], ascending=[False, True], ignore_index=True)
    drawn = data.head(top)
    rest = data.iloc[top:]
    share = data.publications.head(3).sum() / data.publications.sum()
    names = ", ".join(data.country.head(3))
    title = f"{names}: {share:.0%} of all study countries in this corpus"
    without = len(corpus) - corpus.places.key.nunique()
    note = f"{_count(without, 'publication')} (worldwide reviews) name no country." if without else ""
    if len(rest):
        note = f"{len(rest)} more countries have {rest.publications.max()} or fewer publications each. " + note
    subtitle = "Publications by country (bar) and samples, at most (tick); a study of two countries counts in both"
    figure = _figure(7.5, 0.2 * len(drawn) + 0.2, title, subtitle, _caption(corpus, note))
    ax = figure.subplots()
    _bars(ax, drawn.country, drawn.publications, drawn.samples)
    listed = "; ".join(f"{row.country} {row.publications}" for row in data.head(10).itertuples())
    return Chart("studies_by_country", title, figure, data, f"Bars of publications by country: {listed}.")


def _bars(ax: Axes, names: pd.Series, values: pd.Series, ticks: pd.Series | None = None, color: Any = None) -> None:
    rows = np.arange(len(names))
    ax.barh(rows, values, height=0.72, color=color or LOOK.accent)
    if ticks is not None:
        ax.vlines(ticks, rows - 0.36, rows + 0.36, color=LOOK.paper, linewidth=2.2)
        ax.vlines(ticks, rows - 0.36, rows + 0.36, color=LOOK.ink, linewidth=1.1)
    for row, value in zip(rows, values, strict=True):
        ax.text(value, row, f" {value:,}", va="center", size=8)
    ax.set_yticks(rows, names)
    ax.set_ylim(len(rows) - 0.4, -0.6)
    ax.set_xlim(0, max(values.max(), 1) * 1.08)
    ax.set_xticks([])
    _clean(ax)


@_styled
def known_fields(corpus: Corpus) -> Chart:
    """Draw for how many studies each thing is known: what is missing, and so what cannot be asked yet.

    Returns
    -------
    Chart
        ``data``: a row a field, ``field, known, of``.
    """
    studies = corpus.studies
    if not len(studies):
        return _nothing("known_fields", corpus, "publications")
    primary = ~studies.key.isin(corpus.reviews)
    located = set(corpus.places.key)
    placed = set(corpus.places.dropna(subset=["lat"]).key)
    facts = [
        ("DOI, PMID or PMCID", studies[["doi", "pmid", "pmcid"]].notna().any(axis=1)),
        ("Complete author list", studies.authors_complete),
        ("Country", studies.key.isin(located)),
        ("Number studied", studies.n.notna()),
        ("Place below the country", studies.key.isin(placed)),
        ("Years of data collection", studies.data_start.notna()),
        ("Which sample it shares", studies["sample"].notna()),
        ("Compared with its page by a second reader", studies.checked.notna()),
        ("Read in full text", studies.read == "full text"),
    ]
    rows = [(name, int((known.fillna(False) & primary).sum()), int(primary.sum())) for name, known in facts]
    data = pd.DataFrame(rows, columns=["field", "known", "of"]).sort_values("known", ascending=False, ignore_index=True)
    full = int(data.known[data.field == "Read in full text"].iloc[0])
    read = "study was" if full == 1 else "studies were"
    title = f"{full} {read} read in full text, {int(primary.sum()) - full} in their abstracts"
    subtitle = "Studies for which each thing is known; reviews are left out"
    figure = _figure(7.5, 0.3 * len(data) + 0.2, title, subtitle, _caption(corpus))
    ax = figure.subplots()
    places = np.arange(len(data))
    ax.barh(places, data.of, height=0.62, color=LOOK.stripe)
    ax.barh(places, data.known, height=0.62, color=LOOK.accent)
    for place, row in zip(places, data.itertuples(), strict=True):
        ax.text(row.of, place, f"  {row.known} of {row.of}", va="center", size=8)
    ax.set_yticks(places, data.field)
    ax.set_ylim(len(data) - 0.4, -0.6)
    ax.set_xlim(0, int(primary.sum()) * 1.16)
    ax.set_xticks([])
    _clean(ax)
    alt = (
        "Bars of what is known. " + "; ".join(f"{row.field} {row.known} of {row.of}" for row in data.itertuples()) + "."
    )
    return Chart("known_fields", title, figure, data, alt)


@_styled
def error_rates(corpus: Corpus) -> Chart:
    """Draw what each round of checking against the pages found wrong: how right the corpus was, and is.

    Returns
    -------
    Chart
        ``data``: a row a round and part that it compared, ``round, studies, part, compared, faults, percent, low,
        high``; the interval is the exact binomial one of 95 %, as if no two faults stood in one study.
    """
    from scipy.stats import binomtest

    data = corpus.audit_rates()
    data = data[data.compared > 0].reset_index(drop=True)
    if data.empty:
        return _nothing("error_rates", corpus, "rounds of checking")
    data["faults"] = data[["wrong", "empty", "overstated"]].sum(axis=1)
    exact = [binomtest(row.faults, row.compared).proportion_ci(method="exact") for row in data.itertuples()]
    data["percent"] = 100 * data.faults / data.compared
    data["low"], data["high"] = ([100 * getattr(one, end) for one in exact] for end in ("low", "high"))
    data = data[["round", "studies", "part", "compared", "faults", "percent", "low", "high"]]
    last = data[data["round"] == data["round"].max()]
    said = [f"{row.percent:.1f} % of {row.part}" for row in last.sort_values("percent", ascending=False).itertuples()]
    title = f"At fault in the last round: {', '.join(said)}"
    subtitle = "Faults in what was compared with the pages, in per cent, with the exact 95 % interval; by round"
    rounds = data.drop_duplicates("round")
    row = {number: at for at, number in enumerate(rounds["round"])}
    parts = [part for part in ("statements", "fields", "numbers") if part in set(data.part)]
    note = "Faults of one study may belong together: the intervals are then too narrow."
    figure = _figure(9, 0.34 * len(rounds) + 0.7, title, subtitle, _caption(corpus, note))
    for ax, part in zip(figure.subplots(1, len(parts), sharex=True, sharey=True, squeeze=False)[0], parts, strict=True):
        here = data[data.part == part]
        at = here["round"].map(row)
        ax.hlines(at, here.low, here.high, color=LOOK.pale, linewidth=2.4)
        ax.scatter(here.percent, at, color=LOOK.accent, s=24, zorder=3)
        for y, one in zip(at, here.itertuples(), strict=True):
            ax.text(one.high + 0.3, y, f"{one.faults} of {one.compared:,}", va="center", size=7, color=LOOK.soft)
        ax.set_title(part[0].upper() + part[1:], size=9, loc="left")
        ax.set_yticks(range(len(rounds)), [f"Round {one.round}: {one.studies} studies" for one in rounds.itertuples()])
        ax.set_ylim(len(rounds) - 0.4, -0.6)
        ax.set_xlim(-0.03 * float(data.high.max()), 1.45 * float(data.high.max()))
        _ticks(ax)
        ax.grid(axis="x", color=LOOK.grid)
        _clean(ax)
    alt = "Points of faults in per cent. " + "; ".join(
        f"Round {one.round}, {one.part} {one.percent:.1f}" for one in data.itertuples()
    )
    return Chart("error_rates", title, figure, data, alt + ".")


# ---------------------------------------------------------------------- themes


def _theme_counts(corpus: Corpus) -> pd.DataFrame:
    """Return a row a theme in use: ``theme, label, domain, publications, samples, reviews``, in codebook order."""
    rows = []
    for theme, codes in corpus.agreed.groupby("theme", observed=True):
        keys = set(codes.key)
        primary = keys - corpus.reviews
        rows.append(
            (str(theme), codes.label.iloc[0], codes.domain.iloc[0], len(primary), corpus.count_samples(primary),
             len(keys & corpus.reviews))
        )  # fmt: skip
    return pd.DataFrame(rows, columns=["theme", "label", "domain", "publications", "samples", "reviews"])


@_styled
def themes_by_studies(corpus: Corpus) -> Chart:
    """Draw the themes by number of publications and samples, in their domains.

    Returns
    -------
    Chart
        ``data``: a row a theme, ``theme, label, domain, publications, samples, reviews``.
    """
    data = _theme_counts(corpus)
    if data.empty:
        return _nothing("themes_by_studies", corpus, "coded findings")
    domains = [domain for domain in corpus.codebook.domains if domain.id in set(data.domain)]
    of = len(corpus) - len(corpus.reviews)
    data = data.sort_values(["publications", "theme"], ascending=[False, True], kind="stable", ignore_index=True)
    top = data.iloc[0]
    title = f"{top.label} is in {top.publications} of {of} studies, more than any other theme"
    subtitle = "Publications that have the theme (bar) and samples, at most (tick); agreed codes, reviews left out"
    heights = [int((data.domain == domain.id).sum()) for domain in domains]
    figure = _figure(8, 0.205 * sum(heights) + 0.32 * len(domains), title, subtitle, _caption(corpus))
    axes = figure.subplots(len(domains), 1, sharex=True, height_ratios=heights, squeeze=False)[:, 0]
    for ax, domain in zip(axes, domains, strict=True):
        rows = data[data.domain == domain.id]
        _bars(ax, rows.label, rows.publications, rows.samples)
        ax.set_title(domain.label, loc="left", size=9.5, weight="bold", pad=3)
    axes[0].set_xlim(0, data.publications.max() * 1.08)
    listed = "; ".join(f"{row.label} {row.publications}" for row in data.head(8).itertuples())
    alt = f"Bars of publications by theme, {len(data)} themes in {len(domains)} domains. Most: {listed}."
    return Chart("themes_by_studies", title, figure, data, alt)


def _matrix(
    name: str,
    counts: pd.DataFrame,
    totals: pd.Series,
    labels: Mapping[str, str],
    title: str,
    subtitle: str,
    caption: str,
    data: pd.DataFrame,
    alt: str,
) -> Chart:
    """Draw counts (themes × groups), shaded by their share of the group's publications."""
    if (totals < _SHADED_FROM).any():
        subtitle += f"; columns of fewer than {_SHADED_FROM} studies are not shaded"
    figure = _figure(max(7.5, 3.4 + 0.62 * counts.shape[1]), 0.215 * len(counts) + 1.0, title, subtitle, caption)
    ax = figure.subplots()
    share = counts.div(totals.clip(lower=1), axis=1)
    share.loc[:, totals < _SHADED_FROM] = 0.0
    most = max(float(share.to_numpy().max()), 0.01)
    ax.imshow(share, cmap=LOOK.shades, vmin=0, vmax=most, aspect="auto")
    for row in range(counts.shape[0]):
        for column in range(counts.shape[1]):
            value = int(counts.iat[row, column])
            shade = LOOK.shades(share.iat[row, column] / most)
            ax.text(column, row, value or "·", ha="center", va="center", size=7.5, color=LOOK.on(shade))
    ax.set_yticks(range(len(counts)), [labels[theme] for theme in counts.index])
    ax.set_xticks(range(counts.shape[1]), [f"{column} ({totals[column]})" for column in counts.columns],
                  rotation=38, ha="left", rotation_mode="anchor")  # fmt: skip
    ax.xaxis.tick_top()
    _clean(ax)
    return Chart(name, title, figure, data, alt)


def _counted(groups: Mapping[str, Corpus], themes: Iterable[str]) -> tuple[pd.DataFrame, pd.Series, pd.DataFrame]:
    """Return publications by theme and group, the groups' sizes, and both as a tidy frame; reviews left out."""
    themes = list(themes)
    counts, totals, rows = {}, {}, []
    for name, group in groups.items():
        primary = set(group.studies.key) - group.reviews
        totals[name] = len(primary)
        by_theme = group.agreed[group.agreed.key.isin(primary)].groupby("theme", observed=True).key
        keys = {str(theme): set(values) for theme, values in by_theme}
        counts[name] = {theme: len(keys.get(theme, ())) for theme in themes}
        rows += [
            (theme, name, len(keys.get(theme, ())), group.count_samples(keys.get(theme, ())), len(primary))
            for theme in themes
        ]
    frame = pd.DataFrame(counts, index=themes)
    tidy = pd.DataFrame(rows, columns=["theme", "group", "publications", "samples", "of"])
    return frame, pd.Series(totals), tidy


@_styled
def themes_by(corpus: Corpus, by: str, groups: int = 12, themes: int = 30) -> Chart:
    """Draw themes against countries or designs: in how many publications they meet.

    Parameters
    ----------
    corpus : Corpus
    by : {"country", "design"}
    groups, themes : int
        How many of the largest are drawn; ``data`` has them all.

    Returns
    -------
    Chart
        ``data``: a row a theme and group, ``theme, group, publications, samples, of``.
    """
    counts = _theme_counts(corpus)
    if counts.empty:
        return _nothing(f"themes_by_{by}", corpus, "coded findings")
    if by == "country":
        primary = corpus.places[~corpus.places.key.isin(corpus.reviews)]
        sizes = primary.groupby("country_name").key.nunique()
        names = sorted(sizes.index, key=lambda name: (-sizes[name], name))
        parts = {name: corpus.where(country=name) for name in names}
        subtitle_group = "a study of two countries counts in both"
    elif by == "design":
        present = corpus.studies.design[~corpus.studies.key.isin(corpus.reviews)]
        families = dict.fromkeys(family for design, family in FAMILIES.items() if design in set(present))
        parts = {
            family: corpus.where(design=[d for d in corpus.studies.design.cat.categories if FAMILIES[d] == family])
            for family in families
        }
        subtitle_group = "families of designs"
    else:
        raise ValueError(f"themes_by() knows 'country' and 'design', not {by!r}")
    _, totals, tidy = _counted(parts, counts.theme)
    largest = counts.sort_values(["publications", "theme"], ascending=[False, True]).theme.head(themes)
    shown = [theme for theme in counts.theme if theme in set(largest)]
    drawn, totals, _ = _counted(dict(list(parts.items())[:groups]), shown)
    labels = counts.set_index("theme").label
    empty = int((drawn == 0).to_numpy().sum())
    title = f"{empty} of {drawn.size} pairs of theme and {by} have no study in this corpus"
    subtitle = (
        f"Publications by theme and {by} ({subtitle_group}), shaded by the share of the column; "
        "· none in this corpus; reviews left out"
    )
    note = f"The {len(shown)} most frequent themes" + (
        f" and the {len(drawn.columns)} most studied of {len(parts)} countries are drawn."
        if by == "country"
        else " are drawn."
    )
    top = tidy.loc[tidy.publications.idxmax()]
    alt = (
        f"Matrix of {len(shown)} themes by {len(drawn.columns)} groups. The fullest cell is {labels[top.theme]} in "
        f"{top.group}, {top.publications} publications."
    )
    return _matrix(f"themes_by_{by}", drawn, totals, labels, title, subtitle, _caption(corpus, note), tidy, alt)


@_styled
def themes_compared(groups: Mapping[str, Corpus], themes: int = 30) -> Chart:
    """Draw themes against groups of studies that the reader chose.

    Parameters
    ----------
    groups : mapping of str to Corpus
        Name and studies of each group; a publication may be in several.
    themes : int
        How many of the most frequent themes are drawn; ``data`` has them all.

    Returns
    -------
    Chart
        ``data``: a row a theme and group, ``theme, group, publications, samples, of``.
    """
    first = next(iter(groups.values()))
    labels = first.themes.set_index("theme").label
    used = [theme for theme in labels.index if any((group.agreed.theme == theme).any() for group in groups.values())]
    if not used:
        return _nothing("themes_compared", first, "coded findings in these groups")
    counts, totals, tidy = _counted(groups, used)
    share = counts.div(totals.clip(lower=1), axis=1)
    largest = share.mean(axis=1).sort_values(ascending=False, kind="stable").index[:themes]
    shown = [theme for theme in used if theme in set(largest)]
    everywhere = [labels[theme] for theme in shown if (counts.loc[theme] > 0).all()]
    title = f"{len(everywhere)} of {len(shown)} themes are found in every group"
    subtitle = (
        "Publications by theme and group, shaded by the share of the group; · none in this corpus; reviews left out"
    )
    alt = f"Matrix of {len(shown)} themes by {len(groups)} groups. In every group: {', '.join(everywhere) or 'none'}."
    together = len(set().union(*(set(group.studies.key) for group in groups.values())))
    caption = (
        f"Corpus {first.version}: {_count(together, 'publication')} in {len(groups)} groups. "
        f"A curated corpus, not a systematic review. The {len(shown)} most frequent themes are drawn."
    )
    return _matrix("themes_compared", counts.loc[shown], totals, labels, title, subtitle, caption, tidy, alt)


@_styled
def themes_over_time(corpus: Corpus, years: int = 5, themes: int = 30) -> Chart:
    """Draw in what share of each period's publications a theme is found.

    Parameters
    ----------
    corpus : Corpus
    years : int
        Length of a period.
    themes : int
        How many of the most frequent themes are drawn; ``data`` has them all.

    Returns
    -------
    Chart
        ``data``: a row a theme and period, ``theme, group, publications, samples, of``.
    """
    counts = _theme_counts(corpus)
    if counts.empty:
        return _nothing("themes_over_time", corpus, "coded findings")
    first, last = int(corpus.studies.year.min()), int(corpus.studies.year.max())
    starts = range(last + 1 - years * -(-(last + 1 - first) // years), last + 1, years)
    periods = {f"{start}–{start + years - 1}": corpus.where(year=(start, start + years - 1)) for start in starts}
    _, totals, tidy = _counted(periods, counts.theme)
    largest = counts.sort_values(["publications", "theme"], ascending=[False, True]).theme.head(themes)
    shown = [theme for theme in counts.theme if theme in set(largest)]
    drawn, totals, _ = _counted(periods, shown)
    labels = counts.set_index("theme").label
    share = drawn.div(totals.clip(lower=1), axis=1)
    # Periods with few studies say little; the comparison in the title keeps to those that are shaded.
    well = [period for period in drawn.columns if totals[period] >= _SHADED_FROM]
    if len(well) > 1:
        change = (share[well[-1]] - share[well[0]]).sort_values()
        risen = change.index[-1]
        title = (
            f"{labels[risen]}: from {share.at[risen, well[0]]:.0%} of studies in {well[0]} to "
            f"{share.at[risen, well[-1]]:.0%} in {well[-1]}, the largest rise"
        )
    else:
        title = "Too few studies to compare periods"
    subtitle = (
        "Publications by theme and period of publication, shaded by the share of the period in this corpus; "
        "reviews left out"
    )
    alt = f"Matrix of {len(shown)} themes by {len(periods)} periods. {title}."
    caption = _caption(corpus, f"The {len(shown)} most frequent themes are drawn.")
    return _matrix("themes_over_time", drawn, totals, labels, title, subtitle, caption, tidy, alt)


def _pairs(corpus: Corpus) -> pd.DataFrame:
    """Return the themes that are found together in one finding, a row a pair; reviews left out.

    ``jaccard`` is the publications that have both in one finding over those that have either.
    """
    codes = corpus.agreed[~corpus.agreed.key.isin(corpus.reviews)][["finding", "key", "theme"]]
    codes = codes.assign(theme=codes.theme.astype("str"))
    size = codes.groupby("theme").key.nunique()
    pairs = codes.merge(codes[["finding", "theme"]], on="finding", suffixes=("", "_other"))
    pairs = pairs[pairs.theme < pairs.theme_other]
    rows = [
        (one, other, group.key.nunique(), corpus.count_samples(group.key))
        for (one, other), group in pairs.groupby(["theme", "theme_other"])
    ]
    data = pd.DataFrame(rows, columns=["theme", "other", "publications", "samples"])
    either = data.theme.map(size) + data.other.map(size) - data.publications
    data["jaccard"] = (data.publications / either).astype("float64")
    return data.sort_values(["publications", "theme", "other"], ascending=[False, True, True], ignore_index=True)


def _clustered(pairs: pd.DataFrame, themes: list[str]) -> tuple[list[str], np.ndarray]:
    """Return themes with like beside like, and their tree.

    Average-linkage clustering of the Jaccard distance, leaves optimally ordered (Bar-Joseph et al. 2001,
    Bioinformatics 17:S22). The tree is that of `scipy.cluster.hierarchy`; under three themes there is none.
    """
    from scipy.cluster.hierarchy import leaves_list, linkage, optimal_leaf_ordering
    from scipy.spatial.distance import squareform

    if len(themes) < 3:
        return themes, np.empty((0, 4))
    at = {theme: number for number, theme in enumerate(themes)}
    inside = pairs[pairs.theme.isin(themes) & pairs.other.isin(themes)]
    one, other = inside.theme.map(at).to_numpy(dtype=int), inside.other.map(at).to_numpy(dtype=int)
    distance = 1 - np.eye(len(themes))
    distance[one, other] = distance[other, one] = 1 - inside.jaccard
    condensed = squareform(distance, checks=False)
    tree = optimal_leaf_ordering(linkage(condensed, "average"), condensed)
    return [themes[number] for number in leaves_list(tree)], tree


@_styled
def themes_together(corpus: Corpus, themes: int = 24) -> Chart:
    """Draw which themes are found together in one finding, like beside like: the matrix of `themes_network`.

    Parameters
    ----------
    corpus : Corpus
    themes : int
        How many of the most frequent themes are drawn; ``data`` has every pair that occurs.

    Returns
    -------
    Chart
        ``data``: a row a pair, ``theme, other, publications, samples, jaccard``. ``jaccard`` is the publications
        that have both in one finding over those that have either.

    Notes
    -----
    Order by average-linkage clustering of the Jaccard distance, leaves optimally ordered (Bar-Joseph et al. 2001,
    Bioinformatics 17:S22).
    """
    data = _pairs(corpus)
    if data.empty:
        return _nothing("themes_together", corpus, "findings with two themes")
    counts = _theme_counts(corpus)
    labels = counts.set_index("theme").label
    largest = counts.sort_values(["publications", "theme"], ascending=[False, True]).theme.head(themes)
    shown, tree = _clustered(data, [theme for theme in counts.theme if theme in set(largest)])
    inside = data[data.theme.isin(shown) & data.other.isin(shown)]
    square = pd.DataFrame(0, index=shown, columns=shown)
    tie = pd.DataFrame(0.0, index=shown, columns=shown)
    for row in inside.itertuples():
        square.at[row.theme, row.other] = square.at[row.other, row.theme] = row.publications
        tie.at[row.theme, row.other] = tie.at[row.other, row.theme] = row.jaccard
    closest = data.sort_values(["jaccard", "publications"], ascending=False, kind="stable")
    top = closest[closest.theme.isin(shown) & closest.other.isin(shown)].head(1)
    top = next((top if len(top) else closest).itertuples())
    size = counts.set_index("theme").publications
    either = int(size[top.theme] + size[top.other] - top.publications)
    title = (
        f"“{labels[top.theme]}” and “{labels[top.other]}” are tied most closely: together in "
        f"{top.publications:,} of {_count(either, 'publication')} with either"
    )
    subtitle = (
        "Numbers: publications with a finding that has both themes; shade: their share of the publications with "
        "either (Jaccard); on the right the tree by which themes are ordered, from the closest ties outwards"
    )
    side = 0.29 * len(shown)
    note = f"The {len(shown)} most frequent themes are drawn. Agreed codes, reviews left out."
    figure = _figure(max(3.6 + side, 8), side + 1.7, title, subtitle, _caption(corpus, note))
    ax = figure.subplots()
    most = max(float(tie.to_numpy().max()), 0.01)
    ax.imshow(tie, cmap=LOOK.shades, vmin=0, vmax=most, aspect="auto")
    for row, column in np.ndindex(*square.shape):
        if square.iat[row, column]:
            ax.text(column, row, square.iat[row, column], ha="center", va="center", size=7,
                    color=LOOK.on(LOOK.shades(tie.iat[row, column] / most)))  # fmt: skip
    ax.set_yticks(range(len(shown)), labels[shown])
    ax.set_xticks(range(len(shown)), labels[shown], rotation=45, ha="left", rotation_mode="anchor")
    ax.xaxis.tick_top()
    _clean(ax)
    _tree(ax.inset_axes((1.01, 0, 0.13, 1)), tree, len(shown))
    listed = "; ".join(
        f"{labels[row.theme]} with {labels[row.other]} {row.publications}" for row in data.head(6).itertuples()
    )
    alt = f"Square of {len(shown)} themes, clustered. {title}. In most publications: {listed}."
    return Chart("themes_together", title, figure, data, alt)


def _tree(ax: Axes, tree: np.ndarray, leaves: int) -> None:
    """Draw the tree of a clustering beside the rows of its matrix."""
    from scipy.cluster.hierarchy import dendrogram

    if len(tree):
        drawn = dendrogram(tree, no_plot=True)
        for along, depth in zip(drawn["icoord"], drawn["dcoord"], strict=True):
            # scipy puts leaves at 5, 15, 25 ...
            ax.plot(depth, (np.array(along) - 5) / 10, color=LOOK.soft, linewidth=0.9)
        # Ties begin far from the leaves; the length of these is not shown.
        ax.set_xlim(tree[:, 2].min() - 0.15 * np.ptp(tree[:, 2]) - 0.01, tree[:, 2].max() + 0.01)
    ax.set_ylim(leaves - 0.5, -0.5)
    ax.set_xticks([])
    ax.set_yticks([])
    _clean(ax)


# ---------------------------------------------------------------------- coding


@_styled
def agreement_by_theme(corpus: Corpus, frame: pd.DataFrame) -> Chart:
    """Draw how far coders agree on each theme, with the interval of kappa.

    Parameters
    ----------
    corpus : Corpus
    frame : pandas.DataFrame
        As `litbench.agreement` returns it, by theme.

    Returns
    -------
    Chart
        ``data``: a row a theme, ``theme, label, given, percent, kappa, kappa_low, kappa_high, alpha, ac1``.
    """
    labels = corpus.themes.set_index("theme").label
    data = frame[frame.theme.isin(labels.index)].copy()
    data.insert(1, "label", data.theme.map(labels).astype("str"))
    data = data[["theme", "label", "given", "percent", "kappa", "kappa_low", "kappa_high", "alpha", "ac1"]]
    data = data.sort_values(["kappa", "theme"], ascending=[False, True], ignore_index=True)
    overall = frame.set_index("theme").loc["overall"]
    title = (
        f"The two coders agree with kappa {overall.kappa:.2f} over all themes, "
        f"from {data.kappa.min():.2f} to {data.kappa.max():.2f}"
    )
    subtitle = (
        "Cohen's kappa by theme (point) with its 95 % interval, studies resampled (line), and Gwet's AC1 (tick); "
        "in brackets, in how many findings either coder gave the theme"
    )
    figure = _figure(8, 0.19 * len(data) + 0.6, title, subtitle, _caption(corpus))
    ax = figure.subplots()
    rows = np.arange(len(data))
    ax.hlines(rows, data.kappa_low, data.kappa_high, color=LOOK.pale, linewidth=2.4)
    ax.vlines(data.ac1, rows - 0.3, rows + 0.3, color=LOOK.soft, linewidth=1)
    ax.scatter(data.kappa, rows, color=LOOK.accent, s=22, zorder=3)
    ax.set_yticks(rows, [f"{row.label} ({row.given})" for row in data.itertuples()], size=8)
    ax.set_ylim(len(data) - 0.4, -0.6)
    low = float(np.nanmin(data.kappa_low))
    ax.set_xlim(min(low - 0.03, 0.55), 1.01)
    _ticks(ax)
    ax.grid(axis="x", color=LOOK.grid)
    _clean(ax)
    listed = "; ".join(f"{row.label} {row.kappa:.2f}" for row in data.tail(6).itertuples())
    alt = f"Points of kappa by theme, {len(data)} themes. Overall {overall.kappa:.2f}. Lowest: {listed}."
    return Chart("agreement_by_theme", title, figure, data, alt)


@_styled
def themes_by_coder(corpus: Corpus) -> Chart:
    """Draw in how many publications each theme is found under each coder's codes, and under the agreed ones.

    Returns
    -------
    Chart
        ``data``: a row a theme, ``theme, label, agreed, first, second``: publications, reviews left out.
    """
    counts = {}
    for coder in ("agreed", "first", "second"):
        codes = corpus.coded_by(coder)
        codes = codes[~codes.key.isin(corpus.reviews)]
        counts[coder] = codes.groupby(codes.theme.astype("str")).key.nunique()
    data = pd.DataFrame(counts).fillna(0).astype(int).rename_axis("theme").reset_index()
    data.insert(1, "label", data.theme.map(corpus.themes.set_index("theme").label).astype("str"))
    data = data.sort_values(["agreed", "theme"], ascending=[False, True], ignore_index=True)
    ranks = data[["agreed", "first", "second"]].rank(method="average", ascending=False)
    moved = int((ranks.max(axis=1) - ranks.min(axis=1)).max())
    spread = int(
        (data[["agreed", "first", "second"]].max(axis=1) - data[["agreed", "first", "second"]].min(axis=1)).max()
    )
    title = f"Whose codes are used moves no theme by more than {spread} studies or {moved} ranks"
    subtitle = "Publications by theme under the first coder (ring), the second (cross) and the agreed codes (point)"
    figure = _figure(8, 0.19 * len(data) + 0.5, title, subtitle, _caption(corpus, "Reviews are left out."))
    ax = figure.subplots()
    rows = np.arange(len(data))
    three = data[["agreed", "first", "second"]]
    ax.hlines(rows, three.min(axis=1), three.max(axis=1), color=LOOK.pale, linewidth=2)
    ax.scatter(
        data["first"], rows, facecolor="none", edgecolor=LOOK.directions["harm"], s=34, linewidth=1, label="first coder"
    )
    ax.scatter(data.second, rows, marker="x", color=LOOK.directions["mixed"], s=20, linewidth=1.1, label="second coder")
    ax.scatter(data.agreed, rows, color=LOOK.accent, s=10, label="agreed", zorder=3)
    ax.set_yticks(rows, data.label, size=8)
    ax.set_ylim(len(data) - 0.4, -0.6)
    _ticks(ax)
    ax.grid(axis="x", color=LOOK.grid)
    _clean(ax)
    ax.legend(loc="lower right", fontsize=8)
    alt = f"Three marks for each of {len(data)} themes, the largest distance {spread} publications."
    return Chart("themes_by_coder", title, figure, data, alt)


@_styled
def direction_by_coder(corpus: Corpus, domain: str, role: str) -> Chart:
    """Draw what effects and associations point to under each coder's codes and claims, and under the agreed ones.

    Parameters
    ----------
    corpus : Corpus
    domain, role : str
        As in `direction_by_theme`.

    Returns
    -------
    Chart
        ``data``: a row a theme and coder, ``theme, label, coder, harm, benefit, publications``.
    """
    rows = []
    labels = corpus.themes.set_index("theme").label
    for coder in ("agreed", "first", "second"):
        if coder == "agreed":
            claims = corpus.findings.set_index("finding").claim
        else:
            claims = corpus.claims[corpus.claims.coder == coder].set_index("finding").claim
        codes = corpus.coded_by(coder)
        codes = codes[(codes.domain == domain) & (codes.role == role) & ~codes.key.isin(corpus.reviews)]
        codes = codes[codes.finding.map(claims.astype("str")).isin(DIRECTED)]
        codes = codes.merge(corpus.findings[["finding", "direction"]], on="finding")
        for theme, group in codes.groupby(codes.theme.astype("str")):
            by = group.groupby("direction", observed=True).key.nunique()
            rows.append((theme, labels[theme], coder, int(by.get("harm", 0)), int(by.get("benefit", 0)),
                         group.key.nunique()))  # fmt: skip
    data = pd.DataFrame(rows, columns=["theme", "label", "coder", "harm", "benefit", "publications"])
    if data.empty:
        return _nothing("direction_by_coder", corpus, "effects or associations")
    wide = data.pivot(index="theme", columns="coder", values=["harm", "benefit"]).fillna(0).astype(int)
    order = wide["harm"].agreed.add(wide["benefit"].agreed).sort_values(ascending=False, kind="stable").index
    wide = wide.loc[order]
    lean = {coder: np.sign(wide["harm"][coder] - wide["benefit"][coder]) for coder in ("agreed", "first", "second")}
    turned = int(((lean["agreed"] * lean["first"] < 0) | (lean["agreed"] * lean["second"] < 0)).sum())
    title = (
        "Under no coder's codes does a theme turn from harm to benefit or back"
        if not turned
        else (f"{turned} of {len(wide)} themes lean the other way under one coder's codes")
    )
    subtitle = (
        f"Studies with an effect or association in which the theme is the {role}: pointing to harm (left) and to "
        "benefit (right), under the first coder (ring), the second (cross) and the agreed codes (point)"
    )
    figure = _figure(8, 0.24 * len(wide) + 0.5, title, subtitle, _caption(corpus, "Reviews are left out."))
    ax = figure.subplots()
    at = np.arange(len(wide))
    for side, color in ((-1, LOOK.directions["harm"]), (1, LOOK.directions["benefit"])):
        three = wide["harm" if side < 0 else "benefit"] * side
        ax.barh(at, three.agreed, height=0.5, color=color, alpha=0.35)
        ax.scatter(three["first"], at, facecolor="none", edgecolor=LOOK.ink, s=34, linewidth=0.9)
        ax.scatter(three.second, at, marker="x", color=LOOK.ink, s=18, linewidth=0.9)
        ax.scatter(three.agreed, at, color=color, s=14, zorder=3)
    ax.axvline(0, color=LOOK.ink, linewidth=0.8)
    ax.set_yticks(at, [labels[theme] for theme in wide.index])
    ax.set_ylim(len(wide) - 0.4, -0.6)
    ax.xaxis.set_major_locator(mpl.ticker.MaxNLocator(integer=True))
    _ticks(ax, lambda tick: f"{abs(tick):.0f}")
    _clean(ax)
    alt = f"Marks of studies by theme and coder for {len(wide)} themes; {turned} lean the other way under one coder."
    return Chart("direction_by_coder", title, figure, data, alt)


def _short(item: str) -> str:
    """Return an item of a checklist without its id, broken into lines that fit beside the bars."""
    return "\n".join(_wrap(item.partition(" ")[2].capitalize(), 2.5, 7.5))


@_styled
def appraisal(corpus: Corpus) -> Chart:
    """Draw how the items of the critical appraisal were answered, by checklist.

    Returns
    -------
    Chart
        ``data``: a row an item and answer, ``checklist, item, answer, studies``.
    """
    counted = corpus.appraisal.groupby(["checklist", "item", "answer"], observed=True).size().rename("studies")
    data = counted.reset_index()
    if data.empty:
        return _nothing("appraisal", corpus, "appraised studies")
    total = int(data.studies.sum())
    judged = int(data.studies[~data.answer.isin(["cannot be judged from the abstract", "unclear"])].sum())
    title = (
        f"{judged / total:.0%} of {total:,} questions about how studies were done could be answered from what was read"
    )
    subtitle = "Answers to the items of each design's checklist, in numbers of studies"
    wide = data.pivot_table(index=["checklist", "item"], columns="answer", values="studies", observed=True).fillna(0)
    colors = {"yes": LOOK.accent, "no": LOOK.directions["harm"], "unclear": LOOK.directions["mixed"],
              "not applicable": LOOK.box, "cannot be judged from the abstract": LOOK.line}  # fmt: skip
    wide = wide.reindex(columns=[answer for answer in colors if answer in wide.columns])
    checklists = list(dict.fromkeys(wide.index.get_level_values(0)))
    heights = [len(wide.loc[name]) for name in checklists]
    figure = _figure(8.5, 0.19 * sum(heights) + 0.34 * len(checklists) + 0.4, title, subtitle, _caption(corpus))
    axes = figure.subplots(len(checklists), 1, height_ratios=heights, squeeze=False)[:, 0]
    for ax, name in zip(axes, checklists, strict=True):
        rows = wide.loc[name]
        share = rows.div(rows.sum(axis=1), axis=0)
        left = np.zeros(len(rows))
        for answer in wide.columns:
            ax.barh(range(len(rows)), share[answer], left=left, height=0.78, color=colors[answer])
            for row, (value, start, count) in enumerate(zip(share[answer], left, rows[answer], strict=True)):
                if value > 0.05:
                    ax.text(start + value / 2, row, f"{count:.0f}", ha="center", va="center", size=6.5,
                            color=LOOK.on(colors[answer]))  # fmt: skip
            left += share[answer].to_numpy()
        ax.set_yticks(range(len(rows)), [_short(item) for item in rows.index], size=7.5)
        ax.set_ylim(len(rows) - 0.5, -0.5)
        ax.set_xlim(0, 1)
        ax.set_xticks([])
        ax.set_title(f"{name} ({int(rows.sum(axis=1).max())})", loc="left", size=8.5, weight="bold", pad=3)
        _clean(ax)
    handles = [Patch(color=color, label=answer) for answer, color in colors.items() if answer in wide.columns]
    axes[-1].legend(handles=handles, loc="upper center", bbox_to_anchor=(0.4, -0.12), ncols=5, fontsize=7.5)
    alt = (
        f"Bars of answers for {len(wide)} items in {len(checklists)} checklists; {judged} of {total} could be answered."
    )
    return Chart("appraisal", title, figure, data, alt)


# ---------------------------------------------------------------------- what stands behind practice


@_styled
def practice(corpus: Corpus) -> Chart:
    """Draw what stands behind each proposition for practice: studies for, limiting, against, and confidence.

    Returns
    -------
    Chart
        ``data``: as `Corpus.standing`, without countries.
    """
    data = corpus.standing().drop(columns=["countries"])
    if data.empty:
        return _nothing("practice", corpus, "propositions")
    nothing = int((data.confidence == "none in this corpus").sum())
    low = int((~data.confidence.str.contains("moderate|high")).sum())
    title = f"{low} of {len(data)} propositions for practice rest on evidence of low or very low confidence, or on none"
    subtitle = (
        "Studies with a finding that supports, limits or contradicts the proposition; reviews left out; what authors "
        "ask for is not counted"
    )
    lines = [_wrap(row.statement, 4.1, 7.5) for row in data.itertuples()]
    heights = [max(len(one), 2) * 0.13 + 0.09 for one in lines]
    points = list(dict.fromkeys(data.point_label))
    total = sum(heights) + 0.22 * len(points)
    note = f"{nothing} have none in this corpus. Confidence is argued, not computed: see the table of reasons."
    figure = _figure(11, total, title, subtitle, _caption(corpus, note))
    ax = figure.subplots()
    top, widest = 0.0, max(int(data[["supports", "qualifies", "contradicts"]].sum(axis=1).max()), 1)
    seen: set[str] = set()
    for row, text, height in zip(data.itertuples(), lines, heights, strict=True):
        if row.point_label not in seen:
            seen.add(row.point_label)
            ax.text(
                -widest * 1.02, top + 0.15, row.point_label, size=8.5, weight="bold", va="center", color=LOOK.accent
            )
            top += 0.22
        middle = top + height / 2
        ax.text(-widest * 1.02, middle, "\n".join(text), size=7.5, va="center", linespacing=1.15)
        start = 0.0
        for value, color in ((row.supports, LOOK.directions["benefit"]), (row.qualifies, LOOK.line),
                             (row.contradicts, LOOK.directions["harm"])):  # fmt: skip
            if value:
                ax.barh(middle, value, left=start, height=0.17, color=color, edgecolor=LOOK.paper, linewidth=0.6)
                if value * 50 > widest * len(str(value)):  # only where its bar has room; the table has all
                    ax.text(start + value / 2, middle, str(value), ha="center", va="center", size=6.5,
                            color=LOOK.on(color))  # fmt: skip
                start += value
        words = row.confidence.replace("; ", "\n")
        ax.text(widest * 1.04, middle, words, size=7, va="center", color=LOOK.soft, linespacing=1.15)
        top += height
    ax.set_xlim(-widest * 1.03, widest * 1.42)
    ax.set_ylim(top + 0.02, -0.02)
    ax.set_xticks([])
    ax.set_yticks([])
    _clean(ax)
    parts = {"supports": LOOK.directions["benefit"], "limits": LOOK.line, "contradicts": LOOK.directions["harm"]}
    handles = [Patch(color=color, label=name) for name, color in parts.items()]
    ax.legend(handles=handles, loc="lower right", bbox_to_anchor=(1, 1), borderaxespad=0.2, ncols=3, fontsize=8)
    alt = "; ".join(
        f"{row.proposition} {row.supports} support, {row.contradicts} contradict, {row.confidence}"
        for row in data.itertuples()
    )
    return Chart("practice", title, figure, data, f"Bars of studies for {len(data)} propositions: {alt}.")


# ---------------------------------------------------------------------- what findings point to


def _directed(corpus: Corpus) -> pd.DataFrame:
    """Return the codes of effects and associations from studies, not reviews, with claim and direction."""
    findings = corpus.findings[corpus.findings.claim.isin(DIRECTED) & ~corpus.findings.key.isin(corpus.reviews)]
    return corpus.agreed.merge(findings[["finding", "claim", "direction"]], on="finding")


@_styled
def claims(corpus: Corpus) -> Chart:
    """Draw what kinds of claims the findings make, by number of studies.

    Returns
    -------
    Chart
        ``data``: a row a kind of claim, ``claim, publications, samples, findings, reviews``.
    """
    kinds = corpus.findings.claim.astype("str").fillna("not told yet")
    order = ["effect", "association", "prevalence", "view", "description", "recommendation", "not told yet"]
    rows = []
    for kind in order:
        keys = set(corpus.findings.key[kinds == kind])
        primary = keys - corpus.reviews
        if keys:
            rows.append(
                (
                    kind,
                    len(primary),
                    corpus.count_samples(primary),
                    int((kinds == kind).sum()),
                    len(keys & corpus.reviews),
                )
            )
    if not rows:
        return _nothing("claims", corpus, "findings")
    data = pd.DataFrame(rows, columns=["claim", "publications", "samples", "findings", "reviews"])
    directed = corpus.findings[kinds.isin(DIRECTED)]
    n = directed.key[~directed.key.isin(corpus.reviews)].nunique()
    title = f"{n} of {len(corpus) - len(corpus.reviews)} studies have a finding that is an effect or an association"
    subtitle = "Publications with a finding of each kind (bar) and samples, at most (tick); reviews left out"
    figure = _figure(7.5, 0.3 * len(data) + 0.2, title, subtitle, _caption(corpus))
    ax = figure.subplots()
    colors = [LOOK.accent if kind in DIRECTED else LOOK.quiet for kind in data.claim]
    _bars(ax, data.claim.str.capitalize(), data.publications, data.samples, colors)
    alt = "Bars of publications by kind of claim: " + "; ".join(
        f"{row.claim} {row.publications}" for row in data.itertuples()
    )
    return Chart("claims", title, figure, data, alt + ".")


@_styled
def themes_in_study(corpus: Corpus, themes: int = 30) -> Chart:
    """Draw the themes of one study by number of its findings.

    Parameters
    ----------
    corpus : Corpus
        Of one study: findings of several are not counted together, since one was read deeper than another.
    themes : int
        How many of the most frequent themes are drawn; ``data`` has them all.

    Returns
    -------
    Chart
        ``data``: a row a theme, ``theme, label, domain, findings``.

    Raises
    ------
    ValueError
        For a corpus of more than one study.
    """
    if len(corpus) != 1:
        raise ValueError(
            f"themes_in_study() draws one study, this corpus has {len(corpus)}; narrow it with where(key=...) "
            "or draw themes_by_studies()"
        )
    study = corpus.studies.iloc[0]
    groups = corpus.agreed.groupby("theme", observed=True)
    rows = [(str(theme), g.label.iloc[0], g.domain.iloc[0], g.finding.nunique()) for theme, g in groups]
    data = pd.DataFrame(rows, columns=["theme", "label", "domain", "findings"])
    if data.empty:
        return _nothing("themes_in_study", corpus, "coded findings")
    data = data.sort_values(["findings", "theme"], ascending=[False, True], ignore_index=True)
    drawn = data.head(themes)
    of = len(corpus.findings)
    title = f"{drawn.label.iloc[0]}: {drawn.findings.iloc[0]} of {of} findings of {study.citation}"
    subtitle = "Findings of this one study by theme; a finding may have several"
    figure = _figure(7.5, 0.21 * len(drawn) + 0.2, title, subtitle, _caption(corpus))
    _bars(figure.subplots(), drawn.label, drawn.findings)
    listed = "; ".join(f"{row.label} {row.findings}" for row in drawn.head(10).itertuples())
    return Chart("themes_in_study", title, figure, data, f"Bars of findings by theme: {listed}.")


@_styled
def direction_by_theme(corpus: Corpus, domain: str, role: str) -> Chart:
    """Draw what effects and associations point to, by the theme that acts.

    Parameters
    ----------
    corpus : Corpus
    domain : str
        Domain of the themes, such as ``policing`` or ``response``.
    role : str
        Part of the theme in the finding: ``exposure`` for what acts, ``response`` for what answers.

    Returns
    -------
    Chart
        ``data``: a row a theme and direction, ``theme, label, direction, publications, samples``.

    Notes
    -----
    A publication with findings in two directions counts in both. Direction is that of the estimate, whether or
    not its interval includes no effect: significance is not counted (Boon & Thomson 2021).
    """
    domain_label = next(one.label for one in corpus.codebook.domains if one.id == domain)
    codes = _directed(corpus)
    codes = codes[(codes.domain == domain) & (codes.role == role) & codes.direction.isin(list(LOOK.directions))]
    if codes.empty:
        return _nothing("direction_by_theme", corpus, f"effects or associations of the domain {domain_label}")
    rows = []
    for (theme, direction), group in codes.groupby(["theme", "direction"], observed=True):
        rows.append(
            (str(theme), group.label.iloc[0], str(direction), group.key.nunique(), corpus.count_samples(group.key))
        )
    data = pd.DataFrame(rows, columns=["theme", "label", "direction", "publications", "samples"])
    wide = data.pivot(index="theme", columns="direction", values="publications").fillna(0).astype(int)
    wide = wide.reindex(columns=list(LOOK.directions), fill_value=0)
    sizes = {theme: (group.key.nunique(), corpus.count_samples(group.key))
             for theme, group in codes.groupby(codes.theme.astype("str"))}  # fmt: skip
    order = sorted(wide.index, key=lambda theme: (-sizes[theme][0], theme))
    wide = wide.loc[order]
    labels = data.drop_duplicates("theme").set_index("theme").label
    publications = codes.key.nunique()
    samples = corpus.count_samples(codes.key)
    by_direction = codes.groupby("direction", observed=True).key.nunique()
    harm, benefit = int(by_direction.get("harm", 0)), int(by_direction.get("benefit", 0))
    title = (
        f"{domain_label}: {harm} of {publications} studies have an effect or association that points to harm, "
        f"{benefit} one to benefit"
    )
    subtitle = (
        f"Studies with an effect or association in which the theme is the {role}, by direction for people who use "
        "drugs; a study with findings in two directions counts in both"
    )
    note = (
        f"Drawn: {_count(publications, 'publication')}, at most {_count(samples, 'sample')}. Associations are not "
        "causes. Most were read in abstracts, which print what is significant."
    )
    figure = _figure(8.5, 0.27 * len(wide) + 0.5, title, subtitle, _caption(corpus, note))
    ax = figure.subplots()
    rows_at = np.arange(len(wide))
    left = -(wide.harm + wide.mixed / 2)
    start = left.to_numpy(dtype=float)
    right = float((left + wide.sum(axis=1)).max())
    # A number stands in its bar where it has room, a forty-fifth of the width a digit; the data have them all.
    narrowest = (right + 6 - float(left.min())) / 45
    for direction, color in LOOK.directions.items():
        values = wide[direction].to_numpy()
        if direction == "null":
            start = start + 0.0
        ax.barh(rows_at, values, left=start, height=0.72, color=color, edgecolor=LOOK.edge(direction), linewidth=0.8)
        for row, (value, begin) in enumerate(zip(values, start, strict=True)):
            if value >= narrowest * len(str(value)):
                ax.text(begin + value / 2, row, value, ha="center", va="center", size=7.5,
                        color=LOOK.on(color))  # fmt: skip
        start = start + values
    for row, theme in enumerate(wide.index):
        n, m = sizes[theme]
        ax.text(
            right + 0.6,
            row,
            f"{n} studies, {m} samples" if row == 0 else f"{n}, {m}",
            va="center",
            size=7.5,
            color=LOOK.soft,
        )
    ax.axvline(0, color=LOOK.ink, linewidth=0.8)
    ax.set_yticks(rows_at, labels[wide.index])
    ax.set_ylim(len(wide) - 0.4, -0.6)
    ax.set_xlim(float(left.min()) - 0.5, right + 6)
    ax.set_xticks([])
    _clean(ax)
    handles = [Patch(color=color, label=name) for name, color in LOOK.directions.items() if wide[name].sum()]
    ax.legend(handles=handles, loc="lower center", bbox_to_anchor=(0.4, 1.0), ncols=4, fontsize=8, handlelength=1.2)
    listed = "; ".join(
        f"{labels[theme]} " + ", ".join(f"{wide.at[theme, direction]} {direction}" for direction in LOOK.directions)
        for theme in order[:8]
    )
    return Chart(f"direction_by_{domain}", title, figure, data, f"Bars of studies by theme and direction: {listed}.")


GAP_DESIGNS = {
    "Qualitative": "interviews and mixed methods",
    "Mixed methods": "interviews and mixed methods",
    "Observational": "observational",
    "Trials and quasi-experiments": "trials and quasi-experiments",
    "Modelling": "models, policy analyses and reports",
    "Policy analyses and reports": "models, policy analyses and reports",
}
# Where the bubble of a design stands in its cell: what can tell cause from coincidence best, at the bottom right.
_CORNERS = {
    "interviews and mixed methods": (-0.25, -0.25),
    "observational": (0.25, -0.25),
    "models, policy analyses and reports": (-0.25, 0.25),
    "trials and quasi-experiments": (0.25, 0.25),
}
_CORNER_NAMES = {
    (-0.25, -0.25): "top left",
    (0.25, -0.25): "top right",
    (-0.25, 0.25): "bottom left",
    (0.25, 0.25): "bottom right",
}


@_styled
def evidence_gap_map(corpus: Corpus, rows: str, columns: tuple[str, ...]) -> Chart:
    """Draw which practice has been studied for which outcome and by which designs, and where there is nothing.

    Parameters
    ----------
    corpus : Corpus
    rows : str
        Domain of the themes that act (role exposure).
    columns : tuple of str
        Domains of the themes acted on (role outcome).

    Returns
    -------
    Chart
        ``data``: a row a cell and group of designs that is not empty, ``exposure, outcome, designs, measured,
        samples, harm, benefit, told, told_samples``: publications with an effect or association, at most so many
        samples, how many of these publications point to harm and to benefit, and publications (at most so many
        samples) with participants' views alone.
    """
    findings = corpus.findings[~corpus.findings.key.isin(corpus.reviews)]
    findings = findings[findings.claim.isin((*DIRECTED, "view"))]
    codes = corpus.agreed.merge(findings[["finding", "claim", "direction"]], on="finding")
    acting = codes[(codes.domain == rows) & (codes.role == "exposure")]
    acted = codes[codes.domain.isin(columns) & (codes.role == "outcome")][["finding", "theme", "label"]]
    cells = acting.merge(acted, on="finding", suffixes=("", "_outcome"))
    if cells.empty:
        return _nothing("evidence_gap_map", corpus, "findings that tie a practice to an outcome")
    family = corpus.studies.set_index("key").design.astype("str").map(FAMILIES)
    cells["designs"] = cells.key.map(family).map(GAP_DESIGNS)
    found = []
    for (exposure, outcome, designs), group in cells.groupby(["theme", "theme_outcome", "designs"], observed=True):
        measured = group[group.claim.isin(DIRECTED)]
        keys = set(measured.key)
        told = set(group.key[group.claim == "view"]) - keys
        found.append(
            (str(exposure), str(outcome), designs, len(keys), corpus.count_samples(keys),
             measured.key[measured.direction == "harm"].nunique(),
             measured.key[measured.direction == "benefit"].nunique(), len(told), corpus.count_samples(told))
        )  # fmt: skip
    data = pd.DataFrame(found, columns=["exposure", "outcome", "designs", "measured", "samples", "harm", "benefit",
                                        "told", "told_samples"])  # fmt: skip
    labels = corpus.themes.set_index("theme").label
    in_use = corpus.themes[corpus.themes.retired.isna() | (corpus.themes.retired == "")]
    down = list(in_use.theme[in_use.domain == rows])
    across = list(in_use.theme[in_use.domain.isin(columns)])
    total = len(down) * len(across)
    filled = set(zip(data.exposure, data.outcome, strict=True))
    tested = set(map(tuple, data.loc[(data.designs == "trials and quasi-experiments") & (data.measured > 0),
                                     ["exposure", "outcome"]].to_numpy()))  # fmt: skip
    empty = total - len(filled)
    title = (
        f"{empty} of {total} pairs of practice and outcome have no study in this corpus; "
        f"{len(tested) or 'none'} {'has' if len(tested) == 1 else 'have'} a trial or quasi-experiment"
    )
    subtitle = (
        "Each cell has a place for each group of designs (key below). Filled: studies with an effect or association, "
        "coloured by what they point to; ring: with studies in which participants tell of it; area: number of "
        "publications, written where there is room; · no study in this corpus"
    )
    side = 0.44
    figure = _figure(4.2 + side * len(across), side * len(down) + 2.6, title, subtitle,
                     _caption(corpus, "Reviews are left out. Reported together in a finding: not causal."))  # fmt: skip
    ax = figure.subplots()
    row_of = {theme: number for number, theme in enumerate(down)}
    column_of = {theme: number for number, theme in enumerate(across)}
    # The largest bubble fills its quarter of the cell.
    most = max(int((data.measured + data.told).max()), 6)
    widest = side * 72 / 2 + 1
    scale = widest**2 / most
    for cell in data.itertuples():
        if cell.exposure not in row_of or cell.outcome not in column_of:
            continue
        right, below = _CORNERS[cell.designs]
        x, y = column_of[cell.outcome] + right, row_of[cell.exposure] + below
        if cell.told:
            ax.scatter(x, y, s=max(scale * (cell.measured + cell.told), 9), facecolor="none", edgecolor=LOOK.soft,
                       linewidth=0.9)  # fmt: skip
        if cell.measured:
            kind = (
                "mixed"
                if cell.harm and cell.benefit
                else "harm"
                if cell.harm
                else "benefit"
                if cell.benefit
                else "null"
            )
            color = LOOK.directions[kind]
            ax.scatter(x, y, s=max(scale * cell.measured, 9), color=color, linewidth=0.6, edgecolor=LOOK.edge(kind))
        number = cell.measured or cell.told
        # A number is written where its bubble is large enough to hold it.
        if number > 2 and (scale * number) ** 0.5 > 2.5 + 4.5 * len(str(number)):
            ax.text(x, y, number, ha="center", va="center", size=6.2,
                    color=LOOK.on(color) if cell.measured else LOOK.ink)  # fmt: skip
    for outcome, x in column_of.items():
        for exposure, y in row_of.items():
            if (exposure, outcome) in filled:
                cell = mpl.patches.Rectangle((x - 0.5, y - 0.5), 1, 1, facecolor=LOOK.box, linewidth=0, zorder=0)
                ax.add_patch(cell)
            else:
                ax.text(x, y, "·", ha="center", va="center", color=LOOK.soft, size=8)
    ax.set_xticks(range(len(across)), labels[across], rotation=48, ha="left", rotation_mode="anchor")
    ax.xaxis.tick_top()
    ax.set_yticks(range(len(down)), labels[down])
    ax.set_xlim(-0.5, len(across) - 0.5)
    ax.set_ylim(len(down) - 0.5, -0.5)
    # Lines between the cells, not through them.
    ax.set_xticks(np.arange(len(across) + 1) - 0.5, minor=True)
    ax.set_yticks(np.arange(len(down) + 1) - 0.5, minor=True)
    ax.grid(which="minor", color=LOOK.line, linewidth=0.6)
    ax.tick_params(which="minor", length=0)
    _clean(ax)
    names = {"harm": "points to harm", "benefit": "points to benefit", "mixed": "to both", "null": "to neither"}
    handles: list[Any] = [
        Line2D([], [], marker="o", linestyle="", color=LOOK.directions[kind], label=text,
               markeredgecolor=LOOK.edge(kind)) for kind, text in names.items()
    ]  # fmt: skip
    handles.append(
        Line2D([], [], marker="o", linestyle="", markerfacecolor="none", color=LOOK.soft, label="told by participants")
    )
    ax.legend(handles=handles, loc="upper left", bbox_to_anchor=(0.0, 0.0), ncols=5, fontsize=8.5)
    words = "; ".join(f"{_CORNER_NAMES[corner]}: {designs}" for designs, corner in _CORNERS.items())
    ax.set_xlabel(f"Place in the cell. {words[0].upper()}{words[1:]}.", labelpad=26, loc="left")
    sums = data.groupby(["exposure", "outcome"], sort=False)[["measured", "told"]].sum().reset_index()
    listed = "; ".join(
        f"{labels[row.exposure]} and {labels[row.outcome]} {row.measured} measured, {row.told} told"
        for row in sums.sort_values(["measured", "told"], ascending=False, kind="stable").head(5).itertuples()
    )
    alt = (
        f"Grid of {len(down)} practices by {len(across)} outcomes, split by design; {empty} cells are empty, "
        f"{len(tested)} have a trial or quasi-experiment. Fullest: {listed}."
    )
    return Chart("evidence_gap_map", title, figure, data, alt)


# ---------------------------------------------------------------------- synthesis: estimates

RATIO_TICKS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100)


def _ratio_axis(ax: Axes, low: float, high: float) -> tuple[float, float]:
    """Make a log axis of ratios with 1 inside; limits beyond a factor of 100 are cut."""
    low, high = max(min(low, 0.8), 0.01) / 1.1, min(max(high, 1.25), 100) * 1.1
    ax.set_xscale("log")
    ax.set_xlim(low, high)
    ticks = [tick for tick in RATIO_TICKS if low <= tick <= high]
    ax.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    ax.xaxis.set_minor_locator(mpl.ticker.NullLocator())
    return low, high


def _interval_line(ax: Axes, row: float, low: float, high: float, color: str, limits: tuple[float, float]) -> None:
    """Draw an interval; an arrow head where it goes on beyond the axis."""
    ax.plot([max(low, limits[0]), min(high, limits[1])], [row, row], color=color, linewidth=1.3,
            solid_capstyle="butt", zorder=2)  # fmt: skip
    if low < limits[0]:
        ax.plot(limits[0], row, marker="<", color=color, markersize=4, clip_on=False)
    if high > limits[1]:
        ax.plot(limits[1], row, marker=">", color=color, markersize=4, clip_on=False)


def _ratio_text(estimate: float, low: float, high: float) -> str:
    return f"{estimate:.2f} ({low:.2f} to {high:.2f})" if low == low else f"{estimate:.2f}"


@_styled
def forest(
    estimates: pd.DataFrame,
    pooled: Pooled | Mapping[str, Pooled] | None = None,
    *,
    title: str | None = None,
    subtitle: str = "Ratio and interval of each study",
    caption: str = "",
    rows: int = 100,
    name: str = "forest",
) -> Chart:
    """Draw estimates with their intervals, a row each, and pooled rows where there are any.

    Parameters
    ----------
    estimates : pandas.DataFrame
        A row an estimate: ``label, estimate, ci_low, ci_high`` as ratios; limits may be missing. Optional:
        ``subgroup`` (a heading), ``weight`` (per cent), ``remark`` (said at the right; the row is drawn hollow).
    pooled : Pooled or mapping of str to Pooled, optional
        Results of `litbench.effects.pool` on the log scale; with a mapping, the pooled row of each subgroup, and of
        the whole under the empty name.
    title, subtitle, caption, name : str
    rows : int
        How many are drawn at most: those with the narrowest intervals. ``data`` has them all.

    Returns
    -------
    Chart
        ``data``: a row a row drawn, ``row, subgroup, label, estimate, ci_low, ci_high, weight, remark``; ``row`` is
        estimate, pooled or prediction.
    """
    frame = estimates.reset_index(drop=True).copy()
    for column, empty in (("subgroup", ""), ("weight", np.nan), ("remark", "")):
        if column not in frame:
            frame[column] = empty
    results = dict(pooled) if isinstance(pooled, Mapping) else {"": pooled} if pooled else {}
    drawn = frame
    if len(frame) > rows:
        width = np.log(frame.ci_high) - np.log(frame.ci_low)
        drawn = frame.loc[width.sort_values(kind="stable").index[:rows].sort_values()]
        caption = f"The {rows} narrowest intervals of {len(frame):,} are drawn. {caption}".strip()
    above, below = int((frame.estimate > 1).sum()), int((frame.estimate < 1).sum())
    if title is None:
        title = f"{above} of {_count(len(frame), 'estimate')} lie above 1, {below} below"
    lines: list[tuple[str, Any]] = []
    for subgroup in dict.fromkeys(drawn.subgroup):
        if subgroup:
            lines.append(("heading", subgroup))
        lines += [("estimate", row) for row in drawn[drawn.subgroup == subgroup].itertuples()]
        if subgroup and subgroup in results:
            lines.append(("pooled", (f"Pooled, {results[subgroup].k} samples", subgroup, results[subgroup])))
    if "" in results:
        lines.append(("pooled", (f"Pooled, {results[''].k} samples", "", results[""])))
    two = drawn.label.str.contains("\n").any()
    figure = _figure(10, (0.36 if two else 0.25) * len(lines) + 0.75, title, subtitle, caption)
    ax, numbers_at, said_at = figure.subplots(1, 3, sharey=True, width_ratios=[4, 1.9, 2.5])
    for beside in (numbers_at, said_at):
        beside.set_axis_off()
    bounds = [drawn.estimate.min(), drawn.ci_low.min()], [drawn.estimate.max(), drawn.ci_high.max()]
    for result in results.values():
        ratio = result.ratio()
        bounds[0].append(np.nanmin([ratio["ci_low"], ratio["prediction_low"]]))
        bounds[1].append(np.nanmax([ratio["ci_high"], ratio["prediction_high"]]))
    limits = _ratio_axis(ax, float(np.nanmin(bounds[0])), float(np.nanmax(bounds[1])))
    ax.axvline(1, color=LOOK.soft, linewidth=0.8, zorder=1)
    labels = []
    for at, (kind, item) in enumerate(lines):
        if kind == "heading":
            # As wide as a label, else the heading would take the room of the axes.
            words = _wrap(item, 3.3, 8.5, "bold")
            labels.append("\n".join([*words[:1], textwrap.shorten(" ".join(words[1:]), 50, placeholder=" …")]).strip())
            continue
        if kind == "estimate":
            hollow = bool(item.remark)
            color = LOOK.soft if hollow else LOOK.accent
            if item.ci_low == item.ci_low:
                _interval_line(ax, at, item.ci_low, item.ci_high, color, limits)
            if item.estimate == item.estimate:
                size = 26 if item.weight != item.weight else 12 + 1.6 * item.weight
                ax.scatter(item.estimate, at, s=size, marker="s" if not hollow else "o", zorder=3,
                           facecolor=LOOK.paper if hollow else color, edgecolor=color, linewidth=1.1)  # fmt: skip
            numbers = _ratio_text(item.estimate, item.ci_low, item.ci_high) if item.estimate == item.estimate else ""
            weight = "" if item.weight != item.weight else f"{item.weight:.1f}%"
            labels.append(item.label)
            said = "\n".join(textwrap.wrap(item.remark, 32)) if item.remark else weight
        else:
            label, _, result = item
            ratio = result.ratio()
            ax.fill([ratio["ci_low"], ratio["estimate"], ratio["ci_high"], ratio["estimate"]],
                    [at, at - 0.3, at, at + 0.3], color=LOOK.ink, zorder=3)  # fmt: skip
            if np.isfinite(ratio["prediction_low"]):
                _interval_line(ax, at + 0.36, ratio["prediction_low"], ratio["prediction_high"], LOOK.ink, limits)
            labels.append(label)
            numbers = _ratio_text(ratio["estimate"], ratio["ci_low"], ratio["ci_high"])
            said = f"I² {result.i2:.0f}%, τ² {result.tau2:.3g}"
        numbers_at.text(0, at, numbers, va="center", size=8)
        said_at.text(0, at, said, va="center", size=7.5, color=LOOK.soft, linespacing=1.1)
    for number, (kind, _) in enumerate(lines):
        if kind == "pooled":
            ax.axhline(number - 0.55, color=LOOK.line, linewidth=0.7, zorder=0)
    ax.set_yticks(range(len(lines)), labels)
    for tick, (kind, _) in zip(ax.get_yticklabels(), lines, strict=True):
        tick.set_weight("bold" if kind != "estimate" else "normal")
        tick.set_size(8.5)
    ax.set_ylim(len(lines) - 0.3, -0.7)
    ax.tick_params(axis="y", length=0)
    ax.spines["left"].set_visible(False)
    predicted = any(np.isfinite(result.prediction_low) for result in results.values())
    ax.set_xlabel(
        "Ratio, log scale"
        + ("; diamond: pooled" if results else "")
        + (", line below it: prediction interval" if predicted else "")
    )
    columns = ["subgroup", "label", "estimate", "ci_low", "ci_high", "weight", "remark"]
    out = [frame[columns].assign(row="estimate", label=frame.label.str.replace("\n", ": "))]
    for subgroup, result in results.items():
        ratio = result.ratio()
        out.append(pd.DataFrame([
            {"row": "pooled", "subgroup": subgroup, "label": f"Pooled, {result.k} samples", "weight": 100.0,
             "estimate": ratio["estimate"], "ci_low": ratio["ci_low"], "ci_high": ratio["ci_high"], "remark": ""},
            {"row": "prediction", "subgroup": subgroup, "label": "Prediction interval", "weight": np.nan,
             "estimate": np.nan, "ci_low": ratio["prediction_low"], "ci_high": ratio["prediction_high"], "remark": ""},
        ]))  # fmt: skip
    data = pd.concat(out, ignore_index=True)[["row", *columns]]
    words = [f"{subgroup or 'all'} pooled {_ratio_text(*list(result.ratio().values())[:3])}"
             for subgroup, result in results.items()]  # fmt: skip
    alt = f"Forest plot of {_count(len(frame), 'estimate')}, {above} above 1 and {below} below. " + (
        f"{'; '.join(words)}." if words else "Nothing is pooled."
    )
    return Chart(name, title, figure, data, alt)


def comparison_forest(corpus: Corpus, comparison: str) -> Chart:
    """Draw the estimates that were examined for a comparison, pooled where the rules let them, else with the reason.

    Parameters
    ----------
    corpus : Corpus
    comparison : str
        Name in ``data/comparisons.csv``.

    Returns
    -------
    Chart
        As `forest`. Estimates that are set aside are hollow, with the reason beside them.
    """
    from litbench import effects

    known = effects.comparisons(corpus)
    if comparison not in known:
        raise ValueError(f"No comparison {comparison!r} in this corpus; known are: {', '.join(known)}")
    chosen = known[comparison]
    name = f"forest_{comparison.replace('-', '_')}"
    rows = chosen.estimates.copy()
    rows["label"] = [
        f"{row.citation} [{row.sample}]\n{textwrap.shorten(row.exposure, 52, placeholder=' …')}"
        if row.sample != row.key else f"{row.citation}\n{textwrap.shorten(row.exposure, 52, placeholder=' …')}"
        for row in rows.itertuples()
    ]  # fmt: skip
    rows["remark"] = rows.set_aside
    rows["subgroup"] = [textwrap.shorten(outcome[0].upper() + outcome[1:], 60) for outcome in rows.outcome]
    # What is no ratio has no place on the axis; it is listed with its reason.
    rows.loc[rows.scale.isna(), ["estimate", "ci_low", "ci_high"]] = np.nan
    results: dict[str, Pooled] = {}
    if not chosen.refusal:
        rows = rows.sort_values("set", kind="stable")
        described = rows.set[rows.set_aside == ""].map(chosen.words)
        for words, result in chosen.pool().items():
            members = described.index[described == words]
            rows.loc[members, "subgroup"] = words
            rows.loc[members, "weight"] = result.weights
            results[words] = result
    rows = rows.sort_values("subgroup", kind="stable")
    fit = rows[rows.set_aside == ""]
    samples = fit["sample"].nunique()
    verdict = "nothing is pooled" if chosen.refusal else _count(len(results), "set") + " pooled"
    title = (
        f"Examined for {comparison}: {_count(len(fit), 'usable estimate')} of {_count(samples, 'sample')}, {verdict}"
    )
    notes = "; ".join(dict.fromkeys(note for result in results.values() for note in result.notes))
    said = chosen.reason(listed=False) or (f"{notes[0].upper()}{notes[1:]}." if notes else "")
    return forest(
        rows, results, title=title, subtitle=said, name=name,
        caption=_caption(corpus, "Hollow: set aside, with the reason. Associations are not causes."),
    )  # fmt: skip


@_styled
def funnel(
    estimates: Iterable[float], variances: Iterable[float], labels: Iterable[str] | None = None, *, caption: str = ""
) -> Chart:
    """Draw estimates against their standard errors: whether small studies lean to one side.

    Parameters
    ----------
    estimates, variances : array_like, shape (k,)
        On the log scale, one a sample, at least ten.
    labels : iterable of str, optional
    caption : str

    Returns
    -------
    Chart
        ``data``: a row a study, ``label, estimate, se``, as ratio and on the log scale.

    Raises
    ------
    litbench.effects.Refused
        Under ten studies, where asymmetry cannot be told from chance (Sterne et al. 2011, BMJ 343:d4002).
    """
    from litbench import effects

    y, v = np.asarray(list(estimates), dtype=float), np.asarray(list(variances), dtype=float)
    if len(y) < effects.FUNNEL_FROM:
        raise effects.Refused(
            f"No funnel plot of {_count(len(y), 'sample')}: under {effects.FUNNEL_FROM} its asymmetry cannot be told "
            "from chance"
        )
    result = effects.pool(y, v)
    names = list(labels) if labels is not None else [str(number) for number in range(1, len(y) + 1)]
    data = pd.DataFrame({"label": names, "estimate": np.exp(y), "se": np.sqrt(v)})
    inside = np.abs(y - result.estimate) <= 1.959964 * np.sqrt(v)
    title = f"{int(inside.sum())} of {len(y)} samples lie inside the funnel"
    subtitle = (
        f"Ratio (log scale) against its standard error; dashed: where 95% would lie around the pooled ratio "
        f"{np.exp(result.estimate):.2f} if nothing but chance set samples apart"
    )
    figure = _figure(7, 4.2, title, subtitle, caption)
    ax = figure.subplots()
    top = float(np.sqrt(v).max()) * 1.05
    edges = result.estimate + np.array([-1, 0, 1]) * 1.959964 * top
    low, high = np.exp(min(edges[0], y.min())), np.exp(max(edges[2], y.max()))
    _ratio_axis(ax, float(low), float(high))
    ax.plot(np.exp(edges[[0, 1, 2]]), [top, 0, top], color=LOOK.soft, linestyle="--", linewidth=0.9)
    ax.axvline(np.exp(result.estimate), color=LOOK.soft, linewidth=0.9)
    ax.scatter(np.exp(y), np.sqrt(v), s=24, color=LOOK.accent, alpha=0.75, linewidth=0)
    ax.set_ylim(top, 0)
    ax.set_xlabel("Ratio, log scale")
    ax.set_ylabel("Standard error of the log ratio")
    alt = f"Funnel plot of {len(y)} samples; {int((~inside).sum())} lie outside of the funnel."
    return Chart("funnel", title, figure, data, alt)


@_styled
def intervals_from_abstracts(corpus: Corpus) -> Chart:
    """Draw every primary ratio interval that was read from an abstract, and how few include no effect.

    Returns
    -------
    Chart
        ``data``: a row an interval, ``finding, estimate, ci_low, ci_high, nearest, z, includes_no_effect``.
        ``nearest`` is the limit nearest to 1 and ``z`` the estimate over its standard error, both turned so that
        an effect is above 1 and above 0.

    Notes
    -----
    An unselected literature with real effects has a smooth spread of z across 1.96; a step there is the mark of
    selection by significance (van Zwet & Cator 2021, Statistica Neerlandica 75:437).
    """
    from litbench import effects

    frame = effects.from_abstracts(effects.ratios(corpus))
    if frame.empty:
        return _nothing("intervals_from_abstracts", corpus, "primary ratio intervals read from abstracts")
    down = frame.estimate < 1
    data = frame[["finding", "estimate", "ci_low", "ci_high"]].copy()
    data["nearest"] = np.where(down, 1 / frame.ci_high, frame.ci_low)
    data["z"] = np.abs(frame.log_estimate) / frame.se
    data["includes_no_effect"] = frame.includes_no_effect
    far = np.where(down, 1 / frame.ci_low, frame.ci_high)
    point = np.where(down, 1 / frame.estimate, frame.estimate)
    order = np.argsort(data.nearest.to_numpy(), kind="stable")
    few, total = int(data.includes_no_effect.sum()), len(data)
    touching = int(((frame.ci_low == 1) | (frame.ci_high == 1)).sum())
    title = f"{few} of {total:,} intervals read from abstracts include no effect"
    subtitle = (
        "Left: each interval, those below 1 turned over, sorted by the limit nearest to 1. Right: the same estimates "
        "by distance from no effect in standard errors (z); abstracts report what passes 1.96"
    )
    note = (
        f"{_count(int(frame.key.nunique()), 'publication')}, "
        f"at most {_count(int(frame['sample'].nunique()), 'sample')}. "
        f"{_count(touching, 'more interval')} end{'s' if touching == 1 else ''} at 1.00 as printed. "
        "What was measured and not found significant is mostly missing, so these estimates lean away from no effect."
    )
    figure = _figure(10, 4.6, title, subtitle, _caption(corpus, note))
    left, right = figure.subplots(1, 2, width_ratios=[1.35, 1])
    places = np.arange(total)
    color = np.where(data.includes_no_effect.to_numpy()[order], LOOK.directions["harm"], LOOK.accent)
    low, high = data.nearest.to_numpy()[order], far[order]
    limits = _ratio_axis(left, float(low.min()), float(high.max()))
    left.hlines(places, np.maximum(low, limits[0]), np.minimum(high, limits[1]), color=color, linewidth=0.9)
    left.scatter(point[order], places, s=4, color=color, zorder=3, linewidth=0)
    left.axvline(1, color=LOOK.ink, linewidth=1)
    left.set_ylim(-total * 0.02 - 1, total * 1.02)
    left.set_yticks([])
    left.spines["left"].set_visible(False)
    left.set_xlabel("Ratio, turned so that the effect is above 1 (log scale)")
    if few:
        left.annotate(f"{few} include 1", (float(high[:few].max()), few / 2), xytext=(8, 0),
                      textcoords="offset points", va="center", size=8.5, color=LOOK.directions["harm"])  # fmt: skip
    top = max(float(np.ceil(min(data.z.max(), 8.0))), 4.0)
    edges = np.arange(0, top + 0.01, 1.959964 / 4)
    shown = np.minimum(data.z, edges[-1] - 1e-9)
    counts, _ = np.histogram(shown, edges)
    right.bar(edges[:-1], counts, width=np.diff(edges), align="edge", edgecolor=LOOK.paper, linewidth=0.8,
              color=[LOOK.directions["harm"] if edge < 1.95 else LOOK.accent for edge in edges[:-1]])  # fmt: skip
    right.axvline(1.959964, color=LOOK.ink, linewidth=1)
    right.set_ylim(0, counts.max() * 1.2)
    right.annotate("z = 1.96", (1.959964, counts.max() * 1.12), xytext=(-5, 0), textcoords="offset points",
                   ha="right", va="center", size=8.5)  # fmt: skip
    right.set_xlabel(f"Estimate over its standard error (z); the last bar is {edges[-2]:.1f} and more")
    right.set_ylabel("Estimates")
    under = int((data.z < 1.959964).sum())
    alt = (
        f"{total} intervals as lines, sorted; {few} cross 1. A histogram of their z values has {under} below 1.96 and "
        f"{int(((data.z >= 1.959964) & (data.z < 2.94)).sum())} between 1.96 and 2.94."
    )
    return Chart("intervals_from_abstracts", title, figure, data.reset_index(drop=True), alt)


# ---------------------------------------------------------------------- synthesis: directions

_PEOPLE = ((300, "more than 300 studied", 78), (50, "50 to 300", 42), (0, "under 50", 18))


def _appraised(corpus: Corpus) -> dict[str, str]:
    """Return how each publication came out of its appraisal.

    By the number of items answered no or unclear: none, one or two, more; no score is made of them (JBI advises
    against scores). Where fewer than half of the items could be judged, neither can the study. Who paid for a study
    is listed with its appraisal but is not a matter of its methods.
    """
    answers = corpus.appraisal[
        (corpus.appraisal.checklist != "interests") & (corpus.appraisal.answer != "not applicable")
    ]
    result = {}
    for key, given in answers.groupby("key").answer:
        judged = given[given.isin(["yes", "no", "unclear"])]
        against = int((judged != "yes").sum())
        if 2 * len(judged) < len(given):
            result[str(key)] = "cannot be judged"
        else:
            result[str(key)] = "few concerns" if not against else "some concerns" if against < 3 else "serious concerns"
    return result


def _sample_names(corpus: Corpus, cells: pd.DataFrame) -> dict[str, str]:
    """Return a short name of each sample: its own, or the citation of its one publication."""
    named = corpus.samples.set_index("sample").name
    cited = corpus.studies.set_index("key").citation
    return {
        sample: textwrap.shorten(str(named.get(sample, cited.get(sample, sample))), 62, placeholder=" …")
        for sample in dict.fromkeys(cells["sample"])
    }


@_styled
def effect_direction(
    corpus: Corpus, exposures: str | Iterable[str], outcomes: str | Iterable[str], *, rows: int = 60, columns: int = 16
) -> Chart:
    """Draw the direction of each sample for each outcome, after Boon & Thomson (2021).

    Parameters
    ----------
    corpus : Corpus
    exposures, outcomes : str or iterable of str
        Themes or domains, as for `litbench.effects.directions`.
    rows, columns : int
        How many samples and outcomes are drawn at most: those with the most outcomes and samples.

    Returns
    -------
    Chart
        ``data``: a row a sample and outcome, ``sample, outcome, direction, findings, harm, benefit, publications, n,
        appraisal``.

    Notes
    -----
    The 2021 revision: no significance anywhere; a sample has one sign an outcome, that of at least 70 % of its
    findings, else it is mixed; the sign test leaves mixed ones out and is given from six signs on. Size is the
    number studied, mostly people; the shade of a row is the appraisal of its worst publication, where there is one.
    """
    from litbench import effects

    cells = effects.directions(corpus, exposures, outcomes)
    if cells.empty:
        return _nothing("effect_direction", corpus, "effects or associations between these themes")
    appraised = _appraised(corpus)
    # A sample has few concerns only where every publication was judged so.
    worst = ["few concerns", "not appraised", "cannot be judged", "some concerns", "serious concerns"]
    cells["appraisal"] = [
        max((appraised.get(key, "not appraised") for key in keys), key=worst.index) for keys in cells["keys"]
    ]
    totals = cells.groupby("outcome")["sample"].nunique()
    across = sorted(totals.index, key=lambda one: (-totals[one], one))[:columns]
    inside = cells[cells.outcome.isin(across)]
    breadth = inside.groupby("sample").agg(outcomes=("outcome", "nunique"), findings=("findings", "sum"))
    down = sorted(breadth.index, key=lambda one: (-breadth.outcomes[one], -breadth.findings[one], one))[:rows]
    drawn = inside[inside["sample"].isin(down)]
    labels = cells.drop_duplicates("outcome").set_index("outcome").label
    names = _sample_names(corpus, drawn)
    tests = {
        outcome: (int((group.direction == "harm").sum()), int((group.direction == "benefit").sum()))
        for outcome, group in cells.groupby("outcome")
    }
    samples = cells["sample"].nunique()
    harm, benefit = (int(cells["sample"][cells.direction == way].nunique()) for way in ("harm", "benefit"))
    title = (
        f"{harm} of {_count(samples, 'sample')} {'has' if harm == 1 else 'have'} an outcome that points to harm, "
        f"{benefit} one that points to benefit"
    )
    subtitle = (
        "Effect direction plot: one sign a sample and outcome, that of at least 70% of its findings, whether or not "
        "significant; a small number: findings, where there are several"
    )
    left_out = [
        _count(number, noun) for number, noun in
        ((samples - len(down), "more sample"), (len(totals) - len(across), "more outcome")) if number > 0
    ]  # fmt: skip
    note = (
        (f"Not drawn: {' and '.join(left_out)}; the sums count them. " if left_out else "")
        + "Sums: samples that point to harm : to benefit, mixed left out, and two-sided p of the sign test from "
        f"{effects.SIGN_TEST_FROM} signs on. Associations are not causes; abstracts print what is significant. "
        + ("" if cells.n.notna().all() else "A sample of unknown size is drawn as 50 to 300. ")
        + _said_of_appraisal(cells)
    )
    figure = _figure(max(6.0 + 0.42 * len(across), 9), 0.25 * len(down) + 3.6, title, subtitle, _caption(corpus, note))
    ax = figure.subplots()
    row_of = {sample: number for number, sample in enumerate(down)}
    column_of = {outcome: number for number, outcome in enumerate(across)}
    for sample, group in drawn.groupby("sample"):
        shade = max(group.appraisal, key=worst.index)
        if shade in LOOK.appraised:
            ax.axhspan(row_of[sample] - 0.5, row_of[sample] + 0.5, color=LOOK.appraised[shade], linewidth=0, zorder=0)
    for cell in drawn.itertuples():
        x, y = column_of[cell.outcome], row_of[cell.sample]
        size = 42 if pd.isna(cell.n) else next(size for least, _, size in _PEOPLE if cell.n > least or not least)
        _direction_mark(ax, x, y, cell.direction, size)
        if cell.findings > 1:
            ax.text(x + 0.26, y + 0.12, cell.findings, size=6, color=LOOK.soft, ha="left", va="center")
    ax.axhline(len(down) - 0.5, color=LOOK.soft, linewidth=0.8)
    for outcome, x in column_of.items():
        signs = tests[outcome]
        p = effects.sign_test(*signs)
        said = f"{signs[0]}:{signs[1]}" + (f"\np {'<.001' if p < 0.001 else f'{p:.3f}'.lstrip('0')}" if p == p else "")
        ax.text(x, len(down) - 0.2, said, ha="center", va="top", size=6.8)
    ax.set_yticks(range(len(down)), [names[sample] for sample in down])
    ax.set_xticks(range(len(across)), [f"{labels[outcome]} ({totals[outcome]})" for outcome in across],
                  rotation=48, ha="left", rotation_mode="anchor")  # fmt: skip
    ax.xaxis.tick_top()
    ax.set_xlim(-0.6, len(across) - 0.4)
    ax.set_ylim(len(down) + 0.9, -0.6)
    ax.grid(color=LOOK.grid, linewidth=0.6)
    _clean(ax)
    handles: list[Any] = [
        Line2D([], [], marker="v", linestyle="", color=LOOK.directions["harm"], label="harm"),
        Line2D([], [], marker="^", linestyle="", color=LOOK.directions["benefit"], label="benefit"),
        Line2D([], [], marker="$◄►$", markersize=11, linestyle="", color=LOOK.directions["mixed"],
               label="mixed, or no direction"),
        *(Line2D([], [], marker="v", linestyle="", color=LOOK.soft, markersize=size**0.5, label=text)
          for _, text, size in _PEOPLE),
    ]  # fmt: skip
    handles += [
        Patch(color=color, label=shade) for shade, color in LOOK.appraised.items() if shade in set(drawn.appraisal)
    ]
    _legend_below(ax, handles)
    listed = "; ".join(
        f"{labels[outcome]} {tests[outcome][0]} to harm, {tests[outcome][1]} to benefit" for outcome in across[:8]
    )
    alt = f"Effect direction plot of {_count(samples, 'sample')} by {len(totals)} outcomes. Most studied: {listed}."
    kept = ["sample", "outcome", "direction", "findings", "harm", "benefit", "publications", "n", "appraisal"]
    return Chart("effect_direction", title, figure, cells[kept], alt)


def _said_of_appraisal(cells: pd.DataFrame) -> str:
    """Say what the shade of a row stands for, and for how many samples there is none."""
    of_sample = cells.groupby("sample").appraisal.agg(lambda values: bool(set(values) & set(LOOK.appraised)))
    without = int((~of_sample).sum())
    if without == len(of_sample):
        return "No row is shaded: none of the studies could be appraised from what was read."
    shaded = "Shade of a row: the most concerns that the appraisal of one of its publications has"
    return (
        f"{shaded}; {_count(without, 'sample')} could not be appraised from what was read." if without else f"{shaded}."
    )


def _legend_below(ax: Axes, handles: list[Any]) -> None:
    """Put a legend under the axes, inside of the room that the layout gives them."""
    ax.legend(handles=handles, loc="upper center", bbox_to_anchor=(0.5, 0), borderaxespad=0.8, ncols=3, fontsize=8)


def _direction_mark(ax: Axes, x: float, y: float, direction: str, size: float) -> None:
    if direction in ("harm", "benefit"):
        ax.scatter(x, y, s=size, marker="v" if direction == "harm" else "^", color=LOOK.directions[direction],
                   linewidth=0, zorder=3)  # fmt: skip
    else:
        for marker, side in (("<", -0.11), (">", 0.11)):
            ax.scatter(x + side, y, s=size * 0.6, marker=marker, color=LOOK.directions["mixed"], linewidth=0, zorder=3)


@_styled
def harvest(corpus: Corpus, exposures: str | Iterable[str], outcomes: str | Iterable[str], *, rows: int = 16) -> Chart:
    """Draw samples as bars, by outcome and direction, higher the more their design can tell (Ogilvie et al. 2008).

    Parameters
    ----------
    corpus : Corpus
    exposures, outcomes : str or iterable of str
        Themes or domains, as for `litbench.effects.directions`.
    rows : int
        How many outcomes are drawn at most: those with the most samples.

    Returns
    -------
    Chart
        ``data``: a row a sample and outcome, ``sample, outcome, direction, design, height``. ``height`` is 3 for
        trials, quasi-experiments and cohorts, 2 for case-control and cross-sectional studies, 1 for the rest; a
        sample has the highest of its publications.
    """
    from litbench import effects

    cells = effects.directions(corpus, exposures, outcomes)
    if cells.empty:
        return _nothing("harvest", corpus, "effects or associations between these themes")
    design = corpus.studies.set_index("key").design.astype("str")
    strong = {"randomised-trial": 3, "quasi-experimental": 3, "cohort": 3, "case-control": 2, "cross-sectional": 2}
    best = [max(keys, key=lambda key: strong.get(design[key], 1)) for keys in cells["keys"]]
    cells = cells.assign(design=[design[key] for key in best])
    cells["height"] = cells.design.map(strong).fillna(1).astype("int64")
    cells["column"] = cells.direction.replace("none", "mixed")
    totals = cells.groupby("outcome")["sample"].nunique()
    down = sorted(totals.index, key=lambda one: (-totals[one], one))[:rows]
    labels = cells.drop_duplicates("outcome").set_index("outcome").label
    longitudinal = int(cells["sample"][cells.height == 3].nunique())
    samples = cells["sample"].nunique()
    title = f"{longitudinal} of {_count(samples, 'sample')} rest on a trial, quasi-experiment or cohort"
    subtitle = (
        "Harvest plot: a bar a sample, by outcome and what it points to; the higher, the more the design can tell"
    )
    heads = {"harm": "harm", "mixed": "mixed, or no direction", "benefit": "benefit"}
    note = (f"Not drawn: {_count(len(totals) - len(down), 'more outcome')}. " if len(totals) > len(down) else "") + (
        "Tall: trial, quasi-experiment or cohort; middle: case-control or cross-sectional; low: ecological, mixed or "
        "other. Associations are not causes."
    )
    figure = _figure(9, 0.52 * len(down) + 0.5, title, subtitle, _caption(corpus, note))
    axes = figure.subplots(len(down), 3, sharey=True, squeeze=False)
    most = int(cells[cells.outcome.isin(down)].groupby(["outcome", "column"]).size().max())
    for across, outcome in zip(axes, down, strict=True):
        for ax, way in zip(across, heads, strict=True):
            bars = cells[(cells.outcome == outcome) & (cells.column == way)]
            heights = bars.height.sort_values(ascending=False).to_numpy()
            ax.bar(np.arange(len(heights)), heights, width=0.78, color=LOOK.directions[way], linewidth=0)
            ax.text(len(heights) - 0.2, 0.15, len(heights) or "", size=8, va="bottom", color=LOOK.soft)
            ax.set_xlim(-0.8, max(most, 6) * 1.12 + 0.6)
            ax.set_ylim(0, 3.4)
            ax.set_xticks([])
            ax.set_yticks([])
            ax.spines["left"].set_visible(False)
            ax.spines["bottom"].set_color(LOOK.line)
        across[0].set_ylabel(labels[outcome], rotation=0, ha="right", va="center", size=8.5)
    for ax, text in zip(axes[0], heads.values(), strict=True):
        ax.set_title(text, size=9, loc="left", weight="bold")
    counted = cells.groupby("column").size()
    listed = ", ".join(f"{counted.get(way, 0)} {text}" for way, text in heads.items())
    alt = f"Harvest plot of {_count(samples, 'sample')} and {len(totals)} outcomes; signs: {listed}."
    data = cells[["sample", "outcome", "direction", "design", "height"]]
    return Chart("harvest", title, figure, data, alt)


# ---------------------------------------------------------------------- what was screened


@_styled
def prisma_flow(corpus: Corpus) -> Chart:
    """Draw the PRISMA 2020 flow of what was screened since screening is logged.

    Returns
    -------
    Chart
        ``data``: a row a box, and below it one a criterion: ``box, criterion, records``.

    Notes
    -----
    The form for updated reviews (Page et al. 2021, BMJ 372:n71): the studies that were there before stand in a
    column of their own. How many records were looked at before the log began is not known and not drawn.
    """
    screening = corpus.screening
    before = int((corpus.studies.identification_route == "curated").sum())
    since = screening.date.min()
    counts = screening.decision.value_counts()
    included, excluded, awaiting = (int(counts.get(one, 0)) for one in ("included", "excluded", "awaiting"))
    criterion = screening.criterion.astype("str").where(screening.criterion.notna(), "another reason, see the log")
    by = {
        box: [(rule, int(number)) for rule, number in criterion[screening.decision == box].value_counts().items()]
        for box in ("excluded", "awaiting")
    }
    title = f"{_count(len(screening), 'record')} screened since the log began, {included} included"
    started = f"{since:%d %B %Y}".lstrip("0") if len(screening) else "not yet"
    subtitle = f"PRISMA 2020 flow for an updated collection; screening is logged from: {started}"

    def listed(box: str) -> str:
        return "\n".join(f"{rule} ({number})" for rule, number in by[box])

    # Box, column, row from the top, text, number. What waits has a row of its own, beside the arrow downwards.
    boxes = [
        ("before", 0, 0, f"In the corpus before screening was logged\n(n = {before:,})", before),
        ("identified", 1, 0, f"Records screened since\n(n = {len(screening):,})", len(screening)),
        ("excluded", 2, 0, f"Excluded (n = {excluded:,})\n{listed('excluded')}".strip(), excluded),
        ("awaiting", 2, 1, f"Awaiting (n = {awaiting:,})\n{listed('awaiting')}".strip(), awaiting),
        ("included", 1, 2, f"Included since\n(n = {included:,})", included),
        ("corpus", 1, 3, f"Publications in the corpus\n(n = {len(corpus):,})", len(corpus)),
    ]
    note = (
        "The corpus was gathered by region from known studies and topic searches; what was looked at then and left "
        "out was not written down, so this flow cannot begin earlier."
    )
    middle, width = {0: 1.35, 1: 4.2, 2: 7.85}, {0: 2.3, 1: 2.3, 2: 4.0}
    texts = {
        box: "\n".join(part for line in text.split("\n") for part in textwrap.wrap(line, int(width[column] * 15)))
        for box, column, _, text, _ in boxes
    }
    tall = {box: (text.count("\n") + 1) * 0.155 + 0.3 for box, text in texts.items()}
    rows = [max(tall[box] for box, _, at, *_ in boxes if at == row) for row in range(4)]
    gap = 0.3
    total = sum(rows) + 3 * gap
    tops = {box: sum(rows[:row]) + row * gap for box, _, row, *_ in boxes}
    figure = _figure(10, total + 0.1, title, subtitle, _caption(corpus, note))
    ax = figure.subplots()
    ax.set_xlim(0, 10)
    ax.set_ylim(total + 0.03, -0.03)
    _clean(ax)
    ax.set_xticks([])
    ax.set_yticks([])
    for box, column, _, _, _ in boxes:
        ax.add_patch(
            mpl.patches.Rectangle((middle[column] - width[column] / 2, tops[box]), width[column], tall[box],
                                  facecolor=LOOK.box, edgecolor=LOOK.soft, linewidth=0.9)
        )  # fmt: skip
        # A list of reasons reads from the left, a number from the middle of its box.
        at, side = (middle[column] - width[column] / 2 + 0.12, "left") if column == 2 else (middle[column], "center")
        ax.text(at, tops[box] + tall[box] / 2, texts[box], ha=side, va="center", size=7.6, linespacing=1.25)
    bottom = {box: tops[box] + tall[box] for box in tops}
    centre = {box: tops[box] + tall[box] / 2 for box in tops}
    left = middle[2] - width[2] / 2
    arrow = {"arrowstyle": "-|>", "color": LOOK.soft, "linewidth": 0.9}
    for start, end in (
        ((middle[1], bottom["identified"]), (middle[1], tops["included"])),
        ((middle[1], bottom["included"]), (middle[1], tops["corpus"])),
        ((middle[1] + width[1] / 2, centre["identified"]), (left, centre["identified"])),
        ((middle[1], centre["awaiting"]), (left, centre["awaiting"])),
        ((middle[0], centre["corpus"]), (middle[1] - width[1] / 2, centre["corpus"])),
    ):
        ax.annotate("", xy=end, xytext=start, arrowprops={**arrow, "shrinkA": 0, "shrinkB": 0})
    ax.plot([middle[0]] * 2, [bottom["before"], centre["corpus"]], color=LOOK.soft, linewidth=0.9)
    counted: list[tuple[str, str, int]] = []
    for box, *_, number in boxes:
        counted += [(box, "", number), *((box, *one) for one in by.get(box, ()))]
    data = pd.DataFrame(counted, columns=["box", "criterion", "records"])
    alt = (
        f"Flow: {before} publications were there before screening was logged; "
        f"of {len(screening)} records screened since, "
        f"{excluded} excluded, {awaiting} awaiting, {included} included; {len(corpus)} publications in all."
    )
    return Chart("prisma_flow", title, figure, data, alt)


# ---------------------------------------------------------------------- themes that meet


@_styled
def theme_sets(corpus: Corpus, themes: Iterable[str] | None = None, *, sets: int = 20) -> Chart:
    """Draw which combinations of themes studies have (an UpSet plot; Lex et al. 2014).

    Parameters
    ----------
    corpus : Corpus
    themes : iterable of str, optional
        The themes; without them the six in the most publications.
    sets : int
        How many combinations are drawn at most, the largest first.

    Returns
    -------
    Chart
        ``data``: a row a combination, ``themes, publications, samples``; every combination that occurs. A
        publication is in one only: that of all its themes among those chosen.
    """
    counts = _theme_counts(corpus)
    if counts.empty:
        return _nothing("theme_sets", corpus, "coded findings")
    ordered = counts.sort_values(["publications", "theme"], ascending=[False, True])
    known = set(corpus.themes.theme)
    chosen = list(ordered.theme.head(6)) if themes is None else list(dict.fromkeys(themes))
    if unknown := [one for one in chosen if one not in known]:
        raise ValueError(f"No theme {unknown[0]!r} in the codebook; `corpus.themes` lists them")
    codes = corpus.agreed[corpus.agreed.theme.isin(chosen) & ~corpus.agreed.key.isin(corpus.reviews)]
    of_study = codes.groupby("key").theme.agg(lambda values: tuple(one for one in chosen if one in set(values)))
    if of_study.empty:
        return _nothing("theme_sets", corpus, "studies with these themes")
    rows = [(members, len(keys), corpus.count_samples(keys.index)) for members, keys in of_study.groupby(of_study)]
    data = pd.DataFrame(rows, columns=["members", "publications", "samples"])
    data["size"] = data.members.map(len)
    data = data.sort_values(["publications", "size", "members"], ascending=[False, True, True], ignore_index=True)
    labels = corpus.themes.set_index("theme").label
    drawn = data.head(sets)
    alone = int(data.publications[data["size"] == 1].sum())
    total = int(data.publications.sum())
    title = (
        f"{total - alone} of {total} {'study' if total == 1 else 'studies'} with any of these {len(chosen)} themes "
        "have two or more"
    )
    subtitle = "Studies by which of these themes they have, and no others of them; right: all studies with the theme"
    note = f"{_count(len(data) - len(drawn), 'smaller combination')} not drawn. " if len(data) > len(drawn) else ""
    figure = _figure(3.6 + 0.34 * len(drawn) + 1.6, 1.7 + 0.27 * len(chosen), title, subtitle,
                     _caption(corpus, note + "Agreed codes, reviews left out."))  # fmt: skip
    grid = figure.add_gridspec(
        2, 2, height_ratios=[1.6, 0.27 * len(chosen) + 0.1], width_ratios=[0.34 * len(drawn), 1.3]
    )
    bars, matrix, sizes = (figure.add_subplot(one) for one in (grid[0, 0], grid[1, 0], grid[1, 1]))
    places = np.arange(len(drawn))
    bars.bar(places, drawn.publications, width=0.62, color=LOOK.accent)
    for place, value in zip(places, drawn.publications, strict=True):
        bars.text(place, value, f"{value:,}", ha="center", va="bottom", size=7.5)
    bars.set_ylim(0, drawn.publications.max() * 1.18)
    bars.set_yticks([])
    bars.set_ylabel("Studies")
    level = {theme: number for number, theme in enumerate(chosen)}
    matrix.scatter(
        np.tile(places, len(chosen)), np.repeat(np.arange(len(chosen)), len(drawn)), s=26, color=LOOK.line, linewidth=0
    )
    for place, members in zip(places, drawn.members, strict=True):
        rows_at = [level[one] for one in members]
        matrix.plot([place, place], [min(rows_at), max(rows_at)], color=LOOK.ink, linewidth=1.4)
        matrix.scatter([place] * len(rows_at), rows_at, s=26, color=LOOK.ink, linewidth=0, zorder=3)
    matrix.set_yticks(range(len(chosen)), labels[chosen])
    with_theme = counts.set_index("theme").publications.reindex(chosen, fill_value=0)
    sizes.barh(np.arange(len(chosen)), with_theme, height=0.6, color=LOOK.soft)
    for row, value in enumerate(with_theme):
        sizes.text(value, row, f" {value:,}", va="center", size=7.5)
    sizes.set_xlim(0, max(with_theme.max(), 1) * 1.45)
    sizes.set_yticks([])
    for ax in (matrix, sizes):
        ax.set_ylim(len(chosen) - 0.4, -0.6)
    for ax in (bars, matrix):
        ax.set_xlim(-0.7, len(drawn) - 0.3)
    for ax in (bars, matrix, sizes):
        ax.set_xticks([])
        _clean(ax)
    data["themes"] = [" + ".join(members) for members in data.members]
    largest = "; ".join(f"{row.themes} {row.publications}" for row in data.head(5).itertuples())
    alt = f"UpSet plot of {len(chosen)} themes in {total} studies, {len(data)} combinations. Largest: {largest}."
    return Chart("theme_sets", title, figure, data[["themes", "publications", "samples"]], alt)


@_styled
def themes_network(corpus: Corpus, themes: int = 30, edges: int = 60) -> Chart:
    """Draw themes that are found together in findings as a network, arcs between names, like beside like.

    Parameters
    ----------
    corpus : Corpus
    themes, edges : int
        How many of the most frequent themes, and of the strongest ties between them, are drawn.

    Returns
    -------
    Chart
        ``data``: a row a tie, ``theme, other, publications, samples, jaccard``; all that occur. ``jaccard`` is the
        publications that have both in one finding over those that have either.

    Notes
    -----
    Order by average-linkage clustering of the Jaccard distance, leaves optimally ordered (Bar-Joseph et al. 2001).
    """
    data = _pairs(corpus)
    if data.empty:
        return _nothing("themes_network", corpus, "findings with two themes")
    counts = _theme_counts(corpus).set_index("theme")
    size = counts.publications
    largest = size.sort_values(ascending=False, kind="stable").index[:themes]
    shown, _ = _clustered(data, [theme for theme in counts.index if theme in set(largest)])
    inside = data[data.theme.isin(shown) & data.other.isin(shown)]
    place = {theme: number for number, theme in enumerate(shown)}
    ties = inside.head(edges)
    top = ties.iloc[0]
    labels = counts.label
    degree = pd.concat([ties.theme, ties.other]).value_counts()
    hub = degree.index[0]
    alone = len(degree) < 2 or degree.iloc[0] > degree.iloc[1]
    title = (
        f"{labels[hub]} is tied to {_count(int(degree.iloc[0]), 'other theme')} "
        f"among the {_count(len(ties), 'strongest tie')}, {'more than' if alone else 'as many as'} any other"
    )
    subtitle = (
        "Themes found together in one finding; arcs: thicker with more publications; circles: publications with the "
        "theme; themes in the order of their ties, coloured by domain"
    )
    figure = _figure(9, 0.24 * len(shown) + 0.6, title, subtitle,
                     _caption(corpus, f"{len(ties)} of {len(data):,} ties and {len(shown)} of {len(counts)} themes "
                                      "are drawn. "
                                      "Reviews left out."))  # fmt: skip
    ax = figure.subplots()
    domains = list(dict.fromkeys(counts.domain[shown]))
    tints = {domain.id: shade for domain, shade in zip(corpus.codebook.domains, LOOK.domains)}
    for row in ties.iloc[::-1].itertuples():
        low, high = sorted((place[row.theme], place[row.other]))
        middle, half = (low + high) / 2, (high - low) / 2
        turn = np.linspace(-np.pi / 2, np.pi / 2, 40)
        ax.plot(half * np.cos(turn) * 0.9, middle + half * np.sin(turn), color=LOOK.accent, alpha=0.35,
                linewidth=0.4 + 4.6 * row.publications / top.publications, solid_capstyle="butt")  # fmt: skip
    ax.scatter(np.zeros(len(shown)), range(len(shown)), s=10 + 150 * size[shown] / size.max(), zorder=3,
               color=[tints.get(domain, LOOK.ink) for domain in counts.domain[shown]], linewidth=0)  # fmt: skip
    ax.set_yticks(range(len(shown)), [f"{labels[theme]} {size[theme]}" for theme in shown])
    ax.set_xticks([])
    ax.set_ylim(len(shown) - 0.3, -0.7)
    ax.set_xlim(-0.6, None)
    _clean(ax)
    names = {domain.id: domain.label for domain in corpus.codebook.domains}
    handles = [
        Line2D([], [], marker="o", linestyle="", color=tints.get(domain, LOOK.ink), label=names[domain])
        for domain in domains
    ]
    _legend_below(ax, handles)
    listed = "; ".join(
        f"{labels[row.theme]} with {labels[row.other]} {row.publications}" for row in ties.head(6).itertuples()
    )
    return Chart("themes_network", title, figure, data, f"Network of {len(shown)} themes. Strongest ties: {listed}.")


@_styled
def pathways(corpus: Corpus, *, nodes: int = 9, links: int = 40) -> Chart:
    """Draw what is reported together in findings, from exposure through mechanism to outcome.

    Parameters
    ----------
    corpus : Corpus
    nodes : int
        How many themes a column has at most, those in the most publications.
    links : int
        How many bands are drawn at most between two columns.

    Returns
    -------
    Chart
        ``data``: a row a band, ``start, start_role, end, end_role, publications, samples``; all that occur.

    Notes
    -----
    Columns are the roles of themes in findings, except that a theme of the domain of mechanisms stands in the middle
    whether the finding has it as mechanism or as the outcome that was measured. Where a finding has no mechanism its
    exposure is joined with its outcome directly. What is reported together is not shown to be cause and effect.
    """
    codes = corpus.agreed[~corpus.agreed.key.isin(corpus.reviews)]
    codes = codes[codes.role.isin(["exposure", "mechanism", "outcome"])].copy()
    codes["place"] = codes.role.astype("str")
    codes.loc[(codes.domain == "mechanism") & (codes.role == "outcome"), "place"] = "mechanism"
    codes["theme"] = codes.theme.astype("str")
    of_place = {
        name: codes[codes.place == name][["finding", "key", "theme"]] for name in ("exposure", "mechanism", "outcome")
    }
    through = set(of_place["mechanism"].finding)
    direct = of_place["exposure"][~of_place["exposure"].finding.isin(through)]
    parts = []
    for start, end, left in (("exposure", "mechanism", of_place["exposure"]),
                             ("mechanism", "outcome", of_place["mechanism"]),
                             ("exposure", "outcome", direct)):  # fmt: skip
        pairs = left.merge(of_place[end][["finding", "theme"]], on="finding", suffixes=("", "_end"))
        for (one, other), group in pairs[pairs.theme != pairs.theme_end].groupby(["theme", "theme_end"]):
            parts.append((one, start, other, end, group.key.nunique(), corpus.count_samples(group.key)))
    data = pd.DataFrame(parts, columns=["start", "start_role", "end", "end_role", "publications", "samples"])
    if data.empty:
        return _nothing("pathways", corpus, "findings that have an exposure with a mechanism or an outcome")
    data = data.sort_values(["publications", "start", "end"], ascending=[False, True, True], ignore_index=True)
    labels = corpus.themes.set_index("theme").label
    columns: dict[str, list[str]] = {}
    for role in of_place:
        used = set(data.start[data.start_role == role]) | set(data.end[data.end_role == role])
        weight = of_place[role][of_place[role].theme.isin(used)].groupby("theme").key.nunique()
        columns[role] = sorted(weight.index, key=lambda one, w=weight: (-w[one], one))[:nodes]
    spots = {(role, theme): (x, y) for x, (role, members) in enumerate(columns.items())
             for y, theme in enumerate(members)}  # fmt: skip
    fits = [(row.start_role, row.start) in spots and (row.end_role, row.end) in spots for row in data.itertuples()]
    inside = data[fits]
    drawn = pd.concat([group.head(links) for _, group in inside.groupby(["start_role", "end_role"], sort=False)])
    title = "Reported together, not causal: from practice through mechanism to outcome"
    subtitle = (
        "Themes that findings report together, by their part in the finding; the thicker the band, the more "
        "publications; grey: exposure and outcome without a mechanism between them"
    )
    note = (
        f"{len(drawn)} of {len(data):,} bands are drawn. Reviews left out. "
        "Numbers: publications with the theme in this part."
    )
    tallest = max(len(members) for members in columns.values())
    figure = _figure(11, 0.46 * tallest + 0.5, title, subtitle, _caption(corpus, note))
    ax = figure.subplots()
    most = max(int(drawn.publications.max()), 1) if len(drawn) else 1
    half = 0.3  # of a column, taken by the names on either side of the bands
    for row in drawn.iloc[::-1].itertuples():
        (x0, y0), (x1, y1) = spots[row.start_role, row.start], spots[row.end_role, row.end]
        y0, y1 = (y * tallest / max(len(columns[role]), 1) for y, role in ((y0, row.start_role), (y1, row.end_role)))
        step = np.linspace(0, 1, 50)
        ease = step * step * (3 - 2 * step)
        straight = row.end_role == "outcome" and row.start_role == "exposure"
        ax.plot(x0 + half + (x1 - x0 - 2 * half) * step, y0 + (y1 - y0) * ease,
                color=LOOK.soft if straight else LOOK.accent, alpha=0.16 if straight else 0.45,
                linewidth=0.5 + 8 * row.publications / most, solid_capstyle="butt", zorder=1)  # fmt: skip
    heads = {"exposure": "Exposure", "mechanism": "Mechanism", "outcome": "Outcome"}
    for x, (role, members) in enumerate(columns.items()):
        ax.text(x, -0.75, heads[role], ha="center", va="center", size=10, weight="bold")
        for y, theme in enumerate(members):
            number = of_place[role][of_place[role].theme == theme].key.nunique()
            words = "\n".join(textwrap.wrap(f"{labels[theme]} {number}", 30))
            at = y * tallest / len(members)
            ax.add_patch(mpl.patches.Rectangle((x - half, at - 0.38), 2 * half, 0.76, facecolor=LOOK.paper,
                                               edgecolor=LOOK.line, linewidth=0.9, zorder=2))  # fmt: skip
            ax.text(x, at, words, ha="center", va="center", size=8, linespacing=1.05, zorder=3)
    ax.set_xlim(-0.42, 2.42)
    ax.set_ylim(tallest - 0.4, -1.1)
    ax.set_xticks([])
    ax.set_yticks([])
    _clean(ax)
    listed = "; ".join(
        f"{labels[row.start]} to {labels[row.end]} {row.publications}" for row in data.head(6).itertuples()
    )
    alt = f"Bands between exposures, mechanisms and outcomes, {len(drawn)} drawn. Most reported together: {listed}."
    return Chart("pathways", title, figure, data, alt)


# ---------------------------------------------------------------------- suggested themes


@_styled
def score_chart(corpus: Corpus, score: Score) -> Chart:
    """Draw the F1 of each tagger, with its interval, on the studies that were not read for the terms.

    Parameters
    ----------
    corpus : Corpus
    score : Score
        Of `litbench.score`; without held-out studies it is drawn on all.
    """
    which = score.table.studies.iloc[-1]
    data = score.table[score.table.studies == which].reset_index(drop=True)
    best = data.loc[data.micro_f1.idxmax()]
    figure = _figure(
        7.5,
        0.62 * len(data) + 0.7,
        f"Closest to the coders: {best.tagger}, micro-F1 {best.micro_f1:.2f}",
        f"F1 against the agreed codes, {score.level} by {score.level}, with 95 % intervals from a bootstrap of "
        "studies; micro counts every code alike, macro every theme.",
        _caption(corpus, f"Scored on {int(best.n_studies)} publications ({which})."),
    )
    ax = figure.subplots()
    _clean(ax)
    height = len(data) - 1 - np.arange(len(data))
    for shift, kind, color, marker in (
        (0.14, "micro", LOOK.accent, "o"),
        (-0.14, "macro", LOOK.directions["harm"], "s"),
    ):
        value = data[f"{kind}_f1"]
        ax.hlines(height + shift, data[f"{kind}_low"], data[f"{kind}_high"], color=color, linewidth=1.6)
        ax.plot(value, height + shift, marker, color=color, markersize=6, label=f"{kind}-F1")
        for at, number, end in zip(height + shift, value, data[f"{kind}_high"], strict=True):
            ax.text(end + 0.012, at, f"{number:.2f}", va="center", size=8, color=color)
    ax.set_yticks(height, data.tagger)
    ax.set_ylim(-0.6, len(data) - 0.4)
    ax.set_xlim(0, 1)
    ax.set_xticks(np.arange(0, 1.01, 0.2))
    ax.grid(axis="x", color=LOOK.line, linewidth=0.8)
    ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.1), ncols=2, handletextpad=0.3)
    alt = f"F1 on {int(best.n_studies)} studies ({which}): " + "; ".join(
        f"{row.tagger} micro {row.micro_f1:.2f} ({row.micro_low:.2f} to {row.micro_high:.2f}), macro {row.macro_f1:.2f}"
        for row in data.itertuples()
    )
    return Chart("score", "Suggested themes against the agreed codes", figure, data, f"{alt}.")


@_styled
def document_strip(corpus: Corpus, texts: FullTexts, key: str) -> Chart:
    """Draw the themes of one full text as a strip along its pages.

    Parameters
    ----------
    corpus : Corpus
        Gives the labels of the themes.
    texts : FullTexts
        Of `litbench.documents.tag_documents`.
    key : str
        Citation key, the name of the file.
    """
    if key not in set(texts.pages.key):
        raise ValueError(f"No document {key!r} among those read: {', '.join(texts.pages.key) or 'none'}")
    pages = int(texts.pages.set_index("key").pages[key])
    hits = texts.hits[texts.hits.key == key]
    data = hits.groupby(["theme", "page"], as_index=False).size().rename(columns={"size": "sentences"})
    if data.empty:
        return _nothing("document_strip", corpus, f"themes in {key}")
    labels = corpus.themes.set_index("theme").label
    order = data.groupby("theme").sentences.sum().sort_values(kind="stable", ascending=False).index
    grid = (
        data.pivot(index="theme", columns="page", values="sentences")
        .reindex(order)
        .reindex(columns=range(1, pages + 1))
    )
    most = grid.max(axis=None)
    figure = _figure(
        8,
        0.24 * len(grid) + 0.6,
        f"Themes along the {_count(pages, 'page')} of {key}",
        "Sentences that mention a theme's terms, by page, with their number.",
        "Suggested by the codebook's terms, not coded: each is a place to read.",
    )
    ax = figure.subplots()
    _clean(ax)
    ax.imshow(
        grid, cmap=LOOK.shades, vmin=0, vmax=most, aspect="auto", extent=(0.5, pages + 0.5, len(grid) - 0.5, -0.5)
    )
    for row, theme in enumerate(grid.index):
        for page, value in grid.loc[theme].dropna().items():
            if pages <= 40:
                ax.text(page, row, f"{value:.0f}", ha="center", va="center", size=7,
                        color=LOOK.on(LOOK.shades(value / most)))  # fmt: skip
    ax.set_yticks(range(len(grid)), [labels[theme] for theme in grid.index])
    ax.set_xlabel("page")
    ax.xaxis.get_major_locator().set_params(integer=True)
    first = order[0]
    alt = (
        f"{len(order)} themes in {key}, {pages} pages. Most often: {labels[first]}, "
        f"{_count(int(data[data.theme == first].sentences.sum()), 'sentence')}."
    )
    return Chart("document_strip", f"Themes along the pages of {key}", figure, data, alt)
