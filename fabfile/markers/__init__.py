"""Tell others of a deploy: commands and web hooks, each with a time limit.

In: a marker of the config, what there is to tell. Out: why it failed, if it did. Never: a shell string, a secret in
a text, a call that lasts longer than its limit, a decision about the deploy.
"""
