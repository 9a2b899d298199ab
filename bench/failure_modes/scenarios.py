"""The misbehaviours, and what weir promises about them."""

from dataclasses import dataclass

MIB = 1 << 20


@dataclass(frozen=True)
class Scenario:
    key: str  # as the contestants know it
    title: str
    p99_ms_max: float | None = None  # weir's bars: the heartbeat's lateness,
    rss_bytes_max: int | None = None  # the peak of the process,
    lost_max: int | None = None  # and requests of the innocent


SCENARIOS = (
    Scenario("E1", "scheduling: a handler computes for 200 ms, three times"),
    Scenario("E1y", "scheduling: the same work gives way each 0.5 ms", p99_ms_max=20),
    Scenario("E2", "multiplexing: a watcher of readiness that never reads"),
    Scenario("E3", "backpressure: 64 MB/s for a subscriber that does not read", p99_ms_max=20, rss_bytes_max=96 * MIB),
    Scenario("E4", "execution unit: deferred work queues more of itself for a second", p99_ms_max=20),
    Scenario("E5", "memory sharing: 16 bytes are kept of each piece that is received"),
    Scenario("E6", "blocking: a handler blocks for 200 ms, three times"),
    Scenario("E7", "isolation: the handler of one connection fails", lost_max=0),
    Scenario("E8", "fairness: one connection sends and is answered as fast as it can", p99_ms_max=20),
    Scenario("E9", "ordering: a timer due now (t), deferred work (d), posted work (p), asked for in this order"),
    Scenario("E10", "bounds: a hundred connections send 400 MB to a worker that takes a piece a millisecond", rss_bytes_max=96 * MIB),
)
# In the requirements, and without a row here.
MISSING = ()
