"""What a server sees of AWS, on one loopback port: metadata, objects, secrets, the launch hook."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote

METADATA = {
    "instance-id": "i-0123456789abcdef0",
    "local-ipv4": "127.0.0.1",
    "iam/security-credentials/": "server-role",
    "iam/security-credentials/server-role": json.dumps(
        {"AccessKeyId": "AK", "SecretAccessKey": "SK", "Token": "TK", "Expiration": "2099-01-01T00:00:00Z"}
    ),
}
NOT_WAITED_FOR = b"<Error><Code>ValidationError</Code><Message>No active Lifecycle Action found</Message></Error>"


@dataclass
class Cloud:
    """The fake's content and what was asked of it; `cut` ends that many object replies in the middle."""

    url: str = ""
    objects: dict[str, bytes] = field(default_factory=dict)
    parameters: dict[str, str] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict)
    calls: list[dict[str, str]] = field(default_factory=list)
    ranges: list[str] = field(default_factory=list)
    silent: bool = False  # S3 answers nothing but 503
    hook_begins_after: int = 0  # calls that find no active lifecycle action before
    cut: int = 0

    def put(self, key: str, content: bytes) -> dict[str, str]:
        """Store an object and return how server.json names it."""
        self.objects[key] = content
        return {"key": key, "sha256": hashlib.sha256(content).hexdigest()}

    @property
    def results(self) -> list[str]:
        return [call["LifecycleActionResult"] for call in self.calls if call["Action"] == "CompleteLifecycleAction"]


@contextmanager
def serving() -> Iterator[Cloud]:
    """Serve a cloud on a free port."""
    cloud = Cloud()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(cloud))
    server.daemon_threads = True
    cloud.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield cloud
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _handler(cloud: Cloud) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def _send(self, status: int, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_PUT(self) -> None:
            self._send(200 if self.path == "/latest/api/token" else 404, b"token")

        def do_GET(self) -> None:
            if self.path.startswith("/latest/meta-data/"):
                known = METADATA.get(self.path.removeprefix("/latest/meta-data/"))
                authorized = self.headers["X-aws-ec2-metadata-token"] == "token"
                self._send(401 if not authorized else 200 if known else 404, (known or "").encode())
                return
            path, _, query = self.path.partition("?")
            content = cloud.objects.get(unquote(path).removeprefix("/bundles/"))
            if cloud.silent:
                self._send(503, b"<Error><Code>SlowDown</Code></Error>")
            elif content is None or "AWS4-HMAC-SHA256" not in (self.headers["Authorization"] or query):
                self._send(404, b"<Error><Code>NoSuchKey</Code></Error>")
            else:
                self._send_object(content)

        def _send_object(self, content: bytes) -> None:
            asked = self.headers["Range"]
            if asked:
                cloud.ranges.append(asked)
                content = content[int(asked.removeprefix("bytes=").rstrip("-")) :]
            self.send_response(206 if asked else 200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            if cloud.cut:
                cloud.cut -= 1
                content = content[: len(content) // 2]
                self.close_connection = True
            self.wfile.write(content)

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            target = self.headers["X-Amz-Target"] or ""
            if target:
                self._send(*_secret(cloud, target, json.loads(body)))
                return
            call = {name: values[0] for name, values in parse_qs(body).items()}
            if cloud.hook_begins_after:
                cloud.hook_begins_after -= 1
                self._send(400, NOT_WAITED_FOR)
                return
            cloud.calls.append(call)
            self._send(200, b"<Response/>")

        def log_message(self, *_: object) -> None:
            """Say nothing: a test's output is its own."""

    return Handler


def _secret(cloud: Cloud, target: str, request: dict[str, str]) -> tuple[int, bytes]:
    if target == "AmazonSSM.GetParameter" and request["Name"] in cloud.parameters:
        return 200, json.dumps({"Parameter": {"Value": cloud.parameters[request["Name"]]}}).encode()
    if target == "secretsmanager.GetSecretValue" and request["SecretId"] in cloud.secrets:
        return 200, json.dumps({"SecretString": cloud.secrets[request["SecretId"]]}).encode()
    return 400, b'{"__type": "ParameterNotFound", "message": "not there"}'
