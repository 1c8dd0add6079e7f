"""Countries: names and codes (ISO 3166-1, from pycountry) and outlines (Natural Earth, `geo/`)."""

from __future__ import annotations

import difflib
import json
from functools import cache
from importlib import resources
from typing import Any

import pycountry

_COMMON = {"RUS": "Russia"}  # where the ISO name is not the one that readers look for


@cache
def name(alpha_3: str) -> str:
    """Return the English name of a country by its ISO 3166-1 alpha-3 code."""
    country = pycountry.countries.get(alpha_3=alpha_3)
    if country is None:
        raise ValueError(f"{alpha_3!r} is not an ISO 3166-1 alpha-3 country code")
    return _COMMON.get(alpha_3, getattr(country, "common_name", country.name))


def code(country: str) -> str:
    """Return the ISO 3166-1 alpha-3 code of a country by its code or English name."""
    wanted = country.strip().casefold()
    names = {name(one.alpha_3).casefold(): one.alpha_3 for one in pycountry.countries}
    names |= {one.name.casefold(): one.alpha_3 for one in pycountry.countries}
    names |= {one.alpha_3.casefold(): one.alpha_3 for one in pycountry.countries}
    if wanted in names:
        return names[wanted]
    near = difflib.get_close_matches(wanted, names, n=3)
    hint = f"did you mean {' or '.join(near)}?" if near else "give an English name or an alpha-3 code such as MEX"
    raise ValueError(f"No country {country!r}; {hint}")


@cache
def outlines() -> dict[str, list[list[tuple[float, float]]]]:
    """Return the outer rings of every country outline, (lon, lat) in degrees, by ISO numeric code or name."""
    text = resources.files("litbench").joinpath("geo/countries_110m.geojson").read_text(encoding="utf-8")
    return {
        feature.get("id") or feature["properties"]["name"]: [
            [tuple(point) for point in polygon[0]] for polygon in _polygons(feature["geometry"])
        ]
        for feature in json.loads(text)["features"]
    }


def _polygons(geometry: dict[str, Any]) -> list[Any]:
    return geometry["coordinates"] if geometry["type"] == "MultiPolygon" else [geometry["coordinates"]]


@cache
def box(alpha_3: str) -> tuple[float, float, float, float] | None:
    """Return west, south, east, north of a country in degrees; None where the outlines lack it (small islands)."""
    country = pycountry.countries.get(alpha_3=alpha_3)
    rings = outlines().get(country.numeric) if country else None
    if not rings:
        return None
    lons = [lon for ring in rings for lon, _ in ring]
    lats = [lat for ring in rings for _, lat in ring]
    return min(lons), min(lats), max(lons), max(lats)
