"""Is a canary worse than the old servers? A rule that can be worked out on paper.

It is worse when all of this holds:

- enough was seen: `min_requests` of the canary, and of the old servers if they could be asked at all;
- its share of failures is above `max_error_rate`: a failure in a thousand stops nothing;
- an equal canary would hardly look so bad. That is Fisher's exact test, one-sided: of all requests, of which so many
  failed, how likely is it that at least as many of the failed ones fall on the canary by chance? Below `CHANCE`, one
  in 2,000, it is no accident; so low because it is asked after every look, not once.

    canary   9 of 300 failed (3.0 %), old servers 1 of 900: chance 0.00003   worse
    canary   4 of 300 failed (1.3 %), old servers 1 of 900: chance 0.016     may be an accident
    canary   9 of 300 failed (3.0 %), old servers 27 of 900: chance 0.56     as bad as the old ones
    canary   2 of 300 failed (0.7 %), old servers 0 of 900                   below max_error_rate, 1 %
    canary   9 of 300 failed (3.0 %), nothing known of old servers           worse: above max_error_rate

The first line by hand: 10 of 1,200 requests failed, and each falls on the canary with a chance of 300/1,200 = 1/4.
Nine or all ten of them: 10 · (1/4)^9 · 3/4 + (1/4)^10 = 0.00003.
"""

from __future__ import annotations

from enum import Enum
from math import exp, lgamma

from .model import Policy
from .trial import Sample

CHANCE = 0.0005


class Verdict(Enum):
    """What two samples tell."""

    FINE = "fine"
    WORSE = "worse"
    TOO_FEW = "too few requests to tell"


def compared(canary: Sample, old: Sample, policy: Policy) -> Verdict:
    """Judge a canary by its own sample and the old servers'."""
    if canary.requests < policy.min_requests or 0 < old.requests < policy.min_requests:
        return Verdict.TOO_FEW
    if canary.share <= policy.max_error_rate:
        return Verdict.FINE
    by_accident = old.requests > 0 and chance(canary, old) >= CHANCE
    return Verdict.FINE if by_accident else Verdict.WORSE


def chance(canary: Sample, old: Sample) -> float:
    """Return how likely an equal canary has as many failures or more, of all that there were.

    The upper tail of the hypergeometric distribution; with logarithms, since its factors are huge.
    """
    failed, requests = canary.failed + old.failed, canary.requests + old.requests
    all_ways = _ways(requests, failed)
    most = min(failed, canary.requests)
    least = max(canary.failed, failed - old.requests)
    terms = (_ways(canary.requests, n) + _ways(old.requests, failed - n) - all_ways for n in range(least, most + 1))
    return min(1.0, sum(map(exp, terms)))


def _ways(of: int, chosen: int) -> float:
    """Return the logarithm of the number of ways to choose some of many."""
    return lgamma(of + 1) - lgamma(chosen + 1) - lgamma(of - chosen + 1)
