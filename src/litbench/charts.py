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
from litbench.corpus import Corpus

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
    ax.hlines(rows, data.kappa_low, data.kappa_high, color="#9fc3de", linewidth=2.4)
    ax.vlines(data.ac1, rows - 0.3, rows + 0.3, color=SOFT, linewidth=1)
    ax.scatter(data.kappa, rows, color=BLUE, s=22, zorder=3)
    ax.set_yticks(rows, [f"{row.label} ({row.given})" for row in data.itertuples()], size=8)
    ax.set_ylim(len(data) - 0.4, -0.6)
    low = float(np.nanmin(data.kappa_low))
    ax.set_xlim(min(low - 0.03, 0.55), 1.01)
    _ticks(ax)
    ax.grid(axis="x", color="#eef1f4")
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
    ax.hlines(rows, three.min(axis=1), three.max(axis=1), color="#9fc3de", linewidth=2)
    ax.scatter(data["first"], rows, facecolor="none", edgecolor="#b3451c", s=34, linewidth=1, label="first coder")
    ax.scatter(data.second, rows, marker="x", color="#8a7ba6", s=20, linewidth=1.1, label="second coder")
    ax.scatter(data.agreed, rows, color=BLUE, s=10, label="agreed", zorder=3)
    ax.set_yticks(rows, data.label, size=8)
    ax.set_ylim(len(data) - 0.4, -0.6)
    _ticks(ax)
    ax.grid(axis="x", color="#eef1f4")
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
    for side, color in ((-1, DIRECTIONS["harm"]), (1, DIRECTIONS["benefit"])):
        three = wide["harm" if side < 0 else "benefit"] * side
        ax.barh(at, three.agreed, height=0.5, color=color, alpha=0.35)
        ax.scatter(three["first"], at, facecolor="none", edgecolor=INK, s=34, linewidth=0.9)
        ax.scatter(three.second, at, marker="x", color=INK, s=18, linewidth=0.9)
        ax.scatter(three.agreed, at, color=color, s=14, zorder=3)
    ax.axvline(0, color=INK, linewidth=0.8)
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
    colors = {"yes": "#1f5a94", "no": "#b3451c", "unclear": "#8a7ba6", "not applicable": "#eceff2",
              "cannot be judged from the abstract": "#c9ced3"}  # fmt: skip
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
                            color="white" if answer in ("yes", "no", "unclear") else INK)  # fmt: skip
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
        "Studies with a finding that supports (blue), limits (grey) or contradicts (red) the proposition; reviews left "
        "out; what authors ask for is not counted"
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
            ax.text(-widest * 1.02, top + 0.15, row.point_label, size=8.5, weight="bold", va="center", color=BLUE)
            top += 0.22
        middle = top + height / 2
        ax.text(-widest * 1.02, middle, "\n".join(text), size=7.5, va="center", linespacing=1.15)
        start = 0.0
        for value, color in ((row.supports, DIRECTIONS["benefit"]), (row.qualifies, "#c9ced3"),
                             (row.contradicts, DIRECTIONS["harm"])):  # fmt: skip
            if value:
                ax.barh(middle, value, left=start, height=0.17, color=color, edgecolor="white", linewidth=0.6)
                ax.text(start + value / 2, middle, str(value), ha="center", va="center", size=6.5,
                        color="white" if color == DIRECTIONS["harm"] else INK)  # fmt: skip
                start += value
        words = row.confidence.replace("; ", "\n")
        ax.text(widest * 1.04, middle, words, size=7, va="center", color=SOFT, linespacing=1.15)
        top += height
    ax.set_xlim(-widest * 1.03, widest * 1.42)
    ax.set_ylim(top + 0.02, -0.02)
    ax.set_xticks([])
    ax.set_yticks([])
    _clean(ax)
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
