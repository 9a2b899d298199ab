#!/usr/bin/env python3
"""Writes the seeds of address_fuzzer into corpus/address beside this script.

A seed is: the reader, its text. See LLVMFuzzerTestOneInput.
"""
from pathlib import Path

IP, IP_PORT, PATH, ABSTRACT, NETWORK, RAW = range(6)

SEEDS = {
    "ip_any": (IP, b"*"),
    "ip_v4": (IP, b"192.0.2.1"),
    "ip_v6": (IP, b"2001:db8::ff00:42:8329"),
    "ip_v6_mapped": (IP, b"::ffff:192.0.2.1"),
    "ip_v6_scope": (IP, b"fe80::1%eth0"),
    "ip_octal": (IP, b"010.0.0.1"),
    "ip_null": (IP, b"127.0.0.1\0"),
    "ip_name": (IP, b"localhost"),
    "port_v4": (IP_PORT, b"127.0.0.1:65535"),
    "port_v6": (IP_PORT, b"[::1]:80"),
    "port_any": (IP_PORT, b"*:0"),
    "port_none": (IP_PORT, b"127.0.0.1:"),
    "port_large": (IP_PORT, b"127.0.0.1:65536"),
    "port_signed": (IP_PORT, b"127.0.0.1:+80"),
    "port_bare_v6": (IP_PORT, b"::1:80"),
    "port_bracketed_v4": (IP_PORT, b"[127.0.0.1]:80"),
    "path": (PATH, b"/run/weir.sock"),
    "path_longest": (PATH, b"/" + b"x" * 106),
    "path_too_long": (PATH, b"/" + b"x" * 107),
    "path_null": (PATH, b"/run/\0hidden"),
    "abstract": (ABSTRACT, b"weir"),
    "abstract_null": (ABSTRACT, b"we\0ir"),
    "network_v4": (NETWORK, b"10.0.0.0/8\n10.255.0.1"),
    "network_v6": (NETWORK, b"fd00::/9\nfd80::1"),
    "network_single": (NETWORK, b"192.0.2.1\n::ffff:192.0.2.1"),
    "network_all": (NETWORK, b"0.0.0.0/0\n192.0.2.1"),
    "network_everything": (NETWORK, b"::/0\n192.0.2.1"),
    "network_too_long": (NETWORK, b"10.0.0.0/33\n10.0.0.1"),
    "network_odd": (NETWORK, b"10.128.0.0/9\n10.127.255.255"),
    "raw_v4": (RAW, b"\2\0" + (80).to_bytes(2, "big") + bytes([127, 0, 0, 1]) + bytes(8)),
    "raw_v6": (RAW, b"\x0a\0" + (80).to_bytes(2, "big") + bytes(4) + bytes(15) + b"\1" + bytes(4)),
    "raw_path": (RAW, b"\1\0/run/x"),
    "raw_abstract": (RAW, b"\1\0\0name"),
    "raw_unnamed": (RAW, b"\1\0"),
    "raw_short": (RAW, b"\2"),
}

corpus = Path(__file__).resolve().parent / "corpus" / "address"
corpus.mkdir(parents=True, exist_ok=True)
for name, (reader, text) in SEEDS.items():
    (corpus / name).write_bytes(bytes([reader]) + text)
