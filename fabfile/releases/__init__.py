"""Make, store and verify releases.

In: a git commit. Out: immutable bundles with manifests in S3. Never: ships what is not committed.
"""
