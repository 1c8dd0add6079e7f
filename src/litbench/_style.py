"""The colours of all charts, on a light and on a dark background, and the switch between the two."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, fields
from typing import Any

from matplotlib.colors import Colormap, LinearSegmentedColormap, to_rgb


@dataclass
class Look:
    """Colours by what they are for.

    Attributes
    ----------
    paper, ink, soft : str
        Background, text, and text that steps back.
    line, grid, box, land, stripe : str
        Hairlines, grid lines, filled boxes, land on maps, and the part of a bar that is missing.
    accent, pale, quiet : str
        What is counted, its range, and what is counted but is not the point.
    directions : dict of str to str
        Harm, mixed, benefit and null. After Okabe & Ito (2008), told apart by colour-blind readers and, by how far
        they stand from the background, in grey print. Null is pale and needs an edge (`edge`).
    domains : tuple of str
        One a domain of themes.
    appraised : dict of str to str
        Shades of rows, behind marks and text.
    shades : matplotlib.colors.Colormap
        From few to many.
    """

    paper: str
    ink: str
    soft: str
    line: str
    grid: str
    box: str
    land: str
    stripe: str
    accent: str
    pale: str
    quiet: str
    directions: dict[str, str]
    domains: tuple[str, ...]
    appraised: dict[str, str]
    shades: Colormap

    def edge(self, direction: str) -> str:
        """Return the colour around a bar or bubble: the background, or, where the fill is pale, a line."""
        return self.soft if direction == "null" else self.paper

    def on(self, color: Any) -> str:
        """Return black or white, whichever is easier to read on `color`: the contrast is never below 4.5."""
        return max(("#000000", "#ffffff"), key=lambda one: contrast(one, color))

    def rc(self) -> dict[str, Any]:
        """Return the settings of matplotlib."""
        return {
            "font.family": "DejaVu Sans",
            "font.size": 9,
            "text.color": self.ink,
            "axes.edgecolor": self.soft,
            "axes.labelcolor": self.ink,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.axisbelow": True,
            "xtick.color": self.soft,
            "ytick.color": self.soft,
            "xtick.labelcolor": self.ink,
            "ytick.labelcolor": self.ink,
            "figure.facecolor": self.paper,
            "axes.facecolor": self.paper,
            "legend.frameon": False,
        }


_LOOKS = {
    "light": {
        "paper": "#ffffff",
        "ink": "#1f2933",
        "soft": "#55606b",
        "line": "#d9dee3",
        "grid": "#eef1f4",
        "box": "#f3f6f9",
        "land": "#e6eaee",
        "stripe": "#e3e7eb",
        "accent": "#1f5a94",
        "pale": "#5f98c4",
        "quiet": "#7f93a5",
        "directions": {"harm": "#93340f", "mixed": "#736393", "benefit": "#388ec4", "null": "#e3e7eb"},
        "domains": ("#1f5a94", "#7a6b98", "#b3451c", "#a8721a", "#5f6b76", "#2f7f6b", "#8a8f2a", "#1f2933"),
        "appraised": {"few concerns": "#e6f0f8", "some concerns": "#f7f1dd", "serious concerns": "#fae8e1"},
        "shades": LinearSegmentedColormap.from_list("light", ["#f3f6f9", "#9fc3de", "#2f77ad", "#12395c"]),
    },
    # The background is that of JupyterLab's dark theme.
    "dark": {
        "paper": "#111111",
        "ink": "#eceff1",
        "soft": "#a9b3bd",
        "line": "#434c55",
        "grid": "#23282d",
        "box": "#1c2126",
        "land": "#2a3036",
        "stripe": "#2a3036",
        "accent": "#5aa9e0",
        "pale": "#3f6f94",
        "quiet": "#708699",
        "directions": {"harm": "#ffb38a", "mixed": "#a695cc", "benefit": "#337fb3", "null": "#2a3036"},
        "domains": ("#5aa9e0", "#b3a4dc", "#e8804f", "#d9a441", "#a9b3bd", "#55b39b", "#b9bd5a", "#eceff1"),
        "appraised": {"few concerns": "#1c2b37", "some concerns": "#302b1c", "serious concerns": "#3a221a"},
        "shades": LinearSegmentedColormap.from_list("dark", ["#1a1f24", "#24506f", "#4a97cc", "#c9e4f6"]),
    },
}
LOOK = Look(**_LOOKS["light"])  # the one that charts are drawn in; `style` changes it


def style(name: str) -> ExitStack:
    """Draw charts from now on for a light or a dark background.

    Parameters
    ----------
    name : {"light", "dark"}
        Light is the default. Dark is for slides and for JupyterLab's dark theme, whose background it has.

    Returns
    -------
    contextlib.ExitStack
        Used with ``with``, the look that was there before returns at the end of the block. A chart keeps the look
        that it was drawn in.

    Raises
    ------
    ValueError
        For another name.

    Examples
    --------
    >>> with charts.style("dark"):
    ...     charts.claims(corpus).save("slide")
    """
    if name not in _LOOKS:
        raise ValueError(f"No style {name!r}; charts are drawn in 'light' or 'dark'")
    before = {field.name: getattr(LOOK, field.name) for field in fields(LOOK)}
    _look(_LOOKS[name])
    stack = ExitStack()
    stack.callback(_look, before)
    return stack


def _look(colors: dict[str, Any]) -> None:
    for part, value in colors.items():
        setattr(LOOK, part, value)


def contrast(one: Any, other: Any) -> float:
    """Return the contrast of two colours, from 1 to 21 (WCAG 2.2, relative luminance).

    Parameters
    ----------
    one, other : color
        Anything that matplotlib reads as a colour; transparency is not taken into account.
    """
    darker, lighter = sorted((_luminance(to_rgb(one)), _luminance(to_rgb(other))))
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(rgb: Sequence[float]) -> float:
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in rgb]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
