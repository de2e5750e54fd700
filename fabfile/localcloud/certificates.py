"""ACM's certificates for stacks: validated by records in a hosted zone that is named, by waiting otherwise."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from moto import settings
from moto.acm.models import acm_backends
from moto.cloudformation.parsing import get_model_map
from moto.route53.models import route53_backends

from .patches import Patch
from .resources import Resource

_LOOKS = 10  # turns of the cloud, a second in all: nobody makes the records that a real ACM waits for
_TTL = 300


class CertificateResource(Resource):
    """AWS::CertificateManager::Certificate."""

    def __init__(self, record: Any, validated: bool) -> None:
        super().__init__(record.arn, {})
        self._record = record
        self._looks = 0 if validated else _LOOKS
        self.notice = "" if validated else _records_wanted(record)
        self._settle()

    @classmethod
    def create_from_cloudformation_json(
        cls, resource_name: str, cloudformation_json: Any, account_id: str, region_name: str, **kwargs: Any
    ) -> CertificateResource:
        """Request the certificate, and make its validation records in the zones that are named."""
        given = cloudformation_json["Properties"]
        backend = acm_backends[account_id][region_name]
        arn = backend.request_certificate(
            given["DomainName"],
            resource_name,
            list(given.get("SubjectAlternativeNames") or ()),
            given.get("Tags") or [],
        )
        record = backend._certificates[arn]
        zones = {one["DomainName"]: one.get("HostedZoneId") for one in given.get("DomainValidationOptions") or ()}
        for option in _validation(record):
            if zone := zones.get(option["DomainName"]):
                _add_record(route53_backends[account_id]["aws"].get_hosted_zone(zone), option["ResourceRecord"])
        return cls(record, validated=all(zones.get(option["DomainName"]) for option in _validation(record)))

    @classmethod
    def update_from_cloudformation_json(
        cls, original_resource: Any, new_resource_name: str, cloudformation_json: Any, account_id: str, region_name: str
    ) -> Any:
        """Request another one: a certificate's domains are never changed."""
        return cls.create_from_cloudformation_json(new_resource_name, cloudformation_json, account_id, region_name)

    def delete(self, account_id: str, region_name: str) -> None:
        """Delete the certificate."""
        acm_backends[account_id][region_name]._certificates.pop(self.physical_resource_id, None)

    @property
    def ready(self) -> bool:
        """Whether the certificate is issued."""
        self._looks -= 1
        self._settle()
        return bool(self._record.status == "ISSUED")

    def _settle(self) -> None:
        if self._looks <= 0:
            self._record.status = "ISSUED"


def certificate_patches() -> Iterator[Patch]:
    """Certificates for stacks; those asked for by the API are issued a second later."""
    yield Patch(get_model_map(), "AWS::CertificateManager::Certificate", CertificateResource, added=True)
    yield Patch(settings, "ACM_VALIDATION_WAIT", 1)


def _validation(record: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = record.describe()["Certificate"]["DomainValidationOptions"]
    return sorted(found, key=lambda option: str(option["DomainName"]))


def _records_wanted(record: Any) -> str:
    """What CloudFormation's event says while a certificate waits for somebody to make its records."""
    one: Mapping[str, str] = _validation(record)[0]["ResourceRecord"]
    return f"Content of DNS Record is: {{Name: {one['Name']},Type: {one['Type']},Value: {one['Value']}}}"


def _add_record(zone: Any, wanted: Mapping[str, str]) -> None:
    if not any(record.name.strip(".") == wanted["Name"].strip(".") for record in zone.rrsets):
        zone.add_rrset(
            {"Name": wanted["Name"], "Type": wanted["Type"], "TTL": _TTL, "ResourceRecords": [wanted["Value"]]}
        )
