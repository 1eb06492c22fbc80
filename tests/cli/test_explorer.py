"""``qgen app``: what its controls describe, and the page in a browser."""

import base64
import io
import os
import socket
import subprocess
import sys

import numpy as np
import pytest
import torch
from PIL import Image

from qiskit_qgen.cli.explorer import Controls, Explorer, as_npy, as_png
from qiskit_qgen.exceptions import ArgumentError
from qiskit_qgen.models import QuantumDiffusion, StyleQGAN
from qiskit_qgen.optionals import HAS_NICEGUI


@pytest.fixture(scope="module")
def model(model_dir):
    return StyleQGAN.from_pretrained(model_dir)


def test_samples_are_those_of_the_seed_and_follow_the_controls(model):
    explorer = Explorer(model)
    assert torch.equal(explorer.draw(Controls(number=5, seed=7)), model.sample(5, seed=7))
    noise = model.draw_noise(5, seed=7)
    noise[:, 0] = 0.5 * noise[:, 0] + 2
    noise[:, 1:] *= 0.5
    found = explorer.draw(Controls(number=5, seed=7, spread=0.5, shifts={0: 2.0}))
    assert torch.equal(found, model.sample(noise=noise))
    start, end = (model.draw_noise(1, seed=seed)[0] for seed in (3, 4))
    path = explorer.draw(Controls(mode="interpolation", seed=3, last_seed=4, number=6))
    assert torch.equal(path, model.interpolate(start, end, 6))
    assert explorer.labels == {}


def test_circuits_run_where_they_are_asked_to(model):
    explorer = Explorer(model)
    exact, shots = (explorer.draw(Controls(execution="aer", shots=shots)) for shots in (0, 32))
    local = explorer.draw(Controls())
    assert torch.allclose(exact, local, atol=1e-5)
    assert (shots - local).abs().max() > 10 * (exact - local).abs().max()
    explorer.close()


def test_a_category_in_the_noise_is_neither_scaled_nor_shifted():
    model = StyleQGAN(image_shape=(1, 8, 8), num_qubits=2, num_layers=1, num_classes=3)
    explorer = Explorer(model)
    assert explorer.num_components == model.noise_dim - 3
    assert explorer.labels == {0: "0", 1: "1", 2: "2"}
    assert explorer.draw(Controls(label=2, spread=0.0, number=4)).shape == (4, 1, 8, 8)


def test_a_diffusion_model_has_no_components_and_a_table_is_refused():
    model = QuantumDiffusion(image_shape=(1, 8, 8), num_qubits=2, num_steps=5, architecture_width=8, sampling_steps=2)
    explorer = Explorer(model)
    assert explorer.num_components == 0
    assert torch.equal(explorer.draw(Controls(number=2, seed=5)), model.sample(2, seed=5))
    with pytest.raises(ArgumentError, match="generates rows of a table"):
        Explorer(StyleQGAN(image_shape=None, num_features=3, num_qubits=2, num_layers=1))


def test_downloads_hold_every_pixel(model):
    images = model.sample(4, seed=0)
    with Image.open(io.BytesIO(as_png(images))) as png:
        scale = png.width // 17
        assert png.size == (17 * scale, 17 * scale)
        first = np.asarray(png)[::scale][:8, ::scale][:, :8]
    assert np.abs(first - 255 * images[0, 0].numpy()).max() <= 0.51
    assert np.array_equal(np.load(io.BytesIO(as_npy(images))), images.numpy())


def test_a_missing_library_names_the_extra(qgen, model_dir):
    with HAS_NICEGUI.disable_locally():
        result = qgen("app", model_dir)
    assert result.exit_code == 2
    assert "pip install 'qiskit_qgen[app]'" in result.stderr
    assert qgen("app", "absent").stderr == "Error: Folder absent does not exist.\n"


@pytest.fixture(scope="module")
def shown_dir(tmp_path_factory, sample_images):
    """A saved model whose pixels are the generator's own outputs, so that every change of the noise is seen."""
    model = StyleQGAN(image_shape=(1, 8, 8), generator="classical", autoencoder=None, critic_width=8)
    with np.load(sample_images) as arrays:
        model.fit(arrays["train_images"], steps=2, batch_size=8, seed=0, callbacks=[])
    folder = tmp_path_factory.mktemp("shown") / "model"
    model.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def address(shown_dir, tmp_path_factory):
    """The address of a running app."""
    pytest.importorskip("nicegui")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "qiskit_qgen", "app", str(shown_dir), "--no-show", "--port", str(port)]
    # NiceGUI takes a process that pytest started for one of its own tests.
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "NICEGUI"))}
    folder = tmp_path_factory.mktemp("app")
    with subprocess.Popen(command, cwd=folder, env=environment, stderr=subprocess.PIPE, text=True) as process:
        assert f"http://127.0.0.1:{port} shows" in process.stderr.readline()
        yield f"http://127.0.0.1:{port}/"
        process.terminate()
    assert not list(folder.iterdir())  # nothing is left behind


def shown(browser):
    """The status, and the grid as an array."""
    source = browser.run("return document.querySelector('.grid img')?.src || ''")
    data = source.partition("base64,")[2]
    pixels = np.asarray(Image.open(io.BytesIO(base64.b64decode(data)))) if data else None
    return browser.find(".status").text, pixels


def open_when_served(browser, address, **options):
    def is_open():
        from selenium.common.exceptions import WebDriverException

        try:
            browser.open(address, **options)
        except WebDriverException:  # the server has not bound its port yet
            return False
        return True

    browser.wait(is_open)
    browser.errors()
    browser.wait(lambda: "images in" in shown(browser)[0])


@pytest.mark.parametrize(("width", "theme"), [(1280, "light"), (390, "dark")])
def test_the_page_shows_samples_at_once_and_asks_nobody_else(browser, address, shown_dir, width, theme):
    browser.requests()
    open_when_served(browser, address, width=width, theme=theme)
    _, pixels = shown(browser)
    with Image.open(io.BytesIO(as_png(StyleQGAN.from_pretrained(shown_dir).sample(16, seed=0)))) as expected:
        assert np.array_equal(pixels, np.asarray(expected))
    assert browser.errors() == []
    asked = {each for each in browser.requests() if not each.startswith(("data:", "blob:", "chrome-error:"))}
    assert asked
    assert all(each.startswith(address) for each in asked)
    assert browser.run("return document.documentElement.scrollWidth") <= width


def test_the_grid_follows_the_controls(browser, address):
    from selenium.webdriver.common.keys import Keys

    open_when_served(browser, address)
    _, before = shown(browser)
    for selector, key in ((".spread [tabindex]", Keys.ARROW_LEFT), (".number [tabindex]", Keys.ARROW_RIGHT)):
        browser.find(selector).send_keys(key)
        browser.wait(lambda: not np.array_equal(shown(browser)[1], before))  # noqa: B023 - waited for within the loop
        _, before = shown(browser)
    assert shown(browser)[0].startswith("17 images in")
    browser.run("[...document.querySelectorAll('button')].find(e => e.textContent === 'Interpolation').click()")
    browser.wait(lambda: not np.array_equal(shown(browser)[1], before))
    assert browser.errors() == []
