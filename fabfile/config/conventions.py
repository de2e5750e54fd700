"""Put one environment together: what the file says, and conventions for what it leaves out."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path

from .environment import (
    Alarms,
    Application,
    Environment,
    HealthCheck,
    Https,
    LocalTimes,
    Names,
    Provider,
    RoleSettings,
    Rollout,
)
from .markers import markers
from .scaling import scaling
from .validation import NESTED_CELERY
from .values import Values

MANAGE = "{manage}"
_LOCAL_POLL = 0.2
_LOCAL_LISTENER = 8080
_LOCAL_HTTPS = 8443
_LOCAL_IMAGE = "ami-04681a1dbd79675a5"  # an Amazon Linux 2 that the embedded cloud lists; nothing of it is used


def environment(values: Values, repository: Path, production: bool) -> Environment:
    """Return the environment that the values are for."""
    place = values.place
    provider = Provider(values.text("provider"))
    application = _application(values)
    local = provider is Provider.LOCAL
    state = repository / ".fab"
    desired = int(values.for_role("web").get("server_counts") or 0)
    region = values.text("region")
    return Environment(
        deployment=place.deployment,
        name=place.environment,
        provider=provider,
        production=production,
        region=region,
        zones=tuple(zone if len(zone) > 1 else region + zone for zone in values.listing("avail_zones")),
        vpc=values.text("vpc"),
        subnets=_subnets(values),
        ami=values.text("instance_settings.ami", _LOCAL_IMAGE if local else ""),
        branch=values.text("branches"),
        repository=repository,
        python=values.text("python"),
        app_port=int(values.get("app_port" if values.node("app_port") else "server_ports") or 8000),
        listener_port=_listener_port(values, local),
        minimum=_count(values, "minimum", desired),
        maximum=_count(values, "maximum", max(2 * desired, 1)),
        desired=desired,
        roles={role: _role(values.for_role(role), application) for role in place.scopes.roles},
        domains=values.listing("site_domains_map"),
        names=_names(values, region),
        application=application,
        health=_health(values),
        rollout=_rollout(values, local),
        local=_local(values),
        scaling=scaling(values),
        markers=markers(values),
        ssh_user=values.text("ssh_user"),
        ssh_config=state / "local" / "ssh_config" if local else None,
        ssh_attribute=values.text("ec2_attr_for_ssh"),
        key_name=values.text("key_name"),
        tags=values.mapping("tags"),
        state=state,
        extra=values.get("extra") or {},
        profile=values.text("profile"),
        https=_https(values, local),
        hosted_zone=values.text("hosted_zone"),
        access_logs=values.text("access_logs"),
        log_retention=int(values.get("logs.retention") or 0),
        alarms=_alarms(values),
        role_arn=values.text("role_arn"),
        account_id=values.text("account_id"),
    )


def _count(values: Values, path: str, default: int) -> int:
    value = values.get(path)
    return default if value is None else int(value)


def _listener_port(values: Values, local: bool) -> int:
    given = values.node("listener_port") is not None
    return _LOCAL_LISTENER if local and not given else int(values.get("listener_port"))


def _https(values: Values, local: bool) -> Https | None:
    certificate = values.text("certificate")
    if not certificate:
        return None
    given = values.node("https_port") is not None
    port = _LOCAL_HTTPS if local and not given else int(values.get("https_port"))
    return Https(certificate, port, values.text("ssl_policy"))


def _alarms(values: Values) -> Alarms | None:
    if values.node("alarms") is None:
        return None
    return Alarms(values.text("alarms.email"), values.text("alarms.topic"), float(values.get("alarms.errors")))


def _subnets(values: Values) -> tuple[str, ...]:
    subnets = values.get("subnets") or ()
    return tuple(subnets.values()) if isinstance(subnets, dict) else tuple(subnets)


def _role(values: Values, application: Application) -> RoleSettings:
    idle = values.place.role == "worker" and not application.works and values.node("server_counts") is None
    return RoleSettings(
        count=0 if idle else int(values.get("server_counts") or 0),
        instance_type=values.text("instance_types"),
        volume_size=int(values.get("volume_sizes")),
        volume_type=values.text("volume_types"),
        security_groups=values.listing("security_groups"),
    )


def _names(values: Values, region: str) -> Names:
    base = f"{values.place.deployment}-{values.place.environment}"
    bucket = values.text("names.bucket").replace("{region}", region)
    return Names(
        stack=values.text("names.stack", base),
        auto_scaling_groups=values.listing("auto_scaling_groups") or (f"{base}-web",),
        launch_template=values.text("names.launch_template", f"{base}-web"),
        load_balancers=values.listing("load_balancers") or (base,),
        target_group=values.text("names.target_group", base),
        worker=values.text("names.worker", f"{base}-worker"),
        table=values.text("names.table"),
        bucket=bucket,
    )


def _application(values: Values) -> Application:
    project = values.text("project", values.place.deployment.replace("-", "_"))
    wsgi = values.text("wsgi_app", f"{project}.wsgi:application")
    gunicorn = ("{python}", "-m", "gunicorn", wsgi, "--bind", "{address}:{port}", "--workers", "2")
    celery = _celery(values) if values.node("application.worker") is None else {}
    alone = next(iter(celery.values())) if len(celery) == 1 else ()
    return Application(
        start=_command(values, "start") or gunicorn,
        worker=_command(values, "worker") or alone,
        workers=celery if not alone else {},
        migrate=_command(values, "migrate"),
        static=_command(values, "static"),
        manage=values.listing("application.manage"),
        post_migrate=_command(values, "post_migrate"),
        build=_command(values, "build"),
        requirements=values.text("requirements_file"),
        source=values.text("application.source"),
        static_url=values.text("application.static_url"),
        static_root=values.text("application.static_root"),
        environ={**_django(values, project), **values.mapping("application.environ")},
        secrets=values.mapping("application.secrets"),
        exclude=values.listing("application.exclude"),
    )


def _command(values: Values, name: str) -> tuple[str, ...]:
    """Return a command with `{manage}` filled in; what is Django's by default is left out where there is no manage."""
    manage = values.listing("application.manage")
    path = f"application.{name}"
    if not manage and values.node(path) is None:
        return ()
    words: list[str] = []
    for word in values.listing(path):
        words += manage if word == MANAGE else (word,)
    return tuple(words)


def _django(values: Values, project: str) -> Mapping[str, str]:
    settings = values.text("settings_managepy", f"{project}.settings" if values.listing("application.manage") else "")
    return {"DJANGO_SETTINGS_MODULE": settings} if settings else {}


def _celery(values: Values) -> dict[str, tuple[str, ...]]:
    """Return the command of each of celery_workers by its name."""
    options = dict(values.mapping("celery_workers"))
    module = values.text("celery_application", options.pop(NESTED_CELERY, ""))
    if not module:
        return {}
    celery = ("{python}", "-m", "celery", "-A", module, "worker")
    names = options or {"worker": ""}
    several = len(names) > 1
    # Celery tells workers of one server apart by their node names.
    return {
        name: (*celery, *(("--hostname", f"{name}@%h") if several else ()), *shlex.split(text))
        for name, text in names.items()
    }


def _health(values: Values) -> HealthCheck:
    return HealthCheck(
        path=values.text("health_check.path"),
        headers=values.mapping("health_check.headers"),
        success=values.text("health_check.success"),
        interval=float(values.get("health_check.interval")),
        timeout=float(values.get("health_check.timeout")),
        healthy_threshold=int(values.get("health_check.healthy_threshold")),
        unhealthy_threshold=int(values.get("health_check.unhealthy_threshold")),
        grace=float(values.get("health_check.grace")),
    )


def _rollout(values: Values, local: bool) -> Rollout:
    quick = local and values.node("rollout.poll") is None
    return Rollout(
        batch=values.text("rollout.batch"),
        canary=values.text("rollout.canary"),
        bake_time=float(values.get("rollout.bake_time")),
        max_error_rate=float(values.get("rollout.max_error_rate")),
        min_requests=int(values.get("rollout.min_requests")),
        slot_deadline=float(values.get("rollout.slot_deadline")),
        min_healthy_time=float(values.get("rollout.min_healthy_time")),
        drain_timeout=float(values.get("rollout.drain_timeout")),
        deregistration_delay=float(values.get("rollout.deregistration_delay")),
        poll=_LOCAL_POLL if quick else float(values.get("rollout.poll")),
        probe_rate=float(values.get("rollout.probe_rate")),
        probe_paths=values.listing("rollout.probe_paths"),
    )


def _local(values: Values) -> LocalTimes:
    return LocalTimes(
        boot=float(values.get("local.boot")),
        drain=float(values.get("local.drain")),
        health_interval=float(values.get("local.health_interval")),
    )
