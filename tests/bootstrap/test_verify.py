"""What `fab verify` makes of what it sees: each thing that does not hold is named, with what to do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fabfile.apply.around import Port
from fabfile.aws.acm import Certificate
from fabfile.aws.bucket_protection import Protection
from fabfile.aws.cloudformation import Stack
from fabfile.aws.elasticache import Cache
from fabfile.aws.inspection import Hook, Ingress, InspectedGroup, Source
from fabfile.aws.listeners import SeenListener, TargetGroupSettings
from fabfile.aws.rds import Database
from fabfile.aws.secretsmanager import Secret
from fabfile.bootstrap.findings import Finding, Verdict, failing, tree
from fabfile.bootstrap.judging import judge
from fabfile.bootstrap.seen import Seen, Unknown
from fabfile.config.environment import Environment, Https
from fabfile.config.loading import load
from fabfile.errors import NotAsConfigured

ROOT = Path(__file__).resolve().parents[2]
NOW = 1_795_000_000.0  # in November 2026
DAY = 86400.0
POLICY = "ELBSecurityPolicy-TLS13-1-2-Res-PQ-2025-09"
TARGETS = "arn:aws:elasticloadbalancing:us-east-1:1:targetgroup/opendebates-staging/1"
AGAIN = (
    "Run `fab create_environment:opendebates,staging`; where that finds nothing to change, undo what was done by hand"
)
CERTIFICATE = Certificate("arn:aws:acm:us-east-1:1:certificate/1", "ISSUED", ("a.example.org",), NOW + 90 * DAY, True)
GROUP = InspectedGroup(
    "opendebates-staging-web", 2, 4, "ELB", 300.0, (TARGETS,), (Hook("fabscale-ready", "ABANDON"),),
    Source("lt-1", "7", "required", "enabled", "arn:aws:iam::1:instance-profile/p"),
)  # fmt: skip
WORKERS = replace(GROUP, name="opendebates-staging-worker", minimum=1, maximum=1, health_check="EC2", hooks=())
PORTS = (
    Port(SeenListener(80, "HTTP", "redirect", redirects_to="HTTPS:443", status="HTTP_301"), None),
    Port(SeenListener(443, "HTTPS", "forward", CERTIFICATE.arn, POLICY, target_groups=(TARGETS,)), CERTIFICATE),
)
GOOD = Seen(
    now=NOW,
    stack=Stack("opendebates-staging", "id", "UPDATE_COMPLETE", drift="IN_SYNC"),
    groups={GROUP.name: GROUP, WORKERS.name: WORKERS},
    ports=PORTS,
    targets=TargetGroupSettings(
        TARGETS, "opendebates-staging", 8000, "/healthcheck.html", "200", 10, 5, 2, 2, 30, ("arn:lb",)
    ),
    security_groups={"LoadBalancer": "sg-1", "Web": "sg-2", "Worker": "sg-3", "Database": "sg-4", "Cache": "sg-5"},
    ingress={
        "sg-1": (Ingress(80, 80, ("0.0.0.0/0",)),),
        "sg-2": (Ingress(8000, 8000, ("sg-1",)),),
        "sg-3": (),
        "sg-4": (Ingress(5432, 5432, ("sg-2", "sg-3")),),
        "sg-5": (Ingress(6379, 6379, ("sg-2",)), Ingress(6379, 6379, ("sg-3",))),
    },
    database=Database("opendebates-staging-db", "available", "db.t3.small", 10, True, False, "arn:s", ()),
    cache=Cache("cache-1", "available", "cache.t3.small", 1, True, "host:6379"),
    secrets={"secret key": Secret("arn:k", 0.0, 0), "database password": Secret("arn:s", NOW + 300 * DAY, 0)},
    bucket=Protection(tls=True, private=True),
    table=True,
    reads_releases=True,
)


@pytest.fixture(scope="module")
def environment() -> Environment:
    plain = load(ROOT / "fabulaws-config.yml").environment("opendebates", "staging")
    counts = {"web": 2, "worker": 1, "db-primary": 1, "cache": 1}
    return replace(
        plain,
        roles={name: replace(role, count=counts[name]) for name, role in plain.roles.items()},
        minimum=2,
        maximum=4,
        https=Https("request", 443, POLICY),
        domains=("a.example.org",),
    )


def web(**changes: Any) -> Callable[[Seen], Seen]:
    return lambda seen: replace(seen, groups={**seen.groups, GROUP.name: replace(GROUP, **changes)})


def source(**changes: str) -> Callable[[Seen], Seen]:
    return web(source=replace(GROUP.source, **changes))


def targets(**changes: Any) -> Callable[[Seen], Seen]:
    return lambda seen: replace(seen, targets=replace(seen.targets, **changes))  # type: ignore[type-var]


def shown(**changes: Any) -> Callable[[Seen], Seen]:
    return lambda seen: replace(seen, ports=(PORTS[0], replace(PORTS[1], certificate=replace(CERTIFICATE, **changes))))


def secure(**changes: Any) -> Callable[[Seen], Seen]:
    return lambda seen: replace(
        seen, ports=(PORTS[0], replace(PORTS[1], listener=replace(PORTS[1].listener, **changes)))
    )


def rules(group: str, *given: Ingress) -> Callable[[Seen], Seen]:
    return lambda seen: replace(seen, ingress={**seen.ingress, group: given})  # type: ignore[dict-item]


def only(**changes: Any) -> Callable[[Seen], Seen]:
    return lambda seen: replace(seen, **changes)


NG = {
    "stack state": (only(stack=replace(GOOD.stack, status="UPDATE_ROLLBACK_FAILED")),  # type: ignore[type-var]
     "stack opendebates-staging", "state: it is UPDATE_ROLLBACK_FAILED. See its events in CloudFormation"),
    "drift": (only(stack=replace(GOOD.stack, drift="DRIFTED")),  # type: ignore[type-var]
     "stack opendebates-staging", "drift: somebody changed its resources by hand. "
     "See `aws cloudformation describe-stack-resource-drifts`"),
    "no redirect": (only(ports=(Port(SeenListener(80, "HTTP", "forward"), None), PORTS[1])),
     "load balancer opendebates-staging", f"HTTP 80: forward, and the config says redirect to HTTPS:443. {AGAIN}"),
    "policy": (secure(policy="ELBSecurityPolicy-2016-08"), "load balancer opendebates-staging",
     f"HTTPS 443: forward by ELBSecurityPolicy-2016-08, and the config says forward by {POLICY}. {AGAIN}"),
    "domains": (shown(domains=("b.example.org", "*.b.example.org")), "load balancer opendebates-staging",
     "domains: it is not for a.example.org. Name another certificate, or request one"),
    "pending certificate": (shown(status="PENDING_VALIDATION"), "load balancer opendebates-staging",
     "certificate: it is PENDING_VALIDATION. ACM renews it while its DNS records are there: make them"),
    "old certificate": (shown(expires=NOW + 3 * DAY, renews=False), "load balancer opendebates-staging",
     "certificate: it ends in 3 days. Import a new one into ACM"),
    "no targets": (only(targets=None), "target group opendebates-staging",
     f"there: there is none of this name. {AGAIN}"),
    "app port": (targets(port=80), "target group opendebates-staging",
     f"port: 80, and the config says 8000. {AGAIN}"),
    "path": (targets(path="/"), "target group opendebates-staging", "health check: / answers 200, and the config says "
     f"/healthcheck.html answers 200. {AGAIN}"),
    "delay": (targets(delay=300.0), "target group opendebates-staging",
     f"deregistration delay: 300 s, and the config says 30 s. {AGAIN}"),
    "unused": (targets(load_balancers=()), "target group opendebates-staging",
     f"in use: no listener forwards to it, so that nobody checks its targets. {AGAIN}"),
    "no group": (only(groups={**GOOD.groups, GROUP.name: None}), "group opendebates-staging-web",
     f"there: there is none of this name. {AGAIN}"),
    "sizes": (web(maximum=2), "group opendebates-staging-web", f"sizes: 2 to 2, and the config says 2 to 4. {AGAIN}"),
    "health check": (web(health_check="EC2"), "group opendebates-staging-web",
     f"health check: EC2, and the config says ELB. {AGAIN}"),
    "grace": (web(grace=0.0), "group opendebates-staging-web",
     f"grace period: 0 s, and the config says 300 s. {AGAIN}"),
    "hook": (web(hooks=()), "group opendebates-staging-web",
     f"launch hook: nothing, and the config says fabscale-ready, ABANDON. {AGAIN}"),
    "not joined": (web(target_groups=()), "group opendebates-staging-web",
     f"target group: its servers are not registered with opendebates-staging. {AGAIN}"),
    "latest": (source(version="$Latest"), "group opendebates-staging-web",
     "launch template: $Latest is another version "
     "whenever somebody makes one. Run `fab deploy_serial:opendebates,staging`"),
    "launch configuration": (web(source=Source()), "group opendebates-staging-web",
     "launch template: it launches from a "
     "launch configuration. Run `fab adopt:opendebates,staging`"),
    "tokens": (source(tokens="optional"), "group opendebates-staging-web",
     f"metadata tokens: optional, and the config says required. {AGAIN}"),
    "tags": (source(tags="disabled"), "group opendebates-staging-web",
     f"tags in metadata: disabled, and the config says enabled. {AGAIN}"),
    "workers' sizes": (only(groups={**GOOD.groups, WORKERS.name: replace(WORKERS, maximum=3)}),
     "group opendebates-staging-worker", f"sizes: 1 to 3, and the config says 1 to 1. {AGAIN}"),
    "open port": (rules("sg-2", Ingress(0, 65535, ("0.0.0.0/0", "sg-1"))), "security groups",
     f"Web 8000: also from 0.0.0.0/0. {AGAIN}"),
    "closed port": (rules("sg-2"), "security groups", f"Web 8000: not from LoadBalancer. {AGAIN}"),
    "database reach": (rules("sg-4", Ingress(5432, 5432, ("sg-2", "sg-9"))), "security groups",
     f"Database 5432: not from Worker, and also from sg-9. {AGAIN}"),
    "cache reach": (rules("sg-5", Ingress(6379, 6379, ("sg-2",))), "security groups",
     f"Cache 6379: not from Worker. {AGAIN}"),
    "database": (only(database=None), "database opendebates-staging-db", f"there: there is none. {AGAIN}"),
    "database state": (only(database=replace(GOOD.database, status="stopped")),  # type: ignore[type-var]
     "database opendebates-staging-db", "state: it is stopped. Wait for it"),
    "database size": (only(database=replace(GOOD.database, storage=9)),  # type: ignore[type-var]
     "database opendebates-staging-db",
     f"size: db.t3.small, 9 GiB, and the config says db.t3.small, 10 GiB. {AGAIN}"),
    "database public": (only(database=replace(GOOD.database, public=True)),  # type: ignore[type-var]
     "database opendebates-staging-db", f"protection: the internet may reach it. {AGAIN}"),
    "cache": (only(cache=None), "cache", f"there: there is none. {AGAIN}"),
    "cache size": (only(cache=replace(GOOD.cache, nodes=2)), "cache cache-1",  # type: ignore[type-var]
     f"size: 2 of cache.t3.small, and the config says 1 of cache.t3.small. {AGAIN}"),
    "cache encryption": (only(cache=replace(GOOD.cache, encrypted=False)), "cache cache-1",  # type: ignore[type-var]
     f"protection: it is not encrypted in transit and at rest. {AGAIN}"),
    "no secret": (only(secrets={"secret key": None}), "secrets", f"secret key: there is none. {AGAIN}"),
    "rotation": (only(secrets={"database password": Secret("arn:s", NOW + 7 * DAY, 7)}), "secrets",
     "database password: it is changed in 7 days, and servers that run by then keep the old one. Deploy right after "
     "that, or put it off: aws secretsmanager rotate-secret --no-rotate-immediately --rotation-rules "
     "'{\"ScheduleExpression\": \"cron(0 4 1 10 ? *)\"}' --secret-id arn:s"),
    "bucket": (only(bucket=None), "releases", "bucket: there is none. The next release makes it"),
    "bucket without TLS": (only(bucket=Protection(False, True)), "releases",
     "TLS: its policy lets requests in that are not by TLS. Deny what has aws:SecureTransport false"),
    "public bucket": (only(bucket=Protection(True, False)), "releases",
     "public access: its policy may make it public. Block public access in the bucket's permissions"),
    "role": (only(reads_releases=False), "releases",
     f"read by servers: the servers' role may not read releases of this deployment. {AGAIN}"),
    "table": (only(table=False), "lock and ledger", "table: there is none called fabscale. The next deploy makes it"),
}  # fmt: skip


@pytest.mark.parametrize("case", list(NG))
def test_each_thing_that_does_not_hold_is_named_with_what_to_do(environment: Environment, case: str) -> None:
    change, part, text = NG[case]
    wrong = failing(judge(change(GOOD), environment))
    assert [(finding.part, f"{finding.what}: {finding.seen}. {finding.next_step}") for finding in wrong] == [
        (part, text)
    ]


@pytest.mark.parametrize(
    ("change", "part", "what"),
    [
        (only(stack=None, security_groups={}, ingress={}), "stack opendebates-staging", "state"),
        (only(ingress=Unknown("AWS answered UnauthorizedOperation")), "security groups", "who reaches whom"),
        (only(database=Unknown("AWS answered AccessDenied")), "database opendebates-staging-db", "there"),
        (only(reads_releases=Unknown("AWS answered AccessDenied")), "releases", "read by servers"),
        (only(stack=Stack("opendebates-staging", "id", "UPDATE_COMPLETE")), "stack opendebates-staging", "drift"),
    ],
    ids=["no stack", "no right", "no right for the database", "no right to simulate", "drift unasked"],
)
def test_what_nobody_could_say_is_skipped_and_is_no_failure(
    environment: Environment, change: Callable[[Seen], Seen], part: str, what: str
) -> None:
    found = judge(change(GOOD), environment)
    assert failing(found) == ()
    assert (part, what) in {(one.part, one.what) for one in found if one.verdict is Verdict.SKIP}


def test_an_environment_as_its_config_says_holds_in_every_part(environment: Environment) -> None:
    assert {finding.verdict for finding in judge(GOOD, environment)} == {Verdict.OK}


def test_nobody_is_told_to_create_what_was_made_by_hand(environment: Environment) -> None:
    by_hand = replace(web(grace=0.0)(GOOD), stack=None)
    assert [finding.next_step for finding in failing(judge(by_hand, environment))] == [
        "It was made by hand: change it there, or the config"
    ]


def test_an_environment_that_was_never_created_is_to_be_created(environment: Environment) -> None:
    nothing = replace(GOOD, stack=None, groups=dict.fromkeys(GOOD.groups), ports=(), targets=None)
    assert {finding.next_step for finding in failing(judge(nothing, environment))} == {AGAIN}


def test_without_a_certificate_plain_http_is_what_has_to_be_there(environment: Environment) -> None:
    plain = replace(environment, https=None)
    wrong = failing(judge(GOOD, plain))
    assert [finding.seen for finding in wrong] == ["redirect to HTTPS:443, and the config says forward"]
    served = replace(GOOD, ports=(Port(SeenListener(80, "HTTP", "forward"), None),))
    assert failing(judge(served, plain)) == ()


@pytest.mark.parametrize(
    ("domain", "covered"),
    [("a.org", True), ("www.b.org", True), ("b.org", False), ("x.www.b.org", False)],
)
def test_a_wildcard_stands_for_one_label(domain: str, covered: bool) -> None:
    assert replace(CERTIFICATE, domains=("a.org", "*.b.org")).covers(domain) is covered


def test_findings_are_shown_below_the_part_that_they_belong_to() -> None:
    found = (
        Finding("group web", "sizes", Verdict.OK, "2 to 4"),
        Finding("secrets", "key", Verdict.SKIP, "AWS answered AccessDenied"),
        Finding("group web", "grace period", Verdict.NG, "0 s, and the config says 300 s", AGAIN),
    )
    assert tree(found) == (
        "group web",
        "  OK    sizes: 2 to 4",
        f"  NG    grace period: 0 s, and the config says 300 s. {AGAIN}",
        "secrets",
        "  SKIP  key: AWS answered AccessDenied",
    )


def test_the_error_names_what_does_not_hold() -> None:
    error = NotAsConfigured(
        "rely on opendebates staging", "group web: sizes", "Do what is said of each, then run it again"
    )
    assert (
        str(error)
        == "cannot rely on opendebates staging: group web: sizes. Do what is said of each, then run it again."
    )
    assert error.exit_code == 4
