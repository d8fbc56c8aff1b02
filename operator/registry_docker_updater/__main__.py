"""The command, as it is installed, and as ``python -m registry_docker_updater``."""

import sys

# 128 and the number of SIGINT: as `cli.exits` has it, which is not there yet.
_INTERRUPTED = 130


def main() -> int:
    """Run the command; return its exit code, also where somebody interrupts it while it is still being read."""
    try:
        from registry_docker_updater.cli.main import main as run  # noqa: PLC0415 - so that an interruption is caught
    except KeyboardInterrupt:
        return _INTERRUPTED
    return run()


if __name__ == "__main__":
    sys.exit(main())
