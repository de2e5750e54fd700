"""What `--help` says of each option, in one place, so that an option means the same in every task."""

from __future__ import annotations

DESCRIPTIONS = {
    "deployment": "The project, e.g. opendebates; default_deployment of the config if left out.",
    "environment": "One of the config's environments, or name it as a task before: fab staging describe.",
    "json": "Write the result as JSON to standard output.",
    "dry_run": "Look, but change nothing: print the steps, through clients that cannot write.",
    "yes": "Agree to change a production environment without being asked.",
    "answer": "The classic form of --yes: answer=y.",
    "wait": "Seconds to queue while another deploy holds the environment's lock; 0 refuses at once.",
    "launch_config": "Name of a launch config, as create_launch_config prints it; if left out, a new one.",
    "changeset": "Commit, tag or branch to release; the environment's branch of the config if left out.",
    "batch": "Servers to replace at a time: a number (2) or a share of the fleet (25%).",
    "canary": "Servers (1) or share (10%) to try beside all old ones before any of them goes; 0 tries none.",
    "bake_time": "Seconds for the canary, or else the first batch, to be no worse; the config's if left out.",
    "pause": "Wait for fab resume after the canary, or else after the first batch; fab repair goes back.",
    "migrate_last": "Update workers and run migrations after the web servers instead of before them.",
    "no_worker": "Leave workers alone and run no migrations.",
    "no_probe": "Send no requests of our own to the site during the rollout.",
    "probe_rate": "Requests a second that check the site during the rollout; the config's if left out.",
    "name": "The full name, typed to confirm what is about to go.",
    "force": "Do it although a check advises against it; the message says which.",
    "limit": "How many entries to show, newest first.",
    "instances": "Instance ids, separated by commas; all if left out.",
    "instance": "An instance id, e.g. i-0123456789abcdef0.",
    "processes": "Scaling processes, separated by commas, e.g. Launch,Terminate.",
    "groups": "Web groups, separated by commas, in the order to take them; all of the config's if left out.",
    "output": "File to write to.",
    "keep": "How many of the newest to keep.",
}
