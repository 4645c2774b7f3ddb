# SPDX-License-Identifier: Apache-2.0
"""Includes point down: runtime/src/LAYERS gives the order, every include names the layer it reaches into."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
INCLUDE = re.compile(r'^\s*#\s*include\s+([<"])([^>"]+)[>"]', re.MULTILINE)
SYSTEM_IFDEF = re.compile(r"^\s*#\s*(?:el)?if.*\b(?:__linux__|__APPLE__|_WIN32|__unix__)\b", re.MULTILINE)

# Values that the layers share with users: these public headers declare no endpoint.
VOCABULARY = {"shmcomm/channel_spec.h", "shmcomm/options.h", "shmcomm/stats.h"}
WITHOUT_VOCABULARY = {"base", "platform", "ring", "wake"}
# The ring runs unchanged under the model checker and the fuzzer: plain bytes, no operating system.
PURE = {"ring"}
LIBRARIES = ("absl/", "flatbuffers/")
# The seam replaces itself when the model checker compiles it.
CHECKER = "sched/checked_atomic.h"


def read_layers(source: Path) -> dict[str, int]:
    """Height of each layer. Layers of one height do not know each other."""
    lines = [line for line in (source / "LAYERS").read_text().splitlines() if line and not line.startswith("#")]
    return {name.strip(): height for height, line in enumerate(lines) for name in line.split("|")}


def sources_in(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.suffix in (".h", ".cc"))


def includes_of(path: Path) -> list[tuple[str, str]]:
    return [(match[1], match[2]) for match in INCLUDE.finditer(path.read_text())]


def is_system_header(name: str) -> bool:
    """The standard library's headers end in no suffix; the operating system's do."""
    return name.endswith(".h")


def complaint_about(layer: str, target: str, layers: dict[str, int]) -> str | None:
    if target.startswith(LIBRARIES) or (target == CHECKER and layer == "base"):
        return None
    if target.startswith("shmcomm/"):
        if layers[layer] == max(layers.values()):
            return None
        if target in VOCABULARY and layer not in WITHOUT_VOCABULARY:
            return None
        return f"{layer}/ may not use the public header {target}"
    other = target.split("/")[0]
    if other not in layers:
        return f"{target} does not begin with a layer"
    if other == layer:
        return None
    if layers[other] == layers[layer]:
        return f"{layer}/ and {other}/ do not know each other, but it includes {target}"
    if layers[other] > layers[layer]:
        return f"{layer}/ is below {other}/, but it includes {target}"
    if layer in PURE and other == "platform":
        return f"{layer}/ makes no system call, but it includes {target}"
    return None


def check_layers(source: Path) -> list[str]:
    layers = read_layers(source)
    complaints = [
        f"{folder.name}/ is not in LAYERS" for folder in source.iterdir() if folder.is_dir() and folder.name not in layers
    ]
    for path in sources_in(source):
        layer, where = path.relative_to(source).parts[0], path.relative_to(source)
        if layer not in layers:
            continue
        for kind, target in includes_of(path):
            if kind == '"':
                complaint = complaint_about(layer, target, layers)
            elif is_system_header(target) and layer != "platform":
                complaint = f"<{target}> is the operating system's, only platform/ names one"
            else:
                complaint = None
            if complaint:
                complaints.append(f"{where}: {complaint}")
        if layer != "platform" and SYSTEM_IFDEF.search(path.read_text()):
            complaints.append(f"{where}: asks which operating system this is, only platform/ does")
    return complaints


def check_public_headers(include: Path) -> list[str]:
    return [
        f"{path.relative_to(include)}: a public header may not include {target}"
        for path in sources_in(include)
        for kind, target in includes_of(path)
        if (is_system_header(target) if kind == "<" else not target.startswith(("shmcomm/", *LIBRARIES)))
    ]


def made_tree(folder: Path, files: dict[str, str]) -> Path:
    (folder / "LAYERS").write_text("# lowest first\nbase\nplatform\nring | wake\nendpoint\n")
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def test_includes_point_down() -> None:
    assert check_layers(ROOT / "runtime/src") == []


def test_public_headers_mention_no_private_one() -> None:
    assert check_public_headers(ROOT / "runtime/include") == []


def test_a_legal_tree_passes(tmp_path: Path) -> None:
    tree = made_tree(tmp_path, {
        "ring/ring.h": '#include <cstdint>\n#include "base/ids.h"\n#include "ring/entry.h"\n',
        "endpoint/e.cc": '#include "shmcomm/publisher.h"\n#include "wake/bell.h"\n#include "absl/time/time.h"\n',
        "platform/linux.cc": "#include <sys/mman.h>\n",
    })
    assert check_layers(tree) == []


def test_an_include_upwards_is_rejected(tmp_path: Path) -> None:
    tree = made_tree(tmp_path, {"base/ids.h": '#include "ring/entry.h"\n'})
    assert check_layers(tree) == ["base/ids.h: base/ is below ring/, but it includes ring/entry.h"]


def test_an_include_between_siblings_is_rejected(tmp_path: Path) -> None:
    tree = made_tree(tmp_path, {"wake/bell.cc": '#include "ring/entry.h"\n'})
    assert check_layers(tree) == ["wake/bell.cc: wake/ and ring/ do not know each other, but it includes ring/entry.h"]


def test_an_include_without_a_layer_is_rejected(tmp_path: Path) -> None:
    tree = made_tree(tmp_path, {"ring/ring.cc": '#include "entry.h"\n'})
    assert check_layers(tree) == ["ring/ring.cc: entry.h does not begin with a layer"]


def test_a_system_header_outside_platform_is_rejected(tmp_path: Path) -> None:
    tree = made_tree(tmp_path, {"wake/bell.cc": "#include <unistd.h>\n"})
    assert check_layers(tree) == ["wake/bell.cc: <unistd.h> is the operating system's, only platform/ names one"]


def test_a_system_call_layer_below_the_ring_is_rejected(tmp_path: Path) -> None:
    tree = made_tree(tmp_path, {"ring/ring.cc": '#include "platform/os.h"\n'})
    assert check_layers(tree) == ["ring/ring.cc: ring/ makes no system call, but it includes platform/os.h"]


def test_a_public_header_in_the_ring_is_rejected(tmp_path: Path) -> None:
    tree = made_tree(tmp_path, {"ring/ring.cc": '#include "shmcomm/options.h"\n'})
    assert check_layers(tree) == ["ring/ring.cc: ring/ may not use the public header shmcomm/options.h"]


def test_an_unlisted_folder_is_rejected(tmp_path: Path) -> None:
    tree = made_tree(tmp_path, {"extra/x.h": ""})
    assert check_layers(tree) == ["extra/ is not in LAYERS"]


def test_a_private_header_in_a_public_one_is_rejected(tmp_path: Path) -> None:
    (tmp_path / "shmcomm").mkdir()
    (tmp_path / "shmcomm/publisher.h").write_text('#include "ring/writer.h"\n')
    assert check_public_headers(tmp_path) == ["shmcomm/publisher.h: a public header may not include ring/writer.h"]
