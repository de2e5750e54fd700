"""IAM: what servers' roles may do, asked before servers find out."""

from __future__ import annotations

from ..errors import Unreachable
from .session import Aws


def profile_may(aws: Aws, profile: str, action: str, resource: str) -> bool | None:
    """Tell whether an instance profile's role may do something; None where we may not ask, or nobody knows.

    Policies of the resource itself are not looked at.
    https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html
    """
    client = aws.client("iam")
    try:
        with aws.calling(f"ask what the instance profile {profile} may do"):
            roles = client.get_instance_profile(InstanceProfileName=profile.rsplit("/", 1)[-1])["InstanceProfile"][
                "Roles"
            ]
            if not roles:
                return False
            answer = client.simulate_principal_policy(
                PolicySourceArn=roles[0]["Arn"], ActionNames=[action], ResourceArns=[resource]
            )
    except Unreachable:
        return None
    return all(each["EvalDecision"] == "allowed" for each in answer["EvaluationResults"])
