# SPDX-License-Identifier: Apache-2.0
"""Vaults: wherever a shop keeps the password, and what is said where it is not the right one."""

import pytest

from fleet.ansible_shop.conftest import REMEDY, VAULT_PASSWORD
from fleet.shop import (
    DEPLOY_PASSWORD,
    Shop,
    sealed,
)

pytestmark = pytest.mark.lab


def _write_vaulted(shop: Shop, name: str = "default") -> None:
    """A whole file in the vault, and one variable; without both there is no way in."""
    shop.write(
        "inventory/hosts.yml", {"all": {"hosts": {"tools": shop.at("bastion", ansible_user="deploy")}}}
    )
    whole = sealed("vault_method: sudo\n", VAULT_PASSWORD, name)
    shop.write("inventory/group_vars/all/vault.yml", whole)
    one = "\n".join(f"  {line}" for line in sealed(DEPLOY_PASSWORD, VAULT_PASSWORD, name).splitlines())
    shop.write(
        "inventory/group_vars/all/main.yml",
        f'ansible_become: true\nansible_become_method: "{{{{ vault_method }}}}"\nansible_become_password: !vault |\n{one}\n',
    )


def test_a_vault_whose_password_file_stands_in_ansible_cfg(shop: Shop) -> None:
    _write_vaulted(shop)
    shop.write("vault-password", VAULT_PASSWORD, 0o600)
    shop.configure("vault_password_file = vault-password")
    assert shop.scan() == {"tools": "bastion"}


@pytest.mark.extended
def test_a_vault_whose_password_file_stands_in_the_environment(shop: Shop) -> None:
    _write_vaulted(shop)
    path = shop.write("vault-password", VAULT_PASSWORD, 0o600)
    assert Shop(shop.lab, shop.folder, {"ANSIBLE_VAULT_PASSWORD_FILE": str(path)}).scan() == {
        "tools": "bastion"
    }


@pytest.mark.extended
def test_a_vault_id_whose_password_a_program_gives(shop: Shop) -> None:
    """A program whose name ends with -client is told which identity it is asked for."""
    _write_vaulted(shop, "prod")
    shop.write("keys-client", f'#!/bin/sh\n[ "$1 $2" = "--vault-id prod" ] && echo {VAULT_PASSWORD}\n', 0o755)
    shop.configure("vault_identity_list = prod@keys-client")
    assert shop.scan() == {"tools": "bastion"}


@pytest.mark.parametrize(
    ("lines", "cause"),
    [
        ((), "no vault secrets found"),
        pytest.param(("ask_vault_pass = true",), "no vault secrets found", marks=pytest.mark.extended),
        (("vault_password_file = wrong",), "no vault secrets were found that could decrypt"),
        pytest.param(("vault_password_file = missing",), "missing was not found", marks=pytest.mark.extended),
    ],
    ids=["none", "asked", "wrong", "missing"],
)
def test_without_the_right_vault_password_check_names_cause_and_remedy(
    shop: Shop, lines: tuple[str, ...], cause: str
) -> None:
    """Nor does anything wait for somebody who types it."""
    _write_vaulted(shop)
    shop.write("wrong", "not this one", 0o600)
    shop.configure(*lines)

    problem = " ".join(shop.check())

    assert cause in problem
    assert REMEDY in problem or "missing" in problem
