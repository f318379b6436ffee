"""The real TensorBoard in a headless Chromium shows what a program wrote: graph, curves, histograms, images, sounds.

It needs Debian's packages chromium and chromium-driver. Pictures of each page stay in the test's folder (--basetemp).
"""

import pathlib
import re
import shutil
import subprocess
import sys
import threading
import time
import urllib.request

import numpy as np
import pytest
from PIL import Image

import reflow as tf

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]

_FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update", "--window-size=1400,1000",
]  # fmt: skip
_PATIENCE_SECONDS = 90
# Everything that a page shows or says, the shadow roots of web components included.
_VISIBLE_TEXT = """
const parts = [];
function visit(node) {
  if (node.nodeType === Node.TEXT_NODE) { if (node.textContent.trim()) parts.push(node.textContent.trim()); return; }
  if (["STYLE", "SCRIPT", "TEMPLATE"].includes(node.nodeName)) return;
  if (node.shadowRoot) visit(node.shadowRoot);
  node.childNodes.forEach(visit);
}
visit(document.body);
return parts.join("\\n");
"""
# All elements that match a selector, looking into shadow roots.
_ALL = """
const selector = arguments[0];
const found = [];
function visit(root) {
  root.querySelectorAll("*").forEach(element => {
    if (element.matches(selector)) found.push(element);
    if (element.shadowRoot) visit(element.shadowRoot);
  });
}
visit(document);
return found;
"""


@pytest.fixture(scope="module")
def logs(tmp_path_factory):
    """The logs of a small training program."""
    folder = tmp_path_factory.mktemp("logs")
    with tf.Graph().as_default(), tf.Session() as session:
        x = tf.placeholder(tf.float32, [None, 4], name="x")
        with tf.name_scope("hidden_layer"):
            w = tf.Variable(tf.random_normal([4, 8], seed=1), name="weights")
            hidden = tf.nn.relu(tf.matmul(x, w))
            tf.summary.histogram("activations", hidden)
        with tf.name_scope("output_layer"):
            v = tf.Variable(tf.random_normal([8, 1], seed=2), name="weights")
            loss = tf.reduce_mean(tf.square(tf.matmul(hidden, v)))
        with tf.name_scope("training"):
            steps = [tf.assign_sub(p, 0.01 * g) for p, g in zip((w, v), tf.gradients(loss, [w, v]), strict=True)]
        tf.summary.scalar("loss", loss)
        tf.summary.image("picture", tf.reshape(tf.linspace(0.0, 1.0, 16 * 16 * 3), [1, 16, 16, 3]))
        tf.summary.audio("tone", tf.reshape(tf.sin(tf.linspace(0.0, 2000.0, 8000)), [1, 8000, 1]), 8000)
        tf.summary.text("note", tf.constant("A **bold** note"))
        summary = tf.summary.merge_all()
        session.run(tf.global_variables_initializer())
        with tf.summary.FileWriter(str(folder / "run"), session.graph) as writer:
            for step in range(30):
                values = session.run([summary, *steps], {x: np.ones([16, 4], np.float32)})
                writer.add_summary(values[0], step)
            traced, metadata = tf.RunOptions(trace_level=tf.RunOptions.FULL_TRACE), tf.RunMetadata()
            session.run([summary, *steps], {x: np.ones([16, 4], np.float32)}, traced, metadata)
            writer.add_run_metadata(metadata, "traced step", 30)
    return folder


@pytest.fixture(scope="module")
def board(logs):
    """The address of a TensorBoard that shows the logs."""
    command = [sys.executable, "-m", "tensorboard.main", "--logdir", logs, "--host", "127.0.0.1", "--port", "0",
               "--load_fast", "false"]  # fmt: skip
    process = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
    try:
        yield _address(process)
    finally:
        process.terminate()
        process.wait(20)
        process.stderr.close()


def _address(process):
    """What TensorBoard says that its address is, once it answers."""
    said = []
    for line in process.stderr:
        said.append(line)
        found = re.search(r"http://[\w.]+:\d+", line)
        if found:
            # Read on, so that it never waits for its messages to be read.
            threading.Thread(target=process.stderr.read, daemon=True).start()
            address = found[0].replace("localhost", "127.0.0.1")
            urllib.request.urlopen(address, timeout=60).close()
            return address
    raise AssertionError("TensorBoard did not start: " + "".join(said))


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    """A headless Chromium with a profile of its own."""
    webdriver = pytest.importorskip("selenium.webdriver", reason="pip install selenium")
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if not (chromium and driver):
        pytest.skip("needs Debian's packages chromium and chromium-driver")
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for flag in [*_FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"]:
        options.add_argument(flag)
    started = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))
    try:
        yield started
    finally:
        started.quit()


class _Page:
    """One page of TensorBoard in the browser."""

    def __init__(self, browser, address, pictures):
        self._browser = browser
        self._pictures = pictures
        browser.get("about:blank")
        browser.get(address)

    def text(self):
        """All text on the page."""
        return self._browser.execute_script(_VISIBLE_TEXT)

    def elements(self, selector):
        """The elements that match a CSS selector."""
        return self._browser.execute_script(_ALL, selector)

    def run(self, script, *arguments):
        """What a piece of JavaScript returns."""
        return self._browser.execute_script(script, *arguments)

    def waits_for(self, condition, what):
        """Wait until `condition()` holds; fails, showing the text of the page, if it does not in time."""
        end = time.monotonic() + _PATIENCE_SECONDS
        while not condition():
            assert time.monotonic() < end, f"no {what} on the page: {self.text()[:2000]}"
            time.sleep(0.5)

    def waits_for_text(self, *words):
        """Wait until all of the words stand on the page."""
        self.waits_for(lambda: all(word in self.text() for word in words), " ".join(words))

    def picture(self, name):
        """Take a picture of the page: a uint8 array [height, width, 3]."""
        path = pathlib.Path(self._pictures) / f"{name}.png"
        assert self._browser.save_screenshot(str(path))
        return np.array(Image.open(path).convert("RGB"))

    def drawn(self, name):
        """How many pixels right of the options have the color in which TensorBoard draws the first run, or a tint."""
        red, green, blue = np.moveaxis(self.picture(name)[170:, 380:].astype(int), 2, 0)
        return np.count_nonzero((red > 190) & (red - blue > 60) & (red - green > 40))


@pytest.fixture
def page(browser, board, tmp_path):
    """Opens a page of TensorBoard: page("scalars")."""
    return lambda name: _Page(browser, f"{board}/#{name}", tmp_path)


def test_the_curve_of_a_scalar(page):
    scalars = page("scalars")
    scalars.waits_for_text("loss")
    scalars.waits_for(lambda: scalars.drawn("scalars") > 500, "curve")


def test_the_graph_with_its_name_scopes(page):
    graph = page("graphs")
    graph.waits_for_text("hidden_layer", "output_layer", "training")
    names = {e.get_attribute("data-name") for e in graph.elements("g.node[data-name]")}
    assert {"hidden_layer", "output_layer", "training", "x"} <= names
    graph.picture("graph")


def test_the_graph_coloured_by_device_and_compute_time(page):
    graph = page("graphs")
    graph.waits_for_text("hidden_layer", "traced step")
    (controls,) = graph.elements("tf-graph-controls")

    def of_controls(script):
        return graph.run(f"const controls = arguments[0]; {script}", controls)

    of_controls("controls._selectedTagIndex = controls.datasets[0].tags.findIndex(tag => tag.profile)")
    graph.waits_for(lambda: of_controls("return Boolean(controls.stats)"), "statistics")
    assert of_controls("return Object.keys(controls.devicesForStats)") == [
        "/job:localhost/replica:0/task:0/device:CPU:0"]  # fmt: skip

    def greatest(quantity):
        return of_controls(f"return controls.colorByParams.{quantity}.maxValue")

    graph.waits_for(lambda: greatest("compute_time") and greatest("memory"), "scales of time and memory")
    assert [row["device"][-5:] for row in of_controls("return controls.colorByParams.device")] == ["CPU:0"]
    before = graph.picture("structure")
    of_controls("controls.colorBy = 'compute_time'")
    graph.waits_for(lambda: (graph.picture("compute_time") != before).any(), "other colours")


def test_histograms(page):
    histograms = page("histograms")
    histograms.waits_for_text("hidden_layer/activations")
    histograms.waits_for(lambda: histograms.drawn("histograms") > 3000, "histogram")


def test_images(page):
    images = page("images")
    images.waits_for_text("picture/image")

    def sizes():
        found = images.elements("img")
        return {(e.get_property("naturalWidth"), e.get_property("naturalHeight")) for e in found}

    images.waits_for(lambda: (16, 16) in sizes(), "image")
    images.picture("images")


def test_sounds(page):
    sounds = page("audio")
    sounds.waits_for_text("tone/audio")
    sounds.waits_for(lambda: sounds.elements("audio"), "sound")
    sounds.waits_for(lambda: sounds.elements("audio")[0].get_property("duration"), "loaded sound")
    assert sounds.elements("audio")[0].get_property("duration") == pytest.approx(1, abs=0.05)
    sounds.picture("audio")


def test_texts(page):
    texts = page("text")
    texts.waits_for_text("note", "bold")
    assert "bold" in [e.text for e in texts.elements("strong")]
    texts.picture("text")
