"""FabulAWS's keys that have no meaning any more, each with the reason."""

from __future__ import annotations

from .kinds import Anything, Setting

_SERVERS = "servers come from an image and a release; nothing is installed on them by hand"
_ONE_USER = "the server program makes the users that it needs"
_ACCOUNTS = "access is by SSM or by one EC2 key pair (key_name)"
_ENCRYPTED = "every volume is encrypted by EBS"
_SECRETS = "secrets are named under application.secrets and fetched by the server"
_SETTINGS = "settings reach the application as environment variables (application.environ)"
_LOGS = "logs go to the console and to shared/log on the server"
_DATABASE = "the database is a managed one"
_GIT = "the commit is taken from this checkout by git"


def _ignored(reason: str, *names: str) -> tuple[Setting, ...]:
    return tuple(Setting(name, Anything(), f"Ignored: {reason}.", ignored=reason) for name in names)


IGNORED_INSTANCE_SETTINGS = (
    *_ignored(_ACCOUNTS, "key_prefix", "admin_groups"),
    *_ignored(_SERVERS, "run_upgrade", "ubuntu_mirror", "swap_multiplier", "fs_type"),
    *_ignored(_ENCRYPTED, "secure_root", "secure_home", "fs_encrypt", "ebs_encrypt"),
)
IGNORED = (
    *_ignored(_ONE_USER, "deploy_user", "webserver_user", "home"),
    *_ignored("host keys are always checked", "disable_known_hosts"),
    *_ignored(_ACCOUNTS, "ssh_keys"),
    *_ignored(_SECRETS, "password_names", "awslogs_access_key_id"),
    *_ignored(_DATABASE, "database_host", "database_user", "pgbouncer_port", "db_settings"),
    *_ignored(_DATABASE, "backup_key_fingerprint"),
    *_ignored(_SETTINGS, "localsettings_template", "local_settings_py_relative_path"),
    *_ignored(_LOGS, "logstash_config", "gelf_log_host", "syslog_server", "extra_log_files"),
    *_ignored(_GIT, "vcs_cmd", "latest_changeset_cmd", "repo"),
    *_ignored(_SERVERS, "app_server_packages", "less_version", "requirements_sdists"),
    *_ignored("static files are always served by the servers", "static_hosting"),
    *_ignored("the number of gunicorn workers stands in application.start", "gunicorn_worker_multiplier"),
)
