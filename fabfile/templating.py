"""Find and fill in templates: the project's own `templates/` first, then the ones that come with Fabscale."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_HERE = Path(__file__).resolve().parent
# Installed, templates lie in the package; in a checkout they lie beside it.
_OURS = (_HERE / "templates", _HERE.parent / "templates")


def fill_in(template: str, project: Path | None, values: Mapping[str, Any]) -> str:
    """Return a template with every value in its place; `project` is the folder that the configuration is in.

    Nothing is escaped: YAML's values pass through `tojson` in the template, a shell's are quoted before. A value
    that the template uses and nobody gave is an error.
    """
    import jinja2  # noqa: PLC0415  (slow to import; most tasks render nothing)

    theirs = (project / "templates",) if project else ()
    templates = jinja2.Environment(
        loader=jinja2.FileSystemLoader((*theirs, *_OURS)),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701  (YAML and shell, not HTML)
    )
    templates.filters["tojson"] = json.dumps
    return templates.get_template(template).render(values)
