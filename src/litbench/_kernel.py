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

# What a token is: the class of its word plus one, or with a flag
NOTHING = 1  # a word of no pattern
SPECIAL = 1 << 28  # a form that is not one whole word: number of its description
PENDING = 1 << 29  # a form that Python has not seen: its number in this call
_NUMBER = SPECIAL - 1

# A span of words is one integer: first word, shifted, plus length in words.
SHIFT = 20
_LENGTH = (1 << SHIFT) - 1

BEGIN_BITS = 16

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
    """Words that the same groups of words contain."""

    groups: np.ndarray  # a row of bits a class: the groups that contain it
    first: np.ndarray  # `roots[first[class]:first[class + 1]]`: patterns to look for where such a word stands
    roots: np.ndarray


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

    edges: np.ndarray  # where words begin and end, in turn
    maybe: np.ndarray
    odd: np.ndarray
    words: np.ndarray  # of each token, and
    tokens: np.ndarray
    text_end: np.ndarray  # where the tokens of a text end
    breaks: np.ndarray
    breaks_end: np.ndarray
    pending: np.ndarray


class Result(NamedTuple):
    """Mentions (a row each), and the themes of each text with the words that led to them."""

    text: np.ndarray
    theme: np.ndarray
    start: np.ndarray  # bytes from the beginning of the buffer
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

    place: np.ndarray  # of the words of a sentence that have a class
    word_class: np.ndarray
    word_start: np.ndarray
    word_end: np.ndarray
    spans: np.ndarray
    hits: np.ndarray
    reach: np.ndarray
    order: np.ndarray
    moved: np.ndarray


class Marks(NamedTuple):
    """The sentence for which a step was evaluated, with its spans, or a root was asked for."""

    seen: np.ndarray
    low: np.ndarray
    high: np.ndarray
    asked: np.ndarray
    waiting: np.ndarray
    present: np.ndarray  # bits of the groups of words that stand in a sentence


# What `evaluate` has done so far: the next text and token, mentions, rows, bytes of words, sentences.
TEXT, TOKEN, MENTIONS, ROWS, BYTES, SENTENCE = range(6)


@intrinsic
def _trailing_zeros(context: Any, number: Any) -> Any:
    def code(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        return builder.cttz(values[0], ir.Constant(ir.IntType(1), 0))

    return types.uint64(types.uint64), code


@_inner
def _eight(eights, at):
    """Return eight bytes as one number; what lies behind the buffer is zero."""
    inside = min(at, np.uint64(len(eights) - 1))
    return eights[inside] >> (np.uint64(8) * (at - inside))


@_inner
def _word_bits(eight):
    """Return a bit for each of eight bytes: is it of a word? Letters, digits, apostrophes, and what is not ASCII."""
    low = np.uint64(0x7F7F7F7F7F7F7F7F)
    ascii = eight & low
    folded = (eight | np.uint64(0x2020202020202020)) & low
    # Adding what is missing to 128 sets a byte's highest bit where it is large enough; no byte carries to the next.
    letter = (folded + np.uint64(0x1F1F1F1F1F1F1F1F)) & ~(folded + np.uint64(0x0505050505050505))
    digit = (ascii + np.uint64(0x5050505050505050)) & ~(ascii + np.uint64(0x4646464646464646))
    apostrophe = ~((ascii ^ np.uint64(0x2727272727272727)) + low)
    found = (letter | digit | apostrophe | eight) & np.uint64(0x8080808080808080)
    return ((found >> np.uint64(7)) * np.uint64(0x0102040810204080)) >> np.uint64(56)


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
    """Return a place in `begins` for the first four letters of a word, whatever their case; 0 with an apostrophe."""
    four = (eight | np.uint64(0x20202020)) & np.uint64(0xFFFFFFFF)
    other = four ^ np.uint64(0x27272727)
    plain = (other - np.uint64(0x01010101)) & ~other & np.uint64(0x80808080) == 0
    return ((four * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(64 - BEGIN_BITS)) * np.uint64(plain)


@_inner
def _is_space(byte):
    return byte == 32 or 9 <= byte <= 13 or 28 <= byte <= 31


@_inner
def _is_stop(byte):
    return byte == 46 or byte == 33 or byte == 63 or byte == 59 or byte == 58  # . ! ? ; :


@_outer
def cut(raw, eights, bounds, first, begins, table, room, work):
    """Cut texts from `first` on into tokens, as long as there is room for them.

    A token is a word that may be of a pattern: its number among all words, and what it is; before which words a
    sentence ends is in `breaks`. `begins` tells of the first four letters, by `beginning`, whether a word of a
    pattern may begin so: the others need no looking up. `table` holds forms, open-addressed, each with what it is. A
    form that is not in it enters as pending, its place in `pending` as (slot, start, end).

    Returns the text after the last that was cut, and how many forms are pending. At most `room` are: it ends before
    the text in which they would be more.
    """
    edges, maybe, odd, words, tokens, text_end, breaks, breaks_end, pending = work
    slots = np.uint64(len(table) - 1)
    eight = np.uint64(8)
    token = np.uint64(0)
    new = 0
    text = first
    while text < len(bounds) - 1 and text - first < len(text_end):
        begin, stop = np.uint64(bounds[text]), np.uint64(bounds[text + 1])
        if token + (stop - begin) // np.uint64(2) + np.uint64(1) > np.uint64(len(tokens)):
            break
        # Where words begin and end, in turn.
        edge = token + token
        carry = every = np.uint64(0)
        block = begin
        while block <= stop:
            bits = np.uint64(0)
            if block + np.uint64(64) <= stop:
                for number in range(8):
                    bytes_ = eights[block + np.uint64(8 * number)]
                    every |= bytes_
                    bits |= _word_bits(bytes_) << np.uint64(8 * number)
            else:
                at = block
                while at < stop:
                    bytes_ = _head(_eight(eights, at), min(eight, stop - at))
                    every |= bytes_
                    bits |= _word_bits(bytes_) << (at - block)
                    at += eight
            changes = bits ^ ((bits << np.uint64(1)) | carry)
            carry = bits >> np.uint64(63)
            while changes != 0:
                edges[edge] = block + _trailing_zeros(changes)
                changes &= changes - np.uint64(1)
                edge += np.uint64(1)
            block += np.uint64(64)
        # Words that may be of a pattern, and gaps that may end a sentence, without a branch for each word.
        last_word = edge // np.uint64(2)
        ascii = every & np.uint64(0x8080808080808080) == 0
        candidates = gaps = 0
        last_end = begin
        for word in range(token, last_word):
            start = edges[word + word]
            one = _eight(eights, start)
            one &= ~np.uint64(0) >> (np.uint64(8) * (eight - min(edges[word + word + np.uint64(1)] - start, eight)))
            maybe[candidates] = word
            candidates += begins[beginning(one)] | (not ascii)
            odd[gaps] = word
            gaps += (start - last_end != 1) | (raw[last_end] == 10)
            last_end = edges[word + word + np.uint64(1)]
        n_breaks = breaks_end[text - first - 1] if text > first else 0
        for number in range(gaps):
            word = odd[number]
            start, gap = edges[word + word], edges[word + word - np.uint64(1)] if word > token else begin
            while gap < start:
                after = gap + np.uint64(1)
                if raw[gap] == 10 or (_is_stop(raw[gap]) and after < start and _is_space(raw[after])):
                    breaks[n_breaks] = word
                    n_breaks += 1
                    break
                gap = after
        found = text_end[text - first - 1] if text > first else 0
        full = False
        for number in range(candidates):
            word = maybe[number]
            start, end = edges[word + word], edges[word + word + np.uint64(1)]
            many = end - start
            # A form of up to eight bytes is its own key; that two longer ones share a key of 64 bits is as good as
            # impossible.
            key = _mix(_head(_eight(eights, start), min(many, eight)))
            if many > eight:
                at = start + eight
                while at < end:
                    key = _mix((key + np.uint64(0x9E3779B97F4A7C15)) ^ _head(_eight(eights, at), min(eight, end - at)))
                    at += eight
            slot = key & slots
            while table[slot, 1] != 0 and table[slot, 0] != key:
                slot = (slot + np.uint64(1)) & slots
            value = np.int32(table[slot, 1])
            if value == 0:
                if new == room:
                    full = True
                    break
                value = np.int32(PENDING | new)
                table[slot, 0], table[slot, 1] = key, np.uint64(value)
                pending[new, 0], pending[new, 1], pending[new, 2] = slot, start, end
                new += 1
            words[found], tokens[found] = word, value
            found += value != NOTHING
        if full:
            break
        token = last_word
        text_end[text - first], breaks_end[text - first] = found, n_breaks
        text += 1
    return text, new


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
            value = array[at]
            while at >= low + gap and array[at - gap] > value:
                array[at] = array[at - gap]
                at -= gap
            array[at] = value
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
        if spans[middle] < value:
            low = middle + 1
        else:
            high = middle
    return low


@_inner
def _contains(groups, word_class, group):
    return (groups[word_class, group >> 6] >> np.uint64(group & 63)) & np.uint64(1) != 0


@_inner
def _in_row(parts, first, last, groups, known, word_classes, n_known, at):
    """Tell whether the known words from number `at` on are those of a ROW."""
    if at < 0 or at + last - first > n_known or known[at + last - first - 1] - known[at] != last - first - 1:
        return False
    for part in range(first, last):
        if not _contains(groups, word_classes[at + part - first], parts[part]):
            return False
    return True


@_inner
def _evaluate(kinds, gaps, firsts, parts, keys, groups, step, low, high, spans, at, known, word_classes, n_known):
    """Write the spans of a step from `at` on, and return where they end; -1 where there is no room for them."""
    kind, first, last = kinds[step], firsts[step], firsts[step + 1]
    end = at
    if kind in (WORDS, ROW):
        if at + n_known > len(spans):
            return np.int64(-1)
        key = keys[step]
        group = parts[first + key]
        for number in range(n_known):
            if _contains(groups, word_classes[number], group) and (
                kind == WORDS or _in_row(parts, first, last, groups, known, word_classes, n_known, number - key)
            ):
                spans[end] = ((known[number] - key) << SHIFT) + last - first
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
def _within(word, hits, reach, low, high):
    """Tell whether a word is inside one of the sorted hits; `reach` is how far those before and it itself reach."""
    before = _from(hits, low, high, (hits[low] >> (2 * SHIFT) << (2 * SHIFT)) + ((word + 1) << SHIFT)) - 1
    return before >= low and reach[before] > word


@_inner
def _is_negated(begin, hits, cue_low, cue_high, stop_high, reach):
    """Tell whether a cue stands up to `reach` words before a word, with no word between that ends its reach."""
    nearest = np.int64(-1)
    for cue in range(cue_low, cue_high):
        after = (hits[cue] >> SHIFT & _LENGTH) + (hits[cue] & _LENGTH)
        if after <= begin:
            nearest = max(nearest, after)
    if nearest < 0 or begin - nearest >= reach:
        return False
    for stop in range(cue_high, stop_high):
        if nearest <= (hits[stop] >> SHIFT & _LENGTH) < begin:
            return False
    return True


@_outer
def evaluate(raw, bounds, first_text, last_text, work, learnt, steps, roots, classes,
             specials, n_themes, negation_reach, room, marks, result, state):  # fmt: skip
    """Find the patterns in texts that were cut, from the text in `state` on, and add to the result.

    `learnt` is what the pending forms turned out to be. Ends early, before a text for which there is too little room.
    """
    edges, _, _, words, tokens, text_end, breaks, breaks_end, _ = work
    kinds, gaps, firsts, parts, keys = steps
    (
        root_step,
        root_kind,
        root_key,
        root_first,
        root_last,
        order_first,
        step_order,
        needs_first,
        needs,
        one_of,
        says_first,
        says,
    ) = roots
    groups, class_first, class_roots = classes
    form_first, form_class, form_offset, form_length, form_breaks, form_before, form_after = specials
    known, word_classes, word_starts, word_ends, spans, hits, reach, order, moved = room
    seen, low, high, asked, waiting, present = marks
    text, theme, start, end, negated, row_text, row_theme, row_mentions, row_negated, words_end, shown = result
    capacity = len(hits)
    token, n, n_rows, n_bytes, sentence = state[TOKEN], state[MENTIONS], state[ROWS], state[BYTES], state[SENTENCE]
    for number in range(state[TEXT], last_text):
        state[TEXT], state[TOKEN], state[MENTIONS], state[ROWS], state[BYTES] = number, token, n, n_rows, n_bytes
        token_end = text_end[number - first_text]
        next_break = breaks_end[number - first_text - 1] if number > first_text else 0
        break_end = breaks_end[number - first_text]
        text_begin, text_stop = bounds[number], bounds[number + 1]
        n_before = n
        more = 0  # words than tokens, so far
        inner = 0  # the next word of a token that has several
        ends_here = False
        while token < token_end:
            # ---- read the known words of a sentence
            n_known = 0
            origin = np.int64(0)
            sentence += 1
            state[SENTENCE] = sentence
            while token < token_end:
                word, value = np.int64(words[token]), np.int64(tokens[token])
                if inner == 0:
                    while next_break < break_end and breaks[next_break] <= word:
                        ends_here = True
                        next_break += 1
                word_start, word_end = np.int64(edges[2 * word]), np.int64(edges[2 * word + 1])
                if value & PENDING:
                    value = np.int64(learnt[value & _NUMBER])
                done = True
                if value & SPECIAL:
                    form = value & _NUMBER
                    part, last = form_first[form] + inner, form_first[form + 1]
                    if inner == 0:
                        before = form_before[form]
                        if before == 1 or (before == 2 and word_start > text_begin and _is_stop(raw[word_start - 1])):
                            ends_here = True
                    if part == last:
                        after = form_after[form]
                        if after == 1 or (after == 2 and word_end < text_stop and _is_space(raw[word_end])):
                            ends_here = True
                        token += 1
                        more += inner - 1
                        inner = 0
                        continue
                    if form_breaks[part]:
                        ends_here = True
                    value = np.int64(form_class[part]) + 1
                    word += inner
                    word_start += form_offset[part]
                    word_end = word_start + form_length[part]
                    done = False
                word += more
                if n_known and (ends_here or word - origin > _LENGTH):
                    break
                ends_here = False
                if done:
                    token += 1
                else:
                    inner += 1
                if value != NOTHING:
                    if n_known == 0:
                        origin = word
                    elif n_known == capacity:
                        return
                    known[n_known], word_classes[n_known] = word - origin, value - 1
                    word_starts[n_known], word_ends[n_known] = word_start, word_end
                    n_known += 1

            # ---- find its patterns
            n_hits = n_waiting = 0
            for at in range(n_known):
                word_class = word_classes[at]
                for candidate in range(class_first[word_class], class_first[word_class + 1]):
                    root = class_roots[candidate]
                    kind = root_kind[root]
                    if kind == WORDS:
                        span = (known[at] << SHIFT) + 1
                    elif kind == ROW:
                        first, last = root_first[root], root_last[root]
                        here = at - root_key[root]
                        if not _in_row(parts, first, last, groups, known, word_classes, n_known, here):
                            continue
                        span = (known[here] << SHIFT) + last - first
                    else:
                        if asked[root] != sentence:
                            asked[root] = sentence
                            waiting[n_waiting] = root
                            n_waiting += 1
                        continue
                    if n_hits + says_first[root + 1] - says_first[root] > capacity:
                        return
                    for what in range(says_first[root], says_first[root + 1]):
                        hits[n_hits] = (np.int64(says[what]) << (2 * SHIFT)) + span
                        n_hits += 1
            if n_waiting:
                for word in range(len(present)):
                    present[word] = 0
                for at in range(n_known):
                    word_class = word_classes[at]
                    for word in range(len(present)):
                        present[word] |= groups[word_class, word]
            n_spans = np.int64(0)
            for at in range(n_waiting):
                root = waiting[at]
                there = True
                for need in range(needs_first[root], needs_first[root + 1]):
                    there = False
                    for one in range(needs[need], needs[need + 1]):
                        if present[one_of[one] >> 6] >> np.uint64(one_of[one] & 63) & np.uint64(1):
                            there = True
                            break
                    if not there:
                        break
                if not there:
                    continue
                for place in range(order_first[root], order_first[root + 1]):
                    part = step_order[place]
                    if seen[part] != sentence:
                        stop = _evaluate(
                            kinds, gaps, firsts, parts, keys, groups, part, low, high, spans, n_spans, known,
                            word_classes, n_known,
                        )  # fmt: skip
                        if stop < 0:
                            return
                        seen[part], low[part], high[part] = sentence, n_spans, stop
                        n_spans = stop
                step = root_step[root]
                if n_hits + (high[step] - low[step]) * (says_first[root + 1] - says_first[root]) > capacity:
                    return
                for span in range(low[step], high[step]):
                    for what in range(says_first[root], says_first[root + 1]):
                        hits[n_hits] = (np.int64(says[what]) << (2 * SHIFT)) + spans[span]
                        n_hits += 1
            if n_hits == 0:
                continue
            if n + n_hits > len(text):
                return

            # ---- by theme: leave out what is excluded, join what overlaps, ask what is negated
            _sort(hits, 0, n_hits)
            cues = _from(hits, 0, n_hits, np.int64(2 * n_themes) << (2 * SHIFT))
            cues_end = _from(hits, cues, n_hits, np.int64(2 * n_themes + 2) << (2 * SHIFT))
            at = np.int64(0)
            while at < cues:
                what = hits[at] >> (2 * SHIFT + 1)
                barred = _from(hits, at, cues, (2 * what + 1) << (2 * SHIFT))
                stop = _from(hits, barred, cues, (2 * what + 2) << (2 * SHIFT))
                furthest = np.int64(0)
                for hit in range(barred, stop):
                    furthest = max(furthest, (hits[hit] >> SHIFT & _LENGTH) + (hits[hit] & _LENGTH))
                    reach[hit] = furthest
                first_word = last_word = begin = past = np.int64(-1)
                for hit in range(at, barred + 1):
                    if hit < barred:
                        begin = hits[hit] >> SHIFT & _LENGTH
                        past = begin + (hits[hit] & _LENGTH)
                        if barred < stop and (
                            _within(begin, hits, reach, barred, stop) or _within(past - 1, hits, reach, barred, stop)
                        ):
                            continue
                        if begin < last_word:
                            last_word = max(last_word, past)
                            continue
                    if last_word >= 0:
                        text[n], theme[n] = number, what
                        start[n] = word_starts[_from(known, 0, n_known, first_word)]
                        end[n] = word_ends[_from(known, 0, n_known, last_word - 1)]
                        negated[n] = cues < cues_end and _is_negated(
                            first_word, hits, cues, cues_end, n_hits, negation_reach
                        )
                        n += 1
                    first_word, last_word = begin, past
                at = stop

        # ---- the mentions of a text in the order of themes, within them as they stand
        many = n - n_before
        if many == 0:
            continue
        if many > capacity or n_rows + many > len(row_text):
            return
        for at in range(many):
            order[at] = (np.int64(theme[n_before + at]) << 40) + at
        _sort(order, 0, many)
        for which in range(4):
            for at in range(many):
                mention = n_before + (order[at] & ((1 << 40) - 1))
                if which == 0:
                    moved[at] = theme[mention]
                elif which == 1:
                    moved[at] = start[mention]
                elif which == 2:
                    moved[at] = end[mention]
                else:
                    moved[at] = negated[mention]
            for at in range(many):
                if which == 0:
                    theme[n_before + at] = moved[at]
                elif which == 1:
                    start[n_before + at] = moved[at]
                elif which == 2:
                    end[n_before + at] = moved[at]
                else:
                    negated[n_before + at] = moved[at]

        # ---- its themes, each with its different words
        mention = n_before
        while mention < n:
            what, begin, before = theme[mention], mention, n_bytes
            every = True
            while mention < n and theme[mention] == what:
                every &= negated[mention] != 0
                length = end[mention] - start[mention]
                if n_bytes + length + 2 > len(shown):
                    return
                new = True
                for other in range(begin, mention):
                    if end[other] - start[other] == length:
                        same = True
                        for byte in range(length):
                            if raw[start[other] + byte] != raw[start[mention] + byte]:
                                same = False
                                break
                        if same:
                            new = False
                            break
                if new:
                    if n_bytes > before:
                        shown[n_bytes], shown[n_bytes + 1] = 59, 32  # a semicolon and a space
                        n_bytes += 2
                    space = False
                    for at in range(start[mention], end[mention]):
                        if not _is_space(raw[at]):
                            shown[n_bytes] = raw[at]
                            n_bytes += 1
                            space = False
                        elif not space:
                            shown[n_bytes] = 32
                            n_bytes += 1
                            space = True
                mention += 1
            row_text[n_rows], row_theme[n_rows], row_mentions[n_rows] = number, what, mention - begin
            row_negated[n_rows], words_end[n_rows] = every, n_bytes
            n_rows += 1
    state[TEXT], state[TOKEN], state[MENTIONS], state[ROWS], state[BYTES] = last_text, token, n, n_rows, n_bytes
