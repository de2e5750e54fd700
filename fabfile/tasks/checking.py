"""`fab check_config` and `fab config_schema`."""

from __future__ import annotations

from ..errors import ConfigError
from .declare import reading
from .run import Run


@reading(environment=False)
def check_config(run: Run) -> None:
    """Check fabulaws-config.yml: every problem at once with its line, warnings, and keys without a meaning."""
    try:
        config = run.config
    except ConfigError as error:
        if run.json:
            found = {"valid": False, "error": error.seen, "problems": error.problems}
            run.output.json({**found, "warnings": (), "ignored": ()})
        raise
    if run.json:
        found = {"valid": True, "error": "", "problems": ()}
        run.output.json({**found, "warnings": config.warnings, "ignored": config.ignored})
        return
    for warning in config.warnings:
        run.output.result(f"warning: {warning}")
    for ignored in config.ignored:
        run.output.result(f"ignored: {ignored}")
    places = ", ".join(config.environments)
    run.output.result(f"{config.path} is valid: {', '.join(config.deployments)} in {places}.")


@reading(environment=False)
def config_schema(run: Run) -> None:
    """Print the JSON Schema of fabulaws-config.yml, for editors that complete and check YAML."""
    from ..config.json_schema import json_schema_text  # noqa: PLC0415  (`fab --list` needs names only)

    run.output.result(json_schema_text().rstrip())
