#!/usr/bin/env python3
"""Writes the seeds of codec_fuzzer and incoming_fuzzer into corpus/codec and corpus/incoming beside this script.

A seed of the first is: the part under test, where to cut, the bytes; of the second: where to cut, the bytes. See
LLVMFuzzerTestOneInput.
"""
from pathlib import Path

GREETING, FRAME_HEADER, COMMAND, ENDPOINT, STREAM = 0, 1, 2, 3, 4
TIGHT, OPEN = 1, 2  # of STREAM: small limits, messages allowed from the start


def greeting(major=3, minor=1, mechanism=b"NULL", signature=b"\xff" + bytes(7) + b"\x01\x7f"):
    return signature + bytes([major, minor]) + mechanism.ljust(20, b"\0") + bytes(32)


def frame(body, flags=0, long=False):
    if long or len(body) > 255:
        return bytes([flags | 2]) + len(body).to_bytes(8, "big") + body
    return bytes([flags, len(body)]) + body


def command(name, data=b""):
    return bytes([len(name)]) + name + data


def prop(name, value):
    return bytes([len(name)]) + name + len(value).to_bytes(4, "big") + value


def ready(kind, identity=None):
    data = prop(b"Socket-Type", kind)
    return command(b"READY", data if identity is None else data + prop(b"Identity", identity))


MORE, COMMAND_FLAG = 1, 4
PING = command(b"PING", b"\0\x10LOL")
TRAFFIC = (frame(b"id", MORE) + frame(b"", MORE) + frame(PING, COMMAND_FLAG) + frame(b"Hello") + frame(b"x", long=True))

SEEDS = {
    "greeting_3_1": (GREETING, greeting()),
    "greeting_3_0": (GREETING, greeting(minor=0, signature=b"\xff" + bytes(8) + b"\x7f")),
    "greeting_2": (GREETING, greeting(major=1)),
    "greeting_4": (GREETING, greeting(major=4) + b"\x04\x29"),
    "greeting_1_0": (GREETING, b"\x01\x00"),
    "greeting_even": (GREETING, greeting(signature=b"\xff" + bytes(7) + b"\x01\x7e")),
    "greeting_plain": (GREETING, greeting(mechanism=b"PLAIN")),
    "greeting_curve": (GREETING, greeting(mechanism=b"CURVE")),
    "greeting_padding": (GREETING, greeting(mechanism=b"NULL\0X")),
    "header_short": (FRAME_HEADER, b"\x01\x05"),
    "header_long": (FRAME_HEADER, b"\x02" + (64000).to_bytes(8, "big")),
    "header_long_of_short": (FRAME_HEADER, b"\x06" + (5).to_bytes(8, "big")),
    "header_too_long": (FRAME_HEADER, b"\x02" + b"\x80" + bytes(7)),
    "header_reserved": (FRAME_HEADER, b"\x08\x00"),
    "command_ready_dealer": (COMMAND, ready(b"DEALER", b"")),
    "command_ready_router": (COMMAND, ready(b"ROUTER", b"peer")),
    "command_ready_xpub": (COMMAND, ready(b"XPUB")),
    "command_ready_more": (COMMAND, ready(b"REQ", b"a") + prop(b"X-key", b"value")),
    "command_ready_twice": (COMMAND, ready(b"REP") + prop(b"socket-type", b"REP")),
    "command_error": (COMMAND, command(b"ERROR", b"\x03400")),
    "command_ping": (COMMAND, PING),
    "command_ping_long": (COMMAND, command(b"PING", b"\0\0LOL" + b"z" * 55)),
    "command_pong": (COMMAND, command(b"PONG", b"LOL")),
    "command_subscribe": (COMMAND, command(b"SUBSCRIBE", b"A")),
    "command_cancel": (COMMAND, command(b"CANCEL", b"A")),
    "command_unknown": (COMMAND, command(b"JOIN", b"group")),
    "endpoint_tcp": (ENDPOINT, b"tcp://127.0.0.1:5555"),
    "endpoint_any": (ENDPOINT, b"tcp://*:*"),
    "endpoint_ipv6": (ENDPOINT, b"tcp://[fe80::1%eth0]:65535"),
    "endpoint_ipc": (ENDPOINT, b"ipc://@abstract"),
    "endpoint_inproc": (ENDPOINT, b"inproc://name"),
    "endpoint_source": (ENDPOINT, b"tcp://127.0.0.1:0;10.0.0.1:5555"),
    "stream_traffic": (STREAM + OPEN, TRAFFIC),
    "stream_tight": (STREAM + OPEN + TIGHT, TRAFFIC + frame(b"a", MORE) * 4),
    "stream_handshake": (STREAM, frame(ready(b"DEALER", b""), COMMAND_FLAG) + TRAFFIC),
    "stream_sneaky": (STREAM, frame(b"sneaky") + TRAFFIC),
    "stream_long_command": (STREAM + TIGHT, frame(command(b"LONG", b"c" * 31), COMMAND_FLAG) * 2),
    "stream_long": (STREAM + OPEN, frame(b"b" * 256, MORE) + frame(b"")),
    "stream_huge": (STREAM + OPEN, b"\x02\x7f" + b"\xff" * 7),
    "stream_command_more": (STREAM + OPEN, frame(b"ok") + b"\x05\x00"),
}

ARRIVALS = {
    "traffic": TRAFFIC,
    "alike": (frame(b"e" * 31) * 9 + frame(b"e" * 30) * 9) * 2 + TRAFFIC,
    "broken": frame(b"whole") + frame(b"half", MORE) + b"\x08\x00",
}

corpus = Path(__file__).resolve().parent / "corpus" / "codec"
corpus.mkdir(parents=True, exist_ok=True)
for name, (part, data) in SEEDS.items():
    (corpus / name).write_bytes(bytes([part, 7]) + data)

arrivals = corpus.parent / "incoming"
arrivals.mkdir(exist_ok=True)
for name, data in ARRIVALS.items():
    (arrivals / name).write_bytes(bytes([7]) + data)
