"""The program that makes a machine a server: fetches a release, runs it, says when it is ready.

In: `server.json` (what to run; no secret), the bundle store, the metadata service. Out: processes under supervisor, the
launch hook completed or abandoned, JSON answers to the deployer's verbs. It runs on the machine image's own `python3`
(3.9 or newer) from one zipapp, so it imports the standard library only and never the rest of Fabscale.
"""
