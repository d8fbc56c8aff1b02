"""What a registry must be told, so that it sends its events: a snippet for each format."""

import json

_SNIPPETS = {
    "distribution": """\
# config.yml of the registry {name}; replace SECRET by the secret that the settings name
notifications:
  endpoints:
    - name: registry-docker-updater
      url: {address}
      headers:
        Authorization: [Bearer SECRET]
      timeout: 5s
      threshold: 5
      backoff: 5s
      ignore:
        mediatypes: [application/octet-stream]
        actions: [pull]
""",
    "harbor": """\
# Harbor, {name}: in each project under Webhooks, or POST /api/v2.0/projects/PROJECT/webhook/policies;
# replace SECRET by the secret that the settings name
{{
  "name": "registry-docker-updater",
  "enabled": true,
  "event_types": ["PUSH_ARTIFACT"],
  "targets": [
    {{"type": "http", "address": {address}, "auth_header": "Bearer SECRET", "skip_cert_verify": false}}
  ]
}}
""",
}


def snippet(format_name: str, registry: str, url: str) -> str:
    """Return the snippet for ``registry``, where ``url`` is how it reaches the operator."""
    address = json.dumps(f"{url.rstrip('/')}/events/{registry}")
    return _SNIPPETS[format_name].format(name=registry, address=address)
