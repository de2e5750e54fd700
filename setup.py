"""Say what the wheel holds: the package under the name `fabscale`, with its templates; all else is in pyproject.toml.

In a checkout the package is called `fabfile`, which is what Fabric looks for. Installed it can't be: a project's own
`fabfile.py` would hide it.
"""

from setuptools import find_packages, setup

inner = [name.removeprefix("fabfile") for name in find_packages(include=["fabfile*"])]
setup(
    packages=[*(f"fabscale{name}" for name in inner), "fabscale.templates"],
    package_dir={"fabscale": "fabfile", "fabscale.templates": "templates"},
    package_data={
        "fabscale.templates": ["*.j2", "stack/*.j2"],
        "fabscale.releases": ["server-requirements.txt"],
        "fabscale.permissions": ["*.json", "*.yml"],
    },
)
