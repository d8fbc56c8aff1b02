"""What the world sees over HTTP: the receiver of events, and the API. The only door to Bottle and httptools."""
