#!/usr/bin/env python3
"""Writes the seeds of proxy_fuzzer into corpus/proxy beside this script.

A seed is: where to cut, the bytes of a connection. See LLVMFuzzerTestOneInput.
"""
from pathlib import Path

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
INET = bytes([192, 0, 2, 1, 198, 51, 100, 1]) + (56324).to_bytes(2, "big") + (443).to_bytes(2, "big")
INET6 = bytes([0xFD]) + bytes(14) + b"\1" + bytes([0xFD]) + bytes(14) + b"\2" + INET[8:]
UNIX = b"/run/client".ljust(108, b"\0") + b"\0name".ljust(108, b"\0")


def v2(command, family, body, length=None):
    return SIGNATURE + bytes([command, family]) + (len(body) if length is None else length).to_bytes(2, "big") + body


def tlv(kind, value):
    return bytes([kind]) + len(value).to_bytes(2, "big") + value


def crc32c(data):
    crc = 0xFFFFFFFF
    for each in data:
        crc ^= each
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def with_checksum(body):
    blank = v2(0x21, 0x11, body + tlv(3, bytes(4)))
    return blank[:-4] + crc32c(blank).to_bytes(4, "big")


SEEDS = {
    "v1_tcp4": b"PROXY TCP4 192.0.2.1 198.51.100.1 56324 443\r\nGET /",
    "v1_tcp6": b"PROXY TCP6 fd00::1 ::1 0 65535\r\n",
    "v1_unknown": b"PROXY UNKNOWN\r\n",
    "v1_unknown_more": b"PROXY UNKNOWN ffff::1 ffff::2 1 2\r\n",
    "v1_long": b"PROXY UNKNOWN " + b"x" * 91 + b"\r\n",
    "v1_too_long": b"PROXY UNKNOWN " + b"x" * 92 + b"\r\n",
    "v1_bare_newline": b"PROXY UNKNOWN\n",
    "v1_bad_port": b"PROXY TCP4 192.0.2.1 198.51.100.1 056324 443\r\n",
    "neither": b"GET / HTTP/1.1\r\n\r\n",
    "v2_inet": v2(0x21, 0x11, INET) + b"hello",
    "v2_inet_datagram": v2(0x21, 0x12, INET),
    "v2_inet6": v2(0x21, 0x21, INET6),
    "v2_unix": v2(0x21, 0x31, UNIX),
    "v2_local": v2(0x20, 0x00, b""),
    "v2_local_noise": v2(0x20, 0xFF, b"noise"),
    "v2_unspecified": v2(0x21, 0x00, tlv(4, b"")),
    "v2_tlvs": v2(0x21, 0x11, INET + tlv(1, b"h2") + tlv(2, b"example.org") + tlv(4, bytes(3)) + tlv(5, b"id")),
    "v2_checksum": with_checksum(INET + tlv(5, b"id")),
    "v2_wrong_checksum": v2(0x21, 0x11, INET + tlv(3, b"abcd")),
    "v2_short": v2(0x21, 0x21, INET),
    "v2_tlv_beyond": v2(0x21, 0x11, INET + b"\2\0\5abc"),
    "v2_too_long": v2(0x21, 0x11, INET, 0xFFFF),
    "v2_unknown_family": v2(0x21, 0x41, INET),
}

corpus = Path(__file__).resolve().parent / "corpus" / "proxy"
corpus.mkdir(parents=True, exist_ok=True)
for name, data in SEEDS.items():
    (corpus / name).write_bytes(b"\x05" + data)
