"""Lists the public items in a crate's rustdoc JSON, one a line, sorted."""

import json
import sys

# The description is the compiler's own business and changes with it.
KNOWN = range(57, 58)

crate = json.load(open(sys.argv[1]))
if crate["format_version"] not in KNOWN:
    sys.exit(f"rustdoc's JSON has format {crate['format_version']}, which this script does not know yet")
index = crate["index"]
lines = set()


def args(generic):
    if not generic:
        return ""
    (kind, inner), = generic.items()
    if kind == "parenthesized":
        result = inner["output"]
        return f"({', '.join(map(ty, inner['inputs']))})" + (f" -> {ty(result)}" if result else "")
    parts = []
    for arg in inner["args"]:
        (what, value), = arg.items() if isinstance(arg, dict) else ((arg, None),)
        parts.append({"lifetime": lambda: value, "type": lambda: ty(value),
                      "const": lambda: value["expr"]}.get(what, lambda: "_")())
    for constraint in inner["constraints"]:
        (what, value), = constraint["binding"].items()
        if what == "equality":
            term, = value.values()
            bound = ty(term)
            parts.append(f"{constraint['name']} = {bound}")
        else:
            parts.append(f"{constraint['name']}: {bounds(value)}")
    return f"<{', '.join(parts)}>" if parts else ""


def path(value):
    return value["path"].split("::")[-1] + args(value["args"])


def bounds(values):
    out = []
    for value in values:
        (kind, inner), = value.items()
        if kind == "trait_bound":
            maybe = "?" if inner["modifier"] == "maybe" else ""
            out.append(maybe + path(inner["trait"]))
        elif kind == "outlives":
            out.append(inner)
        else:
            out.append(f"use<{', '.join(next(iter(p.values())) for p in inner)}>")
    return " + ".join(out)


def ty(value):
    (kind, inner), = value.items()
    if kind == "resolved_path":
        return path(inner)
    if kind in ("generic", "primitive"):
        return inner
    if kind == "borrowed_ref":
        lifetime = f"{inner['lifetime']} " if inner["lifetime"] else ""
        return f"&{lifetime}{'mut ' if inner['is_mutable'] else ''}{ty(inner['type'])}"
    if kind == "tuple":
        return f"({', '.join(map(ty, inner))})"
    if kind == "slice":
        return f"[{ty(inner)}]"
    if kind == "array":
        return f"[{ty(inner['type'])}; {inner['len']}]"
    if kind == "impl_trait":
        return f"impl {bounds(inner)}"
    if kind == "dyn_trait":
        parts = [path(bound["trait"]) for bound in inner["traits"]]
        return "dyn " + " + ".join(parts + ([inner["lifetime"]] if inner["lifetime"] else []))
    if kind == "qualified_path":
        trait = inner["trait"]
        base = ty(inner["self_type"])
        return f"<{base} as {path(trait)}>::{inner['name']}" if trait and trait["path"] else f"{base}::{inner['name']}"
    if kind == "function_pointer":
        return signature(inner["sig"], "fn")
    return kind


def signature(sig, name):
    inputs = ", ".join(f"{n}: {ty(t)}" if n != "self" else self_(t) for n, t in sig["inputs"])
    result = f" -> {ty(sig['output'])}" if sig["output"] else ""
    return f"{name}({inputs}){result}"


def self_(value):
    text = ty(value)
    return text.replace("Self", "self") if text in ("Self", "&Self", "&mut Self") else f"self: {text}"


def generics(value):
    out = []
    for param in value["params"]:
        (kind, inner), = param["kind"].items()
        if kind == "type" and not inner["is_synthetic"]:
            limits = bounds(inner["bounds"])
            out.append(param["name"] + (f": {limits}" if limits else ""))
        elif kind != "type":
            out.append(param["name"])
    where = []
    for predicate in value["where_predicates"]:
        if "bound_predicate" in predicate:
            bound = predicate["bound_predicate"]
            where.append(f"{ty(bound['type'])}: {bounds(bound['bounds'])}")
    return (f"<{', '.join(out)}>" if out else ""), (f" where {', '.join(where)}" if where else "")


def function(item, name):
    inner = item["inner"]["function"]
    head, where = generics(inner["generics"])
    marks = "".join(f"{mark} " for mark in ("const", "async", "unsafe") if inner["header"][f"is_{mark}"])
    return f"{marks}fn {signature(inner['sig'], name + head)}{where}"


def hidden(item):
    return any("hidden" in str(attr) and "doc" in str(attr) for attr in item["attrs"])


def members(ids, where, public_only):
    for id in ids:
        item = index.get(str(id))
        if item and not hidden(item) and (not public_only or item["visibility"] == "public"):
            emit(item, where)


def emit(item, where, name=None):
    name = name or item["name"]
    (kind, inner), = item["inner"].items()
    full = f"{where}::{name}" if where else name
    if hidden(item):
        return
    if kind == "module":
        lines.add(f"mod {full}")
        members(inner["items"], full, True)
    elif kind == "use":
        target = index.get(str(inner["id"]))
        if target is None:
            lines.add(f"use {where}::{inner['name']}")
        elif inner["is_glob"]:
            members(target["inner"]["module"]["items"], where, True)
        else:
            emit(target, where, inner["name"])
    elif kind == "function":
        lines.add(function(item, full))
    elif kind in ("struct", "enum", "union"):
        head, clause = generics(inner["generics"])
        lines.add(f"{kind} {full}{head}{clause}")
        fields = inner.get("variants") or next(iter(inner["kind"].values()), []) if kind == "enum" or isinstance(inner["kind"], dict) else []
        if isinstance(fields, dict):
            fields = fields["fields"]
        members([f for f in fields if f is not None], full, kind == "struct")
        for id in inner["impls"]:
            block = index.get(str(id))
            if not block:
                continue
            imp = block["inner"]["impl"]
            if imp["trait"] is None:
                members(imp["items"], full, True)
            elif not imp["is_synthetic"] and imp["blanket_impl"] is None:
                lines.add(f"impl {path(imp['trait'])} for {where}::{ty(imp['for'])}")
    elif kind == "trait":
        head, clause = generics(inner["generics"])
        limits = bounds(inner["bounds"])
        lines.add(f"trait {full}{head}{': ' + limits if limits else ''}{clause}")
        members(inner["items"], full, False)
    elif kind == "variant":
        lines.add(f"variant {full}")
        shape = inner["kind"]
        if isinstance(shape, dict):
            (style, fields), = shape.items()
            members([f for f in (fields["fields"] if style == "struct" else fields) if f is not None], full, False)
    elif kind == "struct_field":
        lines.add(f"field {full}: {ty(inner)}")
    elif kind in ("constant", "static", "assoc_const"):
        lines.add(f"const {full}: {ty(inner['type'])}")
    elif kind == "type_alias":
        head, _ = generics(inner["generics"])
        lines.add(f"type {full}{head} = {ty(inner['type'])}")
    elif kind == "assoc_type":
        lines.add(f"type {full}")
    else:
        lines.add(f"{kind} {full}")


emit(index[str(crate["root"])], "")
print("\n".join(sorted(lines, key=lambda line: (line.split(" ", 1)[1], line))))
