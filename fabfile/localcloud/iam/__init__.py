"""Hold callers to their IAM policies, resources and conditions included, which moto's own check leaves out.

In: requests, moto's records of users and roles. Out: AWS's refusals. Never: more than the policies of one identity:
permission boundaries, resource policies and service control policies are not looked at.
"""
