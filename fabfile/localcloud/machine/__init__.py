"""One machine: a process that boots, runs its user data once and its units at every boot, and takes all with it.

In: a folder with `machine.json` and `user-data`, a pipe on standard input whose end means that the cloud is gone, and
requests on `control.sock` (a small `systemctl`, and commands from the SSH server). Out: processes, and `console.log`.
Never: a process that outlives the machine, or an environment variable of the one who started the cloud.
"""
