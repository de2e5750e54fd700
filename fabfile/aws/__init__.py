"""The boto3 helper layer: one module per service.

In: plain values. Out: typed models. Never: lets a boto3 exception out, decides anything.
"""
