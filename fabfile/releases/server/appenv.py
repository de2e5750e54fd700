"""The application's environment: what server.json says, and the secrets that it names.

They are fetched by the instance's role and kept in one file that only its owner may read, so that an application that
is started again does not depend on another service. They reach processes through the environment, never by arguments.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence

from .calls import Services
from .document import Document
from .failures import ServerError
from .layout import Layout, read_json, write


def fetch_secrets(services: Services, places: Mapping[str, str]) -> dict[str, str]:
    """Return the value of each variable; every secret is asked for once, whoever shares it.

    A place is "ssm:/name" or "secretsmanager:ARN-or-name#json-key" (without a key: the whole secret).
    """
    whole: dict[str, str] = {}
    values: dict[str, str] = {}
    for variable, place in places.items():
        kind, _, rest = place.partition(":")
        name, _, key = rest.partition("#")
        if name not in whole:
            whole[name] = _fetch(services, kind, name, variable)
        values[variable] = _part(whole[name], key, variable) if key else whole[name]
    return values


def _fetch(services: Services, kind: str, name: str, variable: str) -> str:
    if kind == "ssm":
        answer = services.target("ssm", "AmazonSSM.GetParameter", {"Name": name, "WithDecryption": True})
        found = answer.get("Parameter")
        return str(found["Value"]) if isinstance(found, dict) else ""
    if kind == "secretsmanager":
        answer = services.target("secretsmanager", "secretsmanager.GetSecretValue", {"SecretId": name})
        return str(answer.get("SecretString", ""))
    raise ServerError(f"fetch {variable}", f"{kind!r} is no place for secrets", "Use ssm:… or secretsmanager:…")


def _part(secret: str, key: str, variable: str) -> str:
    try:
        return str(json.loads(secret)[key])
    except (ValueError, KeyError, TypeError):
        # Neither the text nor the parser's complaint is shown: both may hold the secret.
        raise ServerError(f"fetch {variable}", f"the secret is no JSON object with {key!r}") from None


def keep_secrets(layout: Layout, document: Document, services: Services) -> None:
    """Fetch a release's secrets and keep them, readable by their owner only."""
    values = fetch_secrets(services, document.secrets)
    write(layout.env / f"{document.release}.json", json.dumps(values), 0o600)


def secrets_of(layout: Layout, release: str) -> dict[str, str]:
    """Return a release's secrets as they were kept."""
    return {name: str(value) for name, value in read_json(layout.env / f"{release}.json").items()}


def redacted(layout: Layout, release: str, text: str) -> str:
    """Return the text with every secret of the release blotted out, for logs that leave the server."""
    for value in sorted(secrets_of(layout, release).values(), key=len, reverse=True):
        if len(value) > 3:
            text = text.replace(value, "[secret]")
    return text


def environment(layout: Layout, document: Document) -> dict[str, str]:
    """Return the whole environment of a release's processes."""
    folders = [str(layout.dependencies / archive.sha256) for archive in document.dependencies]
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("SUPERVISOR_")}
    address = str(read_json(layout.run / "machine.json").get("address", "127.0.0.1"))
    return {
        **inherited,
        "HOST": address,
        "AWS_REGION": document.region,
        "AWS_DEFAULT_REGION": document.region,
        **document.environ,
        **secrets_of(layout, document.release),
        "RELEASE": document.release,
        "RELEASE_COMMIT": document.commit,
        "STATIC_ROOT": str(layout.static),
        "PORT": str(document.port),
        "ADDRESS": address,
        "PYTHONPATH": os.pathsep.join((str(layout.release(document.release)), *folders)),
        "PYTHONUNBUFFERED": "1",
    }


def command(layout: Layout, document: Document, name: str) -> list[str]:
    """Return one of server.json's commands with its placeholders filled in; other braces stay as they are."""
    if not document.commands.get(name):
        raise ServerError(f"run {name}", f"release {document.release} has no such command")
    return filled(layout, document, document.commands[name])


def filled(layout: Layout, document: Document, command: Sequence[str]) -> list[str]:
    """Return a command's words with placeholders filled in for this server."""
    machine = read_json(layout.run / "machine.json")
    values = {
        "{python}": document.python,
        "{port}": str(document.port),
        "{address}": str(machine.get("address", "127.0.0.1")),
        "{release}": str(layout.release(document.release)),
        "{shared}": str(layout.shared),
        "{cpus}": str(os.cpu_count() or 1),
    }
    words = list(command)
    for placeholder, value in values.items():
        words = [word.replace(placeholder, value) for word in words]
    return words
