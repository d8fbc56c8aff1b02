"""Where in the file what is wrong stands: every problem, all at once, and what YAML itself does not allow."""

from pathlib import Path
from typing import Any

import pytest

from registry_docker_updater.errors import BadSettings
from registry_docker_updater.settings.loading import load
from registry_docker_updater.settings.places import NotReadable, Place, read


def said_of(folder: Path, text: str | bytes) -> list[str]:
    (folder / "config.yml").write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(BadSettings) as bad:
        load(folder / "config.yml")
    return list(bad.value.problems)


def test_every_problem_has_its_line_and_column_also_those_between_sections(folder: Path) -> None:
    """None hides another: not one within a registry those of its own, nor one anywhere those between sections."""
    found = said_of(
        folder,
        """\
listen:
  prot: 8080
  port: many
registries:
  production:
    format: harbr
    hosts: [registry.example.com]
    insecure: true
    secret: {file: secrets/production}
  test:
    format: quay
    hosts:
      - Registry.example.com
      - https://test.example.com
    next_secret: hunter2
    sweep_interval: never
  "a/b": {format: harbor, hosts: [ab.example.com], secret: {file: secrets/production}}
fleet: {invntory: inventory, scan_interval: 10}
rollouts: {retry: {first: 1h, attempts: 0}}
policies:
  - {registries: [prod], soak: 1d}
notifications:
  receivers:
    team a: {gets: all}
    ops:
      gets: [{}]
      topics: [failures]
""",
    )
    assert [one.partition(" is not a format")[0].partition("; known")[0] for one in found] == [
        "line 2, column 3: listen.prot: is not a setting; did you mean port?",
        "line 3, column 3: listen.port: is to be a whole number",
        "line 6, column 5: registries.production.format: 'harbr'",
        "line 9, column 5: registries.production.secret: stands beside insecure: true, and nobody would be asked for it",
        (
            "line 10, column 3: registries.test.secret: is missing, and whoever reaches the port could have images deployed;"
            " set it, or insecure: true"
        ),
        "line 13, column 9: registries.test.hosts.0: Registry.example.com belongs to registries.production already",
        (
            "line 14, column 9: registries.test.hosts.1: 'https://test.example.com' is not a registry host: expected host or"
            " host:port, without https://"
        ),
        (
            "line 15, column 5: registries.test.next_secret: write {file: PATH} or {env: NAME}; a secret itself never stands in"
            " the settings"
        ),
        (
            "line 16, column 5: registries.test.sweep_interval: is never, but events of format quay name no digest: the registry"
            " is to be asked"
        ),
        "line 17, column 3: registries.a/b: a name is letters, digits, _ . and -, for it is part of paths and labels",
        "line 18, column 1: fleet.inventory: is missing",
        "line 18, column 9: fleet.invntory: is not a setting; did you mean inventory?",
        "line 18, column 30: fleet.scan_interval: 10 is not a duration: write a number and a unit, such as 10s, 15m or 1h",
        "line 19, column 12: rollouts.retry.longest: first is longer than longest",
        "line 19, column 31: rollouts.retry.attempts: is to be 1 or more",
        "line 21, column 19: policies.0.registries.0: prod is for none of the registries, which are a/b, production, test",
        (
            "line 24, column 5: notifications.receivers.team a: a name is letters, digits, _ . and -, for it is part of paths"
            " and labels"
        ),
        (
            "line 24, column 14: notifications.receivers.team a.gets: is to be 'everything', 'the rest' or 'labelled', or is to"
            " be a list, such as [one, two]"
        ),
        (
            "line 26, column 14: notifications.receivers.ops.gets.0: has no condition; write `gets: everything` where that is"
            " meant"
        ),
        (
            "line 27, column 16: notifications.receivers.ops.topics.0: is to be 'update failed', 'waiting for a person',"
            " 'registry silent', 'update waits', 'image updated' or 'started'"
        ),
    ]


@pytest.mark.parametrize(
    ("text", "problems"),
    [
        ("", ["is empty: it is to have sections such as registries: and fleet:"]),
        ("# nothing yet\n", ["is empty: it is to have sections such as registries: and fleet:"]),
        ("- one\n", ["expected sections such as registries: and fleet:"]),
        ("fleet:\n\tinventory: x\n", ["line 2, column 1: a tab stands where YAML takes spaces only"]),
        (
            "fleet: {}\n---\nfleet: {}\n",
            ["line 2, column 1: a second document begins (---): all settings are one"],
        ),
        (b"fleet: {}\nlog: \xff\n", ["line 2, column 1: is not UTF-8 from here on: save the file as UTF-8"]),
        ("fleet: {}\nlog: \0\n", ["line 2, column 1: holds a character that YAML does not allow, U+0000"]),
        (
            "fleet: {}\nlog: [\n",
            [
                (
                    "line 3, column 1: is not valid YAML: while parsing a flow node, expected the node content, but found '<stream"
                    " end>'"
                )
            ],
        ),
        ("fleet: *other\n", ["line 1, column 8: is not valid YAML: found undefined alias 'other'"]),
        ("fleet: !!python/name:os.system\n", ["line 1, column 8: is not valid YAML: could not determine"]),
        ("fleet: &all\n  again: *all\n", ["line 1, column 8: holds itself, by an alias"]),
        ("[" * 10000, ["is not valid YAML: is nested too deep"]),
    ],
)
def test_what_yaml_does_not_allow_is_said_with_its_place(
    folder: Path, text: str | bytes, problems: list[str]
) -> None:
    found = said_of(folder, text)
    assert len(found) == len(problems)
    assert all(one.startswith(problem) for one, problem in zip(found, problems, strict=True)), found


# What is right, for files that have one mistake.
RIGHT = """\
registries:
  production: {format: harbor, hosts: [registry.example.com], secret: {file: secrets/production}}
fleet: {inventory: inventory}
"""


def test_a_name_that_stands_twice_hides_nothing_else(folder: Path) -> None:
    assert said_of(folder, RIGHT + "log: {level: loud}\nruns: {}\nruns: {kept: 1}\nfleet: {inventory: inventory}\n") == [
        "line 4, column 7: log.level: is to be 'error', 'warning', 'info' or 'debug'",
        "line 6, column 1: runs stands twice in this section, before in line 5",
        "line 6, column 8: runs.kept: is not a setting; did you mean keep?",
        "line 7, column 1: fleet stands twice in this section, before in line 3",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ("2026-99-99", "timestamp"),
        ("!!timestamp x", "timestamp"),
        ("!!bool x", "bool"),
        ('!!int "x"', "int"),
        ('!!int ""', "int"),
        ('!!float ""', "float"),
        ("9" * 5000, "int"),
    ],
)
def test_a_value_that_is_not_of_its_type_has_its_place_and_hides_nothing_else(
    folder: Path, value: str, kind: str
) -> None:
    found = said_of(folder, f"{RIGHT}log:\n  format: {value}\n  level: loud\n")
    assert found == [
        "line 5, column 3: log.format: is to be 'text' or 'json'",
        f"line 5, column 11: is not valid YAML: this is no {kind}; put it in quotes where it is text",
        "line 6, column 3: log.level: is to be 'error', 'warning', 'info' or 'debug'",
    ]


def test_half_a_character_has_its_place_and_two_halves_are_one(folder: Path) -> None:
    assert said_of(folder, RIGHT + 'log: {"\\ud800": 1}\n') == [
        "line 4, column 7: holds half a character, such as \\ud800",
        "line 4, column 7: log.\ufffd: is not a setting",
    ]
    # As programs write JSON.
    (folder / "config.yml").write_text(RIGHT.replace("fleet: {", 'fleet: {hosts: "\\ud83d\\ude00", '))
    assert load(folder / "config.yml").fleet.hosts == "\N{GRINNING FACE}"


def test_names_are_text_as_they_stand_there(folder: Path) -> None:
    names = ("5", "yes", "1.50", "2026-11-27", "null", "0x1F")
    lines = [
        f"  {name}: {{format: harbor, hosts: [host{n}], insecure: true}}\n" for n, name in enumerate(names)
    ]
    text = f"registries:\n{''.join(lines)}fleet: {{inventory: inventory}}\n"
    (folder / "config.yml").write_text(text)
    assert tuple(load(folder / "config.yml").registries) == names
    (found,) = said_of(folder, text.replace("[host1]", "[host0]"))
    assert found == "line 3, column 33: registries.yes.hosts.0: host0 belongs to registries.5 already"


def test_aliases_that_hold_more_than_memory_does_are_refused() -> None:
    """A file of ten lines, with a thousand million entries."""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 10)]
    with pytest.raises(NotReadable, match="holds too much: aliases"):
        read("\n".join(lines).encode())


@pytest.mark.parametrize(
    ("text", "path", "place"),
    [
        ("a: 1", ("a",), Place(1, 1)),
        ("\ufeffa: 1", ("a",), Place(1, 1)),
        ("a:\n  b: [1,\n   2]", ("a", "b", 1), Place(3, 4)),
        ("a: &a {b: 1}\nc:\n  <<: *a\n  d: 2\n", ("c", "b"), Place(1, 8)),
        ("a: &a {b: 1}\nc:\n  <<: *a\n  b: 2\n", ("c", "b"), Place(4, 3)),
    ],
)
def test_everything_has_its_place(text: str, path: tuple[Any, ...], place: Place) -> None:
    assert read(text.encode()).places[path] == place


def test_no_secret_that_stands_there_by_mistake_is_told(folder: Path) -> None:
    text = (
        "registries:\n  one: {format: harbor, hosts: [one], secret: hunter2}\nfleet: {inventory: inventory}\n"
    )
    (found,) = said_of(folder, text)
    assert found.startswith("line 2, column 39: registries.one.secret: write {file: PATH}")
    assert "hunter2" not in found
