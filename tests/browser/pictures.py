# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: T201 - a program
"""Pictures of every page, light and dark, as the docs have them: ``make pictures``."""

import argparse
import tempfile
from pathlib import Path

from browser.chromium import chromium
from browser.filled import fill, served

_WIDE, _HIGH = 1280, 860


def pages(target: str) -> dict[str, str]:
    """Every page, by the name of its picture."""
    return {
        "now": "/",
        "fleet": "/fleet?behind=yes",
        "target": f"/targets/{target}",
        "hosts": "/hosts",
        "swarms": "/swarms",
        "rollouts": "/rollouts",
        "rollout": "/rollouts/3",
        "rollout-running": "/rollouts/4",
        "run": "/rollouts/3/runs/update-1",
        "events": "/events",
        "event": "/events/1",
        "messages": "/messages",
        "trail": "/trail",
        "search": "/search?text=shop",
        "silences": "/silences",
        "freezes": "/freezes",
        "login": "/login",
    }


def take(folder: Path) -> None:
    """Take all pictures."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as state, served(Path(state)) as site, chromium() as browser:
        fill(site, "dave")
        api = next(key for key, one in site.fleet.targets.items() if one.name == "api")
        for scheme in ("light", "dark"):
            context = browser.new_context(color_scheme=scheme, viewport={"width": _WIDE, "height": _HIGH})
            page = context.new_page()
            for name, path in pages(api).items():
                page.goto(site.url + path)
                page.screenshot(path=folder / f"{name}-{scheme}.png")
                print(f"{name}, {scheme}")
            context.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    take(parser.parse_args().folder)
