"""How long many things took, in a few numbers: counts of durations by powers of two of a millisecond."""

from __future__ import annotations

from collections.abc import Mapping

Histogram = Mapping[int, int]


def bucket_of(seconds: float) -> int:
    """The bucket of a duration: 0 below a millisecond, else n for 2**(n-1) to 2**n milliseconds."""
    return int(max(0.0, seconds) * 1000).bit_length()


def quantile(histogram: Histogram, share: float) -> float | None:
    """About how many seconds that share of them took at most; None where there is none."""
    rest = share * sum(histogram.values())
    if rest <= 0:
        return None
    for bucket in sorted(histogram):
        number = histogram[bucket]
        if number >= rest:
            low, high = (2 ** (bucket - 1), 2**bucket) if bucket else (0, 1)
            return round((low + (high - low) * rest / number) / 1000, 4)
        rest -= number
    return None
