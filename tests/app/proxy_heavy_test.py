#!/usr/bin/python3
"""weir proxy under load, and among peers that die: a million messages each way, a thousand clients, broken workers."""
import multiprocessing
import os
import signal
import socket
import struct
import sys
import unittest

import weir_command
from weir_command import PATIENCE_S, Proxy

try:
    import zmq
except ImportError:
    sys.exit(weir_command.SKIPPED)

MIB = 1 << 20
CLIENTS = 1000
LARGE = bytes(range(256)) * (32 * MIB // 256)


def echo(endpoint):
    """A worker: every message back, for ever."""
    worker = zmq.Context().socket(zmq.DEALER)
    worker.connect(endpoint)
    while True:
        worker.send_multipart(worker.recv_multipart(copy=False))


def flood(endpoint):
    """A worker that answers one request for ever: whenever it is killed, it is in the middle of a message."""
    worker = zmq.Context().socket(zmq.DEALER)
    worker.sndhwm = 1
    worker.connect(endpoint)
    identity, _ = worker.recv_multipart()
    while True:
        worker.send_multipart([identity, LARGE])


def body_of(number):
    return b"%d " % number * (1 + number % 11)


class EveryBackend:
    environment = {}

    def setUp(self):
        self.context = zmq.Context()
        self.context.max_sockets = 3 * CLIENTS
        self.sockets = []
        self.addCleanup(self.context.destroy, linger=0)
        self.proxy = Proxy(**self.environment)
        self.addCleanup(self.proxy.__exit__)

    def connect(self, kind):
        made = self.context.socket(kind)
        self.sockets.append(made)
        made.sndtimeo = made.rcvtimeo = 1000 * PATIENCE_S
        made.connect(self.proxy.frontend)
        return made

    def start(self, body, *arguments):
        process = multiprocessing.get_context("spawn").Process(target=body, args=arguments)
        process.start()
        self.addCleanup(process.join)
        self.addCleanup(process.kill)
        return process

    def test_a_million_messages_each_way_arrive_in_order(self):
        count, window = 1_000_000, 800  # fewer than the high-water mark: this thread must not wait for itself
        self.start(echo, self.proxy.backend)
        client = self.connect(zmq.DEALER)
        for first in range(0, count, window):
            numbers = range(first, min(first + window, count))
            for number in numbers:
                client.send(body_of(number))
            for number in numbers:
                if client.recv() != body_of(number):
                    self.fail(f"message {number}")
        self.proxy.terminate()
        total = self.proxy.wait_for("total")
        self.assertEqual([total["requests"], total["replies"], total["left_behind"]], [count, count, 0])
        self.assertEqual(self.proxy.wait(), 0)

    def test_a_million_messages_each_way_where_the_proxy_connects_on_both_sides(self):
        """To a ROUTER as its worker: the id in front of a request brings the reply back."""
        count, window = 1_000_000, 400
        client, worker = self.context.socket(zmq.DEALER), self.context.socket(zmq.ROUTER)
        for made in (client, worker):
            self.sockets.append(made)
            made.sndhwm = 0  # libzmq's ROUTER drops what is above its mark
            made.sndtimeo = made.rcvtimeo = 1000 * PATIENCE_S
            made.bind("tcp://127.0.0.1:*")
        proxy = Proxy(frontend="router+connect:" + client.last_endpoint.decode(),
                      backend="dealer+connect:" + worker.last_endpoint.decode(), **self.environment)
        self.addCleanup(proxy.__exit__)
        for first in range(0, count, window):
            bodies = [body_of(number) for number in range(first, min(first + window, count))]
            for body in bodies:
                client.send(body)
            for body in bodies:
                request = worker.recv_multipart()
                if request[-1] != body:
                    self.fail(f"{body} did not reach the worker, but {request}")
                worker.send_multipart(request)
            for body in bodies:
                if client.recv() != body:
                    self.fail(f"{body} did not come back")

    def test_messages_of_64_mib_pass_untouched(self):
        self.start(echo, self.proxy.backend)
        client = self.connect(zmq.REQ)
        body = bytes(range(256)) * (64 * MIB // 256)
        for _ in range(3):
            client.send_multipart([b"before", body], copy=False)
            self.assertTrue(client.recv_multipart() == [b"before", body])

    def test_a_thousand_clients_at_once(self):
        self.start(echo, self.proxy.backend)
        clients = [self.connect(zmq.REQ) for _ in range(CLIENTS)]
        self.proxy.wait_for_peers(CLIENTS, 1)
        for number, client in enumerate(clients):
            client.send(body_of(number))
        for number, client in enumerate(clients):
            self.assertEqual(client.recv(), body_of(number))

    def test_a_worker_killed_in_the_middle_of_a_message_is_replaced(self):
        killed = self.start(flood, self.proxy.backend)
        client = self.connect(zmq.DEALER)
        client.send(b"to the one that dies")
        for _ in range(3):
            self.assertTrue(client.recv() == LARGE)
        os.kill(killed.pid, signal.SIGKILL)
        self.proxy.wait_for("counters", lambda told: told["backend_peers"] == 0)
        self.start(echo, self.proxy.backend)
        client.send(b"to the next one")
        while (reply := client.recv()) != b"to the next one":
            self.assertTrue(reply == LARGE, f"a message of {len(reply)} bytes that nobody sent")

    def test_hostile_peers_disturb_nobody_and_are_told_of(self):
        self.start(echo, self.proxy.backend)
        host, port = self.proxy.frontend.removeprefix("tcp://").split(":")
        for bytes_sent in (b"GET / HTTP/1.1\r\n\r\n", b"\xff" + bytes(8) + b"\x7f\x09" + bytes(53)):
            with socket.create_connection((host, int(port))) as peer:
                peer.sendall(bytes_sent)
                peer.settimeout(PATIENCE_S)
                while peer.recv(4096):  # until it is thrown out
                    pass
        with socket.create_connection((host, int(port))) as peer:
            peer.sendall(b"\xff")
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # a reset
        client = self.connect(zmq.REQ)
        client.send(b"undisturbed")
        self.assertEqual(client.recv(), b"undisturbed")
        self.proxy.wait_for("counters")
        self.proxy.terminate()
        self.proxy.wait()
        self.assertIn(f"weir proxy: {self.proxy.frontend} handshake failed: ", self.proxy.process.stderr.read().decode())


class ChosenBackend(EveryBackend, unittest.TestCase):
    pass


class Epoll(EveryBackend, unittest.TestCase):
    environment = {"WEIR_BACKEND": "epoll"}


if __name__ == "__main__":
    weir_command.main()
