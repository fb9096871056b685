"""Takes a screenshot of every page, light and dark, wide and narrow: `python console_screenshots.py DIRECTORY`."""

import os
import sys
import tempfile
from pathlib import Path

from console_browser import DESKTOP, PHONE, World, chromium, window
from tidegate_server import Server


def shoot(page, directory: Path, name: str) -> None:
    page.wait_for_load_state("networkidle")
    page.screenshot(path=directory / f"{name}.png", full_page=True)


def shoot_all(browser, empty: Server, world: World, directory: Path) -> None:
    for scheme in ["light", "dark"]:
        for viewport in [DESKTOP, PHONE]:
            suffix = f"{scheme}-{viewport['width']}"
            with window(browser, color_scheme=scheme, viewport=viewport) as page:
                page.goto(empty.url)
                shoot(page, directory, f"set-up-{suffix}")
                page.goto(f"{world.url}/console/sign-in")
                shoot(page, directory, f"sign-in-{suffix}")
                page.goto(f"{world.url}/console/sign-in?by=token")
                shoot(page, directory, f"sign-in-with-token-{suffix}")
                world.sign_in(page, world.operator)
                for name, path in world.pages().items():
                    page.goto(world.url + path)
                    shoot(page, directory, f"{name}-{suffix}")
                page.goto(f"{world.url}/console/database-tokens/new")
                page.get_by_label("Description").fill("gate 7")
                page.get_by_label("Write flights").check()
                page.get_by_role("button", name="Create token").click()
                # A picture of a secret is a secret as well, also of one that is dead.
                page.locator("#secret").evaluate("secret => { secret.textContent = 'apiv1_' + 'x'.repeat(86); }")
                page.locator("#use-curl").evaluate(
                    "use => { use.textContent = use.textContent.replace(/apiv1_[^']*/, 'apiv1_' + 'x'.repeat(86)); }"
                )
                shoot(page, directory, f"secret-{suffix}")


def main(directory: Path) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    for old in directory.glob("*.png"):
        old.unlink()
    binary = os.environ["TIDEGATE_BIN"]
    with tempfile.TemporaryDirectory() as data, chromium() as browser:
        empty, furnished = (Server(binary, Path(data) / name) for name in ["empty", "furnished"])
        try:
            world = World(furnished)
            world.furnish()
            shoot_all(browser, empty, world, directory)
        finally:
            empty.stop()
            furnished.stop()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
