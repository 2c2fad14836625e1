"""Checks every crate that the lock file names: where it comes from, its licence, and that it is not a banned one.

Reads what `cargo metadata` says and needs no network once the crates are fetched.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys

ALLOWED = {
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "CDLA-Permissive-2.0",
    "ISC",
    "MIT",
    "MIT-0",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
}

#: A system's OpenSSL would tie the wheel to a machine; aws-lc needs cmake and a C++ compiler to build.
BANNED = re.compile(r"^(openssl|openssl-sys|openssl-src|native-tls|tokio-native-tls|hyper-tls|aws-lc-.*)$")

CRATES_IO = "registry+https://github.com/rust-lang/crates.io-index"


def main() -> int:
    packages = json.loads(_cargo("metadata", "--format-version", "1", "--locked"))["packages"]
    complaints = [complaint for package in packages for complaint in _complaints(package)]
    for complaint in complaints:
        print(complaint, file=sys.stderr)
    print(f"{len(packages)} crates, {len(complaints)} complaints")
    return 1 if complaints else 0


def _cargo(*arguments: str) -> str:
    # Offline first: that is quick and works anywhere. A fresh machine has yet to fetch the crates.
    offline = subprocess.run(["cargo", *arguments, "--offline"], capture_output=True)
    if offline.returncode == 0:
        return offline.stdout.decode()
    return subprocess.run(["cargo", *arguments], stdout=subprocess.PIPE, check=True).stdout.decode()


def _complaints(package: dict[str, str]) -> list[str]:
    name = f"{package['name']} {package['version']}"
    complaints = []
    if BANNED.match(package["name"]):
        complaints.append(f"{name}: banned; TLS here is rustls with ring")
    if package["source"] not in (None, CRATES_IO):
        complaints.append(f"{name}: comes from {package['source']}, not from crates.io")
    expression = package["license"]
    if not expression:
        complaints.append(f"{name}: names no licence")
    elif not permits(expression):
        complaints.append(f"{name}: licence {expression} is not allowed")
    return complaints


def permits(expression: str) -> bool:
    """Whether an SPDX expression leaves a choice that is all allowed. `/` is the old way to write OR."""
    tokens = re.findall(r"\(|\)|[^\s()]+", expression.replace("/", " OR "))
    value, rest = _either(tokens)
    if rest:
        raise ValueError(f"licence expression not understood: {expression}")
    return value


def _either(tokens: list[str]) -> tuple[bool, list[str]]:
    value, tokens = _both(tokens)
    while tokens[:1] == ["OR"]:
        right, tokens = _both(tokens[1:])
        value = value or right
    return value, tokens


def _both(tokens: list[str]) -> tuple[bool, list[str]]:
    value, tokens = _one(tokens)
    while tokens[:1] == ["AND"]:
        right, tokens = _one(tokens[1:])
        value = value and right
    return value, tokens


def _one(tokens: list[str]) -> tuple[bool, list[str]]:
    if tokens[0] == "(":
        value, tokens = _either(tokens[1:])
        return value, tokens[1:]
    if tokens[1:2] == ["WITH"]:
        return " ".join(tokens[:3]) in ALLOWED or tokens[0] in ALLOWED, tokens[3:]
    return tokens[0] in ALLOWED, tokens[1:]


if __name__ == "__main__":
    sys.exit(main())
