"""Declares what plan.json lists: resources with properties and options, outputs, a failure of the program itself."""

import json
import os
from pathlib import Path

import pulumi
import toy

plan = json.loads((Path(os.environ["TOY_HOME"]) / "plan.json").read_text())
made = {}


def value(spec):
    if isinstance(spec, dict):
        if "$secret" in spec:
            return pulumi.Output.secret(value(spec["$secret"]))
        if "$ref" in spec:
            name, _, attribute = spec["$ref"].partition(".")
            return getattr(made[name], attribute) if attribute else made[name]
        if "$config" in spec:
            return pulumi.Config().get(spec["$config"])
        if "$float" in spec:
            return float(spec["$float"])
        return {key: value(item) for key, item in spec.items()}
    return [value(item) for item in spec] if isinstance(spec, list) else spec


def options(spec):
    found = dict(spec)
    for key in ("parent", "provider", "deleted_with"):
        if key in found:
            found[key] = made[found[key]]
    if "depends_on" in found:
        found["depends_on"] = [made[name] for name in found["depends_on"]]
    if "aliases" in found:
        found["aliases"] = [pulumi.Alias(**alias) for alias in found["aliases"]]
    if "custom_timeouts" in found:
        found["custom_timeouts"] = pulumi.CustomTimeouts(**found["custom_timeouts"])
    return pulumi.ResourceOptions(**found)


for item in plan.get("resources", []):
    kind = item.get("kind", "Toy")
    name, opts = item["name"], options(item.get("opts", {}))
    if kind == "Box":
        made[name] = toy.Box(name, opts)
    elif kind == "Provider":
        made[name] = toy.Region(name, value(item["props"]), opts)
    else:
        made[name] = getattr(toy, kind)(name, value(item.get("props", {})), opts)

for box, outputs in plan.get("box_outputs", {}).items():
    made[box].register_outputs(value(outputs))
for key, spec in plan.get("outputs", {}).items():
    pulumi.export(key, value(spec))
if plan.get("print"):
    print(plan["print"])
if plan.get("raise"):
    raise RuntimeError(plan["raise"])
if plan.get("import"):
    toy.Toy("imported", {}, pulumi.ResourceOptions(import_="x"))
if plan.get("transform"):
    pulumi.runtime.register_resource_transform(lambda args: None)
