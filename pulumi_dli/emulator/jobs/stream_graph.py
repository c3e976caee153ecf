"""The static stream graph of an SQL text (dli-api 14.4): one chain of nodes an insert, ids that the text decides."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from pulumi_dli.emulator.jobs.sql import inserts_of

_PREFIX = "default_catalog.default_database."


def stream_graph(sql: str, *, name: str, parallelism: int, parallelism_of: Mapping[str, int]) -> str:
    """As the text that the service answers. `parallelism_of` has what `operator_config` says, by id."""
    nodes: dict[str, dict[str, Any]] = {}
    operators: dict[str, dict[str, Any]] = {}
    for insert in inserts_of(sql):
        sources = [f"TableSourceScan(table=[[{_PREFIX.replace('.', ', ')}{table}]])" for table in insert.sources]
        ids = [_id(text) for text in sources]
        for node_id, text in zip(ids, sources, strict=True):
            most = parallelism_of.get(node_id, parallelism)
            nodes[node_id] = _node(node_id, f"Source: {text}", most, [])
            operators[node_id] = _operator(node_id, "Source", text, most, [])
        sink_id, text = _id(insert.text), f"Sink(table=[{_PREFIX}{insert.sink}])"
        most = parallelism_of.get(sink_id, parallelism)
        nodes[sink_id] = _node(sink_id, f"Sink: {text}", most, ids)
        operators[sink_id] = _operator(sink_id, "Sink", text, most, ids)
    whole = {"jid": _id(sql), "name": name, "nodes": list(nodes.values()), "operator_list": list(operators.values())}
    return json.dumps(whole)


def _id(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def _node(node_id: str, description: str, parallelism: int, inputs: list[str]) -> dict[str, Any]:
    joined = [
        {"num": number, "id": source, "ship_strategy": "FORWARD", "exchange": "pipelined_bounded"}
        for number, source in enumerate(inputs)
    ]
    return {
        "id": node_id,
        "parallelism": parallelism,
        "operator": "",
        "operator_strategy": "",
        "description": description,
        "chain_operators_id": [node_id],
        **({"inputs": joined} if joined else {}),
        "optimizer_properties": {},
    }


def _operator(node_id: str, kind: str, contents: str, parallelism: int, inputs: list[str]) -> dict[str, Any]:
    return {
        "id": node_id,
        "name": f"{kind}: {contents}",
        "type": kind,
        "contents": contents,
        "parallelism": parallelism,
        "tags": f"[{kind.upper()}]" if kind == "Sink" else "[PROCESS, UDF]",
        "input_operators_id": inputs,
    }
