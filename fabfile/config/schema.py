"""Every key of fabulaws-config.yml, once: its kind, what it means, its default.

Validation, the commented reference and the list of ignored keys all come from `SCHEMA`.
"""

from __future__ import annotations

from .fabulaws import IGNORED, IGNORED_INSTANCE_SETTINGS
from .kinds import (
    Anything,
    Choice,
    Command,
    Either,
    Listing,
    Mapped,
    Number,
    OrNone,
    Section,
    Setting,
    Share,
    Text,
    Whole,
)
from .markers import MARKERS
from .scaling import SCALING

NAME = Text("a name of letters, digits and dashes", r"[A-Za-z][A-Za-z0-9-]*")
GROUP = Text("a group's name, without commas", r"[^,:]+")
PORT = Whole(1, 65535)
# Servers read their tags from their metadata, and EC2 launches none with another key.
# https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/work-with-tags-in-IMDS.html
TAG = Text("a tag's key of letters, digits and + - = . , _ : @", r"[A-Za-z0-9+\-=.,_:@]+")
SECRET = Text("ssm:/name or secretsmanager:ARN#key", r"ssm:/\S+|secretsmanager:\S+")
CERTIFICATE = Text("request, or the ARN of an ACM certificate", r"request|arn:aws[a-z-]*:acm:\S+:certificate/\S+")
POLICY = Text("a predefined policy (ELBSecurityPolicy-…)", r"ELBSecurityPolicy-[A-Za-z0-9-]+")
HOSTED_ZONE = Text("a Route 53 zone's id (Z…)", r"Z[A-Z0-9]+")
ACCOUNT = Text("12 digits in quotes", r"[0-9]{12}")
ROLE = Text(
    "a role's ARN (arn:aws:iam::123456789012:role/deployer)", r"arn:aws[a-z-]*:iam::[0-9]{12}:role/[\w+=,.@/-]+"
)
ZONE = Text("a zone's letter (a) or its full name (us-east-1a)", r"[a-z]|[a-z]{2}(-[a-z]+)+-[0-9]+[a-z]")
SECONDS = Number(unit="s")
MOST_PROBE_REQUESTS = 1000  # a second; a probe is to watch a site, not to bring it down
PROBE_RATE = Number(unit="requests/s", most=MOST_PROBE_REQUESTS)

ROLES = ("web", "worker", "db-primary", "cache")  # unless valid_roles says otherwise

APPLICATION = Section(
    (
        Setting("source", Text(), "Folder of the repository that is the application.", "."),
        Setting("build", OrNone(Command()), "What runs where a release is built; the files that it makes are released.",
                "none"),
        Setting("start", Command(), "What starts the application; the default is gunicorn with wsgi_app."),
        Setting("worker", OrNone(Command()), "What runs background jobs; the default is celery_workers'."),
        Setting("manage", OrNone(Command()), "What {manage} stands for; none: an application that is not Django's.",
                '"{python} manage.py"'),
        Setting("migrate", OrNone(Command()), "What migrates the database.", '"{manage} migrate --noinput"'),
        Setting("post_migrate", OrNone(Command()), "What runs after migrations, on the same server.", "none"),
        Setting("static", OrNone(Command()), "What collects static files.", '"{manage} collectstatic --noinput"'),
        Setting("static_url", Text(), "Where static files are served from.", "/static/"),
        Setting("static_root", Text(), "Where `static` puts files, relative to the source.", "staticfiles"),
        Setting("environ", Mapped(Text()), "Environment variables of the application; no secrets."),
        Setting("secrets", Mapped(SECRET), "Variables whose value the server fetches: ssm:/… or secretsmanager:…"),
        Setting("exclude", Listing(Text()), "Path patterns of the repository that are not released."),
    )
)  # fmt: skip
HEALTH_CHECK = Section(
    (
        Setting("path", Text("a path that begins with /", r"/\S*"), "What is asked.", "/healthcheck.html"),
        Setting("headers", Mapped(Text()), "Headers that a server sends when it asks itself."),
        Setting("success", Text("HTTP codes (200,301 or 200-299)", r"[0-9,-]+"), "Good answers.", '"200"'),
        Setting("interval", SECONDS, "Seconds between two checks of the balancer.", "10"),
        Setting("timeout", SECONDS, "Seconds until a check has failed.", "5"),
        Setting("healthy_threshold", Whole(2, 10), "Good answers in a row that make a server healthy.", "2"),
        Setting("unhealthy_threshold", Whole(2, 10), "Bad answers in a row that make it unhealthy.", "2"),
        Setting("grace", SECONDS, "Seconds in which the group ignores a new server's health.", "300"),
    )
)
ROLLOUT = Section(
    (
        Setting("batch", Share(), "Servers replaced at a time: 2, or 25%.", "1"),
        Setting("canary", Share(least=0), "Servers tried beside all old ones first; 0: none.", "0"),
        Setting("bake_time", SECONDS, "Seconds that a canary has to serve as well as the old servers.", "60"),
        Setting("max_error_rate", Number(most=1), "Share of a canary's failed requests that stops nothing.", "0.01"),
        Setting("min_requests", Whole(1), "Requests to a canary below which nothing can be told.", "100"),
        Setting("slot_deadline", SECONDS, "Seconds for a batch to come into service.", "600"),
        Setting("min_healthy_time", SECONDS, "Seconds a new server must be healthy before it counts.", "10"),
        Setting("drain_timeout", SECONDS, "Seconds to wait for an old server to finish.", "600"),
        Setting("deregistration_delay", SECONDS, "Seconds the balancer gives running requests.", "30"),
        Setting("poll", Number(0.05, "s"), "Seconds between two looks; AWS is never asked more often than 5 s.", "5"),
        Setting("probe_rate", PROBE_RATE, "Requests a second that watch the site; 0: none.", "0"),
        Setting("probe_paths", Listing(Text()), "Pages that the probe asks for, with what they name.", "[/]"),
    )
)
NAMES = Section(
    (
        Setting("stack", NAME, "CloudFormation stack; the default is {deployment}-{environment}."),
        Setting("launch_template", Text(), "EC2 launch template; the default is {deployment}-{environment}-web."),
        Setting("target_group", NAME, "Target group; the default is {deployment}-{environment}."),
        Setting("worker", Text(), "Name tag of workers; the default is {deployment}-{environment}-worker."),
        Setting("table", Text(), "DynamoDB table of locks and ledgers.", "fabscale"),
        Setting("bucket", Text(), "S3 bucket of releases; {account} and {region} are filled in.",
                '"fabscale-{account}-{region}"'),
    )
)  # fmt: skip
LOCAL = Section(
    (
        Setting("boot", SECONDS, "Seconds an embedded server takes to boot.", "1"),
        Setting("drain", SECONDS, "Seconds an embedded balancer drains.", "1"),
        Setting("health_interval", Number(0.05, "s"), "Seconds between its health checks.", "0.5"),
    )
)
LOGS = Section(
    (
        Setting(
            "retention", Whole(1, 3653), "Days that CloudWatch keeps a role's logs; makes a log group for each role."
        ),
    )
)
ALARMS = Section(
    (
        Setting("email", Text("an e-mail address", r"\S+@\S+"), "Who is told of alarms; has to agree to it by mail."),
        Setting("topic", Text("an SNS topic's ARN", r"arn:aws[a-z-]*:sns:\S+"), "A topic that is there already."),
        Setting("errors", Number(unit="%", most=100), "Most requests that servers may answer with 5xx.", "1"),
    )
)
INSTANCE_SETTINGS = Section(
    (
        Setting("ami", Text("an image id (ami-…)", r"ami-[0-9a-f]+"), "Image of new servers; must be given on AWS."),
        *IGNORED_INSTANCE_SETTINGS,
    )
)

SCHEMA = Section(
    (
        Setting("deployments", Listing(NAME), "The projects that this file is for.", scoped=False),
        Setting("default_deployment", NAME, "The deployment meant when none is named; the first.", scoped=False),
        Setting(
            "environments",
            Either(Mapped(Anything()), Listing(NAME)),
            "The environments: names, or names with settings that hold only there.",
            scoped=False,
        ),
        Setting(
            "production_environments",
            Listing(NAME),
            "Environments that ask before anything is changed; production if there is one.",
            scoped=False,
        ),
        Setting("valid_roles", Listing(Text()), "Roles of servers.", f"[{', '.join(ROLES)}]", scoped=False),
        Setting("provider", Choice(("aws", "local")), "aws, or local for the embedded cloud.", "aws"),
        Setting("profile", Text(), "AWS profile; the default is what the AWS SDK finds."),
        Setting("role_arn", ROLE, "Role to assume with the profile's credentials; renewed as long as a task runs."),
        Setting("account_id", ACCOUNT, "The account that the environment is in; tasks refuse any other."),
        Setting("region", Text("a region (us-east-1)", r"[a-z]{2}(-[a-z]+)+-[0-9]+"), "AWS region.", "us-east-1"),
        Setting("avail_zones", Listing(ZONE), "Availability zones, letters or full names.", "[a, b]"),
        Setting("vpc", Text("a VPC's id (vpc-…)", r"vpc-[0-9a-f]+"), "VPC; the account's default VPC if left out."),
        Setting(
            "subnets",
            Either(Mapped(Text()), Listing(Text())),
            "Subnets, by zone or as a list; the VPC's if left out.",
        ),
        Setting("security_groups", Listing(Text()), "Security groups of a role, besides the stack's own."),
        Setting("ec2_attr_for_ssh", Text(), "Attribute to reach a server by.", "private_ip_address"),
        Setting("ssh_user", Text(), "User that SSH logs in as.", "ubuntu"),
        Setting("key_name", Text(), "EC2 key pair of new servers; none if left out, and access is by SSM."),
        Setting("tags", Mapped(Text(), TAG), "Tags on everything that is created."),
        Setting("instance_settings", INSTANCE_SETTINGS, "The image, and FabulAWS's settings of it."),
        Setting("instance_types", Text(), "EC2 instance type.", "t3.small"),
        Setting("volume_sizes", Whole(1, 65536), "Size of the root volume in GiB.", "10"),
        Setting("volume_types", Text(), "Type of the root volume.", "gp3"),
        Setting("server_counts", Whole(), "Servers of a role to begin with.", "{web: 2, worker: 1}"),
        Setting("minimum", Whole(), "Fewest web servers; as many as server_counts says."),
        Setting("maximum", Whole(1), "Most web servers; twice server_counts."),
        Setting("scaling", SCALING, "How the group of web servers scales by itself, besides its sizes."),
        Setting("load_balancers", Listing(Text(), single=True), "Load balancers; {deployment}-{environment}."),
        Setting(
            "auto_scaling_groups",
            Listing(GROUP, single=True),
            "Web groups, deployed in this order; the default is {deployment}-{environment}-web.",
        ),
        Setting("names", NAMES, "Names of everything else in the account."),
        Setting("site_domains_map", Listing(Text()), "Domains of the site."),
        Setting("certificate", CERTIFICATE, "HTTPS: request (for site_domains_map), or a certificate's ARN in ACM."),
        Setting("hosted_zone", HOSTED_ZONE, "Gets the records of site and certificate."),
        Setting("https_port", PORT, "Port of HTTPS; listener_port redirects there. 8443 with provider local.", "443"),
        Setting("ssl_policy", POLICY, "What clients have to speak.", "ELBSecurityPolicy-TLS13-1-2-Res-PQ-2025-09"),
        Setting("access_logs", Text(), "S3 bucket that the load balancer writes its access logs to; none if left out."),
        Setting("logs", LOGS, "Log groups of the servers; none if left out."),
        Setting("alarms", ALARMS, "CloudWatch alarms; none if left out."),
        Setting("branches", Text("a branch, tag or commit", r"[^-\s]\S*"), "What is deployed.", "main"),
        Setting("server_ports", PORT, "FabulAWS's name of app_port."),
        Setting("app_port", PORT, "Port of the application on a server.", "8000"),
        Setting("listener_port", PORT, "Port of the load balancer; 8080 with provider local.", "80"),
        Setting("python", Text(), "Python on the servers.", "python3"),
        Setting("project", Text(), "Python package of the project; the deployment's name."),
        Setting("wsgi_app", Text("module:variable", r"[\w.]+:\w+"), "What gunicorn serves; default {project}.wsgi."),
        Setting("requirements_file", OrNone(Text(), ""), "Python dependencies, relative to the source.",
                "requirements.txt"),
        Setting("settings_managepy", Text("a module", r"[\w.]+"), "DJANGO_SETTINGS_MODULE; {project}.settings."),
        Setting("celery_application", Text("a module", r"[\w.]+"), "Module of the Celery application.", scoped=False),
        Setting("celery_workers", Mapped(Text()), "Celery workers: a name and options each.", scoped=False),
        Setting("application", APPLICATION, "How the application is started and migrated; the defaults are Django's."),
        Setting("health_check", HEALTH_CHECK, "What balancers ask, and servers themselves before they join."),
        Setting("rollout", ROLLOUT, "Pace and limits of a rollout."),
        Setting("markers", MARKERS, "Who is told of deploys: a command or a web hook each."),
        Setting("local", LOCAL, "How slow the embedded cloud is."),
        Setting("static_html", Mapped(Text()), "upgrade_message: the page shown while an upgrade runs."),
        Setting("extra", Anything(), "Your own settings; templates see them.", scoped=False),
        *IGNORED,
    )
)  # fmt: skip
