"""What IAM has to allow deployers: which calls tasks make (recorded), what each needs, the least policy.

In: tasks, an environment's names, its stack's resource types. Out: policy documents. Never: AWS, the network.
"""
