"""Backups of an environment's database: made and restored by one of its servers, kept in the bucket of releases.

In: an environment, its servers by SSH. Out: a dump in S3 with a manifest that is written last. Never: a password that
leaves the server, a dump that passes the deployer's machine unless it is asked for, a dump without a manifest restored.
"""
