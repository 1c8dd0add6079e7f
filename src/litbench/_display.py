"""What a notebook shows: a chart with its numbers and its words, and a table that cuts nothing off."""

from __future__ import annotations

import base64
import io
import os
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_saved: dict[str, int] = {}  # how many charts this process has saved into LITBENCH_FIGURES


def _rounded(data: pd.DataFrame) -> str:
    """Return `data` as CSV, rounded so that another machine's last digit is no difference."""
    return data.to_csv(index=False, float_format="%.6g", lineterminator="\n")


@dataclass(frozen=True)
class Chart:
    """A figure that can be tested and read aloud.

    Attributes
    ----------
    name : str
        Short name, used for files.
    title : str
        What is seen.
    figure : matplotlib.figure.Figure
    data : pandas.DataFrame
        The numbers drawn, no layout coordinates.
    alt : str
        What the chart shows, with its main numbers, for those who do not see it.
    """

    name: str
    title: str
    figure: Figure
    data: pd.DataFrame
    alt: str

    def _image(self, kind: str) -> bytes:
        import matplotlib as mpl

        buffer = io.BytesIO()
        metadata = {"Date": None} if kind == "svg" else {"Software": None}
        with mpl.rc_context({"svg.hashsalt": self.name, "svg.fonttype": "none"}):
            self.figure.savefig(buffer, format=kind, dpi="figure", metadata=metadata)
        return buffer.getvalue()

    def save(self, stem: str | Path) -> list[Path]:
        """Write the chart as ``stem.svg``, ``stem.png`` and its numbers as ``stem.csv``.

        Parameters
        ----------
        stem : str or pathlib.Path
            Path without ending; its folder is made where it is missing.

        Returns
        -------
        list of pathlib.Path
            The three files.
        """
        stem = Path(stem)
        stem.parent.mkdir(parents=True, exist_ok=True)
        files = [stem.with_name(f"{stem.name}.{kind}") for kind in ("svg", "png", "csv")]
        files[0].write_bytes(self._image("svg"))
        files[1].write_bytes(self._image("png"))
        files[2].write_text(_rounded(self.data), encoding="utf-8", newline="")
        return files

    def __repr__(self) -> str:
        return f"{self.title}\n{self.alt}\n\n{_rounded(self.data)}"

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, str]:
        # The report asks for the files of every chart that is shown; a reader's own session does not.
        if folder := os.environ.get("LITBENCH_FIGURES"):
            _saved[folder] = _saved.get(folder, 0) + 1
            self.save(Path(folder) / f"{_saved[folder]:02d}_{self.name}")
        image = base64.b64encode(self._image("png")).decode("ascii")
        return {
            "text/plain": repr(self),
            "text/html": f'<img alt="{escape(self.title)}. {escape(self.alt)}" style="max-width:100%" '
            f'src="data:image/png;base64,{image}">',
        }


@dataclass(frozen=True)
class Table:
    """A data frame shown whole: text wraps, nothing is cut, DOIs are links.

    Attributes
    ----------
    data : pandas.DataFrame
    caption : str
    """

    data: pd.DataFrame
    caption: str = ""

    def __repr__(self) -> str:
        return f"{self.caption}\n\n{_rounded(self.data)}"

    def _repr_html_(self) -> str:
        numeric = {name for name in self.data.columns if pd.api.types.is_numeric_dtype(self.data[name])}
        # A column of sentences keeps room to be read, however many columns stand beside it.
        long = {name for name in self.data.columns if self.data[name].astype("str").str.len().max() > 60}
        align = {name: "right" if name in numeric else "left" for name in self.data.columns}
        head = "".join(
            f'<th style="text-align:{align[name]}">{escape(str(name).replace("_", " "))}</th>' for name in self.data
        )
        body = "".join(
            "<tr>"
            + "".join(
                f'<td style="text-align:{align[name]};vertical-align:top;white-space:normal'
                f'{";min-width:20em" if name in long else ""}">{_cell(name, value)}</td>'
                for name, value in zip(self.data.columns, row, strict=True)
            )
            + "</tr>"
            for row in self.data.itertuples(index=False)
        )
        caption = f'<caption style="text-align:left">{escape(self.caption)}</caption>' if self.caption else ""
        return f"<table>{caption}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _cell(name: str, value: Any) -> str:
    if pd.isna(value):
        return ""
    if name == "doi":
        return f'<a href="https://doi.org/{escape(str(value), quote=True)}">{escape(str(value))}</a>'
    if isinstance(value, float):
        return f"{value:.6g}"
    return escape(str(value))


def table(data: pd.DataFrame, caption: str = "") -> Table:
    """Return `data` as a table that shows every row and the whole of every text.

    Parameters
    ----------
    data : pandas.DataFrame
    caption : str, optional
        One sentence that says what the rows are.
    """
    return Table(data.reset_index(drop=True), caption)
