# SPDX-License-Identifier: Apache-2.0
"""The inventories that shops have: files, folders, programs and plugins, and patterns of hosts."""

import pytest

from fleet.ansible_shop.conftest import write_program
from fleet.shop import (
    OTHER_PORT,
    Shop,
)

pytestmark = pytest.mark.lab


def test_an_ini_inventory_with_group_vars_and_host_vars_beside_it(shop: Shop) -> None:
    """Names with dots, dashes and capitals, hosts in several groups, and another port than 22."""
    shop.write(
        "inventory/hosts.ini",
        "[web]\nWeb-01.Example.com\nlegacy_box-2.EXAMPLE.com\n[production]\nWeb-01.Example.com\n[all:vars]\nansible_user=root\n",
    )
    shop.write("inventory/group_vars/all.yml", {"ansible_ssh_private_key_file": str(shop.lab.private_key)})
    address = shop.lab.host("bastion").address
    shop.write("inventory/group_vars/production.yml", {"ansible_host": address, "ansible_port": OTHER_PORT})
    other = shop.lab.host("beside").address
    shop.write("inventory/host_vars/legacy_box-2.EXAMPLE.com.yml", {"ansible_host": other})

    assert shop.scan() == {"Web-01.Example.com": "bastion", "legacy_box-2.EXAMPLE.com": "beside"}


def test_a_folder_of_static_and_dynamic_inventories_is_one_inventory(shop: Shop) -> None:
    """YAML, a program, and a plugin that makes groups of what both say; `fleet.hosts` picks by those groups."""
    shop.write(
        "inventory/01-static.yml", {"all": {"hosts": {"tools": shop.at("bastion", stage="production")}}}
    )
    write_program(shop, "inventory/02-cloud.py", "node-1", shop.at("beside", stage="production"))
    write_program(shop, "inventory/03-cloud.py", "node-2", shop.at("beside", stage="test"))
    shop.write(
        "inventory/04-constructed.yml",
        {"plugin": "ansible.builtin.constructed", "keyed_groups": [{"key": "stage", "separator": ""}]},
    )

    assert shop.scan("production:!tools") == {"node-1": "beside"}


@pytest.mark.extended
def test_the_hosts_of_the_settings_are_an_ansible_pattern(shop: Shop) -> None:
    """`production:!maintenance` leaves out what a person took out of service."""
    hosts = {name: shop.at("bastion") for name in ("one", "two", "three")}
    groups = {
        "production": {"hosts": hosts},
        "maintenance": {"hosts": {"two": None}},
        "test": {"hosts": {"four": shop.at("bastion")}},
    }
    shop.write("inventory/hosts.yml", {"all": {"children": groups}})
    shop.configure(fleet={"hosts": "production:!maintenance"})

    done = shop.command("fleet", "--scan", "--json")

    assert '"two"' not in done.stdout
    assert '"four"' not in done.stdout
    assert '"one"' in done.stdout
    assert '"three"' in done.stdout


def test_a_dynamic_inventory_that_fails_is_an_error_and_not_an_empty_fleet(shop: Shop) -> None:
    """Half an inventory would look like hosts that have left it."""
    shop.write("inventory/01-static.yml", {"all": {"hosts": {"tools": shop.at("bastion")}}})
    shop.write("inventory/02-cloud.sh", "#!/bin/sh\necho the cloud does not answer >&2\nexit 1\n", 0o755)

    (problem,) = shop.check()

    assert f"{shop.folder}/inventory/02-cloud.sh" in problem
