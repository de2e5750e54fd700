"""Load and validate fabulaws-config.yml.

In: a path. Out: frozen values for one environment, or every problem at once. Never: AWS, the network.
"""
