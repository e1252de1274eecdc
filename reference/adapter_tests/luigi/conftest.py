"""Configures Luigi before the tests import it, for it warns of what its default will be."""

import os
from pathlib import Path

os.environ["LUIGI_CONFIG_PATH"] = str(Path(__file__).with_name("luigi.cfg"))
