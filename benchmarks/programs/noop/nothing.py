"""A dynamic resource of the size of a job that does nothing: what is left is the engine's own time.

It takes the inputs of a job, and answers with as many outputs of their kind, since whatever a resource holds is packed
and unpacked by every call of the engine.
"""

from typing import Any

from pulumi.dynamic import CreateResult, DiffResult, ReadResult, Resource, ResourceProvider, UpdateResult

FACTS = {
    "job_id": "1234567",
    "status": "job_running",
    "savepoint_path": "obs://bench/jobs/savepoint/1234567/savepoint-1",
    "has_savepoint": True,
    "savepoints": [{"path": "obs://bench/jobs/savepoint/1234567/savepoint-1", "time": 1767225600000, "reason": "stop"}],
    "restart_times": 0,
    "create_time": 1767225600000,
    "start_time": 1767225600000,
    "update_time": 1767225600000,
    "user_name": "nobody",
    "endpoint": "https://dli.eu-de.otc.t-systems.com",
    "project_id": "48cc2c48765f481480c7db940d6409d1",
}


class NothingProvider(ResourceProvider):
    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> DiffResult:
        return DiffResult(changes=any(_olds.get(name) != value for name, value in _news.items() if value is not None))

    def create(self, props: dict[str, Any]) -> CreateResult:
        return CreateResult(str(props["name"]), {**props, **FACTS})

    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        return ReadResult(id_, props, {name: value for name, value in props.items() if name not in FACTS})

    def update(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> UpdateResult:
        return UpdateResult({**_news, **FACTS})


class Nothing(Resource):
    def __init__(self, name: str, fields: dict[str, Any]) -> None:
        super().__init__(NothingProvider(), name, {**dict.fromkeys(FACTS), "name": name, **fields})
