"""What a deploy costs, measured: `make bench`.

In: this checkout and the embedded cloud. Out: figures with their limits, as results.json and docs/performance.md.
Never: a figure that was not measured in this run.
"""
