"""Which tile serves a call: one plan for each tile that was ever the best."""

from __future__ import annotations

from dataclasses import replace

from pyflex.compare import best_schedule
from pyflex.kind import Kind
from pyflex.options import Options
from pyflex.places import Schedule, power_of_two
from pyflex.plan import Plan
from pyflex.run import model_of
from pyflex.schedule import check_grid, tile_length, worth_listing
from pyflex.tiles import fitting


class Choice:
    """The plans for calls of one kind, and which of them is for which length.

    Holds while `trace` holds.
    """

    def __init__(self, kind: Kind, schedules: tuple[Schedule, ...], options: Options) -> None:
        """Takes the tiles to choose from, the usual one first; a CPU has no other."""
        self.trace = kind.trace
        self._device = model_of(kind.device)
        if self._device is None:
            schedules = schedules[:1]
        else:
            schedules = fitting(options, schedules, kind.shape, self._device)
        specs = (replace(kind.spec, schedule=schedule) for schedule in schedules)
        self._kinds = [replace(kind, spec=spec) for spec in specs]
        self._schedules, self._options = schedules, options
        self._plans: dict[tuple[int, bool], Plan] = {}
        self._chosen: dict[int, Plan] = {}  # by the length of the longest sequence
        check_grid(options, self._kinds[0].programs())

    def plan(self, kv_limit: int) -> Plan:
        """The plan for sequences of up to `kv_limit` keys."""
        length = tile_length(kv_limit)
        plan = self._chosen.get(length)
        if plan is None:
            plan = self._chosen[length] = self._choose(length)
        return plan

    def _choose(self, kv_limit: int) -> Plan:
        usual = self._kinds[0]
        listed = usual.listable and worth_listing(usual.kv_bytes(kv_limit))
        index = 0
        if self._device is not None:
            options = usual.for_the_model(self._options)
            work = replace(usual.work(kv_limit), listed=listed)
            index = best_schedule(options, work, self._schedules, self._device)
        if (index, listed) not in self._plans:
            kind = self._kinds[index]
            kind = _listing(kind) if listed else kind
            self._plans[index, listed] = Plan(kind, self._options)
        return self._plans[index, listed]


def _listing(kind: Kind) -> Kind:
    """`kind` with a first kernel that finds the blocks, of rows as few as calls have."""
    queries = power_of_two(kind.rows[2])
    if queries >= kind.spec.schedule.queries:
        queries = 0
    return replace(kind, spec=replace(kind.spec, listed=True, queries=queries))
