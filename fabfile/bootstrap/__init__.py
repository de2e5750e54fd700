"""Make, update and take away a whole environment as one CloudFormation stack.

In: an environment's settings and what lives in the account now. Out: a change set, a stack, its outputs.
Never: a value that deploys own (live launch template version, desired capacity) overwritten by a template.
"""
