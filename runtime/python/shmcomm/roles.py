# SPDX-License-Identifier: Apache-2.0
"""What only ends of other roles do. Who asks an end for it is told what this end does, and which do that."""

from __future__ import annotations

from collections.abc import Iterable

from shmcomm.errors import SHMConnectionError

__all__ = ["Elsewhere", "tell_of_others"]

_VERBS = ("send", "push", "loan", "recv", "try_recv", "recv_many", "latest", "poll", "call", "start", "serve")


class Elsewhere:
    """A method that ends of this role do not have: looking it up is an AttributeError with advice, `hasattr` is False. Where an
    attribute is found this costs nothing, as a `__getattr__` would."""

    def __init__(self, name: str, advice: str) -> None:
        self._name = name
        self._advice = advice
        self.__doc__ = f"Not here: {advice}."

    def __get__(self, end: object, kind: type | None = None) -> object:
        if end is None:
            named = "an end" if kind is None else kind.__name__
            raise AttributeError(f"type object '{named}' has no attribute '{self._name}': {self._advice}", name=self._name, obj=kind)
        try:
            channel = getattr(end, "channel", "")
        except SHMConnectionError:  # not opened yet, or it could not be
            channel = ""
        where = f"{channel}: " if channel else ""
        text = f"'{type(end).__name__}' object has no attribute '{self._name}': {where}{self._advice}"
        raise AttributeError(text, name=self._name, obj=end)


def tell_of_others(kinds: Iterable[type]) -> None:
    """Gives each of these classes of ends an Elsewhere for what it does not do and another of them does."""
    has = {kind: [verb for verb in _VERBS if hasattr(kind, verb)] for kind in kinds}
    for kind, own in has.items():
        for verb in _VERBS:
            others = [other.__name__.lower() for other in has if verb in has[other]]
            if others and verb not in own:
                advice = f"a {kind.__name__.lower()} has {_listed(own, 'and')}; {verb} is for a {_listed(others, 'or')}: open one"
                setattr(kind, verb, Elsewhere(verb, advice))
        setattr(kind, "__dir__", _present)


def _present(end: object) -> list[str]:
    """The attributes that an end has."""
    found = {name: value for kind in reversed(type(end).__mro__) for name, value in vars(kind).items()}
    own = getattr(end, "__dict__", {})
    return [name for name in object.__dir__(end) if name in own or not isinstance(found.get(name), Elsewhere)]


def _listed(names: list[str], last: str) -> str:
    return f" {last} ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else "".join(names)
