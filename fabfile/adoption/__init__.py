"""Groups that were made by hand become groups that deploys can work with.

In: a group as it is, and what the config says of it. Out: what would change, what stands in the way, and the change
with its inverse in the ledger. Never: a running server, a balancer, a size or another setting of the group changed.
"""
