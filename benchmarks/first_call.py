"""One process, one workload, one system: the first call's time and the host's share of later ones.

python -m benchmarks.first_call SYSTEM WORKLOAD

Prints one line of JSON. `host.py` starts it with cache folders of its own choice.
"""

from __future__ import annotations

import json
import sys
import time

import torch

from benchmarks.systems import SYSTEMS, takes_blocks
from benchmarks.timing import host_time
from benchmarks.workloads import BY_NAME, make_problem
from pyflex.steps import collect


def main() -> None:
    system, name = sys.argv[1:]
    problem = make_problem(BY_NAME[name], blocks=takes_blocks([system]))
    # The device is ready, torch and pyflex are imported: what follows is the first call alone.
    torch.cuda.synchronize()
    with collect() as steps:
        start = time.perf_counter()
        run = SYSTEMS[system].call(problem)
        run()
        torch.cuda.synchronize()
        first = time.perf_counter() - start
    print(json.dumps({"first_s": first, "steps": steps, "host_us": host_time(run)}))


if __name__ == "__main__":
    main()
