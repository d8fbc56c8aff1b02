"""The door to those who publish by what their events are known: keys for tokens, and certificates, over PyJWT and cryptography."""
