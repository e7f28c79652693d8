"""One fault run from the first launch to the last end: what happens when, on one thread, in the order of a schedule."""

from __future__ import annotations

import heapq
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import count

from chaos.orders import Control, Order
from chaos.people import People
from chaos.storm import Blow
from chaos.world import World
from tests.support.postgres import ask

_LOOK_SECONDS = 0.5
_TELL_SECONDS = 10.0
_STALL_SECONDS = 150.0
_QUIET_SECONDS = 120.0
_TICK_SECONDS = 0.05

_STATES = "SELECT id::text, status, error_code, is_cancelling FROM orchestrations"
# The watch of the fleet never ends, and a look that is due in hours holds nothing up.
_UNDER_WAY = (
    "SELECT count(*) FROM orchestration_outbox_live WHERE kind <> 'watch_fleet'"
    " AND (status = 'processing' OR kind <> 'advance' OR next_run_at < now() + interval '5 s')"
)


class Drive:
    """Launches the orders, lets the storm blow, and waits for the end of all."""

    def __init__(
        self,
        world: World,
        orders: Sequence[Order],
        blows: Iterator[Blow],
        *,
        open_at_once: int = 60,
        strikes_all: bool = False,
        tell: Callable[[str], None] = print,
    ) -> None:
        self.world, self.people = world, People(world)
        self.blows_struck: Counter[str] = Counter()
        self.troubles: list[str] = []
        self._orders, self._blows = list(orders), blows
        self._open_at_once, self._tell, self._strikes_all = open_at_once, tell, strikes_all
        self._agenda: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = count()
        self._began = time.monotonic()
        self._is_stormy, self._is_over = True, False
        self._moved_at, self._events = self._began, -1

    @property
    def seconds(self) -> float:
        """How long it has run."""
        return time.monotonic() - self._began

    def run(self) -> None:
        """Until everything ended, or nothing moves any more; then until no job is under way."""
        self._in(0, self._look)
        self._in(_TELL_SECONDS, self._say)
        self._begin_storm()
        while not self._is_over:
            self._do_what_is_due()
            time.sleep(_TICK_SECONDS)
        self._settle()

    def _still_open(self) -> list[str]:
        return [f"{row[0]} {row[1]}" for row in ask(self.world.url, _STATES) if not self.people.is_done_with(*row)]

    def _do_what_is_due(self) -> None:
        while self._agenda and self._agenda[0][0] <= time.monotonic():
            heapq.heappop(self._agenda)[2]()

    def _in(self, seconds: float, act: Callable[[], None]) -> None:
        heapq.heappush(self._agenda, (time.monotonic() + seconds, next(self._numbers), act))

    def _look(self) -> None:
        """Launch as many as may be open, do what people do, and see whether anything moved or all is over."""
        still_open = self._still_open()
        room = max(self._open_at_once - len(still_open), 0)
        launching, self._orders = self._orders[:room], self._orders[room:]
        for order in launching:
            self._launch(order)
        self.people.look_after()
        self.world.replace_timed_out()
        if not self._orders and not launching:
            self._end(still_open)
        self._in(_LOOK_SECONDS, self._look)

    def _end(self, still_open: list[str]) -> None:
        """With few left open the storm ends, so that what it did to the last ones is seen too."""
        if self._is_stormy:
            if not self._strikes_all and len(still_open) <= len(self.people.launched) // 20:
                self._calm()
            return
        self.people.resume_all()
        ((events,),) = ask(self.world.url, "SELECT coalesce(sum(last_seq), 0) FROM orchestrations")
        if events != self._events:
            self._events, self._moved_at = events, time.monotonic()
        is_stalled = time.monotonic() - self._moved_at > _STALL_SECONDS
        if is_stalled:
            self.troubles.append(f"nothing moved for {_STALL_SECONDS:g} s: {', '.join(still_open[:10])}")
        is_all_released = bool(still_open) or not self.people.release()
        self._is_over = is_stalled or (is_all_released and not still_open)

    def _launch(self, order: Order) -> None:
        key = self.people.launch(order)
        for control in order.controls:
            self._in(control.after_seconds, lambda c=control: self.people.control(key, c))
            if control.kind == "pause":
                self._in(control.after_seconds + 2, lambda: self.people.control(key, Control(0, "resume")))
        if order.rests == "paused":
            self._in(1, lambda: self.people.control(key, Control(0, "pause")))

    def _begin_storm(self) -> None:
        """Once the first agent was launched: what strikes workers that only start proves little."""
        if ask(self.world.url, "SELECT 1 FROM agents WHERE launch_status = 'launched' LIMIT 1"):
            self._next_blow()
        else:
            self._in(_LOOK_SECONDS, self._begin_storm)

    def _next_blow(self) -> None:
        blow = next(self._blows, None)
        if blow is None:
            self._calm()
        else:
            self._in(blow.after_seconds, lambda: self._strike(blow))

    def _strike(self, blow: Blow) -> None:
        if self._is_stormy:
            self.blows_struck[blow.kind] += 1
            getattr(self, f"_{blow.kind}")(blow)
            self._next_blow()

    def _kill(self, blow: Blow) -> None:
        if self.world.kill(blow.dice):
            self._in(blow.lasts_seconds, self.world.begin_worker)

    def _freeze(self, blow: Blow) -> None:
        pid = self.world.freeze(blow.dice)
        if pid is not None:
            # By a thread of its own: this one may have to wait for a lock that the frozen worker holds.
            threading.Timer(blow.lasts_seconds, self.world.thaw, [pid]).start()

    def _restart(self, blow: Blow) -> None:
        self.world.restart_postgres(signal.SIGINT)

    def _crash(self, blow: Blow) -> None:
        self.world.restart_postgres(signal.SIGQUIT)

    def _cut(self, blow: Blow) -> None:
        backends = ask(
            self.world.url,
            "SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()",
        )
        dice = blow.dice
        for (pid,) in backends:
            if dice.random() < 0.4:
                ask(self.world.url, "SELECT pg_terminate_backend(%s)", [pid])

    def _api(self, blow: Blow) -> None:
        self.world.simulator.fault(**blow.rule)

    def _hints(self, blow: Blow) -> None:
        self.people.hint(blow.dice)

    def _outside(self, blow: Blow) -> None:
        self.people.meddle(blow.dice)

    def _calm(self) -> None:
        """Nothing breaks any more."""
        self._is_stormy, self._moved_at = False, time.monotonic()
        self.world.simulator.clear_faults()
        for pid in list(self.world.frozen):
            self.world.thaw(pid)

    def _settle(self) -> None:
        """Wait until no job is under way: usage, looks, what is written down behind the ends."""
        deadline = time.monotonic() + _QUIET_SECONDS
        while ask(self.world.url, _UNDER_WAY)[0][0] and time.monotonic() < deadline:
            time.sleep(0.2)
        self._say()

    def _say(self) -> None:
        counts = dict(ask(self.world.url, "SELECT status, count(*) FROM orchestrations GROUP BY 1 ORDER BY 1"))
        ((agents,),) = ask(self.world.url, "SELECT count(*) FROM agents WHERE origin = 'orchestration'")
        shown = " ".join(f"{status} {number}" for status, number in counts.items())
        blows = " ".join(f"{kind} {number}" for kind, number in sorted(self.blows_struck.items()))
        self._tell(f"{self.seconds:6.0f} s  {len(self._orders)} to launch; {shown}; agents {agents}; {blows}")
        self._in(_TELL_SECONDS, self._say)
