"""Find a codebook's patterns in many texts at once.

The texts of a batch are cut into words where they lie, each *distinct* word is folded and looked up once, and the
patterns are then evaluated over arrays of word numbers: a pattern never sees a letter. So the cost of a text hardly
depends on how many patterns there are, and whatever folds a word (case, accents, spelling) is plain Python that runs
once a word form, not once a word.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import pyarrow as pa

from litbench._patterns import Either, Near, Node, Phrase, Words, fold_word, parse
from litbench.codebook import Codebook

# Negation reaches five words forward within a sentence, as in NegEx (Chapman et al. 2001, J Biomed Inform
# 34:301-310, doi:10.1006/jbin.2001.1029), up to a word that ends its reach.
NEGATION_REACH = 5
_CUES = parse(
    "(no | not | never | without | neither | nor | none | cannot | didnt | doesnt | dont | wasnt | werent | isnt"
    " | arent | hasnt | havent | nobody | lack of | lacked | absence of | absent | rather than | instead of"
    " | failed to | ni | sin | ningun | ninguna | nunca | tampoco | jamas)"
)
_ENDS = parse(
    "(but | however | although | though | except | yet | because | which | still | only | pero | aunque | sino)"
)

_SHIFT = 16  # a span is one integer: its first word, shifted, plus its length in words
_LENGTH = (1 << _SHIFT) - 1
_KNOWN_WORDS = 1_000_000  # word forms remembered between batches; memory stays flat over any number of texts

_WORD_BYTES = bytes(int(byte > 127 or chr(byte).isalnum() or byte == ord("'")) for byte in range(256))
_BREAKS = frozenset(".!?;:")


@cache
def _plain(character: str) -> str:
    """Return what stands for a non-ASCII character while words are cut: itself in a word, else a separator."""
    if character.isalnum() or unicodedata.category(character) in ("Mn", "Mc", "Me", "Cf"):
        return character
    if character in "’‘ʼ＇":
        return "'"
    if character in "\u2028\u2029\x85。！？":
        return "\n"
    if character == "…":
        return "."
    return " "


@dataclass(frozen=True)
class Mentions:
    """Where themes are mentioned in a batch of texts: one entry a mention, by text, theme and place.

    Attributes
    ----------
    text, theme : numpy.ndarray of int
        Numbers of the text in the batch and of the theme in the codebook.
    start, end : numpy.ndarray of int
        Place in the text, in characters.
    negated : numpy.ndarray of bool
    """

    text: np.ndarray
    theme: np.ndarray
    start: np.ndarray
    end: np.ndarray
    negated: np.ndarray


@dataclass(frozen=True)
class _Stream:
    """The words of a batch: class, sentence and place of each; `order` and `first` list the places of each class."""

    classes: np.ndarray
    sentence: np.ndarray
    order: np.ndarray
    first: np.ndarray


class Matcher:
    """The patterns of a codebook's themes in use, ready to be found in texts.

    Parameters
    ----------
    codebook : Codebook

    Raises
    ------
    PatternError
        Where a term is not of the pattern language.
    """

    def __init__(self, codebook: Codebook):
        self.themes = [theme for theme in codebook.themes if not theme.retired]
        self._wanted = [[parse(pattern) for pattern in theme.terms] for theme in self.themes]
        self._barred = [[parse(pattern) for pattern in theme.exclude] for theme in self.themes]
        self._whole: dict[str, list[int]] = {}
        self._stems: dict[str, list[int]] = {}
        self._groups: dict[Words, int] = {}
        for node in (_CUES, _ENDS, *(node for nodes in self._wanted + self._barred for node in nodes)):
            self._collect(node)
        self._longest = max(map(len, self._stems), default=0)
        # Words that the same groups know are one class; class 0 are the words that none knows.
        self._class_of: dict[frozenset[int], int] = {frozenset(): 0}
        self._members: list[list[int]] = [[] for _ in self._groups]  # the classes of each group
        self._forget()

    def _collect(self, node: Node) -> None:
        if isinstance(node, Words):
            if node not in self._groups:
                number = self._groups[node] = len(self._groups)
                for words, index in ((node.whole, self._whole), (node.stems, self._stems)):
                    for word in words:
                        index.setdefault(word, []).append(number)
        elif isinstance(node, Near):
            self._collect(node.left)
            self._collect(node.right)
        else:
            for child in node.options if isinstance(node, Either) else node.parts:
                self._collect(child)

    # ------------------------------------------------------------------ words

    def _forget(self) -> None:
        self._known: dict[str, int] = {}
        # For each known form (a word and the separators after it): class, characters before the word, length of
        # the word, whether a sentence ends after it, whether there is a word at all.
        self._facts = np.zeros((1024, 5), dtype=np.int32)

    def _learn(self, form: str) -> int:
        number = len(self._known)
        self._known[form] = number
        if number == len(self._facts):
            self._facts = np.concatenate([self._facts, np.zeros_like(self._facts)])
        tail = len(form)
        while tail and not (form[tail - 1] > "\x7f" or form[tail - 1].isalnum() or form[tail - 1] == "'"):
            tail -= 1
        rest = form[tail:]
        lead = len(form) - len(form.lstrip("'"))
        length = max(len(form[:tail].rstrip("'")) - lead, 0)
        word = fold_word(form[lead : lead + length])
        ends = "\n" in rest or any(
            one in _BREAKS and after.isspace() for one, after in zip(rest, rest[1:], strict=False)
        )
        self._facts[number] = (self._class(word), lead, length, ends, bool(word))
        return number

    def _class(self, word: str) -> int:
        groups = list(self._whole.get(word, ()))
        for length in range(1, min(len(word), self._longest) + 1):
            groups += self._stems.get(word[:length], ())
        found = frozenset(groups)
        if found not in self._class_of:
            self._class_of[found] = len(self._class_of)
            for group in found:
                self._members[group].append(self._class_of[found])
        return self._class_of[found]

    def find(self, texts: Sequence[str]) -> Mentions:
        """Return where the themes are mentioned in `texts`.

        Parameters
        ----------
        texts : sequence of str
            A few thousand abstracts at a time: memory is some forty times the size of the text.
        """
        joined = "\n".join(texts)
        starts = np.zeros(len(texts) + 1, dtype=np.int64)
        np.cumsum([len(text) + 1 for text in texts], out=starts[1:])
        raw, place = _separated(joined)
        inside = np.frombuffer(raw.translate(_WORD_BYTES), dtype=np.int8)
        first = np.flatnonzero(np.diff(inside, prepend=np.int8(0)) == 1)
        if not len(first):
            return _none()
        offsets = np.append(first, len(raw))
        forms = pa.LargeStringArray.from_buffers(len(first), pa.py_buffer(offsets), pa.py_buffer(raw))
        encoded = forms.dictionary_encode()
        if len(self._known) > _KNOWN_WORDS:
            self._forget()
        known = self._known
        numbers = np.array(
            [known[form] if form in known else self._learn(form) for form in encoded.dictionary.to_pylist()]
        )
        form = numbers[encoded.indices.to_numpy()]
        facts = self._facts
        classes, ends = facts[:, 0][form], facts[:, 3][form]
        sentence = np.cumsum(ends) - ends
        if not (real := facts[:, 4] != 0)[numbers].all():
            keep = real[form]
            form, classes, sentence, first = form[keep], classes[keep], sentence[keep], first[keep]
        if place is not None:
            first = place[first]
        mentions = self._mentions(classes, sentence)
        if mentions is None:
            return _none()
        theme, begin, last, negated = mentions
        start = first[begin] + facts[:, 1][form[begin]]
        end = first[last] + facts[:, 1][form[last]] + facts[:, 2][form[last]]
        text = np.searchsorted(starts, start, side="right") - 1
        order = np.lexsort((start, theme, text))
        text = text[order]
        return Mentions(
            text, theme[order], start[order] - starts[text], end[order] - starts[text], negated[order]
        )

    # ------------------------------------------------------------------ patterns

    def _mentions(
        self, classes: np.ndarray, sentence: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray] | None:
        known = np.flatnonzero(classes)
        # Classes are few enough for 16 bits, for which NumPy's stable sort is a radix sort.
        order = known[np.argsort(classes[known].astype(np.uint16), kind="stable")]
        first = np.searchsorted(classes[order], np.arange(len(self._class_of) + 1))
        stream = _Stream(classes, sentence, order, first)
        done: dict[Node, np.ndarray] = {}
        themes, spans = [], []
        for number, (wanted, barred) in enumerate(zip(self._wanted, self._barred, strict=True)):
            found = self._union([self._spans(node, stream, done) for node in wanted])
            if len(found) and barred:
                found = _outside(found, self._union([self._spans(node, stream, done) for node in barred]))
            if len(found):
                found = _merge(found)
                themes.append(np.full(len(found), number))
                spans.append(found)
        if not spans:
            return None
        joined = np.concatenate(spans)
        begin = joined >> _SHIFT
        negated = self._negated(begin, stream, done)
        return np.concatenate(themes), begin, begin + (joined & _LENGTH) - 1, negated

    def _negated(self, begin: np.ndarray, stream: _Stream, done: dict[Node, np.ndarray]) -> np.ndarray:
        """Tell for each span that begins there whether a cue stands before it, near enough and not cut off."""
        cues, ends = self._spans(_CUES, stream, done), self._spans(_ENDS, stream, done)
        if not len(cues):
            return np.zeros(len(begin), dtype=bool)
        cue_end = np.sort((cues >> _SHIFT) + (cues & _LENGTH))
        before = np.searchsorted(cue_end, begin, side="right") - 1
        at = np.where(before >= 0, cue_end[before], -NEGATION_REACH - 1)
        near = (before >= 0) & (begin - at < NEGATION_REACH)
        near &= stream.sentence[np.maximum(at - 1, 0)] == stream.sentence[begin]
        cut = ends >> _SHIFT
        return near & (np.searchsorted(cut, at) == np.searchsorted(cut, begin))

    def _spans(self, node: Node, stream: _Stream, done: dict[Node, np.ndarray]) -> np.ndarray:
        """Return the spans of a pattern, sorted, each once."""
        if (found := done.get(node)) is not None:
            return found
        if isinstance(node, Words):
            places = [
                stream.order[stream.first[one] : stream.first[one + 1]]
                for one in self._members[self._groups[node]]
                if stream.first[one] < stream.first[one + 1]
            ]
            if not places:
                found = _EMPTY
            else:
                joined = places[0] if len(places) == 1 else np.sort(np.concatenate(places), kind="stable")
                found = (joined << _SHIFT) + 1
        elif isinstance(node, Either):
            found = self._union([self._spans(option, stream, done) for option in node.options])
        elif isinstance(node, Phrase):
            found = self._phrase(node, stream, done)
        else:
            left = self._spans(node.left, stream, done)
            found = _EMPTY
            if len(left):
                right = self._spans(node.right, stream, done)
                if len(right):
                    found = _near(left, right, node.gap, stream.sentence)
        done[node] = found
        return found

    def _phrase(self, node: Phrase, stream: _Stream, done: dict[Node, np.ndarray]) -> np.ndarray:
        words = [part for part in node.parts if isinstance(part, Words)]
        if len(words) < len(node.parts):
            found = self._spans(node.parts[0], stream, done)
            for part in node.parts[1:]:
                if not len(found):
                    break
                found = _adjacent(found, self._spans(part, stream, done), stream.sentence)
            return found
        # Start from the rarest word and look at its neighbours.
        classes = [[one for one in self._members[self._groups[part]] if one < len(stream.first) - 1] for part in words]
        counts = [sum(int(stream.first[one + 1] - stream.first[one]) for one in members) for members in classes]
        if not all(counts):
            return _EMPTY
        rarest = counts.index(min(counts))
        begin = (self._spans(words[rarest], stream, done) >> _SHIFT) - rarest
        last = len(words) - 1
        begin = begin[(begin >= 0) & (begin + last < len(stream.classes))]
        for offset, members in enumerate(classes):
            if offset != rarest:
                allowed = np.zeros(len(stream.first), dtype=bool)
                allowed[members] = True
                begin = begin[allowed[stream.classes[begin + offset]]]
        begin = begin[stream.sentence[begin] == stream.sentence[begin + last]]
        return (begin << _SHIFT) + len(words)

    @staticmethod
    def _union(several: list[np.ndarray]) -> np.ndarray:
        several = [spans for spans in several if len(spans)]
        if not several:
            return _EMPTY
        return several[0] if len(several) == 1 else _distinct(np.concatenate(several))


_EMPTY = np.zeros(0, dtype=np.int64)


def _none() -> Mentions:
    return Mentions(_EMPTY, _EMPTY, _EMPTY, _EMPTY, np.zeros(0, dtype=bool))


def _distinct(spans: np.ndarray) -> np.ndarray:
    """Return the spans sorted, each once; the stable sort is quick on runs that are sorted already."""
    spans = np.sort(spans, kind="stable")
    return spans[np.append(True, spans[1:] != spans[:-1])] if len(spans) else spans


def _separated(text: str) -> tuple[bytes, np.ndarray | None]:
    """Return `text` as UTF-8 in which every non-ASCII byte is of a word, and the character of each byte."""
    if text.isascii():
        return text.encode(), None
    points = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<u4").copy()
    beyond = np.flatnonzero(points > 127)
    distinct, which = np.unique(points[beyond], return_inverse=True)
    points[beyond] = np.array([ord(_plain(chr(point))) for point in distinct], dtype="<u4")[which]
    if points.max() < 128:
        return points.astype(np.uint8).tobytes(), None
    raw = points.tobytes().decode("utf-32-le").encode()
    place = np.cumsum((np.frombuffer(raw, dtype=np.uint8) & 0xC0) != 0x80) - 1
    return raw, place


def _adjacent(left: np.ndarray, right: np.ndarray, sentence: np.ndarray) -> np.ndarray:
    """Return the spans of a left one with a right one directly after it, in one sentence."""
    begin, length = left >> _SHIFT, left & _LENGTH
    after = begin + length
    rows, which = _pairs(np.searchsorted(right, after << _SHIFT), np.searchsorted(right, (after + 1) << _SHIFT))
    total = length[rows] + (right[which] & _LENGTH)
    begin = begin[rows]
    same = sentence[begin] == sentence[begin + total - 1]
    return _distinct((begin[same] << _SHIFT) + total[same])


def _near(left: np.ndarray, right: np.ndarray, gap: int, sentence: np.ndarray) -> np.ndarray:
    """Return the spans from a left to a right one, or back, with at most `gap` words between, in one sentence."""
    few, many = (left, right) if len(left) <= len(right) else (right, left)
    begin, end = few >> _SHIFT, (few >> _SHIFT) + (few & _LENGTH)
    # Only those of the many that begin inside this window can be near enough.
    low = np.searchsorted(many, (begin - gap - int((many & _LENGTH).max())) << _SHIFT)
    rows, which = _pairs(low, np.searchsorted(many, (end + gap + 1) << _SHIFT))
    other = many[which] >> _SHIFT
    other_end = other + (many[which] & _LENGTH)
    begin, end = begin[rows], end[rows]
    between = np.maximum(other - end, begin - other_end)
    first, last = np.minimum(begin, other), np.maximum(end, other_end)
    good = (between >= 0) & (between <= gap) & (sentence[first] == sentence[last - 1])
    return _distinct((first[good] << _SHIFT) + last[good] - first[good])


def _pairs(low: np.ndarray, high: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return each row number with each number from its low to below its high."""
    count = high - low
    rows = np.repeat(np.arange(len(low)), count)
    return rows, np.arange(len(rows)) - np.repeat(np.cumsum(count) - count, count) + low[rows]


def _outside(spans: np.ndarray, barred: np.ndarray) -> np.ndarray:
    """Return the spans that neither begin nor end inside a barred one."""
    if not len(barred):
        return spans
    begin, reach = barred >> _SHIFT, np.maximum.accumulate((barred >> _SHIFT) + (barred & _LENGTH))

    def inside(word: np.ndarray) -> np.ndarray:
        before = np.searchsorted(begin, word, side="right") - 1
        return (before >= 0) & (reach[before] > word)

    start = spans >> _SHIFT
    return spans[~(inside(start) | inside(start + (spans & _LENGTH) - 1))]


def _merge(spans: np.ndarray) -> np.ndarray:
    """Return sorted spans with overlapping ones made one."""
    start = spans >> _SHIFT
    reach = np.maximum.accumulate(start + (spans & _LENGTH))
    opens = np.append(True, start[1:] >= reach[:-1])
    where = np.flatnonzero(opens)
    ends = reach[np.append(where[1:], len(spans)) - 1]
    return (start[where] << _SHIFT) + ends - start[where]
