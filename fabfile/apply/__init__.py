"""Carry plans out: observe, plan, record, apply, until converged or stopped.

In: a planner, a world, a ledger, a lease, a clock. Out: events for the display, a report.
Never: a decision about the fleet (that is `rollout/`), boto3's exceptions, printing.
"""
