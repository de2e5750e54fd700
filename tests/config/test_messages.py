"""What is said of each kind of wrong value: exact texts, since they are what users read."""

from __future__ import annotations

from pathlib import Path

import pytest

from fabfile.config.loading import load
from fabfile.errors import ConfigError

HEAD = "deployments: [demo]\nenvironments: [staging, production]\n"


def problems(folder: Path, text: str, reserved: frozenset[str] = frozenset()) -> tuple[str, ...]:
    path = folder / "fabulaws-config.yml"
    path.write_text(text)
    with pytest.raises(ConfigError) as raised:
        load(path, reserved)
    return tuple(problem.removeprefix("fabulaws-config.yml:") for problem in raised.value.problems)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        # text
        ("python: 3.10", 'python: expected text, got the number 3.1 (written 3.10); write "3.10" in quotes'),
        ("ssh_user: no", 'ssh_user: expected text, got false (YAML reads no so); write "no" in quotes'),
        ("ssh_user: 2026-11-21", 'ssh_user: expected text, got the date 2026-11-21; write "2026-11-21" in quotes'),
        ("ssh_user: [a]", "ssh_user: expected text, got a list"),
        ("ssh_user: {a: b}", "ssh_user.a: expected a deployment, an environment or a role, got 'a'"
         "; known are demo, staging, production, web, worker, db-primary, cache, default"),
        # text with a pattern
        ("region: Virginia", "region: expected a region (us-east-1), got the text 'Virginia'"),
        ("vpc: subnet-1", "vpc: expected a VPC's id (vpc-…), got the text 'subnet-1'"),
        ("account_id: 123456789012",
         'account_id: expected 12 digits in quotes, got the number 123456789012; write "123456789012" in quotes'),
        ("account_id: 012345670123",
         "account_id: expected 12 digits in quotes, got the number 1402433619 (written 012345670123); "
         'write "012345670123" in quotes'),
        ("account_id: '12345678901'", "account_id: expected 12 digits in quotes, got the text '12345678901'"),
        ("role_arn: deployer",
         "role_arn: expected a role's ARN (arn:aws:iam::123456789012:role/deployer), got the text 'deployer'"),
        ("wsgi_app: demo.wsgi", "wsgi_app: expected module:variable, got the text 'demo.wsgi'"),
        ("branches: --upload-pack=x", "branches: expected a branch, tag or commit, got the text '--upload-pack=x'"),
        ("health_check: {path: up}", "health_check.path: expected a path that begins with /, got the text 'up'"),
        # whole numbers
        ("app_port: 08000", "app_port: expected a whole number from 1 to 65535, got the text '08000'; write 8000"),
        ("app_port: 010",
         "app_port: expected a whole number from 1 to 65535, got the number 8 (written 010); write 10"),
        ("app_port: 1:30", "app_port: expected a whole number from 1 to 65535, got the number 90 (written 1:30)"),
        ("app_port: 70000", "app_port: expected a whole number from 1 to 65535, got the number 70000"),
        ("app_port: '8000'", "app_port: expected a whole number from 1 to 65535, got the text '8000'; write 8000"),
        ("minimum: 1.10", "minimum: expected a whole number of 0 or more, got the number 1.1 (written 1.10)"),
        # numbers
        ("rollout: {poll: fast}", "rollout.poll: expected a number of 0.05 s or more, got the text 'fast'"),
        ("rollout: {poll: yes}", "rollout.poll: expected a number of 0.05 s or more, got true (YAML reads yes so)"),
        ("rollout: {drain_timeout: -1}", "rollout.drain_timeout: expected a number of 0 s or more, got the number -1"),
        ("rollout: {drain_timeout: .inf}",
         "rollout.drain_timeout: expected a number of 0 s or more, got the number inf (written .inf)"),
        # choices
        ("provider: locl", "provider: expected aws or local, got the text 'locl'; did you mean 'local'?"),
        # certificates, logs and alarms
        ("certificate: yes please", "certificate: expected request, or the ARN of an ACM certificate, "
         "got the text 'yes please'"),
        ("hosted_zone: example.org", "hosted_zone: expected a Route 53 zone's id (Z…), got the text 'example.org'"),
        ("https_port: 0", "https_port: expected a whole number from 1 to 65535, got the number 0"),
        ("ssl_policy: modern", "ssl_policy: expected a predefined policy (ELBSecurityPolicy-…), got the text 'modern'"),
        ("access_logs: 7", 'access_logs: expected text, got the number 7; write "7" in quotes'),
        ("logs: {retention: forever}",
         "logs.retention: expected a whole number from 1 to 3653, got the text 'forever'"),
        ("alarms: {email: nobody}", "alarms.email: expected an e-mail address, got the text 'nobody'"),
        ("alarms: {topic: operators}", "alarms.topic: expected an SNS topic's ARN, got the text 'operators'"),
        ("alarms: {email: a@b, errors: 101}", "alarms.errors: expected a number from 0 to 100 %, got the number 101"),
        # shares
        ("rollout: {batch: 0}", "rollout.batch: expected a number of servers (2) or a share of them (25%), "
         "got the number 0"),
        ("rollout: {batch: 101%}", "rollout.batch: expected a number of servers (2) or a share of them (25%), "
         "got the text '101%'"),
        ("rollout: {canary: -1}", "rollout.canary: expected a number of servers (2) or a share of them (25%), "
         "got the number -1"),
        ("rollout: {bake_time: -1}", "rollout.bake_time: expected a number of 0 s or more, got the number -1"),
        ("rollout: {max_error_rate: 2}", "rollout.max_error_rate: expected a number from 0 to 1, got the number 2"),
        ("rollout: {min_requests: 0}",
         "rollout.min_requests: expected a whole number of 1 or more, got the number 0"),
        # commands
        ("application: {start: 8}", "application.start: expected a command as a list of arguments or as one line, "
         "got the number 8"),
        ("application: {start: \"a 'b\"}", "application.start: expected a command as a list of arguments or as one "
         "line, got a line with no closing quotation"),
        ("application: {start: [python, 3]}",
         'application.start[1]: expected text, got the number 3; write "3" in quotes'),
        ("application: {start: ''}", "application.start: expected a command as a list of arguments or as one line, "
         "got the text ''"),
        # commands that may be none
        ("application: {migrate: false}", "application.migrate: expected a command as a list of arguments or as one "
         "line, or none, got false; write none if there is none"),
        ("application: {static: ''}", "application.static: expected a command as a list of arguments or as one line, "
         "or none, got the text ''; write none if there is none"),
        ("application: {manage: 5}", "application.manage: expected a command as a list of arguments or as one line, "
         "got the number 5"),
        ("application: {post_migrate: {a: b}}", "application.post_migrate.a: expected a deployment, an environment or "
         "a role, got 'a'; known are demo, staging, production, web, worker, db-primary, cache, default"),
        ("application: {worker: \"a 'b\"}", "application.worker: expected a command as a list of arguments or as one "
         "line, got a line with no closing quotation"),
        ("application: {build: 5}", "application.build: expected a command as a list of arguments or as one line, "
         "got the number 5"),
        ("application: {manage: none, build: '{manage} compile'}",
         "application.build: it uses {manage}, and application.manage is none"),
        ("requirements_file: no",
         "requirements_file: expected text, or none, got false (YAML reads no so); write none if there is none"),
        ("requirements_file: 3.10",
         'requirements_file: expected text, got the number 3.1 (written 3.10); write "3.10" in quotes'),
        # lists
        ("avail_zones: a", "avail_zones: expected a list of a zone's letter (a) or its full name (us-east-1a), "
         "got the text 'a'"),
        ("avail_zones: [a, 2]", "avail_zones[1]: expected a zone's letter (a) or its full name (us-east-1a), "
         'got the number 2; write "2" in quotes'),
        ("auto_scaling_groups: 'a,b'", "auto_scaling_groups: expected a group's name, without commas, "
         "got the text 'a,b'"),
        ("auto_scaling_groups: 7", "auto_scaling_groups: expected a list of a group's name, without commas, "
         "got the number 7"),
        # mappings
        ("tags: blue", "tags: expected a mapping from names to text, got the text 'blue'"),
        ("tags: {team: 7}", 'tags.team: expected text, got the number 7; write "7" in quotes'),
        ("tags: {cost/center: web}",
         "tags: expected a tag's key of letters, digits and + - = . , _ : @, got 'cost/center'"),
        ("tags: {cost center: web}",
         "tags: expected a tag's key of letters, digits and + - = . , _ : @, got 'cost center'"),
        ("application: {secrets: {KEY: hunter}}",
         "application.secrets.KEY: expected ssm:/name or secretsmanager:ARN#key, got the text 'hunter'"),
        ("subnets: 5", "subnets: expected a list of text or a mapping from names to text, got the number 5"),
        # sections and keys
        ("rollout: 5", "rollout: expected a mapping of settings, got the number 5"),
        ("regoin: us-east-1", "regoin: unknown key; did you mean 'region'?"),
        ("rollout: {bach: 1}", "rollout.bach: unknown key; did you mean 'batch'?"),
        ("xyzzy: 1", "xyzzy: unknown key; your own settings go under extra:"),
        ("app_port: {stagin: 80}", "app_port.stagin: expected a deployment, an environment or a role, got 'stagin'; "
         "did you mean 'staging'?"),
        # names among other names
        ("production_environments: [prodution]", "production_environments[0]: expected one of environments "
         "(staging, production), got the text 'prodution'; did you mean 'production'?"),
        ("default_deployment: dmo", "default_deployment: expected one of deployments (demo), got the text 'dmo'; "
         "did you mean 'demo'?"),
        # several settings together
        ("minimum: 3", "minimum (staging): expected at most 2 (server_counts), got 3"),
        ("maximum: 1", "maximum (staging): expected at least 2 (server_counts), got 1"),
        ("application: {environ: {A: b}, secrets: {A: ssm:/a}}",
         "application.secrets: A is given under environ as well; give it once"),
        ("certificate: request",
         "certificate (staging): expected site_domains_map to name the site's domains, got none"),
        ("https_port: 80\ncertificate: request\nsite_domains_map: [a.org]",
         "https_port (staging): expected another port than listener_port, got 80"),
        ("alarms: {errors: 5}", "alarms (staging): expected email or topic, got neither"),
        ("alarms: {email: a@b, topic: 'arn:aws:sns:us-east-1:1:a'}",
         "alarms (staging): expected email or topic, got both"),
        ("server_counts: {web: 2, cache: 7}",
         "server_counts (staging): expected at most 6 servers of the role cache, got 7"),
        ("auto_scaling_groups: []", "auto_scaling_groups (staging): expected at least one group, got none"),
        ("auto_scaling_groups: [a, b, a]", "auto_scaling_groups (staging): expected each group once, got 'a' again"),
        ("auto_scaling_groups: [a, demo-staging-worker]", "auto_scaling_groups (staging): expected groups of web "
         "servers, got 'demo-staging-worker', which names.worker is"),
        ("application: {manage: none, migrate: '{manage} migrate'}",
         "application.migrate: it uses {manage}, and application.manage is none"),
        ("server_counts: {web: 2, worker: 3}", "server_counts (staging): there is nothing for 3 workers to run; give "
         "application.worker, or worker: 0"),
        # YAML itself
        ("no: 1", 'expected text as a key, got false (YAML reads no so); write "no" in quotes'),
        ("region: !!python/object:os.system x",
         "region: the tag tag:yaml.org,2002:python/object:os.system is not read; only plain data is"),
    ],
)  # fmt: skip
def test_a_wrong_value_is_met_with_its_line_and_what_was_read(tmp_path: Path, line: str, expected: str) -> None:
    """Each message: line, path, what is expected, what was read, and where it helps what to write."""
    assert problems(tmp_path, HEAD + line)[0] == f"3: {expected}"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"{HEAD}rollout:\n\tbatch: 1\n", "4: a tab in the indentation; YAML indents with spaces"),
        ("region: [a\nb: 1\n", "2: not valid YAML: while parsing a flow sequence, did not find expected ',' or ']'"),
        (f"{HEAD}region: us-east-1\nregion: us-east-2\n", "4: region: given twice, first in line 3"),
        ("- a\n", "1: expected a mapping of settings, got a list"),
        ("", "1: deployments: expected at least one name, got none"),
        ("a: &a\n  b: *a\n", "1: values are nested more than 40 deep. An anchor may contain itself"),
    ],
)
def test_a_file_that_is_not_what_it_seems_is_refused(tmp_path: Path, text: str, expected: str) -> None:
    """YAML would let the second of two equal keys win, and takes tabs badly."""
    assert problems(tmp_path, text)[0] == expected


def test_anchors_that_expand_to_millions_are_refused_at_once(tmp_path: Path) -> None:
    """Nine lines could otherwise fill the memory."""
    levels = [f"  l{level}: &l{level} [{', '.join([f'*l{level - 1}'] * 10)}]" for level in range(1, 9)]
    text = "\n".join([HEAD + "extra:", "  l0: &l0 [x]", *levels])
    assert problems(tmp_path, text) == ("4: anchors expand to more than 20000 values. Write the values out",)


def test_all_problems_are_reported_at_once_in_the_order_of_the_file(tmp_path: Path) -> None:
    """Nobody wants to mend a file one run at a time."""
    found = problems(tmp_path, HEAD + "regoin: x\napp_port: 0\nprovider: moon\n")
    assert [problem.split(":")[0] for problem in found] == ["3", "4", "5"]


def test_an_environment_cannot_be_named_like_a_task(tmp_path: Path) -> None:
    """`fab describe` could mean either."""
    text = "deployments: [demo]\nenvironments: [describe]\n"
    assert problems(tmp_path, text, frozenset({"describe"})) == (
        "2: environments.describe: an environment cannot be named like the task describe; give it another name",
    )


def test_a_balancers_name_longer_than_aws_takes_is_found_before_aws_refuses_it(tmp_path: Path) -> None:
    """Elastic Load Balancing takes 32 characters."""
    text = "deployments: [a-project-with-quite-a-name]\nenvironments: [staging]\n"
    assert problems(tmp_path, text) == (
        "1: names.target_group (staging): expected at most 32 characters, got 35 in "
        "'a-project-with-quite-a-name-staging'",
        "1: load_balancers (staging): expected at most 32 characters, got 35 in 'a-project-with-quite-a-name-staging'",
    )


def test_a_certificate_of_another_region_is_found_before_aws_refuses_it(tmp_path: Path) -> None:
    """A load balancer takes certificates of its own region alone."""
    arn = "arn:aws:acm:eu-west-1:123456789012:certificate/1"
    assert problems(tmp_path, f"{HEAD}site_domains_map: [a.org]\ncertificate: {arn}\n") == (
        "4: certificate (staging): expected a certificate in us-east-1 (region), got one in eu-west-1",
    )


def test_a_retention_that_cloudwatch_does_not_know_is_found_before_aws_refuses_it(tmp_path: Path) -> None:
    """It takes certain numbers of days only."""
    found = problems(tmp_path, f"{HEAD}logs: {{retention: 20}}\n")
    assert found[0].startswith("3: logs.retention (staging): expected one of 1, 3, 5, 7, 14, 30, 60, ")
    assert found[0].endswith(", 3653, got 20")


def test_a_role_of_another_account_than_the_environments_is_found_before_it_is_assumed(tmp_path: Path) -> None:
    """Its ARN says whose it is."""
    text = 'deployments: [demo]\nenvironments: [staging]\naccount_id: "123456789012"\n'
    assert problems(tmp_path, f"{text}role_arn: arn:aws:iam::999999999999:role/deployer\n") == (
        "4: role_arn (staging): expected a role in the account 123456789012 (account_id), "
        "got arn:aws:iam::999999999999:role/deployer",
    )


def test_a_missing_file_is_one_clear_message(tmp_path: Path) -> None:
    """The path is named, and what to do."""
    with pytest.raises(ConfigError) as raised:
        load(tmp_path / "none.yml")
    assert str(raised.value) == (
        f"cannot read the configuration: there is no file {tmp_path}/none.yml. Write one (the repository's "
        "fabulaws-config.yml explains every key) or set FABULAWS_CONFIG."
    )
    assert raised.value.exit_code == 2


def test_a_file_that_is_not_text_is_one_clear_message(tmp_path: Path) -> None:
    """A binary file shows no decoder's exception."""
    path = tmp_path / "c.yml"
    path.write_bytes(b"a: \xff")
    with pytest.raises(ConfigError) as raised:
        load(path)
    assert str(raised.value) == f"cannot read {path}: it is not UTF-8 text (byte 3)."
