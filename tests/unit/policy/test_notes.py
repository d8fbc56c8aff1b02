"""What is to be known of what owners say: what nobody can read, and what cannot do what it is to do."""

from dataclasses import replace

from registry_docker_updater.core.policy.notes import rule_notes, target_notes
from registry_docker_updater.core.policy.policies import NO_POLICIES, Policies, Policy
from registry_docker_updater.core.policy.reading import read_rules
from unit.builders import HOST, container, fleet, host, labelled

LATEST = container(image=f"{HOST}/test/app:latest")
INCOMPARABLE = "it runs latest, which is no whole version as `semver ^1.4` follows, such as 1.4.2"


def test_a_target_is_told_why_it_follows_no_tag_wherever_it_is_said_that_it_is_to() -> None:
    policies = Policies((Policy(read_rules((("follow", "semver ^1.4"),), "policies.0."), ("production",)),))
    by_label, by_host = (
        labelled(LATEST, follow="semver ^1.4"),
        host("solo", policy=(("follow", "semver ^1.4"),)),
    )
    for target, known, said, registry in (
        (by_label, fleet(by_label), NO_POLICIES, None),
        (LATEST, fleet(LATEST, hosts=(by_host,)), NO_POLICIES, None),
        (LATEST, fleet(LATEST), policies, "production"),
    ):
        (note,) = target_notes(target, known, said, registry)
        assert note.startswith(INCOMPARABLE)
    assert list(target_notes(LATEST, fleet(LATEST), policies, "other")) == []
    assert list(target_notes(container(), fleet(container()), NO_POLICIES, None)) == []
    nameless = replace(by_label, reference=None)
    assert list(target_notes(nameless, fleet(nameless), NO_POLICIES, None)) == []


def test_a_host_is_told_what_of_its_policy_and_its_targets_nobody_can_read_but_what_it_says_itself() -> None:
    typo, following = labelled(container(), typo="x"), labelled(LATEST, follow="semver ^1.4")
    one = host("solo", policy=(("windows", "x"),))
    of_policy, *of_targets = rule_notes(one, fleet(typo, hosts=(one,)))
    assert of_policy.startswith("docker_update_policy: ")
    (of_typo,) = of_targets
    assert of_typo.startswith("container web: ")
    knows = host("solo", warnings=(of_typo,))
    assert list(rule_notes(knows, fleet(typo, hosts=(knows,)))) == []
    (of_following,) = rule_notes(host("solo"), fleet(following))
    assert of_following.startswith(f"container web: {INCOMPARABLE}")
