# SPDX-License-Identifier: Apache-2.0
"""Two real swarms and two registries for the tests of the module swarm_service."""

from collections.abc import Iterator

import pytest

from fleet.services_place import Stage, stage_of
from lab import Lab, LabSpec, RegistrySpec, SwarmSpec

PASSWORD = "s3cret-Pass"


_FLEET = LabSpec(
    "services",
    swarms=(
        SwarmSpec("alpha", managers=1, workers=1, suite="bookworm"),
        SwarmSpec("beta", managers=3, suite="trixie"),
    ),
    registries=(
        RegistrySpec("registry"),
        RegistrySpec("closed", 5001, username="app", password=PASSWORD),
    ),
)


@pytest.fixture(scope="package")
def lab() -> Iterator[Lab]:
    with Lab.running(_FLEET) as lab:
        yield lab


@pytest.fixture(scope="package")
def stage(lab: Lab, request: pytest.FixtureRequest) -> Iterator[Stage]:
    stage = stage_of(lab, request)
    yield stage
    stage.close()
