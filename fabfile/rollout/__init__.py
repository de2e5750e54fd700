"""Decide what a deploy does next. Pure.

In: what is seen now (`Observed`), the little that cannot be seen (`Intent`), what is allowed (`Policy`),
and the time, as values. Out: the next steps, each with a reason, and the intent to write down before them.
Never: a clock, a network, a file, boto3, fabric, randomness.
"""
