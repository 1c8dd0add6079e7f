"""The data package: which tables a corpus has and what stands in their columns."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pandas as pd

from litbench._problems import CorpusError

DESCRIPTOR = Path("data/datapackage.json")
BIBLIOGRAPHY = Path("references.bib")
CODEBOOK = Path("data/codebook.yaml")

# The direction of an estimate for people, by its sign and by whether more of its outcome is worse or better.
DIRECTION = {
    ("positive", "worse"): "harm",
    ("negative", "worse"): "benefit",
    ("positive", "better"): "benefit",
    ("negative", "better"): "harm",
}

_DTYPES = {
    "string": "str",
    "integer": "Int64",
    "year": "Int64",
    "number": "float64",
    "boolean": "boolean",
    "date": "datetime64[s]",
}

DICTIONARY_START = "<!-- dictionary: written by `litbench dictionary`, do not edit below -->"


def find_corpus(path: str | Path | None = None) -> Path:
    """Return the folder of the corpus: `path`, else LITBENCH_CORPUS, else the nearest parent that has one."""
    if named := path or os.environ.get("LITBENCH_CORPUS"):
        folder = Path(named).expanduser()
        source = "the path given" if path else "the environment variable LITBENCH_CORPUS"
        if not (folder / DESCRIPTOR).is_file():
            raise CorpusError(
                f"No corpus in {folder} ({source}): it has no {DESCRIPTOR}. "
                "Give the folder that holds references.bib and data/."
            )
        return folder
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / DESCRIPTOR).is_file():
            return folder
    raise CorpusError(
        f"No corpus found: looked for {DESCRIPTOR} in {here} and every folder above it. "
        "Start from inside a litbench checkout, pass a path to load_corpus(), or set LITBENCH_CORPUS."
    )


def read_descriptor(folder: Path) -> dict[str, Any]:
    """Return the data package descriptor of the corpus in `folder`."""
    path = folder / DESCRIPTOR
    try:
        descriptor = json.loads(path.read_text(encoding="utf-8"))
        descriptor["resources"][0]["schema"]["fields"][0]["name"]
    except (OSError, UnicodeDecodeError, json.JSONDecodeError, KeyError, IndexError, TypeError) as error:
        raise CorpusError(
            f"{DESCRIPTOR} cannot be read as a data package ({error}). Restore it, e.g. git checkout -- {DESCRIPTOR}."
        ) from error
    return descriptor


def tables(descriptor: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the tabular resources by name."""
    return {resource["name"]: resource for resource in descriptor["resources"] if "schema" in resource}


def dtype(field: dict[str, Any]) -> Any:
    """Return the pandas type of a column: a category for a closed vocabulary, else by the field's type."""
    if vocabulary := field.get("constraints", {}).get("enum"):
        return pd.CategoricalDtype(vocabulary)
    return _DTYPES[field["type"]]


def read_table(folder: Path, resource: dict[str, Any]) -> pd.DataFrame:
    """Read one CSV table with the column types of its schema; columns a team added (``x_``) are kept as text."""
    fields = {field["name"]: dtype(field) for field in resource["schema"]["fields"]}
    path = folder / "data" / resource["path"]
    # Only the empty cell is missing: a place called "NA" is a place.
    frame = pd.read_csv(path, dtype="str", keep_default_na=False, na_values=[""], encoding="utf-8")
    if missing := [name for name in fields if name not in frame]:
        raise ValueError(f"{path.name} lacks the column {missing[0]}")
    for name, kind in fields.items():
        if isinstance(kind, pd.CategoricalDtype) and (unknown := set(frame[name].dropna()) - set(kind.categories)):
            raise ValueError(f"{path.name}, column {name}: {sorted(unknown)[0]} is not in the vocabulary")
        if kind == "boolean":
            frame[name] = frame[name].map({"true": True, "false": False}).astype("boolean")
        elif kind == "Int64":
            frame[name] = pd.to_numeric(frame[name]).astype("Int64")
        else:
            frame[name] = frame[name].astype(kind)
    return frame


def data_dictionary(descriptor: dict[str, Any]) -> str:
    """Return the data dictionary, Markdown, of every table in the data package."""
    lines = []
    for name, resource in tables(descriptor).items():
        schema = resource["schema"]
        lines += ["", f"### `{resource['path']}`", "", resource["description"], ""]
        keys = schema.get("primaryKey", [])
        if keys:
            lines += [f"Primary key: {', '.join(f'`{key}`' for key in keys)}.", ""]
        links = {
            field: f"`{link['reference']['resource'] or name}.{link['reference']['fields'][0]}`"
            for link in schema.get("foreignKeys", [])
            for field in link["fields"]
        }
        lines += ["| column | type | meaning |", "| --- | --- | --- |"]
        for field in schema["fields"]:
            constraints = field.get("constraints", {})
            meaning = field["description"]
            if "enum" in constraints:
                meaning += " One of: " + ", ".join(f"`{value}`" for value in constraints["enum"]) + "."
            if field["name"] in links:
                meaning += f" Refers to {links[field['name']]}."
            kind = field["type"] + (", required" if constraints.get("required") else "")
            lines.append(f"| `{field['name']}` | {kind} | {meaning} |")
    return "\n".join([DICTIONARY_START, *lines]) + "\n"
