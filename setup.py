"""The packages, as they stand in the tree: a new folder with an ``__init__.py`` ships. pyproject.toml holds the rest.

``tool.setuptools.packages.find`` can't do it: two packages are installed by another name than their folder's.
"""

from setuptools import find_packages, setup

FOLDERS = {"mote_bench": "mote_bench", "mote_attacks": "attacks", "mote_baselines": "baselines"}

setup(
    packages=[
        ".".join([package, *below])
        for package, folder in FOLDERS.items()
        for below in [[], *(found.split(".") for found in find_packages(folder))]
    ]
)
