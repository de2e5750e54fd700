"""The embedded cloud's own certificate authority: what its HTTPS listeners and caches show to clients.

In: names and addresses. Out: files of a certificate and its key, readable by their owner alone. Never: a certificate
that anybody else's machine trusts; a client is given `ca.pem` to verify against.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import ssl
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

CA_FILE = "ca.pem"
BUNDLE_FILE = "bundle.pem"
_CA_YEARS = timedelta(days=3650)
_YEAR = timedelta(days=365)
_CLOCK_SKEW = timedelta(hours=1)


@dataclass(frozen=True)
class CertificateFiles:
    """A certificate and its private key."""

    certificate: Path
    key: Path


class LocalAuthority:
    """An authority in `folder`, made at first use and kept: a browser has to be told of it once. Thread-safe."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()

    @property
    def ca(self) -> Path:
        """Where the authority's own certificate is, once one was issued."""
        return self._folder / CA_FILE

    def issue(self, names: Sequence[str], addresses: Sequence[str] = ()) -> CertificateFiles:
        """Return a certificate for domain names (`*.` included) and IP addresses; the same ones give the same files."""
        key = hashlib.sha256("\0".join((*names, "", *addresses)).encode()).hexdigest()[:12]
        files = CertificateFiles(self._folder / f"{key}.pem", self._folder / f"{key}.key")
        with self._lock:
            if not files.certificate.exists():
                self._issue(files, names, addresses)
        return files

    def _issue(self, files: CertificateFiles, names: Sequence[str], addresses: Sequence[str]) -> None:
        issuer, signing = self._authority()
        own = ec.generate_private_key(ec.SECP256R1())
        others: list[x509.GeneralName] = [x509.DNSName(name) for name in names]
        others += [x509.IPAddress(ip_address(address)) for address in addresses]
        made = (
            _builder((*names, *addresses)[0], own.public_key(), issuer.subject, _YEAR)
            .add_extension(x509.SubjectAlternativeName(others), critical=False)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signing.public_key()), critical=False)
            .sign(signing, hashes.SHA256())
        )
        _write(files.key, _pem(own))
        _write(files.certificate, made.public_bytes(serialization.Encoding.PEM))

    def _authority(self) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
        secret = self._folder / "ca.key"
        if self.ca.exists():
            key = serialization.load_pem_private_key(secret.read_bytes(), password=None)
            assert isinstance(key, ec.EllipticCurvePrivateKey)
            return x509.load_pem_x509_certificate(self.ca.read_bytes()), key
        self._folder.mkdir(parents=True, exist_ok=True)
        key = ec.generate_private_key(ec.SECP256R1())
        name = f"embedded cloud in {self._folder.parent.parent.parent.name}"[:64]
        usage = dict.fromkeys(
            ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
             "encipher_only", "decipher_only"), False,
        )  # fmt: skip
        made = (
            _builder(name, key.public_key(), None, _CA_YEARS)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(x509.KeyUsage(key_cert_sign=True, crl_sign=True, **usage), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .sign(key, hashes.SHA256())
        )
        _write(secret, _pem(key))
        own = made.public_bytes(serialization.Encoding.PEM)
        # For programs that take one file of authorities in place of the system's: both.
        _write(self._folder / BUNDLE_FILE, _system_authorities() + own)
        _write(self.ca, own)
        return made, key


def _system_authorities() -> bytes:
    path = ssl.get_default_verify_paths().cafile
    return Path(path).read_bytes() if path else b""


def _builder(
    name: str, public: ec.EllipticCurvePublicKey, issuer: x509.Name | None, life: timedelta
) -> x509.CertificateBuilder:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name[:64])])
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer or subject)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _CLOCK_SKEW)
        .not_valid_after(now + life)
    )


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _write(path: Path, content: bytes) -> None:
    """Write a file that only its owner reads, whole or not at all."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    with contextlib.suppress(FileNotFoundError):
        beside.unlink()
    with open(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as stream:
        stream.write(content)
    beside.replace(path)
