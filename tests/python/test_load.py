# SPDX-License-Identifier: Apache-2.0
"""shmcomm.load gives what the compiler writes, without writing it."""

from __future__ import annotations

import subprocess
import sys
from enum import Enum
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).resolve().parent


def described(module: Any) -> dict[str, Any]:
    """All that a module exports, in words."""
    return {name: described_member(getattr(module, name)) for name in module.__all__}


def described_member(member: Any) -> Any:
    if issubclass(member, Enum):
        return member.__doc__, {one.name: one.value for one in member}
    if hasattr(member, "_channel"):
        channel = member._channel
        return member.__doc__, [base.__name__ for base in member.__mro__], channel.name, channel.pattern, channel.messages
    fields = {name: field for name, field in vars(member).items() if type(field).__name__ == "Field"}
    return member.__doc__, {
        name: (field.__doc__, field.offset, field.count, field.type_name, field.is_struct) for name, field in fields.items()
    }


@pytest.mark.parametrize("name", ["everything", "unions", "patterns"])
def test_a_loaded_module_equals_the_generated_package(request: pytest.FixtureRequest, name: str) -> None:
    import shmcomm

    generated = request.getfixturevalue(name)

    loaded = shmcomm.load(HERE / f"{name}.channel")

    assert loaded.__name__ == name
    assert (loaded.__all__, loaded.__doc__) == (generated.__all__, generated.__doc__)
    assert described(loaded) == described(generated)


def test_a_loaded_module_and_the_generated_package_share_a_channel(everything: Any, root: Path) -> None:
    import shmcomm

    loaded = shmcomm.load(HERE / "everything.channel")
    with everything.TreePublisher(root=root) as pub, loaded.TreeSubscriber(root=root) as sub:
        pub.send(id=3, data=b"abc", leaf=loaded.Leaf(id=1))
        assert sub.recv(timeout=1000).leaf.id == 1
    with loaded.ImuPublisher(root=root) as pub, everything.ImuSubscriber(root=root) as sub:
        pub.send(stamp_ns=5)
        assert sub.recv(timeout=1000).stamp_ns == 5


@pytest.mark.parametrize("loads", ["the sender", "the receiver"])
def test_jobs_and_calls_go_between_a_loaded_module_and_the_generated_package(patterns: Any, root: Path, loads: str) -> None:
    import shmcomm

    loaded = shmcomm.load(HERE / "patterns.channel")
    there, here = (loaded, patterns) if loads == "the sender" else (patterns, loaded)
    with there.JobsPusher(root=root) as pusher, here.JobsPuller(root=root) as puller:
        pusher.push(id=7, tile=b"abc", name="a")
        job = puller.recv(timeout=60_000)
        assert (job.id, bytes(job.tile), job.name, type(job).__mro__[1]) == (7, b"abc", "a", here.Job)
    with there.DriveRequester(root=root) as client, here.DriveReplier(root=root) as server:
        call = client.start(there.Twist(linear=0.5, points=[1.0]))
        request = server.recv(timeout=60_000)
        assert (request.linear, list(request.points)) == (0.5, [1.0])
        request.reply(here.Ack(ok=True, message="moving", data=b"abc"))
        reply = call.result(timeout=60_000)
        assert (reply.ok, reply.message, bytes(reply.data), type(reply).__mro__[1]) == (True, "moving", b"abc", there.Ack)
    with there.WalkRequester(root=root) as client, here.WalkReplier(root=root) as server:
        call = client.start(x=1, timeout=2)
        request = server.recv(timeout=60_000)
        request.reply(x=request.x + request.timeout)
        assert call.result(timeout=60_000).x == 3


def test_an_unchanged_file_gives_the_same_module(tmp_path: Path) -> None:
    import shmcomm

    (tmp_path / "types.fbs").write_text("namespace n; table T { a:int; }")
    main = tmp_path / "main.channel"
    main.write_text('include "types.fbs"; namespace n; channel c : pubsub<T>;')
    first = shmcomm.load(main)

    assert shmcomm.load(str(main)) is first
    (tmp_path / "types.fbs").write_text("namespace n; table T { a:int; b:string; }")
    second = shmcomm.load(main)
    assert second is not first
    assert second.T(b="x").b == "x"
    assert not hasattr(first.T, "b")


def test_includes_are_found_in_import_dirs(tmp_path: Path) -> None:
    import shmcomm

    (tmp_path / "shared").mkdir()
    (tmp_path / "shared" / "types.fbs").write_text("table T { a:int; }")
    main = tmp_path / "main.channel"
    main.write_text('include "types.fbs"; channel c : pubsub<T>;')

    with pytest.raises(ValueError, match=r"error\[S\d+\]"):
        shmcomm.load(main)
    assert shmcomm.load(main, import_dirs=[tmp_path / "shared"]).T(a=3).a == 3


def test_mistakes_are_reported_as_the_compiler_does(tmp_path: Path) -> None:
    import shmcomm

    main = tmp_path / "main.channel"
    main.write_text("table Image { a:int; }\nchannel c : pubsub<Imgae>;\n")

    with pytest.raises(ValueError, match=r"error\[S014\]: unknown type 'Imgae'[\s\S]*did you mean 'Image'"):
        shmcomm.load(main)
    with pytest.raises(FileNotFoundError):
        shmcomm.load(tmp_path / "missing.channel")


def test_the_compiler_is_imported_only_where_it_is_needed(generated: Path) -> None:
    from programs import environment

    program = """
import sys
import everything
assert "shmcomm_gen" not in sys.modules
sys.path = [path for path in sys.path if not path.endswith("generator")]
sys.modules["shmcomm_gen"] = None
import shmcomm
try:
    shmcomm.load(sys.argv[1])
except ImportError as error:
    assert "needs the schema compiler" in str(error)
else:
    raise AssertionError
"""
    subprocess.run([sys.executable, "-c", program, HERE / "everything.channel"], env=environment(generated), check=True)
