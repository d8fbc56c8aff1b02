# SPDX-License-Identifier: Apache-2.0
"""What a lab shall be, before there is one."""

import pytest

from lab import Endpoint, HostSpec, Lab, LabSpec, RegistrySpec, SwarmSpec
from lab.places import outer_interface


def test_hosts_without_a_suite_take_turns_and_get_addresses_in_order() -> None:
    spec = LabSpec("demo", (HostSpec("a"), HostSpec("b", "sid")), (SwarmSpec("s", 1, 1),))
    planned = [(host.name, host.suite, host.address.rpartition(".")[2]) for host in spec.planned_hosts]
    assert planned == [
        ("a", "trixie", "10"),
        ("b", "sid", "11"),
        ("s-m1", "bookworm", "12"),
        ("s-w1", "trixie", "13"),
    ]


def test_the_address_follows_from_the_name_alone() -> None:
    assert LabSpec("demo").address == LabSpec("demo", (HostSpec("a"),)).address
    assert LabSpec("demo").address != LabSpec("other").address
    assert LabSpec("demo").address.startswith(("198.18.", "198.19."))


def test_a_spec_survives_being_written_down() -> None:
    endpoint = Endpoint("updater", "http://198.18.0.1:8080/", "Bearer x")
    spec = LabSpec(
        "demo",
        (HostSpec("a"), HostSpec("b", "bookworm")),
        (SwarmSpec("s", 2, 1, ("trixie", "bookworm", "sid")), SwarmSpec("t", suite="sid"), SwarmSpec("u")),
        (RegistrySpec("registry", 5000, (endpoint,)), RegistrySpec("closed", 5001, (), "me", "secret")),
    )
    assert LabSpec.from_json(spec.to_json()) == spec


def test_names_of_interfaces_fit() -> None:
    assert len(outer_interface("a" * 31)) <= 15


@pytest.mark.parametrize("name", ["", "Demo", "-a", "a-", "a.b", "a/b", "a_b", "a" * 32])
def test_a_name_that_fits_no_host_name_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="lower-case letters"):
        LabSpec(name)


@pytest.mark.parametrize("name", ["", "..", "/", "a/../b"])
def test_nothing_is_removed_for_what_is_no_name(name: str) -> None:
    with pytest.raises(ValueError, match="lower-case letters"):
        Lab.remove(name)


def test_names_and_ports_that_clash_are_refused() -> None:
    with pytest.raises(ValueError, match="the same host: s-m1"):
        LabSpec("demo", (HostSpec("s-m1"),), (SwarmSpec("s"),))
    with pytest.raises(ValueError, match="the same registry port: 5000"):
        LabSpec("demo", registries=(RegistrySpec("a"), RegistrySpec("b")))


def test_suites_must_be_known_and_as_many_as_nodes() -> None:
    with pytest.raises(ValueError, match="known are"):
        HostSpec("a", "potato")
    with pytest.raises(ValueError, match="1 suites for 2 nodes"):
        SwarmSpec("s", 1, 1, ("sid",))
