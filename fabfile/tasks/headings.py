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
    "recovery": "Back to safety",
    "describe": "Looking",
    "history": "Looking",
    "verifying": "Looking",
    "checking": "Configuration",
    "local": "The embedded cloud",
}
