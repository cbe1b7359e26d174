"""Sheets of pictures: where the parts stand, and text that no name can break."""

import numpy as np
import pytest

from olacore.media.canvas import GAP, LINE, PAPER, below, beside, caption, fit, framed, grid, padded, shortened
from tests.support.makers import smooth_pictures

ODD_NAMES = (
    "straße.jpg",
    "Ελλάδα, мир, 漢字, 한국어.png",
    "\U0001f600 and \U0010ffff.png",
    "שלום and شكرا.png",
    "\udcff\udc80 are no letters.png",
    "e\u0301\u0308\u200b\u202e.png",
    "a\ttab, a\x00zero and a\x1b[31mcode",
    "ends of\rparagraphs\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029",
    "",
)


def is_paper(part: np.ndarray) -> bool:
    return bool((part == PAPER).all())


@pytest.mark.parametrize("name", ODD_NAMES)
def test_caption__takes_any_name(name):
    drawn = caption(name, 300)
    assert (drawn.shape, drawn.dtype) == ((LINE, 300, 3), np.uint8)
    assert is_paper(drawn) == (name == "")


def test_caption__draws_letters_beyond_latin():
    """They were question marks once: other letters have to look different."""
    assert not np.array_equal(caption("мир", 60), caption("сон", 60))
    assert not np.array_equal(caption("ξ", 60), caption("λ", 60))


def test_caption__keeps_the_order_of_words_around_a_name_that_is_read_from_the_right():
    name = "\u05d0" * 5
    whole, alone = caption(f"7: {name}", 200), caption("7:", 200)
    left = slice(0, 10)
    np.testing.assert_array_equal(whole[:, left], alone[:, left])


def test_caption__has_as_many_lines_as_asked_and_no_more():
    text = "one\ntwo\nthree"
    three = caption(text, 80, 3)
    assert three.shape == (3 * LINE, 80, 3)
    for number, word in enumerate(text.split("\n")):
        np.testing.assert_array_equal(three[number * LINE : (number + 1) * LINE], caption(word, 80))
    np.testing.assert_array_equal(caption(text, 120, 1), caption("one two three", 120))
    np.testing.assert_array_equal(caption(text, 120, 2)[LINE:], caption("two three", 120))
    assert is_paper(caption("one", 80, 2)[LINE:])


def test_caption__stays_within_its_width():
    text = "a very long name " * 300
    wide, narrow = caption(text, 400), caption(text, 3)
    assert wide.shape == (LINE, 400, 3)
    assert is_paper(wide[:, -1])
    assert narrow.shape == (LINE, 3, 3)


def test_shortened__leaves_the_middle_out():
    name = "20: " + "x" * 200 + ".png, held-out"
    shown = shortened(name, 200)
    head, tail = shown.split("…")
    assert name.startswith(head)
    assert name.endswith(tail)
    assert abs(len(head) - len(tail)) <= 1
    assert len(shortened(name, 210)) > len(shown) > 20
    assert shortened("short", 200) == "short"
    assert shortened("", 0) == ""


@pytest.mark.parametrize(
    ("size", "box", "shown"),
    [((10, 20), (160, 160), (80, 160)), ((300, 100), (50, 60), (60, 20)), ((1, 999), (64, 64), (1, 64))],
)
def test_fit__keeps_the_shape_within_the_box(size, box, shown):
    picture = smooth_pictures(1, *size)[0]
    for smooth in (True, False):
        assert fit(picture, *box, smooth=smooth).shape == (*shown, 3)


def test_fit__without_smoothing_repeats_pixels_and_takes_means():
    picture = smooth_pictures(1, 4, 6)[0]
    np.testing.assert_array_equal(fit(picture, 18, 99, smooth=False), picture.repeat(3, 0).repeat(3, 1))
    means = picture.reshape(2, 2, 3, 2, 3).mean((1, 3))
    # Pillow rounds after each axis.
    assert np.abs(fit(picture, 3, 99, smooth=False) - means).max() <= 1


def test_beside_and_below__align_parts_and_fill_with_paper():
    large, small = smooth_pictures(1, 9, 7)[0], smooth_pictures(1, 4, 5)[0]
    sheet = beside([large, small])
    assert sheet.shape == (9, 7 + GAP + 5, 3)
    np.testing.assert_array_equal(sheet[:, :7], large)
    np.testing.assert_array_equal(sheet[:4, 7 + GAP :], small)
    assert is_paper(sheet[:, 7 : 7 + GAP])
    assert is_paper(sheet[4:, 7:])
    turned = below([large.swapaxes(0, 1), small.swapaxes(0, 1)])
    np.testing.assert_array_equal(turned, sheet.swapaxes(0, 1))
    np.testing.assert_array_equal(beside([small]), small)
    assert below([large, small], 0).shape == (13, 7, 3)


def test_padded_and_framed__leave_the_part_as_it_is():
    part = smooth_pictures(1, 3, 4)[0]
    np.testing.assert_array_equal(padded(part), part)
    np.testing.assert_array_equal(padded(part, 2, 2), part)
    wide = padded(part, 6, 5)
    assert wide.shape == (5, 6, 3)
    np.testing.assert_array_equal(wide[:3, :4], part)
    assert is_paper(wide[3:])
    assert is_paper(wide[:, 4:])
    frame = framed(part)
    np.testing.assert_array_equal(frame[GAP:-GAP, GAP:-GAP], part)
    assert is_paper(frame[:GAP])
    assert is_paper(frame[:, -GAP:])


def test_grid__puts_titles_over_columns_and_labels_over_rows():
    pictures = smooth_pictures(4, 20, 30).reshape(2, 2, 20, 30, 3)
    sheet = grid(pictures, ("left", "right\nand a second line"), ("first", "second"), least=50)
    width, height = 50 + GAP, LINE + 20 + GAP
    assert sheet.shape == (GAP + 2 * LINE + 2 * height, GAP + 2 * width, 3)
    for y in range(2):
        for x in range(2):
            top, left = GAP + 2 * LINE + y * height + LINE, GAP + x * width
            np.testing.assert_array_equal(sheet[top : top + 20, left : left + 30], pictures[y, x])
    head = sheet[GAP : GAP + 2 * LINE, GAP + width : GAP + width + 50]
    np.testing.assert_array_equal(head, caption("right\nand a second line", 50, 2))
    top = GAP + 2 * LINE + height
    np.testing.assert_array_equal(sheet[top : top + LINE, GAP : GAP + 106], caption("second", 106))


def test_grid__without_text_has_pictures_of_any_size():
    tall, wide = smooth_pictures(1, 9, 4)[0], smooth_pictures(1, 3, 8)[0]
    sheet = grid([[tall, wide], [wide, tall]])
    assert sheet.shape == (9 + 9 + 3 * GAP, 8 + 8 + 3 * GAP, 3)
    np.testing.assert_array_equal(sheet[GAP + 9 + GAP :, GAP + 8 + GAP :][:9, :4], tall)
