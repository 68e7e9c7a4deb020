"""A file of measured times gives its times, or says what is wrong with it, and never what else it holds."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from toscale.quantity import measured
from toscale.quantity.errors import QuantityError
from toscale.quantity.measured import read_measured


@given(
    st.lists(st.floats(0, 1e9), min_size=1, max_size=20),
    st.sampled_from(["", ",x", " , 3", "\n", "\n# note"]),
)
@settings(max_examples=50, deadline=None)
def test_the_first_column_is_the_times_in_their_order(tmp_path_factory, values, end):
    file = tmp_path_factory.mktemp("times") / "times.csv"
    file.write_text("# seconds\n" + "".join(f"{value!r}{end}\n" for value in values), encoding="utf-8")
    assert read_measured("times.csv", str(file.parent / "a.design.yaml")) == values


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "has no values"),
        (b"# only this\n\n", "has no values"),
        (b"0.1\nsecret\n", "Line 2"),
        (b"0.1\n\n-1\n", "Line 3"),
        (b"nan\n", "Line 1"),
        (b"1e400\n", "Line 1"),
        (b"\xff\xfe\n", "no text"),
    ],
)
def test_what_is_no_file_of_times_is_refused_with_the_line(tmp_path, content, said):
    (tmp_path / "times.csv").write_bytes(content)
    with pytest.raises(QuantityError) as caught:
        read_measured("times.csv", str(tmp_path / "a.design.yaml"))
    assert caught.value.code == "unreadable-file"
    assert said in caught.value.message
    assert "secret" not in str(caught.value)
    assert caught.value.suggestion


@pytest.mark.parametrize("name", ["", "nowhere.csv", ".", "/dev/zero", "pipe", "a\0b", "x" * 5_000])
def test_what_is_no_file_is_refused_and_nothing_is_waited_for(tmp_path: Path, name: str):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(QuantityError, match=r"no file that is there|cannot be read"):
        read_measured(name, str(tmp_path / "a.design.yaml"))


def test_a_file_is_read_up_to_a_bound(tmp_path, monkeypatch):
    (tmp_path / "times.csv").write_text("1\n" * 5, encoding="utf-8")
    monkeypatch.setattr(measured, "MOST_VALUES", 4)
    with pytest.raises(QuantityError, match="more than 4 values"):
        read_measured(str(tmp_path / "times.csv"))
    monkeypatch.setattr(measured, "MOST_FILE_BYTES", 9)
    with pytest.raises(QuantityError, match="larger than"):
        read_measured(str(tmp_path / "times.csv"))
