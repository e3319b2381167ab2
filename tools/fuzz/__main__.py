"""`./dev fuzz [--seconds N | --inputs N] [--seed N] [--processes N] [--only NAME] [--keep DIR] [--json FILE]`."""

from __future__ import annotations

import argparse
import hashlib
import json
import multiprocessing
import sys
from pathlib import Path

from tools.fuzz.run import work
from tools.fuzz.targets import targets


def main() -> int:
    """Run, print figures and findings; 1 when there was any."""
    parser = argparse.ArgumentParser(prog="./dev fuzz")
    limit = parser.add_mutually_exclusive_group()
    limit.add_argument("--seconds", type=float, help="how long each process runs (60)")
    limit.add_argument("--inputs", type=int, help="how many inputs all processes read together")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--only", default="", help="targets whose name holds this")
    parser.add_argument("--keep", type=Path, help="folder for the inputs that found something")
    parser.add_argument("--json", type=Path, help="figures as JSON")
    given = parser.parse_args()
    if not any(given.only in t.name for t in targets()):
        parser.error(f"no such target; there are {', '.join(t.name for t in targets())}")
    seconds = given.seconds if given.inputs else given.seconds or 60.0
    inputs = -(-given.inputs // given.processes) if given.inputs else None
    jobs = [(given.seed + n, seconds, inputs, given.only) for n in range(given.processes)]
    with multiprocessing.get_context("spawn").Pool(given.processes) as pool:
        outcomes = pool.map(work, jobs)
    total, longest = sum(o.total for o in outcomes), max(o.seconds for o in outcomes)
    findings = [finding for outcome in outcomes for finding in outcome.findings]
    for finding in findings:
        sys.stdout.write(f"{finding.target}: {finding.error} ({len(finding.data)} bytes)\n")
        if given.keep:
            given.keep.mkdir(parents=True, exist_ok=True)
            name = f"{finding.target}-{hashlib.sha256(finding.data).hexdigest()[:12]}.bin"
            (given.keep / name).write_bytes(finding.data)
    figures = {
        "inputs": total,
        "seconds": round(longest, 1),
        "inputs_per_second": round(total / longest),
        "processes": given.processes,
        "seed": given.seed,
        "findings": len(findings),
        "growth_mb_max": round(max(o.growth_mb for o in outcomes), 1),
        "by_target": {name: sum(o.inputs.get(name, 0) for o in outcomes) for name in outcomes[0].inputs},
    }
    sys.stdout.write(json.dumps(figures, indent=1) + "\n")
    if given.json:
        given.json.write_text(json.dumps(figures, indent=1) + "\n")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
