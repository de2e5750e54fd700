"""The deploy lock behind one contract.

In: who wants it and why. Out: a lease. Never: trusts two machines' clocks.
"""
