"""Find a codebook's patterns in many texts at once.

The texts are cut into words where they lie, each *distinct* word is folded and looked up once, and the patterns are
evaluated over what the words are: a pattern never sees a letter. Of a pattern that needs several words the rarest is
its key: only where a word of the key stands is the pattern looked for. So the cost of a text hardly depends on how many
patterns there are, and whatever folds a word (case, accents, spelling) is plain Python that runs once a word form, not
once a word. The loops over words are compiled (`litbench._kernel`).
"""

from __future__ import annotations

import sys
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import chain, islice, pairwise, product
from pathlib import Path
from threading import Lock

import numpy as np
import pyarrow as pa

from litbench import _kernel
from litbench._patterns import APOSTROPHES, UNSEEN, Either, Near, Node, Phrase, Words, fold_word, parse
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

_KNOWN_WORDS = 400_000  # word forms remembered between batches; memory stays flat over any number of texts
_ENOUGH = 3_000  # words that tell which are rare
_BRITISH = {"aes", "ana", "gao", "hae", "pae"}  # beginnings that `fold_word` changes, beside "is"
_LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789"
_ROOM = 1 << 12  # for what is found, at first
_RESULT = (
    *(np.int32, np.int32, np.int64, np.int64, bool),
    *(np.int32, np.int16, np.int32, bool, np.int64),
)
_BYTES_A_ROW = 32  # for the words of a row; few need as many
_SPARSE = 4  # times as many places as forms: most are found where they are looked for
_TOKENS = 1 << 14  # cut before they are evaluated, and
_TEXTS = 128  # laid out before they are cut: as many as stay in the processor's cache
_PADDING = " " * _kernel.PADDING


@cache
def _plain(character: str) -> str:
    """Return what stands for a character of a form: itself in a word, else a separator."""
    character = character.translate(APOSTROPHES)
    if character == "'":
        return character
    if character.isalnum() or unicodedata.category(character) in UNSEEN:
        return character
    if character in "\u2028\u2029\x85。！？":
        return "\n"
    if character == "…":
        return "."
    return " "


@cache
def compile_loops() -> None:
    """Compile the loops, which takes some ten seconds, unless a run before has; Numba keeps them beside the code."""
    kept = Path(_kernel.evaluate.stats.cache_path)
    if not any(kept.glob(f"{_kernel.__name__.rpartition('.')[2]}.*.nbi")):
        print("Compiling the matching engine (once, some ten seconds) ...", file=sys.stderr)
    _kernel.refill(np.zeros((1, 2), dtype=np.uint64), np.zeros((2, 2), dtype=np.uint64))
    Matcher(Codebook(1, (), ())).scan([""])


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
        self._lock = Lock()  # what is known of words grows while texts are read
        patterns = self._patterns = _Patterns()
        for number, theme in enumerate(self.themes):
            for pattern in theme.terms:
                patterns.add(parse(pattern), 2 * number)
            for pattern in theme.exclude:
                patterns.add(parse(pattern), 2 * number + 1)
        patterns.add(_CUES, 2 * len(self.themes))
        patterns.add(_ENDS, 2 * len(self.themes) + 2)
        self._longest = max(map(len, patterns.stems), default=0)
        self._beginnings = patterns.beginnings()
        self._begins = _begins(self._beginnings)
        # Words that the same groups contain are one class; that of the words that none contains is the first.
        self._class_of: dict[tuple[int, ...], int] = {(): _kernel.NOTHING}
        self._weighed = False
        self._state = np.zeros(5, dtype=np.int64)
        self._begin()

    def _begin(self) -> None:
        """Lay out what the compiled loops read, with no word known."""
        self._plan()
        self._forget()
        self._make_room()
        self._whole = True

    def _plan(self) -> None:
        """Decide in which order to look for the parts of each pattern; what is found is the same in any."""
        self._steps, self._roots, self._asked, self._beside = self._patterns.plan()
        self._class_rows = [
            _Growing(np.uint64, (len(self._asked) + 63) // 64),
            *(_Growing(kind) for kind in (np.int64, np.int32, np.uint8, np.int32)),
        ]
        self._class_rows[0].add([np.zeros(self._class_rows[0].width, dtype=np.uint64)])
        self._class_rows[1].add([0, 0])
        steps, roots = len(self._steps.kind), len(self._roots.step)
        self._marks = _kernel.Marks(
            *(np.zeros(size, dtype=np.int64) for size in (steps, steps, steps, roots, roots)),
            np.zeros(self._class_rows[0].width, dtype=np.uint64),
        )

    def _weigh(self, values: np.ndarray, learnt: np.ndarray) -> None:
        """Plan anew by how often words stand in real texts, once there are enough of them."""
        self._weighed = True
        values = values.copy()
        late = values >= _kernel.PENDING
        values[late] = learnt[values[late] - _kernel.PENDING]
        counts = np.bincount(values[values < _kernel.SPECIAL], minlength=len(self._class_of) + 1)
        self._patterns.counted = np.zeros(len(self._asked))
        for several, count in zip(self._class_of, counts[_kernel.NOTHING :].tolist(), strict=True):
            self._patterns.counted[list(several)] += count
        self._plan()
        self._describe()

    # ------------------------------------------------------------------ words

    def _forget(self) -> None:
        """Begin with an empty table of word forms."""
        self._used = 0
        self._table = np.zeros((1 << 12, 2), dtype=np.uint64)
        self._classes_of_words: dict[str, int] = {}
        self._form_rows = [_Growing(kind) for kind in (np.int64, *[np.int32] * 4, np.int8, np.int8)]
        self._form_rows[0].add([0])
        self._new_forms: list[_Form] = []
        self._describe()

    def _grow(self) -> None:
        larger = np.zeros((2 * len(self._table), 2), dtype=np.uint64)
        _kernel.refill(self._table, larger)
        self._table = larger

    def _make_room(self) -> None:
        room = {name: np.zeros(_ROOM, dtype=np.int64) for name in _kernel.Room._fields}
        room["tokens"] = np.zeros(_ROOM, dtype=np.int32)
        room["keys"], room["near"] = (np.zeros(size, dtype=np.int64) for size in (_kernel.AT_ONCE, 3))
        self._room = _kernel.Room(**room)
        rows = [np.zeros(_ROOM, dtype=kind) for kind in _RESULT]
        self._result = _kernel.Result(*rows, words=np.zeros(_BYTES_A_ROW * _ROOM, dtype=np.uint8))
        self._room_for(0)

    def _room_for(self, length: int) -> None:
        """Make room for the words of a text of so many bytes, and as many more as are cut before they are evaluated."""
        words = max(_TOKENS, length // 2 + _kernel.SPARE + 1)
        fields = {name: np.zeros(words, dtype=np.int64) for name in _kernel.Work._fields}
        fields["begins"], fields["maybe"] = np.zeros((2, words), dtype=np.uint64)
        for name in ("bits", "odd_bits", "end_bits", "ended"):
            fields[name] = np.zeros(words // 32 + 2, dtype=np.uint64)  # an entry for 64 bytes
        fields["tokens"], fields["odd"] = np.zeros(words, dtype=np.int32), np.zeros(words, dtype=bool)
        fields["pending"] = np.zeros((words, 3), dtype=np.int64)
        self._work = _kernel.Work(**fields)

    def _more_room(self) -> None:
        """Double the room for what is found, which stays."""
        for name in ("_room", "_result"):
            old = getattr(self, name)
            setattr(self, name, type(old)(*(np.concatenate([array, np.zeros_like(array)]) for array in old)))

    def _learn(self, raw: memoryview, number: int) -> np.ndarray:
        """Find out what the pending forms are, and enter them."""
        pending = self._work.pending[:number]
        learnt = np.fromiter(
            (self._value(str(raw[start:end], "utf-8")) for start, end in pending[:, 1:].tolist()), np.int32, number
        )
        self._table[pending[:, 0], 1] = learnt
        self._used += number
        if self._new_forms or len(self._class_of) >= len(self._class_rows[0]):
            self._describe()
        return learnt

    def _describe(self) -> None:
        """Lay out what has become known of classes and special forms as the compiled loops read it."""
        groups, first, roots, side, beside = self._class_rows
        for several in islice(self._class_of, len(groups) - 1, None):
            bits = np.zeros(groups.width, dtype=np.uint64)
            for group in several:
                bits[group // 64] |= np.uint64(1 << group % 64)
            groups.add([bits])
            for root, key in sorted({root: group for group in several for root in self._asked[group]}.items()):
                at, group = self._beside.get(root, (1, key))
                roots.add([root])
                side.add([at])
                beside.add([group])
            first.add([len(roots)])
        self._classes = _kernel.Classes(*(rows.array for rows in self._class_rows))
        first, *columns, before, after = self._form_rows
        for form in self._new_forms:
            for column, values in zip(columns, zip(*form.parts)):
                column.add(values)
            first.add([len(columns[0])])
            before.add([form.before])
            after.add([form.after])
        self._new_forms.clear()
        self._specials = _kernel.Specials(*(rows.array for rows in self._form_rows))

    def _value(self, form: str) -> int:
        """Return what a form is: a class, or the number of its description with a flag."""
        if form.isalnum() and "ʼ" not in form:  # which is a letter to Python
            if form.isascii() and form[:4].lower() not in self._beginnings and "" not in self._beginnings:
                return _kernel.NOTHING
            return self._class(fold_word(form))
        special = self._special(form)
        if len(special.parts) == 1 and special.parts[0][1:] == (0, len(form.encode()), 0):
            return special.parts[0][0]
        self._new_forms.append(special)
        return _kernel.SPECIAL | (len(self._form_rows[-1]) + len(self._new_forms) - 1)

    def _special(self, form: str) -> _Form:
        """Take a form apart that has quotes, or characters beyond ASCII that may be separators."""
        plain = [_plain(character) for character in form]
        places = np.cumsum([0, *(len(character.encode()) for character in form)]).tolist()
        parts, gap, at, before = [], "", 0, 0
        while at < len(form):
            if plain[at] in "\n. ":
                gap += plain[at]
                at += 1
                continue
            begin = at
            while at < len(form) and plain[at] not in "\n. ":
                at += 1
            word = "".join(plain[begin:at])
            first = begin + len(word) - len(word.lstrip("'"))
            last = begin + len(word.rstrip("'"))
            folded = fold_word(form[first:last])
            if folded:
                breaks = _breaks(gap)
                if not parts:
                    before = 1 if breaks else 2 * gap.startswith(" ")
                    breaks = False
                parts.append((self._class(folded), places[first], places[last] - places[first], int(breaks)))
                gap = ""
        after = 1 if _breaks(gap) else 2 * gap.endswith(".")
        if not parts:
            before = after if after == 1 else 2 * gap.startswith(" ")
        return _Form(tuple(parts), before, after)

    def _class(self, word: str) -> int:
        number = self._classes_of_words.get(word)
        if number is None:
            groups = list(self._patterns.whole.get(word, ()))
            for length in range(1, min(len(word), self._longest) + 1):
                if (stems := self._patterns.stems.get(word[:length])) is not None:
                    groups += stems
            found = tuple(sorted(set(groups)))
            number = self._classes_of_words[word] = self._class_of.setdefault(found, len(self._class_of) + 1)
        return number

    # ------------------------------------------------------------------ texts

    def scan(self, texts: Sequence[str] | pa.Array) -> Scan:
        """Find what is mentioned in `texts`.

        Parameters
        ----------
        texts : sequence of str or pyarrow.LargeStringArray without nulls
            A few thousand abstracts at a time.

        Returns
        -------
        Scan
            It stays as it is when more is read. Threads may share the patterns; they wait for each other.
        """
        with self._lock:
            if not self._whole:  # the scan before was interrupted: forms may be pending still, classes half described
                self._begin()
            self._whole = False
            if self._used > _KNOWN_WORDS:
                self._forget()
            self._state[: _kernel.STRETCH] = 0
            for base, raw, bounds in _laid_out(texts):
                self._scan(base, raw, bounds)
            scan = Scan(self._result, self._state)
            if len(self._work.tokens) > _TOKENS:  # a book was among them
                self._make_room()
            self._whole = True
            return scan

    def _scan(self, base: int, raw: np.ndarray, bounds: np.ndarray) -> None:
        first = 0
        while first < len(bounds) - 1:
            length = int(bounds[first + 1] - bounds[first])
            if length // 2 + _kernel.SPARE + 1 > len(self._work.tokens):
                self._room_for(length)
            limit = min(len(self._table) // _SPARSE - self._used, len(self._work.pending))
            stop, new = _kernel.cut(raw, bounds, first, self._begins, self._table, limit, tuple(self._work))
            learnt = self._learn(raw.data, new)
            if not self._weighed and stop > first and (count := self._work.text_end[stop - first - 1]) > _ENOUGH:
                self._weigh(self._work.tokens[1:count], learnt)
            self._state[_kernel.TEXT] = first
            while first < stop:
                arrays = (
                    *(self._work, self._steps, self._roots, self._classes, self._specials),
                    *(self._room, self._marks, self._result),
                )
                # What plain tuples hold Numba finds out in compiled code; named ones it may take apart in Python.
                _kernel.evaluate(
                    raw, bounds, base, first, stop, learnt, *map(tuple, arrays),
                    len(self.themes), NEGATION_REACH, self._state,
                )  # fmt: skip
                if self._state[_kernel.TEXT] == stop:
                    break
                self._more_room()
            if new == limit:
                self._grow()
            first = stop

    def find(self, texts: Sequence[str] | pa.Array) -> Mentions:
        """Return where the themes are mentioned in `texts`, see `scan`."""
        return self.scan(texts).mentions


class Scan:
    """What was found in a batch of texts."""

    def __init__(self, result: _kernel.Result, state: np.ndarray):
        n, rows, size = state[_kernel.MENTIONS], state[_kernel.ROWS], state[_kernel.BYTES]
        sizes = [n] * 5 + [rows] * 5 + [size]
        self._result = _kernel.Result(*(array[:size].copy() for array, size in zip(result, sizes, strict=True)))

    @property
    def mentions(self) -> Mentions:
        """Where the themes are mentioned."""
        return Mentions(*self._result[:5])

    @property
    def rows(self) -> dict[str, np.ndarray | pa.LargeStringArray]:
        """A row a text and theme: ``text, theme`` (numbers), ``mentions, negated, words``."""
        found = self._result
        ends = np.append(np.int64(0), found.words_end)
        return {
            "text": found.row_text,
            "theme": found.row_theme,
            "mentions": found.row_mentions,
            "negated": found.row_negated,
            "words": pa.LargeStringArray.from_buffers(len(ends) - 1, pa.py_buffer(ends), pa.py_buffer(found.words)),
        }


@dataclass(frozen=True)
class _Form:
    """A form that is not one whole word, see `litbench._kernel.Specials`."""

    parts: tuple[tuple[int, int, int, int], ...]  # class, first byte, bytes, whether a sentence ends before it
    before: int
    after: int


class _Growing:
    """Numbers, or rows of them, to which more can be added."""

    def __init__(self, kind: type, width: int = 0):
        self.width, self._size = width, 0
        self._room = np.zeros((64, width) if width else 64, dtype=kind)

    def __len__(self) -> int:
        return self._size

    def add(self, values: Sequence) -> None:
        while self._size + len(values) > len(self._room):
            self._room = np.concatenate([self._room, np.zeros_like(self._room)])
        self._room[self._size : self._size + len(values)] = values
        self._size += len(values)

    @property
    def array(self) -> np.ndarray:
        return self._room[: self._size]


def _laid_out(texts: Sequence[str] | pa.Array) -> Iterator[tuple[int, np.ndarray, np.ndarray]]:
    """Yield texts as the compiled loops read them: the number of the first, UTF-8 with room behind, and the bounds."""
    if not isinstance(texts, pa.LargeStringArray):
        for first in range(0, len(texts), _TEXTS):
            raw, bounds = _buffers(pa.array([*texts[first : first + _TEXTS], _PADDING], type=pa.large_string()))
            yield first, raw, bounds[:-1]
        return
    raw, bounds = _buffers(texts)
    first = int(np.searchsorted(bounds, len(raw) - _kernel.PADDING, side="right")) - 1
    if first > 0:
        yield 0, raw, bounds[: first + 1]
    if (first := max(first, 0)) < len(texts):
        # Behind the last texts of the buffer there may be nothing that can be read.
        last = np.concatenate([raw[bounds[first] : bounds[-1]], np.zeros(_kernel.PADDING, dtype=np.uint8)])
        bounds = bounds[first:] - bounds[first]
        for array in (last, bounds):
            array.flags.writeable = False
        yield first, last, bounds


def _buffers(texts: pa.LargeStringArray) -> tuple[np.ndarray, np.ndarray]:
    _, bounds, data = texts.buffers()
    bounds = np.frombuffer(bounds, dtype=np.int64)[texts.offset : texts.offset + len(texts) + 1]
    raw = np.frombuffer(data if data is not None and data.size else b"", dtype=np.uint8)
    raw.flags.writeable = bounds.flags.writeable = False  # always: for other arrays the loops are compiled again
    return raw, bounds


def _breaks(gap: str) -> bool:
    """Tell whether a sentence ends between words with this between them."""
    return "\n" in gap or any(one == "." and after == " " for one, after in pairwise(gap))


def _rows(lists: Iterable[Sequence[int]]) -> tuple[np.ndarray, np.ndarray]:
    """Return where each list begins in all of them, and all of them."""
    lists = list(lists)
    return (
        np.cumsum([0, *map(len, lists)], dtype=np.int64),
        np.fromiter(chain.from_iterable(lists), dtype=np.int32, count=sum(map(len, lists))),
    )


def _begins(beginnings: set[str]) -> np.ndarray:
    """Return for each place of `litbench._kernel.beginning` whether a word of a pattern may begin so.

    That other words share a place does no harm: they are looked up in vain.
    """
    found = np.full(1 << _kernel.BEGIN_BITS, "" in beginnings)
    for word in beginnings:
        if word.isascii():
            found[_kernel.beginning(np.uint64(int.from_bytes(word.encode(), "little")))] = True
    return np.packbits(found, bitorder="little").view(np.uint64)


class _Patterns:
    """The patterns of a codebook taken apart: what is the same in several is there once."""

    def __init__(self) -> None:
        self.whole: dict[str, list[int]] = {}
        self.stems: dict[str, list[int]] = {}
        self._groups: dict[Words, int] = {}
        self._step_of: dict[Node, int] = {}
        self._says: dict[Node, list[int]] = {}
        self.counted: np.ndarray | None = None  # how often a word of each group stood in texts

    def add(self, node: Node, says: int) -> None:
        """Add a pattern that says something, see `litbench._kernel.Roots`."""
        if isinstance(node, Either):
            for option in node.options:
                self.add(option, says)
            return
        self._step(node)
        if says not in (known := self._says.setdefault(node, [])):
            known.append(says)

    def _step(self, node: Node) -> int:
        if node not in self._step_of:
            if isinstance(node, Words):
                self._group(node)
            elif _is_row(node):
                for part in node.parts:
                    self._group(part)
            else:
                for part in _parts(node):
                    self._step(part)
            self._step_of[node] = len(self._step_of)
        return self._step_of[node]

    def _group(self, words: Words) -> int:
        if words not in self._groups:
            group = self._groups[words] = len(self._groups)
            for several, index in ((words.whole, self.whole), (words.stems, self.stems)):
                for word in several:
                    index.setdefault(word, []).append(group)
        return self._groups[words]

    def beginnings(self) -> set[str]:
        """Return the first four letters of words of patterns, as they may be spelt in texts.

        See `litbench._patterns.fold_word`. An empty beginning says that a word may begin in any way.
        """
        words = {word[:4] for word in self.whole} | {stem[:4] for stem in self.stems}
        for stem in {stem for stem in self.stems if len(stem) < 4} | _BRITISH:
            if len(stem) == 1:
                return {""}
            words |= {
                stem + "".join(more) for count in range(5 - len(stem)) for more in product(_LETTERS, repeat=count)
            }
        return words | {"is".join(word.rsplit("iz", 1)) for word in words}

    def plan(self) -> tuple[_kernel.Steps, _kernel.Roots, list[list[int]], dict[int, tuple[int, int]]]:
        """Return the parts of all patterns, the patterns, and which to look for where.

        For each group of words those whose key it is. For rows of words also which word beside the key is asked for
        first: on which side, as in `litbench._kernel.Classes`, and of which group.
        """
        kinds, gaps, parts, keys = [], [], [], []
        for node in self._step_of:
            row = _is_row(node)
            kinds.append(_kernel.ROW if row else _KINDS[type(node)])
            gaps.append(node.gap if isinstance(node, Near) else 0)
            if isinstance(node, Words):
                parts.append([self._groups[node]])
            else:
                parts.append([self._groups[part] if row else self._step_of[part] for part in _parts(node)])
            keys.append(min(range(len(node.parts)), key=lambda at: self._weight(node.parts[at])) if row else 0)
        steps = _kernel.Steps(
            np.array(kinds, dtype=np.int8), np.array(gaps, dtype=np.int8), *_rows(parts), np.array(keys, dtype=np.int32)
        )
        order, needs, beside = [], [], {}
        asked: list[list[int]] = [[] for _ in self._groups]
        for number, node in enumerate(self._says):
            order.append(list(dict.fromkeys(self._order(node))))
            needs.append([[self._groups[words] for words in several] for several in self._needs(node)])
            for words in self._key(node):
                asked[self._groups[words]].append(number)
            if _is_row(node):
                key = keys[self._step_of[node]]
                near = [at for at in (key - 1, key + 1) if 0 <= at < len(node.parts)]
                if near:
                    at = min(near, key=lambda at: self._weight(node.parts[at]))
                    beside[number] = at - key + 1, self._groups[node.parts[at]]
        at = np.array([self._step_of[node] for node in self._says], dtype=np.int32)
        own = at, steps.kind[at], steps.key[at], steps.first[at], steps.first[at + 1]
        each = np.cumsum([0, *map(len, needs)], dtype=np.int64)
        needed = _rows(chain.from_iterable(needs))
        roots = _kernel.Roots(*own, *_rows(order), each, *needed, *_rows(self._says.values()))
        return steps, roots, asked, beside

    def _order(self, node: Node) -> Iterator[int]:
        """Yield what a pattern depends on, before itself."""
        if not isinstance(node, Words) and not _is_row(node):
            for part in _parts(node):
                yield from self._order(part)
        yield self._step_of[node]

    def _needs(self, node: Node) -> Iterator[list[Words]]:
        """Yield groups of words of each of which one stands wherever the pattern does."""
        if isinstance(node, (Words, Either)):
            yield self._key(node)
        else:
            for part in _parts(node):
                yield from self._needs(part)

    def _key(self, node: Node) -> list[Words]:
        """Return groups of words of which one stands wherever the pattern does, the rarest that there are."""
        if isinstance(node, Words):
            return [node]
        if isinstance(node, Either):
            return list(dict.fromkeys(words for option in node.options for words in self._key(option)))
        return self._key(min(_parts(node), key=self._weight))

    def _weight(self, node: Node) -> float:
        """Return how often a pattern's key stands in texts; before they were counted, in the other patterns."""
        key = self._key(node)
        if self.counted is not None:
            return sum(self.counted[self._groups[words]] for words in key)
        return sum(
            len(index[word])
            for words in key
            for several, index in ((words.whole, self.whole), (words.stems, self.stems))
            for word in several
        )


_KINDS = {Words: _kernel.WORDS, Either: _kernel.EITHER, Phrase: _kernel.PHRASE, Near: _kernel.NEAR}


def _is_row(node: Node) -> bool:
    """Tell whether a pattern is words one after the other, no more."""
    return isinstance(node, Phrase) and all(isinstance(part, Words) for part in node.parts)


def _parts(node: Either | Phrase | Near) -> tuple[Node, ...]:
    if isinstance(node, Near):
        return node.left, node.right
    return node.options if isinstance(node, Either) else node.parts
