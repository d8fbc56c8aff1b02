"""Lets ``python -m registry_docker_updater`` be the command."""

import sys

from registry_docker_updater.cli.main import main

sys.exit(main())
