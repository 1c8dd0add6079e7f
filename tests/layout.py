"""Which texts of a figure overlap, are cut off, or are hard to read; and corpora of any size to draw."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Text

from litbench._style import contrast


def resized(corpus, studies: int):
    """Return a corpus of so many studies: every n-th of them, or copies under new keys and in new samples."""
    if studies <= len(corpus):
        return corpus.where(key=list(corpus.studies.key[:: len(corpus) // studies][:studies]))
    parts = {}
    for name in ("studies", "places", "findings", "effects", "comparisons", "codes", "appraisal", "samples"):
        frame = getattr(corpus, name)
        copies = []
        for number in range(-(-studies // len(corpus))):
            copy = frame.copy()
            for column in {"key", "finding", "sample"} & set(copy):
                known = copy[column].notna()
                copy.loc[known, column] = copy.loc[known, column] + (f"x{number}" if number else "")
            copies.append(copy)
        parts[name] = pd.concat(copies, ignore_index=True)
    # The place in the publication stands last in a finding's id.
    for name in ("findings", "effects", "comparisons", "codes"):
        parts[name]["finding"] = parts[name].finding.str.replace(r"(\.\d+)(x\d+)$", r"\2\1", regex=True)
    grown = replace(corpus, **parts)
    return grown.where(key=list(grown.studies.key[:studies]))


def corners(text: Text, renderer) -> np.ndarray:
    """Return the corners of a text in pixels, of its letters and not of the box around them where it is slanted."""
    if text.get_rotation() % 90 == 0:
        box = text.get_window_extent(renderer)
        turn = 0.0
    else:
        angle = text.get_rotation()
        text.set_rotation(0)
        box = text.get_window_extent(renderer)
        text.set_rotation(angle)
        turn = np.deg2rad(angle)
    points = np.array([[box.x0, box.y0], [box.x1, box.y0], [box.x1, box.y1], [box.x0, box.y1]])
    if turn:
        anchor = text.get_transform().transform(text.get_unitless_position())
        spin = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
        points = (points - anchor) @ spin.T + anchor
    return points


def apart(one: np.ndarray, other: np.ndarray) -> bool:
    """Whether two convex shapes are apart, a pixel of overlap allowed (separating axes)."""
    for shape in (one, other):
        for edge in np.roll(shape, -1, axis=0) - shape:
            length = np.hypot(*edge)
            if not length:
                continue
            axis = np.array([-edge[1], edge[0]]) / length
            a, b = one @ axis, other @ axis
            if min(a.max(), b.max()) - max(a.min(), b.min()) <= 1.5:
                return True
    return False


def collisions(figure) -> list[str]:
    canvas = FigureCanvasAgg(figure)
    written = {}
    with pytest.MonkeyPatch.context() as patch:
        draw = Text.draw
        # Labels of ticks outside of the axes are there but never drawn.
        patch.setattr(Text, "draw", lambda self, renderer: (written.update({id(self): self}), draw(self, renderer)))
        canvas.draw()
    renderer = canvas.get_renderer()
    texts = [
        (one.get_text(), corners(one, renderer))
        for one in written.values()
        if one.get_visible() and one.get_text().strip()
    ]
    width, height = canvas.get_width_height()
    assert max(width, height) < 2**16, "too large to be written as a picture"
    found = [
        f"cut off: {text!r}"
        for text, box in texts
        if box.min() < -1 or box[:, 0].max() > width + 1 or box[:, 1].max() > height + 1
    ]
    # Only texts whose boxes meet are looked at closely: a matrix has hundreds of numbers.
    shapes = np.array([box for _, box in texts])
    low, high = shapes.min(axis=1), shapes.max(axis=1)
    meet = (np.minimum(high[:, None], high) - np.maximum(low[:, None], low) > 1.5).all(axis=2)
    found += [
        f"{texts[one][0]!r} on {texts[other][0]!r}"
        for one, other in np.argwhere(np.triu(meet, 1))
        if not apart(shapes[one], shapes[other])
    ]
    return found


def faint_texts(figure, least: float) -> list[str]:
    """Return the texts whose contrast with most of what they stand on is below `least` (WCAG 2.2)."""
    texts = [one for one in figure.findobj(Text) if one.get_visible() and one.get_text().strip()]
    canvas = FigureCanvasAgg(figure)
    boxes = {id(one): corners(one, canvas.get_renderer()) for one in texts}
    for one in texts:
        one.set_visible(False)
    canvas.draw()
    for one in texts:
        one.set_visible(True)
    red, green, blue, _ = np.moveaxis(np.asarray(canvas.buffer_rgba())[::-1].astype(int), 2, 0)
    picture = red << 16 | green << 8 | blue
    found = []
    for one in texts:
        box = boxes[id(one)]
        (left, low), (right, high) = np.maximum(box.min(axis=0), 0).astype(int), np.ceil(box.max(axis=0)).astype(int)
        behind, often = np.unique(picture[low:high, left:right], return_counts=True)
        if not len(behind):
            continue  # a label of a tick outside of the axes, which is never drawn
        ratios = np.array([contrast(one.get_color(), f"#{color:06x}") for color in behind])
        order = ratios.argsort()
        # A quarter of the ground may be a line or the edge of a bar that passes behind the text.
        quarter = ratios[order][np.searchsorted(often[order].cumsum(), often.sum() / 4)]
        if quarter < least:
            found.append(f"{one.get_text()!r}: {quarter:.1f}")
    return found
