"""Jobs of a kernel that threads take as they come free."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Event

import numba
import numpy as np
import pytest

from olacore.jit import sharing
from olacore.jit.sharing import WORTH_A_THREAD, _pool, handed_out
from tests.support.kernel_cases import run_with_threads

MOST = numba.config.NUMBA_NUM_THREADS
several = pytest.mark.skipif(bool(MOST < 2 or numba.config.DISABLE_JIT), reason="there is one thread")


def counting(work):
    """A kernel that hands its array on as it is given."""
    return handed_out(work)(lambda *given: (MOST * WORTH_A_THREAD, given))


def add_one(counter, out):
    """Jobs in plain Python, for one thread at a time."""
    while (job := int(counter[0])) < out.size:
        counter[0] += 1
        out[job] += 1


def test_handed_out__prepares_and_does_every_job():
    @handed_out(add_one)
    def kernel(out, more):
        """Doc."""
        out += more
        return 0, (out,)

    assert (kernel.__name__, kernel.__doc__) == ("kernel", "Doc.")
    out = np.zeros(5)
    run_with_threads(1, lambda: kernel(out, 2) or out)
    np.testing.assert_array_equal(out, 3)


@several
def test_handed_out__others_take_part():
    both = Barrier(2, timeout=60)
    out = np.zeros(2)
    run_with_threads(2, lambda: counting(lambda counter, out: both.wait())(out) or out)


def test_handed_out__wakes_nobody_for_little(monkeypatch):
    monkeypatch.setattr(sharing, "_pool", None)
    out = np.zeros(3)
    little = handed_out(add_one)(lambda out: (WORTH_A_THREAD - 1, (out,)))
    run_with_threads(2, lambda: little(out) or out)
    np.testing.assert_array_equal(out, 1)


@several
def test_handed_out__waits_for_nobody_who_has_not_begun():
    busy, free = Barrier(MOST, timeout=60), Event()

    def wait():
        busy.wait()
        free.wait(60)

    held = [_pool().submit(wait) for _ in range(MOST - 1)]
    busy.wait()
    try:
        out = np.zeros(3)
        run_with_threads(2, lambda: counting(add_one)(out) or out)
        np.testing.assert_array_equal(out, 1)
        assert not any(one.done() for one in held)
    finally:
        free.set()
    for one in held:
        one.result(60)


@several
def test_handed_out__what_fails_on_another_thread_is_raised():
    both = Barrier(2, timeout=60)

    def work(counter, out):
        if both.wait() == 0:
            raise KeyError

    with pytest.raises(KeyError):
        run_with_threads(2, lambda: counting(work)(np.zeros(1)) or np.zeros(1))


def test_handed_out__works_alone_where_no_thread_can_be_started(monkeypatch):
    ended = ThreadPoolExecutor(1)
    ended.shutdown()
    monkeypatch.setattr(sharing, "_pool", lambda: ended)
    out = np.zeros(3)
    run_with_threads(2, lambda: counting(add_one)(out) or out)
    np.testing.assert_array_equal(out, 1)


@pytest.mark.skipif(sys.platform == "win32", reason="there is no fork")
def test_handed_out__a_forked_process_works_alone():
    code = """
import os, warnings
import numpy as np
from olacore.jit.flags import serial
from olacore.jit.sharing import WORTH_A_THREAD, handed_out
from olacore.kernels.handing import take_job
warnings.simplefilter("ignore")
@serial
def work(counter, out):
    job = take_job(counter)
    while job < out.size:
        out[job] += 1
        job = take_job(counter)
kernel, out = handed_out(work)(lambda out: (WORTH_A_THREAD, (out,))), np.zeros(4)
kernel(out)
child = os.fork()
kernel(out)
if not child:
    os._exit(0 if out.sum() == 8 else 1)
print(os.waitpid(child, 0)[1], out.sum())
"""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120)
    assert run.stdout.split() == ["0", "8.0"]
