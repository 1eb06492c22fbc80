import json
import shutil

import numpy as np
import pytest
from typer.testing import CliRunner

from qiskit_qgen.cli import app
from qiskit_qgen.models import StyleQGAN, StyleQGANTraining

CONFIG = """
[data]
name = {data!r}

[model]
num_qubits = 2
num_layers = 1
autoencoder_width = 4
autoencoder_hidden = 8
critic_width = 8

[training]
steps = 6
autoencoder_steps = 4
batch_size = 8
score_every = 3
checkpoint_every = 2

[evaluate]
extractor = "pixel"
"""


def write_images(path):
    """Forty images for training and twenty for testing: a bright bar on a dim random ground."""
    generator = np.random.default_rng(5)
    arrays = {}
    for split, count in (("train", 40), ("test", 20)):
        images = generator.random((count, 1, 8, 8), dtype=np.float32) / 4
        for image, row in zip(images, generator.integers(8, size=count), strict=True):
            image[0, row] = 1
        arrays[f"{split}_images"] = images
    np.savez(path, **arrays)


@pytest.fixture(scope="session")
def sample_images(tmp_path_factory):
    path = tmp_path_factory.mktemp("data") / "bars.npz"
    write_images(path)
    return path


@pytest.fixture(scope="session")
def config(tmp_path_factory, sample_images):
    path = tmp_path_factory.mktemp("config") / "tiny.toml"
    path.write_text(CONFIG.format(data=str(sample_images)))
    return path


@pytest.fixture(autouse=True)
def cache(tmp_path_factory, monkeypatch):
    """Features of real images are kept in a folder of the tests, not in the user's."""
    monkeypatch.setenv("QISKIT_QGEN_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))


@pytest.fixture(scope="session")
def model_dir(tmp_path_factory, sample_images):
    sizes = {"num_qubits": 2, "num_layers": 1, "autoencoder_width": 4, "autoencoder_hidden": 8, "critic_width": 8}
    model = StyleQGAN(image_shape=(1, 8, 8), **sizes)
    training = StyleQGANTraining.of(steps=2, autoencoder_steps=2, batch_size=8)
    with np.load(sample_images) as arrays:
        model.fit(arrays["train_images"], training=training, seed=0, callbacks=[])
    folder = tmp_path_factory.mktemp("saved") / "model"
    model.save_pretrained(folder)
    return folder


class Browser:
    """Headless Chromium, which notes errors of pages and what they ask the network for."""

    def __init__(self, chromium, driver):
        from selenium import webdriver

        options = webdriver.ChromeOptions()
        for each in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"):
            options.add_argument(each)
        options.binary_location = chromium
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        self.page = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))

    def open(self, address, *, width=1280, theme="light"):
        media = {"features": [{"name": "prefers-color-scheme", "value": theme}]}
        size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500}
        self.page.execute_cdp_cmd("Emulation.setEmulatedMedia", media)
        self.page.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        self.page.get(str(address))

    def run(self, script, *arguments):
        return self.page.execute_script(script, *arguments)

    def find(self, selector):
        from selenium.webdriver.common.by import By

        return self.page.find_element(By.CSS_SELECTOR, selector)

    def wait(self, condition, seconds=60):
        from selenium.webdriver.support.wait import WebDriverWait

        return WebDriverWait(self.page, seconds).until(lambda _: condition())

    def errors(self):
        return [entry["message"] for entry in self.page.get_log("browser") if entry["level"] in ("SEVERE", "WARNING")]

    def requests(self):
        """Return the addresses that were asked for since the last call."""
        messages = [json.loads(entry["message"])["message"] for entry in self.page.get_log("performance")]
        return [each["params"]["request"]["url"] for each in messages if each["method"] == "Network.requestWillBeSent"]


@pytest.fixture(scope="session")
def browser():
    pytest.importorskip("selenium")
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if chromium is None or driver is None:
        pytest.skip("needs Chromium and its driver, as of Debian's chromium and chromium-driver")
    opened = Browser(chromium, driver)
    yield opened
    opened.page.quit()


@pytest.fixture
def qgen():
    """Run a command in this process: exit code, standard output and standard error as the result's attributes."""

    def invoke(*arguments):
        result = CliRunner().invoke(app, [str(argument) for argument in arguments])
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    return invoke
