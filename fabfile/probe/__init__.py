"""The availability probe: does the site answer while it is deployed?

In: a site, pages of it, a rate. Out: how many requests were made, how many failed and how, and how long they
took. Never: follows a link to another site, retries, or hides a failure.
"""
