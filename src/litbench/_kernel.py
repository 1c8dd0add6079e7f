"""The inner loops of the matching engine, compiled by Numba: cut texts into words, evaluate patterns, join mentions.

Nothing here knows a letter's case or a theme's name: `litbench._matching` makes the numbers that these loops read.
Texts lie end to end in one UTF-8 buffer. A word is looked up as it stands in a table that Python fills: what it means
(its class) is found out once for each distinct form.

The arrays come from Python, and none is made here: where one is too small a function returns early, and is called again
with more room. Counting references to arrays would take most of the time, so it is switched off.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

# How the parts of a pattern are joined.
WORDS, EITHER, ROW, PHRASE, NEAR = range(5)

# What a token is: the class of its word, or with a flag
NOTHING = 1  # a word of no pattern
SPECIAL = 1 << 28  # a form that is not one whole word: number of its description
PENDING = 1 << 29  # a form that Python has not seen: its number in this call
_NUMBER = SPECIAL - 1

# Words are numbered on through all texts. Where a sentence ends, so many numbers are left out that nothing reaches over
# it: no pattern, of which a gap is 15 words at most, and no negation.
GAP = 32

# A span is one integer: its first word, shifted, plus its length in words. A hit is what is said, the number of its
# first token in the text, and its length in tokens.
SHIFT = 16
_LENGTH = (1 << SHIFT) - 1
_WHAT = SHIFT + 30
_FIRST = (1 << 30) - 1

BEGIN_BITS = 16
_IN_VAIN = 12  # places of words that are written for 64 bytes at least, even if fewer words begin there
SPARE = 64  # entries behind the words that a text can have, one for two bytes
PADDING = 256  # bytes behind a text that may be read, whatever they are
AT_ONCE = 1 << 10  # tokens in which patterns are looked for before they are evaluated

_outer = njit(cache=True, _nrt=False)
_inner = njit(_nrt=False, forceinline=True)


class Steps(NamedTuple):
    """Distinct patterns, parts before wholes."""

    kind: np.ndarray
    gap: np.ndarray  # of NEAR
    first: np.ndarray  # `parts[first[step]:first[step + 1]]`: groups of WORDS (one) and ROW, else steps
    parts: np.ndarray
    key: np.ndarray  # of ROW: the part that is rarest


class Roots(NamedTuple):
    """Whole patterns: what has to be evaluated for each, in which order, and what it says."""

    step: np.ndarray
    kind: np.ndarray  # of the step, and
    key: np.ndarray
    row_first: np.ndarray
    row_last: np.ndarray
    first: np.ndarray  # `order[first[root]:first[root + 1]]`: steps, as they depend on each other
    order: np.ndarray
    needs_first: np.ndarray  # `needs[...]`: what has to stand in a sentence for the pattern to stand there
    needs: np.ndarray  # `one_of[needs[need]:needs[need + 1]]`: groups of words, one of which is needed
    one_of: np.ndarray
    says_first: np.ndarray  # `says[...]`: twice the number of a theme, plus one where the theme excludes the pattern
    says: np.ndarray


class Classes(NamedTuple):
    """Words that the same groups of words contain; class 0 is none."""

    groups: np.ndarray  # a row of bits a class: the groups that contain it
    first: np.ndarray  # `roots[first[class]:first[class + 1]]`: patterns to look for where such a word stands, if the
    roots: np.ndarray
    side: np.ndarray  # word before (0), it itself (1) or the word behind (2)
    beside: np.ndarray  # is of this group


class Specials(NamedTuple):
    """Forms that are not one whole word: quoted, joined by a dash that is not ASCII, or no word at all."""

    first: np.ndarray  # `...[first[form]:first[form + 1]]`: the words in it
    word_class: np.ndarray
    offset: np.ndarray  # in bytes
    length: np.ndarray
    breaks: np.ndarray  # whether a sentence ends before the word
    before: np.ndarray  # of the form: whether a sentence ends before it; 2: if a full stop or the like stands there
    after: np.ndarray  # the same after it; 2: if white space follows


class Work(NamedTuple):
    """Texts that were cut: as many as stay in the processor's cache."""

    bits: np.ndarray  # of a text, a bit a byte: is it of a word, and
    odd_bits: np.ndarray  # is it an apostrophe or not ASCII, and
    end_bits: np.ndarray  # does a sentence end here;
    ended: np.ndarray  # how many end before each 64 bytes
    begins: np.ndarray  # where the words of a text begin
    maybe: np.ndarray  # those that may be of a pattern
    words: np.ndarray  # numbers of the words that are tokens; before the first and after the last one out of reach
    tokens: np.ndarray
    starts: np.ndarray
    ends: np.ndarray
    text_end: np.ndarray  # where the tokens of a text end; they begin with number 1
    odd: np.ndarray  # whether a text has apostrophes or other characters than those of ASCII
    pending: np.ndarray


class Result(NamedTuple):
    """Mentions (a row each), and the themes of each text with the words that led to them."""

    text: np.ndarray
    theme: np.ndarray
    start: np.ndarray  # characters from the beginning of the text
    end: np.ndarray
    negated: np.ndarray
    row_text: np.ndarray
    row_theme: np.ndarray
    row_mentions: np.ndarray
    row_negated: np.ndarray
    words_end: np.ndarray  # where the words of a row end in `words`
    words: np.ndarray  # UTF-8


class Room(NamedTuple):
    """Where the loops work."""

    words: np.ndarray  # the tokens of a text in which some are of several words
    tokens: np.ndarray
    starts: np.ndarray
    ends: np.ndarray
    keys: np.ndarray  # tokens at which patterns are looked for
    near: np.ndarray  # what stands before one, it itself, and what behind
    at: np.ndarray  # tokens at which a pattern may be,
    root: np.ndarray  # and which
    spans: np.ndarray
    hits: np.ndarray
    reach: np.ndarray
    shown: np.ndarray  # different words of a theme: where they begin in `Result.words`,
    shown_many: np.ndarray  # and their bytes


class Marks(NamedTuple):
    """The stretch of text for which a step was evaluated, with its spans, or a root was asked for."""

    seen: np.ndarray
    low: np.ndarray
    high: np.ndarray
    asked: np.ndarray
    waiting: np.ndarray
    present: np.ndarray  # bits of the groups of words that stand in a stretch


# What `evaluate` has done so far: the next text, mentions, rows, bytes of words, stretches.
TEXT, MENTIONS, ROWS, BYTES, STRETCH = range(5)


@intrinsic
def _trailing_zeros(context: Any, number: Any) -> Any:
    def code(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        return builder.cttz(values[0], ir.Constant(ir.IntType(1), 0))

    return types.uint64(types.uint64), code


@intrinsic
def _ones(context: Any, number: Any) -> Any:
    def code(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        return builder.ctpop(values[0])

    return types.uint64(types.uint64), code


def _load(context: Any, builder: Any, array: Any, kind: Any, at: Any, more: int = 0) -> Any:
    """Read a value of this kind from a byte on, wherever it stands."""
    data = context.make_array(array)(context, builder, at[0]).data
    data = builder.bitcast(data, ir.IntType(8).as_pointer())
    place = builder.gep(data, [builder.add(at[1], ir.Constant(at[1].type, more))])
    value = builder.load(builder.bitcast(place, kind.as_pointer()))
    value.align = 1
    return value


@intrinsic
def _eight(context: Any, raw: Any, at: Any) -> Any:
    """Return eight bytes as one number."""

    def code(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        return _load(context, builder, signature.args[0], ir.IntType(64), values)

    return types.uint64(raw, types.uint64), code


@intrinsic
def _put(context: Any, array: Any, at: Any, eight: Any) -> Any:
    """Write eight bytes."""

    def code(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        place = builder.gep(context.make_array(signature.args[0])(context, builder, values[0]).data, [values[1]])
        builder.store(values[2], builder.bitcast(place, ir.IntType(64).as_pointer()), align=1)
        return context.get_dummy_value()

    return types.void(array, types.uint64, types.uint64), code


@intrinsic
def _kinds(context: Any, raw: Any, at: Any) -> Any:
    """Return three times a bit for each of 64 bytes, which the processor compares at once.

    Is it of a word, that is a letter, a digit, an apostrophe or not ASCII? Is it one of the last two? Does a sentence
    end here, with a line or with one of .!?;: before white space?
    """

    def code(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        kind = ir.VectorType(ir.IntType(8), 64)
        here, after = (_load(context, builder, signature.args[0], kind, values, more) for more in (0, 1))

        def every(number: int) -> Any:
            return ir.Constant(kind, [number] * 64)

        def within(bytes_: Any, first: int, last: int) -> Any:
            return builder.icmp_unsigned("<", builder.sub(bytes_, every(first)), every(last - first + 1))

        def one_of(bytes_: Any, *numbers: int) -> Any:
            return any_of(*(builder.icmp_unsigned("==", bytes_, every(number)) for number in numbers))

        def any_of(first: Any, *more: Any) -> Any:
            for one in more:
                first = builder.or_(first, one)
            return first

        odd = any_of(within(here, 128, 255), one_of(here, ord("'")))
        letter = within(builder.or_(here, every(32)), ord("a"), ord("z"))
        word = any_of(letter, within(here, ord("0"), ord("9")), odd)
        space = any_of(within(after, 9, 13), within(after, 28, 32))
        end = any_of(one_of(here, 10), builder.and_(one_of(here, *b".!?;:"), space))
        bits = [builder.bitcast(one, ir.IntType(64)) for one in (word, odd, end)]
        return context.make_tuple(builder, signature.return_type, bits)

    return types.UniTuple(types.uint64, 3)(raw, types.uint64), code


@_inner
def _head(number, length):
    """Return the first `length` bytes, one to eight, of eight."""
    return number & (~np.uint64(0) >> (np.uint64(64) - np.uint64(8) * length))


@_inner
def _mix(number):
    """Return a number for a number, different for different ones, of which every bit depends on all of its bits."""
    number = (number ^ (number >> np.uint64(32))) * np.uint64(0xD6E8FEB86659FD93)
    return number ^ (number >> np.uint64(32))


@_inner
def beginning(eight):
    """Return a place in `begins` for the first four letters of a word, whatever their case."""
    four = (eight | np.uint64(0x20202020)) & np.uint64(0xFFFFFFFF)
    return (four * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(64 - BEGIN_BITS)


@_inner
def _is_space(byte):
    return byte == 32 or 9 <= byte <= 13 or 28 <= byte <= 31


@_inner
def _is_stop(byte):
    return byte == 46 or byte == 33 or byte == 63 or byte == 59 or byte == 58  # . ! ? ; :


@_inner
def _kinds_until(raw, at, stop):
    """Return `_kinds` of 64 bytes, of those before `stop`."""
    word, odd, end = _kinds(raw, at)
    left = stop - min(at, stop)
    kept = ~np.uint64(0) if left >= np.uint64(64) else (np.uint64(1) << left) - np.uint64(1)
    return word & kept, odd & kept, end & kept


@_inner
def _bits_from(bits, at):
    """Return bits of an array, 57 or more, from number `at` on."""
    return _eight(bits, at >> np.uint64(3)) >> (at & np.uint64(7))


@_outer
def cut(raw, bounds, first, beginnings, table, room, work):
    """Cut texts from `first` on into tokens, as long as there is room for them; `PADDING` bytes stand behind them.

    A token is a word that may be of a pattern: its number among all words, and what it is. `beginnings` tells of the
    first four letters, by `beginning`, whether a word of a pattern may begin so: the others need no looking up. `table`
    holds forms, open-addressed, each with what it is. A form that is not in it enters as pending, its place in
    `pending` as (slot, start, end).

    Returns the text after the last that was cut, and how many forms are pending. At most `room` are: it ends before
    the text in which they would be more.
    """
    bits, odd_bits, end_bits, ended, begins, maybe, words, tokens, starts, ends, text_end, odd_text, pending = work
    slots = np.uint64(len(table) - 1)
    one, eight, block = np.uint64(1), np.uint64(8), np.uint64(64)
    token = one
    new = np.uint64(0)
    number = np.uint64(GAP)
    words[0] = 0
    text = first
    while text < len(bounds) - 1 and text - first < len(text_end):
        begin, stop = np.uint64(bounds[text]), np.uint64(bounds[text + 1])
        if token + (stop - begin) // np.uint64(2) + np.uint64(SPARE) > np.uint64(len(tokens)):
            break
        # Where words begin. That some places are written in vain costs less than to ask each time whether one is left.
        found = part = breaks = carry = every = np.uint64(0)
        at = begin
        while at < stop:
            word, odd, end = _kinds_until(raw, at, stop)
            bits[part], odd_bits[part], end_bits[part], ended[part] = word, odd, end, breaks
            left = word & ~((word << one) | carry)
            carry = word >> np.uint64(63)
            every |= odd
            found_after = found + _ones(left)
            for more in range(_IN_VAIN):
                begins[found + np.uint64(more)] = at - begin + _trailing_zeros(left)
                left &= left - one
            found += np.uint64(_IN_VAIN)
            while left != 0:
                begins[found] = at - begin + _trailing_zeros(left)
                left &= left - one
                found += one
            found = found_after
            breaks += _ones(end)
            part += one
            at += block
        bits[part] = odd_bits[part] = 0
        # Words that may be of a pattern, without a branch for each word.
        candidates = np.uint64(0)
        for word in range(found):
            at = begins[word]
            length = _trailing_zeros(~_bits_from(bits, at))
            four = beginning(_head(_eight(raw, begin + at), min(length, eight)))
            is_one = beginnings[four >> np.uint64(6)] >> (four & np.uint64(63)) & one
            if every != 0:
                odd = _bits_from(odd_bits, at) << (block - min(length, block))
                is_one |= np.uint64((odd != 0) | (length >= np.uint64(56)))
            maybe[candidates] = word
            candidates += is_one
        token_before = token
        full = False
        number += np.uint64(GAP)
        for candidate in range(candidates):
            word = maybe[candidate]
            at = begins[word]
            length = _trailing_zeros(~_bits_from(bits, at))
            while length >= np.uint64(56):
                more = _trailing_zeros(~_bits_from(bits, at + length))
                length += more
                if more < np.uint64(56):
                    break
            before = end_bits[at >> np.uint64(6)] & ((one << (at & np.uint64(63))) - one)
            place = number + word + np.uint64(GAP) * (ended[at >> np.uint64(6)] + _ones(before))
            start = begin + at
            # A form of up to eight bytes is its own key; that two longer ones share a key of 64 bits is as good as
            # impossible.
            key = _mix(_head(_eight(raw, start), min(length, eight)))
            if length > eight:
                at, word_end = start + eight, start + length
                while at < word_end:
                    rest = _head(_eight(raw, at), min(eight, word_end - at))
                    key = _mix((key + np.uint64(0x9E3779B97F4A7C15)) ^ rest)
                    at += eight
            slot = key & slots
            while table[slot, 1] != 0 and table[slot, 0] != key:
                slot = (slot + one) & slots
            value = np.int32(table[slot, 1])
            if value == 0:
                if new == np.uint64(room):
                    full = True
                    break
                value = np.int32(np.uint64(PENDING) | new)
                table[slot, 0], table[slot, 1] = key, np.uint64(value)
                pending[new, 0], pending[new, 1], pending[new, 2] = slot, start, start + length
                new += one
            words[token], tokens[token] = place, value
            starts[token], ends[token] = start, start + length
            token += np.uint64(value != NOTHING)
        if full:
            token = token_before
            break
        number += found + np.uint64(GAP) * breaks
        text_end[text - first], odd_text[text - first] = token, every != 0
        text += 1
    words[token] = number + np.uint64(2 * GAP)
    return text, np.int64(new)


@_outer
def refill(table, larger):
    """Move all forms to a larger table."""
    slots = np.uint64(len(larger) - 1)
    for old in range(len(table)):
        if table[old, 1] != 0:
            slot = table[old, 0] & slots
            while larger[slot, 1] != 0:
                slot = (slot + np.uint64(1)) & slots
            larger[slot, 0], larger[slot, 1] = table[old, 0], table[old, 1]


@_inner
def _sort(array, low, high):
    """Sort part of an array in place: by insertion where it is short, else Shell's way, with gaps as Tokuda's."""
    gap = np.int64(1)
    while gap < (high - low) // 3:
        gap = 4 if gap == 1 else gap * 9 // 4
    while gap > 0:
        for at in range(low + gap, high):
            value = array[np.uint64(at)]
            while at >= low + gap and array[np.uint64(at - gap)] > value:
                array[np.uint64(at)] = array[np.uint64(at - gap)]
                at -= gap
            array[np.uint64(at)] = value
        gap = 1 if 1 < gap <= 4 else gap * 4 // 9


@_inner
def _distinct(spans, low, high):
    """Sort part of an array in place, each value once; return where it ends."""
    if high - low < 2:
        return high
    _sort(spans, low, high)
    last = low
    for at in range(low + 1, high):
        if spans[at] != spans[last]:
            last += 1
            spans[last] = spans[at]
    return last + 1


@_inner
def _from(spans, low, high, value):
    """Return the first place from `low` on with at least this value, in a sorted part of an array."""
    while low < high:
        middle = (low + high) // 2
        if spans[np.uint64(middle)] < value:
            low = middle + 1
        else:
            high = middle
    return low


@_inner
def _holds(bits, number):
    bits = bits[np.uint64(number) >> np.uint64(6)]
    return (bits >> (np.uint64(number) & np.uint64(63))) & np.uint64(1) != 0


@_inner
def _contains(groups, word_class, group):
    bits = groups[np.uint64(word_class), np.uint64(group) >> np.uint64(6)]
    return (bits >> (np.uint64(group) & np.uint64(63))) & np.uint64(1) != 0


@_inner
def _in_row(parts, first, last, groups, words, tokens, low, high, at):
    """Tell whether the tokens from number `at` on are those of a ROW."""
    if at < low or at + last - first > high or words[at + last - first - 1] - words[at] != last - first - 1:
        return False
    for part in range(first, last):
        if not _contains(groups, tokens[at + part - first], parts[part]):
            return False
    return True


@_inner
def _evaluate(
    kinds, gaps, firsts, parts, keys, groups, present, step, low, high, spans, at, words, tokens, begin, stop
):
    """Write the spans of a step from `at` on, and return where they end; -1 where there is no room for them."""
    kind, first, last = kinds[step], firsts[step], firsts[step + 1]
    end = at
    if kind in (WORDS, ROW):
        key = keys[step]
        group = parts[first + key]
        if not _holds(present, group):
            return at
        if at + stop - begin > len(spans):
            return np.int64(-1)
        for number in range(begin, stop):
            if _contains(groups, tokens[number], group) and (
                kind == WORDS or _in_row(parts, first, last, groups, words, tokens, begin, stop, number - key)
            ):
                spans[end] = ((words[number] - key) << SHIFT) + last - first
                end += 1
        return end
    if kind == EITHER:
        for part in range(first, last):
            child = parts[part]
            if end + high[child] - low[child] > len(spans):
                return np.int64(-1)
            for span in range(low[child], high[child]):
                spans[end] = spans[span]
                end += 1
        return _distinct(spans, at, end)
    left_low, left_high = low[parts[first]], high[parts[first]]
    for part in range(first + 1, last):
        right = parts[part]
        begin_new = end
        gap = longest = np.int64(0)
        if kind == NEAR:
            gap = np.int64(gaps[step])
            for span in range(low[right], high[right]):
                longest = max(longest, spans[span] & _LENGTH)
        for left in range(left_low, left_high):
            begin = spans[left] >> SHIFT
            stop = begin + (spans[left] & _LENGTH)
            # Only those that begin inside this window can be near enough: for a phrase, right after the left one.
            window = stop if kind == PHRASE else max(begin - gap - longest, 0)
            other = _from(spans, low[right], high[right], window << SHIFT)
            while other < high[right] and spans[other] >> SHIFT <= stop + gap:
                other_begin = spans[other] >> SHIFT
                other_stop = other_begin + (spans[other] & _LENGTH)
                between = max(other_begin - stop, begin - other_stop)
                if 0 <= between <= gap:
                    if end == len(spans):
                        return np.int64(-1)
                    spans[end] = (min(begin, other_begin) << SHIFT) + max(stop, other_stop) - min(begin, other_begin)
                    end += 1
                other += 1
        end = _distinct(spans, begin_new, end)
        left_low, left_high = begin_new, end
    # Of a phrase of three parts or more, the spans of its beginnings are in the way.
    for number in range(left_high - left_low):
        spans[at + number] = spans[left_low + number]
    return at + left_high - left_low


@_inner
def _look(n_waiting, stretch, begin, end, origin, words, tokens, groups, steps, roots, marks, spans, hits, n_hits):
    """Add the hits of patterns that wait for a stretch of tokens, and return how many there are; -1: too little room.

    Hits count tokens from `origin` on.
    """
    kinds, gaps, firsts, parts, keys = steps
    root_step, _, _, _, _, order_first, step_order, needs_first, needs, one_of, says_first, says = roots
    seen, low, high, _, waiting, present = marks
    for group in range(len(present)):
        present[group] = 0
    for token in range(begin, end):
        for group in range(len(present)):
            present[group] |= groups[tokens[token], group]
    n_spans = np.int64(0)
    for at in range(n_waiting):
        root = waiting[at]
        there = True
        for need in range(needs_first[root], needs_first[root + 1]):
            there = False
            for one in range(needs[need], needs[need + 1]):
                if _holds(present, one_of[one]):
                    there = True
                    break
            if not there:
                break
        if not there:
            continue
        for place in range(order_first[root], order_first[root + 1]):
            part = step_order[place]
            if seen[part] != stretch:
                stop = _evaluate(
                    kinds, gaps, firsts, parts, keys, groups, present, part, low, high, spans, n_spans, words, tokens,
                    begin, end,
                )  # fmt: skip
                if stop < 0:
                    return np.int64(-1)
                seen[part], low[part], high[part] = stretch, n_spans, stop
                n_spans = stop
        step = root_step[root]
        if n_hits + (high[step] - low[step]) * (says_first[root + 1] - says_first[root]) > len(hits):
            return np.int64(-1)
        for span in range(low[step], high[step]):
            word = spans[span] >> SHIFT
            first = _from(words, begin, end, word)
            last = _from(words, first, end, word + (spans[span] & _LENGTH) - 1)
            for what in range(says_first[root], says_first[root + 1]):
                hits[n_hits] = (np.int64(says[what]) << _WHAT) + ((first - origin) << SHIFT) + last - first + 1
                n_hits += 1
    return n_hits


@_inner
def _within(token, hits, reach, low, high):
    """Tell whether a token is inside one of the sorted hits; `reach` is how far those before and it itself reach."""
    before = _from(hits, low, high, (hits[low] >> _WHAT << _WHAT) + ((token + 1) << SHIFT)) - 1
    return before >= low and reach[before] > token


@_inner
def _is_negated(token, words, first_token, hits, cue_low, cue_high, stop_high, longest, reach):
    """Tell whether a cue stands up to `reach` words before a token, with none between that ends its reach.

    No cue is longer than `longest`.
    """
    what = hits[cue_low] >> _WHAT << _WHAT
    last = np.int64(-1)
    cue = _from(hits, cue_low, cue_high, what + (token << SHIFT)) - 1
    while cue >= cue_low and (hits[cue] >> SHIFT & _FIRST) >= token - reach - longest:
        end = (hits[cue] >> SHIFT & _FIRST) + (hits[cue] & _LENGTH) - 1
        if end < token:
            last = max(last, end)
        cue -= 1
    if last < 0 or words[first_token + token] - words[first_token + last] > reach:
        return False
    stop = _from(hits, cue_high, stop_high, what + (np.int64(2) << _WHAT) + ((last + 1) << SHIFT))
    return stop == stop_high or (hits[stop] >> SHIFT & _FIRST) >= token


@_inner
def _characters(raw, low, high):
    """Return how many characters begin in these bytes."""
    found = high - low
    while low < high:
        eight = _head(_eight(raw, np.uint64(low)), np.uint64(min(high - low, 8)))
        found -= np.int64(_ones(eight & ~(eight << np.uint64(1)) & np.uint64(0x8080808080808080)))
        low += 8
    return found


@_inner
def _copy(raw, low, high, shown, to):
    """Write bytes from place `to` on, white space as one space, and return where they end; up to seven more change."""
    at = np.uint64(low)
    place = np.uint64(to)
    ones, tops = np.uint64(0x0101010101010101), np.uint64(0x8080808080808080)
    spaces = np.uint64(32) * ones
    odd = np.uint64(0)
    while at < np.uint64(high):
        eight = _eight(raw, at)
        _put(shown, place, eight)
        # Is a byte less than a space, or a space before a space? It may seem so where it is not, but never the reverse.
        one, after = eight ^ spaces, _eight(raw, at + np.uint64(1)) ^ spaces
        odd |= (eight - spaces) & ~eight
        odd |= (one - ones) & ~one & (after - ones) & ~after
        at += np.uint64(8)
        place += np.uint64(8)
    if odd & tops == 0:
        return to + high - low
    space = False
    for byte in range(low, high):
        if not _is_space(raw[byte]):
            shown[to] = raw[byte]
            to += 1
            space = False
        elif not space:
            shown[to] = 32
            to += 1
            space = True
    return to


@_outer
def evaluate(raw, bounds, base, first_text, last_text, learnt, work, steps, roots, classes, specials, room, marks,
             result, n_themes, negation_reach, state):  # fmt: skip
    """Find the patterns in texts that were cut, from the text in `state` on, and add to the result.

    `base` is added to the numbers of texts, `learnt` is what the pending forms turned out to be. Ends early, before a
    text for which there is too little room.
    """
    _, _, _, _, _, _, cut_words, cut_tokens, cut_starts, cut_ends, text_end, odd_text, _ = work
    parts = steps[3]
    _, root_kind, root_key, root_first, root_last, _, _, _, _, _, says_first, says = roots
    groups, class_first, class_roots, class_side, class_beside = classes
    form_first, form_class, form_offset, form_length, form_breaks, form_before, form_after = specials
    own_words, own_tokens, own_starts, own_ends, key_tokens, near, found_at, found_root, spans, hits = room[:10]
    reach, shown_from, shown_many = room[10:]
    _, _, _, asked, waiting, _ = marks
    text, theme, start, end, negated, row_text, row_theme, row_mentions, row_negated, words_end, shown = result
    capacity = len(hits)
    n, n_rows, n_bytes, stretch = state[MENTIONS], state[ROWS], state[BYTES], state[STRETCH]
    for number in range(state[TEXT], last_text):
        state[TEXT], state[MENTIONS], state[ROWS], state[BYTES] = number, n, n_rows, n_bytes
        first_token = text_end[number - first_text - 1] if number > first_text else 1
        last_token = text_end[number - first_text]
        text_begin = bounds[number]
        words, tokens, starts, ends = cut_words, cut_tokens, cut_starts, cut_ends
        every = 0
        for token in range(np.uint64(first_token), np.uint64(last_token)):
            every |= tokens[token]
        if every >= SPECIAL:
            # ---- see what was pending, and take forms of several words apart
            at, more = 1, 0
            own_words[0] = words[first_token - 1]
            for token in range(first_token, last_token):
                value = tokens[token]
                if value >= PENDING:
                    value = learnt[value & _NUMBER]
                begin, part, last = starts[token], 0, 1
                form = 0
                if value >= SPECIAL:
                    form = value & _NUMBER
                    part, last = form_first[form], form_first[form + 1]
                    before = form_before[form]
                    if before == 1 or (before == 2 and begin > text_begin and _is_stop(raw[begin - 1])):
                        more += GAP
                if at + last - part + 1 > len(own_words):
                    return
                word = words[token] + more
                more += last - part - 1
                if value < SPECIAL:
                    own_words[at], own_tokens[at], own_starts[at], own_ends[at] = word, value, begin, ends[token]
                    at += 1
                    continue
                while part < last:
                    if form_breaks[part]:
                        word += GAP
                        more += GAP
                    own_words[at], own_tokens[at] = word, form_class[part]
                    own_starts[at] = begin + form_offset[part]
                    own_ends[at] = own_starts[at] + form_length[part]
                    at += 1
                    word += 1
                    part += 1
                after = form_after[form]
                if after == 1 or (after == 2 and ends[token] < bounds[number + 1] and _is_space(raw[ends[token]])):
                    more += GAP
            words, tokens, starts, ends = own_words, own_tokens, own_starts, own_ends
            first_token, last_token = 1, at
            words[at] = words[at - 1] + GAP

        n_hits, n_waiting = np.int64(0), 0
        stretch_begin = stretch_end = first_token
        for some in range(first_token, last_token, AT_ONCE):
            # ---- find where patterns may be: at the words of their keys, with the right word beside it
            n_found = np.int64(0)
            n_keys = np.uint64(0)
            for token in range(np.uint64(some), np.uint64(min(some + AT_ONCE, last_token))):
                key_tokens[n_keys] = token
                word_class = np.uint64(tokens[token])
                n_keys += np.uint64(class_first[word_class + np.uint64(1)] > class_first[word_class])
            for key in range(n_keys):
                token = np.uint64(key_tokens[key])
                word_class = np.uint64(tokens[token])
                first, last = class_first[word_class], class_first[word_class + np.uint64(1)]
                if n_found + last - first > capacity:
                    return
                before, after = token - np.uint64(1), token + np.uint64(1)
                near[0] = tokens[before] * (words[token] - words[before] == 1)
                near[1] = tokens[token]
                near[2] = tokens[after] * (words[after] - words[token] == 1)
                to = np.uint64(n_found)
                for candidate in range(np.uint64(first), np.uint64(last)):
                    beside = near[class_side[candidate]]
                    found_at[to], found_root[to] = token, class_roots[candidate]
                    to += np.uint64(_contains(groups, beside, class_beside[candidate]))
                n_found = np.int64(to)

            # ---- find those that are there
            found = 0
            at_end = some + AT_ONCE >= last_token
            while found < n_found or (at_end and n_waiting):
                if n_waiting and (found == n_found or found_at[found] >= stretch_end):
                    n_hits = _look(
                        n_waiting, stretch, stretch_begin, stretch_end, first_token, words, tokens, groups, steps,
                        roots, marks, spans, hits, n_hits,
                    )  # fmt: skip
                    if n_hits < 0:
                        return
                    n_waiting = 0
                    continue
                token, root = found_at[found], found_root[found]
                found += 1
                kind = root_kind[root]
                many = 1
                if kind == ROW:
                    first, last = root_first[root], root_last[root]
                    token -= root_key[root]
                    many = last - first
                    if many > 2 and not _in_row(
                        parts, first, last, groups, words, tokens, first_token, last_token, token
                    ):
                        continue
                elif kind != WORDS:
                    if n_waiting == 0:
                        # As far as a pattern can reach.
                        stretch += 1
                        state[STRETCH] = stretch  # at once: its marks stay where this returns early
                        stretch_begin, stretch_end = token, token + 1
                        while stretch_begin > first_token and words[stretch_begin] - words[stretch_begin - 1] < GAP:
                            stretch_begin -= 1
                        while stretch_end < last_token and words[stretch_end] - words[stretch_end - 1] < GAP:
                            stretch_end += 1
                    if asked[root] != stretch:
                        asked[root] = stretch
                        waiting[n_waiting] = root
                        n_waiting += 1
                    continue
                if n_hits + says_first[root + 1] - says_first[root] > capacity:
                    return
                for what in range(says_first[root], says_first[root + 1]):
                    hits[n_hits] = (np.int64(says[what]) << _WHAT) + ((token - first_token) << SHIFT) + many
                    n_hits += 1
        if n_hits == 0:
            continue

        # ---- by theme: leave out what is excluded, join what overlaps, ask what is negated, note the different words
        _sort(hits, 0, n_hits)
        cues = _from(hits, 0, n_hits, np.int64(2 * n_themes) << _WHAT)
        if n + cues > len(text) or n_rows + cues > len(row_text):
            return
        cues_end = _from(hits, cues, n_hits, np.int64(2 * n_themes + 2) << _WHAT)
        longest = np.int64(0)
        for cue in range(cues, cues_end):
            longest = max(longest, hits[cue] & _LENGTH)
        odd = odd_text[number - first_text]
        byte, character = text_begin, np.int64(0)
        at = 0
        while at < cues:
            what = hits[at] >> (_WHAT + 1)
            barred = at
            while barred < cues and hits[barred] >> _WHAT == 2 * what:
                barred += 1
            stop = barred
            furthest = np.int64(0)
            while stop < cues and hits[stop] >> (_WHAT + 1) == what:
                furthest = max(furthest, (hits[stop] >> SHIFT & _FIRST) + (hits[stop] & _LENGTH))
                reach[stop] = furthest
                stop += 1
            first = last = begin = past = np.int64(-1)
            before, different = n, 0
            all_negated = True
            for hit in range(at, barred + 1):
                if hit < barred:
                    begin = hits[hit] >> SHIFT & _FIRST
                    past = begin + (hits[hit] & _LENGTH)
                    if barred < stop and (
                        _within(begin, hits, reach, barred, stop) or _within(past - 1, hits, reach, barred, stop)
                    ):
                        continue
                    if begin < last:
                        last = max(last, past)
                        continue
                if last >= 0:
                    from_byte, to_byte = starts[first_token + first], ends[first_token + last - 1]
                    is_negated = cues < cues_end and _is_negated(
                        first, words, first_token, hits, cues, cues_end, n_hits, longest, negation_reach
                    )
                    text[n], theme[n], negated[n] = base + number, what, is_negated
                    all_negated &= is_negated
                    start[n], end[n] = from_byte - text_begin, to_byte - text_begin
                    if odd:
                        # Count from the last place on, which is near.
                        if byte <= from_byte:
                            character += _characters(raw, byte, from_byte)
                        else:
                            character -= _characters(raw, from_byte, byte)
                        start[n] = character
                        character += _characters(raw, from_byte, to_byte)
                        end[n] = character
                        byte = to_byte
                    n += 1
                    if different == capacity or n_bytes + to_byte - from_byte + 10 > len(shown):
                        return
                    place = n_bytes
                    if different:
                        shown[place], shown[place + 1] = 59, 32  # a semicolon and a space
                        place += 2
                    place_end = _copy(raw, from_byte, to_byte, shown, place)
                    new = True
                    for other in range(different):
                        if shown_many[other] == place_end - place:
                            at_other = shown_from[other]
                            same = 0
                            while same < place_end - place and shown[at_other + same] == shown[place + same]:
                                same += 1
                            if same == place_end - place:
                                new = False
                                break
                    if new:
                        shown_from[different], shown_many[different] = place, place_end - place
                        different += 1
                        n_bytes = place_end
                first, last = begin, past
            if n > before:
                row_text[n_rows], row_theme[n_rows], row_mentions[n_rows] = base + number, what, n - before
                row_negated[n_rows], words_end[n_rows] = all_negated, n_bytes
                n_rows += 1
            at = stop
    state[TEXT], state[MENTIONS], state[ROWS], state[BYTES] = last_text, n, n_rows, n_bytes
