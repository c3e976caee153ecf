"""Tags of many jobs in few calls: never a job taken for untagged because of how a service reads an open filter."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping

import pytest
from simulated_time import Simulation

from pulumi_dli.errors import ApiError, NotFoundError
from pulumi_dli.lifecycle.coalescing.tag_reads import TagReads
from pulumi_dli.lifecycle.session import JOB_TAGS
from pulumi_dli.specs.values import OWNER_TAG

GATEWAY = ApiError("APIGW.0101", status=404, code="APIGW.0101")


class Service:
    """Tags by id; `listed` are the ids that the open filter answers with."""

    def __init__(self, tags: Mapping[str, Mapping[str, str]], listed: set[str] | ApiError) -> None:
        self.tags, self.listed = tags, listed
        self.calls: list[str] = []
        self.pages = 0

    def list(self, resource_type: str, resource_id: str) -> Mapping[str, str]:
        assert resource_type == JOB_TAGS
        self.calls.append(resource_id)
        if self.listed is GATEWAY:
            raise GATEWAY
        if resource_id not in self.tags:
            raise NotFoundError("gone", status=404, code="DLI.0023")
        return self.tags[resource_id]

    def find_resources(
        self, resource_type: str, tags: Mapping[str, str | None], *, limit: int, pages: int
    ) -> Mapping[str, Mapping[str, str]]:
        assert (resource_type, dict(tags), limit) == (JOB_TAGS, {OWNER_TAG: None}, 1000)
        self.calls.append("filter")
        self.pages = pages
        if isinstance(self.listed, ApiError):
            raise self.listed
        return {job: self.tags[job] for job in self.listed}


TAGS = {str(number): {OWNER_TAG: f"o{number}", "team": "a"} for number in range(4)}


def read_together(service: Service, *ids: str, clock: Simulation | None = None) -> list[Mapping[str, str] | None]:
    reads = TagReads(service, JOB_TAGS, clock or Simulation())
    with contextlib.ExitStack() as company:
        for _ in ids:
            company.enter_context(reads.expect())
        return [reads.of(job) for job in ids]


def test_a_read_that_is_alone_asks_for_its_own_object_only() -> None:
    service = Service(TAGS, set(TAGS))
    assert read_together(service, "1") == [TAGS["1"]]
    assert service.calls == ["1"]


def test_those_who_read_together_share_one_call() -> None:
    service = Service(TAGS, set(TAGS))
    assert read_together(service, *TAGS) == list(TAGS.values())
    assert service.calls == ["filter"]
    assert service.pages == len(TAGS), "more pages than readers cost more than asking for each"


def test_who_is_not_in_the_shared_answer_is_asked_for_alone() -> None:
    service = Service(TAGS, {"0"})
    assert read_together(service, "0", "1", "gone") == [TAGS["0"], TAGS["1"], {}]
    assert service.calls == ["filter", "1", "gone"]


def test_a_service_that_refuses_the_open_filter_is_asked_for_each() -> None:
    service = Service(TAGS, ApiError("no such filter", status=400, code="DLI.0001"))
    assert read_together(service, "0", "1") == [TAGS["0"], TAGS["1"]]
    assert service.calls == ["filter", "0", "1"]


def test_a_region_without_tag_calls_is_asked_once() -> None:
    service = Service(TAGS, GATEWAY)
    assert read_together(service, "0", "1", "2") == [None, None, None]
    assert len(service.calls) == 1


def test_a_broken_service_is_an_error_and_no_missing_tag() -> None:
    service = Service(TAGS, ApiError("broken", status=500, code="DLI.0999"))
    with pytest.raises(ApiError, match="broken"):
        read_together(service, "0", "1")


def test_after_written_tags_and_after_a_while_they_are_read_anew() -> None:
    clock = Simulation()
    service = Service(TAGS, set(TAGS))
    reads = TagReads(service, JOB_TAGS, clock)
    with reads.expect(), reads.expect():
        reads.of("0")
        reads.of("1")
        reads.changed()
        reads.of("0")
    assert service.calls == ["filter", "filter"]
    clock.sleep(6)
    with reads.expect():
        reads.of("0")
    assert service.calls[2:] == ["0"], "another burst, in which it is alone"
