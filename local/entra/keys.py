"""The issuer's signing key, and a TLS certificate for loopback: made at first start, kept with mode 0600."""

from __future__ import annotations

import base64
import hashlib
import ipaddress
import json
import os
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.fernet import Fernet
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

CERTIFICATE_DAYS = 825  # the longest that browsers accept


@dataclass(frozen=True)
class SigningKey:
    """An RSA key with its key id: the key's RFC 7638 thumbprint, so that it follows from the key."""

    private: rsa.RSAPrivateKey

    @property
    def kid(self) -> str:
        canonical = json.dumps({"e": self.jwk_numbers["e"], "kty": "RSA", "n": self.jwk_numbers["n"]}, sort_keys=True)
        return _base64url(hashlib.sha256(canonical.replace(" ", "").encode()).digest())

    @property
    def jwk_numbers(self) -> dict[str, str]:
        numbers = self.private.public_key().public_numbers()
        return {name: _base64url_integer(getattr(numbers, name)) for name in ("n", "e")}

    @property
    def jwk(self) -> dict[str, str]:
        """The public key as it is listed in the key set (RFC 7517)."""
        return {"kty": "RSA", "use": "sig", "kid": self.kid, **self.jwk_numbers}

    def sealer(self) -> Fernet:
        """What seals the issuer's opaque tokens; bound to the key, so that they live as long as it does."""
        return Fernet(base64.urlsafe_b64encode(hashlib.sha256(_private_pem(self.private)).digest()))


def signing_key(directory: Path | None) -> SigningKey:
    """The key kept in the directory, made if there is none; with no directory, a key for this process alone."""
    if directory is None:
        return SigningKey(_new_private_key())
    path = directory / "signing-key.pem"
    if not path.exists():
        _write_private(path, _private_pem(_new_private_key()))
    private = serialization.load_pem_private_key(path.read_bytes(), password=None)
    if not isinstance(private, rsa.RSAPrivateKey):
        raise ValueError(f"{path} is not an RSA key")
    return SigningKey(private)


def tls_files(directory: Path) -> tuple[Path, Path]:
    """(certificate, private key): a self-signed pair for localhost, made if absent or about to expire."""
    certificate, key = directory / "tls-certificate.pem", directory / "tls-key.pem"
    if not (certificate.exists() and key.exists() and _days_left(certificate) > 1):
        private = _new_private_key()
        _write_private(key, _private_pem(private))
        certificate.write_bytes(_loopback_certificate(private).public_bytes(serialization.Encoding.PEM))
    return certificate, key


def _loopback_certificate(private: rsa.RSAPrivateKey) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    key_id = x509.SubjectKeyIdentifier.from_public_key(private.public_key())
    usage = x509.KeyUsage(
        digital_signature=True,
        key_encipherment=True,
        key_cert_sign=True,
        crl_sign=False,
        content_commitment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
    addresses = [x509.IPAddress(ipaddress.ip_address(address)) for address in ("127.0.0.1", "::1")]
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=CERTIFICATE_DAYS - 1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost"), *addresses]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(key_id, critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(key_id), critical=False)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(private, hashes.SHA256())
    )


def _days_left(certificate: Path) -> float:
    expiry = x509.load_pem_x509_certificate(certificate.read_bytes()).not_valid_after_utc
    return (expiry - datetime.now(UTC)) / timedelta(days=1)


def _new_private_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def _private_pem(private: rsa.RSAPrivateKey) -> bytes:
    return private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _write_private(path: Path, content: bytes) -> None:
    """Write a file that only its owner can read, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".new")
    unfinished.unlink(missing_ok=True)
    with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
    unfinished.replace(path)


def _base64url(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


def _base64url_integer(value: int) -> str:
    return _base64url(value.to_bytes((value.bit_length() + 7) // 8, "big"))
