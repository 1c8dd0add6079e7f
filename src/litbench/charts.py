"""Charts: each function takes a `Corpus` and returns a `Chart`, a figure with its numbers and its words.

What the charts keep to: publications and samples are counted, not findings; reviews stand beside the counts, not
in them; only effects and associations enter charts of direction; shares are shares of this corpus.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Polygon
from matplotlib.textpath import text_to_path
from matplotlib.transforms import Bbox

from litbench import _countries
from litbench._display import Chart
from litbench._scoring import Score
from litbench.corpus import Corpus
from litbench.documents import FullTexts

INK, SOFT, FAINT, PAPER = "#1f2933", "#5f6b76", "#d9dee3", "#ffffff"
BLUE = "#1f5a94"
# After Okabe & Ito (2008), told apart by colour-blind readers and, from dark to light, in grey print.
DIRECTIONS = {"harm": "#b3451c", "mixed": "#8a7ba6", "benefit": "#4aa3d8", "null": "#c9ced3"}
SHADES = LinearSegmentedColormap.from_list("litbench", ["#f3f6f9", "#9fc3de", "#2f77ad", "#12395c"])
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
_STYLE = {
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "text.color": INK,
    "axes.edgecolor": SOFT,
    "axes.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "xtick.color": SOFT,
    "ytick.color": SOFT,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "figure.facecolor": PAPER,
    "axes.facecolor": PAPER,
    "legend.frameon": False,
}
DIRECTED = ("effect", "association")  # the claims that say what policing does


def _styled(function: Callable[..., Chart]) -> Callable[..., Chart]:
    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Chart:
        with mpl.rc_context(_STYLE):
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
    room = width * 0.955
    title_lines = _wrap(title, room, 13, "bold")
    subtitle_lines = _wrap(subtitle, room, 9)
    caption_lines = _wrap(caption, room, 7.5)
    top = 0.16 + 0.25 * len(title_lines) + 0.18 * len(subtitle_lines) + 0.08
    bottom = 0.14 + 0.15 * len(caption_lines)
    total = height + top + bottom
    figure = Figure(figsize=(width, total))
    figure.set_layout_engine("constrained", rect=(0.01, bottom / total, 0.98, height / total), w_pad=0.06, h_pad=0.04)
    line = 1 - 0.12 / total
    figure.text(0.015, line, "\n".join(title_lines), size=13, weight="bold", va="top", linespacing=1.35)
    line -= 0.25 * len(title_lines) / total
    figure.text(0.015, line, "\n".join(subtitle_lines), size=9, color=SOFT, va="top", linespacing=1.4)
    figure.text(0.015, 0.06 / total, "\n".join(caption_lines), size=7.5, color=SOFT, va="bottom", linespacing=1.4)
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
        ax.bar(rows.year.astype(int), rows.publications, width=0.82, color=BLUE if name != "Reviews" else SOFT)
        ax.set_yticks([])
        ax.spines["left"].set_visible(False)
        ax.set_ylabel(f"{name}\n{totals[name]}", rotation=0, ha="right", va="center", size=9)
        peak = rows.loc[rows.publications.idxmax()]
        ax.annotate(str(peak.publications), (int(peak.year), peak.publications), xytext=(0, 1),
                    textcoords="offset points", ha="center", size=7.5, color=SOFT)  # fmt: skip
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
                ax.add_patch(Polygon(part, closed=True, facecolor="#eceff2", edgecolor="white", linewidth=0.5))
    scale = 16 if not extent else 26
    ax.scatter(
        drawn.lon, drawn.lat, s=drawn.publications * scale, color=BLUE, alpha=0.65, linewidth=0.6, edgecolor="white"
    )
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
    for number, row in enumerate(points.itertuples()):
        obstacles = circles[:number] + circles[number + 1 :]
        gap = (row.publications * scale) ** 0.5 / 2 + 2
        for x, y in ((1, 0), (-1, 0), (0, 1), (0, -1), (0.8, 0.8), (-0.8, 0.8), (0.8, -0.8), (-0.8, -0.8)):
            text = ax.annotate(
                f"{row.place} {row.publications}", (row.lon, row.lat), xytext=(x * gap, y * gap),
                textcoords="offset points", size=7.5, ha={1: "left", -1: "right", 0: "center"}[int(np.sign(x))],
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


def _bars(ax: Axes, names: pd.Series, values: pd.Series, ticks: pd.Series | None = None, color: Any = BLUE) -> None:
    rows = np.arange(len(names))
    ax.barh(rows, values, height=0.72, color=color)
    if ticks is not None:
        ax.vlines(ticks, rows - 0.36, rows + 0.36, color="white", linewidth=2.2)
        ax.vlines(ticks, rows - 0.36, rows + 0.36, color=INK, linewidth=1.1)
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
        ("DOI, PMID or PMCID", studies[["doi", "pmid", "pmcid"]].notna().any(axis=1), None),
        ("Complete author list", studies.authors_complete, None),
        ("Country", studies.key.isin(located), None),
        ("Number studied", studies.n.notna(), None),
        ("Place below the country", studies.key.isin(placed), None),
        ("Years of data collection", studies.data_start.notna(), None),
        ("Which sample it shares", studies["sample"].notna(), None),
        ("Compared with its page by a second reader", studies.audited, None),
        ("Read in full text", studies.read == "full text", None),
    ]
    rows = [(name, int((known.fillna(False) & primary).sum()), int(primary.sum())) for name, known, _ in facts]
    data = pd.DataFrame(rows, columns=["field", "known", "of"]).sort_values("known", ascending=False, ignore_index=True)
    full = int(data.known[data.field == "Read in full text"].iloc[0])
    read = "study was" if full == 1 else "studies were"
    title = f"{full} {read} read in full text, {int(primary.sum()) - full} in their abstracts"
    subtitle = "Studies for which each thing is known; reviews are left out"
    figure = _figure(7.5, 0.3 * len(data) + 0.2, title, subtitle, _caption(corpus))
    ax = figure.subplots()
    places = np.arange(len(data))
    ax.barh(places, data.of, height=0.62, color=FAINT)
    ax.barh(places, data.known, height=0.62, color=BLUE)
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
    if (totals < 5).any():
        subtitle += "; columns of fewer than five studies are not shaded"
    figure = _figure(max(7.5, 3.4 + 0.62 * counts.shape[1]), 0.215 * len(counts) + 1.0, title, subtitle, caption)
    ax = figure.subplots()
    # A share of a handful of studies would outshine the rest: such columns show their counts alone.
    share = counts.div(totals.clip(lower=1), axis=1)
    share.loc[:, totals < 5] = 0.0
    ax.imshow(share, cmap=SHADES, vmin=0, vmax=max(float(share.to_numpy().max()), 0.01), aspect="auto")
    limit = share.to_numpy().max() * 0.5
    for row in range(counts.shape[0]):
        for column in range(counts.shape[1]):
            value = int(counts.iat[row, column])
            dark = share.iat[row, column] > limit
            ax.text(column, row, value or "·", ha="center", va="center", size=7.5,
                    color="white" if dark else (INK if value else "#9aa5b1"))  # fmt: skip
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
    # Periods with few studies say little; the comparison in the title keeps to those with at least ten.
    well = [period for period in drawn.columns if totals[period] >= 10]
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


@_styled
def themes_together(corpus: Corpus, themes: int = 24) -> Chart:
    """Draw which themes are found together in one finding, by number of publications.

    Parameters
    ----------
    corpus : Corpus
    themes : int
        How many of the most frequent themes are drawn; ``data`` has every pair that occurs.

    Returns
    -------
    Chart
        ``data``: a row a pair, ``theme, other, publications, samples``.
    """
    codes = corpus.agreed[~corpus.agreed.key.isin(corpus.reviews)][["finding", "key", "theme"]]
    codes = codes.assign(theme=codes.theme.astype("str"))
    pairs = codes.merge(codes, on=["finding", "key"], suffixes=("", "_other"))
    pairs = pairs[pairs.theme < pairs.theme_other]
    if pairs.empty:
        return _nothing("themes_together", corpus, "findings with two themes")
    rows = [
        (one, other, group.key.nunique(), corpus.count_samples(group.key))
        for (one, other), group in pairs.groupby(["theme", "theme_other"])
    ]
    data = pd.DataFrame(rows, columns=["theme", "other", "publications", "samples"])
    data = data.sort_values(["publications", "theme", "other"], ascending=[False, True, True], ignore_index=True)
    counts = _theme_counts(corpus)
    labels = counts.set_index("theme").label
    largest = counts.sort_values(["publications", "theme"], ascending=[False, True]).theme.head(themes)
    shown = [theme for theme in counts.theme if theme in set(largest)]
    square = pd.DataFrame(0, index=shown, columns=shown)
    for row in data.itertuples():
        if row.theme in square.index and row.other in square.index:
            square.at[row.theme, row.other] = square.at[row.other, row.theme] = row.publications
    top = data.iloc[0]
    title = (
        f"{labels[top.theme]} and {labels[top.other]} meet most often: in findings of "
        f"{_count(int(top.publications), 'publication')}"
    )
    subtitle = "Publications with a finding that has both themes; themes in codebook order, reviews left out"
    size = 0.29 * len(shown)
    figure = _figure(
        3.6 + size, size + 1.7, title, subtitle, _caption(corpus, f"The {len(shown)} most frequent themes are drawn.")
    )
    ax = figure.subplots()
    values = square.to_numpy()
    ax.imshow(values, cmap=SHADES, vmin=0, vmax=max(values.max(), 1))
    for row, column in np.ndindex(*values.shape):
        if values[row, column]:
            ax.text(column, row, values[row, column], ha="center", va="center", size=7,
                    color="white" if values[row, column] > values.max() / 2 else INK)  # fmt: skip
    ax.set_yticks(range(len(shown)), labels[shown])
    ax.set_xticks(range(len(shown)), labels[shown], rotation=45, ha="left", rotation_mode="anchor")
    ax.xaxis.tick_top()
    _clean(ax)
    listed = "; ".join(
        f"{labels[row.theme]} with {labels[row.other]} {row.publications}" for row in data.head(6).itertuples()
    )
    return Chart("themes_together", title, figure, data, f"Square of themes. Most often together: {listed}.")


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
    colors = [BLUE if kind in DIRECTED else "#9fb3c4" for kind in data.claim]
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
    codes = codes[(codes.domain == domain) & (codes.role == role) & codes.direction.isin(list(DIRECTIONS))]
    if codes.empty:
        return _nothing("direction_by_theme", corpus, f"effects or associations of the domain {domain_label}")
    rows = []
    for (theme, direction), group in codes.groupby(["theme", "direction"], observed=True):
        rows.append(
            (str(theme), group.label.iloc[0], str(direction), group.key.nunique(), corpus.count_samples(group.key))
        )
    data = pd.DataFrame(rows, columns=["theme", "label", "direction", "publications", "samples"])
    wide = data.pivot(index="theme", columns="direction", values="publications").fillna(0).astype(int)
    wide = wide.reindex(columns=list(DIRECTIONS), fill_value=0)
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
    for direction, color in DIRECTIONS.items():
        values = wide[direction].to_numpy()
        if direction == "null":
            start = start + 0.0
        ax.barh(rows_at, values, left=start, height=0.72, color=color, edgecolor="white", linewidth=0.8)
        for row, (value, begin) in enumerate(zip(values, start, strict=True)):
            if value:
                ax.text(begin + value / 2, row, value, ha="center", va="center", size=7.5,
                        color="white" if direction in ("harm",) else INK)  # fmt: skip
        start = start + values
    right = float(start.max())
    for row, theme in enumerate(wide.index):
        n, m = sizes[theme]
        ax.text(
            right + 0.6,
            row,
            f"{n} studies, {m} samples" if row == 0 else f"{n}, {m}",
            va="center",
            size=7.5,
            color=SOFT,
        )
    ax.axvline(0, color=INK, linewidth=0.8)
    ax.set_yticks(rows_at, labels[wide.index])
    ax.set_ylim(len(wide) - 0.4, -0.6)
    ax.set_xlim(float(left.min()) - 0.5, right + 6)
    ax.set_xticks([])
    _clean(ax)
    handles = [Patch(color=color, label=name) for name, color in DIRECTIONS.items() if wide[name].sum()]
    ax.legend(handles=handles, loc="lower center", bbox_to_anchor=(0.4, 1.0), ncols=4, fontsize=8, handlelength=1.2)
    listed = "; ".join(
        f"{labels[theme]} " + ", ".join(f"{wide.at[theme, direction]} {direction}" for direction in DIRECTIONS)
        for theme in order[:8]
    )
    return Chart(f"direction_by_{domain}", title, figure, data, f"Bars of studies by theme and direction: {listed}.")


@_styled
def evidence_gap_map(corpus: Corpus, rows: str, columns: tuple[str, ...]) -> Chart:
    """Draw which practice has been studied for which outcome, and where there is nothing.

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
        ``data``: a row a cell that is not empty, ``exposure, outcome, measured, samples, harm, benefit, told``:
        publications with an effect or association, at most so many samples, how many of these publications
        point to harm and to benefit, and publications with participants' views alone.
    """
    findings = corpus.findings[~corpus.findings.key.isin(corpus.reviews)]
    findings = findings[findings.claim.isin((*DIRECTED, "view"))]
    codes = corpus.agreed.merge(findings[["finding", "claim", "direction"]], on="finding")
    acting = codes[(codes.domain == rows) & (codes.role == "exposure")]
    acted = codes[codes.domain.isin(columns) & (codes.role == "outcome")][["finding", "theme", "label"]]
    cells = acting.merge(acted, on="finding", suffixes=("", "_outcome"))
    if cells.empty:
        return _nothing("evidence_gap_map", corpus, "findings that tie a practice to an outcome")
    found = []
    for (exposure, outcome), group in cells.groupby(["theme", "theme_outcome"], observed=True):
        measured = group[group.claim.isin(DIRECTED)]
        keys = set(measured.key)
        found.append(
            (str(exposure), str(outcome), len(keys), corpus.count_samples(keys),
             measured.key[measured.direction == "harm"].nunique(),
             measured.key[measured.direction == "benefit"].nunique(),
             len(set(group.key[group.claim == "view"]) - keys))
        )  # fmt: skip
    data = pd.DataFrame(found, columns=["exposure", "outcome", "measured", "samples", "harm", "benefit", "told"])
    labels = corpus.themes.set_index("theme").label
    in_use = corpus.themes[corpus.themes.retired.isna() | (corpus.themes.retired == "")]
    down = list(in_use.theme[in_use.domain == rows])
    across = list(in_use.theme[in_use.domain.isin(columns)])
    total = len(down) * len(across)
    empty = total - len(data)
    title = f"{empty} of {total} pairs of practice and outcome have no study in this corpus"
    subtitle = (
        "Filled circle: studies with an effect or association, coloured by what they point to; ring: with studies in "
        "which participants tell of it; area: number of publications; · none in this corpus"
    )
    figure = _figure(4 + 0.36 * len(across), 0.36 * len(down) + 1.9, title, subtitle,
                     _caption(corpus, "Reviews are left out. Reported together in a finding: not causal."))  # fmt: skip
    ax = figure.subplots()
    row_of = {theme: number for number, theme in enumerate(down)}
    column_of = {theme: number for number, theme in enumerate(across)}
    filled = set()
    for cell in data.itertuples():
        if cell.exposure not in row_of or cell.outcome not in column_of:
            continue
        x, y = column_of[cell.outcome], row_of[cell.exposure]
        filled.add((x, y))
        if cell.told:
            ax.scatter(x, y, s=24 * (cell.measured + cell.told), facecolor="none", edgecolor=SOFT, linewidth=0.9)
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
            ax.scatter(x, y, s=24 * cell.measured, color=DIRECTIONS[kind], linewidth=0)
            if cell.measured > 2:
                ax.text(
                    x, y, cell.measured, ha="center", va="center", size=6.5, color="white" if kind == "harm" else INK
                )
    for x in range(len(across)):
        for y in range(len(down)):
            if (x, y) not in filled:
                ax.text(x, y, "·", ha="center", va="center", color="#9aa5b1", size=8)
    ax.set_xticks(range(len(across)), labels[across], rotation=48, ha="left", rotation_mode="anchor")
    ax.xaxis.tick_top()
    ax.set_yticks(range(len(down)), labels[down])
    ax.set_xlim(-0.7, len(across) - 0.3)
    ax.set_ylim(len(down) - 0.3, -0.7)
    ax.grid(color="#eef1f4", linewidth=0.7)
    _clean(ax)
    names = {"harm": "points to harm", "benefit": "points to benefit", "mixed": "to both", "null": "to neither"}
    handles: list[Any] = [
        Line2D([], [], marker="o", linestyle="", color=DIRECTIONS[kind], label=text) for kind, text in names.items()
    ]
    handles.append(
        Line2D([], [], marker="o", linestyle="", markerfacecolor="none", color=SOFT, label="told by participants")
    )
    ax.legend(handles=handles, loc="upper center", bbox_to_anchor=(0.45, 0.0), ncols=5, fontsize=8.5)
    top = data.sort_values(["measured", "told"], ascending=False).head(5)
    listed = "; ".join(
        f"{labels[row.exposure]} and {labels[row.outcome]} {row.measured} measured, {row.told} told"
        for row in top.itertuples()
    )
    alt = f"Grid of {len(down)} practices by {len(across)} outcomes; {empty} cells are empty. Fullest: {listed}."
    return Chart("evidence_gap_map", title, figure, data, alt)


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
    terms = data.iloc[0]
    figure = _figure(
        7.5,
        0.62 * len(data) + 0.7,
        f"The terms agree with the coders at a micro-F1 of {terms.micro_f1:.2f}, {score.level} by {score.level}",
        "F1 against the agreed codes, with 95 % intervals from a bootstrap of studies; micro counts every code alike, "
        "macro every theme.",
        _caption(corpus, f"Scored on {int(terms.n_studies)} publications ({which})."),
    )
    ax = figure.subplots()
    _clean(ax)
    height = len(data) - 1 - np.arange(len(data))
    for shift, kind, color, marker in ((0.14, "micro", BLUE, "o"), (-0.14, "macro", DIRECTIONS["harm"], "s")):
        value = data[f"{kind}_f1"]
        ax.hlines(height + shift, data[f"{kind}_low"], data[f"{kind}_high"], color=color, linewidth=1.6)
        ax.plot(value, height + shift, marker, color=color, markersize=6, label=f"{kind}-F1")
        for at, number, end in zip(height + shift, value, data[f"{kind}_high"], strict=True):
            ax.text(end + 0.012, at, f"{number:.2f}", va="center", size=8, color=color)
    ax.set_yticks(height, data.tagger)
    ax.set_ylim(-0.6, len(data) - 0.4)
    ax.set_xlim(0, 1)
    ax.set_xticks(np.arange(0, 1.01, 0.2))
    ax.grid(axis="x", color=FAINT, linewidth=0.8)
    ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.1), ncols=2, handletextpad=0.3)
    alt = f"F1 on {int(terms.n_studies)} studies ({which}): " + "; ".join(
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
        "Sentences that mention a theme's terms, by page; the darker, the more.",
        "Suggested by the codebook's terms, not coded: each is a place to read.",
    )
    ax = figure.subplots()
    _clean(ax)
    ax.imshow(grid, cmap=SHADES, vmin=0, vmax=most, aspect="auto", extent=(0.5, pages + 0.5, len(grid) - 0.5, -0.5))
    for row, theme in enumerate(grid.index):
        for page, value in grid.loc[theme].dropna().items():
            if pages <= 40:
                ax.text(page, row, f"{value:.0f}", ha="center", va="center", size=7,
                        color=PAPER if value > most / 2 else INK)  # fmt: skip
    ax.set_yticks(range(len(grid)), [labels[theme] for theme in grid.index])
    ax.set_xlabel("page")
    ax.xaxis.get_major_locator().set_params(integer=True)
    first = order[0]
    alt = (
        f"{len(order)} themes in {key}, {pages} pages. Most often: {labels[first]}, "
        f"{_count(int(data[data.theme == first].sentences.sum()), 'sentence')}."
    )
    return Chart("document_strip", f"Themes along the pages of {key}", figure, data, alt)
