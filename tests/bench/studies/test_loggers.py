"""What loggers cost."""

from bench.studies.loggers import measure, table
from olacore.search.loggers import LOGGERS, TensorBoard
from tests.support.makers import write_pictures


def test_measure__counts_every_line_and_gives_the_logger_back(tmp_path):
    data = write_pictures(tmp_path / "data.h5")
    found = measure("tensorboard", data, 20, tmp_path, population=4, block=64)
    assert LOGGERS["tensorboard"] is TensorBoard
    assert found["lines"] == 7  # 1, 2, 4, 8, 10, 20, and the held-out figures
    assert 0 < found["callback"] < found["search"]
    assert found["thread"] > 0
    assert table([found]).rows[0][0] == "tensorboard"
