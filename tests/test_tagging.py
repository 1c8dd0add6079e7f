"""What a user of the tagger relies on: the pattern language, places, negation, and honest scores."""

from __future__ import annotations

import contextlib
import re
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import litbench as lb
from litbench import _kernel, _matching
from litbench._kernel import GAP
from litbench._matching import NEGATION_REACH, Matcher
from litbench._patterns import LONGEST_GAP, Either, Near, Node, Phrase, Words, fold_word, parse
from litbench.codebook import Codebook, Domain, Theme


def codebook(*themes: tuple[tuple[str, ...], tuple[str, ...]] | str) -> Codebook:
    made = []
    for number, theme in enumerate(themes):
        terms, exclude = ((theme,), ()) if isinstance(theme, str) else theme
        made.append(Theme(f"t{number}", "d", f"Theme {number}", *(["x"] * 5), 1, terms=terms, exclude=exclude))
    return Codebook(1, (Domain("d", "D", "x"),), tuple(made))


def words(pattern: str, text: str, exclude: tuple[str, ...] = ()) -> list[str]:
    return [word for one in lb.tag(text, codebook(((pattern,), exclude))) for word in one.words]


# ---------------------------------------------------------------------- the language


@pytest.mark.parametrize(
    ("pattern", "text", "found"),
    [
        ("arrest", "An arrest was made; arrests fell.", ["arrest"]),
        ("arrest*", "An arrest was made; Arrests fell.", ["arrest", "Arrests"]),
        (
            "harm reduction",
            "Harm-reduction, harm reduction and reduction of harm",
            ["Harm-reduction", "harm reduction"],
        ),
        ("(drug | user) market*", "a drug market and user markets", ["drug market", "user markets"]),
        ("police* ~2 (beat* | assault*)", "Police officers beat him.", ["Police officers beat"]),
        ("police* ~2 (beat* | assault*)", "He was beaten by the police.", ["beaten by the police"]),
        ("police ~1 beat*", "Police who were there beat him.", []),
        ("police ~9 beat*", "Police came. They beat him.", []),
        ("a b", "a. b", []),
        ("call* ~2 help ~2 police", "They called for help without police", ["called for help without police"]),
        ("((needle | syringe) exchange | nsp)", "A syringe exchange and an NSP", ["syringe exchange", "NSP"]),
    ],
)
def test_a_pattern_finds_what_it_says(pattern: str, text: str, found: list[str]) -> None:
    assert words(pattern, text) == found


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("criminalis*", "criminalization"),
        ("criminalization", "CRIMINALISATION"),
        ("organis*", "organized"),
        ("policía", "la policia"),
        ("policia", "LA POLICÍA"),
        ("policia", "la polici\u0301a"),
        ("centre", "center"),
        ("behavior*", "behaviours"),
        ("police", "the police’s role"),
        ("officer", "officer's"),
        ("don't", "they don’t"),
        ("don’t", "they don\u02bct"),
        ("don\u2018t", "they don't"),
        ("officer", "the officer\u2018s, officer\uff07s"),
        ("polici\u0301a", "la policía"),
        ("polici\u0301*", "la policía"),
        ("po\u00adlice", "police"),
        ("officer", "of\ufb01cer"),
        ("war on drugs", "‘war\u00a0on drugs’"),
        ("harm reduction", "harm–reduction"),
        ("полиция", "Полиция там"),
    ],
)
def test_case_accents_hyphens_quotes_and_spelling_do_not_matter(pattern: str, text: str) -> None:
    assert words(pattern, text)


@pytest.mark.parametrize(
    ("pattern", "said"),
    [
        ("a | b", "brackets"),
        ("(a | b", "without a closing"),
        ("a) b", "without an opening"),
        ("a ~ b", "from 1 to 15"),
        ("a ~99 b", "from 1 to 15"),
        ("~3 b", "empty"),
        ("(a | ) b", "empty"),
        ("a*b", "star"),
        ("*", "not a word"),
        ("", "empty"),
    ],
)
def test_an_error_quotes_the_pattern_and_says_what_to_do(pattern: str, said: str) -> None:
    with pytest.raises(lb.PatternError, match=said) as error:
        lb.tag("text", codebook(pattern))
    assert repr(pattern) in str(error.value)


def test_the_check_names_the_theme_of_a_bad_pattern(copy) -> None:
    from litbench.check import check

    path = copy / "data" / "codebook.yaml"
    path.write_text(
        path.read_text(encoding="utf-8").replace("  terms:\n", "  terms:\n  - (broken\n", 1), encoding="utf-8"
    )
    [problem] = [one for one in check(copy) if one.value == "(broken"]
    assert problem.field == "zero-tolerance"


def test_what_is_excluded_does_not_count() -> None:
    exclude = ("overdose prevention site*",)
    assert words("overdose*", "An overdose prevention site", exclude) == []
    assert words("overdose*", "An overdose near the overdose prevention sites", exclude) == ["overdose"]
    # A match that only begins or ends inside does not count either.
    assert words("law ~4 effect*", "law enforcement had effects", ("law enforcement",)) == []


def test_overlapping_matches_are_one_mention() -> None:
    [suggestion] = lb.tag("Police officers beat him.", codebook((("police*", "police ~3 beat*", "officers"), ())))
    assert suggestion.words == ("Police officers beat",)
    assert len(suggestion.places) == 1


def test_places_are_characters_of_the_text() -> None:
    text = "¿Los «polícias» — ½ πολ — arrested 𝕏 them… Arrests"
    [suggestion] = lb.tag(text, codebook("arrest*"))
    assert [text[start:end] for start, end in suggestion.places] == ["arrested", "Arrests"]


@pytest.mark.parametrize(
    ("text", "negated"),
    [
        ("No displacement was observed.", True),
        ("The study found no evidence of displacement.", True),
        ("People moved without any displacement", True),
        ("Displacement was observed.", False),
        ("There was no change. Displacement followed.", False),
        ("There was no crime but displacement followed.", False),
        ("No displacement here, yet displacement there.", False),
        ("No se observó displacement", True),
    ],
)
def test_negated_mentions_are_marked(text: str, negated: bool) -> None:
    [suggestion] = lb.tag(text, codebook("displacement"))
    assert suggestion.negated is negated


# ---------------------------------------------------------------------- what is shown


def test_html_in_a_text_shows_as_text() -> None:
    shown = lb.tag("<script>x</script> no <b>arrest</b> & arrests", codebook("arrest*"))._repr_html_()
    assert "<script>" not in shown
    assert "&lt;b&gt;<mark>arrest</mark>&lt;/b&gt; &amp; <mark>arrests</mark>" in shown


def test_a_text_without_suggestions_says_so() -> None:
    tags = lb.tag("Nothing here.", codebook("arrest*"))
    assert "No theme suggested" in repr(tags)
    assert tags.to_frame().empty


def test_many_texts_give_a_tidy_frame() -> None:
    book = codebook("arrest*", "fear*")
    frame = pd.DataFrame(
        {"id": ["a", "b", "c"], "title": ["Arrests", None, "x"], "abstract": ["fear", "No arrest", None]}
    )
    tags = lb.tag(frame, book)
    assert tags.columns.tolist() == ["id", "theme", "score", "negated", "words"]
    assert tags[["id", "theme", "negated"]].values.tolist() == [
        ["a", "t0", False],
        ["a", "t1", False],
        ["b", "t0", True],
    ]
    series = pd.Series(["Arrests", None], index=["k1", "k2"])
    assert lb.tag(series, book).id.tolist() == ["k1"]
    assert lb.tag([], book).empty
    with pytest.raises(ValueError, match="none of the columns title, abstract, text"):
        lb.tag(pd.DataFrame({"id": [1]}), book)
    with pytest.raises(TypeError, match="not int"):
        lb.tag([1], book)


def test_the_corpus_codebook_tags_spanish(corpus: lb.Corpus) -> None:
    tags = lb.tag(
        "La policía los detuvo y les quitó jeringas; temen el arresto y la sobredosis mortal.", corpus.codebook
    )
    assert {"arrest", "fear-avoidance", "overdose"} <= {one.theme for one in tags}


def test_every_theme_in_use_has_terms(corpus: lb.Corpus) -> None:
    assert [theme.id for theme in corpus.codebook.themes if not theme.retired and not theme.terms] == []


# ---------------------------------------------------------------------- the fast engine against a plain one


def spans(node: Node, stream: list[str]) -> set[tuple[int, int]]:
    """Match by trying everything; ``.`` in the stream ends a sentence."""
    found: set[tuple[int, int]] = set()
    if isinstance(node, Words):
        for at, word in enumerate(stream):
            if word in node.whole or any(word.startswith(stem) for stem in node.stems):
                found.add((at, at + 1))
    elif isinstance(node, Either):
        for option in node.options:
            found |= spans(option, stream)
    elif isinstance(node, Phrase):
        found = spans(node.parts[0], stream)
        for part in node.parts[1:]:
            found = {(a, d) for a, b in found for c, d in spans(part, stream) if b == c}
    else:
        assert isinstance(node, Near)
        for a, b in spans(node.left, stream):
            for c, d in spans(node.right, stream):
                between = stream[b:c] if b <= c else stream[d:a] if d <= a else None
                if between is not None and len(between) <= node.gap and "." not in between:
                    found.add((min(a, c), max(b, d)))
    return found


def plainly(terms: tuple[str, ...], exclude: tuple[str, ...], text: str) -> list[tuple[int, int]]:
    stream, places = [], []
    for match in re.finditer(r"[^\W_]+|[.!?;:](?=\s)|\n", text):
        stream.append(fold_word(match.group()) or ".")
        places.append(match.span())
    barred = {at for one in exclude for a, b in spans(parse(one), stream) for at in range(a, b)}
    covered: set[tuple[int, int]] = set()
    for one in terms:
        covered |= {(a, b) for a, b in spans(parse(one), stream) if a not in barred and b - 1 not in barred}
    merged: list[list[int]] = []
    for a, b in sorted(covered):
        if merged and a < merged[-1][1]:
            merged[-1][1] = max(merged[-1][1], b)
        else:
            merged.append([a, b])
    return [(places[a][0], places[b - 1][1]) for a, b in merged]


WORDS = ["police", "policing", "arrest", "drug", "use", "réduce", "behaviour", "organised", "Ñandú", "πολ", "x"]
PATTERN_WORDS = [
    "police",
    "polic*",
    "arrest",
    "drug",
    "use",
    "reduc*",
    "behavior",
    "organiz*",
    "nandu",
    "πολ",
    "a*",
    "z",
]


@st.composite
def patterns(draw: st.DrawFn, depth: int = 2) -> str:
    kind = draw(st.integers(0, 3 if depth else 0))
    if kind == 0:
        return draw(st.sampled_from(PATTERN_WORDS))
    parts = draw(st.lists(patterns(depth - 1), min_size=2, max_size=3))
    if kind == 1:
        return f"({' | '.join(parts)})"
    if kind == 2:
        return " ".join(f"({part})" for part in parts)
    return f"({f' ~{draw(st.integers(1, 4))} '.join(parts)})"


texts = st.lists(
    st.tuples(
        st.sampled_from(WORDS), st.sampled_from([" ", "  ", "-", ", ", ". ", ".", "\n", " — ", "; ", "_", "\u00a0"])
    ),
    max_size=12,
).map(lambda several: "".join(word + gap for word, gap in several))


@settings(max_examples=300, deadline=None)
@given(
    st.lists(patterns(), min_size=1, max_size=3),
    st.lists(patterns(1), max_size=1),
    st.lists(texts, min_size=1, max_size=4),
)
def test_the_engine_finds_what_a_plain_search_finds(terms: list[str], exclude: list[str], several: list[str]) -> None:
    mentions = Matcher(codebook((tuple(terms), tuple(exclude)))).find(several)
    found: list[list[tuple[int, int]]] = [[] for _ in several]
    for text, start, end in zip(mentions.text, mentions.start, mentions.end, strict=True):
        found[text].append((int(start), int(end)))
    assert found == [plainly(tuple(terms), tuple(exclude), text) for text in several]


@settings(max_examples=200, deadline=None)
@given(st.lists(st.text(max_size=60), max_size=5))
def test_any_text_can_be_tagged_alone_or_among_others(several: list[str]) -> None:
    found = Matcher(codebook("a*", "(b | c) ~3 d*", "не*"))
    together = found.find(several)
    alone: list[tuple[int, ...]] = []
    for number, text in enumerate(several):
        one = found.find([text])
        alone += [(number, *row) for row in zip(one.theme, one.start, one.end, one.negated, strict=True)]
        assert ((one.start >= 0) & (one.end <= len(text)) & (one.start < one.end)).all()
    assert alone == list(
        zip(together.text, together.theme, together.start, together.end, together.negated, strict=True)
    )


def test_batches_of_any_shape_are_found_whole() -> None:
    found = Matcher(codebook("arrest* ~3 (fear* | flee)", "internationalisation", "no place"))
    empty = [""] * 70_000 + ["Fear of arrest."] + ["", "—", "\u00a0"] * 20_000
    assert found.find(empty).text.tolist() == [70_000]
    sentence = "arrested and fearful people " * 30_000  # no end in it, and more words than there is room for at first
    mentions = found.find(["An arrest.", sentence, "fear, arrest"])
    assert mentions.text.tolist() == [1, 2]
    assert (mentions.start[0], mentions.end[0]) == (0, len(sentence) - len(" people "))
    many = [f"word{number} internationalization{number} Internationalisation" for number in range(20_000)]
    mentions = found.find(many)
    assert mentions.text.tolist() == list(range(20_000))
    assert {text[start:] for text, start in zip(many, mentions.start, strict=True)} == {"Internationalisation"}


@pytest.mark.parametrize("before", ["x", " ", "é", "x ", ".", "…", "it's "])
def test_it_does_not_matter_how_far_from_its_beginning_a_text_says_something(before: str) -> None:
    found = Matcher(codebook("fear of arrest*", "no ~5 fear", "here", "(“quoted” | o'clock) ~9 text"))
    said = "Fear of arrests. No\nfear! Here, no “quoted”, long text; not here: at 5 o'clock."
    alone = found.find([said])
    assert len(alone.text) == 4
    for number in range(140):
        moved = found.find([before * number + "\n" + said])
        away = len(before) * number + 1
        assert (moved.start - away).tolist() == alone.start.tolist()
        assert (moved.end - away).tolist() == alone.end.tolist()
        assert (moved.theme.tolist(), moved.negated.tolist()) == (alone.theme.tolist(), alone.negated.tolist())


@pytest.mark.parametrize("last", ["", "é", "’s", "”", "'", "–"])
def test_a_word_may_be_of_any_length(last: str) -> None:
    found = Matcher(codebook("w*"))
    for length in range(1, 200):
        [mention] = found.find([f"x {'w' * length}{last} x"]).end.tolist()
        assert mention == 2 + length + (len(last) if last in ("é", "’s") else 0)


def test_texts_may_end_where_their_memory_ends() -> None:
    found = Matcher(codebook("arrest*", "fear"))
    texts = ["", "fear", "An arrest — “fear”", "x" * 300 + " fear", "arrests"]
    coded = [text.encode() for text in texts]
    bounds = np.cumsum([0, *map(len, coded)], dtype=np.int64)
    array = pa.LargeStringArray.from_buffers(len(texts), pa.py_buffer(bounds), pa.py_buffer(b"".join(coded)))
    for first in range(len(texts)):
        for part, same in ((array[first:], texts[first:]), (array[:first], texts[:first])):
            one, other = found.scan(part), found.scan(same)
            assert one.mentions.start.tolist() == other.mentions.start.tolist()
            assert one.rows["text"].tolist() == other.rows["text"].tolist()
            assert one.rows["words"] == other.rows["words"]


def test_words_that_differ_in_white_space_are_shown_once() -> None:
    text = "Fear of arrest, fear of arrest,\tfear  of\t arrest; fear-of arrest: fear of\x0barrest."
    shown = Matcher(codebook("fear of arrest")).scan([text]).rows["words"].to_pylist()
    assert shown == ["Fear of arrest; fear of arrest; fear-of arrest"]
    assert tuple(shown[0].split("; ")) == tuple(words("fear of arrest", text))


def test_nothing_reaches_over_the_end_of_a_sentence() -> None:
    assert max(LONGEST_GAP, NEGATION_REACH) + 1 < GAP


@pytest.mark.parametrize(
    ("term", "text"),
    [
        ("anesthe*", "ANAESTHETICS"),
        ("esthetic", "aesthetic"),
        ("hemorrhage", "Haemorrhage"),
        ("pediatric*", "paediatrician"),
        ("jail*", "gaoled"),
        ("prize", "prise"),
        ("riz*", "rising"),
        ("iziz*", "izising"),
        ("no", "no's"),
        ("do", "d'o"),
        ("naive", "naïve"),
        ("a*", "ants"),
        ("etude", "Étude"),
    ],
)
def test_a_word_is_found_however_its_first_letters_are_spelt(term: str, text: str) -> None:
    found = Matcher(codebook(term))
    assert found.find([f"so {text} then"]).start.tolist() == [3]
    assert found.find([f"xyz {text}"]).end.tolist() == [4 + len(text)]


def test_the_compiler_is_loaded_with_the_first_tag_and_not_with_the_package() -> None:
    said = "import sys, litbench; print('numba' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", said], capture_output=True, text=True).stdout == "False\n"


def test_several_threads_may_share_the_patterns() -> None:
    found = Matcher(codebook("arrest* ~3 fear*", "w1*"))
    texts = [[f"Fear of arrest w{number * 1000 + at} other{at * number}" for at in range(1000)] for number in range(8)]
    with ThreadPoolExecutor(4) as pool:
        together = [several.text.tolist() for several in pool.map(found.find, texts)]
    assert together == [found.find(several).text.tolist() for several in texts]


def test_words_that_are_forgotten_are_learnt_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("litbench._matching._KNOWN_WORDS", 3)
    found = Matcher(codebook("arrest*"))

    def batches() -> Iterator[int]:
        for number in range(5):
            yield len(found.find([f"word{number} other{number} arrests{number} here{number}"]).text)

    assert list(batches()) == [1] * 5


@pytest.mark.parametrize("room", [1, 3, 100])
def test_what_is_found_does_not_depend_on_the_room_at_first(room: int, monkeypatch: pytest.MonkeyPatch) -> None:
    book = codebook((("arrest* ~3 (fear* | flee)", "w* (x | y) z"), ("the fear ~2 x",)), "fear of", "w*")
    texts = [
        "",
        "the fear of w x z " * 9,
        "the fear of arrests — flee " * 400,
        "w1 x z, no “w2 y z”. w3" * 200,
        "x",
        "fear\u00a0of w " * 1000,
    ]
    expected = Matcher(book).scan(texts)
    monkeypatch.setattr(_matching, "_ROOM", room)
    monkeypatch.setattr(_matching, "_TOKENS", room)
    matcher = Matcher(book)
    matcher.find(["the", "fear", "of", "w", "x", "z"])  # a form that is new needs room of its own
    found = matcher.scan(texts)
    for field in ("text", "theme", "start", "end", "negated"):
        assert getattr(found.mentions, field).tolist() == getattr(expected.mentions, field).tolist()
    assert {name: column.tolist() for name, column in found.rows.items()} == {
        name: column.tolist() for name, column in expected.rows.items()
    }


def test_results_stay_as_they_are_when_more_is_read() -> None:
    found = Matcher(codebook("arrest*"))
    first = found.scan(["x arrest arrests"])
    mentions, rows = first.mentions, first.rows
    found.scan(["arrestable " * 100] * 100)
    assert (mentions.start.tolist(), rows["words"].to_pylist()) == ([2, 9], ["arrest; arrests"])


def test_the_loops_are_compiled_once_whatever_memory_texts_are_in() -> None:
    found = Matcher(codebook("arrest*"))
    found.find(["An arrest"])
    compiled = [len(one.signatures) for one in (_kernel.cut, _kernel.evaluate)]
    bounds, coded = np.array([0, 6, 7]), np.frombuffer(b"arrestx", dtype=np.uint8).copy()
    for more in (b"", b" " * 1000):
        array = pa.LargeStringArray.from_buffers(
            2, pa.py_buffer(bounds), pa.py_buffer(np.append(coded, np.frombuffer(more, dtype=np.uint8)))
        )
        assert found.find(array).end.tolist() == [6]
    assert [len(one.signatures) for one in (_kernel.cut, _kernel.evaluate)] == compiled


@pytest.mark.parametrize("part", ["fold_word", "_breaks", "_Growing.add"])
def test_patterns_that_were_interrupted_can_be_used_again(part: str, monkeypatch: pytest.MonkeyPatch) -> None:
    book = codebook("arrest* ~3 fear*", "the")
    text = "Fear of arrest’s “arrests” — the fearful … arrestable “the”"
    expected = Matcher(book).find([text])
    name, _, method = part.partition(".")
    owner = getattr(_matching, name) if method else _matching
    whole = getattr(owner, method or name)
    for calls in range(8):
        found, left = Matcher(book), iter(range(calls))

        def interrupted(*args: object, left: Iterator[int] = left) -> object:
            if next(left, None) is None:
                raise KeyboardInterrupt
            return whole(*args)

        with monkeypatch.context() as patched:
            patched.setattr(owner, method or name, interrupted)
            with contextlib.suppress(KeyboardInterrupt):
                found.find([text])
        again = found.find([text])
        for field in ("text", "theme", "start", "end", "negated"):
            assert getattr(again, field).tolist() == getattr(expected, field).tolist()


def test_text_that_is_not_utf_8_does_no_harm() -> None:
    found = Matcher(codebook("arrest*"))
    coded = b"arrested arrestable arr\xffest arrests"
    array = pa.LargeStringArray.from_buffers(1, pa.py_buffer(np.array([0, len(coded)])), pa.py_buffer(coded))
    with pytest.raises(UnicodeDecodeError):
        found.find(array)
    assert found.find(["arrested, arrestable"]).start.tolist() == [0, 10]


# ---------------------------------------------------------------------- how good it is


@pytest.fixture(scope="module")
def score(corpus: lb.Corpus) -> lb.Score:
    return lb.score(corpus)


def test_the_score_is_cross_validated_by_study_and_keeps_to_what_was_not_read(corpus, score) -> None:
    held = score.table[score.table.studies == "not read for the terms"].set_index("tagger")
    assert held.n_studies.unique().tolist() == [len(corpus.codebook.held_out)]
    assert set(corpus.codebook.held_out) <= set(corpus.studies.key)
    terms, baseline = held.loc["terms"], held.loc["theme label as search words"]
    assert terms.micro_low <= terms.micro_f1 <= terms.micro_high
    assert terms.micro_low > baseline.micro_high
    assert set(score.errors.error) == {"missed", "not coded"}
    assert set(score.errors["item"]) <= set(corpus.codebook.held_out)


def few(corpus: lb.Corpus, keys: list[str]) -> lb.Corpus:
    """A part of the corpus that the model is learned from in a second: with one in thirty of the invented examples."""
    part = corpus.where(key=keys)
    return replace(part, examples=part.examples.iloc[::30])


def test_the_score_is_the_same_each_time(corpus: lb.Corpus) -> None:
    keys = corpus.studies.key.tolist()[:60]
    first, second = lb.score(few(corpus, keys)).table, lb.score(few(corpus, keys)).table
    pd.testing.assert_frame_equal(first, second)
    part = few(corpus, keys)
    without = lb.score(part, examples=False).table
    pd.testing.assert_frame_equal(without, lb.score(replace(part, examples=part.examples.iloc[:0])).table)
    assert not without.equals(first)


def test_the_measures_are_what_they_say() -> None:
    from litbench._scoring import _measures

    truth = np.array([[1, 0, 0], [1, 1, 0], [0, 1, 0]], dtype=bool)
    guess = np.array([[1, 1, 0], [0, 1, 0], [0, 1, 1]], dtype=bool)
    measured = _measures(truth, guess, truth, np.array(["a", "b", "b"]))
    # right 3, suggested 5, coded 4; theme 1: 1 right of 1 and 2, theme 2: 2 right of 3 and 2; theme 3 is not coded
    assert measured["precision"] == pytest.approx(3 / 5)
    assert measured["recall"] == pytest.approx(3 / 4)
    assert measured["micro_f1"] == pytest.approx(6 / 9)
    assert measured["gain"] == pytest.approx(6 / 9 - 1)
    assert measured["gain_low"] <= measured["gain"] <= measured["gain_high"] <= 0
    assert measured["macro_f1"] == pytest.approx((2 / 3 + 4 / 5) / 2)


def test_the_score_of_a_part_without_held_out_studies_is_of_all(corpus: lb.Corpus) -> None:
    part = few(corpus, [key for key in corpus.studies.key if key not in corpus.codebook.held_out][:30])
    assert lb.score(part, "finding").table.studies.unique().tolist() == ["all"]
    with pytest.raises(ValueError, match="level"):
        lb.score(corpus, "page")


@pytest.mark.parametrize(
    ("british", "american"),
    [
        ("organisation", "organization"), ("programme", "program"), ("centres", "centers"), ("defence", "defense"),
        ("offences", "offenses"), ("licence", "license"), ("practise", "practice"), ("behaviour", "behavior"),
        ("counselling", "counseling"), ("anaesthesia", "anesthesia"), ("haemorrhage", "hemorrhage"),
        ("paediatric", "pediatric"), ("gaol", "jail"), ("misbehaviour", "misbehavior"),
    ],
)  # fmt: skip
def test_british_spelling_is_american_spelling(british: str, american: str) -> None:
    assert fold_word(british) == fold_word(american)


# Written for this test, as someone might type them; none is from a study.
SPANISH = [
    ("Lo detuvieron dos veces este año y pasó la noche en los separos.", "arrest"),
    ("Salió de la cárcel en marzo, después de tres años preso.", "incarceration"),
    ("La policía hizo una redada en el canal y se llevó a todos.", "crackdown"),
    ("Los policías lo pararon y lo revisaron sin motivo.", "stop-search"),
    ("Los agentes la hostigan y la insultan cada vez que pasa.", "harassment"),
    ("Le quitaron las jeringas y se las rompieron.", "equipment-confiscation"),
    ("Los policías lo golpearon y lo dejaron tirado.", "physical-violence"),
    ("Un agente la violó en la patrulla y nadie le creyó.", "sexual-violence"),
    ("Piden mordida para no llevarte.", "extortion"),
    ("Los metieron a un centro de rehabilitación en contra de su voluntad.", "compulsory-treatment"),
    ("A su hermano lo deportaron y ahora vive en la calle.", "migration-enforcement"),
    ("Tuvieron que desplazarse a otra colonia porque ya no los dejaban estar.", "displacement"),
    ("Tiene miedo de que la policía la agarre y por eso no carga jeringas.", "fear-avoidance"),
    ("No confían en la policía.", "police-legitimacy"),
    ("Se inyectan de prisa y a escondidas.", "hurried-injecting"),
    ("Comparten jeringas cuando no encuentran nuevas.", "equipment-sharing"),
    ("Recayó y volvió a usar heroína.", "use-patterns"),
    ("Dejó de ir al centro de salud; es difícil el acceso a los servicios.", "service-disruption"),
    ("Nadie se atrevió a llamar a la ambulancia.", "overdose-help-seeking"),
    ("Subió el precio de la heroína y bajó la pureza.", "market-disruption"),
    ("Sufren estigma y los tratan como basura.", "stigma"),
    ("Murió de una sobredosis.", "overdose"),
    ("Tenía VIH y hepatitis C.", "hiv-hcv"),
    ("Casi nunca usaban condón con los clientes.", "sexual-risk"),
    ("Padece depresión y ansiedad desde entonces.", "trauma-mental-health"),
    ("Perdió su trabajo y su vivienda.", "housing-livelihood"),
    ("Violaron sus derechos humanos.", "rights-violations"),
    ("La impunidad es total: las quejas contra los policías no llegan a nada.", "impunity"),
    ("Los programas de intercambio de jeringas reducen daños.", "harm-reduction"),
    ("Toma metadona todos los días.", "opioid-agonist-treatment"),
    ("Los agentes recibieron capacitación sobre naloxona.", "police-training"),
    ("Después de la despenalización bajaron los arrestos.", "law-evaluated"),
    ("La guerra contra las drogas fracasó.", "zero-tolerance"),
]


@pytest.mark.parametrize(("text", "theme"), SPANISH, ids=[theme for _, theme in SPANISH])
def test_spanish_is_understood(text: str, theme: str, corpus: lb.Corpus) -> None:
    assert theme in [one.theme for one in lb.tag(text, corpus.codebook)]


def test_spanish_without_a_theme_is_left_alone(corpus: lb.Corpus) -> None:
    text = "El domingo fuimos al mercado, compramos fruta y regresamos a casa caminando por el parque."
    assert not lb.tag(text, corpus.codebook).suggestions


def test_a_suggestion_has_the_share_that_coders_confirmed(corpus: lb.Corpus, score: lb.Score) -> None:
    shares = score.by_mentions.set_index("mentions").confirmed
    shown = score.confidence(lb.tag("Police arrested him. Arrests rose. He took methadone.", corpus.codebook))
    shown = shown.set_index("theme")
    assert shown.confidence["arrest"] == shares["2"] > shown.confidence["opioid-agonist-treatment"] == shares["1"]
    assert score.confidence(lb.tag("Nothing.", corpus.codebook)).empty


@pytest.mark.parametrize("level", ["study", "finding"])
def test_the_probabilities_of_the_model_hold_in_studies_it_was_not_trained_on(level, corpus, score) -> None:
    import numpy as np

    scored = score if level == "study" else lb.score(corpus, level)
    table = scored.calibration
    assert table.groupby("pairs").n.sum()["all"] > 6000
    # Probabilities that hold exactly are off by chance too, the more the fewer pairs: codes drawn by them tell how far.
    # Half as much again is allowed, as codes of one study go together and are not drawn singly.
    random = np.random.default_rng(0)
    for pairs in ("all", "terms find nothing"):
        for above in (0.0, 0.1):
            part = table[(table.pairs == pairs) & (table.low >= above)]
            drawn = random.binomial(part.n.to_numpy(), part.predicted, (2000, len(part))) / part.n.to_numpy()
            chance = np.quantile((np.abs(drawn - part.predicted.to_numpy()) * part.n.to_numpy()).sum(1), 0.95)
            assert scored.calibration_error(pairs, above) < 1.5 * chance / part.n.sum()
    assert table[table.pairs == "all"].confirmed.iloc[-1] > 0.85


def test_the_model_trusts_terms_as_far_as_they_hold_where_nobody_read_for_them() -> None:
    """A term that coders seldom confirm in studies not read for it is dropped; one that they confirm is kept."""
    import numpy as np

    from litbench._learned import Evidence, Judge

    random = np.random.default_rng(0)
    truth = random.random((400, 2)) < 0.2
    named = np.stack([truth[:, 0] ^ (random.random(400) < 0.03), random.random(400) < 0.2], axis=1)  # good, useless
    evidence = Evidence.nothing(400, 2)
    evidence.named[:] = named
    judge = Judge.fit(evidence, truth, truth.mean(0))
    likely = judge(evidence)
    assert judge.reliable[0] > 1 > 0 > judge.reliable[1]
    assert likely[named[:, 0], 0].min() > 0.7
    assert likely[named[:, 1], 1].max() < 0.38
    nothing = Judge.fit(evidence, np.zeros_like(truth), truth.mean(0))
    assert not nothing(evidence).any()


def test_the_model_is_fitted_to_the_terms_only_where_they_were_not_read(corpus: lb.Corpus) -> None:
    import numpy as np

    from litbench._learned import Tested

    part = few(corpus, corpus.studies.key.tolist()[:80])
    themes = tuple(theme.id for theme in part.codebook.in_use)
    held = [key for key in part.studies.key if key in part.codebook.held_out]
    assert 0 < len(held) < 80
    evidence, truth, _ = Tested.of(part, themes).unread("study")
    assert len(truth) == len(evidence.body) == len(held)
    nobody = replace(part, codebook=replace(part.codebook, held_out=()))
    assert len(Tested.of(nobody, themes).unread("study")[1]) == 80
    # No study is judged by a model, or by weights, that saw it.
    tested = Tested.of(part, themes)
    assert set(np.unique(tested.fold["study"])) == set(range(5))
    assert sum(len(tested.unread("study", but=number)[1]) for number in range(5)) == 4 * len(held)


def test_pieces_counted_by_word_are_those_of_scikit_learn(corpus: lb.Corpus) -> None:
    import numpy as np
    from sklearn.feature_extraction.text import TfidfVectorizer

    from litbench._learned import Reader

    statements = corpus.findings.statement[:200].tolist()
    reader = Reader.of(statements)
    plain = TfidfVectorizer(analyzer="char_wb", ngram_range=(4, 4), min_df=4, sublinear_tf=True).fit(statements)
    assert reader.pieces.get_feature_names_out().tolist() == plain.get_feature_names_out().tolist()
    texts = [*statements, "", "İstanbul  POLİS—ß ﬁn\t\u00a0x", "a"]
    pieces = reader(texts)[:, len(reader.words.vocabulary_) :]
    np.testing.assert_allclose(pieces.toarray(), plain.transform(texts).toarray(), rtol=0, atol=1e-12)
    assert reader([""]).nnz == 0


def test_a_sigmoid_finds_the_probability_behind_a_score() -> None:
    import numpy as np

    from litbench._learned import Sigmoid

    random = np.random.default_rng(0)
    scores = np.append(random.normal(0, 3, 20_000), -np.inf)
    truth = random.random(len(scores)) < 1 / (1 + np.exp(-(0.5 * scores - 1)))
    fitted = Sigmoid.fit(scores, truth)
    assert (fitted.slope, fitted.intercept) == pytest.approx((0.5, -1), abs=0.05)
    assert fitted(np.array([2.0, -np.inf])) == pytest.approx([0.5, 0], abs=0.02)


def test_other_sets_of_studies_can_be_scored_too(corpus: lb.Corpus) -> None:
    keys = corpus.studies.key.tolist()
    part = few(corpus, keys[:60])
    table = lb.score(part, also={"two": keys[:2]}).table
    assert table[table.studies == "two"].n_studies.unique().tolist() == [2]


def test_the_model_adds_themes_with_the_words_that_speak_for_them(corpus: lb.Corpus, model) -> None:
    for text in corpus.findings.statement:
        tags = lb.tag(text, corpus.codebook, model)
        added = [one for one in tags if one.by == "model" and one.words]
        if added:
            break
    alone = {one.theme for one in lb.tag(text, corpus.codebook)}
    assert tags.judged
    assert {one.theme for one in tags if one.by == "terms"} <= alone
    assert added[0].theme not in alone
    assert all(0.38 < one.score <= 1 for one in tags)
    assert added[0].words == tuple(dict.fromkeys(text[start:end] for start, end in added[0].places))
    assert not lb.tag("", corpus.codebook, model).suggestions
    assert "model" in repr(lb.tag("", corpus.codebook, model))
    assert "methadone" in model.words("opioid-agonist-treatment")


def test_the_model_learns_from_invented_examples_what_no_study_says(part: Path) -> None:
    corpus = lb.load_corpus(part)
    invented = pd.DataFrame(
        {
            "example": [f"stigma.x{number}" for number in range(20)],
            "statement": [f"In town {number} the vendors muttered zarbling words at them." for number in range(20)],
            "themes": "stigma",
        }
    ).astype("str")
    text = "Zarbling words were muttered."
    taught = lb.learn(replace(corpus, examples=pd.concat([corpus.examples, invented], ignore_index=True)))
    assert "stigma" in {one.theme for one in lb.tag(text, corpus.codebook, taught)}
    assert "stigma" not in {one.theme for one in lb.tag(text, corpus.codebook, lb.learn(corpus))}
    assert lb.learn(replace(corpus, examples=corpus.examples[:0])).themes == taught.themes


def test_the_model_drops_themes_that_it_finds_unlikely(corpus: lb.Corpus, model) -> None:
    statements = corpus.findings.statement[:300].tolist()
    tags, judged = lb.tag(statements, corpus.codebook), lb.tag(statements, corpus.codebook, model)
    by_terms, left = ({(row.id, row.theme) for row in frame.itertuples()} for frame in (tags, judged))
    assert by_terms - left
    assert left - by_terms
    assert len(by_terms & left) > len(by_terms) / 2


def test_the_model_tags_many_texts_as_it_tags_each(corpus: lb.Corpus, model) -> None:
    titles = corpus.studies.title[:20].tolist()
    statements = corpus.findings.statement[:20].tolist()
    frame = pd.DataFrame({"id": range(20), "title": titles, "abstract": statements})
    many = lb.tag(frame, corpus.codebook, model)
    assert many.columns.tolist() == lb.tag(frame, corpus.codebook).columns.tolist()
    for number, (title, statement) in enumerate(zip(titles, statements, strict=True)):
        one = lb.tag(f"{title}\n{statement}", corpus.codebook, model).to_frame().set_index("theme")
        here = many[many.id == number].set_index("theme")
        pd.testing.assert_frame_equal(
            here[["score", "negated", "words"]].sort_index(), one[["score", "negated", "words"]].sort_index()
        )
    series = pd.Series(statements, index=[f"s{number}" for number in range(20)])
    assert set(lb.tag(series, corpus.codebook, model).id) <= set(series.index)
    assert lb.tag([], corpus.codebook, model).empty


def test_a_heading_and_a_theme_that_the_model_does_not_know(model) -> None:
    book = codebook("arrest*")
    [suggestion] = lb.tag("Arrests rose.", book, model)  # t0 is no theme of the model: the terms decide
    assert (suggestion.theme, suggestion.score) == ("t0", 0.5)
    from litbench._learned import _heading

    assert _heading("one line") == _heading("one line\n \n") == 0
    assert _heading("\n Title \nText") == len("\n Title ")
