#!/usr/bin/python3
"""weir's sockets and libzmq's under load: a million messages each way, a thousand peers, peers that are killed.

Every test runs on the backend that weir chooses and on epoll.
"""
import multiprocessing
import os
import signal
import sys
import unittest

try:
    import zmq
except ImportError:
    sys.exit(77)

from weir_peer import PAIRS, InteropTest, transports

MIB = 1 << 20
LARGE = bytes(range(256)) * (32 * MIB // 256)


def flood(endpoint):
    """A sender that sends one message for ever: whenever it is killed, it is in the middle of one."""
    sender = zmq.Context().socket(zmq.DEALER)
    sender.sndhwm = 1
    sender.connect(endpoint)
    while True:
        sender.send(LARGE, copy=False)


def send_once(endpoint):
    context = zmq.Context()
    sender = context.socket(zmq.DEALER)
    sender.connect(endpoint)
    sender.send(b"again")
    sender.close()
    context.term()


def body_of(number):
    return b"%d " % number * (1 + number % 11)


class EveryBackend:
    def start(self, body, *arguments):
        process = multiprocessing.get_context("spawn").Process(target=body, args=arguments)
        process.start()
        self.addCleanup(process.join)
        self.addCleanup(process.kill)
        return process

    def send_a_million_each_way(self, weir_kind, own_kind, weir_role):
        count, window = 1_000_000, 800  # fewer than the high-water mark: this thread must not wait for itself
        own, envelope = self.connected_to_echo(weir_kind, own_kind, weir_role, "tcp")
        for first in range(0, count, window):
            numbers = range(first, min(first + window, count))
            for number in numbers:
                own.send_multipart(envelope + [body_of(number)])
            for number in numbers:
                if own.recv_multipart() != envelope + [body_of(number)]:
                    self.fail(f"message {number}")

    def test_a_million_messages_each_way_between_a_router_that_binds_and_a_dealer(self):
        self.send_a_million_each_way("router", zmq.DEALER, "bind")

    def test_a_million_messages_each_way_between_a_dealer_that_connects_and_a_router(self):
        self.send_a_million_each_way("dealer", zmq.ROUTER, "connect")

    def test_messages_of_64_mib_come_back_untouched(self):
        body = bytes(range(256)) * (64 * MIB // 256)
        for weir_kind, own_kind in PAIRS:
            for transport in transports():
                own, envelope = self.connected_to_echo(weir_kind, own_kind, "bind", transport)
                own.send_multipart(envelope + [b"before", body], copy=False)
                back = own.recv_multipart()
                self.assertTrue(back == envelope + [b"before", body], f"{weir_kind} {transport}")

    def test_a_thousand_peers_at_once(self):
        router = self.peer("router", "bind", "tcp://127.0.0.1:*", "echo")
        dealers = [self.socket(zmq.DEALER) for _ in range(1000)]
        for dealer in dealers:
            dealer.connect(router.endpoint)
        for dealer in dealers:
            self.assertEqual(dealer.recv(), b"", "the probe of a new connection")
        for _ in range(10):
            for number, dealer in enumerate(dealers):
                dealer.send(body_of(number))
            for number, dealer in enumerate(dealers):
                self.assertEqual(dealer.recv(), body_of(number))

    def test_of_a_peer_killed_in_the_middle_of_a_message_only_whole_ones_arrive(self):
        for transport in transports():
            printer = self.peer("router", "bind", self.any_endpoint(transport), "print")
            for _ in range(3):
                flooding = self.start(flood, printer.endpoint)
                self.assertEqual(printer.printed()[0], 2)
                os.kill(flooding.pid, signal.SIGKILL)
                self.start(send_once, printer.endpoint)
                while (message := printer.printed()[1]) != b"again":
                    self.assertTrue(message == LARGE, f"{len(message)} bytes that nobody sent")

    def test_weir_killed_in_the_middle_of_messages_and_started_again_goes_on(self):
        for transport in transports():
            for weir_kind in ("router", "dealer"):
                echo = self.peer(weir_kind, "bind", self.any_endpoint(transport), "echo")
                own = self.socket(zmq.DEALER, reconnect_ivl=10)
                own.connect(echo.endpoint)
                self.assertEqual(own.recv(), b"")
                for _ in range(4):  # always two under way, whatever has come back
                    own.send(LARGE, copy=False)
                for _ in range(2):
                    self.assertTrue(own.recv() == LARGE)
                os.kill(echo.process.pid, signal.SIGKILL)
                echo.process.wait()
                self.peer_again(weir_kind, echo.endpoint, "echo")
                while message := own.recv():  # until the probe of the new connection
                    self.assertTrue(message == LARGE, f"{len(message)} bytes that nobody sent")
                own.send(b"again")
                while (message := own.recv()) != b"again":
                    self.assertTrue(message == LARGE, f"{len(message)} bytes that nobody sent")


class ChosenBackend(EveryBackend, InteropTest):
    pass


class Epoll(EveryBackend, InteropTest):
    environment = {"WEIR_BACKEND": "epoll"}


if __name__ == "__main__":
    unittest.main(verbosity=2)
