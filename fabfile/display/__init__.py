"""Show progress, tables and reports: the only package that prints.

In: events and results. Out: text. Never: a decision.
"""
