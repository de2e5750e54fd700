"""Run commands and send files on many instances, behind one contract.

In: hosts, argument lists, bytes. Out: one result per host. Never: a shell string that was not quoted.
"""
