#!/usr/bin/env python3
"""Step "summary": what the scenarios say about the value of the portfolio.

Reads {"values": [...], "config": {"quantiles": [...], "tail": share}} from
stdin and writes {"count", "mean", "sd", "quantiles", "tailMean"} to stdout.
"""
import json
import math
import sys


def quantile(ordered, share):
    """Linear between the two nearest order statistics."""
    place = share * (len(ordered) - 1)
    low = math.floor(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (place - low) * (ordered[high] - ordered[low])


def summarize(values, config):
    if not values:
        raise ValueError("no values to summarize")
    ordered = sorted(values)
    count = len(ordered)
    mean = math.fsum(ordered) / count
    worst = ordered[: max(1, round(config.get("tail", 0.05) * count))]
    return {
        "count": count,
        "mean": mean,
        "sd": math.sqrt(math.fsum((value - mean) ** 2 for value in ordered) / max(1, count - 1)),
        "quantiles": {str(share): quantile(ordered, share) for share in config.get("quantiles", [0.5])},
        "tailMean": math.fsum(worst) / len(worst),
    }


if __name__ == "__main__":
    bus = json.load(sys.stdin)
    json.dump(summarize(bus["values"], bus.get("config", {})), sys.stdout, indent=2)
    print()
