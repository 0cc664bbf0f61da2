"""A server under load, turn about with others: a figure of each kind for each round."""

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass, field

from bench import load, usage
from bench.scene import Scene
from bench.served import Served

# A site with some hundred people at once, each of whom clicks now and then.
USUAL_PER_SECOND = 200


@dataclass
class Asked:
    """A server, what it is asked for in turn, and what came of it."""

    name: str
    served: Served
    requests: Sequence[bytes]
    status: int = 200
    _: KW_ONLY
    once: bool = False
    per_second: list[float] = field(default_factory=list)
    cpu_us: list[float] = field(default_factory=list)
    postgres_us: list[float] = field(default_factory=list)
    p50_ms: list[float] = field(default_factory=list)
    p99_ms: list[float] = field(default_factory=list)
    usual_p50_ms: list[float] = field(default_factory=list)
    usual_p99_ms: list[float] = field(default_factory=list)
    client_us: list[float] = field(default_factory=list)

    def warm_up(self, seconds: float) -> None:
        """Ask for as long as a round: V8 compiles what it has seen run for a while."""
        self._saturated(seconds)

    def measure(self, scene: Scene, seconds: float) -> None:
        """Ask as fast as the answers come."""
        server, postgres = self.served.child.pid, scene.server.child.pid
        used, used_there = usage.cpu_s(server), usage.cpu_s(postgres)
        burst = self._saturated(seconds)
        count = len(burst.latencies_s)
        self.cpu_us.append((usage.cpu_s(server) - used) / count * 1e6)
        self.postgres_us.append((usage.cpu_s(postgres) - used_there) / count * 1e6)
        self.client_us.append(burst.own_cpu_s / count * 1e6)
        self.per_second.append(burst.per_second)
        self.p50_ms.append(burst.percentile_ms(50))
        self.p99_ms.append(burst.percentile_ms(99))

    def measure_usual(self, seconds: float) -> None:
        """Ask as often as people do."""
        usual = load.paced(
            self.served.port,
            self.requests,
            self.status,
            seconds=seconds,
            per_second=USUAL_PER_SECOND,
        )
        self.usual_p50_ms.append(usual.percentile_ms(50))
        self.usual_p99_ms.append(usual.percentile_ms(99))

    def _saturated(self, seconds: float) -> load.Burst:
        port, asked = self.served.port, self.requests
        return load.saturate(port, asked, self.status, seconds=seconds, once=self.once)
