"""CloudWatch's alarms as stacks make them: records whose state is set by SetAlarmState alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from moto.cloudformation.parsing import get_model_map
from moto.cloudwatch.models import Dimension, Metric, MetricDataQuery, MetricStat, cloudwatch_backends

from .patches import Patch
from .resources import Resource


class AlarmResource(Resource):
    """AWS::CloudWatch::Alarm."""

    @classmethod
    def create_from_cloudformation_json(
        cls, resource_name: str, cloudformation_json: Any, account_id: str, region_name: str, **kwargs: Any
    ) -> AlarmResource:
        """Make the alarm."""
        given = cloudformation_json["Properties"]
        name = str(given.get("AlarmName") or resource_name)
        made = cloudwatch_backends[account_id][region_name].put_metric_alarm(
            name=name,
            namespace=given.get("Namespace"),
            metric_name=given.get("MetricName"),
            comparison_operator=given["ComparisonOperator"],
            evaluation_periods=int(given["EvaluationPeriods"]),
            period=given.get("Period"),
            threshold=float(given["Threshold"]),
            statistic=given.get("Statistic"),
            description=given.get("AlarmDescription"),
            dimensions=list(given.get("Dimensions") or ()),
            alarm_actions=given.get("AlarmActions") or [],
            ok_actions=given.get("OKActions") or [],
            metric_data_queries=[_query(one) for one in given.get("Metrics") or ()] or None,
            treat_missing_data=given.get("TreatMissingData"),
        )
        return cls(name, {"Arn": made.alarm_arn})

    @classmethod
    def update_from_cloudformation_json(
        cls, original_resource: Any, new_resource_name: str, cloudformation_json: Any, account_id: str, region_name: str
    ) -> AlarmResource:
        """Put the alarm again, under the name that it has."""
        name = original_resource.physical_resource_id
        return cls.create_from_cloudformation_json(name, cloudformation_json, account_id, region_name)

    def delete(self, account_id: str, region_name: str) -> None:
        """Delete the alarm."""
        cloudwatch_backends[account_id][region_name].delete_alarms([self.physical_resource_id])


def alarm_patches() -> Iterator[Patch]:
    """Alarms for stacks."""
    yield Patch(get_model_map(), "AWS::CloudWatch::Alarm", AlarmResource, added=True)


def _dimensions(given: Mapping[str, Any]) -> list[Any]:
    return [Dimension(one["Name"], one["Value"]) for one in given.get("Dimensions") or ()]


def _query(given: dict[str, Any]) -> Any:
    stat = given.get("MetricStat")
    metric = stat and MetricStat(
        Metric(stat["Metric"]["MetricName"], stat["Metric"]["Namespace"], _dimensions(stat["Metric"])),
        stat["Period"],
        stat["Stat"],
        stat.get("Unit"),
    )
    returned = str(given.get("ReturnData", True)).lower()
    query: Any = MetricDataQuery  # its annotations know no query without a period
    return query(given["Id"], given.get("Label"), given.get("Period"), returned, given.get("Expression"), metric)
