"""Who tries secrets is answered ever more slowly."""

from registry_docker_updater.http.slowing import Slowing


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_the_first_wrong_secrets_are_answered_at_once_and_the_next_ever_later() -> None:
    slowing = Slowing(Clock(), longest=1.0)
    waits = [slowing.wrong("10.0.0.1") for _ in range(30)]
    assert waits[:10] == [0.0] * 10
    assert waits[10:15] == [0.05, 0.1, 0.2, 0.4, 0.8]
    assert set(waits[15:]) == {1.0}
    assert slowing.wrong("10.0.0.2") == 0.0


def test_an_address_that_tries_no_more_is_forgotten() -> None:
    clock = Clock()
    slowing = Slowing(clock, longest=1.0)
    for _ in range(20):
        slowing.wrong("10.0.0.1")
    clock.now = 61.0
    assert slowing.wrong("10.0.0.1") == 0.0


def test_so_many_addresses_are_remembered_and_no_more() -> None:
    slowing = Slowing(Clock(), longest=1.0)
    for number in range(10_050):
        slowing.wrong(f"{number}")
    assert len(slowing._wrong) == 10_000
