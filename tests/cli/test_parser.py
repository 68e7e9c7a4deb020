"""The words of the command: help, refusals with a mend, and the bounds of options."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.cli.calls import MEETS, Shell
from toscale.cli.parser import COMMANDS, parse


def test_help_names_every_command_and_every_command_has_help(toscale: Shell) -> None:
    called = toscale("--help")
    assert called.code == 0
    for command in COMMANDS:
        assert re.search(rf"^  {command} ", called.out, re.MULTILINE)
        own = toscale(command, "--help")
        assert own.code == 0
        assert own.out.startswith(f"usage: toscale {command}")
    assert max(map(len, called.out.splitlines())) <= 120


def test_the_version_is_that_of_the_package(toscale: Shell) -> None:
    import toscale as package

    assert toscale("--version").out == f"toscale {package.__version__}\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), ""),
        (("simulat", "a"), "did you mean `simulate`?"),
        (("frobnicate",), "there are new, check"),
        (("--verbose",), "unknown option"),
        (("shop.design.yaml",), "toscale check shop.design.yaml"),
        (("simulate",), "FILE"),
        (("check",), "PATH"),
        (("simulate", "a", "--at", "0x"), "such as 10x"),
        (("simulate", "a", "--at", "nan"), "such as 10x"),
        (("simulate", "a", "--precision", "0"), "such as 2%"),
        (("simulate", "a", "--precision", "99%"), "such as 2%"),
        (("simulate", "a", "--duration", "fortnight"), "such as 60s"),
        (("simulate", "a", "--duration", "0s"), "such as 60s"),
        (("simulate", "a", "--seed", "-1"), "seed"),
        (("simulate", "a", "--seed", "9" * 40), "such as 7"),
        (("simulate", "a", "b"), "unrecognized arguments: b"),
        (("report", "a", "--json"), "--json"),
        (("simulate", "missing.design.yaml"), "toscale new missing.design.yaml"),
        (("simulate", "."), "is a folder"),
        (("simulate", "a\0b"), "no file can be called so"),
        (("explain", "TS20"), "did you mean"),
        (("explain", "nonsense"), "toscale rules"),
    ],
    ids=lambda value: " ".join(value).replace("\0", "NUL") if isinstance(value, tuple) else None,
)
def test_a_call_that_means_nothing_is_2_with_a_mend(
    toscale: Shell, arguments: tuple[str, ...], said: str
) -> None:
    called = toscale(*arguments)
    assert called.code == 2
    assert said in called.err
    assert "Traceback" not in called.err


@pytest.mark.parametrize(
    ("option", "text", "value"),
    [
        ("at", "10x", 10.0),
        ("at", "0.5", 0.5),
        ("precision", "2%", 0.02),
        ("precision", "0.02", 0.02),
        ("duration", "60s", 60.0),
        ("duration", "60", 60.0),
        ("duration", "250ms", 0.25),
        ("duration", "10 min", 600.0),
        ("duration", "2h", 7200.0),
        ("seed", "7", 7),
    ],
)
def test_options_are_read_as_an_engineer_writes_them(option: str, text: str, value: float) -> None:
    options = parse(["simulate", "a.design.yaml", f"--{option}", text])
    assert not isinstance(options, int)
    assert getattr(options, option) == pytest.approx(value)


@given(st.lists(st.text(min_size=1, max_size=12), max_size=4))
def test_any_words_are_read_or_refused(words: list[str]) -> None:
    answer = parse(words)
    assert not isinstance(answer, int) or answer in (0, 2)


def test_every_rule_that_a_check_may_name_can_be_explained(toscale: Shell) -> None:
    listed = re.findall(r"^(TS\d{3})", toscale("rules").out, re.MULTILINE)
    assert len(listed) > 50
    assert listed == sorted(set(listed))
    for code in (*listed, "TS901"):
        called = toscale("explain", code.lower())
        assert called.code == 0
        assert code in called.out


def test_the_schema_accepts_the_start_and_refuses_an_unknown_word(toscale: Shell) -> None:
    import jsonschema
    import yaml

    schema = toscale("schema").json
    jsonschema.validate(yaml.safe_load(MEETS), schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"componets": {}}, schema)
