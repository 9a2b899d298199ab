#!/usr/bin/env python3
"""Writes the seeds of tls_fuzzer into corpus/tls beside this script.

A seed is: who is fuzzed, then the bytes of a stranger or the steps of a conversation. See
LLVMFuzzerTestOneInput and director::act. Hellos of strangers are OpenSSL's own (Python's ssl module).
"""
import ssl
from pathlib import Path

STRANGER_OF_CLIENT, STRANGER_OF_SERVER, TALK_1_2, TALK_1_3 = 0, 1, 2, 3
TO_SERVER, TO_CLIENT = 0, 1


def step(what, to, number=0, more=b""):
    return bytes([2 * what + to, number]) + more


def take(to, count):
    return step(0, to, count - 1)


def take_all(to):
    return step(2, to)


def say(to, root):
    return step(3, to, root)


def end(to):
    return step(4, to, 0)


def update_keys(to):
    return step(4, to, 1)


def insert(to, own):
    return step(5, to, len(own), own)


def drop(to, count):
    return step(6, to, count - 1)


def double(to, count):
    return step(7, to, count - 1)


def flip(to, where, how=1):
    return step(8, to, where, bytes([how - 1]))


def client_hello(maximum):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.maximum_version = maximum
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    try:
        context.wrap_bio(incoming, outgoing).do_handshake()
    except ssl.SSLWantReadError:
        pass
    return outgoing.read()


SHAKE = (take_all(TO_SERVER) + take_all(TO_CLIENT)) * 3
SEEDS = {
    "hello_1_3": (STRANGER_OF_SERVER, client_hello(ssl.TLSVersion.TLSv1_3)),
    "hello_1_2": (STRANGER_OF_SERVER, client_hello(ssl.TLSVersion.TLSv1_2)),
    "http": (STRANGER_OF_SERVER, b"GET / HTTP/1.1\r\n\r\n"),
    "alert": (STRANGER_OF_CLIENT, b"\x15\3\3\0\2\2\x28"),
    "long_record": (STRANGER_OF_CLIENT, b"\x16\3\3\xff\xff" + bytes(40)),
    "talk": (TALK_1_3, SHAKE + say(TO_SERVER, 20) + say(TO_CLIENT, 200) + SHAKE),
    "talk_1_2": (TALK_1_2, SHAKE + say(TO_SERVER, 20) + say(TO_CLIENT, 200) + SHAKE),
    "talk_in_bytes": (TALK_1_3, (take(TO_SERVER, 1) + take(TO_CLIENT, 1)) * 100 + SHAKE),
    "talk_and_end": (TALK_1_3, SHAKE + say(TO_CLIENT, 5) + end(TO_SERVER) + SHAKE + end(TO_CLIENT) + SHAKE),
    "new_keys": (TALK_1_3, SHAKE + update_keys(TO_SERVER) + say(TO_SERVER, 9) + SHAKE + say(TO_CLIENT, 9) + SHAKE),
    "flipped_hello": (TALK_1_3, flip(TO_SERVER, 43) + SHAKE),
    "flipped_record": (TALK_1_3, SHAKE + say(TO_SERVER, 20) + flip(TO_SERVER, 30) + SHAKE),
    "flipped_record_1_2": (TALK_1_2, SHAKE + say(TO_SERVER, 20) + flip(TO_SERVER, 30) + SHAKE),
    "dropped": (TALK_1_3, SHAKE + say(TO_SERVER, 3) + say(TO_SERVER, 3) + drop(TO_SERVER, 32) + SHAKE),
    "doubled": (TALK_1_2, SHAKE + say(TO_SERVER, 3) + double(TO_SERVER, 39) + SHAKE),
    "inserted": (TALK_1_3, take_all(TO_SERVER) + insert(TO_CLIENT, b"\x14\3\3\0\1\1") + SHAKE),
    "early_data": (TALK_1_3, insert(TO_SERVER, b"\x17\3\3\0\1\1") + SHAKE),
}

corpus = Path(__file__).resolve().parent / "corpus" / "tls"
corpus.mkdir(parents=True, exist_ok=True)
for name, (who, rest) in SEEDS.items():
    (corpus / name).write_bytes(bytes([who]) + rest)
