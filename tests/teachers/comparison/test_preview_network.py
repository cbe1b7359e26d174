"""The preview network: its file, and that it is the network that the file was made for."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from olacore.errors import DataError, FileFormatError, ShapeError  # noqa: E402
from teachers.comparison.preview_network import CHANNELS, KERNELS, PreviewNetwork  # noqa: E402


def weights() -> dict[str, "torch.Tensor"]:
    random = torch.Generator().manual_seed(0)
    made = {}
    for number, side in enumerate(KERNELS, 1):
        shape = (CHANNELS[number], CHANNELS[number - 1], side, side)
        made[f"conv{number}.weight"] = torch.randn(shape, generator=random) * 0.1
        made[f"conv{number}.bias"] = torch.randn(shape[0], generator=random) * 0.1
    return made


@pytest.fixture
def path(tmp_path):
    torch.save(weights(), tmp_path / "net.pt")
    return tmp_path / "net.pt"


def test_small__is_the_network_layer_by_layer(path):
    latents = np.random.default_rng(0).normal(size=(2, 4, 5, 6)).astype(np.float32)
    layers: list[torch.nn.Module] = [torch.nn.Upsample(scale_factor=2), torch.nn.ZeroPad2d(11)]
    for number, side in enumerate(KERNELS, 1):
        layers += [torch.nn.Conv2d(CHANNELS[number - 1], CHANNELS[number], side), torch.nn.LeakyReLU(0.1)]
    network = torch.nn.Sequential(*layers)
    network.load_state_dict({
        f"{2 * int(name[4]) }.{name[6:]}": weight for name, weight in weights().items()
    })  # fmt: skip
    with torch.no_grad():
        # Latents are read as float16.
        answer = network(torch.from_numpy(latents.astype(np.float16)).float()).permute(0, 2, 3, 1).numpy()
    expected = np.clip(np.rint((answer + 1) * 127.5), 0, 255)
    made = PreviewNetwork(path).small(latents)
    assert made.shape == (2, 10, 12, 3)
    assert np.abs(made - expected).max() <= 1


def test_decode__enlarges_to_the_size_of_the_picture(path):
    network = PreviewNetwork(path)
    assert network.decode(np.zeros((1, 4, 2, 3), np.float32)).shape == (1, 16, 24, 3)
    assert network.nbytes() == path.stat().st_size
    assert network.factor == 4


def test_small__refuses_other_latents(path):
    network = PreviewNetwork(path)
    with pytest.raises(ShapeError, match="with 4 channels"):
        network.small(np.zeros((1, 16, 2, 2), np.float32))
    with pytest.raises(DataError, match="must be finite"):
        network.small(np.full((1, 4, 2, 2), np.nan, np.float32))


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda made: made.pop("conv3.bias"), r"no preview network .* conv3\.bias is missing, unexpected"),
        (lambda made: made.update({"conv1.weight": torch.zeros(8, 16, 7, 7)}), r"conv1\.weight is missing, unexp"),
        (lambda made: made["conv2.bias"].fill_(torch.nan), r"has NaN or inf in conv2\.bias"),
    ],
)
def test_load__refuses_other_weights(tmp_path, change, sentence):
    made = weights()
    change(made)
    torch.save(made, tmp_path / "net.pt")
    with pytest.raises(FileFormatError, match=sentence):
        PreviewNetwork(tmp_path / "net.pt")


def test_load__refuses_what_is_no_file_of_weights(tmp_path):
    with pytest.raises(FileFormatError, match=r"there is no preview network .*net\.pt"):
        PreviewNetwork(tmp_path / "net.pt")
    (tmp_path / "net.pt").write_text("hello")
    with pytest.raises(FileFormatError, match=r"net\.pt is damaged"):
        PreviewNetwork(tmp_path / "net.pt")


def test_load__takes_the_real_file(shared_data):
    path = shared_data / "models" / "a1111_vae_approx.pt"
    if not path.is_file():
        pytest.skip(f"needs {path}")
    made = PreviewNetwork(path).small(np.zeros((1, 4, 4, 4), np.float32))
    assert made.shape == (1, 8, 8, 3)
