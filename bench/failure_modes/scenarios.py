"""The misbehaviours, and what weir promises about them."""

from dataclasses import dataclass

MIB = 1 << 20
REPORTED_MS = 50 + 100  # the limit that weir's watchdog has here, and a tenth of a second


@dataclass(frozen=True)
class Scenario:
    key: str  # as the contestants know it
    title: str
    p99_ms_max: float | None = None  # weir's bars: the heartbeat's lateness,
    rss_bytes_max: int | None = None  # the peak of the process,
    lost_max: int | None = None  # requests of the innocent,
    above_ms_max: float | None = None  # how much later than the machine the heartbeat ever was,
    other_above_ms_max: float | None = None  # and that of another loop,
    reported_ms_max: float | None = None  # how long a handler had run when it was reported,
    is_named: bool = False  # and whether anybody says who is guilty


SCENARIOS = (
    Scenario("E1", "scheduling: a handler computes for 200 ms, three times", reported_ms_max=REPORTED_MS, is_named=True),
    Scenario("E1y", "scheduling: the same work gives way each 0.5 ms", p99_ms_max=20, above_ms_max=2),
    Scenario("E2", "multiplexing: a watcher of readiness that never reads", is_named=True),
    Scenario("E3", "backpressure: 64 MB/s for a subscriber that does not read", p99_ms_max=20, rss_bytes_max=96 * MIB, is_named=True),
    Scenario("E4", "execution unit: deferred work queues more of itself for a second", p99_ms_max=20),
    Scenario("E5", "memory sharing: 16 bytes are kept of each piece that is received", rss_bytes_max=96 * MIB, lost_max=0, is_named=True),
    Scenario("E6", "blocking: a handler blocks for 200 ms, three times", reported_ms_max=REPORTED_MS, other_above_ms_max=2, is_named=True),
    Scenario("E7", "isolation: the handler of one connection fails", lost_max=0, is_named=True),
    Scenario("E8", "fairness: one connection sends and is answered as fast as it can", p99_ms_max=20),
    Scenario("E9", "ordering: a timer due now (t), deferred work (d), posted work (p), asked for in this order"),
    Scenario("E10", "bounds: a hundred connections send 400 MB to a worker that takes a piece a millisecond", rss_bytes_max=96 * MIB, is_named=True),
)
# In the requirements, and without a row here.
MISSING = ()
