"""The embedded cloud: AWS's API on loopback with real processes behind it.

In: boto3's calls. Out: what AWS would answer, and real servers. Never: listens beyond loopback.
"""
