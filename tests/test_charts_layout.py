"""Every chart with 10, 300 and 3,000 studies, on a light and on a dark background: can it be read?"""

from __future__ import annotations

import functools
import inspect
from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from conftest import ROOT
from layout import collisions, faint_texts, resized
from matplotlib.colors import to_rgb

import litbench as lb
from litbench import charts, effects
from litbench._style import LOOK, contrast
from litbench.documents import FullTexts

POLICING = ("policing", ("mechanism", "harm", "rights"))


def score(corpus):
    """Return the score of two taggers; the names are what the corpus cannot change."""
    values = {"n_studies": len(corpus), "studies": "held out", "precision": 0.8, "recall": 0.7}
    values |= {"micro_f1": 0.71, "micro_low": 0.66, "micro_high": 0.76, "macro_f1": 0.7, "macro_low": 0.6}
    table = pd.DataFrame([{"tagger": name, **values, "macro_high": 0.97} for name in ("terms", "most frequent")])
    return lb.Score("study", table, *(pd.DataFrame() for _ in range(4)))


def texts(corpus):
    """Return a document of a tenth as many pages as there are studies, with every theme."""
    pages = max(len(corpus) // 10, 1)
    hits = [("a", 1 + number % pages, theme) for number, theme in enumerate(list(corpus.themes.theme) * 3)]
    return FullTexts(
        pd.DataFrame(hits, columns=["key", "page", "theme"]), pd.DataFrame({"key": ["a"], "pages": [pages]}), ()
    )


def estimates(corpus):
    """Return made-up estimates, as many as there are studies."""
    generator = np.random.default_rng(4)
    y, se = generator.normal(0.4, 0.5, len(corpus)), generator.uniform(0.05, 0.9, len(corpus))
    labels = [f"Study {one} et al. 2001\nof a long exposure, number {one}" for one in range(len(corpus))]
    frame = {"label": labels, "estimate": np.exp(y), "ci_low": np.exp(y - 1.96 * se), "ci_high": np.exp(y + 1.96 * se)}
    return pd.DataFrame(frame), y, se**2


def forest(corpus):
    frame, y, v = estimates(corpus)
    pooled = effects.pool(y, v)
    return charts.forest(frame.assign(weight=pooled.weights, subgroup="All"), {"All": pooled, "": pooled})


DRAWN = {
    "studies_by_year": charts.studies_by_year,
    "studies_by_country": charts.studies_by_country,
    "places_map": charts.places_map,
    "places_map, border": lambda c: charts.places_map(c, extent=(-121, 28, -103, 36)),
    "known_fields": charts.known_fields,
    "error_rates": charts.error_rates,
    "themes_by_studies": charts.themes_by_studies,
    "themes_together": charts.themes_together,
    "themes_network": charts.themes_network,
    "theme_sets": charts.theme_sets,
    "themes_by, country": lambda c: charts.themes_by(c, "country"),
    "themes_by, design": lambda c: charts.themes_by(c, "design"),
    "themes_compared": lambda c: charts.themes_compared({"all": c, "Mexico": c.where(country="Mexico")}),
    "themes_over_time": charts.themes_over_time,
    "themes_in_study": lambda c: charts.themes_in_study(c.where(key="morales2020pick")),
    "claims": charts.claims,
    "direction_by_theme, policing": lambda c: charts.direction_by_theme(c, "policing", "exposure"),
    "direction_by_theme, responses": lambda c: charts.direction_by_theme(c, "response", "response"),
    "evidence_gap_map": lambda c: charts.evidence_gap_map(c, *POLICING),
    "pathways": charts.pathways,
    "appraisal": charts.appraisal,
    "practice": charts.practice,
    "agreement_by_theme": lambda c: charts.agreement_by_theme(c, agreement()),
    "themes_by_coder": charts.themes_by_coder,
    "direction_by_coder": lambda c: charts.direction_by_coder(c, "policing", "exposure"),
    "intervals_from_abstracts": charts.intervals_from_abstracts,
    "effect_direction": lambda c: charts.effect_direction(c, *POLICING),
    "harvest": lambda c: charts.harvest(c, *POLICING),
    "forest": forest,
    "comparison_forest": lambda c: charts.comparison_forest(c, next(iter(effects.comparisons(c)))),
    "funnel": lambda c: charts.funnel(*estimates(c)[1:]),
    "prisma_flow": charts.prisma_flow,
    "score_chart": lambda c: charts.score_chart(c, score(c)),
    "document_strip": lambda c: charts.document_strip(c, texts(c), "a"),
}


@functools.cache
def of_size(studies: int):
    """Return 10 studies of the corpus, all of it, or 3,000: copies under new keys and in new samples."""
    corpus = lb.load_corpus(ROOT)
    # The study that is drawn alone and those with a comparison are among the few.
    wanted = ["morales2020pick", *dict.fromkeys(corpus.comparisons.merge(corpus.findings[["finding", "key"]]).key)][:4]
    others = [key for key in corpus.studies.key[::31] if key not in wanted]
    return {10: lambda: corpus.where(key=[*wanted, *others][:10]), 300: lambda: corpus,
            3000: lambda: resized(corpus, 3000)}[studies]()  # fmt: skip


@functools.cache
def agreement():
    # The interval is what is drawn; how many resamples it has does not matter, and neither does the number of studies.
    return lb.agreement(of_size(300).codes, resamples=20)


def test_every_chart_is_here():
    public = {name for name, one in vars(charts).items() if inspect.isfunction(one) and not name.startswith("_")}
    drawing = {name for name in public if inspect.signature(getattr(charts, name)).return_annotation == "Chart"}
    assert len(drawing) > 25
    assert {name.partition(",")[0] for name in DRAWN} == drawing


def test_the_layout_test_sees_what_is_wrong(corpus):
    chart = charts.prisma_flow(corpus)
    assert collisions(chart.figure) == []
    assert faint_texts(chart.figure, 4.5) == []
    chart.figure.text(0.015, 0.99, "on the title", va="top")
    chart.figure.text(0.97, 0.5, "beyond the edge")
    chart.figure.text(0.5, 0.3, "too faint", color="#cccccc")
    found = collisions(chart.figure)
    assert any(one.startswith("cut off") for one in found)
    assert any("on the title" in one for one in found)
    assert [one.split("'")[1] for one in faint_texts(chart.figure, 4.5)] == ["too faint"]


@pytest.mark.parametrize("studies", [10, 300, 3000])
@pytest.mark.parametrize("name", DRAWN)
def test_no_text_overlaps_is_cut_off_or_faint(name, studies):
    chart = DRAWN[name](of_size(studies))
    assert collisions(chart.figure) == []
    assert chart.title
    assert chart.alt
    if studies == 300:
        assert faint_texts(chart.figure, 4.5) == []


@pytest.mark.parametrize("name", DRAWN)
def test_text_can_be_read_on_a_dark_background(name):
    corpus = of_size(300)
    with charts.style("dark"):
        chart = DRAWN[name](corpus)
        paper = LOOK.paper
    assert contrast(chart.figure.get_facecolor(), paper) == 1
    assert faint_texts(chart.figure, 4.5) == []


@pytest.mark.parametrize("style", ["light", "dark"])
def test_the_flow_of_the_screening_log_can_be_read(style):
    with charts.style(style):
        chart = lb.screening.prisma(ROOT)
        assert contrast(chart.figure.get_facecolor(), LOOK.paper) == 1
    assert collisions(chart.figure) == []
    assert faint_texts(chart.figure, 4.5) == []


NEVER_EMPTY = {"prisma_flow", "practice", "themes_compared", "agreement_by_theme", "themes_by_coder", "forest",
               "comparison_forest", "funnel", "score_chart", "document_strip", "themes_in_study"}  # fmt: skip


@pytest.mark.parametrize("name", [name for name in DRAWN if name not in NEVER_EMPTY])
def test_no_studies_is_a_chart_that_says_so(corpus, name):
    chart = DRAWN[name](corpus.where(year=1900))
    assert chart.title.startswith("None in this corpus")
    assert chart.data.empty


# ---------------------------------------------------------------------- colours


def test_the_style_is_a_setting_and_ends_with_its_block(corpus):
    light = charts.claims(corpus).figure.get_facecolor()
    with charts.style("dark"):
        dark = charts.claims(corpus).figure.get_facecolor()
        with charts.style("light"):
            assert charts.claims(corpus).figure.get_facecolor() == light
        assert charts.claims(corpus).figure.get_facecolor() == dark
    assert charts.claims(corpus).figure.get_facecolor() == light
    assert contrast(light, dark) > 15
    charts.style("dark")
    assert charts.claims(corpus).figure.get_facecolor() == dark
    charts.style("light")
    assert charts.claims(corpus).figure.get_facecolor() == light
    with pytest.raises(ValueError, match="'light' or 'dark'"):
        charts.style("sepia")


def test_the_style_returns_after_an_error():
    before = LOOK.paper
    with pytest.raises(RuntimeError), charts.style("dark"):
        raise RuntimeError
    assert before == LOOK.paper


@pytest.mark.parametrize("style", ["light", "dark"])
def test_text_has_4_5_to_1_and_marks_have_3_to_1(style):
    with charts.style(style):
        grounds = [LOOK.paper, LOOK.box, *LOOK.appraised.values()]
        for ground in grounds:
            assert contrast(LOOK.ink, ground) >= 7
            assert contrast(LOOK.soft, ground) >= 4.5
        marks = [LOOK.accent, LOOK.pale, LOOK.quiet, *LOOK.domains]
        marks += [LOOK.edge(one) if one == "null" else color for one, color in LOOK.directions.items()]
        for color in marks:
            assert contrast(color, LOOK.paper) >= 3, color
        for one in ("harm", "mixed", "benefit"):
            assert all(contrast(LOOK.directions[one], ground) >= 3 for ground in grounds)
        fills = [*LOOK.directions.values(), LOOK.accent, LOOK.line, LOOK.box, *LOOK.shades(np.linspace(0, 1, 101))]
        for color in fills:
            assert contrast(LOOK.on(color), color) >= 4.5


# Machado, Oliveira & Fernandes 2009, IEEE Trans. Vis. Comput. Graph. 15:1291, severity 1.0.
SEEN_WITH = {
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
    "grey print": [[0.2126, 0.7152, 0.0722]] * 3,
}


def lab(color, matrix) -> np.ndarray:
    """Return a colour as it is seen, in CIELAB (D65), where a distance of about 2 is just noticed."""
    rgb = np.array(to_rgb(color))
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    linear = np.clip(np.array(matrix) @ linear, 0, 1)
    to_xyz = [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
    xyz = np.array(to_xyz) @ linear / [0.95047, 1.0, 1.08883]
    f = np.where(xyz > 216 / 24389, np.cbrt(xyz), (24389 / 27 * xyz + 16) / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@pytest.mark.parametrize("style", ["light", "dark"])
@pytest.mark.parametrize("seen", SEEN_WITH)
def test_directions_are_told_apart_by_every_reader(style, seen):
    with charts.style(style):
        for one, other in combinations(LOOK.directions, 2):
            distance = lab(LOOK.directions[one], SEEN_WITH[seen]) - lab(LOOK.directions[other], SEEN_WITH[seen])
            assert np.linalg.norm(distance) > 9, (one, other)
