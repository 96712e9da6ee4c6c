"""requirements-jax.txt asks for what setup.cfg asks for, less TensorFlow."""

from configparser import ConfigParser
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
OF_TENSORFLOW = ("tensorflow", "tf-keras", "tensorflow-hub", "tf-keras-vis", "setuptools")


def test_jax_alone_asks_for_the_rest():
    config = ConfigParser()
    config.read(ROOT / "setup.cfg")
    ours = config["options"]["install_requires"].split()
    extras = config["options.extras_require"]
    wanted = {line for line in ours if not line.startswith(OF_TENSORFLOW)}
    wanted |= set(extras["test"].split()) | set(extras["jax"].split())
    text = (ROOT / "requirements-jax.txt").read_text()
    assert {line for line in text.splitlines() if not line.startswith("#")} == wanted
