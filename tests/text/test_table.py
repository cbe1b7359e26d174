"""Tables of words: what is stored, what a text becomes, and what happens to words that are not known."""

from __future__ import annotations

import zlib
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from olacore.errors import DataError
from olacore.text import WordTable, words_in, words_read
from olacore.text.emoji import name_emoji
from olacore.text.table import FAR, ORDER, ZEROS, pack, unpack
from tests.support.set_samples import KNOWN, SIZE, word_table

TABLE = word_table()


def vector_of(word: str) -> np.ndarray:
    return TABLE.features([word])[0, :SIZE]


def test_words__of_a_text():
    assert words_in("A red-hot fox\u2019s den, 2 pigs") == ["a", "red", "hot", "fox's", "den", "2", "pigs"]


# What people write before what they want, and what is left of it: nothing.
BEFORE = (
    "a",
    "The",
    "my",
    "draw",
    "Draw me an",
    "please draw",
    "paint a",
    "generate",
    "show me the",
    "I want a",
    "I'd like to see some",
    "a picture of",
    "Could you please make me an image of the",
    "create an emoji of",
)


@pytest.mark.parametrize("before", BEFORE)
@pytest.mark.parametrize("text", ["red heart", "heart", "A button (blood type)", "paint brush", "i", "\u00e9t\u00e9"])
def test_words__requests_and_articles_before_what_is_wanted_are_not_read(before, text):
    assert words_read(f"{before} {text}") == words_read(f"{before} {text}, please") == words_in(text)


def test_words__articles_are_not_read_where_a_word_follows():
    assert words_read("a red heart above the blue square") == ["red", "heart", "above", "blue", "square"]
    assert words_read("man with a beard") == words_read("the man with the beard") == ["man", "with", "beard"]
    assert words_read("letter A") == ["letter", "a"]
    assert words_read("the A button (blood type)") == ["a", "button", "blood", "type"]
    assert words_read("l\u2019a b") == ["l'a", "b"]
    assert words_read("make up") == ["make", "up"]
    assert words_read("I love you hand sign") == ["i", "love", "you", "hand", "sign"]


@given(st.lists(st.sampled_from([*" ".join(BEFORE).split(), "please", "heart", "\u00e9"]), max_size=8))
@settings(max_examples=200, deadline=None)
def test_words__of_a_text_one_is_always_read(words):
    text = " ".join(words)
    read = words_read(text)
    assert bool(read) == bool(words)
    rest = iter(words_in(text))
    assert all(word in rest for word in read), "in the order of the text"


def test_table__keeps_vectors_within_half_a_level():
    vectors = np.random.default_rng(0).standard_normal((len(KNOWN), SIZE)).astype(np.float32)
    kept = np.array([vector_of(word) for word in KNOWN])
    largest = np.abs(vectors).max(1, keepdims=True)
    # Half a level of the widest scale, where no number is clipped; a narrower scale is only taken where it is better.
    assert (np.square(kept - vectors).sum(1) <= SIZE * (largest[:, 0] / 14 * 1.01) ** 2).all()


@given(st.data(), st.sampled_from([*ZEROS]), st.integers(1, 5), st.integers(1, 6))
@settings(max_examples=100, deadline=None)
def test_pack__every_byte_is_numbers_that_become_it_again(data, bits, rows, columns):
    packed = np.frombuffer(data.draw(st.binary(min_size=rows * columns, max_size=rows * columns)), np.uint8)
    packed = packed.reshape(rows, columns)
    levels = unpack(packed, bits)
    assert (levels.shape, levels.dtype) == ((rows, 8 * columns // bits), np.float32)
    np.testing.assert_array_equal(pack(levels, bits), packed)
    codes = [int(byte) >> start & (1 << bits) - 1 for byte in packed.ravel() for start in range(0, 8, bits)]
    np.testing.assert_array_equal(levels.ravel(), np.array(codes) - ZEROS[bits])


@given(st.sampled_from([*ZEROS]), st.integers(0, 1000), st.integers(-20, 20))
@settings(max_examples=50, deadline=None)
def test_table__of_any_bits_is_nearer_to_the_vectors_the_more_there_are(bits, seed, power):
    vectors = np.random.default_rng(seed).standard_normal((30, 64)) * 1.5**power
    words = [f"w{number:02}" for number in range(30)]
    table = WordTable.of(words, vectors, np.ones(30), bits)
    assert (table.bits, table.vectors.nbytes) == (bits, 30 * 8 * bits)
    kept = table.features(words)[:, :64]
    left = np.square(kept - vectors).sum(1) / np.square(vectors).sum(1)
    # Evenly spaced levels leave 0.363, 0.119 and 0.0115 of the variance of normal numbers at best (Max, 1960).
    assert left.mean() < {1: 0.43, 2: 0.14, 4: 0.015, 8: 2e-4}[bits]
    np.testing.assert_array_equal(WordTable(**table.tensors, size=64).features(words), table.features(words))


def test_features__are_the_weighted_mean_of_words_and_their_order():
    weights = {"with": 0.08 / FAR, "red": 1, "heart": 1}
    for text in ("with red heart", "red with heart"):
        words = text.split()
        heavy = np.array([weights[word] for word in words])
        heavy /= heavy.sum()
        vectors = np.array([vector_of(word) for word in words])
        where = np.linspace(-1, 1, 3)
        found = TABLE.features([text])[0]
        np.testing.assert_allclose(found[:SIZE], heavy @ vectors, rtol=0.02, atol=0.01)
        np.testing.assert_allclose(
            found[SIZE:], ORDER * (heavy * (where - heavy @ where)) @ vectors, rtol=0.02, atol=0.01
        )
    one, other = TABLE.features(["red heart", "heart red"])
    np.testing.assert_allclose(one[:SIZE], other[:SIZE], rtol=1e-5, atol=1e-6)
    assert np.abs(one[SIZE:] - other[SIZE:]).max() > 0.05
    assert not TABLE.features(["heart"])[0, SIZE:].any(), "one word has no order"


@given(st.lists(st.text(max_size=30), max_size=4))
@settings(max_examples=50, deadline=None)
def test_features__of_any_text_are_finite_and_do_not_depend_on_the_others(texts):
    found = TABLE.features(texts)
    assert found.shape == (len(texts), 2 * SIZE)
    assert np.isfinite(found).all()
    for text, line in zip(texts, found, strict=True):
        np.testing.assert_array_equal(TABLE.features([text])[0], line)


def test_features__of_an_even_table_have_means_of_length_1():
    table, texts = word_table(even=True), ["red heart with hearts", "heart", "zzzz", "juggle a red"]
    plain, found = TABLE.features(texts), table.features(texts)
    lengths = np.linalg.norm(plain[:, :SIZE], axis=1, keepdims=True)
    np.testing.assert_allclose(found * lengths, plain, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(found[:, :SIZE], axis=1), [1, 1, 0, 1], atol=1e-6)
    np.testing.assert_array_equal(table.features(texts, summed=True), TABLE.features(texts, summed=True))


def test_unknown__words_are_read_as_those_that_they_are_spelt_like():
    assert TABLE.spelt_like("haert") == ["heart"], "two letters changed places"
    assert TABLE.spelt_like("hxrt") == []
    assert TABLE.spelt_like("hear") == ["heart", "hearts"]
    assert TABLE.read("two juggler, red") == ([[TABLE.places["juggle"]], [TABLE.places["red"]]], ["two", "juggler"])
    assert TABLE.read("fox's")[1] == [], "a genitive is the word"
    np.testing.assert_array_equal(TABLE.features(["zzzz", ""]), 0)


def test_emoji__are_named():
    assert name_emoji("a red heart") == "a red heart"
    assert name_emoji("\N{ROCKET} & \N{HEAVY BLACK HEART}\ufe0f!") == " rocket  &  red heart !"
    assert name_emoji("\U0001f469\U0001f3ff\u200d\U0001f373") == " woman cook: dark skin tone "
    assert (
        name_emoji("\N{SUN WITH FACE}\N{WHITE MEDIUM STAR}\N{BLACK CHESS KING}").split("  ")[2] == "black chess king "
    )
    assert name_emoji("\u00e9t\u00e9 \u96ea") == "\u00e9t\u00e9 \u96ea"


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"words": np.frombuffer(b"no zlib", np.uint8)}, "are damaged"),
        ({"words": np.frombuffer(zlib.compress(b"a\nb")[:-6], np.uint8)}, "cut off"),
        ({"words": np.frombuffer(zlib.compress(b"a\nb"), np.uint8)}, "20 vectors and 2 different words|vectors and 2"),
        ({"words": np.frombuffer(zlib.compress(b"\xff\xfe"), np.uint8)}, "are damaged"),
        ({"size": 3}, "a vector of 3 numbers needs 1, 2, 4 or 8 bits for each, and whole bytes; .* has 2 bytes a word"),
        ({"size": 0}, "a vector of 0 numbers"),
        ({"size": 1 << 40}, "a vector of 1099511627776 numbers"),
        ({"size": 16, "vectors": np.zeros((len(KNOWN), 6), np.uint8)}, "has 6 bytes a word"),
        ({"vectors": np.zeros((0, 2), np.uint8)}, "needs a vector, a scale and a weight for each"),
        ({"scales": np.full(len(KNOWN), np.nan, np.float16)}, "needs finite scales"),
        ({"weights": np.zeros(len(KNOWN), np.uint8)}, "weights above 0"),
        ({"weights": np.ones(len(KNOWN), np.float32)}, "a weight for each; got"),
    ],
)
def test_table__refuses_what_does_not_fit(changes, sentence):
    with pytest.raises(DataError, match=sentence):
        replace(TABLE, **changes)


def test_table__of_no_vectors_of_length():
    table = WordTable.of(["nothing", "one"], np.array([[0.0, 0.0], [1.0, -0.5]]), np.ones(2))
    np.testing.assert_array_equal(table.features(["nothing"])[0], 0)


def test_features__summed_count_a_word_alike_in_long_texts_and_in_short_ones():
    table = WordTable.of(["above", "blue", "heart", "red"], np.eye(4), np.array([0.3, 0.3, 0.3, 0.15]))
    short, long = table.features(["red heart", "red heart above blue heart"], summed=True)
    np.testing.assert_allclose(short[:4], [0, 0, 1, 0.5], atol=0.01)
    np.testing.assert_allclose(long[:4], [1, 1, 2, 0.5], atol=0.01)
    means = table.features(["red heart"])[0]
    np.testing.assert_allclose(short, means * short[:4].sum(), atol=0.01)
    order = table.features(["red heart above blue heart", "blue heart above red heart"], summed=True)
    np.testing.assert_array_equal(*order[:, :4])
    assert np.abs(order[0, 4:] - order[1, 4:]).max() > 0.4
