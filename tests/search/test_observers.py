"""Events of a search."""

from olacore.search.observers import Started, Trying
from olacore.search.train import train
from tests.support.makers import make_config, write_plain


def test_trying__tells_of_each_trial_before_the_search(tmp_path):
    path, events = write_plain(tmp_path / "few.h5", 90), []
    train(make_config(path, tmp_path / "run", strategy="rows", generations=1), (events.append,))
    shrinkages = ("0", "0.001", "0.01", "0.03", "0.1", "0.3", "1", "3")
    assert events[:8] == [Trying(number, 8, f"shrinkage {tried}") for number, tried in enumerate(shrinkages, 1)]
    assert isinstance(events[8], Started)
