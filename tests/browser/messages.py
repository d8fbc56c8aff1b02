# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: T201 - a program
"""Pictures of what arrives on each channel, made of the role's templates and its samples, as the docs have them: ``make pictures``.

Cards are drawn by Microsoft's own renderer with the settings that its designer has for Teams, both from npm. Slack publishes no
renderer: ``_slack`` draws the few blocks that our template uses, about as Slack does.
"""

import argparse
import html
import json
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

from playwright.sync_api import Browser

from browser.chromium import chromium
from integration.notification.rendering import bundle, in_json, rendered, samples, words

_CARDS, _DESIGNER = "adaptivecards@3.0.5", "adaptivecards-designer@2.4.4"
_WIDE = 760

_STYLE = "body { margin: 0; padding: 16px; font: 15px/1.45 Lato, 'Segoe UI', Arial, sans-serif; background: #fff; color: #1d1c1d }"
_SLACK = """
.app { font-weight: 900 } .app small { background: #ddd; padding: 0 3px; font-weight: 400; border-radius: 2px }
hr { border: 0; border-top: 1px solid #ddd; margin: 12px 0 } h3 { font-size: 18px; margin: 8px 0 } section { white-space: pre-wrap; margin: 8px 0; overflow-wrap: anywhere } a { color: #1264a3 }
"""

# Draws the card that stands in `card`, and says what the renderer found wrong with it.
_DRAW = """([card, settings]) => {
  const context = new AdaptiveCards.SerializationContext(AdaptiveCards.Versions.v1_4);
  const drawn = new AdaptiveCards.AdaptiveCard();
  drawn.hostConfig = new AdaptiveCards.HostConfig(settings);
  drawn.parse(card, context);
  document.body.appendChild(drawn.render());
  return Array.from({length: context.eventCount}, (_, index) => context.getEventAt(index).message);
}"""


def take(folder: Path) -> None:
    """Take all pictures."""
    folder.mkdir(parents=True, exist_ok=True)
    said = {name: words(message) for name, message in _messages()}
    with tempfile.TemporaryDirectory() as place, chromium() as browser:
        cards, designer = (_unpacked(package, Path(place)) for package in (_CARDS, _DESIGNER))
        for name, one in said.items():
            _picture(browser, _slack(in_json("slack", one)), folder / f"message-slack-{name}.png")
            _teams(browser, cards, designer, in_json("teams", one), folder / f"message-teams-{name}.png")
            page = rendered("email.html.j2", one)
            schemes: tuple[Literal["light", "dark"], ...] = ("light", "dark")
            for scheme in schemes:
                _picture(browser, page, folder / f"message-email-{name}-{scheme}.png", scheme)
        event = json.dumps(in_json("webhook", said["failed"]), indent=2, ensure_ascii=False)
        _picture(browser, _text(event), folder / "message-webhook.png")
        short = f"{rendered('apprise.title.txt.j2', said['failed'])}\n{rendered('apprise.txt.j2', said['failed'])}"
        _picture(browser, _text(short), folder / "message-apprise.png")


def _messages() -> Iterator[tuple[str, dict[str, Any]]]:
    for name, topic in (("updated", "image updated"), ("failed", "update failed")):
        yield name, {**samples()[topic], "sent_for": None}
    yield "bundle", bundle()


def _unpacked(package: str, place: Path) -> Path:
    """Get a package of npm, without running anything of it."""
    done = subprocess.run(
        ["npm", "pack", "--silent", "--ignore-scripts", package],
        cwd=place,
        capture_output=True,
        text=True,
        check=True,
    )
    folder = place / package
    with tarfile.open(place / done.stdout.strip()) as archive:
        archive.extractall(folder, filter="data")
    return folder / "package"


def _picture(browser: Browser, page: str, file: Path, scheme: Literal["light", "dark"] = "light") -> None:
    context = browser.new_context(color_scheme=scheme, viewport={"width": _WIDE, "height": 200})
    shown = context.new_page()
    shown.set_content(page)
    shown.screenshot(path=file, full_page=True)
    context.close()
    print(file.name)


def _teams(browser: Browser, cards: Path, designer: Path, message: Any, file: Path) -> None:
    settings = json.loads((designer / "lib" / "hostConfigs" / "microsoft-teams-light.json").read_text())
    page = browser.new_page(viewport={"width": _WIDE, "height": 200})
    page.set_content(f"<!DOCTYPE html><style>{_STYLE}</style>")
    page.add_style_tag(path=cards / "dist" / "adaptivecards.css")
    page.add_script_tag(path=cards / "dist" / "adaptivecards.js")
    wrong = page.evaluate(_DRAW, [message["attachments"][0]["content"], settings])
    if wrong:
        raise SystemExit(f"{file.name}: the renderer of Adaptive Cards says: {wrong}")
    page.screenshot(path=file, full_page=True)
    page.close()
    print(file.name)


def _slack(message: Any) -> str:
    drawn = "".join(map(_block, message["blocks"]))
    head = '<div class="app">registry-docker-updater <small>APP</small></div>'
    return f"<!DOCTYPE html><style>{_STYLE}{_SLACK}</style>{head}{drawn}"


def _block(block: Any) -> str:
    if block["type"] == "divider":
        return "<hr>"
    if block["type"] == "header":
        return f"<h3>{html.escape(html.unescape(block['text']['text']))}</h3>"
    return "".join(
        f"<section>{_slack_text(text)}</section>" for text in (block["text"], *block.get("fields", ()))
    )


def _slack_text(text: Any) -> str:
    if text["type"] == "mrkdwn":
        address, _, label = text["text"].strip("<>").partition("|")
        return f'<a href="{html.escape(address)}">{html.escape(label)}</a>'
    return html.escape(html.unescape(text["text"]))


def _text(text: str) -> str:
    style = "pre { white-space: pre-wrap; font: 12px/1.4 'DejaVu Sans Mono', monospace; overflow-wrap: anywhere; margin: 0 }"
    return f"<!DOCTYPE html><style>{_STYLE}{style}</style><pre>{html.escape(text)}</pre>"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    take(parser.parse_args().folder)
