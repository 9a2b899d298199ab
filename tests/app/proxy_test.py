#!/usr/bin/python3
"""weir proxy between programs on libzmq: what goes in comes out, waits where it must, and ends in good order.

Every test runs on the backend that weir chooses and on epoll.
"""
import pathlib
import socket
import struct
import sys
import tempfile
import threading
import time
import unittest

import weir_command
from weir_command import Proxy

try:
    import zmq
except ImportError:
    sys.exit(weir_command.SKIPPED)

MIB = 1 << 20
END = b"end"


class Crew:
    """Threads whose failures are not lost."""

    def __init__(self):
        self.threads, self.failures = [], []

    def start(self, body, *arguments):
        def run():
            try:
                body(*arguments)
            except BaseException as failure:
                self.failures.append(failure)

        self.threads.append(threading.Thread(target=run))
        self.threads[-1].start()

    def join(self):
        for thread in self.threads:
            thread.join()
        if self.failures:
            raise self.failures[0]


class EveryBackend:
    environment = {}

    def setUp(self):
        self.context = zmq.Context()
        self.sockets = []  # which must not be collected before they are closed
        self.addCleanup(self.context.destroy, linger=0)

    def connect(self, kind, endpoint, **options):
        made = self.context.socket(kind)
        self.sockets.append(made)
        made.linger = 0
        made.sndtimeo = made.rcvtimeo = 1000 * weir_command.PATIENCE_S
        for name, value in options.items():
            setattr(made, name, value)
        made.connect(endpoint)
        return made

    def proxy(self, *arguments, **endpoints):
        made = Proxy(*arguments, **endpoints, **self.environment)
        self.addCleanup(made.__exit__)
        return made

    def dealer_pair(self, proxy, **options):
        client = self.connect(zmq.DEALER, proxy.frontend, **options)
        worker = self.connect(zmq.DEALER, proxy.backend, **options)
        proxy.wait_for_peers(1, 1)
        return client, worker

    # --- what passes ---

    def test_ten_thousand_requests_are_answered_each_with_its_own_reply(self):
        clients, requests_each = 4, 2500
        proxy = self.proxy()

        def work():
            worker = self.connect(zmq.REP, proxy.backend)
            while (request := worker.recv()) != END:
                worker.send(request[::-1])
            worker.send(END)

        def ask(number):
            client = self.connect(zmq.REQ, proxy.frontend)
            for i in range(requests_each):
                request = b"client %d request %d " % (number, i) * (1 + i % 7)
                client.send(request)
                self.assertEqual(client.recv(), request[::-1])

        workers, askers = Crew(), Crew()
        for _ in range(2):
            workers.start(work)
        for number in range(clients):
            askers.start(ask, number)
        askers.join()
        for _ in range(2):  # each worker answers the end once: requests go to them in turn
            client = self.connect(zmq.REQ, proxy.frontend)
            client.send(END)
            self.assertEqual(client.recv(), END)
        workers.join()
        proxy.terminate()
        total = proxy.wait_for("total")
        self.assertEqual(proxy.wait(), 0)
        self.assertEqual([total["requests"], total["replies"]], [clients * requests_each + 2] * 2)
        self.assertEqual([total["dropped"], total["left_behind"], total["all_sent"]], [0, 0, True])

    def test_messages_of_every_size_and_shape_pass_untouched(self):
        client, worker = self.dealer_pair(self.proxy(), identity=b"\x01the client\xff")
        shapes = [[bytes([i % 256]) * size] for i, size in enumerate((0, 1, 255, 256, 8192, MIB, 16 * MIB))]
        shapes += [[b""] * 3, [b"part %d" % i for i in range(100)], [b"", b"body"]]
        for shape in shapes:
            client.send_multipart(shape)
            identity, *request = worker.recv_multipart()
            self.assertEqual(identity, b"\x01the client\xff")
            self.assertTrue(request == shape, f"{len(shape)} parts, the first of {len(shape[0])} bytes")
            worker.send_multipart([identity, *request])
            self.assertTrue(client.recv_multipart() == shape)

    def test_requests_go_to_workers_in_turn(self):
        proxy = self.proxy()
        client, first = self.dealer_pair(proxy)
        second = self.connect(zmq.DEALER, proxy.backend)
        proxy.wait_for_peers(1, 2)
        for i in range(10):
            client.send(b"%d" % i)
        self.assertEqual(sorted(int(each.recv_multipart()[1]) for each in [first, second] * 5), list(range(10)))

    def test_several_endpoints_listening_and_connecting_over_ipc_and_tcp(self):
        with tempfile.TemporaryDirectory() as folder:
            worker = self.context.socket(zmq.REP)
            self.sockets.append(worker)
            port = worker.bind_to_random_port("tcp://127.0.0.1")
            proxy = self.proxy("--frontend", "router:tcp://127.0.0.1:*", frontend=f"router:ipc://{folder}/front",
                               backend=f"dealer+connect:tcp://127.0.0.1:{port}")
            client = self.connect(zmq.REQ, f"ipc://{folder}/front")
            client.send(b"hello")
            self.assertEqual(worker.recv(), b"hello")
            worker.send(b"there")
            self.assertEqual(client.recv(), b"there")
            proxy.terminate()
            self.assertEqual(proxy.wait(), 0)
            self.assertFalse(pathlib.Path(folder, "front").exists(), "the path of the socket is left behind")

    # --- bounds ---

    def flood(self, proxy, clients, requests_each, size):
        """Clients that have sent all their requests before anybody works; each request names its client and number."""
        flooding = [self.connect(zmq.DEALER, proxy.frontend, sndhwm=0, rcvhwm=0) for _ in range(clients)]
        for number in range(requests_each):
            for client in range(clients):
                flooding[client].send(struct.pack("!II", client, number) * (size // 8))
        return flooding

    def test_memory_is_bounded_while_workers_stall_and_nothing_is_lost(self):
        budget, clients, requests_each, size = 8 * MIB, 40, 200, 16 * 1024
        proxy = self.proxy("--bytes", str(budget))
        before = proxy.rss_bytes()
        worker = self.connect(zmq.DEALER, proxy.backend, rcvhwm=10)
        self.flood(proxy, clients, requests_each, size)
        stalled = lambda told: told["requests_per_s"] == 0 and told["frontend_peers"] == clients
        proxy.wait_for("counters", stalled)
        cpu_before = proxy.cpu_s()
        told = proxy.wait_for("counters", stalled)
        self.assertLessEqual(proxy.cpu_s() - cpu_before, 0.03, "a stalled proxy must sleep")
        self.assertLess(told["memory_bytes"], budget + MIB)
        if not weir_command.SANITIZED:  # a sanitizer keeps freed memory back, and a shadow of all memory
            self.assertLess(proxy.rss_bytes() - before, budget + 8 * MIB)
        numbers = [0] * clients
        for _ in range(clients * requests_each):
            body = worker.recv_multipart()[1]
            client, number = struct.unpack_from("!II", body)
            self.assertTrue(body == struct.pack("!II", client, numbers[client]) * (size // 8), f"{client}, {number}")
            numbers[client] += 1
        self.assertEqual(numbers, [requests_each] * clients)

    def test_a_worker_that_waits_for_its_replies_to_be_taken_is_not_locked_out_by_requests(self):
        clients, requests_each, size = 40, 100, 16 * 1024
        proxy = self.proxy("--bytes", str(8 * MIB))
        flooding = self.flood(proxy, clients, requests_each, size)
        worker = self.connect(zmq.DEALER, proxy.backend, sndhwm=1, rcvhwm=1, rcvbuf=65536, sndbuf=65536)
        crew = Crew()

        def work():
            for _ in range(clients * requests_each):
                worker.send_multipart(worker.recv_multipart())

        crew.start(work)
        for client, each in enumerate(flooding):
            for number in range(requests_each):
                self.assertTrue(each.recv() == struct.pack("!II", client, number) * (size // 8), f"{client}, {number}")
        crew.join()

    def test_more_clients_than_memory_is_for_are_served_one_after_the_other(self):
        proxy = self.proxy("--bytes", str(MIB))
        worker = self.connect(zmq.DEALER, proxy.backend)
        waiting = {self.connect(zmq.REQ, proxy.frontend) for _ in range(3 * proxy.clients_max)}
        for client in waiting:
            client.send(b"my turn")
        proxy.wait_for_peers(proxy.clients_max, 1)
        while waiting:
            ready, _, _ = zmq.select([worker, *waiting], [], [], weir_command.PATIENCE_S)
            self.assertTrue(ready, f"{len(waiting)} are not served")
            if worker in ready:
                worker.send_multipart(worker.recv_multipart())
            for client in waiting.intersection(ready):
                self.assertEqual(client.recv(), b"my turn")
                client.close()
                waiting.remove(client)

    def test_no_cpu_time_while_idle(self):
        proxy = self.proxy()
        client, worker = self.dealer_pair(proxy)
        client.send(b"once")
        worker.recv_multipart()
        proxy.wait_for("counters")
        before = proxy.cpu_s()
        for _ in range(3):
            proxy.wait_for("counters")
        self.assertLessEqual(proxy.cpu_s() - before, 0.05, "in three seconds")

    def test_goes_on_when_nobody_reads_its_lines(self):
        proxy = self.proxy()
        client, worker = self.dealer_pair(proxy)
        proxy.process.stdout.close()
        deadline = time.monotonic() + 2.5  # longer than it takes to write two lines
        while time.monotonic() < deadline:
            client.send(b"still there?")
            worker.recv_multipart()
        proxy.terminate()
        self.assertEqual(proxy.wait(), 0)

    # --- the end ---

    def test_a_signal_drains_what_was_accepted_and_refuses_newcomers(self):
        proxy = self.proxy("--drain", "60s")
        client, worker = self.dealer_pair(proxy)
        requests = [b"request %d" % i for i in range(500)]
        for request in requests:
            client.send(request)
        first = worker.recv_multipart()
        proxy.terminate()
        self.assertEqual(proxy.wait_for("draining")["at_most_ms"], 60_000)
        host, port = proxy.frontend.removeprefix("tcp://").split(":")
        with self.assertRaises(ConnectionRefusedError):
            while True:  # the listening socket is closed a turn later
                socket.create_connection((host, int(port))).close()
        proxy.wait_for("counters")  # a silence in which only the missing replies keep it
        worker.send_multipart(first)
        for _ in requests[1:]:
            worker.send_multipart(worker.recv_multipart())
        self.assertEqual([client.recv() for _ in requests], requests)
        total = proxy.wait_for("total")
        self.assertEqual([total["requests"], total["replies"], total["left_behind"]], [500, 500, 0])
        self.assertTrue(total["all_sent"])
        self.assertEqual(proxy.wait(), 0)

    def test_the_drain_ends_at_its_deadline_and_counts_what_is_left(self):
        proxy = self.proxy("--drain", "200ms", "--hwm", "10")
        client = self.connect(zmq.DEALER, proxy.frontend)
        for i in range(5):
            client.send(b"nobody works")
        proxy.wait_for_peers(1, 0)
        proxy.terminate()
        total = proxy.wait_for("total")
        self.assertEqual([total["requests"], total["left_behind"]], [0, 5])
        self.assertEqual(proxy.wait(), 0)

    def test_a_second_signal_ends_it_at_once(self):
        proxy = self.proxy("--drain", "1h")
        client, worker = self.dealer_pair(proxy)
        client.send(b"never answered")
        worker.recv_multipart()
        proxy.terminate()
        proxy.wait_for("draining")
        proxy.terminate()
        proxy.wait_for("total")
        self.assertEqual(proxy.wait(), 128 + 15)

    def test_a_second_signal_ends_it_while_it_sends_the_rest(self):
        proxy = self.proxy("--drain", "1h", backend="dealer+connect:tcp://127.0.0.1:9")
        client = self.connect(zmq.DEALER, proxy.frontend)
        client.send(b"for a worker that never comes")
        proxy.wait_for("counters", lambda told: told["requests_per_s"] > 0)
        proxy.terminate()
        proxy.wait_for("draining")
        proxy.terminate()
        self.assertEqual(proxy.wait(), 128 + 15)
        self.assertIn(b"tcp://127.0.0.1:9 connect failed: ", proxy.process.stderr.read())

    def test_a_client_that_left_costs_only_its_own_replies(self):
        proxy = self.proxy()
        client, worker = self.dealer_pair(proxy)
        client.send(b"and away")
        reply = worker.recv_multipart()
        client.close()
        proxy.wait_for_peers(0, 1)
        worker.send_multipart(reply)
        other = self.connect(zmq.REQ, proxy.frontend)
        other.send(b"still here")
        worker.send_multipart(worker.recv_multipart())
        self.assertEqual(other.recv(), b"still here")
        self.assertEqual(proxy.wait_for("counters", lambda told: told["dropped"])["dropped"], 1)


class ChosenBackend(EveryBackend, unittest.TestCase):
    pass


class Epoll(EveryBackend, unittest.TestCase):
    environment = {"WEIR_BACKEND": "epoll"}


if __name__ == "__main__":
    weir_command.main()
