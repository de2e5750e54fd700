"""The modules of tasks and their headings in `fab --list`."""

from __future__ import annotations

# Modules of tasks and their headings, in the order of `fab --list`.
HEADINGS = {
    "environments": "Bootstrapping",
    "adopting": "Bootstrapping",
    "permitting": "Bootstrapping",
    "launch_configs": "Releases",
    "deploy": "Deploying",
    "upgrade": "Upgrades with a notice",
    "scaling": "Autoscaling",
    "autoscaling": "Autoscaling",
    "flagging": "Deploying",
    "commands": "On the servers",
    "restarting": "On the servers",
    "migrating": "On the servers",
    "recovery": "Back to safety",
    "databases": "Databases",
    "describe": "Looking",
    "changesets": "Looking",
    "history": "Looking",
    "verifying": "Looking",
    "checking": "Configuration",
    "local": "The embedded cloud",
}
