"""Find a codebook's patterns in many texts at once.

The texts of a batch are cut into words where they lie, each *distinct* word is folded and looked up once, and the
patterns are then evaluated over arrays of word numbers: a pattern never sees a letter. So the cost of a text hardly
depends on how many patterns there are, and whatever folds a word (case, accents, spelling) is plain Python that runs
once a word form, not once a word.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise

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
_KNOWN_WORDS = 400_000  # word forms remembered between batches; memory stays flat over any number of texts

_WORD_BYTES = bytes(int(byte > 127 or chr(byte).isalnum() or byte == ord("'")) for byte in range(256))
_BREAKS = frozenset(".!?;:")
_SEPARATORS = "".join(chr(byte) for byte in range(128) if not _WORD_BYTES[byte])


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


class _Step:
    """One distinct pattern of the codebook, with the steps that it is made of."""

    __slots__ = ("gap", "group", "groups", "kind", "number", "parts")

    def __init__(self, number: int, kind: type, parts: list[_Step], group: int, gap: int):
        self.number, self.kind, self.parts, self.group, self.gap = number, kind, parts, group, gap
        plain = kind is Phrase and all(part.kind is Words for part in parts)
        self.groups = [part.group for part in parts] if plain else None


class _Batch:
    """The words of a batch: class and sentence of each, and where the words of each class are."""

    def __init__(self, classes: np.ndarray, sentence: np.ndarray, distinct: int, steps: int):
        self.classes, self.sentence = classes, sentence
        known = np.flatnonzero(classes)
        # Classes are few enough for 16 bits, for which NumPy's stable sort is a radix sort.
        self.order = known[np.argsort(classes[known].astype(np.uint16), kind="stable")]
        self.first = np.searchsorted(classes[self.order], np.arange(distinct + 1)).tolist()
        self.done: list[np.ndarray | None] = [None] * steps

    def count(self, members: list[int]) -> int:
        """Return how many words are of these classes."""
        first = self.first
        return sum(first[one + 1] - first[one] for one in members)


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
        self._whole: dict[str, list[int]] = {}
        self._stems: dict[str, list[int]] = {}
        self._steps: dict[Node, _Step] = {}
        self._groups = 0
        self._cues, self._ends = self._step(_CUES), self._step(_ENDS)
        self._wanted = [[self._step(parse(pattern)) for pattern in theme.terms] for theme in self.themes]
        self._barred = [[self._step(parse(pattern)) for pattern in theme.exclude] for theme in self.themes]
        self._longest = max(map(len, self._stems), default=0)
        # Words that the same groups know are one class; class 0 are the words that none knows.
        self._class_of: dict[frozenset[int], int] = {frozenset(): 0}
        self._members: list[list[int]] = [[] for _ in range(self._groups)]  # the classes of each group
        self._is_member = np.zeros((self._groups, 1024), dtype=bool)
        self._forget()

    def _step(self, node: Node) -> _Step:
        if (known := self._steps.get(node)) is not None:
            return known
        parts, group, gap = [], -1, 0
        if isinstance(node, Words):
            group, self._groups = self._groups, self._groups + 1
            for words, index in ((node.whole, self._whole), (node.stems, self._stems)):
                for word in words:
                    index.setdefault(word, []).append(group)
        elif isinstance(node, Near):
            parts, gap = [self._step(node.left), self._step(node.right)], node.gap
        else:
            parts = [self._step(child) for child in (node.options if isinstance(node, Either) else node.parts)]
        step = self._steps[node] = _Step(len(self._steps), type(node), parts, group, gap)
        return step

    # ------------------------------------------------------------------ words

    def _forget(self) -> None:
        self._known: dict[str, int] = {}
        self._classes_of_words: dict[str, int] = {}
        # For each known form (a word and the separators after it): class, characters before the word, length of
        # the word, whether a sentence ends after it, whether there is a word at all.
        self._facts = np.zeros((5, 0), dtype=np.int32)

    def _numbers(self, forms: list[str]) -> np.ndarray:
        """Return the numbers of forms, learning those that are new."""
        known = self._known
        new = [form for form in forms if form not in known]
        if new:
            known.update(zip(new, range(len(known), len(known) + len(new)), strict=True))
            facts = np.array([self._learn(form) for form in new], dtype=np.int32)
            self._facts = np.concatenate([self._facts, facts.T], axis=1)
        return np.fromiter(map(known.__getitem__, forms), dtype=np.int32, count=len(forms))

    def _learn(self, form: str) -> tuple[int, int, int, bool, bool]:
        word = form.rstrip(_SEPARATORS)
        rest = form[len(word) :]
        ends = rest != " " and (
            "\n" in rest or any(one in _BREAKS and after.isspace() for one, after in pairwise(rest))
        )
        lead = 0
        if "'" in word:
            word = word.rstrip("'")
            lead = len(word) - len(word := word.lstrip("'"))
        folded = fold_word(word)
        kind = self._classes_of_words.get(folded)
        if kind is None:
            kind = self._classes_of_words[folded] = self._class(folded)
        return kind, lead, len(word), ends, folded != ""

    def _class(self, word: str) -> int:
        groups = list(self._whole.get(word, ()))
        for length in range(1, min(len(word), self._longest) + 1):
            if (stems := self._stems.get(word[:length])) is not None:
                groups += stems
        found = frozenset(groups)
        if found not in self._class_of:
            number = self._class_of[found] = len(self._class_of)
            if number == self._is_member.shape[1]:
                self._is_member = np.concatenate([self._is_member, np.zeros_like(self._is_member)], axis=1)
            for group in found:
                self._members[group].append(number)
                self._is_member[group, number] = True
        return self._class_of[found]

    def find(self, texts: Sequence[str]) -> Mentions:
        """Return where the themes are mentioned in `texts`.

        Parameters
        ----------
        texts : sequence of str
            A few thousand abstracts at a time: memory is some forty times the size of the text.
        """
        joined = "\n".join(map(_separated, texts))
        starts = np.zeros(len(texts) + 1, dtype=np.int64)
        np.cumsum([len(text) + 1 for text in texts], out=starts[1:])
        raw = joined.encode()
        inside = np.frombuffer(raw.translate(_WORD_BYTES), dtype=np.int8)
        first = np.flatnonzero(np.diff(inside, prepend=np.int8(0)) == 1)
        if not len(first):
            return _none()
        offsets = np.append(first, len(raw))
        forms = pa.LargeStringArray.from_buffers(len(first), pa.py_buffer(offsets), pa.py_buffer(raw))
        encoded = forms.dictionary_encode()
        if len(self._known) > _KNOWN_WORDS:
            self._forget()
        numbers = self._numbers(encoded.dictionary.to_pylist())
        form = numbers[encoded.indices.to_numpy()]
        kinds, leads, lengths, closes, real = self._facts
        classes, ends = kinds[form], closes[form]
        sentence = np.cumsum(ends, dtype=np.int32) - ends
        if not real[numbers].all():
            keep = real[form] != 0
            form, classes, sentence, first = form[keep], classes[keep], sentence[keep], first[keep]
        mentions = self._mentions(classes, sentence)
        if mentions is None:
            return _none()
        theme, begin, last, negated = mentions
        start = first[begin]
        end = first[last]
        if len(raw) > len(joined):  # bytes to characters: take away the bytes that continue one
            more = np.flatnonzero(np.frombuffer(raw, dtype=np.int8) < -64)
            start, end = start - np.searchsorted(more, start), end - np.searchsorted(more, end)
        start = start + leads[form[begin]]
        end = end + leads[form[last]] + lengths[form[last]]
        text = np.searchsorted(starts, start, side="right") - 1
        order = np.lexsort((start, theme, text))
        text = text[order]
        return Mentions(text, theme[order], start[order] - starts[text], end[order] - starts[text], negated[order])

    # ------------------------------------------------------------------ patterns

    def _mentions(
        self, classes: np.ndarray, sentence: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray] | None:
        batch = _Batch(classes, sentence, len(self._class_of), len(self._steps))
        themes, spans = [], []
        for number, (wanted, barred) in enumerate(zip(self._wanted, self._barred, strict=True)):
            found = _union([self._spans(step, batch) for step in wanted])
            if len(found) and barred:
                found = _outside(found, _union([self._spans(step, batch) for step in barred]))
            if len(found):
                found = _merge(found)
                themes.append(np.full(len(found), number))
                spans.append(found)
        if not spans:
            return None
        joined = np.concatenate(spans)
        begin = joined >> _SHIFT
        return np.concatenate(themes), begin, begin + (joined & _LENGTH) - 1, self._negated(begin, batch)

    def _negated(self, begin: np.ndarray, batch: _Batch) -> np.ndarray:
        """Tell for each span that begins there whether a cue stands before it, near enough and not cut off."""
        cues, ends = self._spans(self._cues, batch), self._spans(self._ends, batch)
        if not len(cues):
            return np.zeros(len(begin), dtype=bool)
        cue_end = np.sort((cues >> _SHIFT) + (cues & _LENGTH))
        before = np.searchsorted(cue_end, begin, side="right") - 1
        at = np.where(before >= 0, cue_end[before], -NEGATION_REACH - 1)
        near = (before >= 0) & (begin - at < NEGATION_REACH)
        near &= batch.sentence[np.maximum(at - 1, 0)] == batch.sentence[begin]
        cut = ends >> _SHIFT
        return near & (np.searchsorted(cut, at) == np.searchsorted(cut, begin))

    def _spans(self, step: _Step, batch: _Batch) -> np.ndarray:
        """Return the spans of a pattern, sorted, each once."""
        found = batch.done[step.number]
        if found is not None:
            return found
        if step.kind is Words:
            first = batch.first
            places = [
                batch.order[first[one] : first[one + 1]]
                for one in self._members[step.group]
                if first[one] < first[one + 1]
            ]
            if not places:
                found = _EMPTY
            else:
                joined = places[0] if len(places) == 1 else np.sort(np.concatenate(places), kind="stable")
                found = (joined << _SHIFT) + 1
        elif step.kind is Either:
            found = _union([self._spans(part, batch) for part in step.parts])
        elif step.kind is Near:
            found = self._spans(step.parts[0], batch)
            if len(found):
                right = self._spans(step.parts[1], batch)
                found = _near(found, right, step.gap, batch.sentence) if len(right) else _EMPTY
        elif step.groups is not None:
            found = self._words(step, batch)
        else:
            found = self._spans(step.parts[0], batch)
            for part in step.parts[1:]:
                if not len(found):
                    break
                found = _adjacent(found, self._spans(part, batch), batch.sentence)
        batch.done[step.number] = found
        return found

    def _words(self, step: _Step, batch: _Batch) -> np.ndarray:
        """Return the spans of words in a row: where the rarest is, its neighbours are looked at."""
        counts = [batch.count(self._members[group]) for group in step.groups]
        if not all(counts):
            return _EMPTY
        rarest, last = counts.index(min(counts)), len(counts) - 1
        begin = (self._spans(step.parts[rarest], batch) >> _SHIFT) - rarest
        if (rarest and begin[0] < 0) or (rarest < last and begin[-1] + last >= len(batch.classes)):
            begin = begin[(begin >= 0) & (begin + last < len(batch.classes))]
        for offset, group in enumerate(step.groups):
            if offset != rarest and len(begin):
                begin = begin[self._is_member[group][batch.classes[begin + offset]]]
        begin = begin[batch.sentence[begin] == batch.sentence[begin + last]]
        return (begin << _SHIFT) + (last + 1)


_EMPTY = np.zeros(0, dtype=np.int64)


def _none() -> Mentions:
    return Mentions(_EMPTY, _EMPTY, _EMPTY, _EMPTY, np.zeros(0, dtype=bool))


def _union(several: list[np.ndarray]) -> np.ndarray:
    several = [spans for spans in several if len(spans)]
    if not several:
        return _EMPTY
    return several[0] if len(several) == 1 else _distinct(np.concatenate(several))


def _distinct(spans: np.ndarray) -> np.ndarray:
    """Return the spans sorted, each once; the stable sort is quick on runs that are sorted already."""
    spans = np.sort(spans, kind="stable")
    return spans[np.append(True, spans[1:] != spans[:-1])] if len(spans) else spans


_BEYOND = re.compile(r"[^\x00-\x7f]")


def _separated(text: str) -> str:
    """Return `text`, as long as it was, in which every character beyond ASCII is part of a word."""
    return text if text.isascii() else _BEYOND.sub(lambda match: _plain(match.group()), text)


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
    low = np.searchsorted(many, (begin - gap - int(np.bitwise_or.reduce(many) & _LENGTH)) << _SHIFT)
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
