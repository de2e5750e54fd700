"""Pure: what Envoy must be told so that a listener speaks TLS as an Application Load Balancer's would.

The names of AWS's policies tell the oldest protocol that they allow:
https://docs.aws.amazon.com/elasticloadbalancing/latest/application/describe-ssl-policies.html
"""

from __future__ import annotations

import re

from .authority import CertificateFiles

_TYPE = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext"
_VERSION = re.compile(r"-1-([123])-")


def transport_socket(files: CertificateFiles, policy: str) -> dict[str, object]:
    """Return the transport socket of a listener with this certificate and security policy."""
    context = {
        "tls_params": {"tls_minimum_protocol_version": oldest_protocol(policy)},
        "alpn_protocols": ["h2", "http/1.1"],
        "tls_certificates": [
            {"certificate_chain": {"filename": str(files.certificate)}, "private_key": {"filename": str(files.key)}}
        ],
    }
    return {
        "name": "envoy.transport_sockets.tls",
        "typed_config": {"@type": _TYPE, "common_tls_context": context},
    }


def oldest_protocol(policy: str) -> str:
    """Return the oldest protocol of a policy in Envoy's words; ELBSecurityPolicy-2016-08 has TLS 1.0."""
    version = _VERSION.search(policy)
    return f"TLSv1_{version[1] if version else 0}"
