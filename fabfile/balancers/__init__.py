"""Load balancers behind one contract.

In: instance ids. Out: their states. Never: an instance out of the group's own balancers behind the group's back.
"""
