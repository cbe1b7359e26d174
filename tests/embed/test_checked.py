import threading

import numba
import numpy as np
import pytest

from olacore.embed.checked import check_array, compiled_loss, forward, forward_stack, score
from olacore.errors import ConfigError, DTypeError, ShapeError
from tests.support.kernel_cases import COMPILED, quartic

MOST = numba.config.NUMBA_NUM_THREADS


@pytest.fixture
def case():
    """Weights, biases, x and y of 3 genomes, 2 outputs, 4 inputs and 5 samples."""
    rng = np.random.default_rng(0)
    return [rng.standard_normal(shape, np.float32) for shape in ((3, 2, 4), (3, 2), (5, 4), (5, 2))]


def predict(weights, biases, x):
    return np.tanh(np.einsum("...oi,ni->...no", weights, x) + biases[..., None, :])


def test_forward__population_and_single_module(case):
    weights, biases, x, _ = case
    out = forward(weights, biases, x)
    np.testing.assert_allclose(out, predict(weights, biases, x), rtol=0, atol=1e-6)
    assert out.flags.c_contiguous
    np.testing.assert_array_equal(forward(weights[1].copy(), biases[1].copy(), x), out[1])


def test_forward_stack__each_layer_reads_everything_before_it():
    rng = np.random.default_rng(1)
    x = rng.standard_normal((300 if COMPILED else 5, 4), np.float32)
    layers = [
        (rng.standard_normal((out, width), np.float32), rng.standard_normal(out, np.float32))
        for out, width in ((3, 4), (5, 7), (2, 12))
    ]
    read = x
    for weights, biases in layers:
        answer = predict(weights, biases, read)
        read = np.hstack([read, answer])
    np.testing.assert_allclose(forward_stack(layers, x), answer, rtol=0, atol=1e-5)
    np.testing.assert_allclose(forward_stack(layers[:1], x), forward(*layers[0], x), rtol=0, atol=1e-6)


def test_forward_stack__names_a_layer_that_does_not_fit():
    layers = [
        (np.ones((3, 4), np.float32), np.ones(3, np.float32)),
        (np.ones((2, 3), np.float32), np.ones(2, np.float32)),
    ]
    x = np.ones((5, 4), np.float32)
    with pytest.raises(ShapeError, match=r"weights of layer 1 must be float32 \(out, in\) with in = 7"):
        forward_stack(layers, x)
    with pytest.raises(ShapeError, match=r"biases of layer 0 must be float32 \(out\) with out = 3"):
        forward_stack([(layers[0][0], np.ones(2, np.float32))], x)
    with pytest.raises(ConfigError, match="a stack needs at least one layer"):
        forward_stack([], x)


@pytest.mark.parametrize(
    ("loss", "expected"),
    [
        ("mse", lambda e: e**2),
        ("mae", np.abs),
        ("huber", lambda e: np.where(np.abs(e) <= 1, e**2 / 2, np.abs(e) - 0.5)),
        (quartic, lambda e: e**4),
    ],
)
def test_score__every_loss(case, loss, expected):
    weights, biases, x, y = case
    error = predict(weights, biases, x) - y
    np.testing.assert_allclose(score(*case, loss=loss), expected(error).mean(1), rtol=1e-5)


def test_score__writes_into_out(case):
    out = np.zeros((3, 2), np.float32)
    assert score(*case, out=out) is out
    np.testing.assert_array_equal(out, score(*case))


def test_score__takes_read_only_inputs_and_leaves_them_alone(case):
    expected, before = score(*case), [array.copy() for array in case]
    for array in case:
        array.flags.writeable = False
    np.testing.assert_array_equal(score(*case), expected)
    np.testing.assert_array_equal(forward(*case[:3]), forward(*before[:3]))
    for array, copy in zip(case, before, strict=True):
        np.testing.assert_array_equal(array, copy)


def test_score__refuses_a_read_only_out(case):
    out = np.zeros((3, 2), np.float32)
    out.flags.writeable = False
    with pytest.raises(DTypeError, match="out must be float32 \\(pop, out\\) and writable; got a read-only array"):
        score(*case, out=out)


@pytest.mark.parametrize("which", range(4))
def test_score__refuses_float64(case, which):
    case[which] = case[which].astype(np.float64)
    with pytest.raises(DTypeError, match=r"must be float32 \(.*\); got float64 \(.*Use np.ascontiguousarray"):
        score(*case)


def test_score__refuses_a_list(case):
    with pytest.raises(DTypeError, match="biases must be float32 \\(pop, out\\); got list"):
        score(case[0], case[1].tolist(), *case[2:])


@pytest.mark.parametrize("which", range(4))
def test_score__refuses_another_order(case, which):
    case[which] = np.asfortranarray(case[which])
    with pytest.raises(DTypeError, match="in C order; got strides"):
        score(*case)


@pytest.mark.parametrize("which", range(4))
def test_score__refuses_another_rank(case, which):
    case[which] = case[which][0].copy()
    with pytest.raises(ShapeError, match=r"got [12] axes"):
        score(*case)


@pytest.mark.parametrize("which", range(4))
def test_score__refuses_an_empty_array(case, which):
    case[which] = case[which][:0].copy()
    with pytest.raises(ShapeError, match="at least one entry along each axis"):
        score(*case)


@pytest.mark.parametrize(
    ("which", "cut", "message"),
    [
        (1, np.s_[:2], "biases .* pop = 3 as in the arrays before it; got \\(2, 2\\)"),
        (1, np.s_[:, :1], "biases .* out = 2 as in the arrays before it; got \\(3, 1\\)"),
        (2, np.s_[:, :3], "x .* in = 4 as in the arrays before it; got \\(5, 3\\)"),
        (3, np.s_[:4], "y .* n = 5 as in the arrays before it; got \\(4, 2\\)"),
        (3, np.s_[:, :1], "y .* out = 2 as in the arrays before it; got \\(5, 1\\)"),
    ],
)
def test_score__refuses_sizes_that_disagree(case, which, cut, message):
    case[which] = case[which][cut].copy()
    with pytest.raises(ShapeError, match=message):
        score(*case)


def test_forward__refuses_sizes_that_disagree(case):
    with pytest.raises(ShapeError, match="x must be float32 \\(n, in\\) with in = 4"):
        forward(case[0], case[1], case[2][:, :3].copy())


def test_compiled_loss__refuses_unknown_names_and_plain_functions():
    with pytest.raises(ConfigError, match=r"loss must be mse, mae, huber or a function .* got 'cosine'"):
        compiled_loss("cosine")
    if COMPILED:
        with pytest.raises(ConfigError, match=r"compiled with numba\.njit; got <function"):
            compiled_loss(lambda p, y: p - y)


@pytest.mark.parametrize("n_threads", [0, -1, MOST + 1, 1.0, "2"])
def test_threads__refuses_what_is_out_of_range(case, n_threads):
    with pytest.raises(ConfigError, match=f"n_threads must be a whole number from 1 to {MOST}; got"):
        forward(*case[:3], n_threads=n_threads)


def test_score__same_bits_for_any_number_of_threads(case):
    np.testing.assert_array_equal(score(*case, n_threads=1), score(*case, n_threads=MOST))


def test_score__from_several_python_threads(case):
    expected, results = score(*case), [None] * 4

    def work(k):
        for _ in range(20 if COMPILED else 1):
            results[k] = score(*case)

    workers = [threading.Thread(target=work, args=(k,)) for k in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    for result in results:
        np.testing.assert_array_equal(result, expected)


def test_check_array__remembers_sizes():
    sizes = {"in": 4}
    check_array("x", np.zeros((5, 4), np.float32), "n, in", sizes)
    assert sizes == {"in": 4, "n": 5}
