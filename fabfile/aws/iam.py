"""IAM: what the servers' role may do."""

from __future__ import annotations

from .session import Aws


def may(aws: Aws, profile: str, action: str, resource: str) -> bool:
    """Whether the role of an instance profile (ARN or name) may do something, by IAM's own simulation.

    Bucket and key policies are not looked at.
    https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html
    """
    client = aws.client("iam")
    name = profile.rpartition("/")[2]
    with aws.calling(f"ask what servers with the profile {name} may do"):
        role = client.get_instance_profile(InstanceProfileName=name)["InstanceProfile"]["Roles"][0]["Arn"]
        found = client.simulate_principal_policy(PolicySourceArn=role, ActionNames=[action], ResourceArns=[resource])
    return all(each["EvalDecision"] == "allowed" for each in found["EvaluationResults"])
