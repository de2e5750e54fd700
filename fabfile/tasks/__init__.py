"""Turn command lines into calls: parse, call, print.

In: strings. Out: exit codes, standard output. Never: decisions about a fleet, boto3.
"""
