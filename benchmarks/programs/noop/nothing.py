"""A dynamic resource of the size of a job that does nothing: what is left is the engine's own time."""

from typing import Any

from pulumi.dynamic import CreateResult, DiffResult, ReadResult, Resource, ResourceProvider, UpdateResult


class NothingProvider(ResourceProvider):
    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> DiffResult:
        return DiffResult(changes={**_olds, "__provider": 0} != {**_news, "__provider": 0})

    def create(self, props: dict[str, Any]) -> CreateResult:
        return CreateResult(str(props["name"]), props)

    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        return ReadResult(id_, props)

    def update(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> UpdateResult:
        return UpdateResult(_news)


class Nothing(Resource):
    def __init__(self, name: str, fields: dict[str, Any]) -> None:
        super().__init__(NothingProvider(), name, {"name": name, **fields})
