# SPDX-License-Identifier: Apache-2.0
"""What each diagnostic means, at length. Codes are stable: one is never given a second meaning."""

from __future__ import annotations

from collections.abc import Mapping

CODES: Mapping[str, tuple[str, str]] = {
    "S001": (
        "the text does not fit the grammar",
        "The caret is at the first word that cannot stand where it stands; the cause may be just before it, often a\n"
        "missing ';' or '}'. One such error is reported for each declaration, and names declared in a part that does not\n"
        "parse are not reported as unknown. The grammar is schema/grammar.lark.",
    ),
    "S002": (
        "a file cannot be found or read",
        "An include is looked for beside the file that includes it, then in each -I folder in the order given.\n"
        "After this error unknown types are not reported, because they may be in the missing file.",
    ),
    "S003": ("a file is not text", "Schemas are UTF-8 text. The message names the first byte that is not."),
    "S004": (
        "not supported yet",
        "The option is legal and parses, but nothing is generated for it in this version: who may open a channel, mode\n"
        "and group.",
    ),
    "S005": (
        "a channel of this pattern is not generated for Python yet (a note, not an error)",
        "Endpoints of reqrep and pushpull channels are generated for C++ alone; Python's package leaves them out.",
    ),
    "S006": (
        "a type is declared twice",
        "Tables, structs, enums and unions of one namespace share their names, across all included files.",
    ),
    "S007": (
        "a field, enum value or attribute occurs twice",
        "Names are unique within their declaration.",
    ),
    "S008": (
        "two channels have one name",
        "A channel's name is its address at run time: the one after '=', else the namespace and the identifier joined\n"
        "by '/'.",
    ),
    "S009": (
        "a generated name is taken",
        "channel camera generates CameraChannel, CameraPublisher, CameraSubscriber, CameraSample and CameraLoan beside\n"
        "the types of its namespace. In Python all endpoints of a file share one package. Rename the channel's\n"
        'identifier (its name at run time may stay: channel other = "front/camera" : …) or the type.',
    ),
    "S010": (
        "a struct holds something of variable size",
        "Structs are plain bytes: scalars, enums, structs and fixed arrays of these. What has strings, vectors or tables\n"
        "is a table.",
    ),
    "S011": (
        "a struct contains itself",
        "Its size would be infinite. A table refers to others and may refer to itself.",
    ),
    "S012": ("a struct without fields", "A struct of no bytes cannot be addressed. An empty table is legal."),
    "S013": (
        "a fixed array in the wrong place or of the wrong length",
        "[float:9] is legal in structs and has 1 to 65,535 elements. In a table, use a vector or wrap the array in a\n"
        "struct.",
    ),
    "S014": (
        "an unknown type",
        "A name is looked for in the namespace it is used in, then outwards to the global one. Types of included files\n"
        "are seen, theirs too.",
    ),
    "S015": ("a channel carries neither table nor struct", "Wrap a scalar, string or enum in a struct or table."),
    "S016": (
        "a default does not fit its field",
        "The number is out of range, the name is no value of the enum, or the enum has no value 0 and the field no\n"
        "default.",
    ),
    "S017": (
        "a default where none can be",
        "Scalars, enums, strings and vectors of tables have defaults, a vector only the empty one. Tables, structs and\n"
        "unions are absent where nobody sets them; the fields of a struct are always all there.",
    ),
    "S018": (
        "a wrong number of an enum value or union member",
        "Values are integers that fit the enum's type and differ. Of an enum with (bit_flags) the number is that of the\n"
        "bit: Blue = 3 is 1 << 3.",
    ),
    "S019": (
        "the type of an enum or union",
        "An enum names its integer type: enum Color : ubyte { … }. A union may name one; without, a byte tells its members\n"
        "apart.",
    ),
    "S020": (
        "an unknown attribute",
        'Attributes of your own are declared first: attribute "priority";. They travel in the binary schema.',
    ),
    "S021": (
        "an attribute where it has no meaning",
        "For example (required) on a scalar, which is always there, or (bit_flags) on a table. FlatBuffers ignores most of\n"
        "these; here they are mistakes.",
    ),
    "S022": (
        "wrong field ids",
        "Either no field of a table has an id, or all have, from 0 without a gap. A field that is no longer used keeps\n"
        "its id and becomes (deprecated).",
    ),
    "S023": ("an unknown option of a channel", "schema/README.md lists all options with their defaults."),
    "S024": ("an option of another pattern", "Each pattern has options of its own; schema/README.md has the table."),
    "S025": (
        "a duration without a unit, or an unknown unit",
        "Durations: ns, us, ms, s, min. Sizes: B, KiB, MiB, GiB, kB, MB, GB; a size without a unit is in bytes.",
    ),
    "S026": (
        "the value of an option is of the wrong kind or out of range",
        "The limits are those of the ring: 255 publishers, 1,024 subscribers, 6 borrowed messages, a capacity of 32,768,\n"
        "messages below 2 GiB.",
    ),
    "S027": (
        "a doc comment after code",
        "/// documents what follows. At the end of a line it would document the next one.",
    ),
    "S028": (
        "an unknown profile, or one of another pattern",
        "sensor_data, latched and command mirror ROS and are for pubsub. Options after a profile override it.",
    ),
    "S029": (
        "an unknown pattern, or the wrong number of messages",
        "pubsub<Message>, pushpull<Job>, reqrep<Request, Reply>.",
    ),
    "S030": ("a channel's name", "Any text of 1 to 200 bytes without control characters, a line break among them."),
    "S031": (
        "two files of one compilation have the same stem",
        "Output is named for the stem: robot.channel and robot.fbs would both generate robot_generated.h.",
    ),
    "S032": ("an option is given twice", "Which of the two counts would be a guess."),
    "S033": (
        "an option without effect",
        "on_full says what a publisher of a reliable channel does; a best_effort channel overwrites its oldest message.",
    ),
    "S034": ("max_size below the size of the struct", "No message would fit. A struct's size needs no option."),
    "S035": (
        "a wrong root_type, file_identifier or file_extension",
        "A root type is a table; an identifier has four bytes and is given once. Data after the schema needs a root type.",
    ),
    "S036": (
        "flatc was not found",
        "The C++ of types is made by FlatBuffers' own compiler. Python and binary schemas need none.",
    ),
    "S037": (
        "flatc refused a schema",
        "All checks here passed and flatc's did not: a difference between the two. Please report it.",
    ),
    "S038": (
        "a file's name is no name of a Python package",
        "The package is named for the file: robot.channel becomes `import robot`. Letters, digits and underscores, and no\n"
        "word of Python.",
    ),
    "S039": (
        "a construct newer than the installed FlatBuffers",
        "The C++ of types is made by flatc, and this flatc is older than the construct. The message names both versions.\n"
        "Python and the binary schema need no flatc and know all of them.",
    ),
    "S040": (
        "what cannot be a member of a union",
        "A union holds a table, a struct or a string; a string needs a name: union U { text:string }.",
    ),
    "S041": (
        "an rpc_service with something other than tables",
        "As in FlatBuffers. Nothing is generated for services: a channel of pattern reqrep is the answer here.",
    ),
    "S042": ("a vector of vectors", "FlatBuffers has none: put the inner vector into a table."),
    "S043": (
        "a field's name is in the way of another name",
        "A union u brings the field u_type, and flatc generates functions with the names u_type and v_length beside fields\n"
        "u and v. A field cannot have the name of a table or struct declared before it.",
    ),
    "S044": (
        "a message of any size, and no max_size (a warning)",
        "A table that reaches a vector, or itself, has no largest message; without max_size 16 MiB are taken, and a larger\n"
        "one fails when it is published. max_size is address space: memory is committed as messages need it. Any max_size\n"
        "quiets the warning, 16MiB too.",
    ),
    "S045": (
        "options that get in each other's way (a warning)",
        "A late joiner of a reliable channel gets history messages first and counts as that far behind; beyond capacity the\n"
        "publisher waits for it, or fails, at every join.",
    ),
    "S046": (
        "prefault of very much memory (a warning)",
        "prefault: true commits all slots of a publisher when it opens: the ring, what max_subscribers may hold of\n"
        "max_borrowed each, loans. The sum is in the message; /dev/shm has to have it.",
    ),
    "S047": (
        "more memory than a process can map",
        "The slots of a publisher lie in one file that every subscriber maps: the ring, what max_subscribers may hold of\n"
        "max_borrowed each, and loans; each slot is half as large again as max_size.",
    ),
    "S048": (
        "a struct larger than any message",
        "A message has at most 2 GiB - 64 B, and a struct is all there or not at all. Arrays of structs with arrays multiply.",
    ),
    "S049": (
        "a change that breaks with the lock",
        "Programs built from the lock and from this schema would not understand each other: one of them would be refused\n"
        "when it opens the channel, or its messages would be skipped. The rules are FlatBuffers', in both directions: also\n"
        "an enum value or a union member that programs of the lock do not know. Where the change is meant and all programs\n"
        "are built anew, write the lock anew: shmcommc lock robot.channel.",
    ),
    "S050": (
        "a lock that cannot be read",
        "It is not there, or was changed by hand into something that is no schema. shmcommc lock robot.channel writes it.",
    ),
    "S051": (
        "another default than the lock has (a warning)",
        "A value that equals its default is not written: the reader puts its own default there. Programs built from the lock\n"
        "and from this schema see different values in the same message.",
    ),
}


def explain(code: str) -> str | None:
    """Title and text of a code, or None where there is none of that name."""
    found = CODES.get(code.upper())
    return f"{code.upper()}: {found[0]}\n\n{found[1]}\n" if found else None
