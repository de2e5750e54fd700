"""ACM: one certificate, as its listener needs it."""

from __future__ import annotations

from dataclasses import dataclass

from .session import Aws


@dataclass(frozen=True)
class Certificate:
    """A certificate; `status` is ACM's word, `expires` seconds since the epoch, 0 before it is issued."""

    arn: str
    status: str
    domains: tuple[str, ...]
    expires: float
    renews: bool  # by itself: ACM renews what it issued, never what was imported

    def covers(self, domain: str) -> bool:
        """Whether it is for a domain; a wildcard stands for exactly one label (RFC 6125, 6.4.3)."""
        return domain in self.domains or f"*.{domain.partition('.')[2]}" in self.domains


def certificate(aws: Aws, arn: str) -> Certificate:
    """Return the certificate; raises `Missing` if there is none of that ARN."""
    with aws.calling(f"describe the certificate {arn}"):
        found = aws.client("acm").describe_certificate(CertificateArn=arn)["Certificate"]
    expires = found.get("NotAfter")
    return Certificate(
        arn,
        found["Status"],
        tuple(dict.fromkeys((found["DomainName"], *found.get("SubjectAlternativeNames", [])))),
        expires.timestamp() if expires else 0.0,
        found.get("Type") == "AMAZON_ISSUED",
    )
