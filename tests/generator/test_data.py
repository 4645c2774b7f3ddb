# SPDX-License-Identifier: Apache-2.0
"""Data behind the declarations: flatc of both versions and we take and refuse the same."""

from __future__ import annotations

from pathlib import Path

import pytest
from shmcomm_gen.diagnostics import as_report

from tests.generator.support.compiling import compile_file
from tests.generator.support.flatcs import LANES, Lane

SCHEMA = """
namespace inner;
enum Far : short { Away = 300, Below = -1 }
namespace robot;
enum C : ubyte { Red, Green }
enum B : ubyte (bit_flags) { X, Y }
struct P { x:int; y:float; c:C; }
struct A { v:[int:2]; p:[P:1]; }
table N { s:string; k:int (key); n:N; }
union U { N, P, t:string }
table T {
  b:bool; i:int; o:int = null; f:float; c:C; fl:B; s:string; r:[string]; vi:[int]; vc:[C]; p:P; a:A; n:N; vn:[N];
  u:U; vu:[U]; h:uint (hash: "fnv1_32"); sh:ushort (hash: "fnv1_16"); nf:[ubyte] (nested_flatbuffer: "N");
  fx:[ubyte] (flexbuffer); d:int (deprecated); ul:ulong;
}
table Short { must:string (required); o:int = null; i:int; }
root_type T;
"""
TAKEN = """
{} | {b:5} | {b:"true"} | {b:false} | {b:"1"} | {o:null} | {o:"null"} | {o:"1"} | {i:-1} | {i:+5} | {i:"+5"} | {i:" 1"} | {i:"1 "}
{i:0x10} | {i:"0x10"} | {i:"C.Green"} | {i:"B.X B.Y"} | {ul:18446744073709551615}
{f:1} | {f:"1.5"} | {f:nan} | {f:NaN} | {f:-inf} | {f:sin(1)} | {f:1e400} | {f:0x1p3} | {f:rad(deg(-1.5))}
{c:Red} | {c:"Green"} | {c:7} | {c:"7"} | {c:"Red Green"} | {fl:"X Y"} | {fl:X} | {fl:200}
{s:null} | {s:'a'} | {s:"\\u00e9"} | {r:[]} | {r:["a"]} | {vi:[1,2,]} | {vi:null} | {vi:["2"]} | {vc:[Red,"Green",1]}
{p:{x:1,y:2,c:Red}} | {p:{y:2,x:1,c:0}} | {p:[1,2,3]} | {p:null} | {a:{v:[1,2],p:[{x:1,y:1,c:1}]}} | {a:[[1,2],[[1,2,3]]]} | {a:null}
{n:{k:1}} | {n:["s",1,{}]} | {n:[null,"s",1,{}]} | {n:{k:1,}} | {vn:[{k:1},{s:"x"}]} | {n:{n:{n:{n:{k:1}}}}}
{u_type:N,u:{k:1}} | {u:{k:1},u_type:N} | {u_type:1,u:{k:1}} | {u_type:t,u:"x"} | {u_type:P,u:{x:1,y:1,c:1}} | {u_type:NONE} | {u_type:N}
{u_type:NONE,u:null} | {u:null} | {vu_type:[N,t],vu:[{},"x"]} | {vu_type:[N],vu:[]} | {vu_type:[N,N],vu:[{k:1}]} | {vu:null}
{h:"abc"} | {h:abc} | {h:5} | {sh:5} | {nf:{k:1}} | {nf:null} | {d:1} | {"$schema":"x"} | {"i":1,'b':1}
{fx:{a:[1,"x",{b:null}],c:true}} | {fx:5} | {fx:null} | {fx:-inf} | {fx:[nan]} | {fx:[]}
"""
REFUSED = """
{b:256} | {b:-1} | {b:1.0} | {b:null} | {b:foo} | {i:null} | {i:1.0} | {i:"1.0"} | {i:""} | {i:"1_0"} | {i:"- 1"} | {i:4294967296} | {i:true}
{i:Red} | {i:C.Green} | {i:"Far.Away"} | {i:"C.Blue"} | {i:"1\\u0020"} | {i:sin(1)} | {i:-foo} | {i:{}} | {i:[]} | {i:"é"}
{f:pi} | {f:""} | {f:foo} | {f:"foo"} | {f:0x10} | {f:true} | {f:"null"} | {f:"sin(1)"} | {f:sin(foo)}
{c:C.Red} | {c:"C.Red"} | {c:300} | {c:""} | {c:"Red  Green"} | {c:Blue} | {c:null} | {fl:"X Z"}
{s:abc} | {s:5} | {s:[]} | {s:{}} | {r:["a",null]} | {vi:1} | {vi:[1.5]} | {vi:[null]} | {vi:[[1]]} | {vi:{}}
{p:{x:1}} | {p:[1,2]} | {p:[1,2,3,4]} | {p:{x:null,y:1,c:1}} | {a:{v:[1],p:[[1,2,3]]}} | {a:{v:1,p:[[1,2,3]]}}
{n:["s"]} | {n:["s",1,{},1]} | {n:["s",null,{}]} | {n:"x"} | {n:5} | {vn:[null]} | {vn:{}}
{u:{k:1},i:1,u_type:N} | {u:{k:1}} | {u_type:U.N,u:{k:1}} | {u_type:NONE,u:{}} | {u_type:9,u:{}} | {u_type:t,u:5} | {u_type:null,u:null}
{u_type:X,u:{}} | {vu:[{}],vu_type:[N]} | {vu_type:[N],vu:[{},{}]} | {vu_type:[N],vu:{}} | {vu_type:[Q],vu:[{}]}
{h:-1} | {sh:"abc"} | {nf:[1]} | {nf:"x"} | {nf:{zz:1}} | {fx:{a:1,a:2}} | {fx:abc} | {fx:sin(1)} | {zz:1} | {i:1,i:2} | {"$schema":5}
{} {} | {} table Z {}
"""


def each(lists: str) -> list[str]:
    return [one.strip() for line in lists.strip().splitlines() for one in line.split(" | ")]


def codes(path: Path) -> list[str]:
    return [found.code for found in compile_file(path)[1].diagnostics]


@pytest.mark.parametrize("lane", LANES)
@pytest.mark.parametrize("data", each(TAKEN))
def test_what_flatc_takes_is_taken(data: str, lane: Lane, tmp_path: Path) -> None:
    path = tmp_path / "case.fbs"
    path.write_text(SCHEMA + data, encoding="utf-8")

    sink = compile_file(path)[1]

    assert not sink.diagnostics, as_report(sink.diagnostics)
    assert lane.run(tmp_path, path).returncode == 0


@pytest.mark.parametrize("lane", LANES)
@pytest.mark.parametrize("data", each(REFUSED))
def test_what_flatc_refuses_is_refused_once(data: str, lane: Lane, tmp_path: Path) -> None:
    path = tmp_path / "case.fbs"
    path.write_text(SCHEMA + data, encoding="utf-8")

    assert codes(path) == ["S035" if data.startswith("{} ") else "S053"]
    assert lane.run(tmp_path, path).returncode != 0


@pytest.mark.parametrize("lane", LANES)
@pytest.mark.parametrize(
    ("data", "is_taken"),
    [('{must:"x"}', True), ("{}", False), ("{must:null}", False), ('["x",null,1]', True), ('["x",1]', False), ("[null]", False)],
)
def test_fields_that_must_be_there_are(data: str, is_taken: bool, lane: Lane, tmp_path: Path) -> None:
    path = tmp_path / "case.fbs"
    path.write_text(f"{SCHEMA} table Outer {{ x:Short; }} root_type Outer; {{ x: {data} }}", encoding="utf-8")

    assert (codes(path) == []) == is_taken
    assert (lane.run(tmp_path, path).returncode == 0) == is_taken


@pytest.mark.parametrize("lane", LANES)
@pytest.mark.parametrize(("depth", "is_taken"), [(63, True), (64, False), (5000, False)])
@pytest.mark.parametrize(("opening", "closing"), [("{n:", "}"), ('["",0,', "]")])
def test_there_is_an_end_to_depth(
    opening: str, closing: str, depth: int, is_taken: bool, lane: Lane, tmp_path: Path
) -> None:
    path = tmp_path / "case.fbs"
    path.write_text(SCHEMA + "{n:" + opening * (depth - 1) + "{}" + closing * (depth - 1) + "}", encoding="utf-8")

    assert (codes(path) == []) == is_taken
    assert (lane.run(tmp_path, path).returncode == 0) == is_taken


@pytest.mark.parametrize("opening", ["{a:", "["])
def test_the_depth_of_a_flexbuffer_has_an_end(opening: str, tmp_path: Path) -> None:
    path = tmp_path / "case.fbs"
    closing = {"{a:": "}", "[": "]"}[opening]

    for depth in (64, 1000):
        path.write_text(SCHEMA + "{fx:" + opening * depth + "1" + closing * depth + "}", encoding="utf-8")
        assert codes(path) == ["S053"]


def test_data_of_an_included_file_is_its_own_business(tmp_path: Path) -> None:
    (tmp_path / "other.fbs").write_text("table O { x:int; } root_type O; { nothing: 1 }", encoding="utf-8")
    (tmp_path / "case.fbs").write_text('include "other.fbs"; table T { o:O; } root_type T; { o: { x: 1 } }', encoding="utf-8")

    assert codes(tmp_path / "case.fbs") == []
