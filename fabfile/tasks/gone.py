"""FabulAWS's commands that are gone for good, with the reason: said to whoever types one, and listed in the docs."""

from __future__ import annotations

_BUNDLE = "a release is an archive that servers fetch; there is no checkout on them"
_MANAGED = "the database is a managed one, which keeps copies and changes over by itself"
_NO_POOL = "the application connects to the database itself; there is no pgbouncer on servers"
_LOGS = "logs go to the console and to shared/log on the server"
_NEWRELIC = "New Relic's agent is a dependency of the application, and its key one of application.secrets"

GONE = {
    "call_server_method": "servers are no Python objects; run_shell_command runs what is to be run",
    "clone_repo": _BUNDLE,
    "collectstatic": "static files are collected when a release is built, and servers have them before they serve",
    "install_awslogs": _LOGS,
    "install_logstash": _LOGS,
    "install_munin": "alarms and balancers' figures are in CloudWatch",
    "install_newrelic_sysmon": _NEWRELIC,
    "install_rsyslog": _LOGS,
    "mount_encrypted": "every volume is encrypted by EBS, and mounted at boot",
    "promote_slave": _MANAGED,
    "reset_slaves": _MANAGED,
    "setup_dirs": "a server makes its folders itself",
    "update_newrelic_keys": _NEWRELIC,
    "update_source": _BUNDLE,
    "upload_newrelic_conf": _NEWRELIC,
    "upload_newrelic_sysmon_conf": _NEWRELIC,
    "upload_pgbouncer_conf": _NO_POOL,
    "upload_supervisor_conf": "a server writes it itself, from the release's commands",
}
