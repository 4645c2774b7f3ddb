# SPDX-License-Identifier: Apache-2.0
"""The texts of every target, as kept under goldens/, and what compilers and type checkers say to them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from shmcomm_gen.compile import Request, compile_schema
from shmcomm_gen.diagnostics import Sink
from shmcomm_gen.output import write_all
from shmcomm_gen.targets import cpp, fbs, python
from shmcomm_gen.targets.bfbs import bfbs_bytes

from tests.generator.support.compiling import INPUTS, compile_file, schema_of
from tests.generator.support.goldens import assert_golden
from tests.generator.support.tools import COMPILERS, ROOT, compiler_with_abseil, flatc, flatc_25

SCHEMAS = ["robot.channel", "everything.channel", "language.channel", "geometry.fbs"]
NEWER = "newer.channel"  # What flatc 2.0.8 refuses; Python and the binary schema need no flatc.

USE_OF_CPP = """
#include "robot.shm.h"
#include "everything.shm.h"
#include "language.shm.h"
#include "geometry.shm.h"
#include <optional>
#include <type_traits>
static_assert(std::is_same_v<robot::CameraChannel::Message, robot::Image>);
static_assert(std::is_same_v<robot::CameraLoan, shmcomm::TypedLoan<robot::Image>>);
static_assert(sizeof(robot::Imu) == 72 && shmcomm::kIsTable<robot::Image> && !shmcomm::kIsTable<robot::Imu>);
absl::Status Send(robot::ImuPublisher& imu, robot::CameraPublisher& camera, robot::CameraLoan loan) {
  if (absl::Status s = imu.Publish(robot::Imu()); !s.ok()) return s;
  auto data = loan.builder().CreateVector<uint8_t>({1, 2, 3});
  auto image = robot::CreateImage(loan.builder(), 1, 2, 3, robot::Encoding_Rgb8, data);
  return camera.Publish(std::move(loan), image);
}
absl::StatusOr<robot::CameraSample> Receive(robot::CameraSubscriber& camera) { return camera.Take(absl::Seconds(1)); }
std::optional<int> Count(const robot::language::OrderSample& order) {
  if (order->task_type() != robot::language::Task_Walk || order->task_as_Walk()->to() == nullptr) return std::nullopt;
  return order->count().has_value() ? std::optional<int>(*order->count()) : std::nullopt;
}
absl::StatusOr<robot::DriveReplySample> Drive(robot::DriveRequester& drive) {
  return drive.Call([](auto& fbb) { return robot::CreateTwist(fbb, 0.5, 0.0); }, absl::Milliseconds(50));
}
absl::Status Serve(robot::DriveReplier& drive) {
  return drive.Serve([](const robot::Twist& request, auto& reply) -> absl::StatusOr<flatbuffers::Offset<robot::Ack>> {
    if (request.linear() > 1) return absl::OutOfRangeError("too fast");
    return robot::CreateAckDirect(reply, true, "moving");
  });
}
absl::Status ServeAll(robot::DriveReplier& drive) {
  return drive.Serve([](const robot::Twist&, auto& reply) { return robot::CreateAckDirect(reply, true, "moving"); });
}
const shmcomm::ChannelSpec& Spec() { return robot::deep::AllChannel::Spec(); }
"""

USE_OF_PYTHON = """
import language
from robot import CameraPublisher, CameraSubscriber, Encoding, Image, Imu, ImuPublisher, ImuSubscriber, Vec3

def send(camera: CameraPublisher, imu: ImuPublisher) -> bool:
    imu.send(stamp_ns=1, accel=Vec3(x=1.0), gyro=(1.0, 2.0, 3.0), cov=[0.0] * 9)
    imu.send(Imu(stamp_ns=2))
    return camera.send(stamp_ns=1, width=2, height=3, encoding=Encoding.Rgb8, data=b"pixels")

def order(orders: language.OrderPublisher, taken: language.OrderSubscriber) -> str:
    walk = language.Walk(to=language.Point(x=1.0))
    orders.send(task=walk, must="a line", tasks=[walk, None, (language.Task.again, {})], required="it", count=None)
    sample = taken.recv()
    if sample.task_type is language.Task.line and isinstance(sample.task, str):
        return sample.task
    return sample.task.text if isinstance(sample.task, language.Say) else str((sample.count or 0) + 1)

def receive(camera: CameraSubscriber, imu: ImuSubscriber) -> int:
    image: Image = camera.recv(timeout=100)
    newest = imu.latest() or imu.try_recv()
    for one in camera:
        print(one.lost, one.data.shape, one.encoding.name)
    return image.width + (newest.sequence if newest else 0)
"""

MISUSE_OF_PYTHON = """
from robot import CameraPublisher, CameraSubscriber

def misuse(camera: CameraPublisher, images: CameraSubscriber) -> None:
    camera.send(width=2)
    camera.send(data=b"", widht=2)
    images.recv().width = 3
    images.recv().depth
"""


@pytest.fixture(scope="module")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """C++ and Python of all inputs."""
    directory = tmp_path_factory.mktemp("generated")
    for name in (*SCHEMAS, NEWER):
        sink = Sink()
        cpp_dir = None if name == NEWER else directory / "cpp"
        request = Request(INPUTS / name, cpp_dir=cpp_dir, python_dir=directory / "python", flatc=flatc())
        compilation = compile_schema(request, sink)
        assert not sink.has_errors
        write_all(compilation.outputs)
    return directory


@pytest.mark.parametrize("name", [*SCHEMAS, NEWER])
def test_cpp_is_golden(name: str) -> None:
    schema, _ = compile_file(INPUTS / name)

    assert_golden(f"cpp/{schema.main.stem}.shm.h", cpp.header_text(schema))
    assert_golden(f"cpp/{schema.main.stem}.shm.cc", cpp.source_text(schema, bfbs_bytes(schema)))


@pytest.mark.parametrize("name", [*SCHEMAS, NEWER])
def test_the_text_for_flatc_is_golden(name: str) -> None:
    schema, _ = compile_file(INPUTS / name)

    assert_golden(f"fbs/{schema.main.stem}.fbs", fbs.fbs_text(schema.main, schema))


@pytest.mark.parametrize("name", [*SCHEMAS, NEWER])
def test_python_is_golden(name: str) -> None:
    schema, _ = compile_file(INPUTS / name)

    for file, text in python.package_files(schema).items():
        assert_golden(f"python/{schema.main.stem}/{file}", text)


@pytest.mark.parametrize("name", COMPILERS)
def test_cpp_compiles_without_a_warning(generated: Path, name: str) -> None:
    compiler = compiler_with_abseil(name)
    (generated / "use.cc").write_text(USE_OF_CPP, encoding="utf-8")
    # All in one translation unit, which is faster; each file has a kSchema of its own.
    sources = [generated / "use.cc", *sorted((generated / "cpp").glob("*.shm.cc"))]
    one_text = "".join(f'#define kSchema kSchema{i}\n#include "{s}"\n#undef kSchema\n' for i, s in enumerate(sources))

    run = subprocess.run(
        [compiler, "-std=c++17", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-fsyntax-only", "-x", "c++", "-",
         "-I", str(generated / "cpp"), "-I", str(ROOT / "runtime" / "include")],
        input=one_text, capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert run.returncode == 0, run.stderr


@pytest.mark.parametrize("name", COMPILERS)
def test_cpp_of_the_newer_constructs_compiles_with_flatc_25(tmp_path: Path, name: str) -> None:
    compiler, newer_flatc = compiler_with_abseil(name), flatc_25()
    sink = Sink()
    write_all(compile_schema(Request(INPUTS / NEWER, cpp_dir=tmp_path, flatc=newer_flatc), sink).outputs)

    run = subprocess.run(
        [compiler, "-std=c++17", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-fsyntax-only", str(tmp_path / "newer.shm.cc"),
         "-I", str(tmp_path), "-I", str(ROOT / "runtime" / "include"),
         "-isystem", str(newer_flatc.resolve().parents[1] / "include")],
        capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert not sink.has_errors
    assert run.returncode == 0, run.stderr


def test_python_type_checks_and_its_misuse_does_not(generated: Path) -> None:
    pytest.importorskip("mypy")
    pytest.importorskip("numpy")
    (generated / "use.py").write_text(USE_OF_PYTHON, encoding="utf-8")
    (generated / "misuse.py").write_text(MISUSE_OF_PYTHON, encoding="utf-8")
    packages = [str(generated / "python" / Path(name).stem) for name in (*SCHEMAS, NEWER)]

    run = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--cache-dir", "cache", *packages, "use.py", "misuse.py"],
        cwd=generated, capture_output=True, text=True, check=False,
        env={"MYPYPATH": f"{ROOT / 'runtime' / 'python'}:{generated / 'python'}"},
    )  # fmt: skip

    wrong = {":".join(line.split(":")[:2]) for line in run.stdout.splitlines() if ": error:" in line}
    assert wrong == {f"misuse.py:{n}" for n in (5, 6, 7, 8)}, run.stdout


def test_pyright_agrees(generated: Path) -> None:
    checker = Path(sys.executable).with_name("basedpyright")
    if not checker.is_file():
        pytest.skip("basedpyright is not installed")
    pytest.importorskip("numpy")
    (generated / "use.py").write_text(USE_OF_PYTHON, encoding="utf-8")
    (generated / "misuse.py").write_text(MISUSE_OF_PYTHON, encoding="utf-8")
    packages = [f"python/{Path(name).stem}" for name in (*SCHEMAS, NEWER)]
    settings = {"typeCheckingMode": "strict", "include": [*packages, "use.py", "misuse.py"],
                "extraPaths": ["python", str(ROOT / "runtime" / "python")]}  # fmt: skip
    (generated / "pyrightconfig.json").write_text(json.dumps(settings), encoding="utf-8")

    run = subprocess.run(
        [checker, "--pythonpath", sys.executable, "--outputjson"], cwd=generated, capture_output=True, text=True, check=False
    )

    found = json.loads(run.stdout)
    errors = [one for one in found["generalDiagnostics"] if one["severity"] == "error"]
    places = {f"{Path(one['file']).name}:{one['range']['start']['line'] + 1}" for one in errors}
    assert found["summary"]["filesAnalyzed"] >= len(packages) + 2
    assert places == {f"misuse.py:{n}" for n in (5, 6, 7, 8)}, run.stdout


HIDING = """
table T { str:string; name:string; int:int; x:[int]; bytes:[ubyte]; float:float; property:int; self:int; cls:int; }
struct bytes { float:float; y:float; bool:bool; dict:[float:3]; }
table U { tuple:bytes; other:bytes; t:T; }
channel t : pubsub<T>;
channel u : pubsub<U>;
"""
USE_OF_HIDING = """
from hiding import T, TPublisher, TSubscriber, U

def use(publisher: TPublisher, subscriber: TSubscriber) -> tuple[int, str | None, float]:
    publisher.send(str="a", int=3, self=4)
    one = T(str="a", bytes=b"b", cls=1)
    y = U(other={"y": 1.0}).other
    return subscriber.recv().int, one.name, y.y if y else 0.0
"""


def test_fields_may_have_the_names_of_builtins(tmp_path: Path) -> None:
    pytest.importorskip("mypy")
    (tmp_path / "hiding.channel").write_text(HIDING, encoding="utf-8")
    (tmp_path / "use.py").write_text(USE_OF_HIDING, encoding="utf-8")
    write_all(compile_schema(Request(tmp_path / "hiding.channel", python_dir=tmp_path), Sink()).outputs)

    run = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--cache-dir", "cache", "hiding", "use.py"],
        cwd=tmp_path, capture_output=True, text=True, check=False, env={"MYPYPATH": str(ROOT / "runtime" / "python")},
    )  # fmt: skip

    assert run.returncode == 0, run.stdout


def test_generated_python_is_python(generated: Path) -> None:
    for name in (*SCHEMAS, NEWER):
        for path in (generated / "python" / Path(name).stem).glob("*.py*"):
            compile(path.read_text(encoding="utf-8"), str(path), "exec")


def test_a_file_without_channels_generates_no_bytes(tmp_path: Path) -> None:
    schema = schema_of(tmp_path, "struct A { x:int; }")

    assert "kSchema" not in cpp.source_text(schema, b"bytes")


def test_names_flatc_changes_are_changed_alike(tmp_path: Path) -> None:
    schema = schema_of(tmp_path, "namespace a; struct delete { x:int; } channel c : pubsub<delete>;")

    assert "using Message = ::a::delete_;" in cpp.header_text(schema)


def test_strings_are_escaped_for_cpp(tmp_path: Path) -> None:
    schema = schema_of(tmp_path, 'struct A { x:int; } channel c = "é \\"q\\" \\\\ ??/" : pubsub<A>;')

    assert r'facts.name = "\303\251 \042q\042 \134 \077\077/";' in cpp.source_text(schema, b"")


def test_a_channel_may_be_in_no_namespace_or_in_two(tmp_path: Path) -> None:
    text = "struct A { x:int; } channel c : pubsub<A>; namespace a.b; channel d : pubsub<A>; namespace e;"
    text += "channel f : pubsub<A>;"

    header = cpp.header_text(schema_of(tmp_path, text))

    assert [line for line in header.splitlines() if "namespace" in line] == [
        "namespace a::b {", "}  // namespace a::b", "namespace e {", "}  // namespace e"
    ]  # fmt: skip


def test_types_of_one_short_name_are_told_apart_in_python(tmp_path: Path) -> None:
    schema = schema_of(
        tmp_path,
        'include "one.fbs"; namespace mine; struct P { x:int; } struct Q { x:int; } namespace other; struct Q { y:int; }',
        one="namespace theirs; struct P { y:int; } struct R { x:int; }",
    )

    assert python.python_names(schema) == {
        "mine.P": "P", "mine.Q": "mine_Q", "other.Q": "other_Q", "theirs.P": "theirs_P", "theirs.R": "R"
    }  # fmt: skip


def test_a_type_named_as_an_endpoint_elsewhere_or_as_a_word_of_python_is_renamed(tmp_path: Path) -> None:
    text = "struct None { x:int; } namespace a; struct CPublisher { x:int; } namespace b; channel c : pubsub<None>;"

    assert python.python_names(schema_of(tmp_path, text)) == {"None": "None_", "a.CPublisher": "a_CPublisher"}


def test_docstrings_survive_quotes_and_backslashes(tmp_path: Path) -> None:
    schema = schema_of(tmp_path, '/// A "quoted" \\ path """\nstruct A { x:int; } channel c : pubsub<A>;')

    compile(python.package_files(schema)["__init__.pyi"], "stub", "exec")


def test_a_doc_comment_that_ends_in_a_backslash_does_not_swallow_the_next_line(tmp_path: Path) -> None:
    header = cpp.header_text(schema_of(tmp_path, "struct A { x:int; }\n/// C:\\\nchannel c : pubsub<A>;"))

    assert "/// C:\n" in header


@pytest.mark.parametrize("identifier", ["schema", "_", "_1", "class", "Schema"])
def test_any_identifier_makes_names_of_cpp_and_python(tmp_path: Path, identifier: str) -> None:
    schema = schema_of(tmp_path, f"struct A {{ x:int; }} channel {identifier} : pubsub<A>; channel other : pubsub<A>;")

    files = python.package_files(schema)

    for text in (files["__init__.py"], files["__init__.pyi"]):
        compile(text, "package", "exec")
    assert "\n_schema = _schema." not in files["__init__.py"]
    assert schema.channels[0].stem.isidentifier()


def test_characters_beyond_the_basic_plane_reach_python(tmp_path: Path) -> None:
    schema = schema_of(tmp_path, 'struct A { x:int; } channel c = "\\ud83d\\ude00 é" : pubsub<A>;')

    assert schema.channels[0].name == "\U0001f600 é"
    assert 'name="\U0001f600 é"' in python.package_files(schema)["__init__.py"]
