"""Types of options."""

import click
import pytest

from olacore.commands.options import Bytes, Numbers, Option, Seconds


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        (Bytes(), "65536", 65536),
        (Bytes(), "256KB", 256 << 10),
        (Bytes(), "256k", 256 << 10),
        (Bytes(), "1.5MB", 3 << 19),
        (Bytes(), "9B", 9),
        (Seconds(), "90", 90.0),
        (Seconds(), "90s", 90.0),
        (Seconds(), "5m", 300.0),
        (Seconds(), "1.5h", 5400.0),
        (Numbers(), "1,1,2,0.5", (1.0, 1.0, 2.0, 0.5)),
        (Option(), "sigma=0.1", ("sigma", "0.1")),
        (Option(), "rule=a=b", ("rule", "a=b")),
    ],
)
def test_convert__reads_what_users_write(kind, text, value):
    assert kind.convert(text, None, None) == value


@pytest.mark.parametrize(
    ("kind", "texts", "sentence"),
    [
        (Bytes(), ("", "KB", "much", "10KMB", "nan", "infMB", "1GB"), "is no size; write 65536, 256KB or 1.5MB"),
        (Seconds(), ("", "soon", "s", "1d"), "is no duration; write 90s, 5m or 1.5h"),
        (Numbers(), ("", "1;2", "1,"), "is no list of numbers such as 1,1,2,0.5"),
        (Option(), ("sigma", "=1"), "is no option; write NAME=VALUE"),
    ],
)
def test_convert__refuses_anything_else(kind, texts, sentence):
    for text in texts:
        with pytest.raises(click.BadParameter, match=sentence):
            kind.convert(text, None, None)
