"""What `docs/embedding.md` shows and promises, each in a fresh process."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import numba
import numpy as np
import pytest

from olacore import embed
from olacore.embed import checked
from olacore.errors import ConfigError
from tests.support.documents import blocks

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT = (ROOT / "docs" / "embedding.md").read_text(encoding="utf-8")
BLOCKS = blocks("docs/embedding.md")
EXAMPLES = [(code.heading, code.text, output.text) for code, output in zip(BLOCKS[::2], BLOCKS[1::2], strict=True)]
pytestmark = pytest.mark.skipif(bool(numba.config.DISABLE_JIT), reason="takes minutes without the JIT")

SMALL = """
import numpy as np
rng = np.random.default_rng(0)
weights, biases, x = (rng.standard_normal(shape, np.float32) for shape in ((3, 2, 4), (3, 2), (5, 4)))
expected = np.tanh(np.einsum("poi,ni->pno", weights, x) + biases[:, None])
"""


def run_alone(code: str, **environment: str) -> str:
    """What a fresh process without torch prints."""
    hidden = "import sys; sys.modules['torch'] = None\n"
    wanted = {"PYTHONPATH": str(ROOT), **environment}
    command = [sys.executable, "-W", "error", "-c", hidden + code]
    run = subprocess.run(command, capture_output=True, text=True, env={**os.environ, **wanted}, timeout=300)
    assert run.returncode == 0, run.stderr
    return run.stdout


def test_document__has_three_examples():
    assert len(EXAMPLES) == 3
    assert [block.kind for block in BLOCKS] == ["python", "text"] * 3


@pytest.mark.parametrize(("code", "output"), [pytest.param(*e[1:], id=e[0]) for e in EXAMPLES])
def test_document__example_prints_what_it_says(code, output):
    assert run_alone(code) == output


def test_document__names_everything_public():
    for name in [*embed.__all__, "forward", "score", "threads"]:
        assert f"`{name}" in DOCUMENT, name
        assert hasattr(embed if name in embed.__all__ else checked, name)


def test_import__changes_nothing_global(tmp_path):
    code = """
import logging, os, threading, warnings
import h5py, numba
def look():
    loggers = [logging.root, *(logging.getLogger(n) for n in logging.root.manager.loggerDict if "olacore" in n)]
    handlers = [handler for logger in loggers for handler in logger.handlers]
    return dict(os.environ), handlers, logging.root.level, list(warnings.filters), threading.active_count()
before = look()
from olacore import embed, load
from olacore.embed import checked
from numba.np.ufunc import parallel
assert look() == before
assert not parallel._is_initialized
try:
    numba.threading_layer()
except ValueError:
    print("no layer chosen")
"""
    assert run_alone(code, XDG_CACHE_HOME=str(tmp_path)) == "no layer chosen\n"
    assert not [*tmp_path.iterdir()]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork")
def test_fork__after_import_and_before_the_first_call():
    code = """
import os
from olacore.embed.checked import forward
child = os.fork()
np.testing.assert_allclose(forward(weights, biases, x), expected, atol=1e-6)
if child:
    assert os.waitpid(child, 0)[1] == 0
    print("both are right")
"""
    assert run_alone(SMALL + code) == "both are right\n"


@pytest.mark.parametrize("layer", ["workqueue", "default"])
def test_python_threads__may_call_at_once(layer):
    code = """
import threading
from olacore.embed.checked import forward, score
y = np.zeros((5, 2), np.float32)
losses = (expected.astype(np.float64) ** 2).mean(1)
wrong = []
def work(k):
    for _ in range(50):
        if not np.allclose(forward(weights[k], biases[k], x), expected[k], atol=1e-6):
            wrong.append(k)
        if not np.allclose(score(weights, biases, x, y, n_threads=1 + k % 2), losses, rtol=1e-5):
            wrong.append(k)
workers = [threading.Thread(target=work, args=(k,)) for k in range(3)]
for worker in workers:
    worker.start()
for worker in workers:
    worker.join()
print(wrong)
"""
    threads = str(max(2, numba.config.NUMBA_NUM_THREADS))
    assert run_alone(SMALL + code, NUMBA_THREADING_LAYER=layer, NUMBA_NUM_THREADS=threads) == "[]\n"


def test_python_threads__may_use_a_module_at_once():
    code = """
import threading
from olacore.modules.module import Module
from olacore.views.scaling import Scaling
from olacore.views.patch import PatchDecoder
view = PatchDecoder(channels=4)
weights = np.random.default_rng(1).standard_normal((view.outputs, view.inputs), np.float32)
module = Module(view, None, weights, np.zeros(view.outputs, np.float32), Scaling.identity(view.inputs, view.outputs))
latents = np.random.default_rng(2).standard_normal((4, 16, 16), np.float32)
alone, wrong = module.decode(latents), []
def work():
    for _ in range(50):
        if not np.array_equal(module.decode(latents), alone):
            wrong.append(1)
workers = [threading.Thread(target=work) for _ in range(3)]
for worker in workers:
    worker.start()
for worker in workers:
    worker.join()
print(wrong)
"""
    threads = str(max(2, numba.config.NUMBA_NUM_THREADS))
    assert run_alone(SMALL + code, NUMBA_THREADING_LAYER="workqueue", NUMBA_NUM_THREADS=threads) == "[]\n"


def test_python_threads__may_train_and_decode_at_once(tmp_path):
    code = f"""
import threading
import olacore
from olacore.data.sample import sample_path
latents = np.random.default_rng(2).standard_normal((4, 16, 16), np.float32)
module = olacore.load("sd15-decoder")
alone, right = module.decode(latents), []
def train(kind):
    config = olacore.TrainConfig(module=kind, h5=sample_path(), generations=5, block=512, out={str(tmp_path)!r} + kind)
    right.append(olacore.train(config).stopped == "generations")
def decode():
    right.append(all(np.array_equal(module.decode(latents), alone) for _ in range(50)))
calls = [(train, "encoder"), (train, "decoder"), (decode,), (decode,)]
workers = [threading.Thread(target=call[0], args=call[1:]) for call in calls]
for worker in workers:
    worker.start()
for worker in workers:
    worker.join()
print(right)
"""
    threads = str(max(2, numba.config.NUMBA_NUM_THREADS))
    run = run_alone(SMALL + code, NUMBA_THREADING_LAYER="workqueue", NUMBA_NUM_THREADS=threads)
    assert run == "[True, True, True, True]\n"


def test_threads__callers_number_is_back_after_an_error():
    rng = np.random.default_rng(0)
    arrays = [rng.standard_normal(shape, np.float32) for shape in ((3, 2, 4), (3, 2), (5, 4), (5, 2))]
    before = numba.get_num_threads()

    @numba.njit
    def two_numbers_short(prediction):
        return prediction

    with pytest.raises(numba.TypingError):
        checked.score(*arrays, loss=two_numbers_short, n_threads=1)
    assert numba.get_num_threads() == before
    with pytest.raises(ConfigError, match="n_threads"):
        checked.score(*arrays, n_threads=10_000)
    assert numba.get_num_threads() == before
    checked.score(*arrays)  # the lock is free again


def test_threads__a_number_belongs_to_its_python_thread():
    before, seen = numba.get_num_threads(), []

    def work():
        with checked.threads(1):
            seen.append(numba.get_num_threads())

    worker = threading.Thread(target=work)
    worker.start()
    worker.join()
    assert seen == [1]
    assert numba.get_num_threads() == before
