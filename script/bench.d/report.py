# SPDX-License-Identifier: Apache-2.0
"""The table of figures, with the goals beside them."""
import os
import statistics
import subprocess

from lib.cluster import bin_dir
from measure import median

# Workload: least ratio of run to native.
RUN_GOALS = {"W1": 0.9, "W2": 2.0, "W3": 1.0, "W4": 1.0}
CAPTURE_GOAL = 1.4
OWN_CPU_GOAL = 2.5
MEMORY_GOAL_MIB = 96
LATENCY_GOAL_MS = {"penstock run": (5, 30), "capture, Kafka, sink": (30, 150)}
# Of the ways into Kafka and out of it. Workload: least ratio to native, most CPU seconds per million rows.
KAFKA_RECVLOGICAL_GOAL = 1.2
KAFKA_CAPTURE_GOAL = 0.85
KAFKA_CPU_GOALS = {"W1": 4.5, "W2": 6, "W3": 4.5}
KAFKA_SINK_GOALS = {"W1": 1.2, "W2": 2.0, "W3": 1.2}
KAFKA_MEMORY_GOALS_MIB = {"capture into Kafka": 48, "sink from Kafka": 160}


def thousands(runs):
    rates = sorted(run.rate / 1000 for run in runs)
    return f"{rates[0]:.0f} / {statistics.median(rates):.0f} / {rates[-1]:.0f}"


def number(value, digits=1):
    return "" if value is None else f"{value:.{digits}f}"


def verdict(is_met):
    return "met" if is_met else "**missed**"


def machine():
    with open("/proc/meminfo", encoding="utf-8") as file:
        gib = int(file.readline().split()[1]) / 1048576
    version = subprocess.run([os.path.join(bin_dir(), "postgres"), "--version"], check=True, capture_output=True,
                             text=True).stdout.split()[2]
    return f"{os.cpu_count()} cores, {gib:.0f} GiB, PostgreSQL {version}"


def drain_rows(name, results):
    """Lines of the table of drains, one per contender."""
    for title, runs in results.items():
        yield (f"| {name} | {title} | {thousands(runs)} | {number(median(runs, 'own_cpu'))} |"
               f" {number(median(runs, 'source_cpu'))} | {number(median(runs, 'target_cpu'))} |"
               f" {number(median(runs, 'broker_cpu') or None)} |"
               f" {number(median(runs, 'rss_mib'), 0)} | {max(run.others for run in runs):.0%} |")


def ratio(results, first, second):
    """The median over the rounds: the two runs of a round are neighbours in time."""
    return statistics.median(one.rate / other.rate for one, other in zip(results[first], results[second]))


def at_least(name, results, first, second, goal):
    """A line of goals, where both ran."""
    if first in results and second in results:
        found = ratio(results, first, second)
        yield f"| {name}: {first} ÷ {second} | ≥ {goal} | {found:.2f} | {verdict(found >= goal)} |"


def at_most(label, found, goal, digits):
    return f"| {label} | ≤ {goal} | {found:.{digits}f} | {verdict(found <= goal)} |"


def goal_rows(name, results):
    yield from at_least(name, results, "penstock run", "logical replication", RUN_GOALS[name])
    yield from at_least(name, results, "bare capture", "pg_recvlogical", CAPTURE_GOAL)
    own = results.get("penstock run")
    if own and name == "W1":
        yield at_most("W1: CPU seconds per million rows, penstock's own", median(own, "own_cpu"), OWN_CPU_GOAL, 1)
    if own:
        yield at_most(f"{name}: peak memory, MiB", max(run.rss_mib for run in own), MEMORY_GOAL_MIB, 0)
    yield from kafka_goal_rows(name, results)


def kafka_goal_rows(name, results):
    yield from at_least(name, results, "capture into Kafka", "pg_recvlogical", KAFKA_RECVLOGICAL_GOAL)
    yield from at_least(name, results, "capture into Kafka", "bare capture", KAFKA_CAPTURE_GOAL)
    yield from at_least(name, results, "sink from Kafka", "logical replication", KAFKA_SINK_GOALS.get(name))
    if "capture into Kafka" in results:
        yield at_most(f"{name}: CPU seconds per million rows, capture into Kafka",
                      median(results["capture into Kafka"], "own_cpu"), KAFKA_CPU_GOALS[name], 1)
    for title, goal in KAFKA_MEMORY_GOALS_MIB.items():
        if title in results:
            yield at_most(f"{name}: peak memory, {title}, MiB", max(run.rss_mib for run in results[title]), goal, 0)


def latency_rows(results):
    for title, found in results.items():
        yield (f"| {title} | {statistics.median(one.p50 for one in found):.1f} |"
               f" {statistics.median(one.p99 for one in found):.1f} | {max(one.longest for one in found):.0f} |"
               f" {statistics.median(one.poll_ms for one in found):.2f} |")


def latency_goals(results):
    for title, goals in LATENCY_GOAL_MS.items():
        for field, goal in zip(("p50", "p99"), goals):
            if title in results:
                value = statistics.median(getattr(one, field) for one in results[title])
                yield at_most(f"W5: commit to visible, {title}, {field}, ms", value, goal, 1)


def text(drains, latencies, options):
    goals = [row for name, results in drains.items() for row in goal_rows(name, results)]
    if latencies:
        goals += latency_goals(latencies)
    lines = [f"{machine()}; {options.runs} runs, interleaved; scale {options.scale};"
             f" synchronous_commit={options.synchronous_commit} at the target.", "",
             "| figure | goal | found | |", "|---|---|---|---|", *goals]
    if drains:
        lines += ["", "Thousand rows/s: least / median / most. CPU: seconds per million rows, medians. Memory: MiB."
                  " Others: the most of the machine's CPU that other processes took during a run.", "",
                  "| | contender | thousand rows/s | own CPU | source's CPU | target's CPU | broker's CPU | memory | others |",
                  "|---|---|---|---|---|---|---|---|---|"]
        lines += [row for name, results in drains.items() for row in drain_rows(name, results)]
    if latencies:
        lines += ["", "| W5, ms | p50 | p99 | longest | polled every |", "|---|---|---|---|---|",
                  *latency_rows(latencies)]
    return "\n".join(lines) + "\n"
