# SPDX-License-Identifier: Apache-2.0
"""Arrays that are written where subscribers will read them."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

Ends = tuple[Any, Any]


@pytest.fixture
def ends(root: Path) -> Iterator[Ends]:
    from shmcomm import Publisher, Subscriber

    with Publisher("loans", root=root) as pub, Subscriber("loans", root=root) as sub:
        yield pub, sub


def test_a_loan_is_published_on_leaving(ends: Ends) -> None:
    pub, sub = ends
    loan = pub.loan((480, 640, 3), "u1")
    with loan as image:
        assert (image.shape, image.dtype, image.ctypes.data % 64) == ((480, 640, 3), np.uint8, 0)
        image[:] = 7
        assert sub.try_recv() is None
        assert not loan.sent

    assert loan.sent
    got = sub.recv(timeout=1000)
    assert got.shape == (480, 640, 3) and (got == 7).all()
    assert pub.stats.sent == 1


@pytest.mark.parametrize(("shape", "dtype"), [(5, "f4"), ((), "i8"), ((0, 3), "f8"), ((2, 2), [("a", "i4"), ("b", "f8")])])
def test_loans_of_any_shape_and_dtype(ends: Ends, shape: Any, dtype: Any) -> None:
    pub, sub = ends
    with pub.loan(shape, dtype) as array:
        array[...] = 3

    got = sub.recv(timeout=1000)
    assert got.shape == array.shape and got.dtype == np.dtype(dtype)


def test_an_exception_abandons_the_loan(ends: Ends) -> None:
    pub, sub = ends
    for _ in range(10):
        with pytest.raises(ZeroDivisionError):
            with pub.loan(3) as array:
                array[:] = 1 / 0

    pub.send("next")
    assert sub.recv(timeout=1000) == "next"


def test_a_published_array_is_read_only_and_survives_everything(root: Path) -> None:
    from shmcomm import Publisher

    pub = Publisher("x", root=root)
    with pub.loan(1000) as array:
        array[:] = 1
    with pytest.raises(ValueError, match="read-only"):
        array[0] = 2
    pub.close()
    del pub

    assert array.sum() >= 0  # whatever it shows, it is there
    assert [path for path in root.rglob("*") if path.is_file()] == []


def test_two_loans_may_be_open(ends: Ends) -> None:
    import shmcomm

    pub, sub = ends
    with pub.loan(3) as first, pub.loan(3) as second:
        first[:], second[:] = 1, 2
        with pytest.raises(shmcomm.SHMBufferFullError, match="you hold 2 of 2 loans"):
            pub.loan(3).__enter__()
        pub.send("small")  # needs no loan

    assert sub.recv(timeout=1000) == "small"
    assert [sub.recv(timeout=1000)[0] for _ in range(2)] == [2, 1]


def test_closing_abandons_an_open_loan(root: Path) -> None:
    import shmcomm

    pub = shmcomm.Publisher("x", root=root)
    loan = pub.loan(3)
    array = loan.__enter__()
    pub.close()
    array[:] = 5
    with pytest.raises(shmcomm.SHMConnectionError, match="closed"):
        loan.__exit__(None, None, None)


def test_a_view_of_an_open_loan_outlives_its_publisher(root: Path) -> None:
    from shmcomm import Publisher

    array = Publisher("x", root=root).loan(3).__enter__()
    gc.collect()

    array[:] = 5
    assert array.sum() == 15


def test_loans_out_of_bounds_are_refused(ends: Ends) -> None:
    import shmcomm

    pub, _ = ends
    with pytest.raises(shmcomm.SHMMessageTooLargeError):
        pub.loan(100 << 20, "u1").__enter__()
    with pytest.raises(ValueError, match="cannot hold object"):
        pub.loan(3, object)
    for shape in (-1, (2, -3)):
        with pytest.raises((ValueError, TypeError)):
            pub.loan(shape, "u1").__enter__()
    with pytest.raises(TypeError):
        pub.loan(3, "no dtype")


def test_a_full_reliable_ring_drops_the_loan(root: Path) -> None:
    from shmcomm import Publisher, Subscriber

    with Publisher("x", reliable=True, capacity=1, root=root) as pub, Subscriber("x", root=root) as sub:
        loans = [pub.loan(1), pub.loan(1)]
        for number, loan in enumerate(loans):
            with loan as array:
                array[0] = number

        assert [loan.sent for loan in loans] == [True, False]
        assert sub.recv(timeout=1000)[0] == 0
        assert sub.try_recv() is None
